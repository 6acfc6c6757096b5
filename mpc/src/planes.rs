//! Between words and bit planes: plane `j` holds bit `j` of every word.
//!
//! 64 words at a time are a 64 x 64 bit matrix that is transposed (Warren, Hacker's Delight, section 7-3).

mod avx2;
mod gfni;
mod portable;

use std::ops::Range;

use crate::engine::Packed;
use crate::memory::zeros;

/// Which instructions turn a block: bit `j` of word `i` becomes bit `i` of word `j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Portable,
    /// Four words at a time.
    Avx2,
    /// 8 x 8 bits at once by an affine map, bytes by a permutation (AVX-512 F, BW, VBMI and GFNI).
    Gfni,
}

impl Kernel {
    fn detect() -> Self {
        [Self::Gfni, Self::Avx2].into_iter().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2::is_available(),
            Self::Gfni => gfni::is_available(),
        }
    }

    #[inline]
    fn transpose(self, block: &mut [u64; 64]) {
        match self {
            Self::Portable => portable::transpose(block),
            Self::Avx2 => avx2::transpose(block),
            Self::Gfni => gfni::transpose(block),
        }
    }
}

/// The `bits` lowest bit planes of the words; they share the memory.
#[must_use]
pub fn split(words: &[u64], bits: u32) -> Vec<Packed> {
    let mut planes = zeros(words.len().div_ceil(64) * bits as usize);
    split_each(words.len(), bits, &mut planes, |range, block| block.copy_from_slice(&words[range]));
    Packed::cut(planes, &vec![words.len(); bits as usize])
}

/// The planes of the sums of two vectors of one length, one after the other.
pub(crate) fn split_sum(left: &[u64], right: &[u64], bits: u32, planes: &mut [u64]) {
    split_each(left.len(), bits, planes, |range, block| {
        for ((slot, a), b) in block.iter_mut().zip(&left[range.clone()]).zip(&right[range]) {
            *slot = a.wrapping_add(*b);
        }
    });
}

/// Blocks worked on at once: eight words side by side in each plane are one cache line.
const GROUP: usize = 8;

/// The planes of words that `read` puts into a block, a range at a time.
pub(crate) fn split_each(len: usize, bits: u32, planes: &mut [u64], read: impl Fn(Range<usize>, &mut [u64])) {
    let width = len.div_ceil(64);
    let kernel = Kernel::detect();
    let mut blocks = [[0u64; 64]; GROUP];
    for first in (0..width).step_by(GROUP) {
        let used = &mut blocks[..GROUP.min(width - first)];
        for (at, block) in used.iter_mut().enumerate() {
            let from = (first + at) * 64;
            let to = len.min(from + 64);
            read(from..to, &mut block[..to - from]);
            block[to - from..].fill(0);
            kernel.transpose(block);
        }
        for (plane, bit) in planes.chunks_exact_mut(width).zip(0..bits as usize) {
            for (slot, block) in plane[first..].iter_mut().zip(used.iter()) {
                *slot = block[bit];
            }
        }
    }
    blocks.iter_mut().for_each(|block| crate::engine::wipe(block));
}

/// Words of the planes; missing high planes are zero.
///
/// # Panics
/// If there are more than 64 planes or their lengths differ.
#[must_use]
pub fn join(planes: &[&Packed]) -> Vec<u64> {
    assert!(planes.len() <= 64, "a word has 64 bits");
    let len = planes.first().map_or(0, |plane| plane.len());
    assert!(planes.iter().all(|plane| plane.len() == len), "planes of one length");
    let kernel = Kernel::detect();
    let mut words = zeros(len);
    let mut blocks = [[0u64; 64]; GROUP];
    for (group, chunk) in words.chunks_mut(64 * GROUP).enumerate() {
        let first = group * GROUP;
        let used = &mut blocks[..chunk.len().div_ceil(64)];
        used.iter_mut().for_each(|block| block[planes.len()..].fill(0));
        for (bit, plane) in planes.iter().enumerate() {
            for (block, word) in used.iter_mut().zip(&plane.words()[first..]) {
                block[bit] = *word;
            }
        }
        for (block, chunk) in used.iter_mut().zip(chunk.chunks_mut(64)) {
            kernel.transpose(block);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
    blocks.iter_mut().for_each(|block| crate::engine::wipe(block));
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn twins_turn_alike() {
        let kernels: Vec<Kernel> = [Kernel::Avx2, Kernel::Gfni].into_iter().filter(|kernel| kernel.is_available()).collect();
        eprintln!("compared: {kernels:?}");
        let mut state = 1u64;
        for _ in 0..200 {
            let block: [u64; 64] = std::array::from_fn(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                state ^ (state >> 29)
            });
            let mut one = block;
            Kernel::Portable.transpose(&mut one);
            for kernel in &kernels {
                let mut other = block;
                kernel.transpose(&mut other);
                assert_eq!(one, other, "{kernel:?}");
                kernel.transpose(&mut other);
                assert_eq!(other, block, "{kernel:?}");
            }
        }
    }

    #[test]
    fn planes_of_sums() {
        let (left, right): (Vec<u64>, Vec<u64>) = (0..1000u64).map(|at| (at << 50, at.wrapping_mul(0x9e37_79b9_7f4a_7c15))).unzip();
        let sums: Vec<u64> = left.iter().zip(&right).map(|(a, b)| a.wrapping_add(*b)).collect();
        let mut planes = vec![0; 1000usize.div_ceil(64) * 64];
        split_sum(&left, &right, 64, &mut planes);
        assert_eq!(Packed::cut(planes, &[1000; 64]), split(&sums, 64));
    }

    proptest! {
        #[test]
        fn planes_hold_the_bits(words in proptest::collection::vec(any::<u64>(), 0..1200), bits in 1u32..=64) {
            let planes = split(&words, bits);
            for (j, plane) in planes.iter().enumerate() {
                let expected: Vec<bool> = words.iter().map(|word| word >> j & 1 == 1).collect();
                prop_assert_eq!(plane.iter().collect::<Vec<_>>(), expected);
            }
            let joined = join(&planes.iter().collect::<Vec<_>>());
            let mask = u64::MAX >> (64 - bits);
            prop_assert_eq!(joined, words.iter().map(|word| word & mask).collect::<Vec<_>>());
        }
    }
}
