//! Four blocks to a register: VAES and AVX-512 F.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_aesenc_epi128, _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_set_epi64, _mm512_storeu_si512, _mm512_sub_epi64, _mm512_xor_si512,
};

use super::x86::{Keys, load_block};

/// Registers in flight.
const FLIGHT: usize = 8;
/// Elements of a register.
const LANES: usize = 8;
/// Elements of one step.
pub(super) const STEP: usize = FLIGHT * LANES;

/// Applies the stream to whole steps. Modes: 0 overwrites, 1 subtracts, 2 is an exclusive or.
#[target_feature(enable = "avx512f,vaes")]
pub(super) fn run<const MODE: u8, const N: usize>(keys: &Keys<N>, prefix: u64, first: u64, out: &mut [u64]) {
    let keys = keys.each_ref().map(|key| _mm512_broadcast_i32x4(load_block(key)));
    let (last, inner) = (keys[keys.len() - 1], &keys[1..keys.len() - 1]);
    let (high, low) = (prefix.cast_signed(), first.cast_signed());
    let [second, third, fourth] = [1, 2, 3].map(|ahead| low.wrapping_add(ahead));
    let mut counter = _mm512_set_epi64(high, fourth, high, third, high, second, high, low);
    let next = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    for step in out.as_chunks_mut::<STEP>().0 {
        let mut blocks = [counter; FLIGHT];
        for block in &mut blocks {
            *block = _mm512_xor_si512(counter, keys[0]);
            counter = _mm512_add_epi64(counter, next);
        }
        for key in inner {
            for block in &mut blocks {
                *block = _mm512_aesenc_epi128(*block, *key);
            }
        }
        for (slot, block) in step.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
            let random = _mm512_aesenclast_epi128(block, last);
            store(
                slot,
                match MODE {
                    0 => random,
                    1 => _mm512_sub_epi64(load(slot), random),
                    _ => _mm512_xor_si512(load(slot), random),
                },
            );
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(values: &[u64; LANES]) -> __m512i {
    // SAFETY: the array is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(values: &mut [u64; LANES], vector: __m512i) {
    // SAFETY: the array is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}
