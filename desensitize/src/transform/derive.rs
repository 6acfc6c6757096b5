//! Derivatives for training and validation (训练用衍生数据): a sample of subjects, masked, with a pseudonym in place of the subject.
//!
//! Owners who hold the same key and write the same purpose draw the same subjects and give them the same pseudonyms, so
//! that their derivatives can be joined with each other, and with nothing else. The record names rate, recipe, key and
//! commitments, so that a job can refuse data that were not derived this way.

use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::digest::{Hash, hash};
use super::encoding::Encoding;
use super::key::Keys;
use super::operator::Operator;
use super::plan::{Plan, Step, StepRecord};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// How a training derivative is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// The column that names the subject.
    pub subject: String,
    /// What the subjects are, the same word at all owners, for example `resident`.
    pub domain: String,
    /// Expected share of subjects, below 1.
    pub rate: f64,
    /// What the derivative is for; part of the key.
    pub purpose: String,
    /// Name of the key that the owners share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Hash of the pseudonyms.
    pub hash: Hash,
    /// How the other columns are masked: at least one step.
    pub steps: Vec<Step>,
}

/// What a derivative is, for the permit and the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// SHA-256 of the recipe as JSON, hex.
    pub recipe_hash: String,
    /// Expected share of subjects.
    pub rate: f64,
    /// Rows of the source.
    pub rows_in: u64,
    /// Rows of the derivative.
    pub rows_out: u64,
    /// Every step, with keys and commitments to seeds.
    pub steps: Vec<StepRecord>,
}

/// A table for training with its record.
pub struct TrainingData {
    /// The rows.
    pub table: Table,
    /// What they are.
    pub record: TrainingRecord,
}

impl TrainingRecipe {
    /// SHA-256 of the recipe as JSON, hex: equal recipes have equal hashes.
    ///
    /// # Errors
    /// Refused: numbers that JSON cannot hold.
    pub fn hash(&self) -> Result<String> {
        let json = serde_json::to_vec(self).map_err(|_| wrong("a number that is not finite", "含有非有限的数值"))?;
        Ok(hex::encode(hash(Hash::Sha256, &json)))
    }

    /// All steps in order.
    ///
    /// # Errors
    /// Refused: a rate of 1, no masking step, a step on the subject itself.
    pub fn steps(&self) -> Result<Vec<Step>> {
        if !(self.rate > 0.0 && self.rate < 1.0) {
            return Err(wrong("a rate that is not above 0 and below 1", "抽样率不在0与1之间"));
        }
        if self.steps.is_empty() {
            return Err(wrong("no masking step", "没有脱敏步骤"));
        }
        if self.steps.iter().any(|step| step.column == self.subject || step.operator.further().contains(&self.subject)) {
            return Err(wrong("a step on the subject itself", "含有对主体列本身的步骤"));
        }
        let (purpose, key, domain) = (self.purpose.clone(), self.key.clone(), Some(self.domain.clone()));
        let sample = Operator::Sample { rate: self.rate, purpose: Some(purpose.clone()), key: key.clone(), domain: domain.clone() };
        let pseudonym = Operator::Hmac { hash: self.hash, purpose, key, domain, encoding: Encoding::Hex, bits: 128 };
        let mut steps = vec![Step::new(&self.subject, sample)];
        steps.extend(self.steps.iter().cloned());
        steps.push(Step::new(&self.subject, pseudonym));
        Ok(steps)
    }

    /// Makes the derivative of a table.
    ///
    /// # Errors
    /// Refused: a recipe that does not mask, or what [`Plan`] refuses.
    pub fn derive<R: CryptoRng + ?Sized>(&self, table: &Table, keys: &Keys, rng: &mut R) -> Result<TrainingData> {
        let mut plan = Plan::new(&self.steps()?, keys, rng)?;
        let derived = plan.table(table)?;
        let record = TrainingRecord {
            recipe_hash: self.hash()?,
            rate: self.rate,
            rows_in: table.num_rows(),
            rows_out: derived.num_rows(),
            steps: plan.records(),
        };
        Ok(TrainingData { table: derived, record })
    }
}

fn wrong(en: &str, zh: &str) -> Error {
    let what = Text::new(format!("the recipe of a training derivative has {en}"), format!("训练用衍生数据的配方{zh}"));
    let remedy = Text::new("sample below 1 and mask at least one column besides the subject", "抽样率小于1，并至少对主体列以外的一列脱敏");
    Error::refused("transform.recipe", what, Text::new("", ""), remedy)
}
