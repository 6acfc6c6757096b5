//! A domain of the national suite: SM2, SM3 and SM4 from the first ticket to the destruction, and no node of the other suite.

use super::support::{free_port, path, yu};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/audit_verify.py");
const ORGS: [&str; 4] = ["authority", "health", "bank", "platform"];

fn demo(keep: &Path, carrier: &str) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_yu"))
        .args(["--json", "demo", "--crypto", "gm", "--rows", "1000", "--carrier", carrier, "--keep", path(keep)])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Join, contract, job, review, release, receipt, destruction, checkpoints, offline verification: all of one suite.
fn lives(carrier: &str) {
    let root = tempfile::tempdir().unwrap();
    let keep = root.path().join("demo");
    let told = demo(&keep, carrier);
    assert_eq!(told["audit"]["verdict"], "pass", "{}", told["audit"]);
    for node in told["nodes"].as_array().unwrap() {
        assert_eq!(node["state"], "done", "{node}");
    }
    for org in ORGS {
        let dir = keep.join(org);
        for name in ["entries", "checkpoints", "countersignatures"] {
            let text = std::fs::read_to_string(dir.join(format!("audit/{name}.jsonl"))).unwrap();
            assert!(!text.is_empty() && text.contains("sm2"), "{org} {name}");
            for foreign in ["ed25519", "sha-256"] {
                assert!(!text.contains(foreign), "{org} {name}: {foreign}");
            }
        }
        assert!(std::fs::read_to_string(dir.join("node.toml")).unwrap().contains("crypto = \"gm\""));
        let wrapped = files(&dir.join("keys/data"));
        for file in &wrapped {
            assert!(std::fs::read_to_string(file).unwrap().contains(r#""alg":"sm4-gcm""#), "{}", file.display());
        }
        for file in files(&dir.join("store/blobs")) {
            let head = std::fs::read(&file).unwrap();
            assert!(String::from_utf8_lossy(&head[..60]).contains("sm4-gcm-stream-1m"), "{}", file.display());
        }
        assert!(org != "health" || !wrapped.is_empty(), "the data set lies at rest");
    }
    // what the receiver got: verified by another process, from the files alone
    let receipt = std::fs::read_to_string(keep.join("result/receipt.json")).unwrap();
    assert!(receipt.contains("\"alg\":\"sm2\"") && receipt.contains("sm3:") && !receipt.contains("sha-256"), "{receipt}");
    let nowhere = root.path().join("nowhere");
    yu(&nowhere, &["result", "verify", path(&keep.join("result"))]).ok("result verify");
    let dirs: Vec<_> = ORGS.iter().map(|org| keep.join(org)).collect();
    let mut args = vec!["audit", "verify"];
    args.extend(dirs.iter().map(|dir| path(dir)));
    yu(&nowhere, &args).ok("audit verify");
    if Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success()) {
        let out = Command::new("python3").arg(SCRIPT).args(&dirs).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    }
    // a single digit of a log is seen
    let entries = keep.join("health/audit/entries.jsonl");
    let text = std::fs::read_to_string(&entries).unwrap();
    std::fs::write(&entries, text.replacen("sm3:", "sm3:0", 1)).unwrap();
    assert_ne!(yu(&nowhere, &args).status, 0);
    std::fs::write(&entries, text).unwrap();
    // a change of the suite in node.toml opens nothing
    let toml = keep.join("bank/node.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(&toml, text.replace("crypto = \"gm\"", "crypto = \"standard\"")).unwrap();
    let said = yu(&keep.join("bank"), &["up"]);
    assert_eq!(said.fault(), Some("storage.damaged"), "{}", said.all);
}

#[test]
fn d12_a_domain_lives_on_sm2_sm3_and_sm4_over_quic() {
    lives("quic");
}

#[test]
fn d12_a_domain_lives_on_sm2_sm3_and_sm4_over_tcp() {
    lives("tcp");
}

#[test]
fn d12_nodes_of_two_suites_refuse_each_other_by_name() {
    let root = tempfile::tempdir().unwrap();
    let init = |org: &str, crypto: &str| {
        let dir = root.path().join(org);
        let listen = free_port().to_string();
        yu(&dir, &["init", "--org", org, "--role", "provider", "--listen", &listen, "--crypto", crypto]).ok("init");
        let up = super::support::Process::up(&dir);
        (dir, up)
    };
    let (standard, _a) = init("health", "standard");
    let (national, _b) = init("bank", "gm");
    for (inviter, newcomer) in [(&standard, &national), (&national, &standard)] {
        let ticket = yu(inviter, &["peer", "invite"]).ok("invite")["ticket"].as_str().unwrap().to_owned();
        let said = yu(newcomer, &["peer", "accept", &ticket]);
        assert_eq!(said.fault(), Some("suite.mismatch"), "{}", said.all);
        assert!(yu(newcomer, &["peer", "list"]).ok("list")["peers"].as_array().unwrap().is_empty());
    }
    let said = yu(&root.path().join("third"), &["init", "--org", "third", "--role", "provider", "--crypto", "des"]);
    assert_ne!(said.status, 0);
}
