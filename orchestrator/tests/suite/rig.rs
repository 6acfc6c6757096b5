//! What the tests of faults, kills and cuts share.

use super::support::{ORGS, Said, World};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longer than any wait in a test should take.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The command failed with this fault and its message names these things.
pub(crate) fn expect(said: &Said, code: &str, names: &[&str]) {
    assert_eq!(said.fault(), Some(code), "{}", said.all);
    assert_ne!(said.status, 0);
    let fault = said.json["fault"].to_string();
    for name in names {
        assert!(fault.contains(name), "`{name}` is not named: {fault}");
    }
    for lang in ["en", "zh"] {
        assert!(said.json["remedy"][lang].as_str().is_some_and(|r| !r.is_empty()), "no remedy: {}", said.all);
    }
}

/// The fault that a node keeps for a job.
pub(crate) fn fault_of(world: &World, org: &str, job: &str) -> Value {
    let list = world.yu(org, &["job", "list"]).ok("job list");
    list["jobs"].as_array().unwrap().iter().find(|j| j["job"] == job).map_or(Value::Null, |j| j["fault"].clone())
}

/// The job ended at these nodes by this fault, which names these things.
pub(crate) fn expect_failed(world: &World, orgs: &[&str], job: &str, code: &str, names: &[&str]) {
    for org in orgs {
        let (_, found) = world.wait(org, job, &["failed"], LONG);
        assert_eq!(found.as_deref(), Some(code), "{org}: {}", fault_of(world, org, job));
        let fault = fault_of(world, org, job).to_string();
        for name in names {
            assert!(fault.contains(name), "{org}: `{name}` is not named: {fault}");
        }
    }
}

/// No result anywhere, nothing waits for review.
pub(crate) fn nothing_released(world: &World, job: &str) {
    let stopped = |org: &str| world.yu(org, &["peer", "list"]).fault() == Some("node.not-running");
    for (org, _) in ORGS.into_iter().filter(|(org, _)| !stopped(org)) {
        expect(&world.yu(org, &["job", "result", job]), "not-found", &[]);
    }
    assert_eq!(world.yu("authority", &["review", "list"]).ok("review list")["waiting"], serde_json::json!([]));
    for (org, _) in ORGS {
        let (state, _) = world.state(org, job);
        assert!(["unknown", "failed", "refused"].contains(&state.as_str()), "{org}: {state}");
    }
    assert!(!world.yu("bank", &["audit", "show", "--job", job]).all.contains("result.received"));
}

/// No job exists anywhere: the fault was found before one was made.
pub(crate) fn no_job(world: &World) {
    for (org, _) in ORGS {
        assert_eq!(world.yu(org, &["job", "list"]).ok("job list")["jobs"], serde_json::json!([]), "{org}");
    }
}

/// A node that cannot start: what it says.
pub(crate) fn cannot_start(dir: &Path) -> Said {
    super::support::yu(dir, &["up"])
}

/// Starts a node under a limit of the size of its files, in blocks of 512 bytes.
pub(crate) fn limited(dir: &Path, blocks: u64) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -f {blocks} && exec \"$0\" --dir \"$1\" up"), env!("CARGO_BIN_EXE_yu")]).arg(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The logs of these nodes verify.
pub(crate) fn logs_verify(world: &World, orgs: &[&str]) {
    let dirs: Vec<String> = orgs.iter().map(|o| world.dir(o).display().to_string()).collect();
    let mut args = vec!["audit", "verify"];
    args.extend(dirs.iter().map(String::as_str));
    let report = world.yu("bank", &args).ok("audit verify");
    assert_eq!(report["ok"], true, "{report}");
}

/// splitmix64: small, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}
