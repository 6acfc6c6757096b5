//! What a person does with four terminals and the README.

use super::support::{Plan, World, path};
use std::time::Duration;

#[test]
fn a_job_from_the_first_command_to_the_verified_logs() {
    let world = World::ready(&Plan::default());
    let file = world.file("job.toml");
    std::fs::write(&file, world.job_joined()).unwrap();
    let checked = world.yu("bank", &["job", "check", path(&file)]).ok("check");
    assert_eq!(checked["ok"], true, "{checked}");
    let explained = world.yu("bank", &["job", "explain", path(&file)]).ok("explain");
    assert!(explained["say"].as_array().unwrap().len() > 10);
    world.yu("bank", &["job", "estimate", path(&file)]).ok("estimate");
    world.yu("health", &["doctor", "--peer", "yu://dev/bank/n1"]).ok("doctor");

    let job = world.submit_and_sign(&world.job_joined());
    world.wait("authority", &job, &["held"], Duration::from_secs(120));
    // nothing is released before the decision
    assert_eq!(world.yu("bank", &["job", "result", &job]).fault(), Some("not-found"));
    let shown = world.yu("authority", &["review", "show", &job]).ok("show");
    assert_eq!(shown["passed"], true, "{shown}");
    let result = world.complete(&job);
    assert!(result["result"]["count"].as_str().unwrap().parse::<u64>().unwrap() > 150);

    let folder = world.file("result");
    world.yu("bank", &["job", "result", &job, "--out", path(&folder)]).ok("result --out");
    world.yu("bank", &["result", "verify", path(&folder)]).ok("verify");
    let document = folder.join("result.json");
    let mut bytes = std::fs::read(&document).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&document, bytes).unwrap();
    assert_eq!(world.yu("bank", &["result", "verify", path(&folder)]).status, 10);
    // nobody else has it
    for org in ["health", "platform", "authority"] {
        assert_eq!(world.yu(org, &["job", "result", &job]).fault(), Some("not-found"), "{org}");
    }
    world.yu("bank", &["job", "why", &job]).ok("why");
    for org in ["health", "bank", "platform", "authority"] {
        world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
    }
    let dirs: Vec<_> = ["health", "bank", "platform", "authority"].map(|o| world.dir(o)).to_vec();
    let mut args = vec!["audit", "verify"];
    args.extend(dirs.iter().map(|d| path(d)));
    let report = world.yu("bank", &args).ok("audit verify");
    assert_eq!(report["ok"], true);
    world.yu("bank", &["audit", "show", "--job", &job]).ok("audit show");
    world.yu("health", &["destroy", "--dataset", "visits"]).ok("destroy");
    let toml = world.job_joined();
    let gone = world.submit(&toml);
    assert_ne!(gone.status, 0, "{}", gone.all);
}
