//! Nobody waits for ever: every node asks the other parties of its open jobs how they stand, and ends the job by name
//! when one failed, forgot it, or was not reachable for longer than the configured limit.

use super::bundle::{self, Bundle};
use super::{State, end, standing};
use crate::control::{JobAnswer, unreachable};
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

/// When each party of each open job answered last.
type Seen = HashMap<(String, String), Instant>;

/// Runs until the node stops.
pub fn watch(node: &Arc<Node>) {
    let mut seen = Seen::new();
    let mut next_round = Instant::now() + ROUND;
    // dialling a peer that is away takes seconds; nothing here waits for it
    let dialler = Arc::clone(node);
    std::thread::spawn(move || {
        while !dialler.is_stopping() {
            dialler.keep_links();
            std::thread::sleep(OUTBOX);
        }
    });
    while !node.is_stopping() {
        std::thread::sleep(OUTBOX);
        node.flush_in_background();
        if Instant::now() < next_round {
            continue;
        }
        next_round = Instant::now() + ROUND;
        tidy(node);
        let open: Vec<JobRow> = node.store().jobs().unwrap_or_default().into_iter().filter(watched).collect();
        seen.retain(|(job, _), _| open.iter().any(|j| j.id == *job));
        for row in open {
            if let Err(fault) = look(node, &row, &mut seen) {
                end::fail(node, &row.id, &fault);
            }
        }
    }
}

/// Jobs that wait for others. A held result waits for a person at the reviewer, until the contract ends; the other parties
/// ask the reviewer, because they may have missed the job's end.
fn watched(row: &JobRow) -> bool {
    row.state.before_held() || row.state == State::Held
}

fn look(node: &Arc<Node>, row: &JobRow, seen: &mut Seen) -> Result<(), Fault> {
    let bundle = Bundle::of(row)?;
    let held = row.state == State::Held;
    let reviews = bundle.contract.payload.reviewer.party.as_str() == node.name();
    if (!held || reviews) && now() >= bundle.contract.payload.expires {
        return Err(Fault::new(Code::ContractExpired, format!("at {}", bundle.contract.payload.expires)).at(row.id.clone()));
    }
    if held && reviews {
        return Ok(());
    }
    let mut parties = bundle.others(node);
    if held {
        parties.retain(|p| p == bundle.contract.payload.reviewer.party.as_str());
    }
    let answers = standing::ask(node, &row.id, parties, PATIENCE);
    // What was known of the job when the questions left may be past.
    if bundle::find(node, &row.id)?.state != row.state {
        return Ok(());
    }
    let limit = Duration::from_secs(node.config().limits.resume_limit_s);
    for (party, answer) in answers {
        let last = seen.entry((row.id.clone(), party.clone())).or_insert_with(Instant::now);
        judge(row.state, &party, answer, last, limit)?;
    }
    Ok(())
}

/// What one party's answer means for the job.
fn judge(state: State, party: &str, answer: Result<JobAnswer, Fault>, last: &mut Instant, limit: Duration) -> Result<(), Fault> {
    match answer {
        Ok(answer) => {
            *last = Instant::now();
            match (standing::ended(party, &answer), State::parse(&answer.state)) {
                (Some(fault), _) => Err(fault),
                (None, Some(_)) => Ok(()),
                (None, None) => Err(Fault::new(Code::Version, format!("state `{}`", answer.state)).party(party)),
            }
        }
        Err(fault) if fault.code == Code::PeerProtocol => Err(fault),
        // The proposer asks the parties one after another: before it proposed, a party does not know the job.
        Err(fault) if fault.code == Code::NotFound && !matches!(state, State::Proposing | State::Proposed | State::Signed) => {
            Err(Fault::new(Code::PeerRestarted, "the job is unknown there").party(party))
        }
        // A held result waits as long as its person takes.
        Err(fault) if unreachable(fault.code) && state != State::Held && last.elapsed() > limit => {
            Err(Fault::new(Code::PeerLost, format!("no answer for {} s", limit.as_secs())).party(party))
        }
        // Not yet too long; or nodes that never met (a party and a reviewer known to the proposer only).
        Err(_) => Ok(()),
    }
}

/// What a fault of this node's own disk may have left undone, and what only time makes due.
fn tidy(node: &Node) {
    if let Err(fault) = node.log_peers() {
        tracing::error!(code = fault.code.as_str(), "a peer that joined is not in the log yet");
    }
    for job in node.store().uncleaned().unwrap_or_default() {
        end::clean_up(node, &job);
    }
    if let Err(fault) = crate::destroy::invitations(node) {
        tracing::error!(code = fault.code.as_str(), "secrets of past invitations are not destroyed yet");
    }
}

/// What a restart does with open jobs: what needs the lost sessions fails by name, what is persisted goes on. Failed jobs whose
/// log entry or destruction is missing are completed.
pub fn recover(node: &Arc<Node>) {
    tidy(node);
    for row in node.store().jobs().unwrap_or_default() {
        let own = row.proposer == node.name();
        match row.state {
            State::Running if super::run::computes(node, &row) => {
                end::fail(node, &row.id, &Fault::new(Code::Restarted, "while the protocol ran").party(node.name()));
            }
            State::Proposing | State::Signed | State::Admitted if own => {
                end::fail(node, &row.id, &Fault::new(Code::Restarted, "before the job was admitted everywhere").party(node.name()));
            }
            State::Running | State::Sealing | State::Held | State::Releasing | State::Destroying => {
                super::held::continue_after_restart(node, &row)
            }
            _ => {}
        }
    }
}
