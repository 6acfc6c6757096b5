//! Jobs inside a simulated environment (REQUIREMENTS D4): the same answer as on shares, and what is refused. Simulated, since the
//! machines of tests have no hardware; everything else is the real thing.

use super::rig::{expect, expect_failed, logs_verify, nothing_released};
use super::support::{Plan, World, path};
use serde_json::{Value, json};
use yu_governance::policy::DEFAULT_POLICY;

const PERMIT: &str = "\n@id(\"test-simulated\")\npermit (principal is Yu::Party, action == Yu::Action::\"compute\", resource is Yu::Dataset)\n\
    when { context.technique == \"enclave\" && context.simulated };\n";

/// Lets every node take part with a simulated worker.
fn permit(world: &World) {
    for org in ["health", "bank", "platform", "authority"] {
        std::fs::write(world.dir(org).join("policy.cedar"), format!("{DEFAULT_POLICY}{PERMIT}")).unwrap();
    }
}

/// The platform's simulator: root and measurement.
fn worker(world: &World, more: &[&str]) -> (String, String) {
    let args = [&["enclave", "init", "--danger-simulated"], more].concat();
    let told = world.yu("platform", &args).ok("enclave init");
    let part = |key: &str| told[key].as_str().unwrap().to_owned();
    (part("root"), part("measurement"))
}

fn job(world: &World, root: &str, measurement: &str) -> String {
    let policy = json!({ "name": "worker of the test", "root": root, "measurements": [measurement] });
    std::fs::write(world.file("attestation.json"), policy.to_string()).unwrap();
    let enclave = "\n[enclave]\npolicy = \"attestation.json\"\ndanger_simulated = true\n";
    format!("technique = \"enclave\"\n{}{enclave}", world.job_joined())
}

fn close(a: &Value, b: &Value, place: &str) {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{place}: {a} and {b}"),
        _ => assert_eq!(a, b, "{place}"),
    }
}

#[test]
fn d4_the_answer_is_that_of_the_computation_on_shares() {
    let world = World::ready(&Plan { rows: 1500, ..Plan::default() });
    permit(&world);
    let on_shares = world.complete(&world.submit_and_sign(&world.job_joined()));
    let (root, measurement) = worker(&world, &[]);
    let toml = job(&world, &root, &measurement);
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]);
    assert!(explained.all.contains("SIMULATED") && explained.all.contains("模拟"), "{}", explained.all);
    let id = world.submit_and_sign(&toml);
    let inside = world.complete(&id);
    let (a, b) = (&on_shares["result"], &inside["result"]);
    assert_eq!(a["count"], b["count"]);
    for (i, (x, y)) in a["columns"].as_array().unwrap().iter().zip(b["columns"].as_array().unwrap()).enumerate() {
        assert_eq!((&x["name"], &x["party"]), (&y["name"], &y["party"]));
        close(&x["mean"], &y["mean"], &format!("mean {i}"));
        close(&x["sd"], &y["sd"], &format!("sd {i}"));
        for (j, r) in a["correlation"][i].as_array().unwrap().iter().enumerate() {
            close(r, &b["correlation"][i][j], &format!("correlation {i} {j}"));
        }
    }
    for (x, y) in a["groups"].as_array().unwrap().iter().zip(b["groups"].as_array().unwrap()) {
        assert_eq!((&x["label"], &x["count"]), (&y["label"], &y["count"]));
        x["means"].as_array().unwrap().iter().zip(y["means"].as_array().unwrap()).for_each(|(p, q)| close(p, q, "group"));
    }
    for org in ["health", "bank"] {
        let story = world.yu(org, &["audit", "show", "--job", &id]).all;
        for verb in ["evidence.judged", "key.released"] {
            assert!(story.contains(verb), "{org} has no `{verb}`: {story}");
        }
        let verdicts = world.yu(org, &["attest", "show"]).ok("attest show");
        let verdict = verdicts["verdicts"][0]["verdict"].as_str().unwrap().to_owned();
        assert_eq!(verdicts["verdicts"][0]["kind"], "simulated");
        assert!(story.contains(&verdict), "the log does not name {verdict}");
        let bare = verdict.trim_start_matches("sha-256:");
        assert_eq!(world.yu(org, &["attest", "replay", bare]).ok("replay")["same"], true);
        // evidence that was changed on disk is found
        let stored = std::fs::read_dir(world.dir(org).join("attest/evidence")).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(&stored).unwrap();
        std::fs::write(&stored, text.replacen("\"body\":\"e", "\"body\":\"f", 1)).unwrap();
        assert_ne!(world.yu(org, &["attest", "replay", bare]).status, 0);
        std::fs::write(&stored, text).unwrap();
    }
    logs_verify(&world, &["health", "bank", "platform", "authority"]);
}

#[test]
fn a_worker_of_other_code_or_under_a_debugger_gets_no_key() {
    let world = World::ready(&Plan::default());
    permit(&world);
    let (root, measurement) = worker(&world, &[]);
    let wrong = "00".repeat(32);
    let id = world.submit_and_sign(&job(&world, &root, &wrong));
    expect_failed(&world, &["health", "bank", "platform"], &id, "attest.refused", &[]);
    let why = world.yu("health", &["job", "why", &id]).all + &world.yu("bank", &["job", "why", &id]).all;
    assert!(why.contains("worker-code"), "{why}");
    nothing_released(&world, &id);
    worker(&world, &["--danger-debug"]);
    let id = world.submit_and_sign(&job(&world, &root, &measurement));
    expect_failed(&world, &["health", "bank", "platform"], &id, "attest.refused", &[]);
    let why = world.yu("health", &["job", "why", &id]).all + &world.yu("bank", &["job", "why", &id]).all;
    assert!(why.contains("no-debug"), "{why}");
    nothing_released(&world, &id);
    let story = world.yu("health", &["audit", "show"]).all + &world.yu("bank", &["audit", "show"]).all;
    assert!(story.contains("key.withheld") && !story.contains("key.released"), "{story}");
}

#[test]
fn the_default_policy_permits_no_simulated_worker() {
    let world = World::ready(&Plan::default());
    let (root, measurement) = worker(&world, &[]);
    let submitted = world.submit(&job(&world, &root, &measurement));
    assert!(submitted.all.contains("policy.not-permitted"), "{}", submitted.all);
}

#[test]
fn what_the_job_file_must_say() {
    let world = World::ready(&Plan::default());
    permit(&world);
    let (root, measurement) = worker(&world, &[]);
    let good = job(&world, &root, &measurement);
    for (from, to, name) in [
        ("danger_simulated = true\n", "", "enclave.bundle"),
        ("policy = \"attestation.json\"\n", "", "enclave.policy"),
        ("technique = \"enclave\"\n", "", "enclave"),
        ("[enclave]\n", "[enclave]\nmodule = \"mean\"\n", "enclave.module"),
    ] {
        expect(&world.submit(&good.replacen(from, to, 1)), "input.bad", &[name]);
    }
    // a policy of hardware that names no code, or admits any
    let bundle = format!("bundle = \"sha-256:{}\"\n", "00".repeat(32));
    let hardware = good.replacen("danger_simulated = true\n", &bundle, 1);
    for (any, code, name) in [("", "input.bad", "policy.no-measurement"), (",\"any-code\":true", "contract.rule", "any-code")] {
        let policy = format!("{{\"name\":\"x\",\"profile\":\"standard\",\"kinds\":[\"tdx\"]{any}}}");
        std::fs::write(world.file("attestation.json"), policy).unwrap();
        expect(&world.submit(&hardware), code, &[name]);
    }
}
