//! AES-256 in counter mode from a key that is used once, for what needs 256 bits: masks of secure aggregation.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

use super::vaes::{Mode, ROUND_KEYS, Schedule};

/// Blocks encrypted at once by the portable twin.
const BATCH: usize = 64;

/// The keystream of one key: block `j` is the key's encryption of `j`, little endian. Round keys are wiped on drop.
pub struct Keystream {
    portable: Aes256,
    /// The same key where the CPU has VAES.
    wide: Option<Schedule<{ ROUND_KEYS[1] }>>,
}

impl Keystream {
    /// Of a key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { portable: Aes256::new(&Array::from(*key)), wide: Schedule::new(key) }
    }

    /// Overwrites `out` with the stream from block `first` on; a block is two elements.
    ///
    /// # Panics
    /// Beyond block 2^64, which no vector reaches.
    pub fn fill(&self, first: u64, out: &mut [u64]) {
        let done = self.wide.as_ref().map_or(0, |wide| wide.apply(Mode::Overwrite, 0, first, out));
        let mut blocks = [Array::from([0_u8; 16]); BATCH];
        let mut next = first.checked_add(done as u64 / 2).expect("a stream is shorter than 2^64 blocks");
        for part in out[done..].chunks_mut(2 * BATCH) {
            let used = &mut blocks[..part.len().div_ceil(2)];
            let end = next.checked_add(used.len() as u64).expect("a stream is shorter than 2^64 blocks");
            for (block, index) in used.iter_mut().zip(next..end) {
                *block = Array::from(u128::from(index).to_le_bytes());
            }
            next = end;
            self.portable.encrypt_blocks(used);
            for (pair, block) in part.chunks_mut(2).zip(used.iter()) {
                let (low, high) = super::halves(&block.0);
                pair[0] = low;
                if let Some(second) = pair.get_mut(1) {
                    *second = high;
                }
            }
        }
        blocks.iter_mut().for_each(|block| block.0.zeroize());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.3: the encryption of a block; here of the block that is a counter.
    #[test]
    fn every_width_gives_the_blocks_of_aes_256() {
        let key: [u8; 32] = std::array::from_fn(|at| at as u8);
        let aes = Aes256::new(&Array::from(key));
        let mut known = Array::from(std::array::from_fn(|at| 17 * at as u8));
        aes.encrypt_block(&mut known);
        assert_eq!(hex::encode(known), "8ea2b7ca516745bfeafc49904b496089");
        let mut all: Vec<Option<Schedule<{ ROUND_KEYS[1] }>>> = Schedule::all(&key).into_iter().map(Some).collect();
        all.push(None);
        for (width, wide) in all.into_iter().enumerate() {
            let stream = Keystream { portable: Aes256::new(&Array::from(key)), wide };
            for (first, len) in [(0_u64, 1), (0, 2), (0, 63), (3, 64), (5, 65), (7, 1000), (u64::from(u32::MAX) - 9, 257)] {
                let mut out = vec![0; len];
                stream.fill(first, &mut out);
                for (at, value) in out.iter().enumerate() {
                    let mut block = Array::from((u128::from(first) + at as u128 / 2).to_le_bytes());
                    aes.encrypt_block(&mut block);
                    let (low, high) = crate::prg::halves(&block.0);
                    assert_eq!(*value, if at % 2 == 0 { low } else { high }, "width {width}, from {first}, {at}");
                }
            }
        }
    }
}
