//! The regulator's node keeps a replica of every log and finds out who was put back (S1).

use super::procedures::town;
use super::rig::{LONG, expect};
use super::support::{World, path};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&path, &to),
            kind if kind.is_file() => drop(std::fs::copy(path, to).unwrap()),
            // the socket of its command line
            _ => {}
        }
    }
}

/// What the regulator knows of a node, once `fits`.
fn until(world: &World, org: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + LONG;
    loop {
        let all = world.yu("watch", &["supervise"]).ok("supervise");
        let peers = all["peers"].as_array().unwrap();
        let found = peers.iter().find(|peer| peer["party"] == world.name(org).as_str()).unwrap().clone();
        if fits(&found) {
            return found;
        }
        assert!(Instant::now() < end, "{found}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Entries of a node's log.
fn lines(world: &World, org: &str, file: &str) -> Option<u64> {
    Some(std::fs::read_to_string(world.dir(org).join("audit").join(file)).unwrap().lines().count() as u64)
}

/// Whether the regulator has a node's log as it is.
fn is_whole(world: &World, org: &str, found: &Value) -> bool {
    let has = |field: &str, file: &str| found[field].as_u64() == lines(world, org, file);
    has("entries", "entries.jsonl") && has("checkpoints", "checkpoints.jsonl")
}

#[test]
fn s1_p9_the_regulator_finds_a_node_that_was_put_back() {
    let mut world = town();
    expect(&world.yu("bank", &["supervise"]), "state.wrong", &["regulator"]);
    until(&world, "health", |found| is_whole(&world, "health", found) && found["seen"] != "never");

    // the administrator of health keeps a copy of everything, lets a job run, and puts the copy back: its own start finds no fault
    world.kill("health");
    let copied = world.file("copy");
    copy(&world.dir("health"), &copied);
    world.up("health");
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    for org in ["authority", "health", "bank", "platform"] {
        world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
    }
    for org in ["authority", "health", "bank", "platform"] {
        let found = until(&world, org, |found| found["alarms"].as_array().unwrap().is_empty() && is_whole(&world, org, found));
        world.yu("watch", &["audit", "verify", found["replica"].as_str().unwrap()]).ok("replica");
    }
    // lineage, both ways: the bank knows its own part and whom to ask for the rest, the regulator has the facts of all
    let folder = world.file("lineage");
    let told = world.yu("bank", &["trace", &job[..12], "--out", path(&folder)]).ok("trace");
    let kinds = |told: &Value| told["traces"].to_string();
    assert!(kinds(&told).contains("dataset-version") && kinds(&told).contains("result"), "{told}");
    let picture = std::fs::read_to_string(folder.join("trace-1.svg")).unwrap();
    assert!(picture.starts_with("<svg") && !picture.contains("<script"), "{picture}");
    let forward = world.yu("bank", &["trace", "dev/health/visits", "--direction", "forward"]).ok("trace");
    assert!(kinds(&forward).contains(&job) && forward["traces"].as_array().unwrap().len() == 1, "{forward}");
    let backward = world.yu("bank", &["trace", &job, "--direction", "backward"]);
    assert!(backward.all.contains("yu://dev/health/n1"), "whom to ask for the data set: {}", backward.all);
    expect(&world.yu("bank", &["trace", "dev/health/nothing"]), "not-found", &["neither a hash"]);
    let of_all = world.yu("watch", &["trace", &job, "--direction", "forward"]).ok("trace");
    assert!(kinds(&of_all).contains("\"kind\":\"result\""), "{of_all}");

    world.kill("health");
    std::fs::remove_dir_all(world.dir("health")).unwrap();
    copy(&copied, &world.dir("health"));
    world.up("health");
    let found = until(&world, "health", |found| !found["alarms"].as_array().unwrap().is_empty());
    assert_eq!(found["alarms"][0]["kind"], "rollback", "{found}");
    let shown = world.yu("watch", &["audit", "show"]).all;
    assert!(shown.contains("checkpoint") && shown.contains("health"), "{shown}");
    // the replica still has what was taken away
    world.yu("watch", &["audit", "verify", found["replica"].as_str().unwrap()]).ok("replica");
    let replica = Path::new(found["replica"].as_str().unwrap()).join("audit/entries.jsonl");
    assert!(std::fs::read_to_string(replica).unwrap().contains(&job));
    world.yu("watch", &["audit", "verify", path(&world.dir("watch"))]).ok("audit");
}
