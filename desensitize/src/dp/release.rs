//! Mechanisms: numbers that may be released (加噪发布). Each draws its cost from an [`Allowance`](super::Allowance) first, then the noise.
//!
//! | to see | open |
//! |---|---|
//! | which noise, at which cost | [`Spend`] |
//! | count, sum, mean, histogram of Arrow columns | [`aggregate`] |
//! | the best of many; quantiles | [`select`] |
//! | the first query above a threshold | [`threshold`] |
//! | groups whose names are not public | [`keys`] |
//! | at most m rows or c groups per person | [`bound`](super::bound) |

pub mod aggregate;
mod kernel;
pub mod keys;
pub mod select;
pub mod threshold;

use rand_chacha::rand_core::CryptoRng;

use super::cost::Loss;
use super::noise::{Bits, DiscreteGaussian, DiscreteLaplace, Ratio};
use super::units::{Epsilon, Rho};
use crate::error::Result;

/// What one mechanism spends, and by which noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spend {
    /// Discrete Laplace noise; pure epsilon.
    Laplace(Epsilon),
    /// Discrete Gaussian noise; rho-zCDP.
    Gaussian(Rho),
}

impl Spend {
    /// As a loss.
    #[must_use]
    pub const fn loss(self) -> Loss {
        match self {
            Self::Laplace(epsilon) => Loss::Pure(epsilon),
            Self::Gaussian(rho) => Loss::Zcdp(rho),
        }
    }

    /// An equal share of `parts`.
    ///
    /// # Errors
    /// `dp.unit` for no parts.
    pub fn share(self, parts: u32) -> Result<Self> {
        Ok(match self {
            Self::Laplace(epsilon) => Self::Laplace(epsilon.share(parts)?),
            Self::Gaussian(rho) => Self::Gaussian(rho.share(parts)?),
        })
    }

    /// The noise for integers with this L1 sensitivity and squared L2 sensitivity: scale L1/epsilon, variance L2^2/(2 rho),
    /// both rounded up by less than 2^-24 of themselves.
    pub(super) fn noise(self, l1: u64, l2_squared: f64) -> Result<Noise> {
        Ok(match self {
            Self::Laplace(epsilon) => Noise::Laplace(DiscreteLaplace::new(Ratio::at_least(l1.max(1) as f64 / epsilon.get())?)?),
            // below 1/64 the sampler would refuse: more noise is always allowed
            Self::Gaussian(rho) => {
                let variance = (l2_squared.max(1.0) / (2.0 * rho.get())).max(1.0 / 32.0);
                Noise::Gaussian(DiscreteGaussian::new(Ratio::at_least(variance)?)?)
            }
        })
    }
}

/// Integer noise of either kind.
#[derive(Clone, Debug)]
pub(super) enum Noise {
    Laplace(DiscreteLaplace),
    Gaussian(DiscreteGaussian),
}

impl Noise {
    pub(super) fn draw<R: CryptoRng + ?Sized>(&self, bits: &mut Bits<'_, R>) -> i64 {
        match self {
            Self::Laplace(laplace) => laplace.sample(bits),
            Self::Gaussian(gaussian) => gaussian.sample(bits),
        }
    }

    pub(super) fn standard_deviation(&self) -> f64 {
        match self {
            Self::Laplace(laplace) => laplace.standard_deviation(),
            Self::Gaussian(gaussian) => gaussian.standard_deviation(),
        }
    }
}

/// A released number with the size of its noise, which is public.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noisy {
    /// The number; may be negative for a count.
    pub value: f64,
    /// Standard deviation of its noise, without the error of clamping and of the grid.
    pub standard_deviation: f64,
}
