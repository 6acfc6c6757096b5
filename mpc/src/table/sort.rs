//! Stable sorting by secret keys.
//!
//! **What it computes.** Rows in the order of one or several keys; rows with equal keys stay in their order.
//!
//! **How.** Rows are shuffled together with their numbers. (Key, number) is decomposed into bits once. Then comparisons of shuffled
//! rows are opened and the rest is done in the clear, as [`super::order`] says. After Hamada, Kikuchi, Ikarashi, Chida, Takahashi:
//! Practically efficient multi-party sorting protocols from comparison sort algorithms, ICISC 2012 (shuffle, then any comparison
//! sort with opened results); the course of the comparisons is ours.
//!
//! **What leaks: the number of rows, the number and widths of keys and columns.** No two rows are equal, because their numbers break
//! ties. Let `rank` be the (secret) sorting permutation of the input and `pi` the shuffle. Every opened bit is a function of
//! `rank . pi^-1` alone: it compares rows at places which earlier opened bits chose. No party knows `pi` (each lacks one of the permutations it
//! is made of), so `pi` is uniform in every party's view and independent of data, and so is `rank . pi^-1`. A simulator draws a random
//! permutation and opens what it says. Without the numbers equal keys would show: that is why they are part of the key, stability
//! is what one gets for it. `pi` is used for this sort only.
//!
//! **Why not radix sort** (Hamada et al. 2014/121, Asharov et al. 2022/1595, Bogdanov et al. 2014): per digit of `d` bits it lifts `2^d - 1` bits to words (24
//! bytes each), selects a destination (24), shuffles destination and digit (48 and up), opens (24). With these primitives `d = 3`
//! is best and takes 7.2 KB and 200 rounds for a 64-bit key; this takes 2.9 KB and 150 at `n = 10^5`, growing with `log n` instead.
//! Radix sort wins for keys of few bits: [`super::partition`] is the case of one.
//!
//! **Cost** of `c` columns (keys included, one of 64 bits) in `rep3`, total bytes a row and rounds by dry run:
//!
//! | rows | bytes a row, `c = 1` | each further column | rounds |
//! |---:|---:|---:|---:|
//! | 0 | 0 | 0 | 0 |

use super::key::{Key, planes, rows_of};
use super::top::first;
use crate::Result;
use crate::engine::{Engine, Vector, Way};

/// Rows in order.
pub struct Sorted<E: Engine> {
    /// The keys, as many as were given.
    pub keys: Vec<E::Words>,
    /// The other columns.
    pub columns: Vec<E::Words>,
    /// Number that each row had before, from 0.
    pub rows: E::Words,
    /// Bit planes of the keys, in order too, so that neighbours can be compared.
    pub(super) planes: Vec<Vec<E::Bits>>,
}

/// Sorts by the first key, where it is equal by the second, and so on; rows whose keys are all equal stay in their order. The
/// columns move along.
///
/// # Errors
/// [`crate::Error::Shape`] for columns of different lengths, [`crate::Error::Caller`] for no key, a key of 0 or more than 64 bits, or 2^32 rows;
/// the engine's.
pub fn sort<E: Engine>(engine: &mut E, keys: &[Key<'_, E>], columns: &[&E::Words]) -> Result<Sorted<E>> {
    let (shuffled, by) = shuffled(engine, keys, columns, usize::MAX)?;
    let order = &by.order;
    let pick = |words: &E::Words| words.gather(order);
    let (keys_of, rest) = shuffled.split_at(keys.len());
    let (number, columns) = rest.split_at(1);
    let rows = number.first().map_or_else(|| engine.constant(&[]), pick);
    let planes = by.planes.iter().map(|planes| crate::engine::BitVector::gather_each(planes, order)).collect();
    Ok(Sorted { keys: keys_of.iter().map(pick).collect(), columns: columns.iter().map(pick).collect(), rows, planes })
}

/// Place that each row has after the sort: a secret permutation for [`super::permute`].
///
/// # Errors
/// As [`sort`].
pub fn places<E: Engine>(engine: &mut E, keys: &[Key<'_, E>]) -> Result<E::Words> {
    let (_, by) = shuffled(engine, keys, &[], usize::MAX)?;
    let mut places = vec![0; by.order.len()];
    for (place, row) in by.order.iter().enumerate() {
        places[*row] = place as u64;
    }
    let places = engine.constant(&places);
    crate::secret::only(engine.shuffle(&by.shuffle, &[&places], Way::Back)?)
}

/// What is known about shuffled rows.
pub(super) struct Known<E: Engine> {
    shuffle: E::Shuffle,
    /// The first rows in order.
    pub(super) order: Vec<usize>,
    /// Of the keys.
    planes: Vec<Vec<E::Bits>>,
}

/// Shuffles keys, row numbers and columns, which come out in this order, and finds the first `wanted` rows.
pub(super) fn shuffled<E: Engine>(
    engine: &mut E,
    keys: &[Key<'_, E>],
    columns: &[&E::Words],
    wanted: usize,
) -> Result<(Vec<E::Words>, Known<E>)> {
    if keys.is_empty() {
        return Err(crate::Error::caller("sort: no key"));
    }
    let rows = rows_of("sort", keys, columns)?;
    let numbers = engine.constant(&(0..rows as u64).collect::<Vec<_>>());
    let shuffle = engine.draw_shuffle(rows)?;
    let all: Vec<&E::Words> = keys.iter().map(Key::words).chain([&numbers]).chain(columns.iter().copied()).collect();
    let moved = engine.shuffle(&shuffle, &all, Way::Forward)?;
    let mut read: Vec<Key<'_, E>> = keys.iter().zip(&moved).map(|(key, words)| key.of_rows(words)).collect();
    // wide enough for the greatest number, one bit at least
    read.extend(moved.get(keys.len()).map(|numbers| Key::unsigned(numbers, rows.saturating_sub(1).max(1).ilog2() + 1)));
    let mut planes = planes(engine, &read)?;
    let composite: Vec<E::Bits> = planes.iter().rev().flatten().cloned().collect();
    let order = first(engine, &composite, rows, wanted)?;
    planes.truncate(keys.len());
    Ok((moved, Known { shuffle, order, planes }))
}
