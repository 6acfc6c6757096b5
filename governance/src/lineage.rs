//! Lineage (P9): where something comes from, and where it went.
//!
//! Things are named by what they are: a data set version by the hash of its file, a job by the hash of its contract, a product
//! version by the hash of its contents. Arrows between them are facts, each signed by the one who answers for it, or taken from a
//! log that verified. Records of several parties make one graph; where they contradict each other, nobody is believed and both
//! are named; where one is missing, the graph says whom to ask.
//!
//! | to see | open |
//! |---|---|
//! | one fact, who signs it | [`record`] |
//! | records, contracts and logs put together | [`graph`] |
//! | backward to the sources, forward to the calls | [`trace`] |
//! | as sentences, JSON | [`tell`] |
//! | as a picture | [`draw`] |
//! | what makes a new product version (O2, ZW 23) | [`version`] |

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::workflow::Word as _;
use crate::workflow::word::words;

pub mod draw;
pub mod graph;
pub mod record;
pub mod tell;
pub mod trace;
pub mod version;

pub use graph::{Arrow, Builder, Graph, Node};
pub use record::{Fact, Output, Record};
pub use trace::{Direction, Gap, Trace};
pub use version::Part;

words! {
    /// What a node of the graph is.
    Kind {
        Dataset = "dataset-version", "数据集版本", "One version of a data set.";
        Algorithm = "algorithm", "算法", "An algorithm, a module or a program.";
        Job = "job", "任务", "One run of one contract.";
        Derivative = "derivative", "派生数据", "Rows that a job made of other rows.";
        Model = "model", "模型", "A model that a job trained.";
        Result = "result", "结果", "What a job told.";
        Product = "product-version", "产品版本", "One version of a product.";
        Call = "call", "产品调用", "One call of a product.";
    }
}

impl Kind {
    /// Kinds that an arrow into this one may come from.
    #[must_use]
    pub const fn sources(self) -> &'static [Self] {
        match self {
            Self::Dataset | Self::Algorithm => &[],
            Self::Job => &[Self::Dataset, Self::Derivative, Self::Algorithm, Self::Model],
            Self::Derivative | Self::Model | Self::Result => &[Self::Job],
            Self::Product => &[Self::Model, Self::Result, Self::Derivative, Self::Algorithm],
            Self::Call => &[Self::Product],
        }
    }
}

/// A node by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeId {
    /// What it is.
    pub kind: Kind,
    /// Hash of its content.
    pub hash: Hash,
}

impl NodeId {
    /// Puts the two together.
    #[must_use]
    pub const fn new(kind: Kind, hash: Hash) -> Self {
        Self { kind, hash }
    }

    /// The first twelve digits of its hash.
    #[must_use]
    pub fn short(&self) -> String {
        self.hash.to_hex().chars().take(12).collect()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.short())
    }
}

impl NodeId {
    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        format!("{} {}", self.kind.zh(), self.short())
    }
}
