//! Command line: verbs, their options, and what they print.

mod args;
mod attest;
mod backup;
mod catalogue;
mod consent;
mod desensitize;
mod docket;
#[cfg(test)]
mod docs;
mod dossier;
mod end;
mod import;
mod job_file;
mod market;
mod offline;
mod output;
mod person;
mod procedure;
mod profile;
mod program;
mod report;
mod verbs;
mod watch;

pub use args::{
    AcceptanceArgs, AnnualArgs, AttestCommand, AuditCommand, AuthorisationCommand, BackupCommand, BackupSource, BundleCommand,
    CatalogueCommand, Cli, Command, ConsentCommand, DatasetAddArgs, DatasetCommand, DemoArgs, DesensitizeCommand, DetectArgs,
    DisclosureArgs, DocketCommand, DossierCommand, DrillCommand, EnclaveCommand, EndCommand, ImportArgs, InitArgs, InspectionCommand,
    InviteArgs, InvoiceCommand, JobCommand, KeyCommand, LoginArgs, MeterCommand, ModelCommand, PeerCommand, PersonCommand,
    ProcedureCommand, ProductCommand, ProfileCommand, ProgramCommand, ReportCommand, RequestCommand, ResultCommand, ReviewCommand, RunArgs,
    StandingCommand, VerifyArgs, WatchCommand,
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
