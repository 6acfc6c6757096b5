//! Privacy of whole parties: every contribution is clipped, noise goes onto the sum (central), or onto each one (local).
//!
//! | who adds noise | who is trusted | call |
//! |---|---|---|
//! | the server, after the sum | the server, for the noise; nobody with single updates under secure aggregation | [`Central::release`] with all parties |
//! | each party | nobody | [`Central::release`] on its own contribution, `parties` 1 |
//! | each party a part | enough honest survivors | [`super::distributed`] |
//!
//! One release costs one Gaussian mechanism of the multiplier, without sampling (add/remove of a party). Contributions that are quantised after they
//! were clipped, as under secure aggregation, may be longer by the root of their length times a step of the code: [`Central::of_quantised`]. Weights by numbers of rows
//! would change the bound: use [`Weighting::Uniform`](crate::strategy::Weighting).

use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_desensitize::dp::NoiseMultiplier;

use super::VectorNoise;
use crate::{Error, Result};

/// Settings of noise on clipped contributions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Central {
    /// L2 norm to which a contribution is clipped.
    pub clip: f64,
    /// Standard deviation of the noise over `clip`.
    pub noise: NoiseMultiplier,
}

impl Central {
    /// For contributions of `length` values that are clipped to `clip` and then rounded to multiples of `step`.
    #[must_use]
    pub fn of_quantised(clip: f64, noise: NoiseMultiplier, step: f64, length: usize) -> Self {
        Self { clip: clip + step * (length as f64).sqrt(), noise }
    }

    /// The sum of `parties` clipped contributions, or one of them, with noise.
    ///
    /// # Errors
    /// As for [`VectorNoise`].
    pub fn release<R: CryptoRng + ?Sized>(&self, mut sum: Vec<f64>, parties: u32, rng: &mut R) -> Result<Vec<f64>> {
        VectorNoise::new(self.clip, self.noise, sum.len(), parties as usize)?.add(&mut sum, rng)?;
        Ok(sum)
    }
}

/// Scales a contribution down to the L2 norm `bound` if it is longer; gives whether it was within the bound.
///
/// # Errors
/// `Caller` for a bound that is not above 0; `Data` for values that are not finite.
pub fn clip(values: &mut [f64], bound: f64) -> Result<bool> {
    if !(bound > 0.0 && bound.is_finite()) {
        return Err(Error::caller(format!("the clipping norm is `{bound}`: give a number above 0")));
    }
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    if !values.iter().all(|value| value.is_finite()) {
        return Err(crate::model::diverged("an update"));
    }
    if largest == 0.0 {
        return Ok(true);
    }
    // relative to the largest, so that squares neither overflow nor vanish
    let norm = largest * values.iter().map(|value| (value / largest) * (value / largest)).sum::<f64>().sqrt();
    if norm <= bound {
        return Ok(true);
    }
    values.iter_mut().for_each(|value| *value = *value / norm * bound);
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping() {
        let mut values = [3.0, 4.0];
        assert!(clip(&mut values, 5.0).unwrap() && values == [3.0, 4.0]);
        assert!(!clip(&mut values, 1.0).unwrap());
        assert!((values[0] - 0.6).abs() < 1e-15 && (values[1] - 0.8).abs() < 1e-15);
        assert!(!clip(&mut [1e300, 1e300], 1.0).unwrap());
        assert!(clip(&mut [f64::NAN], 1.0).is_err() && clip(&mut [1.0], 0.0).is_err() && clip(&mut [0.0], 1.0).unwrap());
    }
}
