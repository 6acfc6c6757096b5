//! A job that is signed once for many runs over new data, within the quotas of its authorisation (A5, A19).

use super::rig::{LONG, expect};
use super::support::{Plan, World};

fn town() -> World {
    let world = World::start(&Plan::default());
    world.introduce();
    world.residents(400);
    world.add_datasets();
    let limited = world.authorisation().replace("\"outpatient_cost\"]\n", "\"outpatient_cost\"]\nquota = { uses = 3, rows = 100000 }\n");
    world.authorise(&limited);
    world.request_and_approve();
    world
}

/// Runs without anybody being asked, to its result.
fn runs(world: &World) -> String {
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.complete(&job);
    job
}

#[test]
fn a19_a5_a_standing_approval_covers_new_data_and_nothing_else() {
    let world = town();
    let first = world.submit_and_sign(&world.job());
    world.complete(&first);
    let parties = ["health", "platform", "authority"];
    let approve = |org: &str, runs: &str, until: &str| world.yu(org, &["standing", "approve", &first, "--runs", runs, "--until", until]);
    expect(&approve("health", "0", "2036-01-01T00:00:00Z"), "contract.rule", &["standing.malformed"]);
    expect(&approve("health", "2", "2020-01-01T00:00:00Z"), "contract.rule", &["standing.malformed"]);
    for org in parties {
        approve(org, "2", "2036-01-01T00:00:00Z").ok("standing");
    }
    // another question waits for its persons, and costs nothing when they refuse
    let other = world.submit(&world.job().replace("\"age\", ", "")).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("health", &other, &["proposed"], LONG);
    world.yu("health", &["job", "refuse", &other, "--reason", "not what was agreed"]).ok("refuse");
    world.wait("bank", &other, &["failed"], LONG);

    let second = runs(&world);
    assert_ne!(first, second);
    // next month's file, with fewer rows
    let file = world.file("health.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    let fewer: Vec<&str> = text.lines().take(text.lines().count() - 7).collect();
    std::fs::write(&file, fewer.join("\n") + "\n").unwrap();
    world.add_datasets_of_health("visits");
    let third = runs(&world);
    let watched = world.yu("health", &["job", "watch", &third]).all;
    assert!(watched.contains("standing-approval"), "{watched}");

    // both bounds are reached now: the authorisation's three uses, and the two runs
    for org in ["health", "bank", "platform", "authority"] {
        let json = world.yu(org, &["authorisation", "usage", "a-1"]).ok("usage");
        assert_eq!(json["used"]["dev/health/visits"]["used"]["uses"], "3", "{org}: {json}");
        assert!(json["unused_columns"].as_object().unwrap().is_empty(), "{org}: {json}");
    }
    expect(&world.submit(&world.job()), "contract.rule", &["quota.exhausted", "uses of `dev/health/visits`"]);
    let listed = world.yu("health", &["standing", "list"]).ok("list");
    assert_eq!(listed["approvals"][0]["left"], 0, "{listed}");
    let id = listed["approvals"][0]["approval"].as_str().unwrap().to_owned();
    expect(&world.yu("health", &["standing", "revoke", "77", "--reason", "over"]), "not-found", &["0 standing approvals"]);
    world.yu("health", &["standing", "revoke", &id, "--reason", "over"]).ok("revoke");
    assert_eq!(world.yu("health", &["standing", "list"]).ok("list")["approvals"][0]["revoked"], true);
}
