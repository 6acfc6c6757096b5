//! Regressions.

use std::collections::HashMap;

use ndarray::{Array2, Axis};
use yu_fedlearn::vertical::Labels;
use yu_fedlearn::vertical::regression::{Columns, Inference, Standard, linear, logistic, probabilities, share, variances};
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::Engine;
use yu_mpc::learn::{Logistic, Ridge};
use yu_mpc::rep3::Context;

use super::world::{NAMES, auc, rng, shared, three};

pub(super) struct Data {
    pub(super) sides: [Array2<f64>; 2],
    pub(super) labels: Vec<f64>,
}

impl Data {
    /// All columns and the one of the intercept.
    pub(super) fn with_ones(&self) -> Array2<f64> {
        let ones = Array2::ones((self.labels.len(), 1));
        ndarray::concatenate(Axis(1), &[self.sides[0].view(), self.sides[1].view(), ones.view()]).unwrap()
    }

    pub(super) fn columns(&self, index: Option<usize>) -> Vec<Columns<'_>> {
        let side = |owner: usize| Columns {
            owner,
            count: self.sides[owner].ncols(),
            values: index.is_none_or(|index| index == owner).then(|| self.sides[owner].view()),
        };
        vec![side(0), side(1)]
    }
}

/// Standardised columns, and labels by known weights.
pub(super) fn synthetic(rows: usize, [left, right]: [usize; 2], seed: u64) -> Data {
    let mut rng = rng(seed);
    let mut uniform = || f64::from(rand::Rng::next_u32(&mut rng)) / f64::from(u32::MAX);
    let columns = left + right;
    let raw = Array2::from_shape_simple_fn((rows, columns), || 4.0 * (uniform() + uniform() + uniform()) - 6.0);
    let table = Standard::of(raw.view()).unwrap().apply(raw.view()).unwrap();
    let score = |row: usize| table.row(row).iter().enumerate().map(|(at, value)| value * (1.0 - (at % 3) as f64) * 0.8).sum::<f64>() - 0.5;
    let labels = (0..rows).map(|row| f64::from(u8::from(uniform() < 1.0 / (1.0 + (-score(row)).exp())))).collect();
    let (first, second) = table.view().split_at(Axis(1), left);
    Data { sides: [first.to_owned(), second.to_owned()], labels }
}

/// A generalised linear model in one place.
pub(super) struct Model<'a> {
    /// Mean and variance at a linear predictor.
    pub(super) link: fn(f64) -> [f64; 2],
    /// Added to the predictor of each row.
    pub(super) offsets: &'a [f64],
    /// Added to the diagonal of the information but the last entry.
    pub(super) ridge: f64,
    /// Where the intercept starts.
    pub(super) start: f64,
}

/// Newton's method, no step longer than 1, and the inverse of the information, by Gauss and Jordan.
pub(super) fn newton(model: &Model<'_>, x: &Array2<f64>, labels: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let size = x.ncols();
    let (mut weights, mut errors) = (vec![0.0; size], vec![0.0; size]);
    weights[size - 1] = model.start;
    for _ in 0..30 {
        let mut system = Array2::<f64>::zeros((size, 2 * size));
        let mut gradient = vec![0.0; size];
        for (at, (row, label)) in x.outer_iter().zip(labels).enumerate() {
            let offset = model.offsets.get(at).copied().unwrap_or(0.0);
            let [mean, variance] = (model.link)(offset + row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>());
            for i in 0..size {
                gradient[i] += (label - mean) * row[i];
                for j in 0..size {
                    system[[i, j]] += variance * row[i] * row[j];
                }
            }
        }
        for i in 0..size {
            if i + 1 < size {
                gradient[i] -= model.ridge * weights[i];
                system[[i, i]] += model.ridge;
            }
            system[[i, size + i]] = 1.0;
        }
        for i in 0..size {
            let pivot = system[[i, i]];
            system.row_mut(i).mapv_inplace(|value| value / pivot);
            for j in (0..size).filter(|j| *j != i) {
                let factor = system[[j, i]];
                let row = system.row(i).to_owned();
                system.row_mut(j).zip_mut_with(&row, |value, pivot| *value -= factor * pivot);
            }
        }
        for i in 0..size {
            weights[i] += (0..size).map(|j| system[[i, size + j]] * gradient[j]).sum::<f64>().clamp(-1.0, 1.0);
            errors[i] = system[[i, size + i]].sqrt();
        }
    }
    (weights, errors)
}

fn binomial(score: f64) -> [f64; 2] {
    let p = 1.0 / (1.0 + (-score).exp());
    [p, p * (1.0 - p)]
}

#[test]
fn weights_errors_and_p_values_over_shares() {
    let data = synthetic(800, [2, 1], 1);
    let x = data.with_ones();
    let (weights, errors) = newton(&Model { link: binomial, offsets: &[], ridge: 0.0, start: 0.0 }, &x, &data.labels);
    let settings = Logistic { rate: 0.5, batch: 100, epochs: 30 };
    let results = three(|engine, index| {
        let features = share(engine, 800, &data.columns(Some(index)))?;
        let labels = Labels { owner: 1, values: (index == 1).then_some(&data.labels[..]) };
        let weights = logistic(engine, &settings, 0.0, &features, &labels)?;
        let variances = variances(engine, &features, &weights, 0.0)?;
        let found = probabilities(engine, &features, &weights)?.open(engine)?;
        Ok((weights.open(engine)?.to_vec(), variances.open(engine)?.to_vec(), found.to_vec()))
    });
    for ((found, variances, probabilities), _) in results {
        let all = Inference::new(&found, &variances, 800);
        for (one, (weight, error)) in all.iter().zip(weights.iter().zip(&errors)) {
            assert!((one.weight - weight).abs() < 0.25 * error, "{one:?} instead of {weight} +- {error}");
            assert!((one.error / error - 1.0).abs() < 0.03, "{one:?} instead of +- {error}");
        }
        // the second column has no weight, the first has
        assert!(all[0].p < 1e-6 && all[1].p > 0.01, "{all:?}");
        assert!(auc(&probabilities, &data.labels) > 0.7);
    }
}

#[test]
fn linear_regression_and_the_dry_run() {
    let mut data = synthetic(300, [2, 2], 2);
    data.labels = (0..300).map(|row| 0.5 * data.sides[0][[row, 0]] - 0.25 * data.sides[1][[row, 1]] + 0.125).collect();
    fn play<E: Engine>(engine: &mut E, columns: &[Columns<'_>], labels: Option<&[f64]>) -> yu_fedlearn::Result<Vec<f64>> {
        let features = share(engine, 300, columns)?;
        let weights = linear(engine, &Ridge { ridge: 1e-4 }, &features, &Labels { owner: 0, values: labels })?;
        let _variances = variances(engine, &features, &weights, 0.01)?;
        Ok(weights.open(engine)?.to_vec())
    }
    let nothing: Vec<_> = data.columns(None).into_iter().map(|side| Columns { values: None, ..side }).collect();
    let mut dry = Dry::<Context>::new(&NAMES);
    play(&mut dry, &nothing, None).unwrap();
    let cost = dry.cost().unwrap();
    let results = three(|engine, index| play(engine, &data.columns(Some(index)), (index == 0).then_some(&data.labels)));
    for ((weights, totals), name) in results.iter().zip(NAMES) {
        for (found, expected) in weights.iter().zip([0.5, 0.0, 0.0, -0.25, 0.125]) {
            assert!((found - expected).abs() < 2e-3, "{weights:?}");
        }
        let party = cost.party(name).unwrap();
        assert_eq!((totals.bytes_sent, totals.bytes_received), (party.bytes_sent, party.bytes_received), "{name}");
        assert_eq!(totals.rounds, party.rounds, "{name}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let data = synthetic(40, [1, 1], 3);
    let features = share(&mut Clear, 40, &data.columns(None)).unwrap();
    let settings = Logistic { rate: 0.5, batch: 10, epochs: 1 };
    let labels = vec![0.5; 40];
    assert!(logistic(&mut Clear, &settings, 0.0, &features, &Labels { owner: 0, values: Some(&labels) }).is_err());
    assert!(logistic(&mut Clear, &Logistic { batch: 41, ..settings }, 0.0, &features, &Labels { owner: 0, values: None }).is_err());
    assert!(share(&mut Clear, 40, &[]).is_err());
    assert!(Standard::of(Array2::from_elem((2, 1), f64::NAN).view()).is_err());
    let standard = Standard::of(ndarray::array![[1.0], [3.0]].view()).unwrap();
    assert_eq!(standard.apply(ndarray::array![[5.0], [1e9]].view()).unwrap()[[0, 0]], 3.0);
    assert!(standard.apply(ndarray::array![[1e9]].view()).unwrap()[[0, 0]] < 32.0);
    assert_eq!(standard.undo(&[2.0]).unwrap(), (vec![2.0], -4.0));
}

/// Train and test rows of a set of two owners, each side standardised by its owner on the train rows.
fn hetero(name: &str) -> Option<[Data; 2]> {
    let folder = shared()?.join("data");
    let read = |file: String| -> Vec<(String, Vec<f64>)> {
        let mut reader = csv::Reader::from_path(folder.join(name).join(file)).unwrap();
        let row = |row: csv::StringRecord| (row[0].to_owned(), row.iter().skip(1).map(|cell| cell.parse().unwrap()).collect());
        reader.records().map(|record| row(record.unwrap())).collect()
    };
    let guest = read(format!("{name}_hetero_guest.csv"));
    let host: HashMap<_, _> = read(format!("{name}_hetero_host.csv")).into_iter().collect();
    let mut splits = csv::Reader::from_path(folder.join("splits").join(format!("{name}.csv"))).unwrap();
    let test: HashMap<String, bool> = splits.records().map(|row| row.unwrap()).map(|row| (row[1].to_owned(), &row[2] == "1")).collect();
    let part = |wanted: bool| {
        let rows: Vec<_> = guest.iter().filter(|(id, _)| test[id] == wanted).collect();
        let table = |row: &dyn Fn(usize) -> Vec<f64>| {
            let cells: Vec<f64> = (0..rows.len()).flat_map(row).collect();
            Array2::from_shape_vec((rows.len(), cells.len() / rows.len()), cells).unwrap()
        };
        let labels = rows.iter().map(|(_, row)| row[0]).collect();
        Data { sides: [table(&|at| rows[at].1[1..].to_vec()), table(&|at| host[&rows[at].0].clone())], labels }
    };
    let (mut train, mut test) = (part(false), part(true));
    for side in 0..2 {
        let standard = Standard::of(train.sides[side].view()).unwrap();
        train.sides[side] = standard.apply(train.sides[side].view()).unwrap();
        test.sides[side] = standard.apply(test.sides[side].view()).unwrap();
    }
    Some([train, test])
}

/// Test AUC of weights over shares, which `breast` reaches in the development profile too.
fn reached(name: &str, settings: Logistic, l2: f64) -> Option<f64> {
    let [train, test] = hetero(name)?;
    let rows = train.labels.len();
    let results = three(|engine, index| {
        let start = std::time::Instant::now();
        let features = share(engine, rows, &train.columns(Some(index)))?;
        let labels = Labels { owner: 0, values: (index == 0).then_some(&train.labels[..]) };
        let weights = logistic(engine, &settings, l2, &features, &labels)?.open(engine)?;
        Ok((weights.to_vec(), start.elapsed()))
    });
    let bytes: u64 = results.iter().map(|(_, totals)| totals.bytes_sent).sum();
    let ((weights, took), totals) = &results[2];
    let scores: Vec<f64> = (0..test.labels.len())
        .map(|row| test.sides.iter().flat_map(|side| side.row(row).to_vec()).zip(weights).map(|(x, w)| x * w).sum())
        .collect();
    let found = auc(&scores, &test.labels);
    eprintln!("{name}: {rows} rows, {took:.2?}, {bytes} bytes, {} rounds, test AUC {found:.5}", totals.rounds);
    Some(found)
}

#[test]
fn breast_as_in_one_place() {
    match reached("breast", Logistic { rate: 0.3, batch: 64, epochs: 20 }, 0.002) {
        Some(found) => assert!((found - 0.98644).abs() < 0.002),
        None => eprintln!("skipped: no data in $YU_SHARED or beside the workspace"),
    }
}

#[test]
#[ignore = "by name, in a release build"]
fn default_credit_as_in_one_place() {
    match reached("default_credit", Logistic { rate: 0.5, batch: 2048, epochs: 20 }, 0.0) {
        Some(found) => assert!((found - 0.7139).abs() < 0.002),
        None => eprintln!("skipped: no data in $YU_SHARED or beside the workspace"),
    }
}

/// One pass over 100 000 rows of 330 columns; about 6 GB.
#[test]
#[ignore = "by name, in a release build"]
fn one_epoch_of_many_rows() {
    let rows = 100_000;
    let data = synthetic(rows, [165, 165], 7);
    let settings = Logistic { rate: 0.1, batch: 4096, epochs: 1 };
    let results = three(|engine, index| {
        let start = std::time::Instant::now();
        let features = share(engine, rows, &data.columns(Some(index)))?;
        let (sharing, at_first) = (start.elapsed(), engine.totals());
        let labels = Labels { owner: 0, values: (index == 0).then_some(&data.labels[..]) };
        let start = std::time::Instant::now();
        let weights = logistic(engine, &settings, 0.0, &features, &labels)?;
        let took = start.elapsed();
        weights.open(engine)?;
        Ok((sharing, at_first.bytes_sent, took))
    });
    let first: u64 = results.iter().map(|((_, bytes, _), _)| bytes).sum();
    let all: u64 = results.iter().map(|(_, totals)| totals.bytes_sent).sum();
    let ((sharing, _, took), totals) = &results[0];
    eprintln!(
        "{rows} rows, 330 columns: shared in {sharing:.2?}, {first} bytes; an epoch {took:.2?}, {} bytes, {} rounds",
        all - first,
        totals.rounds
    );
}
