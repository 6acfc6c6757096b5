//! The report on a stay in the laboratory (A7): counted by the platform's node from its own jobs, issued by the authority's signature.

use super::file;
use crate::fault::{Code, Fault, Result};
use crate::job::State;
use crate::job::bundle::Bundle;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::{chain, law};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use yu_governance::grant::LabReport;
use yu_governance::id::AuthorisationId;
use yu_governance::text::Text;
use yu_governance::workflow::{Role, incident};

/// Drafts the report and asks the authority to sign it.
///
/// # Errors
/// `not-found` for an unknown stay; `input.bad` without an assessment; `state.wrong` at a node that is no platform.
pub fn make(node: &Arc<Node>, lab: &str, assessment: Text) -> Result<Value> {
    let law = law::required(node)?;
    let id: AuthorisationId = lab.parse()?;
    if assessment.is_blank() {
        return Err(Fault::new(Code::Input, "an assessment in both languages is needed").at("--en, --zh"));
    }
    let found = node.docket().with(node, |book| Ok(book.grants.lab(&id).map(|stay| stay.grant.clone())))?;
    let grant = found.ok_or_else(|| Fault::new(Code::NotFound, format!("stay in the laboratory `{id}`")).party(node.name()))?;
    let mut used = BTreeSet::new();
    let mut jobs: u64 = 0;
    for row in node.store().jobs()? {
        let Ok(contract) = Bundle::of(&row).map(|bundle| bundle.contract.payload) else { continue };
        if contract.authorisation.id != id || !has_run(row.state) {
            continue;
        }
        jobs = jobs.saturating_add(1);
        // the applicant's own data are no part of the stay
        used.extend(contract.inputs.into_iter().map(|input| input.dataset).filter(|dataset| grant.datasets.contains(dataset)));
    }
    let mut security_events: u64 = 0;
    for object in chain::objects::<incident::Case>(node)? {
        let first = chain::steps::<incident::Case>(node, &object)?.into_iter().next();
        if first.is_some_and(|step| (grant.not_before..grant.not_after).contains(&step.arrow.payload.at)) {
            security_events = security_events.saturating_add(1);
        }
    }
    let report = LabReport {
        v: 1,
        lab: id,
        grant: payload_hash(&grant)?,
        authority: grant.authority.clone(),
        platform: node.name().parse()?,
        jobs,
        used,
        security_events,
        assessment,
        at: now(),
    };
    if !law.holders(Role::Platform).contains(&report.platform) {
        return Err(Fault::new(Code::State, "the platform's node measures the stay").party(node.name()));
    }
    file(node, report)
}

/// Refused and failed jobs ran nothing to the end, or nothing at all.
fn has_run(state: State) -> bool {
    !matches!(state, State::Refused | State::Failed) && !state.before_held()
}
