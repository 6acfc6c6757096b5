//! Integers modulo two primes between 2^29 and 2^30, each drawn by itself: residues modulo the first in the lower half of a word,
//! modulo the second in the upper. Each has an equation of its own, with coefficients of its own, and a false relation has to survive both. Two
//! narrow primes cost vectors of 32-bit products a third of what one wide prime would cost.

use super::field::{Field, word};
use super::lanes::{self, Factor, Modulus, lower};
use crate::memory::zeros;
use crate::prg::Stream;

const LOW: u64 = u32::MAX as u64;

/// One of the two primes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prime {
    pub(super) modulus: Modulus,
    /// `R mod p` and `R^2 mod p` for `R = 2^32`: the factor 1.
    pub(super) one: Factor,
    /// The factor `R`.
    r: Factor,
    /// The factor `R^2`.
    square: Factor,
}

const LOWEST: u64 = 1 << 29;

impl Prime {
    /// Arithmetic modulo `p`; `None` unless it is odd and lies in the range. Whether it is prime matters to verifiers only, and they
    /// draw it themselves.
    fn new(p: u64) -> Option<Self> {
        if p <= LOWEST || p >= 2 * LOWEST || p.is_multiple_of(2) {
            return None;
        }
        // Newton: each step doubles the bits that are right, from three
        let inverse = (0..4).fold(p, |x, _| x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)))) & LOW;
        let power = |bits: u32| u64::try_from((1u128 << bits) % u128::from(p)).ok();
        let [first, second, third, fourth] = [power(32)?, power(64)?, power(96)?, power(120)?];
        let fourth = u64::try_from((u128::from(fourth) << 8) % u128::from(p)).ok()?;
        Some(Self {
            modulus: Modulus { p, inverse },
            one: Factor { low: first, high: second },
            r: Factor { low: second, high: third },
            square: Factor { low: third, high: fourth },
        })
    }

    /// A uniform prime of the range. TIMING: variable, and it tells the prime; nobody is to know it before this, everybody after.
    fn random(stream: &mut Stream<'_>) -> Self {
        loop {
            let candidate = LOWEST | (word(stream) >> 35) | 1;
            if is_prime(candidate)
                && let Some(prime) = Self::new(candidate)
            {
                return prime;
            }
        }
    }

    pub(super) const fn modulo(&self, value: u128) -> u64 {
        (value % self.modulus.p as u128) as u64
    }

    pub(super) const fn modulo_signed(&self, value: i128) -> u64 {
        value.rem_euclid(self.modulus.p as i128) as u64
    }

    pub(super) const fn add(&self, a: u64, b: u64) -> u64 {
        lower(a.wrapping_add(b), self.modulus.p)
    }

    const fn sub(&self, a: u64, b: u64) -> u64 {
        lower(a.wrapping_add(self.modulus.p).wrapping_sub(b), self.modulus.p)
    }

    pub(super) const fn mul(&self, a: u64, b: u64) -> u64 {
        // both steps below 2p
        let product = lower(self.modulus.montgomery(a.wrapping_mul(b)), self.modulus.p);
        lower(self.modulus.montgomery(product.wrapping_mul(self.one.high)), self.modulus.p)
    }

    /// An element without the factor `R`.
    pub(super) const fn without_r(&self, value: u64) -> u64 {
        lower(self.modulus.montgomery(value), self.modulus.p)
    }

    /// What a factor is to ring elements.
    pub(super) const fn factor(&self, f: u64) -> Factor {
        Factor { low: self.mul(f, self.one.low), high: self.mul(f, self.one.high) }
    }

    /// What coefficients are to ring elements.
    pub(super) fn factors(&self, low: &mut [u64], high: &mut [u64], coefficients: &[u64]) {
        lanes::factors(low, high, coefficients, self.r, self.square, self.modulus);
    }

    /// A sum in halves.
    pub(super) const fn sum(&self, halves: [u64; 2]) -> u64 {
        self.modulo((halves[0] as u128).wrapping_add((halves[1] as u128) << 32))
    }
}

/// Miller and Rabin with 2, 3, 5, 7: no composite below 3.2e9 passes (Pomerance, Selfridge, Wagstaff 1980).
fn is_prime(n: u64) -> bool {
    let mul = |a: u64, b: u64| a * b % n;
    let pow = |base: u64, mut exponent: u64| {
        let (mut result, mut square) = (1, base);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = mul(result, square);
            }
            square = mul(square, square);
            exponent >>= 1;
        }
        result
    };
    let twos = (n - 1).trailing_zeros();
    !n.is_multiple_of(2)
        && [2, 3, 5, 7].into_iter().all(|base| {
            let mut value = pow(base, (n - 1) >> twos);
            if value == 1 || value == n - 1 {
                return true;
            }
            (1..twos).any(|_| {
                value = mul(value, value);
                value == n - 1
            })
        })
}

/// Both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Primes(pub(super) [Prime; 2]);

/// Splits a word into its residues.
pub(super) const fn halves(value: u64) -> [u64; 2] {
    [value & LOW, value >> 32]
}

/// Puts two residues into a word.
pub(super) const fn joined([one, two]: [u64; 2]) -> u64 {
    one | two << 32
}

impl Primes {
    /// Two primes in the form in which they are sent; `None` unless both lie in the range.
    pub(super) fn new(moduli: u64) -> Option<Self> {
        let [one, two] = halves(moduli).map(Prime::new);
        Some(Self([one?, two?]))
    }

    /// Two uniform primes.
    pub(super) fn random(stream: &mut Stream<'_>) -> Self {
        Self([(); 2].map(|()| Prime::random(stream)))
    }

    /// The form in which they are sent.
    pub(super) fn moduli(&self) -> u64 {
        joined(self.0.map(|prime| prime.modulus.p))
    }

    pub(super) fn each(&self, mut element: impl FnMut(usize, &Prime) -> u64) -> u64 {
        joined([0, 1].map(|at| element(at, &self.0[at])))
    }

    /// A number.
    pub(super) fn modulo(&self, value: u128) -> u64 {
        self.each(|_, prime| prime.modulo(value))
    }

    /// Two signed integers of 192 bits, one modulo each prime.
    pub(super) fn modulo_wide(&self, values: [[u64; 3]; 2]) -> u64 {
        self.each(|at, prime| {
            let value = values[at];
            let low = prime.modulo((value[1] as u128) << 64 | value[0] as u128);
            // 2^128 = (R^2)^2; the top word is signed
            let square = prime.mul(prime.one.high, prime.one.high);
            let top = prime.sub(prime.modulo(u128::from(value[2] ^ 1 << 63)), prime.modulo(1 << 63));
            prime.add(low, prime.mul(square, top))
        })
    }

    fn pair(&self, operation: impl Fn(&Prime, u64, u64) -> u64, a: u64, b: u64) -> u64 {
        let (a, b) = (halves(a), halves(b));
        self.each(|at, prime| operation(prime, a[at], b[at]))
    }

    pub(super) const fn both(&self) -> [Modulus; 2] {
        [self.0[0].modulus, self.0[1].modulus]
    }

    /// `R f` modulo both for pairs `f` of residues.
    pub(super) fn factors(&self, out: &mut [u64], pairs: &[u64]) {
        out.fill(0);
        lanes::add_scaled(out, pairs, self.montgomery(self.montgomery(joined([1, 1]))), self.both());
    }

    /// `R f` modulo both.
    pub(super) fn montgomery(&self, factor: u64) -> u64 {
        let factor = halves(factor);
        self.each(|at, prime| prime.mul(factor[at], prime.one.low))
    }
}

/// Places that are worked on while they are in the first-level cache.
const CACHED: usize = 256;

impl Field for Primes {
    fn add(&self, a: u64, b: u64) -> u64 {
        self.pair(Prime::add, a, b)
    }

    fn sub(&self, a: u64, b: u64) -> u64 {
        self.pair(Prime::sub, a, b)
    }

    fn mul(&self, a: u64, b: u64) -> u64 {
        self.pair(Prime::mul, a, b)
    }

    /// Group `i` is place `i` of each of `c` parts.
    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
        let len = u.len() / c;
        if c == 4 {
            let mut sums = [[[0; 2]; 7]; 2];
            for from in (0..len).step_by(CACHED) {
                let part = |b: usize| b * len + from..b * len + len.min(from + CACHED);
                for (prime, sums) in (0..).zip(&mut sums) {
                    lanes::convolve(sums, std::array::from_fn(|b| &u[part(b)]), std::array::from_fn(|b| &w[part(b)]), 32 * prime);
                }
            }
            for (k, slot) in out.iter_mut().enumerate() {
                *slot = self.add(*slot, self.each(|at, prime| prime.sum(sums[at][k])));
            }
            return;
        }
        for a in 0..c {
            for b in 0..c {
                let mut sums = [[0; 2]; 2];
                lanes::dot_pairs(&mut sums, &u[a * len..(a + 1) * len], &w[b * len..(b + 1) * len]);
                let slot = &mut out[a + c - 1 - b];
                *slot = self.add(*slot, self.each(|at, prime| prime.sum(sums[at])));
            }
        }
    }

    fn fold(&self, factors: &[u64], v: &[u64]) -> Vec<u64> {
        let len = v.len().div_ceil(factors.len());
        let mut folded = zeros(len);
        let factors: Vec<u64> = factors.iter().map(|factor| self.montgomery(*factor)).collect();
        match <&[u64; 4]>::try_from(&factors[..]) {
            Ok(factors) if v.len() == 4 * len => lanes::fold_pairs(&mut folded, v, factors, self.both()),
            _ => {
                for (part, factor) in v.chunks(len.max(1)).zip(&factors) {
                    lanes::add_scaled(&mut folded[..part.len()], part, *factor, self.both());
                }
            }
        }
        folded
    }

    fn draw(&self, stream: &mut Stream<'_>) -> u64 {
        self.each(|_, prime| {
            loop {
                let value = word(stream) >> 34;
                if value < prime.modulus.p {
                    break value;
                }
            }
        })
    }

    fn draw_unit(&self, stream: &mut Stream<'_>) -> u64 {
        loop {
            let value = self.draw(stream);
            if !halves(value).contains(&0) {
                return value;
            }
        }
    }

    fn is_element(&self, value: u64) -> bool {
        halves(value).iter().zip(&self.0).all(|(value, prime)| *value < prime.modulus.p)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prg::{Key, Op, Purpose};

    fn random(seed: u64) -> Primes {
        Primes::random(&mut Key::derive(&[1; 32], &[2; 32], 0).stream(Purpose::Input, &Op::new(seed >> 20)))
    }

    proptest! {
        #[test]
        fn arithmetic(a: u64, b: u64, wide: u128, top: u64, seed: u64) {
            let field = random(seed);
            let p = field.0.map(|prime| u128::from(prime.modulus.p));
            for p in p {
                prop_assert!(p > 1 << 29 && p < 1 << 30 && is_prime(p as u64));
            }
            prop_assert_eq!(Primes::new(field.moduli()).unwrap().moduli(), field.moduli());
            let residues = |value: u128| joined(p.map(|p| (value % p) as u64));
            prop_assert_eq!(field.modulo(wide), residues(wide));
            let signed = field.modulo_wide([[wide as u64, (wide >> 64) as u64, top], [(wide >> 64) as u64, wide as u64, !top]]);
            for (at, p) in p.into_iter().enumerate() {
                let square = (1u128 << 64) % p * ((1 << 64) % p) % p;
                let (low, top) = if at == 0 { (wide, top) } else { (wide.rotate_left(64), !top) };
                let high = (i128::from(top.cast_signed()).rem_euclid(p.cast_signed())).cast_unsigned();
                prop_assert_eq!(u128::from(halves(signed)[at]), (low % p + square * high) % p);
            }
            let (a, b) = (residues(a.into()), residues(b.into()));
            for (at, p) in p.into_iter().enumerate() {
                let [x, y] = [a, b].map(|value| u128::from(halves(value)[at]));
                prop_assert_eq!(u128::from(halves(field.add(a, b))[at]), (x + y) % p);
                prop_assert_eq!(u128::from(halves(field.sub(a, b))[at]), (x + p - y) % p);
                prop_assert_eq!(u128::from(halves(field.mul(a, b))[at]), x * y % p);
                let factor = field.0[at].factor(x as u64);
                prop_assert_eq!([u128::from(factor.low), u128::from(factor.high)], [(x << 32) % p, (x << 64) % p]);
            }
            prop_assert!(field.is_element(a) && !field.is_element(a | LOW) && !field.is_element(a | LOW << 32));
        }

        #[test]
        fn convolutions_and_folds(seed: u64, len in 1usize..600) {
            let field = random(seed);
            let key = Key::derive(&[1; 32], &[2; 32], 0);
            let op = Op::new(seed >> 20);
            let mut stream = key.stream(Purpose::InputBits, &op);
            let mut draw = |len: usize| (0..len).map(|_| field.draw(&mut stream)).collect::<Vec<_>>();
            for c in [1, 2, 4, 16, 33] {
                let (u, w, factors) = (draw(c * len), draw(c * len), draw(c));
                let mut right = vec![0; 2 * c - 1];
                for (a, b) in (0..c).flat_map(|a| (0..c).map(move |b| (a, b))).filter(|_| len < 40) {
                    for at in 0..len {
                        right[a + c - 1 - b] = field.add(right[a + c - 1 - b], field.mul(u[a * len + at], w[b * len + at]));
                    }
                }
                let mut out = vec![0; 2 * c - 1];
                field.convolve(c, &u, &w, &mut out);
                prop_assert!(len >= 40 || out == right);
                // the middle one is the scalar product
                let dot = u.iter().zip(&w).fold(0, |sum, (u, w)| field.add(sum, field.mul(*u, *w)));
                prop_assert_eq!(out[c - 1], dot);
                for short in [0, 1, len] {
                    let part = &u[..u.len() - short.min(u.len())];
                    let len = part.len().div_ceil(c);
                    let folded = field.fold(&factors, part);
                    let of = |at: usize| {
                        let terms = factors.iter().enumerate().filter_map(|(a, f)| Some(field.mul(*f, *part.get(a * len + at)?)));
                        terms.fold(0, |sum, term| field.add(sum, term))
                    };
                    prop_assert_eq!(folded, (0..len).map(of).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn primes_are_recognised() {
        // against trial division
        let slow = |n: u64| (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        for n in (LOWEST + 1..LOWEST + 400).chain(2 * LOWEST - 400..2 * LOWEST).step_by(2) {
            assert_eq!(is_prime(n), slow(n), "{n}");
        }
        assert!(Prime::new(LOWEST).is_none() && Prime::new(LOWEST + 2).is_none() && Prime::new(2 * LOWEST + 1).is_none());
    }
}
