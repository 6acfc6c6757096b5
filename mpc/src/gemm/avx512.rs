//! AVX-512 kernel (F and DQ for the 64-bit multiplication), tile 8 x 24: 24 sums, 3 vectors of `B` and 1 of `A` in 28 of 32
//! registers.
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
        __m512i, _mm512_add_epi64, _mm512_loadu_si512, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_storeu_si512,
    };

    use super::Plan;

    const ROWS: usize = 8;
    const LANES: usize = 8;
    const COLS: usize = 3 * LANES;

    pub(in super::super) fn plan() -> Option<Plan> {
        let has_all = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
        has_all.then_some(Plan { rows: ROWS, cols: COLS, depth: 256, block: 16 * ROWS, tile })
    }

    fn tile(a: &[u64], b: &[u64], out: &mut [u64]) {
        assert!(out.len() == ROWS * COLS, "the tile buffer has the size of the tile");
        // SAFETY: this function is reachable through `plan` only, which found AVX-512 F and DQ.
        unsafe { tile_avx512(a, b, out) }
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    fn tile_avx512(a: &[u64], b: &[u64], out: &mut [u64]) {
        let mut sums = [[_mm512_setzero_si512(); 3]; ROWS];
        for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLS)) {
            let y = [load(&b[..LANES]), load(&b[LANES..2 * LANES]), load(&b[2 * LANES..])];
            for row in 0..ROWS {
                let x = _mm512_set1_epi64(a[row].cast_signed());
                for third in 0..3 {
                    sums[row][third] = _mm512_add_epi64(sums[row][third], _mm512_mullo_epi64(x, y[third]));
                }
            }
        }
        for (out, row) in out.chunks_exact_mut(COLS).zip(&sums) {
            for (out, sum) in out.chunks_exact_mut(LANES).zip(row) {
                store(out, *sum);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[u64]) -> __m512i {
        assert!(values.len() == LANES, "one vector");
        // SAFETY: the slice holds 64 readable bytes; the load has no alignment requirement.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(values: &mut [u64], vector: __m512i) {
        assert!(values.len() == LANES, "one vector");
        // SAFETY: the slice holds 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
    }
}
