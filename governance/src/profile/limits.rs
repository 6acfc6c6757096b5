//! Values of several parts: product kinds and leakage limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::choice::ProductKind;
use super::value::{Allows, Value};
use crate::canonical::u64_string;
use crate::policy::Floors;
use crate::text::Text;

/// Which kinds of products there are (O1). What a text's open list ("etc.", 等) leaves undecided is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductKinds {
    /// Possible.
    pub allowed: BTreeSet<ProductKind>,
    /// Neither named nor excluded: off until the authority decides.
    pub undecided: BTreeSet<ProductKind>,
}

impl Value for ProductKinds {
    fn words(&self) -> Text {
        let allowed = Allows(self.allowed.clone()).words();
        if self.undecided.is_empty() {
            return allowed;
        }
        let undecided = Allows(self.undecided.clone()).words();
        Text::new(
            format!("{}; undecided and off: {}", allowed.en, undecided.en),
            format!("{}；未定、暂不开放：{}", allowed.zh, undecided.zh),
        )
    }
    fn is_within(&self, other: &Self) -> bool {
        self.allowed.is_subset(&other.allowed)
    }
    fn is_void(&self) -> bool {
        self.allowed.is_empty() || !self.allowed.is_disjoint(&self.undecided)
    }
}

/// Limits on what a result may give away. None of the texts has a number (section 10.10): the defaults are ours, careful, and
/// experts may set tighter ones. Each part has its own order, see the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Fewest rows of an input; more is tighter.
    #[serde(with = "u64_string")]
    pub min_rows: u64,
    /// Fewest people behind a published number; more is tighter.
    #[serde(with = "u64_string")]
    pub min_cell: u64,
    /// Greatest ratio between the sizes of two inputs; fewer is tighter.
    #[serde(with = "u64_string")]
    pub max_ratio: u64,
    /// Most runs a day over one pair of inputs; fewer is tighter.
    #[serde(with = "u64_string")]
    pub runs_per_day: u64,
    /// Greatest privacy loss of one release in thousandths of epsilon; fewer is tighter.
    #[serde(with = "u64_string")]
    pub milli_epsilon: u64,
    /// Greatest advantage of an attack on a released model over guessing, in thousandths; fewer is tighter.
    #[serde(with = "u64_string")]
    pub attack_advantage: u64,
}

impl Value for Leakage {
    fn words(&self) -> Text {
        let Self { min_rows, min_cell, max_ratio, runs_per_day, milli_epsilon, attack_advantage } = self;
        Text::new(
            format!(
                "at least {min_rows} rows, {min_cell} people behind a number, ratio of sizes at most {max_ratio}, {runs_per_day} runs a day, \
                 epsilon at most {milli_epsilon}/1000 a release, advantage of an attack at most {attack_advantage}/1000"
            ),
            format!(
                "至少{min_rows}行，每个公布数值至少涉及{min_cell}人，规模之比不超过{max_ratio}，每日至多{runs_per_day}次，\
                 每次发布的 ε 不超过{milli_epsilon}/1000，攻击优势不超过{attack_advantage}/1000"
            ),
        )
    }
    fn is_within(&self, other: &Self) -> bool {
        self.min_rows >= other.min_rows
            && self.min_cell >= other.min_cell
            && self.max_ratio <= other.max_ratio
            && self.runs_per_day <= other.runs_per_day
            && self.milli_epsilon <= other.milli_epsilon
            && self.attack_advantage <= other.attack_advantage
    }
    fn is_void(&self) -> bool {
        [self.min_rows, self.min_cell, self.max_ratio, self.runs_per_day].contains(&0)
    }
}

impl Leakage {
    /// The numbers as the policy reads them, with the longest term in years.
    #[must_use]
    pub fn floors(&self, max_term_years: u32) -> Floors {
        Floors {
            min_rows: self.min_rows,
            min_cell: self.min_cell,
            max_ratio: self.max_ratio,
            runs_per_day: self.runs_per_day,
            max_term_years: i32::try_from(max_term_years).unwrap_or(i32::MAX),
        }
    }
}
