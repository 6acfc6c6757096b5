//! Random words, fetched in batches and wiped after use.

use rand_chacha::rand_core::CryptoRng;
use zeroize::Zeroize;

const BATCH: usize = 128;

/// A cryptographic generator read in batches of 1 KiB. What is left in the batch is wiped on drop.
pub struct Bits<'a, R: CryptoRng + ?Sized> {
    rng: &'a mut R,
    words: [u64; BATCH],
    next: usize,
    pool: u64,
    left: u32,
}

impl<'a, R: CryptoRng + ?Sized> Bits<'a, R> {
    /// Reads from `rng` when needed.
    pub fn new(rng: &'a mut R) -> Self {
        Self { rng, words: [0; BATCH], next: BATCH, pool: 0, left: 0 }
    }

    /// 64 uniform bits.
    #[inline]
    pub fn word(&mut self) -> u64 {
        if let Some(word) = self.words.get(self.next) {
            self.next += 1;
            return *word;
        }
        self.refill()
    }

    /// One uniform bit.
    #[inline]
    pub fn bit(&mut self) -> bool {
        if self.left == 0 {
            self.pool = self.word();
            self.left = 64;
        }
        self.left -= 1;
        let bit = self.pool & 1 == 1;
        self.pool >>= 1;
        bit
    }

    /// Uniform below `bound`, exactly (Lemire 2019: the low half of a product is rejected where it would be uneven).
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.word()) * u128::from(bound);
            let low = product as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound.max(1) {
                return (product >> 64) as u64;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> u64 {
        let mut bytes = [0u8; 8 * BATCH];
        self.rng.fill_bytes(&mut bytes);
        for (word, chunk) in self.words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        bytes.zeroize();
        self.next = 1;
        self.words[0]
    }
}

impl<R: CryptoRng + ?Sized> Drop for Bits<'_, R> {
    fn drop(&mut self) {
        self.words.zeroize();
        self.pool.zeroize();
    }
}
