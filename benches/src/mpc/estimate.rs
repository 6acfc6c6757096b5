//! Seconds before the run: the dry run's messages on a link, its primitives on a calibrated machine.
//!
//! `wall = rounds * latency + bytes / bandwidth + cpu`, with one-way latency, the busiest direction of the busiest party, and
//! CPU seconds of one thread. Sending and computing overlap in part, so a run takes at least the greatest term and about
//! the sum. Bytes on a real link cost CPU time too (encryption, system calls): the carrier's term.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use yu_mpc::cost::Cost;
use yu_wire::shape::Link;

use super::args::{EstimateArgs, Job, KnownLink, known};
use super::calibrate::{Calibration, MULTIPLY_ADD, read, units};
use super::engines::Protocol;
use super::report::Price;
use super::run::price;
use super::sizes::default_size;
use crate::Result;
use crate::cli::Network;
use crate::report::spread::{bytes, seconds};

/// Where the seconds of a program go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Program.
    pub op: String,
    /// Engine.
    pub protocol: Protocol,
    /// Size.
    pub n: usize,
    /// Round trip, milliseconds.
    pub rtt_ms: f64,
    /// Bandwidth in each direction, Mbit/s; 0 is unlimited.
    pub mbit: f64,
    /// Rounds of the program.
    pub rounds: u32,
    /// Its bytes over all links.
    pub bytes: u64,
    /// Seconds of waiting for the link's latency.
    pub latency_s: f64,
    /// Seconds of the busiest direction.
    pub transmission_s: f64,
    /// CPU seconds of a party's compute thread.
    pub compute_s: f64,
    /// CPU seconds of a party's carrier, on other threads.
    pub carrier_s: f64,
    /// At least.
    pub least_s: f64,
    /// Expected.
    pub expected_s: f64,
}

/// Estimates a program.
///
/// # Errors
/// An unknown program, a calibration that is missing or of other engines, a link that is none.
pub fn run(args: &EstimateArgs) -> Result<Estimate> {
    known(&args.op)?;
    let link = link(args)?;
    let n = args.n.unwrap_or_else(|| default_size(&args.op));
    let job =
        Job { op: args.op.clone(), protocol: args.protocol, n, network: Network::Local, runs: 1, threads: 1, io_threads: 1, keep_mib: 0 };
    let is_memory = link == Link::LOCAL;
    of(&job, &price(&job)?, link, &read(&args.calibration)?, is_memory)
}

fn link(args: &EstimateArgs) -> Result<Link> {
    let mut link = match args.link {
        KnownLink::Local => Link::LOCAL,
        KnownLink::Lan => Link::LAN,
        KnownLink::Wan => Link::WAN,
    };
    if let Some(rtt) = args.rtt_ms {
        link.latency = Duration::try_from_secs_f64(rtt / 2000.0).map_err(|_| format!("`--rtt-ms {rtt}`: expected milliseconds"))?;
    }
    if let Some(mbit) = args.mbit {
        if !(mbit > 0.0 && mbit < 1e9) {
            return Err(format!("`--mbit {mbit}`: expected a number above 0").into());
        }
        link.bandwidth_bits_per_s = (mbit * 1e6) as u64;
    }
    Ok(link)
}

fn of(job: &Job, price: &Price, link: Link, calibration: &Calibration, is_memory: bool) -> Result<Estimate> {
    let label = job.protocol.label();
    let costs = calibration.engines.get(label).ok_or_else(|| format!("the calibration has no engine `{label}`: calibrate again"))?;
    let cost_of = |unit: &str| costs.get(unit).copied().ok_or_else(|| format!("the calibration has no `{unit}`: calibrate again"));
    let mut compute_s = price.multiply_adds as f64 * cost_of(MULTIPLY_ADD)?;
    for primitive in &price.log {
        let (unit, count) = units(primitive);
        if count > 0 {
            compute_s += count as f64 * cost_of(unit)?;
        }
    }
    let traffic = traffic(&price.offline, &price.total);
    let busiest = traffic.iter().map(|(sent, received)| (*sent).max(*received)).max().unwrap_or(0);
    let handled = traffic.iter().map(|(sent, received)| sent + received).max().unwrap_or(0);
    let rounds = price.total.rounds - price.offline.rounds;
    let latency_s = f64::from(rounds) * link.latency.as_secs_f64();
    let transmission_s = if link.bandwidth_bits_per_s == 0 { 0.0 } else { busiest as f64 * 8.0 / link.bandwidth_bits_per_s as f64 };
    let carrier_s = if is_memory { 0.0 } else { handled as f64 * calibration.per_byte };
    let work_s = compute_s.max(carrier_s);
    Ok(Estimate {
        op: job.op.clone(),
        protocol: job.protocol,
        n: job.n,
        rtt_ms: link.latency.as_secs_f64() * 2000.0,
        mbit: link.bandwidth_bits_per_s as f64 / 1e6,
        rounds,
        bytes: price.total.bytes - price.offline.bytes,
        latency_s,
        transmission_s,
        compute_s,
        carrier_s,
        least_s: latency_s.max(transmission_s).max(work_s),
        expected_s: latency_s + transmission_s + work_s,
    })
}

/// Bytes that each party sends and receives in the program itself. The links of a party to its two peers are one line here:
/// it has one cable.
fn traffic(offline: &Cost, total: &Cost) -> Vec<(u64, u64)> {
    let before = |name: &str| offline.party(name).map_or((0, 0), |party| (party.bytes_sent, party.bytes_received));
    let party = |party: &yu_mpc::cost::PartyCost| {
        let (sent, received) = before(&party.party);
        (party.bytes_sent - sent, party.bytes_received - received)
    };
    total.parties.iter().map(party).collect()
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, protocol, n, rtt_ms, mbit, rounds, .. } = self;
        write!(f, "{op}: n = {n}, {protocol}, round trip {rtt_ms} ms, ")?;
        if *mbit > 0.0 {
            writeln!(f, "{mbit} Mbit/s")?
        } else {
            writeln!(f, "no limit")?
        }
        writeln!(f, "{} in {rounds} rounds", bytes(self.bytes))?;
        writeln!(f, "latency       {} s", seconds(self.latency_s))?;
        writeln!(f, "transmission  {} s", seconds(self.transmission_s))?;
        writeln!(f, "compute       {} s of one thread", seconds(self.compute_s))?;
        writeln!(f, "carrier       {} s of other threads", seconds(self.carrier_s))?;
        writeln!(f, "expected      {} s, at least {} s", seconds(self.expected_s), seconds(self.least_s))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::machine::Machine;

    #[test]
    fn a_product_takes_its_round_its_bytes_and_its_work() {
        let job = Job {
            op: "mul".into(),
            protocol: Protocol::Rep3,
            n: 1000,
            network: Network::Local,
            runs: 1,
            threads: 1,
            io_threads: 1,
            keep_mib: 0,
        };
        let costs = BTreeMap::from([("multiply".to_owned(), 1e-6), (MULTIPLY_ADD.to_owned(), 0.0)]);
        let calibration = Calibration {
            commit: String::new(),
            date: String::new(),
            machine: Machine { cpu: String::new(), cores: 1, load: None },
            per_byte: 1e-9,
            engines: BTreeMap::from([("rep3".to_owned(), costs)]),
        };
        let link = Link { latency: Duration::from_millis(5), bandwidth_bits_per_s: 8_000_000, loss: 0.0 };
        let estimate = of(&job, &price(&job).unwrap(), link, &calibration, false).unwrap();
        assert_eq!((estimate.rounds, estimate.bytes), (1, 3 * 8032));
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(estimate.latency_s, 0.005) && close(estimate.transmission_s, 8032e-6), "{estimate:?}");
        assert!(close(estimate.compute_s, 1e-3) && close(estimate.carrier_s, 16064e-9), "{estimate:?}");
        assert!(close(estimate.expected_s, 0.005 + 8032e-6 + 1e-3), "{estimate:?}");
        assert!(estimate.to_string().contains("in 1 rounds"));
    }
}
