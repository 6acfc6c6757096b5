//! Command line: verbs, their options, and what they print.

mod args;
mod attest;
mod desensitize;
mod docket;
mod job_file;
mod offline;
mod output;
mod procedure;
mod profile;
mod program;
mod verbs;

pub use args::{
    AttestCommand, AuditCommand, AuthorisationCommand, BundleCommand, Cli, Command, DatasetAddArgs, DatasetCommand, DemoArgs,
    DesensitizeCommand, DetectArgs, DocketCommand, EnclaveCommand, InitArgs, InviteArgs, JobCommand, KeyCommand, ModelCommand, PeerCommand,
    ProcedureCommand, ProfileCommand, ProgramCommand, RequestCommand, ResultCommand, ReviewCommand, RunArgs, StandingCommand, VerifyArgs,
};
pub(crate) use offline::{result_check, result_to, verify_dirs};
pub use output::{Output, emit};

use crate::fault::Result;

/// Runs a parsed command line.
///
/// # Errors
/// The fault that ends the command; its code is the exit status.
pub fn run(cli: Cli) -> Result<()> {
    verbs::run(cli)
}
