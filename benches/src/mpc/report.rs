//! What a run of a program says.

use std::fmt;

use serde::{Deserialize, Serialize};
use yu_mpc::cost::Cost;
use yu_mpc::engine::Primitive;

use super::args::Job;
use super::engines::Protocol;
use super::sizes::elements;
use crate::Result;
use crate::cli::Network;
use crate::machine::{commit, date};
use crate::phase::Sample;
use crate::report::spread::{Spread, bytes};
use crate::report::{PartyReport, machine};

/// What the dry run knows.
pub struct Price {
    /// Set-up and sharing of the inputs.
    pub offline: Cost,
    /// Everything up to the results' shares.
    pub total: Cost,
    /// Primitives of the program.
    pub log: Vec<Primitive>,
    /// Multiply-adds of its products.
    pub multiply_adds: u64,
    /// Elements of the inputs.
    pub input_elements: usize,
}

/// A program's runs. One party of a run on several machines reports itself only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpReport {
    /// Commit that was built from, as far as the current directory tells.
    pub commit: String,
    /// When.
    pub date: String,
    /// Engine.
    pub protocol: Protocol,
    /// Program.
    pub op: String,
    /// Its size.
    pub n: usize,
    /// What joined the parties.
    pub network: Network,
    /// Compute threads per party.
    pub threads: usize,
    /// Transport threads per party, if there was a transport.
    pub io_threads: usize,
    /// Runs.
    pub runs: u32,
    /// Online, the slowest party of each run, seconds.
    pub wall_s: Spread,
    /// Online, the busiest party of each run, seconds.
    pub cpu_s: Spread,
    /// Elements per CPU second of the busiest party, median run.
    pub elements_per_cpu_s: f64,
    /// Bytes of the program's messages over all links, headers included: metered, and equal to the dry run.
    pub bytes: u64,
    /// The same per element.
    pub bytes_per_element: f64,
    /// Rounds of the program: metered, and equal to the dry run.
    pub rounds: u32,
    /// Peak memory of the party that needs most, online phase, operands' shares included; absent when parties share a process.
    pub peak_memory_bytes: Option<u64>,
    /// Peak memory of the process that all parties shared.
    pub shared_peak_memory_bytes: Option<u64>,
    /// Bytes of the inputs' shares at one party (two components).
    pub operand_bytes: u64,
    /// Whether the result was compared with the reference engine's.
    pub is_checked: bool,
    /// Each party.
    pub parties: Vec<PartyReport>,
}

impl OpReport {
    /// Sums up what parties measured, and holds it to the dry run.
    ///
    /// # Errors
    /// Meters that differ, in any run.
    pub fn new(job: &Job, price: &Price, mut parties: Vec<PartyReport>, is_checked: bool) -> Result<Self> {
        for party in &mut parties {
            party.hold_to(&price.total)?;
        }
        let runs = parties.iter().map(|party| party.samples.len()).min().unwrap_or(0);
        let greatest = |number: fn(&Sample) -> f64| {
            Spread::of((0..runs).map(|run| parties.iter().filter_map(|party| party.samples.get(run)).map(number).fold(0.0, f64::max)))
        };
        let cpu_s = greatest(|sample| sample.online.cpu_s);
        let wall_s = greatest(|sample| sample.online.wall_s);
        let peaks = parties.iter().flat_map(|party| &party.samples).filter_map(|sample| sample.peak_memory_bytes);
        let count = elements(&job.op, job.n);
        let online = price.total.bytes - price.offline.bytes;
        Ok(Self {
            commit: commit(),
            date: date(),
            protocol: job.protocol,
            op: job.op.clone(),
            n: job.n,
            network: job.network,
            threads: job.threads,
            io_threads: job.io_threads,
            runs: job.runs,
            wall_s,
            cpu_s,
            elements_per_cpu_s: count as f64 / cpu_s.median.max(1e-9),
            bytes: online,
            bytes_per_element: online as f64 / count.max(1) as f64,
            rounds: price.total.rounds - price.offline.rounds,
            peak_memory_bytes: peaks.max(),
            shared_peak_memory_bytes: None,
            operand_bytes: price.input_elements as u64 * 16,
            is_checked,
            parties,
        })
    }
}

impl fmt::Display for OpReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, op, n, network, threads, runs, .. } = self;
        writeln!(f, "{op}: n = {n}, {protocol}, network {network}, {threads} compute threads a party, {runs} runs")?;
        writeln!(f, "commit {}, {}", self.commit, self.date)?;
        if let Some(party) = self.parties.first() {
            machine(f, &party.name, &party.machine)?;
        }
        writeln!(f, "wall s (median, least, greatest; slowest party)        {}", self.wall_s)?;
        writeln!(f, "CPU s a party (median, least, greatest; busiest party) {}", self.cpu_s)?;
        writeln!(f, "elements per CPU second                                {:.4e}", self.elements_per_cpu_s)?;
        writeln!(f, "bytes, all parties, metered = dry run                  {} ({:.2} per element)", self.bytes, self.bytes_per_element)?;
        writeln!(f, "rounds, metered = dry run                              {}", self.rounds)?;
        if let Some(peak) = self.peak_memory_bytes {
            let times = peak as f64 / self.operand_bytes.max(1) as f64;
            writeln!(f, "peak memory of a party, online                         {} ({times:.2} x its operands' shares)", bytes(peak))?;
        }
        if let Some(peak) = self.shared_peak_memory_bytes {
            writeln!(f, "peak memory of all parties in one process              {}", bytes(peak))?;
        }
        writeln!(f, "result {}", if self.is_checked { "= reference engine's" } else { "compared at party 0" })
    }
}
