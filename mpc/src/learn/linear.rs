//! Linear regression (线性回归) with a ridge, in closed form: `w = (X^T X + n ridge)^-1 X^T y`.
//!
//! The inverse is Newton's and Schulz's iteration `V <- V (2 - A V)` from `V = 1`, on `A` scaled by a secret power of two so that its
//! trace is between 1/2 and 1: then all eigenvalues are between 0 and 1, and the residual squares in each step. Against the obvious
//! alternatives: a Cholesky factorisation needs a reciprocal root for each column one after the other (about 35 rounds each, 1000 for
//! 30 columns) where this one needs 84 whatever the width; opening `X^T X` would tell all correlations; gradient descent needs 5
//! rounds a step and, for the same condition, as many steps as the condition number.
//!
//! | | |
//! |---|---|
//! | features, targets | below [`super::BOUND`]; standardised ones make the ridge mean the same for all columns |
//! | ridge | at least `2^-16` of the sum of the columns' mean squares; the intercept has none |
//! | rows, columns | at most 2^20 rows, 62 columns |
//! | result | `|w| < 2^10`; error about `2^-16` of the greatest weight, divided by the smallest eigenvalue of `A` times 2^12 |
//! | rounds on [`rep3`](crate::rep3) | 110, over a secret selection 112 |
//! | bytes on [`rep3`](crate::rep3) | `1430 (d + 1)^2`: nothing in the size of the table |

use ndarray::{Ix1, Ix2};

use super::{Feature, Weight, with_ones, with_selected};
use crate::engine::{Engine, Module, Product, Vector};
use crate::ops::normal;
use crate::ring::Int;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of `X^T X / n`.
pub(super) const MOMENTS: u32 = 24;
/// Fraction bits of `A` and of `X^T y` on its scale.
const SCALED: u32 = 28;
const TARGET: u32 = 24;
/// Fraction bits of `V` and of `2 - A V`.
pub(super) const INVERSE: u32 = 20;
const RESIDUAL: u32 = 24;
/// `(1 - 2^-17)^(2^21)` is 1e-7.
const ITERATIONS: usize = 21;
pub(super) const COLUMNS: usize = 62;
pub(super) const ROWS: usize = 1 << 20;

/// How to fit.
#[derive(Clone, Copy, Debug)]
pub struct Ridge {
    /// Added to the mean square of each column.
    pub ridge: f64,
}

impl Ridge {
    /// Weights of the columns, then the intercept.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one target per row; [`Error::Caller`] for too many rows or columns or a ridge that is not
    /// positive; the engine's.
    pub fn fit<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        targets: &Secret<E, Feature, Ix1>,
    ) -> Result<Secret<E, Weight, Ix1>> {
        self.check([features.shape()[0], features.shape()[1]])?;
        let x = with_ones(engine, features)?;
        // n / 2^ceil(log2 n) of the ridge, as of everything else
        let rows = features.shape()[0];
        let part = rows as f64 / rows.next_power_of_two() as f64;
        let ridge = engine.constant(&[(self.ridge * part * f64::from(MOMENTS).exp2()).round() as u64]);
        self.solve(engine, &x, targets, Some(&ridge))
    }

    /// The same over the rows that a secret selection of zeros and ones names; the others hold zeros, features and target. The ridge is
    /// added to the mean square over the selected rows, whose number stays secret: 2 rounds more.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_selected<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        targets: &Secret<E, Feature, Ix1>,
        selected: &Secret<E, Int, Ix1>,
    ) -> Result<Secret<E, Weight, Ix1>> {
        self.check([features.shape()[0], features.shape()[1]])?;
        self.solve(engine, &with_selected(features, selected)?, targets, None)
    }

    /// Checks what can be checked without data: numbers of rows and of columns.
    ///
    /// # Errors
    /// [`Error::Caller`] for too many rows or columns or a ridge that is not positive.
    pub fn check(&self, [rows, columns]: [usize; 2]) -> Result<()> {
        if !(1..=ROWS).contains(&rows) || !(1..=COLUMNS).contains(&columns) {
            return Err(Error::caller(format!(
                "linear regression of {rows} rows and {columns} columns, expected 1 to {ROWS} and 1 to {COLUMNS}"
            )));
        }
        if !(self.ridge > 0.0 && self.ridge < super::BOUND) {
            return Err(Error::caller(format!("ridge `{}`, expected more than 0 and less than {}", self.ridge, super::BOUND)));
        }
        Ok(())
    }

    /// Fits on features whose last column is that of the intercept; without a ridge on the scale of the moments it is made of the number
    /// of rows that count, which is the last diagonal entry of `X^T X`.
    fn solve<E: Engine>(
        &self,
        engine: &mut E,
        x: &Secret<E, Feature, Ix2>,
        targets: &Secret<E, Feature, Ix1>,
        ridge: Option<&E::Words>,
    ) -> Result<Secret<E, Weight, Ix1>> {
        let [rows, size] = [x.shape()[0], x.shape()[1]];
        if targets.len() != rows {
            return Err(Error::shape("linear regression", x.shape(), targets.shape()));
        }
        let turned = x.t().into_words();
        let [squares, mixed] = moments(engine, &turned, x.words(), targets.words(), [size, rows])?;
        let diagonal = |value: u64, last: u64| -> Vec<u64> {
            let at = |at: usize| {
                if !at.is_multiple_of(size + 1) {
                    0
                } else if at / (size + 1) + 1 < size {
                    value
                } else {
                    last
                }
            };
            (0..size * size).map(at).collect()
        };
        let ridge = match ridge {
            Some(ridge) => ridge.clone(),
            None => {
                let part = squares.slice(size * size - 1..size * size);
                only(engine.truncate(&[&part.scale((self.ridge * f64::from(MOMENTS).exp2()).round() as u64)], MOMENTS)?)?
            }
        };
        let squares = squares.add(&ridge.gather(&vec![0; size * size]).scale_each(&diagonal(1, 0)));
        let Inverse { inverse, factor } = invert(engine, &squares, size)?;
        let b = only(engine.multiply(&[Product::Each(&mixed, &factor.gather(&vec![0; size]))], normal::WIDTH - TARGET)?)?;
        let weights = Product::Matrix { left: &inverse, right: &b, shape: [size, size, 1] };
        Secret::from_words(only(engine.multiply(&[weights], INVERSE + TARGET - super::WEIGHT)?)?, Ix1(size))
    }
}

/// The inverse of a matrix that was scaled by a secret power of two.
pub(super) struct Inverse<W> {
    /// [`INVERSE`] bits behind the point; the inverse proper is this times the factor, divided by 2^[`UNSCALE`].
    pub(super) inverse: W,
    /// `2^(39 - j)` where bit `j` leads the trace.
    pub(super) factor: W,
}

/// See [`Inverse`]: [`MOMENTS`] bits before, [`SCALED`] after the scaling.
pub(super) const UNSCALE: u32 = normal::WIDTH - MOMENTS;

/// Inverts a symmetric positive matrix of [`MOMENTS`] fraction bits whose smallest eigenvalue is at least `2^-17` of its trace.
pub(super) fn invert<E: Engine>(engine: &mut E, squares: &E::Words, size: usize) -> Result<Inverse<E::Words>> {
    let diagonal = |value: u64| -> Vec<u64> { (0..size * size).map(|at| if at.is_multiple_of(size + 1) { value } else { 0 }).collect() };
    let trace = squares.gather(&(0..size).map(|at| at * (size + 1)).collect::<Vec<_>>()).sums(size);
    let leading = normal::leading(engine, &trace)?;
    let factor = normal::factor(engine, &leading)?;
    let spread = factor.gather(&vec![0; size * size]);
    let a = only(engine.multiply(&[Product::Each(squares, &spread)], normal::WIDTH - SCALED)?)?;
    let mut inverse = engine.constant(&diagonal(1 << INVERSE));
    let twice = engine.constant(&diagonal(1 << (RESIDUAL + 1)));
    let shape = [size; 3];
    for _ in 0..ITERATIONS {
        let near = Product::Matrix { left: &a, right: &inverse, shape };
        let residual = twice.sub(&only(engine.multiply(&[near], SCALED + INVERSE - RESIDUAL)?)?);
        inverse = only(engine.multiply(&[Product::Matrix { left: &inverse, right: &residual, shape }], RESIDUAL)?)?;
    }
    Ok(Inverse { inverse, factor })
}

/// `X^T X` and `X^T y`, divided by the power of two above the number of rows.
fn moments<E: Engine>(engine: &mut E, turned: &E::Words, x: &E::Words, y: &E::Words, [size, rows]: [usize; 2]) -> Result<[E::Words; 2]> {
    let products = [
        Product::Matrix { left: turned, right: x, shape: [size, rows, size] },
        Product::Matrix { left: turned, right: y, shape: [size, rows, 1] },
    ];
    // 20 bits behind the point, ceil(log2 n) to be cut
    let cut = 20 + rows.next_power_of_two().trailing_zeros();
    let results = match cut.checked_sub(MOMENTS) {
        Some(cut @ 1..) => engine.multiply(&products, cut)?,
        _ => engine.multiply(&products, 0)?.iter().map(|words| words.scale(1 << (MOMENTS - cut))).collect(),
    };
    <[E::Words; 2]>::try_from(results).map_err(|_| Error::caller("a primitive returned as many results as operands"))
}
