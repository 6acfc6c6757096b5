//! Reciprocals and quotients.
//!
//! | operation | input | maximum error | rounds on [`rep3`](crate::rep3) | bytes per element |
//! |---|---|---|---:|---:|
//! | [`Secret::reciprocal`] | `0 < |x| < 2^(40-F)` | `2^-20 |1/x| + 2^-F` | 38 | 598 |
//! | [`Secret::div`] | `|x| < 2^(40-F)`, `0 < |y| < 2^(40-F)`, `|x / y| < 2^22` | `2^-20 |x/y| + 2^-F (1 + 2 / |y|)` | 40 | 629 |
//!
//! `F` from 8 to 30. Division by zero gives zero. (Figures for more than 1024 elements and 20 fraction bits; below, 9 rounds fewer
//! and 1.4 KB.)
//!
//! **How.** `|x| = y 2^(j+1) / 2^F` with `1/2 <= y <= 1` (`normal`); with `t = 4 y - 3` and `q = t^4 - t^2`
//! the cubic `N(t) = 24 - 8 t + 3 t^2 - t^3` has `y N / 18 = 1 - q'` for `q' = -q / 72 <= 1/288`: the relative error of the best
//! cubic (Chebyshev's `T_4(t) / T_4(3)`) with coefficients that are exact. So `1 / y = N / 18 (1 + q' + q'^2)` within `5e-8`.

use ndarray::Dimension;

use super::in_pieces;
use super::normal::{WIDTH, centred, factor, leading};
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, broadcast, expand, only};
use crate::{Error, Result};

/// Fraction bits while the reciprocal of a part is computed.
const WORK: u32 = 24;
/// Fraction bits of the reciprocal of a part: together with a power of two below 62.
pub(crate) const PART: u32 = 21;

/// Fraction bits of the coefficient of the last term.
const SQUARE: u32 = 18;

/// What a reciprocal consists of.
pub(crate) struct Parts<W> {
    /// `1 / y`, from 1 to 2, [`PART`] bits behind the point.
    pub(crate) part: W,
    /// `2^(WIDTH - 1 - j)` with the sign.
    pub(crate) factor: W,
}

/// Whether there may be negative divisors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Divisor {
    Any,
    Positive,
}

/// `1 / x = part factor 2^(F - WIDTH)`.
pub(crate) fn parts<E: Engine>(engine: &mut E, x: &E::Words, divisor: Divisor) -> Result<Parts<E::Words>> {
    let len = x.len();
    let leading = leading(engine, x)?;
    let mut factor = factor(engine, &leading)?;
    if divisor == Divisor::Any {
        let negative = only(engine.lift(&[&leading.negative])?)?;
        let twice = only(engine.multiply(&[Product::Each(&negative, &factor.scale(2))], 0)?)?;
        factor = factor.sub(&twice);
    }
    let t = centred(engine, x, &factor, WORK)?;
    let public = |engine: &E, value: u64| engine.constant(&vec![value; len]);
    let (one, constant) = (public(engine, 1 << WORK), public(engine, 24 << WORK));
    // 72 / 81 in the units of the work
    let first = public(engine, ((8 << WORK) + 4) / 9);
    let square = only(engine.multiply(&[Product::Each(&t, &t)], WORK)?)?;
    // q and t^3
    let products = [Product::Each(&square, &square.sub(&one)), Product::Each(&square, &t)];
    let mut products = engine.multiply(&products, WORK)?.into_iter();
    let (Some(q), Some(cube)) = (products.next(), products.next()) else {
        return Err(Error::caller("a primitive returned as many results as operands"));
    };
    // q / 81 + q^2 / (81 72): the coefficient of the square is 45 / 2^18, within a thousandth
    let slope = public(engine, ((1 << (WORK + SQUARE)) + 40) / 81);
    let rest = only(engine.multiply(&[Product::Each(&q, &E::Words::combination(&[(1, &slope), (45, &q)]))], WORK + SQUARE)?)?;
    let cubic = E::Words::combination(&[(1, &constant), (8u64.wrapping_neg(), &t), (3, &square), (1u64.wrapping_neg(), &cube)]);
    let series = first.add(&rest);
    // N / 16 times 72 / 81 (1 + ..) is N / 18 (1 + ..)
    let part = only(engine.multiply(&[Product::Each(&cubic, &series)], 2 * WORK + 4 - PART)?)?;
    Ok(Parts { part, factor })
}

fn check<const F: u32>() -> Result<()> {
    if (8..=30).contains(&F) { Ok(()) } else { Err(Error::caller(format!("division with {F} fraction bits, expected 8 to 30"))) }
}

/// Reciprocals of raw values with `F` fraction bits.
pub(crate) fn reciprocal<E: Engine, const F: u32>(engine: &mut E, x: &E::Words, divisor: Divisor) -> Result<E::Words> {
    check::<F>()?;
    let parts = parts(engine, x, divisor)?;
    only(engine.multiply(&[Product::Each(&parts.part, &parts.factor)], WIDTH + PART - 2 * F)?)
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// `1 / x` for `0 < |x| < 2^(40-F)`; see [`crate::ops::divide`].
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are 8 to 30 fraction bits; the engine's.
    pub fn reciprocal(&self, engine: &mut E) -> Result<Self> {
        let words = in_pieces(engine, self.words(), |engine, x| reciprocal::<E, F>(engine, x, Divisor::Any))?;
        Self::from_words(words, self.dim())
    }

    /// `self / other`, broadcasting; see [`crate::ops::divide`].
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Caller`] unless there are 8 to 30 fraction bits; the engine's.
    pub fn div(&self, engine: &mut E, other: &Self) -> Result<Self> {
        check::<F>()?;
        let shape = broadcast("quotient", &self.dim(), &other.dim())?;
        let parts = parts(engine, other.words(), Divisor::Any)?;
        let (own, their) = (self.dim(), other.dim());
        let left = expand(self.words(), &own, &shape)?;
        let part = expand(&parts.part, &their, &shape)?;
        let factor = expand(&parts.factor, &their, &shape)?;
        let scaled = only(engine.multiply(&[Product::Each(left.as_ref(), part.as_ref())], PART)?)?;
        let quotient = only(engine.multiply(&[Product::Each(&scaled, factor.as_ref())], WIDTH - F)?)?;
        Self::from_words(quotient, shape)
    }
}
