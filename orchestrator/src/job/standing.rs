//! How a job stands with its other parties.

use super::State;
use crate::control::{Ask, JobAnswer, unreachable};
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use std::time::Duration;

/// How long the reviewer waits for each party before it releases.
const PATIENCE: Duration = Duration::from_secs(8);

/// Asks one party how a job stands with it.
pub(super) fn one(node: &Node, job: &str, party: &str, patience: Duration) -> Result<JobAnswer> {
    let value = node.ask_within(party, &Ask::Job { job: job.to_owned() }, patience)?;
    serde_json::from_value(value).map_err(|_| Fault::new(Code::PeerProtocol, "job answer").party(party))
}

/// Asks parties how a job stands with them, all at once: one that is away must not delay the others' questions.
fn ask(node: &Node, job: &str, parties: Vec<String>, patience: Duration) -> Vec<(String, Result<JobAnswer>)> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = parties
            .into_iter()
            .map(|party| {
                (
                    scope.spawn({
                        let party = party.clone();
                        move || one(node, job, &party, patience)
                    }),
                    party,
                )
            })
            .collect();
        asked
            .into_iter()
            .map(|(thread, party)| (party, thread.join().unwrap_or_else(|_| Err(Fault::new(Code::Bug, "the question panicked")))))
            .collect()
    })
}

/// The fault by which a job ended at a party, if it did.
pub(super) fn ended(party: &str, answer: &JobAnswer) -> Option<Fault> {
    matches!(State::parse(&answer.state), Some(State::Failed | State::Refused)).then(|| {
        let fault = answer.fault.clone().unwrap_or_else(|| Fault::new(Code::PartyRefused, answer.state.clone()));
        fault.reported_by(party)
    })
}

/// Why a result may not be released now.
pub(super) enum Objection {
    /// The job ended at a party: it ends here as well.
    Ended(Fault),
    /// A party does not say, or says what it cannot say: the result stays held.
    Unknown(Fault),
}

/// Whether every party still stands by the job. A party that halted it, or failed, may not have been able to say so yet: who
/// does not answer is waited for, not passed over.
pub(super) fn before_release(node: &Node, job: &str, parties: Vec<String>) -> std::result::Result<(), Objection> {
    let answers = ask(node, job, parties, PATIENCE);
    let ends = |(party, answer): &(String, Result<JobAnswer>)| answer.as_ref().ok().and_then(|answer| ended(party, answer));
    if let Some(fault) = answers.iter().find_map(ends) {
        return Err(Objection::Ended(fault));
    }
    match answers.iter().find_map(|(party, answer)| silent(party, answer)) {
        Some(fault) => Err(Objection::Unknown(fault)),
        None => Ok(()),
    }
}

fn silent(party: &str, answer: &Result<JobAnswer>) -> Option<Fault> {
    const STAYS: &str = "the result stays held";
    let fault = match answer {
        Ok(answer) => match State::parse(&answer.state) {
            Some(state) if state.is_final() => {
                Fault::new(Code::State, format!("the job is `{state}` there before the review decided; {STAYS}"))
            }
            Some(_) => return None,
            None => Fault::new(Code::Version, format!("state `{}`; {STAYS}", answer.state)),
        },
        Err(fault) if unreachable(fault.code) => Fault::new(
            Code::Unreachable,
            format!("it does not say how the job stands with it ({}); {STAYS} until it answers", fault.code.as_str()),
        ),
        Err(fault) if fault.code == Code::NotFound => Fault::new(Code::PeerRestarted, format!("the job is unknown there; {STAYS}")),
        Err(fault) => Fault::new(fault.code, format!("{}; {STAYS}", fault.detail)),
    };
    Some(fault.party(party))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: &str, fault: Option<Fault>) -> Result<JobAnswer> {
        Ok(JobAnswer { state: state.into(), fault })
    }

    #[test]
    fn every_answer_but_an_open_job_stands_in_the_way() {
        for state in State::ALL {
            let given = answer(state.as_str(), None);
            let stands = ended("bank", given.as_ref().unwrap()).is_none() && silent("bank", &given).is_none();
            assert_eq!(stands, !state.is_final(), "{state}");
        }
        let halted = answer("failed", Some(Fault::new(Code::Halted, "risk").party("bank"))).unwrap();
        let fault = ended("bank", &halted).unwrap();
        assert_eq!((fault.code, fault.party.as_deref()), (Code::Halted, Some("bank")));
        for (given, code) in [
            (answer("guessed", None), Code::Version),
            (Err(Fault::new(Code::PeerLost, "")), Code::Unreachable),
            (Err(Fault::new(Code::NotFound, "")), Code::PeerRestarted),
            (Err(Fault::new(Code::PeerUnknown, "")), Code::PeerUnknown),
        ] {
            let fault = silent("bank", &given).unwrap();
            assert_eq!((fault.code, fault.party.as_deref()), (code, Some("bank")), "{fault}");
        }
    }
}
