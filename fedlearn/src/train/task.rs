//! What the coordinator asks and parties answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::trained::Figures;
use crate::data::standardise::Scale;
use crate::star::terms::{self, BATCH, Vectors};

/// Which vectors are summed: they have different lengths, so keys are set up for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Sums over features.
    Scale,
    /// Updates, and figures of held-out rows.
    Round,
}

impl Vectors for Kind {
    /// Keys for one kind at a time.
    type Slot = ();

    fn slot(self) {}

    fn batch(self) -> u32 {
        match self {
            Self::Scale => 1,
            Self::Round => BATCH,
        }
    }
}

/// Beginning of a set-up of secure aggregation.
pub(super) type SetUp = terms::SetUp<Kind>;

/// What is to be summed.
#[derive(Serialize, Deserialize)]
pub(super) enum Task {
    /// Sums of features, and of their squares, about zero.
    Scale,
    /// An update from these weights.
    Train(Box<Model>),
    /// Figures of these weights only.
    Judge(Box<Model>),
}

/// A model on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct Model {
    /// Round of the training, from 0.
    pub(super) round: u64,
    pub(super) weights: Vec<f64>,
    /// SCAFFOLD's control variate; else empty.
    pub(super) control: Vec<f64>,
    /// Absent: features are taken as they are.
    pub(super) scale: Option<Scale>,
    /// For each party the last round that its update is in, counted from 1; 0 for none.
    pub(super) counted: Vec<u64>,
    /// Figures of the round before.
    pub(super) told: Option<Figures>,
}

/// Task with the number of the sum within its set-up.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) within: u32,
    pub(super) task: Task,
}

/// Bytes of a task about so many values, with room for its frame.
pub(super) const fn most(values: usize) -> usize {
    values.saturating_mul(8).saturating_add(1 << 16)
}

/// Names a question: what all parties have to have answered for their sum to mean anything.
pub(super) fn subject(body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"yu-fedlearn/train/question/v1").chain_update(body).finalize().into()
}
