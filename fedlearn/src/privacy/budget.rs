//! The budget of a job: charged before anything is released, refused before it is exceeded (隐私预算).
//!
//! Equal charges without rest are composed by privacy loss distributions if the budget says so; charges that differ by Rényi curves,
//! at the order that bounds the sum best. What is charged in later rounds has to be settled before the first one: a filter for charges that are chosen
//! along the way holds for one order that is fixed beforehand (Feldman & Zrnic, NeurIPS 2021), and none is fixed here.

use serde::{Deserialize, Serialize};
use yu_desensitize::dp::account::calibrate::{self, Accountant};
use yu_desensitize::dp::account::rdp::RdpAccountant;
use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, Rho, SamplingRate};

use super::refused;
use crate::{Error, Result};

/// What a round, or some steps, cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Charge {
    /// Gaussian releases on Poisson samples; rate 1 for none.
    Gaussian {
        /// Sampling rate.
        rate: SamplingRate,
        /// Noise over sensitivity.
        noise: NoiseMultiplier,
        /// How many.
        steps: u32,
    },
    /// Zero-concentrated privacy, as of distributed noise.
    Concentrated {
        /// Per release.
        rho: Rho,
    },
}

/// A target and what was spent of it; a checkpoint holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    epsilon: Epsilon,
    delta: Delta,
    is_tight: bool,
    spent: Vec<Charge>,
}

impl Budget {
    /// A budget of (epsilon, delta), nothing spent.
    #[must_use]
    pub const fn new(epsilon: Epsilon, delta: Delta, accountant: Accountant) -> Self {
        Self { epsilon, delta, is_tight: matches!(accountant, Accountant::Pld), spent: Vec::new() }
    }

    /// The epsilon spent so far at the budget's delta; none if nothing was.
    ///
    /// # Errors
    /// `Caller` if the accountant refuses.
    pub fn spent(&self) -> Result<Option<Epsilon>> {
        if self.spent.is_empty() { Ok(None) } else { self.cost(&self.spent).map(Some) }
    }

    /// What was charged, equal charges together.
    #[must_use]
    pub fn charges(&self) -> &[Charge] {
        &self.spent
    }

    /// Debits a charge. Call it, and store the budget, **before** the release; on an error nothing was debited and nothing may be
    /// released.
    ///
    /// # Errors
    /// `Budget` if the target would be exceeded; `Caller` if the accountant refuses.
    pub fn charge(&mut self, charge: Charge) -> Result<Epsilon> {
        if matches!(charge, Charge::Gaussian { steps: 0, .. }) {
            return Err(Error::caller("a charge of no steps"));
        }
        let mut next = self.spent.clone();
        let merged = next.iter_mut().any(|old| match (old, charge) {
            (Charge::Gaussian { rate, noise, steps }, Charge::Gaussian { rate: r, noise: n, steps: more }) if *rate == r && *noise == n => {
                *steps = steps.saturating_add(more);
                true
            }
            _ => false,
        });
        if !merged {
            next.push(charge);
        }
        let total = self.cost(&next)?;
        if total > self.epsilon {
            return Err(Error::Budget(format!(
                "the next release would bring epsilon to {:.4} at delta {:e}, above the target of {}: stop here, or start again with more noise",
                total.get(),
                self.delta.get(),
                self.epsilon.get()
            )));
        }
        self.spent = next;
        Ok(total)
    }

    fn cost(&self, charges: &[Charge]) -> Result<Epsilon> {
        let fail = |error: yu_desensitize::Error| refused(&error);
        if let (true, [Charge::Gaussian { rate, noise, steps }]) = (self.is_tight, charges) {
            return calibrate::epsilon(Accountant::Pld, *rate, *noise, *steps, self.delta).map_err(fail);
        }
        let mut account = RdpAccountant::new();
        for charge in charges {
            match charge {
                Charge::Gaussian { rate, noise, steps } => account.add_gaussian(*rate, *noise, *steps),
                Charge::Concentrated { rho } => account.add_rho(*rho),
            }
        }
        Ok(account.epsilon(self.delta).map_err(fail)?.0)
    }
}

/// The least noise multiplier with which so many sampled steps stay within (epsilon, delta).
///
/// # Errors
/// `Caller` if none does.
pub fn calibrate(accountant: Accountant, rate: SamplingRate, steps: u32, epsilon: Epsilon, delta: Delta) -> Result<NoiseMultiplier> {
    calibrate::noise_multiplier(accountant, rate, steps, epsilon, delta).map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_stops_before_it_is_exceeded() {
        let (epsilon, delta, rate) = (Epsilon::new(3.0).unwrap(), Delta::new(1e-5).unwrap(), SamplingRate::new(0.05).unwrap());
        for accountant in [Accountant::Rdp, Accountant::Pld] {
            let noise = calibrate(accountant, rate, 100, epsilon, delta).unwrap();
            let mut budget = Budget::new(epsilon, delta, accountant);
            assert!(budget.spent().unwrap().is_none());
            for _ in 0..10 {
                budget.charge(Charge::Gaussian { rate, noise, steps: 10 }).unwrap();
            }
            let before = budget.clone();
            assert!(matches!(budget.charge(Charge::Gaussian { rate, noise, steps: 10 }), Err(Error::Budget(_))));
            assert!(budget == before && budget.spent().unwrap().unwrap() <= epsilon && budget.charges().len() == 1);
        }
    }

    #[test]
    fn charges_of_both_kinds_add_up() {
        let mut budget = Budget::new(Epsilon::new(2.0).unwrap(), Delta::new(1e-5).unwrap(), Accountant::Rdp);
        let rho = Rho::new(0.01).unwrap();
        let first = budget.charge(Charge::Concentrated { rho }).unwrap();
        let rate = SamplingRate::new(1.0).unwrap();
        let second = budget.charge(Charge::Gaussian { rate, noise: NoiseMultiplier::new(10.0).unwrap(), steps: 1 }).unwrap();
        assert!(second > first);
        // rho 0.01 and 1/(2 100) = 0.005 together
        let direct = Rho::new(0.015).unwrap().to_epsilon(Delta::new(1e-5).unwrap()).unwrap();
        assert!((second.get() / direct.get() - 1.0).abs() < 0.02, "{second:?} {direct:?}");
    }
}
