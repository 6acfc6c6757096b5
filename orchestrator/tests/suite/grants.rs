//! Grants on nodes: the laboratory before the application, the tree, the agreement, the public register, the filing, the credit file (A7, A11-A14, A30).

use super::docket::{file, sign_waiting, template, until_filed};
use super::procedures::{A, ALL, activate, adopt, refused, step, town};
use super::rig::{LONG, expect, logs_verify};
use super::support::{World, path};
use std::collections::BTreeSet;
use yu_governance::authorisation::Authorisation;
use yu_governance::clock::Time;
use yu_governance::grant::plan_hash;

const LAB: &str = "dev/authority/lab-1";
const MOST: &str = "18446744073709551615";

fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// A stay that began yesterday, with its authorisation and what was asked for under it.
fn stay(world: &World) {
    let (from, to) = (now().plus_days(-1), now().plus_days(-1).plus_months(6));
    let toml = world.authorisation().replace("id = \"a-1\"", "id = \"lab-1\"");
    let toml = toml.replace("2026-01-01T00:00:00Z", &from.to_string()).replace("2028-01-01T00:00:00Z", &to.to_string());
    world.sign(&toml).ok("sign");
    let known = |org: &str| world.yu(org, &["authorisation", "list"]).all.contains(LAB);
    let end = std::time::Instant::now() + LONG;
    while !["health", "bank", "platform"].into_iter().all(known) {
        assert!(std::time::Instant::now() < end, "the authorisation did not arrive");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for (provider, dataset, columns) in [
        ("health", "dev/health/visits", "resident_id,district,age,visits,outpatient_cost"),
        ("authority", "dev/bank/accounts", "resident_id,income,balance"),
    ] {
        let name = world.name(provider);
        let ask = ["request", "send", "--authorisation", LAB, "--provider", &name, "--dataset", dataset, "--columns", columns];
        let sent = world.yu("bank", &ask).ok("request");
        world.yu(provider, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
    }
    let lab = template(world, "authority", "lab-grant").replace("2026-06-01T00:00:00Z", &from.to_string());
    let late = lab.replace("2026-12-01T00:00:00Z", &to.plus_seconds(1).to_string());
    expect(&file(world, "authority", "lab-grant", &late), "contract.rule", &["lab.term"]);
    let lab = lab.replace("2026-12-01T00:00:00Z", &to.to_string());
    file(world, "authority", "lab-grant", &lab).ok("lab-grant");
    ALL.iter().for_each(|org| until_filed(world, org, "lab-grant", 1));
}

fn leaf(world: &World, id: &str) -> String {
    let known = world.yu("authority", &["authorisation", "list"]).ok("list")["authorisations"].clone();
    let all: Vec<Authorisation> = serde_json::from_value(known).unwrap();
    let authorisation = all.into_iter().find(|known| known.id.as_str() == A).unwrap();
    let plan = plan_hash(authorisation.contingency_plan.as_ref().unwrap()).unwrap();
    let amounts =
        format!("uses = \"{MOST}\"\nrows = \"{MOST}\"\nqueries = \"{MOST}\"\nmicro_rho = \"{MOST}\"\nmicro_epsilon = \"{MOST}\"\n");
    let (mut datasets, mut quota) = (String::new(), String::new());
    for grant in &authorisation.datasets {
        let columns: Vec<String> = grant.columns.iter().map(|column| format!("\"{column}\"")).collect();
        datasets += &format!("\"{}\" = [{}]\n", grant.dataset, columns.join(", "));
        quota += &format!("[scope.quota.\"{}\"]\n{amounts}", grant.dataset);
    }
    format!(
        "v = 1\nid = \"{id}\"\ngrantor = \"yu://dev/authority/n1\"\ngrantee = \"bank\"\n[kind]\nis = \"leaf\"\nscenario = \"{}\"\nplan = \"{plan}\"\n\
         [scope]\npurposes = [\"{}\"]\nnot_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n[scope.datasets]\n{datasets}{quota}",
        authorisation.scenario, authorisation.purpose
    )
}

/// The agreement on the leaf, with all clauses of the template.
fn agreement(world: &World) -> String {
    let clauses = template(world, "authority", "agreement");
    let clauses = clauses.split("[annex]").next().unwrap().replace("dev/authority/a-1", A);
    let leaf = leaf(world, A);
    let scope = leaf.split("[scope]").nth(1).unwrap();
    format!("{clauses}[annex]{}", scope.replace("[scope.", "[annex."))
}

fn register(world: &World, org: &str) -> serde_json::Value {
    world.yu(org, &["report", "register"]).ok("register")
}

#[test]
fn a7_a11_a12_a13_a14_a30_nodes_act_on_grants_and_the_outside_can_check() {
    let world = town();
    adopt(&world);
    // before any application: the laboratory, and nothing but it
    refused(&world, &["authorisation.missing", "no procedure"]);
    stay(&world);
    let tested = world.submit_and_sign(&world.job().replace("authorisation = \"a-1\"", &format!("authorisation = \"{LAB}\"")));
    world.complete(&tested);
    refused(&world, &["authorisation.missing", "no procedure"]);
    expect(&world.yu("bank", &["report", "lab", LAB, "--en", "fine", "--zh", "合格"]), "state.wrong", &["platform"]);
    world.yu("platform", &["report", "lab", LAB, "--en", "fit for the purpose", "--zh", "满足用途"]).ok("lab");
    sign_waiting(&world, "authority", "lab-report");
    until_filed(&world, "bank", "lab-report", 1);
    assert!(world.yu("bank", &["docket", "list", "--kind", "lab-report"]).all.contains("yu://dev/platform/n1"));

    // the public register is what is active, everywhere
    assert_eq!(register(&world, "authority")["feed"], serde_json::json!([]));
    activate(&world);
    assert_eq!(register(&world, "bank")["differs"], serde_json::json!([A]), "the authority has not said it yet");
    let site = world.file("site");
    world.yu("authority", &["report", "register", "--out", path(&site)]).ok("register");
    until_filed(&world, "bank", "register-item", 1);
    let shown = register(&world, "bank");
    assert_eq!(shown["differs"], serde_json::json!([]));
    assert_eq!(shown["register"][A]["active"], true);
    assert!(std::fs::read_to_string(site.join("register.html")).unwrap().contains("公示"));
    assert_eq!(world.yu("bank", &["report", "verify", path(&site)]).ok("verify")["items"], 1);
    let feed = std::fs::read_to_string(site.join("feed.json")).unwrap();
    std::fs::write(site.join("feed.json"), feed.replace("\"active\":true", "\"active\":false")).unwrap();
    assert_ne!(world.yu("bank", &["report", "verify", path(&site)]).status, 0);

    // the tree decides from its first document on
    expect(&file(&world, "bank", "grant", &leaf(&world, "dev/authority/a-9")), "state.wrong", &["authority"]);
    let aside = leaf(&world, "dev/authority/a-9").replace("grantee = \"bank\"", "grantee = \"studio\"");
    file(&world, "authority", "grant", &aside).ok("grant");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "grant", 1));
    refused(&world, &["grant.unknown"]);
    file(&world, "authority", "grant", &leaf(&world, A)).ok("grant");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "grant", 2));
    file(&world, "authority", "agreement", &agreement(&world)).ok("agreement");
    sign_waiting(&world, "bank", "agreement");
    ["authority", "health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "agreement", 1));
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    // what is taken back stops at once, also what only waits for its review
    file(&world, "authority", "grant-revocation", &template(&world, "authority", "grant-revocation").replace("dev/authority/a-1", A))
        .ok("revocation");
    for org in ["authority", "health", "bank", "platform"] {
        let (state, code) = world.wait(org, &job, &["failed"], LONG);
        assert_eq!((state.as_str(), code.as_deref()), ("failed", Some("contract.rule")), "{org}");
    }
    refused(&world, &["grant.stopped"]);

    // bad conduct goes to the credit file, and out of the register
    expect(&world.yu("authority", &["report", "credit", A]), "not-found", &["not terminated"]);
    step(&world, "authority", "authorisation", A, "event = \"terminate\"\ncause = \"breach\"").ok("terminate");
    expect(&world.yu("bank", &["report", "credit", A]), "state.wrong", &["authority"]);
    let record = world.yu("authority", &["report", "credit", A]).ok("credit");
    assert_eq!(record["record"]["payload"]["organisation"], "bank");
    until_filed(&world, "bank", "credit-record", 1);
    assert!(world.yu("bank", &["docket", "list", "--kind", "credit-record"]).all.contains("not for this node"));
    assert_eq!(register(&world, "authority")["register"], serde_json::json!({}));

    filing(&world);
    logs_verify(&world, &["authority", "health", "bank", "platform"]);
}

/// A package that anybody checks without a node, and the province's receipt on it.
fn filing(world: &World) {
    let folder = world.file("package");
    let bare = world.yu("authority", &["report", "filing", A, "--out", path(&folder)]);
    expect(&bare, "contract.rule", &["filing.missing", "minutes", "report"]);
    let (report, minutes) = (world.file("report.txt"), world.file("minutes.txt"));
    std::fs::write(&report, "feasible").unwrap();
    std::fs::write(&minutes, "decided").unwrap();
    let (report, minutes) = (format!("report={}", path(&report)), format!("minutes={}", path(&minutes)));
    let bad = format!("../x={}", path(&folder));
    expect(&world.yu("authority", &["report", "filing", A, "--file", &bad, "--out", path(&folder)]), "input.bad", &["NAME=FILE"]);
    let make = ["report", "filing", A, "--file", &report, "--file", &minutes, "--out", path(&folder)];
    expect(&world.yu("bank", &make), "state.wrong", &["authority"]);
    let made = world.yu("authority", &make).ok("filing");
    let verify = |world: &World| world.yu("bank", &["report", "verify", path(&folder), "--profile", "zhejiang"]);
    verify(world).ok("verify");
    let names: BTreeSet<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        ["agreement", "manifest.json", "minutes", "report", "scenario", "steps"]
    );
    std::fs::write(folder.join("minutes"), "decided otherwise").unwrap();
    assert!(verify(world).all.contains("filing.altered"));
    std::fs::write(folder.join("minutes"), "decided").unwrap();
    std::fs::write(folder.join("letter"), "more").unwrap();
    assert!(verify(world).all.contains("filing.surplus"));
    std::fs::remove_file(folder.join("letter")).unwrap();
    std::fs::remove_file(folder.join("report")).unwrap();
    assert!(verify(world).all.contains("filing.missing"));
    let receipt = template(world, "government", "filing-receipt");
    let receipt = receipt.replace("yu://dev/province/n1", "yu://dev/government/n1").replace("2026-06-01T03:00:00Z", &now().to_string());
    let hash = made["hash"].as_str().unwrap();
    let receipt = receipt.replace(&format!("sha-256:{}", "6".repeat(64)), hash);
    until_filed(world, "government", "filing-package", 1);
    file(world, "government", "filing-receipt", &receipt).ok("receipt");
    until_filed(world, "bank", "filing-receipt", 1);
    assert!(world.yu("bank", &["docket", "status", "--chapter", "register"]).all.contains("received"));
}
