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

/// All programs that do not shuffle.
mod rep3_malicious {
    use yu_mpc::conformance::{check, check_bits_in, check_misfits, check_rounding};
    use yu_mpc::conformance_test;

    use super::Rep3Malicious as Engine;

    conformance_test!(add, check::<Engine>("add"));
    conformance_test!(mul, check::<Engine>("mul"));
    conformance_test!(mul_fixed, check::<Engine>("mul-fixed"));
    conformance_test!(dot, check::<Engine>("dot"));
    conformance_test!(matmul, check::<Engine>("matmul"));
    conformance_test!(trunc, check::<Engine>("trunc"));
    conformance_test!(lt, check::<Engine>("lt"));
    conformance_test!(eq, check::<Engine>("eq"));
    conformance_test!(max, check::<Engine>("max"));
    conformance_test!(abs, check::<Engine>("abs"));
    conformance_test!(mux, check::<Engine>("mux"));
    conformance_test!(moments, check::<Engine>("moments"));
    conformance_test!(histogram, check::<Engine>("histogram"));
    conformance_test!(categories, check::<Engine>("categories"));
    conformance_test!(by_category, check::<Engine>("by-category"));
    conformance_test!(rounding_in_one_call, check_rounding::<Engine>());
    conformance_test!(misfits_are_refused, check_misfits::<Engine>());
    conformance_test!(bits_of_all_owners, check_bits_in::<Engine>());
}
