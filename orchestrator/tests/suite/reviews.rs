//! Reviews, refusals, demands and the catalogue on nodes: what nodes file of themselves, what a review keeps from being approved, what comes out and in
//! again (C2, C3, C6, A20, K2, K3, K4, K6, K7, K9, S9).

use super::docket::{file, record_of, sign_waiting, template, until_filed};
use super::procedures::{activate, adopt, refused, town};
use super::rig::{LONG, expect};
use super::support::{World, path};
use std::time::Instant;

fn zeros() -> String {
    format!("sha-256:{}", "0".repeat(64))
}

/// Bank asks health for columns: id and hash.
fn request(world: &World, columns: &str) -> (String, String) {
    let dataset = "dev/health/visits";
    let args =
        ["request", "send", "--authorisation", "a-1", "--provider", "yu://dev/health/n1", "--dataset", dataset, "--columns", columns];
    let id = world.yu("bank", &args).ok("request")["id"].as_str().unwrap().to_owned();
    let all = world.yu("bank", &["request", "list"]).ok("list");
    let one = all["requests"].as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).unwrap();
    (id, one["hash"].as_str().unwrap().to_owned())
}

/// What a chapter says at a node.
fn told(world: &World, org: &str, chapter: &str) -> String {
    world.yu(org, &["docket", "status", "--chapter", chapter]).ok("status").to_string()
}

#[test]
fn k2_k3_k4_k6_k7_k9_s9_the_catalogue_goes_out_and_in_and_reports_are_drawn_up() {
    let world = town();
    adopt(&world);
    activate(&world);
    // an entry that is linked to another file than the node holds gates the job
    file(&world, "health", "catalogue-record", &template(&world, "health", "catalogue-record")).ok("file");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "catalogue-record", 1));
    refused(&world, &["catalogue.other-version"]);
    // out as DCAT, in again with the version that the node holds
    let out = world.file("catalogue.jsonld");
    world.yu("authority", &["catalogue", "export", path(&out)]).ok("export");
    let first = world.yu("bank", &["catalogue", "changes"]).ok("changes");
    assert_eq!(first["delta"]["to"], "1");
    let text = std::fs::read_to_string(&out).unwrap();
    let said = world.yu("health", &["catalogue", "import", path(&out)]).ok("import");
    assert!(said["say"].to_string().contains("unchanged"), "{said}");
    let version = world.yu("health", &["dataset", "list"]).ok("list")["entries"][0]["version"].as_str().unwrap().to_owned();
    std::fs::write(&out, text.replace(&zeros(), &version)).unwrap();
    let said = world.yu("bank", &["catalogue", "import", path(&out)]).ok("import");
    assert!(said["say"].to_string().contains("another provider"), "{said}");
    world.yu("health", &["catalogue", "import", path(&out)]).ok("import");
    std::fs::write(&out, text.replace("\"yu:", "\"yo:")).unwrap();
    expect(&world.yu("health", &["catalogue", "import", path(&out)]), "contract.rule", &["dcat.field"]);
    ["health", "bank", "platform", "authority"].iter().for_each(|org| until_filed(&world, org, "catalogue-record", 2));
    let said = world.yu("bank", &["catalogue", "diff", "dev/health/visits", "1", "2"]).ok("diff");
    assert!(said["say"].to_string().contains("content of the file changed"), "{said}");
    let head = first["delta"]["head"].as_str().unwrap();
    let later = world.yu("bank", &["catalogue", "changes", "--since", "1", "--head", head]).ok("changes");
    assert_eq!(later["delta"]["changes"].as_array().unwrap().len(), 1);
    expect(&world.yu("bank", &["catalogue", "changes", "--since", "1", "--head", &zeros()]), "contract.altered", &["chain"]);
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    // the four metrics, by the provider alone
    let demand = template(&world, "bank", "demand").replace("2026-06-02T02:00:00Z", "2026-06-02T03:00:00Z");
    file(&world, "bank", "demand", &demand).ok("file");
    until_filed(&world, "health", "demand", 1);
    expect(&world.yu("bank", &["catalogue", "profile", "dev/health/visits"]), "state.wrong", &["health"]);
    let said = world.yu("health", &["catalogue", "profile", "visits", "--file"]).ok("profile");
    assert_eq!(said["metrics"]["relevance"]["whole"], "2", "{said}");
    assert_eq!(said["metrics"]["completeness"]["part"], said["metrics"]["completeness"]["whole"]);
    until_filed(&world, "authority", "catalogue-record", 3);
    // what nobody offers
    until_filed(&world, "platform", "demand", 1);
    until_filed(&world, "platform", "catalogue-record", 3);
    expect(&world.yu("bank", &["catalogue", "gaps", "--file"]), "contract.rule", &["demand.operator"]);
    let said = world.yu("platform", &["catalogue", "gaps", "--file"]).ok("gaps");
    assert!(said["say"].to_string().contains("has no item `cost`"), "{said}");
    until_filed(&world, "authority", "demand-report", 1);
    // made of the entry alone, on a node that has no row of it
    let made = world.file("simulated.csv");
    let args = ["catalogue", "simulate", "dev/health/visits", "--rows", "200", "--out", path(&made)];
    let said = world.yu("bank", &args).ok("simulate");
    assert_eq!(said["report"]["rows_read"], "0");
    let rows = std::fs::read_to_string(&made).unwrap();
    assert_eq!(rows.lines().count(), 201);
    let real = std::fs::read_to_string(world.file("health.csv")).unwrap();
    let ids: Vec<&str> = real.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(ids.iter().all(|id| !rows.contains(id)), "a resident came out");
    expect(&world.yu("bank", &[&args[..], &["--file"]].concat()), "state.wrong", &["health"]);
    // the authority's report on departments
    expect(&world.yu("platform", &["catalogue", "report", "--file"]), "state.wrong", &["authority"]);
    let table = world.file("league");
    let said = world.yu("authority", &["catalogue", "report", "--out", path(&table), "--file"]).ok("report");
    assert_eq!(said["report"]["lines"][0]["organisation"], "health");
    assert_eq!(said["report"]["lines"][0]["worst"].as_array().unwrap().len(), 4);
    assert!(std::fs::read_to_string(world.file("league-zh.csv")).unwrap().starts_with("数源部门"));
    until_filed(&world, "health", "department-report", 1);
    for org in ["authority", "health", "bank", "platform"] {
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
}

#[test]
fn c2_c3_c6_a20_a29_a_request_under_review_is_approved_after_its_reviewers_and_a_refusal_is_reported() {
    let world = town();
    adopt(&world);
    file(&world, "health", "catalogue-record", &record_of(&world)).ok("file");
    ["health", "bank", "authority"].iter().for_each(|org| until_filed(&world, org, "catalogue-record", 1));
    let (id, hash) = request(&world, "visits");
    let review = template(&world, "bank", "review-application")
        .lines()
        .filter(|line| !line.starts_with("check = "))
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .replace("dev/bank/r-1", &id)
        .replace(&zeros(), &hash)
        .replace("[\"resident_id\", \"visits\"]", "[\"visits\"]");
    let reviewed = file(&world, "bank", "review-application", &review).ok("file")["hash"].as_str().unwrap().to_owned();
    // both reviewers' nodes prove delivery without anybody's doing
    ["authority", "health", "platform", "bank"].iter().for_each(|org| until_filed(&world, org, "review-record", 2));
    expect(&world.yu("health", &["request", "approve", &id]), "contract.rule", &["review.open", "yu://dev/platform/n1"]);
    let decide = |org: &str, verdict: &str, reasons: &str| {
        let record = template(&world, org, "review-record")
            .replace(&zeros(), &format!("sha-256:{reviewed}"))
            .replace("yu://dev/health/n1", &format!("yu://dev/{org}/n1"))
            .replace("\"refused\"", &format!("\"{verdict}\""))
            .replace("[\"the scenario needs fewer columns\"]", reasons);
        file(&world, org, "review-record", &record.replace("2026-06-03", "2026-06-04"))
    };
    expect(&decide("health", "refused", "[]"), "contract.rule", &["review.reason-missing"]);
    // the dossier is read under a pass for this review, each copy with its mark, and not after the decision (A29)
    let paper = world.file("plan.txt");
    std::fs::write(&paper, "how the data are protected").unwrap();
    let document = world.yu("authority", &["dossier", "add", path(&paper)]).ok("add")["document"].as_str().unwrap().to_owned();
    let application = format!("sha-256:{reviewed}");
    let copies = world.file("copies");
    let args = ["dossier", "read", &application, &document, "--office", "yu://dev/authority/n1", "--out", path(&copies)];
    expect(&world.yu("health", &args), "contract.rule", &["reading.unfiled"]);
    let about = |kind: &str| {
        let text = template(&world, "authority", kind);
        let application =
            |line: &str| if line.starts_with("documents") || line.starts_with("document ") { &document } else { &application };
        text.lines()
            .map(|line| line.replace(&zeros(), application(line)) + "\n")
            .collect::<String>()
            .replace("yu://dev/platform/n1", "yu://dev/health/n1")
    };
    let pass = about("review-pass").replace("\"platform\"", "\"provider\"").replace("2026-06-20", "2036-06-20");
    file(&world, "authority", "review-pass", &pass).ok("pass");
    sign_waiting(&world, "health", "review-pass");
    until_filed(&world, "health", "review-pass", 1);
    file(&world, "health", "dossier-reading", &about("dossier-reading")).ok("reading");
    sign_waiting(&world, "authority", "dossier-reading");
    ["health", "bank"].iter().for_each(|org| until_filed(&world, org, "dossier-reading", 1));
    let mark = world.yu("health", &args).ok("read")["mark"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(copies.join(&mark)).unwrap(), "how the data are protected");
    assert!(told(&world, "authority", "reading").contains(&mark));
    expect(&world.yu("bank", &args), "contract.rule", &["reading.unfiled"]);
    assert!(!told(&world, "bank", "reading").contains(&mark), "who read what is not everybody's to know");
    decide("health", "granted", "[]").ok("decide");
    decide("platform", "granted", "[]").ok("decide");
    until_filed(&world, "health", "review-record", 4);
    expect(&world.yu("health", &args), "contract.rule", &["reading.closed"]);
    // the authority's node tells the results of itself
    ["health", "bank"].iter().for_each(|org| until_filed(&world, org, "review-notice", 2));
    assert!(told(&world, "bank", "reviews").contains("source department health: 1 in time"));
    world.yu("health", &["request", "approve", &id]).ok("approve");
    // what is in the authorised list and refused goes to the authority first
    let (id, _) = request(&world, "age");
    assert_ne!(world.yu("health", &["request", "refuse", &id, "--reason", " "]).status, 0, "a refusal needs its reason");
    world.yu("health", &["request", "refuse", &id, "--reason", "the column is being corrected"]).ok("refuse");
    ["authority", "bank", "watch"].iter().for_each(|org| until_filed(&world, org, "supply-refusal", 1));
    assert!(told(&world, "authority", "supply").contains("age of dev/health/visits refused"));
    assert!(!told(&world, "bank", "supply").contains("being corrected"), "the report is the authority's to read");
    let list = world.yu("authority", &["docket", "list", "--kind", "supply-refusal"]).ok("list");
    let report = list["lines"][0]["document"].as_str().unwrap().to_owned();
    let ruling = template(&world, "authority", "supply-ruling").replace(&zeros(), &report);
    file(&world, "authority", "supply-ruling", &ruling).ok("file");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "supply-ruling", 1));
    assert!(told(&world, "health", "supply").contains("MUST be supplied"));
    let again = world.yu("health", &["request", "refuse", &id, "--reason", "still not"]);
    expect(&again, "contract.rule", &["supply.overruled"]);
    world.yu("health", &["request", "approve", &id]).ok("approve");
    let end = Instant::now() + LONG;
    while !world.yu("bank", &["request", "list"]).ok("list")["requests"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["id"] == id.as_str() && one["decided"] == true)
    {
        assert!(Instant::now() < end, "the approval does not arrive");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for org in ["authority", "health", "bank", "platform", "watch"] {
        world.yu(org, &["docket", "sync"]).ok("sync");
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
}
