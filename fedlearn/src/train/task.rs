//! What the coordinator asks and parties answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::trained::Figures;
use crate::data::standardise::Scale;
use crate::star::Place;

/// Stages of an exchange, in their order.
pub(super) mod stage {
    /// Asked to set up: keys come back.
    pub(in crate::train) const KEYS: u8 = 0;
    /// Told everybody's keys: shares come back.
    pub(in crate::train) const SHARES: u8 = 1;
    /// Told the shares: nothing comes back.
    pub(in crate::train) const READY: u8 = 2;
    /// Given a task: the contribution comes back, masked if need be.
    pub(in crate::train) const TASK: u8 = 3;
    /// Told who survives: consent comes back.
    pub(in crate::train) const CONSENT: u8 = 4;
    /// Told who survives, or who consented: shares come back.
    pub(in crate::train) const UNMASK: u8 = 5;
}

/// Which vectors are summed: they have different lengths, so keys are set up for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Sums over features.
    Scale,
    /// Updates, and figures of held-out rows.
    Round,
}

/// Beginning of a set-up of secure aggregation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SetUp {
    pub(super) kind: Kind,
    /// Number of the first sum; ascends, so that no two set-ups have one context.
    pub(super) first: u64,
    /// Sums that are set up at once.
    pub(super) rounds: u32,
}

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

pub(super) const fn at(round: u32, stage: u8) -> Place {
    Place { round, stage }
}

/// Names a question: what all parties have to have answered for their sum to mean anything.
pub(super) fn subject(body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"yu-fedlearn/train/question/v1").chain_update(body).finalize().into()
}
