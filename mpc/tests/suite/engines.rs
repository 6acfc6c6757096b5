//! The conformance suite on the engines of the crate.

use yu_mpc::Result;
use yu_mpc::conformance::Harness;
use yu_mpc::rep3::Context;
use yu_wire::meter::Totals;

use super::world::{NAMES, three};

struct Rep3;

impl Harness for Rep3 {
    type Engine = Context;
    const PARTIES: &'static [&'static str] = &NAMES;

    fn run<R: Send>(party: impl Fn(&mut Context, usize) -> Result<R> + Sync) -> Vec<Result<(R, Option<Totals>)>> {
        let run = |context: &mut Context| {
            let index = context.index();
            let result = party(context, index)?;
            Ok((result, Some(context.totals())))
        };
        three(run).into_iter().collect()
    }
}

mod rep3 {
    use super::Rep3;
    yu_mpc::conformance!(Rep3);
}
