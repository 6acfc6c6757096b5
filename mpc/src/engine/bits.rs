//! Shares of bits whose components are linear over GF(2), 64 bits to a word.

use std::ops::Range;

use super::vector::{BitVector, Packed, Vector};
use super::words::wipe;

/// `K` components of shares of bits; wiped on drop.
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

impl<const K: usize> Drop for Bits<K> {
    fn drop(&mut self) {
        for part in &mut self.parts {
            wipe(part.words_mut());
        }
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
        Self { parts: std::array::from_fn(|_| Packed::zeros(len)) }
    }

    fn xor(&self, other: &Self) -> Self {
        assert!(self.len() == other.len(), "operands of one length");
        Self { parts: std::array::from_fn(|at| self.parts[at].zip(&other.parts[at], |a, b| a ^ b)) }
    }

    fn mask(&self, mask: &Packed) -> Self {
        assert!(self.len() == mask.len(), "a mask bit for each bit");
        self.map(|part| part.zip(mask, |a, b| a & b))
    }
}
