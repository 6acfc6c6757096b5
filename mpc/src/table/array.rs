//! The same on arrays of one column.

use ndarray::{Ix0, Ix1};

use super::{Fraction, Key, quantiles, sort, top};
use crate::Result;
use crate::engine::Engine;
use crate::ring::Ordered;
use crate::secret::{Secret, only};

impl<E: Engine, T: Ordered> Secret<E, T, Ix1> {
    /// The elements in ascending order: [`sort()`] of one column.
    ///
    /// # Errors
    /// As [`sort()`].
    pub fn sorted(&self, engine: &mut E) -> Result<Self> {
        Self::from_words(only(sort(engine, &[Key::of(self)], &[])?.keys)?, self.dim())
    }

    /// The `k` greatest elements, greatest first: [`top()`] of one column.
    ///
    /// # Errors
    /// As [`top()`].
    pub fn greatest(&self, engine: &mut E, k: usize) -> Result<Self> {
        let words = only(top(engine, &[Key::of(self).descending()], &[], k)?)?;
        Self::from_words(words, Ix1(k.min(self.len())))
    }

    /// An order statistic of all elements: [`quantiles`] of one column.
    ///
    /// # Errors
    /// As [`quantiles`].
    pub fn quantile(&self, engine: &mut E, at: Fraction) -> Result<Secret<E, T, Ix0>> {
        Secret::from_words(only(quantiles(engine, Key::of(self), None, &[at])?)?, Ix0())
    }
}
