//! How sure the weights of a logistic regression are (标准误): the diagonal of the inverse of Fisher's information `X^T V X`,
//! `V = diag(p (1 - p))`. Its square roots are standard errors (McCullagh, Nelder, Generalized Linear Models, 1989, section 4.4).
//!
//! | | |
//! |---|---|
//! | rows, columns | at most 2^20 rows, 62 columns |
//! | scores | `|z| <= 120` |
//! | ridge | added to the diagonal of `X^T V X / n`, not for the intercept; the smallest eigenvalue has to be 2^-17 of the trace |
//! | error | that of the sigmoid, 1e-3 of `p`; of [`linear`](super::linear)'s inverse |
//! | rounds on [`rep3`](crate::rep3) | about 130 |
//! | bytes on [`rep3`](crate::rep3) | about `n (400 + 32 d) + 1400 d^2` for `d` columns |

use ndarray::{Ix1, Ix2};

use super::linear::{COLUMNS, INVERSE, MOMENTS, ROWS, UNSCALE, invert};
use super::{FEATURE, Feature, WEIGHT, Weight, logistic, with_ones};
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of the rows times `p (1 - p)`.
const WEIGHED: u32 = 20;

/// Variances have 20 fraction bits.
pub type Variance = Fixed<INVERSE>;

/// Variances of the weights, then of the intercept, times the power of two at or above the number of rows.
///
/// # Errors
/// [`Error::Shape`] unless there is one weight per column and an intercept; [`Error::Caller`] for too many rows or columns or a ridge outside of 0 to
/// 1; the engine's.
pub fn variances<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
    ridge: f64,
) -> Result<Secret<E, Variance, Ix1>> {
    let (rows, size) = (features.shape()[0], features.shape()[1] + 1);
    if !(1..=ROWS).contains(&rows) || !(1..=COLUMNS + 1).contains(&size) || !(0.0..=1.0).contains(&ridge) {
        return Err(Error::caller(format!(
            "information of {rows} rows and {} columns with a ridge of {ridge}, expected 1 to {ROWS}, 1 to {COLUMNS}, 0 to 1",
            size - 1
        )));
    }
    let scores = logistic::scores(engine, features, weights)?;
    let p = scores.sigmoid(engine)?.into_words();
    let rest = engine.constant(&vec![1 << WEIGHT; rows]).sub(&p);
    let curvature = only(engine.multiply(&[Product::Each(&p, &rest)], WEIGHT)?)?;
    let x = with_ones(engine, features)?.into_words();
    let spread = curvature.gather(&(0..rows * size).map(|at| at / size).collect::<Vec<_>>());
    let weighed = only(engine.multiply(&[Product::Each(&x, &spread)], FEATURE + WEIGHT - WEIGHED)?)?;
    // |x| < 2^5, p (1 - p) <= 1/4: below 2^(8 + 20) with 30 bits behind the point
    let product = Product::Matrix { left: &x.transpose(rows), right: &weighed, shape: [size, rows, size] };
    let log = rows.next_power_of_two().trailing_zeros();
    let information = only(engine.multiply(&[product], FEATURE + WEIGHED + log - MOMENTS)?)?;
    // n / 2^ceil(log2 n) of the ridge, as of everything else
    let part = rows as f64 / rows.next_power_of_two() as f64;
    let raw = (ridge * part * f64::from(MOMENTS).exp2()).round() as u64;
    let diagonal = |at: usize| if at.is_multiple_of(size + 1) && at / (size + 1) + 1 < size { raw } else { 0 };
    let information = information.add(&engine.constant(&(0..size * size).map(diagonal).collect::<Vec<_>>()));
    let found = invert(engine, &information, size)?;
    let diagonal = found.inverse.gather(&(0..size).map(|at| at * (size + 1)).collect::<Vec<_>>());
    let factor = found.factor.gather(&vec![0; size]);
    Secret::from_words(only(engine.multiply(&[Product::Each(&diagonal, &factor)], UNSCALE)?)?, Ix1(size))
}
