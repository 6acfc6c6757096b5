//! The steps of the portable twin on four words at a time, two or four steps between a load and a store.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

#[cfg(not(target_arch = "x86_64"))]
pub(super) const fn is_available() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn transpose(block: &mut [u64; 64]) {
    super::portable::transpose(block);
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{is_available, transpose};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute4x64_epi64, _mm256_set_epi64x,
        _mm256_set1_epi64x, _mm256_shuffle_epi32, _mm256_slli_epi64, _mm256_sllv_epi64, _mm256_srli_epi64, _mm256_srlv_epi64,
        _mm256_storeu_si256, _mm256_xor_si256,
    };

    pub(in super::super) fn is_available() -> bool {
        is_x86_feature_detected!("avx2")
    }

    pub(in super::super) fn transpose(block: &mut [u64; 64]) {
        if is_available() {
            // SAFETY: AVX2 was found just now.
            unsafe { turn(block) }
        } else {
            super::super::portable::transpose(block);
        }
    }

    #[target_feature(enable = "avx2")]
    fn turn(block: &mut [u64; 64]) {
        let vectors = block.as_chunks_mut::<4>().0;
        for first in 0..4 {
            let mut rows: [__m256i; 4] = std::array::from_fn(|at| load(&vectors[first + 4 * at]));
            cross::<32>(&mut rows, 2, 0x0000_0000_ffff_ffff);
            cross::<16>(&mut rows, 1, 0x0000_ffff_0000_ffff);
            for (at, row) in rows.into_iter().enumerate() {
                store(&mut vectors[first + 4 * at], row);
            }
        }
        for four in vectors.as_chunks_mut::<4>().0 {
            let mut rows: [__m256i; 4] = std::array::from_fn(|at| load(&four[at]));
            cross::<8>(&mut rows, 2, 0x00ff_00ff_00ff_00ff);
            cross::<4>(&mut rows, 1, 0x0f0f_0f0f_0f0f_0f0f);
            for (words, row) in four.iter_mut().zip(rows) {
                store(words, within(row));
            }
        }
    }

    /// High bits of the rows without `span` in their number and low bits of those with it change places.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn cross<const WIDTH: i32>(rows: &mut [__m256i; 4], span: usize, mask: i64) {
        let mask = _mm256_set1_epi64x(mask);
        for low in (0..4).filter(|at| at & span == 0) {
            let (a, b) = (rows[low], rows[low + span]);
            let swap = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi64::<WIDTH>(a), b), mask);
            rows[low] = _mm256_xor_si256(a, _mm256_slli_epi64::<WIDTH>(swap));
            rows[low + span] = _mm256_xor_si256(b, swap);
        }
    }

    /// The steps of widths 2 and 1: between the lanes of one vector.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn within(row: __m256i) -> __m256i {
        const TWO: i64 = 0x3333_3333_3333_3333;
        const ONE: i64 = 0x5555_5555_5555_5555;
        let swapped = _mm256_permute4x64_epi64::<0b01_00_11_10>(row);
        let moved = _mm256_srlv_epi64(_mm256_sllv_epi64(swapped, _mm256_set_epi64x(0, 0, 2, 2)), _mm256_set_epi64x(2, 2, 0, 0));
        let row = choose(_mm256_set_epi64x(!TWO, !TWO, TWO, TWO), row, moved);
        let swapped = _mm256_shuffle_epi32::<0b01_00_11_10>(row);
        let moved = _mm256_srlv_epi64(_mm256_sllv_epi64(swapped, _mm256_set_epi64x(0, 1, 0, 1)), _mm256_set_epi64x(1, 0, 1, 0));
        choose(_mm256_set_epi64x(!ONE, ONE, !ONE, ONE), row, moved)
    }

    /// Bits of `a` where the mask is 1, of `b` where it is 0.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose(mask: __m256i, a: __m256i, b: __m256i) -> __m256i {
        _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[u64; 4]) -> __m256i {
        // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(values: &mut [u64; 4], vector: __m256i) {
        // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
    }
}
