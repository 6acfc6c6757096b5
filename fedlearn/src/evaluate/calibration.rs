//! Whether probabilities mean what they say (概率校准).

use serde::Serialize;

use super::{Grid, check_pairs, data};
use crate::Result;

/// What was predicted and what came, in one bucket of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Rows.
    pub rows: u64,
    /// Mean prediction; 0 without rows.
    pub predicted: f64,
    /// Share of positives; 0 without rows.
    pub observed: f64,
}

/// Predictions beside outcomes, bucket by bucket.
///
/// # Errors
/// [`crate::Error::Data`] for lengths that differ, labels but 0 and 1, predictions that are not from 0 to 1.
pub fn reliability(grid: &Grid, predictions: &[f64], labels: &[u8]) -> Result<Vec<Reliability>> {
    check(predictions, labels)?;
    let mut sums = vec![(0u64, 0.0, 0u64); grid.buckets()];
    for (prediction, label) in predictions.iter().zip(labels) {
        let (rows, predicted, positives) = &mut sums[grid.bucket(*prediction)];
        *rows += 1;
        *predicted += prediction;
        *positives += u64::from(*label);
    }
    let mean = |(rows, predicted, positives): (u64, f64, u64)| {
        let divisor = rows.max(1) as f64;
        Reliability { rows, predicted: predicted / divisor, observed: positives as f64 / divisor }
    };
    Ok(sums.into_iter().map(mean).collect())
}

/// Expected calibration error: mean distance of prediction and outcome over the buckets, weighted by their rows (Naeini et al., AAAI 2015).
#[must_use]
pub fn expected_calibration_error(bins: &[Reliability]) -> f64 {
    let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
    bins.iter().map(|bin| bin.rows as f64 * (bin.predicted - bin.observed).abs()).sum::<f64>() / rows.max(1) as f64
}

/// Brier score: mean square of prediction minus label.
///
/// # Errors
/// As [`reliability`].
pub fn brier(predictions: &[f64], labels: &[u8]) -> Result<f64> {
    check(predictions, labels)?;
    Ok(mean(predictions, labels, |prediction, label| (prediction - label).powi(2)))
}

/// Mean log loss in nats; predictions are cut to `1e-15` from 0 and 1.
///
/// # Errors
/// As [`reliability`].
pub fn log_loss(predictions: &[f64], labels: &[u8]) -> Result<f64> {
    check(predictions, labels)?;
    let loss = |prediction: f64, label: f64| {
        let prediction = prediction.clamp(1e-15, 1.0 - 1e-15);
        -(if label == 1.0 { prediction } else { 1.0 - prediction }).ln()
    };
    Ok(mean(predictions, labels, loss))
}

fn mean(predictions: &[f64], labels: &[u8], of: impl Fn(f64, f64) -> f64) -> f64 {
    let sum: f64 = predictions.iter().zip(labels).map(|(prediction, label)| of(*prediction, f64::from(*label))).sum();
    sum / predictions.len() as f64
}

fn check(predictions: &[f64], labels: &[u8]) -> Result<()> {
    check_pairs(predictions, labels)?;
    match predictions.iter().position(|prediction| !(0.0..=1.0).contains(prediction)) {
        Some(row) => Err(data("predictions", format!("row {row} is no probability"), "pass probabilities from 0 to 1")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let (predictions, labels) = ([0.1, 0.2, 0.8, 0.9], [0, 1, 1, 1]);
        assert!((brier(&predictions, &labels).unwrap() - (0.01 + 0.64 + 0.04 + 0.01) / 4.0).abs() < 1e-15);
        let loss = -(0.9f64.ln() + 0.2f64.ln() + 0.8f64.ln() + 0.9f64.ln()) / 4.0;
        assert!((log_loss(&predictions, &labels).unwrap() - loss).abs() < 1e-15);
        let bins = reliability(&Grid::unit(1).unwrap(), &predictions, &labels).unwrap();
        assert_eq!((bins[0].rows, bins[1].rows, bins[0].observed, bins[1].observed), (2, 2, 0.5, 1.0));
        assert!((expected_calibration_error(&bins) - (0.35 + 0.15) / 2.0).abs() < 1e-12);
        assert!(brier(&[1.5], &[1]).is_err());
    }
}
