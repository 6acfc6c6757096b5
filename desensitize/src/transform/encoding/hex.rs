//! Sixteen bytes as 32 hexadecimal digits. No table in memory, so no access that depends on a byte.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm_loadu_si128, _mm256_and_si256, _mm256_cvtepu8_epi16, _mm256_or_si256, _mm256_set1_epi16, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256,
};

/// Writes the digits of each group in lower case, the high half of each byte first.
#[inline]
pub(super) fn digits(groups: &[[u8; 16]], out: &mut [[u8; 32]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        unsafe { avx2(groups, out) };
        return;
    }
    portable(groups, out);
}

/// Both halves of all bytes before the digits are put in order: in this form the compiler uses vectors.
fn portable(groups: &[[u8; 16]], out: &mut [[u8; 32]]) {
    let digit = |half: u8| half + b'0' + if half > 9 { 39 } else { 0 };
    for (bytes, digits) in groups.iter().zip(out) {
        let (high, low) = (bytes.map(|byte| digit(byte >> 4)), bytes.map(|byte| digit(byte & 15)));
        for (pair, digits) in digits.as_chunks_mut::<2>().0.iter_mut().zip(high.into_iter().zip(low)) {
            *pair = [digits.0, digits.1];
        }
    }
}

/// Each byte is widened to two, its halves move apart, and all digits are looked up within the register.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(groups: &[[u8; 16]], out: &mut [[u8; 32]]) {
    let digits = _mm256_setr_epi8(
        48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101,
        102,
    );
    for (bytes, slot) in groups.iter().zip(out) {
        // SAFETY: 16 readable bytes; the load has no alignment requirement.
        let wide = _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) });
        let halves =
            _mm256_or_si256(_mm256_srli_epi16::<4>(wide), _mm256_and_si256(_mm256_slli_epi16::<8>(wide), _mm256_set1_epi16(0x0f00)));
        // SAFETY: 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(slot.as_mut_ptr().cast(), _mm256_shuffle_epi8(digits, halves)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree_on_every_byte_in_every_place() {
        for first in 0..=255u8 {
            let bytes: [[u8; 16]; 3] =
                std::array::from_fn(|group| std::array::from_fn(|place| first.wrapping_add((16 * group + place) as u8)));
            let (mut vectors, mut portable) = ([[0; 32]; 3], [[0; 32]; 3]);
            digits(&bytes, &mut vectors);
            super::portable(&bytes, &mut portable);
            assert_eq!(vectors, portable);
            assert_eq!(portable.as_flattened(), ::hex::encode(bytes.as_flattened()).as_bytes());
        }
    }
}
