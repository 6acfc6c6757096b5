//! Trees, and what they predict.

use serde::{Deserialize, Serialize};

use super::bins::Binned;
use super::settings::Loss;
use crate::{Error, Result};

/// Rows whose bin of the feature is greater go right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Number of the feature.
    pub feature: usize,
    /// Last bin that goes left.
    pub bin: u8,
}

/// A tree of full depth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// In the order of a heap: the children of place `i` are `2 i + 1` and `2 i + 2`. `None`: all rows go left.
    pub splits: Vec<Option<Split>>,
    /// From left to right, the learning rate included; one more than splits.
    pub leaves: Vec<f64>,
}

impl Tree {
    /// The number of the leaf of a row.
    pub(crate) fn leaf(&self, data: &Binned, row: usize) -> usize {
        let mut at = 0;
        while let Some(split) = self.splits.get(at) {
            let right = split.is_some_and(|split| data.feature(split.feature).get(row).is_some_and(|bin| *bin > split.bin));
            at = 2 * at + 1 + usize::from(right);
        }
        at - self.splits.len()
    }
}

/// Trees that add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    /// What is added up.
    pub loss: Loss,
    /// Score before the first tree.
    pub base: f64,
    /// The trees.
    pub trees: Vec<Tree>,
}

impl Forest {
    /// Scores: log-odds or values.
    ///
    /// # Errors
    /// [`Error::Caller`] if a tree has not one leaf more than splits, or a feature that the data do not have.
    pub fn scores(&self, data: &Binned) -> Result<Vec<f64>> {
        let fits = |tree: &Tree| {
            tree.leaves.len() == tree.splits.len() + 1
                && tree.leaves.len().is_power_of_two()
                && tree.splits.iter().flatten().all(|split| split.feature < data.bins().len())
        };
        if !self.trees.iter().all(fits) {
            return Err(Error::caller("a tree that does not fit the data: a leaf more than splits, features that are there"));
        }
        let score = |row: usize| self.base + self.trees.iter().map(|tree| tree.leaves[tree.leaf(data, row)]).sum::<f64>();
        Ok((0..data.rows()).map(score).collect())
    }

    /// Probabilities of the label 1, or values.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn predict(&self, data: &Binned) -> Result<Vec<f64>> {
        let scores = self.scores(data)?;
        Ok(match self.loss {
            Loss::Logistic => scores.into_iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect(),
            Loss::Squared => scores,
        })
    }
}
