//! An artefact as a document: the model with where it comes from and what may be said about it.
//!
//! **JSON.** Canonical (RFC 8785): the same artefact has one form, and its hash is SHA-256 of these bytes, as `sha256sum` prints it.
//!
//! | field | what |
//! |---|---|
//! | `format` | `yu-artefact/1` |
//! | `name`, `created` | name of the line of versions; time in RFC 3339, given by the caller |
//! | `inputs`, `outputs` | names of the columns that a row has, and of the numbers that are predicted, in order |
//! | `model` | `{"network": ..}`, `{"trees": ..}` or `{"scorecard": ..}` as in [`super::model`] |
//! | `lineage` | `parent` (hash of the version that it continues, or null), `job` (the contract's hash), `authorisation`, |
//! | | `algorithm`, `rounds`, `data` (for each party the version of its data set) |
//! | `privacy` | `"none"`, or `{"differential": ..}` with epsilon, delta, unit of adjacency, where the noise comes from, accountant |
//! | `metrics` | names and figures of the evaluation |
//! | `references` | histograms at training time, for [`super::drift`] |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::drift::Reference;
use super::model::Model;
use crate::evaluate::data;
use crate::{Error, Result};

/// Name and version of the layout.
pub const FORMAT: &str = "yu-artefact/1";

/// Larger documents are refused before they are parsed.
pub const MOST_BYTES: usize = 1 << 30;

/// A model with its papers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the line of versions.
    pub name: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Names of the columns.
    pub inputs: Vec<String>,
    /// Names of the predictions.
    pub outputs: Vec<String>,
    /// The numbers.
    pub model: Model,
    /// Where it comes from.
    pub lineage: Lineage,
    /// What was done so that it tells nothing about single rows.
    pub privacy: Privacy,
    /// Figures of its evaluation.
    pub metrics: BTreeMap<String, f64>,
    /// Histograms at training time.
    pub references: Vec<Reference>,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Hash of the artefact whose training it continues.
    pub parent: Option<String>,
    /// Id of the job.
    pub job: String,
    /// Id of the authorisation (授权) under which it was trained, and is kept.
    pub authorisation: String,
    /// Algorithm and strategy, in the contract's words.
    pub algorithm: String,
    /// Rounds of training.
    pub rounds: u32,
    /// What it was trained on.
    pub data: Vec<DataVersion>,
}

/// A data set as it was at training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataVersion {
    /// Party that owns it.
    pub party: String,
    /// Its name in the catalogue.
    pub dataset: String,
    /// Its version: the hash that the party's node gave it.
    pub version: String,
}

/// Privacy statement of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Privacy {
    /// Trained without differential privacy: what it tells about single rows is not bounded.
    None,
    /// Differentially private (差分隐私).
    Differential {
        /// Epsilon spent in all.
        epsilon: f64,
        /// Delta.
        delta: f64,
        /// Unit of adjacency: record, person or provider.
        unit: String,
        /// Where the noise comes from: central, local or distributed.
        noise: String,
        /// How it was accounted for.
        accountant: String,
    },
}

impl Privacy {
    /// The statement in English and in Chinese.
    #[must_use]
    pub fn words(&self) -> [String; 2] {
        match self {
            Self::None => [
                "trained without differential privacy: what the model tells about single rows is not bounded".into(),
                "未采用差分隐私训练：模型对单条记录的泄露没有上界".into(),
            ],
            Self::Differential { epsilon, delta, unit, noise, accountant } => [
                format!("({epsilon}, {delta})-differentially private for each {unit}, {noise} noise, accounted by {accountant}"),
                format!("满足 ({epsilon}, {delta}) 差分隐私，相邻单位：{unit}，噪声方式：{noise}，核算方法：{accountant}"),
            ],
        }
    }
}

impl Artefact {
    /// Refuses what does not fit together.
    ///
    /// # Errors
    /// [`Error::Data`] saying what.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        let [inputs, outputs] = self.model.shape();
        let refuse = |problem: String| Err(data("artefact", problem, "write it again with the node that trained it"));
        if self.format != FORMAT {
            return refuse(format!("format `{}`, expected `{FORMAT}`", self.format));
        }
        if self.inputs.len() != inputs || self.outputs.len() != outputs {
            return refuse(format!(
                "{} inputs and {} outputs named, the model has {inputs} and {outputs}",
                self.inputs.len(),
                self.outputs.len()
            ));
        }
        if self.lineage.parent.as_ref().is_some_and(|parent| !is_hash(parent)) {
            return refuse("the parent is not a SHA-256 hash".into());
        }
        if !self.metrics.values().all(|figure| figure.is_finite()) {
            return refuse("a metric is not a finite number".into());
        }
        if let Privacy::Differential { epsilon, delta, .. } = &self.privacy
            && !(*epsilon > 0.0 && epsilon.is_finite() && (0.0..1.0).contains(delta))
        {
            return refuse("epsilon has to be above 0 and delta from 0 to 1".into());
        }
        self.references.iter().try_for_each(Reference::check)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.check()?;
        canonical(self)
    }

    /// SHA-256 of the canonical bytes, in hexadecimal.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn hash(&self) -> Result<String> {
        Ok(hash_of(&self.to_json()?))
    }

    /// Reads canonical bytes, and refuses everything else: unknown fields, another order, numbers written otherwise. With the hash that
    /// is expected, also another artefact.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn from_json(bytes: &[u8], expected: Option<&str>) -> Result<Self> {
        let refuse = |problem: &str| data("artefact", problem, "fetch it again from the node that keeps it");
        if bytes.len() > MOST_BYTES {
            return Err(refuse("it is larger than 1 GiB"));
        }
        if expected.is_some_and(|expected| expected != hash_of(bytes)) {
            return Err(refuse("its hash is not the expected one"));
        }
        let artefact: Self = serde_json::from_slice(bytes).map_err(|error| refuse(&format!("no artefact: {error}")))?;
        if artefact.to_json()? != bytes {
            return Err(refuse("not in canonical form"));
        }
        Ok(artefact)
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a SHA-256 hash in lower-case hexadecimal.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The canonical form of a value.
pub(crate) fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| Error::caller(format!("canonical JSON: {error}")))
}
