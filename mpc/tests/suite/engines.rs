//! The conformance suite on the engines of the crate.

use yu_mpc::Result;
use yu_mpc::conformance::{Harness, Seat};
use yu_mpc::rep3::Context;

use super::world::{NAMES, context};

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
