//! Limits are limits: a hit more refuses, a row less cannot tell. And reports tell nothing of a single row.

use yu_desensitize::restore::{AttackableModel, Example, clopper_pearson};
use yu_fedlearn::Error;
use yu_fedlearn::artefact::Privacy;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::gate::{self, Outcome, Planted, Report, Rule, Settings, Subject, Verdict, WhenUnsure};

/// Its loss of a row is the row's feature.
struct Told;

impl AttackableModel for Told {
    fn loss(&self, example: Example<'_>) -> yu_desensitize::Result<f64> {
        Ok(example.features[0])
    }
}

fn subject() -> Subject<'static> {
    Subject::new("told", b"document", 1, Box::new(Told), Privacy::None)
}

fn losses(values: impl IntoIterator<Item = f64>) -> Dataset {
    let values: Vec<f64> = values.into_iter().collect();
    let count = values.len();
    Dataset::new(ndarray::Array2::from_shape_vec((count, 1), values).unwrap(), vec![0.0; count]).unwrap()
}

/// `hits` of `all` members have a loss below every other row's.
fn members(hits: usize, all: usize) -> Dataset {
    losses((0..all).map(|row| if row < hits { 0.5 } else { 3.0 }))
}

/// Without shadows: no models like it can be trained.
fn by_loss() -> Settings {
    Settings { shadow_models: 0, membership_advantage: 1.0, ..Settings::default() }
}

fn examine(members: &Dataset, held_back: usize, settings: &Settings) -> Report {
    let held_back = losses((0..held_back).map(|row| 1.0 + row as f64 * 1e-6));
    gate::examine(&subject(), members, &held_back, None, settings, &[1; 32]).unwrap()
}

#[test]
fn one_hit_more_is_one_too_many() {
    let settings = by_loss();
    let last = (0..1000).take_while(|hits| clopper_pearson(*hits, 1000, 0.95).1 <= settings.membership_tpr).last().unwrap() as usize;
    assert!((5..20).contains(&last), "{last}");
    assert!(examine(&members(last, 1000), 1000, &settings).is_passed());
    let above = examine(&members(last + 1, 1000), 1000, &settings);
    // not above the limit, but not surely below it either
    assert!(above.verdict == Verdict::Refused && above.tests[1].reason.en.contains("too few"), "{:?}", above.tests[1]);
    let unsure = Settings { when_unsure: WhenUnsure::CannotTell, ..settings.clone() };
    assert_eq!(examine(&members(last + 1, 1000), 1000, &unsure).verdict, Verdict::CannotTell);
    let refused = examine(&members(21, 1000), 1000, &unsure);
    assert!(refused.verdict == Verdict::Refused && refused.tests[1].reason.en.contains("more than 0.02"), "{:?}", refused.tests[1]);
    assert_eq!((refused.tests[1].figure, refused.tests[1].limit), (Some(0.03), Some(0.02)));
}

#[test]
fn the_advantage_is_judged_by_its_upper_end() {
    // the mean of the members' losses is 2: `small` of 1,000 are below, and as many of those held back as are said
    let run = |small: usize, held: usize, of: usize, limit: f64| {
        let members = losses((0..1000).map(|row| if row < small { 2.0 - (1000 - small) as f64 * 1e-3 } else { 2.0 + small as f64 * 1e-3 }));
        let held_back = losses((0..of).map(|row| if row < held { 1.0 } else { 4.0 }));
        let settings = Settings { membership_fpr: 0.5, membership_tpr: 1.0, membership_advantage: limit, ..by_loss() };
        gate::examine(&subject(), &members, &held_back, None, &settings, &[1; 32]).unwrap().tests[0].clone()
    };
    let high = clopper_pearson(600, 1000, 0.95).1 - clopper_pearson(500, 1000, 0.95).0;
    assert!((0.1..0.2).contains(&high));
    assert_eq!((run(600, 500, 1000, high + 1e-9).outcome, run(600, 500, 1000, high - 1e-9).outcome), (Outcome::Passed, Outcome::Refused));
    let refused = run(600, 500, 1000, 0.05);
    assert!(refused.reason.en.contains("more than 0.05") && refused.figure == Some(0.2), "{refused:?}");
    // as large a share of few rows, or of none, cannot tell
    assert!(run(600, 60, 100, 0.1).reason.en.contains("too few") && run(600, 0, 0, 0.9).reason.en.contains("too few"));
}

#[test]
fn one_row_less_cannot_tell() {
    let (settings, own) = (by_loss(), members(0, 1000));
    assert!(examine(&own, 1000, &settings).is_passed());
    let less = examine(&own, 999, &settings);
    assert!(less.verdict == Verdict::Refused && less.tests[1].reason.en.contains("1000 rows"), "{:?}", less.tests[1]);
    let said = examine(&own, 999, &Settings { when_unsure: WhenUnsure::CannotTell, ..settings.clone() });
    assert!(said.verdict == Verdict::CannotTell && !said.is_passed() && said.tests[1].outcome == Outcome::CannotTell);
    assert_eq!(examine(&own, 0, &settings).verdict, Verdict::Refused);
    // as few members: an interval that reaches over the limit
    assert_eq!(examine(&members(0, 100), 1000, &settings).verdict, Verdict::Refused);
}

#[test]
fn shadows_that_are_asked_for_and_cannot_be_trained_refuse() {
    let report = examine(&members(0, 1000), 1000, &Settings { membership_advantage: 1.0, ..Settings::default() });
    let outcomes: Vec<(Rule, Outcome)> = report.tests.iter().map(|test| (test.rule, test.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            (Rule::MembershipAdvantage, Outcome::Passed),
            (Rule::MembershipByLoss, Outcome::Passed),
            (Rule::MembershipByShadows, Outcome::Refused),
            (Rule::Canaries, Outcome::Refused),
            (Rule::Privacy, Outcome::Passed),
        ]
    );
    assert!(report.verdict == Verdict::Refused && report.tests[4].reason.en.contains("without differential privacy"));
    let left_out = examine(&members(0, 1000), 1000, &by_loss());
    assert!(left_out.tests[2].outcome == Outcome::LeftOut && left_out.tests[2].reason.en.contains("shadow_models = 0"));
}

#[test]
fn planted_records_that_are_known_refuse() {
    let run = |known: usize, planted: usize, references: usize| {
        let canaries = losses((0..planted).map(|at| if at < known { 0.0 } else { 5e3 }));
        let planted = Planted { canaries, references: losses((0..references).map(|at| 1.0 + at as f64)) };
        gate::examine(&subject(), &members(0, 1000), &losses(vec![1.0; 1000]), Some(&planted), &by_loss(), &[1; 32]).unwrap()
    };
    assert!(run(0, 10, 2047).is_passed());
    let one = run(1, 10, 2047);
    assert!(one.verdict == Verdict::Refused && one.tests[3].figure == Some(0.1) && one.tests[3].limit == Some(0.0));
    // too few to show anything
    assert_eq!((run(0, 9, 2048).tests[3].outcome, run(0, 10, 2046).tests[3].outcome), (Outcome::Refused, Outcome::Refused));
}

#[test]
fn a_row_more_or_less_changes_no_word() {
    let report = |hits, all| examine(&members(hits, all), 1005, &by_loss()).to_bytes().unwrap();
    // the figure is a share of all rows, to three digits upwards
    assert!(report(3, 1000) == report(4, 1000) && report(3, 1003) == report(3, 1004));
}

#[test]
fn what_cannot_be_examined_is_an_error() {
    let (own, empty) = (members(0, 10), losses([]));
    let run = |members: &Dataset, settings: &Settings| gate::examine(&subject(), members, &own, None, settings, &[1; 32]);
    assert!(matches!(run(&empty, &by_loss()), Err(Error::Data { .. })));
    let wide = Dataset::new(ndarray::Array2::zeros((3, 2)), vec![0.0; 3]).unwrap();
    assert!(matches!(run(&wide, &by_loss()), Err(Error::Data { .. })));
    assert!(matches!(run(&own, &Settings { confidence: 1.0, ..by_loss() }), Err(Error::Caller(_))));
    // a model without answers
    let silent = Subject::new("silent", b"", 1, Box::new(Silent), Privacy::None);
    let report = gate::examine(&silent, &members(0, 1000), &losses(vec![1.0; 1000]), None, &by_loss(), &[1; 32]).unwrap();
    assert!(report.verdict == Verdict::Refused && report.tests[1].reason.en.contains("no number"));
}

struct Silent;

impl AttackableModel for Silent {
    fn loss(&self, _: Example<'_>) -> yu_desensitize::Result<f64> {
        Ok(f64::INFINITY)
    }
}
