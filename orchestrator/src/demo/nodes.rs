//! Four nodes as child processes of the demo.

use crate::admin::{AdminAsk, ask};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::verbs::JobStatus;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The demo's folder: temporary unless the user keeps it.
pub(super) struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    pub(super) fn new(keep: Option<&Path>) -> Result<Self> {
        let path = match keep {
            Some(path) => std::path::absolute(path).map_err(|e| Fault::io(&e, path))?,
            None => std::env::temp_dir().join(format!("yu-demo-{}", std::process::id())),
        };
        if path.join("health").exists() {
            return Err(Fault::new(Code::Exists, format!("`{}` holds an earlier demo", path.display())).at("--keep"));
        }
        std::fs::create_dir_all(&path).map_err(|e| Fault::io(&e, &path))?;
        Ok(Self { path, keep: keep.is_some() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn kept(&self) -> Option<&Path> {
        self.keep.then_some(self.path.as_path())
    }

    pub(super) fn keep_text(&self, name: &str, text: &str) -> Result<()> {
        write_atomic(&self.path.join(name), text.as_bytes(), 0o644)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // nothing but simulated data lies here, and the folder is in the system's temporary directory
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// One node's process.
pub(super) struct Running {
    pub(super) org: &'static str,
    pub(super) name: String,
    pub(super) listen: SocketAddr,
    pub(super) dir: PathBuf,
    child: Mutex<Child>,
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.child.lock().map_or(0, |c| c.id())
    }

    pub(super) fn ask(&self, question: &AdminAsk) -> Result<Value> {
        ask(&Home::new(&self.dir), question).map_err(|f| f.party(self.name.clone()))
    }

    pub(super) fn status(&self, job: &str) -> Result<JobStatus> {
        self.status_from(job, 0)
    }

    pub(super) fn status_from(&self, job: &str, from: u64) -> Result<JobStatus> {
        let value = self.ask(&AdminAsk::JobStatus { job: job.to_owned(), from })?;
        serde_json::from_value(value).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    }

    /// Waits until the job is in one of the states; a failed job ends the waiting with its fault.
    pub(super) fn wait(&self, job: &str, states: &[&str], limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            match self.status(job) {
                Ok(status) if states.contains(&status.state.as_str()) => return Ok(()),
                Ok(JobStatus { fault: Some(fault), .. }) => return Err(fault),
                Ok(status) if Instant::now() > end => {
                    let text = format!("job is `{}` after {} s, expected {}", status.state, limit.as_secs(), states.join(" or "));
                    return Err(Fault::new(Code::State, text).party(self.name.clone()));
                }
                Err(fault) if fault.code != Code::NotFound || Instant::now() > end => return Err(fault),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            // a child that already ended needs neither
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The four organisations.
pub(super) struct Cluster {
    pub(super) authority: Running,
    pub(super) health: Running,
    pub(super) bank: Running,
    pub(super) platform: Running,
}

impl Cluster {
    /// Makes and starts the nodes.
    pub(super) fn start(root: &Path, carrier: &str, crypto: &str) -> Result<Self> {
        let start = |org: &'static str, role: &str| -> Result<Running> {
            let listen = free_port()?;
            let dir = root.join(org);
            let program = std::env::current_exe().map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
            let made = Command::new(&program)
                .args(["--json", "--dir"])
                .arg(&dir)
                .args(["init", "--org", org, "--role", role, "--listen", &listen.to_string(), "--carrier", carrier])
                .args(["--authority", "yu://dev/authority/n1", "--crypto", crypto])
                .stdout(Stdio::null())
                .status();
            if !made.is_ok_and(|s| s.success()) {
                return Err(Fault::new(Code::Bug, format!("`yu init` of {org} failed")));
            }
            let log = std::fs::File::create(dir.join("node.log")).map_err(|e| Fault::io(&e, &dir))?;
            let child = Command::new(&program)
                .arg("--dir")
                .arg(&dir)
                .arg("up")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::from(log))
                .spawn()
                .map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
            Ok(Running { org, name: format!("yu://dev/{org}/n1"), listen, dir, child: Mutex::new(child) })
        };
        let cluster = Self {
            authority: start("authority", "authority")?,
            health: start("health", "provider")?,
            bank: start("bank", "licensee")?,
            platform: start("platform", "platform")?,
        };
        for node in cluster.all() {
            let end = Instant::now() + Duration::from_secs(20);
            while node.ask(&AdminAsk::Status).is_err() {
                if Instant::now() > end {
                    let log = std::fs::read_to_string(node.dir.join("node.log")).unwrap_or_default();
                    return Err(Fault::new(
                        Code::NotRunning,
                        format!("{} did not start: {}", node.org, log.lines().last().unwrap_or_default()),
                    ));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(cluster)
    }

    pub(super) fn all(&self) -> [&Running; 4] {
        [&self.health, &self.bank, &self.platform, &self.authority]
    }

    /// Tickets: the authority first, then every pair of computing parties.
    pub(super) fn introduce(&self) -> Result<()> {
        let pairs = [
            (&self.authority, &self.health),
            (&self.authority, &self.bank),
            (&self.authority, &self.platform),
            (&self.health, &self.bank),
            (&self.health, &self.platform),
            (&self.bank, &self.platform),
        ];
        for (inviter, newcomer) in pairs {
            let made = inviter.ask(&AdminAsk::PeerInvite { valid_minutes: 5, expects: None })?;
            let ticket = made.get("ticket").and_then(Value::as_str).unwrap_or_default().to_owned();
            newcomer.ask(&AdminAsk::PeerAccept { ticket })?;
        }
        Ok(())
    }

    /// Waits until no node has a message left for another, so that no document of a job comes after the checkpoints.
    pub(super) fn settle(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        for node in self.all() {
            while node.ask(&AdminAsk::Status)?.get("waiting").and_then(Value::as_u64) != Some(0) {
                if Instant::now() > end {
                    return Err(Fault::new(Code::Undelivered, "messages to the others still wait").party(node.name.clone()));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// Stops all nodes and waits for them.
    pub(super) fn stop(&self) -> Result<()> {
        for node in self.all() {
            node.ask(&AdminAsk::Stop)?;
        }
        for node in self.all() {
            if let Ok(mut child) = node.child.lock() {
                let end = Instant::now() + Duration::from_secs(10);
                while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
        Ok(())
    }
}

/// Ports that no system hands out by itself: one of those may become anybody's between our look and the node's start.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

/// A number that is free for UDP and TCP at this moment; each call answers another one.
fn free_port() -> Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // several demonstrations at once begin at different places
    let from = std::process::id().wrapping_mul(7919);
    for _ in PORTS {
        let offset = from.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let port = u16::try_from(PORTS.start + offset).unwrap_or(0);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Fault::new(Code::PortInUse, "no free port on loopback"))
}
