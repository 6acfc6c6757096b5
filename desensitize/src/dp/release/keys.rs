//! Counts of groups whose names are themselves private (未知键阈值发布): a group shows only if its noisy count reaches tau.
//!
//! Each person is counted at most once in a group and in at most c groups (see [`bound_groups`](super::super::bound::bound_groups)).
//! A group that exists only because of one person has count 1; tau is chosen such that c such groups together reach it with
//! probability at most delta (Korolova, Kenthapadi, Mishra & Ntoulas 2009; union bound over c). Everything else is a histogram with
//! L1 sensitivity c and squared L2 sensitivity c. Tails: discrete Laplace exactly; discrete Gaussian P[X >= k] <= P[N >= k - 1]
//! (CKS 2020, Proposition 25).

use std::collections::BTreeMap;

use libm::erfc;
use rand_chacha::rand_core::CryptoRng;

use super::super::adjacency::Subject;
use super::super::bound::Bounded;
use super::super::cost::{Allowance, Loss};
use super::super::noise::Bits;
use super::super::units::Delta;
use super::{Noise, Noisy, Spend};
use crate::error::Result;

/// Noisy numbers of people per group, of those groups that reach tau, and tau itself.
///
/// # Errors
/// `dp.parameter` if the noise is out of range; `dp.allowance`.
pub fn release_keys<R: CryptoRng + ?Sized>(
    groups: &Bounded<Vec<(String, u64)>>,
    spend: Spend,
    delta: Delta,
    allowance: &mut Allowance<Subject>,
    rng: &mut R,
) -> Result<(BTreeMap<String, Noisy>, i64)> {
    let most = groups.neighbours().groups().max(1);
    let noise = spend.noise(u64::from(most), f64::from(most))?;
    allowance.spend(match spend {
        Spend::Laplace(epsilon) => Loss::Approx(epsilon, delta),
        Spend::Gaussian(rho) => Loss::ApproxZcdp(rho, delta),
    })?;
    let tau = threshold(&noise, delta.get() / f64::from(most));
    let (mut bits, standard_deviation) = (Bits::new(rng), noise.standard_deviation());
    let shown = groups.get().iter().filter_map(|(name, count)| {
        let noisy = i64::try_from(*count).unwrap_or(i64::MAX).saturating_add(noise.draw(&mut bits));
        (noisy >= tau).then(|| (name.clone(), Noisy { value: noisy as f64, standard_deviation }))
    });
    Ok((shown.collect(), tau))
}

/// The least tau with P[1 + noise >= tau] <= delta, by bisection over the falling tail.
fn threshold(noise: &Noise, delta: f64) -> i64 {
    let tail = |k: i64| match noise {
        // a hair above, for the rounding of the formula
        Noise::Laplace(laplace) => laplace.tail(k.unsigned_abs()) * (1.0 + 1e-12),
        Noise::Gaussian(gaussian) => {
            erfc((k - 1) as f64 / gaussian.standard_deviation() * std::f64::consts::FRAC_1_SQRT_2) / 2.0 * (1.0 + 1e-12)
        }
    };
    let (mut low, mut high) = (0i64, 1i64);
    while high < 1 << 60 && tail(high) > delta {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        if tail(middle) > delta { low = middle } else { high = middle }
    }
    high + 1
}
