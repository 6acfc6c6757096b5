//! Governance: the audit log, the policy decision, and what a node's log and store reach on this machine's disk.
//!
//! The disk is measured by a program of the node, `orchestrator/examples/measure_node.rs`: this package does without the node.
//! Wall times are those of the whole call on all cores, processor times those of all threads.

mod log;
mod node;
mod policy;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::Result;
use crate::desensitize::{Better, Report, Row, cpu_seconds};
use crate::machine::{self, Machine, commit, date};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct GovernanceArgs {
    /// Events of the log that is verified
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Threads that append at once
    #[arg(long, default_value_t = 512)]
    pub threads: u64,
    /// Stored jobs
    #[arg(long, default_value_t = 100_000)]
    pub jobs: u64,
    /// The node's part: `measure_node`, an example of yu-orchestrator [default: beside this program, in `examples`]
    #[arg(long)]
    pub node: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Measures everything.
///
/// # Errors
/// A log that does not verify, a decision that is not a permission, a node's part that fails.
pub fn run(args: &GovernanceArgs) -> Result<Report> {
    let mut rows = log::rows(args)?;
    rows.extend(policy::rows()?);
    rows.extend(node::rows(args)?);
    Ok(Report { machine: Machine::here(), commit: commit(), date: date(), rows })
}

/// One figure; the less the better.
fn less(subject: &'static str, name: impl Into<String>, value: f64, unit: &'static str, limit: Option<f64>) -> Row {
    Row { subject, name: name.into(), unit, value, better: Better::Less, limit, aim: None }
}

/// Wall, processor time and peak memory of one call.
fn cost<T>(name: &str, limit: Option<f64>, work: impl FnOnce() -> T) -> (T, Vec<Row>) {
    machine::reset_peak_memory();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let result = work();
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let mut rows =
        vec![less("audit", format!("{name}: wall"), wall, "s", limit), less("audit", format!("{name}: processor"), cpu, "s", None)];
    if let Some(peak) = machine::peak_memory() {
        rows.push(less("audit", format!("{name}: peak memory of the process"), peak as f64 / 1e6, "MB", None));
    }
    (result, rows)
}
