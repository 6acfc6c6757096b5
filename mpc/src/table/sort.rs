//! Stable sorting by secret keys.
//!
//! **What it computes.** Rows in the order of one or several keys; rows with equal keys stay in their order.
//!
//! **How.** Rows are shuffled together with their numbers. (Key, number) is decomposed into bits once. Then comparisons of shuffled
//! rows are opened and the rest is done in the clear, as `order.rs` says. After Hamada, Kikuchi, Ikarashi, Chida, Takahashi:
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
//! **Why not radix sort** (Hamada et al. 2014/121, Asharov et al. 2022/1595). For a digit of `d` bits it moves the digit and the
//! permutation so far (48 bytes a column) and opens the latter (24), lifts `2^d - 1` products of bits to words (24 each), selects
//! a destination (24) and composes permutations (72). With these primitives `d = 3` is best: 10 KB and 370 rounds for a 64-bit key,
//! counted, with its bits lifted once. The sort here takes 2.9 KB and 186 rounds at `n = 10^5`, growing with `log n` instead of the width. Radix sort wins
//! for keys of few bits: [`super::partition`] is the case of one.
//!
//! **Cost.** `rep3`, one key of 64 bits, `n = 10^5`: 48 bytes a row for each column that is shuffled, key and number included, 186 for the
//! bits, about 90 for each of 31 comparisons. Further figures: [`super`].

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

/// Place that each row has after the sort: a secret permutation for [`super::scatter`].
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;

    use super::*;
    use crate::rep3::Context;

    /// What is opened is a function of the order of the shuffled rows. It is uniform whatever the keys are.
    #[test]
    fn the_order_that_is_seen_does_not_depend_on_the_keys() {
        const RUNS: usize = 1200;
        for keys in [[5u64, 5, 5], [1, 2, 3], [3, 1, 2], [7, 7, 0]] {
            let mut mesh = yu_wire::memory::mesh(&["a", "b", "c"]);
            let channels: Vec<_> = (0..3).map(|i| (mesh[i][(i + 2) % 3].take().unwrap(), mesh[i][(i + 1) % 3].take().unwrap())).collect();
            let party = |index: usize, (prev, next)| {
                let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(index as u64);
                let mut context = Context::new(index, &[9; 32], prev, next, &mut rng).unwrap();
                let column = context.constant(&keys);
                let mut run = || shuffled(&mut context, &[Key::unsigned(&column, 3)], &[], usize::MAX).unwrap().1.order;
                (0..RUNS).map(|_| run()).collect::<Vec<_>>()
            };
            let seen = std::thread::scope(|scope| {
                let spawn = |(index, channels)| scope.spawn(move || party(index, channels));
                let threads: Vec<_> = channels.into_iter().enumerate().map(spawn).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            assert!(seen.iter().all(|orders| *orders == seen[0]));
            let mut counts = HashMap::<&Vec<usize>, usize>::new();
            seen[0].iter().for_each(|order| *counts.entry(order).or_default() += 1);
            // 200 expected each, standard deviation 13; five of them
            assert_eq!(counts.len(), 6);
            assert!(counts.values().all(|count| (135..265).contains(count)), "{keys:?}: {counts:?}");
        }
    }
}
