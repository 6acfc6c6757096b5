//! Options of `yu docket`.

use clap::Subcommand;
use std::path::PathBuf;

/// The docket (台账): signed documents of the domain in the authority's order.
#[derive(Debug, Subcommand)]
pub enum DocketCommand {
    /// All kinds of documents, or a complete example of one as TOML.
    #[command(after_help = "Example: yu docket template --dir health\n         yu docket template catalogue-record --dir health")]
    Template {
        /// The kind.
        kind: Option<String>,
    },
    /// Sign a document and file it; where others have to sign as well they are asked.
    #[command(after_help = "Example: yu docket file catalogue-record visits.toml --dir health")]
    File {
        /// The kind.
        kind: String,
        /// TOML as `yu docket template KIND` shows it.
        file: PathBuf,
    },
    /// Documents that wait here for a signature, whole.
    #[command(after_help = "Example: yu docket waiting --dir bank")]
    Waiting,
    /// Sign a document that waits here.
    #[command(after_help = "Example: yu docket sign 5f3a20b1c4d7e809 --dir bank")]
    Sign {
        /// How its hash begins, 16 digits or more.
        hash: String,
    },
    /// Do not sign a document that waits here, or take an own draft back.
    #[command(after_help = "Example: yu docket drop 5f3a20b1c4d7e809 --dir bank")]
    Drop {
        /// How its hash begins.
        hash: String,
    },
    /// What is filed, in order.
    #[command(after_help = "Example: yu docket list --kind catalogue-record --dir bank")]
    List {
        /// Only this kind.
        #[arg(long)]
        kind: Option<String>,
        /// From this line on.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// One line with its document and all signatures.
    #[command(after_help = "Example: yu docket show 12 --dir bank\n         yu docket show 5f3a20b1 --dir bank")]
    Show {
        /// The line, or how the hash of the document begins.
        which: String,
    },
    /// What every chapter says now, and alarms.
    #[command(after_help = "Example: yu docket status --chapter catalogue --dir authority")]
    Status {
        /// Only this chapter.
        #[arg(long)]
        chapter: Option<String>,
    },
    /// Fetch what was missed, and compare with all peers whether they were told the same.
    #[command(after_help = "Example: yu docket sync --dir bank")]
    Sync,
}
