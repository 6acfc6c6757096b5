//! Against training in one place.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::evaluate::ClassCounts;
use yu_fedlearn::gate::{self, Rule, Subject};
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::trees::horizontal::{Aggregation, Trained};
use yu_fedlearn::trees::{Binned, Boosting, Loss, fit};

use super::world::{SECURE, World, rows, settings, small};
use crate::ceilings::load;

fn deal(all: &Dataset, parties: usize, seed: u64) -> Vec<Dataset> {
    let parts = split::dirichlet(all.targets(), parties, 1.0, &mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
    parts.iter().map(|part| all.take(part).unwrap()).collect()
}

fn binned(rows: &Dataset, trained: &Trained) -> Binned {
    let columns: Vec<Vec<f64>> = rows.features().columns().into_iter().map(|column| column.to_vec()).collect();
    Binned::new(&columns, &trained.cuts).unwrap()
}

/// Greatest difference of scores to the trees that [`fit`] makes of all rows with the same bins.
fn beside(all: &Dataset, trained: &Trained) -> f64 {
    let data = binned(all, trained);
    let central = fit(&trained.settings.boosting, &data, all.targets()).unwrap();
    let scores = (trained.forest.scores(&data).unwrap(), central.scores(&data).unwrap());
    scores.0.iter().zip(&scores.1).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// In the clear and in secret, dealt in whatever way: the same bytes; and the trees of one place, up to rounding to 2^-24.
    #[test]
    fn the_trees_are_those_of_all_rows_in_one_place(seed in 0u64..1000, parties in 3usize..6, squared: bool, depth in 1usize..4) {
        let loss = if squared { Loss::Squared } else { Loss::Logistic };
        let boosting = Boosting { depth, loss, trees: 3, ..small() };
        let all = rows(400, seed);
        let (clear, secret) = (settings(Aggregation::DangerClear, boosting), settings(SECURE, boosting));
        let (open, ..) = World::new(deal(&all, parties, seed), clear).run().unwrap();
        let (trained, bytes, told) = World::new(deal(&all, 3, seed + 1), secret).run().unwrap();
        prop_assert!(told.into_iter().all(|party| party == bytes));
        prop_assert!(open.forest == trained.forest && open.cuts == trained.cuts && open.leaf_rows == trained.leaf_rows);
        let difference = beside(&all, &trained);
        prop_assert!(difference < 1e-4, "{difference}");
        // every leaf has no row, or as many as agreed
        prop_assert!(trained.leaf_rows.iter().all(|rows| *rows == 0 || *rows >= 10), "{:?}", trained.leaf_rows);
        prop_assert_eq!(trained.leaf_rows.iter().sum::<u64>(), 3 * 400);
        prop_assert!(trained.parties.iter().all(|parties| *parties == [0, 1, 2]) && trained.rows == 400);
    }
}

#[test]
fn a_coordinator_that_may_lie_costs_an_exchange_and_changes_nothing() {
    let all = rows(300, 3);
    let [honest, checked] = [false, true].map(|malicious| {
        let world = World::new(deal(&all, 4, 1), settings(Aggregation::Secure { malicious }, Boosting { trees: 2, ..small() }));
        world.run().unwrap().0
    });
    assert_eq!(honest.forest, checked.forest);
}

#[test]
fn trees_of_breast_pass_the_gate_and_predict() {
    let Some((train, test)) = load(Set::Breast) else { return };
    let boosting = Boosting { trees: 12, depth: 3, rate: 0.3, min_rows: 10, ..Boosting::default() };
    let parties = deal(&train, 3, 2);
    let time = std::time::Instant::now();
    let world = World::new(parties.clone(), settings(SECURE, boosting));
    let (trained, bytes, _) = world.run().unwrap();
    let seconds = time.elapsed().as_secs_f64();
    let right = trained.predict(test.features()).unwrap().iter().zip(test.targets()).filter(|(p, y)| (**p > 0.5) == (**y == 1.0)).count();
    println!("breast, 3 parties, 12 trees of depth 3 by secure aggregation: {right} of {} right, {seconds:.2} s", test.rows());
    assert!(right * 100 >= 93 * test.rows(), "{right}");
    assert!(beside(&train, &trained) < 1e-4);
    let subject = Subject::boosted(&trained).unwrap();
    let limits = gate::Settings {
        membership_fpr: 0.01,
        membership_tpr: 0.3,
        shadow_models: 4,
        canary_exposure: 6.0,
        canaries: 0.5,
        ..gate::Settings::default()
    };
    let report = gate::examine(&subject, &parties[0], &test, None, &limits, &[1; 32]).unwrap();
    println!("{}", report.lines(yu_desensitize::Lang::En).join("\n"));
    let leaf = report.tests.iter().find(|test| test.rule == Rule::LeafSize).unwrap();
    assert!(leaf.outcome == gate::Outcome::Passed && gate::Report::from_bytes(&report.to_bytes().unwrap(), &bytes).is_ok());
    assert!(gate::of_trees(&world.plan, &trained, &parties[0], &limits, &[1; 32]).is_ok());
    let mut other = world.plan.clone();
    other.job = [8; 32];
    assert!(gate::of_trees(&other, &trained, &parties[0], &limits, &[1; 32]).is_err());
    assert_eq!(Trained::from_bytes(&bytes).unwrap(), trained);
    let mut spoilt = trained.clone();
    spoilt.forest.trees[0].splits[0] = Some(yu_fedlearn::trees::Split { feature: 99, bin: 0 });
    assert!(Trained::from_bytes(&spoilt.to_bytes().unwrap()).is_err() && trained.predict(&ndarray::Array2::zeros((1, 2))).is_err());
}

#[test]
#[ignore = "seconds in release: cargo test --release -p yu-fedlearn --test suite bank_in_rows -- --ignored --nocapture"]
fn bank_in_rows() {
    let Some((train, test)) = load(Set::Bank) else { return };
    let boosting = Boosting { min_rows: 10, ..Boosting::default() };
    let settings = yu_fedlearn::trees::horizontal::Settings { bins: 32, ..settings(SECURE, boosting) };
    let time = std::time::Instant::now();
    let (trained, ..) = World::new(deal(&train, 3, 2), settings).run().unwrap();
    let seconds = time.elapsed().as_secs_f64();
    let labels: Vec<u8> = test.targets().iter().map(|label| *label as u8).collect();
    let scores = trained.predict(test.features()).unwrap();
    let auc = ClassCounts::exact(&scores, &labels).unwrap().ranking().unwrap().auc;
    println!("bank in rows, 3 parties, 100 trees of depth 5, one column a category: test AUC {auc:.4}, {seconds:.1} s");
    assert!(auc > 0.925, "{auc}");
}
