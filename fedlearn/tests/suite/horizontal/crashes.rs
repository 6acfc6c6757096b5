//! Whoever is killed or leaves: the trees are those of an uninterrupted run, or end where they stand; no sum is made over two sets of parties.

use proptest::prelude::*;
use yu_fedlearn::Error;
use yu_fedlearn::trees::horizontal::Aggregation;

use super::world::{SECURE, World, rows, settings, small};
use crate::world::crash;

fn world(parties: u64, quorum: u32, secret: bool) -> World {
    let aggregation = if secret { SECURE } else { Aggregation::DangerClear };
    let mut agreed = settings(aggregation, small());
    agreed.quorum = quorum;
    World::new((0..parties).map(|party| rows(120, party)).collect(), agreed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Every sum waits for everybody: nothing depends on who was killed.
    #[test]
    fn killed_and_back_again(crashes in proptest::collection::vec(crash(24), 1..3), secret: bool) {
        let whole = world(4, 4, secret).run().unwrap();
        let mut disturbed = world(4, 4, secret);
        disturbed.crashes = crashes;
        let (_, bytes, told) = disturbed.run().unwrap();
        prop_assert_eq!(&whole.1, &bytes);
        prop_assert!(told.into_iter().all(|party| party == bytes));
    }
}

#[test]
fn a_tree_that_loses_a_party_ends_where_it_stands() {
    // stored at the beginning and after each sum: the start, 16 rounds of bins, then three levels a tree
    let whole = world(4, 0, true).run().unwrap().0;
    let mut shortened = 0;
    for at in 19..27 {
        let mut leaving = world(4, 0, true);
        leaving.leaves = Some((2, at));
        match leaving.run_with_losses() {
            Ok((trained, bytes, told)) => {
                assert!(told.iter().enumerate().all(|(party, told)| (party == 2) == told.is_err()), "{at}");
                assert!(told.iter().flatten().all(|party| *party == bytes));
                let with: Vec<bool> = trained.parties.iter().map(|parties| parties.contains(&2)).collect();
                // with it first, then without
                assert!(with.windows(2).all(|pair| pair[0] || !pair[1]) && with.iter().any(|with| !with), "{with:?}");
                assert_eq!(trained.cuts, whole.cuts);
                shortened +=
                    trained.forest.trees.iter().zip(&whole.forest.trees).zip(&with).filter(|((a, b), with)| **with && a != b).count();
            }
            // it left with its shares after it was counted in at the root
            Err(Error::Absent { what, .. }) => assert!(what.contains("no longer the same"), "{what}"),
            Err(error) => panic!("{at}: {error}"),
        }
    }
    println!("trees that ended early: {shortened}");
    assert!(shortened > 0);
}

#[test]
fn too_few_parties_end_the_training_by_name() {
    let mut leaving = world(3, 0, true);
    leaving.leaves = Some((1, 3));
    match leaving.run_with_losses() {
        Err(Error::Absent { parties, .. }) => assert!(parties.contains("party-1"), "{parties}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two parties are too few"),
    }
}
