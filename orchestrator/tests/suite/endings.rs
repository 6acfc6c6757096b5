//! The end of an authorisation on nodes: switches before it, sealing while a matter is open, certificates, opening by two; consents are kept.

use super::docket::{file, sign_waiting, template, until_filed};
use super::procedures::{A, activate, adopt, refused, sign, step, town, until};
use super::rig::expect;
use super::support::{Plan, World, path};

#[test]
fn l1_l2_l3_l5_l6_an_authorisation_ends_sealed_certified_and_accounted_for() {
    let world = town();
    adopt(&world);
    activate(&world);
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    expect(&world.yu("bank", &["end", "run", A]), "state.wrong", &["has not ended", "active"]);
    expect(&world.yu("bank", &["audit", "prune"]), "policy.refused", &["log.locked", A]);

    // one data set is switched off by the regulator, and on again
    let close = template(&world, "watch", "dataset-switch");
    expect(&file(&world, "bank", "dataset-switch", &close), "state.wrong", &["yu://dev/watch/n1"]);
    file(&world, "watch", "dataset-switch", &close.replace("until = \"2026-07-01", "until = \"2036-07-01")).ok("close");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "dataset-switch", 1));
    refused(&world, &["switch.dataset"]);
    let evidence = format!("turn = {{ switch = \"open\", evidence = \"sha-256:{}\" }}", "22".repeat(32));
    let open: String =
        close.lines().map(|line| if line.starts_with("turn") { format!("{evidence}\n") } else { format!("{line}\n") }).collect();
    file(&world, "watch", "dataset-switch", &open).ok("open");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "dataset-switch", 2));

    // the plan says that results go as well
    let agreement = world.yu("authority", &["authorisation", "list"]).ok("list")["hashes"][A].as_str().unwrap().to_owned();
    let example = template(&world, "bank", "disposal-plan").replace("result = \"keep\"", "result = \"destroy\"");
    let plan: String = example
        .lines()
        .map(|line| match line.split(' ').next() {
            Some("authorisation") => format!("authorisation = \"{A}\"\n"),
            Some("agreement") => format!("agreement = \"{agreement}\"\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    file(&world, "bank", "disposal-plan", &plan).ok("plan");
    sign_waiting(&world, "authority", "disposal-plan");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "disposal-plan", 1));
    let second = world.submit_and_sign(&world.job());
    world.complete(&second);

    // the end, with a dispute open
    step(&world, "authority", "authorisation", A, "event = \"terminate\"\ncause = \"at-request\"");
    sign(&world, "bank", A, "terminate");
    let matter = format!("event = \"open-matter\"\nmatter = \"sha-256:{}\"", "33".repeat(32));
    until(&world, "authority", A, "terminated");
    step(&world, "authority", "authorisation", A, &matter).ok("matter");
    ["health", "bank", "watch"].iter().for_each(|org| until(&world, org, A, "terminated"));
    for org in ["bank", "health", "watch"] {
        world.yu(org, &["procedure", "sync"]).ok("sync");
    }
    expect(&world.yu("bank", &["audit", "prune"]), "policy.refused", &["log.locked", "kept until"]);
    world.yu("bank", &["job", "result", &job]).ok("result");
    let sealed = world.yu("bank", &["end", "run", A]).ok("end");
    assert!(sealed["package"].is_string(), "{sealed}");
    assert_ne!(world.yu("bank", &["job", "result", &job]).status, 0, "the local key is destroyed");
    for org in ["authority", "watch"] {
        sign_waiting(&world, org, "sealed-package");
    }
    until_filed(&world, "bank", "sealed-package", 1);
    let ended = world.yu("bank", &["end", "run", A]).ok("end again");
    assert!(ended["assets"].as_u64().unwrap() >= 4, "{ended}");
    sign_waiting(&world, "watch", "ending-certificate");
    until_filed(&world, "bank", "ending-certificate", 1);
    until_filed(&world, "authority", "ending-certificate", 1);
    let shown = world.yu("authority", &["end", "show", A]).ok("show");
    assert_eq!(shown["certificates"][0][0]["is_held"], true);
    assert!(shown["silent"].to_string().contains("health"), "{shown}");
    let asset = shown["certificates"][0][0]["assets"][0]["id"].as_str().unwrap().to_owned();
    let proof = world.yu("bank", &["end", "prove", A, &asset]).ok("prove");
    assert_eq!(proof["root"], shown["certificates"][0][0]["root"]);
    expect(&world.yu("bank", &["end", "prove", A, "no-such-asset"]), "not-found", &["no-such-asset"]);
    // doing it again changes nothing
    world.yu("bank", &["end", "run", A]).ok("end once more");

    // two open what was sealed, and one does not
    let folder = world.dir("bank").join("sealed");
    let package = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let (half, out) = (world.file("half.json"), world.file("opened"));
    let ask_half = ["end", "half", path(&package), "--out", path(&half)];
    expect(&world.yu("watch", &ask_half), "policy.refused", &["sealed.closed"]);
    let file_hash = package.file_stem().unwrap().to_str().unwrap().to_owned();
    let unsealing = template(&world, "authority", "unsealing").replace(&"a".repeat(64), &file_hash);
    file(&world, "authority", "unsealing", &unsealing).ok("unsealing");
    sign_waiting(&world, "watch", "unsealing");
    ["authority", "watch"].iter().for_each(|org| until_filed(&world, org, "unsealing", 1));
    expect(&world.yu("bank", &ask_half), "state.wrong", &["regulator"]);
    world.yu("watch", &ask_half).ok("half");
    let open = ["end", "open", path(&package), "--half", path(&half), "--out", path(&out)];
    expect(&world.yu("bank", &open), "state.wrong", &["authority"]);
    world.yu("authority", &open).ok("open");
    assert!(!std::fs::read(out.join(format!("result-{job}"))).unwrap().is_empty());
    refused(&world, &["ending.ended"]);
}

#[test]
fn a15_l7_a_consent_that_is_taken_back_leaves_the_next_run_and_its_record_stays() {
    let world = World::ready(&Plan { rows: 400, ..Plan::default() });
    let consent = world.file("consent.csv");
    let imported = world.yu("health", &["consent", "import", "visits", path(&consent)]).ok("import");
    let count = imported["consents"].as_u64().unwrap();
    let before = world.yu("health", &["consent", "list", "visits"]).ok("list");
    let valid = before["valid"].as_u64().unwrap();
    assert!(valid > 100 && valid <= count);
    // somebody whose consent holds
    let text = std::fs::read_to_string(&consent).unwrap();
    let row: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).find(|row| row[6].is_empty()).unwrap();
    let (subject, letter) = (world.file("subject.txt"), world.file("letter.txt"));
    std::fs::write(&subject, format!("{}\n", row[0])).unwrap();
    std::fs::write(&letter, "I take my consent back").unwrap();
    let revoke = ["consent", "revoke", "visits", "--subject-file", path(&subject), "--document", path(&letter)];
    expect(&world.yu("bank", &["consent", "list", "dev/health/visits"]), "policy.refused", &["provider"]);
    world.yu("health", &revoke).ok("revoke");
    let again = world.yu("health", &revoke);
    assert_eq!(again.fault(), Some("not-found"));
    assert!(!again.all.contains(row[0]), "no name of a subject in an error");
    let after = world.yu("health", &["consent", "list", "visits"]).ok("list");
    assert!(after["valid"].as_u64().unwrap() < valid && after["locked"].as_u64().unwrap() > before["locked"].as_u64().unwrap());
    // the next run goes without the row
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    // kept under lock, also when the data are gone; no subject stands in them
    let free = after["free"].as_u64().unwrap();
    let deleted = world.yu("health", &["consent", "delete", "visits"]);
    if free == 0 {
        expect(&deleted, "policy.refused", &["consent."]);
    } else {
        assert_eq!(deleted.ok("delete")["deleted"].as_u64(), Some(free));
    }
    world.yu("health", &["destroy", "--dataset", "visits"]).ok("destroy");
    let out = world.file("consents.jsonl");
    let exported = world.yu("health", &["consent", "export", "visits", "--out", path(&out)]).ok("export");
    assert_eq!(exported["consents"].as_u64(), Some(count - free));
    let kept = std::fs::read_to_string(&out).unwrap();
    assert!(!kept.contains(row[0]) && kept.contains("\"consent\""));
    let log = world.yu("health", &["audit", "show"]).all;
    assert!(log.contains("consent.recorded") && log.contains("consent.revoked") && !log.contains(row[0]));
}
