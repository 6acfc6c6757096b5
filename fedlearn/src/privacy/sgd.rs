//! DP-SGD (Abadi et al., CCS 2016): each row's gradient is clipped, noise is added to their sum (差分隐私随机梯度下降).
//!
//! Every row takes part in a step by its own coin (Poisson sampling), as the accountants assume; batches by shuffling are not covered
//! by them. The sum is divided by the expected number of rows, which is public, not by the number drawn. A party accounts for its own
//! rows: rounds times steps a round, by [`Budget`](super::Budget).
//! Adversary: all who see updates, however many, in the central model of each party; the party itself sees its rows.

use ndarray::Axis;
use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_desensitize::dp::{NoiseMultiplier, SamplingRate};

use super::VectorNoise;
use crate::data::Dataset;
use crate::model::{Batch, Model, Weights};
use crate::{Error, Result};

/// Settings of DP-SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DpSgd {
    /// Probability with which a row takes part in a step.
    pub rate: SamplingRate,
    /// Standard deviation of the noise over `clip`.
    pub noise: NoiseMultiplier,
    /// L2 norm to which a row's gradient is clipped.
    pub clip: f64,
}

impl DpSgd {
    pub(crate) fn check(&self) -> Result<()> {
        if (1e-9..=1e9).contains(&self.clip) {
            Ok(())
        } else {
            Err(Error::caller(format!("`private.clip` is `{}`: give a norm from 1e-9 to 1e9", self.clip)))
        }
    }
}

/// DP-SGD over one party's rows.
#[derive(Clone, Debug)]
pub struct PrivateSteps {
    settings: DpSgd,
    noise: VectorNoise,
    expected: f64,
}

impl PrivateSteps {
    /// Steps for a model of so many parameters over so many rows.
    ///
    /// # Errors
    /// As for [`VectorNoise::new`].
    pub fn new(settings: &DpSgd, parameters: usize, rows: usize) -> Result<Self> {
        settings.check()?;
        let noise = VectorNoise::new(settings.clip, settings.noise, parameters, rows)?;
        Ok(Self { settings: settings.clone(), noise, expected: settings.rate.get() * rows as f64 })
    }

    /// Loss of the rows drawn (not private, for their owner) and the private gradient with the penalty.
    ///
    /// # Errors
    /// As for [`Model::gradient`].
    pub fn gradient<R: CryptoRng + ?Sized>(
        &self,
        model: &dyn Model,
        weights: &Weights,
        data: &Dataset,
        rng: &mut R,
    ) -> Result<(f64, Vec<f64>)> {
        let places = poisson_sample(data.rows(), self.settings.rate, rng);
        let x = data.features().select(Axis(0), &places);
        let y: Vec<f64> = places.iter().map(|place| data.targets()[*place]).collect();
        let clipped = model.clipped(weights, &Batch { x: x.view(), y: &y }, self.settings.clip)?;
        let mut gradient = clipped.sum;
        self.noise.add(&mut gradient, rng)?;
        gradient.iter_mut().for_each(|value| *value /= self.expected);
        model.add_penalty(weights, &mut gradient);
        Ok((clipped.loss / places.len().max(1) as f64, gradient))
    }
}

/// The rows whose coin falls: each independently, with the rate rounded down to a multiple of 2^-64.
fn poisson_sample<R: CryptoRng + ?Sized>(rows: usize, rate: SamplingRate, rng: &mut R) -> Vec<usize> {
    if rate.get() >= 1.0 {
        return (0..rows).collect();
    }
    let limit = (rate.get() * 2f64.powi(64)) as u64;
    (0..rows).filter(|_| rng.next_u64() < limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn samples_have_their_rate() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let rate = SamplingRate::new(0.1).unwrap();
        let drawn: usize = (0..100).map(|_| poisson_sample(1000, rate, &mut rng).len()).sum();
        // 5 standard errors of 94.9
        assert!(drawn.abs_diff(10_000) < 475, "{drawn}");
        assert_eq!(poisson_sample(3, SamplingRate::new(1.0).unwrap(), &mut rng), [0, 1, 2]);
    }
}
