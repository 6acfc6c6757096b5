//! What can be done with shares of vectors without talking to anybody.
//!
//! Indices and lengths are checked by [`crate::secret`] and by the engines; here they are invariants.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroize;

use crate::memory::{Shared, collect, zeros};

/// Shares of a vector, structure only.
pub trait Vector: Clone + Send + Sync + Sized {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether there are no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Consecutive elements.
    #[must_use]
    fn slice(&self, range: Range<usize>) -> Self;

    /// Elements by public indices, in any order and number.
    #[must_use]
    fn gather(&self, index: &[usize]) -> Self;

    /// One after the other.
    #[must_use]
    fn concat(parts: &[&Self]) -> Self;
}

/// Shares of a vector over Z_2^64: linear functions are local.
pub trait Module: Vector {
    /// Shares of zeros that everybody knows.
    #[must_use]
    fn zeros(len: usize) -> Self;

    /// Sum, element by element.
    #[must_use]
    fn add(&self, other: &Self) -> Self;

    /// Difference, element by element.
    #[must_use]
    fn sub(&self, other: &Self) -> Self;

    /// Negation modulo 2^64.
    #[must_use]
    fn neg(&self) -> Self;

    /// Product with one public factor.
    #[must_use]
    fn scale(&self, factor: u64) -> Self;

    /// Product with public factors, element by element.
    #[must_use]
    fn scale_each(&self, factors: &[u64]) -> Self;

    /// Sum of vectors times public factors: at least one term, all of one length.
    ///
    /// # Panics
    /// Without terms.
    #[must_use]
    fn combination(terms: &[(u64, &Self)]) -> Self {
        let scaled = terms.iter().map(|(factor, vector)| vector.scale(*factor));
        scaled.reduce(|sum, term| sum.add(&term)).expect("a combination has a term")
    }

    /// For each element of vectors of one length a row of combinations of them, row by row: `factors[j]` are the public factors of
    /// the entry `j` of each row.
    ///
    /// # Panics
    /// Without factors or if there is not one for each vector.
    #[must_use]
    fn mix(vectors: &[&Self], factors: &[&[u64]]) -> Self {
        let columns: Vec<Self> = factors
            .iter()
            .map(|factors| {
                assert!(factors.len() == vectors.len(), "a factor for each vector");
                Self::combination(&factors.iter().copied().zip(vectors.iter().copied()).collect::<Vec<_>>())
            })
            .collect();
        Self::concat(&columns.iter().collect::<Vec<_>>()).transpose(factors.len())
    }

    /// Sums of groups of `group` consecutive elements; `group` divides the length and is not 0.
    #[must_use]
    fn sums(&self, group: usize) -> Self;

    /// Sums of the first 1, 2, ... elements of each group of `group` consecutive ones.
    #[must_use]
    fn prefix_sums(&self, group: usize) -> Self;

    /// The transposed matrix of `rows` rows.
    #[must_use]
    fn transpose(&self, rows: usize) -> Self;
}

/// Shares of bits: exclusive or is local.
pub trait BitVector: Vector {
    /// Shares of zeros that everybody knows.
    #[must_use]
    fn zeros(len: usize) -> Self;

    /// Exclusive or, bit by bit.
    #[must_use]
    fn xor(&self, other: &Self) -> Self;

    /// Keeps the bits where the public mask is 1.
    #[must_use]
    fn mask(&self, mask: &Packed) -> Self;

    /// The same public selection from each of several vectors of one length.
    #[must_use]
    fn gather_each(vectors: &[Self], index: &[usize]) -> Vec<Self> {
        vectors.iter().map(|vector| vector.gather(index)).collect()
    }
}

/// Bits, 64 to a word, lowest first; a clone holds the same memory. INVARIANT: bits behind the last one are zero.
#[derive(Clone)]
pub struct Packed {
    words: Shared,
    len: usize,
}

impl Packed {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self { words: zeros(len.div_ceil(64)).into(), len }
    }

    /// `len` ones.
    #[must_use]
    pub fn ones(len: usize) -> Self {
        let mut words = zeros(len.div_ceil(64));
        words.fill(u64::MAX);
        Self::from_words(words, len)
    }

    /// Words with the bits; what is behind the last bit is cleared.
    ///
    /// # Panics
    /// If the number of words is not the one that `len` bits need.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        assert!(words.len() == len.div_ceil(64), "as many words as the bits need");
        clear_end(&mut words, len);
        Self { words: words.into(), len }
    }

    /// Vectors of `lens` bits that lie one after the other, each from a word of its own on; they share the memory.
    ///
    /// # Panics
    /// If the number of words is not the one that the bits need.
    #[must_use]
    pub fn cut(mut words: Vec<u64>, lens: &[usize]) -> Vec<Self> {
        let mut rest = &mut words[..];
        for len in lens {
            let (piece, more) = rest.split_at_mut(len.div_ceil(64));
            clear_end(piece, *len);
            rest = more;
        }
        assert!(rest.is_empty(), "as many words as the bits need");
        let (whole, mut from) = (Shared::from(words), 0);
        let one = |len: &usize| {
            let range = from..from + len.div_ceil(64);
            from = range.end;
            Self { words: whole.slice(range), len: *len }
        };
        lens.iter().map(one).collect()
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Number of bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit number `at`.
    ///
    /// # Panics
    /// Beyond the last bit.
    #[must_use]
    pub fn get(&self, at: usize) -> bool {
        assert!(at < self.len, "bit index within the vector");
        self.words[at / 64] >> (at % 64) & 1 == 1
    }

    /// Bits one by one.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len).map(|at| self.get(at))
    }

    /// Consecutive bits.
    ///
    /// # Panics
    /// If the range is not within the vector.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "bit range within the vector");
        let (len, first, shift) = (range.len(), range.start / 64, range.start % 64);
        if shift == 0 && (len.is_multiple_of(64) || range.end == self.len) {
            return Self { words: self.words.slice(first..first + len.div_ceil(64)), len };
        }
        let word = |at: usize| {
            let low = self.words[first + at] >> shift;
            let high = if shift == 0 { 0 } else { self.words.get(first + at + 1).map_or(0, |word| word << (64 - shift)) };
            low | high
        };
        let width = len.div_ceil(64);
        Self::from_words(collect(width, (0..width).map(word)), len)
    }

    /// Bits by index.
    ///
    /// # Panics
    /// If an index is beyond the last bit.
    #[must_use]
    pub fn gather(&self, index: &[usize]) -> Self {
        index.iter().map(|at| self.get(*at)).collect()
    }

    /// One after the other.
    #[must_use]
    pub fn concat(parts: &[&Self]) -> Self {
        let len = parts.iter().map(|part| part.len).sum();
        let mut words = Vec::with_capacity(usize::div_ceil(len, 64) + 1);
        let (mut buffer, mut filled) = (0u64, 0);
        for part in parts {
            let mut left = part.len;
            for word in part.words() {
                let used = left.min(64);
                left -= used;
                buffer |= word << filled;
                if filled + used >= 64 {
                    words.push(buffer);
                    buffer = if filled == 0 { 0 } else { word >> (64 - filled) };
                    filled = filled + used - 64;
                } else {
                    filled += used;
                }
            }
        }
        if filled > 0 {
            words.push(buffer);
        }
        Self::from_words(words, len)
    }

    /// Applies a function to corresponding words.
    #[must_use]
    pub fn zip(&self, other: &Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        assert!(self.len == other.len, "vectors of one length");
        let words = self.words.iter().zip(other.words()).map(|(a, b)| operation(*a, *b));
        Self::from_words(collect(self.words.len(), words), self.len)
    }

    /// Bytes that the bits need on the wire.
    #[must_use]
    pub const fn byte_len(&self) -> usize {
        self.len.div_ceil(8)
    }
}

impl FromIterator<bool> for Packed {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let (mut words, mut len) = (Vec::new(), 0);
        for bit in bits {
            if len % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(bit) << (len % 64);
            }
            len += 1;
        }
        Self { words: words.into(), len }
    }
}

impl Zeroize for Packed {
    fn zeroize(&mut self) {
        // the last holder wipes
        *self = Self::default();
    }
}

impl Default for Packed {
    fn default() -> Self {
        Self { words: Vec::new().into(), len: 0 }
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.words() == other.words()
    }
}

impl Eq for Packed {}

/// The length only: bits may be a component of shares.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("len", &self.len).finish_non_exhaustive()
    }
}

fn clear_end(words: &mut [u64], len: usize) {
    if let Some(last) = words.last_mut()
        && !len.is_multiple_of(64)
    {
        *last &= u64::MAX >> (64 - len % 64);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_bits_behave_like_a_list(bits in proptest::collection::vec(any::<bool>(), 0..300), from in 0usize..300, len in 0usize..300) {
            let packed: Packed = bits.iter().copied().collect();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), bits.clone());
            let from = from.min(bits.len());
            let to = (from + len).min(bits.len());
            let part = packed.slice(from..to);
            prop_assert_eq!(part.iter().collect::<Vec<_>>(), bits[from..to].to_vec());
            let whole = Packed::concat(&[&packed.slice(0..from), &part, &packed.slice(to..bits.len())]);
            prop_assert_eq!(whole, packed);
        }
    }

    #[test]
    fn ends_are_clean() {
        assert_eq!(Packed::ones(65).words(), [u64::MAX, 1]);
        assert_eq!(Packed::ones(64).words(), [u64::MAX]);
        assert_eq!(Packed::zeros(0).words(), [0u64; 0]);
        assert_eq!(Packed::ones(9).byte_len(), 2);
    }
}
