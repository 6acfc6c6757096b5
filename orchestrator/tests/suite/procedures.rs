//! Procedures on nodes: a profile comes into force by two signatures, an authorisation by its steps, and what is suspended or ended stops (D16, A9, A4, C5, L3).

use super::rig::{LONG, expect, fault_of};
use super::support::{Plan, World, path};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) const A: &str = "dev/authority/a-1";

/// The four nodes, the regulator's, and one of the government, who all know whom they have to.
pub(crate) fn town() -> World {
    town_at(BTreeMap::new())
}

/// The same, with nodes at known addresses.
pub(crate) fn town_at(listen: BTreeMap<&'static str, SocketAddr>) -> World {
    let node_toml = vec![("zone = \"inside\"", "zone = \"inside\"\nregulator = \"yu://dev/watch/n1\"")];
    let mut world = World::ready(&Plan { rows: 400, node_toml, listen, ..Plan::default() });
    for (org, role) in [("watch", "regulator"), ("government", "organ")] {
        world.join(org, role, "yu://dev/watch/n1");
    }
    for (a, b) in [("authority", "watch"), ("authority", "government"), ("watch", "government")] {
        world.invite(a, b).ok("accept");
    }
    for org in ["health", "bank", "platform"] {
        world.invite("watch", org).ok("accept");
    }
    ALL.iter().for_each(|org| drop(world.yu(org, &["procedure", "sync"]).ok("sync")));
    world
}

pub(crate) const ALL: [&str; 6] = ["authority", "health", "bank", "platform", "watch", "government"];

/// Waits until a node knows an object in a state.
pub(crate) fn until(world: &World, org: &str, object: &str, state: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let said = world.yu(org, &["procedure", "list"]);
        let empty = Vec::new();
        let found = said.json["objects"].as_array().unwrap_or(&empty).iter().any(|o| o["object"] == object && o["state"] == state);
        if found || (object.is_empty() && said.status == 0) {
            return;
        }
        if Instant::now() >= end {
            let log = |org: &str| std::fs::read_to_string(world.dir(org).join("node.log")).unwrap_or_default();
            panic!("{org}: `{object}` is not {state}: {}\n{}\n{}", said.all, log(org), log("authority"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn step(world: &World, org: &str, machine: &str, object: &str, event: &str) -> super::support::Said {
    world.yu(org, &["procedure", "step", machine, object, event])
}

/// The person of a node signs what waits there, by its hash.
pub(crate) fn sign(world: &World, org: &str, object: &str, event: &str) {
    let end = Instant::now() + LONG;
    let hash = loop {
        let said = world.yu(org, &["procedure", "list"]);
        let fits = |step: &&Value| step["step"]["object"] == object && step["step"]["event"]["event"] == event;
        if let Some(step) = said.json["waiting"].as_array().and_then(|all| all.iter().find(fits)) {
            break step["hash"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < end, "{org} is not asked: {}", said.all);
        std::thread::sleep(Duration::from_millis(100));
    };
    expect(&world.yu(org, &["procedure", "sign", "0123456789abcdef0"]), "not-found", &["0 steps"]);
    world.yu(org, &["procedure", "sign", &hash[..16]]).ok("sign");
}

pub(crate) fn adopt(world: &World) {
    world.yu("authority", &["profile", "adopt", "zhejiang"]).ok("adopt");
    // one signature is not enough anywhere
    expect(&world.yu("bank", &["procedure", "list"]), "not-found", &["no profile"]);
    let end = Instant::now() + LONG;
    let hash = loop {
        if let Some(hash) = world.yu("watch", &["profile", "proposed"]).json["hash"].as_str() {
            break hash.to_owned();
        }
        assert!(Instant::now() < end, "the regulator is not asked");
        std::thread::sleep(Duration::from_millis(100));
    };
    expect(&world.yu("bank", &["profile", "countersign", &hash]), "state.wrong", &["regulator"]);
    // another text than the one that was looked at
    expect(&world.yu("watch", &["profile", "countersign", "0123456789abcdef"]), "contract.altered", &["look at"]);
    world.yu("watch", &["profile", "countersign", &hash[..20]]).ok("countersign");
    ALL.iter().for_each(|org| until(world, org, "", ""));
    ALL.iter().for_each(|org| drop(world.yu(org, &["procedure", "sync"]).ok("sync")));
    let file = world.file("appointments.toml");
    let appointed =
        [("licensee", "bank"), ("provider", "health"), ("platform", "platform"), ("government", "government"), ("province", "government")];
    let toml: String =
        appointed.iter().map(|(role, org)| format!("[[appointed]]\nrole = \"{role}\"\nparty = \"yu://dev/{org}/n1\"\n")).collect();
    std::fs::write(&file, &toml).unwrap();
    world.yu("authority", &["procedure", "appoint", path(&file)]).ok("appoint");
    std::fs::write(&file, toml.replace("\"province\"", "\"regulator\"")).unwrap();
    expect(&world.yu("authority", &["procedure", "appoint", path(&file)]), "contract.rule", &["appointment.role"]);
    // a licensee more, whose steps are its own only
    std::fs::write(&file, format!("{toml}[[appointed]]\nrole = \"licensee\"\nparty = \"yu://dev/platform/n1\"\n")).unwrap();
    world.yu("authority", &["procedure", "appoint", path(&file)]).ok("appoint");
}

/// Every stage of the profile until jobs may run; what is out of turn is refused by name.
pub(crate) fn activate(world: &World) {
    let hash = world.yu("authority", &["authorisation", "list"]).ok("list")["hashes"][A].as_str().unwrap().to_owned();
    let announced = format!("sha-256:{}", "11".repeat(32));
    let announce = format!(
        "event = \"announce\"\nannouncement = \"{announced}\"\nopens = \"2026-01-01T00:00:00Z\"\ncloses = \"2036-01-01T00:00:00Z\""
    );
    step(world, "authority", "authorisation", A, &announce).ok("announce");
    ["bank", "health"].iter().for_each(|org| until(world, org, A, "announced"));
    let documents = "[\"application form\", \"audit report\", \"finance report\", \"security commitment\", \"risk self-assessment\"]";
    let apply = format!(
        "event = \"apply\"\nannouncement = \"{announced}\"\ndocuments = []\n[qualifications]\nadmission = \"2036-01-01T00:00:00Z\"\n\
         security-officer = \"2036-01-01T00:00:00Z\"\nno-incident-3-years = \"2036-01-01T00:00:00Z\"\n"
    );
    expect(&step(world, "health", "authorisation", A, &apply), "input.bad", &["several can sign as licensee"]);
    step(world, "bank", "authorisation", A, &apply).ok("apply");
    until(world, "authority", A, "applied");
    let refused = step(world, "authority", "authorisation", A, "event = \"complete\"");
    expect(&refused, "contract.rule", &["dossier.gaps"]);
    // the one notice names exactly what is missing
    let detail = refused.json["fault"]["detail"].as_str().unwrap();
    let missing: Vec<String> = detail.split("missing: ").nth(1).unwrap().split(", ").map(|name| format!("\"{name}\"")).collect();
    assert_eq!(missing.len(), documents.split(',').count(), "{missing:?}");
    let missing = missing.join(", ");
    step(world, "authority", "authorisation", A, &format!("event = \"notify\"\nmissing = [{missing}]")).ok("notify");
    until(world, "bank", A, "incomplete");
    until(world, "platform", A, "incomplete");
    let others = step(world, "platform", "authorisation", A, "event = \"withdraw\"");
    expect(&others, "state.wrong", &["does not sign", "bank"]);
    step(world, "bank", "authorisation", A, &format!("event = \"supplement\"\ndocuments = [{missing}]")).ok("supplement");
    until(world, "authority", A, "applied");
    step(world, "authority", "authorisation", A, "event = \"complete\"").ok("complete");
    expect(&step(world, "authority", "authorisation", A, "event = \"publish\""), "contract.rule", &["stage.skipped"]);
    let score = |name: &str| format!("[form.{name}]\npoints = 90\nremark = {{ en = \"fine\", zh = \"合格\" }}\n");
    let form: String = ["applicant", "market", "security", "plan"].iter().map(|name| score(name)).collect();
    step(world, "authority", "authorisation", A, &format!("event = \"review\"\n{form}")).ok("review");
    until(world, "government", A, "reviewed");
    step(world, "government", "authorisation", A, "event = \"decide\"").ok("decide");
    until(world, "authority", A, "decided");
    step(world, "authority", "authorisation", A, "event = \"publish\"").ok("publish");
    let filed = step(world, "authority", "authorisation", A, &format!("event = \"file\"\nreceipt = \"{announced}\"")).ok("file");
    assert_eq!(filed["to"], "filed");
    let term = "not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"";
    // two signatures: the bank's person is asked
    let agreed = step(world, "authority", "authorisation", A, &format!("event = \"agree\"\nagreement = \"{hash}\"\n{term}"));
    assert!(agreed.all.contains("waits for yu://dev/bank/n1"), "{}", agreed.all);
    sign(world, "bank", A, "agree");
    until(world, "authority", A, "signed");
    step(world, "authority", "authorisation", A, &format!("event = \"stamp\"\nagreement = \"{hash}\"")).ok("stamp");
    expect(&step(world, "authority", "authorisation", A, "event = \"activate\""), "plan.missing", &["plan-missing"]);
    step(world, "authority", "authorisation", A, &format!("event = \"plan-in\"\nplan = \"{announced}\"")).ok("plan");
    step(world, "authority", "authorisation", A, "event = \"activate\"").ok("activate");
    ALL.iter().for_each(|org| until(world, org, A, "active"));
}

/// A job is refused, with these words at whoever says so.
pub(crate) fn refused(world: &World, words: &[&str]) {
    let said = world.submit(&world.job());
    let all = match said.json["job"].as_str() {
        None => said.all,
        Some(job) => {
            world.wait("bank", job, &["failed", "refused"], LONG);
            fault_of(world, "bank", job).to_string()
        }
    };
    assert!(words.iter().all(|word| all.contains(word)), "{words:?}: {all}");
}

#[test]
fn d16_a8_a9_a10_a24_c5_l3_jobs_follow_the_procedures() {
    let mut world = town();
    let first = world.submit_and_sign(&world.job());
    world.complete(&first);
    adopt(&world);
    refused(&world, &["authorisation.missing", "no procedure"]);
    activate(&world);
    let second = world.submit_and_sign(&world.job());
    world.wait("authority", &second, &["held"], LONG);

    // who is suspended stops at once, also what only waits for its review
    step(&world, "authority", "suspension", "bank", "event = \"open\"").ok("open");
    let reason = "reason = { en = \"late report\", zh = \"报告逾期\" }";
    expect(&step(&world, "bank", "suspension", "bank", &format!("event = \"suspend\"\n{reason}")), "state.wrong", &["does not sign"]);
    step(&world, "authority", "suspension", "bank", &format!("event = \"suspend\"\n{reason}")).ok("suspend");
    for org in ["authority", "health", "bank", "platform"] {
        let (state, code) = world.wait(org, &second, &["failed"], LONG);
        assert_eq!((state.as_str(), code.as_deref()), ("failed", Some("policy.refused")), "{org}");
    }
    assert_ne!(world.yu("bank", &["job", "result", &second]).status, 0);
    refused(&world, &["procedure.suspension", "suspended"]);
    let order = "event = \"order\"\nwhat = { en = \"report\", zh = \"补报\" }\nuntil = \"2036-01-01T00:00:00Z\"";
    step(&world, "authority", "suspension", "bank", order).ok("order");
    expect(&step(&world, "authority", "suspension", "bank", "event = \"reopen\""), "contract.rule", &["correction.not-reported"]);
    until(&world, "bank", "bank", "correcting");
    step(&world, "bank", "suspension", "bank", "event = \"report\"").ok("report");
    until(&world, "authority", "bank", "reported");
    step(&world, "authority", "suspension", "bank", "event = \"reopen\"").ok("reopen");
    ["health", "bank", "platform"].iter().for_each(|org| until(&world, org, "bank", "open"));

    // a node that was away learns what it missed; the authority's chain survives its crash
    world.kill("health");
    world.kill("authority");
    world.up("authority");
    step(&world, "authority", "suspension", "platform", "event = \"open\"").ok("open");
    step(&world, "authority", "suspension", "platform", &format!("event = \"suspend\"\n{reason}")).ok("suspend");
    world.up("health");
    until(&world, "health", "platform", "suspended");
    step(&world, "authority", "suspension", "platform", "event = \"reopen\"").ok("reopen");
    ["health", "bank", "platform"].iter().for_each(|org| until(&world, org, "platform", "open"));
    let third = world.submit_and_sign(&world.job());
    world.complete(&third);

    // who held a role and does not any more has signed what it signed: chains are read by what was in force
    let file = world.file("appointments.toml");
    let fewer: String = std::fs::read_to_string(&file)
        .unwrap()
        .split("[[appointed]]\n")
        .filter(|one| !one.contains("platform"))
        .collect::<Vec<_>>()
        .join("[[appointed]]\n");
    std::fs::write(
        &file,
        fewer.replace("role = \"government\"\nparty = \"yu://dev/government/n1\"", "role = \"government\"\nparty = \"yu://dev/watch/n1\""),
    )
    .unwrap();
    world.yu("authority", &["procedure", "appoint", path(&file)]).ok("appoint");
    ALL.iter().for_each(|org| until(&world, org, A, "active"));
    let fourth = world.submit_and_sign(&world.job());
    world.complete(&fourth);

    // the end is the end
    let asked = step(&world, "authority", "authorisation", A, "event = \"terminate\"\ncause = \"at-request\"");
    assert!(asked.all.contains("waits for yu://dev/bank/n1"), "{}", asked.all);
    sign(&world, "bank", A, "terminate");
    ["health", "bank", "platform"].iter().for_each(|org| until(&world, org, A, "terminated"));
    refused(&world, &["procedure.authorisation", "terminated"]);
    expect(&step(&world, "authority", "authorisation", A, "event = \"activate\""), "contract.rule", &["no-arrow"]);
    let shown = world.yu("watch", &["procedure", "show", "authorisation", A]).all;
    assert!(shown.contains("terminate: active -> terminated") && shown.contains("government"), "{shown}");
    for org in ALL {
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
}

/// The store of a node is changed by its administrator: the chain does not hold any more, and no job runs on it (S1).
#[test]
fn s1_a_chain_that_was_changed_in_the_store_is_found() {
    let mut world = town();
    adopt(&world);
    activate(&world);
    world.kill("health");
    let db = rusqlite::Connection::open(world.dir("health").join("store/yu.sqlite")).unwrap();
    let json: String =
        db.query_row("SELECT json FROM object WHERE kind='arrow-authorisation' ORDER BY id DESC LIMIT 1", [], |r| r.get(0)).unwrap();
    let mut step: Value = serde_json::from_str(&json).unwrap();
    step["arrow"]["payload"]["at"] = Value::from("2026-01-02T00:00:00Z");
    db.execute("UPDATE object SET json=?1 WHERE kind='arrow-authorisation' AND json=?2", [&step.to_string(), &json]).unwrap();
    drop(db);
    world.up("health");
    expect(&world.yu("health", &["procedure", "list"]), "storage.damaged", &[A]);
    refused(&world, &["storage.damaged"]);
}
