//! The exact cost of a protocol, before it runs: bytes and rounds as formulas in the row counts.
//!
//! A [`Formula`] lists every message (who, to whom, payload as an [`Expr`]) in phases: what a party sends in a phase it
//! begins to send before it receives anything of that phase. Everything else follows from the list:
//! - a message of `p` payload bytes costs `p + 32 frames(p)` bytes ([`yu_wire::frame::framed_len`]),
//! - rounds are causal depths as [`yu_wire::meter`] counts them, found by running the phases' clocks.
//!
//! Evaluated at the actual counts, a formula equals the meters of a run exactly; tests hold it to that. At signing time the
//! number of matched rows is unknown: [`Formula::bounds`] gives minimum and maximum.
//!
//! ```
//! use yu_mpc::cost::Counts;
//! let formula = yu_mpc::psi::formula("health", "bank");
//! let cost = formula.evaluate(&Counts { n_left: 1000, n_right: 2000, matched: 0 })?;
//! assert_eq!(cost.rounds, 3);
//! assert_eq!(formula.sent_by("health").to_string(),
//!     "12 + 32*frames(12) + 32*n_left + 32*frames(32*n_left) + n_right*tag_bytes(n_left, n_right) + 32*frames(n_right*tag_bytes(n_left, n_right))");
//! # Ok::<(), yu_mpc::Error>(())
//! ```

pub mod expr;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};
use yu_wire::frame::HEADER_LEN;

pub use expr::{Counts, Expr, Var};

use crate::{Error, Result};

/// A protocol's messages in the order of their phases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formula {
    /// Phases in program order.
    pub phases: Vec<Phase>,
}

/// Messages that cross each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// The messages.
    pub messages: Vec<Message>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Name of the step, as meters show it.
    pub step: String,
    /// Party that sends.
    pub from: String,
    /// Party that receives.
    pub to: String,
    /// Payload bytes.
    pub payload: Expr,
}

/// A formula evaluated at given counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Longest causal chain of messages.
    pub rounds: u32,
    /// Bytes of all messages, each counted once.
    #[serde(with = "crate::text")]
    pub bytes: u64,
    /// Per party, in order of first appearance.
    pub parties: Vec<PartyCost>,
    /// Per message.
    pub messages: Vec<MessageCost>,
}

/// What a party's meter will show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyCost {
    /// Name of the party.
    pub party: String,
    /// Bytes sent, headers included.
    #[serde(with = "crate::text")]
    pub bytes_sent: u64,
    /// Bytes received, headers included.
    #[serde(with = "crate::text")]
    pub bytes_received: u64,
    /// Frames sent.
    #[serde(with = "crate::text")]
    pub frames_sent: u64,
    /// Frames received.
    #[serde(with = "crate::text")]
    pub frames_received: u64,
    /// Highest round sent or received.
    pub rounds: u32,
}

/// Cost of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageCost {
    /// Name of the step.
    pub step: String,
    /// Party that sends.
    pub from: String,
    /// Party that receives.
    pub to: String,
    /// Frames.
    #[serde(with = "crate::text")]
    pub frames: u64,
    /// Bytes, headers included.
    #[serde(with = "crate::text")]
    pub bytes: u64,
}

impl Cost {
    /// The entry of a party.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<&PartyCost> {
        self.parties.iter().find(|party| party.party == name)
    }
}

impl Formula {
    /// No messages.
    #[must_use]
    pub const fn empty() -> Self {
        Self { phases: Vec::new() }
    }

    /// Adds a phase: `(step, from, to, payload)` per message. A phase without messages is left out.
    pub fn phase<'a>(&mut self, messages: impl IntoIterator<Item = (&'a str, &'a str, &'a str, Expr)>) {
        let messages: Vec<_> = messages
            .into_iter()
            .map(|(step, from, to, payload)| Message { step: step.into(), from: from.into(), to: to.into(), payload })
            .collect();
        if !messages.is_empty() {
            self.phases.push(Phase { messages });
        }
    }

    /// Adds what comes after.
    pub fn append(&mut self, later: Self) {
        self.phases.extend(later.phases);
    }

    /// This formula and then the other.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.phases.extend(other.phases);
        self
    }

    /// Bytes of all messages, headers included.
    #[must_use]
    pub fn bytes(&self) -> Expr {
        Expr::sum(self.messages().map(|message| message.payload.clone().framed()))
    }

    /// Bytes that a party sends, headers included.
    #[must_use]
    pub fn sent_by(&self, party: &str) -> Expr {
        Expr::sum(self.messages().filter(|message| message.from == party).map(|message| message.payload.clone().framed()))
    }

    /// Bytes that a party receives, headers included.
    #[must_use]
    pub fn received_by(&self, party: &str) -> Expr {
        Expr::sum(self.messages().filter(|message| message.to == party).map(|message| message.payload.clone().framed()))
    }

    /// The cost at given counts.
    ///
    /// # Errors
    /// [`Error::Caller`] if a number exceeds 64 bits.
    pub fn evaluate(&self, counts: &Counts) -> Result<Cost> {
        let mut clocks = Clocks::default();
        let mut cost = Cost { rounds: 0, bytes: 0, parties: Vec::new(), messages: Vec::new() };
        for phase in &self.phases {
            let stamps: Vec<u32> = phase.messages.iter().map(|message| clocks.get(&message.from).depth + 1).collect();
            for (message, stamp) in phase.messages.iter().zip(stamps) {
                clocks.send(&message.from, stamp);
                clocks.receive(&message.to, stamp);
                let entry = message.evaluate(counts)?;
                cost.bytes = add(cost.bytes, entry.bytes)?;
                let from = clocks.get(&message.from);
                from.cost.bytes_sent = add(from.cost.bytes_sent, entry.bytes)?;
                from.cost.frames_sent = add(from.cost.frames_sent, entry.frames)?;
                let to = clocks.get(&message.to);
                to.cost.bytes_received = add(to.cost.bytes_received, entry.bytes)?;
                to.cost.frames_received = add(to.cost.frames_received, entry.frames)?;
                cost.messages.push(entry);
            }
        }
        cost.parties = clocks.0.into_iter().map(|clock| clock.cost).collect();
        cost.rounds = cost.parties.iter().map(|party| party.rounds).max().unwrap_or(0);
        Ok(cost)
    }

    /// Least and greatest cost when only the sizes of the inputs are known: at `min_matched` and at the smaller input. All
    /// formulas grow with the number of matched rows.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn bounds(&self, n_left: u64, n_right: u64, min_matched: u64) -> Result<(Cost, Cost)> {
        let most = n_left.min(n_right);
        let at = |matched| self.evaluate(&Counts { n_left, n_right, matched });
        Ok((at(min_matched.min(most))?, at(most)?))
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.phases.iter().flat_map(|phase| &phase.messages)
    }
}

impl Message {
    fn evaluate(&self, counts: &Counts) -> Result<MessageCost> {
        let payload = self.payload.evaluate(counts)?;
        let frames = yu_wire::frame::frame_count(payload);
        let bytes = add(payload, frames.saturating_mul(HEADER_LEN as u64))?;
        Ok(MessageCost { step: self.step.clone(), from: self.from.clone(), to: self.to.clone(), frames, bytes })
    }
}

/// `step: from -> to: payload` per message, an empty line between phases.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, phase) in self.phases.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            for message in &phase.messages {
                writeln!(f, "{}: {} -> {}: {}", message.step, message.from, message.to, message.payload)?;
            }
        }
        Ok(())
    }
}

/// Lamport clocks, as the meters run them.
#[derive(Default)]
struct Clocks(Vec<Clock>);

#[derive(Default)]
struct Clock {
    /// Highest round received.
    depth: u32,
    cost: PartyCost,
}

impl Clocks {
    fn get(&mut self, party: &str) -> &mut Clock {
        let at = self.0.iter().position(|clock| clock.cost.party == party).unwrap_or_else(|| {
            self.0.push(Clock { depth: 0, cost: PartyCost { party: party.into(), ..PartyCost::default() } });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn send(&mut self, party: &str, stamp: u32) {
        let clock = self.get(party);
        clock.cost.rounds = clock.cost.rounds.max(stamp);
    }

    fn receive(&mut self, party: &str, stamp: u32) {
        let clock = self.get(party);
        clock.depth = clock.depth.max(stamp);
        clock.cost.rounds = clock.cost.rounds.max(stamp);
    }
}

fn add(left: u64, right: u64) -> Result<u64> {
    left.checked_add(right).ok_or_else(expr::overflow)
}

impl From<parse::Fault> for Error {
    fn from(fault: parse::Fault) -> Self {
        Self::caller(fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_messages_are_one_round_and_chains_are_many() {
        let mut formula = Formula::empty();
        formula.phase([("s", "a", "b", Expr::from(8)), ("s", "b", "a", Expr::from(8))]);
        formula.phase([("s", "b", "c", Expr::from(0))]);
        formula.phase([("s", "c", "a", Expr::from(1))]);
        let cost = formula.evaluate(&Counts::default()).unwrap();
        assert_eq!(cost.rounds, 3);
        assert_eq!(cost.party("b").unwrap().rounds, 2);
        assert_eq!(cost.party("a").unwrap().bytes_received, 40 + 33);
        assert_eq!(cost.bytes, 40 + 40 + 32 + 33);
        assert_eq!(formula.bytes().evaluate(&Counts::default()).unwrap(), cost.bytes);
    }

    #[test]
    fn serialises_with_text_formulas() {
        let formula = crate::psi::formula("a", "b");
        let json = serde_json::to_string(&formula).unwrap();
        assert!(json.contains(r#""payload":"32*n_left""#), "{json}");
        assert_eq!(serde_json::from_str::<Formula>(&json).unwrap(), formula);
        let cost = formula.evaluate(&Counts { n_left: 1 << 40, n_right: 1 << 40, matched: 0 }).unwrap();
        let json = serde_json::to_string(&cost).unwrap();
        assert_eq!(serde_json::from_str::<Cost>(&json).unwrap(), cost);
        assert!(!json.contains(r#""bytes":9"#) && !json.contains(r#""bytes":1"#), "{json}");
    }

    #[test]
    fn overflow_is_an_error() {
        let formula = crate::psi::formula("a", "b");
        assert!(formula.evaluate(&Counts { n_left: u64::MAX, n_right: 1, matched: 0 }).is_err());
    }
}
