//! Two blocks to a register: VAES and AVX2 (Zen 3, and Intel's cores without AVX-512).

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_aesenc_epi128, _mm256_aesenclast_epi128, _mm256_broadcastsi128_si256, _mm256_loadu_si256,
    _mm256_set_epi64x, _mm256_storeu_si256, _mm256_sub_epi64, _mm256_xor_si256,
};

use super::x86::{Keys, load_block};

/// Registers in flight: eight of sixteen, the round keys come from memory.
const FLIGHT: usize = 8;
/// Elements of a register.
const LANES: usize = 4;
/// Elements of one step.
pub(super) const STEP: usize = FLIGHT * LANES;

/// Applies the stream to whole steps. Modes: 0 overwrites, 1 subtracts, 2 is an exclusive or.
#[target_feature(enable = "avx2,vaes")]
pub(super) fn run<const MODE: u8, const N: usize>(keys: &Keys<N>, prefix: u64, first: u64, out: &mut [u64]) {
    let keys = keys.each_ref().map(|key| _mm256_broadcastsi128_si256(load_block(key)));
    let (last, inner) = (keys[keys.len() - 1], &keys[1..keys.len() - 1]);
    let (high, low) = (prefix.cast_signed(), first.cast_signed());
    let mut counter = _mm256_set_epi64x(high, low.wrapping_add(1), high, low);
    let next = _mm256_set_epi64x(0, 2, 0, 2);
    for step in out.as_chunks_mut::<STEP>().0 {
        let mut blocks = [counter; FLIGHT];
        for block in &mut blocks {
            *block = _mm256_xor_si256(counter, keys[0]);
            counter = _mm256_add_epi64(counter, next);
        }
        for key in inner {
            for block in &mut blocks {
                *block = _mm256_aesenc_epi128(*block, *key);
            }
        }
        for (slot, block) in step.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
            let random = _mm256_aesenclast_epi128(block, last);
            store(
                slot,
                match MODE {
                    0 => random,
                    1 => _mm256_sub_epi64(load(slot), random),
                    _ => _mm256_xor_si256(load(slot), random),
                },
            );
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[u64; LANES]) -> __m256i {
    // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(values: &mut [u64; LANES], vector: __m256i) {
    // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
}
