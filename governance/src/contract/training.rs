//! A model that several parties train together, each on its own rows (横向联邦学习).

use serde::{Deserialize, Serialize};

use super::steps::Real;
use crate::canonical::Hash;
use crate::id::PartyName;

/// Fewest parties with rows where updates are added up in secret: with two each would know the other's by subtraction.
pub const LEAST_TRAINERS: usize = 3;
/// Most parties with rows.
pub const MOST_TRAINERS: usize = 32;

/// What is trained, by whom, and what protects the rows meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingTerms {
    /// Asks for updates and adds them up; brings no rows.
    pub coordinator: PartyName,
    /// Numeric columns from which is predicted, in order; the same at every party.
    pub features: Vec<String>,
    /// Numeric column that is predicted.
    pub target: String,
    /// How it is trained, and so what travels.
    pub learner: Learner,
    /// Model, rounds and local steps word by word: what everybody signs.
    pub settings: String,
    /// Limits of the release gate word by word: each party attacks the model with its own rows before it vouches for it.
    pub gate: String,
    /// What the coordinator sees of updates.
    pub aggregation: Aggregation,
    /// The bound on what the model tells of a row; absent: none is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyTerms>,
    /// A program of somebody else's that makes the updates in the node of each party with rows; absent: Yu makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trainer: Option<TrainerTerms>,
}

/// How parties train together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// A model of weights, by updates of them.
    Updates,
    /// Gradient-boosted trees (梯度提升树), by histograms of gradients.
    Trees,
}

impl Learner {
    /// The word used in canonical documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Updates => "updates",
            Self::Trees => "trees",
        }
    }
}

/// A program that trains (外部训练程序), P5: the contract names it by its hash, so every signature is under this program and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerTerms {
    /// SHA-256 of its file.
    pub program: Hash,
    /// What runs it and what it may use, word by word.
    pub settings: String,
}

/// How the parties' updates are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// The coordinator sees every update.
    Clear,
    /// The coordinator sees their sum only (安全聚合), as long as it follows the protocol.
    Secure,
}

impl Aggregation {
    /// The word used in canonical documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Secure => "secure",
        }
    }
}

/// Differential privacy (差分隐私) of single rows in the trained model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyTerms {
    /// Spent by the whole training, for each party's rows.
    pub epsilon: Real,
    /// The same.
    pub delta: Real,
}
