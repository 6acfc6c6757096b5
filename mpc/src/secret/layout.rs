//! Shapes: the same elements in other places. No communication.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array, Axis, Dimension, Ix1, Ix2, RemoveAxis};

use super::Secret;
use crate::engine::{Engine, Module, Vector};
use crate::ring::Element;
use crate::{Error, Result};

/// The shape to which both stretch: axes of length 1 fit every length.
///
/// # Errors
/// [`Error::Shape`].
pub fn broadcast<D: Dimension>(operation: &'static str, left: &D, right: &D) -> Result<D> {
    let mut shape = left.clone();
    if left.ndim() != right.ndim() {
        return Err(Error::shape(operation, left.slice(), right.slice()));
    }
    for (slot, other) in shape.slice_mut().iter_mut().zip(right.slice()) {
        *slot = match (*slot, *other) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            _ => return Err(Error::shape(operation, left.slice(), right.slice())),
        };
    }
    Ok(shape)
}

/// A vector of shape `from` stretched to `to`.
///
/// # Errors
/// [`Error::Shape`] if it does not stretch that way.
pub fn expand<'a, V: Vector, D: Dimension>(vector: &'a V, from: &D, to: &D) -> Result<Cow<'a, V>> {
    if from == to {
        return Ok(Cow::Borrowed(vector));
    }
    let index = places(from)?;
    let index = index.broadcast(to.clone()).ok_or_else(|| Error::shape("broadcast", from.slice(), to.slice()))?;
    Ok(Cow::Owned(vector.gather(&index.iter().copied().collect::<Vec<_>>())))
}

/// Numbers of the elements, in their shape.
pub(crate) fn places<D: Dimension>(shape: &D) -> Result<Array<usize, D>> {
    Array::from_shape_vec(shape.clone(), (0..shape.size()).collect()).map_err(|_| Error::shape("array", shape.slice(), &[]))
}

impl<E: Engine, T: Element, D: Dimension> Secret<E, T, D> {
    /// The same elements in another shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements differs.
    pub fn reshape<S: Dimension>(self, shape: S) -> Result<Secret<E, T, S>> {
        if shape.size() != self.len() {
            return Err(Error::shape("reshape", self.shape(), shape.slice()));
        }
        Secret::from_words(self.words, shape)
    }

    /// All elements in one row.
    pub fn flatten(self) -> Secret<E, T, Ix1> {
        let len = self.len();
        Secret { words: self.words, shape: Ix1(len), meaning: self.meaning }
    }

    /// Stretches axes of length 1.
    ///
    /// # Errors
    /// [`Error::Shape`] if another axis differs.
    pub fn broadcast_to(&self, shape: D) -> Result<Self> {
        let words = expand(&self.words, &self.shape, &shape)?.into_owned();
        Self::from_words(words, shape)
    }

    /// Entries of one axis by index, in any order and number.
    ///
    /// # Errors
    /// [`Error::Shape`] for an axis or an index that does not exist.
    pub fn select(&self, axis: usize, index: &[usize]) -> Result<Self>
    where
        D: RemoveAxis,
    {
        let len = self.shape().get(axis).copied().unwrap_or(0);
        if axis >= self.shape.ndim() || index.iter().any(|at| *at >= len) {
            return Err(Error::shape("selection", self.shape(), &[axis]));
        }
        let chosen = places(&self.shape)?.select(Axis(axis), index);
        let shape = chosen.raw_dim();
        Self::from_words(self.words.gather(&chosen.iter().copied().collect::<Vec<_>>()), shape)
    }

    /// Consecutive entries of the first axis.
    ///
    /// # Errors
    /// [`Error::Shape`] beyond its end.
    pub fn rows(&self, range: Range<usize>) -> Result<Self> {
        let mut shape = self.shape.clone();
        let rows = self.shape().first().copied().unwrap_or(0);
        if range.start > range.end || range.end > rows {
            return Err(Error::shape("rows", self.shape(), &[range.start, range.end]));
        }
        let width = self.len().checked_div(rows).unwrap_or(0);
        if let Some(first) = shape.slice_mut().first_mut() {
            *first = range.len();
        }
        Self::from_words(self.words.slice(range.start * width..range.end * width), shape)
    }

    /// One after the other along the first axis.
    ///
    /// # Errors
    /// [`Error::Shape`] if another axis differs, [`Error::Caller`] for no parts.
    pub fn stack(parts: &[&Self]) -> Result<Self> {
        let first = parts.first().ok_or_else(|| Error::caller("nothing to stack"))?;
        let mut rows = 0;
        for part in parts {
            if part.shape().get(1..) != first.shape().get(1..) {
                return Err(Error::shape("stack", first.shape(), part.shape()));
            }
            rows += part.shape().first().copied().unwrap_or(1);
        }
        let mut shape = first.shape.clone();
        if let Some(slot) = shape.slice_mut().first_mut() {
            *slot = rows;
        }
        let words: Vec<_> = parts.iter().map(|part| &part.words).collect();
        Self::from_words(Vector::concat(&words), shape)
    }
}

impl<E: Engine, T: Element> Secret<E, T, Ix2> {
    /// The transposed matrix.
    pub fn t(&self) -> Self {
        let [rows, columns] = [self.shape[0], self.shape[1]];
        Self { words: self.words.transpose(rows), shape: Ix2(columns, rows), meaning: self.meaning }
    }

    /// Column `at`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none.
    pub fn column(&self, at: usize) -> Result<Secret<E, T, Ix1>> {
        Ok(self.select(1, &[at])?.flatten())
    }
}
