//! What procedures mean for jobs: none runs without its authorisation being active, its licensee's access open; what stops takes running ones with it (A4, C5, L3).

use super::chain::replay;
use super::law;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::Bundle;
use crate::job::end;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use std::sync::Arc;
use yu_governance::authorisation::Authorisation;
use yu_governance::contract::Contract;
use yu_governance::workflow::{Machine as _, Role, Word as _, authorisation, suspension};

/// Refuses a contract whose authorisation is not active, or one of whose parties has its access closed. Without a profile in force nothing is
/// refused here.
///
/// # Errors
/// `authorisation.missing`, `authorisation.expired`, `policy.refused` naming state and object.
pub fn permits(node: &Node, contract: &Contract) -> Result<()> {
    judged(node, contract, None)
}

/// The same for a job that was admitted before.
fn judged(node: &Node, contract: &Contract, since: Option<yu_governance::clock::Time>) -> Result<()> {
    // where a regulator is named a profile may be in force that this node has not been told of
    if node.config().regulator.is_some() && !super::sync::is_complete(node)? {
        return Err(Fault::new(Code::Refused, "procedure.incomplete: this node has not learned yet what is in force").party(node.name()));
    }
    let Some(law) = law::in_force(node)? else { return Ok(()) };
    crate::docket::gate::permits(node, contract, &law, since)?;
    super::sensitive::protected(node, contract, &law)?;
    active(node, contract.authorisation.id.as_str())?;
    let organisations: std::collections::BTreeSet<&str> = contract.parties.iter().map(|party| party.name.organisation()).collect();
    organisations.into_iter().try_for_each(|organisation| open(node, organisation))
}

/// The authorisation's procedure says that jobs may run, under the text that was agreed.
fn active(node: &Node, id: &str) -> Result<()> {
    let here = replay::<authorisation::Case>(node, id)?;
    let state = here.case().state_at(now());
    if here.length() == 0 && crate::docket::chapters::grants::is_lab(node, id)? {
        // the stay comes before the application (A7); its own limits are the docket's
        return Ok(());
    }
    if here.length() == 0 {
        return Err(Fault::new(Code::AuthMissing, format!("`{id}` has no procedure under the profile in force")).party(node.name()));
    }
    if !here.case().may_run(now()) {
        let code = if state == authorisation::State::Expired { Code::AuthExpired } else { Code::Refused };
        return Err(Fault::new(code, format!("procedure.authorisation: `{id}` is {state} ({})", state.zh())).party(node.name()));
    }
    let signed = node.signed::<Authorisation>("authorisation", id)?;
    if let Some(tenant) = here.tenant(Role::Licensee).filter(|tenant| *tenant != signed.payload.licensee) {
        let what = format!("procedure.tenant: `{id}` was applied for by `{tenant}` and authorises `{}`", signed.payload.licensee);
        return Err(Fault::new(Code::Refused, what).party(node.name()));
    }
    let agreed = here.case().agreement();
    if agreed != Some(payload_hash(&signed.payload)?) {
        return Err(Fault::new(Code::Refused, format!("procedure.agreement: `{id}` is another text than the one that was agreed"))
            .party(node.name()));
    }
    Ok(())
}

/// A tenant whose access was ever opened or closed has it open.
fn open(node: &Node, organisation: &str) -> Result<()> {
    let here = replay::<suspension::Case>(node, organisation)?;
    if here.length() == 0 || (here.case().may_operate() && here.case().state_at(now()) == suspension::State::Open) {
        return Ok(());
    }
    let state = here.case().state_at(now());
    Err(Fault::new(Code::Refused, format!("procedure.suspension: the access of `{organisation}` is {state} ({})", state.zh()))
        .party(node.name()))
}

/// Ends the open jobs that are not permitted any more, by name.
pub fn follow(node: &Arc<Node>) {
    let open = node.store().jobs_in(&crate::job::State::open()).unwrap_or_default();
    let open = open.into_iter().filter(|row| row.state.before_held() || row.state == crate::job::State::Held);
    for row in open {
        let Ok(contract) = Bundle::of(&row).map(|bundle| bundle.contract.payload) else { continue };
        match judged(node, &contract, Some(yu_governance::clock::Time::from_unix(row.created))) {
            // a disk that fails, or a chain that cannot be read, says nothing about the permission: no new job starts, this one goes on
            Err(fault)
                if !matches!(fault.code, Code::Storage | Code::DiskFull | Code::Damaged)
                    && !fault.detail.starts_with("procedure.incomplete") =>
            {
                end::fail(node, &row.id, &fault)
            }
            _ => {}
        }
    }
}

/// Whether an incident or a dispute about an authorisation is open: nothing of it is destroyed then, it is sealed (L5).
///
/// # Errors
/// `storage.damaged`.
pub fn is_held(node: &Node, id: &str) -> Result<bool> {
    Ok(law::in_force(node)?.is_some() && !replay::<authorisation::Case>(node, id)?.case().matters().is_empty())
}

/// Whether an authorisation has come to its end here, by its term or by its procedure.
///
/// # Errors
/// `storage.damaged`.
pub fn has_ended(node: &Node, id: &str) -> Result<bool> {
    use authorisation::State as S;
    if law::in_force(node)?.is_none() {
        return Ok(false);
    }
    let here = replay::<authorisation::Case>(node, id)?;
    Ok(matches!(here.case().state_at(now()), S::Expired | S::Terminated | S::Sealed | S::Destroyed))
}
