//! Options of `yu procedure`.

use clap::Subcommand;
use std::path::PathBuf;

/// Procedures: authorisations, requests, products, incidents, suspensions and persons move by signed steps.
#[derive(Debug, Subcommand)]
pub enum ProcedureCommand {
    /// What is in force here, where every object stands, what waits for a signature.
    #[command(after_help = "Example: yu procedure list --dir authority")]
    List,
    /// One object, step by step.
    #[command(after_help = "Example: yu procedure show authorisation dev/authority/a-1 --dir bank")]
    Show {
        /// authorisation, request, product, incident, suspension or person.
        machine: String,
        /// Its name: the id of an authorisation, a request or a product; the organisation of a suspension.
        object: String,
    },
    /// Draft a step, sign it, and ask the others whose signatures it needs. The event is a TOML file, or its text.
    #[command(
        after_help = "Example: yu procedure step suspension bank 'event = \"open\"' --dir authority\n         yu procedure step authorisation dev/authority/a-1 agree.toml --evidence agreement.pdf --signer licensee=yu://dev/bank/n1"
    )]
    Step {
        /// The machine.
        machine: String,
        /// The object.
        object: String,
        /// The event: a file, or TOML as it stands.
        event: String,
        /// The document that the step rests on: a file, whose hash is signed while it stays where it is, or the hash of a document of the docket.
        #[arg(long)]
        evidence: Option<PathBuf>,
        /// Who signs in which role, where several could: ROLE=PARTY.
        #[arg(long)]
        signer: Vec<String>,
    },
    /// Sign a step that waits here: `yu procedure list` shows it whole, with its hash.
    #[command(after_help = "Example: yu procedure sign 5f3a20b1c4d7e809 --dir bank")]
    Sign {
        /// How the hash of the step begins.
        hash: String,
    },
    /// Do not sign a step that waits here, or take an own draft back.
    #[command(after_help = "Example: yu procedure drop 5f3a20b1c4d7e809 --dir bank")]
    Drop {
        /// How the hash of the step begins.
        hash: String,
    },
    /// Say who signs in which role (authority).
    #[command(after_help = "Example: yu procedure appoint appointments.toml --dir authority")]
    Appoint {
        /// TOML with `[[appointed]]`: role, party.
        file: PathBuf,
    },
    /// Ask the authority for everything that this node has missed.
    #[command(after_help = "Example: yu procedure sync --dir bank")]
    Sync,
}
