//! Generalised keys: one field per quasi-identifier in a word of 32, 64 or 128 bits.

use std::hash::Hash;

/// A word with fields.
pub(super) trait Key: Copy + Eq + Default + Hash {
    /// Its width.
    const BITS: u32;
    /// A word with one field.
    fn of(code: u32, shift: u32) -> Self;
    /// One field; `mask` is that of the field moved to bit 0.
    fn get(self, shift: u32, mask: u32) -> u32;
    /// Without the bits of `mask`.
    fn without(self, mask: Self) -> Self;
    /// Both words' bits.
    fn join(self, other: Self) -> Self;
    /// Mixed, good in its high bits.
    fn mix(self) -> u64;
}

/// Odd, from the golden ratio (Fibonacci hashing, Knuth volume 3, section 6.4).
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

impl Key for u32 {
    const BITS: Self = 32;
    fn of(code: u32, shift: u32) -> Self {
        code << shift
    }
    fn get(self, shift: u32, mask: u32) -> u32 {
        self >> shift & mask
    }
    fn without(self, mask: Self) -> Self {
        self & !mask
    }
    fn join(self, other: Self) -> Self {
        self | other
    }
    fn mix(self) -> u64 {
        u64::from(self).wrapping_mul(MIX)
    }
}

impl Key for u64 {
    const BITS: u32 = 64;
    fn of(code: u32, shift: u32) -> Self {
        Self::from(code) << shift
    }
    fn get(self, shift: u32, mask: u32) -> u32 {
        (self >> shift) as u32 & mask
    }
    fn without(self, mask: Self) -> Self {
        self & !mask
    }
    fn join(self, other: Self) -> Self {
        self | other
    }
    fn mix(self) -> u64 {
        let mixed = self.wrapping_mul(MIX);
        (mixed ^ (mixed >> 32)).wrapping_mul(MIX)
    }
}

impl Key for u128 {
    const BITS: u32 = 128;
    fn of(code: u32, shift: u32) -> Self {
        Self::from(code) << shift
    }
    fn get(self, shift: u32, mask: u32) -> u32 {
        (self >> shift) as u32 & mask
    }
    fn without(self, mask: Self) -> Self {
        self & !mask
    }
    fn join(self, other: Self) -> Self {
        self | other
    }
    fn mix(self) -> u64 {
        ((self as u64).wrapping_mul(MIX) ^ (self >> 64) as u64).mix()
    }
}
