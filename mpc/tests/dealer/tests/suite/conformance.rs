//! The suite of `yu-mpc`, by one macro: programs, primitives, dry run, bench table.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_mpc::Result;
use yu_mpc::conformance::{Harness, Seat};
use yu_mpc_dealer::Context;

pub(crate) struct Dealer;

impl Harness for Dealer {
    type Engine = Context;
    const PARTIES: &'static [&'static str] = &["first", "second", "dealer"];

    fn join(seat: &mut Seat) -> Result<Context> {
        let index = seat.index();
        let (prev, next) = (seat.channel_to((index + 2) % 3)?, seat.channel_to((index + 1) % 3)?);
        Context::new(index, &[7; 32], prev, next, &mut ChaCha20Rng::seed_from_u64(100 + index as u64))
    }
}

mod suite {
    use super::Dealer;
    yu_mpc::conformance!(Dealer);
}
