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
use crate::engine::{BitVector, Engine};
use crate::ring::{Linear, Ordered};
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
