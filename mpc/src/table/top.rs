//! The first rows of an order, for less than a sort costs.
//!
//! **How.** As in [`sort()`](super::sort()) rows are shuffled with their numbers, and comparisons are opened. The first sixteenth of the shuffled rows is a
//! random sample. Its `t`-th row in order (found in the same way) is compared with all rows: with `t` somewhat above `k/16` at least `k`
//! rows are not behind it. These, filled up with others to a number `B` that is known beforehand, are sorted. (Floyd and Rivest, Expected time
//! bounds for selection, CACM 1975, with one threshold.) A little more than one comparison a row instead of 30, for small `k`.
//!
//! Both numbers are chosen by Chernoff's bound for the number of sample rows among the first `k` (`B`) of all rows; each fails in one run of
//! 2^40. Then all rows are sorted, the run sends more than a dry run predicted, and the result is right.
//!
//! **What leaks: sizes and `k`.** Every opened bit is a function of the uniformly random order of shuffled rows, as for the sort.

use super::key::Key;
use super::order::{FEW, less, order};
use super::sort::shuffled;
use crate::Result;
use crate::engine::{BitVector, Engine, Vector};

/// One row of so many is in the sample.
const SAMPLE: usize = 16;
/// Logarithm of the probability that a number fails: 2^-40.
const FAILURE: f64 = -28.0;

/// The first `k` rows in the order of the keys (with descending keys the greatest), in that order: the keys, then the columns. Of
/// equal rows the earlier one wins. With fewer than `k` rows it is all of them.
///
/// # Errors
/// As [`sort()`](super::sort()).
pub fn top<E: Engine>(engine: &mut E, keys: &[Key<'_, E>], columns: &[&E::Words], k: usize) -> Result<Vec<E::Words>> {
    let (mut moved, by) = shuffled(engine, keys, columns, k)?;
    // the numbers of the rows are not asked for
    moved.remove(keys.len());
    Ok(moved.iter().map(|column| column.gather(&by.order)).collect())
}

/// The first `wanted` rows in ascending order of keys that are given as planes, lowest first. No two rows may be equal.
pub(super) fn first<E: Engine>(engine: &mut E, planes: &[E::Bits], rows: usize, wanted: usize) -> Result<Vec<usize>> {
    let wanted = wanted.min(rows);
    if let Some(Plan { sample, threshold, candidates }) = Plan::of(rows, wanted) {
        let part: Vec<E::Bits> = planes.iter().map(|plane| plane.slice(0..sample)).collect();
        let least = first(engine, &part, sample, threshold)?;
        let pivot = least.last().copied().unwrap_or_default();
        let is_less = less(engine, planes, (sample..rows).map(|row| (row, pivot)))?;
        let mut is_candidate = vec![false; rows];
        least.iter().for_each(|row| is_candidate[*row] = true);
        is_candidate[sample..].iter_mut().zip(is_less.iter()).for_each(|(slot, is_less)| *slot = is_less);
        let found = is_candidate.iter().filter(|is_candidate| **is_candidate).count();
        if !E::OPENS || (wanted..=candidates).contains(&found) {
            // others at even distances: they come after all that are wanted
            let others: Vec<usize> = (0..rows).filter(|row| !is_candidate[*row]).collect();
            let missing = candidates - found.min(candidates);
            (0..missing).filter_map(|at| others.get(at * others.len() / missing)).for_each(|row| is_candidate[*row] = true);
            let chosen: Vec<usize> = (0..rows).filter(|row| is_candidate[*row]).take(candidates).collect();
            let order = order(engine, &E::Bits::gather_each(planes, &chosen), chosen.len())?;
            return Ok(order.into_iter().take(wanted).map(|row| chosen[row]).collect());
        }
    }
    let mut order = order(engine, planes, rows)?;
    order.truncate(wanted);
    Ok(order)
}

/// Sizes of a selection.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Rows of the sample.
    sample: usize,
    /// Which of them in order is the threshold, from 1.
    threshold: usize,
    /// Rows that are sorted in the end.
    candidates: usize,
}

impl Plan {
    /// `None` if it does not pay.
    fn of(rows: usize, wanted: usize) -> Option<Self> {
        let sample = rows / SAMPLE;
        if rows < 4 * FEW || wanted == 0 || wanted > rows / 8 {
            return None;
        }
        // sample rows among the first `among` rows: on average, and the logarithm of the bound for a number away from that
        let mean = |among: usize| among as f64 * sample as f64 / rows as f64;
        let bound = |mean: f64, number: usize| number as f64 * (1.0 + (mean / number as f64).ln()) - mean;
        let threshold = (mean(wanted) as usize + 2..sample).find(|number| bound(mean(wanted), *number) <= FAILURE)?;
        let is_enough = |among: &usize| mean(*among) > threshold as f64 && bound(mean(*among), threshold - 1) <= FAILURE;
        let candidates = (1..).map(|step| step * SAMPLE).take_while(|among| *among <= rows / 3).find(is_enough)?;
        Some(Self { sample, threshold, candidates })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::seq::SliceRandom;

    use super::*;
    use crate::clear::Clear;

    #[test]
    fn finds_the_first_of_many() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        for (rows, wanted) in [(900, 5), (1020, 1), (3000, 10), (3000, 0), (3000, 700), (20_000, 100)] {
            let mut values: Vec<u64> = (0..rows).collect();
            values.shuffle(&mut rng);
            let planes: Vec<_> = crate::planes::split(&values, 20).iter().map(|plane| Clear.constant_bits(plane)).collect();
            let found = first(&mut Clear, &planes, values.len(), wanted).unwrap();
            assert_eq!(found.iter().map(|row| values[*row]).collect::<Vec<_>>(), (0..wanted as u64).collect::<Vec<_>>());
        }
    }

    /// Not shuffled: the plan fails, and the result is right all the same.
    #[test]
    fn a_plan_that_fails_is_made_up_for() {
        for values in [(0..3000).collect::<Vec<u64>>(), (0..3000).rev().collect()] {
            let planes: Vec<_> = crate::planes::split(&values, 20).iter().map(|plane| Clear.constant_bits(plane)).collect();
            let found = first(&mut Clear, &planes, values.len(), 4).unwrap();
            assert_eq!(found.iter().map(|row| values[*row]).collect::<Vec<_>>(), [0, 1, 2, 3]);
        }
    }

    #[test]
    fn plans_are_small() {
        let plan = Plan::of(100_000, 10).unwrap();
        assert!(plan.candidates < 2000, "{plan:?}");
        let plan = Plan::of(100_000, 1000).unwrap();
        assert!(plan.candidates < 5000, "{plan:?}");
        assert_eq!(Plan::of(100_000, 50_000), None);
        assert_eq!(Plan::of(100, 1), None);
    }
}
