//! Bytes, frames, messages and rounds of one party in one session.
//!
//! All channels of a party share one [`Meter`]. Metered are data frames with their 32-byte headers; control
//! frames of the session and the carrier's own overhead are not.
//!
//! Rounds are causal depths (Lamport): a message is stamped `1 + ` the highest round that its sender had
//! received when it began the message; all frames of a message carry the same stamp. The rounds of a party
//! are the highest stamp that it sent or received, so messages that cross or go to several parties at once
//! count as one round. The number depends only on the order of calls within each party: it is the same in
//! every run as long as the channels that share a meter are used in a fixed program order (one thread, or
//! threads whose messages do not depend on each other's).
//!
//! Bytes and frames are our own count. Rounds rest on the stamps of peers: one that lies can make the number
//! too high (seen when it differs from the formula in the contract), never stop us or another party.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::frame::{HEADER_LEN, MAX_ROUND};
use crate::step::{Named, Step};

/// Counts of a session, a step or a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Bytes sent, headers included.
    pub bytes_sent: u64,
    /// Bytes received, headers included.
    pub bytes_received: u64,
    /// Data frames sent.
    pub frames_sent: u64,
    /// Data frames received.
    pub frames_received: u64,
    /// Messages begun.
    pub messages_sent: u64,
    /// Messages of which the first frame arrived.
    pub messages_received: u64,
    /// In [`Meter::totals`] the causal depth; per step or peer the number of distinct rounds in which it took part.
    pub rounds: u32,
}

impl Totals {
    /// Bytes in both directions.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_sent + self.bytes_received
    }
}

/// The counters; shared by all channels of one party in one session.
#[derive(Debug, Default)]
pub struct Meter {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Highest round received: what a new message causally depends on.
    depth: u32,
    total: Totals,
    steps: BTreeMap<Step, (&'static str, Entry)>,
    peers: BTreeMap<Arc<str>, Entry>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    totals: Totals,
    rounds: BTreeSet<u32>,
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sent,
    Received,
}

/// Which frame of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Later,
}

/// One data frame, as the channel saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) way: Way,
    pub(crate) place: Place,
    pub(crate) step: Named,
    pub(crate) round: u32,
    pub(crate) payload: usize,
}

impl Meter {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Everything so far; `rounds` is the causal depth.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock().total
    }

    /// Split by step, in the order of the step numbers.
    #[must_use]
    pub fn by_step(&self) -> Vec<(Step, Totals)> {
        self.lock().steps.iter().map(|(step, (_, entry))| (*step, entry.read())).collect()
    }

    /// Split by peer, in the order of the names.
    #[must_use]
    pub fn by_peer(&self) -> Vec<(String, Totals)> {
        self.lock().peers.iter().map(|(peer, entry)| (peer.to_string(), entry.read())).collect()
    }

    /// The name under which a step was used; its number if it had none.
    #[must_use]
    pub fn name(&self, step: Step) -> String {
        match self.lock().steps.get(&step) {
            Some((name, _)) => Named { step, name }.to_string(),
            None => step.to_string(),
        }
    }

    /// The stamp of a message that begins now. It saturates: a peer that claims a huge round spoils our
    /// count, but cannot make the next party blame us for exceeding [`MAX_ROUND`].
    pub(crate) fn next_round(&self) -> u32 {
        self.lock().depth.saturating_add(1).min(MAX_ROUND)
    }

    pub(crate) fn record(&self, peer: &Arc<str>, seen: Seen) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        inner.total.add(seen);
        inner.total.rounds = inner.total.rounds.max(seen.round);
        if seen.way == Way::Received {
            inner.depth = inner.depth.max(seen.round);
        }
        let (name, entry) = inner.steps.entry(seen.step.step).or_default();
        if name.is_empty() {
            *name = seen.step.name;
        }
        entry.add(seen);
        match inner.peers.get_mut(peer) {
            Some(entry) => entry.add(seen),
            None => inner.peers.entry(Arc::clone(peer)).or_default().add(seen),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // counters stay meaningful when a thread panicked while it held them
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn add(&mut self, seen: Seen) {
        let bytes = (seen.payload + HEADER_LEN) as u64;
        let first = u64::from(seen.place == Place::First);
        match seen.way {
            Way::Sent => {
                self.bytes_sent += bytes;
                self.frames_sent += 1;
                self.messages_sent += first;
            }
            Way::Received => {
                self.bytes_received += bytes;
                self.frames_received += 1;
                self.messages_received += first;
            }
        }
    }
}

impl Entry {
    fn add(&mut self, seen: Seen) {
        self.totals.add(seen);
        if seen.place == Place::First {
            self.rounds.insert(seen.round);
        }
    }

    fn read(&self) -> Totals {
        Totals { rounds: u32::try_from(self.rounds.len()).unwrap_or(u32::MAX), ..self.totals }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(meter: &Meter, peer: &str, way: Way, round: u32) {
        let name = if round.is_multiple_of(2) { "even" } else { "" };
        let step = Named { step: Step(round % 2), name };
        meter.record(&peer.into(), Seen { way, place: Place::First, step, round, payload: 10 });
    }

    #[test]
    fn depth_follows_what_was_received() {
        let meter = Meter::new();
        assert_eq!(meter.next_round(), 1);
        see(&meter, "b", Way::Sent, 1);
        assert_eq!(meter.next_round(), 1, "sending to several parties at once is one round");
        see(&meter, "c", Way::Sent, 1);
        see(&meter, "b", Way::Received, 1);
        see(&meter, "c", Way::Received, 1);
        assert_eq!((meter.totals().rounds, meter.next_round()), (1, 2));
        see(&meter, "c", Way::Sent, 2);
        assert_eq!((meter.totals().rounds, meter.next_round()), (2, 2));
    }

    #[test]
    fn splits_add_up() {
        let meter = Meter::new();
        for round in 1..=4 {
            see(&meter, if round < 3 { "b" } else { "c" }, Way::Sent, round);
            see(&meter, "b", Way::Received, round);
        }
        let total = meter.totals();
        assert_eq!((total.bytes_sent, total.bytes_received, total.bytes()), (4 * 42, 4 * 42, 8 * 42));
        assert_eq!((total.frames_sent, total.messages_received, total.rounds), (4, 4, 4));
        let steps = meter.by_step();
        assert_eq!(steps.iter().map(|(step, totals)| (step.0, totals.rounds)).collect::<Vec<_>>(), [(0, 2), (1, 2)]);
        assert_eq!(steps.iter().map(|(_, totals)| totals.bytes()).sum::<u64>(), total.bytes());
        let peers = meter.by_peer();
        assert_eq!(peers.iter().map(|(peer, totals)| (&**peer, totals.frames_sent)).collect::<Vec<_>>(), [("b", 2), ("c", 2)]);
        assert_eq!((meter.name(Step(0)), meter.name(Step(1))), ("even".into(), "0000.0001".into()));
    }

    #[test]
    fn stamps_saturate_at_the_highest_round() {
        let meter = Meter::new();
        see(&meter, "b", Way::Received, MAX_ROUND);
        assert_eq!(meter.next_round(), MAX_ROUND);
    }
}
