//! The loops of the proofs over words, modulo a prime `p` between 2^29 and 2^30: compiled for every CPU, for AVX2 and for AVX-512,
//! see [`crate::rep3::kernel`].
//!
//! Every number stands in 64 bits, the factors of a product in the lower 32: what vectors multiply at once. A ring element is read as
//! `low + 2^32 high`; a factor `f` of ring elements comes as `R f` and `R^2 f` modulo `p` with `R = 2^32`, so that `low R f + high R^2 f` is
//! `R f x`, and Montgomery's reduction takes the `R` away. Sums are kept in two halves of 32 bits.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

#[cfg(target_arch = "x86_64")]
mod by_hand;

use crate::rep3::kernel::{Level, levels};

const LOW: u64 = u32::MAX as u64;

/// An odd modulus between 2^29 and 2^30.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modulus {
    pub(super) p: u64,
    /// `1 / p mod 2^32`.
    pub(super) inverse: u64,
}

/// A factor of ring elements: `R f mod p` and `R^2 f mod p`, below `p`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Factor {
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Modulus {
    /// `t / R mod p` for any `t`, at most `t / 2^32 + p` and not below 0.
    #[inline(always)]
    pub(super) const fn montgomery(self, t: u64) -> u64 {
        (t >> 32).wrapping_add(self.p).wrapping_sub(narrow(narrow(t, self.inverse), self.p) >> 32)
    }
}

/// `x - y` unless that is negative; both below 2^63.
#[inline(always)]
pub(super) const fn lower(x: u64, y: u64) -> u64 {
    let less = x.wrapping_sub(y);
    if less.cast_signed() < 0 { x } else { less }
}

/// The product of two numbers of 32 bits.
#[inline(always)]
const fn narrow(a: u64, b: u64) -> u64 {
    (a & LOW).wrapping_mul(b & LOW)
}

/// `R f x` in the sense of [`Factor`]: below `2^33 p`.
#[inline(always)]
const fn times(x: u64, factor: Factor) -> u64 {
    narrow(x, factor.low).wrapping_add(narrow(x >> 32, factor.high))
}

/// A factor of ring elements for sums of four: halves are multiplied as signed numbers, `R f` and `R^2 f` as those between `-p/2` and `p/2`, so
/// that eight products fit a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signed {
    low: u64,
    high: u64,
}

/// The upper bits of both halves: without them a half counts `2^31` less, as a signed number.
const SIGNS: u64 = 1 << 63 | 1 << 31;

/// What the elements of four quarters are multiplied by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Four {
    of: [Signed; 4],
    /// What signed halves leave out, and so much that no sum is negative: between `2^33 p` and `2^33 p + p`.
    first: u64,
}

impl Four {
    pub(super) fn new(factors: [Factor; 4], modulus: Modulus) -> Self {
        let p = modulus.p;
        let signed = |f: u64| if f > p / 2 { f.wrapping_sub(p) & LOW } else { f };
        let sum = factors.iter().fold(0u128, |sum, f| sum.wrapping_add(f.low.into()).wrapping_add(f.high.into()));
        let left_out = u64::try_from((sum << 31) % u128::from(p)).unwrap_or(0);
        Self { of: factors.map(|f| Signed { low: signed(f.low), high: signed(f.high) }), first: (p << 33).wrapping_add(left_out) }
    }

    /// `R sum_b f_b x_b`, below `2^34 p`.
    #[inline(always)]
    const fn times(&self, x: [u64; 4]) -> u64 {
        let mut sum = self.first;
        let mut b = 0;
        while b < 4 {
            let (x, f) = (x[b] ^ SIGNS, self.of[b]);
            sum = sum.wrapping_add(signed_product(x, f.low)).wrapping_add(signed_product(x >> 32, f.high));
            b += 1;
        }
        sum
    }
}

/// The product of the lower halves as signed numbers.
#[inline(always)]
const fn signed_product(a: u64, b: u64) -> u64 {
    ((a as u32).cast_signed() as i64).wrapping_mul((b as u32).cast_signed() as i64).cast_unsigned()
}

/// `sum_tb f_tb x_tb` modulo both primes for one or two terms `t`, times `sigma / R` if that is not zero, in one word, each below `p`; `sigma` holds
/// two residues.
#[inline(always)]
const fn sum_of_terms(x: [[u64; 4]; 2], f: &[[Four; 2]; 2], two: bool, sigma: Option<u64>, moduli: [Modulus; 2]) -> u64 {
    let mut out = 0;
    let mut at = 0;
    while at < 2 {
        let (modulus, p) = (moduli[at], moduli[at].p);
        // each below 4p + p
        let mut sum = modulus.montgomery(f[0][at].times(x[0]));
        if two {
            sum = sum.wrapping_add(modulus.montgomery(f[1][at].times(x[1])));
        }
        sum = lower(lower(sum, p << 3), p << 2);
        if let Some(sigma) = sigma {
            // below 4 p^2 / R + p < 5p
            sum = modulus.montgomery(narrow(sum, sigma >> (32 * at)));
            sum = lower(sum, p << 2);
        }
        out |= lower(lower(sum, p << 1), p) << (32 * at);
        at += 1;
    }
    out
}

/// `f x` modulo both primes, in one word, each below `p`.
#[inline(always)]
const fn factor_pair(x: u64, of: [Factor; 2], [one, two]: [Modulus; 2]) -> u64 {
    let first = lower(lower(one.montgomery(times(x, of[0])), one.p << 1), one.p);
    let second = lower(lower(two.montgomery(times(x, of[1])), two.p << 1), two.p);
    first | second << 32
}

/// `f x` modulo both primes, in one word, between `-p/2` and `p/2` as signed numbers; `low` holds `R f` modulo each, `high` `R^2 f`.
#[inline(always)]
const fn signed_pair(x: u64, low: [u64; 2], high: [u64; 2], moduli: [Modulus; 2]) -> u64 {
    let mut out = 0;
    let mut at = 0;
    while at < 2 {
        let (modulus, p) = (moduli[at], moduli[at].p);
        // below 2p + p, and half of p more
        let value = modulus.montgomery(times(x, Factor { low: low[at], high: high[at] })).wrapping_add(p / 2);
        let value = lower(lower(value, p << 1), p).wrapping_sub(p / 2) & LOW;
        out |= value << (32 * at);
        at += 1;
    }
    out
}

/// See [`convolve_signed`]; from place `from` on.
#[inline(always)]
fn convolve_some(sums: &mut [[i128; 7]; 2], u: [&[u64]; 4], w: [&[u64]; 4], from: usize) {
    let len = u[0].len();
    let (u, w) = (u.map(|u| &u[..len]), w.map(|w| &w[..len]));
    // each product below 2^58, four below 2^60, of eight places below 2^63
    for start in (from..len).step_by(8) {
        for (half, sums) in sums.iter_mut().enumerate() {
            let mut some = [0i64; 7];
            for at in start..len.min(start.wrapping_add(8)) {
                for a in 0..4 {
                    for b in 0..4 {
                        let product = signed_product(u[a][at] >> (32 * half), w[b][at] >> (32 * half)).cast_signed();
                        some[a + 3 - b] = some[a + 3 - b].wrapping_add(product);
                    }
                }
            }
            for (sum, some) in sums.iter_mut().zip(some) {
                *sum = sum.wrapping_add(some.into());
            }
        }
    }
}

/// `sum_b f_b x_b` for words that hold two residues each, below `p`; `factors` hold `R f_b` modulo both.
#[inline(always)]
const fn pair_of_four(x: [u64; 4], f: &[u64; 4], [one, two]: [Modulus; 2]) -> u64 {
    // below 4 p^2 < 2^32 p, so below 2p when reduced
    let first = narrow(x[0], f[0]).wrapping_add(narrow(x[1], f[1])).wrapping_add(narrow(x[2], f[2])).wrapping_add(narrow(x[3], f[3]));
    let second = narrow(x[0] >> 32, f[0] >> 32)
        .wrapping_add(narrow(x[1] >> 32, f[1] >> 32))
        .wrapping_add(narrow(x[2] >> 32, f[2] >> 32))
        .wrapping_add(narrow(x[3] >> 32, f[3] >> 32));
    lower(one.montgomery(first), one.p) | lower(two.montgomery(second), two.p) << 32
}

/// See [`claim`].
#[inline(always)]
fn claim_some(sums: &mut [[u64; 5]; 2], rest: &[u64], carry: &[u64], sigma: &[u64]) {
    let (rest, carry) = (&rest[..sigma.len()], &carry[..sigma.len()]);
    for at in 0..sigma.len() {
        for (sums, sigma) in sums.iter_mut().zip([sigma[at], sigma[at] >> 32]) {
            let (low, high) = (narrow(rest[at], sigma), narrow(rest[at] >> 32, sigma));
            let more = [low & LOW, low >> 32, high & LOW, high >> 32, narrow(carry[at], sigma)];
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum = sum.wrapping_add(more);
            }
        }
    }
}

levels! {
    /// `out = f x mod p`, below `2p`.
    fn reduce(out: &mut [u64], x: &[u64], factor: Factor, modulus: Modulus) {
        let x = &x[..out.len()];
        for at in 0..out.len() {
            // below 2p + p
            out[at] = lower(modulus.montgomery(times(x[at], factor)), modulus.p << 1);
        }
    }
}

levels! {
    /// Factors of ring elements, from coefficients: `low = R x mod p`, `high = R^2 x mod p`, where `of_low` and `of_high` are the factors of `R`
    /// and `R^2`.
    fn factors(low: &mut [u64], high: &mut [u64], x: &[u64], of_low: Factor, of_high: Factor, modulus: Modulus) {
        let (high, x) = (&mut high[..low.len()], &x[..low.len()]);
        for at in 0..low.len() {
            low[at] = lower(lower(modulus.montgomery(times(x[at], of_low)), modulus.p << 1), modulus.p);
            high[at] = lower(lower(modulus.montgomery(times(x[at], of_high)), modulus.p << 1), modulus.p);
        }
    }
}

levels! {
    /// `out[i] = sum_tb f_tb x_t[b len + i]` modulo both primes, in one word, each below `p`; terms have four times the length of `out`, the second one may be
    /// empty. Unless `sigma` is empty, times `sigma[i] / R`: words that hold two residues each.
    fn fold_terms(out: &mut [u64], x: [&[u64]; 2], factors: &[[Four; 2]; 2], sigma: &[u64], moduli: [Modulus; 2]) or by_hand::fold_terms {
        let len = out.len();
        let two = !x[1].is_empty();
        for at in 0..len {
            let four = |x: &[u64]| [x[at], x[len + at], x[2 * len + at], x[3 * len + at]];
            let x = [four(x[0]), if two { four(x[1]) } else { [0; 4] }];
            out[at] = sum_of_terms(x, factors, two, sigma.get(at).copied(), moduli);
        }
    }
}

levels! {
    /// `f x` modulo both primes, in one word, each below `p`; `R f` from coefficients `f` with the factors of `R`.
    fn factor_pairs(out: &mut [u64], x: &[u64], of: [Factor; 2], moduli: [Modulus; 2]) or by_hand::factor_pairs {
        let x = &x[..out.len()];
        for at in 0..out.len() {
            out[at] = factor_pair(x[at], of, moduli);
        }
    }
}

levels! {
    /// `f x` modulo both primes, in one word, between `-p/2` and `p/2` as signed numbers of 32 bits.
    fn signed_pairs(out: &mut [u64], x: &[u64], of: [Factor; 2], moduli: [Modulus; 2]) or by_hand::signed_pairs {
        let x = &x[..out.len()];
        for at in 0..out.len() {
            out[at] = signed_pair(x[at], [of[0].low, of[1].low], [of[0].high, of[1].high], moduli);
        }
    }
}

levels! {
    /// `out[i] = f[i] x[i]` modulo both primes, in one word, between `-p/2` and `p/2` as signed numbers of 32 bits; `low` holds `R f` modulo both, `high`
    /// `R^2 f`.
    fn signed_each(out: &mut [u64], x: &[u64], low: &[u64], high: &[u64], moduli: [Modulus; 2]) or by_hand::signed_each {
        let (x, low, high) = (&x[..out.len()], &low[..out.len()], &high[..out.len()]);
        for at in 0..out.len() {
            out[at] = signed_pair(x[at], [low[at], low[at] >> 32], [high[at], high[at] >> 32], moduli);
        }
    }
}

levels! {
    /// Adds the seven coefficients of `(sum_a u_a X^a) (sum_b w_b X^(3-b))`, summed over all places of the quarters `u_a`, `w_b`, for both halves of
    /// words, read as signed numbers of at most `2^29`, to `sums[half]`.
    fn convolve_signed(sums: &mut [[i128; 7]; 2], u: [&[u64]; 4], w: [&[u64]; 4]) or by_hand::convolve_signed {
        convolve_some(sums, u, w, 0);
    }
}

levels! {
    /// Adds `sum_i x[i] y[i]` to a sum in halves; factors below 2^32.
    fn dot(sums: &mut [u64; 2], x: &[u64], y: &[u64]) {
        let y = &y[..x.len()];
        let (mut low, mut high) = (0u64, 0u64);
        for at in 0..x.len() {
            let product = narrow(x[at], y[at]);
            low = low.wrapping_add(product & LOW);
            high = high.wrapping_add(product >> 32);
        }
        sums[0] = sums[0].wrapping_add(low);
        sums[1] = sums[1].wrapping_add(high);
    }
}

levels! {
    /// Adds the seven coefficients of `(sum_a u_a X^a) (sum_b w_b X^(3-b))`, summed over all places of the quarters `u_a`, `w_b`, to sums in
    /// halves; elements below `2p` in the 32 bits from bit `from` on.
    fn convolve(sums: &mut [[u64; 2]; 7], u: [&[u64]; 4], w: [&[u64]; 4], from: u32) {
        let len = u[0].len();
        let (u0, u1, u2, u3) = (&u[0][..len], &u[1][..len], &u[2][..len], &u[3][..len]);
        let (w0, w1, w2, w3) = (&w[0][..len], &w[1][..len], &w[2][..len], &w[3][..len]);
        let narrow = |a: u64, b: u64| narrow(a >> from, b >> from);
        let mut low = [0u64; 4];
        let mut high = [0u64; 4];
        for at in 0..len {
            // each below 4 p^2 < 2^62, four below 2^64
            let t0 = narrow(u0[at], w3[at]);
            let t1 = narrow(u0[at], w2[at]).wrapping_add(narrow(u1[at], w3[at]));
            let t2 = narrow(u0[at], w1[at]).wrapping_add(narrow(u1[at], w2[at])).wrapping_add(narrow(u2[at], w3[at]));
            let t3 = narrow(u0[at], w0[at])
                .wrapping_add(narrow(u1[at], w1[at]))
                .wrapping_add(narrow(u2[at], w2[at]))
                .wrapping_add(narrow(u3[at], w3[at]));
            low[0] = low[0].wrapping_add(t0 & LOW);
            high[0] = high[0].wrapping_add(t0 >> 32);
            low[1] = low[1].wrapping_add(t1 & LOW);
            high[1] = high[1].wrapping_add(t1 >> 32);
            low[2] = low[2].wrapping_add(t2 & LOW);
            high[2] = high[2].wrapping_add(t2 >> 32);
            low[3] = low[3].wrapping_add(t3 & LOW);
            high[3] = high[3].wrapping_add(t3 >> 32);
        }
        for k in 0..4 {
            sums[k][0] = sums[k][0].wrapping_add(low[k]);
            sums[k][1] = sums[k][1].wrapping_add(high[k]);
        }
        let mut low = [0u64; 3];
        let mut high = [0u64; 3];
        for at in 0..len {
            let t4 = narrow(u1[at], w0[at]).wrapping_add(narrow(u2[at], w1[at])).wrapping_add(narrow(u3[at], w2[at]));
            let t5 = narrow(u2[at], w0[at]).wrapping_add(narrow(u3[at], w1[at]));
            let t6 = narrow(u3[at], w0[at]);
            low[0] = low[0].wrapping_add(t4 & LOW);
            high[0] = high[0].wrapping_add(t4 >> 32);
            low[1] = low[1].wrapping_add(t5 & LOW);
            high[1] = high[1].wrapping_add(t5 >> 32);
            low[2] = low[2].wrapping_add(t6 & LOW);
            high[2] = high[2].wrapping_add(t6 >> 32);
        }
        for k in 0..3 {
            sums[4 + k][0] = sums[4 + k][0].wrapping_add(low[k]);
            sums[4 + k][1] = sums[4 + k][1].wrapping_add(high[k]);
        }
    }
}

levels! {
    /// Adds `sum_i x[i] y[i]` of words that hold two residues each to two sums in halves.
    fn dot_pairs(sums: &mut [[u64; 2]; 2], x: &[u64], y: &[u64]) {
        let y = &y[..x.len()];
        let mut halves = [0u64; 4];
        for at in 0..x.len() {
            let (one, two) = (narrow(x[at], y[at]), narrow(x[at] >> 32, y[at] >> 32));
            halves[0] = halves[0].wrapping_add(one & LOW);
            halves[1] = halves[1].wrapping_add(one >> 32);
            halves[2] = halves[2].wrapping_add(two & LOW);
            halves[3] = halves[3].wrapping_add(two >> 32);
        }
        for prime in 0..2 {
            sums[prime][0] = sums[prime][0].wrapping_add(halves[2 * prime]);
            sums[prime][1] = sums[prime][1].wrapping_add(halves[2 * prime + 1]);
        }
    }
}

levels! {
    /// Adds `sum_i sigma_i (rest_i + 2^64 carry_i)` for both halves `sigma` of a word, below 2^29, to `sums[half]`, whose numbers count 1, 2^32,
    /// 2^32, 2^64, 2^64; carries below 2^26, at most 2^8 places.
    fn claim(sums: &mut [[u64; 5]; 2], rest: &[u64], carry: &[u64], sigma: &[u64]) or by_hand::claim {
        claim_some(sums, rest, carry, sigma);
    }
}

levels! {
    /// `out[i] = out[i] + f x[i]` for words that hold two residues each, below `p`; `factor` holds `R f` modulo both.
    fn add_scaled(out: &mut [u64], x: &[u64], factor: u64, moduli: [Modulus; 2]) {
        let x = &x[..out.len()];
        let [one, two] = moduli;
        for at in 0..out.len() {
            // below p^2 / 2^32 + p < 2p
            let first = lower(one.montgomery(narrow(x[at], factor)), one.p);
            let second = lower(two.montgomery(narrow(x[at] >> 32, factor >> 32)), two.p);
            let first = lower((out[at] & LOW).wrapping_add(first), one.p);
            let second = lower((out[at] >> 32).wrapping_add(second), two.p);
            out[at] = first | second << 32;
        }
    }
}

levels! {
    /// `out[i] = sum_b f_b x[b len + i]` for words that hold two residues each, below `p`; `factors` hold `R f_b` modulo both.
    fn fold_pairs(out: &mut [u64], x: &[u64], factors: &[u64; 4], moduli: [Modulus; 2]) or by_hand::fold_pairs {
        let len = out.len();
        let (x0, x1, x2, x3) = (&x[..len], &x[len..2 * len], &x[2 * len..3 * len], &x[3 * len..4 * len]);
        for at in 0..len {
            out[at] = pair_of_four([x0[at], x1[at], x2[at], x3[at]], factors, moduli);
        }
    }
}

levels! {
    /// Adds `R f x[i]` to sums in halves.
    fn accumulate(low: &mut [u64], high: &mut [u64], x: &[u64], factor: Factor) {
        let (high, x) = (&mut high[..low.len()], &x[..low.len()]);
        for at in 0..low.len() {
            let product = times(x[at], factor);
            low[at] = low[at].wrapping_add(product & LOW);
            high[at] = high[at].wrapping_add(product >> 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const P: [u64; 2] = [(1 << 29) + 11, (1 << 30) - 35];

    fn modulus(p: u64) -> Modulus {
        let inverse = (0..5).fold(p, |x, _| x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)))) & LOW;
        Modulus { p, inverse }
    }

    fn factor(f: u64, p: u64) -> Factor {
        let at = |shift: u32| ((u128::from(f) << shift) % u128::from(p)) as u64;
        Factor { low: at(32), high: at(64) }
    }

    fn sum(halves: [u64; 2], p: u64) -> u64 {
        ((u128::from(halves[0]) + (u128::from(halves[1]) << 32)) % u128::from(p)) as u64
    }

    fn naive(pairs: impl Iterator<Item = (u64, u64)>, p: u64) -> u64 {
        pairs.fold(0, |sum, (a, b)| ((u128::from(sum) + u128::from(a) * u128::from(b)) % u128::from(p)) as u64)
    }

    /// Extreme words are as likely as any.
    fn words(len: usize) -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(0), Just(LOW), Just(LOW << 32)], len)
    }

    proptest! {
        #[test]
        fn kernel_twins_of_proofs_agree(
            (x, y) in (0usize..40).prop_flat_map(|len| (words(4 * len), words(4 * len))),
            f: [u64; 4],
        ) {
            for (level, p) in Level::all().into_iter().flat_map(|level| P.map(|p| (level, p))) {
                let (m, len) = (modulus(p), x.len());
                let mut out = vec![0; len];
                reduce::at(level, &mut out, &x, factor(f[0], p), m);
                prop_assert!(out.iter().zip(&x).all(|(out, x)| *out < 2 * p && out % p == naive([(f[0], *x)].into_iter(), p)));
                let (mut low, mut high) = (vec![0; len], vec![0; len]);
                factors::at(level, &mut low, &mut high, &y, factor(1 << 32, p), factor(((1u128 << 64) % u128::from(p)) as u64, p), m);
                let right: Vec<_> = y.iter().map(|y| factor(*y, p)).collect();
                prop_assert!(right.iter().zip(low.iter().zip(&high)).all(|(right, (low, high))| *low == right.low && *high == right.high));

                let quarter = len / 4;

                let (mut low, mut high) = (vec![1; len], vec![0; len]);
                accumulate::at(level, &mut low, &mut high, &x, factor(f[0], p));
                for at in 0..len {
                    // the factor R is still there
                    let right = naive([(factor(f[0], p).low, x[at]), (1, 1)].into_iter(), p);
                    prop_assert_eq!(sum([low[at], high[at]], p), right);
                }

                let most = |values: &[u64]| values.iter().map(|value| value % (2 * p)).collect::<Vec<u64>>();
                let (u, w) = (most(&x), most(&y));
                let mut sums = [[1u64, 0]; 7];
                let quarters = |values: &[u64], from: u32| values.iter().map(|value| value << from | if from == 0 { LOW << 32 } else { LOW }).collect::<Vec<u64>>();
                let from = if p == P[0] { 0 } else { 32 };
                let (left, right) = (quarters(&u, from), quarters(&w, from));
                let of = |b: usize| b * quarter..(b + 1) * quarter;
                convolve::at(level, &mut sums, std::array::from_fn(|b| &left[of(b)]), std::array::from_fn(|b| &right[of(b)]), from);
                for (k, halves) in sums.into_iter().enumerate() {
                    let pairs = (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a + 3 - b == k);
                    let products = pairs.flat_map(|(a, b)| (0..quarter).map(move |at| (a * quarter + at, b * quarter + at)));
                    prop_assert_eq!(sum(halves, p), (naive(products.map(|(a, b)| (u[a], w[b])), p) + 1) % p);
                }
                let mut sums = [5, 7];
                dot::at(level, &mut sums, &u, &w);
                prop_assert_eq!(sum(sums, p), (sum([5, 7], p) + naive(u.iter().copied().zip(w.iter().copied()), p)) % p);
            }
        }

        #[test]
        fn kernel_twins_of_folds_agree((x, z, y) in (0usize..40).prop_flat_map(|len| (words(4 * len), words(4 * len), words(len))), f: [[[u64; 4]; 2]; 2]) {
            let (moduli, len) = (P.map(modulus), y.len());
            let factors: [[[Factor; 4]; 2]; 2] = f.map(|f| std::array::from_fn(|prime| f[prime].map(|f| factor(f, P[prime]))));
            let fours = factors.map(|factors| [0, 1].map(|prime| Four::new(factors[prime], moduli[prime])));
            let half = |value: u64, prime: usize| value >> (32 * prime) & LOW;
            let pairs: Vec<u64> = y.iter().map(|y| (half(*y, 0) % P[0]) | ((half(*y, 1) % P[1]) << 32)).collect();
            for level in Level::all() {
                for (second, sigma) in [(&z[..0], &pairs[..0]), (&z[..0], &pairs), (&z, &pairs[..0]), (&z, &pairs)] {
                    let mut folded = vec![0; len];
                    fold_terms::at(level, &mut folded, [&x, second], &fours, sigma, moduli);
                    for (at, prime) in (0..len).flat_map(|at| [(at, 0), (at, 1)]) {
                        let terms = (0..4).flat_map(|b| [(f[0][prime][b], x[b * len + at]), (f[1][prime][b], second.get(b * len + at).copied().unwrap_or(0))]);
                        let sum = naive(terms, P[prime]);
                        let found = half(folded[at], prime);
                        prop_assert!(found < P[prime]);
                        match sigma.get(at) {
                            Some(sigma) => prop_assert_eq!(naive([(found, 1 << 32)].into_iter(), P[prime]), naive([(sum, half(*sigma, prime))].into_iter(), P[prime])),
                            None => prop_assert_eq!(found, sum),
                        }
                    }
                }
                let mut pairs = vec![0; len];
                factor_pairs::at(level, &mut pairs, &y, P.map(|p| factor(1 << 32, p)), moduli);
                let mut squares = vec![0; len];
                factor_pairs::at(level, &mut squares, &y, P.map(|p| factor(((1u128 << 64) % u128::from(p)) as u64, p)), moduli);
                let (mut each, mut all) = (vec![0; len], vec![0; len]);
                signed_each::at(level, &mut each, &x[..len], &pairs, &squares, moduli);
                signed_pairs::at(level, &mut all, &y, P.map(|p| factor(f[0][0][0], p)), moduli);
                for at in 0..len {
                    for (prime, p) in P.into_iter().enumerate() {
                        prop_assert_eq!([half(pairs[at], prime), half(squares[at], prime)], [factor(y[at], p).low, factor(y[at], p).high]);
                        for (found, right) in [(each[at], (x[at], y[at])), (all[at], (y[at], f[0][0][0]))] {
                            let found = (half(found, prime) as u32).cast_signed() as i64;
                            prop_assert!(found.unsigned_abs() <= p / 2 && found.rem_euclid(p.cast_signed()).cast_unsigned() == naive([right].into_iter(), p));
                        }
                    }
                }
            }
        }

        #[test]
        fn kernel_twins_of_signed_convolutions_agree([u, w] in (0usize..60).prop_flat_map(|len| proptest::array::uniform2(words(4 * len)))) {
            // at most 2^29, the extremes too
            let most = 1i64 << 29;
            let signed = |value: u64| ((value as i64 & 0x7fff_ffff) - most).min(most).cast_unsigned() & LOW;
            let [u, w] = [u, w].map(|values| values.iter().map(|value| signed(*value) | signed(value >> 32) << 32).collect::<Vec<u64>>());
            let quarter = u.len() / 4;
            for level in Level::all() {
                let mut sums = [[1; 7], [-5; 7]];
                let of = |b: usize| b * quarter..(b + 1) * quarter;
                convolve_signed::at(level, &mut sums, std::array::from_fn(|b| &u[of(b)]), std::array::from_fn(|b| &w[of(b)]));
                for (half, sums) in sums.into_iter().enumerate() {
                    let number = |value: u64| i128::from(((value >> (32 * half)) as u32).cast_signed());
                    for (k, sum) in sums.into_iter().enumerate() {
                        let pairs = (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a + 3 - b == k);
                        let products = pairs.flat_map(|(a, b)| (0..quarter).map(move |at| (a * quarter + at, b * quarter + at)));
                        prop_assert_eq!(sum, products.map(|(a, b)| number(u[a]) * number(w[b])).sum::<i128>() + [1, -5][half]);
                    }
                }
            }
        }

        #[test]
        fn kernel_twins_of_claims_agree((rest, carry, sigma) in (0usize..200).prop_flat_map(|len| (words(len), words(len), words(len)))) {
            let carry: Vec<u64> = carry.iter().map(|carry| carry >> 38).collect();
            let sigma: Vec<u64> = sigma.iter().map(|sigma| sigma >> 3 & 0x1fff_ffff_1fff_ffff).collect();
            for level in Level::all() {
                let mut sums = [[5, 4, 3, 2, 1], [0; 5]];
                claim::at(level, &mut sums, &rest, &carry, &sigma);
                for (half, sums) in sums.into_iter().enumerate() {
                    let of = |values: &[u64]| values.iter().zip(&sigma).map(|(x, sigma)| u128::from(*x) * u128::from(sigma >> (32 * half) & LOW)).sum::<u128>();
                    let [a, b, c, d, e] = sums.map(u128::from);
                    let before = if half == 0 { [5 + (4 << 32) + (3 << 32) + (2 << 64), 1] } else { [0; 2] };
                    prop_assert_eq!([a + ((b + c) << 32) + (d << 64), e], [of(&rest) + before[0], of(&carry) + before[1]]);
                }
            }
        }

        #[test]
        fn kernel_twins_of_pairs_agree((x, y) in (0usize..80).prop_flat_map(|len| (words(len), words(len))), f: u64) {
            let moduli = P.map(modulus);
            let residues = |values: &[u64]| values.iter().map(|v| ((v & LOW) % P[0]) | (((v >> 32) % P[1]) << 32)).collect::<Vec<u64>>();
            let (x, y) = (residues(&x), residues(&y));
            let halves = |value: u64| [value & LOW, value >> 32];
            for level in Level::all() {
                let mut sums = [[0; 2]; 2];
                dot_pairs::at(level, &mut sums, &x, &y);
                for prime in 0..2 {
                    let pairs = x.iter().zip(&y).map(|(x, y)| (halves(*x)[prime], halves(*y)[prime]));
                    prop_assert_eq!(sum(sums[prime], P[prime]), naive(pairs, P[prime]));
                }
                let mut whole = x.clone();
                add_scaled::at(level, &mut whole, &y, factor(f, P[0]).low | factor(f, P[1]).low << 32, moduli);
                for at in 0..x.len() {
                    for (prime, p) in P.into_iter().enumerate() {
                        let right = naive([(1, halves(x[at])[prime]), (f, halves(y[at])[prime])].into_iter(), p);
                        prop_assert_eq!(halves(whole[at])[prime], right);
                    }
                }
                let quarter = x.len() / 4;
                let mut folded = vec![0; quarter];
                let f = [0, 17, 34, 51].map(|turn| f.rotate_left(turn));
                let both = f.map(|f| factor(f, P[0]).low | factor(f, P[1]).low << 32);
                fold_pairs::at(level, &mut folded, &x, &both, moduli);
                for (at, folded) in folded.into_iter().enumerate() {
                    for (prime, p) in P.into_iter().enumerate() {
                        prop_assert_eq!(halves(folded)[prime], naive((0..4).map(|b| (f[b], halves(x[b * quarter + at])[prime])), p));
                    }
                }
            }
        }
    }
}
