//! Logistic, linear and Poisson regression (逻辑回归, 线性回归, 泊松回归) over shares, features of the same rows at several owners.
//!
//! 1. Each owner standardises its columns by itself ([`Standard`]), cuts off what lies 32 standard deviations out, and shares them once.
//! 2. [`logistic`]: stochastic gradient descent in the order of the rows, the mean of the weights over the last pass
//!    ([`yu_mpc::learn::logistic`]); [`linear`]: in closed form ([`yu_mpc::learn::linear`]);
//!    [`poisson`](mod@poisson): by Newton's method.
//! 3. [`variances`]: the diagonal of the inverse of Fisher's information, of which the recipient makes standard errors and p-values ([`Inference`]).
//!
//! **Who learns what.** Every computing party: the number of rows, how many columns each owner has, the settings. No weight, gradient, residual or score
//! is opened; there is no arbiter. Weights and variances are shares that the caller opens, or seals to a recipient. A recipient of the weights learns them
//! for standardised columns; the owners' means and deviations stay with the owners unless they tell them. The adversary is the engine's.
//!
//! **Rounds and bytes** do not depend on the data: [`yu_mpc::dry::Dry`] gives them. On [`rep3`](yu_mpc::rep3) sharing takes one round and 8 bytes a cell; a step
//! of the logistic regression ten rounds and about `1050 b + 40 d` bytes for a batch of `b` rows and `d` columns.

pub mod poisson;

use ndarray::{Array2, ArrayView2, Axis, Ix1, Ix2};
use yu_mpc::engine::Engine;
use yu_mpc::learn::information::Variance;
use yu_mpc::learn::{BOUND, Feature, Logistic, Ridge, Weight, information, input_features, input_labels};
use yu_mpc::secret::Secret;

use super::Labels;
use crate::{Error, Result};

/// Mean and standard deviation of each column, at its owner.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Standard {
    /// Mean and standard deviation (divided by the number of rows); 1 for a column that is constant.
    columns: Vec<[f64; 2]>,
}

impl Standard {
    /// Of the columns of a table of at least one row.
    ///
    /// # Errors
    /// [`Error::Data`] for a value that is missing or infinite, and for no rows.
    pub fn of(table: ArrayView2<'_, f64>) -> Result<Self> {
        if table.nrows() == 0 || !table.iter().all(|value| value.is_finite()) {
            return Err(Error::Data {
                what: "features of a regression".into(),
                problem: "there are no rows, or a value is missing or infinite".into(),
                remedy: "fill missing values first".into(),
            });
        }
        let rows = table.nrows() as f64;
        let column = |column: ndarray::ArrayView1<'_, f64>| {
            let mean = column.sum() / rows;
            let deviation = (column.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows).sqrt();
            [mean, if deviation > 0.0 { deviation } else { 1.0 }]
        };
        Ok(Self { columns: table.axis_iter(Axis(1)).map(column).collect() })
    }

    /// The table on this scale; what lies [`BOUND`] standard deviations out is cut off.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of columns.
    pub fn apply(&self, table: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        if table.ncols() != self.columns.len() {
            return Err(Error::caller(format!("a table of `{}` columns, expected {}", table.ncols(), self.columns.len())));
        }
        let limit = BOUND - 2.0 * Feature::ULP;
        let mut scaled = table.to_owned();
        for (mut column, [mean, deviation]) in scaled.axis_iter_mut(Axis(1)).zip(&self.columns) {
            column.mapv_inplace(|value| ((value - mean) / deviation).clamp(-limit, limit));
        }
        Ok(scaled)
    }

    /// Mean and deviation of the first column.
    pub(crate) fn first(&self) -> [f64; 2] {
        self.columns.first().copied().unwrap_or([0.0, 1.0])
    }

    /// Weights of standardised columns and their intercept as weights of the columns as they are, and what the intercept moves by.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of weights.
    pub fn undo(&self, weights: &[f64]) -> Result<(Vec<f64>, f64)> {
        if weights.len() != self.columns.len() {
            return Err(Error::caller(format!("`{}` weights, expected {}", weights.len(), self.columns.len())));
        }
        let own: Vec<f64> = weights.iter().zip(&self.columns).map(|(weight, [_, deviation])| weight / deviation).collect();
        let moved = own.iter().zip(&self.columns).map(|(weight, [mean, _])| -weight * mean).sum();
        Ok((own, moved))
    }
}

/// Standardised columns of one owner.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// Party that owns them.
    pub owner: usize,
    /// How many, known to all.
    pub count: usize,
    /// At the owner, `[rows, columns]`.
    pub values: Option<ArrayView2<'a, f64>>,
}

/// Shares all columns side by side: once, for training, prediction and variances. One round for each owner.
///
/// # Errors
/// [`Error::Caller`] for no columns; values that are not standardised and cut off; the engine's.
pub fn share<E: Engine>(engine: &mut E, rows: usize, columns: &[Columns<'_>]) -> Result<Secret<E, Feature, Ix2>> {
    let one = |engine: &mut E, side: &Columns<'_>| input_features(engine, side.owner, side.values, [rows, side.count]);
    let mut sides = columns.iter().map(|side| Ok(one(engine, side)?)).collect::<Result<Vec<_>>>()?;
    match sides.len() {
        0 => Err(Error::caller("a regression needs columns")),
        1 => Ok(sides.remove(0)),
        _ => {
            let turned: Vec<_> = sides.iter().map(Secret::t).collect();
            Ok(Secret::stack(&turned.iter().collect::<Vec<_>>())?.t())
        }
    }
}

/// Weights of the columns, then the intercept, of labels 0 and 1, with a penalty `l2` (0 to 1/32) on the weights.
///
/// # Errors
/// [`Error::Caller`] for settings that do not fit; labels other than 0 and 1; the engine's.
pub fn logistic<E: Engine>(
    engine: &mut E,
    settings: &Logistic,
    l2: f64,
    features: &Secret<E, Feature, Ix2>,
    labels: &Labels<'_>,
) -> Result<Secret<E, Weight, Ix1>> {
    let rows = features.shape().first().copied().unwrap_or(0);
    settings.check(rows, l2)?;
    let whole = |label: &f64| if label.fract() == 0.0 { *label as i64 } else { -1 };
    let own: Option<Vec<i64>> = labels.values.map(|values| values.iter().map(whole).collect());
    let labels = input_labels(engine, labels.owner, own.as_deref().map(ndarray::ArrayView1::from), rows)?;
    let everyone = Secret::from_words(engine.constant(&vec![1; rows]), Ix1(rows))?;
    Ok(settings.fit_selected(engine, features, &labels, &everyone, l2)?)
}

/// Weights of the columns, then the intercept, of standardised labels, in closed form.
///
/// # Errors
/// [`Error::Caller`] for settings that do not fit, [`yu_mpc::Error::Range`] for labels of 32 and more; the engine's.
pub fn linear<E: Engine>(
    engine: &mut E,
    settings: &Ridge,
    features: &Secret<E, Feature, Ix2>,
    labels: &Labels<'_>,
) -> Result<Secret<E, Weight, Ix1>> {
    let rows = features.shape().first().copied().unwrap_or(0);
    settings.check([rows, features.shape().get(1).copied().unwrap_or(0)])?;
    let own = labels.values.map(|values| ArrayView2::from_shape((values.len(), 1), values)).transpose();
    let own = own.map_err(|_| Error::caller("labels that do not make a column"))?;
    let targets = input_features(engine, labels.owner, own, [rows, 1])?;
    Ok(settings.fit(engine, features, &Secret::from_words(targets.into_words(), Ix1(rows))?)?)
}

/// Probabilities of the label 1 for weights that stay shares; error 1e-3 where the score is at most 120.
///
/// # Errors
/// The engine's; for another number of weights [`yu_mpc::Error::Shape`].
pub fn probabilities<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
) -> Result<Secret<E, Weight, Ix1>> {
    Ok(Logistic::predict(engine, features, weights)?)
}

/// What [`Inference::new`] makes standard errors of: see [`information::variances`].
///
/// # Errors
/// As there.
pub fn variances<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
    ridge: f64,
) -> Result<Secret<E, Variance, Ix1>> {
    Ok(information::variances(engine, features, weights, ridge)?)
}

/// How sure a weight is, at the recipient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inference {
    /// The weight.
    pub weight: f64,
    /// Its standard error.
    pub error: f64,
    /// The weight in standard errors (Wald's statistic).
    pub z: f64,
    /// Probability of a weight as far from zero if it were zero, two-sided, in the normal approximation.
    pub p: f64,
}

impl Inference {
    /// Of opened weights and variances of a training on `rows` rows. With a penalty the weights are drawn to zero and the errors are those of the
    /// penalised estimate: p-values are then approximate.
    #[must_use]
    pub fn new(weights: &[f64], variances: &[f64], rows: usize) -> Vec<Self> {
        let one = |(weight, variance): (&f64, &f64)| {
            let error = (variance.max(0.0) / rows.next_power_of_two() as f64).sqrt();
            let z = weight / error;
            Self { weight: *weight, error, z, p: libm::erfc(z.abs() / std::f64::consts::SQRT_2) }
        };
        weights.iter().zip(variances).map(one).collect()
    }
}
