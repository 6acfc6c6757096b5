//! Jobs of several steps over a join that nobody sees, by processes: against what the files say.

use super::rig::expect;
use super::support::{Plan, SCENARIO, Said, World, path, shared};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

const PURPOSE: &str = "joint analysis for credit risk research";
const LIMIT: Duration = Duration::from_secs(240);

/// Four nodes with two data sets whose rows point at nobody, authorised and approved.
fn world(left: &Path, left_columns: &str, right: &Path, right_columns: &str, categorical: [Option<&str>; 2]) -> World {
    let toml = vec![("auto_sign = false", "auto_sign = true")];
    let world = World::start(&Plan { node_toml: toml, ..Plan::default() });
    world.introduce();
    for (org, file, category) in [("health", left, categorical[0]), ("bank", right, categorical[1])] {
        let mut args = vec!["dataset", "add", path(file), "--id", "table", "--key", "id", "--not-personal"];
        if let Some(column) = category {
            args.extend(["--categorical", column]);
        }
        if org == "bank" {
            args.extend(["--import-source", "own records"]);
        }
        world.yu(org, &args).ok("add");
    }
    let list = |columns: &str| columns.split(',').map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
    world.authorise(&format!(
        "id = \"a-1\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\n\
         not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n\
         [[datasets]]\ndataset = \"dev/health/table\"\ncolumns = [{}]\n\
         [[datasets]]\ndataset = \"dev/bank/table\"\ncolumns = [{}]\n\
         [contingency_plan]\nowner = \"bank\"\nscope = \"leak or loss\"\ncontacts = [\"duty officer\"]\nsteps = [\"halt\", \"report\"]\ndrill_interval_days = 180\n",
        list(left_columns),
        list(right_columns)
    ));
    for (provider, dataset, columns) in [("health", "dev/health/table", left_columns), ("authority", "dev/bank/table", right_columns)] {
        let name = world.name(provider);
        let args = ["request", "send", "--authorisation", "a-1", "--provider", &name, "--dataset", dataset, "--columns", columns];
        let sent = world.yu("bank", &args).ok("request");
        world.yu(provider, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
    }
    world
}

/// A job file without its steps.
fn head(security: &str) -> String {
    format!(
        "authorisation = \"a-1\"\nsecurity = \"{security}\"\nhelper = \"yu://dev/platform/n1\"\nreviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\
         [left]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/table\"\nkey = [\"id\"]\nnormalise = [\"trim\"]\n\
         [right]\nparty = \"yu://dev/bank/n1\"\ndataset = \"dev/bank/table\"\nkey = [\"id\"]\nnormalise = [\"trim\"]\n"
    )
}

const STEPS: &str = r#"
[[steps]]
kind = "stats"
columns = ["left.age", "right.income"]
group = "left.district"
[[steps]]
kind = "quantiles"
columns = ["right.income"]
probabilities = [0.25, 0.5, 0.75]
[[steps]]
kind = "histogram"
column = "left.age"
edges = [35, 50, 65]
[[steps]]
kind = "groupby"
by = ["left.district", "right.segment"]
values = ["right.income", "left.cost"]
[[steps]]
kind = "linear_regression"
target = "right.income"
features = ["left.age", "left.cost"]
ridge = 0.01
[[steps]]
kind = "logistic_regression"
target = "left.default"
features = ["left.age", "right.income"]
epochs = 4
batch = 32
learning_rate = 0.5
l2 = 0.001
"#;

/// A row of both tables: age, cost, default, income; district, segment.
#[derive(Clone)]
struct Row {
    numbers: [f64; 4],
    labels: [&'static str; 2],
}

fn row(n: usize) -> Row {
    let noise = |salt: usize| ((n * 7919 + salt * 104_729 + n * n * 31) % 1009) as f64 / 1009.0;
    let age = (noise(1) * 70.0 + 18.0).floor();
    let income = (noise(2) * 9e4 + 1e4).round();
    let default = f64::from(u8::from(age / 70.0 - income / 9e4 + noise(3) > 0.6));
    let numbers = [age, (noise(4) * 2e5).round() / 100.0, default, income];
    Row { numbers, labels: [["east", "north", "south"][n % 3], ["gold", "plain"][n / 5 % 2]] }
}

/// Writes both files; returns the rows that are in both.
fn tables(dir: &Path, left: std::ops::Range<usize>, right: std::ops::Range<usize>) -> Vec<Row> {
    let mut text = String::from("id,district,age,cost,default\n");
    for n in left.clone() {
        let r = row(n);
        text += &format!("p{n:04},{},{},{},{}\n", r.labels[0], r.numbers[0], r.numbers[1], r.numbers[2]);
    }
    std::fs::write(dir.join("left.csv"), text).unwrap();
    let mut text = String::from("id,segment,income\n");
    for n in right.clone().rev() {
        text += &format!("p{n:04},{},{}\n", row(n).labels[1], row(n).numbers[3]);
    }
    std::fs::write(dir.join("right.csv"), text).unwrap();
    left.filter(|n| right.contains(n)).map(row).collect()
}

fn small_world(dir: &Path) -> (World, Vec<Row>) {
    let rows = tables(dir, 0..1300, 300..1800);
    let world = world(
        &dir.join("left.csv"),
        "id,district,age,cost,default",
        &dir.join("right.csv"),
        "id,segment,income",
        [Some("district"), Some("segment")],
    );
    (world, rows)
}

fn run(world: &World, toml: &str) -> Value {
    let job = world.submit(toml).ok("submit")["job"].as_str().unwrap().to_owned();
    let (state, fault) = world.wait("authority", &job, &["held", "failed"], LIMIT);
    assert_eq!((state.as_str(), fault), ("held", None), "{}", world.yu("bank", &["job", "why", &job]).all);
    let shown = world.yu("authority", &["review", "show", &job]).ok("show");
    assert_eq!(shown["passed"], true, "{shown}");
    let released = world.complete(&job);
    // what was metered is what the contract said, to the byte
    for org in ["health", "bank", "platform"] {
        let store = rusqlite::Connection::open(world.dir(org).join("store/yu.sqlite")).unwrap();
        let measured: String = store.query_row("SELECT measured FROM job WHERE id = ?1", [&job], |r| r.get(0)).unwrap();
        let measured: Value = serde_json::from_str(&measured).unwrap();
        assert!(measured["equal"] == true && measured["bytes_sent"].as_u64() > Some(0), "{org}: {measured}");
    }
    assert!(released["say"].as_array().unwrap().len() > 5, "{released}");
    released["result"].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn close(got: &Value, expected: f64, what: &str) {
    let got = number(got);
    // published with six digits
    assert!((got - expected).abs() <= 6e-6 * expected.abs().max(1.0), "{what}: {got} instead of {expected}");
}

/// Everything that six steps say of these rows; the rows are those of both tables.
fn check(result: &Value, rows: &[Row]) {
    let n = rows.len() as f64;
    assert_eq!(result["matched"], rows.len().to_string());
    let steps = result["steps"].as_array().unwrap();
    let kinds: Vec<&str> = steps.iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["stats", "quantiles", "histogram", "groupby", "linear_regression", "logistic_regression"]);
    let mean = |at: usize, of: &dyn Fn(&Row) -> bool| {
        let values: Vec<f64> = rows.iter().filter(|r| of(r)).map(|r| r.numbers[at]).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    for (place, at) in [(0, 0), (1, 3)] {
        close(&steps[0]["columns"][place]["mean"], mean(at, &|_| true), "mean");
    }
    for group in steps[0]["groups"].as_array().unwrap() {
        close(&group["means"][1], mean(3, &|r| r.labels[0] == group["label"]), "group mean");
    }
    let mut income: Vec<f64> = rows.iter().map(|r| r.numbers[3]).collect();
    income.sort_by(f64::total_cmp);
    for (part, quantile) in [0.25, 0.5, 0.75].into_iter().zip(steps[1]["columns"][0]["quantiles"].as_array().unwrap()) {
        // the smallest group is 5: two values on each side
        let rank = (part * n).ceil() as usize - 1;
        close(&quantile["value"], income[rank - 2..=rank + 2].iter().sum::<f64>() / 5.0, "quantile");
    }
    let edges = [f64::MIN, 35.0, 50.0, 65.0, f64::MAX];
    for (bin, edge) in steps[2]["bins"].as_array().unwrap().iter().zip(edges.windows(2)) {
        let inside = rows.iter().filter(|r| edge[0] <= r.numbers[0] && r.numbers[0] < edge[1]);
        assert_eq!(bin["count"], inside.count().to_string());
    }
    let groups = steps[3]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 6);
    for group in groups {
        let of = |r: &Row| group["labels"][0] == r.labels[0] && group["labels"][1] == r.labels[1];
        assert_eq!(group["count"], rows.iter().filter(|r| of(r)).count().to_string());
        close(&group["means"][0], mean(3, &of), "mean of income");
        close(&group["means"][1], mean(1, &of), "mean of cost");
    }
    // the weights of a linear model make the errors orthogonal to the features, up to the ridge
    let model = &steps[4];
    let scale = |column: &Value, value: f64| (value - number(&column["mean"])) / number(&column["sd"]);
    let features = |model: &Value, at: &[usize], r: &Row| -> Vec<f64> {
        let columns = model["features"].as_array().unwrap();
        columns.iter().zip(at).map(|(column, at)| scale(column, r.numbers[*at])).collect()
    };
    let score = |model: &Value, x: &[f64]| {
        let columns = model["features"].as_array().unwrap();
        number(&model["intercept"]) + columns.iter().zip(x).map(|(column, x)| number(&column["weight"]) * x).sum::<f64>()
    };
    for at in 0..2 {
        let gradient = rows.iter().map(|r| {
            let x = features(model, &[0, 1], r);
            (score(model, &x) - scale(&model["target"], r.numbers[3])) * x[at]
        });
        let gradient = gradient.sum::<f64>() / n + 0.01 * number(&model["features"][at]["weight"]);
        assert!(gradient.abs() < 2e-3, "{gradient}");
    }
    let model = &steps[5];
    assert_eq!(model["positives"], rows.iter().filter(|r| r.numbers[2] == 1.0).count().to_string());
    // rows are met in an order that nobody knows, so weights differ from run to run: what counts is how far they are from the best ones
    let points: Vec<([f64; 2], f64)> = rows.iter().map(|r| (features(model, &[0, 3], r).try_into().unwrap(), r.numbers[2])).collect();
    let weights = [0, 1].map(|at| number(&model["features"][at]["weight"]));
    let (loss, best) = (log_loss(&points, weights, number(&model["intercept"])), least_log_loss(&points));
    assert!(loss < best + 0.05, "a loss of {loss}; {best} is possible");
}

/// Mean of `log(1 + e^z) - y z`.
fn log_loss(points: &[([f64; 2], f64)], weights: [f64; 2], intercept: f64) -> f64 {
    let one = |(x, y): &([f64; 2], f64)| {
        let z = weights[0] * x[0] + weights[1] * x[1] + intercept;
        z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z
    };
    points.iter().map(one).sum::<f64>() / points.len() as f64
}

/// Gradient descent in the clear.
fn least_log_loss(points: &[([f64; 2], f64)]) -> f64 {
    let mut model = [0.0; 3];
    for _ in 0..500 {
        let mut gradient = [0.0; 3];
        for ([a, b], y) in points {
            let error = 1.0 / (1.0 + (-(model[0] * a + model[1] * b + model[2])).exp()) - y;
            gradient.iter_mut().zip([a, b, &1.0]).for_each(|(sum, x)| *sum += error * x);
        }
        model.iter_mut().zip(gradient).for_each(|(weight, sum)| *weight -= sum / points.len() as f64);
    }
    log_loss(points, [model[0], model[1]], model[2])
}

#[test]
fn six_steps_over_rows_that_nobody_knows_to_match() {
    let dir = tempfile::tempdir().unwrap();
    let (world, rows) = small_world(dir.path());
    let toml = head("semi-honest") + STEPS;
    let file = world.file("job.toml");
    std::fs::write(&file, &toml).unwrap();
    let checked = world.yu("bank", &["job", "check", path(&file)]).ok("check");
    assert_eq!(checked["ok"], true, "{checked}");
    let explained = world.yu("bank", &["job", "explain", path(&file)]).ok("explain");
    let said = explained["say"].to_string();
    for word in [
        "step 6, logistic_regression",
        "步骤 2",
        "mean of the 5 values",
        "learns the weights of a model",
        "is assumed to follow the protocol",
    ] {
        assert!(said.contains(word), "`{word}`: {said}");
    }
    let kinds: Vec<&str> = explained["contract"]["outputs"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["report", "report", "report", "report", "model", "model"]);
    check(&run(&world, &toml), &rows);
    bad_files(&world);
}

/// The same on the engine that finds out who deviates.
#[test]
fn steps_against_a_party_that_may_deviate() {
    let dir = tempfile::tempdir().unwrap();
    let (world, rows) = small_world(dir.path());
    let toml = head("malicious") + STEPS;
    let file = world.file("job.toml");
    std::fs::write(&file, &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&file)]).ok("explain");
    assert_eq!(explained["contract"]["security"]["adversary"], "malicious");
    for word in ["malicious adversary", "it is found out before anything is opened", "可中止的安全性"] {
        assert!(explained["say"].to_string().contains(word) || explained["contract"].to_string().contains(word), "{word}: {explained}");
    }
    check(&run(&world, &toml), &rows);
}

/// What cannot be computed is refused before anybody is asked, by step and field.
fn bad_files(world: &World) {
    let check = |toml: &str| -> Said {
        let file = world.file("bad.toml");
        std::fs::write(&file, toml).unwrap();
        world.yu("bank", &["job", "check", path(&file)])
    };
    let whole = |security: &str, steps: &str| head(security) + steps;
    let bad = |code: &str, from: &str, to: &str, names: &[&str]| {
        assert!(STEPS.contains(from), "{from}");
        expect(&check(&whole("semi-honest", &STEPS.replacen(from, to, 1))), code, names);
    };
    bad("input.bad", "kind = \"histogram\"", "kind = \"pie\"", &["steps[3]", "pie"]);
    bad("input.bad", "probabilities", "percentiles", &["steps[2]", "percentiles"]);
    bad("input.bad", "[0.25, 0.5, 0.75]", "[0.25, 1.0]", &["steps[2] (quantiles)", "probabilities"]);
    bad("input.bad", "[0.25, 0.5, 0.75]", "[]", &["steps[2]", "probabilities"]);
    bad("input.bad", "[35, 50, 65]", "[35, 35]", &["steps[3] (histogram)", "ascend"]);
    bad("input.bad", "\"right.income\"]\nprob", "\"bank.income\"]\nprob", &["steps[2]", "left.NAME"]);
    bad("input.bad", "features = [\"left.age\", \"right", "features = [\"left.default\", \"right", &["steps[6]", "target"]);
    bad("input.bad", "batch = 32", "batch = 0", &["steps[6] (logistic_regression)", "batch"]);
    bad("input.bad", "epochs = 4", "epochs = 1000", &["epochs"]);
    bad("input.bad", "learning_rate = 0.5", "learning_rate = -1", &["learning_rate"]);
    bad("input.bad", "l2 = 0.001", "l2 = 2", &["l2"]);
    bad("input.bad", "ridge = 0.01", "ridge = 0", &["steps[5]", "ridge"]);
    bad("input.bad", "column = \"left.age\"", "column = \"left.id\"", &["key column"]);
    bad("input.bad", "\"left.district\", \"right.segment\"", "\"left.district\", \"left.district\"", &["steps[4]", "twice"]);
    // the catalogue knows better
    bad("column.missing", "[\"right.income\"]\nprob", "[\"right.incme\"]\nprob", &["incme", "income"]);
    bad("column.missing", "group = \"left.district\"", "group = \"right.district\"", &["district", "segment"]);
    bad("input.bad", "group = \"left.district\"", "group = \"left.age\"", &["not categorical"]);
    bad("contract.rule", "batch = 32", "batch = 4000", &["step 6", "batch"]);
    expect(&check(&whole("honest", STEPS)), "input.bad", &["security"]);
    expect(&check(&head("semi-honest")), "input.bad", &["steps"]);
    let both = |toml: String| toml.replace("helper =", "reveal_match = \"both\"\nhelper =");
    expect(&check(&both(whole("semi-honest", STEPS))), "input.bad", &["reveal_match"]);
    expect(&check(&both(whole("malicious", STEPS))), "input.bad", &["security", "ECDH-PSI"]);
    let named = whole("semi-honest", STEPS).replace("dataset = \"dev/bank/table\"", "dataset = \"dev/bank/table\"\ncolumns = [\"age\"]");
    expect(&check(&named), "input.bad", &["right.income"]);
}

/// Area under the ROC curve; ties count half.
fn auc(scored: &mut [(f64, bool)]) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut at) = (0.0, 0);
    while at < scored.len() {
        let end = (at..scored.len()).find(|end| scored[*end].0 > scored[at].0).unwrap_or(scored.len());
        sum += (at + end + 1) as f64 / 2.0 * scored[at..end].iter().filter(|s| s.1).count() as f64;
        at = end;
    }
    let positive = scored.iter().filter(|s| s.1).count() as f64;
    (sum - positive * (positive + 1.0) / 2.0) / (positive * (scored.len() as f64 - positive))
}

/// Trains on the rows of both owners that are for training; tests on the others, in the clear, with the released weights.
#[test]
fn logistic_regression_of_a_real_table_is_as_good_as_the_central_one() {
    let Some(data) = shared("data/default_credit") else { return };
    let Some(split) = shared("data/splits/default_credit.csv") else { return };
    let split = std::fs::read_to_string(split).unwrap();
    let tests: HashMap<&str, bool> = split.lines().skip(1).map(|line| (line.split(',').nth(1).unwrap(), line.ends_with(",1"))).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut test_rows: [HashMap<String, Vec<f64>>; 2] = Default::default();
    let mut columns = Vec::new();
    for (at, side) in ["guest", "host"].into_iter().enumerate() {
        let text = std::fs::read_to_string(data.join(format!("default_credit_hetero_{side}.csv"))).unwrap();
        let mut train = String::new();
        for (n, line) in text.lines().enumerate() {
            let (id, rest) = line.split_once(',').unwrap();
            if n == 0 {
                columns.push(line.to_owned());
            } else if tests[id] {
                test_rows[at].insert(id.to_owned(), rest.split(',').map(|cell| cell.parse().unwrap()).collect());
                continue;
            }
            train += line;
            train.push('\n');
        }
        std::fs::write(dir.path().join(format!("{side}.csv")), train).unwrap();
    }
    let world = world(&dir.path().join("guest.csv"), &columns[0], &dir.path().join("host.csv"), &columns[1], [None, None]);
    let features: Vec<String> = columns
        .iter()
        .zip(["left", "right"])
        .flat_map(|(names, side)| names.split(',').filter(|c| !["id", "y"].contains(c)).map(move |c| format!("\"{side}.{c}\"")))
        .collect();
    assert_eq!(features.len(), 23);
    let toml = head("semi-honest")
        + &format!(
            "[[steps]]\nkind = \"logistic_regression\"\ntarget = \"left.y\"\nfeatures = [{}]\nepochs = 3\nbatch = 256\nlearning_rate = 0.2\n",
            features.join(", ")
        );
    let started = Instant::now();
    let result = run(&world, &toml);
    let model = &result["steps"][0];
    assert_eq!(model["count"], "24000");
    let weights: Vec<[f64; 3]> =
        model["features"].as_array().unwrap().iter().map(|f| ["weight", "mean", "sd"].map(|key| number(&f[key]))).collect();
    let mut scored: Vec<(f64, bool)> = test_rows[0]
        .iter()
        .map(|(id, guest)| {
            let row = guest[1..].iter().chain(&test_rows[1][id]);
            let z = row.zip(&weights).map(|(value, [weight, mean, sd])| weight * ((value - mean) / sd).clamp(-31.0, 31.0)).sum::<f64>();
            (number(&model["intercept"]) + z, guest[0] == 1.0)
        })
        .collect();
    assert_eq!(scored.len(), 6000);
    let auc = auc(&mut scored);
    eprintln!("test AUC {auc:.5} after {:?} from submission to result", started.elapsed());
    assert!(auc >= 0.7120, "{auc}");
}
