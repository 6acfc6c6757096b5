//! Options of `yu program`.

use clap::Subcommand;
use std::path::PathBuf;

/// Programs of others that train, on this node's rows and without network.
#[derive(Debug, Subcommand)]
pub enum ProgramCommand {
    /// Take in a program that you have read: it will see the rows of trainings that name it.
    #[command(after_help = "Example: yu program add --dir health trainer.py --interpreter /usr/bin/python3")]
    Add {
        /// The program's file.
        file: PathBuf,
        /// What runs it, an absolute path; without it the file is run itself. Contracts have to say the same.
        #[arg(long)]
        interpreter: Option<PathBuf>,
    },
    /// Programs that were taken in, by their SHA-256.
    #[command(after_help = "Example: yu program list --dir health")]
    List,
    /// Forget a program: contracts that name it are refused here.
    #[command(after_help = "Example: yu program remove --dir health sha-256:3f2a...")]
    Remove {
        /// Its hash.
        program: String,
    },
}
