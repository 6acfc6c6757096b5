//! Models against the same algorithm on clear values.

use std::path::PathBuf;

use ndarray::{Array1, Array2, Axis, s};
use yu_mpc::Result;
use yu_mpc::clear::Clear;
use yu_mpc::engine::Engine;
use yu_mpc::learn::{self, Logistic};

use super::world::three;

pub(crate) fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("YU_SHARED").map_or_else(beside, PathBuf::from).join("data");
    if !folder.is_dir() {
        eprintln!("skipped: no data in $YU_SHARED or beside the workspace");
        return None;
    }
    Some(folder)
}

fn standardise(x: &mut Array2<f64>) {
    for mut column in x.columns_mut() {
        let (mean, sd) = (column.mean().unwrap(), column.std(0.0));
        column.mapv_inplace(|value| ((value - mean) / sd).clamp(-31.0, 31.0));
    }
}

fn breast_cancer(folder: &std::path::Path) -> (Array2<f64>, Array1<i64>) {
    let text = std::fs::read_to_string(folder.join("sklearn_breast_cancer/breast_cancer.csv")).unwrap();
    let rows: Vec<Vec<f64>> = text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let mut x = Array2::from_shape_fn((rows.len(), 30), |(row, column)| rows[row][column]);
    standardise(&mut x);
    let y = Array1::from_iter(rows.iter().map(|row| row[30] as i64));
    (x, y)
}

/// The algorithm in floating point.
fn descend(model: &Logistic, x: &Array2<f64>, y: &Array1<i64>) -> Array1<f64> {
    let ones = Array2::ones((x.nrows(), 1));
    let x = ndarray::concatenate(Axis(1), &[x.view(), ones.view()]).unwrap();
    let mut w = Array1::zeros(x.ncols());
    for _ in 0..model.epochs {
        for number in 0..x.nrows() / model.batch {
            let range = number * model.batch..(number + 1) * model.batch;
            let (x, y) = (x.slice(s![range.clone(), ..]), y.slice(s![range]));
            let e: Array1<f64> = x.dot(&w).iter().zip(y).map(|(z, y)| 1.0 / (1.0 + f64::exp(-z)) - *y as f64).collect();
            w = w - x.t().dot(&e) * (model.rate / model.batch as f64);
        }
    }
    w
}

fn train<E: Engine>(engine: &mut E, model: &Logistic, x: &Array2<f64>, y: &Array1<i64>, owner: bool) -> Result<Array1<f64>> {
    let features = learn::input_features(engine, 0, owner.then_some(x.view()), [x.nrows(), x.ncols()])?;
    let labels = learn::input_labels(engine, 0, owner.then_some(y.view()), y.len())?;
    model.fit(engine, &features, &labels)?.open(engine)
}

fn apart(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn logistic_regression_equals_clear_descent() {
    let Some(folder) = shared() else { return };
    let (x, y) = breast_cancer(&folder);
    let (x, y) = (x.slice(s![..512, ..]).to_owned(), y.slice(s![..512]).to_owned());
    let model = Logistic { rate: 0.1, batch: 64, epochs: 10 };
    let expected = descend(&model, &x, &y);
    let clear = train(&mut Clear, &model, &x, &y, true).unwrap();
    let [(shared, rounds, bytes), ..] = three(|context| {
        let owner = context.index() == 0;
        let weights = train(context, &model, &x, &y, owner).unwrap();
        (weights, context.totals().rounds, context.totals().bytes_sent)
    });
    eprintln!(
        "80 steps: weights differ by {} (clear), {} (three parties), {rounds} rounds, {bytes} B sent by the first",
        apart(&clear, &expected),
        apart(&shared, &expected)
    );
    assert!(apart(&clear, &expected) < 3e-3);
    assert!(apart(&shared, &expected) < 3e-3);
    assert!(rounds <= 80 * 12 + 8, "{rounds} rounds");
}

/// Columns of both owners joined by key, in the guest's order, and which rows are for testing.
fn default_credit(folder: &std::path::Path) -> (Array2<f64>, Array1<i64>, Vec<bool>) {
    let read = |name: &str| -> Vec<(String, Vec<f64>)> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let row = |line: &str| {
            let (key, rest) = line.split_once(',').unwrap();
            (key.to_owned(), rest.split(',').map(|cell| cell.parse().unwrap()).collect())
        };
        text.lines().skip(1).map(row).collect()
    };
    let guest = read("default_credit/default_credit_hetero_guest.csv");
    let host: std::collections::HashMap<_, _> = read("default_credit/default_credit_hetero_host.csv").into_iter().collect();
    let split = std::fs::read_to_string(folder.join("splits/default_credit.csv")).unwrap();
    let tests = split.lines().skip(1).map(|line| line.ends_with(",1")).collect();
    let y = guest.iter().map(|(_, row)| row[0] as i64).collect();
    let rows: Vec<Vec<f64>> = guest.iter().map(|(key, row)| [&row[1..], &host[key][..]].concat()).collect();
    let mut x = Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column]);
    standardise(&mut x);
    (x, y, tests)
}

/// Area under the ROC curve; ties count half.
fn auc(scores: &Array1<f64>, y: &Array1<i64>) -> f64 {
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut sum, mut at) = (0.0, 0);
    while at < order.len() {
        let end = (at..order.len()).find(|end| scores[order[*end]] > scores[order[at]]).unwrap_or(order.len());
        let rank = (at + end + 1) as f64 / 2.0;
        sum += rank * order[at..end].iter().filter(|row| y[**row] == 1).count() as f64;
        at = end;
    }
    let positive = y.iter().filter(|y| **y == 1).count() as f64;
    (sum - positive * (positive + 1.0) / 2.0) / (positive * (y.len() as f64 - positive))
}

#[test]
fn logistic_regression_on_a_real_table_is_as_good_as_the_central_one() {
    let Some(folder) = shared() else { return };
    let (x, y, tests) = default_credit(&folder);
    let part = |test: bool| -> Vec<usize> { (0..y.len()).filter(|row| tests[*row] == test).collect() };
    let (train_rows, test_rows) = (part(false), part(true));
    assert_eq!((train_rows.len(), test_rows.len()), (24_000, 6_000));
    let take = |rows: &[usize]| (x.select(Axis(0), rows), y.select(Axis(0), rows));
    let ((x, y), (x_test, y_test)) = (take(&train_rows), take(&test_rows));
    let model = Logistic { rate: 0.2, batch: 256, epochs: 10 };
    let score = |w: &Array1<f64>| auc(&x_test.dot(&w.slice(s![..-1])), &y_test);
    let floating = score(&descend(&model, &x, &y));
    let expected = train(&mut Clear, &model, &x, &y, true).unwrap();
    let clear = score(&expected);
    eprintln!("test AUC {floating:.5} in floating point, {clear:.5} in fixed point");
    assert!(clear >= 0.7120, "{clear}");
    let started = std::time::Instant::now();
    let [(weights, rounds, bytes), ..] = three(|context| {
        let owner = context.index() == 0;
        let weights = train(context, &model, &x, &y, owner).unwrap();
        (weights, context.totals().rounds, context.totals().bytes_sent)
    });
    let shared = score(&weights);
    eprintln!("three parties: test AUC {shared:.5}, {rounds} rounds, {bytes} B sent by the first, {:?}", started.elapsed());
    assert!(shared >= 0.7120, "{shared}");
    assert!(apart(&weights, &expected) < 3e-3, "{}", apart(&weights, &expected));
}

#[test]
fn bad_input_is_refused_before_the_first_message() {
    let mut engine = Clear;
    for value in [f64::NAN, f64::INFINITY, 32.0, -32.0, 31.9999] {
        let x = Array2::from_elem((2, 1), value);
        assert!(learn::input_features(&mut engine, 0, Some(x.view()), [2, 1]).is_err(), "{value}");
    }
    assert!(learn::input_labels(&mut engine, 0, Some(Array1::from(vec![0, 2]).view()), 2).is_err());
    let x = learn::input_features(&mut engine, 0, Some(Array2::zeros((4, 2)).view()), [4, 2]).unwrap();
    let y = learn::input_labels(&mut engine, 0, Some(Array1::zeros(4).view()), 4).unwrap();
    let fits = |rate: f64, batch: usize| Logistic { rate, batch, epochs: 1 }.fit(&mut Clear, &x, &y).is_ok();
    assert!(fits(0.1, 4) && fits(0.1, 1));
    assert!(!fits(0.1, 0) && !fits(0.1, 5) && !fits(0.0, 4) && !fits(f64::NAN, 4) && !fits(-0.1, 4) && !fits(1e9, 4) && !fits(1e-30, 4));
    let short = y.rows(0..3).unwrap();
    assert!(Logistic { rate: 0.1, batch: 2, epochs: 1 }.fit(&mut engine, &x, &short).is_err());
    let targets = x.column(0).unwrap();
    for ridge in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(learn::Ridge { ridge }.fit(&mut engine, &x, &targets).is_err(), "{ridge}");
    }
    assert!(learn::KMeans { iterations: 1 }.fit(&mut engine, &x, &x.t()).is_err());
}

/// Gauss's elimination, for the comparison.
fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    for at in 0..b.len() {
        for row in 0..b.len() {
            if row != at {
                let factor = a[[row, at]] / a[[at, at]];
                let pivot = a.row(at).to_owned();
                a.row_mut(row).scaled_add(-factor, &pivot);
                b[row] -= factor * b[at];
            }
        }
    }
    Array1::from_shape_fn(b.len(), |at| b[at] / a[[at, at]])
}

#[test]
fn linear_regression_equals_the_closed_form() {
    let Some(folder) = shared() else { return };
    let (x, _) = breast_cancer(&folder);
    // the first column from the others, which are nearly dependent; rounded as the owner's features are
    let x = x.mapv(|value| (value * 1024.0).round_ties_even() / 1024.0);
    let (y, x) = (x.column(0).to_owned(), x.slice(s![.., 1..]).to_owned());
    let ridge = 0.01;
    let ones = Array2::ones((x.nrows(), 1));
    let wide = ndarray::concatenate(Axis(1), &[x.view(), ones.view()]).unwrap();
    let n = x.nrows() as f64;
    let mut a = wide.t().dot(&wide) / n;
    for at in 0..x.ncols() {
        a[[at, at]] += ridge;
    }
    let expected = solve(a, wide.t().dot(&y) / n);
    fn run<E: Engine>(engine: &mut E, x: &Array2<f64>, y: &Array1<f64>, owner: bool) -> Array1<f64> {
        let features = learn::input_features(engine, 0, owner.then_some(x.view()), [x.nrows(), x.ncols()]).unwrap();
        let column = y.view().insert_axis(Axis(1));
        let targets = learn::input_features(engine, 0, owner.then_some(column), [y.len(), 1]).unwrap().flatten();
        learn::Ridge { ridge: 0.01 }.fit(engine, &features, &targets).unwrap().open(engine).unwrap()
    }
    let clear = run(&mut Clear, &x, &y, true);
    let [(shared, rounds), ..] = three(|context| {
        let owner = context.index() == 0;
        (run(context, &x, &y, owner), context.totals().rounds)
    });
    eprintln!(
        "closed form: weights differ by {} (clear), {} (three parties), {rounds} rounds",
        apart(&clear, &expected),
        apart(&shared, &expected)
    );
    assert!(apart(&clear, &expected) < 1e-3);
    assert!(apart(&shared, &expected) < 1e-3);
}

#[test]
fn k_means_equals_lloyd() {
    let Some(folder) = shared() else { return };
    let (x, _) = breast_cancer(&folder);
    let x = x.mapv(|value| (value * 1024.0).round_ties_even() / 1024.0);
    // the third centre is far from every row: it has none and stays
    let mut centres = x.slice(s![18..21, ..]).to_owned();
    centres.row_mut(2).fill(30.0);
    let mut expected = centres.clone();
    for _ in 0..5 {
        let (mut sums, mut counts) = (Array2::<f64>::zeros(expected.raw_dim()), [0.0f64; 3]);
        for row in x.rows() {
            let away = |k: &usize| (&row - &expected.row(*k)).mapv(|d| d * d).sum();
            let nearest = (0..3).min_by(|a, b| away(a).total_cmp(&away(b))).unwrap();
            counts[nearest] += 1.0;
            sums.row_mut(nearest).scaled_add(1.0, &row);
        }
        for (k, count) in counts.into_iter().enumerate() {
            if count > 0.0 {
                expected.row_mut(k).assign(&(&sums.row(k) / count));
            }
        }
    }
    fn run<E: Engine>(engine: &mut E, x: &Array2<f64>, c: &Array2<f64>, owner: bool) -> Array2<f64> {
        let features = learn::input_features(engine, 0, owner.then_some(x.view()), [x.nrows(), x.ncols()]).unwrap();
        let centres = learn::input_features(engine, 0, owner.then_some(c.view()), [3, c.ncols()]).unwrap();
        learn::KMeans { iterations: 5 }.fit(engine, &features, &centres).unwrap().open(engine).unwrap()
    }
    let clear = run(&mut Clear, &x, &centres, true);
    let [(shared, rounds), ..] = three(|context| {
        let owner = context.index() == 0;
        (run(context, &x, &centres, owner), context.totals().rounds)
    });
    let worst = |got: &Array2<f64>| (got - &expected).iter().fold(0.0f64, |worst, away| worst.max(away.abs()));
    eprintln!("5 iterations of k-means: centres differ by {} (clear), {} (three parties), {rounds} rounds", worst(&clear), worst(&shared));
    assert!(worst(&clear) < 0.02 && worst(&shared) < 0.02);
}
