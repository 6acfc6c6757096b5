//! What one party says of a model on its rows: sums, so that parties' figures add up.

use serde::{Deserialize, Serialize};

/// Figures of a model on a set of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Number of rows.
    pub examples: u64,
    /// Sum of the losses, without penalty: natural logarithms, or half squared errors.
    pub loss_sum: f64,
    /// How many rows got their class (classification).
    pub correct: u64,
    /// Sum of squared errors of the scores (regression).
    pub squared_sum: f64,
}

impl Metrics {
    /// Mean loss.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.examples as f64
    }

    /// Share of rows that got their class.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples as f64
    }

    /// Root mean square error.
    #[must_use]
    pub fn rmse(&self) -> f64 {
        (self.squared_sum / self.examples as f64).sqrt()
    }

    /// Figures of both sets of rows together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            examples: self.examples + other.examples,
            loss_sum: self.loss_sum + other.loss_sum,
            correct: self.correct + other.correct,
            squared_sum: self.squared_sum + other.squared_sum,
        }
    }
}
