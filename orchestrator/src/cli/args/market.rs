//! Options of `yu meter`, `yu invoice` and `yu product`.

use clap::Subcommand;

/// What nodes count.
#[derive(Debug, Subcommand)]
pub enum MeterCommand {
    /// Sign and file what this node has counted since the last time; nodes do that by themselves once a tariff is filed.
    #[command(after_help = "Example: yu meter file --dir health")]
    File,
    /// Readings of all nodes by job, and what is wrong with them.
    #[command(after_help = "Example: yu meter show --dir bank\n         yu meter show JOB --dir bank")]
    Show {
        /// Only this job.
        job: Option<String>,
    },
    /// Whether customers of one class wait and pay alike.
    #[command(after_help = "Example: yu meter fairness --dir platform")]
    Fairness,
}

/// Prices before a run, invoices after a month.
#[derive(Debug, Subcommand)]
pub enum InvoiceCommand {
    /// Draw the invoices of a month from the counters, for all customers (platform).
    #[command(after_help = "Example: yu invoice draw 2026-05 --dir platform")]
    Draw {
        /// The month.
        month: String,
    },
    /// Invoices that are filed, and those that wait here, compared with counters, quotes and contracts.
    #[command(after_help = "Example: yu invoice show --dir bank\n         yu docket sign 5f3a20b1c4d7e809 --dir bank")]
    Show {
        /// Only this month.
        month: Option<String>,
    },
    /// What each job and product cost in a month.
    #[command(after_help = "Example: yu invoice costs 2026-05 --dir authority")]
    Costs {
        /// The month.
        month: String,
    },
    /// Sign and file the price of a job before it runs (platform).
    #[command(after_help = "Example: yu invoice quote JOB --cpu-ms 60000 --dir platform")]
    Quote {
        /// Job.
        job: String,
        /// Milliseconds of processor time that are expected beside bytes, rounds and rows.
        #[arg(long, default_value_t = 0)]
        cpu_ms: u64,
    },
}

/// Data products.
#[derive(Debug, Subcommand)]
pub enum ProductCommand {
    /// What is known of a version's items: what changed, where it comes from, what objects (checker).
    #[command(after_help = "Example: yu product check 5f3a20b1c4d7e809 --dir checker")]
    Check {
        /// How the hash of the version begins.
        #[arg(id = "product-version", value_name = "VERSION")]
        version: String,
    },
    /// List a version on the steps of its procedure (platform).
    #[command(after_help = "Example: yu product list 5f3a20b1c4d7e809 --dir platform")]
    List {
        /// How the hash of the version begins.
        #[arg(id = "product-version", value_name = "VERSION")]
        version: String,
        /// Number of a registration.
        #[arg(long, requires = "registry")]
        number: Option<String>,
        /// Where it is registered.
        #[arg(long, requires = "number")]
        registry: Option<String>,
    },
    /// Make, sign and file the dossier for a registry (owner).
    #[command(after_help = "Example: yu product dossier dev/bank/score --dir bank")]
    Dossier {
        /// Product.
        product: String,
    },
    /// Whether a filed dossier follows from the records here.
    #[command(after_help = "Example: yu product registered dev/bank/score --dir watch")]
    Registered {
        /// Product.
        product: String,
    },
    /// Whether a product may be traded.
    #[command(after_help = "Example: yu product trade dev/bank/score --exchange --dir bank")]
    Trade {
        /// Product.
        product: String,
        /// On an exchange; otherwise directly.
        #[arg(long)]
        exchange: bool,
    },
}
