//! Options of `yu standing`.

use clap::Subcommand;

/// Standing approvals: a party signs a job once, for many runs over new versions of the same data.
#[derive(Debug, Subcommand)]
pub enum StandingCommand {
    /// Sign a job that is known here for more runs: what is proposed later and differs in nothing but its data is signed without asking.
    #[command(after_help = "Example: yu standing approve --dir health JOB --runs 12 --until 2027-06-30T00:00:00Z --rows 200000")]
    Approve {
        /// Job id, or the beginning of it.
        job: String,
        /// How many runs.
        #[arg(long)]
        runs: u64,
        /// First second at which nothing is signed any more.
        #[arg(long)]
        until: String,
        /// Most rows that each data set may bring to a run; absent: those of the job.
        #[arg(long)]
        rows: Option<u64>,
    },
    /// List them with what is left.
    #[command(after_help = "Example: yu standing list --dir health")]
    List,
    /// Take one back; its runs that are not over end.
    #[command(after_help = "Example: yu standing revoke --dir health 5f3a20 --reason 'the purpose has changed'")]
    Revoke {
        /// Its hash, or how it begins.
        approval: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}
