//! Products and money on nodes: five items before a result leaves, prices before a run, readings of all meters, a product traced to its data (O6, D13, S8, P9, O1).

use super::docket::{file, record_of, sign_waiting, template, until_filed};
use super::procedures::{ALL, activate, adopt, town};
use super::rig::{LONG, expect};
use super::support::World;
use std::time::{Duration, SystemTime};
use yu_governance::clock::Time;

fn now() -> Time {
    Time::from_unix(i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap())
}

/// Files a tariff that holds in twelve seconds, and waits until it does.
fn price(world: &World) {
    let (published, from) = (now(), now().plus_seconds(12));
    let example = template(world, "platform", "tariff");
    let toml = example
        .replace("2026-06-01T00:00:00Z", &published.to_string())
        .replace("2026-07-01T00:00:00Z", &from.to_string())
        .replace("2027-07-01T00:00:00Z", &now().plus_days(300).to_string())
        .replace("\"300\"", "\"3000000\"");
    assert!(file(world, "platform", "tariff", &toml).ok("tariff")["say"].to_string().contains("waits for yu://dev/authority/n1"));
    sign_waiting(world, "authority", "tariff");
    ALL.iter().for_each(|org| until_filed(world, org, "tariff", 1));
    while now() <= from {
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn o6_d13_s8_p9_o1_results_are_judged_item_by_item_jobs_are_priced_and_products_traced() {
    let world = town();
    adopt(&world);
    activate(&world);
    file(&world, "health", "catalogue-record", &record_of(&world)).ok("record");
    price(&world);
    let job_file = world.file("priced.toml");
    std::fs::write(&job_file, world.job()).unwrap();
    let explained = world.yu("bank", &["job", "explain", job_file.to_str().unwrap()]).ok("explain")["say"].to_string();
    assert!(explained.contains("price: at most") && explained.contains("价格"), "{explained}");
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);

    // five items, two of which need a person
    let shown = world.yu("authority", &["review", "show", &job]).ok("show");
    let items: Vec<(String, String)> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["item"].as_str().unwrap().to_owned(), line["outcome"].as_str().unwrap().to_owned()))
        .collect();
    let expected =
        [("purpose", "needs-a-person"), ("sources", "pass"), ("raw-exposure", "pass"), ("leak", "pass"), ("other-risk", "needs-a-person")];
    assert_eq!(items, expected.map(|(item, outcome)| (item.to_owned(), outcome.to_owned())), "{}", shown["say"]);
    assert!(shown["items"][1]["known"]["zh"].as_str().unwrap().contains("dev/health/visits"));
    let approve = |items: &[&str]| world.yu("authority", &[&["review", "approve", &job, "--reviewer", "Zhang"], items].concat());
    expect(&approve(&[]), "review.refused", &["review.item-unanswered", "purpose"]);
    expect(&approve(&["--item", "purpose"]), "review.refused", &["review.item-unanswered", "other-risk"]);
    expect(&approve(&["--item", "luck"]), "input.bad", &["raw-exposure"]);
    let refuse = world.yu("authority", &["review", "refuse", &job, "--reviewer", "Zhang", "--reason", "no"]);
    expect(&refuse, "review.refused", &["review.item-missing"]);
    let decided = approve(&["--item", "purpose,other-risk"]).ok("approve");
    let answers = decided["decision"]["answers"].as_array().unwrap();
    assert_eq!(answers.iter().filter(|answer| answer["by"] == "person").count(), 2, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["by"] == "checks" && answer["holds"] == true).count(), 3);
    for org in ["health", "bank", "platform", "authority"] {
        world.wait(org, &job, &["done"], LONG);
    }

    // every node that computed files what it counted; the sum is the job's
    for (before, org) in ["health", "bank", "platform"].into_iter().enumerate() {
        let said = world.yu(org, &["meter", "file"]).ok("meter");
        assert_eq!(said["readings"], 1, "{said}");
        ALL.iter().for_each(|org| until_filed(&world, org, "meter-sheet", before + 1));
    }
    assert_eq!(world.yu("health", &["meter", "file"]).ok("again")["readings"], 0, "nothing twice");
    let read = world.yu("bank", &["meter", "show", &job]).ok("readings");
    let sum = &read["jobs"][0]["sum"];
    assert_eq!((read["jobs"][0]["tenant"].as_str(), read["findings"].as_array().map(Vec::len)), (Some("bank"), Some(0)), "{read}");
    assert_eq!(sum["bytes-sent"], sum["bytes-received"], "the meters balance: {sum}");
    assert_eq!(sum["runs"], "1");
    let this = now().to_string().chars().take(7).collect::<String>();
    expect(&world.yu("platform", &["invoice", "draw", &this]), "state.wrong", &["has not ended"]);
    expect(&world.yu("bank", &["invoice", "draw", "2026-01"]), "not-found", &["no tariff of"]);
    let costs = world.yu("authority", &["invoice", "costs", &this]).ok("costs");
    assert_ne!(costs["micro"], "0", "{costs}");
    let fair = world.yu("authority", &["meter", "fairness"]).ok("fairness");
    assert_eq!(fair["ok"], true, "{fair}");
    expect(&world.yu("platform", &["invoice", "quote", &job]), "contract.rule", &["quote.late"]);

    // a product of that result: its owner states it, the records lead from it to the data
    let result = shown["report"]["result"].as_str().unwrap();
    let version = template(&world, "bank", "product-version");
    let version = version.replacen(
        "model = \"sha-256:0000000000000000000000000000000000000000000000000000000000000000\"",
        &format!("model = \"{result}\""),
        1,
    );
    let offered = file(&world, "bank", "product-version", &version).ok("version");
    ALL.iter().for_each(|org| until_filed(&world, org, "product-version", 1));
    let back = world.yu("bank", &["trace", "dev/bank/score", "--direction", "backward"]).ok("trace")["say"].to_string();
    assert!(back.contains(&job[..12]) && back.contains("dev/bank/accounts"), "{back}");
    let hash = offered["hash"].as_str().unwrap();
    // it states another version of its source than the one that it was made of
    let checked = world.yu("bank", &["product", "check", &hash[..16]]).ok("check");
    assert!(checked["findings"].to_string().contains("lineage.source-unstated"), "{checked}");
    expect(&world.yu("platform", &["product", "list", &hash[..16]]), "contract.rule", &["product.not-decided"]);
    expect(&world.yu("bank", &["product", "list", &hash[..16]]), "contract.rule", &["product.lister"]);
    expect(&world.yu("bank", &["product", "trade", "dev/bank/score"]), "contract.rule", &["trade.not-listed"]);
}
