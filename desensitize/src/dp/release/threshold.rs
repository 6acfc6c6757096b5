//! AboveThreshold, the sparse vector technique (稀疏向量技术): many queries, one budget, until the first one is above.
//!
//! Dwork & Roth 2014, Algorithm 1 and Theorem 3.23, with discrete Laplace noise: scale 2D/epsilon on the threshold, 4D/epsilon on
//! each query, D the sensitivity of every query. Integer queries and noise; the proof shifts both by integers and holds as it stands.

use rand_chacha::rand_core::CryptoRng;

use super::super::adjacency::Adjacency;
use super::super::cost::{Allowance, Loss};
use super::super::noise::{Bits, DiscreteLaplace, Ratio};
use super::super::units::Epsilon;
use crate::error::Result;

/// A search that has not found anything yet. Asking consumes it, and only "below" gives it back.
///
/// ```compile_fail
/// use rand_chacha::rand_core::CryptoRng;
/// use yu_desensitize::dp::release::threshold::AboveThreshold;
/// fn twice(search: AboveThreshold, rng: &mut impl CryptoRng) { search.ask(1, rng); search.ask(2, rng); }
/// ```
pub struct AboveThreshold {
    threshold: i64,
    noise: DiscreteLaplace,
}

/// What a query showed.
#[must_use]
pub enum Answer {
    /// Below: the search goes on.
    Below(AboveThreshold),
    /// Above: the search is over.
    Above,
}

impl AboveThreshold {
    /// Begins a search; the whole epsilon is drawn here.
    ///
    /// # Errors
    /// `dp.parameter` if the noise is out of range; `dp.allowance`.
    pub fn new<A: Adjacency, R: CryptoRng + ?Sized>(
        threshold: i64,
        sensitivity: u64,
        epsilon: Epsilon,
        allowance: &mut Allowance<A>,
        rng: &mut R,
    ) -> Result<Self> {
        let scale = sensitivity.max(1) as f64 / epsilon.get();
        let first = DiscreteLaplace::new(Ratio::at_least(2.0 * scale)?)?;
        let noise = DiscreteLaplace::new(Ratio::at_least(4.0 * scale)?)?;
        allowance.spend(Loss::Pure(epsilon))?;
        Ok(Self { threshold: threshold.saturating_add(first.sample(&mut Bits::new(rng))), noise })
    }

    /// Whether a query's exact value, with noise, reaches the noisy threshold.
    pub fn ask<R: CryptoRng + ?Sized>(self, value: i64, rng: &mut R) -> Answer {
        let noisy = value.saturating_add(self.noise.sample(&mut Bits::new(rng)));
        if noisy >= self.threshold { Answer::Above } else { Answer::Below(self) }
    }
}
