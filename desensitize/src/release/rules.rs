//! Rules of primary suppression (初级隐藏): which cells may not be printed on their own account, and what must stay open about them.

use serde::{Deserialize, Serialize};

use super::refuse;
use crate::error::{Result, Text};

/// What happens to cells in which nobody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zeros {
    /// Hidden like small cells: that nobody of a group has a property says something about each of its members.
    #[default]
    Hide,
    /// Printed, and never hidden to protect others: for groups that cannot exist. The attacker then knows that no hidden
    /// count is zero.
    Publish,
}

/// The dominance rule (支配规则): a sum is sensitive if its largest `n` contributors make up more than `percent` of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dominance {
    /// How many contributors are added up, 1 to 16.
    pub n: usize,
    /// Their greatest permitted part, in percent.
    pub percent: f64,
}

/// The rules; a value of the profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Fewest contributors behind a printed number (最小频数).
    pub min_frequency: u64,
    /// Each of them must hold for every sum.
    pub dominance: Vec<Dominance>,
    /// The p% rule: the second largest contributor cannot estimate the largest to within so many percent.
    pub p_percent: Option<f64>,
    /// Cells without anybody.
    pub zeros: Zeros,
    /// How far, in percent of its value, a sum that is hidden for its frequency must stay open on either side.
    pub range_percent: f64,
}

impl Default for Rules {
    /// 10 contributors; one with 50 % or two with 70 % dominate; p = 15; empty cells hidden; range 20 %.
    fn default() -> Self {
        Self {
            min_frequency: 10,
            dominance: vec![Dominance { n: 1, percent: 50.0 }, Dominance { n: 2, percent: 70.0 }],
            p_percent: Some(15.0),
            zeros: Zeros::Hide,
            range_percent: 20.0,
        }
    }
}

impl Rules {
    /// Frequency alone, for tables of counts.
    #[must_use]
    pub fn frequency(least: u64, zeros: Zeros) -> Self {
        Self { min_frequency: least, dominance: Vec::new(), p_percent: None, zeros, range_percent: 20.0 }
    }

    /// # Errors
    /// `release.rules` if a bound makes no sense.
    pub fn check(&self) -> Result<()> {
        let is_share = |v: f64| v > 0.0 && v <= 100.0;
        let dominance = self.dominance.iter().all(|d| (1..=16).contains(&d.n) && is_share(d.percent));
        let percents = self.p_percent.is_none_or(is_share) && is_share(self.range_percent);
        if (1..=1 << 32).contains(&self.min_frequency) && dominance && percents {
            return Ok(());
        }
        Err(refuse(
            "release.rules",
            Text::new("a disclosure rule has a bound that makes no sense", "披露控制规则中有无意义的界限"),
            Text::new("", ""),
            Text::new(
                "frequency from 1, 1 to 16 dominant contributors, percentages above 0 up to 100",
                "频数不小于 1，支配者 1 至 16 个，百分比大于 0 且不超过 100",
            ),
        ))
    }

    /// How many of the largest contributions the rules look at.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.dominance.iter().map(|d| d.n).max().unwrap_or(0).max(2)
    }

    /// What the attacker knows a hidden count to be at least.
    pub(crate) fn floor(&self) -> f64 {
        if self.zeros == Zeros::Publish { 1.0 } else { 0.0 }
    }
}

/// A sum and its largest parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magnitude {
    /// The sum.
    pub total: f64,
    /// The largest contributions, descending, at least as many as [`Rules::largest`] where there are so many.
    pub largest: Vec<f64>,
}

/// Why a cell is sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nobody is in it.
    Empty,
    /// Fewer contributors than the minimum.
    Frequency,
    /// A few contributors make up most of it.
    Dominance,
    /// The second largest contributor can estimate the largest.
    PPercent,
}

impl Reason {
    /// As a sentence.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::Empty => Text::new(
                "nobody is in the cell, which says something about everybody of the group",
                "单元格为空，等于透露该组每个人的情况",
            ),
            Self::Frequency => Text::new("fewer contributors than the minimum frequency", "贡献者数低于最小频数"),
            Self::Dominance => Text::new("a few contributors make up most of the sum", "少数贡献者占总和的大部分（支配规则）"),
            Self::PPercent => {
                Text::new("the second largest contributor can estimate the largest", "第二大贡献者可推算最大贡献者的值（p% 规则）")
            }
        }
    }
}

/// Why a number of `contributors` persons is sensitive; nothing if it is not.
///
/// # Errors
/// `release.unclear` if the parts of the sum are negative, not finite, out of order, too few, or more than the sum.
pub fn reasons(contributors: u64, magnitude: Option<&Magnitude>, rules: &Rules) -> Result<Vec<Reason>> {
    let mut found = Vec::new();
    match contributors {
        0 if rules.zeros == Zeros::Hide => found.push(Reason::Empty),
        n if n > 0 && n < rules.min_frequency => found.push(Reason::Frequency),
        _ => {}
    }
    let Some(m) = magnitude else { return Ok(found) };
    let is_ordered = m.largest.windows(2).all(|pair| matches!(pair, [a, b] if a >= b));
    let are_parts = m.largest.iter().all(|v| v.is_finite() && *v >= 0.0);
    let expected = usize::try_from(contributors).unwrap_or(usize::MAX).min(rules.largest());
    let is_whole = m.largest.len() >= expected && top(m, usize::MAX) <= m.total + 1e-9 * m.total.abs();
    if !(m.total.is_finite() && m.total >= 0.0 && is_ordered && are_parts && is_whole) {
        return Err(refuse(
            "release.unclear",
            Text::new("a sum and its parts contradict each other, so the rules cannot be evaluated", "总和与其分量相互矛盾，规则无法评估"),
            Text::new("", ""),
            Text::new("give finite parts that are not negative, the largest first", "请提供有限且非负的分量，按从大到小排列"),
        ));
    }
    if m.total > 0.0 && rules.dominance.iter().any(|d| top(m, d.n) * 100.0 > m.total * d.percent) {
        found.push(Reason::Dominance);
    }
    if rules.p_percent.is_some_and(|p| m.total > 0.0 && m.total - top(m, 2) < p / 100.0 * top(m, 1)) {
        found.push(Reason::PPercent);
    }
    Ok(found)
}

fn top(m: &Magnitude, n: usize) -> f64 {
    m.largest.iter().take(n).sum()
}

/// Protection level: how far from the true value the attacker's interval must reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Above it.
    pub up: f64,
    /// Below it.
    pub down: f64,
}

impl Need {
    /// For each side the greater of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { up: self.up.max(other.up), down: self.down.max(other.down) }
    }
}

/// A hidden count must look as if it might reach the minimum frequency, and never be certain.
#[must_use]
pub fn need_of_count(count: u64, rules: &Rules) -> Need {
    Need { up: rules.min_frequency.saturating_sub(count).max(1) as f64, down: 0.0 }
}

/// Protection levels of sums (Hundepool et al., *Statistical Disclosure Control*, 2012, table 4.3): `100/k top_n - X` for
/// dominance, `p/100 x1 - (X - x1 - x2)` for p%, a share of the value for frequency; upwards and downwards.
#[must_use]
pub fn need_of_magnitude(m: &Magnitude, reasons: &[Reason], rules: &Rules) -> Need {
    let dominance = rules.dominance.iter().map(|d| 100.0 / d.percent * top(m, d.n) - m.total).fold(0.0, f64::max);
    let percent = rules.p_percent.map_or(0.0, |p| p / 100.0 * top(m, 1) - (m.total - top(m, 2)));
    let is_few = reasons.iter().any(|r| matches!(r, Reason::Frequency | Reason::Empty));
    let range = if is_few { m.total * rules.range_percent / 100.0 } else { 0.0 };
    let off = dominance.max(percent).max(range);
    // a hidden zero must not be certain to be one
    let up = if off > 0.0 { off } else { 1.0 };
    Need { up, down: off.clamp(0.0, m.total.max(0.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(parts: &[f64]) -> Magnitude {
        Magnitude { total: parts.iter().sum(), largest: parts.to_vec() }
    }

    /// 50 + 30 + 11 + 9 = 100; the rest beside the two largest is 20 = 40 % of the largest.
    #[test]
    fn rules_by_hand() {
        let m = sum(&[50.0, 30.0, 11.0, 9.0]);
        let with = |dominance: Vec<Dominance>, p_percent| Rules { min_frequency: 3, dominance, p_percent, ..Rules::default() };
        let found = |rules: &Rules| reasons(4, Some(&m), rules).unwrap();
        assert_eq!(found(&with(vec![Dominance { n: 2, percent: 80.0 }], None)), []);
        assert_eq!(found(&with(vec![Dominance { n: 2, percent: 79.0 }], None)), [Reason::Dominance]);
        assert_eq!(found(&with(vec![], Some(40.0))), []);
        assert_eq!(found(&with(vec![], Some(41.0))), [Reason::PPercent]);
        assert_eq!(need_of_magnitude(&m, &[Reason::PPercent], &with(vec![], Some(60.0))), Need { up: 10.0, down: 10.0 });
        assert_eq!(need_of_magnitude(&m, &[Reason::Dominance], &with(vec![Dominance { n: 2, percent: 64.0 }], None)).up, 25.0);
        assert_eq!(need_of_count(3, &with(vec![], None)).up, 1.0);
        assert_eq!(need_of_count(0, &Rules::default()).up, 10.0);
    }

    #[test]
    fn frequency_and_what_cannot_be_evaluated() {
        let hide = Rules::frequency(3, Zeros::Hide);
        let of = |n, rules: &Rules| reasons(n, None, rules).unwrap();
        assert_eq!((of(0, &hide), of(2, &hide), of(3, &hide)), (vec![Reason::Empty], vec![Reason::Frequency], vec![]));
        assert_eq!(of(0, &Rules::frequency(3, Zeros::Publish)), []);
        for total in [f64::NAN, f64::INFINITY, -1.0, 1.0] {
            let broken = Magnitude { total, ..sum(&[5.0, 4.0]) };
            assert_eq!(reasons(2, Some(&broken), &Rules::default()).unwrap_err().code(), "release.unclear");
        }
        for parts in [&[5.0, f64::NAN][..], &[4.0, 5.0], &[5.0, -1.0], &[5.0]] {
            let broken = Magnitude { total: 20.0, largest: parts.to_vec() };
            assert!(reasons(4, Some(&broken), &Rules::default()).is_err(), "{parts:?}");
        }
        assert!(Rules { min_frequency: 0, ..Rules::default() }.check().is_err());
        assert!(Rules { p_percent: Some(f64::NAN), ..Rules::default() }.check().is_err());
        assert!(Rules::default().check().is_ok());
    }
}
