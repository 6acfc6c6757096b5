//! `tools/audit_verify.py` shares no code with us and gives the same report.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::logs::{Files, Node, key, line_ranges, name, national_world, round, witnessed_rounds, world};
use yu_governance::audit::{AuditLog, Event, Field, Head, Recovery, SignedCheckpoint, Verb, verify};
use yu_governance::suite::HashAlgorithm;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/audit_verify.py");

/// A directory of our own that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("yu-governance-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, files: &Files) -> String {
        let directory = self.0.join(&files.directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("entries.jsonl"), &files.entries).unwrap();
        std::fs::write(directory.join("checkpoints.jsonl"), &files.checkpoints).unwrap();
        std::fs::write(directory.join("countersignatures.jsonl"), &files.countersignatures).unwrap();
        directory.to_str().unwrap().into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: no python3 on this machine");
    }
    found
}

/// The script's whole report, and its exit code.
fn run(directories: &[String]) -> (serde_json::Value, i32) {
    assert!(Path::new(SCRIPT).exists());
    let output = Command::new("python3").arg(SCRIPT).arg("--json").args(directories).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

/// Many variants of logs in one run each of the script: they are told apart by directory.
fn compare(scratch: &Scratch, sets: &[Vec<Files>]) {
    for (number, set) in sets.iter().enumerate() {
        let named: Vec<Files> = set
            .iter()
            .map(|files| {
                let mut files = files.clone();
                files.directory = format!("{number}-{}", files.directory);
                files.directory = scratch.write(&files);
                files
            })
            .collect();
        let directories: Vec<String> = named.iter().map(|files| files.directory.clone()).collect();
        let logs: Vec<_> = named.iter().map(Files::as_log).collect();
        let ours = verify(&logs);
        let (theirs, exit) = run(&directories);
        assert_eq!(theirs, serde_json::to_value(&ours).unwrap(), "set {number}");
        assert_eq!(exit, i32::from(!ours.passes()));
    }
}

fn damaged(files: &Files, which: usize, change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = files.clone();
    change([&mut files.entries, &mut files.checkpoints, &mut files.countersignatures][which]);
    files
}

#[test]
fn sound_logs_and_logs_that_contradict_each_other() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new("sound");
    let honest = world();
    let sound: Vec<Files> = honest.iter().map(|node| node.files.clone()).collect();
    let mut again: Vec<Node> = (0..3).map(Node::start).collect();
    again[1].append(Event::new(Verb::PolicyChanged));
    round(&mut again);
    let (_, line) = AuditLog::create(name(1), key(2).public(), honest[0].now).unwrap();
    let other_key = Files { directory: "other".into(), entries: line, ..Files::default() };
    // whole logs of an earlier time among those of now
    let rounds = witnessed_rounds();
    let (first, now) = (&rounds[0], rounds.last().unwrap());
    let rolled_back = |which: usize| (0..3).map(|n| if n == which { first[n].clone() } else { now[n].clone() }).collect::<Vec<_>>();
    let mut misquoted = world();
    let last = line_ranges(&misquoted[1].files.checkpoints).pop().unwrap();
    let signed = SignedCheckpoint::parse(misquoted[1].files.checkpoints[last].strip_suffix(b"\n").unwrap()).unwrap();
    misquoted[0].append(Event::checkpoint_countersigned(&signed.checkpoint).unwrap().with("size", Field::Count(1)));
    let misquoted = misquoted.into_iter().map(|node| node.files).collect();
    let mut foreign = sound[0].clone();
    foreign.checkpoints.clone_from(&sound[1].checkpoints);
    let sets = vec![
        sound.clone(),
        vec![sound[0].clone(), again[1].files.clone()],
        vec![sound[0].clone(), other_key],
        vec![sound[0].clone(), Files { directory: "copy".into(), ..sound[0].clone() }],
        vec![foreign],
        now.clone(),
        rolled_back(0),
        rolled_back(1),
        rolled_back(2),
        misquoted,
        vec![Files { directory: "empty".into(), ..Files::default() }],
        vec![Files { directory: "no-entries".into(), entries: Vec::new(), ..sound[0].clone() }],
    ];
    compare(&scratch, &sets);
}

#[test]
fn damaged_logs_get_the_same_report() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new("damaged");
    let mut node = world().remove(0);
    node.work(9);
    let open = node.files;
    let mut sets = Vec::new();
    for which in 0..3 {
        let all = [&open.entries, &open.checkpoints, &open.countersignatures][which].clone();
        let ranges = line_ranges(&all);
        for at in (0..all.len()).step_by(509) {
            sets.push(vec![damaged(&open, which, |bytes| bytes[at] ^= 1 << (at % 8))]);
        }
        for (n, range) in ranges.iter().enumerate().step_by(3) {
            let without = [&all[..range.start], &all[range.end..]].concat();
            let twice = [&all[..range.end], &all[range.start..]].concat();
            sets.push(vec![damaged(&open, which, |bytes| *bytes = without)]);
            sets.push(vec![damaged(&open, which, |bytes| *bytes = twice)]);
            sets.push(vec![damaged(&open, which, |bytes| bytes[range.end - 1] ^= 2)]);
            if let Some(next) = ranges.get(n + 1) {
                let swapped = [&all[..range.start], &all[next.clone()], &all[range.clone()], &all[next.end..]].concat();
                sets.push(vec![damaged(&open, which, |bytes| *bytes = swapped)]);
            }
        }
        sets.push(vec![damaged(&open, which, |bytes| bytes.truncate(bytes.len() - 1))]);
        sets.push(vec![damaged(&open, which, |bytes| bytes.truncate(bytes.len() / 2))]);
        sets.push(vec![damaged(&open, which, |bytes| bytes.extend_from_slice(b"{}\n"))]);
        sets.push(vec![damaged(&open, which, |bytes| bytes.extend_from_slice(b"\xff\n\n1\n\"\\ud800\"\n"))]);
    }
    compare(&scratch, &sets);
}

#[test]
fn missing_files_are_no_verdict() {
    if !has_python() {
        return;
    }
    let output = Command::new("python3").arg(SCRIPT).arg("/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("entries.jsonl"));
}

#[test]
fn d12_logs_of_sm2_and_sm3_pass_here_and_there_and_damage_is_named_alike() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new("gm");
    let nodes = national_world();
    let sound: Vec<Files> = nodes.iter().map(|node| node.files.clone()).collect();
    let logs: Vec<_> = sound.iter().map(Files::as_log).collect();
    assert!(verify(&logs).passes(), "{:#?}", verify(&logs));
    let text = String::from_utf8(sound[0].entries.clone()).unwrap();
    assert!(text.starts_with(r#"{"alg":"sm3","index":"0""#) && !text.contains("sha-256:") && text.contains("sm2:04"), "{text}");
    let mut sets = vec![sound.clone()];
    for which in 0..3 {
        let all = [&sound[0].entries, &sound[0].checkpoints, &sound[0].countersignatures][which].clone();
        for at in (0..all.len()).step_by(997) {
            sets.push(vec![damaged(&sound[0], which, |bytes| bytes[at] ^= 1 << (at % 8))]);
        }
        let ranges = line_ranges(&all);
        sets.push(vec![damaged(&sound[0], which, |bytes| *bytes = all[..ranges.last().unwrap().start].to_vec())]);
        // another suite is claimed: of the hashes, of the signatures, of the keys
        for (from, to) in [(r#""alg":"sm3""#, r#""alg":"sha-256""#), (r#""alg":"sm2""#, r#""alg":"ed25519""#), ("sm2:04", "ed25519:")] {
            let changed = String::from_utf8(all.clone()).unwrap().replacen(from, to, 1);
            if changed.as_bytes() == all {
                continue;
            }
            sets.push(vec![damaged(&sound[0], which, |bytes| *bytes = changed.into_bytes())]);
        }
    }
    // whole files of a log of the other suite among those of this one
    let standard = world().remove(0).files;
    sets.push(vec![Files { checkpoints: standard.checkpoints.clone(), ..sound[0].clone() }]);
    sets.push(vec![Files { countersignatures: standard.countersignatures.clone(), ..sound[0].clone() }]);
    sets.push(vec![Files { entries: standard.entries, ..sound[0].clone() }]);
    for set in &sets[1..] {
        let logs: Vec<_> = set.iter().map(Files::as_log).collect();
        let is_cut_behind = set[0].countersignatures.len() < sound[0].countersignatures.len();
        assert!(!verify(&logs).passes() || is_cut_behind, "damage went unseen");
    }
    compare(&scratch, &sets);
}

#[test]
fn d12_a_log_is_of_one_suite_and_a_witness_refuses_the_other() {
    let mut nodes = national_world();
    let signed = nodes[0].checkpoint();
    nodes[1].witnesses[0].accept(&signed).unwrap();
    // the same bytes under the standard key of the same name, and the other way round
    let other = Node::start(0);
    let standard = key(0);
    let now = nodes[0].now;
    assert!(nodes[0].log.checkpoint(&standard, now).is_err(), "the log's key is another");
    assert!(signed.verify(&standard.public()).is_err());
    let mut forged = signed.clone();
    forged.checkpoint.alg = HashAlgorithm::Sha256;
    assert!(forged.verify_signature().unwrap_err().to_string().contains("different suites"));
    let mut forged = signed;
    forged.signature.alg = yu_governance::sign::Algorithm::Ed25519;
    assert!(forged.verify_signature().unwrap_err().to_string().contains("different suites"));
    // a head of the national log does not open under the standard key, and the log comes back from its own files only
    let files = &nodes[0].files;
    let lengths = [&files.entries, &files.checkpoints, &files.countersignatures].map(|bytes| bytes.len() as u64);
    let head = nodes[0].log.head(1, lengths).sign(&nodes[0].key()).unwrap();
    let open = Head::open(&head, &nodes[0].key().public()).unwrap();
    assert!(Head::open(&head, &standard.public()).is_err());
    let (again, cut) = AuditLog::recover_to(&open, &files.entries, &files.checkpoints, &files.countersignatures).unwrap();
    assert_eq!((again, cut), (nodes[0].log.clone(), Recovery::default()));
    assert!(AuditLog::recover_to(&open, &other.files.entries, &[], &[]).is_err());
}
