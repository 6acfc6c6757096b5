//! Nobody waits for ever: every node asks the other parties of its open jobs how they stand, and ends the job by name
//! when one failed, forgot it, or was not reachable for longer than the configured limit.

use super::bundle::{self, Bundle};
use super::{State, end, standing};
use crate::control::{JobAnswer, unreachable};
use crate::fault::{Code, Fault};
use crate::keys::now;
use crate::node::Node;
use crate::store::JobRow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds between two rounds of questions: with the patience below, a dead party is named within 8 s of the limit.
const ROUND: Duration = Duration::from_secs(4);
/// How long the questions to one party may take in a round.
const PATIENCE: Duration = Duration::from_secs(4);
/// Parties asked at the same time.
const AT_ONCE: usize = 32;
/// How often readings of meters are filed, where a tariff is.
const SHEETS: Duration = Duration::from_secs(600);
/// How often alarms are looked for.
const NOTICES: Duration = Duration::from_secs(20);
/// How often undelivered messages are tried again.
const OUTBOX: Duration = Duration::from_secs(1);

/// When each party of each open job answered last.
type Seen = HashMap<(String, String), Instant>;

/// Runs until the node stops.
pub fn watch(node: &Arc<Node>) {
    let mut seen = Seen::new();
    let mut next_round = Instant::now() + ROUND;
    let mut next_notices = next_round;
    // dialling a peer that is away takes seconds; nothing here waits for it
    let dialler = Arc::clone(node);
    std::thread::spawn(move || {
        while !dialler.is_stopping() {
            dialler.keep_links();
            std::thread::sleep(OUTBOX);
        }
    });
    if crate::supervise::supervises(node) {
        let supervisor = Arc::clone(node);
        std::thread::spawn(move || {
            while !supervisor.is_stopping() {
                crate::supervise::round(&supervisor);
                std::thread::sleep(crate::supervise::ROUND);
            }
        });
    }
    let learner = Arc::clone(node);
    std::thread::spawn(move || {
        // once after every start
        let mut fetched = 0;
        while !learner.is_stopping() {
            crate::procedure::sync::catch_up(&learner, &mut fetched);
            crate::docket::chapters::reviews::act::follow(&learner);
            std::thread::sleep(ROUND);
        }
    });
    let mut next_sheet = Instant::now() + SHEETS;
    while !node.is_stopping() {
        std::thread::sleep(OUTBOX);
        node.flush_in_background();
        if Instant::now() >= next_sheet {
            next_sheet = Instant::now() + SHEETS;
            let meter = Arc::clone(node);
            std::thread::spawn(move || crate::market::meter::file_due(&meter));
        }
        if Instant::now() < next_round {
            continue;
        }
        next_round = Instant::now() + ROUND;
        tidy(node);
        crate::incidents::go_on(node);
        if Instant::now() >= next_notices {
            next_notices = Instant::now() + NOTICES;
            if let Err(fault) = crate::notices::write(node) {
                tracing::warn!(code = fault.code.as_str(), "notices are written later");
            }
        }
        // terms end without anybody saying so
        crate::procedure::effect::follow(node);
        crate::procedure::draft::expire(node);
        round(node, &mut seen);
    }
}

/// Asks about all open jobs, and ends those that one answer, or none for too long, ends.
fn round(node: &Arc<Node>, seen: &mut Seen) {
    let open: Vec<JobRow> = node.store().jobs_in(&State::open()).unwrap_or_default().into_iter().filter(watched).collect();
    seen.retain(|(job, _), _| open.iter().any(|j| j.id == *job));
    let mut questions: BTreeMap<String, Vec<&JobRow>> = BTreeMap::new();
    for row in &open {
        match whom_to_ask(node, row) {
            Ok(parties) => parties.into_iter().for_each(|party| questions.entry(party).or_default().push(row)),
            Err(fault) => end::fail(node, &row.id, &fault),
        }
    }
    for (party, jobs) in &mut questions {
        // who was heard of longest ago first: what is not asked in this round comes first in the next
        jobs.sort_by_key(|row| seen.get(&(row.id.clone(), party.clone())).copied());
    }
    let limit = Duration::from_secs(node.config().limits.resume_limit_s);
    for (row, party, answer) in ask(node, &questions) {
        // What was known of the job when the questions left may be past.
        if bundle::find(node, &row.id).map_or(true, |now| now.state != row.state) {
            continue;
        }
        let last = seen.entry((row.id.clone(), party.to_owned())).or_insert_with(Instant::now);
        if let Err(fault) = judge(row.state, party, answer, last, limit) {
            end::fail(node, &row.id, &fault);
        }
    }
}

type Answers<'a> = Vec<(&'a JobRow, &'a str, Result<JobAnswer, Fault>)>;

/// Each party has a thread and [`PATIENCE`] for all its jobs together: one that is slow, or whose silent proposals are many,
/// delays nobody else's. What a party had no time for is not answered.
fn ask<'a>(node: &Node, questions: &'a BTreeMap<String, Vec<&'a JobRow>>) -> Answers<'a> {
    let parties: Vec<(&str, &[&JobRow])> = questions.iter().map(|(party, jobs)| (party.as_str(), jobs.as_slice())).collect();
    let mut all = Vec::new();
    for some in parties.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let asked: Vec<_> = some
                .iter()
                .map(|(party, jobs)| {
                    scope.spawn(move || {
                        let answers = in_time(jobs, PATIENCE, |row, patience| standing::one(node, &row.id, party, patience));
                        answers.into_iter().map(|(row, answer)| (row, *party, answer)).collect::<Vec<_>>()
                    })
                })
                .collect();
            // a question that panicked was not asked
            all.extend(asked.into_iter().filter_map(|thread| thread.join().ok()).flatten());
        });
    }
    all
}

/// Asks one question after the other until the time is over. Who is not reached is not asked again for the others.
fn in_time<'a, Q: ?Sized>(
    questions: &[&'a Q],
    time: Duration,
    ask: impl Fn(&Q, Duration) -> Result<JobAnswer, Fault>,
) -> Vec<(&'a Q, Result<JobAnswer, Fault>)> {
    let end = Instant::now() + time;
    let mut answers = Vec::with_capacity(questions.len());
    let mut away: Option<Fault> = None;
    for question in questions {
        let left = end.saturating_duration_since(Instant::now());
        let answer = match &away {
            Some(fault) => Err(fault.clone()),
            None if left.is_zero() => break,
            None => ask(question, left),
        };
        away = answer.as_ref().err().filter(|fault| unreachable(fault.code)).cloned();
        answers.push((*question, answer));
    }
    answers
}

/// Jobs that wait for others. A held result waits for a person at the reviewer, until the contract ends; the other parties
/// ask the reviewer, because they may have missed the job's end.
fn watched(row: &JobRow) -> bool {
    row.state.before_held() || row.state == State::Held
}

/// The parties whose answers a job waits for; a fault for one that is over.
fn whom_to_ask(node: &Node, row: &JobRow) -> Result<Vec<String>, Fault> {
    let bundle = Bundle::of(row)?;
    let held = row.state == State::Held;
    let reviews = bundle.contract.payload.reviewer.party.as_str() == node.name();
    if (!held || reviews) && now() >= bundle.contract.payload.expires {
        return Err(Fault::new(Code::ContractExpired, format!("at {}", bundle.contract.payload.expires)).at(row.id.clone()));
    }
    if held && reviews {
        return Ok(Vec::new());
    }
    let mut parties = bundle.others(node);
    if held {
        parties.retain(|p| p == bundle.contract.payload.reviewer.party.as_str());
    }
    Ok(parties)
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
    if let Err(fault) = node.settle() {
        tracing::error!(code = fault.code.as_str(), "what the store keeps for the log is not in the log yet");
    }
    for job in node.store().uncleaned().unwrap_or_default() {
        end::clean_up(node, &job);
    }
    if let Err(fault) = crate::models::expire(node) {
        tracing::error!(code = fault.code.as_str(), "models of ended authorisations are not destroyed yet");
    }
    if let Err(fault) = crate::quarantine::follow(node) {
        tracing::error!(code = fault.code.as_str(), "what is over in quarantine is not destroyed yet");
    }
    if let Err(fault) = crate::destroy::invitations(node) {
        tracing::error!(code = fault.code.as_str(), "secrets of past invitations are not destroyed yet");
    }
}

/// What a restart does with open jobs: what needs the lost sessions fails by name, what is persisted goes on. Failed jobs whose
/// log entry or destruction is missing are completed.
pub fn recover(node: &Arc<Node>) {
    tidy(node);
    for row in node.store().jobs_in(&State::open()).unwrap_or_default() {
        let own = row.proposer == node.name();
        match row.state {
            State::Running if super::again::can(node, &row) && node.live().begin(&row.id) => match Bundle::of(&row) {
                Ok(bundle) => super::run::spawn(node, &row.id, bundle),
                Err(fault) => {
                    node.live().end(&row.id);
                    end::fail(node, &row.id, &fault);
                }
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> JobAnswer {
        JobAnswer { state: "running".into(), fault: None }
    }

    #[test]
    fn a_slow_party_has_a_bounded_time_for_all_its_jobs() {
        let jobs: Vec<String> = (0..1000).map(|n| format!("job {n}")).collect();
        let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
        let start = Instant::now();
        let slow = |_: &str, left: Duration| {
            std::thread::sleep(left.min(Duration::from_millis(30)));
            Ok(running())
        };
        let answers = in_time(&jobs, Duration::from_millis(200), slow);
        assert!(start.elapsed() < Duration::from_secs(2) && (1..=8).contains(&answers.len()), "{}", answers.len());
        // one that is away costs its patience once, and is away for all
        let start = Instant::now();
        let away = |_: &str, left: Duration| {
            std::thread::sleep(left);
            Err(Fault::new(Code::Unreachable, "no answer"))
        };
        let answers = in_time(&jobs, Duration::from_millis(200), away);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(answers.len() == 1000 && answers.iter().all(|(_, answer)| answer.is_err()));
        // other faults are about one job
        let unknown = |job: &str, _| if job == "job 0" { Err(Fault::new(Code::NotFound, job)) } else { Ok(running()) };
        let answers = in_time(&jobs, Duration::from_secs(5), unknown);
        assert_eq!(answers.iter().filter(|(_, answer)| answer.is_err()).count(), 1);
    }
}
