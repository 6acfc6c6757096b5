//! How to train.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a tree improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Labels 0 and 1, scores are log-odds: `g = p - y`, `h = p (1 - p)`.
    Logistic,
    /// Any labels: `g = score - y`, `h = 1`.
    Squared,
}

impl Loss {
    /// Greatest `h` of a row.
    #[must_use]
    pub const fn max_curvature(self) -> f64 {
        match self {
            Self::Logistic => 0.25,
            Self::Squared => 1.0,
        }
    }
}

/// Settings of gradient-boosted trees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boosting {
    /// Number of trees.
    pub trees: usize,
    /// Splits between root and leaf, 1 to 8.
    pub depth: usize,
    /// Learning rate, above 0 and at most 1.
    pub rate: f64,
    /// Penalty on the squares of leaves, at least 1/16.
    pub lambda: f64,
    /// What a split has to gain.
    pub gamma: f64,
    /// Least sum of `h` on either side of a split.
    pub min_child_weight: f64,
    /// Least number of rows on either side of a split. It is enforced by [`Self::least_weight`]: no row weighs more than [`Loss::max_curvature`].
    pub min_rows: usize,
    /// Leaves, before the learning rate, are cut off at this absolute value.
    pub max_leaf: f64,
    /// What to improve.
    pub loss: Loss,
}

impl Default for Boosting {
    fn default() -> Self {
        Self {
            trees: 100,
            depth: 5,
            rate: 0.1,
            lambda: 1.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            min_rows: 4,
            max_leaf: 8.0,
            loss: Loss::Logistic,
        }
    }
}

impl Boosting {
    /// Least sum of `h` on either side of a split so that both settings hold.
    #[must_use]
    pub fn least_weight(&self) -> f64 {
        self.min_child_weight.max(self.min_rows as f64 * self.loss.max_curvature())
    }

    /// The value of a leaf with these sums of `g` and `h`, the learning rate included.
    pub(crate) fn leaf(&self, [g, h]: [f64; 2]) -> f64 {
        -self.rate * (g / (h + self.lambda)).clamp(-self.max_leaf, self.max_leaf)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the setting that is outside of its range.
    pub fn check(&self) -> Result<()> {
        let is_in = |name: &str, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::caller(format!("`{name}` is `{value}`, expected {least} to {most}")))
            }
        };
        is_in("trees", self.trees as f64, 1.0, 10_000.0)?;
        is_in("depth", self.depth as f64, 1.0, 8.0)?;
        is_in("rate", self.rate, 1e-4, 1.0)?;
        is_in("lambda", self.lambda, 1.0 / 16.0, 1e4)?;
        is_in("gamma", self.gamma, 0.0, 1e4)?;
        is_in("min_child_weight", self.min_child_weight, 0.0, 1e4)?;
        is_in("min_rows", self.min_rows as f64, 1.0, 1e4)?;
        is_in("max_leaf", self.max_leaf, 1.0 / 16.0, 16.0)
    }
}
