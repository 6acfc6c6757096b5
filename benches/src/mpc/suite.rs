//! The whole table: every program on every engine, in memory and between processes over QUIC, each in fresh processes so
//! that no measurement inherits another's memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use yu_mpc::programs::NAMES;

use super::args::{Job, MpcArgs, known};
use super::engines::Protocol;
use super::report::OpReport;
use super::sizes::suite_size;
use crate::Result;
use crate::cli::Network;
use crate::report::spread::{bytes, seconds};

/// Runs the table with the program `exe` and writes `mpc.json` and `mpc.csv`. A row that fails is told and left out; the
/// rest goes on.
///
/// # Errors
/// An unknown program; files that cannot be written; any row that failed, after all were tried.
pub fn run(exe: &Path, args: &MpcArgs) -> Result<()> {
    args.only.iter().try_for_each(|op| known(op))?;
    fs::create_dir_all(&args.out)?;
    let protocols = args.protocol.map_or_else(|| Protocol::ALL.to_vec(), |protocol| vec![protocol]);
    let networks = args.network.map_or_else(|| vec![Network::Local, Network::Quic], |network| vec![network]);
    let (mut reports, mut failed) = (Vec::new(), Vec::new());
    println!("{HEAD}");
    for op in NAMES.iter().filter(|op| args.only.is_empty() || args.only.iter().any(|only| only == *op)) {
        for protocol in &protocols {
            for network in &networks {
                let job = Job {
                    op: (*op).to_owned(),
                    protocol: *protocol,
                    n: args.n.unwrap_or_else(|| suite_size(op, *protocol)),
                    network: *network,
                    runs: args.runs,
                    threads: args.threads,
                    io_threads: args.common.io_threads,
                    keep_mib: args.keep_memory,
                };
                match row(exe, &job) {
                    Ok(report) => {
                        println!("{}", line(&report));
                        reports.push(report);
                        write(&args.out, &reports)?;
                    }
                    Err(e) => {
                        eprintln!("{op}, {protocol}, {network}: {e}");
                        failed.push(format!("{op} on {protocol} over {network}"));
                    }
                }
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

fn row(exe: &Path, job: &Job) -> Result<OpReport> {
    let output = Command::new(exe).args(job.args()).arg("--json").stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("the run failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

const HEAD: &str = "program          protocol         net    n         CPU s     wall s    elem/CPU s  B/elem    rounds  peak";

fn line(report: &OpReport) -> String {
    format!(
        "{:<16} {:<16} {:<6} {:<9} {:<9} {:<9} {:<11.4e} {:<9.2} {:<7} {}",
        report.op,
        report.protocol.label(),
        report.network.to_string(),
        report.n,
        seconds(report.cpu_s.median),
        seconds(report.wall_s.median),
        report.elements_per_cpu_s,
        report.bytes_per_element,
        report.rounds,
        report.peak_memory_bytes.map_or_else(|| "-".into(), bytes),
    )
}

fn write(dir: &Path, reports: &[OpReport]) -> Result<()> {
    fs::write(dir.join("mpc.json"), serde_json::to_vec_pretty(reports)?)?;
    fs::write(dir.join("mpc.csv"), csv(reports))?;
    Ok(())
}

/// One line a row; no cell holds a comma.
fn csv(reports: &[OpReport]) -> String {
    let mut text = String::from(
        "commit,date,program,protocol,network,n,threads,runs,cpu_s,cpu_s_min,cpu_s_max,wall_s,wall_s_min,wall_s_max,\
         elements_per_cpu_s,bytes,bytes_per_element,rounds,peak_memory_bytes,operand_bytes,load\n",
    );
    for report in reports {
        let load = report.parties.first().and_then(|party| party.machine.load);
        let cells = [
            report.commit.clone(),
            report.date.clone(),
            report.op.clone(),
            report.protocol.to_string(),
            report.network.to_string(),
            report.n.to_string(),
            report.threads.to_string(),
            report.runs.to_string(),
            report.cpu_s.median.to_string(),
            report.cpu_s.min.to_string(),
            report.cpu_s.max.to_string(),
            report.wall_s.median.to_string(),
            report.wall_s.min.to_string(),
            report.wall_s.max.to_string(),
            report.elements_per_cpu_s.to_string(),
            report.bytes.to_string(),
            report.bytes_per_element.to_string(),
            report.rounds.to_string(),
            report.peak_memory_bytes.map_or_else(String::new, |peak| peak.to_string()),
            report.operand_bytes.to_string(),
            load.map_or_else(String::new, |load| load.to_string()),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}
