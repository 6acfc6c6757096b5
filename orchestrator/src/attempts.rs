//! What was tried and refused (P8): a question of a peer, or a command at this node's own console, that a rule stopped has an entry in the log, with who
//! asked, which question, and which fault. Never what was asked for: an entry holds no text of the asker.
//!
//! A peer that asks without end fills no log: so many refusals of one asker are logged in a while, the rest are counted and the count is logged once.

use crate::fault::{Code, Fault};
use crate::journal::Note;
use crate::node::Node;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use yu_governance::audit::{Event, Verb};

/// Refusals of one asker that are logged one by one in a [`WHILE`].
const LOGGED: u64 = 120;
/// After which counting begins anew.
const WHILE: Duration = Duration::from_secs(600);
/// Askers that are remembered: peers are admitted by ticket, so there are few.
const ASKERS: usize = 4096;

/// How often each asker was refused lately.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<String, Lately>>);

struct Lately {
    since: Instant,
    count: u64,
}

/// What is to be logged of a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    /// It, and the number of those before it that were not.
    This {
        unlogged: u64,
    },
    Nothing,
}

impl Attempts {
    fn count(&self, asker: &str, now: Instant) -> Entry {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.len() >= ASKERS {
            all.retain(|_, lately| now.duration_since(lately.since) < WHILE);
            if all.len() >= ASKERS && !all.contains_key(asker) {
                return Entry::Nothing;
            }
        }
        let lately = all.entry(asker.to_owned()).or_insert(Lately { since: now, count: 0 });
        let mut unlogged = 0;
        if now.duration_since(lately.since) >= WHILE {
            unlogged = lately.count.saturating_sub(LOGGED);
            *lately = Lately { since: now, count: 0 };
        }
        lately.count = lately.count.saturating_add(1);
        if lately.count <= LOGGED { Entry::This { unlogged } } else { Entry::Nothing }
    }
}

/// Whether a fault is this node's refusal, and not an error of its disk or network.
fn is_refusal(fault: &Fault) -> bool {
    !matches!(
        fault.code,
        Code::Storage | Code::DiskFull | Code::Unreachable | Code::Transport | Code::PeerLost | Code::NotRunning | Code::Bug
    )
}

/// Whether a person's command was refused, and not just mistyped.
fn is_no_mistake(fault: &Fault) -> bool {
    is_refusal(fault) && !matches!(fault.code, Code::Input | Code::FileMissing | Code::FileRead | Code::Exists)
}

/// Logs that a peer's question was refused; `question` is its name.
pub fn of_peer(node: &Node, peer: &str, question: &'static str, fault: &Fault) {
    if !is_refusal(fault) {
        return;
    }
    // a stranger has no name that may stand in the log; its connection is refused at the door
    if let Ok(event) = event(question, fault).by(peer) {
        log(node, crate::verbs::organisation(peer), event);
    }
}

/// Logs that a command at this node's console was refused.
pub fn of_console(node: &Node, fault: &Fault) {
    if is_no_mistake(fault) {
        log(node, "", event("console", fault));
    }
}

fn event(question: &'static str, fault: &Fault) -> Event {
    Event::new(Verb::AttemptRefused).code("question", question).code("fault", fault.code.as_str())
}

fn log(node: &Node, asker: &str, event: Event) {
    let Entry::This { unlogged } = node.attempts().count(asker, Instant::now()) else { return };
    let event = if unlogged == 0 { event } else { event.count("unlogged", unlogged) };
    // a full disk keeps no refusal from being one
    if let Err(fault) = node.log(event) {
        tracing::warn!(code = fault.code.as_str(), "a refusal could not be logged");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p8_every_refusal_is_logged_until_they_are_a_flood() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..LOGGED {
            assert_eq!(attempts.count("bank", start), Entry::This { unlogged: 0 });
        }
        for _ in 0..7 {
            assert_eq!(attempts.count("bank", start), Entry::Nothing);
        }
        // another asker is counted by itself
        assert_eq!(attempts.count("health", start), Entry::This { unlogged: 0 });
        assert_eq!(attempts.count("bank", start + WHILE), Entry::This { unlogged: 7 });
        assert_eq!(attempts.count("bank", start + WHILE), Entry::This { unlogged: 0 });
    }

    #[test]
    fn mistakes_are_no_attempts() {
        assert!(is_no_mistake(&Fault::new(Code::Refused, "")) && is_no_mistake(&Fault::new(Code::NotFound, "")));
        assert!(!is_no_mistake(&Fault::new(Code::Input, "")) && is_refusal(&Fault::new(Code::Input, "")));
        assert!(!is_refusal(&Fault::new(Code::DiskFull, "")));
    }
}
