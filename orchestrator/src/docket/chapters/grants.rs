//! Grants (授权) as a tree from the authority over the first tier to the second, stays in the laboratory, agreements and their versions
//! (A1, A4, A7, A13, A14).
//!
//! | to see | open |
//! |---|---|
//! | what each document changes | [`documents`] |
//! | what follows for jobs, also from the chapters beside this one | [`backing`] |

pub mod backing;
pub mod documents;
#[cfg(test)]
pub(crate) mod tests;

use super::super::book::Book;
use super::super::kind::Kind;
use super::{Chapter, none};
use crate::fault::Result;
use crate::node::Node;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::grant::agreement::Versions;
use yu_governance::grant::{Agreement, Grant, Kind as GrantKind, LabGrant, LabReport, Revocation, Tree};
use yu_governance::id::AuthorisationId;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "grants",
    title: ("grants, laboratory, agreements", "授权、数据实验室与协议"),
    kinds: &[Kind::of::<Grant>(), Kind::of::<Revocation>(), Kind::of::<LabGrant>(), Kind::of::<LabReport>(), Kind::of::<Agreement>()],
    tell,
    // they need the authorisation's text, which is no document of the docket: `backing`
    objections: none,
};

/// One stay in the laboratory.
pub struct Stay {
    /// What was granted.
    pub grant: LabGrant,
    /// Hash of the report on it.
    pub report: Option<Hash>,
}

/// Everything that is granted.
#[derive(Default)]
pub struct Given {
    tree: Option<Tree>,
    labs: BTreeMap<AuthorisationId, Stay>,
    agreements: BTreeMap<AuthorisationId, Versions>,
    /// Leaves that go on where another one ends.
    renewals: BTreeMap<AuthorisationId, AuthorisationId>,
}

impl Given {
    /// The tree, once something is granted.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref().filter(|tree| tree.grants().next().is_some())
    }

    /// The tree under the rules in force.
    fn tree_under(&mut self, law: &Law) -> &mut Tree {
        let (rules, authorities) = (law.rules().tree(), vec![law.authority.clone()]);
        let tree = self.tree.get_or_insert_with(|| Tree::new(rules, authorities.clone()));
        // what was granted stays; what is granted now follows the profile of now
        tree.govern(rules, authorities);
        tree
    }

    /// The stay of this name.
    #[must_use]
    pub fn lab(&self, id: &AuthorisationId) -> Option<&Stay> {
        self.labs.get(id)
    }

    /// The version of a grant's agreement that is in force.
    #[must_use]
    pub fn agreement(&self, id: &AuthorisationId, at: Time) -> Option<Hash> {
        self.agreements.get(id)?.in_force(at)
    }

    /// Whether a report on a stay is filed.
    #[must_use]
    pub fn has_report(&self, report: &Hash) -> bool {
        self.labs.values().any(|stay| stay.report == Some(*report))
    }

    /// Whether the organisation holds a grant from which others hang.
    #[must_use]
    pub fn is_first_tier(&self, organisation: &str) -> bool {
        self.tree.iter().flat_map(Tree::grants).any(|grant| grant.kind == GrantKind::Root && grant.grantee == organisation)
    }
}

/// Whether an authorisation is a stay in the laboratory.
///
/// # Errors
/// `storage.damaged`.
pub fn is_lab(node: &Node, id: &str) -> Result<bool> {
    let Ok(id) = id.parse::<AuthorisationId>() else { return Ok(false) };
    node.docket().with(node, |book| Ok(book.grants.lab(&id).is_some()))
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let given = &book.grants;
    let mut told = Vec::new();
    for grant in given.tree.iter().flat_map(Tree::grants) {
        let (id, to) = (&grant.id, &grant.grantee);
        let kind = match grant.kind {
            GrantKind::Root => ("root", "根授权"),
            GrantKind::Delegation => ("delegation", "转授权"),
            GrantKind::Leaf { .. } => ("authorises", "授权"),
        };
        let end = given.tree.as_ref().and_then(|tree| tree.stops_at(id)).unwrap_or(grant.scope.not_after);
        let state = if now >= end { ("ENDED", "已止") } else { ("until", "至") };
        told.push((format!("{id}: {} {to}, {} {end}", kind.0, state.0), format!("{id}：{} {to}，{} {end}", kind.1, state.1)));
        if matches!(grant.kind, GrantKind::Leaf { .. }) && now < end {
            told.extend(next_term(given, law, id, end, now));
        }
    }
    for (id, stay) in &given.labs {
        let report = if stay.report.is_some() { ("reported", "已出具报告") } else { ("no report yet", "尚无报告") };
        let (to, end) = (&stay.grant.applicant, stay.grant.not_after);
        told.push((
            format!("{id}: laboratory of {to} until {end}, {}", report.0),
            format!("{id}：{to} 的数据实验室，至 {end}，{}", report.1),
        ));
    }
    for id in given.agreements.keys() {
        let version = given.agreement(id, now).map_or_else(|| "none".to_owned(), |hash| hash.to_string());
        told.push((format!("{id}: agreement in force {version}"), format!("{id}：现行协议 {version}")));
    }
    told
}

/// What is known of the term after this one (A4): it is granted, or may be applied for, or not yet.
fn next_term(given: &Given, law: &Law, id: &AuthorisationId, end: Time, now: Time) -> Option<(String, String)> {
    if let Some((next, _)) = given.renewals.iter().find(|(_, old)| *old == id) {
        return Some((format!("  goes on as {next}"), format!("  期满后由 {next} 接续")));
    }
    match law.rules().renewal_opens(end) {
        Some(opens) if now < opens => {
            Some((format!("  the next term is applied for from {opens} on"), format!("  自 {opens} 起可申请延续")))
        }
        Some(_) => Some(("  REMINDER: the next term may be applied for now".into(), "  提醒：现可申请延续".into())),
        None => None,
    }
}
