//! Distributed differential privacy: every party adds a part of the noise, in integers, under secure aggregation (分布式差分隐私).
//!
//! | parties | n, each learns the sum; the server learns the sum and nothing else (secure aggregation) |
//! |---|---|
//! | adversary | all who see the sum; the server together with up to n minus `honest` parties, who add no noise or tell theirs |
//! | paper | Kairouz, Liu & Steinke, ICML 2021, arXiv 2102.06387: Algorithm 1 (party), Algorithm 2 (server), Theorem 1 |
//! | messages | one vector of `bits` a value, whose length is the next power of two where vectors are rotated |
//!
//! A party clips its vector to the L2 norm `clip`, rotates it (randomised Hadamard, seed public, optional), scales it by 1/`step`, rounds
//! every value up or down at random such that its mean is kept, draws again until the rounded norm is within a bound, and adds discrete
//! Gaussian noise. Every value travels with an offset of half the range, so that it is not negative, and is cut off beyond the range. The noise of one party is calibrated so that the noise of the least number of honest
//! survivors, `honest`, reaches the multiplier: more survivors mean more noise than needed, fewer must not be unmasked.
//!
//! **Deviations from the paper:** the noise of a party depends on `honest`, not on n. There is no modulus: a sum of residues would tell how many
//! parties' values had wrapped, and with it more than the sum. Bits are chosen so that a value of a round is cut off with probability at most
//! 2^-64 for any inputs that follow the protocol; as long as none is, the whole numbers that the server sees add up to a function of the true
//! sum, and that probability is far below any delta. The rounded norm is bounded with beta = e^-1/2 as there, each draw succeeds with probability
//! 1 - beta at least.
//!
//! **Accounting.** A sum of discrete Gaussians is no discrete Gaussian; the paper's bound gives concentrated privacy `epsilon^2 / 2` with
//! `epsilon = min(sqrt(D^2/(n s^2) + 2 tau d), D/(sqrt(n) s) + tau sqrt(d))`, `tau = 10 sum_{k=1}^{n-1} exp(-2 pi^2 s^2 k/(k+1))`, for
//! deviation `s >= 1/2` of one party and sensitivity `D` in steps; below 1/2 it does not hold, and plans are refused. Adjacency is a party's vector
//! against zeros, the party staying in the round.
//! **Not protected:** a server that lies about the survivors; that is secure aggregation's to prevent.

mod hadamard;

pub use hadamard::Rotation;

use std::f64::consts::PI;

use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_desensitize::dp::noise::{DiscreteGaussian, Ratio};
use yu_desensitize::dp::{NoiseMultiplier, Rho};

use super::{Charge, clip, refused};
use crate::model::unit;
use crate::{Error, Result};

/// Probability that a value of a round is cut off, at most: 2^-64, its negative binary logarithm.
const CUT: f64 = 64.0;

/// Least deviation of one party's noise, in steps, where several parties' add up.
const LEAST: f64 = 0.5;

/// A party that has drawn the rounding so often in vain has a broken generator: 0.61^200 < 2^-140.
const DRAWS: usize = 200;

/// Settings of a job, the same for all parties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distributed {
    /// L2 norm to which a vector is clipped.
    pub clip: f64,
    /// Deviation of the noise of `honest` parties together over the sensitivity.
    pub noise: NoiseMultiplier,
    /// Number of parties in a round, at most.
    pub parties: u32,
    /// Honest survivors, at least: the threshold below which secure aggregation refuses to unmask, less the parties that may collude.
    pub honest: u32,
    /// Values are multiples of this after scaling; the finer, the more bits and the less error.
    pub step: f64,
    /// Whether vectors are rotated first, which evens out their values and saves bits.
    pub rotation: Rotation,
}

/// What follows from the settings for vectors of one length.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Distributed,
    length: usize,
    padded: usize,
    /// Bound on the squared L2 norm of a rounded vector, in steps.
    square: f64,
    gaussian: DiscreteGaussian,
    deviation: f64,
    bits: u32,
}

impl Distributed {
    /// Noise, bits and cost for vectors of this length.
    ///
    /// # Errors
    /// `Caller` for settings out of bounds, or that need more than 32 bits a value: choose a larger `step`.
    pub fn plan(&self, length: usize) -> Result<Plan> {
        let refuse = |what: &str| Err(Error::caller(format!("distributed privacy: {what}")));
        if length == 0 || length > 1 << 26 {
            return refuse("vectors have 1 to 2^26 values");
        }
        if self.honest == 0 || self.honest > self.parties {
            return refuse("`honest` must be from 1 to `parties`");
        }
        if !((1e-9..=1e9).contains(&self.clip) && self.step > 0.0 && (1e-3..=1e9).contains(&(self.clip / self.step))) {
            return refuse("`clip` must be from 1e-9 to 1e9 and `clip / step` from 1e-3 to 1e9");
        }
        let padded = if self.rotation == Rotation::Hadamard { length.next_power_of_two() } else { length };
        let (c, d) = (self.clip / self.step * (1.0 + 2f64.powi(-30)), padded as f64);
        // the paper's bound on rounding with gamma = 1 and beta = e^-1/2, sqrt(2 ln(1/beta)) = 1
        let square = (c * c + d / 4.0 + (c + d.sqrt() / 2.0)).min((c + d.sqrt()).powi(2));
        let deviation = self.noise.get() * square.sqrt() / f64::from(self.honest).sqrt();
        if self.honest > 1 && deviation < LEAST {
            return refuse(
                "the noise of one party is below half a step, where sums of such noise are not bounded: choose a smaller `step`",
            );
        }
        let variance = Ratio::at_least(deviation * deviation).map_err(|error| refused(&error))?;
        let gaussian = DiscreteGaussian::new(variance).map_err(|error| refused(&error))?;
        let largest = self.signal(c, d, square) + self.tail(deviation, d);
        let bits = (2.0 * largest + 2.0).log2().ceil().max(2.0);
        if bits > 32.0 {
            return refuse("a party needs more than 32 bits a value: choose a larger `step`");
        }
        Ok(Plan { settings: self.clone(), length, padded, square, gaussian, deviation, bits: bits as u32 })
    }

    /// Largest magnitude of one rounded value, in steps: the whole norm may lie in one value. Rotated, a value of a vector of norm `c`
    /// exceeds t with probability at most 2 exp(-t^2 d / (2 c^2)) over the signs (Hoeffding), then one for rounding.
    fn signal(&self, c: f64, d: f64, square: f64) -> f64 {
        let whole = square.sqrt();
        match self.rotation {
            Rotation::None => whole,
            Rotation::Hadamard => {
                let log = (CUT + 1.0) * std::f64::consts::LN_2 + (2.0 * d * f64::from(self.parties)).ln();
                whole.min(c * (2.0 * log / d).sqrt() + 1.0)
            }
        }
    }

    /// Magnitude that the noise of some party exceeds in some value with probability at most 2^-65: a discrete Gaussian is
    /// sub-Gaussian with its parameter (CKS 2020).
    fn tail(&self, deviation: f64, d: f64) -> f64 {
        let log = (CUT + 1.0) * std::f64::consts::LN_2 + (2.0 * d * f64::from(self.parties)).ln();
        deviation * (2.0 * log).sqrt()
    }
}

impl Plan {
    /// Bits of one party's value.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// Number of values that travel.
    #[must_use]
    pub const fn encoded_length(&self) -> usize {
        self.padded
    }

    /// Standard deviation of one party's noise in the units of the vector.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation * self.settings.step
    }

    /// What one round costs: concentrated privacy, with the divergence of the sum of discrete Gaussians. It holds but for the 2^-64 with which a
    /// value is cut off: delta of a training grows by that much a round, far below any that is chosen.
    ///
    /// # Errors
    /// `Caller` if that divergence is so large that no guarantee is left: choose a smaller `step`.
    pub fn charge(&self) -> Result<Charge> {
        let (n, d, s) = (f64::from(self.settings.honest), self.padded as f64, self.deviation);
        let tau = 10.0 * (1..self.settings.honest).map(|k| (-2.0 * PI * PI * s * s * f64::from(k) / f64::from(k + 1)).exp()).sum::<f64>();
        let ratio = self.square.sqrt() / (n.sqrt() * s);
        let epsilon = (ratio * ratio + 2.0 * tau * d).sqrt().min(ratio + tau * d.sqrt());
        let rho = Rho::new(epsilon * epsilon / 2.0).map_err(|error| refused(&error))?;
        Ok(Charge::Concentrated { rho })
    }

    /// A party's vector: `length` doubles in, [`Plan::encoded_length`] values below 2^bits out. `seed` is the rotation's, public, new
    /// every round and not chosen by anybody who knows the vectors.
    ///
    /// # Errors
    /// `Caller` for another length; `Data` for values that are not finite.
    pub fn encode<R: CryptoRng + ?Sized>(&self, values: &[f64], seed: &[u8; 32], rng: &mut R) -> Result<Vec<u32>> {
        if values.len() != self.length {
            return Err(Error::caller(format!("a vector of {} values where the plan has {}", values.len(), self.length)));
        }
        let mut vector = values.to_vec();
        clip(&mut vector, self.settings.clip)?;
        vector.resize(self.padded, 0.0);
        self.settings.rotation.forward(&mut vector, seed);
        vector.iter_mut().for_each(|value| *value /= self.settings.step);
        let mut rounded = self.round(&vector, rng)?;
        let mut noise = vec![0i64; self.padded];
        self.gaussian.fill(&mut noise, rng);
        let half = 1i64 << (self.bits - 1);
        let encoded = rounded.iter().zip(&noise).map(|(value, noise)| (value.saturating_add(*noise).clamp(-half, half - 1) + half) as u32);
        let encoded = encoded.collect();
        zeroize::Zeroize::zeroize(&mut noise);
        zeroize::Zeroize::zeroize(&mut rounded);
        Ok(encoded)
    }

    /// Rounds up or down at random until the norm is within the bound; unbiased but for that condition.
    fn round<R: CryptoRng + ?Sized>(&self, vector: &[f64], rng: &mut R) -> Result<Vec<i64>> {
        for _ in 0..DRAWS {
            let mut square = 0i128;
            let rounded: Vec<i64> = vector
                .iter()
                .map(|value| {
                    let below = value.floor();
                    let up = i64::from(unit(rng) < value - below);
                    let integer = below as i64 + up;
                    square += i128::from(integer) * i128::from(integer);
                    integer
                })
                .collect();
            if square as f64 <= self.square {
                return Ok(rounded);
            }
        }
        Err(Error::caller("rounding never met its bound: the random generator does not work"))
    }

    /// The sum of `parties` vectors, with its noise, from the sum of what they sent.
    ///
    /// # Errors
    /// `Caller` for another length, for a number of parties that is not between `honest` and `parties`, or values that so many cannot have sent.
    pub fn decode(&self, sum: &[u64], parties: u32, seed: &[u8; 32]) -> Result<Vec<f64>> {
        if !(self.settings.honest..=self.settings.parties).contains(&parties) {
            let Distributed { honest, parties: most, .. } = self.settings;
            return Err(Error::caller(format!("a sum of `{parties}` parties, planned for {honest} to {most}")));
        }
        let most = u64::from(parties) * ((1 << self.bits) - 1);
        if sum.len() != self.padded || !sum.iter().all(|value| *value <= most) {
            return Err(Error::caller(format!("a sum has {} values of at most {most}", self.padded)));
        }
        let offset = i64::from(parties) << (self.bits - 1);
        let mut values: Vec<f64> = sum.iter().map(|value| (value.cast_signed() - offset) as f64 * self.settings.step).collect();
        self.settings.rotation.back(&mut values, seed);
        values.truncate(self.length);
        Ok(values)
    }
}
