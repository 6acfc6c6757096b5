//! What is agreed before: the same at the coordinator and at every party.

use serde::{Deserialize, Serialize};

use super::cells::{PARTS, ROUNDS};
use super::fixed::LIMBS;
use crate::secagg;
use crate::trees::Boosting;
use crate::{Error, Result};

/// Fewest rows in a leaf that are allowed without a word: histograms of tiny nodes tell of single rows.
pub const LEAST_ROWS: usize = 10;
/// Most figures of one sum.
const MOST_FIGURES: usize = 1 << 26;

/// A training as a job file describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The trees. `min_rows` is at least [`LEAST_ROWS`], see [`Self::danger_small_leaves`].
    pub boosting: Boosting,
    /// Most bins of a feature, 2 to 256.
    #[serde(default = "thirty_two")]
    pub bins: u32,
    /// What the coordinator sees of histograms.
    #[serde(default)]
    pub aggregation: Aggregation,
    /// Fewest parties in a sum; 0: 3.
    #[serde(default)]
    pub quorum: u32,
    /// Seconds that parties have for an answer.
    #[serde(default = "minute")]
    pub deadline_s: u32,
    /// Allow leaves of fewer than [`LEAST_ROWS`] rows: sums over a node then may be those of a single row.
    #[serde(default)]
    pub danger_small_leaves: bool,
}

const fn thirty_two() -> u32 {
    32
}
const fn minute() -> u32 {
    60
}

/// How histograms are added up. The trees are the same, bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Aggregation {
    /// By secure aggregation: the coordinator gets sums over the parties.
    Secure {
        /// Hold against a coordinator that deviates in the protocol of the sums, at the price of one more exchange each. What it asks about stays in its hands.
        #[serde(default)]
        malicious: bool,
    },
    /// The coordinator gets each party's histograms of every node, from which rows may be reconstructed.
    DangerClear,
}

impl Default for Aggregation {
    fn default() -> Self {
        Self::Secure { malicious: false }
    }
}

impl Settings {
    /// Reads the text of a job file's table.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the place.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::caller(format!("settings of trees: {error}")))
    }

    /// Whether the settings fit together, for so many parties.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the setting; [`Error::Unsafe`] for one that would tell of single rows or parties.
    pub fn check(&self, parties: usize) -> Result<()> {
        self.boosting.check()?;
        if !(2..=256).contains(&self.bins) || self.deadline_s == 0 {
            return Err(Error::caller("`bins` is 2 to 256, `deadline_s` at least 1"));
        }
        if self.quorum as usize > parties {
            return Err(Error::caller(format!("`quorum` is {}, there are {parties} parties", self.quorum)));
        }
        if self.boosting.min_rows < LEAST_ROWS && !self.danger_small_leaves {
            return Err(Error::Unsafe {
                setting: "boosting.min_rows".into(),
                reason: format!(
                    "sums over nodes of {} rows tell the coordinator of single rows, and leaves tell all",
                    self.boosting.min_rows
                ),
                remedy: format!("set it to {LEAST_ROWS} or more, or name `danger_small_leaves`"),
            });
        }
        if parties < secagg::config::MIN_SURVIVORS {
            return Err(Error::Unsafe {
                setting: "parties".into(),
                reason: format!("with {parties} parties each learns the other's histograms from the trees"),
                remedy: "let at least 3 parties take part".into(),
            });
        }
        Ok(())
    }
}

/// A vector that is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Rows, and the sum of labels.
    Start,
    /// Values in parts of cells.
    Cells,
    /// Histograms of the nodes of a level.
    Grow(u8),
    /// Rows in each leaf.
    Leaves,
}

/// Everything that both sides know.
pub type Plan = crate::star::Plan<Settings>;

impl Plan {
    /// Checks everything.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Caller`] for names that are empty or given twice, or sums that are too long.
    pub fn check(&self) -> Result<()> {
        self.settings.check(self.parties.len())?;
        self.check_names()?;
        if self.features.is_empty() || self.most_figures() > MOST_FIGURES {
            return Err(Error::caller(format!(
                "sums of {} figures: name 1 feature at least, and fewer bins or features",
                self.most_figures()
            )));
        }
        Ok(())
    }

    /// Most figures of any sum.
    pub(super) fn most_figures(&self) -> usize {
        let (features, bins, depth) = (self.features.len(), self.settings.bins as usize, self.settings.boosting.depth);
        let histograms = (1usize << depth.saturating_sub(1)).saturating_mul(2).saturating_mul(features).saturating_mul(bins);
        let cells = features.saturating_mul(4 * bins).saturating_mul(PARTS);
        let leaves = self.settings.boosting.trees.saturating_mul(1 << depth);
        histograms.max(cells).max(leaves).max(2)
    }

    /// Fewest parties in a sum.
    pub(super) fn quorum(&self) -> usize {
        (self.settings.quorum as usize).max(secagg::config::MIN_SURVIVORS)
    }

    /// Bytes that all sums of an undisturbed training take from one party to the coordinator, at most, without frames and the set-up of keys.
    #[must_use]
    pub fn most_bytes_up(&self) -> u64 {
        let (features, bins, boosting) = (self.features.len() as u64, u64::from(self.settings.bins), &self.settings.boosting);
        // halves of the nodes of a level are asked for, and the root
        let nodes = (1u64 << boosting.depth.saturating_sub(1)).max(1);
        let figures = 2
            + u64::from(ROUNDS) * features * 4 * bins * PARTS as u64
            + boosting.trees as u64 * (nodes * 2 * features * bins + (1 << boosting.depth));
        let spare = u64::from(usize::BITS - self.parties.len().leading_zeros());
        (figures * LIMBS as u64).saturating_mul(u64::from(super::fixed::BITS) + spare).div_ceil(8)
    }
}
