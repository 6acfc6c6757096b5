//! Between words and bit planes: plane `j` holds bit `j` of every word.
//!
//! 64 words at a time are a 64 x 64 bit matrix that is transposed (Warren, Hacker's Delight, section 7-3).

use crate::engine::Packed;

/// The `bits` lowest bit planes of the words.
#[must_use]
pub fn split(words: &[u64], bits: u32) -> Vec<Packed> {
    let (bits, len) = (bits as usize, words.len());
    let mut planes = vec![vec![0u64; len.div_ceil(64)]; bits];
    let mut block = [0u64; 64];
    for (at, chunk) in words.chunks(64).enumerate() {
        block[..chunk.len()].copy_from_slice(chunk);
        block[chunk.len()..].fill(0);
        transpose(&mut block);
        for (plane, word) in planes.iter_mut().zip(&block) {
            plane[at] = *word;
        }
    }
    planes.into_iter().map(|plane| Packed::from_words(plane, len)).collect()
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
    let mut words = vec![0; len];
    let mut block = [0u64; 64];
    for (at, chunk) in words.chunks_mut(64).enumerate() {
        for (slot, plane) in block.iter_mut().zip(planes) {
            *slot = plane.words()[at];
        }
        block[planes.len()..].fill(0);
        transpose(&mut block);
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    words
}

/// Bit `j` of word `i` becomes bit `i` of word `j`.
fn transpose(block: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    while width > 0 {
        for group in block.chunks_exact_mut(2 * width) {
            let (low, high) = group.split_at_mut(width);
            for (a, b) in low.iter_mut().zip(high) {
                let swap = ((*a >> width) ^ *b) & mask;
                *a ^= swap << width;
                *b ^= swap;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn planes_hold_the_bits(words in proptest::collection::vec(any::<u64>(), 0..200), bits in 1u32..=64) {
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
