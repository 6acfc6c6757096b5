//! What an estimate needs to know about a machine: CPU seconds of a party per unit of each primitive, on each engine, and per
//! byte on the carrier. Measured in memory, one compute thread a party; what programs do between primitives counts with
//! them, because the primitives are measured in programs' usual surroundings (comparison for conjunctions).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use yu_mpc::engine::{Engine, Input, Packed, Primitive, Product, Vector, Way};
use yu_mpc::ops::circuit;
use yu_wire::shape::Link;

use super::args::{CalibrateArgs, Job};
use super::engines::{Protocol, Subject, Visitor};
use super::run;
use crate::cli::Network;
use crate::machine::{Machine, commit, date};
use crate::node::session_id;
use crate::phase::Watch;
use crate::report::spread::Spread;
use crate::{Error, Result};

/// Elements of the vectors that are measured.
const SIZE: usize = 1 << 20;
/// Rows and columns of the matrices.
const ROWS: usize = 512;
/// Bits cut.
const SHIFT: u32 = 20;
/// Elements of the product that is run over the carrier.
const CARRIED: usize = 1 << 22;

/// CPU seconds of a party per unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Commit that was measured.
    pub commit: String,
    /// When.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Per byte sent or received over QUIC, beyond memory.
    pub per_byte: f64,
    /// By engine, by unit; the units are [`units`]'.
    pub engines: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Units of a primitive: what its cost is proportional to.
#[must_use]
pub fn units(primitive: &Primitive) -> (&'static str, usize) {
    match primitive {
        Primitive::Input(sizes) => ("input", sizes.iter().sum()),
        Primitive::InputBits(sizes) => ("input-bits", sizes.iter().sum()),
        Primitive::Multiply { len, shift: 0, .. } => ("multiply", *len),
        Primitive::Multiply { len, .. } | Primitive::Truncate { len, .. } => ("truncate", *len),
        Primitive::TruncateProbabilistic { len } => ("truncate", *len),
        Primitive::And { words } => ("and", *words),
        Primitive::Addends { words } => ("addends", *words),
        Primitive::Lift { len } => ("lift", *len),
        Primitive::Inject { len } => ("inject", *len),
        Primitive::DrawShuffle { len } => ("draw-shuffle", *len),
        Primitive::Shuffle { len, .. } => ("shuffle", *len),
        Primitive::Open { len } => ("open", *len),
        Primitive::OpenBits { words } => ("open-bits", *words),
        // what a check costs is measured with the primitives it checks
        _ => ("verify", 0),
    }
}

/// Name of the unit of local products.
pub const MULTIPLY_ADD: &str = "multiply-add";

/// Measures this machine and writes the file.
///
/// # Errors
/// A run's; a file that cannot be written.
pub fn run(exe: &Path, args: &CalibrateArgs) -> Result<Calibration> {
    let mut engines = BTreeMap::new();
    for protocol in Protocol::ALL {
        eprintln!("calibrating {protocol}");
        engines.insert(protocol.to_string(), protocol.with(Measure { runs: args.runs })?);
    }
    eprintln!("calibrating the carrier");
    let job = |network| Job {
        op: "mul".into(),
        protocol: Protocol::Rep3,
        n: CARRIED,
        network,
        runs: args.runs,
        threads: 1,
        io_threads: 2,
        keep_mib: 256,
    };
    let carried = run::in_processes(exe, &job(Network::Quic))?.cpu_s.median;
    let local = run::in_memory(&job(Network::Local), Link::LOCAL)?.cpu_s.median;
    // each party sends and receives 8 bytes per element
    let per_byte = (carried - local).max(0.0) / (16 * CARRIED) as f64;
    let calibration = Calibration { commit: commit(), date: date(), machine: Machine::here(), per_byte, engines };
    fs::write(&args.out, serde_json::to_vec_pretty(&calibration)?)?;
    Ok(calibration)
}

/// Reads what [`run()`] wrote.
///
/// # Errors
/// A file that is not there or has another form.
pub fn read(path: &Path) -> Result<Calibration> {
    let what = |e: &dyn std::fmt::Display| -> Error { format!("`{}`: {e}; `yu-benches calibrate` writes it", path.display()).into() };
    serde_json::from_slice(&fs::read(path).map_err(|e| what(&e))?).map_err(|e| what(&e))
}

struct Measure {
    runs: u32,
}

impl Visitor for Measure {
    type Out = Result<BTreeMap<String, f64>>;

    fn visit<S: Subject>(self) -> Self::Out {
        let time = |len: usize, work: Work<S>| seconds::<S>(self.runs, len, work);
        let words = SIZE.div_ceil(64);
        let cells = ROWS * ROWS;
        let addends = time(SIZE, |engine, _, x| engine.addends(&[x], 64).map(drop))?;
        let one_plane = time(SIZE, |engine, _, x| bit(engine, x).map(drop))?;
        let drawn = time(SIZE, |engine, _, x| engine.draw_shuffle(x.len()).map(drop))?;
        let flat = time(cells, |engine, _, x| engine.multiply(&[Product::Each(x, x)], 0).map(drop))?;
        let measured = [
            ("input", SIZE, time(SIZE, |engine, index, x| input(engine, index, x.len()).map(drop))?),
            ("input-bits", words, time(SIZE, |engine, index, x| input_bits(engine, index, x.len()).map(drop))?),
            ("multiply", SIZE, time(SIZE, |engine, _, x| engine.multiply(&[Product::Each(x, x)], 0).map(drop))?),
            ("truncate", SIZE, time(SIZE, |engine, _, x| engine.multiply(&[Product::Each(x, x)], SHIFT).map(drop))?),
            ("addends", 64 * words, addends),
            // 63 planes: 3 * 63 - 2 - 6 conjunctions an element
            ("and", 181 * words, time(SIZE, |engine, _, x| compare(engine, x).map(drop))? - addends),
            ("lift", SIZE, time(SIZE, |engine, _, x| bit(engine, x).and_then(|bits| engine.lift(&[&bits]).map(drop)))? - one_plane),
            (
                "inject",
                SIZE,
                time(SIZE, |engine, _, x| bit(engine, x).and_then(|bits| engine.inject(&[(&bits, x)]).map(drop)))? - one_plane,
            ),
            ("draw-shuffle", SIZE, drawn),
            ("shuffle", SIZE, time(SIZE, |engine, _, x| shuffle(engine, x).map(drop))? - drawn),
            ("open", SIZE, time(SIZE, |engine, _, x| engine.open(&[x]).map(drop))?),
            (
                "open-bits",
                words,
                time(SIZE, |engine, _, x| bit(engine, x).and_then(|bits| engine.open_bits(&[&bits]).map(drop)))? - one_plane,
            ),
            (MULTIPLY_ADD, cells * ROWS, time(cells, |engine, _, x| matrix(engine, x).map(drop))? - flat),
        ];
        Ok(measured.into_iter().map(|(unit, count, seconds)| (unit.to_owned(), (seconds / count as f64).max(0.0))).collect())
    }
}

/// A party's work on an engine, its number and a shared vector.
type Work<S> = fn(&mut S, usize, &<S as Engine>::Words) -> yu_mpc::Result<()>;

/// CPU seconds of the busiest party, median of the runs; a check included.
fn seconds<S: Subject>(runs: u32, len: usize, work: Work<S>) -> Result<f64> {
    let mut all = Vec::new();
    for number in 0..runs {
        let samples = run::threads(S::NAMES, Link::LOCAL, 1, |index, channels, watch: &mut Watch| {
            let mut engine = S::join(index, &session_id(number), channels, &mut ChaCha20Rng::from_seed(crate::work::seed()?))?;
            let shared = input(&mut engine, index, len)?;
            watch.online();
            work(&mut engine, index, &shared)?;
            engine.verify()?;
            watch.done();
            Ok(())
        })?;
        all.push(samples.iter().map(|sample| sample.online.cpu_s).fold(0.0, f64::max));
    }
    Ok(Spread::of(all).median)
}

/// A vector of party 0.
fn input<E: Engine>(engine: &mut E, index: usize, len: usize) -> yu_mpc::Result<E::Words> {
    let values: Option<Vec<u64>> = (index == 0).then(|| (0..len as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 3).collect());
    first(engine.input(&[Input { owner: 0, len, values: values.as_deref() }])?)
}

fn input_bits<E: Engine>(engine: &mut E, index: usize, len: usize) -> yu_mpc::Result<E::Bits> {
    let values = (index == 0).then(|| Packed::ones(len));
    first(engine.input_bits(&[Input { owner: 0, len, values: values.as_ref() }])?)
}

fn bit<E: Engine>(engine: &mut E, x: &E::Words) -> yu_mpc::Result<E::Bits> {
    let [planes, _] = first(engine.addends(&[x], 1)?)?;
    first(planes)
}

fn compare<E: Engine>(engine: &mut E, x: &E::Words) -> yu_mpc::Result<E::Bits> {
    let [mut a, mut b] = first(engine.addends(&[x], 64)?)?;
    a.truncate(63);
    b.truncate(63);
    circuit::carry_out(engine, &a, &b)
}

fn shuffle<E: Engine>(engine: &mut E, x: &E::Words) -> yu_mpc::Result<Vec<E::Words>> {
    let by = engine.draw_shuffle(x.len())?;
    engine.shuffle(&by, &[x], Way::Forward)
}

fn matrix<E: Engine>(engine: &mut E, x: &E::Words) -> yu_mpc::Result<Vec<E::Words>> {
    engine.multiply(&[Product::Matrix { left: x, right: x, shape: [ROWS, ROWS, ROWS] }], 0)
}

fn first<V>(results: Vec<V>) -> yu_mpc::Result<V> {
    results.into_iter().next().ok_or_else(|| yu_mpc::Error::Caller("a primitive returned no result".into()))
}
