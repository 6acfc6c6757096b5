//! What each verb does: most of them ask the running node.

use super::args::{
    AuditCommand, AuthorisationCommand, Cli, Command, DatasetCommand, InviteArgs, JobCommand, KeyCommand, ModelCommand, PeerCommand,
    RequestCommand, ResultCommand, ReviewCommand, StandingCommand,
};
use super::{Output, job_file, offline};
use crate::admin::{AdminAsk, ask};
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::ticket::Standing;
use std::path::Path;

/// Runs a command line.
pub(super) fn run(cli: Cli) -> Result<()> {
    let out = Output::new(cli.json, &cli.lang)?;
    let home = Home::new(&cli.dir);
    suite(&cli.command, &home)?;
    match cli.command {
        Command::Demo(args) => crate::demo::run(&args, &out),
        Command::Init(args) => offline::init(&home, &args, &out),
        Command::Up => crate::node::up(&home),
        Command::Desensitize(command) => super::desensitize::run(command, &out),
        Command::Attest(command) => super::attest::run(command, &home, &out),
        Command::Enclave(command) => super::attest::enclave(command, &home, &out),
        Command::Catalogue(command) => super::catalogue::run(command, &home, &out),
        Command::Dossier(command) => super::dossier::run(command, &home, &out),
        Command::Consent(command) => super::consent::run(command, &home, &out),
        Command::End(command) => super::end::run(command, &home, &out),
        Command::Backup(command) => super::backup::run(command, &home, &out),
        Command::Watch(command) => super::watch::run(command, &home, &out),
        Command::Program(command) => super::program::run(&command, &home, &out),
        Command::Profile(command) => match super::procedure::profile(&command)? {
            None => super::profile::run(&command, &out),
            Some(question) => {
                let value = ask(&home, &question)?;
                out.answer(&question, &value);
                Ok(())
            }
        },
        Command::Report(command) => super::report::run(command, &home, &out),
        Command::Login(args) => super::person::login(&args, &home, &out),
        Command::Logout => super::person::logout(&home, &out),
        Command::Person(command) => super::person::run(command, &home, &out),
        Command::Audit(AuditCommand::Verify { dirs }) => offline::audit_verify(&dirs, &out),
        Command::Audit(AuditCommand::Show { job }) => offline::audit_show(&home, job.as_deref(), &out),
        Command::Result(ResultCommand::Verify { folder }) => offline::result_verify(&folder, &out),
        Command::Job(JobCommand::Watch { job }) => watch(&home, &job, &out),
        Command::Job(JobCommand::Result { job, out: Some(folder) }) => {
            let value = ask(&home, &AdminAsk::JobResult { job })?;
            offline::write_result(&folder, &value, &out)
        }
        Command::Trace { what, direction, out: folder } => {
            let question = AdminAsk::Trace { what, backward: direction != "forward", forward: direction != "backward" };
            let value = ask(&home, &question)?;
            if let Some(folder) = folder {
                offline::write_traces(&folder, &value)?;
            }
            out.answer(&question, &value);
            Ok(())
        }
        Command::Doctor { peer: None } if ask(&home, &AdminAsk::Status).is_err() => offline::doctor(&home, &out),
        other => {
            let question = question(other)?;
            let value = ask(&home, &question)?;
            out.answer(&question, &value);
            offline::exit_of(&question, &value)
        }
    }
}

/// The suite of this process: that of the node that it works for; without one, the standard suite.
fn suite(command: &Command, home: &Home) -> Result<()> {
    let named = match command {
        Command::Demo(args) => Some(args.crypto.parse::<yu_governance::suite::Suite>()?),
        // chooses what it is told to make
        Command::Init(_) => None,
        _ => home.config().ok().map(|config| config.crypto),
    };
    named.map_or(Ok(()), crate::suite::choose)
}

pub(super) fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { Code::FileMissing } else { Code::FileRead };
        Fault::new(code, e.kind().to_string()).at(path.display().to_string())
    })
}

pub(super) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path).map_err(|e| Fault::io(&e, path))
}

fn question(command: Command) -> Result<AdminAsk> {
    Ok(match command {
        Command::Down => AdminAsk::Stop,
        Command::Supervise => AdminAsk::SuperviseStatus,
        Command::Doctor { peer } => AdminAsk::Doctor { peer },
        Command::Destroy { dataset } => AdminAsk::DatasetDestroy { dataset },
        Command::Peer(c) => match c {
            PeerCommand::Invite(args) => AdminAsk::PeerInvite { valid_minutes: args.valid_minutes, expects: invited(*args) },
            PeerCommand::Card => AdminAsk::PeerCard,
            PeerCommand::Accept { ticket } => AdminAsk::PeerAccept { ticket },
            PeerCommand::Countersign { ticket } => AdminAsk::PeerCountersign { ticket },
            PeerCommand::List => AdminAsk::PeerList,
            PeerCommand::Remove { peer } => AdminAsk::PeerRemove { peer },
        },
        Command::Dataset(DatasetCommand::List { peer }) => AdminAsk::DatasetList { peer },
        Command::Dataset(DatasetCommand::Add(a)) => AdminAsk::DatasetAdd(Box::new(super::import::added(*a)?)),
        Command::Dataset(DatasetCommand::Import(a)) => AdminAsk::DatasetImport(Box::new(super::import::imported(*a)?)),
        Command::Dataset(DatasetCommand::Admit { dataset }) => AdminAsk::DatasetAdmit { dataset },
        Command::Dataset(DatasetCommand::Quarantine) => AdminAsk::DatasetQuarantine,
        Command::Key(c) => match c {
            KeyCommand::New { name } => AdminAsk::KeyNew { name },
            KeyCommand::List => AdminAsk::KeyList,
            KeyCommand::Destroy { name } => AdminAsk::KeyDestroy { name },
        },
        Command::Docket(command) => super::docket::question(command)?,
        Command::Procedure(command) => super::procedure::question(command)?,
        Command::Meter(command) => super::market::meter(command),
        Command::Invoice(command) => super::market::invoice(command),
        Command::Product(command) => super::market::product(command),
        Command::Model(ModelCommand::List) => AdminAsk::ModelList,
        Command::Model(ModelCommand::Destroy { job }) => AdminAsk::ModelDestroy { job },
        Command::Authorisation(AuthorisationCommand::Sign { file }) => AdminAsk::AuthorisationSign { toml: text(&file)? },
        Command::Authorisation(AuthorisationCommand::Usage { authorisation }) => AdminAsk::AuthorisationUsage { authorisation },
        Command::Standing(c) => match c {
            StandingCommand::Approve { job, runs, until, rows } => {
                AdminAsk::StandingApprove { job, runs, until: yu_governance::clock::Time::parse(&until)?, rows }
            }
            StandingCommand::List => AdminAsk::StandingList,
            StandingCommand::Revoke { approval, reason } => AdminAsk::StandingRevoke { approval, reason },
        },
        Command::Authorisation(AuthorisationCommand::List) => AdminAsk::AuthorisationList,
        Command::Request(c) => match c {
            RequestCommand::Send { authorisation, provider, dataset, columns } => {
                AdminAsk::RequestSend { authorisation, provider, dataset, columns }
            }
            RequestCommand::List => AdminAsk::RequestList,
            RequestCommand::Approve { id, columns, reason } => {
                AdminAsk::RequestDecide { id, columns: (!columns.is_empty()).then_some(columns), reason }
            }
            RequestCommand::Refuse { id, reason } => AdminAsk::RequestDecide { id, columns: Some(Vec::new()), reason },
        },
        Command::Job(c) => job(c)?,
        Command::Review(c) => match c {
            ReviewCommand::List => AdminAsk::ReviewList,
            ReviewCommand::Show { job } => AdminAsk::ReviewShow { job },
            ReviewCommand::Approve { job, reviewer, item } => {
                AdminAsk::ReviewDecide { job, approve: true, reviewer, reason: String::new(), items: item, automatic: false }
            }
            ReviewCommand::Refuse { job, reviewer, reason, item } => {
                AdminAsk::ReviewDecide { job, approve: false, reviewer, reason, items: item, automatic: false }
            }
        },
        Command::Audit(AuditCommand::Prune) => AdminAsk::AuditPrune,
        Command::Audit(AuditCommand::Checkpoint) => AdminAsk::AuditCheckpoint,
        Command::Whoami => AdminAsk::Person(crate::people::PersonAsk::WhoAmI),
        Command::Demo(_)
        | Command::Init(_)
        | Command::Up
        | Command::Login(_)
        | Command::Logout
        | Command::Person(_)
        | Command::Trace { .. }
        | Command::Desensitize(_)
        | Command::Attest(_)
        | Command::Catalogue(_)
        | Command::Dossier(_)
        | Command::Backup(_)
        | Command::Consent(_)
        | Command::End(_)
        | Command::Enclave(_)
        | Command::Program(_)
        | Command::Profile(_)
        | Command::Result(_)
        | Command::Report(_)
        | Command::Watch(_)
        | Command::Audit(_) => {
            return Err(Fault::new(Code::Bug, "verb is handled without the node"));
        }
    })
}

/// The newcomer that an invitation names; the parser has seen to it that all is named or nothing.
fn invited(args: InviteArgs) -> Option<Standing> {
    Some(Standing { name: args.name?, root: args.root?, role: args.role?, controller: args.controller?, zone: args.zone? })
}

fn job(command: JobCommand) -> Result<AdminAsk> {
    Ok(match command {
        JobCommand::Check { file } | JobCommand::Estimate { file } => AdminAsk::JobCheck { toml: job_file::whole(&file)? },
        JobCommand::Explain { file } if Path::new(&file).exists() => {
            AdminAsk::JobExplain { toml: Some(job_file::whole(Path::new(&file))?), job: None }
        }
        JobCommand::Explain { file } => AdminAsk::JobExplain { toml: None, job: Some(file) },
        JobCommand::Submit { file } => AdminAsk::JobSubmit { toml: job_file::whole(&file)? },
        JobCommand::List => AdminAsk::JobList,
        JobCommand::Approve { job } => AdminAsk::JobApprove { job },
        JobCommand::Refuse { job, reason } => AdminAsk::JobRefuse { job, reason },
        JobCommand::Halt { job, reason } => AdminAsk::JobHalt { job, reason },
        JobCommand::Watch { job } => AdminAsk::JobStatus { job, from: 0 },
        JobCommand::Why { job } => AdminAsk::JobWhy { job },
        JobCommand::Result { job, .. } => AdminAsk::JobResult { job },
    })
}

/// Follows a job; ends when it is final or waits for a person.
fn watch(home: &Home, job: &str, out: &Output) -> Result<()> {
    let mut from = 0;
    loop {
        let value = ask(home, &AdminAsk::JobStatus { job: job.to_owned(), from })?;
        let status: crate::verbs::JobStatus = serde_json::from_value(value).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        for event in &status.events {
            out.event(event);
            from = event.seq + 1;
        }
        if status.at_rest {
            out.state(&status);
            return status.fault.map_or(Ok(()), Err);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
