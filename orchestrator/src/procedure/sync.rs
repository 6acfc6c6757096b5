//! What a node has missed, asked of the authority: a newcomer, and one that lost a message, come to the same state as everybody.

use super::adopt::{self, Proposed};
use super::chain::{self, Told};
use super::law::{self, APPOINTMENTS, PROFILE};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::sign::Signed;
use yu_governance::workflow::Appointments;

/// Most bytes of steps in one answer, as text.
const BYTES: usize = 4 << 20;
/// Everything was fetched once, and when that was.
const SYNCED: (&str, &str) = ("procedures", "synced");
/// Seconds after which it is fetched again: a message that was lost is made up for then.
const AGAIN: i64 = 600;

/// A part of everything.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// All profiles that were ever in force, oldest first.
    #[serde(default)]
    profiles: Vec<Proposed>,
    /// All appointments, oldest first.
    #[serde(default)]
    appointments: Vec<Signed<Appointments>>,
    /// Steps from the wanted place on.
    steps: Vec<Told>,
    /// Whether there are more behind them.
    more: bool,
}

/// Answers a peer. Only the authority does: its order of the steps is everybody's.
///
/// # Errors
/// `state.wrong` at another node; `storage.damaged`.
pub fn answer(node: &Node, from: u64) -> Result<Value> {
    if node.config().authority.as_deref() != Some(node.name()) {
        return Err(Fault::new(Code::State, "the authority's node tells what is in force").party(node.name()));
    }
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let damaged = |_| Fault::new(Code::Damaged, "what was in force does not parse");
    let (mut profiles, mut appointments) = (Vec::new(), Vec::new());
    if from == 0 {
        let kept = node.store().objects_from(PROFILE, "0", "g")?;
        profiles = kept.iter().map(|kept| serde_json::from_str::<Proposed>(&kept.json).map_err(damaged)).collect::<Result<_>>()?;
        profiles.sort_by_key(Proposed::versions);
        let kept = node.store().objects_from(APPOINTMENTS, "0", ":")?;
        appointments = kept.iter().map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).collect::<Result<_>>()?;
    }
    let mut steps = chain::all(node)?.into_iter().skip(from).peekable();
    let (mut some, mut bytes) = (Vec::new(), 0);
    while let Some(step) = steps.next_if(|_| bytes < BYTES) {
        bytes += step.len();
        some.push(step);
    }
    to_value(&Part { profiles, appointments, steps: some, more: steps.peek().is_some() })
}

/// Fetches everything and takes in what is missing; gives the number of steps that the authority has.
///
/// # Errors
/// `network.unreachable`; `signature.bad`, `policy.refused` when something does not hold.
pub fn fetch(node: &Arc<Node>) -> Result<usize> {
    let (authority, regulator) = law::pinned(node)?;
    if authority.as_str() == node.name() {
        return Ok(0);
    }
    let from = authority.as_str();
    let mut count = 0;
    loop {
        let answer = node.ask(from, &Ask::Procedures { from: count as u64 }).map_err(|f| f.reported_by(from))?;
        let part: Part =
            serde_json::from_value(answer).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("procedures").party(from))?;
        // the regulator puts nothing into force that it has not signed; all others take what both have
        // a newcomer starts with the last; what went before is kept for the steps that were taken under it
        let newest = if law::in_force(node)?.is_none() { part.profiles.last() } else { None };
        for profile in newest.into_iter().chain(&part.profiles).filter(|_| regulator.as_str() != node.name()) {
            adopt::arrived(node, from, to_value(profile)?)?;
        }
        for appointments in &part.appointments {
            adopt::appointed(node, from, to_value(appointments)?)?;
        }
        if law::in_force(node)?.is_none() {
            if part.profiles.is_empty() && part.steps.is_empty() {
                // nothing is in force anywhere
                node.store().put_object(SYNCED.0, SYNCED.1, "", "{}", now().unix())?;
            }
            return Ok(0);
        }
        for step in &part.steps {
            if chain::take(node, step, from, chain::Judged::ByItsTime)? == chain::Taken::Gap {
                return Err(Fault::new(Code::PeerProtocol, "the authority's steps leave one out").party(from));
            }
        }
        count += part.steps.len();
        if !part.more {
            node.store().put_object(SYNCED.0, SYNCED.1, "", "{}", now().unix())?;
            return Ok(count);
        }
        if part.steps.is_empty() {
            return Err(Fault::new(Code::PeerProtocol, "the authority's steps do not end").party(from));
        }
    }
}

/// Whether everything was fetched here once: before, what stops a job may be unknown. The authority has it all.
///
/// # Errors
/// `storage.failed`.
pub fn is_complete(node: &Node) -> Result<bool> {
    Ok(node.config().authority.as_deref() == Some(node.name()) || node.store().object(SYNCED.0, SYNCED.1)?.is_some())
}

/// Fetches on a node that never fetched all, and from time to time on every other. Away: the next round tries again.
pub fn catch_up(node: &Arc<Node>, last: &mut i64) {
    let complete = is_complete(node).unwrap_or(false);
    let is_due = !complete || now().unix().saturating_sub(*last) >= AGAIN;
    let knows = || law::pinned(node).is_ok_and(|(authority, _)| authority.as_str() != node.name() && node.peer(authority.as_str()).is_ok());
    if !is_due || node.config().regulator.is_none() || !knows() {
        return;
    }
    if let Err(fault) = fetch(node) {
        tracing::debug!(code = fault.code.as_str(), "what is in force is not known here yet");
    }
    crate::docket::sync::catch_up(node);
    *last = now().unix();
}
