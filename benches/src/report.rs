//! What a run says: a table for people, JSON for machines.

pub mod spread;

use std::fmt;

use serde::{Deserialize, Serialize};
use yu_mpc::cost::{Cost, PartyCost};

use crate::Result;
use crate::cli::{Network, Plan};
use crate::machine::{Machine, commit, date};
use crate::phase::{Phase, Sample};
use crate::work::Protocol;
use spread::{Spread, bytes, seconds};

/// A protocol's runs. One party of a run on several machines reports itself only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Commit that was built from, as far as the current directory tells.
    pub commit: String,
    /// When.
    pub date: String,
    /// What was run.
    pub protocol: Protocol,
    /// How much of it.
    pub size: usize,
    /// What the size counts.
    pub unit: String,
    /// Number of parties of the protocol.
    pub party_count: usize,
    /// What joined them.
    pub network: Network,
    /// Compute threads per party.
    pub threads: usize,
    /// Transport threads per party, if there was a transport.
    pub io_threads: usize,
    /// Runs.
    pub runs: u32,
    /// Set-up on the wall, the slowest party of each run, seconds.
    pub offline_wall_s: Spread,
    /// The rest, likewise.
    pub online_wall_s: Spread,
    /// Bytes of all parties' messages by the formula, each counted once.
    pub formula_bytes: u64,
    /// Rounds by the formula.
    pub formula_rounds: u32,
    /// Peak memory of the process that all parties shared.
    pub shared_peak_memory_bytes: Option<u64>,
    /// Each party.
    pub parties: Vec<PartyReport>,
}

/// One party's runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartyReport {
    /// Its number.
    pub index: usize,
    /// Its name in the formula.
    pub name: String,
    /// Where it ran.
    pub machine: Machine,
    /// Each run.
    pub samples: Vec<Sample>,
    /// Metered over formula, bytes: 1.
    pub bytes_ratio: f64,
    /// Metered over formula, rounds: 1.
    pub rounds_ratio: f64,
}

impl PartyReport {
    /// A party that has not run yet.
    #[must_use]
    pub fn new(index: usize, name: &str, machine: Machine) -> Self {
        Self { index, name: name.into(), machine, samples: Vec::new(), bytes_ratio: 0.0, rounds_ratio: 0.0 }
    }

    /// Compares every run with the formula.
    pub(crate) fn hold_to(&mut self, cost: &Cost) -> Result<()> {
        let expected = cost.party(&self.name).ok_or("the formula lacks a party")?;
        for sample in &self.samples {
            let metered = self.metered(sample);
            if metered != *expected {
                return Err(format!("`{}` differs from its formula: metered {metered:?}, formula {expected:?}", self.name).into());
            }
            self.bytes_ratio = ratio(metered.bytes_sent + metered.bytes_received, expected.bytes_sent + expected.bytes_received);
            self.rounds_ratio = ratio(metered.rounds.into(), expected.rounds.into());
        }
        Ok(())
    }

    fn metered(&self, Sample { offline, online, .. }: &Sample) -> PartyCost {
        PartyCost {
            party: self.name.clone(),
            bytes_sent: offline.bytes_sent + online.bytes_sent,
            bytes_received: offline.bytes_received + online.bytes_received,
            frames_sent: offline.frames_sent + online.frames_sent,
            frames_received: offline.frames_received + online.frames_received,
            rounds: offline.rounds + online.rounds,
        }
    }

    /// Spread of a number over the runs.
    fn spread(&self, number: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(number))
    }
}

impl Report {
    /// Sums up what parties measured, and holds it to the formula.
    ///
    /// # Errors
    /// Meters that differ from the formula, in any run.
    pub fn new(plan: &Plan, mut parties: Vec<PartyReport>) -> Result<Self> {
        let cost = plan.protocol.formula(plan.size)?.evaluate(&plan.protocol.counts(plan.size))?;
        for party in &mut parties {
            party.hold_to(&cost)?;
        }
        let runs = parties.iter().map(|party| party.samples.len()).min().unwrap_or(0);
        let slowest = |phase: fn(&Sample) -> &Phase| {
            let wall = |run: usize| parties.iter().map(move |party| phase(&party.samples[run]).wall_s).fold(0.0, f64::max);
            Spread::of((0..runs).map(wall))
        };
        Ok(Self {
            commit: commit(),
            date: date(),
            protocol: plan.protocol,
            size: plan.size,
            unit: plan.protocol.unit().into(),
            party_count: plan.protocol.parties(),
            network: plan.network,
            threads: plan.threads,
            io_threads: plan.io_threads,
            runs: plan.runs,
            offline_wall_s: slowest(|sample| &sample.offline),
            online_wall_s: slowest(|sample| &sample.online),
            formula_bytes: cost.bytes,
            formula_rounds: cost.rounds,
            shared_peak_memory_bytes: None,
            parties,
        })
    }
}

fn ratio(metered: u64, formula: u64) -> f64 {
    if metered == formula { 1.0 } else { metered as f64 / formula as f64 }
}

/// The table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, size, unit, party_count, network, threads, io_threads, runs, .. } = self;
        write!(f, "{protocol}: {size} {unit}, {party_count} parties, network {network}, {threads} compute")?;
        if matches!(network, Network::Quic | Network::Tcp) {
            write!(f, " and {io_threads} transport")?;
        }
        writeln!(f, " threads a party, {runs} runs\ncommit {}, {}", self.commit, self.date)?;
        for party in &self.parties {
            machine(f, &party.name, &party.machine)?;
        }
        writeln!(f, "\nwall s (median, least, greatest; slowest party)  set-up {}  online {}", self.offline_wall_s, self.online_wall_s)?;
        writeln!(f, "\nparty  phase     wall s     CPU s (least, greatest)           sent        received  frames  rounds  peak memory")?;
        for party in &self.parties {
            row(f, party, "set-up", |sample| &sample.offline)?;
            row(f, party, "online", |sample| &sample.online)?;
        }
        writeln!(f, "\nformula: {} in {} rounds; metered over formula:", bytes(self.formula_bytes), self.formula_rounds)?;
        for party in &self.parties {
            writeln!(f, "  {}  bytes {}  rounds {}", party.name, party.bytes_ratio, party.rounds_ratio)?;
        }
        if let Some(peak) = self.shared_peak_memory_bytes {
            writeln!(f, "peak memory of all parties in one process: {}", bytes(peak))?;
        }
        Ok(())
    }
}

/// The line about a party's machine.
pub(crate) fn machine(f: &mut fmt::Formatter<'_>, name: &str, machine: &Machine) -> fmt::Result {
    write!(f, "{name} on {} ({} cores)", machine.cpu, machine.cores)?;
    match machine.load {
        Some(load) => writeln!(f, ", load average {load} at the start"),
        None => writeln!(f),
    }
}

fn row(f: &mut fmt::Formatter<'_>, party: &PartyReport, name: &str, phase: fn(&Sample) -> &Phase) -> fmt::Result {
    let wall = party.spread(|sample| phase(sample).wall_s);
    let cpu = party.spread(|sample| phase(sample).cpu_s);
    let Some(counts) = party.samples.first().map(phase) else { return Ok(()) };
    let peaks: Vec<f64> = party.samples.iter().filter_map(|sample| sample.peak_memory_bytes).map(|peak| peak as f64).collect();
    let peak = if peaks.is_empty() { "-".into() } else { bytes(Spread::of(peaks).median as u64) };
    writeln!(
        f,
        "{:<5}  {name:<6}  {:>8}  {:<30}  {:>9}  {:>14}  {:>6}  {:>6}  {peak:>11}",
        party.name,
        seconds(wall.median),
        cpu.to_string(),
        bytes(counts.bytes_sent),
        bytes(counts.bytes_received),
        counts.frames_sent + counts.frames_received,
        counts.rounds,
    )
}
