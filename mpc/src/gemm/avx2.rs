//! AVX2 kernel, tile 6 x 4. There is no 64-bit multiplication, so with `x = x1 2^32 + x0` and `y = y1 2^32 + y0`
//! `x y = x0 y0 + 2^32 (x0 y1 + x1 y0) mod 2^64`. Of the second part only 32 bits count: one 32-bit multiplication by the halves of
//! `y` in reverse gives `x0 y1` and `x1 y0` side by side. So four products take two multiplications and two additions instead of
//! three and three. The parts are summed apart and joined once per tile: 12 sums, 2 vectors of `B` and 2 more in 16 registers.
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
        __m256i, _mm256_add_epi32, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32, _mm256_mullo_epi32, _mm256_set1_epi64x,
        _mm256_setzero_si256, _mm256_shuffle_epi32, _mm256_slli_epi64, _mm256_storeu_si256,
    };

    use super::Plan;

    const ROWS: usize = 6;
    const COLS: usize = 4;

    pub(in super::super) fn plan() -> Option<Plan> {
        is_x86_feature_detected!("avx2").then_some(Plan { rows: ROWS, cols: COLS, depth: 512, block: 16 * ROWS, tile })
    }

    fn tile(a: &[u64], b: &[u64], out: &mut [u64]) {
        // SAFETY: this function is reachable through `plan` only, which found AVX2.
        unsafe { tile_avx2(a, b, out) }
    }

    #[target_feature(enable = "avx2")]
    fn tile_avx2(a: &[u64], b: &[u64], out: &mut [u64]) {
        let zero = _mm256_setzero_si256();
        let mut low = [zero; ROWS];
        let mut cross = [zero; ROWS];
        for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(b.as_chunks::<COLS>().0) {
            let y = load(b);
            let turned = _mm256_shuffle_epi32::<SWAP>(y);
            for row in 0..ROWS {
                let x = _mm256_set1_epi64x(a[row].cast_signed());
                low[row] = _mm256_add_epi64(low[row], _mm256_mul_epu32(x, y));
                cross[row] = _mm256_add_epi32(cross[row], _mm256_mullo_epi32(x, turned));
            }
        }
        for (out, (low, cross)) in out.as_chunks_mut::<COLS>().0.iter_mut().zip(low.iter().zip(&cross)) {
            let sum = _mm256_add_epi32(*cross, _mm256_shuffle_epi32::<SWAP>(*cross));
            store(out, _mm256_add_epi64(*low, _mm256_slli_epi64::<32>(sum)));
        }
    }

    /// The halves of every 64-bit lane change places.
    const SWAP: i32 = 0b10_11_00_01;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[u64; COLS]) -> __m256i {
        // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(values: &mut [u64; COLS], vector: __m256i) {
        // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
    }
}
