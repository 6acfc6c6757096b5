//! The four metrics of quality (K6): accuracy, relevance, completeness, timeliness (准确性、相关性、完整性、时效性).
//!
//! Each is an exact share of two counts, so that two parties that count the same get the same metric; permille are for showing.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::u64_string;
use crate::clock::Time;
use crate::error::{Error, Result};

/// `part` of `whole`, exact: 0 up to 1.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Share {
    #[serde(with = "u64_string")]
    part: u64,
    #[serde(with = "u64_string")]
    whole: u64,
}

/// A share as it stands in a document, before the check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(with = "u64_string")]
    part: u64,
    #[serde(with = "u64_string")]
    whole: u64,
}

impl TryFrom<Written> for Share {
    type Error = Error;

    fn try_from(w: Written) -> Result<Self> {
        Self::new(w.part, w.whole)
    }
}

impl Share {
    /// Checks the two counts.
    ///
    /// # Errors
    /// `Malformed` if nothing was counted, or more than all.
    pub fn new(part: u64, whole: u64) -> Result<Self> {
        if whole == 0 || part > whole {
            let reason = format!("{part} of {whole}: expected a part of at least one");
            return Err(Error::Malformed { object: "share".into(), reason });
        }
        Ok(Self { part, whole })
    }

    /// The part that was counted.
    #[must_use]
    pub const fn part(self) -> u64 {
        self.part
    }

    /// All that was looked at; never 0.
    #[must_use]
    pub const fn whole(self) -> u64 {
        self.whole
    }

    /// Thousandths, rounded down: 1000 means all, and nothing less does.
    #[must_use]
    pub fn permille(self) -> u16 {
        let thousandths = u128::from(self.part) * 1000 / u128::from(self.whole);
        u16::try_from(thousandths).unwrap_or(1000)
    }

    /// Whether the share is at least so many thousandths, compared exactly.
    #[must_use]
    pub fn at_least(self, permille: u16) -> bool {
        u128::from(self.part) * 1000 >= u128::from(permille) * u128::from(self.whole)
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    /// By value: one half equals two quarters.
    fn cmp(&self, other: &Self) -> Ordering {
        (u128::from(self.part) * u128::from(other.whole)).cmp(&(u128::from(other.part) * u128::from(self.whole)))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} %", self.permille() / 10, self.permille() % 10)
    }
}

/// What a profile job counted over one version. No value of a cell is among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Cells that were held against a rule.
    pub checked: u64,
    /// Of these, cells that satisfy all rules on them.
    pub correct: u64,
    /// Items that the scenarios demand of this data set.
    pub items_demanded: u64,
    /// Of these, items that it offers.
    pub items_offered: u64,
    /// Cells that should be filled: expected rows times items.
    pub cells_expected: u64,
    /// Of these, cells that are filled.
    pub cells_filled: u64,
    /// Updates that were due in the period.
    pub updates_due: u64,
    /// Of these, updates that came in time.
    pub updates_on_time: u64,
}

/// The four metrics of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Correct cells among those checked (准确性).
    pub accuracy: Share,
    /// Items offered among those demanded (相关性).
    pub relevance: Share,
    /// Filled cells among those expected (完整性).
    pub completeness: Share,
    /// Updates in time among those due (时效性).
    pub timeliness: Share,
    /// When they were counted.
    pub at: Time,
}

impl Metrics {
    /// The four shares of what was counted at `at`.
    ///
    /// # Errors
    /// `Malformed` naming the metric for which nothing was counted, or more than all.
    pub fn of(c: &Counts, at: Time) -> Result<Self> {
        let share = |name: &str, part, whole| {
            Share::new(part, whole).map_err(|error| Error::Malformed { object: name.to_owned(), reason: error.to_string() })
        };
        Ok(Self {
            accuracy: share("accuracy", c.correct, c.checked)?,
            relevance: share("relevance", c.items_offered, c.items_demanded)?,
            completeness: share("completeness", c.cells_filled, c.cells_expected)?,
            timeliness: share("timeliness", c.updates_on_time, c.updates_due)?,
            at,
        })
    }

    /// Name, Chinese name and share, in the order of ZZ 27.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, &'static str, Share); 4] {
        [
            ("accuracy", "准确性", self.accuracy),
            ("relevance", "相关性", self.relevance),
            ("completeness", "完整性", self.completeness),
            ("timeliness", "时效性", self.timeliness),
        ]
    }
}
