//! Four numbers of 48 bits in three words, and back.
#![expect(unsafe_code, reason = "vector loads and stores after AVX2 was found; portable twin, tests compare both")]

/// `out` has as many triples as there are fours.
pub(super) fn pack(out: &mut [[u64; 3]], fours: &[[u64; 4]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::pack(out, fours) };
    }
    portable::pack(out, fours);
}

/// The reverse.
pub(super) fn unpack(out: &mut [[u64; 4]], threes: &[[u64; 3]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::unpack(out, threes) };
    }
    portable::unpack(out, threes);
}

mod portable {
    pub(super) fn pack(out: &mut [[u64; 3]], fours: &[[u64; 4]]) {
        for (out, [a, b, c, d]) in out.iter_mut().zip(fours) {
            *out = [a | b << 48, b >> 16 | c << 32, c >> 32 | d << 16];
        }
    }

    pub(super) fn unpack(out: &mut [[u64; 4]], threes: &[[u64; 3]]) {
        for (out, [a, b, c]) in out.iter_mut().zip(threes) {
            *out = [*a, a >> 48 | b << 16, b >> 32 | c << 32, c >> 16].map(|value| value & (u64::MAX >> 16));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm256_loadu_si256, _mm256_permutevar8x32_epi32, _mm256_set_m128i, _mm256_setr_epi8, _mm256_setr_epi32,
        _mm256_shuffle_epi8, _mm256_storeu_si256,
    };

    #[target_feature(enable = "avx2")]
    pub(super) fn pack(out: &mut [[u64; 3]], fours: &[[u64; 4]]) {
        let bytes = _mm256_setr_epi8(
            0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1,
        );
        let halves = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
        for (out, four) in out.iter_mut().zip(fours) {
            // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
            let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            let packed = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(four, bytes), halves);
            let mut words = [0; 4];
            // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
            unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), packed) };
            out.copy_from_slice(&words[..3]);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load([a, b]: [u64; 2]) -> __m128i {
        let pair = [a, b];
        // SAFETY: the array is 16 readable bytes; the load has no alignment requirement.
        unsafe { _mm_loadu_si128(pair.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn unpack(out: &mut [[u64; 4]], threes: &[[u64; 3]]) {
        let bytes = _mm256_setr_epi8(
            0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9, 10, 11, -1, -1, 4, 5, 6, 7, 8, 9, -1, -1, 10, 11, 12, 13, 14, 15, -1, -1,
        );
        for (out, [a, b, c]) in out.iter_mut().zip(threes) {
            let both = _mm256_set_m128i(load([*b, *c]), load([*a, *b]));
            // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_shuffle_epi8(both, bytes)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// On a CPU without AVX2 both are the same.
        #[test]
        fn twins_of_packing_agree(values in proptest::collection::vec(any::<[u64; 4]>(), 0..50)) {
            let values: Vec<[u64; 4]> = values.iter().map(|four| four.map(|value| value >> 16)).collect();
            let (mut fast, mut slow) = (vec![[1; 3]; values.len()], vec![[2; 3]; values.len()]);
            pack(&mut fast, &values);
            portable::pack(&mut slow, &values);
            prop_assert_eq!(&fast, &slow);
            let (mut back, mut twin) = (vec![[1; 4]; values.len()], vec![[2; 4]; values.len()]);
            unpack(&mut back, &fast);
            portable::unpack(&mut twin, &fast);
            prop_assert_eq!(&back, &values);
            prop_assert_eq!(&twin, &values);
        }
    }
}
