//! Federated learning: what `yu-fedlearn` reaches on this machine, beside its limits and aims.
//!
//! One file per subject in `fedlearn/`, each with a function `rows`. Times are wall times of all parties on one machine unless a row says
//! otherwise: that is what the peers in `benches/peers` measure too.

mod lines;
mod models;
mod online;
mod regression;
mod rounds;
mod sums;
mod trees;
mod uneven;

use std::path::PathBuf;

use clap::Args;

use crate::Result;
use crate::desensitize::{Better, Report, Row};
use crate::machine::{Machine, commit, date};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct FedlearnArgs {
    /// Only rows whose subject or name holds this
    #[arg(long)]
    pub only: Option<String>,
    /// Repetitions of short measurements; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Where the data sets are [default: $YU_SHARED, else ../shared]
    #[arg(long)]
    pub shared: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl FedlearnArgs {
    /// The folder of the data sets.
    fn data(&self) -> Result<PathBuf> {
        let shared = self.shared.clone().or_else(|| std::env::var_os("YU_SHARED").map(PathBuf::from)).unwrap_or_else(|| "../shared".into());
        let folder = shared.join("data");
        if folder.is_dir() {
            Ok(folder)
        } else {
            Err(format!("`{}`: no such folder; name the one that holds `data` with --shared", folder.display()).into())
        }
    }

    fn wants(&self, subject: &str, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| subject.contains(only.as_str()) || name.contains(only.as_str()))
    }
}

/// A figure that is the better the smaller it is.
fn less(subject: &'static str, name: impl Into<String>, value: f64, unit: &'static str, limit: Option<f64>, aim: Option<f64>) -> Row {
    Row { subject, name: name.into(), unit, value, better: Better::Less, limit, aim }
}

/// A figure that is the better the larger it is.
fn more(subject: &'static str, name: impl Into<String>, value: f64, unit: &'static str, limit: Option<f64>, aim: Option<f64>) -> Row {
    Row { subject, name: name.into(), unit, value, better: Better::More, limit, aim }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Measures everything that is wanted.
///
/// # Errors
/// Those of the subjects: a data set that is not there, a result that is wrong.
pub fn run(args: &FedlearnArgs) -> Result<Report> {
    let mut rows = rounds::rows(args)?;
    rows.extend(sums::rows(args)?);
    rows.extend(models::rows(args)?);
    rows.extend(uneven::rows(args)?);
    rows.extend(regression::rows(args)?);
    rows.extend(online::rows(args)?);
    rows.extend(trees::rows(args)?);
    Ok(Report { machine: Machine::here(), commit: commit(), date: date(), rows })
}
