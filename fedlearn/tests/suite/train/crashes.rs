//! Whoever is killed, at whatever moment: the model is the one of an uninterrupted run.

use proptest::prelude::*;

use super::world::{World, clear, secure, settings};
use crate::world::{Crash, crash};
use yu_fedlearn::Error;
use yu_fedlearn::strategy::Correction;
use yu_fedlearn::train::Settings;

fn all_needed(secret: bool) -> Settings {
    let mut all = settings(if secret { secure(4) } else { clear(4) }, 5);
    // every round waits for everybody: the model does not depend on who was killed
    all.quorum = 4;
    // a state that would show a round counted twice
    all.strategy.local.correction = Correction::Scaffold;
    all.strategy.server = yu_fedlearn::strategy::Server::Scaffold { learning_rate: 1.0, parties: 4 };
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn the_model_is_that_of_an_uninterrupted_run(crashes in proptest::collection::vec(crash(7), 1..3), secret: bool) {
        let whole = World::new(4, all_needed(secret)).run().unwrap();
        let mut world = World::new(4, all_needed(secret));
        world.crashes = crashes;
        let resumed = world.run().unwrap();
        prop_assert_eq!(&whole.1, &resumed.1);
        prop_assert!(resumed.2.iter().all(|party| *party == whole.1));
    }
}

#[test]
fn a_round_goes_on_without_a_party_and_takes_it_back() {
    let mut world = World::new(4, settings(secure(4), 8));
    world.crashes = vec![Crash::Party(2, 3)];
    let (trained, ..) = world.run().unwrap();
    let parties: Vec<u32> = trained.history.iter().map(|round| round.parties).collect();
    assert!(parties.iter().all(|count| *count >= 3) && parties.last() == Some(&4), "{parties:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn no_sum_is_made_over_two_sets_of_parties(crashes in proptest::collection::vec(crash(7), 1..4), secret: bool) {
        let mut all = settings(if secret { secure(4) } else { clear(4) }, 5);
        all.quorum = 3;
        let mut world = World::new(4, all);
        world.crashes = crashes;
        match world.run() {
            Ok((trained, bytes, parties)) => {
                prop_assert!(parties.iter().all(|party| *party == bytes));
                prop_assert!(trained.history.windows(2).all(|pair| pair[0].round < pair[1].round));
            }
            // the coordinator was killed between a sum and its model, and a party was not there when it came back
            Err(Error::Absent { what, .. }) => prop_assert!(what.contains("no longer the same"), "{what}"),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
