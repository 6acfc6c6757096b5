//! Population stability index (人群稳定性指标): how far a distribution has moved.
//!
//! `sum_b (a_b - e_b) ln(a_b / e_b)` over the shares of expected and actual rows in the buckets of one grid: the symmetric divergence of
//! Jeffreys. The information value of a feature is the same sum between the two classes, so one function serves both, here and on shares.

use serde::Serialize;

use super::data;
use crate::{Error, Result};

/// What an index means, by the thresholds that credit risk uses: 0.1 and 0.25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Below 0.1.
    Stable,
    /// From 0.1 to 0.25.
    Shifting,
    /// Above 0.25.
    Changed,
}

impl Movement {
    /// The meaning of an index.
    #[must_use]
    pub fn of(index: f64) -> Self {
        if index < 0.1 {
            Self::Stable
        } else if index <= 0.25 {
            Self::Shifting
        } else {
            Self::Changed
        }
    }

    /// In English and in Chinese.
    #[must_use]
    pub const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Stable => ["stable", "稳定"],
            Self::Shifting => ["shifting: look for the cause", "有偏移，需查明原因"],
            Self::Changed => ["changed: do not use the model without a review", "显著变化，复核前不宜继续使用"],
        }
    }
}

/// What is added to every count before shares are taken, in units of 1/256 row, so that an empty bucket has a logarithm: the same number
/// in the clear and on shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smoothing(u32);

impl Smoothing {
    /// Half a row.
    pub const HALF: Self = Self(128);

    /// So many rows, rounded to 1/256.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1/256 <= rows <= 1024`.
    pub fn rows(rows: f64) -> Result<Self> {
        let units = (rows * 256.0).round();
        if (1.0..=262_144.0).contains(&units) {
            Ok(Self(units as u32))
        } else {
            Err(Error::caller(format!("smoothing by `{rows}` rows, expected 1/256 to 1024")))
        }
    }

    /// Units of 1/256 row.
    pub(crate) const fn units(self) -> u64 {
        self.0 as u64
    }
}

/// `ln(p_b / n_b)` for each bucket, and `sum (p_b - n_b) ln(p_b / n_b)`, of smoothed shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// One for each bucket.
    pub logarithms: Vec<f64>,
    /// The sum.
    pub total: f64,
}

impl Divergence {
    /// Of two histograms on one grid.
    ///
    /// # Errors
    /// [`Error::Data`] for different lengths or no buckets.
    pub fn of(left: &[u64], right: &[u64], smoothing: Smoothing) -> Result<Self> {
        if left.len() != right.len() || left.is_empty() {
            let problem = format!("{} and {} buckets", left.len(), right.len());
            return Err(data("histograms", problem, "count both on the same grid"));
        }
        let shares = |counts: &[u64]| -> Vec<f64> {
            let counts: Vec<f64> = counts.iter().map(|count| *count as f64 + f64::from(smoothing.0) / 256.0).collect();
            let all: f64 = counts.iter().sum();
            counts.into_iter().map(|count| count / all).collect()
        };
        let (p, n) = (shares(left), shares(right));
        let logarithms: Vec<f64> = p.iter().zip(&n).map(|(p, n)| (p / n).ln()).collect();
        let total = p.iter().zip(&n).zip(&logarithms).map(|((p, n), log)| (p - n) * log).sum();
        Ok(Self { logarithms, total })
    }
}

/// The index of two histograms on one grid, counts smoothed by half a row.
///
/// # Errors
/// As [`Divergence::of`].
pub fn stability_index(expected: &[u64], actual: &[u64]) -> Result<f64> {
    Ok(Divergence::of(actual, expected, Smoothing::HALF)?.total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_distributions_have_index_zero() {
        assert_eq!(stability_index(&[10, 20, 30], &[10, 20, 30]).unwrap(), 0.0);
        let moved = stability_index(&[1000, 2000, 3000], &[2000, 2000, 2000]).unwrap();
        let by_hand = (1f64 / 3.0 - 1.0 / 6.0) * 2f64.ln() + (1f64 / 3.0 - 0.5) * (2f64 / 3.0).ln();
        assert!((moved - by_hand).abs() < 1e-3, "{moved} {by_hand}");
        assert_eq!(Movement::of(moved), Movement::Shifting);
        assert_eq!((Movement::of(0.05), Movement::of(0.3)), (Movement::Stable, Movement::Changed));
        assert!(stability_index(&[1], &[1, 2]).is_err());
        assert!(stability_index(&[5, 0], &[0, 5]).unwrap().is_finite());
        assert!(Smoothing::rows(0.0).is_err() && Smoothing::rows(0.5).unwrap() == Smoothing::HALF);
    }
}
