//! The command lines of `mpc`, `calibrate` and `estimate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use yu_mpc::programs::NAMES;

use super::engines::Protocol;
use super::sizes::default_size;
use crate::Result;
use crate::cli::{Common, Medium, Network, parse_threads};

/// Which programs, on what.
#[derive(Clone, Debug, Args)]
pub struct MpcArgs {
    /// Program of the catalogue; `--list` names them
    #[arg(required_unless_present_any = ["suite", "list"])]
    pub op: Option<String>,
    /// Engine that computes; with --suite only this one
    #[arg(long, value_enum)]
    pub protocol: Option<Protocol>,
    /// Elements (rows of square matrices for `matmul`); each program has its default
    #[arg(long, value_name = "N")]
    pub n: Option<usize>,
    /// How parties are joined [default: local; quic with --hosts]; with --suite only this one
    #[arg(long = "net", value_enum)]
    pub network: Option<Network>,
    /// Runs; median, least and greatest are shown
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Compute threads per party
    #[arg(long, default_value_t = 1, value_parser = parse_threads)]
    pub threads: usize,
    /// Wiped memory that a party keeps for its next operation, MiB: runs after the first have warm pages
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = parse_mib)]
    pub keep_memory: usize,
    /// Where and how to run
    #[command(flatten)]
    pub common: Common,
    /// Names the programs
    #[arg(long)]
    pub list: bool,
    /// Every program on every engine, in memory and over QUIC; writes `mpc.json` and `mpc.csv`
    #[arg(long, conflicts_with_all = ["op", "party"])]
    pub suite: bool,
    /// With --suite: only these programs
    #[arg(long, value_delimiter = ',', requires = "suite")]
    pub only: Vec<String>,
    /// With --suite: where to write
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub out: PathBuf,
}

/// One program on one engine, with everything decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Program.
    pub op: String,
    /// Engine.
    pub protocol: Protocol,
    /// Size.
    pub n: usize,
    /// Over what.
    pub network: Network,
    /// How often.
    pub runs: u32,
    /// Compute threads per party.
    pub threads: usize,
    /// Transport threads per party.
    pub io_threads: usize,
    /// Wiped memory that a party keeps, MiB.
    pub keep_mib: usize,
}

impl MpcArgs {
    /// Fills in defaults and checks what belongs together.
    ///
    /// # Errors
    /// An unknown program; one party of a simulated network; a party that the engine does not have.
    pub fn job(&self) -> Result<Job> {
        let op = self.op.clone().unwrap_or_default();
        let protocol = self.protocol.unwrap_or(Protocol::Rep3);
        known(&op)?;
        let one_party = self.common.party.is_some();
        let network = self.network.unwrap_or(if one_party { Network::Quic } else { Network::Local });
        if one_party && matches!(network.medium(), Medium::Memory(_)) {
            return Err(format!("`--net {network}` is simulated in one process: with `--party` use `quic` or `tcp`").into());
        }
        if let Some(party) = self.common.party.filter(|party| *party >= protocol.parties()) {
            return Err(
                format!("`{protocol}` has the parties 0 to `{}`, `--party {party}` is not one of them", protocol.parties() - 1).into()
            );
        }
        let n = self.n.unwrap_or_else(|| default_size(&op));
        Ok(Job {
            op,
            protocol,
            n,
            network,
            runs: self.runs,
            threads: self.threads,
            io_threads: self.common.io_threads,
            keep_mib: self.keep_memory,
        })
    }
}

impl Job {
    /// The command line that makes the same job.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let mut args = vec!["mpc".to_owned(), self.op.clone()];
        for (name, value) in [
            ("--protocol", self.protocol.to_string()),
            ("--n", self.n.to_string()),
            ("--net", self.network.to_string()),
            ("--runs", self.runs.to_string()),
            ("--threads", self.threads.to_string()),
            ("--io-threads", self.io_threads.to_string()),
            ("--keep-memory", self.keep_mib.to_string()),
        ] {
            args.extend([name.to_owned(), value]);
        }
        args
    }
}

fn parse_mib(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|mib| *mib <= 1 << 20).ok_or_else(|| "expected 0 to 1048576".into())
}

/// What `calibrate` measures.
#[derive(Clone, Debug, Args)]
pub struct CalibrateArgs {
    /// Where to write what an estimate needs to know about this machine
    #[arg(long, default_value = "calibration.json", value_name = "FILE")]
    pub out: PathBuf,
    /// Runs of each measurement; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
}

/// What `estimate` computes.
#[derive(Clone, Debug, Args)]
pub struct EstimateArgs {
    /// Program of the catalogue
    pub op: String,
    /// Engine
    #[arg(long, value_enum, default_value_t = Protocol::Rep3)]
    pub protocol: Protocol,
    /// Elements; each program has its default
    #[arg(long)]
    pub n: Option<usize>,
    /// A known link
    #[arg(long, value_enum, default_value_t = KnownLink::Lan)]
    pub link: KnownLink,
    /// Round trip of the link instead, milliseconds
    #[arg(long, value_name = "MS")]
    pub rtt_ms: Option<f64>,
    /// Bandwidth of the link instead, Mbit/s in each direction
    #[arg(long, value_name = "MBIT")]
    pub mbit: Option<f64>,
    /// What `calibrate` wrote
    #[arg(long, default_value = "calibration.json", value_name = "FILE")]
    pub calibration: PathBuf,
    /// JSON instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// Links by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KnownLink {
    /// Memory: no latency, no limit
    Local,
    /// Round trip 1 ms, 1 Gbit/s
    Lan,
    /// Round trip 40 ms, 100 Mbit/s
    Wan,
}

/// Refuses names that the catalogue does not have.
///
/// # Errors
/// An unknown program.
pub fn known(op: &str) -> Result<()> {
    if NAMES.contains(&op) { Ok(()) } else { Err(format!("there is no program `{op}`: {}", NAMES.join(", ")).into()) }
}
