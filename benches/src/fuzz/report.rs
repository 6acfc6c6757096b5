//! What a campaign did, as a table, as JSON, as files.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::campaign::Tally;
use super::execute::execute;
use super::recipe::Recipe;
use super::target::Target;
use super::vectors::to_hex;
use super::{FILE, FuzzArgs, MOST_LINES};
use crate::Result;
use crate::machine::{Machine, commit, date};

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetReport {
    /// Its name.
    pub name: &'static str,
    /// Executions.
    pub executions: u64,
    /// Inputs that were taken.
    pub accepted: u64,
    /// Different ways through the reader.
    pub ways: usize,
    /// Mean of one execution, microseconds of wall time.
    pub mean_us: f64,
    /// The slowest, milliseconds of wall time.
    pub slowest_ms: f64,
    /// Most bytes that one execution held at once.
    pub peak_bytes: u64,
    /// Recipes of what must not happen, with what happened.
    pub failures: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Of which commit.
    pub commit: String,
    /// When.
    pub date: String,
    /// First number of the randomness.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// Wall time.
    pub seconds: f64,
    /// Executions of all targets.
    pub executions: u64,
    /// By target.
    pub targets: Vec<TargetReport>,
}

impl Report {
    pub(super) fn new(args: &FuzzArgs, targets: &[Target], tallies: &[Vec<Tally>], time: Duration) -> Self {
        let rows: Vec<TargetReport> = targets
            .iter()
            .enumerate()
            .map(|(index, target)| row(target, &tallies.iter().filter_map(|thread| thread.get(index)).collect::<Vec<_>>()))
            .collect();
        Self {
            machine: Machine::here(),
            commit: commit(),
            date: date(),
            seed: args.seed,
            threads: args.threads,
            seconds: time.as_secs_f64(),
            executions: rows.iter().map(|row| row.executions).sum(),
            targets: rows,
        }
    }

    pub(super) fn replayed(target: &Target, tally: &Tally) -> Self {
        let row = row(target, &[tally]);
        Self {
            machine: Machine::here(),
            commit: commit(),
            date: date(),
            seed: 0,
            threads: 1,
            seconds: 0.0,
            executions: 1,
            targets: vec![row],
        }
    }

    /// Whether nothing happened that must not.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.targets.iter().all(|target| target.failures.is_empty())
    }
}

fn row(target: &Target, tallies: &[&Tally]) -> TargetReport {
    let executions: u64 = tallies.iter().map(|tally| tally.executions).sum();
    let time: Duration = tallies.iter().map(|tally| tally.time).sum();
    let fall = |(recipe, fall): &(Recipe, super::execute::Fall)| format!("{fall} <- {}", recipe.line(target));
    TargetReport {
        name: target.name,
        executions,
        accepted: tallies.iter().map(|tally| tally.accepted).sum(),
        ways: tallies.iter().map(|tally| tally.ways()).max().unwrap_or(0),
        mean_us: time.as_secs_f64() * 1e6 / executions.max(1) as f64,
        slowest_ms: tallies.iter().map(|tally| tally.slowest.as_secs_f64() * 1e3).fold(0.0, f64::max),
        peak_bytes: tallies.iter().map(|tally| tally.peak).max().unwrap_or(0),
        failures: tallies.iter().flat_map(|tally| tally.failures.iter().map(fall)).collect(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} executions in {:.0} s, {} threads, seed {}", self.executions, self.seconds, self.threads, self.seed)?;
        writeln!(f, "{} ({} cores), commit {}, {}", self.machine.cpu, self.machine.cores, self.commit, self.date)?;
        writeln!(
            f,
            "{:<20} {:>12} {:>12} {:>6} {:>9} {:>11} {:>11} {:>8}",
            "target", "executions", "accepted", "ways", "mean us", "slowest ms", "peak bytes", "failures"
        )?;
        for one in &self.targets {
            writeln!(
                f,
                "{:<20} {:>12} {:>12} {:>6} {:>9.1} {:>11.2} {:>11} {:>8}",
                one.name,
                one.executions,
                one.accepted,
                one.ways,
                one.mean_us,
                one.slowest_ms,
                one.peak_bytes,
                one.failures.len()
            )?;
        }
        self.targets.iter().flat_map(|one| &one.failures).try_for_each(|failure| writeln!(f, "FAILURE {failure}"))
    }
}

/// Writes a corpus: of every way the shortest recipe, few of each target; and the inputs of failures in hexadecimal.
pub(super) fn write(folder: &Path, targets: &[Target], tallies: &[Vec<Tally>]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut text = String::from("# recipes: target, seed, changes; `yu-benches fuzz-evidence --replay LINE` runs one\n");
    for (index, target) in targets.iter().enumerate() {
        let of_target = || tallies.iter().filter_map(|thread| thread.get(index));
        let mut recipes: Vec<Recipe> = of_target().flat_map(|tally| &tally.kept).filter(|one| !one.steps().is_empty()).copied().collect();
        recipes.sort_by_key(|one| one.steps().len());
        let mut ways = HashSet::new();
        let new = recipes.iter().filter(|one| execute(target, one, &one.make(target)).is_ok_and(|done| ways.insert(done.way())));
        new.take(MOST_LINES).for_each(|one| text += &(one.line(target) + "\n"));
        for (number, (recipe, _)) in of_target().flat_map(|tally| &tally.failures).enumerate() {
            std::fs::write(folder.join(format!("{}-{number}.hex", target.name)), to_hex(&recipe.make(target)))?;
        }
    }
    std::fs::write(folder.join(FILE), text)?;
    Ok(())
}
