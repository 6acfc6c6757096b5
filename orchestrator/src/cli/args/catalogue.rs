//! Options of `yu catalogue`.

use clap::Subcommand;
use std::path::PathBuf;

/// The catalogue of data (数据目录) as the docket makes it.
#[derive(Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Write the present records as DCAT (JSON-LD).
    #[command(after_help = "Example: yu catalogue export catalogue.jsonld --dir authority")]
    Export {
        /// Where to.
        file: PathBuf,
        /// One data set only.
        #[arg(long)]
        dataset: Option<String>,
    },
    /// File the own records of a DCAT document as new versions.
    #[command(after_help = "Example: yu catalogue import catalogue.jsonld --dir health")]
    Import {
        /// What `export` wrote, changed.
        file: PathBuf,
    },
    /// What changed between two versions of a record, in sentences.
    #[command(after_help = "Example: yu catalogue diff dev/health/visits 1 2 --dir bank")]
    Diff {
        /// Data set.
        dataset: String,
        /// Number of the one version.
        from: u64,
        /// Number of the other.
        to: u64,
    },
    /// What happened after a revision, for subscribers; the chain is checked against the head that they have.
    #[command(after_help = "Example: yu catalogue changes --since 12 --head sha-256:5f3a... --dir bank")]
    Changes {
        /// The revision that the subscriber has; 0 for none.
        #[arg(long, default_value_t = 0)]
        since: u64,
        /// The head of the chain at that revision, as the last answer gave it.
        #[arg(long)]
        head: Option<String>,
    },
    /// Demands of a period and what they lack; the operator files them as its report.
    #[command(after_help = "Example: yu catalogue gaps --from 2026-01-01T00:00:00Z --until 2026-07-01T00:00:00Z --file --dir platform")]
    Gaps {
        /// First second of the period.
        #[arg(long, default_value = "2000-01-01T00:00:00Z")]
        from: String,
        /// First second after it; absent: now.
        #[arg(long)]
        until: Option<String>,
        /// File the report.
        #[arg(long)]
        file: bool,
    },
    /// Quality of data and timeliness of reviews by source department; the authority files it as its report.
    #[command(after_help = "Example: yu catalogue report --from 2026-01-01T00:00:00Z --out league --file --dir authority")]
    Report {
        /// First second of the period.
        #[arg(long, default_value = "2000-01-01T00:00:00Z")]
        from: String,
        /// First second after it; absent: now.
        #[arg(long)]
        until: Option<String>,
        /// Write the table of timeliness here, as NAME-en.csv and NAME-zh.csv.
        #[arg(long)]
        out: Option<PathBuf>,
        /// File the report.
        #[arg(long)]
        file: bool,
    },
    /// Count accuracy, relevance, completeness and timeliness of an own data set; small counts are rounded up.
    #[command(after_help = "Example: yu catalogue profile visits --expected-rows 2000 --file --dir health")]
    Profile {
        /// Data set.
        dataset: String,
        /// Rows that it should have.
        #[arg(long)]
        expected_rows: Option<u64>,
        /// File the metrics as a new version of the record.
        #[arg(long)]
        file: bool,
    },
    /// Make simulated rows from a record's columns and published categories; no row of the data set is read.
    #[command(after_help = "Example: yu catalogue simulate dev/health/visits --rows 1000 --out visits-simulated.csv --dir bank")]
    Simulate {
        /// Data set.
        dataset: String,
        /// How many rows.
        #[arg(long)]
        rows: u64,
        /// The same seed gives the same rows.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
        /// At the provider: say in a new version of the record that simulated data can be had.
        #[arg(long)]
        file: bool,
    },
}
