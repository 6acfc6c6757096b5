//! Logistic regression (逻辑回归) by stochastic gradient descent with a fused step.
//!
//! A step on `b` rows is `w -= (rate / b) X^T (sigmoid(X w) - y)`:
//! 1. `z = X w`, not cut: 10 bits of the features and those of the weights behind the point. One round.
//! 2. The comparisons of [`lines`] on the high bits of `z`, and the lifting of their results.
//! 3. `e = m (sigmoid(z) - y)`, not cut: the mantissa `m` of `rate / b` is part of the public coefficients. One round.
//! 4. `X^T e`, cut once by everything that has gathered behind the point, the exponent of `rate / b` included. Two rounds.
//!
//! So a step has one truncation, of as many elements as there are weights. Nothing is opened. Rows are taken in their order; a last
//! batch that is not full is left out.
//!
//! | | |
//! |---|---|
//! | features, labels | [`super::input_features`], [`super::input_labels`] |
//! | batch | at most 8192 rows; the weights keep `min(20, 27 - log2 b)` fraction bits during the training |
//! | `z` | `|z| < 1000`, else the step is wrong |
//! | error of the sigmoid | 9e-4 |
//! | rounds a step on [`rep3`](crate::rep3) | 10 |
//! | bytes a step on [`rep3`](crate::rep3) | about `1050 b + 40 d` for `d` columns |

use ndarray::{Ix1, Ix2};

use super::{BOUND, Feature, Weight, rescaled, split_rate, with_ones};
use crate::engine::{Engine, Module, Product, Vector};
use crate::ops::sigmoid::lines;
use crate::ring::Int;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of features.
const FEATURE: u32 = 10;
/// Fraction bits of the slopes of the sigmoid's pieces.
const SLOPE: u32 = 10;
/// `|z|` is below 2^10.
const RANGE: u32 = 10;

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Logistic {
    /// Learning rate.
    pub rate: f64,
    /// Rows a step.
    pub batch: usize,
    /// Passes over the rows.
    pub epochs: usize,
}

/// What the numbers of a training look like.
struct Format {
    weight: u32,
    mantissa: f64,
    cut: u32,
}

impl Logistic {
    /// Weights of the columns, then the intercept, starting from zero.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one label per row; [`Error::Caller`] for a batch of no rows or more than there are, and for a
    /// rate that does not fit; the engine's.
    pub fn fit<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        labels: &Secret<E, Int, Ix1>,
    ) -> Result<Secret<E, Weight, Ix1>> {
        let rows = features.shape()[0];
        if labels.len() != rows {
            return Err(Error::shape("logistic regression", features.shape(), labels.shape()));
        }
        if self.batch == 0 || self.batch > rows {
            return Err(Error::caller(format!("batch of `{}` rows, expected 1 to {rows}", self.batch)));
        }
        let format = self.format()?;
        let features = with_ones(engine, features)?;
        let columns = features.shape()[1];
        let batch = |number: usize| -> Result<_> {
            let range = number * self.batch..(number + 1) * self.batch;
            let x = features.rows(range.clone())?;
            Ok((x.t().into_words(), x.into_words(), labels.rows(range)?.into_words()))
        };
        let batches = (0..rows / self.batch).map(batch).collect::<Result<Vec<_>>>()?;
        let mut weights = E::Words::zeros(columns);
        for _ in 0..self.epochs {
            for (turned, x, y) in &batches {
                weights = self.step(engine, &format, &weights, [turned, x, y])?;
            }
        }
        Secret::from_words(rescaled(engine, &weights, format.weight, super::WEIGHT)?, Ix1(columns))
    }

    /// Probabilities of the label 1, error 1e-3, for `|z| <= 120`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one weight per column and an intercept; the engine's.
    pub fn predict<E: Engine>(
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        weights: &Secret<E, Weight, Ix1>,
    ) -> Result<Secret<E, Weight, Ix1>> {
        scores(engine, features, weights)?.sigmoid(engine)
    }

    fn format(&self) -> Result<Format> {
        let size = self.batch.next_power_of_two().trailing_zeros();
        // |X^T e| < BOUND b, with 2 x 10 + weight + slope bits behind the point
        let weight = (62 - BOUND.log2() as u32 - 2 * FEATURE - SLOPE).saturating_sub(size).min(20);
        let (mantissa, exponent) = split_rate(self.rate / self.batch as f64)?;
        let cut = 2 * FEATURE + SLOPE + exponent;
        if weight < 14 {
            return Err(Error::caller(format!("batch of `{}` rows, expected 8192 at most", self.batch)));
        }
        crate::engine::check_shift(cut)?;
        Ok(Format { weight, mantissa, cut })
    }

    fn step<E: Engine>(&self, engine: &mut E, format: &Format, weights: &E::Words, [turned, x, y]: [&E::Words; 3]) -> Result<E::Words> {
        let (rows, columns) = (self.batch, weights.len());
        let z = only(engine.multiply(&[Product::Matrix { left: x, right: weights, shape: [rows, columns, 1] }], 0)?)?;
        let fraction = FEATURE + format.weight;
        let spline = lines(format.mantissa, SLOPE);
        let terms = spline.terms(engine, &z, fraction, RANGE)?;
        let probability = only(engine.multiply(&[terms.product()], 0)?)?;
        let one = (format.mantissa * f64::from(spline.scale(fraction)).exp2()).round() as u64;
        let half = engine.constant(&vec![one / 2; rows]);
        let error = E::Words::combination(&[(1, &probability), (1, &half), (one.wrapping_neg(), y)]);
        let gradient = Product::Matrix { left: turned, right: &error, shape: [columns, rows, 1] };
        Ok(weights.sub(&only(engine.multiply(&[gradient], format.cut)?)?))
    }
}

/// `X w` plus the intercept.
///
/// # Errors
/// [`Error::Shape`] unless there is one weight per column and an intercept; the engine's.
pub fn scores<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
) -> Result<Secret<E, Weight, Ix1>> {
    let (rows, columns) = (features.shape()[0], features.shape()[1] + 1);
    if weights.len() != columns {
        return Err(Error::shape("scores", features.shape(), weights.shape()));
    }
    let x = with_ones(engine, features)?.into_words();
    let product = Product::Matrix { left: &x, right: weights.words(), shape: [rows, columns, 1] };
    Secret::from_words(only(engine.multiply(&[product], FEATURE)?)?, Ix1(rows))
}
