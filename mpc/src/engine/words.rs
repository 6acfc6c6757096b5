//! Shares of vectors whose components are linear: sums of shares are shares of sums, component by component.

use std::ops::Range;

use super::vector::{Module, Vector};
use crate::memory::{Shared, collect, zeros};

/// Elements that are worked on at a time: 16 KiB.
const CACHED: usize = 2048;

/// `K` components of shares over Z_2^64, wiped when the last holder drops them; a clone or a slice holds the same memory.
/// What the components mean is the engine's business.
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
    parts: [Shared; K],
}

impl<const K: usize> Words<K> {
    /// Puts components together.
    ///
    /// # Panics
    /// If their lengths differ.
    #[must_use]
    pub fn from_parts(parts: [Vec<u64>; K]) -> Self {
        assert!(parts.windows(2).all(|pair| pair[0].len() == pair[1].len()), "components of one length");
        Self { parts: parts.map(Shared::from) }
    }

    /// Component number `at`: for engines; nothing that a component says means a value.
    #[must_use]
    pub fn part(&self, at: usize) -> &[u64] {
        &self.parts[at]
    }

    /// Component number `at`, in the same memory.
    pub(crate) fn shared(&self, at: usize) -> Shared {
        self.parts[at].clone()
    }

    /// Takes the components out; they are copied only if somebody else holds them too.
    #[must_use]
    pub fn into_parts(self) -> [Vec<u64>; K] {
        self.parts.map(Shared::into_vec)
    }

    fn map(&self, operation: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        Self { parts: std::array::from_fn(|at| operation(&self.parts[at]).into()) }
    }

    fn each(&self, operation: impl Fn(u64) -> u64) -> Self {
        self.map(|part| collect(part.len(), part.iter().map(|value| operation(*value))))
    }

    fn combine(&self, other: &Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        assert!(self.len() == other.len(), "operands of one length");
        let parts = |at: usize| (&*self.parts[at], &*other.parts[at]);
        let combined = |(left, right): (&[u64], &[u64])| collect(left.len(), left.iter().zip(right).map(|(a, b)| operation(*a, *b)));
        Self { parts: std::array::from_fn(|at| combined(parts(at)).into()) }
    }
}

impl<const K: usize> Vector for Words<K> {
    fn len(&self) -> usize {
        self.parts.first().map_or(0, |part| part.len())
    }

    fn slice(&self, range: Range<usize>) -> Self {
        Self { parts: std::array::from_fn(|at| self.parts[at].slice(range.clone())) }
    }

    fn gather(&self, index: &[usize]) -> Self {
        self.map(|part| collect(index.len(), index.iter().map(|at| part[*at])))
    }

    fn concat(parts: &[&Self]) -> Self {
        if let [one] = parts {
            return (*one).clone();
        }
        let len = parts.iter().map(|part| part.len()).sum();
        Self {
            parts: std::array::from_fn(|at| {
                let mut whole = zeros(len);
                let mut rest = &mut whole[..];
                for part in parts {
                    let (piece, more) = rest.split_at_mut(part.len());
                    piece.copy_from_slice(&part.parts[at]);
                    rest = more;
                }
                whole.into()
            }),
        }
    }
}

impl<const K: usize> Module for Words<K> {
    fn zeros(len: usize) -> Self {
        let zero = Shared::from(zeros(len));
        Self { parts: std::array::from_fn(|_| zero.clone()) }
    }

    fn add(&self, other: &Self) -> Self {
        self.combine(other, u64::wrapping_add)
    }

    fn sub(&self, other: &Self) -> Self {
        self.combine(other, u64::wrapping_sub)
    }

    fn neg(&self) -> Self {
        self.each(u64::wrapping_neg)
    }

    fn scale(&self, factor: u64) -> Self {
        self.each(|value| value.wrapping_mul(factor))
    }

    fn scale_each(&self, factors: &[u64]) -> Self {
        assert!(self.len() == factors.len(), "a factor for each element");
        self.map(|part| collect(part.len(), part.iter().zip(factors).map(|(value, factor)| value.wrapping_mul(*factor))))
    }

    fn combination(terms: &[(u64, &Self)]) -> Self {
        let len = terms.first().map_or(0, |(_, vector)| vector.len());
        let mut parts = std::array::from_fn(|_| zeros(len));
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
        Self::from_parts(parts)
    }

    fn mix(vectors: &[&Self], factors: &[&[u64]]) -> Self {
        let (len, width) = (vectors.first().map_or(0, |vector| vector.len()), factors.len());
        assert!(width > 0 && factors.iter().all(|factors| factors.len() == vectors.len()), "a factor for each vector");
        assert!(vectors.iter().all(|vector| vector.len() == len), "operands of one length");
        let mut parts = std::array::from_fn(|_| zeros(len * width));
        for (at, part) in parts.iter_mut().enumerate() {
            for (number, piece) in part.chunks_mut(width * (CACHED / 4)).enumerate() {
                for (column, factors) in factors.iter().enumerate() {
                    for (factor, vector) in factors.iter().zip(vectors).filter(|(factor, _)| **factor != 0) {
                        let from = &vector.parts[at][number * (CACHED / 4)..];
                        for (row, value) in piece.chunks_exact_mut(width).zip(from) {
                            row[column] = row[column].wrapping_add(value.wrapping_mul(*factor));
                        }
                    }
                }
            }
        }
        Self::from_parts(parts)
    }

    fn sums(&self, group: usize) -> Self {
        let sum = |values: &[u64]| values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
        self.map(|part| collect(part.len() / group, part.chunks_exact(group).map(sum)))
    }

    fn prefix_sums(&self, group: usize) -> Self {
        self.map(|part| {
            let mut sums = crate::memory::copy(part);
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
            let mut turned = zeros(part.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixtures_are_combinations_side_by_side() {
        let vector = |seed: u64| {
            let part = |more: u64| (0..3000u64).map(|at| (at + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ more)).collect();
            Words::from_parts([part(1), part(2)])
        };
        let (a, b) = (vector(1), vector(2));
        let mixed = Words::mix(&[&a, &b], &[&[1, 0], &[u64::MAX, 5], &[0, 0]]);
        let columns = [a.clone(), b.scale(5).sub(&a), Words::zeros(3000)];
        let expected = Words::concat(&columns.iter().collect::<Vec<_>>()).transpose(3);
        for part in 0..2 {
            assert!(mixed.part(part) == expected.part(part));
        }
        assert!(Words::combination(&[(u64::MAX, &a), (5, &b)]).part(1) == columns[1].part(1));
        assert!(Words::mix(&[&Words::<1>::zeros(0)], &[&[1], &[2]]).is_empty());
    }
}
