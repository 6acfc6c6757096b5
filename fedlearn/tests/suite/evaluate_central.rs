//! Figures of central models on real data, as scikit-learn gives them, in the clear and on shares.

use ndarray::{Array1, Array2, Axis, aview1};
use yu_fedlearn::evaluate::shares::{self, Rows, Score};
use yu_fedlearn::evaluate::{ClassCounts, Grid, Ranking};
use yu_fedlearn::feature::prepare::{Scaler, Sums};
use yu_mpc::engine::Engine;
use yu_mpc::secret::Secret;

use crate::feature_world::{Joint, at, clear, column, cost_is_exact, table, three};

/// Logistic regression by Newton's method, ridge 1 on all weights but the intercept (scikit-learn's default), on standardised columns.
fn logistic(x: &Array2<f64>, labels: &[u8]) -> Array1<f64> {
    let y: Array1<f64> = labels.iter().map(|label| f64::from(*label)).collect();
    let width = x.ncols();
    let mut weights = Array1::zeros(width);
    for _ in 0..25 {
        let p = x.dot(&weights).mapv(|z: f64| 1.0 / (1.0 + (-z).exp()));
        let mut penalty = weights.clone();
        penalty[width - 1] = 0.0;
        let gradient = x.t().dot(&(&p - &y)) + &penalty;
        let weighted = x * &p.mapv(|p| p * (1.0 - p)).insert_axis(Axis(1));
        let mut hessian = x.t().dot(&weighted);
        (0..width - 1).for_each(|at| hessian[[at, at]] += 1.0);
        weights -= &solve(hessian, gradient);
    }
    weights
}

fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    let n = b.len();
    for at in 0..n {
        for row in 0..n {
            if row != at {
                let factor = a[[row, at]] / a[[at, at]];
                let own = a.row(at).to_owned();
                a.row_mut(row).scaled_add(-factor, &own);
                b[row] -= factor * b[at];
            }
        }
    }
    (0..n).map(|at| b[at] / a[[at, at]]).collect()
}

/// Columns of both parties and labels; which rows are for the test.
struct Set {
    rows: Vec<Vec<f64>>,
    labels: Vec<u8>,
    is_test: Vec<bool>,
}

fn joined(name: &str) -> Option<Set> {
    let guest = table(&format!("{name}/{name}_hetero_guest.csv"))?;
    let host = table(&format!("{name}/{name}_hetero_host.csv"))?;
    let split = table(&format!("splits/{name}.csv"))?;
    assert!(column(&guest, "id") == column(&host, "id") && column(&guest, "id") == column(&split, "id"));
    let labels = column(&guest, "y").iter().map(|label| *label as u8).collect();
    let rows = guest.1.iter().zip(&host.1).map(|(guest, host)| [&guest[2..], &host[1..]].concat()).collect();
    Some(Set { rows, labels, is_test: column(&split, "test").iter().map(|test| *test == 1.0).collect() })
}

/// Scores of rows by a model of other rows.
fn scores(train: &[&Vec<f64>], labels: &[u8], test: &[&Vec<f64>]) -> Vec<f64> {
    let width = train[0].len();
    let scaler = |at: usize| Scaler::of(&Sums::of(&train.iter().map(|row| row[at]).collect::<Vec<_>>()), 1e9).unwrap();
    let scalers: Vec<Scaler> = (0..width).map(scaler).collect();
    let matrix = |rows: &[&Vec<f64>]| {
        let value = |(row, at): (usize, usize)| if at == width { 1.0 } else { scalers[at].scale(rows[row][at]) };
        Array2::from_shape_fn((rows.len(), width + 1), value)
    };
    let weights = logistic(&matrix(train), labels);
    matrix(test).dot(&weights).mapv(|z| 1.0 / (1.0 + (-z).exp())).to_vec()
}

/// Test rows of a set, their scores and labels.
fn tested(name: &str) -> Option<(Vec<f64>, Vec<u8>)> {
    let Set { rows, labels, is_test } = joined(name)?;
    let part = |test: bool| -> (Vec<&Vec<f64>>, Vec<u8>) {
        (0..rows.len()).filter(|row| is_test[*row] == test).map(|row| (&rows[row], labels[row])).unzip()
    };
    let ((train, known), (test, truth)) = (part(false), part(true));
    Some((scores(&train, &known, &test), truth))
}

#[test]
fn auc_and_ks_are_those_of_scikit_learn() {
    for (name, train, test) in [("breast", [0.99744, 0.9764], [0.98644, 0.9286]), ("default_credit", [0.72422, 0.3780], [0.71392, 0.3698])]
    {
        let Some(Set { rows, labels, .. }) = joined(name) else { return };
        let all: Vec<&Vec<f64>> = rows.iter().collect();
        let (held_out, truth) = tested(name).unwrap();
        for ((scores, labels), [auc, ks]) in [((scores(&all, &labels, &all), &labels), train), ((held_out, &truth), test)] {
            let ranking = ClassCounts::exact(&scores, labels).unwrap().ranking().unwrap();
            println!("{name}: {ranking:?}, scikit-learn {auc} {ks}");
            assert!((ranking.auc - auc).abs() < 2e-4 && (ranking.ks - ks).abs() < 2e-3);
        }
    }
}

/// Test scores of one party, labels of another: the figures, and nothing else.
struct Joined {
    scores: Vec<f64>,
    labels: Vec<u8>,
    is_exact: bool,
}

impl Joint for Joined {
    type Out = Ranking;

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Ranking {
        let labels: Array1<i64> = self.labels.iter().map(|label| i64::from(*label)).collect();
        let labels = Secret::input(engine, 1, at(1, party, labels.view()), labels.raw_dim()).unwrap();
        let scores = at(0, party, aview1(&self.scores));
        let counts = if self.is_exact {
            let scores = Secret::<E, Score, _>::input(engine, 0, scores, labels.dim()).unwrap();
            shares::exact(engine, &scores, &Rows::all(&labels)).unwrap()
        } else {
            shares::held(engine, &Grid::unit(6).unwrap(), 0, scores, &Rows::all(&labels)).unwrap()
        };
        counts.figures(engine, 10).unwrap().open(engine).unwrap()
    }
}

#[test]
fn default_credit_on_shares() {
    let Some((scores, labels)) = tested("default_credit") else { return };
    let truth = ClassCounts::exact(&scores, &labels).unwrap().ranking().unwrap();
    let program = Joined { scores: scores.clone(), labels: labels.clone(), is_exact: false };
    let results = three(&program);
    let found = results[0].0;
    assert!((found.auc - truth.auc).abs() <= found.auc_bound + 1e-5 && found.auc_bound < 0.02, "{found:?} {truth:?}");
    assert!(found.ks <= truth.ks + 1e-5 && found.ks > truth.ks - 0.05);
    let totals: Vec<_> = results.iter().map(|(_, totals)| *totals).collect();
    println!("clear {truth:?}; 64 buckets on shares {found:?}; bytes and rounds {:?}", cost_is_exact(&program, &totals));
    // scores of 16 bits behind the point, all of them
    let exact = clear(&Joined { scores, labels, is_exact: true });
    println!("sorted {exact:?}");
    assert!((exact.auc - truth.auc).abs() < 1e-4 && (exact.ks - truth.ks).abs() < 1e-3);
}
