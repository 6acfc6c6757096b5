//! What the disk of this machine allows a node's log and store, as JSON lines: `yu-benches governance` runs this and prints them
//! beside its own figures.
//!
//! ```sh
//! cargo run --release -p yu-orchestrator --example measure_node -- [threads] [seconds] [jobs]
//! ```
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement stops at the first surprise")]

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::{JobId, PartyName};
use yu_governance::sign::SigningKey;
use yu_orchestrator::home::Home;
use yu_orchestrator::job::State;
use yu_orchestrator::journal::Journal;
use yu_orchestrator::store::{Change, NewJob, Store};

const NOW: Time = Time::from_unix(1_796_000_000);
/// A contract with its evidence takes about so many bytes.
const CONTRACT: usize = 12_000;

fn say(name: &str, unit: &str, value: f64) {
    println!("{}", json!({ "name": name, "unit": unit, "value": value }));
}

fn id(number: u64) -> String {
    Hash::of_file(&number.to_le_bytes()).to_hex()
}

fn about(verb: Verb, number: u64) -> Event {
    Event::new(verb).job(JobId(Hash::of_file(&number.to_le_bytes())))
}

/// Events a second that `threads` threads append, each waiting until the disk has its own.
fn append(journal: &Journal, threads: u64, time: Duration) -> f64 {
    let (is_over, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    let event =
                        about(Verb::StepFinished, number).with("step", Field::Code("psi.points")).with("rows", Field::Count(number));
                    journal.append(event, NOW).unwrap();
                }
            });
        }
        std::thread::sleep(time);
        is_over.store(true, Ordering::Relaxed);
    });
    count.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// Processor seconds of this process, user and system.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1e3
}

/// The median of some calls, milliseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().unwrap());
    let (threads, seconds, jobs) = (args.next().unwrap_or(512), args.next().unwrap_or(5), args.next().unwrap_or(100_000));
    // in the current directory, not in a temporary one that may be memory
    let dir = tempfile::tempdir_in(".").unwrap();
    let home = Home::new(dir.path().join("n"));
    home.create().unwrap();
    let (node, key) = (PartyName::new("yu://dev/health/node1").unwrap(), SigningKey::from_bytes(&[3; 32]));
    let store = Store::open(&home).unwrap();
    let journal = Journal::open(&home, &store, &node, &key, NOW).unwrap();

    for threads in [1, 64, threads] {
        let (before, cpu) = (journal.size(), processor());
        say(&format!("append, {threads} threads, one event a call"), "events/s", append(&journal, threads, Duration::from_secs(seconds)));
        let events = journal.size() - before;
        say(&format!("append, {threads} threads, processor for 1 000 events"), "ms", (processor() - cpu) * 1e6 / events as f64);
    }
    say("peak memory of the process after that", "MB", peak_memory());
    let entries = journal.size();
    journal.checkpoint(&key, NOW).unwrap();
    drop(journal);
    let start = Instant::now();
    let journal = Journal::open(&home, &store, &node, &key, NOW).unwrap();
    say(&format!("start of a node with {entries} entries in its log"), "s", start.elapsed().as_secs_f64());

    let job = id(0);
    assert!(store.enter(&NewJob::new(&job, State::Admitted, "{}", "p", 0)).unwrap());
    let mut number = 0;
    let change = median(|| {
        let (from, to) = if number % 2 == 0 { (State::Admitted, State::Running) } else { (State::Running, State::Admitted) };
        number += 1;
        let from = [from];
        let change = Change::new(&job, &from, to, 0).story("started", Value::Null).log(about(Verb::JobStarted, 0)).unwrap();
        let _changed = store.change(&change).unwrap();
        journal.settle(&store).unwrap();
    });
    say("change of a job's state, logged", "ms", change);

    fill(&home, jobs);
    let open = State::open();
    let mut number = 0;
    let mut next = || {
        number += 7919;
        id(number % jobs)
    };
    say(&format!("one job of {jobs}"), "ms", median(|| assert!(store.job(&next()).unwrap().is_some())));
    say(&format!("a job of {jobs} by 12 digits"), "ms", median(|| assert_eq!(store.jobs_like(&next()[..12]).unwrap().len(), 1)));
    say(&format!("open proposals of one of 20 proposers, {jobs} jobs"), "ms", median(|| _ = store.open_proposals("bank-0", "x").unwrap()));
    say(&format!("runs of a pair on a day, {jobs} jobs"), "ms", median(|| _ = store.runs("pair-3", "2026-11-29").unwrap()));
    say(&format!("jobs of a round of the watchdog, {jobs} jobs"), "ms", median(|| _ = store.jobs_in(&open).unwrap()));
    say(&format!("failed jobs to clean up, {jobs} jobs"), "ms", median(|| assert!(store.uncleaned().unwrap().is_empty())));
    let all = median(|| {
        let job = next();
        store.job(&job).unwrap();
        store.open_proposals("bank-0", &job).unwrap();
        store.runs("pair-3", "2026-11-29").unwrap();
        store.object("authorisation", "dev/authority/a-500").unwrap().unwrap();
    });
    say(&format!("all lookups of an admission, {jobs} jobs, 1 000 authorisations"), "ms", all);
}

/// Jobs that are over but for 200, of 20 proposers, as years of work leave them; 1 000 authorisations.
fn fill(home: &Home, jobs: u64) {
    let mut db = rusqlite::Connection::open(home.path("store/yu.sqlite")).unwrap();
    let tx = db.transaction().unwrap();
    let contract = format!("{{\"contract\":\"{}\"}}", "x".repeat(CONTRACT));
    for number in 0..jobs {
        let state = if number % (jobs / 200).max(1) == 0 { State::Proposed } else { State::Done };
        let (job, proposer) = (id(number), format!("bank-{}", number % 20));
        tx.prepare("INSERT INTO job (id, state, contract, proposer, created, updated) VALUES (?1,?2,?3,?4,?5,?5) ON CONFLICT DO NOTHING")
            .unwrap()
            .execute(rusqlite::params![job, state.as_str(), contract, proposer, number as i64])
            .unwrap();
        tx.prepare("INSERT INTO job_event (job, seq, at, verb, detail) VALUES (?1,0,0,'proposed','{}') ON CONFLICT DO NOTHING")
            .unwrap()
            .execute([&job])
            .unwrap();
        tx.prepare("INSERT INTO run (pair, day, job) VALUES (?1,?2,?3)")
            .unwrap()
            .execute([format!("pair-{}", number % 5_000), "2026-11-29".into(), job])
            .unwrap();
    }
    for number in 0..1_000 {
        tx.execute(
            "INSERT INTO object (kind, id, hash, json, stored) VALUES ('authorisation',?1,'h',?2,0)",
            [format!("dev/authority/a-{number}"), "x".repeat(2_000)],
        )
        .unwrap();
    }
    tx.commit().unwrap();
}
