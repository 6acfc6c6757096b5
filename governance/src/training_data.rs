//! On which data is trained (P3): sampled and desensitised derivatives (抽样脱敏数据), or full data where the authority has decided so by technique.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::{Contract, StepTerms, Technique};
use crate::finding::{Checked, Finding, unless};
use crate::id::{AuthorisationId, DatasetId, JobId, PartyName};
use crate::sign::SignedType;
use crate::text::Text;

/// Longest decision on full data, days: our proposal, no text sets one.
const LONGEST_DAYS: i64 = 366;
/// Most data sets of one decision.
const MOST: usize = 64;

/// A sampled and desensitised table, as a job made it by a recipe that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivativeRecord {
    /// Format version, 1.
    pub v: u32,
    /// The name under which it is in the catalogue.
    pub dataset: DatasetId,
    /// SHA-256 of its file.
    pub version: Hash,
    /// Of which data set it was made.
    pub of: DatasetId,
    /// Of which version of that.
    pub of_version: Hash,
    /// Who made it.
    pub maker: PartyName,
    /// The job that made it.
    pub job: JobId,
    /// SHA-256 of the recipe: the policy of that job, word by word.
    pub recipe: Hash,
    /// How many of a thousand rows were taken.
    pub rate_permille: u32,
    /// Commitment to the seed of the sample.
    pub seed: Hash,
    /// When.
    pub at: Time,
}

impl SignedType for DerivativeRecord {
    const TYPE: &'static str = "derivative-record-v1";
}

/// The authority allows training on full data by one technique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingDecision {
    /// Format version, 1.
    pub v: u32,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// By which technique; never in the clear.
    pub technique: Technique,
    /// On which data sets.
    pub datasets: Vec<DatasetId>,
    /// Why samples do not do.
    pub reason: Text,
    /// When.
    pub at: Time,
    /// First second at which it no longer holds.
    pub until: Time,
}

impl SignedType for TrainingDecision {
    const TYPE: &'static str = "training-decision-v1";
}

/// Whether a contract trains or validates: a model over the rows of several, or a regression over joined rows.
#[must_use]
pub fn trains(contract: &Contract) -> bool {
    contract.training().is_some()
        || contract.steps().iter().any(|step| step.is_model() || matches!(step, StepTerms::Train(_) | StepTerms::Evaluate(_)))
}

/// Derivatives and decisions.
#[derive(Debug, Default)]
pub struct TrainingData {
    derivatives: BTreeMap<(DatasetId, Hash), DerivativeRecord>,
    decisions: Vec<TrainingDecision>,
}

impl TrainingData {
    /// All derivatives.
    pub fn derivatives(&self) -> impl Iterator<Item = &DerivativeRecord> {
        self.derivatives.values()
    }

    /// All decisions.
    #[must_use]
    pub fn decisions(&self) -> &[TrainingDecision] {
        &self.decisions
    }

    /// Takes a derivative in.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn derive(&mut self, record: &DerivativeRecord, now: Time) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| {
            found.push(Finding::new(code, &record.maker, (en, zh), remedy));
        };
        let name = &record.dataset;
        if record.v != 1 || record.at > now.plus_seconds(86_400) {
            add(
                "derivative.dates",
                format!("`{name}` is of the future or of another format"),
                format!("`{name}` 的日期或格式无效"),
                ("correct it", "更正"),
            );
        }
        if record.maker.organisation() != record.of.organisation() || record.maker.environment() != record.of.environment() {
            add(
                "derivative.maker",
                format!("`{}` is not of its maker {}", record.of, record.maker),
                format!("`{}` 不属于制作方 {}", record.of, record.maker),
                ("the provider of the rows makes derivatives of them", "由数据提供单位制作"),
            );
        }
        if !(1..1000).contains(&record.rate_permille) {
            add(
                "derivative.sample",
                format!("`{name}`: {} of 1000 rows is no sample", record.rate_permille),
                format!("`{name}`：抽样比例 {}‰ 无效", record.rate_permille),
                ("take between 1 and 999 of a thousand", "比例应在 1‰ 至 999‰ 之间"),
            );
        }
        if record.version == record.of_version || self.derivatives.contains_key(&(record.of.clone(), record.of_version)) {
            add(
                "derivative.source",
                format!("`{name}` is its own source, or made of a derivative"),
                format!("`{name}` 与来源相同，或来源本身为派生数据"),
                ("name the rows from which it was made", "请指明原始数据"),
            );
        }
        let key = (name.clone(), record.version);
        if self.derivatives.contains_key(&key) {
            add(
                "derivative.known",
                format!("`{name}` in this version is known"),
                format!("`{name}` 该版本已登记"),
                ("nothing is to do", "无须处理"),
            );
        }
        unless(found, ())?;
        self.derivatives.insert(key, record.clone());
        Ok(())
    }

    /// Takes a decision in.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn decide(&mut self, decision: &TrainingDecision, now: Time) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code: &str, what: (String, &str), remedy: (&str, &str)| {
            found.push(Finding::new(code, &decision.authorisation, what, remedy));
        };
        if decision.technique == Technique::Central {
            add(
                "training.technique",
                ("training on full rows in the clear cannot be allowed".into(), "不得以明文方式使用全量数据训练"),
                ("mpc, federated or enclave", "限多方安全计算、联邦学习或可信执行环境"),
            );
        }
        let distinct: BTreeSet<&DatasetId> = decision.datasets.iter().collect();
        if decision.v != 1 || distinct.is_empty() || distinct.len() != decision.datasets.len() || distinct.len() > MOST {
            add(
                "training.datasets",
                ("a decision names 1 to 64 different data sets".into(), "决定应列明 1 至 64 个不同数据集"),
                ("name them", "逐一列明"),
            );
        }
        if decision.reason.is_blank() {
            add("training.reason", ("why samples do not do is not said".into(), "未说明抽样数据不足的理由"), ("say why", "说明理由"));
        }
        if decision.at > now.plus_seconds(86_400) || decision.until <= now || decision.until > decision.at.plus_days(LONGEST_DAYS) {
            add(
                "training.until",
                (format!("it holds until {}", decision.until), "期限无效"),
                ("an end that is not past, at most a year away", "期限应未过且不超过一年"),
            );
        }
        unless(found, ())?;
        self.decisions.push(decision.clone());
        Ok(())
    }

    /// What is against training by this contract: every input that is neither a derivative nor covered by a decision.
    #[must_use]
    pub fn against(&self, contract: &Contract, now: Time) -> Vec<Finding> {
        if !trains(contract) {
            return Vec::new();
        }
        let allows = |dataset: &DatasetId| {
            self.decisions.iter().any(|d| {
                d.authorisation == contract.authorisation.id
                    && d.technique == contract.technique
                    && d.datasets.contains(dataset)
                    && d.at <= now.plus_seconds(86_400)
                    && now < d.until
            })
        };
        let is_raw = |input: &&crate::contract::Input| {
            !self.derivatives.contains_key(&(input.dataset.clone(), input.version)) && !allows(&input.dataset)
        };
        let technique = contract.technique.as_str();
        let say = |input: &crate::contract::Input| {
            Finding::new(
                "training.raw-data",
                &input.dataset,
                (
                    format!("`{}` is no sampled and desensitised derivative, and no decision allows `{technique}` on it", input.dataset),
                    format!("`{}` 并非抽样脱敏数据，且无允许以 {technique} 使用全量数据的决定", input.dataset),
                ),
                ("train on a derivative, or ask the authority for a training-decision", "使用派生数据训练，或申请主管部门的训练决定"),
            )
        };
        contract.inputs.iter().filter(is_raw).map(say).collect()
    }
}
