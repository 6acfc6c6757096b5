//! What the coordinator asks and parties answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_wire::codec;

use super::cells::Asked;
use super::plan::Kind;
use crate::star::terms::{self, BATCH, Vectors};
use crate::trees::{Cuts, Split, Tree};

/// What keys are set up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vector {
    pub(super) kind: Kind,
    /// Figures of a vector.
    pub(super) figures: u32,
}

impl Vectors for Vector {
    /// Keys for each kind side by side: levels of a tree take turns.
    type Slot = Kind;

    fn slot(self) -> Kind {
        self.kind
    }

    fn batch(self) -> u32 {
        if matches!(self.kind, Kind::Grow(_)) { BATCH } else { 1 }
    }
}

/// Beginning of a set-up of secure aggregation.
pub(super) type SetUp = terms::SetUp<Vector>;

/// What is to be summed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Task {
    /// Rows, and the sum of labels.
    Start,
    /// Values of each feature in the parts of these cells.
    Cells { round: u32, asked: Vec<Vec<Asked>> },
    /// Histograms of the nodes of the next level that are left children, or of the root: feature by feature, node by node, bin by bin `g`, `h`.
    Grow { tree: u32, splits: Vec<Option<Split>> },
    /// Rows in each leaf of each tree.
    Leaves,
}

impl Task {
    /// Place of the sum in the training: sums come in this order.
    pub(super) fn place(&self, depth: usize) -> Sum {
        match self {
            Self::Start => Sum { group: 0, step: 0 },
            Self::Cells { round, .. } => Sum { group: 0, step: round.saturating_add(1) },
            Self::Grow { tree, splits } => Sum { group: tree.saturating_add(1), step: level(splits.len(), depth) },
            Self::Leaves => Sum { group: u32::MAX, step: 0 },
        }
    }
}

/// The level that comes after so many splits; `depth` if there is none.
pub(super) fn level(splits: usize, depth: usize) -> u32 {
    (0..depth).find(|level| (1usize << level) - 1 == splits).unwrap_or(depth) as u32
}

/// Which sum it is. Sums of a group are made over the same parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Sum {
    pub(super) group: u32,
    pub(super) step: u32,
}

/// The model so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    /// Score before the first tree, and bins.
    pub(super) start: Option<(f64, Vec<Cuts>)>,
    pub(super) trees: Vec<Tree>,
}

impl Model {
    /// Names it.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"yu-fedlearn/trees/model/v1").chain_update(codec::encode(self)).finalize().into()
    }
}

/// A task with what a party has not heard of the model.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    /// Number of the sum within its set-up.
    pub(super) within: u32,
    /// Of the model that the task is about.
    pub(super) digest: [u8; 32],
    pub(super) start: Option<(f64, Vec<Cuts>)>,
    /// Trees from this one on.
    pub(super) from: u32,
    pub(super) trees: Vec<Tree>,
    pub(super) task: Task,
}

/// Names a question: what all parties have to have answered for their sum to mean anything.
pub(super) fn subject(digest: &[u8; 32], task: &Task) -> [u8; 32] {
    Sha256::new().chain_update(b"yu-fedlearn/trees/question/v1").chain_update(digest).chain_update(codec::encode(task)).finalize().into()
}
