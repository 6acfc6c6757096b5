//! Options of `yu end`.

use clap::Subcommand;
use std::path::PathBuf;

/// The end of an authorisation (授权终止): destroy or seal, certify, account for every asset.
#[derive(Debug, Subcommand)]
pub enum EndCommand {
    /// Destroy everything of an ended authorisation here, or seal it while a matter is open; the certificate goes to the regulator. It may be repeated.
    #[command(after_help = "Example: yu end run dev/authority/a1 --dir bank")]
    Run {
        /// The authorisation.
        authorisation: String,
    },
    /// Who has certified what, who has not, and what lineage shows beyond that.
    #[command(after_help = "Example: yu end show dev/authority/a1 --dir regulator")]
    Show {
        /// The authorisation.
        authorisation: String,
    },
    /// The Merkle proof that one asset stands in a filed certificate.
    #[command(after_help = "Example: yu end prove dev/authority/a1 model-5f3a20b1c4d7e80912ab34cd --dir bank")]
    Prove {
        /// The authorisation.
        authorisation: String,
        /// Name of the asset in the certificate.
        asset: String,
    },
    /// The regulator's half of the key of a sealed package, for the authority; an `unsealing` has to be filed.
    #[command(after_help = "Example: yu end half package.sealed --out half.json --dir regulator")]
    Half {
        /// The package.
        file: PathBuf,
        /// Where the half goes.
        #[arg(long)]
        out: PathBuf,
    },
    /// Open a sealed package at the authority.
    #[command(after_help = "Example: yu end open package.sealed --half half.json --out opened --dir authority")]
    Open {
        /// The package.
        file: PathBuf,
        /// The regulator's half.
        #[arg(long)]
        half: PathBuf,
        /// A folder that does not exist yet.
        #[arg(long)]
        out: PathBuf,
    },
}
