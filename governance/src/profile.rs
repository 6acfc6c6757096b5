//! Jurisdiction profiles (管辖规则集): a jurisdiction's rules as signed data.
//!
//! The rule texts disagree in places and newer ones will prevail (REQUIREMENTS, section 10), so every number, every actor and
//! every gate that a text sets is a value here and no constant in code. Each value names its basis: the article that says so,
//! or that it is ours and why. What no profile can change stays typed code: one scenario per authorisation (A1), no operation
//! without a plan (A2), forbidden data (A6), log retention as a lock (L2), a lapse never counting as consent outside ZW 21 (C4).
//!
//! A city under a province inherits what it does not state, and what it states may only tighten: each type of value has an
//! order "tighter than or equal" ([`Value::is_within`]), and a loosening is a finding with both values and both articles.
//!
//! A profile is in force with two signatures, the authority's and the regulator's, and names the version that it replaces
//! (D16, [`accept`]). The five that ship are unsigned proposals: nothing acts on one before somebody has signed it.
//!
//! | to see | open |
//! |---|---|
//! | all fields, their types and names | [`Rules`], [`Stated`], [`FIELDS`] |
//! | the orders | [`Value`], [`Needs`], [`Allows`], [`Sequence`], [`Appoints`] |
//! | articles and bases | [`Article`], [`Basis`], [`Cited`] |
//! | a city over its province | [`Effective`] |
//! | a profile as sentences, and what a change changes | [`Effective::show`], [`diff`] |
//! | signing | [`accept`] |
//! | the five that ship | [`Shipped`] |
//! | as rules of the procedures | `profile/procedure.rs` |

use serde::{Deserialize, Serialize};

use crate::calendar::Date;
use crate::canonical::Hash;
use crate::finding::Finding;
use crate::sign::SignedType;
use crate::text::Text;

mod accept;
mod change;
mod choice;
mod cite;
mod inherit;
mod limits;
mod procedure;
mod shipped;
mod table;
mod value;

pub use crate::id::ProfileId;
pub use accept::accept;
pub use change::{Change, Effect, diff};
pub use choice::*;
pub use cite::{Article, Basis, Cited, RuleText};
pub use inherit::Effective;
pub use limits::{Leakage, ProductKinds};
pub use procedure::EXPERTS;
pub use shipped::Shipped;
pub use table::{Entry, FIELDS, Field, Rules, Stated};
pub(crate) use value::choices;
pub use value::{
    Allows, Appoints, Fails, MaxDays, MaxFen, MaxHours, MaxMonths, MaxTimes, MaxYears, MinCount, MinLevel, MinMonths, MinYears, Named,
    Needs, Renewal, Sequence, Value,
};

/// Whether the rule text behind a profile is law already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// In force.
    InForce,
    /// Published for comments (征求意见稿).
    Draft,
}

/// A rule text that a profile rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The code of its citations, for example `ZJ`.
    pub code: String,
    /// Its title.
    pub title: Text,
    /// Number and date of the document, as far as it has them.
    pub document: String,
}

/// One jurisdiction's profile, as stated and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Format version, 1.
    pub v: u32,
    /// Its name.
    pub id: ProfileId,
    /// Its title.
    pub title: Text,
    /// The profile whose values it inherits and may only tighten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ProfileId>,
    /// In force or a draft.
    pub status: Status,
    /// First day on which the rule text is in force; a draft may have none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Date>,
    /// Last day on which it is in force, where the text sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_until: Option<Date>,
    /// Counts up by one with every signed change; the first is 1.
    pub version: u32,
    /// Hash of the version that it replaces; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Hash>,
    /// The rule texts.
    pub sources: Vec<Source>,
    /// What it states itself.
    pub rules: Stated,
}

impl SignedType for Profile {
    const TYPE: &'static str = "profile-v1";
}

impl Profile {
    /// What is wrong with the document itself; inheritance is checked by [`Effective::new`].
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| found.push(Finding::new(code, &self.id, (en, zh), remedy));
        if self.v != 1 || self.version == 0 || (self.version == 1) != self.replaces.is_none() {
            add(
                "profile.version-unknown",
                format!(
                    "format {}, version {}: expected format 1, and from version 2 on the hash of the one replaced",
                    self.v, self.version
                ),
                format!("格式 {}、版本 {}：应为格式 1，且自版本 2 起注明所替换版本的摘要", self.v, self.version),
                ("number the versions from 1 without a gap", "版本自 1 起连续编号"),
            );
        }
        if self.title.is_blank() || self.sources.is_empty() || self.sources.iter().any(|s| s.code.trim().is_empty() || s.title.is_blank()) {
            add(
                "profile.source-missing",
                "the title or a source is missing in one of the languages".into(),
                "缺少标题或来源（中英文均须填写）".into(),
                ("name title and rule texts in both languages", "以中英文注明标题和规则文本"),
            );
        }
        if self.parent.as_ref() == Some(&self.id) {
            add(
                "profile.parent",
                "it is its own parent".into(),
                "上级规则集为其自身".into(),
                ("name the province's profile, or none", "填写省级规则集或不填"),
            );
        }
        let dates = (self.effective_from, self.effective_until);
        if matches!(dates, (Some(from), Some(until)) if until < from) || (self.status == Status::InForce && self.effective_from.is_none()) {
            add(
                "profile.dates",
                "the first day is missing, or the last day comes before it".into(),
                "缺少施行日期，或截止日期早于施行日期".into(),
                ("state the dates of the rule text", "按规则文本填写日期"),
            );
        }
        for entry in self.rules.entries() {
            let Field { key, en, zh } = entry.field;
            let uncited = match entry.basis {
                Basis::Rule { articles, .. } => articles.iter().any(|a| !self.sources.iter().any(|s| s.code == a.text().code())),
                Basis::Ours { .. } => false,
            };
            if entry.basis.is_blank() || uncited {
                add(
                    "profile.basis-missing",
                    format!("`{key}` ({en}) has no article or reason, or cites a text that is no source of this profile"),
                    format!("“{zh}”（`{key}`）没有条款或理由，或引用了未列入来源的文本"),
                    ("cite the article, or say that it is ours and why", "注明条款；自定的须说明理由"),
                );
            }
            if entry.is_void {
                add(
                    "profile.value-void",
                    format!("`{key}` ({en}) is empty, zero, or contradicts itself"),
                    format!("“{zh}”（`{key}`）为空、为零或自相矛盾"),
                    ("state a value that can be met", "填写可执行的值"),
                );
            }
        }
        found
    }

    /// Whether the rule text is in force on this day: no draft, and within its dates.
    #[must_use]
    pub fn is_in_force(&self, day: Date) -> bool {
        self.status == Status::InForce
            && self.effective_from.is_some_and(|from| from <= day)
            && self.effective_until.is_none_or(|until| day <= until)
    }
}
