//! The docket on nodes: documents are filed in one order, hold everywhere, gate jobs; two histories are found (K3, A21, S1).

use super::procedures::{ALL, activate, adopt, refused, town};
use super::rig::{LONG, expect};
use super::support::{Said, World, path};
use std::time::Instant;

/// Files a document of a kind from its example, changed.
pub(crate) fn file(world: &World, org: &str, kind: &str, toml: &str) -> Said {
    let name = world.file(&format!("{kind}-{org}.toml"));
    std::fs::write(&name, toml).unwrap();
    world.yu(org, &["docket", "file", kind, path(&name)])
}

/// The example of a kind as `yu docket template` prints it.
pub(crate) fn template(world: &World, org: &str, kind: &str) -> String {
    world.yu(org, &["docket", "template", kind]).ok("template")["toml"].as_str().unwrap().to_owned()
}

/// Waits until a node has so many lines of a kind.
pub(crate) fn until_filed(world: &World, org: &str, kind: &str, count: usize) {
    let end = Instant::now() + LONG;
    loop {
        let said = world.yu(org, &["docket", "list", "--kind", kind]);
        if said.json["lines"].as_array().is_some_and(|lines| lines.len() >= count) {
            return;
        }
        assert!(Instant::now() < end, "{org} has not {count} of {kind}: {}", said.all);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// The person of a node signs the one document that waits there.
pub(crate) fn sign_waiting(world: &World, org: &str, kind: &str) {
    let end = Instant::now() + LONG;
    let hash = loop {
        let said = world.yu(org, &["docket", "waiting"]);
        let all = said.json["waiting"].as_array().cloned().unwrap_or_default();
        if let Some(one) = all.iter().find(|one| one["kind"] == kind && one["signed"] == false) {
            break one["hash"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < end, "{org} is not asked for {kind}: {}", said.all);
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    world.yu(org, &["docket", "sign", &hash[..20]]).ok("sign");
}

/// The record of the provider's data set as its node holds it.
pub(crate) fn record_of(world: &World) -> String {
    let entries = world.yu("health", &["dataset", "list"]).ok("list");
    let version = entries["entries"][0]["version"].as_str().unwrap().to_owned();
    template(world, "health", "catalogue-record").replace(&format!("sha-256:{}", "0".repeat(64)), &version)
}

#[test]
fn k3_a21_a17_jobs_follow_what_is_filed_and_everybody_reads_the_same() {
    let mut world = town();
    expect(&file(&world, "health", "catalogue-record", &template(&world, "health", "catalogue-record")), "not-found", &["no profile"]);
    adopt(&world);
    activate(&world);
    expect(&world.yu("bank", &["docket", "template", "tale"]), "input.bad", &["catalogue-record"]);
    let record = template(&world, "health", "catalogue-record");
    expect(&file(&world, "health", "catalogue-record", &record.replace("level = ", "hight = ")), "input.bad", &["hight"]);
    expect(&file(&world, "bank", "catalogue-record", &record), "state.wrong", &["yu://dev/health/n1"]);
    let record = record_of(&world);
    let filed = file(&world, "health", "catalogue-record", &record).ok("file");
    ALL.iter().for_each(|org| until_filed(&world, org, "catalogue-record", 1));
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    // supply is withdrawn: no job more, everywhere
    let change = template(&world, "health", "supply-change");
    file(&world, "health", "supply-change", &change).ok("file");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "supply-change", 1));
    refused(&world, &["catalogue.withdrawn"]);
    let again: String = change.lines().filter(|line| !line.starts_with("withdrawn")).map(|line| format!("{line}\n")).collect();
    // a node that is away learns it later
    world.kill("bank");
    file(&world, "health", "supply-change", &again).ok("file");
    world.up("bank");
    until_filed(&world, "bank", "supply-change", 2);
    // what protects less needs a second signature
    let first = filed["hash"].as_str().unwrap();
    let lower = record
        .replace("number = \"1\"", &format!("number = \"2\"\nprevious = \"sha-256:{first}\""))
        .replace("level = \"city\"", "level = \"county\"")
        .replace("at = \"2026-06-01", "at = \"2026-06-02");
    assert!(file(&world, "health", "catalogue-record", &lower).ok("file")["say"].to_string().contains("waits for yu://dev/authority/n1"));
    sign_waiting(&world, "authority", "catalogue-record");
    ALL.iter().for_each(|org| until_filed(&world, org, "catalogue-record", 2));
    for org in ALL {
        let said = world.yu(org, &["docket", "sync"]).ok("sync")["say"].to_string();
        assert!(said.contains(" 0 did not answer"), "{org}: {said}");
        world.yu(org, &["docket", "status"]).ok("status");
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
    let shown = world.yu("bank", &["docket", "show", &first[..16]]).ok("show");
    assert_eq!(shown["filed"]["document"]["payload"]["number"], "1");
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
}

/// The authority's administrator puts its node back and tells another history: whoever knows the first has the proof, and runs nothing on it.
#[test]
fn s1_two_histories_of_the_authority_are_proved() {
    let mut world = town();
    adopt(&world);
    let record = template(&world, "health", "catalogue-record");
    let change = template(&world, "health", "supply-change");
    file(&world, "health", "catalogue-record", &record).ok("file");
    ALL.iter().for_each(|org| until_filed(&world, org, "catalogue-record", 1));
    world.kill("authority");
    let (dir, copy) = (world.dir("authority"), world.dir("authority").with_extension("before"));
    let copied = std::process::Command::new("cp").args(["-a", path(&dir), path(&copy)]).status().unwrap();
    assert!(copied.success());
    world.up("authority");
    file(&world, "health", "supply-change", &change).ok("file");
    ALL.iter().for_each(|org| until_filed(&world, org, "supply-change", 1));
    world.kill("authority");
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::rename(&copy, &dir).unwrap();
    world.up("authority");
    // another document in the same place
    file(&world, "health", "supply-change", &change.replace("the source is being corrected", "another reason")).ok("file");
    let end = Instant::now() + LONG;
    for org in ["health", "bank", "platform", "watch"] {
        while !world.yu(org, &["docket", "status"]).all.contains("two histories") {
            assert!(Instant::now() < end, "{org}: {}", world.yu(org, &["docket", "status"]).all);
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    refused(&world, &["docket.forked"]);
}
