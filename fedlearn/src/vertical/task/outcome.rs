//! What a reviewer reads of a vertical job, and what a prediction tells.

use serde::{Deserialize, Serialize};

use super::{Answer, FRACTION, Settings, Target};
use crate::evaluate::shares::{Figures, SCORE};
use crate::{Error, Result};

/// A point of the learning curve; of more than two classes the means over them.
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

/// Decisions for the class with the greatest score: means over the classes, whatever their sizes, but for the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// Share of the rows that are told right.
    pub accuracy: f64,
    /// Of the rows that are told to be of a class, those that are.
    pub precision: f64,
    /// Of the rows of a class, those that are told so.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// How far predicted numbers or counts are off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Root of the mean square error: of numbers in standard deviations of the label in the training, of counts in counts.
    pub rmse: f64,
    /// Share of the variance (of counts: of the deviance) of these rows that is explained; 0 if there is none.
    pub explained: f64,
    /// Of counts the mean Poisson deviance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviance: Option<f64>,
}

/// How good a model is on rows that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Rows that it was trained on here; 0 if it was trained earlier.
    pub trained: u64,
    /// Rows that it was judged by.
    pub judged: u64,
    /// Of classes: mean square of probability minus label, of more than two the mean over the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// Of classes: the curve; its last point is the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Point>,
    /// Of more than two classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Decisions>,
    /// Of numbers and counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
}

impl Quality {
    /// Words of it.
    #[must_use]
    pub fn len(settings: &Settings) -> usize {
        2 + match settings.target() {
            Target::Class(classes) => 1 + 3 * settings.stages().len() + if classes > 2 { 4 } else { 0 },
            Target::Number => 2,
            Target::Count => 3,
        }
    }

    /// Reads opened words.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of words.
    pub fn read(settings: &Settings, words: &[u64]) -> Result<Self> {
        let wrong = || Error::caller(format!("`{}` words of figures, expected {}", words.len(), Self::len(settings)));
        let ([trained, judged], rest) = words.split_first_chunk::<2>().filter(|_| words.len() == Self::len(settings)).ok_or_else(wrong)?;
        let rest: Vec<f64> = rest.iter().map(|raw| raw.cast_signed() as f64 / f64::from(FRACTION).exp2()).collect();
        let mut quality = Self { trained: *trained, judged: *judged, brier: None, curve: Vec::new(), decisions: None, errors: None };
        match (settings.target(), &rest[..]) {
            (Target::Class(_), [brier, figures @ ..]) => {
                let mean = 1.0 / settings.models() as f64;
                let stages = settings.stages();
                let (points, told) = figures.split_at_checked(3 * stages.len()).ok_or_else(wrong)?;
                let point = |(trees, figures): (usize, &[f64])| {
                    let figures: Vec<f64> = figures.iter().map(|figure| figure * mean).collect();
                    let ranking = Figures::<yu_mpc::clear::Clear>::read(&figures)?;
                    Ok(Point { trees: trees as u32, auc: ranking.auc, auc_bound: ranking.auc_bound, ks: ranking.ks })
                };
                quality.brier = Some(brier * mean);
                quality.curve = stages.into_iter().zip(points.chunks_exact(3)).map(point).collect::<Result<_>>()?;
                if let [accuracy, precision, recall, f1] = told {
                    let [precision, recall, f1] = [precision, recall, f1].map(|sum| sum * mean);
                    quality.decisions = Some(Decisions { accuracy: *accuracy, precision, recall, f1 });
                }
            }
            (Target::Number | Target::Count, [square, explained, deviance @ ..]) => {
                let rmse = square.max(0.0).sqrt();
                quality.errors = Some(Errors { rmse, explained: *explained, deviance: deviance.first().copied() });
            }
            _ => return Err(wrong()),
        }
        Ok(quality)
    }

    /// All figures but numbers of rows and trees: to be rounded, or looked at.
    pub fn figures(&mut self) -> Vec<&mut f64> {
        let Self { brier, curve, decisions, errors, .. } = self;
        let mut all: Vec<&mut f64> = brier.iter_mut().collect();
        all.extend(curve.iter_mut().flat_map(|point| [&mut point.auc, &mut point.auc_bound, &mut point.ks]));
        all.extend(decisions.iter_mut().flat_map(|told| [&mut told.accuracy, &mut told.precision, &mut told.recall, &mut told.f1]));
        all.extend(errors.iter_mut().flat_map(|errors| [&mut errors.rmse, &mut errors.explained].into_iter().chain(&mut errors.deviance)));
        all
    }
}

/// What a prediction tells, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// Of the label 1.
    Probabilities(Vec<f64>),
    /// Of each class against the others.
    Each(Vec<Vec<f64>>),
    /// Numbers of classes.
    Classes(Vec<u32>),
    /// Numbers, or mean counts.
    Values(Vec<f64>),
}

impl Predictions {
    /// Words of so many rows.
    #[must_use]
    pub const fn len(settings: &Settings, rows: usize) -> usize {
        match (settings.target(), settings.answer) {
            (Target::Class(_), Answer::Probabilities) => rows * settings.models(),
            _ => rows,
        }
    }

    /// Reads opened words.
    ///
    /// # Errors
    /// [`Error::Caller`] for words that do not make rows, or a class that there is not.
    pub fn read(settings: &Settings, words: &[u64]) -> Result<Self> {
        let number = |raw: &u64| raw.cast_signed() as f64 / f64::from(SCORE).exp2();
        let models = settings.models();
        match (settings.target(), settings.answer) {
            (Target::Class(_), Answer::Probabilities) if models == 1 => Ok(Self::Probabilities(probabilities(words))),
            (Target::Class(_), Answer::Probabilities) => {
                if !words.len().is_multiple_of(models) {
                    return Err(Error::caller(format!("`{}` probabilities of {models} classes", words.len())));
                }
                Ok(Self::Each(words.chunks_exact(models).map(probabilities).collect()))
            }
            (Target::Class(classes), Answer::Class) => {
                let class = |raw: &u64| u32::try_from(*raw).ok().filter(|class| *class < classes);
                let all: Option<Vec<u32>> = words.iter().map(class).collect();
                all.map(Self::Classes).ok_or_else(|| Error::caller(format!("a class that is none of {classes}")))
            }
            (Target::Number | Target::Count, _) => Ok(Self::Values(words.iter().map(number).collect())),
        }
    }
}

/// Opened probabilities.
#[must_use]
pub fn probabilities(words: &[u64]) -> Vec<f64> {
    words.iter().map(|raw| (raw.cast_signed() as f64 / f64::from(SCORE).exp2()).clamp(0.0, 1.0)).collect()
}
