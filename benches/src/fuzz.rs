//! Hostile bytes: every reader of `yu-tee-attest` that takes bytes from outside, fed with changed vectors.
//!
//! No reader may panic, hold more memory than [`execute::BYTES_PER_BYTE`] bytes for each byte of its input and
//! [`execute::BYTES_FREE`] beside them, or take longer than [`execute::SLOWEST`]. There is no instrumentation on a stable
//! compiler; what tells one way through a reader from another is its answer (fault, place, words), how many signatures it
//! asked for and how often it asked for memory. Signatures are believed, so that what lies behind them is reached.
//!
//! | open | for |
//! |---|---|
//! | [`target`], [`targets`] | the readers, their seeds |
//! | [`mutate`] | changes: bits, lengths, elements of DER, tokens of JSON, pieces of other seeds, words |
//! | [`recipe`] | an input as numbers, which is what a corpus holds |
//! | [`execute`], [`meter`] | one execution and its bounds |
//! | [`campaign`] | which input is next |
//!
//! One thread with one seed does the same each time; the memo of verified platforms (`dcap`) may let a later run answer earlier.

pub mod campaign;
pub mod execute;
pub mod meter;
pub mod mutate;
mod provider;
pub mod recipe;
mod report;
pub mod target;
pub mod targets;
pub mod vectors;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use crate::Result;
use campaign::{Plan, Shared, Tally};
use recipe::Recipe;
use target::Target;
use vectors::Vectors;

pub use report::{Report, TargetReport};

/// How long and with what.
#[derive(Clone, Debug, Args)]
pub struct FuzzArgs {
    /// Executions, all targets and threads together
    #[arg(long, default_value_t = 1_000_000)]
    pub executions: u64,
    /// Ends after so many seconds, whatever is left
    #[arg(long)]
    pub seconds: Option<u64>,
    /// First number of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Recipes to begin with (`evidence.corpus`); new ones are added, failures are put beside it
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Threads
    #[arg(long, default_value_t = 1, value_parser = crate::cli::parse_threads)]
    pub threads: usize,
    /// Only targets whose name holds this
    #[arg(long)]
    pub only: Option<String>,
    /// Runs one line of a corpus and says what it does
    #[arg(long, value_name = "LINE")]
    pub replay: Option<String>,
    /// The folder that holds `vectors` [default: $YU_SHARED, else ../shared]
    #[arg(long)]
    pub shared: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// File of recipes in a corpus.
pub const FILE: &str = "evidence.corpus";
/// Recipes of one target in that file, the shortest first.
const MOST_LINES: usize = 64;
/// An execution that has not ended after so long hangs. Wall time: other processes may have the processor.
const HANGS: Duration = Duration::from_secs(20);

/// Reads a corpus: one recipe on each line, `#` before remarks.
///
/// # Errors
/// A line that is no recipe.
pub fn corpus(text: &str, targets: &[Target]) -> Result<Vec<(usize, Recipe)>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| Recipe::parse(line, targets)).collect()
}

/// Runs a campaign.
///
/// # Errors
/// A vector or a corpus that cannot be read or written. What a reader must not do stands in the report.
pub fn run(args: &FuzzArgs) -> Result<Report> {
    let mut targets = targets::all(&Vectors::new(args.shared.clone())?)?;
    execute::quiet();
    meter::enable();
    if let Some(line) = &args.replay {
        return Ok(replay(&targets, Recipe::parse(line, &targets)?));
    }
    let start = match args.corpus.as_ref().map(|folder| folder.join(FILE)) {
        Some(file) if file.is_file() => corpus(&std::fs::read_to_string(file)?, &targets)?,
        _ => Vec::new(),
    };
    let mut names: Vec<&str> = start.iter().map(|(index, _)| targets[*index].name).collect();
    targets.retain(|target| args.only.as_ref().is_none_or(|only| target.name.contains(only.as_str())));
    if targets.is_empty() {
        return Err("no target has a name that holds `--only`".into());
    }
    let start: Vec<(usize, Recipe)> = start
        .into_iter()
        .zip(names.drain(..))
        .filter_map(|((_, recipe), name)| Some((targets.iter().position(|target| target.name == name)?, recipe)))
        .collect();
    let begun = Instant::now();
    let tallies = all_threads(args, &targets, &start)?;
    if let Some(folder) = &args.corpus {
        report::write(folder, &targets, &tallies)?;
    }
    Ok(Report::new(args, &targets, &tallies, begun.elapsed()))
}

fn replay(targets: &[Target], (index, recipe): (usize, Recipe)) -> Report {
    let target = &targets[index];
    let input = recipe.make(target);
    let mut tally = Tally::default();
    let said = match execute::execute(target, &recipe, &input) {
        Ok(done) => format!("{done:?}"),
        Err(fall) => {
            let said = fall.to_string();
            tally.failures.push((recipe, fall));
            said
        }
    };
    eprintln!("{}: {} bytes, {said}\n{}", recipe.line(target), input.len(), vectors::to_hex(&input));
    Report::replayed(target, &tally)
}

/// Runs the threads and watches them.
fn all_threads(args: &FuzzArgs, targets: &[Target], start: &[(usize, Recipe)]) -> Result<Vec<Vec<Tally>>> {
    let shared = Shared { running: (0..args.threads).map(|_| Mutex::new(None)).collect(), ..Shared::default() };
    let each = args.executions.div_ceil(u64::try_from(args.threads)?);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..args.threads)
            .map(|thread| {
                let shared = &shared;
                scope.spawn(move || campaign::run(targets, start, Plan { thread, seed: args.seed, executions: each }, shared))
            })
            .collect();
        let mut said = Instant::now();
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if args.seconds.is_some_and(|most| begun.elapsed() >= Duration::from_secs(most)) {
                shared.stop.store(true, Ordering::Relaxed);
            }
            if said.elapsed() > Duration::from_secs(60) {
                said = Instant::now();
                eprintln!("{} executions after {} s", shared.executions.load(Ordering::Relaxed), begun.elapsed().as_secs());
            }
            watch(&shared, targets);
        }
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread of the campaign itself panicked".into())).collect()
    })
}

/// An execution that does not end cannot be ended: its recipe is printed and the process ends.
fn watch(shared: &Shared, targets: &[Target]) {
    for slot in &shared.running {
        let running = *slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((index, recipe, since)) = running
            && since.elapsed() > HANGS
        {
            eprintln!("hangs: {}", recipe.line(&targets[index]));
            std::process::exit(3);
        }
    }
}
