//! What a party sends and what the server makes of the sum.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::local::{Correction, Update};
use crate::{Error, Result};

/// How much a party counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Weighting {
    /// Every party the same: what privacy for whole parties needs.
    #[default]
    Uniform,
    /// By its number of rows over `most`, at most 1, so that the weight fits the range of quantised values. Rows beyond `most` do not
    /// count; choose it at or above the largest party.
    Examples {
        /// Rows that count as weight 1, public.
        most: u64,
    },
}

impl Weighting {
    pub(super) fn check(self) -> Result<()> {
        if self == (Self::Examples { most: 0 }) {
            Err(Error::caller("`weighting.examples.most` is 0: give the largest number of rows"))
        } else {
            Ok(())
        }
    }

    /// Weight of a party with so many rows.
    #[must_use]
    pub fn weight(self, examples: u64) -> f64 {
        match self {
            Self::Uniform => 1.0,
            Self::Examples { most } => examples.min(most) as f64 / most as f64,
        }
    }
}

/// Where things lie in a contribution: weighted update, control update (SCAFFOLD), weight (unless uniform).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    parameters: usize,
    correction: Correction,
    is_weighted: bool,
}

impl Layout {
    pub(super) fn new(parameters: usize, correction: Correction, weighting: Weighting) -> Self {
        Self { parameters, correction, is_weighted: weighting != Weighting::Uniform }
    }

    /// Where the weighted update lies.
    #[must_use]
    pub const fn delta(&self) -> Range<usize> {
        0..self.parameters
    }

    /// Where the control update lies; empty without SCAFFOLD.
    #[must_use]
    pub fn control(&self) -> Range<usize> {
        let length = if self.correction == Correction::Scaffold { self.parameters } else { 0 };
        self.parameters..self.parameters + length
    }

    /// Where the weight lies; empty if all count the same.
    #[must_use]
    pub fn weight(&self) -> Range<usize> {
        let start = self.control().end;
        start..start + usize::from(self.is_weighted)
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weight().end
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A party's contribution.
    ///
    /// # Errors
    /// `Caller` for an update of another model or strategy.
    pub fn contribution(&self, update: &Update, weighting: Weighting) -> Result<Vec<f64>> {
        if update.delta.len() != self.parameters || update.control.len() != self.control().len() {
            return Err(Error::caller("the update belongs to another model or strategy"));
        }
        let weight = weighting.weight(update.examples);
        let mut values: Vec<f64> = update.delta.iter().map(|value| weight * value).collect();
        values.extend_from_slice(&update.control);
        if self.is_weighted {
            values.push(weight);
        }
        Ok(values)
    }

    /// Mean update, and sum of control updates, from the sum of `parties` contributions.
    pub(super) fn mean<'a>(&self, sum: &'a Sum) -> Result<(Vec<f64>, &'a [f64])> {
        let refuse = || Error::caller(format!("the sum has {} values where the strategy has {}", sum.values.len(), self.len()));
        if sum.values.len() != self.len() {
            return Err(refuse());
        }
        if sum.parties == 0 {
            return Err(Error::Quorum {
                step: "aggregate",
                present: 0,
                needed: 1,
                remedy: "wait for the parties, or lower no quorum below 1",
            });
        }
        let weight = sum.values.get(self.weight()).and_then(<[f64]>::first).copied().unwrap_or(f64::from(sum.parties));
        // also refuses NaN
        if !(weight > 0.0 && weight.is_finite()) {
            return Err(Error::Data {
                what: "sum of weights".into(),
                problem: "it is not above 0".into(),
                remedy: "check that parties have rows and that `most` is not far above their number".into(),
            });
        }
        let delta = sum.values.get(self.delta()).ok_or_else(refuse)?.iter().map(|value| value / weight).collect();
        Ok((delta, sum.values.get(self.control()).ok_or_else(refuse)?))
    }
}

/// The sum of contributions.
#[derive(Clone, PartialEq)]
pub struct Sum {
    /// Coordinate by coordinate.
    pub values: Vec<f64>,
    /// How many parties are in it.
    pub parties: u32,
}

impl Sum {
    /// Adds contributions in the order given: the same order gives the same bits.
    ///
    /// # Errors
    /// `Caller` if lengths differ.
    pub fn of<'a>(contributions: impl IntoIterator<Item = &'a [f64]>) -> Result<Self> {
        let mut sum = Self { values: Vec::new(), parties: 0 };
        for contribution in contributions {
            if sum.parties == 0 {
                sum.values = contribution.to_vec();
            } else if contribution.len() == sum.values.len() {
                sum.values.iter_mut().zip(contribution).for_each(|(total, value)| *total += value);
            } else {
                return Err(Error::caller(format!("contributions of {} and of {} values", sum.values.len(), contribution.len())));
            }
            sum.parties += 1;
        }
        Ok(sum)
    }
}
