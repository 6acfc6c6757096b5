//! Noise for a target: the least noise multiplier that keeps within (epsilon, delta).

use libm::erfc;

use super::super::refuse::parameter;
use super::super::units::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use super::pld::{PrivacyLoss, grid_for};
use super::rdp::RdpAccountant;
use crate::error::Result;

/// Which accountant decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accountant {
    /// Rényi curves at the default orders: fast.
    Rdp,
    /// Privacy loss distribution on the grid of [`grid_for`]: tighter.
    Pld,
}

/// Exact delta of one Gaussian release of this noise multiplier (Balle & Wang 2018, Theorem 8):
/// Phi(1/(2z) - z epsilon) - e^epsilon Phi(-1/(2z) - z epsilon).
#[must_use]
pub fn gaussian_delta(epsilon: Epsilon, noise: NoiseMultiplier) -> f64 {
    let (e, z) = (epsilon.get(), noise.get());
    let root = std::f64::consts::FRAC_1_SQRT_2;
    let (a, b) = ((z * e - 0.5 / z) * root, (z * e + 0.5 / z) * root);
    // where b is large, erfc(b) = 0 to double precision before e^epsilon overflows: epsilon is at most 1e4, so join the logarithms
    let second = erfc(b);
    let second = if second > 0.0 { (e + second.ln()).exp() } else { 0.0 };
    ((erfc(a) - second) / 2.0).clamp(0.0, 1.0)
}

/// The least noise multiplier of one Gaussian release within (epsilon, delta), to 1e-9 of itself, from above.
///
/// # Errors
/// `dp.parameter` if none between 0.05 and 1e6 does.
pub fn gaussian_noise(epsilon: Epsilon, delta: Delta) -> Result<NoiseMultiplier> {
    search(1e-9, |noise| Ok(gaussian_delta(epsilon, noise) <= delta.get()))
}

/// The epsilon of `steps` Poisson-sampled Gaussian releases.
///
/// # Errors
/// Those of the accountants.
pub fn epsilon(accountant: Accountant, rate: SamplingRate, noise: NoiseMultiplier, steps: u32, delta: Delta) -> Result<Epsilon> {
    match accountant {
        Accountant::Rdp => {
            let mut account = RdpAccountant::new();
            account.add_gaussian(rate, noise, steps);
            Ok(account.epsilon(delta)?.0)
        }
        Accountant::Pld => PrivacyLoss::gaussian(rate, noise, grid_for(rate, noise, steps))?.compose(steps)?.epsilon(delta),
    }
}

/// The least noise multiplier with which `steps` Poisson-sampled Gaussian releases stay within (epsilon, delta), to 1e-5 of
/// itself, from above.
///
/// # Errors
/// `dp.parameter` if none between 0.05 and 1e6 does.
pub fn noise_multiplier(accountant: Accountant, rate: SamplingRate, steps: u32, target: Epsilon, delta: Delta) -> Result<NoiseMultiplier> {
    // a noise too small for the accountant is too small for the target
    let fits =
        |noise: NoiseMultiplier, accountant| epsilon(accountant, rate, noise, steps, delta).map(|found| found <= target).or(Ok(false));
    let rough = search(1e-5, |noise| fits(noise, Accountant::Rdp))?;
    match accountant {
        Accountant::Rdp => Ok(rough),
        // the distribution accountant needs no more noise than the Rényi one: search below, where its windows are short
        Accountant::Pld => between(rough.get() * 0.5, rough.get() * 1.001, 1e-5, |noise| fits(noise, Accountant::Pld)),
    }
}

fn search(precision: f64, fits: impl Fn(NoiseMultiplier) -> Result<bool>) -> Result<NoiseMultiplier> {
    let mut high = 0.5;
    while !fits(NoiseMultiplier::new(high)?)? {
        high *= 2.0;
        if high > 1e6 {
            return Err(parameter(
                "no amount of noise reaches the target",
                "任何噪声都达不到目标",
                "raise epsilon or delta, or take fewer steps",
                "请增大 epsilon 或 delta，或减少步骤数",
            ));
        }
    }
    between(if high > 0.5 { high / 2.0 } else { 0.05 }, high, precision, fits)
}

fn between(mut low: f64, mut high: f64, precision: f64, fits: impl Fn(NoiseMultiplier) -> Result<bool>) -> Result<NoiseMultiplier> {
    let bounded = |value: f64| NoiseMultiplier::new(value.max(0.05));
    if fits(bounded(low)?)? {
        return bounded(low);
    }
    while high / low > 1.0 + precision {
        let middle = (low * high).sqrt();
        if fits(bounded(middle)?)? { high = middle } else { low = middle }
    }
    bounded(high)
}
