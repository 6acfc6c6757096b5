//! Shares of vectors whose components are linear: sums of shares are shares of sums, component by component.

use std::ops::Range;

use super::vector::{Module, Vector};
use crate::ring::{add_assign, sub_assign};

/// Elements that are worked on at a time: 16 KiB.
const CACHED: usize = 2048;

/// `K` components of shares over Z_2^64; wiped on drop. What the components mean is the engine's business.
///
/// It does not print, compare or serialise:
/// ```compile_fail
/// fn print(share: &yu_mpc::engine::Words<2>) -> String {
///     format!("{share:?}")
/// }
/// ```
#[derive(Clone)]
pub struct Words<const K: usize> {
    // INVARIANT: all of one length
    parts: [Vec<u64>; K],
}

impl<const K: usize> Words<K> {
    /// Puts components together.
    ///
    /// # Panics
    /// If their lengths differ.
    #[must_use]
    pub fn from_parts(parts: [Vec<u64>; K]) -> Self {
        assert!(parts.windows(2).all(|pair| pair[0].len() == pair[1].len()), "components of one length");
        Self { parts }
    }

    /// Component number `at`: for engines; nothing that a component says means a value.
    #[must_use]
    pub fn part(&self, at: usize) -> &[u64] {
        &self.parts[at]
    }

    /// Takes the components out.
    #[must_use]
    pub fn into_parts(mut self) -> [Vec<u64>; K] {
        std::array::from_fn(|at| std::mem::take(&mut self.parts[at]))
    }

    fn map(&self, operation: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        Self { parts: std::array::from_fn(|at| operation(&self.parts[at])) }
    }

    fn combine(&self, other: &Self, operation: impl Fn(&mut [u64], &[u64])) -> Self {
        let mut result = self.clone();
        for (part, other) in result.parts.iter_mut().zip(&other.parts) {
            assert!(part.len() == other.len(), "operands of one length");
            operation(part, other);
        }
        result
    }
}

impl<const K: usize> Drop for Words<K> {
    fn drop(&mut self) {
        self.parts.iter_mut().for_each(|part| wipe(part));
    }
}

/// Overwrites secrets that are given up; as fast as memory is.
pub fn wipe(values: &mut [u64]) {
    values.fill(0);
    // the zeros count as read, so the store before the release of the memory stays
    std::hint::black_box(values);
}

impl<const K: usize> Vector for Words<K> {
    fn len(&self) -> usize {
        self.parts.first().map_or(0, Vec::len)
    }

    fn slice(&self, range: Range<usize>) -> Self {
        self.map(|part| part[range.clone()].to_vec())
    }

    fn gather(&self, index: &[usize]) -> Self {
        self.map(|part| index.iter().map(|at| part[*at]).collect())
    }

    fn concat(parts: &[&Self]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        Self {
            parts: std::array::from_fn(|at| {
                let mut whole = Vec::with_capacity(len);
                parts.iter().for_each(|part| whole.extend_from_slice(&part.parts[at]));
                whole
            }),
        }
    }
}

impl<const K: usize> Module for Words<K> {
    fn zeros(len: usize) -> Self {
        Self { parts: std::array::from_fn(|_| vec![0; len]) }
    }

    fn add(&self, other: &Self) -> Self {
        self.combine(other, add_assign)
    }

    fn sub(&self, other: &Self) -> Self {
        self.combine(other, sub_assign)
    }

    fn neg(&self) -> Self {
        self.map(|part| part.iter().map(|value| value.wrapping_neg()).collect())
    }

    fn scale(&self, factor: u64) -> Self {
        self.map(|part| part.iter().map(|value| value.wrapping_mul(factor)).collect())
    }

    fn scale_each(&self, factors: &[u64]) -> Self {
        assert!(self.len() == factors.len(), "a factor for each element");
        self.map(|part| part.iter().zip(factors).map(|(value, factor)| value.wrapping_mul(*factor)).collect())
    }

    fn combination(terms: &[(u64, &Self)]) -> Self {
        let len = terms.first().map_or(0, |(_, vector)| vector.len());
        let mut parts = std::array::from_fn(|_| vec![0u64; len]);
        for (at, part) in parts.iter_mut().enumerate() {
            // pieces that stay in the cache while all terms are added
            for (number, piece) in part.chunks_mut(CACHED).enumerate() {
                for (factor, vector) in terms {
                    assert!(vector.len() == len, "operands of one length");
                    for (sum, value) in piece.iter_mut().zip(&vector.parts[at][number * CACHED..]) {
                        *sum = sum.wrapping_add(value.wrapping_mul(*factor));
                    }
                }
            }
        }
        Self { parts }
    }

    fn sums(&self, group: usize) -> Self {
        let sum = |values: &[u64]| values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
        self.map(|part| part.chunks_exact(group).map(sum).collect())
    }

    fn prefix_sums(&self, group: usize) -> Self {
        self.map(|part| {
            let mut sums = part.to_vec();
            for group in sums.chunks_exact_mut(group) {
                let mut sum = 0u64;
                for value in group {
                    sum = sum.wrapping_add(*value);
                    *value = sum;
                }
            }
            sums
        })
    }

    fn transpose(&self, rows: usize) -> Self {
        if rows == 0 || self.is_empty() {
            return self.clone();
        }
        let columns = self.len() / rows;
        self.map(|part| {
            let mut turned = vec![0; part.len()];
            // blocks of 8 by 8 elements: one cache line in each direction
            for from in (0..rows).step_by(8) {
                for left in (0..columns).step_by(8) {
                    for row in from..rows.min(from + 8) {
                        for column in left..columns.min(left + 8) {
                            turned[column * rows + row] = part[row * columns + column];
                        }
                    }
                }
            }
            turned
        })
    }
}
