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
        let mut parts: [Vec<u64>; K] = std::array::from_fn(|_| zeros(len));
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
        Self { parts: parts.map(Shared::from) }
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
