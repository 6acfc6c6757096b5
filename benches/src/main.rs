//! The bench runner.

use std::fmt::Display;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;
use yu_benches::cli::{Cli, Command, CompareArgs, Medium, RunArgs};
use yu_benches::compare::{self, Settings, Subject};
use yu_benches::hosts::{Hosts, keygen};
use yu_benches::mpc::args::MpcArgs;
use yu_benches::mpc::{calibrate, estimate, run, suite};
use yu_benches::work::Protocol;
use yu_benches::{Result, local, memory, node};
use yu_mpc::programs::NAMES;

/// Counts memory for `fuzz-evidence`, and only then.
#[global_allocator]
static METER: yu_benches::fuzz::meter::Meter = yu_benches::fuzz::meter::Meter;

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Psi(args) => protocol(Protocol::Psi, &args),
        Command::Mul(args) => protocol(Protocol::Mul, &args),
        Command::MulTrunc(args) => protocol(Protocol::MulTrunc, &args),
        Command::Matmul(args) => protocol(Protocol::Matmul, &args),
        Command::Stats(args) => protocol(Protocol::Stats, &args),
        Command::Job(args) => protocol(Protocol::Job, &args),
        Command::Channel(args) => comparison(Subject::Channel, &args),
        Command::RoundTrip(args) => comparison(Subject::RoundTrip, &args),
        Command::Mpc(args) => mpc(&args),
        Command::Desensitize(args) => show(&yu_benches::desensitize::run(&args)?, args.json),
        Command::Attest(args) => show(&yu_benches::attest::run(&args)?, args.json),
        Command::Fedlearn(args) => show(&yu_benches::fedlearn::run(&args)?, args.json),
        Command::Governance(args) => show(&yu_benches::governance::run(&args)?, args.json),
        Command::FuzzEvidence(args) => {
            let report = yu_benches::fuzz::run(&args)?;
            show(&report, args.json)?;
            if report.is_clean() { Ok(()) } else { Err("a reader did what it must not".into()) }
        }
        Command::Calibrate(args) => {
            calibrate::run(&std::env::current_exe()?, &args)?;
            println!("{}", args.out.display());
            Ok(())
        }
        Command::Estimate(args) => show(&estimate::run(&args)?, args.json),
        Command::Keygen(args) => {
            println!("{}", keygen(&args)?.display());
            Ok(())
        }
    }
}

fn protocol(protocol: Protocol, args: &RunArgs) -> Result<()> {
    let plan = args.plan(protocol)?;
    let report = match (plan.network.medium(), &args.common.hosts, args.common.party) {
        (Medium::Memory(link), ..) => memory::run(&plan, link)?,
        (Medium::Sessions(carrier), Some(hosts), Some(index)) => node::run(&plan, Hosts::read(hosts)?, index, carrier)?,
        (Medium::Sessions(_), ..) => local::run(&std::env::current_exe()?, &plan)?,
    };
    show(&report, args.common.json)
}

fn mpc(args: &MpcArgs) -> Result<()> {
    if args.list {
        NAMES.iter().for_each(|name| println!("{name}"));
        return Ok(());
    }
    let exe = std::env::current_exe()?;
    if args.suite {
        return suite::run(&exe, args);
    }
    let job = args.job()?;
    let report = match (job.network.medium(), &args.common.hosts, args.common.party) {
        (Medium::Memory(link), ..) => run::in_memory(&job, link)?,
        (Medium::Sessions(carrier), Some(hosts), Some(index)) => run::one_party(&job, Hosts::read(hosts)?, index, carrier)?,
        (Medium::Sessions(_), ..) => run::in_processes(&exe, &job)?,
    };
    show(&report, args.common.json)
}

fn comparison(subject: Subject, args: &CompareArgs) -> Result<()> {
    let settings = Settings::new(subject, args);
    let outcome = match (&args.common.hosts, args.common.party) {
        (Some(hosts), Some(index)) => compare::run_party(settings, Hosts::read(hosts)?, index)?,
        _ => compare::run_local(&std::env::current_exe()?, settings, args)?,
    };
    show(&outcome, args.common.json)
}

fn show(report: &(impl Display + Serialize), json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
