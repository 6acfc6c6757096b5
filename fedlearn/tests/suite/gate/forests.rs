//! Boosted trees under the gate.

use yu_fedlearn::artefact::Privacy;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::gate::{self, Leaves, Outcome, Report, Rule, Settings, Subject};
use yu_fedlearn::trees::{Binned, Boosting, Cuts, Forest, fit};

use super::networks::{limits, noisy};

fn trained(boosting: &Boosting, rows: &Dataset) -> (Forest, Vec<Cuts>) {
    let columns: Vec<Vec<f64>> = rows.features().columns().into_iter().map(|column| column.to_vec()).collect();
    let (data, cuts) = Binned::quantiles(&columns, 16).unwrap();
    (fit(boosting, &data, rows.targets()).unwrap(), cuts)
}

fn examined(boosting: &Boosting, leaves: Option<Vec<u64>>, settings: &Settings) -> Report {
    let members = noisy(600, 8, 1);
    let (forest, cuts) = trained(boosting, &members);
    let leaves = leaves.map_or(Leaves::Own, Leaves::OfAll);
    let subject = Subject::forest(b"trees", &forest, &cuts, boosting, leaves, Privacy::None).unwrap();
    let report = gate::examine(&subject, &members, &noisy(300, 8, 2), None, settings, &[1; 32]).unwrap();
    println!("{:?}\n  {}", report.verdict, report.lines(yu_desensitize::Lang::En).join("\n  "));
    report
}

fn leaf_size(report: &Report) -> (Outcome, Option<f64>) {
    report.tests.iter().find(|test| test.rule == Rule::LeafSize).map(|test| (test.outcome, test.figure)).unwrap()
}

#[test]
fn few_rows_in_a_leaf_are_refused_and_not_told() {
    let one_by_one = Boosting { trees: 3, depth: 6, min_rows: 1, min_child_weight: 0.0, ..Boosting::default() };
    let settings = Settings { shadow_models: 0, ..limits() };
    let report = examined(&one_by_one, None, &settings);
    assert_eq!(leaf_size(&report), (Outcome::Refused, None));
    assert!(!report.is_passed());
    let wide = Boosting { trees: 3, depth: 2, min_rows: 40, ..Boosting::default() };
    let (outcome, figure) = leaf_size(&examined(&wide, None, &settings));
    assert!(outcome == Outcome::Passed && figure.is_some_and(|figure| figure >= 40.0), "{figure:?}");
    // rows of all parties, as the training counted them; empty leaves stand for nobody
    for (least, outcome) in [(10, Outcome::Passed), (9, Outcome::Refused)] {
        let mut counts = vec![0, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150];
        counts[3] = least;
        assert_eq!(leaf_size(&examined(&wide, Some(counts), &settings)).0, outcome);
    }
}

#[test]
fn trees_that_remember_are_recognised_by_shadows() {
    let deep = Boosting { trees: 40, depth: 6, rate: 0.5, min_rows: 1, min_child_weight: 0.0, ..Boosting::default() };
    let report = examined(&deep, None, &Settings { canary_exposure: 6.0, canaries: 1.0, ..limits() });
    let shadows = report.tests.iter().find(|test| test.rule == Rule::MembershipByShadows).unwrap();
    assert_eq!(shadows.outcome, Outcome::Refused);
    let careful = Boosting { trees: 10, depth: 2, rate: 0.1, min_rows: 40, ..Boosting::default() };
    assert!(examined(&careful, None, &Settings { canary_exposure: 6.0, canaries: 1.0, ..limits() }).is_passed());
}

#[test]
fn trees_that_do_not_fit_are_refused() {
    let boosting = Boosting { trees: 2, depth: 2, min_rows: 20, ..Boosting::default() };
    let (forest, cuts) = trained(&boosting, &noisy(200, 4, 1));
    let subject = |cuts: &[Cuts], leaves| Subject::forest(b"", &forest, cuts, &boosting, leaves, Privacy::None);
    assert!(subject(&cuts, Leaves::OfAll(vec![20; 7])).is_err() && subject(&cuts, Leaves::OfAll(vec![20; 8])).is_ok());
    assert!(subject(&[], Leaves::Own).is_err());
}
