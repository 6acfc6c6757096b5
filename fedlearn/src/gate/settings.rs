//! Limits of the gate.

use serde::{Deserialize, Serialize};
use yu_desensitize::restore::{Budget, Thresholds};

use crate::{Error, Result};

/// Limits, as a job file says them. Those that [`Thresholds`] has, too, have its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// False-positive rate at which membership is tested. Default 0.001, for which 1,000 rows have to be held back; 0.01 takes 100.
    pub membership_fpr: f64,
    /// Share of the training's rows that may be recognised at that rate. Default 0.02.
    pub membership_tpr: f64,
    /// Most that the share of the training's rows whose loss is below their mean may be above that of rows held back (Yeom's advantage: 0 tells
    /// nothing, 1 all). Default 0.1: the interval alone is as wide with 500 rows held back.
    pub membership_advantage: f64,
    /// Confidence of the intervals. Default 0.95.
    pub confidence: f64,
    /// Models that are trained to attack this one, 4 to 4096; default 16. 0: that attack and canaries of its own are left out, and the report says so.
    pub shadow_models: u32,
    /// Bits of exposure above which a canary counts as remembered. Default 11.
    pub canary_exposure: f64,
    /// Share of canaries that may be remembered. Default 0.
    pub canaries: f64,
    /// Fewest rows in a leaf of a tree. Default 10.
    pub leaf_rows: u64,
    /// Most epsilon that the training may have spent; a training without privacy is then refused. Default none: the statement is told, not judged.
    pub epsilon: Option<f64>,
    /// What a test says that has too few rows to tell, or would cost too much. Default: it refuses.
    pub when_unsure: WhenUnsure,
    /// One in so many rows is held back where the training holds none back itself. Default 10; at least 2.
    pub hold_back: u32,
    /// Most rows of either kind that attacks use, drawn at random. Default 10,000.
    pub sample: u32,
    /// Most multiplications and additions of all trainings of the gate. Default 10^12: 20 minutes of one core at the 10^9 a second that a build
    /// without optimisation was seen to do.
    pub work: f64,
}

/// What a test says that has too few rows to tell, or would cost too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnsure {
    /// The model is refused.
    #[default]
    Refuse,
    /// That it cannot tell: the report does not pass, people decide.
    CannotTell,
}

impl Default for Settings {
    fn default() -> Self {
        let thresholds = Thresholds::default();
        Self {
            membership_fpr: thresholds.membership_fpr,
            membership_tpr: thresholds.membership_tpr,
            membership_advantage: 0.1,
            confidence: thresholds.confidence,
            shadow_models: thresholds.shadow_models,
            canary_exposure: thresholds.canary_exposure,
            canaries: thresholds.canaries,
            leaf_rows: 10,
            epsilon: None,
            when_unsure: WhenUnsure::Refuse,
            hold_back: 10,
            sample: 10_000,
            work: 1e12,
        }
    }
}

impl Settings {
    /// Reads them from a job file's table.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the place.
    pub fn from_json(text: &str) -> Result<Self> {
        let settings: Self = serde_json::from_str(text).map_err(|error| Error::caller(format!("settings of the gate: {error}")))?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether the limits are within their ranges.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the first that is not.
    pub fn check(&self) -> Result<()> {
        self.thresholds().check().map_err(|error| Error::caller(format!("settings of the gate: {error}")))?;
        let ranges = [
            ("membership_advantage", (0.0..=1.0).contains(&self.membership_advantage), "0 to 1"),
            ("shadow_models", self.shadow_models == 0 || (4..=4096).contains(&self.shadow_models), "0, or 4 to 4096"),
            // what is exposed is found among as many references
            ("canary_exposure", (1.0..=16.0).contains(&self.canary_exposure), "1 to 16"),
            ("leaf_rows", (1..=1_000_000).contains(&self.leaf_rows), "1 to 1000000"),
            ("epsilon", self.epsilon.is_none_or(|epsilon| epsilon > 0.0 && epsilon.is_finite()), "a finite number above 0"),
            ("hold_back", self.hold_back >= 2, "2 or more"),
            ("sample", (10..=10_000_000).contains(&self.sample), "10 to 10000000"),
            ("work", self.work >= 0.0 && self.work.is_finite(), "a finite number of at least 0"),
        ];
        match ranges.iter().find(|(_, is_fine, _)| !is_fine) {
            Some((name, _, wanted)) => Err(Error::caller(format!("`gate.{name}` is out of range: give {wanted}"))),
            None => Ok(()),
        }
    }

    /// Fewest rows held back with which membership can be tested.
    #[must_use]
    pub fn least_held_back(&self) -> usize {
        (1.0 / self.membership_fpr).ceil() as usize
    }

    /// The same limits where the attacks read them. Rows, not time, bound the cost.
    pub(super) fn thresholds(&self) -> Thresholds {
        Thresholds {
            membership_fpr: self.membership_fpr,
            membership_tpr: self.membership_tpr,
            confidence: self.confidence,
            shadow_models: self.shadow_models.max(4),
            canary_exposure: self.canary_exposure,
            canaries: self.canaries,
            needs_trainer: false,
            budget: Budget { tries: u64::MAX, seconds: f64::MAX },
            ..Thresholds::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_from_files_and_are_checked() {
        let read = Settings::from_json(r#"{ "membership_fpr": 0.01, "when_unsure": "cannot-tell", "epsilon": 3.0 }"#).unwrap();
        assert_eq!((read.least_held_back(), read.when_unsure, read.leaf_rows), (100, WhenUnsure::CannotTell, 10));
        assert_eq!(Settings::default().least_held_back(), 1000);
        for text in [
            r#"{ "membership_fpr": 0.0 }"#,
            r#"{ "membership_tpr": 1.5 }"#,
            r#"{ "shadow_models": 3 }"#,
            r#"{ "epsilon": -1.0 }"#,
            r#"{ "hold_back": 1 }"#,
            r#"{ "leaf_rows": 0 }"#,
            r#"{ "leaf_row": 10 }"#,
        ] {
            assert!(matches!(Settings::from_json(text), Err(Error::Caller(_))), "{text}");
        }
    }
}
