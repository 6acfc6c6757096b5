//! One fact about one thing, signed by the party that answers for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::audit::{Entry, Verb};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::id::{DatasetId, JobId, PartyName, ProductId};
use crate::sign::SignedType;
use crate::text::is_name;
use crate::workflow::product::Contents;

/// What a job can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Rows, entered in the catalogue as a data set of their own.
    Derivative,
    /// A model.
    Model,
    /// A result.
    Result,
}

impl Output {
    /// As a node.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Derivative => Kind::Derivative,
            Self::Model => Kind::Model,
            Self::Result => Kind::Result,
        }
    }
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fact {
    /// A data set has this version; signed by its owner.
    Dataset {
        /// Which.
        dataset: DatasetId,
        /// Hash of the file.
        version: Hash,
    },
    /// An algorithm has this name; signed by who admits it.
    Algorithm {
        /// Name and version.
        name: String,
        /// Hash of the program.
        program: Hash,
    },
    /// A job ran; signed by one of its parties. Its inputs stand in the contract.
    Ran {
        /// The contract.
        job: JobId,
        /// Programs and modules that ran.
        algorithms: BTreeSet<Hash>,
        /// Models that were applied.
        models: BTreeSet<Hash>,
    },
    /// A job made something; signed by one of its parties.
    Made {
        /// The job.
        job: JobId,
        /// What.
        output: Output,
        /// Hash of its content.
        content: Hash,
    },
    /// A product has this version; signed by its owner.
    Product {
        /// Which.
        product: ProductId,
        /// Version, from 1.
        #[serde(with = "u64_string")]
        number: u64,
        /// Model, code, sources, purpose.
        contents: Contents,
    },
    /// A product was called; signed by the gateway.
    Called {
        /// Hash of the contents of the version.
        product: Hash,
        /// The organisation that called; never a person.
        consumer: String,
        /// Hash of the call's ticket: two calls are two nodes.
        ticket: Hash,
    },
}

impl Fact {
    /// The fact that an entry of a log states, if it states one.
    #[must_use]
    pub fn of_entry(entry: &Entry) -> Option<Self> {
        let hash = |name: &str| entry.object.get(name)?.parse::<Hash>().ok();
        match Verb::parse(&entry.verb)? {
            Verb::DatasetAdded => {
                Some(Self::Dataset { dataset: DatasetId::new(entry.object.get("dataset")?.clone()).ok()?, version: hash("version")? })
            }
            Verb::ResultReleased | Verb::ResultReceived => {
                Some(Self::Made { job: entry.job?, output: Output::Result, content: hash("result")? })
            }
            _ => None,
        }
    }

    /// Whether names and numbers can be meant.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Algorithm { name, .. } => is_name(name),
            Self::Called { consumer, .. } => is_word(consumer),
            Self::Product { number, contents, .. } => *number > 0 && contents.v == 1,
            Self::Dataset { .. } | Self::Ran { .. } | Self::Made { .. } => true,
        }
    }
}

/// An organisation's name, as in a party's.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A fact on paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Format version, 1.
    pub v: u32,
    /// Who states it and signs.
    pub recorder: PartyName,
    /// What.
    pub fact: Fact,
    /// When.
    pub at: Time,
}

impl SignedType for Record {
    const TYPE: &'static str = "lineage-record-v1";
}
