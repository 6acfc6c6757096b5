//! Errors of numbers that were predicted.

use serde::Serialize;

use super::{check_numbers, data};
use crate::Result;

/// How far predictions are from what came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Regression {
    /// Root of the mean square error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean of prediction minus target.
    pub bias: f64,
    /// Share of the variance that is explained; 0 if the targets are all equal.
    pub r_squared: f64,
}

/// Errors of predictions.
///
/// # Errors
/// [`crate::Error::Data`] for lengths that differ, no rows or what is no number.
pub fn regression(predictions: &[f64], targets: &[f64]) -> Result<Regression> {
    check(predictions, targets)?;
    let n = targets.len() as f64;
    let mean = targets.iter().sum::<f64>() / n;
    let sum = |of: &dyn Fn(f64) -> f64| predictions.iter().zip(targets).map(|(prediction, target)| of(prediction - target)).sum::<f64>();
    let squares = sum(&|error| error * error);
    let spread: f64 = targets.iter().map(|target| (target - mean).powi(2)).sum();
    let r_squared = if spread == 0.0 { 0.0 } else { 1.0 - squares / spread };
    Ok(Regression { rmse: (squares / n).sqrt(), mae: sum(&f64::abs) / n, bias: sum(&|error| error) / n, r_squared })
}

/// Mean Poisson deviance `2/n sum (y ln(y / mu) - y + mu)`.
///
/// # Errors
/// As [`regression`]; for targets below 0 and means that are not above 0.
pub fn poisson_deviance(means: &[f64], targets: &[f64]) -> Result<f64> {
    check(means, targets)?;
    if targets.iter().any(|target| *target < 0.0) || means.iter().any(|mean| *mean <= 0.0) {
        return Err(data("Poisson deviance", "a target below 0 or a mean that is not above 0", "pass counts and their predicted means"));
    }
    let sum: f64 = means.iter().zip(targets).map(|(mean, target)| poisson_term(*target) - target * mean.ln() + mean).sum();
    Ok(2.0 * sum / targets.len() as f64)
}

/// `y ln y - y`, 0 for 0: the part of the deviance that the owner of a target knows, as
/// [`crate::evaluate::shares::poisson_deviance`] takes it.
#[must_use]
pub fn poisson_term(target: f64) -> f64 {
    if target > 0.0 { target.mul_add(target.ln(), -target) } else { 0.0 }
}

fn check(predictions: &[f64], targets: &[f64]) -> Result<()> {
    if predictions.len() != targets.len() || targets.is_empty() {
        let problem = format!("{} predictions and {} targets", predictions.len(), targets.len());
        return Err(data("evaluation", problem, "pass one prediction for each target, and at least one"));
    }
    check_numbers("predictions", predictions)?;
    check_numbers("targets", targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9.1: `mean_poisson_deviance([2, 0, 1, 4], [0.5, 0.5, 2., 2.])` is 1.4260...
    #[test]
    fn known_values() {
        let errors = regression(&[1.0, 2.0, 4.0], &[1.0, 4.0, 1.0]).unwrap();
        assert!((errors.rmse - (13.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((errors.mae - 5.0 / 3.0).abs() < 1e-15 && (errors.bias - 1.0 / 3.0).abs() < 1e-15);
        assert!((errors.r_squared - (1.0 - 13.0 / 6.0)).abs() < 1e-15);
        let deviance = poisson_deviance(&[0.5, 0.5, 2.0, 2.0], &[2.0, 0.0, 1.0, 4.0]).unwrap();
        let by_hand = 2.0 * ((2.0 * 4f64.ln() - 1.5) + 0.5 + (0.5f64.ln() + 1.0) + (4.0 * 2f64.ln() - 2.0)) / 4.0;
        assert!((deviance - by_hand).abs() < 1e-14, "{deviance}");
        assert!(poisson_deviance(&[0.0], &[1.0]).is_err() && regression(&[], &[]).is_err());
    }
}
