//! Evaluation on shares against the clear one.

use ndarray::{Array1, Ix1, aview1};
use proptest::prelude::*;
use yu_fedlearn::evaluate::shares::{self, MOST_ROWS, Rows, Score, SharedCounts};
use yu_fedlearn::evaluate::{ClassCounts, Grid, Ranking, calibration, regression, stability};
use yu_fedlearn::{Error, reveal};
use yu_mpc::engine::{Engine, Vector};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;

use crate::feature_world::{Joint, at, clear, column, cost_is_exact, predicted, rng, table, three, three_checked};

/// Error of the arithmetic.
const ERROR: f64 = 1.0 / (1 << 18) as f64;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Held,
    Shared,
    Exact,
}

/// Scores of party 0, labels and selection of party 1.
struct Ranked {
    scores: Vec<f64>,
    labels: Vec<u8>,
    selected: Option<Vec<u8>>,
    way: Way,
    bits: u32,
}

impl Ranked {
    fn chosen(&self) -> (Vec<f64>, Vec<u8>) {
        let counts = |row: &usize| self.selected.as_ref().is_none_or(|selected| selected[*row] == 1);
        (0..self.scores.len()).filter(counts).map(|row| (self.scores[row], self.labels[row])).unzip()
    }
}

fn integers<E: Engine>(engine: &mut E, party: Option<usize>, values: &[u8]) -> Secret<E, Int, Ix1> {
    let values: Array1<i64> = values.iter().map(|value| i64::from(*value)).collect();
    Secret::input(engine, 1, at(1, party, values.view()), Ix1(values.len())).unwrap()
}

impl Joint for Ranked {
    type Out = Ranking;

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Ranking {
        let n = self.scores.len();
        let labels = integers(engine, party, &self.labels);
        let selected = self.selected.as_ref().map(|selected| integers(engine, party, selected));
        let rows = match &selected {
            Some(selected) => Rows::only(&labels, selected).unwrap(),
            None => Rows::all(&labels),
        };
        let scores = at(0, party, aview1(&self.scores));
        let counts = if self.way == Way::Held {
            shares::held(engine, &Grid::unit(self.bits).unwrap(), 0, scores, &rows).unwrap()
        } else {
            let scores = Secret::<E, Score, Ix1>::input(engine, 0, scores, Ix1(n)).unwrap();
            match self.way {
                Way::Exact => shares::exact(engine, &scores, &rows).unwrap(),
                _ => shares::shared(engine, self.bits, &scores, &rows).unwrap(),
            }
        };
        counts.figures(engine, 1).unwrap().open(engine).unwrap()
    }
}

/// Scores are whole multiples of the last place, so that both ways see the same ones.
fn ranked(n: usize, seed: u64, way: Way, bits: u32, is_selected: bool) -> Ranked {
    let word = |row: usize, of: u64| (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed.rotate_left(of as u32)).rotate_left(31);
    let labels: Vec<u8> = (0..n).map(|row| if row < 2 { row as u8 } else { u8::from(word(row, 1) % 3 == 0) }).collect();
    let score = |row: usize| (word(row, 2) % 97 + 40 * u64::from(labels[row])) as f64 / 256.0;
    let selected = is_selected.then(|| (0..n).map(|row| u8::from(row < 2 || word(row, 3) % 4 > 0)).collect());
    Ranked { scores: (0..n).map(score).collect(), labels, selected, way, bits }
}

fn is_near(found: &Ranking, expected: &Ranking) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= ERROR;
    near(found.auc, expected.auc) && near(found.auc_bound, expected.auc_bound) && near(found.ks, expected.ks)
}

fn expected(program: &Ranked) -> Ranking {
    let (scores, labels) = program.chosen();
    let counts = match program.way {
        Way::Exact => ClassCounts::exact(&scores, &labels),
        _ => ClassCounts::bucketed(&Grid::unit(program.bits).unwrap(), &scores, &labels),
    };
    counts.unwrap().ranking().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_way_agrees_with_the_clear_figures(n in 2usize..60, seed in any::<u64>(), bits in 1u32..6, is_selected in any::<bool>()) {
        for way in [Way::Held, Way::Shared, Way::Exact] {
            let program = ranked(n, seed, way, bits, is_selected);
            let found = clear(&program);
            prop_assert!(is_near(&found, &expected(&program)), "{way:?}: {found:?}, expected {:?}", expected(&program));
        }
    }
}

#[test]
fn three_parties_agree_and_the_cost_is_predicted() {
    // bytes of all parties and rounds; a change of either is a decision
    let held = [(Way::Held, false, (81_346, 145)), (Way::Held, true, (92_674, 146))];
    let shared = [(Way::Shared, true, (241_906, 189)), (Way::Exact, true, (1_864_922, 223))];
    for (way, is_selected, cost) in held.into_iter().chain(shared) {
        let program = ranked(200, 5, way, 4, is_selected);
        let results = three(&program);
        assert!(results.iter().all(|(found, _)| is_near(found, &expected(&program))), "{way:?}");
        let totals: Vec<_> = results.iter().map(|(_, totals)| *totals).collect();
        assert_eq!(cost_is_exact(&program, &totals), cost, "{way:?}");
    }
}

/// The table in the documentation: 10 000 rows, 64 buckets, a secret selection; inputs and openings included.
#[test]
fn documented_costs() {
    for (way, expected) in [(Way::Held, (5_918_928, 168)), (Way::Shared, (21_024_552, 213)), (Way::Exact, (40_428_544, 393))] {
        let cost = predicted(&ranked(10_000, 1, way, 6, true));
        assert_eq!((cost.bytes, cost.rounds), expected, "{way:?}");
    }
}

#[test]
fn a_malicious_engine_runs_the_same_program() {
    let program = ranked(40, 3, Way::Held, 3, true);
    assert!(three_checked(&program).iter().all(|found| is_near(found, &expected(&program))));
}

/// What else can be computed from scores and labels of different owners.
struct Errors {
    scores: Vec<f64>,
    labels: Vec<u8>,
    selected: Option<Vec<u8>>,
}

impl Joint for Errors {
    type Out = Vec<f64>;

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Vec<f64> {
        let n = self.scores.len();
        let labels = integers(engine, party, &self.labels);
        let selected = self.selected.as_ref().map(|selected| integers(engine, party, selected));
        let mut input = |owner: usize, of: &dyn Fn(usize) -> f64| {
            let values: Array1<f64> = (0..n).map(of).collect();
            Secret::<E, Score, Ix1>::input(engine, owner, at(owner, party, values.view()), Ix1(n)).unwrap()
        };
        let scores = input(0, &|row| self.scores[row]);
        let logs = input(0, &|row| self.scores[row].ln());
        let targets = input(1, &|row| f64::from(self.labels[row]));
        // y ln y - y of 0 and 1
        let terms = input(1, &|row| -f64::from(self.labels[row]));
        let rows = selected.as_ref().map_or_else(|| Rows::all(&labels), |selected| Rows::only(&labels, selected).unwrap());
        let counts = shares::shared(engine, 3, &scores, &rows).unwrap();
        let results = [
            shares::calibration_error(engine, &counts).unwrap(),
            shares::brier(engine, &scores, &labels, selected.as_ref()).unwrap(),
            shares::poisson_deviance(engine, [&targets, &terms], [&scores, &logs], selected.as_ref()).unwrap(),
        ];
        results.iter().map(|result| result.open(engine).unwrap()[0]).collect()
    }
}

#[test]
fn calibration_and_errors() {
    for is_selected in [false, true] {
        let Ranked { scores, labels, selected, .. } = ranked(150, 11, Way::Shared, 3, is_selected);
        let scores = scores.into_iter().map(|score| score * 0.9 + 0.05).collect();
        let program = Errors { scores, labels, selected };
        let counts = |row: &usize| program.selected.as_ref().is_none_or(|selected| selected[*row] == 1);
        let (scores, labels): (Vec<f64>, Vec<u8>) = (0..150).filter(counts).map(|row| (program.scores[row], program.labels[row])).unzip();
        let targets: Vec<f64> = labels.iter().map(|label| f64::from(*label)).collect();
        let bins = calibration::reliability(&Grid::unit(3).unwrap(), &scores, &labels).unwrap();
        let expected = [
            calibration::expected_calibration_error(&bins),
            calibration::brier(&scores, &labels).unwrap(),
            regression::poisson_deviance(&scores, &targets).unwrap(),
        ];
        let results = three(&program);
        for found in results.iter().map(|(found, _)| found).chain([&clear(&program)]) {
            for ((found, expected), error) in found.iter().zip(expected).zip([2e-5, 2e-5, 1e-4]) {
                assert!((found - expected).abs() < error, "{found} {expected}");
            }
        }
    }
}

/// Counts as constants: what the rules refuse.
fn counts_of<E: Engine>(engine: &E, positives: &[u64], negatives: &[u64]) -> SharedCounts<E> {
    SharedCounts::new(engine.constant(positives), engine.constant(negatives), 1000).unwrap()
}

struct Refusals;

impl Joint for Refusals {
    type Out = Vec<bool>;

    fn run<E: Engine>(&self, engine: &mut E, _: Option<usize>) -> Vec<bool> {
        let counts = counts_of(engine, &[0, 30, 12], &[50, 9, 0]);
        let is_unsafe = |result: Result<(), Error>| matches!(result, Err(Error::Unsafe { .. }));
        let opened = counts.open(engine, 9).unwrap();
        assert_eq!((opened.positives(), opened.negatives()), (&[0, 30, 12][..], &[50, 9, 0][..]));
        assert_eq!(counts.joined(&[0..1, 1..3]).unwrap().open(engine, 9).unwrap().positives(), [0, 42]);
        vec![
            is_unsafe(counts.open(engine, 10).map(drop)),
            is_unsafe(counts.figures(engine, 43).map(drop)),
            !is_unsafe(counts.figures(engine, 42).map(drop)),
            // a class without rows is refused whatever the least number
            is_unsafe(counts_of(engine, &[0, 0], &[5, 5]).figures(engine, 0).map(drop)),
            counts.small(engine, 10).unwrap() == [true, true, true],
            counts.small(engine, 9).unwrap() == [true, false, true],
        ]
    }
}

#[test]
fn small_groups_are_refused() {
    assert!(three(&Refusals).iter().all(|(found, _)| found.iter().all(|held| *held)));
    assert!(clear(&Refusals).iter().all(|held| *held));
    let counts = counts_of(&yu_mpc::clear::Clear, &[1, 2], &[3, 4]);
    assert!(counts.joined(&[]).is_err() && counts.joined(&[0..1, 0..2]).is_err());
    assert!(SharedCounts::<yu_mpc::clear::Clear>::new(Vector::concat(&[]), Vector::concat(&[]), MOST_ROWS + 1).is_err());
}

/// The index between a histogram of party 0 and one of party 1, told to party 1 only.
struct Moved;

impl Joint for Moved {
    type Out = Option<f64>;

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Option<f64> {
        let inputs = [[100u64, 200, 300, 0], [150, 250, 150, 50]];
        let input = |owner: usize| yu_mpc::engine::Input { owner, len: 4, values: at(owner, party, &inputs[owner][..]) };
        let shared = engine.input(&[input(0), input(1)]).unwrap();
        let index = shares::stability(engine, &shared[0], &shared[1], 600).unwrap();
        let mut random = rng(4);
        let told = reveal::to_one(engine, 1, at(1, party, &mut random), index.words()).unwrap();
        told.map(|raw| raw[0].cast_signed() as f64 / f64::from(1 << 18))
    }
}

#[test]
fn stability_of_two_parties_is_told_to_one() {
    let expected = stability::stability_index(&[100, 200, 300, 0], &[150, 250, 150, 50]).unwrap();
    let results = three(&Moved);
    assert!((results[1].0.unwrap() - expected).abs() < 1e-4, "{:?} {expected}", results[1].0);
    assert!(results[0].0.is_none() && results[2].0.is_none());
    assert!((clear(&Moved).unwrap() - expected).abs() < 1e-4);
}

/// A score of the guest's columns: held by one party, labels of another.
#[test]
fn default_credit_by_one_column() {
    let (Some(guest), Some(host)) =
        (table("default_credit/default_credit_hetero_guest.csv"), table("default_credit/default_credit_hetero_host.csv"))
    else {
        return;
    };
    let labels: Vec<u8> = column(&guest, "y").iter().map(|label| *label as u8).collect();
    // x0 of the host, cut to probabilities by a logistic function
    let scores: Vec<f64> = column(&host, "x0").iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
    let exact = ClassCounts::exact(&scores, &labels).unwrap().ranking().unwrap();
    let program = Ranked { scores, labels, selected: None, way: Way::Held, bits: 5 };
    let found = clear(&program);
    assert!(is_near(&found, &expected(&program)));
    assert!((found.auc - exact.auc).abs() <= found.auc_bound + ERROR && found.ks <= exact.ks + ERROR);
    println!("exact {exact:?}, 32 buckets {found:?}");
}
