//! A process that moves jobs and appends to the log is killed at random instants, again and again. Whatever it had acknowledged
//! is there afterwards, nothing is there by half or twice, and log and store open again.
//!
//! The process is this test binary: started again with [`CHILD`] set, the test below works instead of testing.

use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use yu_governance::audit::{Entry, Event, Field, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::{JobId, PartyName};
use yu_governance::sign::SigningKey;
use yu_orchestrator::home::Home;
use yu_orchestrator::job::State;
use yu_orchestrator::journal::Journal;
use yu_orchestrator::store::{Change, Changed, NewJob, Store};

const CHILD: &str = "YU_CRASH_TEST_DIR";
const READY: &str = "ready";
const RUNS: u32 = 200;
/// Each log is killed so often before a new one begins: a start reads all of it.
const LIVES: u32 = 25;
/// Threads that move jobs, and threads that only append.
const MOVERS: u64 = 3;
const TALKERS: u64 = 5;
const NOW: Time = Time::from_unix(1_796_000_000);

fn node() -> PartyName {
    PartyName::new("yu://dev/health/node1").unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn open(dir: &Path) -> (Store, Journal) {
    let home = Home::new(dir.to_owned());
    let store = Store::open(&home).unwrap();
    let journal = Journal::open(&home, &store, &node(), &key(), NOW).unwrap();
    (store, journal)
}

fn job_id(number: u64) -> String {
    Hash::of_file(&number.to_le_bytes()).to_hex()
}

fn about(verb: Verb, job: &str) -> Event {
    Event::new(verb).job(JobId(format!("sha-256:{job}").parse().unwrap()))
}

/// The process that is killed: says on its standard output what is acknowledged, one write a line.
fn work(dir: &Path) {
    let (store, journal) = open(dir);
    let both = Arc::new((store, journal));
    let said = |line: String| std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    said(format!("{READY}\n"));
    let life: u64 = std::env::var("YU_CRASH_TEST_LIFE").unwrap().parse().unwrap();
    let next = Arc::new(AtomicU64::new(life << 32));
    std::thread::scope(|scope| {
        for thread in 0..MOVERS + TALKERS {
            let (both, next) = (Arc::clone(&both), Arc::clone(&next));
            scope.spawn(move || {
                let (store, journal) = &*both;
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if thread >= MOVERS {
                        journal.append(Event::new(Verb::StepFinished).with("rows", Field::Count(number)), NOW).unwrap();
                        said(format!("@entry {number}\n"));
                    } else {
                        let job = job_id(number);
                        let new = NewJob::new(&job, State::Admitted, "{}", "p", NOW.unix());
                        assert!(store.enter(&new.log(about(Verb::JobAdmitted, &job)).unwrap().story("admitted", json!({}))).unwrap());
                        journal.settle(store).unwrap();
                        said(format!("@admitted {job}\n"));
                        let change = Change::new(&job, &[State::Admitted], State::Running, NOW.unix());
                        let change = change.log(about(Verb::JobStarted, &job)).unwrap().story("started", json!({}));
                        assert_eq!(store.change(&change.tell("bank", "started".into())).unwrap(), Changed::Yes);
                        journal.settle(store).unwrap();
                        said(format!("@running {job}\n"));
                    }
                    if number % 64 == 63 {
                        journal.checkpoint(&key(), NOW).unwrap();
                    }
                }
            });
        }
    });
}

/// When a process is killed.
enum Kill {
    /// So long after it began: it may still be opening its files.
    Starting(Duration),
    /// So long after it said that it works.
    Working(Duration),
}

/// What the process said before it was killed.
fn killed(dir: &Path, life: u32, kill: &Kill) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::nothing_that_was_acknowledged_is_lost_when_the_process_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, dir)
        .env("YU_CRASH_TEST_LIFE", life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let after = match kill {
        Kill::Starting(after) => *after,
        Kill::Working(after) => {
            // the harness speaks first
            assert!(lines.by_ref().any(|line| line.ends_with(READY)), "it did not come to work");
            *after
        }
    };
    let reader = std::thread::spawn(move || lines.collect::<Vec<_>>());
    std::thread::sleep(after);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    let said = reader.join().unwrap();
    assert!(status.code().is_none(), "it ended by itself: {status}, {said:?}");
    // the harness speaks as well
    said.into_iter().filter_map(|line| Some(line.strip_prefix('@')?.to_owned())).collect()
}

/// Checks log and store against everything that was ever acknowledged.
fn check(dir: &Path, entries: &HashSet<u64>, states: &HashMap<String, State>, run: u32) {
    let (store, journal) = open(dir);
    assert!(store.unlogged(0).unwrap().is_empty(), "run {run}: a start logs what was stored with a change");
    drop(journal);
    let mut numbers = HashSet::new();
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut marks = HashSet::new();
    for line in std::fs::read(dir.join("audit/entries.jsonl")).unwrap().split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let entry = Entry::parse(line).unwrap();
        if let Some(rows) = entry.object.get("rows") {
            assert!(numbers.insert(rows.parse().unwrap()), "run {run}: entry {rows} twice");
        }
        if let Some(note) = entry.note() {
            assert!(marks.insert(note.to_owned()), "run {run}: {note} was logged twice");
        }
        if let Some(job) = entry.job {
            told.entry(job.0.to_hex()).or_default().push(entry.verb);
        }
    }
    assert!(entries.is_subset(&numbers), "run {run}: lost {:?}", entries.difference(&numbers).collect::<Vec<_>>());
    let mut sent: Vec<String> = store.outbox().unwrap().into_iter().map(|(_, peer, _)| peer).collect();
    sent.sort();
    let jobs = store.jobs().unwrap();
    for (job, state) in states {
        let row = jobs.iter().find(|row| row.id == *job).unwrap_or_else(|| panic!("run {run}: job {job} is lost"));
        assert!(row.state == *state || row.state == State::Running, "run {run}: {job} is {} again", row.state);
    }
    // state, story and log say the same of every job, acknowledged or not
    let mut running = 0;
    for row in &jobs {
        let story: Vec<String> = store.events(&row.id, 0).unwrap().into_iter().map(|event| event.verb).collect();
        let (told, expected): (_, (&[&str], &[&str])) = match row.state {
            State::Running => (told.remove(&row.id), (&["admitted", "started"], &["job.admitted", "job.started"])),
            _ => (told.remove(&row.id), (&["admitted"], &["job.admitted"])),
        };
        running += usize::from(row.state == State::Running);
        assert_eq!((story, told.unwrap_or_default()), (owned(expected.0), owned(expected.1)), "run {run}: {} is {}", row.id, row.state);
    }
    assert_eq!((told, sent.len()), (BTreeMap::new(), running), "run {run}: log or messages without a change");
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_process_is_killed() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return work(Path::new(&dir));
    }
    let mut dice = super::rig::Dice(20_261_129);
    let start = Instant::now();
    let (mut acknowledged, mut kept) = (0, 0);
    for group in 0..RUNS / LIVES {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("n");
        Home::new(dir.clone()).create().unwrap();
        let (mut entries, mut states) = (HashSet::new(), HashMap::new());
        for life in 0..LIVES {
            let run = group * LIVES + life;
            let kill = match dice.roll(5) {
                0 => Kill::Starting(Duration::from_micros(dice.roll(40_000))),
                _ => Kill::Working(Duration::from_micros(dice.roll(60_000))),
            };
            for line in killed(&dir, life, &kill) {
                let (what, which) = line.split_once(' ').unwrap();
                match what {
                    "entry" => _ = entries.insert(which.parse().unwrap()),
                    "admitted" => _ = states.insert(which.to_owned(), State::Admitted),
                    "running" => _ = states.insert(which.to_owned(), State::Running),
                    other => panic!("{other}"),
                }
            }
            check(&dir, &entries, &states, run);
        }
        acknowledged += entries.len();
        kept += states.len();
    }
    println!("{RUNS} kills in {:.0?}: {acknowledged} entries and {kept} jobs were acknowledged, all are there", start.elapsed());
    assert!(acknowledged > 1000 && kept > 100, "too little was under way: {acknowledged}, {kept}");
}
