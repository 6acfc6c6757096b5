//! Jobs in which parties train a model, each on its own rows, beside a coordinator without any (D4, O2, O5).

use super::rig::{Dice, LONG, expect};
use super::support::{PURPOSE, Plan, Process, SCENARIO, Said, World, free_port, path, yu};
use serde_json::Value;

/// Visits of one provider's patients: whether somebody came again follows from age and cost.
fn visits(seed: u64, rows: u64) -> String {
    let mut dice = Dice(seed);
    let mut text = String::from("age,cost,again\n");
    for _ in 0..rows {
        let (age, cost) = (20 + dice.roll(70), 100 + dice.roll(9_900));
        let risk = age as f64 / 90.0 + cost as f64 / 10_000.0 + dice.roll(1000) as f64 / 2_500.0;
        text.push_str(&format!("{age},{cost}.5,{}\n", u8::from(risk > 1.25)));
    }
    text
}

/// The four nodes, and a clinic, with visits at these organisations.
struct Town {
    world: World,
    _clinic: Process,
}

fn town(owners: &[&str]) -> Town {
    let world = World::start(&Plan::default());
    world.introduce();
    let dir = world.dir("clinic");
    yu(
        &dir,
        &[
            "init",
            "--org",
            "clinic",
            "--role",
            "provider",
            "--env",
            "dev",
            "--listen",
            &free_port().to_string(),
            "--authority",
            &world.name("authority"),
        ],
    )
    .ok("init");
    let clinic = Process::up(&dir);
    for inviter in ["authority", "health", "bank", "platform"] {
        world.invite(inviter, "clinic").ok("accept");
    }
    let mut grants = String::new();
    for (org, seed) in owners.iter().zip(1..) {
        let file = world.file(&format!("{org}-visits.csv"));
        std::fs::write(&file, visits(seed, 300)).unwrap();
        let mut args = vec!["dataset", "add", path(&file), "--id", "visits", "--not-personal", "--title", "visits"];
        if *org == "bank" {
            args.extend(["--import-source", "own records"]);
        }
        world.yu(org, &args).ok("add");
        grants.push_str(&format!("[[datasets]]\ndataset = \"dev/{org}/visits\"\ncolumns = [\"age\", \"cost\", \"again\"]\n"));
    }
    world.authorise(&format!(
        "id = \"a-1\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\n\
         not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n{grants}\
         [contingency_plan]\nowner = \"bank\"\nscope = \"leak\"\ncontacts = [\"duty officer\"]\nsteps = [\"halt\"]\ndrill_interval_days = 180\n"
    ));
    for org in owners {
        let (name, dataset) = (world.name(org), format!("dev/{org}/visits"));
        let args = ["request", "send", "--authorisation", "a-1", "--provider", &name, "--dataset", &dataset, "--columns", "age,cost,again"];
        let approver = if *org == "bank" { "authority" } else { org };
        let name = if *org == "bank" { world.name("authority") } else { name.clone() };
        let args: Vec<&str> = args.iter().map(|arg| if *arg == world.name(org) { name.as_str() } else { arg }).collect();
        let sent = world.yu("bank", &args).ok("request");
        world.yu(approver, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
    }
    Town { world, _clinic: clinic }
}

fn job(owners: &[&str], step: &str) -> String {
    with_step(
        owners,
        &format!(
            "[step.train]\nmodel = {{ name = \"logistic\", l2 = 0.001 }}\nrounds = 8\n\
             strategy = {{ local = {{ epochs = 2, batch = 32, learning_rate = 0.2 }} }}\n{step}"
        ),
    )
}

fn with_step(owners: &[&str], step: &str) -> String {
    let inputs: String =
        owners.iter().map(|org| format!("[[inputs]]\nparty = \"yu://dev/{org}/n1\"\ndataset = \"dev/{org}/visits\"\n")).collect();
    format!(
        "authorisation = \"a-1\"\ntechnique = \"federated\"\nfeatures = [\"age\", \"cost\"]\ntarget = \"again\"\n\
         coordinator = \"yu://dev/platform/n1\"\nreviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n{inputs}{GATE}{step}"
    )
}

/// Thirty rows held back say little: limits as wide as they can tell.
const GATE: &str = "[gate]\nmembership_fpr = 0.05\nmembership_tpr = 0.6\nmembership_advantage = 0.6\nshadow_models = 4\ncanary_exposure = 4.0\ncanaries = 1.0\n";

fn sign(world: &World, said: Said, signers: &[&str]) -> String {
    let job = said.ok("submit")["job"].as_str().unwrap().to_owned();
    for org in signers {
        world.wait(org, &job, &["proposed"], LONG);
        world.yu(org, &["job", "approve", &job]).ok("approve");
    }
    job
}

/// Rows from one that is held out to the next.
const HELD_OUT: usize = 10;

/// Means and deviations over the rows of all parties are those of the rows in one place: a federated job answers that question on its way.
fn statistics(result: &Value, world: &World, owners: &[&str]) {
    let scale = &result["result"]["trained"]["scale"];
    for (column, key) in [0, 1].into_iter().zip(["age", "cost"]) {
        let cells: Vec<f64> = owners
            .iter()
            .flat_map(|org| {
                let text = std::fs::read_to_string(world.file(&format!("{org}-visits.csv"))).unwrap();
                // every tenth row is held out to judge by
                let rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
                rows.into_iter()
                    .enumerate()
                    .filter(|(row, _)| row % HELD_OUT != 0)
                    .map(move |(_, row)| row.split(',').nth(column).unwrap().parse().unwrap())
            })
            .collect();
        let mean = cells.iter().sum::<f64>() / cells.len() as f64;
        let deviation = (cells.iter().map(|cell| (cell - mean) * (cell - mean)).sum::<f64>() / cells.len() as f64).sqrt();
        let told = |what: &str| scale[what][column].as_f64().unwrap();
        assert!(
            (told("means") / mean - 1.0).abs() < 1e-9 && (told("deviations") / deviation - 1.0).abs() < 1e-9,
            "{key}: {scale}, {mean} {deviation}"
        );
    }
}

fn released(world: &World, job: &str, orgs: &[&str]) -> Value {
    world.wait("authority", job, &["held"], LONG);
    let shown = world.yu("authority", &["review", "show", job]).ok("show");
    assert!(shown["passed"].as_bool().unwrap(), "{shown}");
    world.yu("authority", &["review", "approve", job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]).ok("review");
    for org in orgs {
        world.wait(org, job, &["done"], LONG);
    }
    world.yu("bank", &["job", "result", job]).ok("result")
}

/// It learnt something, and nobody's rows stand in it.
fn learnt(result: &Value) {
    let history = result["result"]["trained"]["history"].as_array().unwrap();
    let loss = |at: &Value| at["loss"].as_f64().unwrap();
    let (first, last) = (&history[0], history.last().unwrap());
    assert!(loss(last) < 0.8 * loss(first) && last["accuracy"].as_f64().unwrap() > 0.8, "{first} {last}");
    assert_eq!((history.len(), last["round"].as_u64()), (9, Some(8)));
    assert_eq!(result["result"]["trained"]["features"], serde_json::json!(["age", "cost"]));
}

#[test]
fn three_parties_train_and_the_coordinator_sees_sums() {
    let owners = ["health", "bank", "clinic"];
    let town = town(&owners);
    let world = &town.world;
    let toml = job(&owners, "");
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]).all;
    for word in ["summed in secret", "NO differential privacy", "安全聚合", "learns in each round the sum of the updates"] {
        assert!(explained.contains(word), "`{word}`: {explained}");
    }
    let everybody = ["health", "clinic", "platform", "authority"];
    let id = sign(world, world.submit(&toml), &everybody);
    let result = released(world, &id, &["authority", "health", "bank", "clinic", "platform"]);
    learnt(&result);
    statistics(&result, world, &owners);
    // every party watched the rounds, and nothing of them is left
    for org in ["health", "clinic", "platform"] {
        let watched = world.yu(org, &["job", "watch", &id]).all;
        assert!(watched.contains("trained-round") || watched.contains("round"), "{org}: {watched}");
        let left = std::fs::read_dir(world.dir(org)).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        assert!(!left.into_iter().any(|name| name.starts_with("work-")), "{org}");
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
    // the receipt holds for the model as delivered
    let folder = world.file("out");
    world.yu("bank", &["job", "result", &id, "--out", path(&folder)]).ok("out");
    world.yu("bank", &["result", "verify", path(&folder)]).ok("verify");
}

#[test]
fn in_the_clear_the_contract_says_who_sees_updates_and_what_leaks_is_refused() {
    let owners = ["health", "bank"];
    let town = town(&owners);
    let world = &town.world;
    // two parties would know each other's update from the sum
    expect(&world.submit(&job(&owners, "")), "policy.refused", &["step.train", "aggregation"]);
    // a budget that nothing is noised for
    let clear = "aggregation = { kind = \"clear\" }\n";
    let budget = job(&owners, clear) + "privacy = { epsilon = 1.0, delta = 1e-5 }\n";
    expect(&world.submit(&budget), "policy.refused", &["step.train", "privacy"]);
    // a column that one of them has not got
    let other = job(&owners, clear).replace("\"cost\"]", "\"weight\"]");
    expect(&world.submit(&other), "column.missing", &["weight"]);
    let toml = job(&owners, clear);
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]).all;
    assert!(explained.contains("SEES each party's update"), "{explained}");
    let id = sign(world, world.submit(&toml), &["health", "platform", "authority"]);
    learnt(&released(world, &id, &["authority", "health", "bank", "platform"]));
}

/// By the strict limits three hundred rows cannot tell whether a model gives them away: no provider vouches, nothing is released.
#[test]
fn a_model_that_the_gate_does_not_let_pass_ends_the_job() {
    let owners = ["health", "bank", "clinic"];
    let town = town(&owners);
    let strict = job(&owners, "").replace(GATE, "");
    let id = sign(&town.world, town.world.submit(&strict), &["health", "clinic", "platform", "authority"]);
    for org in ["bank", "authority"] {
        let (_, fault) = town.world.wait(org, &id, &["failed"], LONG);
        assert_eq!(fault.as_deref(), Some("policy.refused"), "{org}");
    }
    let told = ["health", "bank"].map(|org| super::rig::fault_of(&town.world, org, &id).to_string());
    assert!(told.iter().any(|fault| fault.contains("release gate")), "{told:?}");
    assert_ne!(town.world.yu("bank", &["job", "result", &id]).status, 0);
}

/// Trees over the rows of three providers: histograms are summed in secret, a killed provider and coordinator come back, everybody vouches.
#[test]
fn trees_grow_over_the_rows_of_three_parties_and_whoever_is_killed_comes_back() {
    let owners = ["health", "bank", "clinic"];
    let mut town = town(&owners);
    let toml = with_step(
        &owners,
        "[step.trees]\nbins = 16\nboosting = { trees = 24, depth = 3, rate = 0.3, min_rows = 12, loss = \"logistic\" }\n",
    );
    std::fs::write(town.world.file("job.toml"), &toml).unwrap();
    let explained = town.world.yu("bank", &["job", "explain", path(&town.world.file("job.toml"))]).all;
    for word in
        ["24 boosted trees", "histograms are summed in secret", "安全聚合", "NO differential privacy", "learns the mean of the target"]
    {
        assert!(explained.contains(word), "`{word}`: {explained}");
    }
    // leaves of a handful of rows
    let small = toml.replace("min_rows = 12", "min_rows = 3");
    expect(&town.world.submit(&small), "policy.refused", &["step.trees", "min_rows"]);
    // a leaf is published with its rows: none below the smallest group
    expect(&town.world.submit(&format!("{toml}[limits]\nmin_cell = 20\n")), "contract.rule", &["min_cell"]);
    let id = sign(&town.world, town.world.submit(&toml), &["health", "clinic", "platform", "authority"]);
    town.world.wait("platform", &id, &["running"], LONG);
    for victim in ["health", "platform"] {
        std::thread::sleep(std::time::Duration::from_millis(700));
        if town.world.state("authority", &id).0 == "running" {
            town.world.kill(victim);
            town.world.up(victim);
        }
    }
    let result = released(&town.world, &id, &["authority", "health", "bank", "clinic", "platform"]);
    let trained = &result["result"]["trained"];
    assert_eq!(trained["forest"]["trees"].as_array().map(Vec::len), Some(24));
    assert!(trained["leaf_rows"].as_array().unwrap().iter().all(|rows| matches!(rows.as_u64(), Some(0 | 12..))), "{trained}");
    // three of four rows went into it, and the first split says what is learnt: the two columns decide
    assert!((500..=900).contains(&trained["rows"].as_u64().unwrap()), "{}", trained["rows"]);
    assert_eq!(result["result"]["gate"].as_object().map(serde_json::Map::len), Some(3));
    let printed = town.world.yu("bank", &["job", "result", &id]).all;
    assert!(printed.contains("boosted trees") || printed.contains("leaf_rows"), "{printed}");
    for org in ["health", "bank", "platform"] {
        town.world.yu(org, &["audit", "verify", path(&town.world.dir(org))]).ok("audit");
    }
}

/// Hands the weights back as they came, which trains nothing; or does nothing at all.
const IDLE: &str = "cp weights.arrow out.arrow\n";

fn can_cut_off() -> bool {
    let can = std::process::Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success());
    if !can {
        println!("skipped: no own network namespace can be had here");
    }
    can
}

/// P5: a program of others trains only where its hash is in the contract and somebody of the node took it in; it leaves no rows behind.
#[test]
fn p5_a_program_of_others_trains_where_it_was_taken_in_and_nowhere_else() {
    if !can_cut_off() {
        return;
    }
    let owners = ["health", "bank", "clinic"];
    let town = town(&owners);
    let world = &town.world;
    let file = world.file("trainer.sh");
    std::fs::write(&file, IDLE).unwrap();
    let added = world.yu("bank", &["program", "add", path(&file), "--interpreter", "/bin/sh"]).ok("add");
    let program = added["program"].as_str().unwrap().to_owned();
    assert_eq!(world.yu("bank", &["program", "list"]).ok("list")["programs"], serde_json::json!([program]));
    let digits = program.strip_prefix("sha-256:").unwrap();
    let trainer = format!("[step.trainer]\nsha256 = \"{digits}\"\ninterpreter = \"/bin/sh\"\nlimits = {{ seconds = 20 }}\n");
    let toml = job(&owners, "").replace("rounds = 8", "rounds = 3") + &trainer;
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]).all;
    for word in ["PROGRAM of others", "外部程序", "it may hide rows in the model"] {
        assert!(explained.contains(word), "`{word}`: {explained}");
    }
    // with the network, over its deadline, under a budget: refused before anybody is asked
    expect(&world.submit(&(toml.clone() + "danger_network = true\n")), "input.bad", &["step.trainer", "network"]);
    expect(&world.submit(&toml.replace("seconds = 20", "seconds = 60")), "input.bad", &["deadline_s"]);
    // what bank read as a shell script is not run by something else
    let other = world.submit(&toml.replace("/bin/sh", "/bin/bash"));
    assert!(other.status != 0 && other.all.contains("was taken in here as run by `/bin/sh`"), "{}", other.all);
    // health has not taken it in: it does not sign
    let id = world.submit(&toml).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("bank", &id, &["refused", "failed"], LONG);
    let told = super::rig::fault_of(world, "bank", &id).to_string();
    assert!(["health", "clinic"].iter().any(|org| told.contains(org)) && told.contains("yu program add"), "{told}");
    for org in ["health", "clinic"] {
        world.yu(org, &["program", "add", path(&file), "--interpreter", "/bin/sh"]).ok("add");
    }
    let id = sign(world, world.submit(&toml.replace("rounds = 3", "rounds = 4")), &["health", "clinic", "platform", "authority"]);
    let result = released(world, &id, &["authority", "health", "bank", "clinic", "platform"]);
    let history = result["result"]["trained"]["history"].as_array().unwrap();
    // four rounds, and the model is what it was in the beginning
    assert_eq!(history.len(), 5);
    assert_eq!(history[0]["loss"], history[4]["loss"]);
    let left = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("yu-train-")), "rows are left in memory");
    world.yu("health", &["program", "remove", &program]).ok("remove");
    assert_eq!(world.yu("health", &["program", "list"]).ok("list")["programs"], serde_json::json!([]));
}

/// Processes end without a word and come back, parties and the coordinator: the training goes on from what each of them stored, to a model of all
/// rounds for which every party vouches.
#[test]
fn killed_processes_come_back_and_the_training_goes_on() {
    let owners = ["health", "bank", "clinic"];
    let mut town = town(&owners);
    let long = job(&owners, "").replace("rounds = 8", "rounds = 1500");
    let id = sign(&town.world, town.world.submit(&long), &["health", "clinic", "platform", "authority"]);
    town.world.wait("platform", &id, &["running"], LONG);
    let mut dice = Dice(11);
    for victim in ["health", "platform", "bank", "platform"] {
        std::thread::sleep(std::time::Duration::from_millis(500 + dice.roll(400)));
        let (state, _) = town.world.state("authority", &id);
        assert_eq!(state, "running", "too few rounds to interrupt: before {victim} was killed");
        town.world.kill(victim);
        town.world.up(victim);
    }
    let result = released(&town.world, &id, &["authority", "health", "bank", "clinic", "platform"]);
    let history = result["result"]["trained"]["history"].as_array().unwrap();
    assert_eq!((history.len(), history.last().unwrap()["round"].as_u64()), (1501, Some(1500)));
    assert!(history.last().unwrap()["accuracy"].as_f64().unwrap() > 0.8);
    // rounds follow each other, none twice and none left out
    assert!(history.windows(2).all(|pair| pair[1]["round"].as_u64() == pair[0]["round"].as_u64().map(|round| round + 1)));
    let watched = town.world.yu("platform", &["job", "watch", &id]).all;
    assert!(watched.contains("returned"), "{watched}");
    for org in ["health", "bank", "platform"] {
        town.world.yu(org, &["audit", "verify", path(&town.world.dir(org))]).ok("audit");
    }
}

/// A party is killed in the middle and does not come back: the training ends everywhere by its name, and nothing is released.
#[test]
fn a_killed_party_ends_the_training_by_name() {
    let owners = ["health", "bank", "clinic"];
    let mut town = town(&owners);
    let long = job(&owners, "").replace("rounds = 8", "rounds = 20000");
    let id = sign(&town.world, town.world.submit(&long), &["health", "clinic", "platform", "authority"]);
    town.world.wait("platform", &id, &["running"], LONG);
    std::thread::sleep(std::time::Duration::from_secs(2));
    town.world.kill("health");
    for org in ["bank", "platform", "authority"] {
        let (_, fault) = town.world.wait(org, &id, &["failed"], 2 * LONG);
        assert!(matches!(fault.as_deref(), Some("peer.lost" | "peer.restarted")), "{org}: {fault:?}");
        assert!(super::rig::fault_of(&town.world, org, &id).to_string().contains("health"), "{org}");
    }
    assert_ne!(town.world.yu("bank", &["job", "result", &id]).status, 0);
}
