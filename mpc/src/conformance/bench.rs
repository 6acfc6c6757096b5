//! The bench table of an engine: what each program of the catalogue costs.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use yu_wire::shape::Link;

use super::check::{all, share};
use super::run::{Harness, Seat, run};
use crate::cost::{Cost, Counts, Formula};
use crate::dry::Dry;
use crate::engine::Engine;
use crate::programs::{NAMES, Program, Visitor, by_name};
use crate::{Error, Result};

/// What one run of one program cost, inputs and openings apart; with the check of an engine that checks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The program.
    pub program: &'static str,
    /// Its size.
    pub n: usize,
    /// CPU time of each party, all of it on one thread; `None` where the system does not tell (other than Linux).
    pub cpu: Vec<Option<Duration>>,
    /// From its own start to its own end, the slowest party.
    pub wall: Duration,
    /// Bytes that each party sent, frame headers included: metered, and equal to the prediction.
    pub sent: Vec<u64>,
    /// Longest chain of messages, from the dry run.
    pub rounds: u32,
}

/// Rows under a heading; prints itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Table {
    /// Names of the parties.
    pub parties: &'static [&'static str],
    /// The simulated links.
    pub link: Link,
    /// One row a program.
    pub rows: Vec<Row>,
}

/// Measures a program by name: once to warm up, once to count.
///
/// # Errors
/// A sentence: no such program, an error of the engine, or bytes that the dry run did not predict.
pub fn measure<H: Harness>(name: &str, n: usize, link: Link) -> std::result::Result<Row, String> {
    by_name(name, &mut Measure::<H> { n, link, harness: PhantomData }).unwrap_or_else(|| Err(format!("there is no program `{name}`")))
}

/// Measures the whole catalogue; the inputs of each program are at most `elements` long (the sides of a square matrix
/// accordingly shorter).
///
/// # Errors
/// As [`measure`].
pub fn table<H: Harness>(elements: usize, link: Link) -> std::result::Result<Table, String> {
    let size = |name: &str| by_name(name, &mut Size(elements)).unwrap_or_default();
    let rows = NAMES.iter().map(|name| measure::<H>(name, size(name), link)).collect::<std::result::Result<_, _>>()?;
    Ok(Table { parties: H::PARTIES, link, rows })
}

/// Prints the [`table`] for 100 elements, or as many as the environment's `YU_BENCH_N` says, over the links of `YU_BENCH_LINK`
/// (`local`, `lan` or `wan`).
///
/// # Errors
/// As [`measure`]; a sentence for a variable that is not understood.
pub fn print_table<H: Harness>() -> std::result::Result<(), String> {
    let asked = |name: &str| std::env::var(name).ok();
    let elements = match asked("YU_BENCH_N") {
        Some(text) => text.parse().map_err(|_| format!("YU_BENCH_N is `{text}`, expected a number of elements"))?,
        None => 100,
    };
    let link = match asked("YU_BENCH_LINK").as_deref() {
        None | Some("local") => Link::LOCAL,
        Some("lan") => Link::LAN,
        Some("wan") => Link::WAN,
        Some(other) => return Err(format!("YU_BENCH_LINK is `{other}`, expected `local`, `lan` or `wan`")),
    };
    print!("{}", table::<H>(elements, link)?);
    Ok(())
}

/// The size at which the longest input has at most so many elements: inputs grow with `n` or with its square.
struct Size(usize);

impl Visitor for Size {
    type Out = usize;

    fn visit<P: Program>(&mut self, program: &P) -> usize {
        let probe = 64;
        let inputs = program.inputs(probe, &mut StdRng::seed_from_u64(1));
        let longest = inputs.iter().map(Vec::len).max().unwrap_or_default();
        if longest >= probe * probe { self.0.isqrt() } else { self.0 }
    }
}

struct Measure<H> {
    n: usize,
    link: Link,
    harness: PhantomData<H>,
}

/// What one party saw.
struct Seen {
    cpu: Option<Duration>,
    wall: Duration,
    sent: u64,
}

impl<H: Harness> Visitor for Measure<H> {
    type Out = std::result::Result<Row, String>;

    fn visit<P: Program>(&mut self, program: &P) -> Self::Out {
        let inputs = program.inputs(self.n, &mut StdRng::seed_from_u64(1));
        let text = |error: Error| format!("{}, n = {}: {error}", P::NAME, self.n);
        let party = |engine: &mut H::Engine, seat: &Seat| {
            let shared = share(engine, &inputs, Some(seat.index()))?;
            program.run(engine, &shared, self.n).map(drop)?;
            engine.verify()?;
            let sent = || seat.totals().map_or(0, |totals| totals.bytes_sent);
            let (before, cpu, start) = (sent(), thread_cpu(), Instant::now());
            let outputs = program.run(engine, &shared, self.n)?;
            engine.verify()?;
            let wall = start.elapsed();
            let cpu = cpu.zip(thread_cpu()).map(|(from, to)| to.saturating_sub(from));
            let seen = Seen { cpu, wall, sent: sent() - before };
            drop(outputs);
            Ok(seen)
        };
        let seen = all::<H, _>(run::<H, _>(self.link, party)).map_err(|what| format!("{}, n = {}: {what}", P::NAME, self.n))?;
        let cost = alone::<H, P>(program, &inputs, self.n).map_err(text)?;
        for (seen, name) in seen.iter().zip(H::PARTIES) {
            let expected = cost.party(name).map_or(0, |party| party.bytes_sent);
            if seen.sent != expected {
                return Err(format!("{}, n = {}: party {name} sent {} bytes, the dry run said {expected}", P::NAME, self.n, seen.sent));
            }
        }
        Ok(Row {
            program: P::NAME,
            n: self.n,
            cpu: seen.iter().map(|seen| seen.cpu).collect(),
            wall: seen.iter().map(|seen| seen.wall).max().unwrap_or_default(),
            sent: seen.iter().map(|seen| seen.sent).collect(),
            rounds: cost.rounds,
        })
    }
}

/// What the dry run predicts for the program and its check, without set-up, inputs and openings.
fn alone<H: Harness, P: Program>(program: &P, inputs: &[Vec<u64>], n: usize) -> Result<Cost> {
    let mut dry = Dry::<H::Engine>::new(H::PARTIES);
    let shared = share(&mut dry, inputs, None)?;
    let before = dry.formula().phases.len();
    program.run(&mut dry, &shared, n)?;
    dry.verify()?;
    Formula { phases: dry.formula().phases.iter().skip(before).cloned().collect() }.evaluate(&Counts::default())
}

/// CPU time of the calling thread, from Linux' `/proc`: no unsafe code for a clock.
fn thread_cpu() -> Option<Duration> {
    // the kernel brings the counter up to date when the thread yields
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "one thread a party; one way {:?}, {} bit/s (0: unlimited); inputs and openings not counted",
            self.link.latency, self.link.bandwidth_bits_per_s
        )?;
        write!(f, "{:<24}{:>9}", "program", "n")?;
        for name in self.parties {
            write!(f, "{:>18}", format!("CPU s {name}"))?;
        }
        for name in self.parties {
            write!(f, "{:>20}", format!("sent B {name}"))?;
        }
        writeln!(f, "{:>8}{:>12}", "rounds", "wall s")?;
        for row in &self.rows {
            write!(f, "{:<24}{:>9}", row.program, row.n)?;
            for cpu in &row.cpu {
                write!(f, "{:>18}", cpu.map_or_else(|| "-".into(), |cpu| format!("{:.6}", cpu.as_secs_f64())))?;
            }
            for sent in &row.sent {
                write!(f, "{sent:>20}")?;
            }
            writeln!(f, "{:>8}{:>12.6}", row.rounds, row.wall.as_secs_f64())?;
        }
        Ok(())
    }
}
