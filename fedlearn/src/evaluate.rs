//! How good a model is (模型评估), and whether what it sees has moved: in the clear and on shares.
//!
//! | to see | open |
//! |---|---|
//! | both classes counted along the score; AUC, KS, their error | [`counts`] |
//! | ROC, precision and recall, lift and gain | [`curves`] |
//! | decisions at a threshold: confusion, precision, recall, F1 | [`threshold`] |
//! | reliability, Brier score, expected calibration error, log loss | [`calibration`] |
//! | errors of regressions, deviance | [`regression`] |
//! | population stability index | [`stability`] |
//! | the same when scores and labels have different owners | [`shares`] |
//!
//! **One idea.** Whatever ranks is a function of how many positives and negatives lie in each bucket of the score, lowest bucket first:
//! [`ClassCounts`] in the clear, [`shares::SharedCounts`] on shares, and the same formulas on both. With one bucket for each distinct
//! score all figures are exact, ties counted as half (the rank statistic of Mann and Whitney); with fewer buckets
//! the error has a bound that is computed along ([`ClassCounts::auc_bound`]).
//!
//! Scores ascend towards the positive class. Labels are 0 and 1.

pub mod calibration;
pub mod counts;
pub mod curves;
pub mod regression;
pub mod shares;
pub mod stability;
pub mod threshold;

pub use counts::{ClassCounts, Grid, Ranking};

use crate::{Error, Result};

/// An error about data, with its remedy.
pub(crate) fn data(what: &str, problem: impl Into<String>, remedy: &str) -> Error {
    Error::Data { what: what.into(), problem: problem.into(), remedy: remedy.into() }
}

/// As many labels as scores, at least one, each label 0 or 1, each score a number.
pub(crate) fn check_pairs(scores: &[f64], labels: &[u8]) -> Result<()> {
    if scores.len() != labels.len() || scores.is_empty() {
        let problem = format!("{} scores and {} labels", scores.len(), labels.len());
        return Err(data("evaluation", problem, "pass one label for each score, and at least one"));
    }
    check_numbers("scores", scores)?;
    match labels.iter().position(|label| *label > 1) {
        Some(row) => Err(data("labels", format!("row {row} is neither 0 nor 1"), "evaluate multi-class models class by class")),
        None => Ok(()),
    }
}

/// Refuses what is not a number.
pub(crate) fn check_numbers(what: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(data(what, format!("row {row} is not a finite number"), "fill or drop missing values first")),
        None => Ok(()),
    }
}
