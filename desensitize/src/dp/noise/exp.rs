//! Whether a uniform number lies below exp(-x), for a rational x >= 0: exactly.
//!
//! **First word.** x is given as an integer and a fraction in units of 2^-64, off by at most 2^-45 in all. Let
//! x = k + i/16 + r with r < 1/16. Then exp(-x) = exp(-k) exp(-i/16) exp(-r), the first two from tables in units of
//! 2^-63 (rounded down), the last by its series up to r^7/7! (remainder below r^8/8! < 2^-47). With at most 12
//! roundings of 2^-63 each, the product is off by less than 2^-45 + 2^-47 + 2^-59 < 2^-44; [`SLACK`] is 2^-42.
//! For k above 43 the value itself is below 2^-63.
//!
//! **Further words.** Where the first word lies within the slack, bounds of exp(-x) from exact rationals with 64 bits more
//! each time are compared with as many bits of U, until they decide. The number of rounds is geometric.

use num_bigint::BigUint;
use rand_chacha::rand_core::CryptoRng;

use super::Bits;

/// 2^-42 in units of 2^-63.
pub(super) const SLACK: u64 = 1 << 21;

/// exp(-k) in units of 2^-63, rounded down.
pub(super) const WHOLE: [u64; 46] = [
    0x8000000000000000,
    0x2f16ac6c59de6f8d,
    0x1152aaa3bf81cb9f,
    0x065f6c3333ac2bb2,
    0x02582ab704279e8e,
    0x00dcc9ff006a9bb0,
    0x00513947c44f5357,
    0x001de16b9c24a98e,
    0x000afe10820813d6,
    0x00040b3c89499516,
    0x00017cd79b5647c9,
    0x00008c1aa11c7b3b,
    0x0000338a98768779,
    0x000012f6053b981d,
    0x000006f9b1bf6c05,
    0x00000290eb9444fd,
    0x000000f1aaddd774,
    0x00000058e78c5d69,
    0x00000020b4c518d3,
    0x0000000c082b7f96,
    0x000000046d21957c,
    0x00000001a0db0d0d,
    0x00000000995a45f8,
    0x00000000386a4fc8,
    0x0000000014c1078f,
    0x0000000007a28de9,
    0x0000000002cf0a54,
    0x0000000001088529,
    0x0000000000614fc0,
    0x000000000023cc85,
    0x00000000000d2b70,
    0x000000000004d848,
    0x000000000001c846,
    0x000000000000a7da,
    0x0000000000003dc0,
    0x00000000000016b7,
    0x000000000000085b,
    0x0000000000000313,
    0x0000000000000121,
    0x000000000000006a,
    0x0000000000000027,
    0x000000000000000e,
    0x0000000000000005,
    0x0000000000000001,
    0x0000000000000000,
    0x0000000000000000,
];

/// exp(-i/16) in units of 2^-63, rounded down.
const SIXTEENTHS: [u64; 16] = [
    0x8000000000000000,
    0x783eafef1c0a8f39,
    0x70f5a893b608861e,
    0x6a1da04b021def01,
    0x63afbe7ab2082ba1,
    0x5da594b7c8bdf84d,
    0x57f91857a63a3aa9,
    0x52a49c64dbf42358,
    0x4da2cbf1be5827f9,
    0x48eea4c3055a2bff,
    0x4483724d264f9eac,
    0x405cc8ff640081b0,
    0x3c7681d7df9afca5,
    0x38ccb63c3e3c1a08,
    0x355bbc12bb5a9680,
    0x32202217c0d2ec1c,
];

/// 1/k! in units of 2^-63, rounded down, for k = 0 to 7.
const FACTORIALS: [u64; 8] = [
    0x8000000000000000,
    0x8000000000000000,
    0x4000000000000000,
    0x1555555555555555,
    0x0555555555555555,
    0x0111111111111111,
    0x002d82d82d82d82d,
    0x0006806806806806,
];

#[inline]
fn high(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// exp(-(whole + fraction 2^-64)) in units of 2^-63, off by less than 2^-44 (see the module).
#[inline]
pub(super) fn approximate(whole: u64, fraction: u64) -> u64 {
    let rest = fraction & (u64::MAX >> 4);
    let mut series = FACTORIALS[7];
    for k in (0..7).rev() {
        series = FACTORIALS[k].wrapping_sub(high(rest, series));
    }
    let whole = usize::try_from(whole).unwrap_or(usize::MAX).min(45);
    let scaled = high(SIXTEENTHS[(fraction >> 60) as usize], series) << 1;
    high(WHOLE[whole], scaled) << 1
}

/// What the first word says about U < p, for p in units of 2^-63.
#[inline]
pub(super) fn compare(word: u64, p: u64) -> Option<bool> {
    let word = word >> 1;
    if word.abs_diff(p) > SLACK { Some(word < p) } else { None }
}

/// A uniform number in [0, 1), revealed as far as needed.
pub(super) struct Uniform {
    /// The bits so far, as an integer.
    value: BigUint,
    bits: u64,
}

impl Uniform {
    /// A number that begins with this word.
    pub(super) fn starting(word: u64) -> Self {
        Self { value: BigUint::from(word), bits: 64 }
    }

    /// Whether it is below exp(-numerator/denominator). The denominator is not 0.
    #[cold]
    #[inline(never)]
    pub(super) fn is_below<R: CryptoRng + ?Sized>(&mut self, numerator: &BigUint, denominator: &BigUint, bits: &mut Bits<'_, R>) -> bool {
        loop {
            let (low, up) = bounds(numerator, denominator, self.bits);
            // U lies in [value, value + 1)
            if self.value < low {
                return true;
            }
            if self.value >= up {
                return false;
            }
            self.value = (&self.value << 64u32) | BigUint::from(bits.word());
            self.bits += 64;
        }
    }
}

/// Integers with low <= exp(-n/d) 2^bits <= up, mostly up - low = 1 or 2.
pub(super) fn bounds(numerator: &BigUint, denominator: &BigUint, bits: u64) -> (BigUint, BigUint) {
    // exp(-x) = exp(-x / 2^s)^(2^s) with x / 2^s < 1
    let whole = numerator / denominator;
    let halvings = whole.bits();
    let precision = bits + 64 + 2 * halvings;
    let denominator = denominator << halvings;
    let one = BigUint::from(1u32) << precision;
    let zero = BigUint::default();
    let (mut term, mut sum, mut k) = (one.clone(), one, 0u32);
    // each truncated term is off by less than 2, as x / 2^s < 1: e' <= e x/k + 1
    while term != zero {
        k += 1;
        term = term * numerator / (&denominator * BigUint::from(k));
        if k % 2 == 1 {
            // the terms fall, so the partial sums of the alternating series stay above 0
            sum -= &term;
        } else {
            sum += &term;
        }
    }
    // k terms off by 2 each, and a remainder that is no larger than the first term left out, itself below 2
    let mut error = BigUint::from(2 * k + 2);
    for _ in 0..halvings {
        // (a + e)^2 2^-p <= a^2 2^-p + 2e + e^2 2^-p, as a <= 2^p; e < 2^(p/2) by the choice of the precision
        sum = (&sum * &sum) >> precision;
        error = error * 2u32 + 2u32;
    }
    let cut = precision - bits;
    let low = if sum > error { (&sum - &error) >> cut } else { zero };
    (low, ((sum + error) >> cut) + 1u32)
}

/// Draws true with probability exp(-numerator/denominator), exactly. A zero denominator counts as certain refusal.
pub(crate) fn bernoulli_exp<R: CryptoRng + ?Sized>(numerator: u128, denominator: u128, bits: &mut Bits<'_, R>) -> bool {
    if numerator == 0 || denominator == 0 {
        return denominator != 0;
    }
    let word = bits.word();
    let whole = u64::try_from(numerator / denominator).unwrap_or(u64::MAX);
    let (mut rest, mut divisor) = (numerator % denominator, denominator);
    // two words' worth are enough for the fraction: the divisor keeps 64 bits, an error below 2^-62
    let spare = 64u32.saturating_sub(divisor.leading_zeros());
    rest >>= spare;
    divisor >>= spare;
    let fraction = u64::try_from((rest << 64) / divisor).unwrap_or(u64::MAX);
    compare(word, approximate(whole, fraction))
        .unwrap_or_else(|| Uniform::starting(word).is_below(&BigUint::from(numerator), &BigUint::from(denominator), bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    fn exact(numerator: u128, denominator: u128) -> u64 {
        let (low, up) = bounds(&BigUint::from(numerator), &BigUint::from(denominator), 63);
        assert!(&up - &low <= BigUint::from(2u32));
        u64::try_from(low).unwrap()
    }

    #[test]
    fn bounds_enclose_known_values() {
        // e^-1 = 0.36787944117144232159552377016146086744581113103176..., times 10^49
        let bits = 400;
        let (low, up) = bounds(&BigUint::from(1u32), &BigUint::from(1u32), bits);
        let ten = BigUint::from(10u32).pow(49);
        let digits: BigUint = "3678794411714423215955237701614608674458111310317".parse().unwrap();
        assert_eq!((&low * &ten) >> bits, digits);
        assert_eq!((&up * &ten) >> bits, digits);
        // exp(-a) exp(-b) = exp(-a-b)
        let (x, y) = (exact(7, 3) as u128, exact(11, 5) as u128);
        assert!(((x * y) >> 63).abs_diff(u128::from(exact(68, 15))) <= 2);
    }

    #[test]
    fn tables_are_right() {
        for (k, value) in WHOLE.iter().enumerate().skip(1) {
            assert!(exact(k as u128, 1).abs_diff(*value) <= 1, "{k}");
        }
        for (i, value) in SIXTEENTHS.iter().enumerate().skip(1) {
            assert!(exact(i as u128, 16).abs_diff(*value) <= 1, "{i}");
        }
    }

    #[test]
    fn the_first_word_errs_less_than_stated() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut worst = 0;
        for round in 0..20_000u64 {
            let fraction = match round % 4 {
                0 => rng.next_u64(),
                1 => (rng.next_u64() >> 4) | (u64::MAX << 60),
                2 => u64::MAX - (rng.next_u64() >> 40),
                _ => (round << 60) | (u64::MAX >> 4),
            };
            let whole = if round < 10_000 { 0 } else { rng.next_u64() % 50 };
            let truth = exact((u128::from(whole) << 64) + u128::from(fraction), 1 << 64);
            worst = worst.max(truth.abs_diff(approximate(whole, fraction)));
        }
        // 2^-47 of the series and the roundings, in units of 2^-63
        assert!(worst < (1 << 16) + 64, "{worst}");
    }

    #[test]
    fn words_decide_like_rationals() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        for _ in 0..2000 {
            let (n, d) = (u128::from(rng.next_u32()) << (rng.next_u32() % 60), u128::from(rng.next_u32() | 1) << (rng.next_u32() % 60));
            let truth = exact(n, d);
            let near = truth.saturating_add((rng.next_u64() % (4 * SLACK)).wrapping_sub(2 * SLACK)).min(u64::MAX >> 1);
            let whole = u64::try_from(n / d).unwrap_or(u64::MAX);
            let fraction = u64::try_from(((BigUint::from(n % d)) << 64u32) / BigUint::from(d)).unwrap();
            if let Some(is_below) = compare(near << 1, approximate(whole, fraction)) {
                assert_eq!(is_below, near < truth, "{n}/{d}");
            }
        }
    }

    /// The slow path alone has the right probability: 20,000 draws, false alarm below 1e-9 (6.2 standard deviations).
    #[test]
    fn rationals_have_the_right_probability() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut bits = Bits::new(&mut rng);
        let (n, d) = (BigUint::from(5u32), BigUint::from(3u32));
        let draws = 20_000u32;
        let hits = (0..draws).filter(|_| Uniform { value: BigUint::default(), bits: 0 }.is_below(&n, &d, &mut bits)).count();
        let p = (-5.0f64 / 3.0).exp();
        let deviation = (hits as f64 - f64::from(draws) * p) / (f64::from(draws) * p * (1.0 - p)).sqrt();
        assert!(deviation.abs() < 6.2, "{deviation}");
    }
}
