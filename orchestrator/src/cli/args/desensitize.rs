//! Options of `yu desensitize`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// De-identification (去标识化) of files: no node is needed.
#[derive(Debug, Subcommand)]
pub enum DesensitizeCommand {
    /// Find identifiers: what each column holds, and what stands in free text.
    #[command(after_help = "Example: yu desensitize detect residents.csv\n         yu desensitize detect notes.txt --text")]
    Detect(DetectArgs),
    /// Make a key file for keyed operators; whoever holds it can undo what is reversible.
    #[command(after_help = "Example: yu desensitize keygen --out release.key")]
    Keygen {
        /// The key file; must not exist yet.
        #[arg(long)]
        out: PathBuf,
        /// Name of the key, as policies write it.
        #[arg(long, default_value = "release")]
        name: String,
    },
    /// A policy as numbered sentences.
    #[command(after_help = "Example: yu desensitize explain policy.toml")]
    Explain {
        /// The policy.
        policy: PathBuf,
    },
    /// What a change of a policy loosens.
    #[command(after_help = "Example: yu desensitize diff old.toml new.toml")]
    Diff {
        /// The policy as it was.
        old: PathBuf,
        /// The policy as it is to be.
        new: PathBuf,
    },
    /// Before and after, on simulated rows.
    #[command(after_help = "Example: yu desensitize dry-run policy.toml --rows 5")]
    DryRun {
        /// The policy.
        policy: PathBuf,
        /// Rows to show.
        #[arg(long, default_value_t = 5)]
        rows: usize,
    },
    /// Carry out a policy: release, verification, gate, report.
    #[command(
        after_help = "Example: yu desensitize run policy.toml --in residents.csv --out release.csv --report report.html --keys release.key"
    )]
    Run(RunArgs),
    /// Read a release again and verify it against its policy.
    #[command(after_help = "Example: yu desensitize verify policy.toml --release release.csv")]
    Verify {
        /// The policy.
        policy: PathBuf,
        /// The release.
        #[arg(long)]
        release: PathBuf,
    },
}

/// Options of `desensitize detect`.
#[derive(Debug, Args)]
pub struct DetectArgs {
    /// Files: CSV, xlsx, Parquet, Arrow IPC.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The files are plain text: print every hit with its place.
    #[arg(long)]
    pub text: bool,
    /// auto, utf-8 or gb18030.
    #[arg(long, default_value = "auto")]
    pub encoding: String,
}

/// Options of `desensitize run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The policy.
    pub policy: PathBuf,
    /// The data: CSV, xlsx, Parquet, Arrow IPC.
    #[arg(long = "in")]
    pub input: PathBuf,
    /// The release: .csv, .parquet or .arrow. It is written only if verification and gate pass.
    #[arg(long)]
    pub out: PathBuf,
    /// The report for people; a .json beside it for machines.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Key file of keyed operators.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// auto, utf-8 or gb18030.
    #[arg(long, default_value = "auto")]
    pub encoding: String,
}
