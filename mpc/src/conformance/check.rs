//! One program on an engine, on the reference and on paper.

use std::marker::PhantomData;

use rand::SeedableRng;
use rand::rngs::StdRng;
use yu_wire::meter::Totals;
use yu_wire::shape::Link;

use super::run::{Harness, run};
use crate::Result;
use crate::clear::Clear;
use crate::cost::Cost;
use crate::dry::Dry;
use crate::engine::{Engine, Input};
use crate::programs::{Output, Program, Visitor, by_name};

/// Sizes that are checked: nothing, one, around the width of a word, more than one frame of bits.
pub const SIZES: &[usize] = &[0, 1, 2, 63, 64, 65, 200];

/// Sentence that says what differs.
pub(super) type Verdict = std::result::Result<(), String>;

/// Checks a program by name at the standard sizes.
///
/// # Errors
/// A sentence that says what differs.
pub fn check<H: Harness>(name: &str) -> Verdict {
    for n in SIZES {
        by_name(name, &mut Check::<H> { n: *n, harness: PhantomData }).unwrap_or_else(|| Err(format!("there is no program `{name}`")))?;
    }
    Ok(())
}

struct Check<H> {
    n: usize,
    harness: PhantomData<H>,
}

impl<H: Harness> Visitor for Check<H> {
    type Out = Verdict;

    fn visit<P: Program>(&mut self, program: &P) -> Verdict {
        check_program::<H, P>(program, self.n)
    }
}

/// Checks a program, of the catalogue or not, at one size.
pub(super) fn check_program<H: Harness, P: Program>(program: &P, n: usize) -> Verdict {
    let inputs = program.inputs(n, &mut StdRng::seed_from_u64(n as u64 + 1));
    agree::<H, _>(&Whole { program, inputs: &inputs, n }, P::TOLERANCE).map_err(|what| format!("{}, n = {n}: {what}", P::NAME))
}

/// Something that all engines do and that opens its results.
pub(super) trait Scenario: Sync {
    /// As party `index`; `None`: as all of them.
    fn play<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Result<Vec<Vec<u64>>>;
}

/// Inputs, program, opening.
struct Whole<'a, P> {
    program: &'a P,
    inputs: &'a [Vec<u64>],
    n: usize,
}

impl<P: Program> Scenario for Whole<'_, P> {
    fn play<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Result<Vec<Vec<u64>>> {
        let shared = share(engine, self.inputs, index)?;
        let mut opened = Vec::new();
        for output in self.program.run(engine, &shared, self.n)? {
            opened.push(match output {
                Output::Words(words) => engine.open(&[&words])?.remove(0),
                Output::Bits(bits) => engine.open_bits(&[&bits])?.remove(0).iter().map(u64::from).collect(),
            });
        }
        Ok(opened)
    }
}

/// Holds results against the reference, meters against the dry run.
pub(super) fn agree<H: Harness, S: Scenario>(scenario: &S, tolerance: u64) -> Verdict {
    let expected = scenario.play(&mut Clear, None).map_err(|error| format!("reference: {error}"))?;
    let mut dry = Dry::<H::Engine>::new(H::PARTIES);
    let cost = scenario.play(&mut dry, None).and_then(|_| dry.cost()).map_err(|error| format!("dry run: {error}"))?;
    let play = |engine: &mut H::Engine, seat: &super::Seat| Ok((scenario.play(engine, Some(seat.index()))?, seat.totals()));
    let results = run::<H, _>(Link::LOCAL, play);
    for ((outputs, totals), name) in all::<H, _>(results)?.into_iter().zip(H::PARTIES) {
        compare(&expected, &outputs, tolerance).map_err(|what| format!("party {name}: {what}"))?;
        if let Some(totals) = totals {
            meter(&cost, name, &totals)?;
        }
    }
    Ok(())
}

/// The results if every party has one, otherwise all errors: the first may be that a peer went away.
pub(super) fn all<H: Harness, R>(results: Vec<Result<R>>) -> std::result::Result<Vec<R>, String> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (result, name) in results.into_iter().zip(H::PARTIES) {
        match result {
            Ok(result) => good.push(result),
            Err(error) => bad.push(format!("party {name}: {error}")),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad.join("; ")) }
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

/// What the dry run predicts for a session that runs the program and opens its results.
///
/// # Errors
/// The program's.
pub fn price<H: Harness, P: Program>(program: &P, inputs: &[Vec<u64>], n: usize) -> Result<Cost> {
    let mut dry = Dry::<H::Engine>::new(H::PARTIES);
    Whole { program, inputs, n }.play(&mut dry, None)?;
    dry.cost()
}

fn compare(expected: &[Vec<u64>], got: &[Vec<u64>], tolerance: u64) -> Verdict {
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

fn meter(cost: &Cost, name: &str, totals: &Totals) -> Verdict {
    let expected = cost.party(name).map_or((0, 0, 0), |party| (party.bytes_sent, party.bytes_received, party.rounds));
    let got = (totals.bytes_sent, totals.bytes_received, totals.rounds);
    if expected == got {
        Ok(())
    } else {
        Err(format!("party {name} metered (sent, received, rounds) {got:?}, the dry run said {expected:?}"))
    }
}
