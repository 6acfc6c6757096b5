//! What a party does in a round: a pure function of the round's weights, its own state, its rows and a generator.

use ndarray::Axis;
use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::data::split::shuffled;
use crate::model::{Batch, Model, Weights};
use crate::privacy::{DpSgd, PrivateSteps};
use crate::{Error, Result};

/// Settings of a party's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Passes over the rows in a round.
    #[serde(default = "one")]
    pub epochs: u32,
    /// Rows a step; 0 takes all of them. With `private`, its sampling rate decides instead and this is 0.
    #[serde(default)]
    pub batch: u32,
    /// Step size.
    pub learning_rate: f64,
    /// Heavy-ball momentum inside the round, from 0 up to below 1; starts anew each round.
    #[serde(default)]
    pub momentum: f64,
    /// FedProx: factor of half the squared distance from the round's weights.
    #[serde(default)]
    pub proximal: f64,
    /// Correction of the drift between parties.
    #[serde(default)]
    pub correction: Correction,
    /// Privacy of each row by DP-SGD.
    #[serde(default)]
    pub private: Option<DpSgd>,
}

const fn one() -> u32 {
    1
}

/// Correction of the drift between parties whose rows differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// None.
    #[default]
    None,
    /// SCAFFOLD's control variates; a party keeps one vector as state.
    Scaffold,
}

/// What a party keeps from round to round. Its own secret: it holds gradients of its rows. Store it with the checkpoint, by
/// `yu_wire::codec` (text formats may lose a last bit).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientState {
    /// SCAFFOLD's control variate of this party; empty means zeros.
    pub control: Vec<f64>,
    /// What top-k left out so far ([`crate::update::TopK`]); empty means zeros.
    pub feedback: Vec<f64>,
}

/// What a party knows of its round. For its owner: under privacy settings these figures carry no noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalMetrics {
    /// Mean loss of the steps, at the weights each started from.
    pub loss: f64,
    /// Steps done.
    pub steps: u32,
    /// L2 norm of the update.
    pub norm: f64,
}

/// The result of a party's round.
#[derive(Clone)]
pub struct Update {
    /// Weights after minus weights before.
    pub delta: Vec<f64>,
    /// New minus old control variate; empty without SCAFFOLD.
    pub control: Vec<f64>,
    /// Rows trained on.
    pub examples: u64,
    /// The party's state for the next round, to be kept only if the round counts.
    pub state: ClientState,
    /// For the owner.
    pub metrics: LocalMetrics,
}

/// How a party makes an update of its rows.
pub trait Step {
    /// Whether what each row does to an update is bounded as the settings say, so that noise can hide it.
    fn bounds_rows(&self) -> bool;

    /// One round; see [`Local::train`].
    ///
    /// # Errors
    /// As [`Local::train`]; whatever keeps it from making an update.
    fn step(
        &mut self,
        model: &dyn Model,
        global: &Weights,
        control: Option<&[f64]>,
        state: &ClientState,
        data: &Dataset,
        rng: &mut dyn CryptoRng,
    ) -> Result<Update>;
}

impl Step for Local {
    fn bounds_rows(&self) -> bool {
        self.private.is_some()
    }

    fn step(
        &mut self,
        model: &dyn Model,
        global: &Weights,
        control: Option<&[f64]>,
        state: &ClientState,
        data: &Dataset,
        rng: &mut dyn CryptoRng,
    ) -> Result<Update> {
        self.train(model, global, control, state, data, rng)
    }
}

impl Local {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// `Caller` naming the setting.
    pub fn check(&self) -> Result<()> {
        let refuse = |what: &str| Err(Error::caller(format!("`local`: {what}")));
        if self.epochs == 0 {
            return refuse("`epochs` is 0: give at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refuse("`learning_rate` must be a finite number above 0");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("`momentum` must be from 0 up to below 1");
        }
        if !(self.proximal >= 0.0 && self.proximal.is_finite()) {
            return refuse("`proximal` must be a finite number of at least 0");
        }
        if self.correction == Correction::Scaffold && self.momentum > 0.0 {
            return refuse("SCAFFOLD's control variates assume plain steps: set `momentum` to 0");
        }
        if self.correction == Correction::Scaffold && self.proximal > 0.0 {
            return refuse("SCAFFOLD's control variates assume plain steps: set `proximal` to 0");
        }
        if let Some(private) = &self.private {
            if self.batch != 0 {
                return refuse("`batch` and `private` exclude each other: the sampling rate decides how many rows a step takes");
            }
            private.check()?;
        }
        Ok(())
    }

    /// Steps in a round over so many rows.
    #[must_use]
    pub fn steps(&self, rows: usize) -> u32 {
        let an_epoch = match &self.private {
            Some(private) => (1.0 / private.rate.get()).ceil() as u32,
            None if self.batch == 0 => 1,
            None => u32::try_from(rows.div_ceil(self.batch as usize)).unwrap_or(u32::MAX),
        };
        self.epochs.saturating_mul(an_epoch)
    }

    /// One round. `control` is the server's control variate (SCAFFOLD), else ignored.
    ///
    /// # Errors
    /// `Caller` for settings, weights or states that do not fit; `Data` for rows that do not fit or training that diverges.
    pub fn train<R: CryptoRng + ?Sized>(
        &self,
        model: &dyn Model,
        global: &Weights,
        control: Option<&[f64]>,
        state: &ClientState,
        data: &Dataset,
        rng: &mut R,
    ) -> Result<Update> {
        self.check()?;
        if data.rows() == 0 {
            return Err(Error::caller("a party without rows does not train: leave it out of the round"));
        }
        let drift = self.drift(model.parameters(), control, state)?;
        let mut run = Run { local: self, model, global, drift, weights: global.clone(), velocity: Vec::new(), losses: 0.0, steps: 0 };
        if let Some(private) = &self.private {
            run.private(PrivateSteps::new(private, model.parameters(), data.rows())?, data, rng)?;
        } else {
            run.plain(data, rng)?;
        }
        run.weights.check_finite()?;
        Ok(run.finish(state, data.rows()))
    }

    /// Server's minus party's control variate: what SCAFFOLD adds to each gradient.
    fn drift(&self, parameters: usize, control: Option<&[f64]>, state: &ClientState) -> Result<Option<Vec<f64>>> {
        if self.correction == Correction::None {
            return Ok(None);
        }
        let mut drift = control.ok_or_else(|| Error::caller("SCAFFOLD needs the server's control variate"))?.to_vec();
        if drift.len() != parameters || !(state.control.is_empty() || state.control.len() == parameters) {
            return Err(Error::caller("a control variate belongs to another model"));
        }
        drift.iter_mut().zip(&state.control).for_each(|(server, own)| *server -= own);
        Ok(Some(drift))
    }
}

/// A round under way.
struct Run<'a> {
    local: &'a Local,
    model: &'a dyn Model,
    global: &'a Weights,
    drift: Option<Vec<f64>>,
    weights: Weights,
    velocity: Vec<f64>,
    losses: f64,
    steps: u32,
}

impl Run<'_> {
    fn plain<R: CryptoRng + ?Sized>(&mut self, data: &Dataset, rng: &mut R) -> Result<()> {
        let batch = self.local.batch as usize;
        for _ in 0..self.local.epochs {
            if batch == 0 || batch >= data.rows() {
                let (loss, gradient) = self.model.gradient(&self.weights, &data.batch())?;
                self.step(loss, gradient);
                continue;
            }
            for places in shuffled(data.rows(), rng).chunks(batch) {
                let x = data.features().select(Axis(0), places);
                let y: Vec<f64> = places.iter().map(|place| data.targets()[*place]).collect();
                let (loss, gradient) = self.model.gradient(&self.weights, &Batch { x: x.view(), y: &y })?;
                self.step(loss, gradient);
            }
        }
        Ok(())
    }

    fn private<R: CryptoRng + ?Sized>(&mut self, steps: PrivateSteps, data: &Dataset, rng: &mut R) -> Result<()> {
        for _ in 0..self.local.steps(data.rows()) {
            let (loss, gradient) = steps.gradient(self.model, &self.weights, data, rng)?;
            self.step(loss, gradient);
        }
        Ok(())
    }

    /// One step along a gradient, with what FedProx and SCAFFOLD add to it.
    fn step(&mut self, loss: f64, mut gradient: Vec<f64>) {
        if self.local.proximal > 0.0 {
            for ((value, here), start) in gradient.iter_mut().zip(self.weights.flat()).zip(self.global.flat()) {
                *value += self.local.proximal * (here - start);
            }
        }
        if let Some(drift) = &self.drift {
            gradient.iter_mut().zip(drift).for_each(|(value, correction)| *value += correction);
        }
        if self.local.momentum > 0.0 {
            self.velocity.resize(gradient.len(), 0.0);
            for (velocity, value) in self.velocity.iter_mut().zip(&mut gradient) {
                *velocity = self.local.momentum * *velocity + *value;
                *value = *velocity;
            }
        }
        self.weights.add(-self.local.learning_rate, &gradient);
        self.losses += loss;
        self.steps += 1;
    }

    fn finish(self, state: &ClientState, rows: usize) -> Update {
        let delta: Vec<f64> = self.weights.flat().iter().zip(self.global.flat()).map(|(after, before)| after - before).collect();
        let mut state = state.clone();
        let mut control = Vec::new();
        if let Some(drift) = self.drift {
            // option II: c_i+ = c_i - c + (x - y) / (K eta), so the change is -c - delta / (K eta), with c = drift + c_i
            let scale = 1.0 / (f64::from(self.steps) * self.local.learning_rate);
            state.control.resize(drift.len(), 0.0);
            control = drift.iter().zip(&state.control).zip(&delta).map(|((drift, own), delta)| -(drift + own) - scale * delta).collect();
            state.control.iter_mut().zip(&control).for_each(|(own, change)| *own += change);
        }
        let norm = delta.iter().map(|value| value * value).sum::<f64>().sqrt();
        let metrics = LocalMetrics { loss: self.losses / f64::from(self.steps.max(1)), steps: self.steps, norm };
        Update { delta, control, examples: rows as u64, state, metrics }
    }
}
