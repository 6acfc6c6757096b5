//! What the outputs of the last layer mean: loss, its derivative, scores.

use ndarray::{Array2, ArrayViewMut1};

use crate::{Error, Result};

/// Canonical link and loss: the derivative of the loss by the output is score minus target for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Identity; half the squared error.
    Squared,
    /// Sigmoid; cross entropy of classes 0 and 1.
    Logistic,
    /// Softmax; cross entropy of so many classes.
    Softmax(usize),
    /// Exponential; negative Poisson log-likelihood without its constant, `e^z - y z`.
    Poisson,
}

impl Head {
    /// Width of the last layer.
    #[must_use]
    pub const fn outputs(self) -> usize {
        match self {
            Self::Softmax(classes) => classes,
            Self::Squared | Self::Logistic | Self::Poisson => 1,
        }
    }

    /// Whether targets are classes.
    #[must_use]
    pub const fn is_classes(self) -> bool {
        matches!(self, Self::Logistic | Self::Softmax(_))
    }

    /// Whether targets are what the loss takes. The error names the row, not its value.
    pub(super) fn check(self, y: &[f64]) -> Result<()> {
        let (fits, wanted): (Box<dyn Fn(f64) -> bool>, String) = match self {
            Self::Squared => (Box::new(f64::is_finite), "a finite number".into()),
            Self::Logistic => (Box::new(|y| y == 0.0 || y == 1.0), "0 or 1".into()),
            Self::Softmax(classes) => (
                Box::new(move |y| y >= 0.0 && y < classes as f64 && y.fract() == 0.0),
                format!("a class from 0 to {}", classes.saturating_sub(1)),
            ),
            Self::Poisson => (Box::new(|y| y >= 0.0 && y.is_finite()), "a count, at least 0".into()),
        };
        y.iter().position(|value| !fits(*value)).map_or(Ok(()), |row| {
            Err(Error::Data {
                what: format!("target of row {row}"),
                problem: format!("it is not {wanted}"),
                remedy: "code the target column, or choose another model".into(),
            })
        })
    }

    /// Outputs into scores, in place.
    pub(super) fn scores(self, z: &mut Array2<f64>) {
        match self {
            Self::Squared => {}
            Self::Logistic => z.mapv_inplace(sigmoid),
            Self::Poisson => z.mapv_inplace(f64::exp),
            Self::Softmax(_) => z.rows_mut().into_iter().for_each(|row| {
                softmax(row);
            }),
        }
    }

    /// Outputs into derivatives of the rows' losses, in place; gives the sum of the losses. Targets have been checked.
    pub(super) fn residuals(self, z: &mut Array2<f64>, y: &[f64]) -> f64 {
        let mut total = 0.0;
        for (mut row, &y) in z.rows_mut().into_iter().zip(y) {
            if let Self::Softmax(_) = self {
                let label = y as usize;
                let before = row[label];
                let log_sum = softmax(row.view_mut());
                total += log_sum - before;
                row[label] -= 1.0;
            } else {
                let z = &mut row[0];
                let score = match self {
                    Self::Squared => *z,
                    Self::Logistic => sigmoid(*z),
                    _ => z.exp(),
                };
                total += match self {
                    Self::Squared => 0.5 * (*z - y) * (*z - y),
                    // ln(1 + e^z) - y z
                    Self::Logistic => z.max(0.0) + (-z.abs()).exp().ln_1p() - y * *z,
                    _ => score - y * *z,
                };
                *z = score - y;
            }
        }
        total
    }

    /// Whether the scores of a row point at its class.
    pub(super) fn is_correct(self, scores: &[f64], y: f64) -> bool {
        match self {
            Self::Logistic => scores.first().is_some_and(|score| (*score > 0.5) == (y == 1.0)),
            Self::Softmax(_) => {
                let best = scores
                    .iter()
                    .enumerate()
                    .fold((0, f64::NEG_INFINITY), |best, (place, score)| if *score > best.1 { (place, *score) } else { best });
                best.0 as f64 == y
            }
            Self::Squared | Self::Poisson => false,
        }
    }
}

/// 1 / (1 + e^-z) without overflow.
fn sigmoid(z: f64) -> f64 {
    let e = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Softmax in place; gives the logarithm of the sum of exponentials.
fn softmax(mut row: ArrayViewMut1<'_, f64>) -> f64 {
    let top = row.fold(f64::NEG_INFINITY, |top, value| top.max(*value));
    let mut sum = 0.0;
    for value in &mut row {
        *value = (*value - top).exp();
        sum += *value;
    }
    for value in &mut row {
        *value /= sum;
    }
    top + sum.ln()
}
