//! Options of the verbs for safety and supervision.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Verbs for safety and supervision.
#[derive(Debug, Subcommand)]
pub enum WatchCommand {
    /// Exercise the functions of the domain with made-up data on this machine; no node is needed.
    #[command(after_help = "Example: yu selftest --out selftest.json")]
    Selftest {
        /// Write what was done, passed and measured here.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Made-up residents on each side.
        #[arg(long, default_value_t = 2_000)]
        rows: u64,
    },
    /// Drills on running jobs.
    #[command(subcommand)]
    Drill(DrillCommand),
    /// Look at a peer's log by the rules in force, sign and file what was found (regulator).
    #[command(after_help = "Example: yu patrol yu://dev/bank/n1 --dir watch")]
    Patrol {
        /// The peer.
        node: String,
    },
    /// The yearly operation report, with its numbers from the logs.
    #[command(
        after_help = "Example: yu annual --from 2026-01-01T00:00:00Z --to 2027-01-01T00:00:00Z --narrative texts.toml --out report --dir bank\n         \
                      yu annual --check 5f3a20b1 --dir watch"
    )]
    Annual(AnnualArgs),
    /// What the public sees; small numbers are withheld.
    #[command(
        after_help = "Example: yu disclosure --from 2026-01-01T00:00:00Z --to 2027-01-01T00:00:00Z --text \"statistics|统计\" --out public --dir bank"
    )]
    Disclosure(DisclosureArgs),
    /// Packages of evidence for inspectors; they verify offline.
    #[command(subcommand)]
    Inspection(InspectionCommand),
    /// The package by which a domain is accepted: the self-test, and a document for everything that no program can show.
    #[command(
        after_help = "Example: yu acceptance --inspector yu://dev/authority/n1 --selftest selftest.json --evidence D12=certificate.pdf --out accept --dir platform"
    )]
    Acceptance(AcceptanceArgs),
}

/// Drills.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// File a fake incident and stop a running job of the authorisation, as another organisation than the plan's owner.
    #[command(after_help = "Example: yu drill inject dev/authority/a-1 --scenario \"a disk is missing|硬盘丢失\" --dir health")]
    Inject {
        /// The authorisation.
        authorisation: String,
        /// The job, or how its id begins; absent: the youngest.
        #[arg(long)]
        job: Option<String>,
        /// What is assumed to have happened, English and Chinese with `|` between.
        #[arg(long)]
        scenario: String,
    },
    /// How soon every party reacted, by its log; at the regulator of all.
    #[command(after_help = "Example: yu drill times 5f3a20b1c4d7e809 --dir watch")]
    Times {
        /// How the injection's hash begins.
        hash: String,
    },
    /// Draft the record from this node's log, sign it and ask the observer.
    #[command(after_help = "Example: yu drill record 5f3a20b1c4d7e809 --shown minutes.pdf --shortcoming \"slow|响应慢\" --dir bank")]
    Record {
        /// How the injection's hash begins.
        hash: String,
        /// A document for each step that the log does not show.
        #[arg(long)]
        shown: Vec<PathBuf>,
        /// What must be better, English and Chinese with `|` between.
        #[arg(long)]
        shortcoming: Vec<String>,
    },
}

/// Options of `annual`.
#[derive(Debug, Args)]
pub struct AnnualArgs {
    /// First second of the period.
    #[arg(long, required_unless_present = "check")]
    pub from: Option<String>,
    /// First second behind it.
    #[arg(long, required_unless_present = "check")]
    pub to: Option<String>,
    /// TOML with `[storage]`, `[processing]`, `[analysis-and-use]`, `[security]`, `[market]`, each with `en` and `zh`.
    #[arg(long, required_unless_present = "check")]
    pub narrative: Option<PathBuf>,
    /// Folder for the report and its page.
    #[arg(long, required_unless_present = "check")]
    pub out: Option<PathBuf>,
    /// File it in the docket as well.
    #[arg(long)]
    pub file: bool,
    /// Draw the numbers of a filed report again from the operator's log; how its hash begins.
    #[arg(long, conflicts_with_all = ["from", "to", "narrative", "out", "file"])]
    pub check: Option<String>,
}

/// Options of `disclosure`.
#[derive(Debug, Args)]
pub struct DisclosureArgs {
    /// First second of the period.
    #[arg(long)]
    pub from: String,
    /// First second behind it.
    #[arg(long)]
    pub to: String,
    /// What is said beside, English and Chinese with `|` between.
    #[arg(long)]
    pub text: String,
    /// Folder for the disclosure and its page.
    #[arg(long)]
    pub out: PathBuf,
    /// File it in the docket as well.
    #[arg(long)]
    pub file: bool,
}

/// Packages for inspectors.
#[derive(Debug, Subcommand)]
pub enum InspectionCommand {
    /// Put a package together and sign it as the one who is inspected.
    #[command(after_help = "Example: yu inspection make --inspector yu://dev/watch/n1 --out evidence --dir bank")]
    Make {
        /// Who inspects.
        #[arg(long)]
        inspector: String,
        /// The package's folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check a package and sign it as the one who inspects or accepts.
    #[command(after_help = "Example: yu inspection sign evidence --dir watch")]
    Sign {
        /// The package's folder.
        folder: PathBuf,
    },
    /// Check a package offline; the keys are this node's, or those of a file.
    #[command(after_help = "Example: yu inspection verify evidence --dir watch\n         yu inspection verify evidence --keys keys.json")]
    Verify {
        /// The package's folder.
        folder: PathBuf,
        /// JSON as `yu inspection keys --json` prints it.
        #[arg(long)]
        keys: Option<PathBuf>,
    },
    /// The keys by which this node checks signatures.
    #[command(after_help = "Example: yu inspection keys --json --dir watch > keys.json")]
    Keys,
}

/// Options of `acceptance`.
#[derive(Debug, Args)]
pub struct AcceptanceArgs {
    /// Who accepts.
    #[arg(long)]
    pub inspector: String,
    /// What `yu selftest --out` wrote.
    #[arg(long)]
    pub selftest: PathBuf,
    /// `D3=FILE`: a document that shows a requirement.
    #[arg(long)]
    pub evidence: Vec<String>,
    /// The package's folder.
    #[arg(long)]
    pub out: PathBuf,
}
