//! A job that ended at one party ends at all of them, whatever crashes in between; and nothing is released before every
//! party said that the job still stands with it.

use super::rig::{LONG, expect, expect_failed, logs_verify, nothing_released};
use super::support::{ORGS, Plan, World};
use rusqlite::Connection;
use std::time::Duration;
use yu_orchestrator::control::Ask;
use yu_orchestrator::fault::{Code, Fault};
use yu_orchestrator::home::Home;
use yu_orchestrator::store::Store;

const HEALTH: &str = "yu://dev/health/n1";

fn halted() -> Fault {
    Fault::new(Code::Halted, "risk report 8").party(HEALTH)
}

fn store(world: &World, org: &str) -> Store {
    Store::open(&Home::new(world.dir(org))).unwrap()
}

#[test]
fn p6_a_halt_survives_a_crash_right_after_it_was_stored() {
    let mut world = World::ready(&Plan::default());
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "platform", "authority"] {
        world.wait(org, &job, &["proposed"], LONG);
    }
    // the process ends after the one step of the store, before its log, its vault and the other parties know
    world.kill("health");
    let abort = serde_json::to_string(&Ask::Abort { job: job.clone(), fault: halted() }).unwrap();
    let messages = ["bank", "platform", "authority"].map(|org| format!("yu://dev/{org}/n1"));
    let messages: Vec<(&str, String)> = messages.iter().map(|party| (party.as_str(), abort.clone())).collect();
    assert!(store(&world, "health").fail_job(&job, &halted(), 0, &messages, None).unwrap());
    let log = || world.yu("health", &["audit", "show", "--job", &job]).all;
    assert!(!log().contains("job.failed"));
    world.up("health");
    expect_failed(&world, &["health", "bank", "platform", "authority"], &job, "job.halted", &[HEALTH, "risk report 8"]);
    let log = || world.yu("health", &["audit", "show", "--job", &job]).all;
    for verb in ["job.failed", "working.destroyed"] {
        assert_eq!(log().matches(verb).count(), 1, "{verb}: {}", log());
    }
    let row = store(&world, "health").job(&job).unwrap().unwrap();
    assert!(row.cleaned && row.certificate.is_some());
    // a later start finds nothing left to do
    world.kill("health");
    world.up("health");
    assert_eq!(world.yu("health", &["audit", "show", "--job", &job]).all.matches("job.failed").count(), 1);
    nothing_released(&world, &job);
}

#[test]
fn the_reviewer_asks_every_party_before_it_releases() {
    let mut world = World::ready(&Plan::default());
    let approve = |world: &World, job: &str| {
        world.yu("authority", &["review", "approve", job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"])
    };

    // a party halted the job, and nobody was told
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    world.wait("health", &job, &["held"], LONG);
    world.kill("health");
    assert!(store(&world, "health").fail_job(&job, &halted(), 0, &[], None).unwrap());
    world.up("health");
    assert_eq!(world.state("authority", &job).0, "held");
    expect(&approve(&world, &job), "job.halted", &[HEALTH, "risk report 8"]);
    expect_failed(&world, &["health", "bank", "platform", "authority"], &job, "job.halted", &[HEALTH]);
    nothing_released(&world, &job);

    // a party that is away is waited for by name
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    world.wait("platform", &job, &["held"], LONG);
    world.kill("platform");
    expect(&approve(&world, &job), "network.unreachable", &["yu://dev/platform/n1", "held"]);
    assert_eq!(world.state("authority", &job).0, "held");
    expect(&world.yu("bank", &["job", "result", &job]), "not-found", &[]);
    // to refuse, nobody has to agree; here it answers again and the result is released
    world.up("platform");
    assert!(world.complete(&job)["document"].is_string());

    // one that lost the job does not stand by it
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    world.wait("platform", &job, &["held"], LONG);
    world.kill("platform");
    let db = Connection::open(world.dir("platform").join("store/yu.sqlite")).unwrap();
    db.execute("DELETE FROM job_event WHERE job=?1", [&job]).unwrap();
    db.execute("DELETE FROM job WHERE id=?1", [&job]).unwrap();
    drop(db);
    world.up("platform");
    expect(&approve(&world, &job), "peer.restarted", &["yu://dev/platform/n1"]);
    assert_eq!(world.state("authority", &job).0, "held");
    world
        .yu("authority", &["review", "refuse", &job, "--reviewer", "Zhang", "--item", "purpose", "--reason", "a party lost the job"])
        .ok("refuse");
    world.wait("bank", &job, &["rejected"], LONG);
}

#[test]
fn a_receiver_that_does_not_take_its_result_holds_nobody_up() {
    let node_toml = vec![("release_limit_s = 604800", "release_limit_s = 8"), ("auto_sign = false", "auto_sign = true")];
    let mut world = World::ready(&Plan { node_toml, ..Plan::default() });
    let approved = |world: &World| {
        let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
        world.wait("authority", &job, &["held"], LONG);
        job
    };
    let approve = |world: &World, job: &str| {
        world.yu("authority", &["review", "approve", job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]).ok("review")
    };

    // it cannot open what is sealed to the key on its card
    let job = approved(&world);
    let key = world.dir("bank").join("keys/seal.key");
    let good = std::fs::read(&key).unwrap();
    world.kill("bank");
    std::fs::write(&key, good.iter().map(|byte| byte ^ 5).collect::<Vec<u8>>()).unwrap();
    world.up("bank");
    approve(&world, &job);
    // the decision is behind the refused result, and arrives all the same
    world.wait("bank", &job, &["done"], Duration::from_secs(6));
    assert_eq!(world.state("authority", &job).0, "releasing");
    for org in ["health", "platform"] {
        world.wait(org, &job, &["done"], LONG);
    }
    expect_failed(&world, &["authority"], &job, "result.undelivered", &["yu://dev/bank/n1", "storage.damaged"]);
    let log = world.yu("authority", &["audit", "show", "--job", &job]).all;
    for verb in ["result.released", "working.destroyed", "job.failed"] {
        assert_eq!(log.matches(verb).count(), 1, "{verb}: {log}");
    }
    assert!(store(&world, "authority").shares(&job).unwrap().is_empty());
    assert!(store(&world, "authority").must_arrive(&job).unwrap().is_empty());
    expect(&world.yu("bank", &["job", "result", &job]), "not-found", &[]);
    world.kill("bank");
    std::fs::write(&key, good).unwrap();
    world.up("bank");

    // it cannot write it down, and within the limit it can again
    let job = approved(&world);
    let db = Connection::open(world.dir("bank").join("store/yu.sqlite")).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE INSERT ON object WHEN NEW.kind='receipt' BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    approve(&world, &job);
    world.wait("bank", &job, &["done"], Duration::from_secs(6));
    assert_eq!(world.state("authority", &job).0, "releasing");
    db.execute_batch("DROP TRIGGER full").unwrap();
    world.wait("authority", &job, &["done"], LONG);
    assert!(world.yu("bank", &["job", "result", &job]).ok("result")["document"].is_string());
    logs_verify(&world, &ORGS.map(|(org, _)| org));
}
