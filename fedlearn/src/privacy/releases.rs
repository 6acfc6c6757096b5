//! What was released under noise, so that a crash makes nobody draw again.
//!
//! Two releases of the same round with fresh noise would cost twice, and their difference would shed noise. A round's noisy vector is
//! therefore stored, with the budget that was charged for it, **before** it is sent; after a crash the stored vector is sent again. A
//! crash before it was stored is harmless: nobody has seen anything, and the charge was not stored either.

use serde::{Deserialize, Serialize};

use super::{Budget, Charge};
use crate::{Error, Result};

/// Budget and last release of one party; the last step before sending stores it whole.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    budget: Budget,
    last: Option<Release>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    round: u64,
    values: Vec<f64>,
}

impl Releases {
    /// Nothing released yet.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self { budget, last: None }
    }

    /// The budget.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The release of a round: the stored one if there is one, else a new one, charged and stored before it is given out. `store` must
    /// not return before its bytes are on disk.
    ///
    /// # Errors
    /// `Budget` if the charge would exceed it; `Caller` for a round before the last one (its noise is gone); those of `draw` and
    /// `store`, after which nothing is charged and nothing may be sent.
    pub fn once(
        &mut self,
        round: u64,
        charge: Charge,
        draw: impl FnOnce() -> Result<Vec<f64>>,
        store: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<&[f64]> {
        let last = self.last.as_ref().map(|release| release.round);
        if last.is_some_and(|last| round < last) {
            return Err(Error::caller(format!("round {round} was released before round {}: it is not drawn again", last.unwrap_or(0))));
        }
        if last != Some(round) {
            let mut next = self.clone();
            next.budget.charge(charge)?;
            next.last = Some(Release { round, values: draw()? });
            store(&next)?;
            *self = next;
        }
        Ok(self.last.as_ref().map_or(&[], |release| &release.values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use yu_desensitize::dp::account::calibrate::Accountant;
    use yu_desensitize::dp::{Delta, Epsilon, Rho};

    #[test]
    fn a_crash_draws_nothing_twice() {
        let disk = RefCell::new(Vec::new());
        let store = |state: &Releases| {
            *disk.borrow_mut() = yu_wire::codec::encode(state);
            Ok(())
        };
        let charge = Charge::Concentrated { rho: Rho::new(0.01).unwrap() };
        let mut releases = Releases::new(Budget::new(Epsilon::new(1.0).unwrap(), Delta::new(1e-5).unwrap(), Accountant::Rdp));
        let fresh = releases.clone();
        // crash before storing: nothing charged
        assert!(releases.once(1, charge, || Ok(vec![1.0]), |_| Err(Error::caller("disk full"))).is_err());
        assert!(releases == fresh);
        assert_eq!(releases.once(1, charge, || Ok(vec![2.0]), store).unwrap(), [2.0]);
        // crash after storing: the same values, no second charge
        let mut resumed: Releases = yu_wire::codec::decode(&disk.borrow(), 1 << 20).unwrap();
        assert!(resumed == releases);
        assert_eq!(resumed.once(1, charge, || panic!("drawn again"), |_| panic!("stored again")).unwrap(), [2.0]);
        assert_eq!(resumed.budget(), releases.budget());
        assert_eq!(resumed.once(2, charge, || Ok(vec![3.0]), store).unwrap(), [3.0]);
        assert!(resumed.once(1, charge, || Ok(vec![4.0]), store).is_err());
        // the budget stops it
        let mut round = 3;
        while resumed.once(round, charge, || Ok(vec![]), store).is_ok() {
            round += 1;
            assert!(round < 20);
        }
        assert!(matches!(resumed.once(round, charge, || Ok(vec![]), store), Err(Error::Budget(_))));
    }
}
