//! What a person sets of a vertical training.

use serde::{Deserialize, Serialize};
use yu_mpc::learn::Logistic;

use crate::trees::{Boosting, Loss};
use crate::{Error, Result};

/// Most rows.
const MOST_ROWS: usize = 1 << 20;
/// Most steps of a descent.
const MOST_STEPS: u64 = 10_000;
/// Most numbers of a model.
const MOST_WORDS: u64 = 1 << 24;
/// Most rows of all nodes of all trees.
const MOST_WORK: u64 = 1 << 32;

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

    /// Whether a training over so many rows and columns is one that a party would price before it has said yes: every step of it is counted.
    ///
    /// # Errors
    /// [`Error::Caller`] naming what is too much.
    pub fn check_size(&self, rows: usize, columns: usize) -> Result<()> {
        let too_much = |what: &str, found: u64, most: u64| Err(Error::caller(format!("{what}: {found}, at most {most}")));
        if rows > MOST_ROWS {
            return too_much("rows", rows as u64, MOST_ROWS as u64);
        }
        match self.model {
            Learner::LogisticRegression { epochs, batch, .. } => {
                let steps = u64::from(epochs) * (rows as u64).div_ceil(u64::from(batch).max(1));
                if steps > MOST_STEPS { too_much("steps of descent (epochs times rows over batch)", steps, MOST_STEPS) } else { Ok(()) }
            }
            Learner::BoostedTrees { trees, depth, bins, .. } => {
                let candidates = columns as u64 * u64::from(bins) + 1;
                let words = u64::from(trees) * (candidates << depth);
                let work = u64::from(trees) * ((rows as u64) << depth);
                if words > MOST_WORDS {
                    return too_much("numbers of the model (trees times 2^depth times columns times bins)", words, MOST_WORDS);
                }
                if work > MOST_WORK { too_much("rows of all nodes (trees times 2^depth times rows)", work, MOST_WORK) } else { Ok(()) }
            }
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
                is_in("epochs", epochs, 1, 100)?;
                is_in("batch", batch, 16, 4096)?;
                Ok(self.logistic()?.check(batch as usize, l2)?)
            }
            Learner::BoostedTrees { trees, depth, bins, .. } => {
                is_in("trees", trees, 1, 500)?;
                is_in("depth", depth, 1, 6)?;
                is_in("bins", bins, 2, 64)?;
                self.boosting(least)?.check()
            }
        }
    }
}
