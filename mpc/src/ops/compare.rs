//! Comparisons. The sign of a difference is the top bit of the sum of its two addends: a carry tree.
//!
//! | operation | rounds | conjunctions per element |
//! |---|---:|---:|
//! | [`Secret::is_negative`], [`Secret::lt`] | addends + 7 | 181 |
//! | [`Secret::is_zero`], [`Secret::eq`] | addends + 7 | 126 |
//!
//! Values within the range of their type (`|raw| < 2^62`) compare exactly, always.

use ndarray::Dimension;

use super::circuit;
use crate::engine::{BitVector, Engine, Module};
use crate::fixed::Fixed;
use crate::ring::{Element, Linear, Ordered};
use crate::secret::{Secret, SecretBits, only};
use crate::{Error, Result};

/// Bits of a ring element.
const WIDTH: u32 = 64;

impl<E: Engine, T: Ordered, D: Dimension> Secret<E, T, D> {
    /// Whether elements are below zero.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_negative(&self, engine: &mut E) -> Result<SecretBits<E, D>> {
        let [a, b] = only(engine.addends(&[self.words()], WIDTH)?)?;
        let (Some((top_a, low_a)), Some((top_b, low_b))) = (a.split_last(), b.split_last()) else {
            return Err(Error::caller("an engine splits values into planes"));
        };
        let carry = circuit::carry_out(engine, low_a, low_b)?;
        SecretBits::from_bits(top_a.xor(top_b).xor(&carry), self.dim())
    }

    /// Whether `self < other`, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`]; the engine's.
    pub fn lt(&self, engine: &mut E, other: &Self) -> Result<SecretBits<E, D>> {
        self.sub(other)?.is_negative(engine)
    }

    /// The smaller of each pair.
    ///
    /// # Errors
    /// [`Error::Shape`]; the engine's.
    pub fn min(&self, engine: &mut E, other: &Self) -> Result<Self> {
        self.lt(engine, other)?.select(engine, self, other)
    }

    /// The greater of each pair.
    ///
    /// # Errors
    /// [`Error::Shape`]; the engine's.
    pub fn max(&self, engine: &mut E, other: &Self) -> Result<Self> {
        self.lt(engine, other)?.select(engine, other, self)
    }

    /// Absolute value.
    ///
    /// # Errors
    /// The engine's.
    pub fn abs(&self, engine: &mut E) -> Result<Self> {
        self.is_negative(engine)?.select(engine, &self.neg(), self)
    }

    /// Zero instead of what is negative.
    ///
    /// # Errors
    /// The engine's.
    pub fn relu(&self, engine: &mut E) -> Result<Self> {
        let keep = self.is_negative(engine)?.not(engine);
        Self::from_words(only(engine.inject(&[(keep.bits(), self.words())])?)?, self.dim())
    }
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// What lies outside of two public bounds becomes the nearer one: exact, 11 rounds on [`rep3`](crate::rep3).
    ///
    /// # Errors
    /// [`Error::Caller`] for bounds in the wrong order, [`Error::Range`] for bounds beyond the type; the engine's.
    pub fn clamp(&self, engine: &mut E, low: f64, high: f64) -> Result<Self> {
        if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
            return Err(Error::caller(format!("bounds `{low}` and `{high}`, expected the first to be the smaller one")));
        }
        let from = |engine: &E, bound: f64| -> Result<E::Words> {
            let raw = Fixed::<F>::encode("bound", bound)?;
            Ok(engine.constant(&vec![raw; self.len()]).sub(self.words()))
        };
        let (below, above) = (from(engine, low)?, from(engine, high)?);
        let outside = circuit::negative_words(engine, &[&below.neg(), &above])?;
        let [is_below, is_above] = &outside[..] else {
            return Err(Error::caller("a primitive returned as many results as operands"));
        };
        match &engine.inject(&[(is_below, &below), (is_above, &above)])?[..] {
            [up, down] => Self::from_words(self.words().add(up).add(down), self.dim()),
            _ => Err(Error::caller("a primitive returned as many results as operands")),
        }
    }
}

impl<E: Engine, T: Linear, D: Dimension> Secret<E, T, D> {
    /// Whether elements are zero.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_zero(&self, engine: &mut E) -> Result<SecretBits<E, D>> {
        let [a, b] = only(engine.addends(&[self.words()], WIDTH)?)?;
        SecretBits::from_bits(circuit::sum_is_zero(engine, &a, &b)?, self.dim())
    }

    /// Whether `self == other`, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`]; the engine's.
    pub fn eq(&self, engine: &mut E, other: &Self) -> Result<SecretBits<E, D>> {
        self.sub(other)?.is_zero(engine)
    }
}
