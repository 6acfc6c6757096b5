//! All steps over a join that nobody sees: against a computation that knows everything.

use std::collections::HashMap;

use ndarray::{Array2, Axis, s};
use yu_mpc::analysis::{
    self, AnalysisData, AnalysisPlan, Categorical, ColumnAt, FEATURE_LIMIT, Local, Model, Numeric, Outcome, Step, StepResult, TableSide,
};
use yu_mpc::clear::Clear;
use yu_mpc::engine::{Engine, Priced};
use yu_mpc::joint;
use yu_mpc::learn::Logistic;
use yu_mpc::rep3::{Context, Malicious, SealedShare, reconstruct};
use yu_mpc::stats::{Owner, Role};
use yu_mpc::table::{Fraction, digest};
use yu_mpc::{Error, Result};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;
use yu_wire::seal::{SealKey, SealPublic};
use zeroize::Zeroizing;

use super::malicious::flip_each;
use super::world::{NAMES, ROLES, SESSION, on_threads, ring, rng};

const LEFT: Owner = Owner::Left;
const RIGHT: Owner = Owner::Right;
const MIN_CELL: u64 = 4;

const fn at(owner: Owner, index: usize) -> ColumnAt {
    ColumnAt { owner, index }
}

#[derive(Clone)]
struct Table {
    keys: Vec<String>,
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
}

impl Table {
    fn data(&self) -> AnalysisData {
        AnalysisData {
            keys: self.keys.iter().map(|key| Zeroizing::new(key.clone().into_bytes())).collect(),
            numeric: Array2::from_shape_fn((self.keys.len(), self.numeric[0].len()), |(row, column)| self.numeric[row][column]),
            codes: self.codes.clone(),
        }
    }

    fn exponent(&self, column: usize) -> i32 {
        joint::exponent("c", &self.numeric.iter().map(|row| row[column]).collect::<Vec<_>>()).unwrap()
    }
}

/// Left: age, cost, and a label that depends on both sides; district. Right: income, rate; segment.
fn tables(left: std::ops::Range<usize>, right: std::ops::Range<usize>) -> [Table; 2] {
    let noise = |row: usize, salt: usize| ((row * 7919 + salt * 104_729 + row * row * 31) % 1009) as f64 / 1009.0;
    let age = |row: usize| (noise(row, 1) * 70.0 + 18.0).floor();
    let income = |row: usize| noise(row, 2) * 9e4 + 1e4;
    let label = |row: usize| f64::from(u8::from(age(row) / 70.0 - income(row) / 9e4 + noise(row, 3) > 0.6));
    let of = |rows: std::ops::Range<usize>, numeric: &dyn Fn(usize) -> Vec<f64>, codes: &dyn Fn(usize) -> u32| Table {
        keys: rows.clone().map(|row| format!("resident {row}")).collect(),
        numeric: rows.clone().map(numeric).collect(),
        codes: vec![rows.map(codes).collect()],
    };
    let left = of(left, &|row| vec![age(row), noise(row, 4) * 2000.0 - 500.0, label(row)], &|row| (row % 3) as u32);
    let right = of(right, &|row| vec![income(row), noise(row, 5) * 1e-6], &|row| (row / 5 % 2) as u32);
    [left, right]
}

fn plan(tables: &[Table; 2]) -> AnalysisPlan {
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let side = |at: usize, names: &[&str], category: Categorical| TableSide {
        party: NAMES[at].into(),
        // more rows are announced than are there
        rows: tables[at].keys.len() as u32 + 3,
        numeric: names.iter().enumerate().map(|(n, name)| Numeric { name: (*name).into(), exponent: tables[at].exponent(n) }).collect(),
        categorical: vec![category],
    };
    let part = |numerator| Fraction { numerator, denominator: 10_000 };
    AnalysisPlan {
        left: side(0, &["age", "cost", "label"], Categorical { name: "district".into(), labels: labels(&["n", "e", "s"]) }),
        right: side(1, &["income", "rate"], Categorical { name: "segment".into(), labels: labels(&["a", "b"]) }),
        helper: NAMES[2].into(),
        steps: vec![
            Step::Stats { columns: vec![at(RIGHT, 0), at(LEFT, 0)], group: Some(at(LEFT, 0)) },
            Step::Quantiles { columns: vec![at(RIGHT, 0), at(LEFT, 1)], at: vec![part(1000), part(5000), part(7550)] },
            Step::Histogram { column: at(LEFT, 0), edges: vec![-1000.0, 30.0, 45.5, 60.0, 1e6] },
            Step::Groupby { by: vec![at(LEFT, 0), at(RIGHT, 0)], values: vec![at(RIGHT, 1), at(LEFT, 1)] },
            Step::LinearRegression { target: at(RIGHT, 0), features: vec![at(LEFT, 0), at(RIGHT, 1), at(LEFT, 2)], ridge: 0.01 },
            Step::LogisticRegression {
                target: at(LEFT, 2),
                features: vec![at(LEFT, 0), at(RIGHT, 0)],
                model: Logistic { rate: 0.5, batch: 16, epochs: 4 },
                l2: 0.01,
            },
        ],
        min_cell: MIN_CELL,
    }
}

/// A party of one of the two protocols.
trait Party: Priced + Sized {
    fn join(index: usize, prev: Channel, next: Channel) -> Self;
    fn seal(&mut self, output: &Self::Words, to: &SealPublic) -> SealedShare;
    fn totals(&self) -> Totals;
}

impl Party for Context {
    fn join(index: usize, prev: Channel, next: Channel) -> Self {
        Self::new(index, &SESSION, prev, next, &mut rng(200 + index as u64)).unwrap()
    }

    fn seal(&mut self, output: &Self::Words, to: &SealPublic) -> SealedShare {
        self.seal_words(output, to, b"result", b"job", &mut rng(3)).unwrap()
    }

    fn totals(&self) -> Totals {
        Self::totals(self)
    }
}

impl Party for Malicious {
    fn join(index: usize, prev: Channel, next: Channel) -> Self {
        Self::new(index, &SESSION, prev, next, &mut rng(200 + index as u64)).unwrap()
    }

    fn seal(&mut self, output: &Self::Words, to: &SealPublic) -> SealedShare {
        self.seal_output(output, to, b"result", b"job", &mut rng(3)).unwrap()
    }

    fn totals(&self) -> Totals {
        Self::totals(self)
    }
}

/// Runs the job; what the recipient reads, the digests' key, and each party's meter against the dry run.
fn job<P: Party>(plan: &AnalysisPlan, tables: &[Table; 2]) -> Result<(Outcome, [u8; 32])> {
    let reviewer = SealKey::generate(&mut rng(9));
    let cost = analysis::cost::<P>(plan)?;
    let results = on_threads(ring(), |index, (mut prev, mut next)| {
        let mut random = rng(100 + index as u64);
        let mut used = [0; 32];
        let local = tables.get(index).map(|table| {
            let channel = if index == 0 { &mut next } else { &mut prev };
            let key = joint::agree_on_key(channel, ROLES[index], &SESSION, &mut random).unwrap();
            used = *key;
            Local::of(plan, [LEFT, RIGHT][index], &table.data(), &key, &mut random).unwrap()
        });
        let mut party = P::join(index, prev, next);
        let mine = |role: Role| local.as_ref().filter(|_| role.index() == index);
        let output = analysis::run(&mut party, plan, [mine(Role::Left), mine(Role::Right)]).unwrap();
        let share = party.seal(&output, &reviewer.public());
        let (expected, totals) = (cost.party(NAMES[index]).unwrap(), party.totals());
        assert_eq!(
            (totals.bytes_sent, totals.bytes_received, totals.rounds),
            (expected.bytes_sent, expected.bytes_received, expected.rounds),
            "party {index}"
        );
        (share, used)
    });
    let key = results[0].1;
    let shares: [SealedShare; 3] =
        results.into_iter().map(|(share, _)| share).collect::<Vec<_>>().try_into().unwrap_or_else(|_| unreachable!());
    let values = reconstruct(&reviewer, NAMES, &shares, b"result", b"job")?;
    Ok((analysis::assemble(plan, &values)?, key))
}

/// The same by one party.
fn alone(plan: &AnalysisPlan, tables: &[Table; 2], key: &[u8; 32]) -> Outcome {
    let local = |at: usize| Local::of(plan, [LEFT, RIGHT][at], &tables[at].data(), key, &mut rng(at as u64)).unwrap();
    let (left, right) = (local(0), local(1));
    let engine = &mut Clear;
    let output = analysis::run(engine, plan, [Some(&left), Some(&right)]).unwrap();
    analysis::assemble(plan, &engine.open(&[&output]).unwrap()[0]).unwrap()
}

/// Matched rows in the order of their digests: left numbers, right numbers, categories.
type Row = ([Vec<f64>; 2], [u32; 2]);

fn matched(tables: &[Table; 2], key: &[u8; 32]) -> Vec<Row> {
    let places: HashMap<&String, usize> = tables[1].keys.iter().enumerate().map(|(row, key)| (key, row)).collect();
    let mut rows: Vec<([u64; 2], Row)> = Vec::new();
    for (row, name) in tables[0].keys.iter().enumerate() {
        let Some(other) = places.get(name) else { continue };
        let [low, high] = digest(key, name.as_bytes());
        let numbers = [tables[0].numeric[row].clone(), tables[1].numeric[*other].clone()];
        rows.push(([high, low], (numbers, [tables[0].codes[0][row], tables[1].codes[0][*other]])));
    }
    rows.sort_by_key(|(digest, _)| *digest);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn value(row: &Row, column: ColumnAt) -> f64 {
    row.0[usize::from(column.owner == RIGHT)][column.index]
}

fn close(got: Option<f64>, expected: f64, tolerance: f64, what: &str) {
    let got = got.unwrap();
    assert!((got - expected).abs() <= tolerance * expected.abs().max(1e-9), "{what}: {got} instead of {expected}");
}

/// A feature as its owner shares it.
fn standard(table: &Table, column: usize) -> impl Fn(f64) -> f64 {
    let values: Vec<f64> = table.numeric.iter().map(|row| row[column]).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    move |value| ((value - mean) / sd).clamp(-FEATURE_LIMIT, FEATURE_LIMIT)
}

fn design(tables: &[Table; 2], rows: &[Row], columns: &[ColumnAt]) -> Array2<f64> {
    let scales: Vec<_> = columns.iter().map(|c| standard(&tables[usize::from(c.owner == RIGHT)], c.index)).collect();
    Array2::from_shape_fn((rows.len(), columns.len() + 1), |(row, at)| columns.get(at).map_or(1.0, |c| scales[at](value(&rows[row], *c))))
}

fn near(model: &Model, weights: &[f64], tolerance: f64) {
    let told = model.features.iter().map(|f| f.weight).chain([model.intercept]);
    for (told, expected) in told.zip(weights) {
        assert!((told - expected).abs() < tolerance, "{told} instead of {expected}");
    }
    assert_eq!(model.features.len() + 1, weights.len());
}

/// Checks every number of an outcome of [`plan`].
fn check(plan: &AnalysisPlan, tables: &[Table; 2], key: &[u8; 32], told: &Outcome) {
    let rows = matched(tables, key);
    let n = rows.len() as f64;
    assert_eq!(told.matched, rows.len() as u64);
    let mean = |column: ColumnAt| rows.iter().map(|row| value(row, column)).sum::<f64>() / n;
    for (step, result) in plan.steps.iter().zip(&told.steps) {
        match (step, result) {
            (Step::Stats { columns, .. }, StepResult::Stats(stats)) => {
                assert_eq!(stats.count, rows.len() as u64);
                for (column, summary) in columns.iter().zip(&stats.columns) {
                    close(summary.mean, mean(*column), 1e-8, "mean");
                    let squares = rows.iter().map(|row| (value(row, *column) - mean(*column)).powi(2)).sum::<f64>();
                    close(summary.sd, (squares / (n - 1.0)).sqrt(), 1e-8, "sd");
                }
                for (code, group) in stats.groups.iter().enumerate() {
                    let members: Vec<_> = rows.iter().filter(|row| row.1[0] as usize == code).collect();
                    assert_eq!(group.count, members.len() as u64);
                    let mean = members.iter().map(|row| value(row, columns[0])).sum::<f64>() / members.len() as f64;
                    close(group.means[0], mean, 1e-8, "group mean");
                }
            }
            (Step::Quantiles { columns, at }, StepResult::Quantiles { columns: told }) => {
                for (column, told) in columns.iter().zip(told) {
                    let mut values: Vec<f64> = rows.iter().map(|row| value(row, *column)).collect();
                    values.sort_by(f64::total_cmp);
                    for (part, quantile) in at.iter().zip(&told.quantiles) {
                        let rank = (f64::from(part.numerator) / 1e4 * n - 1e-9).ceil().max(1.0) as usize - 1;
                        let half = (MIN_CELL / 2) as usize;
                        let around = &values[rank.saturating_sub(half)..values.len().min(rank + half + 1)];
                        assert_eq!(quantile.rows, around.len() as u64);
                        close(quantile.value, around.iter().sum::<f64>() / around.len() as f64, 1e-8, "quantile");
                    }
                }
            }
            (Step::Histogram { column, edges }, StepResult::Histogram { bins, .. }) => {
                assert_eq!(bins.len(), edges.len() + 1);
                for bin in bins {
                    let inside = |v: f64| bin.from.is_none_or(|from| from <= v) && bin.below.is_none_or(|below| v < below);
                    assert_eq!(bin.count, rows.iter().filter(|row| inside(value(row, *column))).count() as u64);
                }
            }
            (Step::Groupby { values, .. }, StepResult::Groupby { groups, .. }) => {
                let names = [["n", "e", "s"].as_slice(), &["a", "b"]];
                assert_eq!(groups.len(), 6);
                for group in groups {
                    let is_member = |row: &&Row| (0..2).all(|at| names[at][row.1[at] as usize] == group.labels[at]);
                    let members: Vec<&Row> = rows.iter().filter(is_member).collect();
                    assert_eq!(group.count, members.len() as u64);
                    for (at, column) in values.iter().enumerate() {
                        let sum = members.iter().map(|row| value(row, *column)).sum::<f64>();
                        close(group.sums[at], sum, 1e-7, "sum");
                        close(group.means[at], sum / members.len() as f64, 1e-7, "mean");
                    }
                }
            }
            (Step::LinearRegression { target, features, ridge }, StepResult::LinearRegression(model)) => {
                let x = design(tables, &rows, features);
                let y = design(tables, &rows, &[*target]).column(0).to_owned();
                let mut a = x.t().dot(&x) / n;
                for at in 0..features.len() {
                    a[[at, at]] += ridge;
                }
                let expected = solve(a, x.t().dot(&y) / n);
                near(model, &expected, 2e-3);
                assert_eq!((model.count, model.positives), (rows.len() as u64, None));
                assert!(model.target.sd.unwrap() > 1e4);
            }
            (Step::LogisticRegression { target, features, model: how, l2 }, StepResult::LogisticRegression(model)) => {
                let x = design(tables, &rows, features);
                let y: Vec<f64> = rows.iter().map(|row| value(row, *target)).collect();
                near(model, &descend(how, *l2, &x, &y, plan.step_rows()), 5e-3);
                assert_eq!(model.positives, Some(y.iter().filter(|y| **y == 1.0).count() as u64));
                // the weights tell the classes apart
                let right = rows.iter().zip(&y).filter(|(row, y)| {
                    let raw: Vec<f64> = features.iter().map(|c| value(row, *c)).collect();
                    (model.score(&raw) > 0.0) == (**y == 1.0)
                });
                assert!(right.count() as f64 > 0.7 * n);
            }
            _ => panic!("results in another order"),
        }
    }
}

/// Gradient descent in floating point; rows that did not match stand behind and move nothing.
fn descend(how: &Logistic, l2: f64, x: &Array2<f64>, y: &[f64], rows: usize) -> Vec<f64> {
    let width = x.ncols();
    let mut w = ndarray::Array1::<f64>::zeros(width);
    let mut sum = w.clone();
    let steps = rows / how.batch;
    for epoch in 0..how.epochs {
        for number in 0..steps {
            let range = (number * how.batch).min(y.len())..((number + 1) * how.batch).min(y.len());
            let x = x.slice(s![range.clone(), ..]);
            let e: ndarray::Array1<f64> = x.dot(&w).iter().zip(&y[range]).map(|(z, y)| 1.0 / (1.0 + (-z).exp()) - y).collect();
            let mut decay = &w * (how.rate * l2);
            decay[width - 1] = 0.0;
            w = &w - &(x.t().dot(&e) * (how.rate / how.batch as f64)) - decay;
            if epoch + 1 == how.epochs {
                sum += &w;
            }
        }
    }
    (sum / steps as f64).to_vec()
}

fn solve(mut a: Array2<f64>, mut b: ndarray::Array1<f64>) -> Vec<f64> {
    for at in 0..b.len() {
        for row in (0..b.len()).filter(|row| *row != at) {
            let factor = a[[row, at]] / a[[at, at]];
            let pivot = a.index_axis(Axis(0), at).to_owned();
            a.row_mut(row).scaled_add(-factor, &pivot);
            b[row] -= factor * b[at];
        }
    }
    (0..b.len()).map(|at| b[at] / a[[at, at]]).collect()
}

/// Numbers may differ in the last bit, which the reader of JSON does not promise to keep.
fn is_same(read: &serde_json::Value, written: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (read, written) {
        (Value::Array(read), Value::Array(written)) => read.len() == written.len() && read.iter().zip(written).all(|(a, b)| is_same(a, b)),
        (Value::Object(read), Value::Object(written)) => {
            read.len() == written.len() && read.iter().all(|(key, value)| written.get(key).is_some_and(|other| is_same(value, other)))
        }
        (Value::Number(read), Value::Number(written)) => match (read.as_f64(), written.as_f64()) {
            (Some(read), Some(written)) => (read - written).abs() <= f64::EPSILON * written.abs(),
            _ => read == written,
        },
        _ => read == written,
    }
}

#[test]
fn every_step_tells_what_the_matched_rows_say() {
    let tables = tables(0..150, 40..175);
    let plan = plan(&tables);
    let (told, key) = job::<Context>(&plan, &tables).unwrap();
    assert_eq!(told.matched, 110);
    check(&plan, &tables, &key, &told);
    check(&plan, &tables, &[3; 32], &alone(&plan, &tables, &[3; 32]));
    let json = serde_json::to_string(&told).unwrap();
    let read: Outcome = serde_json::from_str(&json).unwrap();
    assert!(is_same(&serde_json::to_value(&read).unwrap(), &serde_json::to_value(&told).unwrap()), "{json}");
    assert!(json.contains(r#""kind":"logistic_regression""#) && json.contains(r#""count":"110""#), "{json}");
    assert!(!format!("{told:?}").contains("110"));
}

/// The same program, the same numbers.
#[test]
fn every_step_runs_against_a_party_that_may_deviate() {
    let tables = tables(0..60, 8..70);
    let mut plan = plan(&tables);
    if let Some(Step::LogisticRegression { model, .. }) = plan.steps.last_mut() {
        model.epochs = 2;
    }
    let (told, key) = job::<Malicious>(&plan, &tables).unwrap();
    assert_eq!(told.matched, 52);
    check(&plan, &tables, &key, &told);
}

/// Some of the messages changed, one in each run: nobody goes on.
#[test]
fn cheating_in_an_analysis_is_caught() {
    let tables = tables(0..24, 2..26);
    let mut plan = plan(&tables);
    plan.steps.remove(0);
    if let Some(Step::LogisticRegression { model, .. }) = plan.steps.last_mut() {
        (model.epochs, model.batch) = (1, 12);
    }
    let local = |at: usize| Local::of(&plan, [LEFT, RIGHT][at], &tables[at].data(), &[5; 32], &mut rng(at as u64)).unwrap();
    let locals = [local(0), local(1)];
    let program = |engine: &mut Malicious| {
        let own = |at: usize| locals.get(at).filter(|_| engine.index() == at);
        let own = [own(0), own(1)];
        let output = analysis::run(engine, &plan, own)?;
        engine.open(&[&output])
    };
    let steps = flip_each(|number, _| number % 211 == 100, program);
    assert!(steps.len() > 3, "{steps:?}");
}

#[test]
fn each_step_runs_alone() {
    let tables = tables(0..60, 5..70);
    let whole = plan(&tables);
    for step in &whole.steps {
        let plan = AnalysisPlan { steps: vec![step.clone()], ..whole.clone() };
        check(&plan, &tables, &[5; 32], &alone(&plan, &tables, &[5; 32]));
        analysis::cost::<Context>(&plan).unwrap();
    }
}

#[test]
fn nothing_in_common_is_a_result_too() {
    let tables = tables(0..50, 100..150);
    let plan = plan(&tables);
    let told = alone(&plan, &tables, &[5; 32]);
    assert_eq!(told.matched, 0);
    for step in &told.steps {
        match step {
            StepResult::Stats(stats) => assert!(stats.columns.iter().all(|column| column.mean.is_none())),
            StepResult::Quantiles { columns } => {
                assert!(columns.iter().flat_map(|c| &c.quantiles).all(|q| q.rows == 0 && q.value.is_none()));
            }
            StepResult::Histogram { bins, .. } => assert!(bins.iter().all(|bin| bin.count == 0)),
            StepResult::Groupby { groups, .. } => assert!(groups.iter().all(|group| group.means[0].is_none())),
            StepResult::LinearRegression(model) | StepResult::LogisticRegression(model) => {
                assert!(model.count == 0 && model.features.iter().all(|f| f.weight == 0.0));
            }
        }
    }
}

#[test]
fn keys_that_repeat_and_numbers_that_no_rows_have_are_refused() {
    let tables = tables(0..50, 0..50);
    let plan = plan(&tables);
    let local = |at: usize| Local::of(&plan, [LEFT, RIGHT][at], &tables[at].data(), &[5; 32], &mut rng(at as u64)).unwrap();
    let (left, right) = (local(0), local(1));
    let engine = &mut Clear;
    let output = analysis::run(engine, &plan, [Some(&left), Some(&right)]).unwrap();
    let good = engine.open(&[&output]).unwrap()[0].clone();
    assert!(analysis::assemble(&plan, &good).is_ok());
    let with = |place: usize, value: u64| {
        let mut changed = good.clone();
        changed[place] = value;
        analysis::assemble(&plan, &changed)
    };
    assert!(matches!(with(0, 1), Err(Error::Policy { .. })));
    assert!(with(1, 1 << 40).is_err() && with(1, 3).is_err());
    assert!(analysis::assemble(&plan, &good[1..]).is_err());
}

#[test]
fn bad_plans_and_rows_are_refused_before_the_first_message() {
    let tables = tables(0..60, 5..70);
    let good = plan(&tables);
    assert!(good.check().is_ok());
    let far = ColumnAt { owner: RIGHT, index: 9 };
    type Change = Box<dyn Fn(&mut AnalysisPlan)>;
    let changes: Vec<(&str, Change)> = vec![
        ("steps", Box::new(|plan| plan.steps.clear())),
        ("parties", Box::new(|plan| plan.helper = NAMES[0].into())),
        ("rows", Box::new(|plan| plan.left.rows = 0)),
        ("magnitude", Box::new(|plan| plan.left.numeric[0].exponent = 5000)),
        ("categories", Box::new(|plan| plan.left.categorical[0].labels.push("n".into()))),
        ("step 1 `stats`", Box::new(move |plan| plan.steps[0] = Step::Stats { columns: vec![far], group: None })),
        (
            "between 0 and 1",
            Box::new(|plan| {
                let at = vec![Fraction { numerator: 0, denominator: 10_000 }];
                plan.steps[1] = Step::Quantiles { columns: vec![ColumnAt { owner: LEFT, index: 0 }], at };
            }),
        ),
        (
            "edges",
            Box::new(|plan| {
                plan.steps[2] = Step::Histogram { column: ColumnAt { owner: LEFT, index: 0 }, edges: vec![5.0, 5.0 + 1e-13] };
            }),
        ),
        (
            "twice",
            Box::new(|plan| {
                let by = vec![ColumnAt { owner: LEFT, index: 0 }; 2];
                plan.steps[3] = Step::Groupby { by, values: Vec::new() };
            }),
        ),
        (
            "among the features",
            Box::new(|plan| {
                let column = ColumnAt { owner: LEFT, index: 0 };
                plan.steps[4] = Step::LinearRegression { target: column, features: vec![column], ridge: 0.1 };
            }),
        ),
        (
            "batch",
            Box::new(|plan| {
                if let Step::LogisticRegression { model, .. } = &mut plan.steps[5] {
                    model.batch = 4096;
                }
            }),
        ),
        (
            "penalty",
            Box::new(|plan| {
                if let Step::LogisticRegression { l2, .. } = &mut plan.steps[5] {
                    *l2 = 1.0;
                }
            }),
        ),
    ];
    for (word, change) in changes {
        let mut plan = good.clone();
        change(&mut plan);
        let told = plan.check().unwrap_err().to_string();
        assert!(told.contains(word), "{word}: {told}");
        assert!(analysis::cost::<Context>(&plan).is_err());
    }
    let told = |data: &AnalysisData| Local::of(&good, LEFT, data, &[1; 32], &mut rng(1)).map(drop).unwrap_err().to_string();
    let mut data = tables[0].data();
    data.numeric[[3, 2]] = 0.5;
    assert!(told(&data).contains("`label`"));
    let mut data = tables[0].data();
    data.numeric.column_mut(0).fill(7.0);
    assert!(told(&data).contains("constant") || told(&data).contains("magnitude"));
    let mut data = tables[0].data();
    data.codes[0][5] = 3;
    assert!(told(&data).contains("category"));
    let mut data = tables[0].data();
    data.numeric[[1, 1]] = f64::NAN;
    assert!(told(&data).contains("`cost`"));
    let mut data = tables[0].data();
    data.keys[1] = data.keys[0].clone();
    assert!(told(&data).contains("repeat"));
}
