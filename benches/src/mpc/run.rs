//! One program on one engine: set-up and sharing of the inputs (offline), the program with its check (online), and, not
//! measured, opening and comparison with the reference engine.

use std::marker::PhantomData;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use yu_mpc::SessionId;
use yu_mpc::clear::Clear;
use yu_mpc::cost::Cost;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Input, Primitive};
use yu_mpc::programs::{self, Output, Program, by_name};
use yu_wire::carrier::CarrierKind;
use yu_wire::channel::Channel;
use yu_wire::meter::Meter;
use yu_wire::shape::{Link, shaped_mesh};

use super::args::Job;
use super::engines::{Subject, Visitor};
use super::report::{OpReport, Price};
use crate::hosts::Hosts;
use crate::machine::{Machine, peak_memory, reset_peak_memory};
use crate::node::{Node, session_id};
use crate::phase::{Clock, Sample, Watch};
use crate::report::PartyReport;
use crate::{Result, local};

/// All parties as threads of this process.
///
/// # Errors
/// A party's; a result that is not the reference's; meters that differ from the dry run.
pub fn in_memory(job: &Job, link: Link) -> Result<OpReport> {
    visit(job, Place::Memory(link))
}

/// All parties as processes of this machine.
///
/// # Errors
/// As [`in_memory`].
pub fn in_processes(exe: &Path, job: &Job) -> Result<OpReport> {
    let reports: Vec<OpReport> = local::processes(exe, job.protocol.parties(), &job.args())?;
    let is_checked = reports.iter().any(|report| report.is_checked);
    let parties = reports.into_iter().flat_map(|report| report.parties).collect();
    OpReport::new(job, &price(job)?, parties, is_checked)
}

/// One party as this process.
///
/// # Errors
/// As [`in_memory`].
pub fn one_party(job: &Job, hosts: Hosts, index: usize, carrier: CarrierKind) -> Result<OpReport> {
    visit(job, Place::Process(Box::new(hosts), index, carrier))
}

/// What the dry run says.
///
/// # Errors
/// An unknown program; the program's errors.
pub fn price(job: &Job) -> Result<Price> {
    job.protocol.with(Chosen { job, what: PriceOf })
}

/// Where parties run.
enum Place {
    Memory(Link),
    Process(Box<Hosts>, usize, CarrierKind),
}

fn visit(job: &Job, place: Place) -> Result<OpReport> {
    job.protocol.with(Chosen { job, what: place })
}

/// Chooses engine, then program.
struct Chosen<'a, W> {
    job: &'a Job,
    what: W,
}

impl Visitor for Chosen<'_, Place> {
    type Out = Result<OpReport>;

    fn visit<S: Subject>(self) -> Self::Out {
        let mut visitor = RunOf::<S> { job: self.job, place: self.what, engine: PhantomData };
        by_name(&self.job.op, &mut visitor).unwrap_or_else(|| Err(format!("there is no program `{}`", self.job.op).into()))
    }
}

struct PriceOf;

impl Visitor for Chosen<'_, PriceOf> {
    type Out = Result<Price>;

    fn visit<S: Subject>(self) -> Self::Out {
        let mut visitor = Pricing::<S> { job: self.job, engine: PhantomData };
        by_name(&self.job.op, &mut visitor).unwrap_or_else(|| Err(format!("there is no program `{}`", self.job.op).into()))
    }
}

struct Pricing<'a, S> {
    job: &'a Job,
    engine: PhantomData<S>,
}

impl<S: Subject> programs::Visitor for Pricing<'_, S> {
    type Out = Result<Price>;

    fn visit<P: Program>(&mut self, program: &P) -> Self::Out {
        let n = self.job.n;
        let lens: Vec<usize> = inputs(program, n).iter().map(Vec::len).collect();
        let mut dry = Dry::<S>::new(S::NAMES);
        let inputs: Vec<Input<'_, [u64]>> =
            lens.iter().enumerate().map(|(number, len)| Input { owner: number % S::PARTIES, len: *len, values: None }).collect();
        let shared = dry.input(&inputs)?;
        let offline: Cost = dry.cost()?;
        let before = dry.log().len();
        let work = dry.multiply_adds();
        program.run(&mut dry, &shared, n)?;
        dry.verify()?;
        let log: Vec<Primitive> = dry.log().get(before..).unwrap_or_default().to_vec();
        Ok(Price { offline, total: dry.cost()?, log, multiply_adds: dry.multiply_adds() - work, input_elements: lens.iter().sum() })
    }
}

struct RunOf<'a, S> {
    job: &'a Job,
    place: Place,
    engine: PhantomData<S>,
}

impl<S: Subject> programs::Visitor for RunOf<'_, S> {
    type Out = Result<OpReport>;

    fn visit<P: Program>(&mut self, program: &P) -> Self::Out {
        let (job, price) = (self.job, price(self.job)?);
        let here = if matches!(self.place, Place::Memory(_)) { S::NAMES.len() } else { 1 };
        yu_mpc::memory::keep_at_most(job.keep_mib.saturating_mul(here) << 20);
        match &self.place {
            Place::Memory(link) => {
                let machine = Machine::here();
                let mut parties: Vec<_> =
                    S::NAMES.iter().enumerate().map(|(index, name)| PartyReport::new(index, name, machine.clone())).collect();
                reset_peak_memory();
                for number in 0..job.runs {
                    let samples =
                        threads(S::NAMES, *link, job.threads, |index, row, watch| party::<S, P>(program, job, index, number, row, watch))?;
                    for (party, sample) in parties.iter_mut().zip(samples) {
                        party.samples.push(sample);
                    }
                }
                let mut report = OpReport::new(job, &price, parties, true)?;
                report.shared_peak_memory_bytes = peak_memory();
                Ok(report)
            }
            Place::Process(hosts, index, carrier) => {
                let (index, carrier) = (*index, *carrier);
                let name = *S::NAMES.get(index).ok_or("no such party")?;
                let mut report = PartyReport::new(index, name, Machine::here());
                let pool = ThreadPoolBuilder::new().num_threads(job.threads).build()?;
                let node = Node::start((**hosts).clone(), index, job.io_threads)?;
                for number in 0..job.runs {
                    let sample = pool.install(|| -> Result<Sample> {
                        let meter = Meter::new();
                        let mut watch = Watch::start(Clock::Process, meter.clone());
                        let mut joined = node.join(number, S::NAMES.len(), carrier, &meter)?;
                        party::<S, P>(program, job, index, number, joined.take_channels(), &mut watch)?;
                        joined.close()?;
                        Ok(watch.sample())
                    })?;
                    report.samples.push(sample);
                }
                node.stop();
                OpReport::new(job, &price, vec![report], index == 0)
            }
        }
    }
}

/// Runs a closure as each party on its own pool over memory.
///
/// # Errors
/// The first party's that fails.
pub fn threads(
    names: &[&str],
    link: Link,
    threads: usize,
    party: impl Fn(usize, Vec<Option<Channel>>, &mut Watch) -> Result<()> + Sync,
) -> Result<Vec<Sample>> {
    let one = |index: usize, row: Vec<Option<Channel>>| -> Result<Sample> {
        let meter = row.iter().flatten().next().ok_or("a party without channels")?.meter().clone();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| {
            let mut watch = Watch::start(Clock::Pool, meter);
            party(index, row, &mut watch)?;
            Ok(watch.sample())
        })
    };
    std::thread::scope(|scope| {
        let one = &one;
        let handles: Vec<_> =
            shaped_mesh(names, link).into_iter().enumerate().map(|(index, row)| scope.spawn(move || one(index, row))).collect();
        handles.into_iter().map(|handle| handle.join().map_err(|_| "a party panicked")?).collect()
    })
}

/// One party of one run. The first run's result is compared with the reference by party 0.
fn party<S: Subject, P: Program>(
    program: &P,
    job: &Job,
    index: usize,
    number: u32,
    channels: Vec<Option<Channel>>,
    watch: &mut Watch,
) -> Result<()> {
    let mut engine = S::join(index, &session(number), channels, &mut ChaCha20Rng::from_seed(crate::work::seed()?))?;
    let mut values = inputs(program, job.n);
    let lens: Vec<usize> = values.iter().map(Vec::len).collect();
    // only our own stay
    for (number, values) in values.iter_mut().enumerate() {
        if number % S::PARTIES != index {
            *values = Vec::new();
        }
    }
    let given: Vec<Input<'_, [u64]>> = lens
        .iter()
        .zip(&values)
        .enumerate()
        .map(|(number, (len, values))| {
            let owner = number % S::PARTIES;
            Input { owner, len: *len, values: (owner == index).then_some(values.as_slice()) }
        })
        .collect();
    let shared = engine.input(&given)?;
    drop(values);
    watch.forget_peak();
    watch.online();
    let outputs = program.run(&mut engine, &shared, job.n)?;
    engine.verify()?;
    watch.done();
    drop(shared);
    if number > 0 {
        return Ok(());
    }
    let opened = open(&mut engine, outputs)?;
    if index == 0 { check(program, job, &opened) } else { Ok(()) }
}

fn session(number: u32) -> SessionId {
    session_id(number)
}

/// The same at every party and in every run.
fn inputs<P: Program>(program: &P, n: usize) -> Vec<Vec<u64>> {
    program.inputs(n, &mut StdRng::seed_from_u64(1))
}

fn open<E: Engine>(engine: &mut E, outputs: Vec<Output<E>>) -> Result<Vec<Vec<u64>>> {
    let mut opened = Vec::with_capacity(outputs.len());
    for output in outputs {
        let values = match output {
            Output::Words(words) => engine.open(&[&words])?.pop(),
            Output::Bits(bits) => engine.open_bits(&[&bits])?.pop().map(|bits| bits.iter().map(u64::from).collect()),
        };
        opened.push(values.ok_or("nothing was opened")?);
    }
    Ok(opened)
}

fn check<P: Program>(program: &P, job: &Job, opened: &[Vec<u64>]) -> Result<()> {
    let inputs = inputs(program, job.n);
    let given: Vec<_> = inputs.iter().map(|values| Input { owner: 0, len: values.len(), values: Some(values.as_slice()) }).collect();
    let shared = Clear.input(&given)?;
    let outputs = program.run(&mut Clear, &shared, job.n)?;
    let expected = open(&mut Clear, outputs)?;
    let far = |(a, b): (&u64, &u64)| a.wrapping_sub(*b).cast_signed().unsigned_abs() > P::TOLERANCE;
    let is_equal =
        expected.len() == opened.len() && expected.iter().zip(opened).all(|(a, b)| a.len() == b.len() && !a.iter().zip(b).any(far));
    if is_equal { Ok(()) } else { Err(format!("`{}`: the result is not the reference engine's", job.op).into()) }
}
