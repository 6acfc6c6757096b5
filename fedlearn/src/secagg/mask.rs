//! Masks: AES-256 in counter mode from a 256-bit seed, added to or taken from a packed vector.
//!
//! AES-256 because one job makes many keys: with AES-128 an attacker who tries keys against all masks of a long job at once
//! would gain their number. The key is used for one vector and the counter starts at 0.

use rayon::prelude::*;
use yu_mpc::prg::Keystream;
use zeroize::Zeroizing;

use super::layout::{self, Layout};

/// Whether a mask is added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// The keystream of one seed; round keys are wiped on drop.
pub(super) struct Mask {
    stream: Keystream,
    sign: Sign,
}

impl Mask {
    pub(super) fn new(sign: Sign, seed: &[u8; 32]) -> Self {
        Self { stream: Keystream::new(seed), sign }
    }

    /// Applies the mask to words that begin at word `first` of the vector, a whole number of blocks.
    fn apply(&self, layout: Layout, first: usize, words: &mut [u64], scratch: &mut [u64]) {
        let Some(scratch) = scratch.get_mut(..words.len()) else { return };
        self.stream.fill(first as u64 / 2, scratch);
        for (block, stream) in words.chunks_mut(layout.block()).zip(scratch.chunks(layout.block())) {
            match self.sign {
                Sign::Plus => block_with(block, stream, u64::carrying_add),
                Sign::Minus => block_with(block, stream, u64::borrowing_sub),
            }
        }
    }
}

/// Words of a block with the stream, carry from word to word; eight at a time keep the carry in the CPU's flag.
#[inline]
fn block_with(words: &mut [u64], stream: &[u64], step: impl Fn(u64, u64, bool) -> (u64, bool)) {
    let mut carry = false;
    let (eights, rest) = words.as_chunks_mut::<8>();
    let (whole, last) = stream.as_chunks::<8>();
    for (eight, random) in eights.iter_mut().zip(whole) {
        for (word, random) in eight.iter_mut().zip(random) {
            (*word, carry) = step(*word, *random, carry);
        }
    }
    for (word, random) in rest.iter_mut().zip(last) {
        (*word, carry) = step(*word, *random, carry);
    }
}

fn scratch(layout: Layout) -> Zeroizing<Vec<u64>> {
    Zeroizing::new(vec![0; layout.tile().min(layout.words())])
}

/// Applies masks to a packed vector.
pub(super) fn apply(layout: Layout, words: &mut [u64], masks: &[Mask]) {
    words.par_chunks_mut(layout.tile()).enumerate().for_each_init(
        || scratch(layout),
        |scratch, (number, tile)| {
            for mask in masks {
                mask.apply(layout, number * layout.tile(), tile, scratch);
            }
        },
    );
}

/// Packs weights and applies masks, tile by tile.
pub(super) fn pack(layout: Layout, weights: &[u32], masks: &[Mask]) -> Vec<u64> {
    let mut words = vec![0; layout.words()];
    words.par_chunks_mut(layout.tile()).zip(weights.par_chunks(Layout::tile_weights())).enumerate().for_each_init(
        || scratch(layout),
        |scratch, (number, (tile, weights))| {
            layout.pack(weights, tile);
            for mask in masks {
                mask.apply(layout, number * layout.tile(), tile, scratch);
            }
        },
    );
    words
}

/// Adds a packed vector to another of the same layout.
pub(super) fn add(layout: Layout, sum: &mut [u64], other: &[u64]) {
    let tile = layout.tile();
    sum.par_chunks_mut(tile).zip(other.par_chunks(tile)).for_each(|(sum, other)| {
        for (sum, other) in sum.chunks_mut(layout.block()).zip(other.chunks(layout.block())) {
            layout::add(sum, other.iter().copied());
        }
    });
}

/// Exclusive or of a short message with the keystream of a key that is used once.
pub(super) fn xor(key: &[u8; 32], message: &mut [u8]) {
    let mut stream = Zeroizing::new(vec![0; message.len().div_ceil(8)]);
    Keystream::new(key).fill(0, &mut stream);
    for (bytes, random) in message.chunks_mut(8).zip(stream.iter()) {
        for (byte, random) in bytes.iter_mut().zip(random.to_le_bytes()) {
            *byte ^= random;
        }
    }
}

#[cfg(test)]
mod tests {
    use aes::Aes256;
    use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn halves(block: &[u8; 16]) -> [u64; 2] {
        let whole = u128::from_le_bytes(*block);
        [whole as u64, (whole >> 64) as u64]
    }

    fn stream(seed: &[u8; 32], words: usize) -> Vec<u64> {
        let cipher = Aes256::new(&Array::from(*seed));
        let mut out = Vec::new();
        for index in 0..words.div_ceil(2) as u128 {
            let mut block = Array::from(index.to_le_bytes());
            cipher.encrypt_block(&mut block);
            out.extend(halves(&block.0));
        }
        out.truncate(words);
        out
    }

    /// FIPS 197, appendix C.3.
    #[test]
    fn aes_matches_fips_197() {
        let mut block = Array::from(std::array::from_fn(|at| 17 * at as u8));
        Aes256::new(&Array::from(std::array::from_fn(|at| at as u8))).encrypt_block(&mut block);
        assert_eq!(hex::encode(block), "8ea2b7ca516745bfeafc49904b496089");
    }

    /// Long addition, one word after the other, against the tiled one; every remainder of words by 8, lengths around blocks and
    /// tiles. No word is left without a mask.
    #[test]
    fn masks_are_added_as_long_integers_per_block() {
        for len in (1..60).chain([511, 512, 513, 700, 1024]).chain(4090..4140).chain([9000]) {
            let layout = Layout::new(10, len, 16);
            let start = stream(&[9; 32], layout.words());
            let mask = stream(&[5; 32], layout.words());
            let mut words = start.clone();
            apply(layout, &mut words, &[Mask::new(Sign::Plus, &[5; 32])]);
            let mut expected = Vec::new();
            for (block, mask) in start.chunks(layout.block()).zip(mask.chunks(layout.block())) {
                let mut carry = 0;
                for (word, mask) in block.iter().zip(mask) {
                    let sum = u128::from(*word) + u128::from(*mask) + carry;
                    expected.push(sum as u64);
                    carry = sum >> 64;
                }
            }
            assert_eq!(words, expected, "{len}");
            assert!(words.iter().zip(&start).all(|(masked, word)| masked != word), "{len}");
            let mut other = start.clone();
            add(layout, &mut other, &mask);
            assert_eq!(words, other, "{len}");
            apply(layout, &mut words, &[Mask::new(Sign::Minus, &[5; 32])]);
            assert_eq!(words, start, "{len}");
        }
    }

    /// A generator that folds its seed to 32 bits, as others have, fails this.
    #[test]
    fn every_bit_of_the_seed_matters() {
        let mut seen = std::collections::HashSet::new();
        let mut seed = [0; 32];
        seen.insert(stream(&seed, 4));
        for bit in 0..256 {
            seed[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(stream(&seed, 4)), "bit {bit}");
            for other in bit + 1..256 {
                seed[other / 8] ^= 1 << (other % 8);
                assert!(seen.insert(stream(&seed, 4)), "bits {bit} and {other}");
                seed[other / 8] ^= 1 << (other % 8);
            }
            seed[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// With masks that are uniform in the group: whatever inputs have the same sum, there are exactly as many choices of masks
    /// that show the server the same vectors. Proof by construction: differences are moved along a chain of pairs.
    #[test]
    fn any_inputs_with_the_same_sum_could_have_been_sent() {
        let (n, len) = (5, 700);
        let layout = Layout::new(n, len, 16);
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut group = || -> Vec<u64> { (0..layout.words()).map(|_| rng.next_u64()).collect() };
        let own: Vec<_> = (0..n).map(|_| group()).collect();
        let pairs: Vec<Vec<_>> = (0..n).map(|_| (0..n).map(|_| group()).collect()).collect();
        let real: Vec<Vec<u32>> = (0..n).map(|party| (0..len).map(|at| (7 * party * at % 50_000) as u32).collect()).collect();
        let mut other = real.clone();
        for at in 0..len {
            // the same sum, in other hands
            let total: u32 = real.iter().map(|input| input[at]).sum();
            for (party, input) in other.iter_mut().enumerate() {
                input[at] = total / n as u32 + u32::from((party as u32) < total % n as u32);
            }
        }
        assert_ne!(real, other);
        let sent = |inputs: &[Vec<u32>], pairs: &[Vec<Vec<u64>>]| -> Vec<Vec<u64>> {
            let masked = |party: usize| {
                let mut words = pack(layout, &inputs[party], &[]);
                add(layout, &mut words, &own[party]);
                for (peer, row) in pairs.iter().enumerate() {
                    if peer > party {
                        add(layout, &mut words, &pairs[party][peer]);
                    } else if peer < party {
                        add(layout, &mut words, &negative(layout, &row[party]));
                    }
                }
                words
            };
            (0..n).map(masked).collect()
        };
        let mut moved = pairs.clone();
        let mut shift = vec![0; layout.words()];
        for party in 0..n - 1 {
            add(layout, &mut shift, &pack(layout, &real[party], &[]));
            add(layout, &mut shift, &negative(layout, &pack(layout, &other[party], &[])));
            add(layout, &mut moved[party][party + 1], &shift);
        }
        assert_eq!(sent(&real, &pairs), sent(&other, &moved));
    }

    fn negative(layout: Layout, words: &[u64]) -> Vec<u64> {
        let mut out = Vec::new();
        for block in words.chunks(layout.block()) {
            let mut carry = true;
            for word in block {
                let (word, next) = (!word).carrying_add(0, carry);
                out.push(word);
                carry = next;
            }
        }
        out
    }
}
