//! Evidence of a quality problem (K5): which rule, which column by its place, how many cells. Never a value.
//!
//! Nothing in the type is text: the rule is a word of a closed list, the column a place in the catalogue entry, the version a hash that
//! must equal the catalogue's, and the rest are two counts. A raw value has nowhere to stand:
//!
//! ```compile_fail
//! use yu_governance::quality::evidence::Evidence;
//! fn smuggle(evidence: Evidence) -> Evidence {
//!     Evidence { note: "13800000000".to_owned(), ..evidence }
//! }
//! ```
//!
//! ```compile_fail
//! use yu_governance::quality::evidence::QualityRule;
//! let rule = QualityRule::from("the cell of Zhang San is empty");
//! ```
//!
//! A count below the floor of the jurisdiction would tell about single rows, so it is rounded up to that floor.

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::catalogue::CatalogueEntry;
use crate::finding::{Checked, Finding, unless};

/// Largest count: products of two counts and 1000 stay exact in 128 bits.
const MOST: u64 = 1 << 53;

/// What a cell, or a data set, should satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QualityRule {
    /// A cell is filled (完整性).
    NotEmpty,
    /// No two rows share the key.
    Unique,
    /// A number lies in the range that the catalogue's agreement states.
    InRange,
    /// A text has its form.
    Format,
    /// A label is among the published categories.
    InCategories,
    /// A key has its counterpart in another data set.
    Reference,
    /// Columns of one row agree with each other.
    Consistent,
    /// A row was renewed in time (时效性).
    OnTime,
    /// The promised rows are there.
    RowCount,
}

impl QualityRule {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NotEmpty,
        Self::Unique,
        Self::InRange,
        Self::Format,
        Self::InCategories,
        Self::Reference,
        Self::Consistent,
        Self::OnTime,
        Self::RowCount,
    ];
}

/// What was counted under one rule. Made only by [`Evidence::new`]; what a peer sends is held against the entry by [`Evidence::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    version: Hash,
    rule: QualityRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<u16>,
    #[serde(with = "u64_string")]
    checked: u64,
    #[serde(with = "u64_string")]
    failed: u64,
}

impl Evidence {
    /// Evidence about a version; a count of failures from 1 up to `floor` is rounded up to `floor`.
    ///
    /// # Errors
    /// `evidence.column-unknown` for a column that the entry lacks; what [`Evidence::check`] objects to.
    pub fn new(entry: &CatalogueEntry, rule: QualityRule, column: Option<&str>, checked: u64, failed: u64, floor: u64) -> Checked<Self> {
        let place = |name: &str| entry.items.iter().position(|c| c.name == name).and_then(|i| u16::try_from(i).ok());
        let at = column.map(place);
        if at == Some(None) {
            return Err(vec![objection(
                entry,
                "evidence.column-unknown",
                ("names a column that the entry lacks", "所列的列不在目录中"),
                ("name a column of the catalogue entry", "填写目录中的列"),
            )]);
        }
        let failed = told(failed, floor);
        let evidence = Self { version: entry.version, rule, column: at.flatten(), checked, failed };
        unless(evidence.check(entry, floor), evidence)
    }

    /// What is wrong with evidence about `entry`, all at once; empty means in order.
    #[must_use]
    pub fn check(&self, entry: &CatalogueEntry, floor: u64) -> Vec<Finding> {
        let cells = if self.column.is_some() { entry.rows } else { entry.rows.saturating_mul(entry.items.len() as u64) };
        let rules = [
            (
                self.version == entry.version,
                "evidence.other-version",
                ("is about another version", "所指版本不同"),
                ("count over the present version", "对现行版本重新统计"),
            ),
            (
                self.column.is_none_or(|c| usize::from(c) < entry.items.len()),
                "evidence.column-unknown",
                ("names a column that the entry lacks", "所列的列不在目录中"),
                ("name a column of the catalogue entry", "填写目录中的列"),
            ),
            (
                self.checked > 0 && self.failed <= self.checked && self.checked <= cells.min(MOST),
                "evidence.counts",
                (
                    "counts nothing, more failures than cells, or more cells than there are",
                    "计数为空、失败数大于检查数，或检查数超过实际单元格数",
                ),
                ("count again", "重新统计"),
            ),
            (
                self.failed == 0 || self.failed >= floor,
                "evidence.below-floor",
                ("has a count so small that it tells about single rows", "计数过小，可能指向个别记录"),
                ("round small counts up to the floor", "将小计数上调至下限"),
            ),
        ];
        rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, what, remedy)| objection(entry, code, what, remedy)).collect()
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Hash {
        self.version
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> QualityRule {
        self.rule
    }

    /// The column's place in the entry; absent for a rule about the whole data set.
    #[must_use]
    pub const fn column(&self) -> Option<u16> {
        self.column
    }

    /// Cells that were looked at.
    #[must_use]
    pub const fn checked(&self) -> u64 {
        self.checked
    }

    /// Cells that failed, rounded up to the floor.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// How much of the problem is gone in `after`, in thousandths of the rate of failure, rounded down; 0 if it grew.
    #[must_use]
    pub fn repaired_permille(&self, after: &Self) -> u16 {
        let (was, is) = (u128::from(self.failed) * u128::from(after.checked), u128::from(after.failed) * u128::from(self.checked));
        // `check` bounds the counts by 2^53; saturating keeps an unchecked peer from a panic
        match was.saturating_sub(is).saturating_mul(1000).checked_div(was) {
            Some(permille) => u16::try_from(permille).unwrap_or(1000),
            None => 0,
        }
    }
}

/// A count of failures as it may be told: none, or at least the floor of the jurisdiction. A small one would tell about single rows.
#[must_use]
pub fn told(failed: u64, floor: u64) -> u64 {
    if failed == 0 { 0 } else { failed.max(floor) }
}

fn objection(entry: &CatalogueEntry, code: &str, (en, zh): (&str, &str), remedy: (&str, &str)) -> Finding {
    let name = &entry.dataset;
    Finding::new(code, name.organisation(), (format!("the evidence on `{name}` {en}"), format!("关于 `{name}` 的证据{zh}")), remedy)
}
