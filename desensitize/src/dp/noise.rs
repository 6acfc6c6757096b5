//! Exact noise: discrete Laplace and discrete Gaussian with rational parameters (离散拉普拉斯、离散高斯噪声).
//!
//! | to see | open |
//! |---|---|
//! | random words in batches | [`Bits`] |
//! | Bernoulli(exp(-x)) decided exactly | `noise/exp.rs` |
//! | discrete Laplace (CKS 2020, Algorithm 2), geometric | [`DiscreteLaplace`] |
//! | discrete Gaussian (CKS 2020, Algorithm 3) | [`DiscreteGaussian`] |
//!
//! Source: Canonne, Kamath & Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020. The structure is
//! theirs; the one change is how a Bernoulli(exp(-x)) is drawn: instead of their series of small Bernoulli trials, a
//! uniform U in [0, 1) is revealed word by word and compared with exp(-x) until the answer is certain. The first word
//! is compared in 64-bit integer arithmetic with a proven error bound (see `noise/exp.rs`); in one case of about 2^41 the
//! bound does not decide, and exact rationals of growing length do. The event is U < exp(-x) with U uniform,
//! so its probability is exp(-x) exactly. No floating-point number takes part in any decision.
//!
//! **Not protected:** time. A rejection sampler's running time, its reads of two small tables (360 and 128 bytes) and
//! the number of random words depend on the noise (Jin et al., "Are We There Yet? Timing and Floating-Point Attacks on
//! Differential Privacy Systems", IEEE S&P 2022). Do not let an attacker time single draws: answer on a fixed schedule.

mod bits;
pub(crate) mod exp;
mod gaussian;
mod laplace;

pub use bits::Bits;
pub use gaussian::DiscreteGaussian;
pub use laplace::DiscreteLaplace;

use super::refuse::parameter;
use crate::error::Result;

/// A positive fraction of integers: the parameter of a sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

impl Ratio {
    /// A fraction; both parts above 0.
    ///
    /// # Errors
    /// `dp.parameter` for a zero.
    pub fn new(numerator: u128, denominator: u128) -> Result<Self> {
        if numerator == 0 || denominator == 0 {
            return Err(parameter("a noise parameter is 0", "噪声参数为 0", "give a fraction of positive integers", "请给出正整数之比"));
        }
        Ok(Self { numerator, denominator })
    }

    /// The least fraction with a power-of-two denominator and 25 to 26 significant bits (more for large numbers) that is at
    /// least `value (1 + 2^-50)`: noise is rounded up, never down, and the factor covers the rounding of `value` itself.
    ///
    /// # Errors
    /// `dp.parameter` unless `value` lies between 2^-60 and 2^100.
    pub fn at_least(value: f64) -> Result<Self> {
        if !(value >= 2f64.powi(-60) && value <= 2f64.powi(100)) {
            return Err(parameter(
                "a noise parameter is out of range",
                "噪声参数超出范围",
                "use a larger budget, narrower bounds or a coarser grid",
                "请增大预算、收窄截断范围或使用更粗的网格",
            ));
        }
        let value = value * (1.0 + 2f64.powi(-50));
        let shift = (25 - value.log2().floor() as i32).max(0);
        // multiplying by a power of two is exact
        let numerator = (value * 2f64.powi(shift)).ceil() as u128;
        let zeros = numerator.trailing_zeros().min(shift.unsigned_abs());
        Self::new(numerator >> zeros, 1u128 << (shift.unsigned_abs() - zeros))
    }

    /// Above the line.
    #[must_use]
    pub const fn numerator(self) -> u128 {
        self.numerator
    }

    /// Below the line.
    #[must_use]
    pub const fn denominator(self) -> u128 {
        self.denominator
    }

    /// The nearest double, for reports.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_up() {
        for value in [1e-6, 0.3, 1.0, 7.0 / 3.0, 1e9 + 0.1, 1e20] {
            let ratio = Ratio::at_least(value).unwrap();
            assert!(ratio.to_f64() >= value && ratio.to_f64() <= value * (1.0 + 2f64.powi(-24)), "{value} {ratio:?}");
        }
        assert!(Ratio::at_least(0.0).is_err() && Ratio::at_least(f64::NAN).is_err() && Ratio::new(1, 0).is_err());
    }
}
