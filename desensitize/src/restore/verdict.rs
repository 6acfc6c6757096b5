//! What was tried, what it cost, what it gave, and whether the release may leave.

use serde::{Deserialize, Serialize};

use super::budget::Cost;
use super::interval::clopper_pearson;
use crate::error::{Lang, Text};

/// An attack of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Attack {
    /// What is known about a column decides without an attack.
    Rule,
    /// Identifiers stand in a column as they are.
    PlainIdentifier,
    /// Guess inputs, apply unkeyed functions, compare (字典攻击).
    Dictionary,
    /// Read tokens off from how often they occur (频率分析).
    Frequency,
    /// The release repeats the original's rows in all columns.
    RawPackage,
    /// Released rows repeat rare original rows.
    CopiedRows,
    /// Released rows nearly repeat rare original rows.
    NearestRecord,
    /// Synthetic rows lie closer to originals than to rows held out.
    HeldOut,
    /// Find people by their quasi-identifiers (链接攻击).
    Linkage,
    /// Find people by distance where columns carry noise.
    DistanceLinkage,
    /// Join with an earlier release or another table.
    Join,
    /// Subtract two releases (差分攻击).
    Differencing,
    /// Solve published counts for people (线性重构).
    LinearReconstruction,
    /// Tell members of a training set by their loss (成员推断).
    MembershipByLoss,
    /// The same with shadow models.
    MembershipByShadows,
    /// Find planted records in a model.
    Canary,
    /// Nothing could be tried.
    Nothing,
}

impl Attack {
    /// Its name for people.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Rule => ("rule", "规则判定"),
            Self::PlainIdentifier => ("identifiers in plain view", "明文标识符"),
            Self::Dictionary => ("dictionary attack", "字典攻击"),
            Self::Frequency => ("frequency attack on tokens", "令牌频率攻击"),
            Self::RawPackage => ("raw data package", "原始数据包"),
            Self::CopiedRows => ("copied rows", "照抄记录"),
            Self::NearestRecord => ("nearly copied rows", "近似照抄记录"),
            Self::HeldOut => ("distance to originals and to held-out rows", "与原始记录及留出记录的距离"),
            Self::Linkage => ("linkage by quasi-identifiers", "准标识符链接攻击"),
            Self::DistanceLinkage => ("linkage by distance", "距离链接攻击"),
            Self::Join => ("join with another table", "与其他数据关联"),
            Self::Differencing => ("differencing", "差分攻击"),
            Self::LinearReconstruction => ("linear reconstruction from counts", "由统计量线性重构"),
            Self::MembershipByLoss => ("membership inference by loss", "基于损失的成员推断"),
            Self::MembershipByShadows => ("membership inference with shadow models", "基于影子模型的成员推断"),
            Self::Canary => ("canary extraction", "植入样本提取"),
            Self::Nothing => ("nothing to try", "无可评估内容"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// How often an attack succeeded, as a share with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Successes through trials; for an advantage over chance, the advantage.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Rows, people or examples that were attacked.
    pub trials: u64,
}

impl Share {
    /// A share of counted trials with the interval of Clopper and Pearson.
    #[must_use]
    pub fn counted(successes: u64, trials: u64, confidence: f64) -> Self {
        let (low, high) = clopper_pearson(successes, trials, confidence);
        let value = if trials == 0 { 0.0 } else { successes as f64 / trials as f64 };
        Self { value, low, high, trials }
    }

    /// What is above chance `base`, on a scale from 0 (no better than chance) to 1 (always right).
    pub(super) fn above(self, base: f64) -> Self {
        let scale = |value: f64| if base < 1.0 { ((value - base) / (1.0 - base)).max(0.0) } else { 0.0 };
        Self { value: scale(self.value), low: scale(self.low), high: scale(self.high), trials: self.trials }
    }
}

/// One attack on one column, table or model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried.
    pub attack: Attack,
    /// The column, the other release or the model that it concerns; empty for the whole table.
    pub column: Option<String>,
    /// What it cost.
    pub cost: Cost,
    /// How often it succeeded; `None` where a rule decided or it could not be run.
    pub share: Option<Share>,
    /// What was allowed.
    pub limit: f64,
    /// Whether the release stands up to it.
    pub passed: bool,
    /// Why. Never the value of a cell.
    pub reason: Text,
    /// What to do; empty if it passed.
    pub remedy: Text,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Everything that was tried, in the order of trying.
    pub attempts: Vec<Attempt>,
    /// Whether all of them were withstood.
    pub passed: bool,
}

impl Verdict {
    pub(super) fn of(attempts: Vec<Attempt>) -> Self {
        let passed = !attempts.is_empty() && attempts.iter().all(|attempt| attempt.passed);
        Self { attempts, passed }
    }

    /// The attacks that the release does not withstand.
    pub fn refusals(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| !attempt.passed)
    }
}

/// How a share is compared with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// Everything was attacked: the share itself counts.
    Census,
    /// A sample was, or chance plays a part: the upper end of the interval counts.
    Sample,
}

/// An attempt that ran, without its words.
pub(super) struct Ran {
    pub(super) attack: Attack,
    pub(super) column: Option<String>,
    pub(super) cost: Cost,
    pub(super) share: Share,
    pub(super) limit: f64,
}

impl Ran {
    /// The attempt with its verdict; `reason` gets whether it passed, `remedy` is used if it did not.
    pub(super) fn judge(self, compare: Compare, reason: impl FnOnce(bool) -> Text, remedy: Text) -> Attempt {
        // a cut census is a sample, and no comparison with something that is no number passes
        let compare = if self.cost.is_complete { compare } else { Compare::Sample };
        let passed = match compare {
            Compare::Census => self.share.value <= self.limit,
            Compare::Sample => self.share.high <= self.limit,
        };
        let Self { attack, column, cost, share, limit } = self;
        let remedy = if passed { Text::new("", "") } else { remedy };
        Attempt { attack, column, cost, share: Some(share), limit, passed, reason: reason(passed), remedy }
    }
}

/// An attempt that a rule decided or that could not be run.
pub(super) fn refused(attack: Attack, column: Option<&str>, cost: Cost, reason: Text, remedy: Text) -> Attempt {
    Attempt { attack, column: column.map(str::to_owned), cost, share: None, limit: 0.0, passed: false, reason, remedy }
}

/// A release to which the rules on raw data do not apply.
pub(super) fn exempt(reason: Text) -> Attempt {
    let cost = Cost { is_complete: true, ..Cost::default() };
    Attempt { attack: Attack::Rule, column: None, cost, share: None, limit: 0.0, passed: true, reason, remedy: Text::new("", "") }
}
