//! Models trained on secret tables (联合建模): features, labels and weights stay shared, on every engine.
//!
//! | model | file | rounds on [`rep3`](crate::rep3) |
//! |---|---|---|
//! | logistic regression by gradient descent | [`logistic`] | 10 a step |
//! | linear regression with a ridge, in closed form | [`linear`] | 110 in all |
//! | Poisson regression by Newton's method | [`poisson`] | about 180 an iteration |
//! | how sure the weights of a logistic regression are | [`information`] | 130 |
//! | k-means | [`kmeans`] | about `37 + 12 log2 k` an iteration |
//!
//! **Numbers.** Features are [`Feature`]s, standardised by their owners (mean 0, standard deviation 1) and smaller than [`BOUND`] in
//! absolute value, which [`input_features`] enforces at the owner; what lies further out is cut off there first (winsorised). The
//! bound keeps every product below 2^62, whatever the data.
//!
//! **Rows that nobody may know to count.** `fit_selected` of both regressions takes a secret selection; rows that are not selected hold zeros
//! (a join leaves them so).

pub mod information;
pub mod kmeans;
pub mod linear;
pub mod logistic;
pub mod poisson;

pub use kmeans::KMeans;
pub use linear::Ridge;
pub use logistic::Logistic;
pub use poisson::Poisson;

use ndarray::{ArrayView1, ArrayView2, Ix1, Ix2};

use crate::engine::Engine;
use crate::fixed::Fixed;
use crate::ring::Int;
use crate::secret::Secret;
use crate::{Error, Result};

/// Fraction bits of features.
const FEATURE: u32 = 10;

/// Features have 10 fraction bits: rounding a standardised column is noise of 3e-4 standard deviations.
pub type Feature = Fixed<FEATURE>;

/// Fraction bits of the weights that come out.
const WEIGHT: u32 = 16;

/// Weights that come out.
pub type Weight = Fixed<WEIGHT>;

/// Features are smaller than this in absolute value.
pub const BOUND: f64 = 32.0;

/// Shares the features of one owner, `[rows, columns]`.
///
/// # Errors
/// [`Error::Range`] for values that are not numbers or reach [`BOUND`]; the engine's.
pub fn input_features<E: Engine>(
    engine: &mut E,
    owner: usize,
    values: Option<ArrayView2<'_, f64>>,
    shape: [usize; 2],
) -> Result<Secret<E, Feature, Ix2>> {
    // a value just below the bound must not be rounded up to it
    let fits = |value: &f64| value.abs() < BOUND - Feature::ULP;
    if values.is_some_and(|values| !values.iter().all(fits)) {
        return Err(Error::Range { what: "features (standardise, then cut off)".into(), limit: BOUND });
    }
    Secret::input(engine, owner, values, Ix2(shape[0], shape[1]))
}

/// Shares the labels of one owner, each 0 or 1.
///
/// # Errors
/// [`Error::Range`] for other values; the engine's.
pub fn input_labels<E: Engine>(
    engine: &mut E,
    owner: usize,
    values: Option<ArrayView1<'_, i64>>,
    len: usize,
) -> Result<Secret<E, Int, Ix1>> {
    if values.is_some_and(|values| !values.iter().all(|value| matches!(value, 0 | 1))) {
        return Err(Error::Range { what: "labels, expected 0 or 1".into(), limit: 2.0 });
    }
    Secret::input(engine, owner, values, Ix1(len))
}

/// `value = mantissa 2^-exponent` with the mantissa from 1/2 to 1.
pub(crate) fn split_rate(value: f64) -> Result<(f64, u32)> {
    if !(value > 0.0 && value < 1.0) {
        return Err(Error::caller("the learning rate divided by the batch size has to lie between 0 and 1"));
    }
    let exponent = (-value.log2()).floor();
    Ok((value * exponent.exp2(), exponent as u32))
}

/// The features with a column of ones behind them: the last weight is the intercept.
pub(crate) fn with_ones<E: Engine>(engine: &E, features: &Secret<E, Feature, Ix2>) -> Result<Secret<E, Feature, Ix2>> {
    let rows = features.shape()[0];
    let ones = Secret::constant(engine, ndarray::Array2::ones((1, rows)).view())?;
    Ok(Secret::stack(&[&features.t(), &ones])?.t())
}

/// The features with a secret selection behind them, 1 for a row that counts: a row of zeros adds nothing to `X^T X` nor to a
/// gradient, whatever its label and its prediction are, so rows that do not count weigh nothing, and nobody learns which they are.
pub(crate) fn with_selected<E: Engine>(
    features: &Secret<E, Feature, Ix2>,
    selected: &Secret<E, Int, Ix1>,
) -> Result<Secret<E, Feature, Ix2>> {
    use crate::engine::Module;
    let rows = features.shape()[0];
    if selected.len() != rows {
        return Err(Error::shape("selection of rows", features.shape(), selected.shape()));
    }
    let ones = Secret::from_words(selected.words().scale(1 << FEATURE), Ix2(1, rows))?;
    Ok(Secret::stack(&[&features.t(), &ones])?.t())
}

/// Cuts or lifts raw values from `from` to `to` fraction bits.
pub(crate) fn rescaled<E: Engine>(engine: &mut E, words: &E::Words, from: u32, to: u32) -> Result<E::Words> {
    use crate::engine::Module;
    match from.checked_sub(to) {
        Some(0) => Ok(words.clone()),
        Some(cut) => crate::secret::only(engine.truncate(&[words], cut)?),
        None => Ok(words.scale(1 << (to - from))),
    }
}
