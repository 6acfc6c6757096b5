//! What the server does with the sum: a pure function from its state to the next one.

use serde::{Deserialize, Serialize};

use super::contribution::{Layout, Sum};
use crate::model::{Weights, diverged};
use crate::{Error, Result};

/// Settings of the server's part; letters as in Reddi et al. 2021.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Server {
    /// FedAvg, FedProx: the weights move by `learning_rate` times the mean update.
    Mean {
        /// 1 gives the papers' form.
        #[serde(default = "one")]
        learning_rate: f64,
    },
    /// FedAvgM: `v = beta v + mean`, the weights move by `learning_rate v`.
    Momentum {
        /// Step size.
        #[serde(default = "one")]
        learning_rate: f64,
        /// From 0 up to below 1.
        #[serde(default = "most")]
        beta: f64,
    },
    /// FedAdam, without bias correction as in the paper.
    Adam(Adaptive),
    /// FedYogi.
    Yogi(Adaptive),
    /// FedAdagrad; `beta2` is not used.
    Adagrad(Adaptive),
    /// SCAFFOLD: as `mean`, and the control variate moves by the sum of control updates over all `parties` of the job.
    Scaffold {
        /// Step size.
        #[serde(default = "one")]
        learning_rate: f64,
        /// Parties in the job, present in a round or not.
        parties: u32,
    },
}

/// Settings of adaptive servers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adaptive {
    /// Step size, eta.
    pub learning_rate: f64,
    /// Decay of the mean of updates.
    #[serde(default = "most")]
    pub beta1: f64,
    /// Decay of the mean of squares.
    #[serde(default = "nearly_one")]
    pub beta2: f64,
    /// Added to the root of the squares; larger adapts less.
    #[serde(default = "tau")]
    pub tau: f64,
}

const fn one() -> f64 {
    1.0
}

const fn most() -> f64 {
    0.9
}

const fn nearly_one() -> f64 {
    0.99
}

const fn tau() -> f64 {
    1e-3
}

impl Default for Server {
    fn default() -> Self {
        Self::Mean { learning_rate: 1.0 }
    }
}

/// All that the server keeps. The same states and sums give the same bits, resumed or not; store it by `yu_wire::codec`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerState {
    /// Rounds done.
    pub round: u64,
    /// The model.
    pub weights: Weights,
    /// Mean of updates (momentum, adaptive); empty means zeros.
    momentum: Vec<f64>,
    /// Mean of squares (adaptive); empty means tau^2.
    squares: Vec<f64>,
    /// SCAFFOLD's control variate of the server; empty unless it is used.
    pub control: Vec<f64>,
}

impl Server {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// `Caller` naming the setting.
    pub fn check(&self) -> Result<()> {
        let (rate, betas, tau) = match self {
            Self::Mean { learning_rate } => (*learning_rate, vec![], 1.0),
            Self::Momentum { learning_rate, beta } => (*learning_rate, vec![*beta], 1.0),
            Self::Adam(a) | Self::Yogi(a) | Self::Adagrad(a) => (a.learning_rate, vec![a.beta1, a.beta2], a.tau),
            Self::Scaffold { learning_rate, parties } => {
                if *parties == 0 {
                    return Err(Error::caller("`server.parties` is 0: give the number of parties in the job"));
                }
                (*learning_rate, vec![], 1.0)
            }
        };
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::caller("`server.learning_rate` must be a finite number above 0"));
        }
        if !betas.iter().all(|beta| (0.0..1.0).contains(beta)) {
            return Err(Error::caller("`server.beta` values must be from 0 up to below 1"));
        }
        if !(tau > 0.0 && tau.is_finite()) {
            return Err(Error::caller("`server.tau` must be a finite number above 0"));
        }
        Ok(())
    }

    /// The state before the first round.
    #[must_use]
    pub fn start(&self, weights: Weights) -> ServerState {
        let control = if matches!(self, Self::Scaffold { .. }) { vec![0.0; weights.flat().len()] } else { Vec::new() };
        ServerState { round: 0, weights, momentum: Vec::new(), squares: Vec::new(), control }
    }

    /// The state after a round.
    ///
    /// # Errors
    /// `Caller` for a state or a sum of another strategy or with no parties' weight; `Data` if a number is no longer finite: the old
    /// state is still there.
    pub fn apply(&self, state: &ServerState, layout: &Layout, sum: &Sum) -> Result<ServerState> {
        let (mean, control) = layout.mean(sum)?;
        if !mean.iter().chain(control).all(|value| value.is_finite()) {
            return Err(diverged("the sum of updates"));
        }
        let mut next = state.clone();
        let length = next.weights.flat().len();
        let fits = |values: &[f64]| values.is_empty() || values.len() == length;
        if mean.len() != length || !fits(&next.momentum) || !fits(&next.squares) || !fits(&next.control) {
            return Err(Error::caller("the server's state belongs to another model"));
        }
        match self {
            Self::Mean { learning_rate } => next.weights.add(*learning_rate, &mean),
            Self::Momentum { learning_rate, beta } => {
                next.momentum.resize(length, 0.0);
                next.momentum.iter_mut().zip(&mean).for_each(|(v, delta)| *v = beta * *v + delta);
                next.weights.add(*learning_rate, &next.momentum);
            }
            Self::Adam(settings) => settings.apply(&mut next, &mean, |v, square| settings.beta2 * v + (1.0 - settings.beta2) * square),
            Self::Yogi(settings) => {
                settings.apply(&mut next, &mean, |v, square| {
                    let difference: f64 = v - square;
                    let sign = if difference == 0.0 { 0.0 } else { difference.signum() };
                    v - (1.0 - settings.beta2) * square * sign
                });
            }
            Self::Adagrad(settings) => settings.apply(&mut next, &mean, |v, square| v + square),
            Self::Scaffold { learning_rate, parties } => {
                if control.len() != length {
                    return Err(Error::caller("the sum holds no control updates"));
                }
                next.weights.add(*learning_rate, &mean);
                next.control.resize(length, 0.0);
                next.control.iter_mut().zip(control).for_each(|(c, change)| *c += change / f64::from(*parties));
            }
        }
        next.weights.check_finite()?;
        next.round += 1;
        Ok(next)
    }
}

impl Adaptive {
    /// `m = beta1 m + (1 - beta1) delta`, squares by `square`, weights by `eta m / (sqrt(v) + tau)`.
    fn apply(&self, state: &mut ServerState, mean: &[f64], square: impl Fn(f64, f64) -> f64) {
        state.momentum.resize(mean.len(), 0.0);
        state.squares.resize(mean.len(), self.tau * self.tau);
        let mut step = Vec::with_capacity(mean.len());
        for ((m, v), delta) in state.momentum.iter_mut().zip(&mut state.squares).zip(mean) {
            *m = self.beta1 * *m + (1.0 - self.beta1) * delta;
            *v = square(*v, delta * delta);
            step.push(*m / (v.sqrt() + self.tau));
        }
        state.weights.add(self.learning_rate, &step);
    }
}
