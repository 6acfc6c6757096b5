//! Options of `yu profile`.

use clap::Subcommand;

/// Jurisdiction profiles: terms, clocks, actors, gates, each value with its article.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Those that ship.
    List,
    /// A profile as sentences, with the article of each value or our reason for it.
    #[command(after_help = "Example: yu profile show ningbo")]
    Show {
        /// A name of `yu profile list`, or a file.
        profile: String,
    },
    /// What changes from one profile to another: what LOOSENS comes first.
    #[command(after_help = "Example: yu profile diff zhejiang ningbo")]
    Diff {
        /// The old one: a name or a file.
        old: String,
        /// The new one: a name or a file.
        new: String,
    },
}
