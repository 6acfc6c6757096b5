//! What is trained: weights by updates, or trees by histograms. One face for the two trainings of the library.

use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::gate;
use yu_fedlearn::model::{Spec, Task};
use yu_fedlearn::star::Bytes;
use yu_fedlearn::strategy::Correction;
use yu_fedlearn::train;
use yu_fedlearn::trees::{Loss, horizontal};
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::contract::{Aggregation, Learner, PrivacyTerms, Real};

/// Settings of a training.
#[derive(Clone)]
pub(in crate::job) enum Settings {
    Updates(train::Settings),
    Trees(horizontal::Settings),
}

impl Settings {
    /// From the text that a contract has.
    pub(in crate::job) fn from_json(learner: Learner, text: &str) -> Result<Self> {
        Ok(match learner {
            Learner::Updates => Self::Updates(train::Settings::from_json(text)?),
            Learner::Trees => Self::Trees(horizontal::Settings::from_json(text)?),
        })
    }

    /// The text that a contract has: canonical, with everything that a job file may leave out.
    ///
    /// # Errors
    /// `input.bad` for numbers that are not finite.
    pub(in crate::job) fn words(&self) -> Result<String> {
        match self {
            Self::Updates(settings) => super::canonical_text(settings),
            Self::Trees(settings) => super::canonical_text(settings),
        }
    }

    pub(in crate::job) const fn learner(&self) -> Learner {
        match self {
            Self::Updates(_) => Learner::Updates,
            Self::Trees(_) => Learner::Trees,
        }
    }

    /// Whether they fit together, for so many parties and features.
    pub(in crate::job) fn check(&self, parties: usize, features: usize) -> yu_fedlearn::Result<()> {
        match self {
            Self::Updates(settings) => {
                settings.check(parties)?;
                settings.model.build(features).map(drop)
            }
            Self::Trees(settings) => settings.check(parties),
        }
    }

    /// What the coordinator sees by these settings.
    pub(in crate::job) const fn aggregation(&self) -> Aggregation {
        match self {
            Self::Updates(train::Settings { aggregation: train::Aggregation::Clear, .. })
            | Self::Trees(horizontal::Settings { aggregation: horizontal::Aggregation::DangerClear, .. }) => Aggregation::Clear,
            Self::Updates(_) | Self::Trees(_) => Aggregation::Secure,
        }
    }

    /// What they promise about single rows.
    ///
    /// # Errors
    /// `internal`.
    pub(in crate::job) fn privacy(&self) -> Result<Option<PrivacyTerms>> {
        let Self::Updates(settings) = self else { return Ok(None) };
        let real = |value: f64| Real::new(value).ok_or_else(|| Fault::new(Code::Bug, "a budget that is not finite"));
        let told = settings.privacy.map(|p| Ok::<_, Fault>(PrivacyTerms { epsilon: real(p.epsilon.get())?, delta: real(p.delta.get())? }));
        told.transpose()
    }

    /// Rounds, or trees.
    pub(in crate::job) fn rounds(&self) -> u64 {
        match self {
            Self::Updates(settings) => u64::from(settings.rounds),
            Self::Trees(settings) => settings.boosting.trees as u64,
        }
    }

    /// Seconds that parties have for an answer.
    pub(in crate::job) const fn deadline_s(&self) -> u32 {
        match self {
            Self::Updates(settings) => settings.deadline_s,
            Self::Trees(settings) => settings.deadline_s,
        }
    }

    /// Whether updates go with control variates.
    pub(in crate::job) fn has_control(&self) -> bool {
        matches!(self, Self::Updates(settings) if settings.strategy.local.correction == Correction::Scaffold)
    }

    /// Classes that the model tells apart.
    pub(in crate::job) const fn classes(&self) -> Option<u32> {
        match self {
            Self::Updates(settings) => match &settings.model {
                Spec::Logistic { .. } | Spec::Mlp { task: Task::Binary, .. } => Some(2),
                Spec::Softmax { classes, .. } | Spec::Mlp { task: Task::Classes(classes), .. } => Some(*classes),
                _ => None,
            },
            Self::Trees(settings) => match settings.boosting.loss {
                Loss::Logistic => Some(2),
                Loss::Squared => None,
            },
        }
    }

    /// Which model comes out.
    pub(super) fn layout(&self, features: &[String], target: &str) -> Result<Hash> {
        match self {
            Self::Updates(settings) => layout(features, target, &settings.model),
            Self::Trees(settings) => layout(features, target, &settings.boosting),
        }
    }
}

/// A training as the library plans it.
pub(in crate::job) enum Plan {
    Updates(train::Plan),
    Trees(horizontal::Plan),
}

impl Plan {
    /// Names of the parties with rows.
    pub(in crate::job) fn parties(&self) -> &[String] {
        match self {
            Self::Updates(plan) => &plan.parties,
            Self::Trees(plan) => &plan.parties,
        }
    }

    pub(in crate::job) fn features(&self) -> &[String] {
        match self {
            Self::Updates(plan) => &plan.features,
            Self::Trees(plan) => &plan.features,
        }
    }

    pub(in crate::job) fn target(&self) -> &str {
        match self {
            Self::Updates(plan) => &plan.target,
            Self::Trees(plan) => &plan.target,
        }
    }

    /// How often a sum is tried before the training ends.
    pub(super) const fn attempts(&self) -> u32 {
        match self {
            Self::Updates(_) => train::ATTEMPTS,
            Self::Trees(_) => horizontal::ATTEMPTS,
        }
    }

    /// Bytes that the model may have as a document.
    pub(super) fn most_document(&self) -> Result<usize> {
        Ok(match self {
            Self::Updates(plan) => plan.most_document()?,
            Self::Trees(plan) => plan.most_document(),
        })
    }

    pub(super) fn bytes(&self) -> Result<Bytes> {
        Ok(match self {
            Self::Updates(plan) => plan.bytes()?,
            Self::Trees(plan) => plan.bytes()?,
        })
    }

    /// The rows that a party hands to the training.
    pub(in crate::job) fn training_rows(&self, rows: &Dataset, limits: &gate::Settings) -> Result<Dataset> {
        Ok(match self {
            Self::Updates(plan) => gate::Rows::divide(plan, rows, limits)?.training,
            Self::Trees(plan) => gate::Rows::hold_back(rows, &plan.job, limits)?.training,
        })
    }

    /// Attacks the model with all rows of a party.
    pub(in crate::job) fn examine(
        &self,
        trained: &Trained,
        rows: &Dataset,
        limits: &gate::Settings,
        seed: &[u8; 32],
    ) -> Result<gate::Report> {
        Ok(match (self, trained) {
            (Self::Updates(plan), Trained::Updates(trained)) => gate::of_training(plan, trained, rows, limits, seed)?,
            (Self::Trees(plan), Trained::Trees(trained)) => gate::of_trees(plan, trained, rows, limits, seed)?,
            _ => return Err(Fault::new(Code::Bug, "a model of another kind than its plan")),
        })
    }
}

/// What comes out of a training.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Trained {
    /// Weights.
    Updates(Box<train::Trained>),
    /// Trees.
    Trees(Box<horizontal::Trained>),
}

impl Trained {
    /// Reads the bytes that everybody vouches for, which have to be about this plan.
    ///
    /// # Errors
    /// `input.bad`, `storage.damaged` for other bytes.
    pub(super) fn from_bytes(plan: &Plan, bytes: &[u8]) -> Result<Self> {
        let (trained, is_its) = match plan {
            Plan::Updates(plan) => {
                let trained = train::Trained::from_bytes(bytes)?;
                let is_its = trained.is_of(plan);
                (Self::Updates(Box::new(trained)), is_its)
            }
            Plan::Trees(plan) => {
                let trained = horizontal::Trained::from_bytes(bytes)?;
                let is_its = trained.is_of(plan);
                (Self::Trees(Box::new(trained)), is_its)
            }
        };
        if is_its { Ok(trained) } else { Err(Fault::new(Code::Damaged, "the model is that of another training")) }
    }

    pub(super) fn features(&self) -> &[String] {
        match self {
            Self::Updates(trained) => &trained.features,
            Self::Trees(trained) => &trained.features,
        }
    }

    pub(super) fn target(&self) -> &str {
        match self {
            Self::Updates(trained) => &trained.target,
            Self::Trees(trained) => &trained.target,
        }
    }

    /// Which model it is.
    pub(super) fn layout(&self) -> Result<Hash> {
        match self {
            Self::Updates(trained) => layout(&trained.features, &trained.target, &trained.model),
            Self::Trees(trained) => layout(&trained.features, &trained.target, &trained.settings.boosting),
        }
    }

    /// Rows in each leaf that has any.
    pub(super) fn leaves(&self) -> Vec<u64> {
        match self {
            Self::Updates(_) => Vec::new(),
            Self::Trees(trained) => trained.leaf_rows.iter().copied().filter(|rows| *rows > 0).collect(),
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        match self {
            Self::Updates(trained) => trained.weights.flat().iter().all(|weight| weight.is_finite()),
            Self::Trees(trained) => trained.forest.trees.iter().flat_map(|tree| &tree.leaves).all(|leaf| leaf.is_finite()),
        }
    }
}

#[derive(Serialize)]
struct Layout<'a, M> {
    features: &'a [String],
    target: &'a str,
    model: &'a M,
}

fn layout(features: &[String], target: &str, model: &impl Serialize) -> Result<Hash> {
    Ok(digest("yu-model-layout-v1", &to_canonical(&Layout { features, target, model })?))
}
