//! What a node has missed, asked of the authority: a newcomer, and one that lost a message, come to the same state as everybody.

use super::adopt::{self, Proposed};
use super::chain::{self, Told};
use super::law::{self, APPOINTMENTS, IN_FORCE, PARENT};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::sign::Signed;
use yu_governance::workflow::Appointments;

/// Most steps in one answer.
const STEPS: usize = 1000;
/// Most answers that are asked for at once.
const ANSWERS: usize = 100;

/// A part of everything.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// The profile in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Proposed>,
    /// The appointments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appointments: Option<Signed<Appointments>>,
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
    let all = chain::all(node)?;
    let more = all.len() > from.saturating_add(STEPS);
    let profile = law::stored(node, IN_FORCE)?.map(|profile| Ok::<_, Fault>(Proposed { profile, parent: law::stored(node, PARENT)? }));
    let appointments = match node.store().object(APPOINTMENTS.0, APPOINTMENTS.1)? {
        Some(_) => Some(node.signed(APPOINTMENTS.0, APPOINTMENTS.1)?),
        None => None,
    };
    to_value(&Part { profile: profile.transpose()?, appointments, steps: all.into_iter().skip(from).take(STEPS).collect(), more })
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
    for _ in 0..ANSWERS {
        let answer = node.ask(from, &Ask::Procedures { from: count as u64 }).map_err(|f| f.reported_by(from))?;
        let part: Part =
            serde_json::from_value(answer).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("procedures").party(from))?;
        // the regulator puts nothing into force that it has not signed; all others take what both have
        if let Some(profile) = part.profile.filter(|_| regulator.as_str() != node.name()) {
            adopt::arrived(node, from, to_value(&profile)?)?;
        }
        if let Some(appointments) = &part.appointments {
            adopt::appointed(node, from, to_value(appointments)?)?;
        }
        let Some(law) = law::in_force(node)? else { return Ok(0) };
        count += part.steps.len();
        for step in &part.steps {
            if chain::take(node, &law, step, from)? == chain::Taken::Gap {
                return Err(Fault::new(Code::PeerProtocol, "the authority's steps leave one out").party(from));
            }
        }
        if !part.more {
            return Ok(count);
        }
    }
    Err(Fault::new(Code::PeerProtocol, "the authority's steps do not end").party(from))
}

/// Fetches for a node on which nothing is in force yet. Away, or nothing there: the next round tries again.
pub fn catch_up(node: &Arc<Node>) {
    let waits = node.config().regulator.is_some() && law::stored(node, IN_FORCE).is_ok_and(|known| known.is_none());
    let knows = || law::pinned(node).is_ok_and(|(authority, _)| node.peer(authority.as_str()).is_ok());
    if waits
        && knows()
        && let Err(fault) = fetch(node)
    {
        tracing::debug!(code = fault.code.as_str(), "what is in force is not known here yet");
    }
}
