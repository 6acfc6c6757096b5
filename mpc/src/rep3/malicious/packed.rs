//! Numbers of fewer than 64 bits, one after the other from the lowest bit of the first word on.

mod narrow;

use crate::Result;
use crate::memory::{give, room};

/// Words that `count` numbers of `bits` bits take.
pub(super) const fn packed_words(count: usize, bits: u32) -> usize {
    (count * bits as usize).div_ceil(64)
}

/// Writes each word once and reads none: memory that was never touched costs a page fault more if it is read first.
pub(super) struct Packer {
    words: Vec<u64>,
    /// The lowest bits of the next word, and how many.
    buffer: u64,
    filled: u32,
    bits: u32,
}

impl Packer {
    pub(super) fn new(count: usize, bits: u32) -> Self {
        Self { words: room(packed_words(count, bits)), buffer: 0, filled: 0, bits }
    }

    /// Appends a number below `2^bits`.
    #[inline]
    pub(super) fn push(&mut self, value: u64) {
        self.buffer |= value << self.filled;
        self.filled += self.bits;
        if self.filled >= 64 {
            self.words.push(self.buffer);
            self.filled -= 64;
            // what did not fit; `bits` is below 64
            self.buffer = value >> (self.bits - self.filled);
        }
    }

    /// Appends numbers.
    pub(super) fn extend(&mut self, values: &[u64]) {
        let (values, rest) = match (self.bits, self.filled) {
            (32, 0) => {
                let (pairs, rest) = values.as_chunks::<2>();
                self.words.extend(pairs.iter().map(|pair| pair[0] | pair[1] << 32));
                (&[][..], rest)
            }
            (48, 0) => {
                let (fours, rest) = values.as_chunks::<4>();
                let begin = self.words.len();
                self.words.resize(begin + 3 * fours.len(), 0);
                narrow::pack(self.words[begin..].as_chunks_mut().0, fours);
                (&[][..], rest)
            }
            _ => (values, &[][..]),
        };
        values.iter().chain(rest).for_each(|value| self.push(*value));
    }

    /// Hands on whole blocks of `size` words.
    pub(super) fn flush(&mut self, size: usize, sink: &mut dyn FnMut(&[u64]) -> Result<()>) -> Result<()> {
        let whole = self.words.len() / size * size;
        self.words[..whole].chunks_exact(size).try_for_each(sink)?;
        self.words.drain(..whole);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Vec<u64> {
        if self.filled > 0 {
            self.words.push(self.buffer);
        }
        std::mem::take(&mut self.words)
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.words));
    }
}

/// All numbers packed.
pub(super) fn pack(values: &[u64], bits: u32) -> Vec<u64> {
    let mut packer = Packer::new(values.len(), bits);
    values.iter().for_each(|value| packer.push(*value));
    packer.finish()
}

pub(super) struct Unpacker<'a> {
    words: &'a [u64],
    at: usize,
    bits: u32,
}

impl<'a> Unpacker<'a> {
    pub(super) const fn new(words: &'a [u64], bits: u32) -> Self {
        Self { words, at: 0, bits }
    }

    /// The next numbers.
    pub(super) fn fill(&mut self, out: &mut [u64]) {
        let (begin, mut done) = (self.at / 64, 0);
        if self.at.is_multiple_of(64) && self.bits == 48 {
            let (fours, _) = out.as_chunks_mut::<4>();
            let threes = self.words[begin..].as_chunks::<3>().0;
            let count = fours.len().min(threes.len());
            narrow::unpack(&mut fours[..count], &threes[..count]);
            done = 4 * count;
        } else if self.at.is_multiple_of(64) && self.bits == 32 {
            let (pairs, _) = out.as_chunks_mut::<2>();
            for (out, word) in pairs.iter_mut().zip(&self.words[begin..]) {
                *out = [word & u64::from(u32::MAX), word >> 32];
                done += 2;
            }
        }
        self.at += done * self.bits as usize;
        out[done..].iter_mut().for_each(|slot| *slot = self.next());
    }

    /// The next number; there have to be enough words.
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        let (word, shift) = (self.at / 64, self.at % 64);
        let mut value = self.words[word] >> shift;
        if shift + self.bits as usize > 64 {
            value |= self.words[word + 1] << (64 - shift);
        }
        self.at += self.bits as usize;
        value & (u64::MAX >> (64 - self.bits))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_round_trips(values in proptest::collection::vec(any::<u64>(), 0..200), bits in prop_oneof![1u32..64, Just(32), Just(48)], step in 1usize..30) {
            let values: Vec<u64> = values.iter().map(|value| value >> (64 - bits)).collect();
            let packed = pack(&values, bits);
            prop_assert_eq!(packed.len(), packed_words(values.len(), bits));
            let mut unpacker = Unpacker::new(&packed, bits);
            let unpacked: Vec<u64> = values.iter().map(|_| unpacker.next()).collect();
            prop_assert_eq!(&unpacked, &values);
            // in pieces, some of which begin within a word
            let mut packer = Packer::new(values.len(), bits);
            values.chunks(step).for_each(|values| packer.extend(values));
            prop_assert_eq!(packer.finish(), packed.clone());
            let (mut unpacker, mut unpacked) = (Unpacker::new(&packed, bits), vec![0; values.len()]);
            unpacked.chunks_mut(step).for_each(|out| unpacker.fill(out));
            prop_assert_eq!(unpacked, values);
        }
    }
}
