//! The demonstration inside an attested environment. It is simulated: no hardware stands behind it, and everything says so.

use super::Story;
use super::nodes::{Cluster, Running};
use crate::attest::records;
use crate::cli::DemoArgs;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use yu_governance::policy::DEFAULT_POLICY;

/// Whether this build can show it.
///
/// # Errors
/// `attest.unavailable` with the command that can.
pub(super) fn possible(args: &DemoArgs) -> Result<()> {
    if !cfg!(all(feature = "danger-simulated-tee", feature = "wasm")) {
        let what = "this build has no simulated environment and runs no modules: \
                    cargo run --release --features danger-simulated-tee,wasm -- demo --technique enclave";
        return Err(Fault::new(Code::AttestUnavailable, what));
    }
    if args.reveal_match != "none" {
        return Err(Fault::new(Code::Input, "inside an enclave nobody learns the match: `none`").at("--reveal-match"));
    }
    Ok(())
}

/// What lets a node take part with a simulated worker. The default policy never does.
const PERMIT: &str = "\n// For this demonstration only.\n@id(\"demo-simulated-enclave\")\npermit (\n  principal is Yu::Party,\n  \
    action == Yu::Action::\"compute\",\n  resource is Yu::Dataset\n) when {\n  context.technique == \"enclave\" && context.simulated && \
    context.environment == \"dev\"\n};\n";

/// Makes the platform a simulated worker and lets the others take part; gives the policy of attestation that names root and code.
pub(super) fn prepare(story: &Story<'_>, cluster: &Cluster) -> Result<String> {
    let told = init(&cluster.platform)?;
    let part = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (root, measurement) = (part("root"), part("measurement"));
    for node in cluster.all() {
        write_atomic(&node.dir.join("policy.cedar"), format!("{DEFAULT_POLICY}{PERMIT}").as_bytes(), 0o600)?;
    }
    story.note(
        "SIMULATED environment: no hardware protects the worker, its operator can see all rows; for demonstrations only",
        "模拟环境：无硬件保护，计算方的运营者可看到全部数据；仅供演示",
    );
    story.note(&format!("worker measured as {measurement}"), "计算方程序的度量值");
    let policy = json!({ "name": "demo worker", "root": root, "measurements": [measurement] });
    Ok(policy.to_string())
}

fn init(node: &Running) -> Result<Value> {
    let program = std::env::current_exe().map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let made = Command::new(program)
        .args(["--json", "--dir"])
        .arg(&node.dir)
        .args(["enclave", "init", "--danger-simulated"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    if !made.status.success() {
        return Err(Fault::new(Code::Bug, "`yu enclave init` failed").party(node.name.clone()));
    }
    serde_json::from_slice(&made.stdout).map_err(|e| Fault::new(Code::Bug, e.to_string()))
}

/// Gives the providers' verdicts again from what they stored.
pub(super) fn replay(story: &Story<'_>, cluster: &Cluster) -> Result<()> {
    for node in [&cluster.health, &cluster.bank] {
        let home = Home::new(&node.dir);
        let all = records::list(&home)?;
        if all.is_empty() {
            return Err(Fault::new(Code::Verify, "no verdict is stored").party(node.name.clone()));
        }
        for (hash, verdict) in all {
            records::replay(&home, &verdict)?;
            let (org, reason) = (node.org, verdict.outcome.reason());
            story.note(&format!("{org}: verdict {hash} replayed offline: {reason} ({})", verdict.kind), "裁定离线重放一致");
        }
    }
    Ok(())
}
