//! Options of `yu consent`.

use clap::Subcommand;
use std::path::PathBuf;

/// Consents of the subjects of an own data set (授权同意): signed records under pseudonymous references, kept under lock.
#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// Add receipts to those of a data set, each with a signed record.
    #[command(after_help = "Example: yu consent import visits consent-june.csv --dir health")]
    Import {
        /// The data set.
        dataset: String,
        /// CSV: subject, scenario, purpose, items, `not_before`, `not_after`, and if there are any `revoked_at` and evidence.
        file: PathBuf,
    },
    /// A subject takes its consent back; it counts from the next run on. The subject's id is read from a file, so no list of commands keeps it.
    #[command(after_help = "Example: yu consent revoke visits --subject-file subject.txt --document letter.pdf --dir health")]
    Revoke {
        /// The data set.
        dataset: String,
        /// A file whose first line is the subject's id.
        #[arg(long)]
        subject_file: PathBuf,
        /// Only for this scenario.
        #[arg(long)]
        scenario: Option<String>,
        /// The document behind it; its hash is recorded.
        #[arg(long)]
        document: PathBuf,
    },
    /// How many hold, how many are over and locked.
    #[command(after_help = "Example: yu consent list visits --dir health")]
    List {
        /// The data set.
        dataset: String,
    },
    /// Write all records and withdrawals with their signatures; no subject stands in them.
    #[command(after_help = "Example: yu consent export visits --out consents.jsonl --dir health")]
    Export {
        /// The data set.
        dataset: String,
        /// A new file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Delete the records whose term of retention is over.
    #[command(after_help = "Example: yu consent delete visits --dir health")]
    Delete {
        /// The data set.
        dataset: String,
    },
}
