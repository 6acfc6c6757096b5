//! Loops over words with residues modulo both primes, for AVX2: the first in the lower half of each lane, the second in the upper. As soon as
//! numbers have 32 bits both share a vector, and `min(x, x - y)` of unsigned halves takes `y` away where it can be.
//!
//! Products are written in assembly: the compiler proves that a mask around a factor is not needed, moves it out of the loop, forgets there that the
//! factor has 32 bits and puts 64-bit products together from three.

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256, _mm256_blend_epi32, _mm256_loadu_si256, _mm256_min_epu32,
    _mm256_set1_epi64x, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_xor_si256,
};

use super::{Factor, Four, Modulus, SIGNS, claim_some, convolve_some, factor_pair, pair_of_four, signed_pair, sum_of_terms};

/// The products of the lower halves of all lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn mul(a: __m256i, b: __m256i) -> __m256i {
    let product;
    // SAFETY: one AVX2 instruction on registers, which the caller's features allow.
    unsafe {
        asm!(
            "vpmuludq {product}, {a}, {b}",
            product = lateout(ymm_reg) product,
            a = in(ymm_reg) a,
            b = in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    product
}

/// The products of the lower halves of all lanes as signed numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn mul_signed(a: __m256i, b: __m256i) -> __m256i {
    let product;
    // SAFETY: one AVX2 instruction on registers, which the caller's features allow.
    unsafe {
        asm!(
            "vpmuldq {product}, {a}, {b}",
            product = lateout(ymm_reg) product,
            a = in(ymm_reg) a,
            b = in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    product
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

#[inline]
#[target_feature(enable = "avx2")]
fn same(value: u64) -> __m256i {
    _mm256_set1_epi64x(value.cast_signed())
}

/// What both primes are multiplied by, and multiples of `p`.
struct Both {
    inverse: [__m256i; 2],
    p: [__m256i; 2],
    half: __m256i,
    once: __m256i,
    twice: __m256i,
}

impl Both {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new([one, two]: [Modulus; 2]) -> Self {
        let once = one.p | two.p << 32;
        Self {
            inverse: [same(one.inverse), same(two.inverse)],
            p: [same(one.p), same(two.p)],
            half: same((one.p / 2) | ((two.p / 2) << 32)),
            once: same(once),
            // both are below 2^30
            twice: same(once << 1),
        }
    }

    /// The upper halves of one vector per prime, in one.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn upper(both: [__m256i; 2]) -> __m256i {
        _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(both[0]), both[1])
    }

    /// `x` or `x - y`, whichever is smaller.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn lower(x: __m256i, y: __m256i) -> __m256i {
        _mm256_min_epu32(x, _mm256_sub_epi32(x, y))
    }

    /// `t / R` modulo each prime, below `2p`, for `t` below `2^34 p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn montgomery(&self, t: [__m256i; 2]) -> __m256i {
        let product = |at: usize| mul(mul(t[at], self.inverse[at]), self.p[at]);
        // below 4p, and below p: the difference is above -p and below 2p
        let upper = Self::lower(Self::upper(t), self.twice);
        let less = _mm256_sub_epi32(upper, Self::upper([product(0), product(1)]));
        _mm256_min_epu32(less, _mm256_add_epi32(less, self.once))
    }

    /// Between `-p/2` and `p/2` from below `2p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn signed(&self, x: __m256i) -> __m256i {
        _mm256_sub_epi32(self.canonical(_mm256_add_epi32(x, self.half)), self.half)
    }

    /// Below `p` from below `4p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn canonical(&self, x: __m256i) -> __m256i {
        Self::lower(Self::lower(x, self.twice), self.once)
    }
}

/// See [`super::fold_terms`].
#[target_feature(enable = "avx2")]
pub(super) fn fold_terms(out: &mut [u64], x: [&[u64]; 2], factors: &[[Four; 2]; 2], sigma: &[u64], moduli: [Modulus; 2]) {
    match (x[1].is_empty(), sigma.is_empty()) {
        (true, true) => fold_some::<false, false>(out, x, factors, sigma, moduli),
        (true, false) => fold_some::<false, true>(out, x, factors, sigma, moduli),
        (false, true) => fold_some::<true, false>(out, x, factors, sigma, moduli),
        (false, false) => fold_some::<true, true>(out, x, factors, sigma, moduli),
    }
}

/// The quarters of a term, of none if there is none, in vectors.
fn quarters(x: &[u64], len: usize) -> [&[[u64; 4]]; 4] {
    std::array::from_fn(|b| x.get(b * len..(b + 1) * len).unwrap_or_default().as_chunks().0)
}

#[inline]
#[target_feature(enable = "avx2")]
fn fold_some<const TWO: bool, const SCALED: bool>(
    out: &mut [u64],
    x: [&[u64]; 2],
    factors: &[[Four; 2]; 2],
    sigma: &[u64],
    moduli: [Modulus; 2],
) {
    let len = out.len();
    let (both, signs) = (Both::new(moduli), same(SIGNS));
    let vectors = factors.map(|term| term.map(|four| (same(four.first), four.of.map(|f| [same(f.low), same(f.high)]))));
    let (first, second) = (quarters(x[0], len), quarters(x[1], len));
    let [x0, x1, x2, x3] = first.map(|x| &x[..len / 4]);
    for (at, out) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let fold = |x: [&[u64; 4]; 4], term: usize| {
            let [mut one, mut two] = [vectors[term][0].0, vectors[term][1].0];
            for (b, x) in x.into_iter().enumerate() {
                let low = _mm256_xor_si256(load(x), signs);
                let high = _mm256_srli_epi64::<32>(low);
                let [f, g] = [vectors[term][0].1[b], vectors[term][1].1[b]];
                one = _mm256_add_epi64(one, _mm256_add_epi64(mul_signed(low, f[0]), mul_signed(high, f[1])));
                two = _mm256_add_epi64(two, _mm256_add_epi64(mul_signed(low, g[0]), mul_signed(high, g[1])));
            }
            both.montgomery([one, two])
        };
        let mut sum = fold([&x0[at], &x1[at], &x2[at], &x3[at]], 0);
        if TWO {
            // below 4p, so below 2^32
            sum = _mm256_add_epi32(sum, fold([&second[0][at], &second[1][at], &second[2][at], &second[3][at]], 1));
        }
        if SCALED {
            let sigma = load(&sigma.as_chunks().0[at]);
            let high = mul(_mm256_srli_epi64::<32>(sum), _mm256_srli_epi64::<32>(sigma));
            store(out, Both::lower(both.montgomery([mul(sum, sigma), high]), both.once));
        } else {
            store(out, both.canonical(sum));
        }
    }
    for at in len / 4 * 4..len {
        let four = |x: &[u64]| if x.is_empty() { [0; 4] } else { std::array::from_fn(|b| x[b * len + at]) };
        out[at] = sum_of_terms([four(x[0]), four(x[1])], factors, TWO, if SCALED { Some(sigma[at]) } else { None }, moduli);
    }
}

/// See [`super::fold_pairs`].
#[target_feature(enable = "avx2")]
pub(super) fn fold_pairs(out: &mut [u64], x: &[u64], factors: &[u64; 4], moduli: [Modulus; 2]) {
    let len = out.len();
    let both = Both::new(moduli);
    let (plain, factors) = (factors, factors.map(|factor| [same(factor), same(factor >> 32)]));
    let [x0, x1, x2, x3]: [&[[u64; 4]]; 4] = std::array::from_fn(|b| x[b * len..][..len].as_chunks::<4>().0);
    for ((out, (x0, x1)), (x2, x3)) in out.as_chunks_mut::<4>().0.iter_mut().zip(x0.iter().zip(x1)).zip(x2.iter().zip(x3)) {
        let mut sums = [same(0); 2];
        for (x, f) in [x0, x1, x2, x3].into_iter().zip(&factors) {
            let x = load(x);
            // four products below p^2
            sums[0] = _mm256_add_epi64(sums[0], mul(x, f[0]));
            sums[1] = _mm256_add_epi64(sums[1], mul(_mm256_srli_epi64::<32>(x), f[1]));
        }
        store(out, Both::lower(both.montgomery(sums), both.once));
    }
    for at in len / 4 * 4..len {
        out[at] = pair_of_four(std::array::from_fn(|b| x[b * len + at]), plain, moduli);
    }
}

/// See [`super::factor_pairs`].
#[target_feature(enable = "avx2")]
pub(super) fn factor_pairs(out: &mut [u64], x: &[u64], of: [Factor; 2], moduli: [Modulus; 2]) {
    let both = Both::new(moduli);
    let (plain, of) = (of, of.map(|factor| [same(factor.low), same(factor.high)]));
    for (out, x) in out.as_chunks_mut::<4>().0.iter_mut().zip(x.as_chunks::<4>().0) {
        let low = load(x);
        let high = _mm256_srli_epi64::<32>(low);
        let times = of.map(|f| _mm256_add_epi64(mul(low, f[0]), mul(high, f[1])));
        store(out, Both::lower(both.montgomery(times), both.once));
    }
    let done = out.len() / 4 * 4;
    for (out, x) in out[done..].iter_mut().zip(&x[done..]) {
        *out = factor_pair(*x, plain, moduli);
    }
}

/// See [`super::signed_pairs`].
#[target_feature(enable = "avx2")]
pub(super) fn signed_pairs(out: &mut [u64], x: &[u64], of: [Factor; 2], moduli: [Modulus; 2]) {
    let both = Both::new(moduli);
    let (plain, of) = (of, of.map(|factor| [same(factor.low), same(factor.high)]));
    for (out, x) in out.as_chunks_mut::<4>().0.iter_mut().zip(x.as_chunks::<4>().0) {
        let low = load(x);
        let high = _mm256_srli_epi64::<32>(low);
        let times = of.map(|f| _mm256_add_epi64(mul(low, f[0]), mul(high, f[1])));
        store(out, both.signed(both.montgomery(times)));
    }
    for at in out.len() / 4 * 4..out.len() {
        out[at] = signed_pair(x[at], plain.map(|factor| factor.low), plain.map(|factor| factor.high), moduli);
    }
}

/// See [`super::signed_each`].
#[target_feature(enable = "avx2")]
pub(super) fn signed_each(out: &mut [u64], x: &[u64], low: &[u64], high: &[u64], moduli: [Modulus; 2]) {
    let both = Both::new(moduli);
    let factors = low.as_chunks::<4>().0.iter().zip(high.as_chunks::<4>().0);
    for ((out, x), (low, high)) in out.as_chunks_mut::<4>().0.iter_mut().zip(x.as_chunks::<4>().0).zip(factors) {
        let (x, low, high) = (load(x), load(low), load(high));
        let upper = |vector: __m256i| _mm256_srli_epi64::<32>(vector);
        let x_high = upper(x);
        let one = _mm256_add_epi64(mul(x, low), mul(x_high, high));
        let two = _mm256_add_epi64(mul(x, upper(low)), mul(x_high, upper(high)));
        store(out, both.signed(both.montgomery([one, two])));
    }
    for at in out.len() / 4 * 4..out.len() {
        out[at] = signed_pair(x[at], [low[at], low[at] >> 32], [high[at], high[at] >> 32], moduli);
    }
}

/// See [`super::convolve_signed`].
#[target_feature(enable = "avx2")]
pub(super) fn convolve_signed(sums: &mut [[i128; 7]; 2], u: [&[u64]; 4], w: [&[u64]; 4]) {
    convolve_half::<0>(&mut sums[0], u, w);
    convolve_half::<32>(&mut sums[1], u, w);
    convolve_some(sums, u, w, u[0].len() / 4 * 4);
}

#[inline]
#[target_feature(enable = "avx2")]
fn convolve_half<const FROM: i32>(sums: &mut [i128; 7], u: [&[u64]; 4], w: [&[u64]; 4]) {
    let len = u[0].len() / 4;
    let (u, w) = (u.map(|u| &u.as_chunks::<4>().0[..len]), w.map(|w| &w.as_chunks::<4>().0[..len]));
    let (lower, sign) = (same(super::LOW), same(1 << 63));
    let mut all = [[same(0); 2]; 7];
    // as in the portable one: eight places
    for start in (0..len).step_by(8) {
        let mut some = [same(0); 7];
        for at in start..len.min(start.wrapping_add(8)) {
            let w = w.map(|w| _mm256_srli_epi64::<FROM>(load(&w[at])));
            for (a, u) in u.iter().enumerate() {
                let u = _mm256_srli_epi64::<FROM>(load(&u[at]));
                for (b, w) in w.iter().enumerate() {
                    some[a + 3 - b] = _mm256_add_epi64(some[a + 3 - b], mul_signed(u, *w));
                }
            }
        }
        for (all, some) in all.iter_mut().zip(some) {
            // 2^63 more, so not negative
            let some = _mm256_xor_si256(some, sign);
            all[0] = _mm256_add_epi64(all[0], _mm256_and_si256(some, lower));
            all[1] = _mm256_add_epi64(all[1], _mm256_srli_epi64::<32>(some));
        }
    }
    let more = (len.div_ceil(8) as i128) << 65;
    for (sum, all) in sums.iter_mut().zip(all) {
        let [low, high] = all.map(|half| {
            let mut four = [0; 4];
            store(&mut four, half);
            i128::from(four.into_iter().fold(0, u64::wrapping_add))
        });
        *sum = sum.wrapping_add(low.wrapping_add(high << 32).wrapping_sub(more));
    }
}

/// See [`super::claim`].
#[target_feature(enable = "avx2")]
pub(super) fn claim(sums: &mut [[u64; 5]; 2], rest: &[u64], carry: &[u64], sigma: &[u64]) {
    let (rest, carry) = (&rest[..sigma.len()], &carry[..sigma.len()]);
    let lower = same(super::LOW);
    let mut all = [[same(0); 5]; 2];
    // each product of 32 and 29 bits: eight below 2^64
    for ((rests, carries), sigmas) in rest.chunks(32).zip(carry.chunks(32)).zip(sigma.chunks(32)) {
        let mut some = [[same(0); 2]; 2];
        let places = rests.as_chunks::<4>().0.iter().zip(carries.as_chunks::<4>().0).zip(sigmas.as_chunks::<4>().0);
        for ((rest, carry), sigma) in places {
            let (rest, carry, sigma) = (load(rest), load(carry), load(sigma));
            let high = _mm256_srli_epi64::<32>(rest);
            for (sigma, (some, all)) in [sigma, _mm256_srli_epi64::<32>(sigma)].into_iter().zip(some.iter_mut().zip(&mut all)) {
                some[0] = _mm256_add_epi64(some[0], mul(rest, sigma));
                some[1] = _mm256_add_epi64(some[1], mul(high, sigma));
                all[4] = _mm256_add_epi64(all[4], mul(carry, sigma));
            }
        }
        for (some, all) in some.into_iter().zip(&mut all) {
            for (at, some) in some.into_iter().enumerate() {
                all[2 * at] = _mm256_add_epi64(all[2 * at], _mm256_and_si256(some, lower));
                all[2 * at + 1] = _mm256_add_epi64(all[2 * at + 1], _mm256_srli_epi64::<32>(some));
            }
        }
    }
    for (sums, all) in sums.iter_mut().zip(all) {
        for (sum, all) in sums.iter_mut().zip(all) {
            let mut four = [0; 4];
            store(&mut four, all);
            *sum = four.into_iter().fold(*sum, u64::wrapping_add);
        }
    }
    let done = sigma.len() / 4 * 4;
    claim_some(sums, &rest[done..], &carry[done..], &sigma[done..]);
}
