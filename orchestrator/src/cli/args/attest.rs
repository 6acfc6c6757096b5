//! Options of `yu attest` and `yu enclave`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Evidence of trusted execution environments, offline.
#[derive(Debug, Subcommand)]
pub enum AttestCommand {
    /// Bundles of collateral.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Verify evidence and appraise it by a policy.
    #[command(
        after_help = "Example: yu attest verify --evidence quote.json --bundle bundle.json --trust KEY --policy policy.json --at 2026-11-01T00:00:00Z --report-data 00ff..."
    )]
    Verify(Box<VerifyArgs>),
    /// Say in words what evidence claims, and which rules of a profile it does not meet.
    #[command(after_help = "Example: yu attest explain --evidence quote.json --bundle bundle.json --trust KEY --at 2026-11-01T00:00:00Z")]
    Explain(Box<VerifyArgs>),
    /// What in a bundle is old, expired, or about to expire.
    #[command(after_help = "Example: yu attest lint --bundle bundle.json --trust KEY")]
    Lint {
        /// The bundle.
        #[arg(long)]
        bundle: PathBuf,
        /// Keys whose bundles count, hexadecimal.
        #[arg(long)]
        trust: Vec<String>,
        /// Instant; absent: now.
        #[arg(long)]
        at: Option<String>,
    },
    /// All claims that a policy may name.
    Claims,
    /// Wrap raw evidence (a quote, a report) as evidence.
    #[command(after_help = "Example: yu attest wrap --kind tdx --body quote.bin --part event-log=ccel.bin --out evidence.json")]
    Wrap {
        /// sgx, tdx, snp, csv, nitro, tpm, cca or nvidia.
        #[arg(long)]
        kind: String,
        /// The signed body.
        #[arg(long)]
        body: PathBuf,
        /// What lies beside it: NAME=FILE.
        #[arg(long)]
        part: Vec<String>,
        /// Where to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Verdicts that this node gave.
    #[command(after_help = "Example: yu attest show --dir health 5f3a9c")]
    Show {
        /// A verdict by its hash, or the beginning of it; absent: all.
        verdict: Option<String>,
    },
    /// Give a stored verdict again, from the evidence, bundle and policy that are stored beside it.
    #[command(after_help = "Example: yu attest replay --dir health 5f3a9c")]
    Replay {
        /// The verdict that the audit log names.
        verdict: String,
    },
}

/// What verification is about.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Evidence as `wrap` writes it.
    #[arg(long)]
    pub evidence: PathBuf,
    /// A signed bundle of collateral.
    #[arg(long)]
    pub bundle: PathBuf,
    /// Keys whose bundles count, hexadecimal.
    #[arg(long)]
    pub trust: Vec<String>,
    /// The policy, JSON; absent: the standard profile, any code.
    #[arg(long)]
    pub policy: Option<PathBuf>,
    /// Instant; absent: now.
    #[arg(long)]
    pub at: Option<String>,
    /// What the report data must begin with, hexadecimal; absent: not compared.
    #[arg(long)]
    pub report_data: Option<String>,
    /// Write the verdict as an EAR token (JWT), signed with this key file of 32 bytes.
    #[arg(long)]
    pub ear_key: Option<PathBuf>,
}

/// Bundles.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Put collateral together and sign it.
    #[command(
        after_help = "Example: yu attest bundle make --name 2026-11 --entries intel.json amd.json --key signing.key --out bundle.json"
    )]
    Make {
        /// Its name.
        #[arg(long)]
        name: String,
        /// Files with one entry or an array of entries each.
        #[arg(long, num_args = 1.., required = true)]
        entries: Vec<PathBuf>,
        /// Key file of 32 bytes; made if absent.
        #[arg(long)]
        key: PathBuf,
        /// Instant; absent: now.
        #[arg(long)]
        at: Option<String>,
        /// Where to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Take a bundle into this node, if its signer is trusted and everything in it verifies.
    #[command(after_help = "Example: yu attest bundle add --dir health bundle.json --trust KEY")]
    Add {
        /// The bundle.
        file: PathBuf,
        /// Believe bundles of this key from now on, hexadecimal.
        #[arg(long)]
        trust: Vec<String>,
    },
}

/// The environment in which this node computes.
#[derive(Debug, Subcommand)]
pub enum EnclaveCommand {
    /// Say where this node's evidence comes from.
    #[command(after_help = "Example: yu enclave init --dir platform --hardware")]
    Init {
        /// The machine's environment (SEV-SNP, TDX).
        #[arg(long, conflicts_with = "danger_simulated", required_unless_present = "danger_simulated")]
        hardware: bool,
        /// Software: no hardware stands behind it. For demonstrations.
        #[arg(long)]
        danger_simulated: bool,
        /// The simulator says that it is being debugged.
        #[arg(long, requires = "danger_simulated")]
        danger_debug: bool,
    },
    /// Add a WebAssembly module that contracts may name.
    #[command(after_help = "Example: yu enclave module --dir platform statistics.wasm")]
    Module {
        /// The module.
        file: PathBuf,
    },
}
