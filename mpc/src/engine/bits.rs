//! Shares of bits whose components are linear over GF(2), 64 bits to a word.

use std::ops::Range;

use super::vector::{BitVector, Packed, Vector};
use crate::memory::{collect, give};

/// `K` components of shares of bits, wiped when the last holder drops them; a clone holds the same memory.
///
/// It does not print, compare or serialise:
/// ```compile_fail
/// fn print(share: &yu_mpc::engine::Bits<2>) -> String {
///     format!("{share:?}")
/// }
/// ```
#[derive(Clone)]
pub struct Bits<const K: usize> {
    // INVARIANT: all of one length
    parts: [Packed; K],
}

impl<const K: usize> Bits<K> {
    /// Puts components together.
    ///
    /// # Panics
    /// If their lengths differ.
    #[must_use]
    pub fn from_parts(parts: [Packed; K]) -> Self {
        assert!(parts.windows(2).all(|pair| pair[0].len() == pair[1].len()), "components of one length");
        Self { parts }
    }

    /// Component number `at`, for engines.
    #[must_use]
    pub const fn part(&self, at: usize) -> &Packed {
        &self.parts[at]
    }

    fn map(&self, operation: impl Fn(&Packed) -> Packed) -> Self {
        Self { parts: std::array::from_fn(|at| operation(&self.parts[at])) }
    }
}

impl<const K: usize> Vector for Bits<K> {
    fn len(&self) -> usize {
        self.parts.first().map_or(0, Packed::len)
    }

    fn slice(&self, range: Range<usize>) -> Self {
        self.map(|part| part.slice(range.clone()))
    }

    fn gather(&self, index: &[usize]) -> Self {
        self.map(|part| part.gather(index))
    }

    fn concat(parts: &[&Self]) -> Self {
        Self {
            parts: std::array::from_fn(|at| {
                let components: Vec<&Packed> = parts.iter().map(|part| &part.parts[at]).collect();
                Packed::concat(&components)
            }),
        }
    }
}

impl<const K: usize> BitVector for Bits<K> {
    fn zeros(len: usize) -> Self {
        let zero = Packed::zeros(len);
        Self { parts: std::array::from_fn(|_| zero.clone()) }
    }

    fn xor(&self, other: &Self) -> Self {
        assert!(self.len() == other.len(), "operands of one length");
        Self { parts: std::array::from_fn(|at| self.parts[at].zip(&other.parts[at], |a, b| a ^ b)) }
    }

    fn mask(&self, mask: &Packed) -> Self {
        assert!(self.len() == mask.len(), "a mask bit for each bit");
        self.map(|part| part.zip(mask, |a, b| a & b))
    }

    /// 64 vectors at a time become words: one look-up instead of 64.
    fn gather_each(vectors: &[Self], index: &[usize]) -> Vec<Self> {
        let mut chosen = Vec::with_capacity(vectors.len());
        for chunk in vectors.chunks(64) {
            let parts: [Vec<Packed>; K] = std::array::from_fn(|at| {
                let planes: Vec<&Packed> = chunk.iter().map(|vector| &vector.parts[at]).collect();
                let words = crate::planes::join(&planes);
                let picked = collect(index.len(), index.iter().map(|row| words[*row]));
                let planes = crate::planes::split(&picked, chunk.len() as u32);
                give(words);
                give(picked);
                planes
            });
            let mut parts = parts.map(Vec::into_iter);
            let next = |_| Self { parts: parts.each_mut().map(|planes| planes.next().unwrap_or_default()) };
            chosen.extend((0..chunk.len()).map(next));
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_selection_from_many_vectors(seed in any::<u64>(), vectors in 0usize..130, len in 1usize..150, picks in 0usize..200) {
            let word = |at: usize| seed.wrapping_mul(at as u64 + 1).rotate_left((at % 64) as u32);
            let bit = |vector: usize, row: usize| word(vector * 151 + row) & 1 == 1;
            let all: Vec<Bits<2>> = (0..vectors)
                .map(|v| Bits::from_parts([0, 1].map(|part| (0..len).map(|row| bit(v + part, row)).collect())))
                .collect();
            let index: Vec<usize> = (0..picks).map(|at| word(at) as usize % len).collect();
            let chosen = Bits::gather_each(&all, &index);
            prop_assert_eq!(chosen.len(), vectors);
            for (one, other) in chosen.iter().zip(&all) {
                let expected = other.gather(&index);
                prop_assert_eq!(one.part(0), expected.part(0));
                prop_assert_eq!(one.part(1), expected.part(1));
            }
        }
    }
}
