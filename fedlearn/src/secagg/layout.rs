//! How weights lie in a masked vector, and the group that masks live in.
//!
//! With `n` parties and inputs of `b` bits a sum is at most `n (2^b - 1)` and takes `W = ceil(log2(n (2^b - 1) + 1))` bits.
//! Weights are packed at `W` bits back to back, so 512 weights fill `8 W` words of 64 bits exactly: a block. The group is the
//! product over blocks of the integers modulo `2^(64 words of the block)`: blocks are added as long integers with a carry from
//! word to word. Sums of inputs do not overflow their fields, by the choice of `W`, so the sum of packed vectors is the packed
//! sum; a uniform element of the group is the raw keystream, and masking is a one-time pad over that group. The last block has
//! only the words that its weights need: a vector is `ceil(len W / 64)` words.

/// Weights of a block: with any width a block is a multiple of 8 words.
pub const BLOCK: usize = 512;
/// Blocks that are masked while they lie in the first-level cache.
const TILE: usize = 8;

/// Sizes of one masked vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    len: usize,
    width: u32,
}

impl Layout {
    /// For `parties` inputs of `len` weights of `bits` bits; `1 <= bits <= 32`, fewer than `2^30` parties.
    pub(super) fn new(parties: usize, len: usize, bits: u32) -> Self {
        let largest = parties as u64 * ((1 << bits) - 1);
        Self { len, width: u64::BITS - largest.leading_zeros() }
    }

    /// Bits of a weight in a masked vector, `W`.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Words of 64 bits of a masked vector.
    #[must_use]
    pub const fn words(&self) -> usize {
        let (whole, rest) = (self.len / 64, self.len % 64);
        whole * self.width as usize + (rest * self.width as usize).div_ceil(64)
    }

    /// Words of a block, all but the last.
    pub(super) const fn block(&self) -> usize {
        BLOCK / 64 * self.width as usize
    }

    /// Words of a tile, all but the last.
    pub(super) const fn tile(&self) -> usize {
        TILE * self.block()
    }

    /// Weights of a tile, all but the last.
    pub(super) const fn tile_weights() -> usize {
        TILE * BLOCK
    }

    /// Writes weights into the words that they need; each must be below `2^width`.
    pub(super) fn pack(&self, weights: &[u32], words: &mut [u64]) {
        let mut words = words.iter_mut();
        let (mut word, mut filled) = (0, 0);
        for weight in weights {
            let weight = u64::from(*weight);
            word |= weight << filled;
            filled += self.width;
            if filled >= 64 {
                if let Some(slot) = words.next() {
                    *slot = word;
                }
                filled -= 64;
                // of `width` bits the last `filled` are left, and a width is below 64
                word = weight >> (self.width - filled);
            }
        }
        if let Some(slot) = words.next() {
            *slot = word;
        }
    }

    /// Reads all weights; `None` if a bit behind the last is set.
    pub(super) fn unpack(&self, words: &[u64]) -> Option<Vec<u64>> {
        let mask = (1 << self.width) - 1;
        let mut out = Vec::with_capacity(self.len);
        let mut rest = words.iter();
        let (mut word, mut left) = (0u64, 0);
        for _ in 0..self.len {
            if left >= self.width {
                out.push(word & mask);
                word >>= self.width;
                left -= self.width;
            } else {
                let next = *rest.next()?;
                out.push((word | next << left) & mask);
                let used = self.width - left;
                word = next >> used;
                left = 64 - used;
            }
        }
        (word == 0 && rest.next().is_none()).then_some(out)
    }
}

/// Adds one block to another. Time depends on the length only.
#[inline]
pub(super) fn add(sum: &mut [u64], other: impl Iterator<Item = u64>) {
    let mut carry = false;
    for (word, other) in sum.iter_mut().zip(other) {
        (*word, carry) = word.carrying_add(other, carry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_is_what_the_largest_sum_takes() {
        for (parties, bits, width) in [(10, 16, 20), (3, 1, 2), (4, 1, 3), (3, 32, 34), (65536, 32, 48), (100, 16, 23), (16, 16, 20)] {
            assert_eq!(Layout::new(parties, 1, bits).width(), width, "{parties} parties, {bits} bits");
        }
        assert_eq!(Layout::new(10, 1_000_000, 16).words() * 8, 2_500_000);
        assert_eq!(Layout::new(10, 1, 16).words(), 1);
        assert_eq!(Layout::new(10, 513, 16).words(), 161);
    }

    proptest! {
        #[test]
        fn packing_is_the_sum_of_shifted_weights(parties in 3usize..5000, bits in 1u32..=32, seed: u64, len in 1usize..700) {
            let layout = Layout::new(parties, len, bits);
            let weights: Vec<u32> =
                (0..len as u64).map(|at| (seed.wrapping_mul(2 * at + 1) >> 13) as u32 & (u32::MAX >> (32 - bits))).collect();
            let mut words = vec![0; layout.words()];
            layout.pack(&weights, &mut words);
            for (at, weight) in weights.iter().enumerate() {
                for bit in 0..layout.width() as usize {
                    let place = at * layout.width() as usize + bit;
                    prop_assert_eq!(words[place / 64] >> (place % 64) & 1, u64::from(*weight).checked_shr(bit as u32).unwrap_or(0) & 1);
                }
            }
            prop_assert_eq!(layout.unpack(&words), Some(weights.iter().map(|weight| u64::from(*weight)).collect::<Vec<_>>()));
            if !(len * layout.width() as usize).is_multiple_of(64) {
                *words.last_mut().unwrap() |= 1 << 63;
                prop_assert_eq!(layout.unpack(&words), None);
            }
        }
    }
}
