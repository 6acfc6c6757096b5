//! A node is killed at a random instant of a job's life. The others finish, or end by name in time; the killed node
//! starts again with a log that verifies; nothing was released that the review had not approved; the job runs again.

use super::rig::{Dice, LONG, logs_verify};
use super::support::{ORGS, Plan, World};
use serde_json::Value;
use std::time::{Duration, Instant};

const LIMIT: u64 = 6;
/// Of the issue: a node names what failed this long after the configured limit at the latest.
const GRACE: Duration = Duration::from_secs(15);
/// Kills of each world; with the reruns below the 20 runs a day that the floors allow for one pair of inputs.
const KILLS: u32 = 11;
/// A job is run to its end after this many kills.
const RERUN: u32 = 5;

/// States in which nothing happens any more.
const FINAL: [&str; 4] = ["done", "failed", "refused", "rejected"];

/// The state and fault of every job of a node; nothing while it does not answer.
fn jobs(world: &World, org: &str) -> Option<Vec<(String, String, Value)>> {
    let said = world.yu(org, &["job", "list"]);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    (said.status == 0)
        .then(|| said.json["jobs"].as_array().unwrap().iter().map(|j| (text(&j["job"]), text(&j["state"]), j["fault"].clone())).collect())
}

/// Approves whatever waits at the authority; true when the review approved something.
fn review(world: &World, approved: &mut Vec<String>) {
    for (job, state, _) in jobs(world, "authority").unwrap_or_default() {
        if state == "held" {
            // it may be killed before it answers: from then on an approval is possible
            approved.push(job.clone());
            world.yu("authority", &["review", "approve", &job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]);
        }
    }
}

/// Waits until the jobs at these nodes are over; results at the review are approved meanwhile.
fn settle(world: &World, orgs: &[&str], at_rest: &[&str], approved: &mut Vec<String>, limit: Duration, run: &str) {
    let end = Instant::now() + limit;
    loop {
        review(world, approved);
        let open: Vec<String> = orgs
            .iter()
            .flat_map(|org| match jobs(world, org) {
                None => vec![format!("{org} does not answer")],
                Some(all) => all
                    .into_iter()
                    .filter(|(_, s, _)| !FINAL.contains(&s.as_str()) && !at_rest.contains(&s.as_str()))
                    .map(|(j, s, _)| format!("{org}: {} is {s}", &j[..8]))
                    .collect(),
            })
            .collect();
        if open.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "{run}: after {limit:?} {open:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn runs(carrier: &'static str, seed: u64) {
    let toml = vec![("auto_sign = false", "auto_sign = true"), ("runs_per_day = 10", "runs_per_day = 20")];
    let mut world = World::ready(&Plan { rows: 400, carrier, resume_limit_s: LIMIT, node_toml: toml, ..Plan::default() });
    let mut approved = Vec::new();
    let everybody = ORGS.map(|(org, _)| org);

    let start = Instant::now();
    let first = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.complete(&first);
    approved.push(first);
    let life = start.elapsed();

    let mut dice = Dice(seed);
    for run in 0..KILLS {
        let victim = everybody[usize::try_from(dice.roll(4)).unwrap()];
        let after = life.mul_f64(dice.roll(1000) as f64 / 1000.0);
        let at_once = dice.roll(2) == 0;
        let name = format!(
            "{carrier} seed {seed} run {run}: {victim} killed after {after:?} of {life:?}, restarted {}",
            if at_once { "at once" } else { "later" }
        );
        println!("{name}");
        let pid = world.pid(victim).to_string();
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(after.saturating_sub(begin.elapsed()));
                assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            });
            // may fail when the bank is killed, or when it asks the one that is
            world.submit(&world.job());
            while begin.elapsed() < after {
                review(&world, &mut approved);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        world.kill(victim);
        if !at_once {
            let others: Vec<&str> = everybody.into_iter().filter(|o| *o != victim).collect();
            // a result that is held waits for the authority and for every party's word that the job still stands, and what was
            // released waits for its receiver, as long as it takes
            let rest: &[&str] = match victim {
                "authority" => &["held"],
                _ => &["held", "releasing"],
            };
            settle(&world, &others, rest, &mut approved, Duration::from_secs(LIMIT) + GRACE, &name);
        }
        world.up(victim);
        settle(&world, &everybody, &[], &mut approved, LONG, &name);
        logs_verify(&world, &[victim]);
        outcome(&world, &approved, &name);
        if run % RERUN == RERUN - 1 {
            let job = world.submit(&world.job()).ok(&name)["job"].as_str().unwrap().to_owned();
            let (state, _) = world.wait("authority", &job, &["held", "failed"], LONG);
            assert_eq!(state, "held", "{name}: {:?}", ORGS.map(|(org, _)| super::rig::fault_of(&world, org, &job)));
            world.complete(&job);
            approved.push(job);
        }
    }
    for org in everybody {
        world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
    }
    logs_verify(&world, &everybody);
}

/// Every job ended by a name or with a result that the review approved.
fn outcome(world: &World, approved: &[String], run: &str) {
    let of: Vec<Vec<(String, String, Value)>> = ORGS.iter().map(|(org, _)| jobs(world, org).unwrap()).collect();
    let state = |org: usize, job: &str| of[org].iter().find(|(j, _, _)| j == job).map(|(_, s, _)| s.clone());
    for (job, state_here, fault) in of.iter().flatten() {
        if state_here == "failed" {
            let code = fault["code"].as_str().unwrap_or_default();
            let named = ["node.restarted", "peer.restarted", "peer.lost", "peer.failed", "network.unreachable", "network.failed"];
            assert!(named.contains(&code), "{run}: {fault}");
            assert!(fault["party"].is_string(), "{run}: {fault} names nobody");
        }
        let has = world.yu("bank", &["job", "result", job]).status == 0;
        assert!(!has || approved.contains(job), "{run}: {job} was released without the review");
        if state(0, job).as_deref() == Some("done") {
            assert!(has, "{run}: {job} is done, and its receiver has nothing");
        }
    }
}

#[test]
fn nodes_killed_over_quic() {
    runs("quic", 20_260_101);
}

#[test]
fn nodes_killed_over_tcp() {
    runs("tcp", 20_260_102);
}

#[test]
fn nodes_killed_over_either() {
    runs("auto", 20_260_103);
}
