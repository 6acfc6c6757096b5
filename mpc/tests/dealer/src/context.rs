//! A party's view of the session: its role, channels and keys.

use bytes::Bytes;
use rand::CryptoRng;
use yu_mpc::prg::{SEED_LEN, Source};
use yu_mpc::{Error, Result, SessionId};
use yu_wire::channel::{Channel, Expect};
use zeroize::Zeroizing;

use crate::steps::DealerStep;

/// Number of parties; P2 deals.
pub const PARTIES: usize = 3;

/// Number of the dealer.
pub(crate) const DEALER: usize = 2;

/// Party `P_i` of one session. All three parties call the same operations in the same order; after an error every further
/// operation answers with an error.
pub struct Context {
    pub(crate) role: Role,
    /// Set while an operation runs; stays set if it fails.
    is_busy: bool,
}

pub(crate) enum Role {
    Computing(Computing),
    Dealing(Dealing),
}

/// P0 or P1.
pub(crate) struct Computing {
    /// 0 or 1.
    pub(crate) index: usize,
    /// The other of the two.
    pub(crate) peer: Channel,
    pub(crate) dealer: Channel,
    /// Drawn by both computing parties; the dealer lacks it.
    pub(crate) with_peer: Source,
    pub(crate) with_dealer: Source,
}

/// P2; index of the arrays: the computing party.
pub(crate) struct Dealing {
    pub(crate) parties: [Channel; 2],
    pub(crate) with: [Source; 2],
}

impl Context {
    /// Joins as party `index`; `prev` leads to `P_{index-1}`, `next` to `P_{index+1}` (modulo 3). Exchanges seeds: one round.
    ///
    /// # Errors
    /// [`Error::Caller`] for an index above 2 or two channels to the same party; the peers' and the transport's.
    pub fn new(index: usize, session: &SessionId, mut prev: Channel, mut next: Channel, rng: &mut impl CryptoRng) -> Result<Self> {
        if index >= PARTIES {
            return Err(Error::Caller(format!("party index `{index}`, expected 0, 1 or 2")));
        }
        if prev.peer() == next.peer() {
            return Err(Error::Caller(format!("both channels lead to `{}`", prev.peer())));
        }
        let mut ours = Zeroizing::new([0; SEED_LEN]);
        rng.fill_bytes(&mut *ours);
        next.send(DealerStep::Key, Bytes::copy_from_slice(&*ours))?;
        let received = prev.recv(DealerStep::Key, Expect::Exactly(SEED_LEN))?;
        let mut theirs = Zeroizing::new([0; SEED_LEN]);
        theirs.copy_from_slice(&received);
        if *theirs == *ours {
            let (culprit, step) = (prev.peer().into(), DealerStep::Key.label().into());
            return Err(Error::Peer { culprit, step, what: "our own seed came back".into() });
        }
        // the pair's edge is the number of the party that chose the seed: 0 is P0 and P1, 1 is P1 and P2, 2 is P2 and P0
        let source = |seed: &[u8; SEED_LEN], edge| Source::new(seed, session, edge);
        let role = match index {
            0 => {
                Role::Computing(Computing { index, peer: next, dealer: prev, with_peer: source(&ours, 0), with_dealer: source(&theirs, 2) })
            }
            1 => {
                Role::Computing(Computing { index, peer: prev, dealer: next, with_peer: source(&theirs, 0), with_dealer: source(&ours, 1) })
            }
            _ => Role::Dealing(Dealing { parties: [next, prev], with: [source(&ours, 2), source(&theirs, 1)] }),
        };
        Ok(Self { role, is_busy: false })
    }

    /// Our number.
    #[must_use]
    pub const fn index(&self) -> usize {
        match &self.role {
            Role::Computing(party) => party.index,
            Role::Dealing(_) => DEALER,
        }
    }

    /// Runs an operation that draws or talks. If it fails, the context is unusable afterwards.
    pub(crate) fn operate<R>(&mut self, operation: impl FnOnce(&mut Role) -> Result<R>) -> Result<R> {
        if self.is_busy {
            return Err(Error::Caller("an earlier operation of this session failed, start a new session".into()));
        }
        self.is_busy = true;
        let result = operation(&mut self.role)?;
        self.is_busy = false;
        Ok(result)
    }
}
