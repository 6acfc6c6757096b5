//! What a computing party keeps of a model: its share, and how it prepared its own columns.

use serde::{Deserialize, Serialize};
use yu_mpc::engine::Words;
use zeroize::Zeroizing;

use super::{Plan, Settings};
use crate::trees::Cuts;
use crate::vertical::regression::Standard;
use crate::{Error, Result};

/// First bytes of a kept model.
const MAGIC: &[u8] = b"yu-model-share-v1\n";

/// How an owner prepares its columns: learned from the rows of the training, known to nobody else. It does not print: ends of bins are values of rows.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// Means and deviations.
    Scale(Standard),
    /// Those of the columns and of the label, which is a number: at its owner.
    Labelled {
        /// Of the columns.
        features: Standard,
        /// Of the label.
        label: Standard,
    },
    /// Where bins end.
    Bins(Vec<Cuts>),
}

/// A party's part of a model. It does not print; the words are wiped on drop.
pub struct Kept {
    /// What everybody knows of it.
    pub head: Head,
    /// Components of the share, as the engine has them.
    words: [Zeroizing<Vec<u64>>; 2],
}

/// What can be read of a kept model without its share. It does not print.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The job that trained it, in hexadecimal.
    pub job: String,
    /// The authorisation that it was trained under.
    pub authorisation: String,
    /// Parties in their places.
    pub parties: [String; 3],
    /// Features of both owners.
    pub features: [Vec<String>; 2],
    /// Which owner has the label, and its name.
    pub target: (usize, String),
    /// How it was trained.
    pub settings: Settings,
    /// Least number of rows of the training's contract.
    pub least: u64,
    /// Of the own columns, at an owner.
    pub preparation: Option<Preparation>,
}

impl Preparation {
    /// Scale of the columns, if it is one of means and deviations.
    #[must_use]
    pub const fn scale(&self) -> Option<&Standard> {
        match self {
            Self::Scale(features) | Self::Labelled { features, .. } => Some(features),
            Self::Bins(_) => None,
        }
    }

    /// Scale of the label, at its owner.
    #[must_use]
    pub const fn label(&self) -> Option<&Standard> {
        match self {
            Self::Labelled { label, .. } => Some(label),
            _ => None,
        }
    }
}

impl Kept {
    /// A share of the replicated engine.
    #[must_use]
    pub fn new(head: Head, share: &Words<2>) -> Self {
        Self { head, words: [share.part(0), share.part(1)].map(|part| Zeroizing::new(part.to_vec())) }
    }

    /// The share.
    #[must_use]
    pub fn share(&self) -> Words<2> {
        Words::from_parts(self.words.each_ref().map(|part| part.to_vec()))
    }

    /// The plan that the model was trained by.
    ///
    /// # Errors
    /// [`Error::Data`] for the id of a job that is none; [`Plan::check`]'s.
    pub fn plan(&self) -> Result<Plan> {
        let digits = |at: usize| self.head.job.get(2 * at..2 * at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).map(digits).collect();
        let job = bytes.and_then(|bytes| bytes.try_into().ok()).filter(|_| self.head.job.len() == 64).ok_or_else(wrong)?;
        let columns = self.head.features.each_ref().map(Vec::len);
        let plan = Plan { job, columns, labels: self.head.target.0, settings: self.head.settings.clone(), least: self.head.least };
        plan.check()?;
        Ok(plan)
    }

    /// To be stored, sealed.
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers that are not finite.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let head = serde_json::to_vec(&self.head).map_err(|error| Error::caller(format!("a kept model: {error}")))?;
        let head = Zeroizing::new(head);
        let len = self.words[0].len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAGIC.len() + 8 + head.len() + 16 * len));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&head);
        self.words.iter().flat_map(|part| part.iter()).for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        Ok(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(wrong)?;
        let (len, rest) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
        let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| wrong())?;
        let (head, words) = rest.split_at_checked(len).ok_or_else(wrong)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| wrong())?;
        if !words.len().is_multiple_of(16) {
            return Err(wrong());
        }
        let read = |half: &[u8]| half.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect::<Vec<_>>();
        let (own, next) = words.split_at(words.len() / 2);
        Ok(Self { head, words: [Zeroizing::new(read(own)), Zeroizing::new(read(next))] })
    }
}

fn wrong() -> Error {
    Error::Data { what: "kept model".into(), problem: "it is not what this version wrote".into(), remedy: "train the model again".into() }
}
