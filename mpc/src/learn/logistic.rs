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
//! With a penalty `l2` (a ridge) a step also takes away `rate l2 w`, not of the intercept: the weights stand below `e` and a public
//! diagonal beside `X^T`, so it is the same product and the same truncation.
//!
//! | | |
//! |---|---|
//! | features, labels | [`super::input_features`], [`super::input_labels`] |
//! | batch | at most 8192 rows; the weights keep `min(20, 27 - log2 b)` fraction bits during the training. With a penalty one bit less, and 4096 rows |
//! | penalty | 0 to [`MAX_L2`]; `l2 |w| < 32` |
//! | `z` | `|z| < 1000`, else the step is wrong |
//! | error of the sigmoid | 9e-4 |
//! | rounds a step on [`rep3`](crate::rep3) | 10 |
//! | bytes a step on [`rep3`](crate::rep3) | about `1050 b + 40 d` for `d` columns |

use ndarray::{Ix1, Ix2};

use super::{BOUND, FEATURE, Feature, Weight, rescaled, split_rate, with_ones, with_selected};
use crate::engine::{Engine, Module, Product, Vector};
use crate::ops::sigmoid::lines;
use crate::ring::Int;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Greatest penalty: with `|w| < 1000` what it takes away stays in its range.
pub const MAX_L2: f64 = 1.0 / 32.0;

/// Fraction bits of the slopes of the sigmoid's pieces.
const SLOPE: u32 = 10;
/// Fraction bits of one divided by the number of steps of a pass.
const MEAN: u32 = 31;
/// `|z|` is below 2^10.
const RANGE: u32 = 10;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    /// Learning rate.
    pub rate: f64,
    /// Rows a step.
    pub batch: usize,
    /// Passes over the rows.
    pub epochs: usize,
}

/// Which weights come out.
#[derive(Clone, Copy)]
enum Told {
    /// Those after the last step.
    Last,
    /// The mean over the steps of the last pass.
    Mean,
}

/// What the numbers of a training look like.
struct Format {
    weight: u32,
    mantissa: f64,
    cut: u32,
    /// `rate l2` on the scale of the gradient before the cut, if there is a penalty.
    penalty: Option<u64>,
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
        let wide = with_ones(engine, features)?;
        self.descend(engine, &wide, labels, 0.0, Told::Last)
    }

    /// The same over the rows that a secret selection of zeros and ones names, with a penalty `l2` on the weights of the columns; rows that are not selected hold zeros,
    /// features and label. Such a row weighs nothing: a batch of which `m` rows are selected moves the weights by
    /// `(rate / b) X^T (sigmoid(X w) - y)` over these `m`, `b` being the size of the batch. What comes out is the mean of the weights after each
    /// step of the last pass (Polyak, Juditsky 1992): it depends far less on the order of the rows than the last weights, and costs nothing.
    ///
    /// # Errors
    /// As [`Self::fit`]; [`Error::Caller`] for a penalty outside of 0 to [`MAX_L2`].
    pub fn fit_selected<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        labels: &Secret<E, Int, Ix1>,
        selected: &Secret<E, Int, Ix1>,
        l2: f64,
    ) -> Result<Secret<E, Weight, Ix1>> {
        self.descend(engine, &with_selected(features, selected)?, labels, l2, Told::Mean)
    }

    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] for a batch of no rows or more than `rows`, for a rate or a penalty that does not fit.
    pub fn check(&self, rows: usize, l2: f64) -> Result<()> {
        if self.batch == 0 || self.batch > rows {
            return Err(Error::caller(format!("batch of `{}` rows, expected 1 to {rows}", self.batch)));
        }
        if !(0.0..=MAX_L2).contains(&l2) {
            return Err(Error::caller(format!("penalty `{l2}`, expected 0 to {MAX_L2}")));
        }
        self.format(l2).map(drop)
    }

    /// Descends on features whose last column is that of the intercept.
    fn descend<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        labels: &Secret<E, Int, Ix1>,
        l2: f64,
        told: Told,
    ) -> Result<Secret<E, Weight, Ix1>> {
        let [rows, columns] = [features.shape()[0], features.shape()[1]];
        if labels.len() != rows {
            return Err(Error::shape("logistic regression", features.shape(), labels.shape()));
        }
        self.check(rows, l2)?;
        let format = self.format(l2)?;
        // below the rows: what the penalty multiplies the weights with, nothing for the intercept
        let penalty = format.penalty.map(|factor| {
            let entry = |at: usize| if at.is_multiple_of(columns + 1) && at / (columns + 1) + 1 < columns { factor } else { 0 };
            engine.constant(&(0..columns * columns).map(entry).collect::<Vec<_>>())
        });
        let batch = |number: usize| -> Result<_> {
            let range = number * self.batch..(number + 1) * self.batch;
            let x = features.rows(range.clone())?.into_words();
            let turned = match &penalty {
                Some(penalty) => E::Words::concat(&[&x, penalty]).transpose(self.batch + columns),
                None => x.transpose(self.batch),
            };
            Ok((turned, x, labels.rows(range)?.into_words()))
        };
        let batches = (0..rows / self.batch).map(batch).collect::<Result<Vec<_>>>()?;
        let mut weights = E::Words::zeros(columns);
        let mut sum = E::Words::zeros(columns);
        for epoch in 0..self.epochs {
            for (turned, x, y) in &batches {
                weights = self.step(engine, &format, &weights, [turned, x, y])?;
                if epoch + 1 == self.epochs {
                    sum = sum.add(&weights);
                }
            }
        }
        let words = match told {
            Told::Mean if self.epochs > 0 => {
                // |w| < 2^10 with at most 20 fraction bits: the sum times 2^31 / steps stays below 2^62
                let part = (f64::from(MEAN).exp2() / batches.len() as f64).round() as u64;
                only(engine.truncate(&[&sum.scale(part)], MEAN + format.weight - super::WEIGHT)?)?
            }
            _ => rescaled(engine, &weights, format.weight, super::WEIGHT)?,
        };
        Secret::from_words(words, Ix1(columns))
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

    fn format(&self, l2: f64) -> Result<Format> {
        let size = self.batch.next_power_of_two().trailing_zeros();
        // |X^T e| < BOUND b, with 2 x 10 + weight + slope bits behind the point; a bit more for what the penalty adds
        let sum = u32::from(l2 > 0.0);
        let weight = (62 - BOUND.log2() as u32 - 2 * FEATURE - SLOPE).saturating_sub(size + sum).min(20);
        let (mantissa, exponent) = split_rate(self.rate / self.batch as f64)?;
        let cut = 2 * FEATURE + SLOPE + exponent;
        if weight < 14 {
            return Err(Error::caller(format!("batch of `{}` rows, expected {} at most", self.batch, 8192 >> sum)));
        }
        crate::engine::check_shift(cut)?;
        let penalty = (l2 > 0.0).then(|| (self.rate * l2 * f64::from(cut).exp2()).round() as u64);
        Ok(Format { weight, mantissa, cut, penalty })
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
        let (error, terms) = match format.penalty {
            Some(_) => (E::Words::concat(&[&error, weights]), rows + columns),
            None => (error, rows),
        };
        let gradient = Product::Matrix { left: turned, right: &error, shape: [columns, terms, 1] };
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
