//! A computing party's place in a session, against whichever adversary.

use rand::CryptoRng;
use yu_mpc::engine::Engine;
use yu_mpc::rep3::{Context, Malicious, SealedShare};
use yu_mpc::{Result, SessionId};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;
use yu_wire::seal::SealPublic;

use super::OUTPUT_INFO;

/// An engine of three parties, from its set-up to its sealed output.
pub(super) trait Seat: Engine + Sized {
    fn take(index: usize, session: &SessionId, prev: Channel, next: Channel, rng: &mut impl CryptoRng) -> Result<Self>;

    /// Seals the own part of an output to the reviewer; whatever has to be checked is checked before.
    fn seal(&mut self, output: &Self::Words, to: &SealPublic, job: &str, rng: &mut impl CryptoRng) -> Result<SealedShare>;

    fn totals(&self) -> Totals;

    /// `(prev, next)`; the keys are wiped.
    fn leave(self) -> (Channel, Channel);
}

impl Seat for Context {
    fn take(index: usize, session: &SessionId, prev: Channel, next: Channel, rng: &mut impl CryptoRng) -> Result<Self> {
        Self::new(index, session, prev, next, rng)
    }

    fn seal(&mut self, output: &Self::Words, to: &SealPublic, job: &str, rng: &mut impl CryptoRng) -> Result<SealedShare> {
        self.seal_words(output, to, OUTPUT_INFO, job.as_bytes(), rng)
    }

    fn totals(&self) -> Totals {
        Self::totals(self)
    }

    fn leave(self) -> (Channel, Channel) {
        self.into_channels()
    }
}

impl Seat for Malicious {
    fn take(index: usize, session: &SessionId, prev: Channel, next: Channel, rng: &mut impl CryptoRng) -> Result<Self> {
        Self::new(index, session, prev, next, rng)
    }

    fn seal(&mut self, output: &Self::Words, to: &SealPublic, job: &str, rng: &mut impl CryptoRng) -> Result<SealedShare> {
        self.seal_output(output, to, OUTPUT_INFO, job.as_bytes(), rng)
    }

    fn totals(&self) -> Totals {
        Self::totals(self)
    }

    fn leave(self) -> (Channel, Channel) {
        self.into_channels()
    }
}
