//! A score card (评分卡): points for each bin of each feature, which add up to a score.
//!
//! A logistic regression on weights of evidence has log-odds `a + sum_j b_j woe_j` of the positive class (the bad one). With `factor =
//! pdo / ln 2` and `offset = base - factor ln(odds)` the score is `offset - factor (log-odds)`: `base` points at `odds` good ones to each
//! bad one, and `pdo` points more double the odds. The intercept and the offset are divided equally among the features (Siddiqi, Credit
//! Risk Scorecards, 2006, chapter 6).
//!
//! **Rounding.** Points are whole numbers, so a score is within half a point for each feature of what the regression says.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::WoeTable;
use crate::evaluate::data;
use crate::{Error, Result};

/// What scores mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Points at the base odds.
    pub base: f64,
    /// Good ones to each bad one at the base.
    pub odds: f64,
    /// Points that double the odds.
    pub pdo: f64,
}

impl Default for Scale {
    /// 600 points at 50 to 1, 20 points double.
    fn default() -> Self {
        Self { base: 600.0, odds: 50.0, pdo: 20.0 }
    }
}

impl Scale {
    fn factor(&self) -> f64 {
        self.pdo / std::f64::consts::LN_2
    }

    fn offset(&self) -> f64 {
        (-self.factor()).mul_add(self.odds.ln(), self.base)
    }

    /// The score of log-odds of the positive class.
    #[must_use]
    pub fn score(&self, log_odds: f64) -> f64 {
        (-self.factor()).mul_add(log_odds, self.offset())
    }

    /// Probability of the positive class at a score.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        1.0 / (1.0 + ((score - self.offset()) / self.factor()).exp())
    }
}

/// Points of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Name of the column.
    pub name: String,
    /// Its bins and weights.
    pub table: WoeTable,
    /// Points of each bin.
    pub points: Vec<i64>,
}

/// Points of all features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// What scores mean.
    pub scale: Scale,
    /// One entry for each feature, in the order of the columns.
    pub features: Vec<Feature>,
}

impl Scorecard {
    /// A card of a regression on weights: a name, weights and a coefficient for each feature, and the intercept.
    ///
    /// # Errors
    /// [`Error::Caller`] for no features or a scale without meaning; [`Error::Data`] for coefficients that give no points.
    pub fn new(features: Vec<(String, WoeTable, f64)>, intercept: f64, scale: Scale) -> Result<Self> {
        let is_positive = |value: f64| value > 0.0 && value.is_finite();
        if features.is_empty() || !is_positive(scale.odds) || !is_positive(scale.pdo) || !scale.base.is_finite() {
            return Err(Error::caller("a score card has features, odds and points that double them above 0"));
        }
        let count = features.len() as f64;
        let one = |(name, table, coefficient): (String, WoeTable, f64)| {
            let share = scale.score(intercept) / count;
            let points = |woe: &f64| (-scale.factor() * coefficient).mul_add(*woe, share).round();
            let points: Vec<f64> = table.woe.iter().map(points).collect();
            // within the integers that a double has
            if points.iter().all(|points| points.abs() < f64::from(1u32 << 31)) {
                Ok(Feature { name, points: points.into_iter().map(|points| points as i64).collect(), table })
            } else {
                Err(data(&name, "its coefficient or weights give no points", "train again with a penalty"))
            }
        };
        Ok(Self { scale, features: features.into_iter().map(one).collect::<Result<_>>()? })
    }

    /// Score of a row, a value for each feature.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of values or a missing one whose feature has no bin for it.
    pub fn score(&self, row: &[f64]) -> Result<i64> {
        if row.len() != self.features.len() {
            return Err(data("row", format!("{} values for {} features", row.len(), self.features.len()), "pass all columns in order"));
        }
        let points = |(feature, value): (&Feature, &f64)| {
            let points = feature.table.binning.bin(*value).and_then(|bin| feature.points.get(bin));
            points.copied().ok_or_else(|| data(&feature.name, "a missing value has no bin", "fill it, or fit bins with missing values"))
        };
        self.features.iter().zip(row).map(points).sum()
    }

    /// The card as text, in English and Chinese.
    #[must_use]
    pub fn text(&self) -> String {
        let Scale { base, odds, pdo } = self.scale;
        let mut text = format!("Score card 评分卡: {base} points at {odds}:1, {pdo} points double the odds 分值倍增\n");
        let rows: Vec<[String; 4]> = self.features.iter().flat_map(Feature::rows).collect();
        let heads = ["feature 特征", "bin 分箱", "woe 证据权重", "points 分值"].map(String::from);
        let widths: Vec<usize> = (0..4).map(|at| rows.iter().chain([&heads]).map(|row| width(&row[at])).max().unwrap_or(0)).collect();
        for row in [&heads].into_iter().chain(&rows) {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let padding = " ".repeat(widths[at] - width(cell));
                // numbers to the right; writing to a string does not fail
                let _ = if at < 2 { write!(line, "{cell}{padding}  ") } else { write!(line, "{padding}{cell}  ") };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Feature {
    fn rows(&self) -> Vec<[String; 4]> {
        let row = |(at, (woe, points)): (usize, (&f64, &i64))| {
            let name = if at == 0 { self.name.clone() } else { String::new() };
            [name, self.table.binning.label(at), format!("{woe:.4}"), points.to_string()]
        };
        self.table.woe.iter().zip(&self.points).enumerate().map(row).collect()
    }
}

/// Columns of a terminal: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{2e80}'..='\u{ffef}').contains(&c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Grid;
    use crate::feature::Binning;

    fn card() -> (Scorecard, [f64; 2], f64) {
        let table =
            |edge: f64, woe: [f64; 2]| WoeTable { binning: Binning::new(Grid::new(vec![edge]).unwrap()), woe: woe.to_vec(), iv: 0.3 };
        let (coefficients, intercept) = ([0.9, 1.1], -1.25);
        let features = vec![
            ("age".to_owned(), table(30.0, [0.5, -0.4]), coefficients[0]),
            ("income".to_owned(), table(5000.0, [0.8, -0.6]), coefficients[1]),
        ];
        (Scorecard::new(features, intercept, Scale::default()).unwrap(), coefficients, intercept)
    }

    #[test]
    fn points_add_up_to_the_regression() {
        let (card, [a, b], intercept) = card();
        for (row, woe) in [([20.0, 1000.0], [0.5, 0.8]), ([40.0, 9000.0], [-0.4, -0.6]), ([20.0, 9000.0], [0.5, -0.6])] {
            let log_odds = a.mul_add(woe[0], b.mul_add(woe[1], intercept));
            let exact = card.scale.score(log_odds);
            let score = card.score(&row).unwrap() as f64;
            assert!((score - exact).abs() <= 1.0, "{score} {exact}");
            assert!((card.scale.probability(exact) - 1.0 / (1.0 + (-log_odds).exp())).abs() < 1e-12);
        }
        // 50 to 1 at 600, 100 to 1 at 620
        assert!((card.scale.score(-(50f64.ln())) - 600.0).abs() < 1e-9 && (card.scale.score(-(100f64.ln())) - 620.0).abs() < 1e-9);
        assert!(card.score(&[1.0]).is_err() && card.score(&[f64::NAN, 1.0]).is_err());
        assert!(Scorecard::new(Vec::new(), 0.0, Scale::default()).is_err());
    }

    #[test]
    fn the_text_has_a_line_for_each_bin() {
        let text = card().0.text();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains("income") && text.contains(">= 5000") && text.contains("评分卡"), "{text}");
    }
}
