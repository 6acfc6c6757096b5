//! Loops over words with residues modulo both primes, for AVX2: the first in the lower half of each lane, the second in the upper. As soon as
//! numbers have 32 bits both share a vector, and `min(x, x - y)` of unsigned halves takes `y` away where it can be.
//!
//! Products are written in assembly: the compiler proves that a mask around a factor is not needed, moves it out of the loop, forgets there that the
//! factor has 32 bits and puts 64-bit products together from three.

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256, _mm256_blend_epi32, _mm256_loadu_si256, _mm256_min_epu32,
    _mm256_set1_epi64x, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi32,
};

use super::{Factor, Modulus, claim_some, factor_pair, pair_of_four, reduced_pair, scaled_pair, sum_of_four};

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

    /// Below `p` from below `4p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn canonical(&self, x: __m256i) -> __m256i {
        Self::lower(Self::lower(x, self.twice), self.once)
    }
}

/// See [`super::fold_words`].
#[target_feature(enable = "avx2")]
pub(super) fn fold_words(out: &mut [u64], x: &[u64], factors: &[[Factor; 4]; 2], moduli: [Modulus; 2]) {
    let len = out.len();
    let both = Both::new(moduli);
    let (plain, factors) = (factors, factors.map(|quarters| quarters.map(|factor| [same(factor.low), same(factor.high)])));
    let [x0, x1, x2, x3]: [&[[u64; 4]]; 4] = std::array::from_fn(|b| x[b * len..][..len].as_chunks::<4>().0);
    for ((out, (x0, x1)), (x2, x3)) in out.as_chunks_mut::<4>().0.iter_mut().zip(x0.iter().zip(x1)).zip(x2.iter().zip(x3)) {
        let half = |first: &[u64; 4], second: &[u64; 4], b: usize| {
            let (first, second) = (load(first), load(second));
            let high = [_mm256_srli_epi64::<32>(first), _mm256_srli_epi64::<32>(second)];
            let of = |prime: usize| {
                let [f, g] = [factors[prime][b], factors[prime][b + 1]];
                let low = _mm256_add_epi64(mul(first, f[0]), mul(second, g[0]));
                _mm256_add_epi64(low, _mm256_add_epi64(mul(high[0], f[1]), mul(high[1], g[1])))
            };
            both.montgomery([of(0), of(1)])
        };
        // below 4p, so below 2^32
        store(out, both.canonical(_mm256_add_epi32(half(x0, x1, 0), half(x2, x3, 2))));
    }
    for at in len / 4 * 4..len {
        let x = std::array::from_fn(|b| x[b * len + at]);
        out[at] = sum_of_four(x, plain[0], moduli[0]) | sum_of_four(x, plain[1], moduli[1]) << 32;
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

/// See [`super::scale_pairs`].
#[target_feature(enable = "avx2")]
pub(super) fn scale_pairs(x: &mut [u64], factors: &[u64], moduli: [Modulus; 2]) {
    let both = Both::new(moduli);
    for (x, factors) in x.as_chunks_mut::<4>().0.iter_mut().zip(factors.as_chunks::<4>().0) {
        let (value, factor) = (load(x), load(factors));
        let high = mul(_mm256_srli_epi64::<32>(value), _mm256_srli_epi64::<32>(factor));
        store(x, Both::lower(both.montgomery([mul(value, factor), high]), both.once));
    }
    let done = x.len() / 4 * 4;
    for (x, factor) in x[done..].iter_mut().zip(&factors[done..]) {
        *x = scaled_pair(*x, *factor, moduli);
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

/// See [`super::reduce_each`].
#[target_feature(enable = "avx2")]
pub(super) fn reduce_each(out: &mut [u64], x: &[u64], low: &[u64], high: &[u64], moduli: [Modulus; 2]) {
    let both = Both::new(moduli);
    let factors = low.as_chunks::<4>().0.iter().zip(high.as_chunks::<4>().0);
    for ((out, x), (low, high)) in out.as_chunks_mut::<4>().0.iter_mut().zip(x.as_chunks::<4>().0).zip(factors) {
        let (x, low, high) = (load(x), load(low), load(high));
        let upper = |vector: __m256i| _mm256_srli_epi64::<32>(vector);
        let x_high = upper(x);
        let one = _mm256_add_epi64(mul(x, low), mul(x_high, high));
        let two = _mm256_add_epi64(mul(x, upper(low)), mul(x_high, upper(high)));
        store(out, both.montgomery([one, two]));
    }
    for at in out.len() / 4 * 4..out.len() {
        out[at] = reduced_pair(x[at], low[at], high[at], moduli);
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
