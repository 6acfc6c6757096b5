//! Training by rows under differential privacy, and strategies on rows that are dealt unevenly.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::dp::account::calibrate::Accountant;
use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use yu_fedlearn::data::split;
use yu_fedlearn::data::standardise::Scale;
use yu_fedlearn::model::Spec;
use yu_fedlearn::privacy::{DpSgd, calibrate};
use yu_fedlearn::simulate::Simulation;
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::strategy::{Correction, Local, Server, Strategy, Weighting};

use super::{FedlearnArgs, more};
use crate::Result;
use crate::desensitize::Row;

const MODEL: Spec = Spec::Softmax { classes: 10, l2: 0.0 };

/// Ten parties.
const PARTIES: usize = 10;
const ROUNDS: u32 = 20;
const SEEDS: u64 = 5;

fn plain(epochs: u32, batch: u32, learning_rate: f64) -> Local {
    Local { epochs, batch, learning_rate, momentum: 0.0, proximal: 0.0, correction: Correction::None, private: None }
}

/// Accuracy on the test rows of digits after some rounds; `deal` says which rows each party has.
fn accuracy(
    args: &FedlearnArgs,
    strategy: Strategy,
    rounds: u32,
    seed: u64,
    deal: impl Fn(&[f64]) -> yu_fedlearn::Result<Vec<Vec<usize>>>,
) -> Result<f64> {
    let (train, test) = Set::Digits.load(&args.data()?)?;
    let parties = deal(train.targets())?.iter().map(|part| train.take(part)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let scale = Scale::of_all(&parties)?;
    let parties = parties.iter().map(|party| scale.apply(party)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let mut simulation = Simulation::new(&MODEL, strategy, parties, [seed as u8; 32])?;
    for _ in 0..rounds {
        simulation.round()?;
    }
    Ok(simulation.evaluate(&scale.apply(&test)?)?.accuracy())
}

pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    let name = "digits, 3 parties, each row (3, 1e-5)-private: accuracy (without privacy 0.9722)";
    if args.wants("private", name) {
        let (epsilon, delta, rate) = (Epsilon::new(3.0)?, Delta::new(1e-5)?, SamplingRate::new(0.25)?);
        let mut local = plain(1, 0, 2.0);
        local.private = Some(DpSgd { rate, noise: NoiseMultiplier::new(1.0)?, clip: 1.0 });
        // the steps do not depend on the number of rows
        let noise = calibrate(Accountant::Pld, rate, 10 * local.steps(1000), epsilon, delta)?;
        local.private = Some(DpSgd { rate, noise, clip: 1.0 });
        let strategy = Strategy { local, server: Server::default(), weighting: Weighting::Uniform };
        let deal = |labels: &[f64]| split::iid(labels.len(), 3, &mut ChaCha20Rng::seed_from_u64(1));
        found.push(more("private", name, accuracy(args, strategy, 10, 1, deal)?, "", Some(0.8), None));
    }
    let name = format!("digits, {PARTIES} parties, Dirichlet 0.1, {ROUNDS} rounds of 5 epochs, mean of seeds 1 to {SEEDS}: accuracy");
    if args.wants("uneven", &name) {
        let strategy = |local: Local, server: Server| Strategy { local, server, weighting: Weighting::Uniform };
        let plain = plain(5, 16, 0.1);
        let corrected = Local { correction: Correction::Scaffold, ..plain.clone() };
        let tested = [
            ("FedAvg", strategy(plain.clone(), Server::default())),
            ("FedProx 0.1", strategy(Local { proximal: 0.1, ..plain }, Server::default())),
            ("SCAFFOLD", strategy(corrected, Server::Scaffold { learning_rate: 1.0, parties: PARTIES as u32 })),
        ];
        let mut average = None;
        for (who, strategy) in tested {
            let mut sum = 0.0;
            for seed in 1..=SEEDS {
                let deal = |labels: &[f64]| split::dirichlet(labels, PARTIES, 0.1, &mut ChaCha20Rng::seed_from_u64(seed));
                sum += accuracy(args, strategy.clone(), ROUNDS, seed, deal)?;
            }
            // SCAFFOLD has to be above FedAvg
            let mean = sum / SEEDS as f64;
            found.push(more("uneven", format!("{name} of {who}"), mean, "", average.filter(|_| who == "SCAFFOLD"), None));
            average = average.or(Some(mean));
        }
    }
    Ok(found)
}
