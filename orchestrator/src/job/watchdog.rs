//! Nobody waits for ever: every node asks the other parties of its open jobs how they stand, and ends the job by name
//! when one failed, forgot it, or was not reachable for longer than the configured limit.

use super::bundle::{self, Bundle};
use super::{State, end};
use crate::control::{Ask, JobAnswer, unreachable};
use crate::fault::{Code, Fault};
use crate::keys::now;
use crate::node::Node;
use crate::store::JobRow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds between two rounds of questions: with the patience below, a dead party is named within 8 s of the limit.
const ROUND: Duration = Duration::from_secs(4);
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often undelivered messages are tried again.
const OUTBOX: Duration = Duration::from_secs(1);

/// Runs until the node stops.
pub fn watch(node: &Arc<Node>) {
    let mut last_seen: HashMap<(String, String), Instant> = HashMap::new();
    let mut next_round = Instant::now() + ROUND;
    while !node.is_stopping() {
        std::thread::sleep(OUTBOX);
        node.keep_links();
        node.flush_outbox();
        if Instant::now() < next_round {
            continue;
        }
        let open: Vec<JobRow> = node.store().jobs().unwrap_or_default().into_iter().filter(|j| j.state.before_held()).collect();
        last_seen.retain(|(job, _), _| open.iter().any(|j| j.id == *job));
        for row in open {
            if let Err(fault) = look(node, &row, &mut last_seen) {
                end::fail(node, &row.id, &fault);
            }
        }
        next_round = Instant::now() + ROUND;
    }
}

fn look(node: &Arc<Node>, row: &JobRow, last_seen: &mut HashMap<(String, String), Instant>) -> Result<(), Fault> {
    let bundle = Bundle::of(row)?;
    if now() >= bundle.contract.payload.expires {
        return Err(Fault::new(Code::ContractExpired, format!("at {}", bundle.contract.payload.expires)).at(row.id.clone()));
    }
    let limit = Duration::from_secs(node.config().limits.resume_limit_s);
    // A job that another job's end overtook meanwhile needs no questions.
    if bundle::find(node, &row.id)?.state.is_final() {
        return Ok(());
    }
    for party in bundle.others(node) {
        let seen = last_seen.entry((row.id.clone(), party.clone())).or_insert_with(Instant::now);
        match node.ask_within(&party, &Ask::Job { job: row.id.clone() }, PATIENCE) {
            Ok(value) => {
                *seen = Instant::now();
                let answer: JobAnswer = serde_json::from_value(value).map_err(|_| Fault::new(Code::PeerProtocol, "job answer").party(party.clone()))?;
                match State::parse(&answer.state) {
                    Some(State::Failed | State::Refused) => {
                        let fault = answer.fault.unwrap_or_else(|| Fault::new(Code::PartyRefused, answer.state));
                        return Err(fault.party(party));
                    }
                    Some(_) => {}
                    None => return Err(Fault::new(Code::Version, format!("state `{}`", answer.state)).party(party)),
                }
            }
            // The proposer asks the parties one after another: before it proposed, a party does not know the job.
            Err(fault) if fault.code == Code::NotFound && row.state != State::Proposing => {
                if !matches!(row.state, State::Proposed | State::Signed) {
                    return Err(Fault::new(Code::PeerRestarted, "the job is unknown there").party(party));
                }
            }
            Err(fault) if unreachable(fault.code) => {
                if seen.elapsed() > limit {
                    return Err(Fault::new(Code::PeerLost, format!("no answer for {} s", limit.as_secs())).party(party));
                }
            }
            // Nodes that never met (a party and a reviewer known to the proposer only) cannot ask each other.
            Err(_) => {}
        }
    }
    Ok(())
}

/// What a restart does with open jobs: what needs the lost sessions fails by name, what is persisted goes on.
pub fn recover(node: &Arc<Node>) {
    for row in node.store().jobs().unwrap_or_default() {
        let own = row.proposer == node.name();
        match row.state {
            State::Running if super::run::computes(node, &row) => {
                end::fail(node, &row.id, &Fault::new(Code::Restarted, "while the protocol ran").party(node.name()));
            }
            State::Proposing | State::Signed | State::Admitted if own => {
                end::fail(node, &row.id, &Fault::new(Code::Restarted, "before the job was admitted everywhere").party(node.name()));
            }
            State::Destroying => super::held::finish(node, &row.id),
            State::Running | State::Sealing | State::Held | State::Releasing => super::held::continue_after_restart(node, &row),
            _ => {}
        }
    }
}
