//! Discrete Gaussian (CKS 2020, Algorithm 3): P[X = x] proportional to exp(-x^2 / (2 variance)).
//!
//! A discrete Laplace Y of scale t = floor(sigma) + 1 is accepted with probability
//! exp(-(|Y| - variance/t)^2 / (2 variance)). In units of t that is exp(-K (w - c)^2), w = |Y|/t, c = variance/t^2,
//! K = 1/(2c).
//!
//! First word: w and c in units of 2^-60 (for w below 15; beyond, the exact way decides), off by 2 units each, so
//! (w - c)^2 is off by at most 2 * 16 * 4 * 2^-60 + 2^-56 < 2^-52; K <= 32 in units of 2^-56, so the exponent is off by
//! 32 * 2^-52 + 256 * 2^-56 < 2^-46 where variance >= 1/64: within the 2^-45 that [`exp`](super::exp) allows.

use num_bigint::BigUint;
use rand_chacha::rand_core::CryptoRng;

use super::exp::{Uniform, approximate, compare};
use super::laplace::Exponential;
use super::{Bits, Ratio};
use crate::dp::refuse::parameter;
use crate::error::Result;

/// Discrete Gaussian noise of a rational variance parameter. Added to integer queries of L2 sensitivity D it gives
/// rho = D^2 / (2 variance) zero-concentrated privacy (CKS 2020, Theorem 4), for vectors too.
///
/// ```
/// use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// use yu_desensitize::dp::noise::{DiscreteGaussian, Ratio};
/// let mut rng = ChaCha20Rng::from_seed([7; 32]); // a real release takes a generator seeded by the system
/// let gaussian = DiscreteGaussian::new(Ratio::new(100, 1)?)?; // standard deviation 10
/// let mut noise = [0i64; 1000];
/// gaussian.fill(&mut noise, &mut rng);
/// assert!(noise.iter().all(|x| x.abs() < 100));
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiscreteGaussian {
    variance: Ratio,
    exponential: Exponential,
    /// variance / t^2 in units of 2^-60, rounded down.
    centre: u64,
    /// t^2 / (2 variance) in units of 2^-56, rounded down.
    steepness: u64,
}

impl DiscreteGaussian {
    /// Noise of this variance parameter (for parameters above 1 the variance is the parameter but for 1 part in 10^7).
    ///
    /// # Errors
    /// `dp.parameter` unless it lies between 1/64 and 2^90: below there is hardly any noise.
    pub fn new(variance: Ratio) -> Result<Self> {
        let Ratio { numerator, denominator } = variance;
        let root = (numerator / denominator).isqrt();
        if numerator < denominator.div_ceil(64) || root >= 1 << 45 {
            return Err(parameter(
                "the variance of the Gaussian noise is out of range (1/64 to 2^90)",
                "高斯噪声方差超出范围（1/64 至 2^90）",
                "use narrower bounds, another grid or another budget",
                "请调整截断范围、网格或预算",
            ));
        }
        let t = u64::try_from(root + 1).unwrap_or(u64::MAX);
        let (a, b, square) = (BigUint::from(numerator), BigUint::from(denominator), BigUint::from(t) * BigUint::from(t));
        // c <= 1 as t > sigma, and K <= 32 by the bounds
        let centre = u64::try_from((&a << 60u32) / (&b * &square)).unwrap_or(u64::MAX);
        let steepness = u64::try_from(((b * square) << 55u32) / a).unwrap_or(u64::MAX);
        Ok(Self { variance, exponential: Exponential::new(t), centre, steepness })
    }

    /// The variance parameter.
    #[must_use]
    pub fn variance(&self) -> Ratio {
        self.variance
    }

    /// The square root of the variance parameter.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        self.variance.to_f64().sqrt()
    }

    /// One draw.
    #[inline]
    pub fn sample<R: CryptoRng + ?Sized>(&self, bits: &mut Bits<'_, R>) -> i64 {
        loop {
            let (u, fraction, v) = self.exponential.draw(bits);
            // below 2^46 (2^16 + 1)
            let y = u + self.exponential.t * v;
            let is_negative = bits.bit();
            if is_negative && y == 0 {
                continue;
            }
            let word = bits.word();
            let decided = if v < 15 { compare(word, self.acceptance(fraction, v)) } else { None };
            if decided.unwrap_or_else(|| self.is_accepted(y, word, bits)) {
                return if is_negative { -(y as i64) } else { y as i64 };
            }
        }
    }

    /// Fills a slice with independent draws.
    pub fn fill<R: CryptoRng + ?Sized>(&self, out: &mut [i64], rng: &mut R) {
        let mut bits = Bits::new(rng);
        for x in out {
            *x = self.sample(&mut bits);
        }
    }

    /// exp(-K (w - c)^2) in units of 2^-63, within the slack, for v < 15.
    #[inline]
    fn acceptance(&self, fraction: u64, v: u64) -> u64 {
        let w = (v << 60) | (fraction >> 4);
        let distance = u128::from(w.abs_diff(self.centre));
        let square = ((distance * distance) >> 64) as u64;
        let exponent = u128::from(square) * u128::from(self.steepness);
        approximate((exponent >> 112) as u64, (exponent >> 48) as u64)
    }

    /// The same question with exact rationals: the exponent is (|Y| b t - a)^2 / (2 a b t^2) for the variance a/b.
    #[cold]
    #[inline(never)]
    fn is_accepted<R: CryptoRng + ?Sized>(&self, y: u64, word: u64, bits: &mut Bits<'_, R>) -> bool {
        let (numerator, denominator) = self.exponent(y);
        Uniform::starting(word).is_below(&numerator, &denominator, bits)
    }

    fn exponent(&self, y: u64) -> (BigUint, BigUint) {
        let (a, b) = (BigUint::from(self.variance.numerator), BigUint::from(self.variance.denominator));
        let t = BigUint::from(self.exponential.t);
        let shifted = BigUint::from(y) * &b * &t;
        let difference = if shifted > a { shifted - &a } else { &a - shifted };
        (&difference * &difference, (a * b * &t * t) << 1u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::exp::{SLACK, bounds};
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn acceptance_errs_less_than_the_slack() {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let mut bits = Bits::new(&mut rng);
        for (a, b) in [(1, 64), (1, 3), (1, 1), (9, 4), (100, 1), (10_007, 13), (1 << 40, 3), ((1u128 << 90) - 1, 1)] {
            let gaussian = DiscreteGaussian::new(Ratio::new(a, b).unwrap()).unwrap();
            for round in 0..400 {
                let (u, fraction, mut v) = gaussian.exponential.draw(&mut bits);
                if round % 2 == 0 {
                    v = bits.below(15);
                }
                let (n, d) = gaussian.exponent(u + gaussian.exponential.t * v);
                let truth = u64::try_from(bounds(&n, &d, 63).0).unwrap();
                let found = gaussian.acceptance(fraction, v);
                assert!(truth.abs_diff(found) < SLACK / 4, "{a}/{b} {u} {v}: {truth} {found}");
            }
        }
    }

    /// Every acceptance by exact rationals gives the same draws as the fast way: same words, same answers.
    #[test]
    fn both_ways_agree() {
        let gaussian = DiscreteGaussian::new(Ratio::new(50, 7).unwrap()).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut bits = Bits::new(&mut rng);
        for _ in 0..3000 {
            let (u, fraction, v) = gaussian.exponential.draw(&mut bits);
            let word = bits.word();
            let y = u + gaussian.exponential.t * v;
            if let Some(fast) = compare(word, gaussian.acceptance(fraction, v)) {
                assert_eq!(fast, gaussian.is_accepted(y, word, &mut bits));
            }
        }
    }
}
