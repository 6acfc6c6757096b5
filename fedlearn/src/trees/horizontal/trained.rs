//! What comes out of a training.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::plan::{Plan, Settings};
use crate::trees::{Binned, Cuts, Forest, Tree};
use crate::{Error, Result};

/// Trees with what they need to be used and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// Format, 1.
    pub v: u32,
    /// The job, in hexadecimal.
    pub job: String,
    /// What was agreed.
    pub settings: Settings,
    /// Columns from which is predicted.
    pub features: Vec<String>,
    /// Column that is predicted.
    pub target: String,
    /// Rows of all parties at the start.
    pub rows: u64,
    /// Bins of each feature.
    pub cuts: Vec<Cuts>,
    /// The trees.
    pub forest: Forest,
    /// For each tree whose rows are in it, by place in the plan.
    pub parties: Vec<Vec<u32>>,
    /// Rows of all parties in each leaf of each tree; empty if they could not be counted at the end.
    pub leaf_rows: Vec<u64>,
}

impl Trained {
    /// The bytes that everybody signs for.
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers that are not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::caller(format!("the trained trees: {error}")))
    }

    /// Reads what [`Self::to_bytes`] wrote, and checks that its parts fit.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = |problem: String| Error::Data {
            what: "trained trees".into(),
            problem,
            remedy: "take them from the job that trained them".into(),
        };
        let trained: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let bins: Vec<usize> = trained.cuts.iter().map(Cuts::bins).collect();
        let leaves: usize = trained.forest.trees.iter().map(|tree| tree.leaves.len()).sum();
        let fits = trained.v == 1
            && bins.len() == trained.features.len()
            && trained.forest.base.is_finite()
            && trained.forest.loss == trained.settings.boosting.loss
            && trained.forest.trees.iter().all(|tree| fits(tree, &trained.settings, &bins))
            && trained.parties.len() == trained.forest.trees.len()
            && (trained.leaf_rows.is_empty() || trained.leaf_rows.len() == leaves);
        if fits { Ok(trained) } else { Err(wrong("its parts do not fit together".into())) }
    }

    /// Whether it is a model of this plan.
    #[must_use]
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.job == hex(&plan.job)
            && self.settings == plan.settings
            && self.features == plan.features
            && self.target == plan.target
            && self.forest.trees.len() == plan.settings.boosting.trees
    }

    /// Probabilities of the label 1, or values, for rows `[rows, features]` in the units of the columns.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of columns, or no rows.
    pub fn predict(&self, rows: &Array2<f64>) -> Result<Vec<f64>> {
        if rows.ncols() != self.features.len() || rows.nrows() == 0 {
            return Err(Error::Data {
                what: "rows".into(),
                problem: format!("{} rows of {} columns, the model has {} features", rows.nrows(), rows.ncols(), self.features.len()),
                remedy: "give the model's features in their order, at least one row".into(),
            });
        }
        let columns: Vec<Vec<f64>> = rows.columns().into_iter().map(|column| column.to_vec()).collect();
        self.forest.predict(&Binned::new(&columns, &self.cuts)?)
    }
}

/// Whether a tree can be one of these settings.
pub(super) fn fits(tree: &Tree, settings: &Settings, bins: &[usize]) -> bool {
    let boosting = &settings.boosting;
    let most = boosting.rate * boosting.max_leaf * (1.0 + 1e-12);
    tree.leaves.len() == 1 << boosting.depth
        && tree.splits.len() + 1 == tree.leaves.len()
        && tree.leaves.iter().all(|leaf| leaf.abs() <= most)
        && tree.splits.iter().flatten().all(|split| bins.get(split.feature).is_some_and(|bins| usize::from(split.bin) + 1 < *bins))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
