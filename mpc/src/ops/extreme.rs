//! The greatest and the smallest along an axis (最大值, 最小值): a tree of comparisons of neighbours.
//!
//! | operation, `k` entries | rounds on [`rep3`](crate::rep3) | bytes per entry on [`rep3`](crate::rep3) |
//! |---|---:|---:|
//! | [`Secret::max_axis`], [`Secret::min_axis`] | `11 ceil(log2 k)` | 124 |
//! | [`Secret::argmax_axis`], [`Secret::argmin_axis`]: with the index | the same | 148 |
//! | [`Secret::argmax_one_hot`], [`Secret::argmin_one_hot`] | `ceil(log2 k)` more | 125 |
//!
//! Of equal entries the first one counts. Nothing is learned but the shape.

use ndarray::{Axis, Dimension, RemoveAxis};

use super::circuit;
use crate::engine::{BitVector, Engine, Module, Product, Vector};
use crate::ring::{Int, Ordered};
use crate::secret::{Secret, SecretBits, only, places};
use crate::{Error, Result};

/// Which end.
#[derive(Clone, Copy)]
enum End {
    Greatest,
    Smallest,
}

/// What a tournament leaves.
struct Winners<E: Engine> {
    value: E::Words,
    index: Option<E::Words>,
    /// For each level the number of rows before it and whether the right one of each pair won.
    levels: Vec<(usize, E::Bits)>,
}

impl<E: Engine, T: Ordered, D: RemoveAxis> Secret<E, T, D> {
    /// The greatest along an axis, which disappears.
    ///
    /// # Errors
    /// [`Error::Shape`] for an axis that does not exist or has no entries; the engine's.
    pub fn max_axis(&self, engine: &mut E, axis: usize) -> Result<Secret<E, T, D::Smaller>> {
        Secret::from_words(self.tournament(engine, axis, End::Greatest, false)?.value, self.without(axis)?)
    }

    /// The smallest along an axis, which disappears.
    ///
    /// # Errors
    /// As [`Self::max_axis`].
    pub fn min_axis(&self, engine: &mut E, axis: usize) -> Result<Secret<E, T, D::Smaller>> {
        Secret::from_words(self.tournament(engine, axis, End::Smallest, false)?.value, self.without(axis)?)
    }

    /// The greatest along an axis and its secret index.
    ///
    /// # Errors
    /// As [`Self::max_axis`].
    #[expect(clippy::type_complexity, reason = "a value and its index")]
    pub fn argmax_axis(&self, engine: &mut E, axis: usize) -> Result<(Secret<E, T, D::Smaller>, Secret<E, Int, D::Smaller>)> {
        self.indexed(engine, axis, End::Greatest)
    }

    /// The smallest along an axis and its secret index.
    ///
    /// # Errors
    /// As [`Self::max_axis`].
    #[expect(clippy::type_complexity, reason = "a value and its index")]
    pub fn argmin_axis(&self, engine: &mut E, axis: usize) -> Result<(Secret<E, T, D::Smaller>, Secret<E, Int, D::Smaller>)> {
        self.indexed(engine, axis, End::Smallest)
    }

    /// One bit in each lane along the axis: where its greatest entry is.
    ///
    /// # Errors
    /// As [`Self::max_axis`].
    pub fn argmax_one_hot(&self, engine: &mut E, axis: usize) -> Result<SecretBits<E, D>> {
        self.one_hot(engine, axis, End::Greatest)
    }

    /// One bit in each lane along the axis: where its smallest entry is.
    ///
    /// # Errors
    /// As [`Self::max_axis`].
    pub fn argmin_one_hot(&self, engine: &mut E, axis: usize) -> Result<SecretBits<E, D>> {
        self.one_hot(engine, axis, End::Smallest)
    }

    #[expect(clippy::type_complexity, reason = "a value and its index")]
    fn indexed(&self, engine: &mut E, axis: usize, end: End) -> Result<(Secret<E, T, D::Smaller>, Secret<E, Int, D::Smaller>)> {
        let winners = self.tournament(engine, axis, end, true)?;
        let index = winners.index.ok_or_else(|| Error::caller("a tournament with indices has indices"))?;
        Ok((Secret::from_words(winners.value, self.without(axis)?)?, Secret::from_words(index, self.without(axis)?)?))
    }

    fn without(&self, axis: usize) -> Result<D::Smaller> {
        if self.shape().get(axis).is_some_and(|len| *len > 0) {
            Ok(self.dim().remove_axis(Axis(axis)))
        } else {
            Err(Error::shape("greatest or smallest along an axis", self.shape(), &[axis]))
        }
    }

    /// Numbers of the elements with the axis outermost.
    fn outermost(&self, axis: usize) -> Result<Vec<usize>> {
        let places = places(&self.dim())?;
        Ok(places.axis_iter(Axis(axis)).flat_map(|row| row.iter().copied().collect::<Vec<_>>()).collect())
    }

    fn tournament(&self, engine: &mut E, axis: usize, end: End, indexed: bool) -> Result<Winners<E>> {
        let lanes = self.without(axis)?.size();
        let mut rows = self.shape()[axis];
        let mut value = self.words().gather(&self.outermost(axis)?);
        let mut index =
            indexed.then(|| engine.constant(&(0..rows as u64).flat_map(|row| std::iter::repeat_n(row, lanes)).collect::<Vec<_>>()));
        let mut levels = Vec::new();
        while rows > 1 {
            let pairs = rows / 2;
            let side = |words: &E::Words, side: usize| {
                let at: Vec<usize> = (0..pairs * lanes).map(|at| (2 * (at / lanes) + side) * lanes + at % lanes).collect();
                words.gather(&at)
            };
            let apart = side(&value, 1).sub(&side(&value, 0));
            let lead = if matches!(end, End::Greatest) { apart.neg() } else { apart.clone() };
            let right = only(circuit::negative_words(engine, &[&lead])?)?;
            let mut columns = vec![apart];
            columns.extend(index.as_ref().map(|index| side(index, 1).sub(&side(index, 0))));
            let lifted = only(engine.lift(&[&right])?)?;
            let products: Vec<_> = columns.iter().map(|column| Product::Each(&lifted, column)).collect();
            let moved = engine.multiply(&products, 0)?;
            let spare = 2 * pairs * lanes..rows * lanes;
            let advanced = |words: &E::Words, moved: &E::Words| {
                let winners = side(words, 0).add(moved);
                E::Words::concat(&[&winners, &words.slice(spare.clone())])
            };
            if let [first, others @ ..] = &moved[..] {
                value = advanced(&value, first);
                index = index.as_ref().zip(others.first()).map(|(index, moved)| advanced(index, moved));
            }
            levels.push((rows, right));
            rows = rows.div_ceil(2);
        }
        Ok(Winners { value, index, levels })
    }

    /// From the root back to the leaves: a pair shares what its winner has.
    fn one_hot(&self, engine: &mut E, axis: usize, end: End) -> Result<SecretBits<E, D>> {
        let lanes = self.without(axis)?.size();
        let winners = self.tournament(engine, axis, end, false)?;
        let mut hot = engine.constant_bits(&crate::engine::Packed::ones(lanes));
        for (rows, right) in winners.levels.iter().rev() {
            let pairs = rows / 2;
            let parents = hot.slice(0..pairs * lanes);
            let rights = only(engine.and(&[(&parents, right)])?)?;
            let both = E::Bits::concat(&[&parents.xor(&rights), &rights]);
            // entries 2i and 2i + 1 of row pair i, then the row without a partner
            let at: Vec<usize> = (0..2 * pairs * lanes)
                .map(|at| (at / lanes, at % lanes))
                .map(|(row, lane)| (row % 2) * pairs * lanes + (row / 2) * lanes + lane)
                .collect();
            hot = E::Bits::concat(&[&both.gather(&at), &hot.slice(pairs * lanes..hot.len())]);
        }
        let mut back = vec![0; self.len()];
        for (at, place) in self.outermost(axis)?.into_iter().enumerate() {
            back[place] = at;
        }
        SecretBits::from_bits(hot.gather(&back), self.dim())
    }
}

impl<E: Engine, T: Ordered, D: Dimension> Secret<E, T, D> {
    /// -1, 0 or 1. Eleven rounds and 200 bytes on [`rep3`](crate::rep3).
    ///
    /// # Errors
    /// The engine's.
    pub fn sign(&self, engine: &mut E) -> Result<Secret<E, Int, D>> {
        let negative = circuit::negative_words(engine, &[self.words(), &self.words().neg()])?;
        match &engine.lift(&negative.iter().collect::<Vec<_>>())?[..] {
            [below, above] => Secret::from_words(above.sub(below), self.dim()),
            _ => Err(Error::caller("a primitive returned as many results as operands")),
        }
    }
}
