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
    /// Sign a profile as the authority; it comes into force when the regulator has signed it too.
    #[command(after_help = "Example: yu profile adopt ningbo --dir authority")]
    Adopt {
        /// A name of `yu profile list`, or a file.
        profile: String,
    },
    /// What waits for the regulator's signature, in sentences: what it would change.
    #[command(after_help = "Example: yu profile proposed --dir regulator")]
    Proposed,
    /// Sign what the authority proposed, as the regulator.
    #[command(after_help = "Example: yu profile countersign 5f3a20b1c4d7e809 --dir regulator")]
    Countersign {
        /// How the hash begins that `yu profile proposed` shows.
        hash: String,
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
