//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use yu_wire::carrier::CarrierKind;
use yu_wire::shape::Link;

use crate::attest::AttestArgs;
use crate::desensitize::DesensitizeArgs;
use crate::fedlearn::FedlearnArgs;
use crate::fuzz::FuzzArgs;
use crate::governance::GovernanceArgs;
use crate::mpc::args::{CalibrateArgs, EstimateArgs, MpcArgs};
use crate::work::Protocol;

const EXAMPLES: &str = "\
Examples:
  yu-benches psi --size 100000 --network quic        two processes on loopback
  yu-benches matmul --size 1000 --network wan        three threads, 40 ms round trip, 100 Mbit/s
  yu-benches mpc lt --n 1000000 --net quic           a program of the catalogue, three processes
  yu-benches mpc --suite --out bench                 all programs; writes bench/mpc.json and bench/mpc.csv
  yu-benches calibrate && yu-benches estimate lt --n 1000000 --rtt-ms 30 --mbit 200
  yu-benches channel                                 our channel against a bare QUIC stream
  yu-benches round-trip --json

On several machines:
  yu-benches keygen --dir keys --addresses 10.0.0.1:7000,10.0.0.2:7000,10.0.0.3:7000
  # copy the directory to each machine (each needs its own pN.pem only, and all pN.root.pem), then on machine N:
  yu-benches stats --size 100000 --party N --hosts keys/hosts.toml

Wall times of a run are those of its slowest party. Bytes count data frames with their 32-byte headers.";

/// Measures Yu's protocols between two or three parties.
#[derive(Clone, Debug, Parser)]
#[command(name = "yu-benches", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Alignment by ECDH on Ristretto; size is rows per side, half of them match
    Psi(RunArgs),
    /// 64-bit products in three-party shares; size is elements
    Mul(RunArgs),
    /// Fixed-point products with truncation in three-party shares; size is elements
    MulTrunc(RunArgs),
    /// Product of two square fixed-point matrices with truncation in three-party shares; size is rows
    Matmul(RunArgs),
    /// Joint statistics over aligned rows, 12 columns a side and 4 groups; size is rows
    Stats(RunArgs),
    /// A whole job: alignment, then joint statistics over the matched rows; size is rows per side
    Job(RunArgs),
    /// Throughput of a session's channel against a bare QUIC stream; size is MiB per run
    Channel(CompareArgs),
    /// Round trip of 32 bytes on a session's channel against a bare QUIC stream; size is rounds per run
    RoundTrip(CompareArgs),
    /// A program of the catalogue on an engine, or with --suite the whole table
    Mpc(MpcArgs),
    /// De-identification on one core: detection, transforms, anonymisation, differential privacy
    Desensitize(DesensitizeArgs),
    /// Attestation on one core: one verdict per family of evidence, other verifiers beside it
    Attest(AttestArgs),
    /// Federated learning: rounds over QUIC, secure aggregation, models beside central ones
    Fedlearn(FedlearnArgs),
    /// Audit log and policy decisions, and a node's log and store on this disk
    Governance(GovernanceArgs),
    /// Feeds every reader of evidence and collateral with changed vectors: no panic, no hang, bounded memory
    FuzzEvidence(FuzzArgs),
    /// Measures this machine for `estimate`
    Calibrate(CalibrateArgs),
    /// Bytes, rounds and seconds of a program on a link, before it runs
    Estimate(EstimateArgs),
    /// Writes a hosts file with development identities, one per party
    Keygen(KeygenArgs),
}

/// How to run a protocol.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Rows or elements; each protocol has its default
    #[arg(long)]
    pub size: Option<usize>,
    /// Number of parties; each protocol has its own
    #[arg(long)]
    pub parties: Option<usize>,
    /// How parties are joined [default: local; quic with --hosts]
    #[arg(long)]
    pub network: Option<Network>,
    /// Where and how to run
    #[command(flatten)]
    pub common: Common,
    /// Runs; median, least and greatest are shown
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub runs: u32,
    /// Compute threads per party
    #[arg(long, default_value_t = 1, value_parser = parse_threads)]
    pub threads: usize,
}

/// How to compare with a bare stream.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// MiB (channel, default 512) or rounds (round-trip, default 5000) per run
    #[arg(long)]
    pub size: Option<usize>,
    /// Where and how to run
    #[command(flatten)]
    pub common: Common,
    /// Runs of each, interleaved: bare, channel, bare, channel, ...
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub runs: u32,
    /// How the bare side reads
    #[arg(long, value_enum, default_value_t = BareRead::Exact)]
    pub bare_read: BareRead,
}

/// What all runs have in common.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Transport threads per party; the blocking main thread comes on top
    #[arg(long, default_value_t = 2, value_parser = parse_threads)]
    pub io_threads: usize,
    /// Run one party only, on its machine
    #[arg(long, value_name = "I", requires = "hosts")]
    pub party: Option<usize>,
    /// Names, addresses and certificates of all parties; see `keygen`
    #[arg(long, value_name = "FILE", requires = "party")]
    pub hosts: Option<PathBuf>,
    /// JSON with all single measurements instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What `keygen` writes.
#[derive(Clone, Debug, Args)]
pub struct KeygenArgs {
    /// Directory to write to; made if it does not exist
    #[arg(long)]
    pub dir: PathBuf,
    /// One `host:port` per party; QUIC and TCP use the port, bare streams the next one
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:7700,127.0.0.1:7710,127.0.0.1:7720")]
    pub addresses: Vec<String>,
    /// Days that the certificates hold
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=365))]
    pub days: i64,
}

/// How parties are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Threads, no delay
    Local,
    /// Threads, 1 ms round trip, 1 Gbit/s, simulated
    Lan,
    /// Threads, 40 ms round trip, 100 Mbit/s, simulated
    Wan,
    /// Processes and QUIC sessions
    Quic,
    /// Processes and TCP + TLS 1.3 sessions
    Tcp,
}

impl Network {
    /// The simulated link, or the carrier between processes.
    #[must_use]
    pub const fn medium(self) -> Medium {
        match self {
            Self::Local => Medium::Memory(Link::LOCAL),
            Self::Lan => Medium::Memory(Link::LAN),
            Self::Wan => Medium::Memory(Link::WAN),
            Self::Quic => Medium::Sessions(CarrierKind::Quic),
            Self::Tcp => Medium::Sessions(CarrierKind::Tcp),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Lan => "lan",
            Self::Wan => "wan",
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        })
    }
}

/// What is behind a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Medium {
    /// Threads over a simulated link.
    Memory(Link),
    /// Processes over sessions.
    Sessions(CarrierKind),
}

/// How the bare side of a comparison reads its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BareRead {
    /// Whole frames into one buffer that is used again
    Exact,
    /// Whatever arrived, without copying: less than any protocol can do with
    Chunks,
}

/// One protocol run with everything decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What.
    pub protocol: Protocol,
    /// How much.
    pub size: usize,
    /// Over what.
    pub network: Network,
    /// How often.
    pub runs: u32,
    /// Compute threads per party.
    pub threads: usize,
    /// Transport threads per party.
    pub io_threads: usize,
}

impl RunArgs {
    /// Fills in defaults and checks what belongs together.
    ///
    /// # Errors
    /// A number of parties that the protocol does not have, too small a size, one party of a simulated network.
    pub fn plan(&self, protocol: Protocol) -> crate::Result<Plan> {
        let parties = protocol.parties();
        if let Some(asked) = self.parties.filter(|asked| *asked != parties) {
            return Err(format!("`{protocol}` runs between `{parties}` parties, `--parties {asked}` is not possible").into());
        }
        let size = self.size.unwrap_or_else(|| protocol.default_size());
        if size < protocol.least_size() {
            return Err(format!("`{protocol}` needs a size of at least `{}`, got `{size}`", protocol.least_size()).into());
        }
        let one_party = self.common.party.is_some();
        let network = self.network.unwrap_or(if one_party { Network::Quic } else { Network::Local });
        if one_party && matches!(network.medium(), Medium::Memory(_)) {
            return Err(format!("`--network {network}` is simulated in one process: with `--party` use `quic` or `tcp`").into());
        }
        if let Some(party) = self.common.party.filter(|party| *party >= parties) {
            return Err(format!("`{protocol}` has the parties 0 to `{}`, `--party {party}` is not one of them", parties - 1).into());
        }
        Ok(Plan { protocol, size, network, runs: self.runs, threads: self.threads, io_threads: self.common.io_threads })
    }
}

pub(crate) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=256) => Ok(threads),
        _ => Err("expected 1 to 256".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("yu-benches").chain(line.split_whitespace()))
    }

    fn psi(line: &str) -> crate::Result<Plan> {
        match parse(line).map_err(|e| e.to_string())?.command {
            Command::Psi(args) => args.plan(Protocol::Psi),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_are_filled_in() {
        let plan = psi("psi").unwrap();
        assert_eq!((plan.network, plan.runs, plan.threads), (Network::Local, 5, 1));
        assert_eq!(plan.size, Protocol::Psi.default_size());
        assert_eq!(psi("psi --party 1 --hosts h.toml").unwrap().network, Network::Quic);
        let plan = psi("psi --size 7 --parties 2 --network wan --threads 3 --runs 9 --json").unwrap();
        assert_eq!((plan.size, plan.network, plan.runs, plan.threads), (7, Network::Wan, 9, 3));
    }

    #[test]
    fn impossible_combinations_are_refused() {
        for line in [
            "psi --parties 3",
            "psi --size 0",
            "psi --party 2 --hosts h.toml",
            "psi --party 0 --hosts h.toml --network lan",
            "psi --party 0",
            "psi --hosts h.toml",
            "psi --runs 4",
            "psi --threads 0",
            "psi --network moon",
        ] {
            assert!(psi(line).is_err(), "{line}");
        }
        assert!(parse("").is_err());
        assert!(parse("channel --runs 3").is_err());
    }

    #[test]
    fn help_shows_examples() {
        let help = parse("--help").unwrap_err().to_string();
        assert!(help.contains("keygen") && help.contains("round-trip") && help.contains("--party N --hosts"), "{help}");
    }
}
