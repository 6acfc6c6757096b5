//! Options of `yu dossier`.

use clap::Subcommand;
use std::path::PathBuf;

/// Files of a dossier under review (审核案卷).
#[derive(Debug, Subcommand)]
pub enum DossierCommand {
    /// Keep a file, encrypted; its hash goes into passes and readings.
    #[command(after_help = "Example: yu dossier add application.pdf --dir authority")]
    Add {
        /// The file.
        file: PathBuf,
    },
    /// Fetch the copy for a reading that is filed; it is named after its mark.
    #[command(
        after_help = "Example: yu dossier read sha-256:5f3a... sha-256:77c0... --office yu://dev/authority/n1 --out copies --dir health"
    )]
    Read {
        /// Hash of the application under review.
        application: String,
        /// Hash of the file.
        document: String,
        /// Who keeps it.
        #[arg(long)]
        office: String,
        /// Folder for the copy.
        #[arg(long)]
        out: PathBuf,
    },
}
