//! The conformance suite on the engines of the crate.

use yu_mpc::Result;
use yu_mpc::conformance::{Harness, Seat};
use yu_mpc::rep3::{Context, Malicious};

use super::world::{NAMES, SESSION, context, rng};

struct Rep3;

impl Harness for Rep3 {
    type Engine = Context;
    const PARTIES: &'static [&'static str] = &NAMES;

    fn join(seat: &mut Seat) -> Result<Context> {
        let index = seat.index();
        context(index, (seat.channel_to((index + 2) % 3)?, seat.channel_to((index + 1) % 3)?))
    }
}

mod rep3 {
    use super::Rep3;
    yu_mpc::conformance!(Rep3);
}

struct Rep3Malicious;

impl Harness for Rep3Malicious {
    type Engine = Malicious;
    const PARTIES: &'static [&'static str] = &NAMES;

    fn join(seat: &mut Seat) -> Result<Malicious> {
        let index = seat.index();
        let (prev, next) = (seat.channel_to((index + 2) % 3)?, seat.channel_to((index + 1) % 3)?);
        Malicious::new(index, &SESSION, prev, next, &mut rng(100 + index as u64))
    }
}

mod rep3_malicious {
    use super::Rep3Malicious;
    yu_mpc::conformance!(Rep3Malicious);
}
