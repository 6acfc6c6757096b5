//! Hard rules: law and arithmetic, in typed Rust, for every node the same and not editable.
//!
//! Every rule looks at the whole input and reports all it finds; none of them trusts that another one ran. A rule
//! that lacks a document it needs is silent only if the absence of that document is itself a finding of the rule that
//! looks for it, so nothing passes for lack of evidence.

use super::case::Case;
use super::input::PolicyInput;
use crate::authorisation::Authorisation;
use crate::catalogue::CatalogueEntry;
use crate::contract::Input;
use crate::finding::Finding;
use crate::id::DatasetId;
use crate::request::Approval;

mod data;
mod documents;
mod limits;
mod parties;

/// One rule.
pub struct Rule {
    /// Name of the rule; its findings begin with the subject before the dot or refine it.
    pub name: &'static str,
    /// Rows of the requirements that it serves.
    pub serves: &'static str,
    check: fn(&Case<'_>) -> Vec<Finding>,
}

impl Rule {
    /// Applies the rule.
    #[must_use]
    pub fn check(&self, input: &PolicyInput<'_>) -> Vec<Finding> {
        (self.check)(&Case::new(*input))
    }
}

/// All hard rules, in the order in which findings are shown.
pub const RULES: &[Rule] = &[
    Rule { name: "shape", serves: "", check: |i| i.contract.check_shape() },
    Rule { name: "membership", serves: "", check: parties::membership },
    Rule { name: "environment", serves: "D7", check: parties::environment },
    Rule { name: "controllers", serves: "D9", check: parties::controllers },
    Rule { name: "zones", serves: "D9", check: parties::zones },
    Rule { name: "reviewer", serves: "O2", check: parties::reviewer },
    Rule { name: "receivers", serves: "A18", check: parties::receivers },
    Rule { name: "expiry", serves: "A4", check: documents::expiry },
    Rule { name: "authorisation", serves: "A1 A2 A4", check: documents::authorisation },
    Rule { name: "withdrawal", serves: "A2 L1", check: documents::withdrawal },
    Rule { name: "purpose", serves: "A1 A18", check: documents::purpose },
    Rule { name: "catalogue", serves: "K1 A6", check: data::catalogue },
    Rule { name: "approval", serves: "A20 P4", check: data::approval },
    Rule { name: "origin", serves: "P4", check: data::origin },
    Rule { name: "columns", serves: "A5 A6", check: data::columns },
    Rule { name: "kinds", serves: "A5", check: data::kinds },
    Rule { name: "consent", serves: "A15 A16", check: data::consent },
    Rule { name: "match", serves: "A15", check: data::matching },
    Rule { name: "leakage", serves: "", check: data::leakage },
    Rule { name: "security", serves: "", check: limits::security },
    Rule { name: "training-outside", serves: "D9", check: limits::training_outside },
    Rule { name: "floors", serves: "A19 O5", check: limits::floors },
    Rule { name: "rows", serves: "A19 O5", check: limits::rows },
    Rule { name: "runs", serves: "A19", check: limits::runs },
];

/// Applies every hard rule; empty means that none objects.
#[must_use]
pub fn check(input: &PolicyInput<'_>) -> Vec<Finding> {
    check_case(&Case::new(*input))
}

/// The same, with what is known of the documents.
pub(super) fn check_case(case: &Case<'_>) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| (rule.check)(case)).collect()
}

/// The authorisation, if it is the one that the contract cites and its authority, whom we accept, signed it.
pub(super) fn proven_authorisation<'a>(case: &Case<'a>) -> Option<&'a Authorisation> {
    let signed = case.dossier.authorisation.as_ref()?;
    let cited = &case.contract.authorisation;
    let (payload, hash) = case.verify(signed, signed.payload.authority.as_str()).ok()?;
    let accepted = case.authorities.contains(&payload.authority);
    (accepted && payload.id == cited.id && hash == cited.hash).then_some(payload)
}

/// The catalogue entry of a data set, if its provider signed it.
pub(super) fn proven_entry<'a>(case: &Case<'a>, dataset: &DatasetId) -> Option<&'a CatalogueEntry> {
    let signed = case.dossier.entry(dataset)?;
    Some(case.verify(signed, signed.payload.provider.as_str()).ok()?.0)
}

/// The approval of an input, if the contract cites it and its approver signed it.
pub(super) fn proven_approval<'a>(case: &Case<'a>, of: &Input) -> Option<&'a Approval> {
    case.contract.approvals.iter().find_map(|cited| {
        let signed = case.dossier.approval(&cited.request)?;
        if signed.payload.dataset != of.dataset {
            return None;
        }
        let (payload, hash) = case.verify(signed, signed.payload.approver.as_str()).ok()?;
        (hash == cited.hash).then_some(payload)
    })
}
