//! What a release costs, and the allowance it draws from.
//!
//! Sums are exact: epsilon and rho are counted in units of 2^-60, delta in units of 2^-100, charges rounded up and budgets
//! rounded down, so that no rounding of floating-point sums lets a budget be exceeded.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::adjacency::Adjacency;
use super::refuse::refuse;
use super::units::{Delta, Epsilon, Rho};
use crate::error::{Error, Result, Text};

/// A privacy loss in one of three currencies, which are never added to each other: convert explicitly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub enum Loss {
    /// Pure epsilon.
    Pure(Epsilon),
    /// (epsilon, delta); composes by sums.
    Approx(Epsilon, Delta),
    /// rho-zCDP; composes by sums.
    Zcdp(Rho),
    /// delta-approximate rho-zCDP (Bun & Steinke 2016, section 8); composes by sums.
    ApproxZcdp(Rho, Delta),
}

/// As stored: numbers as text, since not every JSON reader gives back the same double.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored {
    Pure(String),
    Approx(String, String),
    Zcdp(String),
    ApproxZcdp(String, String),
}

impl From<Loss> for Stored {
    fn from(loss: Loss) -> Self {
        let text = |value: f64| format!("{value:?}");
        match loss {
            Loss::Pure(epsilon) => Self::Pure(text(epsilon.get())),
            Loss::Approx(epsilon, delta) => Self::Approx(text(epsilon.get()), text(delta.get())),
            Loss::Zcdp(rho) => Self::Zcdp(text(rho.get())),
            Loss::ApproxZcdp(rho, delta) => Self::ApproxZcdp(text(rho.get()), text(delta.get())),
        }
    }
}

impl TryFrom<Stored> for Loss {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        // no number becomes NaN, which every unit refuses
        let number = |text: &str| text.parse().unwrap_or(f64::NAN);
        Ok(match stored {
            Stored::Pure(epsilon) => Self::Pure(Epsilon::new(number(&epsilon))?),
            Stored::Approx(epsilon, delta) => Self::Approx(Epsilon::new(number(&epsilon))?, Delta::new(number(&delta))?),
            Stored::Zcdp(rho) => Self::Zcdp(Rho::new(number(&rho))?),
            Stored::ApproxZcdp(rho, delta) => Self::ApproxZcdp(Rho::new(number(&rho))?, Delta::new(number(&delta))?),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Currency {
    Epsilon,
    Rho,
}

/// An exact amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    currency: Currency,
    main: u128,
    delta: u128,
}

const MAIN: f64 = (1u64 << 60) as f64;

impl Loss {
    fn parts(self) -> (Currency, f64, f64) {
        match self {
            Self::Pure(epsilon) => (Currency::Epsilon, epsilon.get(), 0.0),
            Self::Approx(epsilon, delta) => (Currency::Epsilon, epsilon.get(), delta.get()),
            Self::Zcdp(rho) => (Currency::Rho, rho.get(), 0.0),
            Self::ApproxZcdp(rho, delta) => (Currency::Rho, rho.get(), delta.get()),
        }
    }

    /// As a charge: rounded up. Multiplying by a power of two is exact.
    pub(super) fn charge(self) -> Amount {
        let (currency, main, delta) = self.parts();
        Amount { currency, main: (main * MAIN).ceil() as u128, delta: (delta * 2f64.powi(100)).ceil() as u128 }
    }

    /// As a budget: rounded down.
    pub(super) fn budget(self) -> Amount {
        let (currency, main, delta) = self.parts();
        Amount { currency, main: (main * MAIN).floor() as u128, delta: (delta * 2f64.powi(100)).floor() as u128 }
    }
}

impl Amount {
    /// Nothing, in the same currency.
    pub(super) fn none(self) -> Self {
        Self { main: 0, delta: 0, ..self }
    }

    /// `self - other`, if it is the same currency and enough.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { currency: self.currency, main: self.main.checked_sub(other.main)?, delta: self.delta.checked_sub(other.delta)? })
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { currency: self.currency, main: self.main.checked_add(other.main)?, delta: self.delta.checked_add(other.delta)? })
    }

    pub(super) fn is_same_currency(self, other: Self) -> bool {
        self.currency == other.currency
    }

    /// (epsilon or rho, delta), for reports.
    pub(super) fn to_f64(self) -> (f64, f64) {
        (self.main as f64 / MAIN, self.delta as f64 / 2f64.powi(100))
    }
}

/// A privacy loss against the neighbours `A`.
///
/// ```compile_fail
/// use yu_desensitize::dp::{AddRemove, Cost, Subject};
/// fn pass(record: Cost<AddRemove>) -> Cost<Subject> { record } // a promise about records is none about people
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost<A: Adjacency> {
    loss: Loss,
    adjacency: PhantomData<A>,
}

impl<A: Adjacency> Cost<A> {
    /// This loss against the neighbours `A`.
    #[must_use]
    pub const fn new(loss: Loss) -> Self {
        Self { loss, adjacency: PhantomData }
    }

    /// The loss.
    #[must_use]
    pub const fn loss(self) -> Loss {
        self.loss
    }
}

/// Budget that was debited and not yet used: what mechanisms draw from. Comes from [`Ledger::reserve`](super::ledger::Ledger::reserve).
///
/// ```compile_fail
/// use yu_desensitize::dp::{AddRemove, Allowance};
/// fn twice(one: &Allowance<AddRemove>) -> Allowance<AddRemove> { one.clone() } // cannot be copied
/// ```
#[derive(Debug)]
#[must_use = "the budget is debited; a release should use it"]
pub struct Allowance<A: Adjacency> {
    left: Amount,
    adjacency: PhantomData<A>,
}

impl<A: Adjacency> Allowance<A> {
    pub(super) fn debited(loss: Loss) -> Self {
        Self { left: loss.charge(), adjacency: PhantomData }
    }

    /// An allowance that no ledger debited: for tests, measurements and callers with an account of their own.
    pub fn danger_unledgered(cost: Cost<A>) -> Self {
        Self::debited(cost.loss)
    }

    /// Uses a part.
    ///
    /// # Errors
    /// `dp.allowance` if less is left, or if it is in another currency; then nothing is taken.
    pub fn spend(&mut self, loss: Loss) -> Result<()> {
        match self.left.minus(loss.charge()) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(refuse(
                "dp.allowance",
                Text::new(
                    "the release costs more than what was reserved for it, or is in another unit",
                    "发布所需隐私预算超过已预留额度，或单位不同",
                ),
                Text::new("allowance of this charge", "本次扣减的额度"),
                Text::new("reserve the full cost in the unit of the mechanism before the release", "请在发布前按机制的单位预留全部预算"),
            )),
        }
    }

    /// What is left: (epsilon or rho, delta).
    #[must_use]
    pub fn left(&self) -> (f64, f64) {
        self.left.to_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dp::AddRemove;

    #[test]
    fn shares_never_exceed_the_whole() {
        let whole = Epsilon::new(1.0).unwrap();
        let mut allowance = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Pure(whole)));
        let tenth = Loss::Pure(Epsilon::new(0.1).unwrap());
        // 0.1 as a double is above one tenth: the tenth share does not fit, and says so
        let granted = (0..11).filter(|_| allowance.spend(tenth).is_ok()).count();
        assert_eq!(granted, 9);
        assert!(allowance.spend(Loss::Zcdp(Rho::new(1e-9).unwrap())).is_err(), "another currency");
        assert!(allowance.spend(Loss::Approx(Epsilon::new(1e-3).unwrap(), Delta::new(1e-9).unwrap())).is_err(), "no delta was reserved");
    }
}
