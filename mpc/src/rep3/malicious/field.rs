//! What the proofs fold their vectors with: a field of about 2^58 or 2^64 elements, each a word.

use super::gf;
use crate::prg::Stream;

/// A finite field whose elements are words.
pub(super) trait Field: Copy + Send + Sync {
    /// `a + b`.
    fn add(&self, a: u64, b: u64) -> u64;

    /// `a - b`.
    fn sub(&self, a: u64, b: u64) -> u64;

    /// `a b`.
    fn mul(&self, a: u64, b: u64) -> u64;

    /// Adds to `out[k]` the sum of `u[ic + a] w[ic + b]` over all `i` and `a - b + c - 1 = k`: the coefficients of
    /// `sum_i (sum_a u[ic + a] X^a) (sum_b w[ic + b] X^(c-1-b))`. `u` and `w` have a multiple of `c` elements.
    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]);

    /// Appends `sum_a factors[a] v[ic + a]` for each `i`, `c` factors; a last group that is too short counts as filled with zeros.
    fn fold(&self, factors: &[u64], v: &[u64], out: &mut Vec<u64>);

    /// A uniform element.
    fn draw(&self, stream: &mut Stream<'_>) -> u64;

    /// A uniform element other than zero.
    fn draw_unit(&self, stream: &mut Stream<'_>) -> u64 {
        loop {
            let value = self.draw(stream);
            if value != 0 {
                return value;
            }
        }
    }

    /// Whether this is the one form in which an element is written.
    fn is_element(&self, value: u64) -> bool;
}

/// GF(2^64).
#[derive(Clone, Copy)]
pub(super) struct Binary;

impl Field for Binary {
    fn add(&self, a: u64, b: u64) -> u64 {
        a ^ b
    }

    fn sub(&self, a: u64, b: u64) -> u64 {
        a ^ b
    }

    fn mul(&self, a: u64, b: u64) -> u64 {
        gf::mul(a, b)
    }

    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
        gf::convolve(c, u, w, out);
    }

    fn fold(&self, factors: &[u64], v: &[u64], out: &mut Vec<u64>) {
        gf::fold(factors, v, out);
    }

    fn draw(&self, stream: &mut Stream<'_>) -> u64 {
        word(stream)
    }

    fn is_element(&self, _: u64) -> bool {
        true
    }
}

/// Integers modulo a prime between 2^58 and 2^59.
#[derive(Clone, Copy)]
pub(super) struct Prime {
    p: u64,
    /// `floor(2^122 / p)`.
    inverse: u64,
    /// `2^64 mod p`.
    word: u64,
}

/// Products of two elements that can be added before [`Prime::reduce`]: each is below 2^118, the sum stays below 2^122.
const LAZY: usize = 16;

impl Prime {
    const LOW: u64 = 1 << 58;

    /// Arithmetic modulo `p`; `None` unless it is odd and lies in the range. Whether it is prime matters to verifiers only, and they
    /// draw it themselves.
    pub(super) fn new(p: u64) -> Option<Self> {
        if p <= Self::LOW || p >= 2 * Self::LOW || p.is_multiple_of(2) {
            return None;
        }
        let inverse = u64::try_from((1u128 << 122) / u128::from(p)).ok()?;
        let word = u64::try_from((1u128 << 64) % u128::from(p)).ok()?;
        Some(Self { p, inverse, word })
    }

    /// A uniform prime of the range.
    pub(super) fn random(stream: &mut Stream<'_>) -> Self {
        loop {
            let candidate = Self::LOW | (word(stream) >> 6) | 1;
            if let Some(field) = Self::new(candidate)
                && field.is_prime()
            {
                return field;
            }
        }
    }

    pub(super) const fn modulus(&self) -> u64 {
        self.p
    }

    /// Modulo `p`, for `x < 2^122`. With `h = floor(x / 2^58)` and `m = inverse` the estimate `floor(h m / 2^64)` of `x / p` is too small by
    /// less than 3: by `2^58 / p < 1` for what `h` drops, by `x / 2^122 < 1` for what `m` drops and by less than 1 in the end.
    #[inline]
    pub(super) const fn reduce(&self, x: u128) -> u64 {
        let high = (x >> 58) as u64;
        let quotient = (wide(high, self.inverse) >> 64) as u64;
        let mut rest = (x as u64).wrapping_sub(quotient.wrapping_mul(self.p));
        rest = lower(rest, self.p << 1);
        lower(rest, self.p)
    }

    /// Modulo `p`, for any `x`.
    #[inline]
    pub(super) const fn reduce_any(&self, x: u128) -> u64 {
        let high = self.reduce(x >> 64);
        self.reduce(wide(high, self.word).wrapping_add((x as u64) as u128))
    }

    fn pow(&self, base: u64, mut exponent: u64) -> u64 {
        let (mut result, mut square) = (1, base);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, square);
            }
            square = self.mul(square, square);
            exponent >>= 1;
        }
        result
    }

    /// Miller and Rabin with the first twelve primes: no composite below 3.3e24 passes (Sorenson, Webster 2015).
    fn is_prime(&self) -> bool {
        let odd = (self.p - 1) >> (self.p - 1).trailing_zeros();
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().all(|base| {
            let mut value = self.pow(base, odd);
            let mut exponent = odd;
            while exponent != self.p - 1 && value != 1 && value != self.p - 1 {
                value = self.mul(value, value);
                exponent *= 2;
            }
            value == self.p - 1 || exponent == odd && value == 1
        })
    }
}

/// Subtracts `p` unless that wraps: without a branch.
#[inline]
const fn lower(value: u64, p: u64) -> u64 {
    let less = value.wrapping_sub(p);
    // both are below 2^63, so the top bit says that it wrapped
    if less >> 63 == 1 { value } else { less }
}

impl Field for Prime {
    #[inline]
    fn add(&self, a: u64, b: u64) -> u64 {
        lower(a.wrapping_add(b), self.p)
    }

    #[inline]
    fn sub(&self, a: u64, b: u64) -> u64 {
        lower(a.wrapping_add(self.p).wrapping_sub(b), self.p)
    }

    #[inline]
    fn mul(&self, a: u64, b: u64) -> u64 {
        self.reduce(wide(a, b))
    }

    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
        if c == 4 {
            return self.convolve_four(u, w, out);
        }
        for a in 0..c {
            for b in 0..c {
                let slot = &mut out[a + c - 1 - b];
                let mut pairs = u.iter().skip(a).step_by(c).zip(w.iter().skip(b).step_by(c));
                loop {
                    let (mut sum, mut any) = (0u128, false);
                    for (u, w) in pairs.by_ref().take(LAZY) {
                        sum = sum.wrapping_add(wide(*u, *w));
                        any = true;
                    }
                    if !any {
                        break;
                    }
                    *slot = self.add(*slot, self.reduce(sum));
                }
            }
        }
    }

    fn fold(&self, factors: &[u64], v: &[u64], out: &mut Vec<u64>) {
        out.reserve(v.len().div_ceil(factors.len()));
        if let [f0, f1, f2, f3] = *factors {
            let (groups, rest) = v.as_chunks::<4>();
            let one = |v: &[u64; 4]| {
                let low = wide(f0, v[0]).wrapping_add(wide(f1, v[1]));
                self.reduce(low.wrapping_add(wide(f2, v[2])).wrapping_add(wide(f3, v[3])))
            };
            out.extend(groups.iter().map(one));
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                out.push(one(&last));
            }
            return;
        }
        for group in v.chunks(factors.len()) {
            let mut total = 0;
            for (factors, group) in factors.chunks(LAZY).zip(group.chunks(LAZY)) {
                let sum = factors.iter().zip(group).fold(0u128, |sum, (f, v)| sum.wrapping_add(wide(*f, *v)));
                total = self.add(total, self.reduce(sum));
            }
            out.push(total);
        }
    }

    fn draw(&self, stream: &mut Stream<'_>) -> u64 {
        loop {
            let value = word(stream) >> 5;
            if value < self.p {
                return value;
            }
        }
    }

    fn is_element(&self, value: u64) -> bool {
        value < self.p
    }
}

impl Prime {
    /// Four by four in registers: 8 products at most go to one sum before it is reduced.
    fn convolve_four(&self, u: &[u64], w: &[u64], out: &mut [u64]) {
        let (u, w) = (u.as_chunks::<4>().0, w.as_chunks::<4>().0);
        for (u, w) in u.chunks(LAZY / 4).zip(w.chunks(LAZY / 4)) {
            let mut sums = [0u128; 7];
            for (u, w) in u.iter().zip(w) {
                for a in 0..4 {
                    for b in 0..4 {
                        sums[a + 3 - b] = sums[a + 3 - b].wrapping_add(wide(u[a], w[b]));
                    }
                }
            }
            for (slot, sum) in out.iter_mut().zip(sums) {
                *slot = self.add(*slot, self.reduce(sum));
            }
        }
    }
}

/// `a b`, whole: never overflows, so nothing has to be checked.
#[inline]
pub(super) const fn wide(a: u64, b: u64) -> u128 {
    (a as u128).wrapping_mul(b as u128)
}

/// The next element of a stream.
pub(super) fn word(stream: &mut Stream<'_>) -> u64 {
    let mut out = [0];
    stream.fill(&mut out);
    out[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prg::{Key, Op, Purpose};

    fn naive<F: Field>(field: &F, c: usize, u: &[u64], w: &[u64]) -> Vec<u64> {
        let mut out = vec![0; 2 * c - 1];
        for (u, w) in u.chunks(c).zip(w.chunks(c)) {
            for a in 0..c {
                for b in 0..c {
                    out[a + c - 1 - b] = field.add(out[a + c - 1 - b], field.mul(u[a], w[b]));
                }
            }
        }
        out
    }

    fn check<F: Field>(field: &F, c: usize, groups: usize, seed: u64) {
        let key = Key::derive(&[1; 32], &[2; 32], 0);
        let op = Op::new(seed >> 20);
        let mut stream = key.stream(Purpose::Input, &op);
        let mut draw = |len: usize| (0..len).map(|_| field.draw(&mut stream)).collect::<Vec<_>>();
        let (u, w, factors) = (draw(c * groups), draw(c * groups), draw(c));
        let mut out = vec![0; 2 * c - 1];
        field.convolve(c, &u, &w, &mut out);
        assert_eq!(out, naive(field, c, &u, &w));
        let short = &u[..u.len().saturating_sub(1)];
        let mut folded = Vec::new();
        field.fold(&factors, short, &mut folded);
        let sum = |group: &[u64]| factors.iter().zip(group).fold(0, |sum, (f, v)| field.add(sum, field.mul(*f, *v)));
        assert_eq!(folded, short.chunks(c).map(sum).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn prime_arithmetic(a: u64, b: u64, wide: u128, seed: u64) {
            let key = Key::derive(&[1; 32], &[2; 32], 0);
            let field = Prime::random(&mut key.stream(Purpose::Input, &Op::new(seed >> 20)));
            let p = u128::from(field.p);
            prop_assert!(p > 1 << 58 && p < 1 << 59);
            prop_assert_eq!(u128::from(field.reduce(wide >> 6)), (wide >> 6) % p);
            prop_assert_eq!(u128::from(field.reduce_any(wide)), wide % p);
            let (a, b) = (a % field.p, b % field.p);
            prop_assert_eq!(u128::from(field.add(a, b)), (u128::from(a) + u128::from(b)) % p);
            prop_assert_eq!(u128::from(field.sub(a, b)), (u128::from(a) + p - u128::from(b)) % p);
            for c in [1, 2, 4, 8, 16, 33] {
                check(&field, c, 9, seed);
            }
        }

        #[test]
        fn binary_arithmetic(seed: u64) {
            for c in [1, 2, 4, 8, 16, 33] {
                check(&Binary, c, 9, seed);
            }
        }
    }

    #[test]
    fn primes_are_recognised() {
        let at = |p| Prime::new(p).is_some_and(|field| field.is_prime());
        // the first primes above 2^58 and the last below 2^59 (checked with another program)
        assert!(at((1 << 58) + 69) && at((1 << 59) - 55));
        assert!(!at((1 << 58) + 67) && !at((1 << 59) - 53) && !at((1 << 59) - 3));
        // 536870909 * 536870923, both prime
        assert!(!at(536_870_909 * 536_870_923));
        assert!(Prime::new(1 << 58).is_none() && Prime::new((1 << 59) + 1).is_none() && Prime::new((1 << 58) + 2).is_none());
    }
}
