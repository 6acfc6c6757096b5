//! The runner as its user has it: meters equal formulas over memory and over QUIC.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/fuzz.rs"]
mod fuzz;

use std::path::Path;

use yu_benches::cli::{Medium, Network, Plan};
use yu_benches::mpc::args::Job;
use yu_benches::mpc::engines::Protocol as Engine;
use yu_benches::mpc::report::OpReport;
use yu_benches::mpc::run;
use yu_benches::report::Report;
use yu_benches::work::Protocol;
use yu_benches::{local, memory};

fn plan(protocol: Protocol, size: usize, network: Network) -> Plan {
    Plan { protocol, size, network, runs: 1, threads: 1, io_threads: 2 }
}

fn run(plan: Plan) -> Report {
    match plan.network.medium() {
        Medium::Memory(link) => memory::run(&plan, link).unwrap(),
        Medium::Sessions(_) => {
            // the command line asks for five runs at least
            local::run(Path::new(env!("CARGO_BIN_EXE_yu-benches")), &Plan { runs: 5, ..plan }).unwrap()
        }
    }
}

fn check(report: &Report) {
    assert_eq!(report.parties.len(), report.protocol.parties());
    for party in &report.parties {
        assert!(party.bytes_ratio == 1.0 && party.rounds_ratio == 1.0, "{party:?}");
        assert!(party.samples.iter().all(|sample| sample.online.wall_s > 0.0 && sample.online.cpu_s > 0.0), "{party:?}");
    }
    let text = report.to_string();
    assert!(text.contains("bytes 1  rounds 1"), "{text}");
    let json = serde_json::to_string(report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), *report);
}

#[test]
fn every_protocol_costs_its_formula_over_memory() {
    for (protocol, size) in [
        (Protocol::Psi, 300),
        (Protocol::Mul, 40_000),
        (Protocol::MulTrunc, 40_001),
        (Protocol::Matmul, 17),
        (Protocol::Stats, 50),
        (Protocol::Job, 101),
    ] {
        check(&run(plan(protocol, size, Network::Local)));
    }
}

#[test]
fn a_simulated_link_takes_its_time() {
    let report = run(plan(Protocol::Psi, 10, Network::Wan));
    check(&report);
    // three rounds of 20 ms one way
    assert!(report.online_wall_s.min >= 0.06, "{}", report.online_wall_s);
}

#[test]
fn alignment_between_processes_costs_its_formula() {
    let report = run(plan(Protocol::Psi, 200, Network::Quic));
    check(&report);
    assert!(report.parties.iter().all(|party| party.samples.len() == 5));
}

#[test]
fn a_job_between_processes_over_tcp_costs_its_formula() {
    check(&run(plan(Protocol::Job, 64, Network::Tcp)));
}

fn job(op: &str, n: usize, network: Network) -> Job {
    Job { op: op.into(), protocol: Engine::Rep3, n, network, runs: 1, threads: 1, io_threads: 2, keep_mib: 16 }
}

/// Every program on every engine: the result is the reference's, the meters show what the dry run said.
#[test]
fn the_catalogue_costs_its_dry_run_over_memory() {
    for op in yu_mpc::programs::NAMES {
        for engine in Engine::ALL {
            let report = run::in_memory(&Job { protocol: *engine, ..job(op, 9, Network::Local) }, yu_wire::shape::Link::LOCAL).unwrap();
            assert!(report.is_checked && report.parties.iter().all(|party| party.bytes_ratio == 1.0), "{op}");
            let read: OpReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
            assert_eq!((read.op, read.protocol, read.bytes, read.rounds), (report.op, report.protocol, report.bytes, report.rounds));
        }
    }
}

#[test]
fn a_program_between_processes_costs_its_dry_run() {
    let report = run::in_processes(Path::new(env!("CARGO_BIN_EXE_yu-benches")), &job("lt", 5000, Network::Quic)).unwrap();
    assert!(report.is_checked && report.peak_memory_bytes.is_some_and(|peak| peak > report.operand_bytes));
    assert_eq!(report.rounds, 7);
}

#[test]
fn unknown_programs_and_parties_are_refused() {
    let exe = env!("CARGO_BIN_EXE_yu-benches");
    for line in [
        "mpc nonsense",
        "mpc lt --party 3 --hosts x.toml",
        "mpc lt --party 0 --hosts x.toml --net lan",
        "mpc",
        "estimate lt --calibration nowhere",
    ] {
        let output = std::process::Command::new(exe).args(line.split(' ')).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty(), "{line}");
    }
}
