//! Columns to sort by: how their words are read.

use std::collections::BTreeMap;

use ndarray::Ix1;

use crate::engine::{BitVector, Engine, Vector};
use crate::ops::circuit;
use crate::ring::Ordered;
use crate::secret::Secret;
use crate::{Error, Result};

/// A column to sort or group by.
pub struct Key<'a, E: Engine> {
    words: &'a E::Words,
    reading: Reading,
}

impl<E: Engine> Clone for Key<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Engine> Copy for Key<'_, E> {}

/// How words become numbers that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    bits: u32,
    is_signed: bool,
    is_descending: bool,
}

impl<'a, E: Engine> Key<'a, E> {
    /// Unsigned numbers below `2^bits`, `1 <= bits <= 64`. Higher bits are not looked at. Fewer bits cost less.
    pub const fn unsigned(words: &'a E::Words, bits: u32) -> Self {
        Self { words, reading: Reading { bits, is_signed: false, is_descending: false } }
    }

    /// Signed 64-bit numbers.
    pub const fn signed(words: &'a E::Words) -> Self {
        Self { words, reading: Reading { bits: 64, is_signed: true, is_descending: false } }
    }

    /// Integers or fixed-point numbers, over the whole range of the ring.
    pub const fn of<T: Ordered>(values: &'a Secret<E, T, Ix1>) -> Self {
        Self::signed(values.words())
    }

    /// 0 and 1, as [`SecretBits::lift`](crate::secret::SecretBits::lift) makes them.
    pub const fn flag(words: &'a E::Words) -> Self {
        Self::unsigned(words, 1)
    }

    /// Greatest first.
    #[must_use]
    pub const fn descending(mut self) -> Self {
        self.reading.is_descending = true;
        self
    }

    /// The column.
    pub const fn words(&self) -> &'a E::Words {
        self.words
    }

    /// Public numbers as the planes have them: smaller ones come first.
    pub(super) fn order_of(&self, numbers: &[u64]) -> Vec<u64> {
        let Reading { bits, is_signed, is_descending } = self.reading;
        let mask = u64::MAX >> (64 - bits.clamp(1, 64));
        let flip = if is_signed { 1 << (bits.clamp(1, 64) - 1) } else { 0 } ^ if is_descending { mask } else { 0 };
        numbers.iter().map(|number| (number & mask) ^ flip).collect()
    }

    /// The same reading of the same column with its rows elsewhere.
    pub(super) const fn of_rows<'b>(&self, words: &'b E::Words) -> Key<'b, E> {
        Key { words, reading: self.reading }
    }
}

/// Number of rows of all columns.
pub(super) fn rows_of<E: Engine>(operation: &'static str, keys: &[Key<'_, E>], columns: &[&E::Words]) -> Result<usize> {
    let mut lens = keys.iter().map(|key| key.words.len()).chain(columns.iter().map(|column| column.len()));
    let rows = lens.next().ok_or_else(|| Error::caller(format!("{operation}: no columns")))?;
    for len in lens {
        crate::engine::equal_lengths(operation, rows, len)?;
    }
    for key in keys {
        crate::engine::check_planes(key.reading.bits)?;
    }
    if u32::try_from(rows).is_ok() { Ok(rows) } else { Err(Error::caller(format!("{operation}: `{rows}` rows, at most 2^32 - 1"))) }
}

/// Bit planes of each key, lowest first, so that smaller unsigned numbers come first. Keys of one width share their rounds.
pub(super) fn planes<E: Engine>(engine: &mut E, keys: &[Key<'_, E>]) -> Result<Vec<Vec<E::Bits>>> {
    let mut by_width = BTreeMap::<u32, Vec<usize>>::new();
    for (at, key) in keys.iter().enumerate() {
        by_width.entry(key.reading.bits).or_default().push(at);
    }
    let mut result: Vec<Vec<E::Bits>> = keys.iter().map(|_| Vec::new()).collect();
    for (width, members) in by_width {
        let words: Vec<&E::Words> = members.iter().map(|at| keys[*at].words).collect();
        let addends = engine.addends(&words, width)?;
        let joined = |side: usize, bit: usize| Vector::concat(&addends.iter().map(|sides| &sides[side][bit]).collect::<Vec<_>>());
        let [a, b] = [0, 1].map(|side| (0..width as usize).map(|bit| joined(side, bit)).collect::<Vec<E::Bits>>());
        let sums = circuit::sum(engine, &a, &b)?;
        for (number, at) in members.iter().enumerate() {
            let key = keys[*at];
            let rows = key.words.len();
            let mut planes: Vec<E::Bits> = sums.iter().map(|plane| plane.slice(number * rows..(number + 1) * rows)).collect();
            let top = planes.len() - 1;
            for (bit, plane) in planes.iter_mut().enumerate() {
                if key.reading.is_descending != (key.reading.is_signed && bit == top) {
                    *plane = circuit::not(engine, plane);
                }
            }
            result[*at] = planes;
        }
    }
    Ok(result)
}

/// Whether each row but the last is equal to its successor: `rows - 1` bits, `ceil(log2 w)` rounds, `w - 1` conjunctions a row.
pub(super) fn equals_next<E: Engine>(engine: &mut E, planes: &[&E::Bits], rows: usize) -> Result<E::Bits> {
    let pairs = rows.saturating_sub(1);
    let changes: Vec<E::Bits> = planes.iter().map(|plane| plane.slice(0..pairs).xor(&plane.slice(rows - pairs..rows))).collect();
    circuit::is_zero(engine, &changes)
}
