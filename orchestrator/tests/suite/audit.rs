//! The logs of real nodes after a job: sound as they are; any damage is named, in the same words by both verifiers.

use super::support::{ORGS, Plan, World, path};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use yu_governance::audit::verify::Place;
use yu_governance::audit::{LogFiles, verify};
use yu_orchestrator::journal::FILES;

const SEED: u64 = 20_260_521;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/audit_verify.py");

/// The three files of one log.
#[derive(Clone)]
struct Log([Vec<u8>; 3]);

impl Log {
    fn read(node: &Path) -> Self {
        Self(FILES.map(|name| std::fs::read(node.join("audit").join(name)).unwrap()))
    }

    fn write(&self, node: &Path) {
        std::fs::create_dir_all(node.join("audit")).unwrap();
        for (name, bytes) in FILES.iter().zip(&self.0) {
            std::fs::write(node.join("audit").join(name), bytes).unwrap();
        }
    }

    /// How many entries the last checkpoint covers. Those after it say whose checkpoints were countersigned since.
    fn covered(&self) -> usize {
        let text = std::str::from_utf8(&self.0[1]).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        last["checkpoint"]["size"].as_str().unwrap().parse().unwrap()
    }

    /// Lines of a file, of the entries only those that are covered.
    fn covered_lines(&self, file: usize) -> Vec<Range<usize>> {
        let mut all = lines(&self.0[file]);
        if file == 0 {
            all.truncate(self.covered());
        }
        all
    }

    /// Where the library finds something, in this log alone.
    fn places(&self) -> Vec<Place> {
        let [entries, checkpoints, countersignatures] = &self.0;
        let log = LogFiles { directory: "node", entries, checkpoints, countersignatures };
        verify(&[log]).nodes[0].problems.iter().map(|p| p.place).collect()
    }
}

fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    ends.scan(0, |from, end| Some(std::mem::replace(from, end)..end)).collect()
}

fn place(file: usize, line: usize) -> Place {
    [Place::Entry, Place::Checkpoint, Place::Countersignature][file](line as u64)
}

/// Four logs of a finished job, checkpointed before it and after it, countersigned by everybody.
struct Logs {
    world: World,
    /// Before the job.
    before: Vec<Log>,
    sound: Vec<Log>,
    python: bool,
}

impl Logs {
    fn of_a_finished_job() -> Self {
        let mut world = World::ready(&Plan::default());
        let checkpoint = |world: &World| {
            for (org, _) in ORGS {
                let told = world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
                assert_eq!(told["countersigned"].as_array().unwrap().len(), 3, "{told}");
            }
        };
        checkpoint(&world);
        let read = |world: &World| ORGS.iter().map(|(org, _)| Log::read(&world.dir(org))).collect();
        let before = read(&world);
        let job = world.submit_and_sign(&world.job());
        world.complete(&job);
        checkpoint(&world);
        for (org, _) in ORGS {
            world.kill(org);
        }
        let sound = read(&world);
        let python = Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success());
        if !python {
            eprintln!("no python3 on this machine: only our own verifier is tested");
        }
        Self { world, before, sound, python }
    }

    /// What both programs say of one log, alone or with the three others as they are; the problems of that log.
    fn verdict(&self, which: usize, log: &Log, alone: bool) -> (bool, Vec<Value>) {
        let company: Vec<usize> = if alone { vec![which] } else { (0..ORGS.len()).collect() };
        let dirs: Vec<PathBuf> = company.iter().map(|at| self.world.file("copy").join(ORGS[*at].0)).collect();
        for (at, dir) in company.iter().zip(&dirs) {
            if *at == which { log } else { &self.sound[*at] }.write(dir);
        }
        let out = Command::new(env!("CARGO_BIN_EXE_yu")).args(["--json", "audit", "verify"]).args(&dirs).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let mut ours: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let ok = ours.as_object_mut().unwrap().remove("ok").unwrap().as_bool().unwrap();
        assert_eq!(out.status.code(), Some(if ok { 0 } else { 10 }), "{text}");
        if self.python {
            let out = Command::new("python3").arg(SCRIPT).arg("--json").args(&dirs).output().unwrap();
            let theirs: Value = serde_json::from_slice(&out.stdout).unwrap();
            assert_eq!(theirs, ours);
            assert_eq!(out.status.code(), Some(i32::from(!ok)));
        }
        let place = company.iter().position(|at| *at == which).unwrap();
        (ok, ours["nodes"][place]["problems"].as_array().unwrap().clone())
    }

    /// Both fail and name one of `expected` first.
    fn must_name(&self, (which, alone): (usize, bool), log: &Log, expected: &[Place], what: &str) {
        let (ok, problems) = self.verdict(which, log, alone);
        let named = problems.first().map(|p| p["where"].as_str().unwrap().to_owned());
        let fits = expected.iter().any(|p| Some(p.to_string()) == named);
        assert!(!ok && fits, "{} {what}: expected {expected:?}, found {problems:?}", ORGS[which].0);
    }
}

#[test]
fn p8_logs_of_a_job_verify_and_every_damage_is_named_by_both_verifiers() {
    let logs = Logs::of_a_finished_job();
    for (name, check) in [
        ("sound", sound as fn(&Logs)),
        ("rolled back", rolled_back_logs),
        ("flipped", flipped_bytes),
        ("sampled", sampled_bytes),
        ("lost", lost_and_moved_lines),
    ] {
        let start = Instant::now();
        check(&logs);
        println!("{name}: {:.1?}", start.elapsed());
    }
}

fn sound(logs: &Logs) {
    let (ok, problems) = logs.verdict(0, &logs.sound[0], false);
    assert!(ok && problems.is_empty(), "{problems:?}");
    for log in &logs.sound {
        assert_eq!(log.places(), []);
        assert!(lines(&log.0[1]).len() >= 2, "a checkpoint before the job and one after it");
        assert!(lines(&log.0[0]).len() > 10);
    }
    for (org, _) in ORGS {
        let dir = logs.world.dir(org);
        let told = Command::new(env!("CARGO_BIN_EXE_yu")).args(["--dir", path(&dir), "audit", "show"]).output().unwrap();
        assert!(told.status.success());
    }
}

/// A whole log as it was before the job, with its own checkpoint and all countersignatures: sound alone, betrayed by what the
/// others wrote when they countersigned the checkpoint after the job.
fn rolled_back_logs(logs: &Logs) {
    for (which, old) in logs.before.iter().enumerate() {
        let (ok, problems) = logs.verdict(which, old, true);
        assert!(ok && problems.is_empty(), "{}: {problems:?}", ORGS[which].0);
        let (ok, problems) = logs.verdict(which, old, false);
        assert!(!ok && problems.len() == 1, "{}: {problems:?}", ORGS[which].0);
        assert_eq!((problems[0]["code"].as_str(), problems[0]["where"].as_str()), (Some("absent"), Some("checkpoint 1")));
        // the witness and its entry are named
        let witness = ORGS.iter().position(|(org, _)| *org != ORGS[which].0).unwrap();
        let text = std::str::from_utf8(&logs.sound[witness].0[0]).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let party = format!("yu://dev/{}/n1", ORGS[which].0);
        let of_it: Vec<Value> = entries.filter(|e| e["verb"] == "checkpoint.countersigned" && e["party"] == party.as_str()).collect();
        let named = format!("{} (entry {})", of_it[1]["node"].as_str().unwrap(), of_it[1]["index"].as_str().unwrap());
        assert!(of_it[1]["object"]["size"].is_string() && of_it[1]["object"]["root"].is_string(), "{of_it:?}");
        assert!(problems[0]["what"]["en"].as_str().unwrap().contains(&named), "{named}: {problems:?}");
    }
}

/// Every byte of one node's three files. (That of the platform is the shortest, and its checkpoint the last of all: it covers
/// every entry. Each byte costs a whole verification.)
fn flipped_bytes(logs: &Logs) {
    let platform = ORGS.iter().position(|(org, _)| *org == "platform").unwrap();
    let sound = &logs.sound[platform];
    let mut work = Vec::new();
    for file in 0..3 {
        work.extend(lines(&sound.0[file]).into_iter().enumerate().map(|(number, range)| (file, number, range)));
    }
    assert_eq!(sound.covered(), lines(&sound.0[0]).len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some((file, number, range)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    flip_line(sound, *file, *number, range.clone());
                }
            });
        }
    });
}

fn flip_line(sound: &Log, file: usize, number: usize, range: Range<usize>) {
    let mut log = sound.clone();
    for at in range.clone() {
        log.0[file][at] ^= 1 << (at % 8);
        let mut found = log.places();
        // without its newline, a line swallows the next one
        let is_newline = at + 1 == range.end;
        found.retain(|p| !is_newline || *p != place(file, number + 1));
        assert_eq!(found, [place(file, number)], "{} byte {at}", FILES[file]);
        log.0[file][at] ^= 1 << (at % 8);
    }
}

/// Random bytes anywhere, through the two programs.
fn sampled_bytes(logs: &Logs) {
    println!("seed {SEED}");
    let mut rng = StdRng::seed_from_u64(SEED);
    for n in 0..60 {
        let (which, file) = (rng.random_range(0..logs.sound.len()), n % 3);
        let mut log = logs.sound[which].clone();
        let at = rng.random_range(0..log.covered_lines(file).last().unwrap().end);
        let number = lines(&log.0[file]).iter().position(|r| r.contains(&at)).unwrap();
        log.0[file][at] ^= 1 << rng.random_range(0..8);
        logs.must_name((which, n >= 12), &log, &[place(file, number)], &format!("{} byte {at}", FILES[file]));
    }
}

/// Entries dropped and swapped, checkpoints dropped and swapped: all that a countersigned checkpoint covers.
fn lost_and_moved_lines(logs: &Logs) {
    for (which, sound) in logs.sound.iter().enumerate() {
        for file in 0..2 {
            let all = lines(&sound.0[file]);
            let rebuilt = |order: &[usize]| {
                let mut log = sound.clone();
                log.0[file] = order.iter().flat_map(|n| sound.0[file][all[*n].clone()].to_vec()).collect();
                log
            };
            let whole: Vec<usize> = (0..all.len()).collect();
            let covered = sound.covered_lines(file).len();
            for n in 0..covered {
                let mut order = whole.clone();
                order.remove(n);
                let dropped = rebuilt(&order);
                // the last checkpoint is missed by those who countersigned it
                let expected = if file == 1 && n + 1 == all.len() { missed_by(sound, n) } else { vec![place(file, n)] };
                let found = dropped.places();
                assert!(found.first().is_some_and(|p| expected.contains(p)), "without {}: {found:?}", place(file, n));
                let by_programs = n % 12 == 5 || n == 0 || n + 1 == all.len();
                if by_programs {
                    let mut expected = expected;
                    // in the company of its peers' logs, a lost checkpoint is also missed by them
                    expected.push(place(file, n));
                    logs.must_name((which, file == 0), &dropped, &expected, &format!("without {}", place(file, n)));
                }
                if n + 1 < covered {
                    let mut order = whole.clone();
                    order.swap(n, n + 1);
                    let swapped = rebuilt(&order);
                    let expected = [place(file, n), place(file, n + 1)];
                    let found = swapped.places();
                    assert!(found.first().is_some_and(|p| expected.contains(p)), "swapped {}: {found:?}", place(file, n));
                    if by_programs {
                        logs.must_name((which, file == 0), &swapped, &expected, &format!("swapped {}", place(file, n)));
                    }
                }
            }
        }
    }
}

/// The countersignatures that cite the checkpoint of a line.
fn missed_by(log: &Log, line: usize) -> Vec<Place> {
    let checkpoint = &log.0[1][lines(&log.0[1])[line].clone()];
    let parsed = yu_governance::audit::SignedCheckpoint::parse(checkpoint.strip_suffix(b"\n").unwrap()).unwrap();
    let hash = serde_json::to_value(parsed.checkpoint.hash().unwrap()).unwrap();
    let cites = |line: &str| serde_json::from_str::<Value>(line).unwrap()["checkpoint"] == hash;
    let text = std::str::from_utf8(&log.0[2]).unwrap();
    text.lines().enumerate().filter(|(_, l)| cites(l)).map(|(n, _)| Place::Countersignature(n as u64)).collect()
}
