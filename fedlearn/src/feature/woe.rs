//! Weights of evidence and information value (证据权重, 信息价值).
//!
//! `woe_b = ln(p_b / n_b)` of the smoothed shares of all positives and negatives that lie in bin `b`, `iv = sum_b (p_b - n_b) woe_b`. A
//! weight above 0 speaks for the positive class.
//!
//! **Least number of rows.** A weight of a bin with few rows of a class tells about these rows, and both counts follow from the weight,
//! the smoothing and the totals. So a bin with fewer than [`Rule::least`] positives or negatives is joined with its neighbour, or the
//! feature is refused.

pub mod shares;

use serde::{Deserialize, Serialize};

use super::bins::{Binning, join_small};
use crate::evaluate::stability::{Divergence, Smoothing};
use crate::evaluate::{ClassCounts, data};
use crate::{Error, Result};

/// What to do with bins that are too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Small {
    /// Join them with their neighbours. On shares all parties learn which bins were too small.
    Join,
    /// Refuse the feature. On shares all parties learn that some bin was too small.
    Refuse,
}

/// How weights are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Rows added to each count.
    pub smoothing: Smoothing,
    /// Rows of each class that a bin has at least.
    pub least: u64,
    /// What happens to bins with fewer.
    pub small: Small,
}

impl Default for Rule {
    /// Half a row, at least 5 rows of each class, join.
    fn default() -> Self {
        Self { smoothing: Smoothing::HALF, least: 5, small: Small::Join }
    }
}

/// Weights of the bins of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WoeTable {
    /// The bins, after small ones were joined.
    pub binning: Binning,
    /// Weight of each bin.
    pub woe: Vec<f64>,
    /// Information value.
    pub iv: f64,
}

impl WoeTable {
    /// Weights of a column whose owner has the labels too.
    ///
    /// # Errors
    /// As [`Binning::count`]; [`Error::Unsafe`] if the rule cannot be kept.
    pub fn fit(binning: Binning, values: &[f64], labels: &[u8], rule: Rule) -> Result<Self> {
        let counts = binning.count(values, labels)?;
        counts.both()?;
        Self::of(binning, counts, rule)
    }

    /// Weights from counts, joined or refused as the rule says.
    ///
    /// # Errors
    /// [`Error::Unsafe`] if the rule cannot be kept; [`Error::Caller`] for counts of other bins.
    pub fn of(mut binning: Binning, mut counts: ClassCounts, rule: Rule) -> Result<Self> {
        loop {
            let is_small = |(p, n): (&u64, &u64)| *p < rule.least || *n < rule.least;
            let small: Vec<bool> = counts.positives().iter().zip(counts.negatives()).map(is_small).collect();
            let Some(parts) = rule.parts(&small)? else { break };
            binning = binning.joined(&parts)?;
            counts = counts.joined(&parts)?;
        }
        let Divergence { logarithms, total } = Divergence::of(counts.positives(), counts.negatives(), rule.smoothing)?;
        Self::opened(binning, logarithms, total)
    }

    /// Weights that were computed on shares.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of weights than bins.
    pub fn opened(binning: Binning, woe: Vec<f64>, iv: f64) -> Result<Self> {
        if woe.len() == binning.bins() {
            Ok(Self { binning, woe, iv })
        } else {
            Err(Error::caller(format!("`{}` weights for `{}` bins", woe.len(), binning.bins())))
        }
    }

    /// The column as weights.
    ///
    /// # Errors
    /// As [`Binning::codes`].
    pub fn transform(&self, values: &[f64]) -> Result<Vec<f64>> {
        let weight = |code: usize| self.woe.get(code).copied();
        let weights: Option<Vec<f64>> = self.binning.codes(values)?.into_iter().map(weight).collect();
        weights.ok_or_else(|| data("weights of evidence", "fewer weights than bins", "fit them again"))
    }
}

impl Rule {
    /// Which bins to join, or none.
    fn parts(&self, small: &[bool]) -> Result<Option<Vec<std::ops::Range<usize>>>> {
        if !small.contains(&true) {
            return Ok(None);
        }
        if self.small == Small::Refuse || small.len() == 1 {
            return Err(Error::Unsafe {
                setting: "weights of evidence".into(),
                reason: format!("a bin has fewer than {} rows of a class, and its weight tells how many", self.least),
                remedy: "take fewer bins, let small ones be joined, or leave the feature out".into(),
            });
        }
        Ok(Some(join_small(small)))
    }
}

/// What an information value means, by the usual thresholds (Siddiqi, Credit Risk Scorecards, 2006): English and Chinese.
#[must_use]
pub fn strength(iv: f64) -> [&'static str; 2] {
    match iv {
        iv if iv < 0.02 => ["none", "无预测力"],
        iv if iv < 0.1 => ["weak", "弱"],
        iv if iv < 0.3 => ["medium", "中"],
        iv if iv < 0.5 => ["strong", "强"],
        _ => ["suspiciously strong: does the column know the label?", "过强，疑似标签泄露"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Grid;

    #[test]
    fn weights_by_hand() {
        let binning = Binning::new(Grid::new(vec![0.5]).unwrap()).with_missing();
        let values = [[0.0; 40], [1.0; 40], [f64::NAN; 40]].concat();
        let labels: Vec<u8> = (0..120).map(|row| u8::from(row % 40 < [10, 30, 20][row / 40])).collect();
        let rule = Rule { smoothing: Smoothing::rows(1.0 / 256.0).unwrap(), ..Rule::default() };
        let table = WoeTable::fit(binning.clone(), &values, &labels, rule).unwrap();
        assert!((table.woe[0] - (10f64 / 30.0).ln()).abs() < 1e-3 && (table.woe[1] + table.woe[0]).abs() < 1e-3);
        assert!(table.woe[2].abs() < 1e-9 && (table.iv - 2.0 / 3.0 * 3f64.ln()).abs() < 1e-3, "{table:?}");
        assert_eq!(table.transform(&[f64::NAN, 0.2]).unwrap(), [table.woe[2], table.woe[0]]);
        // too small: joined, or refused
        let joined = WoeTable::fit(binning.clone(), &values, &labels, Rule { least: 11, ..rule }).unwrap();
        assert_eq!((joined.woe.len(), joined.binning.grid().edges().len()), (2, 0));
        let refused = WoeTable::fit(binning, &values, &labels, Rule { least: 11, small: Small::Refuse, ..rule });
        assert!(matches!(refused, Err(Error::Unsafe { .. })));
        assert_eq!(strength(0.2)[0], "medium");
    }
}
