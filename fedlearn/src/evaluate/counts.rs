//! Both classes counted in buckets along the score, and what follows from that: AUC, KS (Kolmogorov and Smirnov), and how far a coarse
//! grid can be off.
//!
//! With `p_b`, `n_b` the shares of all positives and negatives that lie in bucket `b`:
//! - `AUC = sum_b p_b (n_1 + .. + n_{b-1} + n_b / 2)`: the probability that a positive outranks a negative, ties counted as half;
//! - `KS = max_b |p_1 + .. + p_b - n_1 - .. - n_b|`.
//!
//! **Error of a grid.** Of the pairs within a bucket a finer grid may rank all or none right where this one counts half, so the AUC is off
//! by at most `1/2 sum_b p_b n_b`. Within bucket `b` the distribution functions move by `p_b` and `n_b` in one direction, so their distance
//! exceeds that at one of its ends by at most `max(p_b, n_b)`: KS is too small by at most `max_b max(p_b, n_b)`, and never too great.

use crate::evaluate::{check_numbers, check_pairs, data};
use crate::{Error, Result};

/// Buckets of numbers by public inner edges: bucket `b` holds `edge[b-1] <= x < edge[b]`, the first and the last one are open.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    // INVARIANT: finite and ascending
    edges: Vec<f64>,
}

impl Grid {
    /// More buckets are refused.
    pub const MOST: usize = 1 << 16;

    /// A grid of ascending edges, as many buckets and one less.
    ///
    /// # Errors
    /// [`Error::Data`] for edges that do not ascend, are no numbers or are too many.
    pub fn new(edges: Vec<f64>) -> Result<Self> {
        check_numbers("grid edges", &edges)?;
        if edges.windows(2).any(|pair| pair[0] >= pair[1]) || edges.len() >= Self::MOST {
            return Err(data("grid", format!("{} edges, not ascending or too many", edges.len()), "give ascending edges, below 65536"));
        }
        Ok(Self { edges })
    }

    /// `2^bits` buckets of equal width over probabilities.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1 <= bits <= 15`.
    pub fn unit(bits: u32) -> Result<Self> {
        if !(1..=15).contains(&bits) {
            return Err(Error::caller(format!("grid of 2^{bits} buckets, expected 2^1 to 2^15")));
        }
        let buckets = 1u32 << bits;
        Ok(Self { edges: (1..buckets).map(|at| f64::from(at) / f64::from(buckets)).collect() })
    }

    /// The inner edges.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Number of buckets.
    #[must_use]
    pub const fn buckets(&self) -> usize {
        self.edges.len() + 1
    }

    /// Bucket of a number.
    #[must_use]
    pub fn bucket(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// How many values lie in each bucket.
    #[must_use]
    pub fn count(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.buckets()];
        values.iter().for_each(|value| counts[self.bucket(*value)] += 1);
        counts
    }
}

/// Positives and negatives in buckets of ascending score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCounts {
    // INVARIANT: one length, sums below 2^31
    positives: Vec<u64>,
    negatives: Vec<u64>,
}

/// Figures of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// Area under the ROC curve.
    pub auc: f64,
    /// How far it may be off because of the grid.
    pub auc_bound: f64,
    /// Greatest distance of the two distribution functions.
    pub ks: f64,
}

impl Ranking {
    /// `2 AUC - 1`.
    #[must_use]
    pub fn gini(&self) -> f64 {
        2.0f64.mul_add(self.auc, -1.0)
    }
}

impl ClassCounts {
    /// Counts that were made elsewhere.
    ///
    /// # Errors
    /// [`Error::Data`] for different lengths, no buckets, or 2^31 rows of a class.
    pub fn new(positives: Vec<u64>, negatives: Vec<u64>) -> Result<Self> {
        let fits = |counts: &[u64]| counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count)).is_some_and(|sum| sum < 1 << 31);
        if positives.len() != negatives.len() || positives.is_empty() || !fits(&positives) || !fits(&negatives) {
            let problem = format!("{} and {} buckets, or too many rows", positives.len(), negatives.len());
            return Err(data("class counts", problem, "count both classes on the same grid, below 2^31 rows each"));
        }
        Ok(Self { positives, negatives })
    }

    /// One bucket for each distinct score: exact figures.
    ///
    /// # Errors
    /// [`Error::Data`] for lengths that differ, labels but 0 and 1, scores that are no numbers.
    pub fn exact(scores: &[f64], labels: &[u8]) -> Result<Self> {
        check_pairs(scores, labels)?;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let (mut positives, mut negatives, mut last) = (Vec::new(), Vec::new(), f64::NAN);
        for row in order {
            // 0.0 and -0.0 are one score, and neighbours
            if scores[row] != last {
                last = scores[row];
                positives.push(0);
                negatives.push(0);
            }
            let counts = if labels[row] == 1 { &mut positives } else { &mut negatives };
            if let Some(count) = counts.last_mut() {
                *count += 1;
            }
        }
        Self::new(positives, negatives)
    }

    /// Counts on a grid.
    ///
    /// # Errors
    /// As [`Self::exact`].
    pub fn bucketed(grid: &Grid, scores: &[f64], labels: &[u8]) -> Result<Self> {
        check_pairs(scores, labels)?;
        let (mut positives, mut negatives) = (vec![0; grid.buckets()], vec![0; grid.buckets()]);
        for (score, label) in scores.iter().zip(labels) {
            let counts = if *label == 1 { &mut positives } else { &mut negatives };
            counts[grid.bucket(*score)] += 1;
        }
        Self::new(positives, negatives)
    }

    /// Positives of each bucket, lowest score first.
    #[must_use]
    pub fn positives(&self) -> &[u64] {
        &self.positives
    }

    /// Negatives of each bucket.
    #[must_use]
    pub fn negatives(&self) -> &[u64] {
        &self.negatives
    }

    /// All positives and all negatives.
    #[must_use]
    pub fn totals(&self) -> [u64; 2] {
        [self.positives.iter().sum(), self.negatives.iter().sum()]
    }

    /// Both totals, neither of them 0.
    ///
    /// # Errors
    /// [`Error::Data`] if a class is missing.
    pub(crate) fn both(&self) -> Result<[f64; 2]> {
        match self.totals() {
            [0, _] | [_, 0] => Err(data("evaluation", "all rows have the same label", "evaluate on rows of both classes")),
            [p, n] => Ok([p as f64, n as f64]),
        }
    }

    /// AUC, its bound and KS.
    ///
    /// # Errors
    /// [`Error::Data`] if a class is missing.
    pub fn ranking(&self) -> Result<Ranking> {
        let [p, n] = self.both()?;
        // twice the pairs, whole numbers below 2^63
        let (mut pairs, mut ties, mut below, mut up_to, mut ks) = (0u64, 0u64, 0u64, 0u64, 0.0f64);
        for (positives, negatives) in self.positives.iter().zip(&self.negatives) {
            pairs += positives * (2 * below + negatives);
            ties += positives * negatives;
            below += negatives;
            up_to += positives;
            ks = ks.max((up_to as f64 / p - below as f64 / n).abs());
        }
        Ok(Ranking { auc: pairs as f64 / (2.0 * p * n), auc_bound: ties as f64 / (2.0 * p * n), ks })
    }

    /// How far the AUC of this grid may be from that of a finer one.
    ///
    /// # Errors
    /// As [`Self::ranking`].
    pub fn auc_bound(&self) -> Result<f64> {
        Ok(self.ranking()?.auc_bound)
    }

    /// How much greater KS may be on a finer grid.
    ///
    /// # Errors
    /// As [`Self::ranking`].
    pub fn ks_bound(&self) -> Result<f64> {
        let [p, n] = self.both()?;
        let share = |(positives, negatives): (&u64, &u64)| (*positives as f64 / p).max(*negatives as f64 / n);
        Ok(self.positives.iter().zip(&self.negatives).map(share).fold(0.0, f64::max))
    }

    /// The same rows with some neighbouring buckets joined: `parts` are the new buckets as ranges of old ones, in order.
    ///
    /// # Errors
    /// [`Error::Caller`] for ranges that do not follow each other from the first bucket to the last.
    pub fn joined(&self, parts: &[std::ops::Range<usize>]) -> Result<Self> {
        check_parts(parts, self.positives.len())?;
        let sums = |counts: &[u64]| parts.iter().map(|part| counts[part.clone()].iter().sum()).collect();
        Self::new(sums(&self.positives), sums(&self.negatives))
    }
}

/// Ranges that follow each other from 0 to `len`, none of them empty.
pub(crate) fn check_parts(parts: &[std::ops::Range<usize>], len: usize) -> Result<()> {
    let mut from = 0;
    for part in parts {
        if part.start != from || part.end <= from {
            return Err(Error::caller(format!("buckets `{part:?}` joined after bucket `{from}`")));
        }
        from = part.end;
    }
    if from == len { Ok(()) } else { Err(Error::caller(format!("`{from}` of `{len}` buckets joined"))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pair by pair.
    fn by_pairs(scores: &[f64], labels: &[u8]) -> f64 {
        let of = |class: u8| scores.iter().zip(labels).filter(move |(_, label)| **label == class).map(|(score, _)| *score);
        let (mut sum, mut pairs) = (0.0, 0.0);
        for positive in of(1) {
            for negative in of(0) {
                pairs += 1.0;
                sum += if positive > negative {
                    1.0
                } else if positive == negative {
                    0.5
                } else {
                    0.0
                };
            }
        }
        sum / pairs
    }

    proptest! {
        #[test]
        fn exact_by_pairs_and_coarse_within_the_bounds(rows in proptest::collection::vec((0u8..40, 0u8..2), 2..80), bits in 1u32..5) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 40.0).collect();
            let labels: Vec<u8> = rows.iter().map(|row| row.1).collect();
            let exact = ClassCounts::exact(&scores, &labels).unwrap();
            prop_assume!(exact.both().is_ok());
            let ranking = exact.ranking().unwrap();
            prop_assert!((ranking.auc - by_pairs(&scores, &labels)).abs() < 1e-12);
            let coarse = ClassCounts::bucketed(&Grid::unit(bits).unwrap(), &scores, &labels).unwrap();
            let near = coarse.ranking().unwrap();
            prop_assert!((near.auc - ranking.auc).abs() <= near.auc_bound + 1e-12);
            prop_assert!(near.ks <= ranking.ks + 1e-12 && ranking.ks <= near.ks + coarse.ks_bound().unwrap() + 1e-12);
        }
    }

    #[test]
    fn a_class_that_is_missing_is_said() {
        let error = ClassCounts::exact(&[0.1, 0.2], &[1, 1]).unwrap().ranking().unwrap_err();
        assert!(error.to_string().contains("same label"), "{error}");
        assert!(ClassCounts::exact(&[0.1, f64::NAN], &[1, 0]).is_err());
        assert!(ClassCounts::exact(&[0.1], &[2]).is_err());
        assert!(Grid::new(vec![1.0, 1.0]).is_err());
        assert_eq!(ClassCounts::exact(&[0.0, -0.0], &[1, 0]).unwrap().ranking().unwrap().auc, 0.5);
    }
}
