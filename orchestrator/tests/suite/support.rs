//! Four nodes as processes, driven by the command line.

use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use yu_desensitize::column;
use yu_desensitize::resident::{Population, ReceiptPlan};
use yu_desensitize::write::write_csv;

pub(crate) const SCENARIO: &str = "credit-risk";
pub(crate) const PURPOSE: &str = "joint statistics for credit risk research";

/// What one command said.
pub(crate) struct Said {
    pub(crate) status: i32,
    /// Last line of standard output that is JSON.
    pub(crate) json: Value,
    pub(crate) all: String,
}

impl Said {
    /// Stable code of the fault, if it was one.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.json.get("fault")?.get("code")?.as_str()
    }

    pub(crate) fn ok(self, what: &str) -> Value {
        assert_eq!(self.status, 0, "{what}: {}", self.all);
        self.json
    }
}

/// Runs `yu --json --dir DIR ARGS`.
pub(crate) fn yu(dir: &Path, args: &[&str]) -> Said {
    let out = Command::new(env!("CARGO_BIN_EXE_yu")).args(["--json", "--dir"]).arg(dir).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let json = text.lines().rev().find_map(|l| serde_json::from_str(l).ok()).unwrap_or(Value::Null);
    let all = format!("{text}{}", String::from_utf8_lossy(&out.stderr));
    Said { status: out.status.code().unwrap_or(-1), json, all }
}

/// A number free for UDP and TCP, another one at each call, below those that systems hand out by themselves: such a one may
/// become some connection's before the node takes it.
pub(crate) fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = std::process::id().wrapping_mul(7919).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(12_000 + offset).unwrap()));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// A process that ends with the test, however that ends.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Runs one more node and waits until it answers.
    pub(crate) fn up(dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yu"));
        let node = Self(command.args(["--dir", path(dir), "up"]).stderr(Stdio::null()).spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while yu(dir, &["peer", "list"]).status != 0 {
            assert!(Instant::now() < end, "{} does not answer", dir.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        node
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // already ended: nothing to do
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a world is made.
#[derive(Clone)]
pub(crate) struct Plan {
    /// `dev` or `prod`.
    pub(crate) env: &'static str,
    pub(crate) rows: u64,
    pub(crate) carrier: &'static str,
    pub(crate) resume_limit_s: u64,
    /// Address that peers of an organisation dial instead of its own (a relay).
    pub(crate) advertise: BTreeMap<&'static str, String>,
    /// Ports, when they must be known before.
    pub(crate) listen: BTreeMap<&'static str, SocketAddr>,
    /// Writes what crosses each node's wire in the clear to `taps/ORG`, and lets the nodes log what they can.
    pub(crate) tap: bool,
    /// Replacements in every `node.toml` before the first start.
    pub(crate) node_toml: Vec<(&'static str, &'static str)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            env: "dev",
            rows: 400,
            carrier: "quic",
            resume_limit_s: 20,
            advertise: BTreeMap::new(),
            listen: BTreeMap::new(),
            tap: false,
            node_toml: Vec::new(),
        }
    }
}

pub(crate) const ORGS: [(&str, &str); 4] =
    [("authority", "authority"), ("health", "provider"), ("bank", "licensee"), ("platform", "platform")];

/// Four nodes with their folders; everything ends with it.
pub(crate) struct World {
    pub(crate) root: tempfile::TempDir,
    env: &'static str,
    running: BTreeMap<&'static str, Child>,
    tap: bool,
    /// What every command printed, with its arguments.
    pub(crate) said: Mutex<Vec<(String, String)>>,
}

impl World {
    /// Nodes are made and run; nobody knows anybody.
    pub(crate) fn start(plan: &Plan) -> Self {
        let mut world =
            Self { root: tempfile::tempdir().unwrap(), env: plan.env, running: BTreeMap::new(), tap: plan.tap, said: Mutex::default() };
        for (org, role) in ORGS {
            let listen = plan.listen.get(org).copied().unwrap_or_else(free_port).to_string();
            let authority = world.name("authority");
            let mut args = vec![
                "init",
                "--env",
                plan.env,
                "--org",
                org,
                "--role",
                role,
                "--listen",
                &listen,
                "--carrier",
                plan.carrier,
                "--authority",
                &authority,
            ];
            if let Some(address) = plan.advertise.get(org) {
                args.extend(["--advertise", address]);
            }
            yu(&world.dir(org), &args).ok("init");
            let toml = world.dir(org).join("node.toml");
            let text = std::fs::read_to_string(&toml).unwrap();
            let limit = format!("resume_limit_s = {}", plan.resume_limit_s);
            let mut text = text.replace("resume_limit_s = 60", &limit);
            for (from, to) in &plan.node_toml {
                assert!(text.contains(from), "{text}");
                text = text.replace(from, to);
            }
            std::fs::write(&toml, text).unwrap();
        }
        for (org, _) in ORGS {
            world.up(org);
        }
        world
    }

    /// One more node, which nobody knows yet.
    pub(crate) fn join(&mut self, org: &'static str, role: &str, regulator: &str) {
        let (listen, authority) = (free_port().to_string(), self.name("authority"));
        let args = [
            "init",
            "--env",
            self.env,
            "--org",
            org,
            "--role",
            role,
            "--listen",
            &listen,
            "--authority",
            &authority,
            "--regulator",
            regulator,
        ];
        yu(&self.dir(org), &args).ok("init");
        self.up(org);
    }

    /// Everything up to the approved requests, with simulated residents.
    pub(crate) fn ready(plan: &Plan) -> Self {
        let world = Self::start(plan);
        world.introduce();
        world.residents(plan.rows);
        world.add_datasets();
        world.authorise(&world.authorisation());
        world.request_and_approve();
        world
    }

    /// Name of an organisation's node.
    pub(crate) fn name(&self, org: &str) -> String {
        format!("yu://{}/{org}/n1", self.env)
    }

    pub(crate) fn dir(&self, org: &str) -> PathBuf {
        self.root.path().join(org)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn yu(&self, org: &str, args: &[&str]) -> Said {
        let said = yu(&self.dir(org), args);
        self.said.lock().unwrap().push((args.join(" "), said.all.clone()));
        said
    }

    /// Starts a node's process and waits until it answers.
    pub(crate) fn up(&mut self, org: &'static str) {
        let log = std::fs::File::options().create(true).append(true).open(self.dir(org).join("node.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_yu"));
        if self.tap {
            command.env("YU_DANGER_TAP", self.file("taps").join(org)).env("RUST_LOG", "debug");
        }
        let child = command
            .arg("--dir")
            .arg(self.dir(org))
            .arg("up")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        self.running.insert(org, child);
        let end = Instant::now() + Duration::from_secs(30);
        while self.yu(org, &["peer", "list"]).status != 0 {
            assert!(Instant::now() < end, "{org} does not answer: {}", std::fs::read_to_string(self.dir(org).join("node.log")).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Process id of a running node.
    pub(crate) fn pid(&self, org: &str) -> u32 {
        self.running[org].id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, org: &str) {
        if let Some(mut child) = self.running.remove(org) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn invite(&self, inviter: &str, newcomer: &str) -> Said {
        let ticket = self.ticket(inviter, newcomer);
        self.yu(newcomer, &["peer", "accept", &ticket])
    }

    /// A ticket for a newcomer; the authority of production names it as its card says.
    pub(crate) fn ticket(&self, inviter: &str, newcomer: &str) -> String {
        let mut args = vec!["peer".to_owned(), "invite".into()];
        if (self.env, inviter) == ("prod", "authority") {
            let card = self.yu(newcomer, &["peer", "card"]).ok("card")["card"].clone();
            for field in ["name", "root", "role", "controller", "zone"] {
                args.extend([format!("--{field}"), card[field].as_str().unwrap().to_owned()]);
            }
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.yu(inviter, &args).ok("invite")["ticket"].as_str().unwrap().to_owned()
    }

    pub(crate) fn introduce(&self) {
        for (a, b) in [
            ("authority", "health"),
            ("authority", "bank"),
            ("authority", "platform"),
            ("health", "bank"),
            ("health", "platform"),
            ("bank", "platform"),
        ] {
            self.invite(a, b).ok("accept");
        }
    }

    /// Files `health.csv`, `bank.csv`, `consent.csv`, `bank-consent.csv`.
    pub(crate) fn residents(&self, rows: u64) {
        let people = Population::new(7, rows, rows, 0.6).unwrap();
        let (health, bank) = (people.health().unwrap(), people.bank().unwrap());
        write_csv(&health, self.file("health.csv")).unwrap();
        write_csv(&bank, self.file("bank.csv")).unwrap();
        let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let items = health.column_names().join("|");
        let receipts = people.receipts(&ReceiptPlan::new(SCENARIO, &[], now)).unwrap().table;
        let get = |c: &str| column::text(&receipts, c).unwrap();
        let (ids, from, to, revoked) = (get("resident_id"), get("not_before"), get("not_after"), get("revoked_at"));
        let mut text = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at\n");
        for i in 0..ids.len() {
            text.push_str(&format!("{},{SCENARIO},{PURPOSE},{items},{},{},{}\n", ids[i], from[i], to[i], revoked[i]));
        }
        std::fs::write(self.file("consent.csv"), text).unwrap();
        let items = bank.column_names().join("|");
        let mut text = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at\n");
        for id in column::text(&bank, "resident_id").unwrap() {
            text.push_str(&format!("{id},{SCENARIO},{PURPOSE},{items},2025-01-01T00:00:00Z,2035-01-01T00:00:00Z,\n"));
        }
        std::fs::write(self.file("bank-consent.csv"), text).unwrap();
    }

    pub(crate) fn add_datasets(&self) {
        self.add_datasets_of_health("visits");
        self.add_datasets_of_bank(&["--import-source", "own records"]);
    }

    pub(crate) fn add_datasets_of_health(&self, title: &str) {
        let (health, consent) = (self.file("health.csv"), self.file("consent.csv"));
        self.yu(
            "health",
            &[
                "dataset",
                "add",
                path(&health),
                "--id",
                "visits",
                "--key",
                "resident_id",
                "--categorical",
                "district",
                "--consent",
                path(&consent),
                "--title",
                title,
            ],
        )
        .ok("add");
    }

    pub(crate) fn add_datasets_of_bank(&self, extra: &[&str]) {
        let (bank, consent) = (self.file("bank.csv"), self.file("bank-consent.csv"));
        let mut args = vec!["dataset", "add", path(&bank), "--id", "accounts", "--key", "resident_id", "--consent", path(&consent)];
        args.extend(extra);
        self.yu("bank", &args).ok("add");
    }

    /// Text of the authority's file.
    pub(crate) fn authorisation(&self) -> String {
        let env = self.env;
        format!(
            "id = \"a-1\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\n\
             not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n\
             [[datasets]]\ndataset = \"{env}/health/visits\"\ncolumns = [\"resident_id\", \"district\", \"age\", \"visits\", \"outpatient_cost\"]\n\
             [[datasets]]\ndataset = \"{env}/bank/accounts\"\ncolumns = [\"resident_id\", \"income\", \"balance\"]\n\
             [contingency_plan]\nowner = \"bank\"\nscope = \"leak or loss\"\ncontacts = [\"duty officer\"]\nsteps = [\"halt\", \"report\"]\ndrill_interval_days = 180\n"
        )
    }

    pub(crate) fn sign(&self, toml: &str) -> Said {
        let file = self.file("authorisation.toml");
        std::fs::write(&file, toml).unwrap();
        self.yu("authority", &["authorisation", "sign", path(&file)])
    }

    pub(crate) fn authorise(&self, toml: &str) {
        self.sign(toml).ok("sign");
        for org in ["health", "bank", "platform"] {
            let end = Instant::now() + Duration::from_secs(10);
            while self.yu(org, &["authorisation", "list"]).ok("list")["authorisations"].as_array().unwrap().is_empty() {
                assert!(Instant::now() < end, "the authorisation did not reach {org}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    pub(crate) fn request_and_approve(&self) {
        for (provider, dataset, columns) in [
            ("health", "health/visits", "resident_id,district,age,visits,outpatient_cost"),
            ("authority", "bank/accounts", "resident_id,income,balance"),
        ] {
            let (name, dataset) = (self.name(provider), format!("{}/{dataset}", self.env));
            let sent = self
                .yu(
                    "bank",
                    &["request", "send", "--authorisation", "a-1", "--provider", &name, "--dataset", &dataset, "--columns", columns],
                )
                .ok("request");
            self.yu(provider, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
        }
    }

    /// A job file that runs; rows are joined on shares.
    pub(crate) fn job_joined(&self) -> String {
        self.job().replace("reveal_match = \"both\"\n", "")
    }

    /// A job file that runs; both input parties learn which rows match.
    pub(crate) fn job(&self) -> String {
        "authorisation = \"a-1\"\nquestion = \"joint-statistics\"\nreveal_match = \"both\"\nhelper = \"yu://dev/platform/n1\"\nreviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\
         [left]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/visits\"\nkey = [\"resident_id\"]\ncolumns = [\"age\", \"visits\", \"outpatient_cost\"]\nnormalise = [\"trim\", \"resident_id\"]\n\
         [right]\nparty = \"yu://dev/bank/n1\"\ndataset = \"dev/bank/accounts\"\nkey = [\"resident_id\"]\ncolumns = [\"income\", \"balance\"]\nnormalise = [\"trim\", \"resident_id\"]\n\
         [group]\nside = \"left\"\ncolumn = \"district\"\n"
            .replace("dev/", &format!("{}/", self.env))
    }

    pub(crate) fn submit(&self, toml: &str) -> Said {
        let file = self.file("job.toml");
        std::fs::write(&file, toml).unwrap();
        self.yu("bank", &["job", "submit", path(&file)])
    }

    /// The state of a job at a node, with the code of its fault.
    pub(crate) fn state(&self, org: &str, job: &str) -> (String, Option<String>) {
        let said = self.yu(org, &["job", "list"]);
        let empty = Vec::new();
        let jobs = said.json["jobs"].as_array().unwrap_or(&empty);
        let Some(found) = jobs.iter().find(|j| j["job"] == job) else { return ("unknown".into(), None) };
        (found["state"].as_str().unwrap().to_owned(), found["fault"]["code"].as_str().map(str::to_owned))
    }

    /// Waits until the job is in one of the states at a node; returns the state.
    pub(crate) fn wait(&self, org: &str, job: &str, states: &[&str], limit: Duration) -> (String, Option<String>) {
        let end = Instant::now() + limit;
        loop {
            let (state, fault) = self.state(org, job);
            if states.contains(&state.as_str()) {
                return (state, fault);
            }
            assert!(Instant::now() < end, "{org}: job is `{state}` ({fault:?}) after {limit:?}, expected {states:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Submits and has every party sign.
    pub(crate) fn submit_and_sign(&self, toml: &str) -> String {
        let job = self.submit(toml).ok("submit")["job"].as_str().unwrap().to_owned();
        for org in ["health", "platform", "authority"] {
            self.wait(org, &job, &["proposed"], Duration::from_secs(20));
            self.yu(org, &["job", "approve", &job]).ok("approve");
        }
        job
    }

    /// Runs a job to its released result.
    pub(crate) fn complete(&self, job: &str) -> Value {
        self.wait("authority", job, &["held"], Duration::from_secs(120));
        self.yu("authority", &["review", "approve", job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]).ok("review");
        for (org, _) in ORGS {
            self.wait(org, job, &["done"], Duration::from_secs(60));
        }
        self.yu("bank", &["job", "result", job]).ok("result")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // already ended: nothing to do
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn path(p: &Path) -> &str {
    p.to_str().unwrap()
}

/// The shared data folder, or why a test that needs it is skipped.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs {}", path.display());
    eprintln!("skipped: {} is not there (set YU_SHARED)", path.display());
    None
}
