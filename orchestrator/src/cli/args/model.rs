//! Options of `yu model`.

use clap::Subcommand;

/// Models that stay split: this node's shares.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Shares that are here: training, authorisation, parties.
    #[command(after_help = "Example: yu model list --dir bank")]
    List,
    /// Destroy this node's share with a certificate: jobs with the model are refused here. It is gone when two parties have destroyed theirs.
    #[command(after_help = "Example: yu model destroy --dir bank 3f2a90")]
    Destroy {
        /// The job that trained it, or how its id begins.
        job: String,
    },
}
