//! What comes out of a training.

use serde::{Deserialize, Serialize};

use super::plan::{Plan, Protection};
use crate::data::standardise::Scale;
use crate::model::{Metrics, Spec, Weights};
use crate::{Error, Result};

/// How good the model was after a round, on the held-out rows of the parties in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Rounds that the model has seen.
    pub round: u64,
    /// Parties whose rows are in the figures.
    pub parties: u32,
    /// Held-out rows; 0 where no figures are told.
    pub rows: u64,
    /// Mean loss, without penalty.
    pub loss: f64,
    /// Share of rows that got their class, for classes.
    pub accuracy: f64,
    /// Root mean square error, for numbers.
    pub rmse: f64,
}

impl Figures {
    pub(super) fn new(round: u64, parties: u32, of: &Metrics) -> Self {
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        Self { round, parties, rows: of.examples, loss: finite(of.loss()), accuracy: finite(of.accuracy()), rmse: finite(of.rmse()) }
    }
}

/// A trained model with what it needs to be used and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// Format, 1.
    pub v: u32,
    /// The job, in hexadecimal.
    pub job: String,
    /// What was trained.
    pub model: Spec,
    /// Columns from which is predicted.
    pub features: Vec<String>,
    /// Column that is predicted.
    pub target: String,
    /// How features are scaled first; absent: not at all.
    pub scale: Option<Scale>,
    /// The model.
    pub weights: Weights,
    /// One line for each round, and one for the start.
    pub history: Vec<Figures>,
    /// What all rounds may have spent for each party's rows, if they were protected.
    pub privacy: Option<Protection>,
}

impl Trained {
    /// The bytes that everybody signs for.
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers that are not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::caller(format!("the trained model: {error}")))
    }

    /// Reads what [`Self::to_bytes`] wrote, and checks that weights and scale fit the model.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong =
            |problem: String| Error::Data { what: "trained model".into(), problem, remedy: "take it from the job that trained it".into() };
        let trained: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let network = trained.model.build(trained.features.len())?;
        let fits = trained
            .scale
            .as_ref()
            .is_none_or(|scale| scale.means.len() == trained.features.len() && scale.deviations.len() == trained.features.len());
        if trained.v != 1 || !fits || trained.weights.layers() != crate::model::Model::layers(&network) {
            return Err(wrong("its parts do not fit together".into()));
        }
        // shapes against the numbers
        Weights::new(trained.weights.layers().to_vec(), trained.weights.flat().to_vec())?;
        Ok(trained)
    }

    /// Whether it is a model of this plan.
    #[must_use]
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.job == hex(&plan.job)
            && self.model == plan.settings.model
            && self.features == plan.features
            && self.target == plan.target
            && self.privacy == plan.settings.privacy
            && self.scale.is_some() == plan.settings.standardise
    }

    /// Scores of rows, `[rows, features]`, in the units of the columns.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of columns.
    pub fn predict(&self, rows: &ndarray::Array2<f64>) -> Result<ndarray::Array2<f64>> {
        let network = self.model.build(self.features.len())?;
        let mut x = rows.clone();
        if x.ncols() != self.features.len() {
            return Err(Error::Data {
                what: "rows".into(),
                problem: format!("{} columns, the model has {}", x.ncols(), self.features.len()),
                remedy: "give the model's features in their order".into(),
            });
        }
        if let Some(scale) = &self.scale {
            for (mut column, (mean, deviation)) in x.columns_mut().into_iter().zip(scale.means.iter().zip(&scale.deviations)) {
                column.mapv_inplace(|value| (value - mean) / deviation);
            }
        }
        crate::model::Model::predict(&network, &self.weights, x.view())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
