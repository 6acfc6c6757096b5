//! What a person sets of a vertical training.

use serde::{Deserialize, Serialize};
use yu_mpc::learn::Logistic;

use crate::trees::{Boosting, Loss};
use crate::{Error, Result};

/// How to train and to judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is trained.
    pub model: Learner,
    /// Rows held out to judge by, in hundredths of all, 5 to 50.
    #[serde(default = "quarter")]
    pub hold_out: u32,
    /// Points of the learning curve, 1 to 20; a logistic regression has one.
    #[serde(default = "one")]
    pub points: u32,
}

/// A model of a label 0 or 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Learner {
    /// Logistic regression by gradient descent on batches.
    LogisticRegression {
        /// Passes over the rows.
        #[serde(default = "epochs")]
        epochs: u32,
        /// Rows of a batch.
        #[serde(default = "batch")]
        batch: u32,
        /// Learning rate.
        #[serde(default = "rate")]
        learning_rate: f64,
        /// Penalty on the weights.
        #[serde(default)]
        l2: f64,
    },
    /// Gradient-boosted trees on histograms.
    BoostedTrees {
        /// Number of trees.
        #[serde(default = "trees")]
        trees: u32,
        /// Splits between root and leaf.
        #[serde(default = "depth")]
        depth: u32,
        /// Learning rate.
        #[serde(default = "tenth")]
        learning_rate: f64,
        /// Bins of each feature.
        #[serde(default = "bins")]
        bins: u32,
        /// Penalty on the squares of leaves.
        #[serde(default = "lambda")]
        lambda: f64,
    },
}

const fn quarter() -> u32 {
    25
}
const fn one() -> u32 {
    1
}
const fn epochs() -> u32 {
    10
}
const fn batch() -> u32 {
    256
}
const fn rate() -> f64 {
    0.2
}
const fn trees() -> u32 {
    50
}
const fn depth() -> u32 {
    3
}
const fn tenth() -> f64 {
    0.1
}
const fn bins() -> u32 {
    16
}
const fn lambda() -> f64 {
    1.0
}

impl Settings {
    /// From the text that a contract has.
    ///
    /// # Errors
    /// [`Error::Caller`] with what does not parse.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::caller(format!("settings of a vertical training: {error}")))
    }

    /// Points of the learning curve as numbers of trees, ascending, the last one all of them.
    #[must_use]
    pub fn stages(&self) -> Vec<usize> {
        match self.model {
            Learner::LogisticRegression { .. } => vec![0],
            Learner::BoostedTrees { trees, .. } => {
                let points = self.points.min(trees).max(1);
                (1..=points).map(|at| (trees * at / points) as usize).collect()
            }
        }
    }

    /// The learner as it is trained.
    ///
    /// # Errors
    /// [`Error::Caller`] for trees.
    pub fn logistic(&self) -> Result<Logistic> {
        match self.model {
            Learner::LogisticRegression { epochs, batch, learning_rate, .. } => {
                Ok(Logistic { rate: learning_rate, batch: batch as usize, epochs: epochs as usize })
            }
            Learner::BoostedTrees { .. } => Err(Error::caller("trees are no regression")),
        }
    }

    /// The same with at least `least` rows on either side of each split.
    ///
    /// # Errors
    /// [`Error::Caller`] for a regression.
    pub fn boosting(&self, least: u64) -> Result<Boosting> {
        match self.model {
            Learner::BoostedTrees { trees, depth, learning_rate, lambda, .. } => Ok(Boosting {
                trees: trees as usize,
                depth: depth as usize,
                rate: learning_rate,
                lambda,
                min_rows: usize::try_from(least).unwrap_or(usize::MAX),
                loss: Loss::Logistic,
                ..Boosting::default()
            }),
            Learner::LogisticRegression { .. } => Err(Error::caller("a regression has no trees")),
        }
    }

    pub(super) fn check(&self, least: u64) -> Result<()> {
        let is_in = |name: &str, value: u32, least: u32, most: u32| {
            let fits = (least..=most).contains(&value);
            fits.then_some(()).ok_or_else(|| Error::caller(format!("`{name}` is `{value}`, expected {least} to {most}")))
        };
        is_in("hold_out", self.hold_out, 5, 50)?;
        is_in("points", self.points, 1, 20)?;
        match self.model {
            Learner::LogisticRegression { epochs, batch, l2, .. } => {
                is_in("epochs", epochs, 1, 1000)?;
                Ok(self.logistic()?.check(batch as usize, l2)?)
            }
            Learner::BoostedTrees { trees, bins, .. } => {
                is_in("trees", trees, 1, 1000)?;
                is_in("bins", bins, 2, 64)?;
                self.boosting(least)?.check()
            }
        }
    }
}
