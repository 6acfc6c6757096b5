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
