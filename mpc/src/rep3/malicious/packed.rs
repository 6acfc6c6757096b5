//! Numbers of fewer than 64 bits: 256 of them in a block of four columns of words, number `i` in column `i mod 4`, each column filled from the lowest
//! bit of its first word on; what is left in the end one after the other.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

use crate::Result;
use crate::engine::wipe;
use crate::memory::{give, room};
use crate::rep3::kernel::{Level, levels};

/// Columns of a block: a vector.
const COLUMNS: usize = 4;

/// Numbers of a block: its columns have whole words, however many bits a number has.
const BLOCK: usize = 64 * COLUMNS;

/// Words that `count` numbers of `bits` bits take.
pub(super) const fn packed_words(count: usize, bits: u32) -> usize {
    (count * bits as usize).div_ceil(64)
}

levels! {
    /// A block of numbers below `2^bits`; `out` has `4 bits` words.
    fn pack_block(out: &mut [u64], values: &[u64; BLOCK], bits: u32) {
        let mut rows = out.as_chunks_mut::<COLUMNS>().0.iter_mut();
        let (mut words, mut filled) = ([0u64; COLUMNS], 0u32);
        for values in values.as_chunks::<COLUMNS>().0 {
            for (word, value) in words.iter_mut().zip(values) {
                *word |= value << filled;
            }
            filled = filled.wrapping_add(bits);
            if filled >= 64 {
                if let Some(row) = rows.next() {
                    *row = words;
                }
                filled = filled.wrapping_sub(64);
                // what did not fit; `bits` is below 64
                let done = bits.wrapping_sub(filled);
                for (word, value) in words.iter_mut().zip(values) {
                    *word = value >> done;
                }
            }
        }
    }
}

levels! {
    /// The reverse.
    fn unpack_block(out: &mut [u64; BLOCK], packed: &[u64], bits: u32) {
        let mask = u64::MAX >> (64u32.wrapping_sub(bits));
        let mut rows = packed.as_chunks::<COLUMNS>().0.iter();
        let (mut words, mut at) = (rows.next().copied().unwrap_or_default(), 0u32);
        for values in out.as_chunks_mut::<COLUMNS>().0 {
            for (value, word) in values.iter_mut().zip(&words) {
                *value = word >> at;
            }
            at = at.wrapping_add(bits);
            if at >= 64 {
                words = rows.next().copied().unwrap_or_default();
                at = at.wrapping_sub(64);
                // nothing of the next words if these ended with a number: what comes in then is masked
                let taken = bits.wrapping_sub(at);
                for (value, word) in values.iter_mut().zip(&words) {
                    *value |= word << taken;
                }
            }
            values.iter_mut().for_each(|value| *value &= mask);
        }
    }
}

/// Writes each word once and reads none: memory that was never touched costs a page fault more if it is read first.
pub(super) struct Packer {
    words: Vec<u64>,
    /// Numbers of the next block, and how many.
    next: [u64; BLOCK],
    filled: usize,
    bits: u32,
}

impl Packer {
    pub(super) fn new(count: usize, bits: u32) -> Self {
        Self { words: room(packed_words(count, bits)), next: [0; BLOCK], filled: 0, bits }
    }

    fn block(words: &mut Vec<u64>, values: &[u64; BLOCK], bits: u32) {
        let begin = words.len();
        words.resize(begin + packed_words(BLOCK, bits), 0);
        pack_block(&mut words[begin..], values, bits);
    }

    /// Appends a number below `2^bits`.
    #[inline]
    pub(super) fn push(&mut self, value: u64) {
        self.next[self.filled] = value;
        self.filled += 1;
        if self.filled == BLOCK {
            Self::block(&mut self.words, &self.next, self.bits);
            self.filled = 0;
        }
    }

    /// Appends numbers.
    pub(super) fn extend(&mut self, values: &[u64]) {
        let (blocks, rest) = if self.filled == 0 { values.as_chunks() } else { (&[][..], values) };
        blocks.iter().for_each(|block| Self::block(&mut self.words, block, self.bits));
        rest.iter().for_each(|value| self.push(*value));
    }

    /// Hands on whole pieces of `size` words.
    pub(super) fn flush(&mut self, size: usize, sink: &mut dyn FnMut(&[u64]) -> Result<()>) -> Result<()> {
        let whole = self.words.len() / size * size;
        self.words[..whole].chunks_exact(size).try_for_each(sink)?;
        self.words.drain(..whole);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Vec<u64> {
        let (mut buffer, mut filled) = (0, 0);
        for value in &self.next[..self.filled] {
            buffer |= value << filled;
            filled += self.bits;
            if filled >= 64 {
                self.words.push(buffer);
                filled -= 64;
                // as in a block
                buffer = value >> (self.bits - filled);
            }
        }
        if filled > 0 {
            self.words.push(buffer);
        }
        std::mem::take(&mut self.words)
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        wipe(&mut self.next);
        give(std::mem::take(&mut self.words));
    }
}

/// All numbers packed.
pub(super) fn pack(values: &[u64], bits: u32) -> Vec<u64> {
    let mut packer = Packer::new(values.len(), bits);
    packer.extend(values);
    packer.finish()
}

/// The numbers in order.
pub(super) struct Unpacker<'a> {
    /// From the next block on, and how many whole blocks these are.
    words: &'a [u64],
    blocks: usize,
    /// The block at hand from number `at` on.
    block: [u64; BLOCK],
    at: usize,
    bits: u32,
}

impl<'a> Unpacker<'a> {
    /// All `count` numbers of `bits` bits.
    pub(super) const fn new(words: &'a [u64], count: usize, bits: u32) -> Self {
        Self { words, blocks: count / BLOCK, block: [0; BLOCK], at: BLOCK, bits }
    }

    /// The next numbers.
    pub(super) fn fill(&mut self, out: &mut [u64]) {
        let (now, out) = out.split_at_mut(out.len().min(BLOCK - self.at));
        now.copy_from_slice(&self.block[self.at..self.at + now.len()]);
        self.at += now.len();
        let (blocks, rest) = out.as_chunks_mut();
        blocks.iter_mut().for_each(|block| self.block(block));
        rest.iter_mut().for_each(|slot| *slot = self.next());
    }

    /// The next block, or what is left.
    fn block(&mut self, out: &mut [u64; BLOCK]) {
        let size = packed_words(BLOCK, self.bits);
        if self.blocks > 0
            && let Some((block, rest)) = self.words.split_at_checked(size)
        {
            unpack_block(out, block, self.bits);
            (self.words, self.blocks) = (rest, self.blocks - 1);
            return;
        }
        let (bits, mask) = (self.bits as usize, u64::MAX >> (64 - self.bits));
        for (number, slot) in out.iter_mut().enumerate() {
            let (word, shift) = (number * bits / 64, number * bits % 64);
            let low = self.words.get(word).map_or(0, |word| word >> shift);
            let high = if shift + bits > 64 { self.words.get(word + 1).map_or(0, |word| word << (64 - shift)) } else { 0 };
            *slot = (low | high) & mask;
        }
        self.words = &[];
    }

    /// The next number.
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        if self.at == BLOCK {
            let mut block = self.block;
            self.block(&mut block);
            (self.block, self.at) = (block, 0);
        }
        self.at += 1;
        self.block[self.at - 1]
    }
}

impl Drop for Unpacker<'_> {
    fn drop(&mut self) {
        wipe(&mut self.block);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_round_trips(values in proptest::collection::vec(any::<u64>(), 0..1000), bits in prop_oneof![1u32..64, Just(26), Just(32), Just(42)], step in prop_oneof![1usize..30, 200usize..600]) {
            let values: Vec<u64> = values.iter().map(|value| value >> (64 - bits)).collect();
            let packed = pack(&values, bits);
            prop_assert_eq!(packed.len(), packed_words(values.len(), bits));
            let mut unpacker = Unpacker::new(&packed, values.len(), bits);
            let unpacked: Vec<u64> = values.iter().map(|_| unpacker.next()).collect();
            prop_assert_eq!(&unpacked, &values);
            // in pieces, some of which begin within a word
            let mut packer = Packer::new(values.len(), bits);
            values.chunks(step).for_each(|values| packer.extend(values));
            prop_assert_eq!(packer.finish(), packed.clone());
            let (mut unpacker, mut unpacked) = (Unpacker::new(&packed, values.len(), bits), vec![0; values.len()]);
            unpacked.chunks_mut(step).for_each(|out| unpacker.fill(out));
            prop_assert_eq!(unpacked, values);
        }

        #[test]
        fn kernel_twins_of_blocks_agree(seed in any::<[u64; 4]>(), bits in 1u32..64) {
            let values: [u64; BLOCK] = std::array::from_fn(|at| seed[at % 4].rotate_left(at as u32).wrapping_mul(seed[0] | 1) >> (64 - bits));
            for level in Level::all() {
                let (mut packed, mut back) = (vec![7; 4 * bits as usize], [1; BLOCK]);
                pack_block::at(level, &mut packed, &values, bits);
                for (at, value) in values.iter().enumerate() {
                    let bit = |bit: usize| packed[bit / 64 * COLUMNS + at % COLUMNS] >> (bit % 64) & 1;
                    prop_assert!((0..bits as usize).all(|b| bit(at / COLUMNS * bits as usize + b) == value >> b & 1));
                }
                unpack_block::at(level, &mut back, &packed, bits);
                prop_assert_eq!(back, values);
            }
        }
    }
}
