//! What a reviewer reads of a vertical job.

use serde::{Deserialize, Serialize};

use super::{FRACTION, Settings};
use crate::evaluate::shares::Figures;
use crate::{Error, Result};

/// A point of the learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Trees; 0 for a regression.
    pub trees: u32,
    /// Area under the curve of true against false positives, equal scores counted half.
    pub auc: f64,
    /// How far a tie could move it.
    pub auc_bound: f64,
    /// Statistic of Kolmogorov and Smirnov.
    pub ks: f64,
}

/// How good a model is on rows that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Rows that it was trained on here; 0 if it was trained earlier.
    pub trained: u64,
    /// Rows that it was judged by.
    pub judged: u64,
    /// Mean square of probability minus label.
    pub brier: f64,
    /// The curve; its last point is the model.
    pub curve: Vec<Point>,
}

impl Quality {
    /// Words of it.
    #[must_use]
    pub fn len(settings: &Settings) -> usize {
        3 + 3 * settings.stages().len()
    }

    /// Reads opened words.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of words.
    pub fn read(settings: &Settings, words: &[u64]) -> Result<Self> {
        let ([trained, judged, brier], figures) = match words.split_first_chunk::<3>() {
            Some(parts) if words.len() == Self::len(settings) => parts,
            _ => return Err(Error::caller(format!("`{}` words of figures, expected {}", words.len(), Self::len(settings)))),
        };
        let number = |raw: &u64| raw.cast_signed() as f64 / f64::from(FRACTION).exp2();
        let point = |(trees, figures): (usize, &[u64])| {
            let ranking = Figures::<yu_mpc::clear::Clear>::read(&figures.iter().map(number).collect::<Vec<_>>())?;
            Ok(Point { trees: trees as u32, auc: ranking.auc, auc_bound: ranking.auc_bound, ks: ranking.ks })
        };
        let curve = settings.stages().into_iter().zip(figures.chunks_exact(3)).map(point).collect::<Result<_>>()?;
        Ok(Self { trained: *trained, judged: *judged, brier: number(brier), curve })
    }
}

/// Opened probabilities.
#[must_use]
pub fn probabilities(words: &[u64]) -> Vec<f64> {
    words.iter().map(|raw| (raw.cast_signed() as f64 / f64::from(crate::evaluate::shares::SCORE).exp2()).clamp(0.0, 1.0)).collect()
}
