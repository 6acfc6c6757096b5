//! The tree itself. It can be built only so that every leaf lies within all its ancestors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scope::{Measures, Quota, Scope};
use crate::authorisation::{Authorisation, ContingencyPlan};
use crate::canonical::{Hash, digest, to_canonical};
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, DatasetId, PartyName, Purpose, Scenario};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::{need_reason, refuse};

/// What a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// Of the authority to a first-level operator, for a city or a field. Lets no job run (A1).
    Root,
    /// Given on, to be given on again. Lets no job run.
    Delegation,
    /// Lets jobs of one scenario run, under one plan (A1, A2).
    Leaf {
        /// The one scenario.
        scenario: Scenario,
        /// Hash of its contingency plan.
        plan: Hash,
    },
}

/// One grant, signed by who gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Format version, 1.
    pub v: u32,
    /// Its name.
    pub id: AuthorisationId,
    /// The grant that it is a part of; absent in a root, and in a leaf that the authority gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AuthorisationId>,
    /// The node that gives it and signs.
    pub grantor: PartyName,
    /// The organisation that receives it.
    pub grantee: String,
    /// What for.
    pub kind: Kind,
    /// What it covers.
    pub scope: Scope,
}

impl SignedType for Grant {
    const TYPE: &'static str = "grant-v1";
}

/// A grant is taken back, with everything below it (A14, L1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Format version, 1.
    pub v: u32,
    /// Which grant.
    pub grant: AuthorisationId,
    /// Who takes it back and signs: its grantor, or the grantor of one above.
    pub by: PartyName,
    /// Why.
    pub reason: Text,
    /// From when on.
    pub at: Time,
}

impl SignedType for Revocation {
    const TYPE: &'static str = "grant-revocation-v1";
}

/// What a profile says about the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRules {
    /// Whether there are root grants at all (ZZ 7-8, ZW 4); without them every leaf comes from the authority.
    pub roots: bool,
    /// Most grants from a root to a leaf, both counted.
    pub max_depth: u32,
    /// Longest term in years (A4).
    pub max_term_years: i32,
}

/// A leaf that a revocation stops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// The leaf.
    pub leaf: AuthorisationId,
    /// First second at which nothing of it may run.
    pub at: Time,
}

/// All grants of a domain. Nothing is ever taken out: what was revoked stays, with the moment of its end.
#[derive(Debug, Clone)]
pub struct Tree {
    rules: TreeRules,
    authorities: Vec<PartyName>,
    grants: BTreeMap<AuthorisationId, Grant>,
    revoked: BTreeMap<AuthorisationId, Time>,
}

impl Tree {
    /// An empty tree under these authorities.
    #[must_use]
    pub const fn new(rules: TreeRules, authorities: Vec<PartyName>) -> Self {
        Self { rules, authorities, grants: BTreeMap::new(), revoked: BTreeMap::new() }
    }

    /// From now on these rules hold for what is added; what was added stays as it is.
    pub fn govern(&mut self, rules: TreeRules, authorities: Vec<PartyName>) {
        (self.rules, self.authorities) = (rules, authorities);
    }

    /// All grants, by name.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }

    /// Adds a grant signed by its grantor.
    ///
    /// # Errors
    /// `Signature`; `Refused` with `grant.*` for one that is malformed, given by somebody who does not hold the grant above,
    /// or beyond it in data set, column, purpose, term or quota (its siblings' quotas counted).
    pub fn add(&mut self, signed: &Signed<Grant>, keys: &KeyRing) -> Result<()> {
        let grant = signed.verify(keys, &[signed.payload.grantor.as_str()])?;
        self.check_form(grant)?;
        match &grant.parent {
            None => self.check_top(grant)?,
            Some(parent) => self.check_below(grant, parent)?,
        }
        self.grants.insert(grant.id.clone(), grant.clone());
        Ok(())
    }

    /// The grant of this name.
    #[must_use]
    pub fn get(&self, id: &AuthorisationId) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// Takes a grant back; gives every leaf that stops, with the moment.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `grant.unknown`, `revocation.not-entitled`, `workflow.reason-missing`.
    pub fn revoke(&mut self, signed: &Signed<Revocation>, keys: &KeyRing) -> Result<Vec<Stop>> {
        let revocation = signed.verify(keys, &[signed.payload.by.as_str()])?;
        need_reason(&revocation.reason)?;
        if revocation.v != 1 || !self.grants.contains_key(&revocation.grant) {
            return Err(refuse("grant.unknown", format!("`{}` is not granted here", revocation.grant)));
        }
        if !self.line(&revocation.grant).any(|grant| grant.grantor == revocation.by) {
            return Err(refuse("revocation.not-entitled", format!("`{}` gave neither this grant nor one above", revocation.by)));
        }
        let at = self.revoked.entry(revocation.grant.clone()).or_insert(revocation.at);
        *at = revocation.at.min(*at);
        let below = |id: &AuthorisationId| self.line(id).any(|grant| grant.id == revocation.grant);
        let leaves = self.grants.values().filter(|grant| is_leaf(grant) && below(&grant.id));
        Ok(leaves.filter_map(|leaf| Some(Stop { leaf: leaf.id.clone(), at: self.stops_at(&leaf.id)? })).collect())
    }

    /// First second at which nothing under the grant may run any more, jobs and services included: the earliest end of a term
    /// or revocation from here up to the root (A4). Nothing if the grant is unknown.
    #[must_use]
    pub fn stops_at(&self, id: &AuthorisationId) -> Option<Time> {
        let ends = self.line(id).flat_map(|grant| [Some(grant.scope.not_after), self.revoked.get(&grant.id).copied()]);
        ends.flatten().min()
    }

    /// Whether a job of this scenario and purpose may run under the grant at this moment.
    ///
    /// # Errors
    /// `Refused`: `grant.unknown`, `grant.no-job` above the leaves, `grant.scenario`, `grant.purpose`, `grant.not-yet`,
    /// `grant.stopped`.
    pub fn permits(&self, id: &AuthorisationId, scenario: &Scenario, purpose: &Purpose, at: Time) -> Result<&Grant> {
        let grant = self.get(id).ok_or_else(|| refuse("grant.unknown", format!("`{id}` is not granted here")))?;
        let Kind::Leaf { scenario: granted, .. } = &grant.kind else {
            return Err(refuse("grant.no-job", format!("`{id}` may be given on, it lets no job run: cite a leaf")));
        };
        if granted != scenario {
            return Err(refuse("grant.scenario", format!("`{id}` is for `{granted}`: one scenario, one authorisation")));
        }
        if !grant.scope.purposes.contains(purpose) {
            return Err(refuse("grant.purpose", format!("`{id}` does not cover purpose `{purpose}`")));
        }
        if at < grant.scope.not_before {
            return Err(refuse("grant.not-yet", format!("`{id}` is valid from {}", grant.scope.not_before)));
        }
        match self.stops_at(id) {
            Some(end) if at < end => Ok(grant),
            Some(end) => Err(refuse("grant.stopped", format!("`{id}` ended at {end}, by its term or a revocation above"))),
            None => Err(refuse("grant.unknown", format!("`{id}` is not granted here"))),
        }
    }

    /// Whether an authorisation, the document that job contracts cite, says the same as the leaf of its name: scenario, purpose
    /// and plan equal, data sets, columns and term within. Its signature and form are checked elsewhere
    /// ([`Authorisation::check`]).
    ///
    /// # Errors
    /// `Refused`: those of [`Tree::permits`] at the first second of its term, `grant.other-plan`, `grant.other-licensee`,
    /// `grant.beyond-dataset`, `grant.beyond-column`, `grant.beyond-term`, `grant.beyond-quota`.
    pub fn backs(&self, document: &Authorisation) -> Result<()> {
        let grant = self.permits(&document.id, &document.scenario, &document.purpose, document.not_before)?;
        let plan = document.contingency_plan.as_ref().map(plan_hash).transpose()?;
        if !matches!(&grant.kind, Kind::Leaf { plan: granted, .. } if plan == Some(*granted)) {
            return Err(refuse("grant.other-plan", format!("`{}` has no plan, or another than was granted", document.id)));
        }
        if document.licensee != grant.grantee {
            return Err(refuse("grant.other-licensee", format!("`{}` was granted to `{}`", document.id, grant.grantee)));
        }
        let claimed = Scope {
            datasets: document.datasets.iter().map(|g| (g.dataset.clone(), g.columns.clone())).collect(),
            purposes: [document.purpose.clone()].into(),
            not_before: document.not_before,
            not_after: document.not_after,
            quota: Quota::new(),
        };
        claimed.within(&grant.scope)?;
        // what is counted on nodes is the document's quota: none there would be more than any here
        for given in &document.datasets {
            let asked = given.quota.unwrap_or(Measures::UNBOUNDED);
            let most = grant.scope.quota.get(&given.dataset).copied().unwrap_or_default();
            if let Some((name, have, most)) = asked.beyond(&most) {
                let what = format!("{have} {name} of `{}` in the authorisation, granted are {most}", given.dataset);
                return Err(refuse("grant.beyond-quota", what));
            }
        }
        Ok(())
    }

    /// Whether the new leaf goes on where an earlier one of the same grantee, scenario and purpose ends (A4): not beside it, and not before
    /// `opens` of its end, where the profile has a window.
    ///
    /// # Errors
    /// `Refused`: `renewal.overlap`, `renewal.early`.
    pub fn renews(&self, new: &Grant, opens: impl Fn(Time) -> Option<Time>, at: Time) -> Result<Option<AuthorisationId>> {
        let Kind::Leaf { scenario, .. } = &new.kind else { return Ok(None) };
        let is_same = |old: &&Grant| {
            old.id != new.id
                && old.grantee == new.grantee
                && old.scope.purposes == new.scope.purposes
                && matches!(&old.kind, Kind::Leaf { scenario: known, .. } if known == scenario)
        };
        let mut renewed = None;
        for old in self.grants.values().filter(is_same) {
            let Some(end) = self.stops_at(&old.id).filter(|end| at < *end) else { continue };
            if new.scope.not_before < end {
                return Err(refuse("renewal.overlap", format!("`{}` runs until {end}: the next term begins then", old.id)));
            }
            if let Some(opens) = opens(end).filter(|opens| at < *opens) {
                return Err(refuse("renewal.early", format!("`{}` ends at {end}: the next term is applied for from {opens} on", old.id)));
            }
            renewed = Some(old.id.clone());
        }
        Ok(renewed)
    }

    /// From the grant up to its root. Ends by itself: a parent is added before its children.
    pub fn line(&self, id: &AuthorisationId) -> impl Iterator<Item = &Grant> {
        std::iter::successors(self.grants.get(id), |grant| self.grants.get(grant.parent.as_ref()?))
    }

    fn check_form(&self, grant: &Grant) -> Result<()> {
        if grant.v != 1 || self.grants.contains_key(&grant.id) {
            return Err(refuse("grant.repeated", format!("`{}` is of another format, or granted already", grant.id)));
        }
        grant.scope.check()?;
        let foreign = grant.scope.datasets.keys().any(|dataset| dataset.environment() != grant.id.environment());
        if foreign || grant.grantor.environment() != grant.id.environment() {
            return Err(refuse("grant.environment", format!("`{}` mixes development and production", grant.id)));
        }
        if grant.scope.not_after > grant.scope.not_before.plus_years(self.rules.max_term_years) {
            return Err(refuse("grant.term", format!("the term is above {} years", self.rules.max_term_years)));
        }
        if is_leaf(grant) && grant.scope.purposes.len() != 1 {
            return Err(refuse("grant.bundled", "a leaf has one scenario and one purpose"));
        }
        Ok(())
    }

    fn check_top(&self, grant: &Grant) -> Result<()> {
        if !self.authorities.contains(&grant.grantor) {
            return Err(refuse("grant.grantor", format!("`{}` is no authority", grant.grantor)));
        }
        match grant.kind {
            Kind::Root if !self.rules.roots => Err(refuse("grant.no-roots", "the profile authorises scenario by scenario")),
            Kind::Delegation => Err(refuse("grant.no-parent", "what is given on needs a grant above")),
            Kind::Root | Kind::Leaf { .. } => Ok(()),
        }
    }

    fn check_below(&self, grant: &Grant, parent: &AuthorisationId) -> Result<()> {
        let Some(above) = self.grants.get(parent) else {
            return Err(refuse("grant.unknown", format!("`{parent}` above is not granted here")));
        };
        if is_leaf(above) || grant.kind == Kind::Root {
            return Err(refuse("grant.shape", "nothing hangs on a leaf, and a root hangs on nothing"));
        }
        if above.grantee != grant.grantor.organisation() {
            return Err(refuse("grant.grantor", format!("`{}` does not hold `{parent}`", grant.grantor)));
        }
        if self.line(parent).any(|grant| self.revoked.contains_key(&grant.id)) {
            return Err(refuse("grant.stopped", format!("`{parent}` is revoked")));
        }
        if self.line(parent).count() >= usize::try_from(self.rules.max_depth).unwrap_or(usize::MAX) {
            return Err(refuse("grant.depth", format!("at most {} grants from root to leaf", self.rules.max_depth)));
        }
        grant.scope.within(&above.scope)?;
        self.check_siblings(grant, above)
    }

    /// A quota is an amount: what was given on, revoked or not, cannot be given on again.
    fn check_siblings(&self, grant: &Grant, above: &Grant) -> Result<()> {
        for (dataset, asked) in &grant.scope.quota {
            let whole = above.scope.quota.get(dataset).copied().unwrap_or_default();
            let sum = self.given_on(&above.id, dataset).and_then(|given| given.plus(asked));
            match sum.map(|sum| sum.beyond(&whole)) {
                Some(None) => {}
                Some(Some((name, have, most))) => {
                    return Err(refuse(
                        "grant.quota-given",
                        format!("{have} {name} of `{dataset}` with what is given on, above are {most}"),
                    ));
                }
                None => return Err(refuse("grant.quota-given", format!("the quotas of `{dataset}` overflow"))),
            }
        }
        Ok(())
    }

    fn given_on(&self, parent: &AuthorisationId, dataset: &DatasetId) -> Option<Measures> {
        let children = self.grants.values().filter(|grant| grant.parent.as_ref() == Some(parent));
        children.filter_map(|grant| grant.scope.quota.get(dataset)).try_fold(Measures::default(), |sum, one| sum.plus(one))
    }
}

/// The hash by which a leaf names its contingency plan.
///
/// # Errors
/// `Malformed` if the plan has no canonical form.
pub fn plan_hash(plan: &ContingencyPlan) -> Result<Hash> {
    Ok(digest("yu-contingency-plan-v1", &to_canonical(plan)?))
}

fn is_leaf(grant: &Grant) -> bool {
    matches!(grant.kind, Kind::Leaf { .. })
}
