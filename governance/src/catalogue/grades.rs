//! Norms of use by grade (分类分级使用规范, A19; TZ 五(一), NB 24, ZZ 14(二), ZW 8): by which technique, for which scenarios, in which amount data of
//! a grade may be used. None of the texts has the table: the authority signs it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::CatalogueEntry;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::contract::{Contract, Input, RevealMatch, Technique};
use crate::error::Result;
use crate::finding::Finding;
use crate::id::{PartyName, Scenario};
use crate::sign::SignedType;
use crate::workflow::refuse;

/// The highest grade: what nobody has graded counts as this.
pub const HIGHEST: u8 = 4;

/// Who may learn which rows matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matches {
    /// Nobody.
    Hidden,
    /// Whoever the contract names.
    AsAgreed,
}

/// What holds for one grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Norm {
    /// The grade, 1 to 4.
    pub grade: u8,
    /// Techniques by which such data may be used; none: not at all.
    pub techniques: BTreeSet<Technique>,
    /// Whether anybody may learn which rows matched.
    pub matches: Matches,
    /// Most rows that one job reads.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// Scenarios for which such data may be used; absent: all that are authorised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<BTreeSet<Scenario>>,
}

/// The norms of a domain, version by version, signed by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeNorms {
    /// Format version, 1.
    pub v: u32,
    /// 1 for the first, one more for each later one.
    #[serde(with = "u64_string")]
    pub version: u64,
    /// Hash of the version before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// Who signs.
    pub authority: PartyName,
    /// One for each grade.
    pub norms: Vec<Norm>,
    /// When they take effect.
    pub at: Time,
}

impl SignedType for GradeNorms {
    const TYPE: &'static str = "grade-norms-v1";
}

impl GradeNorms {
    /// Whether every grade has one norm, and a higher grade allows nothing that a lower one does not.
    ///
    /// # Errors
    /// `Refused`: `grades.form`, `grades.order` naming the grade.
    pub fn check(&self) -> Result<()> {
        let by: BTreeMap<u8, &Norm> = self.norms.iter().map(|norm| (norm.grade, norm)).collect();
        if self.v != 1 || self.version == 0 || by.len() != self.norms.len() || !by.keys().copied().eq(1..=HIGHEST) {
            return Err(refuse("grades.form", format!("one norm for each grade from 1 to {HIGHEST}")));
        }
        let mut pairs = by.values().zip(by.values().skip(1));
        match pairs.find(|(low, high)| !high.is_within(low)) {
            Some((_, high)) => Err(refuse("grades.order", format!("grade {} is used more freely than the grade below", high.grade))),
            None => Ok(()),
        }
    }

    fn norm(&self, grade: u8) -> Option<&Norm> {
        self.norms.iter().find(|norm| norm.grade == grade)
    }

    /// What the norms have against a contract; `entry` gives what is catalogued of an input. All at once: `grades.technique`, `grades.matches`,
    /// `grades.rows`, `grades.scenario`, each naming data set and grade.
    #[must_use]
    pub fn against<'a>(&self, contract: &Contract, entry: impl Fn(&Input) -> Option<&'a CatalogueEntry>) -> Vec<Finding> {
        let mut found = Vec::new();
        for input in &contract.inputs {
            let grade = grade_of(entry(input), input);
            let Some(norm) = self.norm(grade) else { continue };
            let name = &input.dataset;
            let mut add = |holds: bool, code: &str, en: String, zh: String| {
                if !holds {
                    let remedy = ("keep to the norms of use of that grade", "遵守该级别数据的使用规范");
                    let what = (format!("`{name}` is of grade {grade}: {en}"), format!("`{name}` 为 {grade} 级数据：{zh}"));
                    found.push(Finding::new(code, name, what, remedy));
                }
            };
            let technique = contract.technique;
            add(
                norm.techniques.contains(&technique),
                "grades.technique",
                format!("not to be used by technique `{}`", technique.as_str()),
                format!("不得以 {} 方式使用", technique.as_str()),
            );
            add(
                norm.matches == Matches::AsAgreed || contract.reveal_match == RevealMatch::None,
                "grades.matches",
                "nobody may learn which rows matched".into(),
                "不得披露匹配结果".into(),
            );
            add(
                input.rows <= norm.rows,
                "grades.rows",
                format!("{} rows, at most {} in one job", input.rows, norm.rows),
                format!("{} 行，单次任务至多 {} 行", input.rows, norm.rows),
            );
            add(
                norm.scenarios.as_ref().is_none_or(|all| all.contains(&contract.scenario)),
                "grades.scenario",
                format!("not to be used for `{}`", contract.scenario),
                format!("不得用于“{}”", contract.scenario),
            );
        }
        found
    }
}

impl Norm {
    fn is_within(&self, lower: &Self) -> bool {
        let matches = self.matches == Matches::Hidden || lower.matches == Matches::AsAgreed;
        let scenarios = match (&self.scenarios, &lower.scenarios) {
            (_, None) => true,
            (Some(own), Some(below)) => own.is_subset(below),
            (None, Some(_)) => false,
        };
        self.techniques.is_subset(&lower.techniques) && matches && self.rows <= lower.rows && scenarios
    }
}

/// The highest grade among the columns that are read; what is not catalogued counts as the highest of all.
#[must_use]
pub fn grade_of(entry: Option<&CatalogueEntry>, input: &Input) -> u8 {
    let of = |column: &str| entry.and_then(|entry| entry.column(column)).map_or(HIGHEST, |column| column.grade);
    input.columns.iter().map(of).max().unwrap_or(HIGHEST)
}
