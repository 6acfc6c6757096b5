//! Standing approvals (持续审核): the person of this node signs a job once, for so many runs over new versions of the same data until a date.
//!
//! A proposal that is the signed job again, by [`yu_governance::standing`], is signed without asking; everything else that is checked before a signature is
//! checked for each run. Every run has its own contract, its own entries in the log, and counts against the quotas of the authorisation.

use super::bundle::{self, Bundle};
use super::end;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::verbs::{done, lines};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::grant::Measures;
use yu_governance::quota::Ledger;
use yu_governance::sign::Signed;
use yu_governance::standing::{Standing, StandingApproval, StandingRevocation};
use yu_governance::text::Text;

const APPROVAL: &str = "standing";
const RUN: &str = "standing-run";
const REVOKED: &str = "standing-revoked";

/// The person signs a job that is known here as one that may come again.
///
/// # Errors
/// `not-found`; `contract.rule` for a node that has no part in it, no runs, or an end that is past; `policy.refused` under no authorisation.
pub fn approve(node: &Node, job: &str, runs: u64, until: Time, rows: Option<u64>) -> Result<Value> {
    let row = bundle::find(node, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    let mut charge = crate::quotas::charge(&contract);
    for amount in charge.values_mut() {
        amount.rows = rows.unwrap_or(amount.rows);
    }
    let approval = StandingApproval { v: 1, party: node.name().parse()?, template: contract, runs, charge, from: now(), until };
    let signed = Signed::sign(approval, node.name(), node.signing())?;
    Standing::new(&signed, &node.ring()?)?;
    let hash = node.keep_signed(APPROVAL, &crate::node::payload_hash(&signed.payload)?.to_hex(), &signed, |hash| {
        Ok(Event::new(Verb::ProcedureStepped).of(&row.id)?.code("step", "standing-approval").hash("document", hash))
    })?;
    Ok(json!({ "approval": hash, "say": lines([(
        format!("standing approval {hash}: {runs} more runs until {until}"),
        format!("持续审核 {hash}：至 {until} 可再运行 {runs} 次"),
    )]) }))
}

/// Takes an approval back; its runs that are not over end.
///
/// # Errors
/// `not-found`; `input.bad` without a reason.
pub fn revoke(node: &Arc<Node>, approval: &str, reason: &str) -> Result<Value> {
    let id = crate::suite::digits(approval);
    let turn = node.procedure_turn();
    let all = node.store().objects_from(APPROVAL, id, &format!("{id}~"))?;
    let [one] = &all[..] else {
        return Err(Fault::new(Code::NotFound, format!("{} standing approvals begin with `{id}`", all.len())).party(node.name()));
    };
    let reason = Text::new(reason, reason);
    let revocation = StandingRevocation { v: 1, approval: one.hash.parse()?, party: node.name().parse()?, reason, at: now() };
    let signed = Signed::sign(revocation, node.name(), node.signing())?;
    let (mut standing, _) = load(node, &one.id)?;
    let runs: Vec<String> = standing.revoke(&signed, &node.ring()?)?.iter().map(|job| job.0.to_hex()).collect();
    node.keep_signed(REVOKED, &one.id, &signed, |hash| {
        Ok(Event::new(Verb::ProcedureStepped).code("step", "standing-revoked").hash("document", hash))
    })?;
    drop(turn);
    for job in runs {
        end::fail(node, &job, &Fault::new(Code::Halted, "its standing approval was taken back").party(node.name()));
    }
    Ok(done("taken back: no run starts under it any more", "已撤回：不得再据此运行"))
}

/// Takes back everything that was approved under an authorisation; says how much that was.
///
/// # Errors
/// `storage.failed`, `storage.damaged`.
pub fn withdraw(node: &Arc<Node>, authorisation: &yu_governance::id::AuthorisationId) -> Result<usize> {
    let mut count = 0;
    for kept in node.store().objects(APPROVAL)? {
        let (_, approval) = load(node, &kept.id)?;
        if approval.template.authorisation.id == *authorisation && node.store().object(REVOKED, &kept.id)?.is_none() {
            revoke(node, &kept.id, "the authorisation has ended")?;
            count += 1;
        }
    }
    Ok(count)
}

/// All approvals with what is left of them.
///
/// # Errors
/// `storage.damaged`.
pub fn list(node: &Node) -> Result<Value> {
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for kept in node.store().objects(APPROVAL)? {
        let (standing, approval) = load(node, &kept.id)?;
        let revoked = node.store().object(REVOKED, &kept.id)?.is_some();
        let (left, short) = (standing.left(), kept.id.chars().take(12).collect::<String>());
        let state = if revoked { ("taken back", "已撤回") } else { ("", "") };
        say.push((
            format!("{short}: {left} of {} runs left until {} {}", approval.runs, approval.until, state.0),
            format!("{short}：剩余 {left}/{} 次，截至 {} {}", approval.runs, approval.until, state.1),
        ));
        all.push(json!({ "approval": kept.hash, "left": left, "runs": approval.runs, "until": approval.until, "revoked": revoked }));
    }
    Ok(json!({ "approvals": all, "say": lines(say) }))
}

/// An approval with the runs that it has seen.
fn load(node: &Node, id: &str) -> Result<(Standing, StandingApproval)> {
    let signed: Signed<StandingApproval> = node.signed(APPROVAL, id)?;
    let ring = node.ring()?;
    let mut standing = Standing::new(&signed, &ring)?;
    for run in node.store().objects_from(RUN, &format!("{id}#"), &format!("{id}$"))? {
        if let Some((_, job)) = run.id.split_once('#') {
            standing.restore(crate::destroy::parse_job(job)?);
        }
    }
    if node.store().object(REVOKED, id)?.is_some() {
        standing.revoke(&node.signed::<StandingRevocation>(REVOKED, id)?, &ring)?;
    }
    Ok((standing, signed.payload))
}

/// The standing approval under which this contract is signed here; the run is counted before anything is signed.
///
/// # Errors
/// `storage.failed`; `storage.damaged`.
pub fn covers(node: &Node, job: &str, contract: &Contract) -> Result<Option<Hash>> {
    let _turn = node.procedure_turn();
    let kept = node.store().objects(APPROVAL)?;
    if kept.is_empty() {
        return Ok(None);
    }
    let ends = node.signed::<Authorisation>("authorisation", contract.authorisation.id.as_str())?.payload.not_after;
    for kept in kept {
        // one that does not hold any more covers nothing, and keeps no other from it
        let Ok((mut standing, approval)) = load(node, &kept.id) else {
            tracing::warn!(approval = kept.id, "a standing approval does not hold any more");
            continue;
        };
        // the quotas of the authorisation are counted where the job is admitted; here only what was signed bounds
        let most = |amount: &Measures| Measures {
            uses: approval.runs.saturating_mul(amount.uses),
            rows: approval.runs.saturating_mul(amount.rows),
            queries: approval.runs.saturating_mul(amount.queries),
            ..Measures::default()
        };
        let mut ledger = Ledger::new(approval.charge.iter().map(|(dataset, amount)| (dataset.clone(), most(amount))).collect());
        match standing.admit(contract, now(), ends, &mut ledger) {
            Ok(_) => {
                node.store().put_object(RUN, &format!("{}#{job}", kept.id), "", "{}", now().unix())?;
                return Ok(Some(kept.hash.parse()?));
            }
            Err(why) => tracing::info!(job, %why, "a standing approval does not cover the job"),
        }
    }
    Ok(None)
}
