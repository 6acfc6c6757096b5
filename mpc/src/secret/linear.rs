//! Sums and public factors: local on every engine.

use ndarray::{ArrayView, Axis, Dimension, Ix0, RemoveAxis};

use super::layout::places;
use super::{Secret, broadcast, expand};
use crate::engine::{Engine, Module, Vector};
use crate::ring::Linear;
use crate::{Error, Result};

impl<E: Engine, T: Linear, D: Dimension> Secret<E, T, D> {
    /// Sum, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.combine("sum", other, Module::add)
    }

    /// Difference, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.combine("difference", other, Module::sub)
    }

    /// Negation.
    pub fn neg(&self) -> Self {
        Self { words: self.words.neg(), shape: self.shape.clone(), meaning: self.meaning }
    }

    /// Adds public values, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Range`] for values without a ring element.
    pub fn add_public(&self, engine: &E, values: ArrayView<'_, T::Clear, D>) -> Result<Self> {
        self.add(&Self::constant(engine, values)?)
    }

    /// Multiplies by a public integer (modulo 2^64, so `u64::MAX` is -1); the scale stays.
    pub fn scale(&self, factor: u64) -> Self {
        Self { words: self.words.scale(factor), shape: self.shape.clone(), meaning: self.meaning }
    }

    /// Multiplies by public integers, broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn scale_each(&self, factors: ArrayView<'_, u64, D>) -> Result<Self> {
        let shape = broadcast("public factors", &self.shape, &factors.raw_dim())?;
        let stretched = factors.broadcast(shape.clone()).ok_or_else(|| Error::shape("public factors", self.shape(), factors.shape()))?;
        let factors: Vec<u64> = stretched.iter().copied().collect();
        let words = expand(&self.words, &self.shape, &shape)?.scale_each(&factors);
        Self::from_words(words, shape)
    }

    /// Sum of all elements.
    pub fn sum(&self) -> Secret<E, T, Ix0> {
        let words = if self.is_empty() { E::Words::zeros(1) } else { self.words.sums(self.len()) };
        Secret { words, shape: Ix0(), meaning: self.meaning }
    }

    /// Sums along an axis, which disappears.
    ///
    /// # Errors
    /// [`Error::Shape`] for an axis that does not exist or has no entries.
    pub fn sum_axis(&self, axis: usize) -> Result<Secret<E, T, D::Smaller>>
    where
        D: RemoveAxis,
    {
        let len = self.shape().get(axis).copied().unwrap_or(0);
        if len == 0 {
            return Err(Error::shape("sum along an axis", self.shape(), &[axis]));
        }
        let shape = self.shape.remove_axis(Axis(axis));
        if shape.size() == 0 {
            return Secret::from_words(self.words.slice(0..0), shape);
        }
        let words = if axis + 1 == self.shape.ndim() {
            self.words.sums(len)
        } else {
            // the axis becomes the innermost one
            let places = places(&self.shape)?;
            let mut lanes = Vec::with_capacity(self.len());
            places.lanes(Axis(axis)).into_iter().for_each(|lane| lanes.extend(lane.iter().copied()));
            self.words.gather(&lanes).sums(len)
        };
        Secret::from_words(words, shape)
    }

    /// Sums of the first 1, 2, ... elements along the last axis.
    pub fn prefix_sum(&self) -> Self {
        let group = self.shape().last().copied().unwrap_or(1);
        let words = if self.is_empty() { self.words.clone() } else { self.words.prefix_sums(group) };
        Self { words, shape: self.shape.clone(), meaning: self.meaning }
    }

    fn combine(&self, name: &'static str, other: &Self, operation: impl Fn(&E::Words, &E::Words) -> E::Words) -> Result<Self> {
        let shape = broadcast(name, &self.shape, &other.shape)?;
        let left = expand(&self.words, &self.shape, &shape)?;
        let right = expand(&other.words, &other.shape, &shape)?;
        Self::from_words(operation(&left, &right), shape)
    }

    /// Adds one public value to all elements.
    ///
    /// # Errors
    /// [`Error::Range`] for a value without a ring element.
    pub fn add_scalar(&self, engine: &E, value: T::Clear) -> Result<Self> {
        let raw = T::encode("public value", value)?;
        let words = self.words.add(&engine.constant(&vec![raw; self.len()]));
        Self::from_words(words, self.shape.clone())
    }
}
