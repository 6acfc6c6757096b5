//! Attestation: processor time of one verdict, per family of evidence, beside its limit, its aim and its peers in the same run.
//!
//! One file per family in `attest/`, each with a function `rows`.

mod dcap;
mod snp;

use std::path::PathBuf;

use clap::Args;

use crate::Result;
use crate::desensitize::{Better, Report, Row, cpu_seconds};
use crate::machine::{Machine, commit, date};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct AttestArgs {
    /// Only rows whose name holds this
    #[arg(long)]
    pub only: Option<String>,
    /// Rounds of 50 calls each; the median round counts
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub runs: u32,
    /// The folder that holds `vectors` [default: $YU_SHARED, else ../shared]
    #[arg(long)]
    pub shared: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Calls per round: a round is long beside the clock's own cost, short beside the load of the machine.
const CALLS: usize = 50;

impl AttestArgs {
    /// A file of the vectors of attestation.
    fn vector(&self, path: &str) -> Result<Vec<u8>> {
        let shared = self.shared.clone().or_else(|| std::env::var_os("YU_SHARED").map(PathBuf::from)).unwrap_or_else(|| "../shared".into());
        let file = shared.join("vectors/tee").join(path);
        std::fs::read(&file).map_err(|e| format!("`{}`: {e}; name the folder that holds `vectors` with --shared", file.display()).into())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    /// Milliseconds of one call, the median of the rounds. `prepare` makes what each call uses up, outside of the clock.
    fn time<T>(&self, mut prepare: impl FnMut() -> Result<T>, mut call: impl FnMut(&T) -> Result<()>) -> Result<f64> {
        let mut rounds = Vec::new();
        for _ in 0..self.runs {
            let prepared = (0..CALLS).map(|_| prepare()).collect::<Result<Vec<T>>>()?;
            let start = cpu_seconds();
            for one in &prepared {
                call(one)?;
            }
            rounds.push(cpu_seconds() - start);
        }
        rounds.sort_by(f64::total_cmp);
        let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
        Ok(median * 1e3 / CALLS as f64)
    }
}

/// A time in milliseconds with what it must not exceed.
fn milliseconds(subject: &'static str, name: String, value: f64, limit: Option<f64>, aim: Option<f64>) -> Row {
    Row { subject, name, unit: "ms", value, better: Better::Less, limit, aim }
}

/// How many times as long the peer takes.
fn ratio(subject: &'static str, name: String, value: f64) -> Row {
    Row { subject, name, unit: "times", value, better: Better::More, limit: None, aim: None }
}

/// Measures every family.
///
/// # Errors
/// A vector that is not there or does not verify.
pub fn run(args: &AttestArgs) -> Result<Report> {
    let mut rows = dcap::rows(args)?;
    rows.extend(snp::rows(args)?);
    Ok(Report { machine: Machine::here(), commit: commit(), date: date(), rows })
}
