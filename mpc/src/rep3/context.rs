//! A party's view of the three-party session: channels, keys and the count of operations.

use bytes::Bytes;
use rand::CryptoRng;
use yu_wire::channel::{Channel, Expect};
use yu_wire::meter::Totals;
use zeroize::{Zeroize, Zeroizing};

use super::steps::Rep3Step;
use crate::prg::{Key, Op, Purpose, SEED_LEN};
use crate::{Error, Result, SessionId};

/// Number of parties.
pub const PARTIES: usize = 3;

/// Party `P_i` of one session. All three parties call the same operations in the same order.
///
/// After an error the context answers every further operation with an error: its peers may be at another operation.
///
/// It holds keys and does not print:
/// ```compile_fail
/// fn print(context: &yu_mpc::rep3::Context) -> String {
///     format!("{context:?}")
/// }
/// ```
pub struct Context {
    pub(super) index: usize,
    pub(super) prev: Channel,
    pub(super) next: Channel,
    /// `k_i`, shared with the predecessor.
    pub(super) own_key: Key,
    /// `k_{i+1}`, shared with the successor.
    pub(super) next_key: Key,
    /// Numbers handed out so far. INVARIANT: never reset, so no PRG block is used twice.
    operations: u64,
    /// Set while an operation runs; stays set if it fails.
    is_busy: bool,
}

impl Context {
    /// Joins as party `index`; `prev` leads to `P_{index-1}`, `next` to `P_{index+1}` (modulo 3). Exchanges PRG keys: one round.
    ///
    /// `session` separates the keys of this run from those of any other; all parties pass the same.
    ///
    /// # Errors
    /// [`Error::Caller`] for an index above 2 or two channels to the same party; the peers' and the transport's.
    pub fn new(index: usize, session: &SessionId, mut prev: Channel, mut next: Channel, rng: &mut impl CryptoRng) -> Result<Self> {
        let [own_edge, next_edge] = match index {
            0 => [0, 1],
            1 => [1, 2],
            2 => [2, 0],
            _ => return Err(Error::caller(format!("party index `{index}`, expected 0, 1 or 2"))),
        };
        if prev.peer() == next.peer() {
            return Err(Error::caller(format!("both channels lead to `{}`", prev.peer())));
        }
        let mut seed = Zeroizing::new([0u8; SEED_LEN]);
        rng.fill_bytes(&mut *seed);
        prev.send(Rep3Step::Key, Bytes::copy_from_slice(&*seed))?;
        let received = next.recv(Rep3Step::Key, Expect::Exactly(SEED_LEN))?;
        let mut theirs = Zeroizing::new([0u8; SEED_LEN]);
        theirs.copy_from_slice(&received);
        if *theirs == *seed {
            return Err(Error::peer(next.peer(), Rep3Step::Key.label(), "our own seed came back"));
        }
        if let Ok(mut buffer) = received.try_into_mut() {
            buffer.as_mut().zeroize();
        }
        Ok(Self {
            index,
            own_key: Key::derive(&seed, session, own_edge),
            next_key: Key::derive(&theirs, session, next_edge),
            prev,
            next,
            operations: 0,
            is_busy: false,
        })
    }

    /// Our number.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Name of party `index`, if it is not us.
    #[must_use]
    pub fn peer(&self, index: usize) -> Option<&str> {
        if index == successor(self.index) {
            Some(self.next.peer())
        } else if index == predecessor(self.index) {
            Some(self.prev.peer())
        } else {
            None
        }
    }

    /// Bytes, frames and rounds of this party so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.prev.meter().totals()
    }

    /// Gives the channels back: `(prev, next)`. The keys are wiped.
    #[must_use]
    pub fn into_channels(self) -> (Channel, Channel) {
        (self.prev, self.next)
    }

    /// The channel to party `index`.
    pub(crate) fn channel(&mut self, index: usize) -> Result<&mut Channel> {
        if index == successor(self.index) {
            Ok(&mut self.next)
        } else if index == predecessor(self.index) {
            Ok(&mut self.prev)
        } else {
            Err(Error::caller(format!("party `{index}` is not a peer of party `{}`", self.index)))
        }
    }

    /// Runs an operation that talks to the peers. If it fails, the context is unusable afterwards.
    pub(crate) fn operate<R>(&mut self, operation: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if self.is_busy {
            return Err(Error::caller("an earlier operation of this session failed, start a new session"));
        }
        self.is_busy = true;
        let result = operation(self)?;
        self.is_busy = false;
        Ok(result)
    }

    /// The number that the next operation gets.
    pub(super) const fn upcoming(&self) -> u64 {
        self.operations
    }

    /// The next operation number: all parties ask in the same order.
    pub(super) fn next_op(&mut self) -> Result<Op> {
        if self.operations == Op::LIMIT {
            return Err(Error::caller("the session has used up its operation numbers"));
        }
        let op = Op::new(self.operations);
        self.operations += 1;
        Ok(op)
    }

    /// Overwrites `out` with our share of zero, `alpha_i = F(k_i) - F(k_{i+1})`; the three parties' shares add up to zero.
    pub(super) fn zero_share(&self, op: &Op, out: &mut [u64]) {
        let mut own = self.own_key.stream(Purpose::ZeroShare, op);
        let mut next = self.next_key.stream(Purpose::ZeroShare, op);
        for piece in out.chunks_mut(CACHED) {
            own.fill(piece);
            next.subtract(piece);
        }
    }
}

/// Elements worked on while they are in the first-level cache.
pub(super) const CACHED: usize = 1024;

pub(super) const fn successor(index: usize) -> usize {
    (index + 1) % PARTIES
}

pub(super) const fn predecessor(index: usize) -> usize {
    (index + PARTIES - 1) % PARTIES
}
