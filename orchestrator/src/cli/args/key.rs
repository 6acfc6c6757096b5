//! Options of `yu key`.

use clap::Subcommand;

/// Keys with which this node's operators make pseudonyms.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key in the vault. A job's policy names it, and the contract with it.
    #[command(after_help = "Example: yu key new --dir health release-2026")]
    New {
        /// Its name, as policies write it; `default` where they write none.
        name: String,
    },
    /// Names and fingerprints.
    #[command(after_help = "Example: yu key list --dir health")]
    List,
    /// Destroy a key with a certificate: what it made can never be restored or joined again.
    #[command(after_help = "Example: yu key destroy --dir health release-2026")]
    Destroy {
        /// Its name.
        name: String,
    },
}
