//! Gaussian noise for a vector of doubles, without the attacks on noise of doubles (Mironov, CCS 2012; Jin et al., S&P 2022).
//!
//! The vector is rounded to the multiples of a power of two, and exact discrete Gaussian noise (Canonne, Kamath & Steinke 2020) is
//! added in integers: nothing of the low bits of the sum is left. The grid is 2^16 times finer than the bound over the root of the
//! length, so the noise is some 2^16 steps wide or more, where the discrete Gaussian differs from the continuous one by less than
//! e^-(2 pi^2 sigma^2) (Poisson summation): the accountants of the continuous one hold for it, with sampling too.
//!
//! **Sensitivity**, in steps: the bound, plus rounding (two vectors, half a step a coordinate each: the root of the length), plus the
//! floating-point sum (each coordinate of a sum of m terms is off by at most m 2^-53 times the sum of magnitudes, so the vector by
//! m^2 2^-53 times the bound; taken four times).
//! **Not proven:** that a row's own gradient has the same bits whatever rows stand beside it in a matrix product. A difference there is
//! of the order of 2^-52 of the bound and within the last term in practice.

use rand_chacha::rand_core::CryptoRng;
use yu_desensitize::dp::NoiseMultiplier;
use yu_desensitize::dp::noise::{DiscreteGaussian, Ratio};

use super::refused;
use crate::{Error, Result};

/// Grid steps in the bound, times the root of the length.
const FINENESS: f64 = 65_536.0;

/// Integers stay below this: exact as doubles, with room for noise.
const LARGEST: f64 = 2_251_799_813_685_248.0; // 2^51

/// Noise for vectors of one length and bound.
#[derive(Clone, Debug)]
pub struct VectorNoise {
    gaussian: DiscreteGaussian,
    step: f64,
    length: usize,
    deviation: f64,
}

impl VectorNoise {
    /// Noise for the sum of at most `terms` vectors of L2 norm at most `bound` each: `noise` times the sensitivity.
    ///
    /// # Errors
    /// `Caller` for a bound that is not between 1e-9 and 1e9, no coordinate, or settings that the sampler refuses.
    pub fn new(bound: f64, noise: NoiseMultiplier, length: usize, terms: usize) -> Result<Self> {
        if !(1e-9..=1e9).contains(&bound) || length == 0 {
            return Err(Error::caller(format!(
                "noise for a vector of {length} values and norm `{bound}`: the norm must be from 1e-9 to 1e9"
            )));
        }
        let root = (length as f64).sqrt();
        let step = 2f64.powf((bound / (FINENESS * root)).log2().floor());
        let terms = terms as f64;
        let sum = 4.0 * terms * terms * 2f64.powi(-53);
        let sensitivity = bound / step * (1.0 + 2f64.powi(-30) + sum) + root;
        let deviation = noise.get() * sensitivity;
        let variance = Ratio::at_least(deviation * deviation).map_err(|error| refused(&error))?;
        let gaussian = DiscreteGaussian::new(variance).map_err(|error| refused(&error))?;
        Ok(Self { gaussian, step, length, deviation: deviation * step })
    }

    /// Standard deviation of the noise of one coordinate.
    #[must_use]
    pub const fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Rounds the sum to the grid and adds the noise. A coordinate that is not finite counts as 0; a huge one is cut off.
    ///
    /// # Errors
    /// `Caller` for another length.
    pub fn add<R: CryptoRng + ?Sized>(&self, sum: &mut [f64], rng: &mut R) -> Result<()> {
        if sum.len() != self.length {
            return Err(Error::caller(format!("noise for {} values, a sum of {}", self.length, sum.len())));
        }
        let mut noise = vec![0i64; sum.len()];
        self.gaussian.fill(&mut noise, rng);
        for (value, noise) in sum.iter_mut().zip(&noise) {
            let steps = (*value / self.step).round();
            let steps = if steps.is_nan() { 0 } else { steps.clamp(-LARGEST, LARGEST) as i64 };
            *value = steps.saturating_add(*noise) as f64 * self.step;
        }
        zeroize::Zeroize::zeroize(&mut noise);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn noise_has_its_deviation_and_lies_on_the_grid() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let noise = VectorNoise::new(2.0, NoiseMultiplier::new(1.5).unwrap(), 40_000, 100).unwrap();
        assert!((noise.deviation() / 3.0 - 1.0).abs() < 1e-4, "{}", noise.deviation());
        let mut sum = vec![0.25; 40_000];
        sum[7] = f64::NAN;
        noise.add(&mut sum, &mut rng).unwrap();
        assert!(sum.iter().all(|value| (value / noise.step).fract() == 0.0));
        let mean = sum.iter().sum::<f64>() / 4e4;
        let variance = sum.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 4e4;
        // limits at 5 standard errors
        assert!((mean - 0.25).abs() < 5.0 * 3.0 / 200.0, "{mean}");
        assert!((variance / 9.0 - 1.0).abs() < 5.0 * (2.0f64 / 4e4).sqrt(), "{variance}");
        assert!(noise.add(&mut [0.0], &mut rng).is_err());
    }
}
