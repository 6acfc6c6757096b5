//! Settings that would tell of single rows or parties are refused, with the reason.

use yu_fedlearn::Error;
use yu_fedlearn::trees::Boosting;
use yu_fedlearn::trees::horizontal::{Aggregation, Settings};

use super::world::{SECURE, World, rows, settings, small};

#[test]
fn what_leaks_is_refused_unless_it_is_chosen_by_name() {
    let refused = |settings: &Settings, parties, word: &str| match settings.check(parties) {
        Err(Error::Unsafe { setting, .. }) => assert_eq!(setting, word),
        other => panic!("{word}: {other:?}"),
    };
    let few = settings(SECURE, Boosting { min_rows: 9, ..small() });
    refused(&few, 3, "boosting.min_rows");
    Settings { danger_small_leaves: true, ..few }.check(3).unwrap();
    refused(&settings(SECURE, small()), 2, "parties");
    refused(&settings(Aggregation::DangerClear, small()), 2, "parties");
    settings(SECURE, small()).check(3).unwrap();
    type Change = fn(&mut Settings);
    let wrong: [Change; 4] = [|s| s.bins = 1, |s| s.bins = 257, |s| s.deadline_s = 0, |s| s.quorum = 4];
    for change in wrong {
        let mut all = settings(SECURE, small());
        change(&mut all);
        assert!(matches!(all.check(3), Err(Error::Caller(_))));
    }
}

#[test]
fn settings_are_read_from_a_job_file() {
    let read = Settings::from_json(r#"{ "boosting": { "trees": 20, "min_rows": 25 } }"#).unwrap();
    assert_eq!((read.boosting.trees, read.boosting.depth, read.bins, read.aggregation), (20, 5, 32, SECURE));
    let clear = Settings::from_json(r#"{ "boosting": {}, "aggregation": { "kind": "danger-clear" } }"#).unwrap();
    assert_eq!(clear.aggregation, Aggregation::DangerClear);
    // the default of 4 rows is not enough here
    assert!(clear.check(3).is_err() && Settings::from_json(r#"{ "boosting": {}, "aggregation": { "kind": "clear" } }"#).is_err());
}

#[test]
fn rows_that_cannot_be_trained_on_are_refused_by_their_owner() {
    let mut world = World::new((0..3).map(|party| rows(50, party)).collect(), settings(SECURE, small()));
    let odd = rows(50, 0);
    world.rows[0] = yu_fedlearn::data::Dataset::new(odd.features().clone(), vec![2.0; 50]).unwrap();
    assert!(matches!(world.run(), Err(Error::Absent { parties, .. }) if parties.contains("party-0")));
    world.rows[0] = rows(50, 0);
    world.plan.features.push("x0".into());
    assert!(world.plan.check().is_err());
}
