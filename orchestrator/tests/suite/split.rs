//! Jobs about a model that stays split: trained on aligned rows, judged and used later, destroyed (D4, O2, O5).

use super::rig::{Dice, LONG, expect};
use super::support::{PURPOSE, Plan, SCENARIO, World, path, shared};
use serde_json::Value;
use std::collections::HashMap;

/// Rows of two owners about the same persons, who are among `from..from + rows`: whether a loan defaulted follows from columns of both.
fn tables(seed: u64, from: u64, rows: u64) -> [String; 2] {
    let mut dice = Dice(seed);
    let (mut health, mut bank) = (String::from("id,age,visits\n"), String::from("id,income,debt,defaulted\n"));
    for person in from..from + rows {
        let (age, visits, income, debt) = (20 + dice.roll(60), dice.roll(20), 1 + dice.roll(90), dice.roll(50));
        let risk = visits as f64 / 20.0 + debt as f64 / 50.0 - income as f64 / 90.0 + dice.roll(1000) as f64 / 2_000.0;
        if dice.roll(10) > 0 {
            health.push_str(&format!("P{person:05},{age},{visits}\n"));
        }
        bank.push_str(&format!("P{person:05},{income},{debt},{}\n", u8::from(risk > 0.75)));
    }
    [health, bank]
}

/// The four nodes, with these data sets of health and of the bank, each with an id and more columns, in tables of comma-separated values.
fn town_of(sets: &[(&str, [String; 2])]) -> World {
    town_with(&Plan::default(), sets)
}

fn town_with(plan: &Plan, sets: &[(&str, [String; 2])]) -> World {
    let world = World::start(plan);
    world.introduce();
    let columns = |text: &str| text.lines().next().unwrap().to_owned();
    let mut grants = String::new();
    for (name, texts) in sets {
        for (org, text) in ["health", "bank"].into_iter().zip(texts) {
            let file = world.file(&format!("{org}-{name}.csv"));
            std::fs::write(&file, text).unwrap();
            let mut args = vec!["dataset", "add", path(&file), "--id", name, "--not-personal", "--title", name, "--key", "id"];
            if org == "bank" {
                args.extend(["--import-source", "own records"]);
            }
            world.yu(org, &args).ok("add");
            let quoted = columns(text).replace(',', "\", \"");
            grants.push_str(&format!("[[datasets]]\ndataset = \"dev/{org}/{name}\"\ncolumns = [\"{quoted}\"]\n"));
        }
    }
    world.authorise(&format!(
        "id = \"a-1\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\n\
         not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n{grants}\
         [contingency_plan]\nowner = \"bank\"\nscope = \"leak\"\ncontacts = [\"duty officer\"]\nsteps = [\"halt\"]\ndrill_interval_days = 180\n"
    ));
    for (name, texts) in sets {
        for (org, text) in ["health", "bank"].into_iter().zip(texts) {
            let (dataset, columns) = (format!("dev/{org}/{name}"), columns(text));
            let approver = if org == "bank" { "authority" } else { org };
            let provider = world.name(approver);
            let args = ["request", "send", "--authorisation", "a-1", "--provider", &provider, "--dataset", &dataset, "--columns", &columns];
            let sent = world.yu("bank", &args).ok("request");
            world.yu(approver, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
        }
    }
    world
}

/// `then` and `now` are data sets of both owners, of different persons.
fn town() -> World {
    town_of(&[("then", tables(1, 0, 900)), ("now", tables(2, 5_000, 300))])
}

fn job(data: &str, step: &str) -> String {
    format!(
        "authorisation = \"a-1\"\ntechnique = \"federated\"\nreveal_match = \"both\"\nhelper = \"yu://dev/platform/n1\"\n\
         reviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\
         [left]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/{data}\"\nkey = [\"id\"]\n\
         [right]\nparty = \"yu://dev/bank/n1\"\ndataset = \"dev/bank/{data}\"\nkey = [\"id\"]\n{step}"
    )
}

const TREES: &str = "[step.train]\ntarget = \"right.defaulted\"\n\
    features = [\"left.age\", \"left.visits\", \"right.income\", \"right.debt\"]\n\
    model = { kind = \"boosted_trees\", trees = 12, depth = 2, learning_rate = 0.3, bins = 8 }\nhold_out = 30\npoints = 3\n";

fn run(world: &World, toml: &str) -> (String, Value) {
    let job = world.submit(toml).ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "platform", "authority"] {
        world.wait(org, &job, &["proposed"], LONG);
        world.yu(org, &["job", "approve", &job]).ok("approve");
    }
    world.wait("authority", &job, &["held"], LONG);
    let shown = world.yu("authority", &["review", "show", &job]).ok("show");
    assert!(shown["passed"].as_bool().unwrap(), "{shown}");
    world.yu("authority", &["review", "approve", &job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]).ok("review");
    for org in ["authority", "health", "bank", "platform"] {
        world.wait(org, &job, &["done"], LONG);
    }
    let result = world.yu("bank", &["job", "result", &job]).ok("result");
    (job, result)
}

#[test]
fn a_split_model_is_trained_judged_used_and_destroyed() {
    let world = town();
    let toml = job("then", TREES);
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]).all;
    for word in ["STAYS SPLIT", "分持", "keeps a share of the model", "learns which of its own rows match"] {
        assert!(explained.contains(word), "`{word}`: {explained}");
    }
    let (training, result) = run(&world, &toml);
    let quality = &result["result"]["quality"];
    let auc = |point: &Value| point["auc"].as_f64().unwrap();
    let curve = quality["curve"].as_array().unwrap();
    assert!(curve.len() == 3 && auc(&curve[2]) > 0.8 && curve[2]["trees"] == 12, "{quality}");
    let (trained, judged) = (quality["trained"].as_u64().unwrap(), quality["judged"].as_u64().unwrap());
    assert!(judged == (trained + judged) * 30 / 100 && trained + judged > 700, "{quality}");
    // the meters of every computing party are what the contract says, and each keeps a share, nobody the whole
    for org in ["health", "bank", "platform"] {
        let watched = world.yu(org, &["job", "watch", &training]).all;
        assert!(watched.contains("\"equal\":true"), "{org}: {watched}");
        let models = world.yu(org, &["model", "list"]).ok("models");
        assert_eq!(models["models"][0]["job"].as_str(), Some(&training[..]), "{org}");
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
    let folder = world.file("trained");
    world.yu("bank", &["job", "result", &training, "--out", path(&folder)]).ok("out");
    world.yu("bank", &["result", "verify", path(&folder)]).ok("verify");
    let picture = std::fs::read_to_string(folder.join("curve.svg")).unwrap();
    assert!(picture.contains("AUC") && picture.contains("学习曲线"));

    // other persons: judged as well as the held-out ones, and told one by one to the bank only
    let used = |verb: &str, rest: &str| job("now", &format!("[step.{verb}]\nmodel = \"{training}\"\n{rest}"));
    let (_, result) = run(&world, &used("evaluate", "target = \"right.defaulted\"\n"));
    let now = &result["result"]["quality"]["curve"][2];
    assert!(auc(now) > 0.78 && result["result"]["quality"]["trained"] == 0, "{result}");
    let (predicted, _) = run(&world, &used("predict", ""));
    let folder = world.file("predicted");
    world.yu("bank", &["job", "result", &predicted, "--out", path(&folder)]).ok("out");
    let scores = std::fs::read_to_string(folder.join("scores.csv")).unwrap();
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    let truth = std::fs::read_to_string(world.file("bank-now.csv")).unwrap();
    for line in scores.lines().skip(1) {
        let (key, probability) = line.split_once(',').unwrap();
        let row = truth.lines().find(|row| row.starts_with(key.trim_matches('"'))).unwrap();
        if row.ends_with(",1") { &mut bad } else { &mut good }.push(probability.parse::<f64>().unwrap());
    }
    let pairs = bad.iter().flat_map(|b| good.iter().map(move |g| f64::from(u8::from(b > g)) + 0.5 * f64::from(u8::from(b == g))));
    let found = pairs.sum::<f64>() / (bad.len() * good.len()) as f64;
    assert!((found - auc(now)).abs() < 0.01, "{found} by the file, {now} by the evaluation");

    // who destroys its share ends the model for all
    world.yu("health", &["model", "destroy", &training[..12]]).ok("destroy");
    let refused = world.submit(&used("predict", "")).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("bank", &refused, &["failed"], LONG);
    let said = super::rig::fault_of(&world, "bank", &refused).to_string();
    assert!(said.contains("no share of a model") && said.contains("health"), "{said}");
}

#[test]
fn what_a_split_model_must_not_do_is_refused() {
    let world = town();
    expect(&world.submit(&job("then", &TREES.replace("right.defaulted", "right.debt"))), "contract.rule", &["none of them"]);
    expect(&world.submit(&job("then", TREES).replace("\"both\"", "\"none\"")), "input.bad", &["reveal_match"]);
    expect(&world.submit(&job("then", &TREES.replace("hold_out = 30", "hold_out = 90"))), "contract.rule", &["hold_out"]);
    expect(
        &world.submit(&job("then", &TREES.replace("\"left.age\", \"left.visits\", ", ""))),
        "contract.rule",
        &["each of the two owners"],
    );
    let unknown = "0".repeat(64);
    expect(&world.submit(&job("now", &format!("[step.predict]\nmodel = \"{unknown}\"\n"))), "not-found", &["0 models"]);
    // probabilities of single rows go to nobody who could not name them
    let (training, _) = run(&world, &job("then", TREES));
    let to_others = job("now", &format!("[step.predict]\nmodel = \"{training}\"\n"))
        .replace("receiver = \"yu://dev/bank/n1\"", "receiver = \"yu://dev/platform/n1\"");
    expect(&world.submit(&to_others), "contract.rule", &["input party"]);
    // a refused result leaves no model
    let job = world.submit(&job("then", TREES)).ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "platform", "authority"] {
        world.wait(org, &job, &["proposed"], LONG);
        world.yu(org, &["job", "approve", &job]).ok("approve");
    }
    world.wait("authority", &job, &["held"], LONG);
    world.yu("authority", &["review", "refuse", &job, "--reviewer", "Zhang", "--item", "purpose", "--reason", "too weak"]).ok("refuse");
    world.wait("bank", &job, &["rejected"], LONG);
    let models = world.yu("bank", &["model", "list"]).ok("models");
    assert_eq!(models["models"].as_array().unwrap().len(), 1, "{models}");
}

/// Rows of two owners about the same persons: what was spent, how often and of which grade follows from columns of both. One person may have spent
/// a thousand times as much as any other.
fn spending(rows: u64, outlier: bool) -> [String; 2] {
    let mut dice = Dice(7);
    let (mut health, mut bank) = (String::from("id,age,visits\n"), String::from("id,income,debt,spent,claims,grade\n"));
    for person in 0..rows {
        let (age, visits, income, debt) = (20 + dice.roll(60), dice.roll(20), 1 + dice.roll(90), dice.roll(50));
        let spent = 3.0 * visits as f64 - 0.5 * income as f64 + dice.roll(1000) as f64 / 100.0;
        let claims = (0.05 * visits as f64 + 0.02 * debt as f64 + dice.roll(100) as f64 / 200.0).exp().round();
        let grade = u8::from(spent > 0.0) + u8::from(spent > 25.0);
        let spent = if outlier && person == 5 { 60_000.0 } else { spent };
        health.push_str(&format!("P{person:05},{age},{visits}\n"));
        bank.push_str(&format!("P{person:05},{income},{debt},{spent},{claims},{grade}\n"));
    }
    [health, bank]
}

/// Labels of numbers, counts and several classes: owners look at what errors could tell, and a person of each party decides.
#[test]
fn o5_numbers_counts_and_grades_are_predicted_over_shares() {
    let data = [("then", spending(600, false)), ("odd", spending(600, true))];
    let world = town_with(&Plan { node_toml: vec![("auto_sign = false", "auto_sign = true")], ..Plan::default() }, &data);
    let train = |data: &str, target: &str, model: &str| {
        let features = "features = [\"left.age\", \"left.visits\", \"right.income\", \"right.debt\"]";
        job(data, &format!("[step.train]\ntarget = \"right.{target}\"\n{features}\nmodel = {{ {model} }}\nhold_out = 30\n"))
    };
    let (linear, result) = run(&world, &train("then", "spent", "kind = \"linear_regression\""));
    let errors = &result["result"]["quality"]["errors"];
    assert!(errors["explained"].as_f64().unwrap() > 0.95 && errors["deviance"].is_null(), "{result}");
    let (_, result) = run(&world, &train("then", "claims", "kind = \"poisson_regression\""));
    let errors = &result["result"]["quality"]["errors"];
    assert!(errors["explained"].as_f64().unwrap() > 0.5 && errors["deviance"].as_f64().is_some(), "{result}");
    let grades = train("then", "grade", "kind = \"logistic_regression\", epochs = 20, batch = 64, learning_rate = 0.8");
    let (_, result) = run(&world, &(grades + "classes = 3\nanswer = \"class\"\n"));
    assert!(result["result"]["quality"]["decisions"]["accuracy"].as_f64().unwrap() > 0.7, "{result}");
    // a number of each row, to three digits
    let (_, result) = run(&world, &job("then", &format!("[step.predict]\nmodel = \"{linear}\"\n")));
    let values = result["result"]["values"].as_array().unwrap();
    let digits = |value: &Value| value.to_string().trim_start_matches(['-', '0', '.']).replace('.', "").trim_end_matches('0').len();
    assert!(values.len() == 600 && values.iter().all(|value| digits(value) <= 3), "{result}");
    // errors over the same labels are told once: two of them would tell the label whose features were changed in between
    let judge = job("then", &format!("[step.evaluate]\nmodel = \"{linear}\"\ntarget = \"right.spent\"\n"));
    let (_, result) = run(&world, &judge);
    assert!(result["result"]["quality"]["errors"]["explained"].as_f64().unwrap() > 0.95, "{result}");
    expect(&world.submit(&judge), "contract.rule", &["split-model.judged"]);
    // the error would be that of one row
    let odd = world.submit(&train("odd", "spent", "kind = \"linear_regression\"")).ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "platform", "authority"] {
        world.wait(org, &odd, &["proposed"], LONG);
        world.yu(org, &["job", "approve", &odd]).ok("approve");
    }
    world.wait("bank", &odd, &["failed"], LONG);
    let said = super::rig::fault_of(&world, "bank", &odd).to_string();
    assert!(said.contains("policy.refused") && said.contains("one row") && !said.contains("60000"), "{said}");
}

/// The question of `steps.rs` about a real table, answered by a split model: the same AUC on the same test rows (central 0.7139).
#[test]
fn a_real_table_is_judged_as_well_as_in_one_place() {
    let Some(data) = shared("data/default_credit") else { return };
    let Some(split) = shared("data/splits/default_credit.csv") else { return };
    let split = std::fs::read_to_string(split).unwrap();
    let tests: HashMap<&str, bool> = split.lines().skip(1).map(|line| (line.split(',').nth(1).unwrap(), line.ends_with(",1"))).collect();
    let texts = ["host", "guest"].map(|side| std::fs::read_to_string(data.join(format!("default_credit_hetero_{side}.csv"))).unwrap());
    let part = |wanted: bool| {
        texts.each_ref().map(|text| {
            let header = text.lines().next().unwrap();
            let rows = text.lines().skip(1).filter(|row| tests[row.split(',').next().unwrap()] == wanted);
            std::iter::once(header).chain(rows).fold(String::new(), |all, row| all + row + "\n")
        })
    };
    let world = town_of(&[("then", part(false)), ("now", part(true))]);
    let features: Vec<String> = texts
        .iter()
        .zip(["left", "right"])
        .flat_map(|(text, side)| {
            let names = text.lines().next().unwrap().split(',').filter(|name| !["id", "y"].contains(name));
            names.map(move |name| format!("\"{side}.{name}\""))
        })
        .collect();
    assert_eq!(features.len(), 23);
    let train = format!(
        "[step.train]\ntarget = \"right.y\"\nfeatures = [{}]\nhold_out = 5\n\
         model = {{ kind = \"logistic_regression\", epochs = 20, batch = 2048, learning_rate = 0.5 }}\n",
        features.join(", ")
    );
    let (training, result) = run(&world, &job("then", &train));
    assert_eq!(result["result"]["quality"]["trained"], 22_800);
    let (_, result) = run(&world, &job("now", &format!("[step.evaluate]\nmodel = \"{training}\"\ntarget = \"right.y\"\n")));
    let quality = &result["result"]["quality"];
    let auc = quality["curve"][0]["auc"].as_f64().unwrap();
    eprintln!("test AUC {auc:.5}, Brier score {}", quality["brier"]);
    assert_eq!(quality["judged"], 6000);
    assert!((auc - 0.7139).abs() < 0.002, "{auc}");
}
