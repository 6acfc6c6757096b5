//! GF(2^64) modulo `x^64 + x^4 + x^3 + x + 1`: carry-less multiplication, with a portable twin.
#![expect(unsafe_code, reason = "calls into functions compiled for a CPU feature after it was found; portable twin, tests compare both")]

/// Product of polynomials by shifts: the portable twin. TIMING: masks instead of branches.
fn clmul_portable(a: u64, b: u64) -> u128 {
    (0..64).fold(0, |sum, at| sum ^ (u128::from(a) << at & u128::from(b >> at & 1).wrapping_neg()))
}

/// Modulo the polynomial: `x^64 = x^4 + x^3 + x + 1`, twice, as the first time leaves up to four bits above.
#[inline(always)]
pub(super) const fn reduce(x: u128) -> u64 {
    let (low, high) = (x as u64, (x >> 64) as u64);
    let over = (high >> 63) ^ (high >> 61) ^ (high >> 60);
    let high = high ^ over;
    low ^ high ^ (high << 1) ^ (high << 3) ^ (high << 4)
}

#[inline(always)]
fn convolve_with(mul: impl Fn(u64, u64) -> u128, c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
    let mut sums = [0u128; 2 * MAX - 1];
    for (u, w) in u.chunks_exact(c).zip(w.chunks_exact(c)) {
        for (a, u) in u.iter().enumerate() {
            for (w, sum) in w.iter().rev().zip(&mut sums[a..]) {
                *sum ^= mul(*u, *w);
            }
        }
    }
    for (slot, sum) in out.iter_mut().zip(&sums) {
        *slot ^= reduce(*sum);
    }
}

#[inline(always)]
fn fold_with(mul: impl Fn(u64, u64) -> u128, factors: &[u64], v: &[u64], out: &mut [u64]) {
    for (slot, group) in out.iter_mut().zip(v.chunks(factors.len())) {
        *slot = reduce(factors.iter().zip(group).fold(0, |sum, (f, v)| sum ^ mul(*f, *v)));
    }
}

#[inline(always)]
fn scale_with(mul: impl Fn(u64, u64) -> u128, factor: u64, values: &mut [u64]) {
    for value in values {
        *value = reduce(mul(factor, *value));
    }
}

#[inline(always)]
fn scale_each_with(mul: impl Fn(u64, u64) -> u128, factors: &[u64], values: &mut [u64]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value = reduce(mul(*factor, *value));
    }
}

/// Greatest number of elements that [`convolve`] takes together.
pub(super) const MAX: usize = 64;

/// `a b`.
pub(super) fn mul(a: u64, b: u64) -> u64 {
    let mut value = [b];
    scale(a, &mut value);
    value[0]
}

/// See [`super::field::Field::convolve`].
pub(super) fn convolve(c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if c == 4 && has_wide() {
        let whole = u.len().min(w.len()) / 8 * 8;
        // SAFETY: the CPU has the features.
        unsafe { wide::convolve_four(&u[..whole], &w[..whole], out) };
        return convolve_with(clmul_portable, c, &u[whole..], &w[whole..], out);
    }
    #[cfg(target_arch = "x86_64")]
    if c == 4 && has_two() {
        let whole = u.len().min(w.len()) / 4 * 4;
        // SAFETY: the CPU has the features.
        return unsafe { two::convolve_four(&u[..whole], &w[..whole], out) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::convolve(c, u, w, out) };
    }
    convolve_with(clmul_portable, c, u, w, out);
}

/// See [`super::field::Field::fold`].
pub(super) fn fold(factors: &[u64], v: &[u64], out: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let [f0, f1, f2, f3] = *factors
        && has_wide()
    {
        let whole = v.len() / 16 * 16;
        let (folded, rest) = out.split_at_mut(whole / 4);
        // SAFETY: the CPU has the features.
        unsafe { wide::fold_four([f0, f1, f2, f3], &v[..whole], folded) };
        return fold_with(clmul_portable, factors, &v[whole..], rest);
    }
    #[cfg(target_arch = "x86_64")]
    if let [f0, f1, f2, f3] = *factors
        && has_two()
    {
        let whole = v.len() / 8 * 8;
        let (folded, rest) = out.split_at_mut(whole / 4);
        // SAFETY: the CPU has the features.
        unsafe { two::fold_four([f0, f1, f2, f3], &v[..whole], folded) };
        return fold_with(clmul_portable, factors, &v[whole..], rest);
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::fold(factors, v, out) };
    }
    fold_with(clmul_portable, factors, v, out);
}

/// Multiplies all values by one factor.
pub(super) fn scale(factor: u64, values: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if values.len().is_multiple_of(8) && has_wide() {
        // SAFETY: the CPU has the features.
        return unsafe { wide::scale(factor, values) };
    }
    #[cfg(target_arch = "x86_64")]
    if values.len().is_multiple_of(4) && has_two() {
        // SAFETY: the CPU has the features.
        return unsafe { two::scale(factor, values) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::scale(factor, values) };
    }
    scale_with(clmul_portable, factor, values);
}

/// Multiplies each value by the factor at its place.
pub(super) fn scale_each(factors: &[u64], values: &mut [u64]) {
    assert!(factors.len() == values.len(), "a factor for each value");
    #[cfg(target_arch = "x86_64")]
    if values.len().is_multiple_of(8) && has_wide() {
        // SAFETY: the CPU has the features.
        return unsafe { wide::scale_each(factors, values) };
    }
    #[cfg(target_arch = "x86_64")]
    if values.len().is_multiple_of(4) && has_two() {
        // SAFETY: the CPU has the features.
        return unsafe { two::scale_each(factors, values) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::scale_each(factors, values) };
    }
    scale_each_with(clmul_portable, factors, values);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_unpackhi_epi64};

    #[inline]
    #[target_feature(enable = "sse2,pclmulqdq")]
    fn clmul(a: u64, b: u64) -> u128 {
        let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(a.cast_signed()), _mm_cvtsi64_si128(b.cast_signed()));
        let low = _mm_cvtsi128_si64(product).cast_unsigned();
        let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(product, product)).cast_unsigned();
        u128::from(high) << 64 | u128::from(low)
    }

    #[target_feature(enable = "sse2,pclmulqdq")]
    pub(super) fn convolve(c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
        super::convolve_with(|a, b| clmul(a, b), c, u, w, out);
    }

    #[target_feature(enable = "sse2,pclmulqdq")]
    pub(super) fn fold(factors: &[u64], v: &[u64], out: &mut [u64]) {
        super::fold_with(|a, b| clmul(a, b), factors, v, out);
    }

    #[target_feature(enable = "sse2,pclmulqdq")]
    pub(super) fn scale(factor: u64, values: &mut [u64]) {
        super::scale_with(|a, b| clmul(a, b), factor, values);
    }

    #[target_feature(enable = "sse2,pclmulqdq")]
    pub(super) fn scale_each(factors: &[u64], values: &mut [u64]) {
        super::scale_each_with(|a, b| clmul(a, b), factors, values);
    }
}

#[cfg(target_arch = "x86_64")]
fn has_wide() -> bool {
    is_x86_feature_detected!("vpclmulqdq") && is_x86_feature_detected!("avx512f")
}

/// Four products at once.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m512i, _mm512_clmulepi64_epi128, _mm512_loadu_si512, _mm512_mask_blend_epi64, _mm512_set_epi64, _mm512_set1_epi64,
        _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512, _mm512_unpacklo_epi64, _mm512_xor_si512,
    };

    /// Exchanges neighbouring lanes of 128 bits.
    const SWAP: i32 = 0b10_11_00_01;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[u64]) -> __m512i {
        assert!(values.len() == 8, "one vector");
        // SAFETY: the slice holds 64 readable bytes; the load has no alignment requirement.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(values: &mut [u64], vector: __m512i) {
        assert!(values.len() == 8, "one vector");
        // SAFETY: the slice holds 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn lanes(vector: __m512i) -> [u128; 4] {
        let mut halves = [0; 8];
        store(&mut halves, vector);
        std::array::from_fn(|lane| u128::from(halves[2 * lane + 1]) << 64 | u128::from(halves[2 * lane]))
    }

    /// Reduces each lane into its lower half; the upper half is left over.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn reduce(x: __m512i) -> __m512i {
        let polynomial = _mm512_set1_epi64(0x1b);
        let first = _mm512_clmulepi64_epi128::<0x01>(x, polynomial);
        let second = _mm512_clmulepi64_epi128::<0x01>(first, polynomial);
        _mm512_xor_si512(x, _mm512_xor_si512(first, second))
    }

    #[target_feature(enable = "avx512f,vpclmulqdq")]
    pub(super) fn scale(factor: u64, values: &mut [u64]) {
        let factor = _mm512_set1_epi64(factor.cast_signed());
        for values in values.chunks_exact_mut(8) {
            let vector = load(values);
            let even = reduce(_mm512_clmulepi64_epi128::<0x00>(vector, factor));
            let odd = reduce(_mm512_clmulepi64_epi128::<0x01>(vector, factor));
            store(values, _mm512_unpacklo_epi64(even, odd));
        }
    }

    #[target_feature(enable = "avx512f,vpclmulqdq")]
    pub(super) fn scale_each(factors: &[u64], values: &mut [u64]) {
        for (values, factors) in values.chunks_exact_mut(8).zip(factors.chunks_exact(8)) {
            let (vector, factors) = (load(values), load(factors));
            let even = reduce(_mm512_clmulepi64_epi128::<0x00>(vector, factors));
            let odd = reduce(_mm512_clmulepi64_epi128::<0x11>(vector, factors));
            store(values, _mm512_unpacklo_epi64(even, odd));
        }
    }

    /// Two groups of four at once: products within lanes, and with neighbouring lanes of `w` exchanged.
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    pub(super) fn convolve_four(u: &[u64], w: &[u64], out: &mut [u64]) {
        let mut sums = [_mm512_setzero_si512(); 8];
        for (u, w) in u.chunks_exact(8).zip(w.chunks_exact(8)) {
            let (u, w) = (load(u), load(w));
            let swapped = _mm512_shuffle_i64x2::<SWAP>(w, w);
            for (half, w) in [w, swapped].into_iter().enumerate() {
                let at = 4 * half;
                sums[at] = _mm512_xor_si512(sums[at], _mm512_clmulepi64_epi128::<0x00>(u, w));
                sums[at + 1] = _mm512_xor_si512(sums[at + 1], _mm512_clmulepi64_epi128::<0x01>(u, w));
                sums[at + 2] = _mm512_xor_si512(sums[at + 2], _mm512_clmulepi64_epi128::<0x10>(u, w));
                sums[at + 3] = _mm512_xor_si512(sums[at + 3], _mm512_clmulepi64_epi128::<0x11>(u, w));
            }
        }
        for (at, sum) in sums.into_iter().enumerate() {
            for (lane, product) in lanes(sum).into_iter().enumerate() {
                let a = 2 * (lane % 2) + at % 2;
                let b = 2 * ((lane + at / 4) % 2) + at / 2 % 2;
                out[a + 3 - b] ^= super::reduce(product);
            }
        }
    }

    #[target_feature(enable = "avx512f,vpclmulqdq")]
    pub(super) fn fold_four(factors: [u64; 4], v: &[u64], out: &mut [u64]) {
        let [f0, f1, f2, f3] = factors.map(u64::cast_signed);
        let factors = _mm512_set_epi64(f3, f2, f1, f0, f3, f2, f1, f0);
        let sums = |v: &[u64]| {
            let v = load(v);
            let halves = _mm512_xor_si512(_mm512_clmulepi64_epi128::<0x00>(v, factors), _mm512_clmulepi64_epi128::<0x11>(v, factors));
            _mm512_xor_si512(halves, _mm512_shuffle_i64x2::<SWAP>(halves, halves))
        };
        for (out, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(v.chunks_exact(16)) {
            let (low, high) = v.split_at(8);
            // lanes: group 0, group 2, group 1, group 3
            let mut folded = [0; 8];
            store(&mut folded, reduce(_mm512_mask_blend_epi64(0b1100_1100, sums(low), sums(high))));
            *out = [folded[0], folded[4], folded[2], folded[6]];
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_two() -> bool {
    is_x86_feature_detected!("vpclmulqdq") && is_x86_feature_detected!("avx2")
}

/// Two products at once: as [`wide`], for CPUs without AVX-512.
#[cfg(target_arch = "x86_64")]
mod two {
    use std::arch::x86_64::{
        __m256i, _mm256_blend_epi32, _mm256_clmulepi64_epi128, _mm256_loadu_si256, _mm256_permute4x64_epi64, _mm256_set_epi64x,
        _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256, _mm256_unpacklo_epi64, _mm256_xor_si256,
    };

    /// Exchanges the lanes of 128 bits.
    const SWAP: i32 = 0b01_00_11_10;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[u64]) -> __m256i {
        assert!(values.len() == 4, "one vector");
        // SAFETY: the slice holds 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(values: &mut [u64], vector: __m256i) {
        assert!(values.len() == 4, "one vector");
        // SAFETY: the slice holds 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn lanes(vector: __m256i) -> [u128; 2] {
        let mut halves = [0; 4];
        store(&mut halves, vector);
        std::array::from_fn(|lane| u128::from(halves[2 * lane + 1]) << 64 | u128::from(halves[2 * lane]))
    }

    /// Reduces each lane into its lower half; the upper half is left over.
    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq")]
    fn reduce(x: __m256i) -> __m256i {
        let polynomial = _mm256_set1_epi64x(0x1b);
        let first = _mm256_clmulepi64_epi128::<0x01>(x, polynomial);
        let second = _mm256_clmulepi64_epi128::<0x01>(first, polynomial);
        _mm256_xor_si256(x, _mm256_xor_si256(first, second))
    }

    #[target_feature(enable = "avx2,vpclmulqdq")]
    pub(super) fn scale(factor: u64, values: &mut [u64]) {
        let factor = _mm256_set1_epi64x(factor.cast_signed());
        for values in values.chunks_exact_mut(4) {
            let vector = load(values);
            let even = reduce(_mm256_clmulepi64_epi128::<0x00>(vector, factor));
            let odd = reduce(_mm256_clmulepi64_epi128::<0x01>(vector, factor));
            store(values, _mm256_unpacklo_epi64(even, odd));
        }
    }

    #[target_feature(enable = "avx2,vpclmulqdq")]
    pub(super) fn scale_each(factors: &[u64], values: &mut [u64]) {
        for (values, factors) in values.chunks_exact_mut(4).zip(factors.chunks_exact(4)) {
            let (vector, factors) = (load(values), load(factors));
            let even = reduce(_mm256_clmulepi64_epi128::<0x00>(vector, factors));
            let odd = reduce(_mm256_clmulepi64_epi128::<0x11>(vector, factors));
            store(values, _mm256_unpacklo_epi64(even, odd));
        }
    }

    /// A group of four: products within lanes, and with the lanes of `w` exchanged.
    #[target_feature(enable = "avx2,vpclmulqdq")]
    pub(super) fn convolve_four(u: &[u64], w: &[u64], out: &mut [u64]) {
        let mut sums = [_mm256_setzero_si256(); 8];
        for (u, w) in u.chunks_exact(4).zip(w.chunks_exact(4)) {
            let (u, w) = (load(u), load(w));
            let swapped = _mm256_permute4x64_epi64::<SWAP>(w);
            for (half, w) in [w, swapped].into_iter().enumerate() {
                let at = 4 * half;
                sums[at] = _mm256_xor_si256(sums[at], _mm256_clmulepi64_epi128::<0x00>(u, w));
                sums[at + 1] = _mm256_xor_si256(sums[at + 1], _mm256_clmulepi64_epi128::<0x01>(u, w));
                sums[at + 2] = _mm256_xor_si256(sums[at + 2], _mm256_clmulepi64_epi128::<0x10>(u, w));
                sums[at + 3] = _mm256_xor_si256(sums[at + 3], _mm256_clmulepi64_epi128::<0x11>(u, w));
            }
        }
        for (at, sum) in sums.into_iter().enumerate() {
            for (lane, product) in lanes(sum).into_iter().enumerate() {
                let a = 2 * lane + at % 2;
                let b = 2 * ((lane + at / 4) % 2) + at / 2 % 2;
                out[a + 3 - b] ^= super::reduce(product);
            }
        }
    }

    #[target_feature(enable = "avx2,vpclmulqdq")]
    pub(super) fn fold_four(factors: [u64; 4], v: &[u64], out: &mut [u64]) {
        let [f0, f1, f2, f3] = factors.map(u64::cast_signed);
        let factors = _mm256_set_epi64x(f3, f2, f1, f0);
        let sums = |v: &[u64]| {
            let v = load(v);
            let halves = _mm256_xor_si256(_mm256_clmulepi64_epi128::<0x00>(v, factors), _mm256_clmulepi64_epi128::<0x11>(v, factors));
            _mm256_xor_si256(halves, _mm256_permute4x64_epi64::<SWAP>(halves))
        };
        for (out, v) in out.as_chunks_mut::<2>().0.iter_mut().zip(v.chunks_exact(8)) {
            let (low, high) = v.split_at(4);
            let mut folded = [0; 4];
            store(&mut folded, reduce(_mm256_blend_epi32::<0b1111_0000>(sums(low), sums(high))));
            *out = [folded[0], folded[2]];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn twins_agree(values in proptest::collection::vec(any::<u64>(), 16..100), factor: u64) {
            let mut fast = values.clone();
            scale(factor, &mut fast);
            let mut slow = values.clone();
            scale_with(clmul_portable, factor, &mut slow);
            prop_assert_eq!(&fast, &slow);
            for len in [values.len(), values.len() / 4 * 4, values.len() / 8 * 8] {
                let (mut fast, mut slow) = (values[..len].to_vec(), values[..len].to_vec());
                scale_each(&values[values.len() - len..], &mut fast);
                scale_each_with(clmul_portable, &values[values.len() - len..], &mut slow);
                prop_assert_eq!(&fast, &slow);
            }
            for c in [1, 2, 4, 8, 16] {
                let len = values.len() / c * c;
                let (mut fast, mut slow) = (vec![0; 2 * c - 1], vec![0; 2 * c - 1]);
                convolve(c, &values[..len], &values[..len], &mut fast);
                convolve_with(clmul_portable, c, &values[..len], &values[..len], &mut slow);
                prop_assert_eq!(&fast, &slow);
                let (mut fast, mut slow) = (vec![0; values.len().div_ceil(c)], vec![1; values.len().div_ceil(c)]);
                fold(&values[..c], &values, &mut fast);
                fold_with(clmul_portable, &values[..c], &values, &mut slow);
                prop_assert_eq!(&fast, &slow);
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("pclmulqdq") {
                let mut narrow = values.clone();
                // SAFETY: the CPU has the feature.
                unsafe { x86::scale(factor, &mut narrow) };
                prop_assert_eq!(&narrow, &slow);
            }
            #[cfg(target_arch = "x86_64")]
            if has_two() {
                let len = values.len() / 8 * 8;
                let mut two = values[..len].to_vec();
                // SAFETY: the CPU has the features.
                unsafe { two::scale(factor, &mut two) };
                prop_assert_eq!(&two[..], &slow[..len]);
                let mut each = [values[..len].to_vec(), values[..len].to_vec()];
                // SAFETY: the CPU has the features.
                unsafe { two::scale_each(&slow[..len], &mut each[0]) };
                scale_each_with(clmul_portable, &slow[..len], &mut each[1]);
                prop_assert_eq!(&each[0], &each[1]);
                let (mut fast, mut right) = (vec![5; 7], vec![5; 7]);
                // SAFETY: the CPU has the features.
                unsafe { two::convolve_four(&values[..len], &slow[..len], &mut fast) };
                convolve_with(clmul_portable, 4, &values[..len], &slow[..len], &mut right);
                prop_assert_eq!(fast, right);
                let factors = [factor, values[0], values[1], values[2]];
                let (mut fast, mut right) = (vec![9; len / 4], vec![8; len / 4]);
                // SAFETY: the CPU has the features.
                unsafe { two::fold_four(factors, &values[..len], &mut fast) };
                fold_with(clmul_portable, &factors, &values[..len], &mut right);
                prop_assert_eq!(fast, right);
            }
        }
    }

    /// The polynomial is irreducible (x^(2^64) = x, x^(2^32) != x as 2 is the only prime that divides 64), and x^64 is as said.
    #[test]
    fn it_is_a_field() {
        assert_eq!(mul(1 << 63, 2), 0x1b);
        let square_often = |times: u32| (0..times).fold(2, |x, _| mul(x, x));
        assert_eq!(square_often(64), 2);
        // gcd(x^(2^32) - x, f) = 1: the difference has an inverse, its power 2^64 - 2
        let difference = square_often(32) ^ 2;
        let mut inverse = 1;
        let mut power = difference;
        for _ in 1..64 {
            power = mul(power, power);
            inverse = mul(inverse, power);
        }
        assert_eq!(mul(difference, inverse), 1);
    }
}
