//! Eight messages to a vector: AVX2.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_loadu_si256, _mm256_maskload_epi32,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set_epi8, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::rounds;

type Vector = __m256i;

/// HMAC of eight messages of at most 55 bytes.
#[target_feature(enable = "avx2")]
pub(super) fn codes(inner: &[u32; 8], outer: &[u32; 8], messages: &[&[u8]; 8], codes: &mut [[u8; 32]; 8]) {
    let mut w = words(messages);
    let mut state = splats(inner);
    compress(&mut state, &mut w);
    // the second block holds the first digest, the end mark and the length
    w[..8].copy_from_slice(&state);
    w[8] = splat(0x8000_0000);
    w[9..15].fill(_mm256_setzero_si256());
    w[15] = splat(96 * 8);
    state = splats(outer);
    compress(&mut state, &mut w);
    for (code, row) in codes.iter_mut().zip(transpose(state)) {
        let row = swap(row);
        // SAFETY: a code is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(code.as_mut_ptr().cast(), row) };
    }
}

/// The compression function. One copy: two in line would share loads of constants by way of the stack.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn compress(state: &mut [Vector; 8], w: &mut [Vector; 16]) {
    let mut after = *state;
    rounds!(after, w);
    *state = after;
}

/// The sixteen words of eight blocks, each vector holding one word of all: message, end mark, length in bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn words(messages: &[&[u8]; 8]) -> [Vector; 16] {
    let zero = _mm256_setzero_si256();
    let (mut w, mut rows, mut bits) = ([zero; 16], [zero; 8], [0; 8]);
    let mut is_short = true;
    for ((message, row), bits) in messages.iter().zip(&mut rows).zip(&mut bits) {
        *row = half(message);
        *bits = super::bits(message);
        is_short &= message.len() < 32;
    }
    w[..8].copy_from_slice(&transpose(rows));
    if !is_short {
        for (message, row) in messages.iter().zip(&mut rows) {
            *row = message.get(32..).map_or(zero, |rest| half(rest));
        }
        w[8..].copy_from_slice(&transpose(rows));
    }
    // SAFETY: eight words are 32 readable bytes; the load has no alignment requirement.
    w[15] = unsafe { _mm256_loadu_si256(bits.as_ptr().cast()) };
    w
}

/// Eight words of a message: its first 32 bytes, or all of it with the end mark behind.
#[inline]
#[target_feature(enable = "avx2")]
fn half(message: &[u8]) -> Vector {
    if let Some(whole) = message.first_chunk::<32>() {
        // SAFETY: 32 readable bytes; the load has no alignment requirement.
        return swap(unsafe { _mm256_loadu_si256(whole.as_ptr().cast()) });
    }
    let (words, rest) = message.as_chunks::<4>();
    // up to three bytes and the mark: the last bytes of the message if it has as many as a word, which takes no branch on how many
    let shift = 8 * rest.len() as u32;
    let last = match message.last_chunk::<4>() {
        Some(last) => (u64::from(u32::from_le_bytes(*last)) << shift >> 32) as u32,
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)),
    };
    let end = splat(last | 0x80 << shift);
    let place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let count = splat(words.len() as u32);
    // SAFETY: only words whose number is below that of the message's whole words are read; the others are not touched.
    let whole = unsafe { _mm256_maskload_epi32(message.as_ptr().cast(), _mm256_cmpgt_epi32(count, place)) };
    swap(_mm256_or_si256(whole, _mm256_and_si256(_mm256_cmpeq_epi32(count, place), end)))
}

/// Turns the bytes of each 32-bit word around.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn swap(x: Vector) -> Vector {
    let order = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    _mm256_shuffle_epi8(x, order)
}

/// Rows become columns.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn transpose(rows: [Vector; 8]) -> [Vector; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let four = |a, b, c, d| {
        let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(ab, cd),
            _mm256_unpackhi_epi64(ab, cd),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    };
    let ([p0, p1, p2, p3], [q0, q1, q2, q3]) = (four(r0, r1, r2, r3), four(r4, r5, r6, r7));
    let low = |p, q| _mm256_permute2x128_si256::<0x20>(p, q);
    let high = |p, q| _mm256_permute2x128_si256::<0x31>(p, q);
    [low(p0, q0), low(p1, q1), low(p2, q2), low(p3, q3), high(p0, q0), high(p1, q1), high(p2, q2), high(p3, q3)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn splats(words: &[u32; 8]) -> [Vector; 8] {
    let mut vectors = [_mm256_setzero_si256(); 8];
    for (vector, word) in vectors.iter_mut().zip(words) {
        *vector = splat(*word);
    }
    vectors
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> Vector {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(x: Vector, y: Vector) -> Vector {
    _mm256_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(x: Vector, y: Vector) -> Vector {
    _mm256_xor_si256(x, y)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(x: Vector, y: Vector, z: Vector) -> Vector {
    xor(xor(x, y), z)
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(x: Vector, y: Vector, z: Vector) -> Vector {
    _mm256_or_si256(_mm256_and_si256(x, y), _mm256_and_si256(z, _mm256_or_si256(x, y)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(x: Vector, y: Vector, z: Vector) -> Vector {
    xor(z, _mm256_and_si256(x, xor(y, z)))
}

/// `x ^ (x <<< 9) ^ (x <<< 17)`: a rotation by 8 moves whole bytes, so one of the two that take three instructions is saved.
#[inline]
#[target_feature(enable = "avx2")]
fn p0(x: Vector) -> Vector {
    xor(x, rol::<9>(xor(x, rol_byte(x))))
}

/// `x ^ (x <<< 15) ^ (x <<< 23)`, likewise.
#[inline]
#[target_feature(enable = "avx2")]
fn p1(x: Vector) -> Vector {
    xor(x, rol::<15>(xor(x, rol_byte(x))))
}

/// A rotation by 8 bits to the left.
#[inline]
#[target_feature(enable = "avx2")]
fn rol_byte(x: Vector) -> Vector {
    let order = _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3, 14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
    _mm256_shuffle_epi8(x, order)
}

/// A rotation by `N` bits to the left, of which the instruction set has only the two shifts.
#[inline]
#[target_feature(enable = "avx2")]
fn rol<const N: i32>(x: Vector) -> Vector {
    let right = match N {
        7 => _mm256_srli_epi32::<25>(x),
        9 => _mm256_srli_epi32::<23>(x),
        12 => _mm256_srli_epi32::<20>(x),
        15 => _mm256_srli_epi32::<17>(x),
        _ => {
            const { assert!(matches!(N, 7 | 9 | 12 | 15 | 19), "a distance that is used") };
            _mm256_srli_epi32::<13>(x)
        }
    };
    _mm256_or_si256(_mm256_slli_epi32::<N>(x), right)
}
