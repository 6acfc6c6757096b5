//! A catalogued version of a data set: the entry, and what the platform's catalogue must know beside it.
//!
//! The entry alone is what a job contract binds; the record links it to its registration (K3), to the physical data (K3), to its
//! level of origin (A17) and to data that may be looked at without the data (K7). The provider signs it, version by version.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CatalogueEntry;
use super::frequency::Frequency;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::{DatasetId, Environment, document_hash};
use crate::quality::metrics::Metrics;
use crate::sign::SignedType;
use crate::text::Text;

/// Level of government from which the data come (A17); higher levels are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginLevel {
    /// County (县).
    County,
    /// City (市).
    City,
    /// Province (省), returned data (回流数据) included.
    Province,
    /// The state.
    National,
}

impl OriginLevel {
    /// All of them, from below.
    pub const ALL: [Self; 4] = [Self::County, Self::City, Self::Province, Self::National];

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::County => "county",
            Self::City => "city",
            Self::Province => "province",
            Self::National => "national",
        }
    }

    /// The Chinese word.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::County => "县级",
            Self::City => "市级",
            Self::Province => "省级",
            Self::National => "国家级",
        }
    }
}

impl fmt::Display for OriginLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Registration (登记) of a data resource or product at a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Number that the registry gave.
    pub number: String,
    /// The registry.
    pub registry: String,
    /// When.
    pub at: Time,
}

impl Registration {
    /// Whether number and registry are filled.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.number.trim().is_empty() && !self.registry.trim().is_empty()
    }
}

/// Link between the entry and the physical data (数据挂接), K3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hook", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Hook {
    /// The entry stands alone: nothing can run on it.
    NotHooked,
    /// The provider's node holds the file.
    Hooked {
        /// Hash of the file that it holds; equal to the entry's version.
        version: Hash,
        /// When the content was last renewed.
        updated_at: Time,
    },
}

/// Whether the data are as recent as the catalogue promises (K3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Renewed in time.
    Fresh,
    /// Renewal is overdue since.
    Stale {
        /// First second at which it was overdue.
        since: Time,
    },
    /// No rhythm was promised.
    Unbound,
    /// Not linked to data.
    NotHooked,
}

/// A derivative that developers may look at instead of the data (K7, P3); always in the development environment (D7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Where it stands.
    pub dataset: DatasetId,
    /// Hash of its recipe, or of the generator's settings.
    pub recipe: Hash,
    /// Hash of its privacy report; mandatory for simulated data (K7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Hash>,
}

/// Language of the entry's own name and abstract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// The tag of BCP 47.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }
}

/// Name and abstract in the other language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Catalogue name.
    pub name: String,
    /// Abstract.
    #[serde(rename = "abstract")]
    pub summary: String,
}

/// Who signs a version: only the provider, or the authority as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lowering {
    /// The provider alone: level and classes may not fall.
    ByProvider,
    /// The authority signed it as well: they may.
    ByAuthority,
}

/// One version of one data set in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueRecord {
    /// Format version, 1.
    pub v: u32,
    /// Number of this version, from 1.
    #[serde(with = "u64_string")]
    pub number: u64,
    /// Hash of the record before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// What a contract binds.
    pub entry: CatalogueEntry,
    /// Language of the entry.
    pub language: Language,
    /// The same in the other language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<Translation>,
    /// From which level the data come (A17).
    pub level: OriginLevel,
    /// Registration of the resource (K3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// Link to the physical data (K3).
    pub hook: Hook,
    /// The four metrics (K6), when a profile job has counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Metrics>,
    /// Sampled and masked derivative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Simulated data (模拟数据), K7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Sample>,
    /// When this version was written.
    pub at: Time,
}

impl SignedType for CatalogueRecord {
    const TYPE: &'static str = "catalogue-record-v1";
}

impl CatalogueRecord {
    /// What keeps this record from being published, all at once; empty means publishable.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut found = self.entry.check();
        let name = &self.entry.dataset;
        let mut demand = |holds: bool, code: &str, en: &str, zh: &str, remedy: (&str, &str)| {
            if !holds {
                found.push(Finding::new(code, &self.entry.provider, (format!("`{name}` {en}"), format!("`{name}` {zh}")), remedy));
            }
        };
        let numbered = self.v == 1 && self.number >= 1 && (self.number == 1) == self.previous.is_none();
        demand(
            numbered,
            "catalogue.version-chain",
            "does not say which version it follows",
            "未写明所承接的版本",
            ("format 1; number 1 without a predecessor, later ones with its hash", "格式为 1；第 1 版无前版，其后各版须注明前版哈希"),
        );
        demand(
            Frequency::of(&self.entry.update_frequency).is_some_and(|f| f.as_str() == self.entry.update_frequency),
            "catalogue.frequency-unknown",
            "has an update frequency outside of the list",
            "的更新频率不在词表内",
            (
                "continuous, daily, weekly, monthly, quarterly, half-yearly, yearly or irregular",
                "实时、每日、每周、每月、每季度、每半年、每年或不定期",
            ),
        );
        demand(
            self.registration.as_ref().is_none_or(Registration::is_complete),
            "catalogue.registration-blank",
            "has a registration without number or registry",
            "的登记缺少编号或登记机构",
            ("fill in both, or leave the registration out", "补全两项，或不填登记"),
        );
        demand(
            self.translation.as_ref().is_none_or(|t| !t.name.trim().is_empty() && !t.summary.trim().is_empty()),
            "catalogue.translation-blank",
            "has a translation without name or abstract",
            "的译文缺少名称或摘要",
            ("translate both, or leave the translation out", "补全译文，或不填译文"),
        );
        let hooked = match &self.hook {
            Hook::NotHooked => true,
            Hook::Hooked { version, updated_at } => *version == self.entry.version && *updated_at <= self.at,
        };
        demand(
            hooked,
            "catalogue.hook-other-version",
            "is linked to another file than the one it describes, or to one of the future",
            "挂接的文件与目录描述的版本不同，或其更新时间晚于目录",
            ("write a new version of the record for the new file", "为新文件编制新的目录版本"),
        );
        let apart = |s: &Sample| s.dataset.environment() == Environment::Dev && s.dataset.organisation() == name.organisation();
        demand(
            self.sample.iter().chain(&self.simulated).all(apart),
            "catalogue.sample-place",
            "offers a sample that is not in the provider's development environment",
            "的样例数据不在提供单位的开发环境内",
            ("keep samples and simulated data in the development environment", "样例与模拟数据须置于开发环境"),
        );
        demand(
            self.simulated.as_ref().is_none_or(|s| s.report.is_some()),
            "catalogue.simulated-report",
            "offers simulated data without a privacy report",
            "的模拟数据缺少隐私评估报告",
            ("attach the report of the generator", "附上生成器的评估报告"),
        );
        found
    }

    /// What keeps this record from following `before`; empty means that it does. The provider alone may raise the level of origin and the
    /// class of a column, never lower them: both decide on whose consent is needed (A16, A17).
    #[must_use]
    pub fn check_follows(&self, before: &Self, lowering: Lowering) -> Vec<Finding> {
        let mut found = self.check_chain(before);
        if lowering == Lowering::ByProvider {
            found.extend(self.lowered(before).into_iter().map(|(en, zh)| {
                Finding::new(
                    "catalogue.lowered",
                    &self.entry.provider,
                    (format!("`{}`: {en}", self.entry.dataset), format!("`{}`：{zh}", self.entry.dataset)),
                    ("have the authority sign the version as well", "请主管部门会签该版本"),
                )
            }));
        }
        found
    }

    /// Whether this version protects something less than `before`: the authority signs it as well then.
    #[must_use]
    pub fn lowers(&self, before: &Self) -> bool {
        !self.lowered(before).is_empty()
    }

    /// What this version protects less than `before`, in sentences.
    fn lowered(&self, before: &Self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if self.level < before.level {
            found.push((
                format!("the level of origin falls from `{}` to `{}`", before.level, self.level),
                format!("来源层级由{}降为{}", before.level.zh(), self.level.zh()),
            ));
        }
        if before.entry.prohibited && !self.entry.prohibited {
            found.push(("the prohibition of opening falls away".into(), "取消禁止开放".into()));
        }
        for (old, new) in before.entry.items.iter().filter_map(|old| Some((old, self.entry.column(&old.name)?))) {
            if !new.class.keeps(old.class) {
                found.push((
                    format!("the class of column `{}` falls from `{}` to `{}`", old.name, old.class.as_str(), new.class.as_str()),
                    format!("列“{}”的分类由 {} 降为 {}", old.name, old.class.as_str(), new.class.as_str()),
                ));
            }
        }
        found
    }

    fn check_chain(&self, before: &Self) -> Vec<Finding> {
        let same = self.entry.dataset == before.entry.dataset
            && self.number == before.number.saturating_add(1)
            && self.previous.is_some()
            && self.previous == document_hash(before).ok()
            && self.at >= before.at;
        if same {
            return Vec::new();
        }
        let (name, number) = (&self.entry.dataset, before.number);
        vec![Finding::new(
            "catalogue.version-chain",
            &self.entry.provider,
            (format!("this record of `{name}` does not follow version {number}"), format!("`{name}` 的该目录未承接第 {number} 版")),
            ("write it as the successor of the present version", "按现行版本的后继版本编制"),
        )]
    }

    /// Whether the data are as recent as the update frequency promises, with `grace_days` (the profile's) on top.
    #[must_use]
    pub fn freshness(&self, now: Time, grace_days: u32) -> Freshness {
        let Hook::Hooked { updated_at, .. } = self.hook else { return Freshness::NotHooked };
        // a word that is not in the list promises nothing that could be checked; `check` refuses it
        let Some(days) = Frequency::of(&self.entry.update_frequency).and_then(Frequency::days) else { return Freshness::Unbound };
        let since = updated_at.plus_days(days.saturating_add(i64::from(grace_days)));
        if now < since { Freshness::Fresh } else { Freshness::Stale { since } }
    }

    /// Name and abstract in both languages; where no translation exists, the entry's own words stand for it.
    #[must_use]
    pub fn titles(&self) -> (Text, Text) {
        let own = (&self.entry.name, &self.entry.summary);
        let other = self.translation.as_ref().map_or(own, |t| (&t.name, &t.summary));
        let (en, zh) = if self.language == Language::En { (own, other) } else { (other, own) };
        (Text::new(en.0, zh.0), Text::new(en.1, zh.1))
    }
}
