//! Networks under the gate: regressions and perceptrons.

use rand_chacha::rand_core::Rng;
use yu_desensitize::restore::{AttackableModel, Example, Examples, Trainer};

use super::subject::{Failed, Subject, dataset};
use crate::Result;
use crate::artefact::Privacy;
use crate::model::{Batch, Head, Model, Network, Spec, Weights};
use crate::simulate::Simulation;
use crate::strategy::{Server, Strategy};
use crate::train::{Settings, Trained};

/// A network that is asked for losses of single rows.
struct Asked {
    network: Network,
    weights: Weights,
}

impl AttackableModel for Asked {
    fn loss(&self, example: Example<'_>) -> yu_desensitize::Result<f64> {
        let label = example.label;
        let row = ndarray::ArrayView2::from_shape((1, example.features.len()), example.features);
        let loss = row.ok().and_then(|x| {
            let batch = Batch { x, y: std::slice::from_ref(&label) };
            self.network.evaluate(&self.weights, &batch).ok().map(|metrics| metrics.loss_sum)
        });
        // a Poisson model's loss is counted from the best it could be: the deviance over 2
        let best = if self.network.head() == Head::Poisson && label > 0.0 { label - label * label.ln() } else { 0.0 };
        Ok(loss.map_or(f64::NAN, |loss| loss - best))
    }
}

/// Trains as one party would.
struct Alone {
    spec: Spec,
    strategy: Strategy,
    rounds: u32,
}

impl Alone {
    fn run(&self, examples: &Examples, seed: [u8; 32]) -> Result<Asked> {
        let rows = dataset(examples)?;
        let mut simulation = Simulation::new(&self.spec, self.strategy.clone(), vec![rows], seed)?;
        for _ in 0..self.rounds {
            simulation.round()?;
        }
        Ok(Asked { network: simulation.model().clone(), weights: simulation.checkpoint().server.weights.clone() })
    }
}

impl Trainer for Alone {
    fn train(&self, examples: &Examples, rng: &mut dyn Rng) -> yu_desensitize::Result<Box<dyn AttackableModel>> {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Ok(self.run(examples, seed).map_or_else(|_| Box::new(Failed) as Box<dyn AttackableModel>, |asked| Box::new(asked)))
    }
}

impl Subject<'_> {
    /// The model of a horizontal training, with the settings that it was trained by.
    ///
    /// # Errors
    /// [`Error::Caller`](crate::Error::Caller) for a model that cannot be, or settings whose privacy cannot be accounted for.
    pub fn trained(trained: &Trained, settings: &Settings) -> Result<Subject<'static>> {
        let network = trained.model.build(trained.features.len())?;
        let mut strategy = settings.strategy.clone();
        if let Server::Scaffold { parties, .. } = &mut strategy.server {
            *parties = 1;
        }
        // three products for each weight: forwards, by inputs, by weights; each multiplied and added
        let passes = f64::from(settings.rounds) * f64::from(strategy.local.epochs);
        let work = 6.0 * network.parameters() as f64 * passes;
        let (columns, document) = (network.inputs(), trained.to_bytes()?);
        let asked = Asked { network, weights: trained.weights.clone() };
        let alone = Alone { spec: trained.model.clone(), strategy, rounds: settings.rounds };
        let subject = Subject::new("trained model", &document, columns, Box::new(asked), settings.statement()?);
        Ok(subject.with_trainer(Box::new(alone), work).with_scale(trained.scale.clone()))
    }
}

impl Settings {
    /// What all rounds spend of privacy, for each row of each party.
    ///
    /// # Errors
    /// As [`Budget::charge`](crate::privacy::Budget::charge).
    pub fn statement(&self) -> Result<Privacy> {
        let (Some(protection), Some(charge)) = (&self.privacy, self.charge()) else { return Ok(Privacy::None) };
        let charge = match charge {
            crate::privacy::Charge::Gaussian { rate, noise, steps } => {
                crate::privacy::Charge::Gaussian { rate, noise, steps: steps.saturating_mul(self.rounds) }
            }
            other @ crate::privacy::Charge::Concentrated { .. } => other,
        };
        let epsilon = protection.budget().charge(charge)?;
        Ok(Privacy::Differential {
            epsilon: epsilon.get(),
            delta: protection.delta.get(),
            unit: "record".into(),
            noise: "local".into(),
            accountant: "pld".into(),
        })
    }
}
