//! Numbers of fewer than 64 bits, one after the other from the lowest bit of the first word on.

/// Words that `count` numbers of `bits` bits take.
pub(super) const fn packed_words(count: usize, bits: u32) -> usize {
    (count * bits as usize).div_ceil(64)
}

pub(super) struct Packer {
    words: Vec<u64>,
    at: usize,
    bits: u32,
}

impl Packer {
    pub(super) fn new(count: usize, bits: u32) -> Self {
        Self { words: crate::memory::zeros(packed_words(count, bits)), at: 0, bits }
    }

    /// Appends a number below `2^bits`.
    #[inline]
    pub(super) fn push(&mut self, value: u64) {
        let (word, shift) = (self.at / 64, self.at % 64);
        self.words[word] |= value << shift;
        if shift + self.bits as usize > 64 {
            self.words[word + 1] |= value >> (64 - shift);
        }
        self.at += self.bits as usize;
    }

    pub(super) fn finish(self) -> Vec<u64> {
        self.words
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
        out.iter_mut().for_each(|slot| *slot = self.next());
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
        fn packing_round_trips(values in proptest::collection::vec(any::<u64>(), 0..200), bits in 1u32..64) {
            let values: Vec<u64> = values.iter().map(|value| value >> (64 - bits)).collect();
            let packed = pack(&values, bits);
            prop_assert_eq!(packed.len(), packed_words(values.len(), bits));
            let mut unpacker = Unpacker::new(&packed, bits);
            let unpacked: Vec<u64> = values.iter().map(|_| unpacker.next()).collect();
            prop_assert_eq!(unpacked, values);
        }
    }
}
