//! Whole trainings: coordinator and parties on threads, in the clear and under secure aggregation, with crashes and liars.

mod crashes;
mod liars;
mod settings;
mod world;

use ndarray::Array2;

pub(crate) use settings::private;
pub(crate) use world::{World, clear, rows, secure, settings};

use yu_fedlearn::strategy::Correction;
use yu_fedlearn::train::Aggregation;

#[test]
fn sums_in_secret_train_the_same_model_as_sums_in_the_clear() {
    let worlds = [clear(4), secure(4)].map(|aggregation| World::new(4, settings(aggregation, 12)));
    let [clear, secret] = worlds.each_ref().map(|world| world.run().unwrap());
    let (clear, secret) = (clear.0, secret.0);
    // 24 bits within 1: rounding is below 1.2e-7 a value and round
    for (a, b) in clear.weights.flat().iter().zip(secret.weights.flat()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    let (first, last) = (clear.history.first().unwrap(), clear.history.last().unwrap());
    assert!(last.loss < 0.7 * first.loss && last.accuracy > 0.85, "{first:?} {last:?}");
    assert_eq!((clear.history.len(), last.round, last.parties), (13, 12, 4));
    // figures are exact under secure aggregation
    let beside = secret.history.last().unwrap();
    assert_eq!((beside.rows, beside.accuracy), (last.rows, last.accuracy));
    assert!((beside.loss - last.loss).abs() < 1e-5);
}

#[test]
fn all_parties_get_the_same_bytes_and_hear_every_round() {
    let world = World::new(3, settings(secure(3), 5));
    let (trained, bytes, parties) = world.run().unwrap();
    assert!(parties.iter().all(|party| *party == bytes));
    assert_eq!(world.heard(), [5, 5, 5]);
    let read = yu_fedlearn::train::Trained::from_bytes(&bytes).unwrap();
    assert_eq!(read.features, trained.features);
    let rows = Array2::from_shape_vec((2, 3), vec![4.0, 110.0, 0.0, -4.0, 90.0, 0.0]).unwrap();
    let scores = read.predict(&rows).unwrap();
    assert!(scores[[0, 0]] > 0.5 && scores[[1, 0]] < 0.5, "{scores}");
    assert!(read.predict(&Array2::zeros((1, 2))).is_err());
}

#[test]
fn a_coordinator_that_may_lie_costs_an_exchange_and_changes_nothing() {
    let aggregation = |malicious| Aggregation::Secure { bits: 20, bound: 2.0, malicious };
    let worlds = [false, true].map(|malicious| World::new(4, settings(aggregation(malicious), 3)));
    let [honest, checked] = worlds.each_ref().map(|world| world.run().unwrap().0);
    assert_eq!(honest.weights.flat(), checked.weights.flat());
}

#[test]
fn scaffold_keeps_its_state_at_the_parties() {
    let mut all = settings(secure(3), 6);
    all.strategy.local.correction = Correction::Scaffold;
    all.strategy.server = yu_fedlearn::strategy::Server::Scaffold { learning_rate: 1.0, parties: 3 };
    let (trained, ..) = World::new(3, all).run().unwrap();
    assert!(trained.history.last().unwrap().accuracy > 0.85);
}
