//! De-identification: what each subject of `yu-desensitize` reaches on one core, beside its limit, its aim and its peer.

pub mod anonymise;
mod detect;
pub mod dp;
mod large;
pub mod release;
mod restore;
mod transform;

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::Result;
use crate::machine::{Machine, commit, date};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct DesensitizeArgs {
    /// Only rows whose subject or name holds this
    #[arg(long)]
    pub only: Option<String>,
    /// Repetitions of each measurement; the best counts
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Where the data sets are [default: $YU_SHARED, else ../shared]
    #[arg(long)]
    pub shared: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Also mask and search a file of so many rows of 12 columns; 20000000 take minutes and 8 GB of the temporary folder
    #[arg(long, value_name = "ROWS", num_args = 0..=1, default_missing_value = "20000000")]
    pub large: Option<u64>,
}

impl DesensitizeArgs {
    /// The folder of the data sets, if it is there.
    #[must_use]
    pub fn shared(&self) -> Option<PathBuf> {
        let folder = self.shared.clone().or_else(|| std::env::var_os("YU_SHARED").map(PathBuf::from)).unwrap_or_else(|| "../shared".into());
        folder.is_dir().then_some(folder)
    }

    /// Whether a row is wanted.
    #[must_use]
    pub fn wants(&self, subject: &str, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| subject.contains(only.as_str()) || name.contains(only.as_str()))
    }
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Rates, recall.
    More,
    /// Times, losses.
    Less,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The module of `yu-desensitize`.
    pub subject: &'static str,
    /// What was measured.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// The figure.
    pub value: f64,
    /// Which way it is better.
    pub better: Better,
    /// What it must reach.
    pub limit: Option<f64>,
    /// What we aim at.
    pub aim: Option<f64>,
}

impl Row {
    /// Whether the limit is met; `None` where there is none.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        self.limit.map(|limit| match self.better {
            Better::More => self.value >= limit,
            Better::Less => self.value <= limit,
        })
    }
}

/// All figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Of which commit.
    pub commit: String,
    /// When.
    pub date: String,
    /// The figures.
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| subject | what | figure | limit | aim | |\n|---|---|---|---|---|---|")?;
        let number = |value: f64| match value.abs() {
            100.0.. => format!("{value:.0}"),
            0.001.. => format!("{value:.4}"),
            0.0 => "0".to_owned(),
            _ => format!("{value:.1e}"),
        };
        let some = |value: Option<f64>| value.map_or_else(String::new, number);
        for row in &self.rows {
            let verdict = row.is_met().map_or("", |is_met| if is_met { "met" } else { "**missed**" });
            let (value, limit, aim) = (number(row.value), some(row.limit), some(row.aim));
            writeln!(f, "| {} | {} | {value} {} | {limit} | {aim} | {verdict} |", row.subject, row.name, row.unit)?;
        }
        Ok(())
    }
}

/// Processor seconds of this process.
#[must_use]
pub fn cpu_seconds() -> f64 {
    crate::machine::cpu::process().as_secs_f64()
}

/// The least processor time of a call, in seconds, and what it returned last.
pub fn best_of<T>(runs: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let start = cpu_seconds();
        let result = std::hint::black_box(work());
        (cpu_seconds() - start, result)
    };
    let (mut best, mut result) = timed();
    for _ in 1..runs {
        let (seconds, next) = timed();
        best = best.min(seconds);
        result = next;
    }
    (best, result)
}

/// Measures everything that is wanted.
///
/// # Errors
/// Those of the subjects: a data set that is not there, a result that is wrong.
pub fn run(args: &DesensitizeArgs) -> Result<Report> {
    // first: the others would leave their memory behind
    let mut rows = large::rows(args)?;
    rows.extend(detect::rows(args)?);
    rows.extend(transform::rows(args)?);
    rows.extend(anonymise::rows(args)?);
    rows.extend(dp::rows(args)?);
    rows.extend(release::rows(args)?);
    rows.extend(restore::rows(args)?);
    Ok(Report { machine: Machine::here(), commit: commit(), date: date(), rows })
}
