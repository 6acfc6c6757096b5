//! The limits of the gate, each with a name. They are conservative, and meant to be changed in a signed profile only.

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::words;
use crate::error::Result;

/// Limits of the gate. A share is refused if it is **above** its limit.
///
/// Where all rows were attacked, the share itself is compared; where only a sample was (or the attack is a statistical
/// test), the upper end of its confidence interval is: a test that is too small to tell refuses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Fewest people behind anything that leaves: a class, the difference of two releases. Default 5, the least class
    /// size that most statistical offices allow.
    pub k: u64,
    /// Confidence of the intervals. Default 0.95.
    pub confidence: f64,
    /// An unkeyed function is refused unrun if its inputs have fewer bits than this. Default 40: at 20 million hashes
    /// a second and core, 2^40 inputs take 16 hours of one core.
    pub domain_bits: f64,
    /// A keyed format-preserving or deterministic function is refused if its inputs are fewer than this. Default
    /// 10^6, the least domain of NIST SP 800-38G r1.
    pub token_domain: f64,
    /// Share of cells whose value a dictionary gave back. Default 0.
    pub dictionary: f64,
    /// Share of rows whose token is read off from how often it occurs. Default 0.01.
    pub frequency: f64,
    /// Share of released rows that repeat a rare original row. Default 0.
    pub copied: f64,
    /// Share of released rows that equal a whole original row in every column of the original, however common: above
    /// it the release is the raw package. Default 0.1.
    pub raw_rows: f64,
    /// Two rows are nearly equal if their mean difference per column is at most this (0 equal, 1 nothing in common).
    /// Default 0.01.
    pub near: f64,
    /// Share of synthetic rows that nearly repeat a rare original row. Default 0.01.
    pub near_copies: f64,
    /// How much more often than by chance a synthetic row is closer to an original row than to one that was held out.
    /// Default 0.1. It is the upper end of the interval that counts. Measured at the default with as many rows released as
    /// original and held out, five numbers each, all drawn alike: of 100 sound releases of 500 rows 46 were refused, of 1,000
    /// rows 15, of 1,500 rows 4, of 2,500 rows none. A release of fewer rows than that is too small to tell.
    pub closer_to_original: f64,
    /// Whether synthetic rows are refused if no rows were held out to compare them with. Default true.
    pub needs_held_out: bool,
    /// Share of people who are linked to fewer than `k` released rows. Default 0.
    pub linked: f64,
    /// Share of people linked to their own row by distance (noisy columns). Default 0.05.
    pub linked_by_distance: f64,
    /// Share of people in a joint class below `k` after a join with another release. Default 0.
    pub joint: f64,
    /// Advantage over guessing of an attacker who solves published counts for people (0 none, 1 everybody right).
    /// Default 0.1. It is the mean of runs with the noise dealt out anew. Measured at the default with four counts of random
    /// halves for each of 120 people: with uniform noise of 120 either way none of 100 releases was refused (14 were by a single
    /// run, which may be lucky), with 40, whose advantage is the limit, 64, and with 20 and less all.
    pub reconstruction: f64,
    /// False-positive rate at which membership is tested. Default 0.001 (Carlini et al. 2022).
    pub membership_fpr: f64,
    /// True-positive rate that membership inference may reach at that rate. Default 0.02.
    pub membership_tpr: f64,
    /// Shadow models of the likelihood-ratio test. Default 16, the least number with which the test is known to work.
    pub shadow_models: u32,
    /// Whether a model is refused if it cannot be retrained, so that the shadow test and the canaries cannot be run.
    /// Default true.
    pub needs_trainer: bool,
    /// Bits of exposure above which a canary counts as remembered. Default 11: fewer than one in 2,000 by chance.
    pub canary_exposure: f64,
    /// Share of canaries that may be remembered. Default 0.
    pub canaries: f64,
    /// What each attack may cost. Default 2^26 tries and 60 seconds.
    pub budget: Budget,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            k: 5,
            confidence: 0.95,
            domain_bits: 40.0,
            token_domain: 1e6,
            dictionary: 0.0,
            frequency: 0.01,
            copied: 0.0,
            raw_rows: 0.1,
            near: 0.01,
            near_copies: 0.01,
            closer_to_original: 0.1,
            needs_held_out: true,
            linked: 0.0,
            linked_by_distance: 0.05,
            joint: 0.0,
            reconstruction: 0.1,
            membership_fpr: 0.001,
            membership_tpr: 0.02,
            shadow_models: 16,
            needs_trainer: true,
            canary_exposure: 11.0,
            canaries: 0.0,
            budget: Budget { tries: 1 << 26, seconds: 60.0 },
        }
    }
}

impl Thresholds {
    /// Whether nothing that `other` refuses would pass here because of a limit.
    ///
    /// Limits of different kinds are never weighed against each other: a single looser one makes this false.
    #[must_use]
    pub fn is_at_least_as_strict_as(&self, other: &Self) -> bool {
        let at_least = |a: f64, b: f64| a >= b;
        self.k >= other.k
            && self.shadow_models >= other.shadow_models
            && (self.needs_trainer || !other.needs_trainer)
            && (self.needs_held_out || !other.needs_held_out)
            && self.budget.tries >= other.budget.tries
            && at_least(self.budget.seconds, other.budget.seconds)
            && at_least(self.confidence, other.confidence)
            && at_least(self.domain_bits, other.domain_bits)
            && at_least(self.token_domain, other.token_domain)
            && at_least(self.near, other.near)
            // another rate asks another question: a test at 1 % does not stand in for one at 0.1 %
            && self.membership_fpr.total_cmp(&other.membership_fpr).is_eq()
            && at_least(other.canary_exposure, self.canary_exposure)
            && self.shares().iter().zip(other.shares()).all(|(mine, theirs)| at_least(theirs.1, mine.1))
    }

    /// # Errors
    /// `restore.thresholds` if a limit is no number or outside its range.
    pub fn check(&self) -> Result<()> {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        let ranges = [
            ("k", self.k >= 1),
            ("confidence", self.confidence > 0.5 && self.confidence < 1.0),
            ("domain_bits", (0.0..=512.0).contains(&self.domain_bits)),
            ("token_domain", self.token_domain.is_finite() && self.token_domain >= 0.0),
            ("near", is_share(self.near)),
            ("membership_fpr", self.membership_fpr > 0.0 && self.membership_fpr < 1.0),
            ("shadow_models", (4..=4096).contains(&self.shadow_models)),
            ("canary_exposure", (1.0..=40.0).contains(&self.canary_exposure)),
            ("budget.tries", self.budget.tries > 0),
            ("budget.seconds", self.budget.seconds.is_finite() && self.budget.seconds > 0.0),
        ];
        let shares = self.shares().map(|(name, value)| (name, is_share(value)));
        match ranges.iter().chain(&shares).find(|(_, is_fine)| !is_fine) {
            Some((name, _)) => Err(words::bad_threshold(name)),
            None => Ok(()),
        }
    }

    /// The limits that are shares, where less is stricter.
    fn shares(&self) -> [(&'static str, f64); 12] {
        [
            ("dictionary", self.dictionary),
            ("frequency", self.frequency),
            ("copied", self.copied),
            ("raw_rows", self.raw_rows),
            ("near_copies", self.near_copies),
            ("closer_to_original", self.closer_to_original),
            ("linked", self.linked),
            ("linked_by_distance", self.linked_by_distance),
            ("joint", self.joint),
            ("reconstruction", self.reconstruction),
            ("membership_tpr", self.membership_tpr),
            ("canaries", self.canaries),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_looser_limit_is_seen() {
        let base = Thresholds::default();
        assert!(base.is_at_least_as_strict_as(&base));
        base.check().unwrap();
        let looser: [fn(&mut Thresholds); 9] = [
            |t| t.needs_held_out = false,
            |t| t.k = 4,
            |t| t.dictionary = 0.001,
            |t| t.membership_tpr = 0.03,
            |t| t.domain_bits = 39.0,
            |t| t.needs_trainer = false,
            |t| t.budget.tries -= 1,
            |t| t.canary_exposure = 12.0,
            |t| t.near = 0.001,
        ];
        for change in looser {
            let mut other = base.clone();
            change(&mut other);
            assert!(!other.is_at_least_as_strict_as(&base));
            assert!(base.is_at_least_as_strict_as(&other));
        }
        let mut stricter = base.clone();
        (stricter.k, stricter.frequency) = (10, 0.0);
        assert!(stricter.is_at_least_as_strict_as(&base) && !base.is_at_least_as_strict_as(&stricter));
    }

    #[test]
    fn limits_come_from_files_and_are_checked() {
        let some: Thresholds = toml::from_str("k = 10\nfrequency = 0.0\n").unwrap();
        assert_eq!((some.k, some.confidence), (10, 0.95));
        assert!(toml::from_str::<Thresholds>("kk = 10").is_err());
        let again: Thresholds = toml::from_str(&toml::to_string(&some).unwrap()).unwrap();
        assert_eq!(again, some);
        for text in
            ["k = 0", "confidence = 1.0", "linked = nan", "copied = -0.1", "shadow_models = 0", "budget = { tries = 0, seconds = 1.0 }"]
        {
            let broken: Thresholds = toml::from_str(text).unwrap();
            assert_eq!(broken.check().unwrap_err().code(), "restore.thresholds", "{text}");
        }
    }
}
