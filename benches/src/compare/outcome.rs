//! Ratios and their table.

use std::fmt;

use serde::{Deserialize, Serialize};
use yu_wire::frame::CHUNK;

use super::{Half, SMALL, Settings, Subject};
use crate::machine::{Machine, commit, date};
use crate::report::{machine, spread::Spread};

/// Both sides of a comparison; one party alone reports itself only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Commit that was built from, as far as the current directory tells.
    pub commit: String,
    /// When.
    pub date: String,
    /// What was compared, and how.
    pub settings: Settings,
    /// A bare QUIC stream.
    pub bare: Side,
    /// Our session's channel.
    pub channel: Side,
    /// Channel over bare of the medians: throughput (wanted: at least 0.9) or round trip (wanted: at most 1.5).
    pub ratio: f64,
    /// Median of the ratios of neighbouring measurements: what slows both down cancels.
    pub paired_ratio: f64,
    /// Channel over bare of the CPU medians.
    pub cpu_ratio: f64,
    /// What each party measured.
    pub parties: Vec<PartyOutcome>,
}

/// One process's measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartyOutcome {
    /// 0 receives or answers, 1 sends or asks.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Where it ran.
    pub machine: Machine,
    /// On bare streams.
    pub bare: Vec<Half>,
    /// On our channel.
    pub channel: Vec<Half>,
}

/// One side of the comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// GB/s of payload, or microseconds per round trip.
    pub speed: Spread,
    /// CPU of all reporting processes: nanoseconds per byte of payload, or microseconds per round trip.
    pub cpu: Spread,
}

impl Comparison {
    pub(super) fn new(settings: Settings, parties: Vec<PartyOutcome>) -> Self {
        let (bare, channel) = (Side::of(&settings, &parties, |p| &p.bare), Side::of(&settings, &parties, |p| &p.channel));
        let pairs = parties.last().map(|p| p.bare.iter().zip(&p.channel)).into_iter().flatten();
        let paired = Spread::of(pairs.map(|(bare, channel)| speed(&settings, *channel) / speed(&settings, *bare)));
        Self {
            commit: commit(),
            date: date(),
            settings,
            bare,
            channel,
            ratio: channel.speed.median / bare.speed.median,
            paired_ratio: paired.median,
            cpu_ratio: channel.cpu.median / bare.cpu.median,
            parties,
        }
    }
}

impl Side {
    fn of(settings: &Settings, parties: &[PartyOutcome], halves: fn(&PartyOutcome) -> &Vec<Half>) -> Self {
        let Some(last) = parties.last() else { return Self::default() };
        let cpu = |run: usize| parties.iter().filter_map(|party| halves(party).get(run)).map(|half| half.cpu_s).sum::<f64>();
        let per = match settings.subject {
            Subject::Channel => 1e9 / (settings.count * CHUNK) as f64,
            Subject::RoundTrip => 1e6 / settings.count as f64,
        };
        Self {
            speed: Spread::of(halves(last).iter().map(|half| speed(settings, *half))),
            cpu: Spread::of((0..halves(last).len()).map(|run| cpu(run) * per)),
        }
    }
}

/// The sender's view, the last party's: it waits for the last answer.
fn speed(settings: &Settings, half: Half) -> f64 {
    match settings.subject {
        Subject::Channel => (settings.count * CHUNK) as f64 / half.wall_s / 1e9,
        Subject::RoundTrip => half.wall_s * 1e6 / settings.count as f64,
    }
}

/// The table.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { subject, count, runs, io_threads, .. } = self.settings;
        let (size, speed, cpu, wanted) = match subject {
            Subject::Channel => {
                (format!("{} MiB in frames of {CHUNK} bytes", (count * CHUNK) >> 20), "GB/s", "CPU ns/byte", "at least 0.9")
            }
            Subject::RoundTrip => {
                (format!("{count} round trips of {SMALL} bytes"), "us a round trip", "CPU us a round trip", "at most 1.5")
            }
        };
        writeln!(f, "{subject}: {size}, QUIC, {io_threads} transport threads a process, {runs} runs of each, interleaved")?;
        writeln!(f, "commit {}, {}", self.commit, self.date)?;
        for party in &self.parties {
            machine(f, &party.name, &party.machine)?;
        }
        let processes = self.parties.len();
        writeln!(f, "\n         {speed} (median, least, greatest)   {cpu}, {processes} process(es)")?;
        for (name, side) in [("bare", &self.bare), ("channel", &self.channel)] {
            writeln!(f, "{name:<8} {:<38} {}", side.speed.to_string(), side.cpu)?;
        }
        writeln!(f, "channel over bare: {:.3} ({wanted} wanted), paired {:.3}; CPU {:.3}", self.ratio, self.paired_ratio, self.cpu_ratio)
    }
}
