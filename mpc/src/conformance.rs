//! The suite that every engine passes, those written outside this crate too.
//!
//! An engine's tests implement [`Harness`] and call [`conformance!`](crate::conformance): each program of the
//! [catalogue](crate::programs) runs on it and on [`Clear`], the results agree, and the meters show exactly what the dry run
//! predicted.

use rand::SeedableRng;
use rand::rngs::StdRng;
use yu_wire::meter::Totals;

use crate::clear::Clear;
use crate::cost::Cost;
use crate::dry::Dry;
use crate::engine::{Engine, Input, Priced};
use crate::programs::{Output, Program, Visitor, by_name};
use crate::{Error, Result};

/// Runs programs on an engine, one thread a party.
pub trait Harness {
    /// The engine.
    type Engine: Priced;

    /// Names of the parties in order.
    const PARTIES: &'static [&'static str];

    /// Runs `party(engine, index)` for each party at once and returns the results in order, with each party's meter (`None` for an
    /// engine without messages).
    fn run<R: Send>(party: impl Fn(&mut Self::Engine, usize) -> Result<R> + Sync) -> Vec<Result<(R, Option<Totals>)>>;
}

/// Sizes that are checked: nothing, one, around the width of a word, more than one frame of bits.
pub const SIZES: &[usize] = &[0, 1, 2, 63, 64, 65, 200];

/// Checks a program by name at the standard sizes.
///
/// # Errors
/// A sentence that says what differs.
pub fn check<H: Harness>(name: &str) -> std::result::Result<(), String> {
    for n in SIZES {
        by_name(name, &mut Check::<H> { n: *n, harness: std::marker::PhantomData })
            .unwrap_or_else(|| Err("there is no such program".into()))
            .map_err(|what| format!("{name}, n = {n}: {what}"))?;
    }
    Ok(())
}

struct Check<H> {
    n: usize,
    harness: std::marker::PhantomData<H>,
}

impl<H: Harness> Visitor for Check<H> {
    type Out = std::result::Result<(), String>;

    fn visit<P: Program>(&mut self, program: &P) -> Self::Out {
        let text = |e: Error| e.to_string();
        let inputs = program.inputs(self.n, &mut StdRng::seed_from_u64(self.n as u64 + 1));
        let expected = play(program, &mut Clear, &inputs, self.n, None).map_err(text)?;
        let results = H::run(|engine, index| play(program, engine, &inputs, self.n, Some(index)));
        let cost = price::<H, P>(program, &inputs, self.n).map_err(text)?;
        for (result, name) in results.into_iter().zip(H::PARTIES) {
            let (outputs, totals) = result.map_err(text)?;
            compare(&expected, &outputs, P::TOLERANCE).map_err(|what| format!("party {name}: {what}"))?;
            if let Some(totals) = totals {
                meter(&cost, name, &totals)?;
            }
        }
        Ok(())
    }
}

/// Inputs, program, opening.
fn play<P: Program, E: Engine>(program: &P, engine: &mut E, inputs: &[Vec<u64>], n: usize, index: Option<usize>) -> Result<Vec<Vec<u64>>> {
    let shared = share(engine, inputs, index)?;
    let mut opened = Vec::new();
    for output in program.run(engine, &shared, n)? {
        opened.push(match output {
            Output::Words(words) => engine.open(&[&words])?.remove(0),
            Output::Bits(bits) => engine.open_bits(&[&bits])?.remove(0).iter().map(u64::from).collect(),
        });
    }
    Ok(opened)
}

/// Shares the vectors, vector `j` from party `j` modulo the number of parties; `index` is ours, `None` for an engine that wants
/// them all.
///
/// # Errors
/// The engine's.
pub fn share<E: Engine>(engine: &mut E, inputs: &[Vec<u64>], index: Option<usize>) -> Result<Vec<E::Words>> {
    let input = |(number, values): (usize, &'_ Vec<u64>)| {
        let owner = number % E::PARTIES;
        (owner, values.len(), index.is_none_or(|index| index == owner))
    };
    let described: Vec<_> = inputs.iter().enumerate().map(input).collect();
    let inputs: Vec<Input<'_, [u64]>> = described
        .iter()
        .zip(inputs)
        .map(|((owner, len, is_ours), values)| Input { owner: *owner, len: *len, values: is_ours.then_some(values.as_slice()) })
        .collect();
    engine.input(&inputs)
}

/// What the dry run predicts.
///
/// # Errors
/// The program's.
pub fn price<H: Harness, P: Program>(program: &P, inputs: &[Vec<u64>], n: usize) -> Result<Cost> {
    let mut dry = Dry::<H::Engine>::new(H::PARTIES);
    play(program, &mut dry, inputs, n, None)?;
    dry.cost()
}

fn compare(expected: &[Vec<u64>], got: &[Vec<u64>], tolerance: u64) -> std::result::Result<(), String> {
    if expected.len() != got.len() {
        return Err(format!("{} results instead of {}", got.len(), expected.len()));
    }
    for (number, (expected, got)) in expected.iter().zip(got).enumerate() {
        if expected.len() != got.len() {
            return Err(format!("result {number} has {} elements instead of {}", got.len(), expected.len()));
        }
        for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
            let away = got.wrapping_sub(*expected).cast_signed().unsigned_abs();
            if away > tolerance {
                return Err(format!("result {number}, element {at}: {got:#x} instead of {expected:#x}, {tolerance} apart at most"));
            }
        }
    }
    Ok(())
}

fn meter(cost: &Cost, name: &str, totals: &Totals) -> std::result::Result<(), String> {
    let expected = cost.party(name).map_or((0, 0, 0), |party| (party.bytes_sent, party.bytes_received, party.rounds));
    let got = (totals.bytes_sent, totals.bytes_received, totals.rounds);
    if expected == got {
        Ok(())
    } else {
        Err(format!("party {name} metered (sent, received, rounds) {got:?}, the dry run said {expected:?}"))
    }
}

/// A test for each program of the catalogue, on one harness.
///
/// ```text
/// mod conformance {
///     use super::MyHarness;
///     yu_mpc::conformance!(MyHarness);
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($harness:ident) => {
        use $crate::conformance_tests;
        $crate::with_programs!(conformance_tests, $harness);
    };
}

/// One test a program; use [`conformance!`](crate::conformance).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ([$harness:tt] $($program:ident $test:ident,)*) => {
        $(
            #[test]
            fn $test() {
                let name = <$crate::programs::$program as $crate::programs::Program>::NAME;
                if let Err(what) = $crate::conformance::check::<$harness>(name) {
                    panic!("{what}");
                }
            }
        )*
    };
}
