//! All parties as processes on this machine: each is this program again with `--party`, so that CPU time and memory are
//! each party's own.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::Result;
use crate::cli::{KeygenArgs, Plan};
use crate::hosts::keygen;
use crate::report::Report;

/// Ports below those that kernels give to outgoing connections.
const PORTS: std::ops::Range<u16> = 12_000..32_000;
/// Pause between looks at the children.
const POLL: Duration = Duration::from_millis(10);

/// Runs all parties of `plan` with the program `exe`.
///
/// # Errors
/// A party's, which says so on the standard error output.
pub fn run(exe: &Path, plan: &Plan) -> Result<Report> {
    let mut args = vec![plan.protocol.to_string(), "--network".into(), plan.network.to_string()];
    for (name, value) in
        [("--size", plan.size), ("--runs", plan.runs as usize), ("--threads", plan.threads), ("--io-threads", plan.io_threads)]
    {
        args.extend([name.into(), value.to_string()]);
    }
    let reports: Vec<Report> = processes(exe, plan.protocol.parties(), &args)?;
    Report::new(plan, reports.into_iter().flat_map(|report| report.parties).collect())
}

/// Starts `parties` processes with `args`, each with its number and a common hosts file, and reads what they report.
///
/// # Errors
/// As [`run`].
pub fn processes<R: DeserializeOwned>(exe: &Path, parties: usize, args: &[String]) -> Result<Vec<R>> {
    let scratch = Scratch::new()?;
    let addresses = free_ports(parties)?.into_iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let hosts = keygen(&KeygenArgs { dir: scratch.0.clone(), addresses, days: 1 })?;
    let output = |index: usize| scratch.0.join(format!("{index}.json"));
    let mut family = Family(Vec::new());
    for index in 0..parties {
        let mut command = Command::new(exe);
        command.args(args).args(["--json", "--party", &index.to_string(), "--hosts"]).arg(&hosts);
        command.stdin(Stdio::null()).stdout(File::create(output(index))?);
        family.0.push(command.spawn()?);
    }
    family.wait()?;
    (0..parties).map(|index| Ok(serde_json::from_slice(&fs::read(output(index))?)?)).collect()
}

/// Child processes; none outlives this.
struct Family(Vec<Child>);

impl Family {
    /// Waits for all; one that fails ends the others.
    fn wait(&mut self) -> Result<()> {
        loop {
            let mut is_running = false;
            for (index, child) in self.0.iter_mut().enumerate() {
                match child.try_wait()? {
                    None => is_running = true,
                    Some(status) if status.success() => {}
                    Some(status) => return Err(format!("party `{index}` failed: {status}").into()),
                }
            }
            if !is_running {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // those that ended are not there to be killed
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A directory of our own, removed at the end: it holds private keys.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("yu-benches-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Ports that are free for UDP and TCP, each with the next one free too (bare streams). No port is given twice by one process.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let pairs = u32::from(PORTS.end - PORTS.start) / 2;
    // processes that start together begin at different places
    let offset = std::process::id().wrapping_mul(7919);
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut ports = Vec::new();
    for _ in 0..pairs {
        let pair = offset.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % pairs;
        let port = PORTS.start + u16::try_from(2 * pair)?;
        if is_free(port) && is_free(port + 1) {
            ports.push(port);
        }
        if ports.len() == count {
            return Ok(ports);
        }
    }
    Err("no free ports".into())
}
