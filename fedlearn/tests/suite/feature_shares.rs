//! Feature work on shares against the clear one.

use ndarray::{Array1, Array2, Axis, Ix1};
use proptest::prelude::*;
use yu_fedlearn::Error;
use yu_fedlearn::evaluate::ClassCounts;
use yu_fedlearn::evaluate::shares::Rows;
use yu_fedlearn::feature::Binning;
use yu_fedlearn::feature::correlation::{self, shares as correlation_shares};
use yu_fedlearn::feature::prepare::{Scaler, Sums};
use yu_fedlearn::feature::scorecard::{Scale, Scorecard};
use yu_fedlearn::feature::select::{Limits, Reason, select};
use yu_fedlearn::feature::woe::{Rule, Small, WoeTable, shares as woe_shares};
use yu_mpc::engine::Engine;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;

use crate::feature_world::{Joint, at, clear, column, cost_is_exact, table, three, three_checked};

/// Features of party 0, labels and selection of party 1; weights are opened for the test.
struct Weighed {
    binnings: Vec<Binning>,
    columns: Vec<Vec<f64>>,
    labels: Vec<u8>,
    selected: Option<Vec<u8>>,
    rule: Rule,
}

fn integers<E: Engine>(engine: &mut E, party: Option<usize>, values: &[u8]) -> Secret<E, Int, Ix1> {
    let values: Array1<i64> = values.iter().map(|value| i64::from(*value)).collect();
    Secret::input(engine, 1, at(1, party, values.view()), Ix1(values.len())).unwrap()
}

impl Joint for Weighed {
    type Out = Result<Vec<WoeTable>, Error>;

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Self::Out {
        let labels = integers(engine, party, &self.labels);
        let selected = self.selected.as_ref().map(|selected| integers(engine, party, selected));
        let rows = selected.as_ref().map_or_else(|| Rows::all(&labels), |selected| Rows::only(&labels, selected).unwrap());
        let bins: Vec<usize> = self.binnings.iter().map(Binning::bins).collect();
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let own = at(0, party, (&self.binnings[..], &columns[..]));
        let shared = woe_shares::weigh(engine, &bins, 0, own, &rows, self.rule)?;
        let open = |(shared, binning): (woe_shares::SharedWoe<E>, &Binning)| {
            let woe = shared.weights.logarithms.open(engine)?.to_vec();
            let iv = shared.weights.total.open(engine)?[0];
            WoeTable::opened(binning.joined(&shared.parts)?, woe, iv)
        };
        shared.into_iter().zip(&self.binnings).map(open).collect()
    }
}

impl Weighed {
    fn expected(&self) -> Result<Vec<WoeTable>, Error> {
        let counts = |row: &usize| self.selected.as_ref().is_none_or(|selected| selected[*row] == 1);
        let rows: Vec<usize> = (0..self.labels.len()).filter(counts).collect();
        let labels: Vec<u8> = rows.iter().map(|row| self.labels[*row]).collect();
        let fit = |(binning, column): (&Binning, &Vec<f64>)| {
            let values: Vec<f64> = rows.iter().map(|row| column[*row]).collect();
            WoeTable::fit(binning.clone(), &values, &labels, self.rule)
        };
        self.binnings.iter().zip(&self.columns).map(fit).collect()
    }
}

/// Within the stated error; the same bins.
fn agree(found: &[WoeTable], expected: &[WoeTable]) -> bool {
    let near = |a: &f64, b: &f64| (a - b).abs() < 1.0 / f64::from(1 << 14);
    let same = |(found, expected): (&WoeTable, &WoeTable)| {
        found.binning == expected.binning && found.woe.iter().zip(&expected.woe).all(|(a, b)| near(a, b)) && near(&found.iv, &expected.iv)
    };
    found.len() == expected.len() && found.iter().zip(expected).all(same)
}

fn weighed(n: usize, seed: u64, is_selected: bool, rule: Rule) -> Weighed {
    let word = |row: usize, of: u32| (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed.rotate_left(of)).rotate_left(29);
    let labels: Vec<u8> = (0..n).map(|row| if row < 2 { row as u8 } else { u8::from(word(row, 1) % 3 == 0) }).collect();
    let value = |row: usize, of: u32| match word(row, of) % 11 {
        0 => f64::NAN,
        value => (value + word(row, of + 7) % 50 + 20 * u64::from(labels[row]) * u64::from(of - 1)) as f64,
    };
    let columns: Vec<Vec<f64>> = (2..4).map(|of| (0..n).map(|row| value(row, of)).collect()).collect();
    let first = Binning::quantile(&columns[0], 5).unwrap_or_else(|_| Binning::width(&[0.0, 1.0], 2).unwrap()).with_missing();
    let second = Binning::width(&[0.0, 80.0], 4).unwrap().with_missing();
    let selected = is_selected.then(|| (0..n).map(|row| u8::from(row < 2 || word(row, 9) % 5 > 0)).collect());
    Weighed { binnings: vec![first, second], columns, labels, selected, rule }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn weights_agree_with_the_clear_ones(n in 20usize..150, seed in any::<u64>(), is_selected in any::<bool>(), least in 0u64..12) {
        let program = weighed(n, seed, is_selected, Rule { least, ..Rule::default() });
        match (clear(&program), program.expected()) {
            (Ok(found), Ok(expected)) => prop_assert!(agree(&found, &expected), "{found:?} {expected:?}"),
            (found, expected) => {
                let both = matches!(found, Err(Error::Unsafe { .. })) && matches!(expected, Err(Error::Unsafe { .. }));
                prop_assert!(both);
            }
        }
    }
}

#[test]
fn three_parties_weigh_and_the_cost_is_predicted() {
    // nothing to join: the course of a dry run
    let program = weighed(400, 3, true, Rule { least: 0, ..Rule::default() });
    let expected = program.expected().unwrap();
    let results = three(&program);
    assert!(results.iter().all(|(found, _)| agree(found.as_ref().unwrap(), &expected)));
    assert!(expected.iter().zip(&program.binnings).all(|(table, binning)| table.woe.len() == binning.bins()));
    let totals: Vec<_> = results.iter().map(|(_, totals)| *totals).collect();
    // bytes of all parties and rounds; a change of either is a decision
    assert_eq!(cost_is_exact(&program, &totals), (146_753, 89));
}

#[test]
fn small_bins_are_joined_or_refused_by_all_parties() {
    let joins = weighed(300, 7, false, Rule { least: 12, ..Rule::default() });
    let expected = joins.expected().unwrap();
    assert!(expected[0].woe.len() + expected[1].woe.len() < 11);
    assert!(three(&joins).iter().all(|(found, _)| agree(found.as_ref().unwrap(), &expected)));
    let refuses = Weighed { rule: Rule { small: Small::Refuse, ..joins.rule }, ..joins };
    assert!(three_checked(&refuses).iter().all(|found| matches!(found, Err(Error::Unsafe { .. }))));
}

/// Columns of parties 0 and 1 beside each other.
struct Correlated {
    columns: [Array2<f64>; 2],
    selected: Option<Vec<u8>>,
}

impl Joint for Correlated {
    type Out = (Array2<f64>, Vec<f64>);

    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Self::Out {
        let n = self.columns[0].nrows();
        let selected = self.selected.as_ref().map(|selected| integers(engine, party, selected));
        let mut side = |owner: usize| {
            let values = at(owner, party, self.columns[owner].view());
            correlation_shares::input(engine, owner, values, [n, self.columns[owner].ncols()]).unwrap().t()
        };
        let columns = Secret::stack(&[&side(0), &side(1)]).unwrap().t();
        let r = correlation_shares::pearson(engine, &columns, selected.as_ref()).unwrap();
        let vif = correlation_shares::variance_inflation(engine, &r).unwrap();
        (r.open(engine).unwrap(), vif.open(engine).unwrap().to_vec())
    }
}

impl Correlated {
    fn expected(&self) -> (Array2<f64>, Vec<f64>) {
        let all = ndarray::concatenate(Axis(1), &[self.columns[0].view(), self.columns[1].view()]).unwrap();
        let counts = |row: &usize| self.selected.as_ref().is_none_or(|selected| selected[*row] == 1);
        let rows: Vec<usize> = (0..all.nrows()).filter(counts).collect();
        let r = correlation::pearson(all.select(Axis(0), &rows).view()).unwrap();
        let ridge = correlation_shares::ridge(all.ncols());
        let vif = correlation::variance_inflation(r.view(), ridge).unwrap();
        (r, vif)
    }

    fn check(&self, (r, vif): &(Array2<f64>, Vec<f64>)) {
        let (expected, factors) = self.expected();
        let apart = (r - &expected).iter().fold(0.0f64, |most, apart| most.max(apart.abs()));
        assert!(apart < 1.0 / f64::from(1 << 15), "{apart}");
        for (found, expected) in vif.iter().zip(&factors) {
            assert!((found - expected).abs() < 1e-4 * expected * expected, "{found} {expected}");
        }
    }
}

fn standardised(rows: &[Vec<f64>]) -> Array2<f64> {
    let width = rows[0].len();
    let scalers: Vec<Scaler> =
        (0..width).map(|at| Scaler::of(&Sums::of(&rows.iter().map(|row| row[at]).collect::<Vec<_>>()), 31.0).unwrap()).collect();
    Array2::from_shape_fn((rows.len(), width), |(row, at)| scalers[at].scale(rows[row][at]))
}

#[test]
fn correlations_and_inflation_across_parties() {
    let noise = |row: usize, of: usize| ((row * 7919 + of * 104_729 + row * row * 31) % 1009) as f64 / 1009.0;
    let left: Vec<Vec<f64>> = (0..120).map(|row| vec![noise(row, 1), noise(row, 2), noise(row, 1) + 0.2 * noise(row, 3)]).collect();
    let right: Vec<Vec<f64>> = (0..120).map(|row| vec![noise(row, 4) + noise(row, 2), noise(row, 5)]).collect();
    for selected in [None, Some((0..120).map(|row| u8::from(row % 3 > 0)).collect())] {
        let program = Correlated { columns: [standardised(&left), standardised(&right)], selected };
        program.check(&clear(&program));
        let results = three(&program);
        results.iter().for_each(|(found, _)| program.check(found));
        let totals: Vec<_> = results.iter().map(|(_, totals)| *totals).collect();
        cost_is_exact(&program, &totals);
    }
}

/// The feature work of a vertical score card on real data: columns of the host, labels of the guest.
#[test]
fn default_credit_from_bins_to_points() {
    let (Some(guest), Some(host)) =
        (table("default_credit/default_credit_hetero_guest.csv"), table("default_credit/default_credit_hetero_host.csv"))
    else {
        return;
    };
    let labels: Vec<u8> = column(&guest, "y").iter().map(|label| *label as u8).collect();
    assert_eq!(column(&guest, "id"), column(&host, "id"));
    let names: Vec<String> = (0..10).map(|at| format!("x{at}")).collect();
    let columns: Vec<Vec<f64>> = names.iter().map(|name| column(&host, name)).collect();
    let binnings: Vec<Binning> = columns.iter().map(|column| Binning::quantile(column, 8).unwrap()).collect();
    let program = Weighed { binnings, columns, labels, selected: None, rule: Rule { least: 20, ..Rule::default() } };
    let tables = clear(&program).unwrap();
    assert!(agree(&tables, &program.expected().unwrap()));

    let iv: Vec<f64> = tables.iter().map(|table| table.iv).collect();
    let weights: Vec<Vec<f64>> = tables.iter().zip(&program.columns).map(|(table, column)| table.transform(column).unwrap()).collect();
    let matrix = Array2::from_shape_fn((program.labels.len(), 10), |(row, at)| weights[at][row]);
    let r = correlation::pearson(matrix.view()).unwrap();
    let limits = Limits { least_iv: Some(0.02), most_correlation: Some(0.75), most_inflation: Some(5.0) };
    let chosen = select(&iv, r.view(), &limits).unwrap();
    println!("information values {iv:.4?}; kept {:?}, dropped {:?}", chosen.kept, chosen.dropped);
    assert!(!chosen.kept.is_empty() && chosen.dropped.iter().any(|(_, reason)| matches!(reason, Reason::Information(_))));

    // all coefficients 1: the naive Bayes score
    let positives = program.labels.iter().filter(|label| **label == 1).count() as f64;
    let intercept = (positives / (program.labels.len() as f64 - positives)).ln();
    let features = chosen.kept.iter().map(|at| (names[*at].clone(), tables[*at].clone(), 1.0)).collect();
    let card = Scorecard::new(features, intercept, Scale::default()).unwrap();
    let score = |row: usize| {
        let values: Vec<f64> = chosen.kept.iter().map(|at| program.columns[*at][row]).collect();
        card.score(&values).unwrap()
    };
    let points: Vec<f64> = (0..program.labels.len()).map(|row| -(score(row) as f64)).collect();
    let log_odds: Vec<f64> = (0..points.len()).map(|row| chosen.kept.iter().map(|at| weights[*at][row]).sum()).collect();
    let auc = |scores: &[f64]| ClassCounts::exact(scores, &program.labels).unwrap().ranking().unwrap();
    let (rounded, exact) = (auc(&points), auc(&log_odds));
    println!("score card of {} features: {rounded:?}, without rounding {exact:?}\n{}", chosen.kept.len(), card.text());
    assert!((rounded.auc - exact.auc).abs() < 2e-3 && exact.auc > 0.65);
}
