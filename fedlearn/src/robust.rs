//! Aggregation that a few bad updates cannot steer (鲁棒聚合). These rules look at single updates.
//!
//! | rule | withstands | paper |
//! |---|---|---|
//! | median of each coordinate | fewer than half | Yin et al., ICML 2018 |
//! | mean without the `each` largest and smallest of each coordinate | `each` | Yin et al., ICML 2018 |
//! | Krum, multi-Krum: the update(s) nearest to their neighbours | `bad`, n >= 2 bad + 3 | Blanchard et al., NeurIPS 2017 |
//! | geometric median (smoothed Weiszfeld) | fewer than half | Pillutla, Kakade & Harchaoui, IEEE TSP 2022 |
//! | mean of updates clipped to a norm | bounds what each can do | Sun et al. 2019, arXiv 1911.07963 |
//!
//! Krum withstands bad updates where honest ones lie close together: a few bad ones that agree may be nearer to each other than honest ones are
//! where their spread is as large as their mean. Choose a median or a trimmed mean there.
//!
//! **What is learnt:** the server sees every party's update in the clear, and updates tell of rows. Under secure aggregation there is
//! only a sum, and a rule that needs single updates is refused: nothing is pretended. All parties count the same.

mod rules;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What the server sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Every party's update.
    Clear,
    /// The sum alone.
    SecureAggregation,
}

/// A party's update in the clear.
#[derive(Clone, Copy)]
pub struct Clear<'a> {
    /// Who sent it.
    pub party: &'a str,
    /// Weights after minus weights before.
    pub delta: &'a [f64],
}

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Median of each coordinate.
    Median,
    /// Mean of each coordinate without its extremes.
    TrimmedMean {
        /// How many are left out at each end.
        each: u32,
    },
    /// Mean of the `keep` updates with the least sum of squared distances to their n - bad - 2 nearest; 1 is Krum.
    Krum {
        /// Parties that may be bad.
        bad: u32,
        /// Updates that are kept.
        keep: u32,
    },
    /// The point with the least sum of distances.
    GeometricMedian,
    /// Mean of updates clipped to this L2 norm.
    ClippedMean {
        /// The norm.
        norm: f64,
    },
}

impl Rule {
    /// Whether the rule can be used, before any round.
    ///
    /// # Errors
    /// `Unsafe` under secure aggregation.
    pub fn check(self, visibility: Visibility) -> Result<()> {
        if visibility == Visibility::Clear {
            return Ok(());
        }
        Err(Error::Unsafe {
            setting: "robust".into(),
            reason: "it needs every party's update in the clear, and secure aggregation shows the server the sum alone".into(),
            remedy: "drop the rule (parties can clip their own updates), or let the contract say that the server sees single updates"
                .into(),
        })
    }

    /// The aggregate of all updates, of their length. It takes the place of the mean update.
    ///
    /// # Errors
    /// `Unsafe` under secure aggregation; `Peer` for an update of another length or with a number that is not finite; `Quorum` for too
    /// few parties; `Caller` for settings that make no sense.
    pub fn aggregate(self, visibility: Visibility, updates: &[Clear<'_>]) -> Result<Vec<f64>> {
        self.check(visibility)?;
        let needed = match self {
            Self::Median | Self::GeometricMedian | Self::ClippedMean { .. } => 1,
            Self::TrimmedMean { each } => 2 * each as usize + 1,
            Self::Krum { bad, .. } => 2 * bad as usize + 3,
        };
        if updates.len() < needed {
            return Err(Error::Quorum {
                step: "robust aggregation",
                present: updates.len(),
                needed,
                remedy: "wait for more parties, or let the rule withstand fewer bad ones",
            });
        }
        let length = updates.first().map_or(0, |update| update.delta.len());
        for update in updates {
            let what = if update.delta.len() != length {
                format!("an update of {} values where others have {length}", update.delta.len())
            } else if !update.delta.iter().all(|value| value.is_finite()) {
                "an update with a number that is not finite".into()
            } else {
                continue;
            };
            return Err(Error::Peer { culprit: update.party.into(), step: "robust aggregation", what });
        }
        let deltas: Vec<&[f64]> = updates.iter().map(|update| update.delta).collect();
        match self {
            Self::Median => Ok(rules::trimmed(&deltas, (deltas.len() - 1) / 2)),
            Self::TrimmedMean { each } => Ok(rules::trimmed(&deltas, each as usize)),
            Self::Krum { bad, keep } => {
                if keep == 0 || keep as usize > deltas.len() - bad as usize {
                    return Err(Error::caller(format!("`krum.keep` must be from 1 to {}", deltas.len() - bad as usize)));
                }
                Ok(rules::krum(&deltas, bad as usize, keep as usize))
            }
            Self::GeometricMedian => Ok(rules::geometric_median(&deltas)),
            Self::ClippedMean { norm } => {
                let mut mean = vec![0.0; length];
                for delta in &deltas {
                    let mut delta = delta.to_vec();
                    crate::privacy::clip(&mut delta, norm)?;
                    mean.iter_mut().zip(delta).for_each(|(total, value)| *total += value / deltas.len() as f64);
                }
                Ok(mean)
            }
        }
    }
}
