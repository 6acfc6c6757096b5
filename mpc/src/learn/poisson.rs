//! Poisson regression (泊松回归): the mean of a count is `t e^(X w)`, `t` a known exposure, fitted by Newton's method with a ridge
//! (McCullagh, Nelder, Generalized Linear Models, 1989, section 2.5: iteratively reweighted least squares).
//!
//! **On the scale of the mean.** The equations `X^T (y - mu) = 0` do not change when counts and means are divided by one number. So targets come in
//! divided by what makes their mean 1, exposures too, and only the intercept moves: whatever the counts are, numbers here are near 1, and the
//! range of the exponential is about the mean and not about 0. Who knows the counts divides them and later adds the logarithm.
//!
//! An iteration, with `N` the power of two at or above the number of rows:
//! 1. `z = X w + ln t`, cut to [`RANGE`] on either side ([`Secret::clamp`]): a mean is at most 1023 times the overall one.
//! 2. `mu = e^z` ([`crate::ops::exponential`]).
//! 3. `I = X^T diag(mu) X / N + ridge` and `g = X^T (y - mu) / N - ridge w`, no ridge on the intercept.
//! 4. `w += I^-1 g`, by the inverse of [`linear`](super::linear); no weight moves by more than 1, so that no start is too far away and, after at
//!    most [`ITERATIONS`] iterations, no weight is greater.
//!
//! | | |
//! |---|---|
//! | features | below [`super::BOUND`]; at most 2^20 rows, 62 columns |
//! | targets | from 0 to [`MOST_TARGET`], their mean (over the mean exposure) 1 |
//! | `ln t` | at most [`MOST_OFFSET`] in absolute value |
//! | ridge | [`LEAST_RIDGE`] to 1; the smallest eigenvalue of `I` has to be 2^-13 of the trace |
//! | error of a mean | `2^-16 + 2^-19 mu` |
//! | error of the weights | `2^-16` over the smallest eigenvalue of `I`, when the iterations have converged; ten do for weights below 3 |
//! | a row far out | where a step carries a row beyond [`RANGE`], later steps bring its predictor back by about 1 each: rows within some 8 deviations need few |
//! | rounds on [`rep3`](crate::rep3) | about 180 an iteration |
//! | bytes on [`rep3`](crate::rep3) | an iteration about `n (1100 + 32 d) + 1430 (d + 1)^2` |

use ndarray::{Array2, Ix1, Ix2};

use super::information::Variance;
use super::linear::{COLUMNS, INVERSE, ROWS, invert};
use super::{FEATURE, Feature, Weight, with_ones};
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::ops::normal;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Linear predictors are cut to this on either side: `e^6.93 < 2^10`.
pub const RANGE: f64 = 6.93;
/// Linear predictors of [`means`] are not below this: `e^-11 < 2^-15`.
pub const LOWEST: f64 = -11.0;
/// Greatest target.
pub const MOST_TARGET: f64 = 2048.0;
/// Greatest logarithm of an exposure over the mean one.
pub const MOST_OFFSET: f64 = 6.0;
/// Least ridge.
pub const LEAST_RIDGE: f64 = 1.0 / 16384.0;
/// Most iterations.
pub const ITERATIONS: usize = 25;

/// Fraction bits of targets, means and predictors.
const MEAN: u32 = 16;
/// Fraction bits of `I`: its trace is below 2^26, [`normal::WIDTH`] bits in all.
const MOMENTS: u32 = 14;
/// Fraction bits of `g`.
const GRADIENT: u32 = 20;
/// Fraction bits of `g` on the scale of the inverse, and of the weights meanwhile.
const STEP: u32 = 20;
/// `g` on the scale of the inverse is cut to this; it is about 1.
const STEEPEST: f64 = 64.0;
/// A weight moves by this at most.
const FARTHEST: f64 = 1.0;

/// Targets, means and linear predictors.
pub type Mean = Fixed<MEAN>;
/// Weights while they are sought.
pub type Fine = Fixed<STEP>;

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poisson {
    /// Newton's iterations; they do not depend on the data.
    pub iterations: usize,
    /// Added to the diagonal of `I`, not for the intercept.
    pub ridge: f64,
}

impl Poisson {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers of rows, columns or iterations or a ridge that do not fit.
    pub fn check(&self, [rows, columns]: [usize; 2]) -> Result<()> {
        if !(1..=ITERATIONS).contains(&self.iterations) {
            return Err(Error::caller(format!("`{}` iterations, expected 1 to {ITERATIONS}", self.iterations)));
        }
        check(rows, columns, self.ridge)
    }

    /// Weights of the columns, then the intercept, of targets whose mean is 1; see the module.
    ///
    /// # Errors
    /// [`Poisson::check`]'s; [`Error::Shape`] unless there is one target and, if any, one offset for each row; the engine's.
    pub fn fit<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        targets: &Secret<E, Mean, Ix1>,
        offsets: Option<&Secret<E, Mean, Ix1>>,
    ) -> Result<Secret<E, Fine, Ix1>> {
        let table = Rows::new(engine, features, offsets, self.ridge)?;
        self.check([table.rows, table.size - 1])?;
        crate::engine::equal_lengths("targets of a Poisson regression", table.rows, targets.len())?;
        let mut weights = Secret::from_words(E::Words::zeros(table.size), Ix1(table.size))?;
        for _ in 0..self.iterations {
            let means = table.means(engine, &weights)?;
            let gradient = table.gradient(engine, &targets.sub(&means)?, &weights)?;
            let information = table.information(engine, &means)?;
            weights = weights.add(&step(engine, &information, &gradient)?)?;
        }
        Ok(weights)
    }
}

/// Means `e^(X w + ln t)` of rows whose weights are not those of means about 1: the linear predictor is cut to [`LOWEST`] and [`RANGE`]. Means, then
/// predictors.
///
/// # Errors
/// [`Error::Shape`] unless there is one weight per column, an intercept, and, if any, one offset for each row; the engine's.
pub fn means<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
    offsets: Option<&Secret<E, Mean, Ix1>>,
) -> Result<[Secret<E, Mean, Ix1>; 2]> {
    let mut scores = super::logistic::scores(engine, features, weights)?;
    if let Some(offsets) = offsets {
        scores = scores.add(offsets)?;
    }
    let scores = scores.clamp(engine, LOWEST, RANGE)?;
    Ok([scores.exp(engine)?, scores])
}

/// The diagonal of the inverse of `X^T diag(mu) X / N` at weights that [`Poisson::fit`] found: variances of the weights and the intercept, times `N`
/// and times the mean of the counts.
///
/// # Errors
/// As [`Poisson::fit`].
pub fn variances<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Fine, Ix1>,
    offsets: Option<&Secret<E, Mean, Ix1>>,
    ridge: f64,
) -> Result<Secret<E, Variance, Ix1>> {
    let table = Rows::new(engine, features, offsets, ridge)?;
    check(table.rows, table.size - 1, ridge)?;
    let means = table.means(engine, weights)?;
    let information = table.information(engine, &means)?;
    let found = invert(engine, &information, table.size)?;
    let diagonal = found.inverse.gather(&(0..table.size).map(|at| at * (table.size + 1)).collect::<Vec<_>>());
    let factor = found.factor.gather(&vec![0; table.size]);
    Secret::from_words(only(engine.multiply(&[Product::Each(&diagonal, &factor)], normal::WIDTH - MOMENTS)?)?, Ix1(table.size))
}

fn check(rows: usize, columns: usize, ridge: f64) -> Result<()> {
    if !(1..=ROWS).contains(&rows) || !(1..=COLUMNS).contains(&columns) || !(LEAST_RIDGE..=1.0).contains(&ridge) {
        return Err(Error::caller(format!(
            "Poisson regression of {rows} rows and {columns} columns with a ridge of {ridge}, expected 1 to {ROWS}, 1 to {COLUMNS}, {LEAST_RIDGE} to 1"
        )));
    }
    Ok(())
}

/// What does not change between iterations.
struct Rows<'a, E: Engine> {
    rows: usize,
    /// Columns and the intercept.
    size: usize,
    x: E::Words,
    turned: E::Words,
    offsets: Option<&'a Secret<E, Mean, Ix1>>,
    /// `ridge n / N`.
    ridge: f64,
}

impl<'a, E: Engine> Rows<'a, E> {
    fn new(engine: &E, features: &Secret<E, Feature, Ix2>, offsets: Option<&'a Secret<E, Mean, Ix1>>, ridge: f64) -> Result<Self> {
        let (rows, size) = (features.shape()[0], features.shape()[1] + 1);
        if let Some(offsets) = offsets {
            crate::engine::equal_lengths("exposures of a Poisson regression", rows, offsets.len())?;
        }
        let x = with_ones(engine, features)?;
        let turned = x.t().into_words();
        Ok(Self { rows, size, x: x.into_words(), turned, offsets, ridge: ridge * rows as f64 / rows.next_power_of_two() as f64 })
    }

    /// Bits of `N`.
    const fn log(&self) -> u32 {
        self.rows.next_power_of_two().trailing_zeros()
    }

    /// `|x| < 2^5`, `|w| < 2^5`, 63 of them: below `2^(16 + 30)`.
    fn means(&self, engine: &mut E, weights: &Secret<E, Fine, Ix1>) -> Result<Secret<E, Mean, Ix1>> {
        let product = Product::Matrix { left: &self.x, right: weights.words(), shape: [self.rows, self.size, 1] };
        let words = only(engine.multiply(&[product], FEATURE + STEP - MEAN)?)?;
        let mut scores = Secret::<E, Mean, Ix1>::from_words(words, Ix1(self.rows))?;
        if let Some(offsets) = self.offsets {
            scores = scores.add(offsets)?;
        }
        scores.clamp(engine, -RANGE, RANGE)?.exp(engine)
    }

    /// `|x| < 2^5`, `|y - mu| <= 2^11`, 2^20 rows: below `2^(36 + 26)`.
    fn gradient(&self, engine: &mut E, apart: &Secret<E, Mean, Ix1>, weights: &Secret<E, Fine, Ix1>) -> Result<E::Words> {
        let product = Product::Matrix { left: &self.turned, right: apart.words(), shape: [self.size, self.rows, 1] };
        let sum = only(engine.multiply(&[product], FEATURE + MEAN + self.log() - GRADIENT)?)?;
        let raw = (self.ridge * f64::from(GRADIENT).exp2()).round() as u64;
        let factors: Vec<u64> = (0..self.size).map(|at| if at + 1 < self.size { raw } else { 0 }).collect();
        Ok(sum.sub(&only(engine.truncate(&[&weights.words().scale_each(&factors)], STEP)?)?))
    }

    /// `|x mu| < 2^15` with `32 - log N` bits behind the point, times `x`, 2^20 rows at most: below `2^62`.
    fn information(&self, engine: &mut E, means: &Secret<E, Mean, Ix1>) -> Result<E::Words> {
        let size = self.size;
        let weighed = (32 - self.log()).min(FEATURE + MEAN - 1);
        let spread = E::Words::concat(&vec![means.words(); size]);
        let each = only(engine.multiply(&[Product::Each(&self.turned, &spread)], FEATURE + MEAN - weighed)?)?;
        let product = Product::Matrix { left: &each, right: &self.x, shape: [size, self.rows, size] };
        let found = only(engine.multiply(&[product], FEATURE + weighed + self.log() - MOMENTS)?)?;
        let raw = (self.ridge * f64::from(MOMENTS).exp2()).round();
        let ridge = Array2::from_shape_fn((size, size), |(i, j)| if i == j && i + 1 < size { raw as u64 } else { 0 });
        Ok(found.add(&engine.constant(&ridge.into_raw_vec_and_offset().0)))
    }
}

/// `I^-1 g`, no entry beyond [`FARTHEST`]. On the scale on which the trace is between 1/2 and 1 the inverse is below 2^13 and `g`, cut to
/// [`STEEPEST`], below 2^6, with 20 bits each: their product is below 2^62.
fn step<E: Engine>(engine: &mut E, information: &E::Words, gradient: &E::Words) -> Result<Secret<E, Fine, Ix1>> {
    let size = gradient.len();
    let found = invert(engine, information, size)?;
    let factor = found.factor.gather(&vec![0; size]);
    let scaled = only(engine.multiply(&[Product::Each(gradient, &factor)], normal::WIDTH + GRADIENT - MOMENTS - STEP)?)?;
    let scaled = Secret::<E, Fine, Ix1>::from_words(scaled, Ix1(size))?.clamp(engine, -STEEPEST, STEEPEST)?;
    let product = Product::Matrix { left: &found.inverse, right: scaled.words(), shape: [size, size, 1] };
    Secret::<E, Fine, Ix1>::from_words(only(engine.multiply(&[product], INVERSE)?)?, Ix1(size))?.clamp(engine, -FARTHEST, FARTHEST)
}
