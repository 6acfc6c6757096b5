//! What attacks may cost, and the only clock of this module.
//!
//! The order in which an attack tries things never depends on the clock; the clock only says when to stop. A run that
//! stopped early says so in its [`Cost`], and what it could not try counts against the release.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Time since some fixed moment, for example the start of the process.
pub type Clock<'a> = &'a dyn Fn() -> Duration;

/// What one attack may cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Candidates, comparisons or evaluations.
    pub tries: u64,
    /// Seconds.
    pub seconds: f64,
}

/// What one attack cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Candidates, comparisons or evaluations.
    pub tries: u64,
    /// Seconds.
    pub seconds: f64,
    /// Whether everything that was planned was tried.
    pub is_complete: bool,
}

/// A running attack: counts, and stops when either side of the budget is spent.
pub(super) struct Meter<'a> {
    clock: Clock<'a>,
    start: Duration,
    budget: Budget,
    tries: u64,
    is_cut: bool,
}

impl<'a> Meter<'a> {
    pub(super) fn new(clock: Clock<'a>, budget: Budget) -> Self {
        Self { clock, start: clock(), budget, tries: 0, is_cut: false }
    }

    pub(super) fn seconds(&self) -> f64 {
        (self.clock)().saturating_sub(self.start).as_secs_f64()
    }

    /// How many tries are left.
    pub(super) fn left(&self) -> u64 {
        self.budget.tries.saturating_sub(self.tries)
    }

    /// Books `tries` that are about to be made; false if they do not fit, and then the attack stops.
    pub(super) fn spend(&mut self, tries: u64) -> bool {
        if tries > self.left() || self.seconds() > self.budget.seconds {
            self.is_cut = true;
            return false;
        }
        self.tries += tries;
        true
    }

    /// Something was left out for another reason than the budget.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { tries: self.tries, seconds: self.seconds(), is_complete: !self.is_cut }
    }
}

/// The system's monotonic clock, counted from the first call.
pub fn system_clock() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn either_side_of_the_budget_ends_an_attack() {
        let now = Cell::new(Duration::ZERO);
        let clock = || now.get();
        let mut meter = Meter::new(&clock, Budget { tries: 10, seconds: 5.0 });
        assert!(meter.spend(10) && meter.cost().is_complete);
        assert!(!meter.spend(1) && !meter.cost().is_complete);
        assert_eq!(meter.cost().tries, 10);
        let mut meter = Meter::new(&clock, Budget { tries: 10, seconds: 5.0 });
        now.set(Duration::from_secs(6));
        assert!(!meter.spend(1));
        assert_eq!(meter.cost(), Cost { tries: 0, seconds: 6.0, is_complete: false });
    }
}
