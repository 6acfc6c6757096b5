//! A clipping norm that follows a quantile of the updates' norms (Andrew, Thakkar, McMahan & Ramaswamy, NeurIPS 2021, Algorithm 1).
//!
//! Each party says by one more value of its contribution whether its update was within the norm: +1/2 or -1/2. The sum gets Gaussian
//! noise of deviation `count_noise`, sensitivity 1/2. The update's noise grows so that both together cost what one Gaussian mechanism
//! of the multiplier `z` costs: `z_update = (z^-2 - (2 count_noise)^-2)^(-1/2)`.

use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_desensitize::dp::NoiseMultiplier;

use super::{VectorNoise, refused};
use crate::{Error, Result};

/// Settings and state; a checkpoint holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveClip {
    /// The norm of the round.
    pub norm: f64,
    /// The share of parties whose updates should be within it, the paper's gamma: 0.5 is usual.
    pub quantile: f64,
    /// Step of the logarithm of the norm, the paper's eta_C: 0.2 is usual.
    pub rate: f64,
    /// Deviation of the noise on the count; the paper takes a twentieth of the number of parties.
    pub count_noise: f64,
}

impl AdaptiveClip {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// `Caller` naming the setting.
    pub fn check(&self) -> Result<()> {
        let fine = (1e-9..=1e9).contains(&self.norm)
            && (0.0..=1.0).contains(&self.quantile)
            && self.rate > 0.0
            && self.rate <= 10.0
            && (0.05..=1e6).contains(&self.count_noise);
        if fine {
            Ok(())
        } else {
            Err(Error::caller("adaptive clipping: norm 1e-9 to 1e9, quantile 0 to 1, rate up to 10, count_noise 0.05 to 1e6"))
        }
    }

    /// A party's value: half if it was within the norm, else minus half.
    #[must_use]
    pub const fn vote(is_within: bool) -> f64 {
        if is_within { 0.5 } else { -0.5 }
    }

    /// The multiplier that the updates need so that a round costs one mechanism of `total`.
    ///
    /// # Errors
    /// `Caller` if `count_noise` is so small that the count alone costs as much.
    pub fn update_noise(&self, total: NoiseMultiplier) -> Result<NoiseMultiplier> {
        let rest = total.get().powi(-2) - (2.0 * self.count_noise).powi(-2);
        if rest <= 0.0 {
            return Err(Error::caller(format!("`count_noise` must be above half the noise multiplier, {}", total.get() / 2.0)));
        }
        NoiseMultiplier::new(rest.powf(-0.5)).map_err(|error| refused(&error))
    }

    /// The norm of the next round, from the sum of the parties' values; noise is added here.
    ///
    /// # Errors
    /// `Caller` for no party or settings out of bounds.
    pub fn next<R: CryptoRng + ?Sized>(&self, votes: f64, parties: u32, rng: &mut R) -> Result<Self> {
        self.check()?;
        if parties == 0 {
            return Err(Error::caller("a quantile over no party"));
        }
        let noise = NoiseMultiplier::new(2.0 * self.count_noise).map_err(|error| refused(&error))?;
        let mut sum = [votes];
        VectorNoise::new(0.5, noise, 1, parties as usize)?.add(&mut sum, rng)?;
        let share = sum[0] / f64::from(parties) + 0.5;
        let norm = (self.norm * (-self.rate * (share - self.quantile)).exp()).clamp(1e-9, 1e9);
        Ok(Self { norm, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// Norms 1..=1000: the norm goes to their median.
    #[test]
    fn the_norm_finds_the_quantile() {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let mut clip = AdaptiveClip { norm: 1.0, quantile: 0.5, rate: 0.2, count_noise: 50.0 };
        for _ in 0..150 {
            let votes = (1..=1000).map(|norm| AdaptiveClip::vote(f64::from(norm) <= clip.norm)).sum();
            clip = clip.next(votes, 1000, &mut rng).unwrap();
        }
        assert!((400.0..600.0).contains(&clip.norm), "{}", clip.norm);
        let z = NoiseMultiplier::new(1.0).unwrap();
        let update = clip.update_noise(z).unwrap().get();
        assert!((update.powi(-2) + 100f64.powi(-2) - 1.0).abs() < 1e-12);
        assert!(AdaptiveClip { count_noise: 0.5, ..clip }.update_noise(z).is_err());
    }
}
