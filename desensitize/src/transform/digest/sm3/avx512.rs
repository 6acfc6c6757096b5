//! Sixteen messages to a vector: AVX-512 F, with its rotations and its functions of three inputs.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_extracti64x4_epi64,
    _mm512_inserti64x4, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

use super::avx2;
use super::{WIDTH, rounds};

type Vector = __m512i;

/// HMAC of sixteen messages of at most 55 bytes.
#[target_feature(enable = "avx512f,avx2")]
pub(super) fn codes(inner: &[u32; 8], outer: &[u32; 8], messages: &[&[u8]; WIDTH], codes: &mut [[u8; 32]; WIDTH]) {
    let mut w = [_mm512_setzero_si512(); 16];
    let ([first, second], _) = messages.as_chunks::<8>() else {
        return;
    };
    let (first, second) = (avx2::words(first), avx2::words(second));
    for (slot, (x, y)) in w.iter_mut().zip(first.iter().zip(&second)) {
        *slot = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(*x), *y);
    }
    let mut state = splats(inner);
    rounds!(state, w);
    // the second block holds the first digest, the end mark and the length
    w[..8].copy_from_slice(&state);
    w[8] = splat(0x8000_0000);
    w[9..15].fill(_mm512_setzero_si512());
    w[15] = splat(96 * 8);
    state = splats(outer);
    rounds!(state, w);
    let rows = avx2::transpose(state.map(|word| _mm512_castsi512_si256(word)));
    let more = avx2::transpose(state.map(|word| _mm512_extracti64x4_epi64::<1>(word)));
    for (code, row) in codes.iter_mut().zip(rows.into_iter().chain(more)) {
        let row = avx2::swap(row);
        // SAFETY: a code is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(code.as_mut_ptr().cast(), row) };
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splats(words: &[u32; 8]) -> [Vector; 8] {
    let mut vectors = [_mm512_setzero_si512(); 8];
    for (vector, word) in vectors.iter_mut().zip(words) {
        *vector = splat(*word);
    }
    vectors
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> Vector {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: Vector, y: Vector) -> Vector {
    _mm512_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(x: Vector, y: Vector) -> Vector {
    _mm512_xor_si512(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(x: Vector, y: Vector, z: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0x96>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(x: Vector, y: Vector, z: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0xe8>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn choose(x: Vector, y: Vector, z: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0xca>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn p0(x: Vector) -> Vector {
    xor3(x, rol::<9>(x), rol::<17>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn p1(x: Vector) -> Vector {
    xor3(x, rol::<15>(x), rol::<23>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn rol<const N: i32>(x: Vector) -> Vector {
    _mm512_rol_epi32::<N>(x)
}
