//! What is agreed before a training begins: the same at the coordinator and at every party.

use serde::{Deserialize, Serialize};
use yu_desensitize::dp::account::calibrate::Accountant;
use yu_desensitize::dp::{Delta, Epsilon};

use crate::model::{Model, Network, Spec};
use crate::privacy::{Budget, Charge};
use crate::secagg;
use crate::strategy::{Layout, Server, Strategy};
use crate::update::Quantiser;
use crate::{Error, Result};

/// Most rounds.
const MOST_ROUNDS: u32 = 100_000;

/// A training as a job file describes it, `[step.train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is trained.
    pub model: Spec,
    /// How rounds go.
    pub strategy: Strategy,
    /// How many.
    pub rounds: u32,
    /// What the coordinator sees of updates.
    #[serde(default)]
    pub aggregation: Aggregation,
    /// Row-level privacy by DP-SGD: what the training may spend of it. Needs `strategy.local.private`.
    #[serde(default)]
    pub privacy: Option<Protection>,
    /// Fewest parties in a round; 0: what the aggregation needs.
    #[serde(default)]
    pub quorum: u32,
    /// Seconds that parties have for an answer.
    #[serde(default = "minute")]
    pub deadline_s: u32,
    /// Every so many rows one is held out to judge the model by; 0: none, and there are no figures.
    #[serde(default = "tenth")]
    pub holdout: u32,
    /// Bring features to mean 0 and deviation 1 over all parties' rows first.
    #[serde(default = "yes")]
    pub standardise: bool,
}

const fn minute() -> u32 {
    60
}
const fn tenth() -> u32 {
    10
}
const fn yes() -> bool {
    true
}
const fn sixteen() -> u32 {
    16
}

/// How contributions are added up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Aggregation {
    /// The coordinator gets each party's.
    Clear,
    /// The coordinator gets their sum, quantised.
    Secure {
        /// Bits of a value, 8 to 24.
        #[serde(default = "sixteen")]
        bits: u32,
        /// Values are cut off at this absolute value first.
        #[serde(default = "one")]
        bound: f64,
        /// Hold against a coordinator that deviates, at the price of one more exchange a round: a sum is unmasked only over one set of parties that
        /// all answered one question. That it chooses which weights it asks about, and who counts as late, stays in its hands.
        #[serde(default)]
        malicious: bool,
    },
}

const fn one() -> f64 {
    1.0
}

impl Default for Aggregation {
    fn default() -> Self {
        Self::Secure { bits: sixteen(), bound: one(), malicious: false }
    }
}

/// A privacy budget, for each party's rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// At most this epsilon.
    pub epsilon: Epsilon,
    /// At this delta.
    pub delta: Delta,
}

impl Settings {
    /// Reads the text of a `[step.train]`.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the place.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::caller(format!("training settings: {error}")))
    }

    /// Whether the settings fit together, for so many parties.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the setting; [`Error::Unsafe`] for one that would not protect what it names; [`Error::Budget`] if the rounds
    /// would spend more than the budget.
    pub fn check(&self, parties: usize) -> Result<()> {
        self.strategy.check()?;
        if matches!(self.strategy.server, Server::Scaffold { parties: told, .. } if told as usize != parties) {
            return Err(Error::caller(format!("`server.parties` is not the number of parties with rows, {parties}")));
        }
        if self.rounds == 0 || self.rounds > MOST_ROUNDS {
            return Err(Error::caller(format!("`rounds` is {}: 1 to {MOST_ROUNDS}", self.rounds)));
        }
        if self.deadline_s == 0 || self.holdout == 1 {
            return Err(Error::caller("`deadline_s` is at least 1; `holdout` is 0, or 2 and more"));
        }
        if let Aggregation::Secure { bits, bound, .. } = self.aggregation {
            if super::numbers::width(parties, bits) > u32::BITS {
                return Err(Error::caller(format!("`aggregation.bits` is {bits}: sums of {parties} parties have more than 32 bits")));
            }
            if !(8..=24).contains(&bits) || bound <= 0.0 || !bound.is_finite() {
                return Err(Error::caller("`aggregation.bits` is 8 to 24, `aggregation.bound` a finite number above 0"));
            }
        } else if parties < 2 {
            return Err(Error::caller("a training needs two parties with rows"));
        }
        self.check_quorum(parties)?;
        self.check_privacy()
    }

    fn check_quorum(&self, parties: usize) -> Result<()> {
        if self.quorum as usize > parties {
            return Err(Error::caller(format!("`quorum` is {}, there are {parties} parties", self.quorum)));
        }
        if matches!(self.aggregation, Aggregation::Secure { .. }) && parties < secagg::config::MIN_SURVIVORS {
            return Err(Error::Unsafe {
                setting: "aggregation".into(),
                reason: format!("with {parties} parties each learns the other's update from the sum"),
                remedy: "let at least 3 parties take part".into(),
            });
        }
        Ok(())
    }

    fn check_privacy(&self) -> Result<()> {
        let (Some(protection), Some(private)) = (&self.privacy, &self.strategy.local.private) else {
            return match (&self.privacy, &self.strategy.local.private) {
                (None, None) => Ok(()),
                (Some(_), _) => Err(Error::Unsafe {
                    setting: "privacy".into(),
                    reason: "a budget is named, but `strategy.local.private` is missing, so nothing would be noised".into(),
                    remedy: "set rate, noise and clip of `strategy.local.private`".into(),
                }),
                (None, Some(_)) => Err(Error::Unsafe {
                    setting: "strategy.local.private".into(),
                    reason: "without a budget nobody would know what is spent".into(),
                    remedy: "set `privacy.epsilon` and `privacy.delta`".into(),
                }),
            };
        };
        if self.strategy.local.correction != crate::strategy::Correction::None {
            return Err(Error::Unsafe {
                setting: "strategy.local.correction".into(),
                reason: "SCAFFOLD's control variates are sent without noise of their own".into(),
                remedy: "choose another strategy with a privacy budget".into(),
            });
        }
        if self.holdout != 0 {
            return Err(Error::Unsafe {
                setting: "holdout".into(),
                reason: "which rows are held out depends on all rows before them: one row more would move many".into(),
                remedy: "set `holdout = 0`; no figures are told under a budget anyway".into(),
            });
        }
        if self.standardise {
            return Err(Error::Unsafe {
                setting: "standardise".into(),
                reason: "means and deviations of the rows would leave without noise".into(),
                remedy: "set `standardise = false` and bring features to a common scale by public bounds".into(),
            });
        }
        let steps = self.strategy.local.steps(1).saturating_mul(self.rounds);
        let mut budget = protection.budget();
        budget.charge(Charge::Gaussian { rate: private.rate, noise: private.noise, steps }).map(drop)
    }

    /// What a round of a party costs, if rows are protected.
    #[must_use]
    pub(crate) fn charge(&self) -> Option<Charge> {
        let local = &self.strategy.local;
        local.private.as_ref().map(|private| Charge::Gaussian { rate: private.rate, noise: private.noise, steps: local.steps(1) })
    }

    /// Whether figures of held-out rows are told.
    #[must_use]
    pub(super) const fn has_figures(&self) -> bool {
        self.holdout > 0 && self.privacy.is_none()
    }
}

impl Protection {
    /// The budget before anything was spent.
    #[must_use]
    pub(crate) const fn budget(&self) -> Budget {
        Budget::new(self.epsilon, self.delta, Accountant::Pld)
    }
}

/// Everything that both sides know.
pub type Plan = crate::star::Plan<Settings>;

impl Plan {
    /// The model that is trained, after all settings were checked.
    ///
    /// # Errors
    /// As [`Settings::check`] and [`Spec::build`]; [`Error::Caller`] for names that are empty or given twice.
    pub fn check(&self) -> Result<Network> {
        self.settings.check(self.parties.len())?;
        self.check_names()?;
        self.settings.model.build(self.features.len())
    }

    /// The code of contributions under secure aggregation.
    pub(super) fn quantiser(&self, layout: &Layout) -> Result<Option<Quantiser>> {
        match self.settings.aggregation {
            Aggregation::Clear => Ok(None),
            Aggregation::Secure { bits, bound, .. } => Quantiser::of_layout(bits, layout, bound, bound).map(Some),
        }
    }

    pub(super) fn layout(&self, network: &Network) -> Layout {
        self.settings.strategy.layout(network.parameters())
    }

    /// Fewest parties in a round.
    pub(super) fn quorum(&self) -> usize {
        let least = match self.settings.aggregation {
            // the next model would tell everybody a single party's update
            Aggregation::Clear => self.parties.len().min(3),
            Aggregation::Secure { .. } => secagg::config::MIN_SURVIVORS,
        };
        (self.settings.quorum as usize).max(least)
    }
}
