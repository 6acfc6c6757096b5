//! AVX2 kernel, tile 4 x 8. There is no 64-bit multiplication, so with `x = x1 2^32 + x0` and `y = y1 2^32 + y0`
//! `x y = x0 y0 + 2^32 (x0 y1 + x1 y0) mod 2^64`; the two parts are summed apart and joined once per tile.
#![expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")]

use super::Plan;

#[cfg(not(target_arch = "x86_64"))]
pub(super) const fn plan() -> Option<Plan> {
    None
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::plan;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64,
        _mm256_srli_epi64, _mm256_storeu_si256,
    };

    use super::Plan;

    const ROWS: usize = 4;
    const LANES: usize = 4;
    const COLS: usize = 2 * LANES;

    pub(in super::super) fn plan() -> Option<Plan> {
        is_x86_feature_detected!("avx2").then_some(Plan { rows: ROWS, cols: COLS, tile })
    }

    fn tile(a: &[u64], b: &[u64], out: &mut [u64]) {
        assert!(out.len() == ROWS * COLS, "the tile buffer has the size of the tile");
        // SAFETY: this function is reachable through `plan` only, which found AVX2.
        unsafe { tile_avx2(a, b, out) }
    }

    #[target_feature(enable = "avx2")]
    fn tile_avx2(a: &[u64], b: &[u64], out: &mut [u64]) {
        let zero = _mm256_setzero_si256();
        let mut low = [[zero; 2]; ROWS];
        let mut high = [[zero; 2]; ROWS];
        for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLS)) {
            let y = [load(&b[..LANES]), load(&b[LANES..])];
            let y1 = [_mm256_srli_epi64::<32>(y[0]), _mm256_srli_epi64::<32>(y[1])];
            for (row, value) in a.iter().enumerate() {
                let x = _mm256_set1_epi64x(value.cast_signed());
                let x1 = _mm256_srli_epi64::<32>(x);
                for half in 0..2 {
                    let cross = _mm256_add_epi64(_mm256_mul_epu32(x, y1[half]), _mm256_mul_epu32(x1, y[half]));
                    low[row][half] = _mm256_add_epi64(low[row][half], _mm256_mul_epu32(x, y[half]));
                    high[row][half] = _mm256_add_epi64(high[row][half], cross);
                }
            }
        }
        for (out, (low, high)) in out.chunks_exact_mut(COLS).zip(low.iter().zip(&high)) {
            for half in 0..2 {
                let sum = _mm256_add_epi64(low[half], _mm256_slli_epi64::<32>(high[half]));
                store(&mut out[half * LANES..][..LANES], sum);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[u64]) -> __m256i {
        assert!(values.len() == LANES, "one vector");
        // SAFETY: the slice holds 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(values: &mut [u64], vector: __m256i) {
        assert!(values.len() == LANES, "one vector");
        // SAFETY: the slice holds 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
    }
}
