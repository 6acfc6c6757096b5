//! What a grant covers, and whether it lies within another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::u64_string;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{ColumnSet, DatasetId, Purpose};
use crate::workflow::refuse;

/// Amounts of one kind of use each (A19). Privacy budgets are counted in millionths, so that sums are exact: `rho` of
/// zero-concentrated differential privacy, and `epsilon` of pure differential privacy, each adding up for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Jobs.
    #[serde(with = "u64_string")]
    pub uses: u64,
    /// Rows offered to jobs.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// Questions asked.
    #[serde(with = "u64_string")]
    pub queries: u64,
    /// Millionths of `rho`.
    #[serde(with = "u64_string")]
    pub micro_rho: u64,
    /// Millionths of `epsilon`.
    #[serde(with = "u64_string")]
    pub micro_epsilon: u64,
}

impl Measures {
    /// As much as one likes.
    pub const UNBOUNDED: Self = Self { uses: u64::MAX, rows: u64::MAX, queries: u64::MAX, micro_rho: u64::MAX, micro_epsilon: u64::MAX };

    /// The amounts with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 5] {
        let privacy = [("micro_rho", self.micro_rho), ("micro_epsilon", self.micro_epsilon)];
        [("uses", self.uses), ("rows", self.rows), ("queries", self.queries), privacy[0], privacy[1]]
    }

    /// The sum, unless one of the amounts overflows.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            uses: self.uses.checked_add(other.uses)?,
            rows: self.rows.checked_add(other.rows)?,
            queries: self.queries.checked_add(other.queries)?,
            micro_rho: self.micro_rho.checked_add(other.micro_rho)?,
            micro_epsilon: self.micro_epsilon.checked_add(other.micro_epsilon)?,
        })
    }

    /// The first amount in which `self` is more than `bound`, with both amounts.
    #[must_use]
    pub fn beyond(&self, bound: &Self) -> Option<(&'static str, u64, u64)> {
        let pairs = self.named().into_iter().zip(bound.named());
        pairs.filter(|((_, have), (_, most))| have > most).map(|((name, have), (_, most))| (name, have, most)).next()
    }
}

/// How much of each data set may be used in all.
pub type Quota = BTreeMap<DatasetId, Measures>;

/// What a grant covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Columns of each data set; there is no "all" (A5).
    pub datasets: BTreeMap<DatasetId, ColumnSet>,
    /// Purposes; a leaf has one. A grant below names none that is not named above: where one is named, it is the same.
    pub purposes: BTreeSet<Purpose>,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
    /// How much, for each data set.
    pub quota: Quota,
}

impl Scope {
    /// Whether the scope can be used at all.
    ///
    /// # Errors
    /// `Refused`: `grant.empty`, `grant.term`, `grant.quota` for a data set without quota or a quota without data set.
    pub fn check(&self) -> Result<()> {
        if self.datasets.is_empty() || self.purposes.is_empty() || self.datasets.values().any(ColumnSet::is_empty) {
            return Err(refuse("grant.empty", "name data sets with their columns, and a purpose"));
        }
        if self.not_before >= self.not_after {
            return Err(refuse("grant.term", "the term ends before it begins"));
        }
        if self.datasets.keys().ne(self.quota.keys()) {
            return Err(refuse("grant.quota", "each data set has a quota, and nothing else has"));
        }
        Ok(())
    }

    /// Whether everything here is covered by `parent`.
    ///
    /// # Errors
    /// `Refused`: `grant.beyond-dataset`, `grant.beyond-column`, `grant.beyond-purpose`, `grant.beyond-term`,
    /// `grant.beyond-quota`, naming what is too much.
    pub fn within(&self, parent: &Self) -> Result<()> {
        for (dataset, columns) in &self.datasets {
            let Some(given) = parent.datasets.get(dataset) else {
                return Err(refuse("grant.beyond-dataset", format!("`{dataset}` is not granted above")));
            };
            if let Some(column) = columns.beyond(given).first() {
                return Err(refuse("grant.beyond-column", format!("column `{column}` of `{dataset}` is not granted above")));
            }
        }
        if let Some(purpose) = self.purposes.difference(&parent.purposes).next() {
            return Err(refuse("grant.beyond-purpose", format!("purpose `{purpose}` is not granted above")));
        }
        if self.not_before < parent.not_before || self.not_after > parent.not_after {
            let what = format!("the term lies outside {} to {}", parent.not_before, parent.not_after);
            return Err(refuse("grant.beyond-term", what));
        }
        for (dataset, asked) in &self.quota {
            let given = parent.quota.get(dataset).copied().unwrap_or_default();
            if let Some((name, have, most)) = asked.beyond(&given) {
                return Err(refuse("grant.beyond-quota", format!("{have} {name} of `{dataset}`, granted above are {most}")));
            }
        }
        Ok(())
    }
}
