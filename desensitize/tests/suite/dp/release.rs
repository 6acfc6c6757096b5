//! Mechanisms on tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::Table;
use yu_desensitize::dp::bound::{BoundKey, bound_groups, bound_rows};
use yu_desensitize::dp::release::Spend;
use yu_desensitize::dp::release::aggregate::{Clamp, count, histogram, mean, sum};
use yu_desensitize::dp::release::keys::release_keys;
use yu_desensitize::dp::release::select::{exponential, permute_and_flip, quantile};
use yu_desensitize::dp::release::threshold::{AboveThreshold, Answer};
use yu_desensitize::dp::{AddRemove, Allowance, Cost, Delta, Epsilon, Loss, Neighbours, Rho, Subject};

fn epsilon(value: f64) -> Epsilon {
    Epsilon::new(value).unwrap()
}

fn purse(value: f64) -> Allowance<AddRemove> {
    Allowance::danger_unledgered(Cost::new(Loss::Pure(epsilon(value))))
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn table() -> Table {
    let ages: ArrayRef = Arc::new(Int64Array::from_iter((0..1000).map(|i| (i % 10 != 0).then_some(i % 100))));
    let heights: ArrayRef = Arc::new(Float64Array::from_iter((0..1000).map(|i| match i % 100 {
        0 => None,
        1 => Some(f64::NAN),
        2 => Some(f64::INFINITY),
        _ => Some(1.5 + f64::from(i % 4) / 10.0),
    })));
    let kind: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|i| if i % 4 == 0 { "a" } else { "b" })));
    let person: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|i| format!("p{}", i % 50))));
    let place: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..1000).map(|i| if i == 7 { "rare".into() } else { format!("g{}", i % 3) })));
    Table::from_columns("t", vec![("age", ages), ("height", heights), ("kind", kind), ("person", person), ("place", place)]).unwrap()
}

#[test]
fn aggregates_are_near_the_truth_and_cost_what_they_say() {
    let (table, one) = (table(), Neighbours::<AddRemove>::record());
    let spend = Spend::Laplace(epsilon(20.0));
    let mut purse = purse(100.0);
    let ages = Clamp::integers(0, 50).unwrap();
    let found = count(&table, "age", one, spend, &mut purse, &mut rng(1)).unwrap();
    assert!((found.value - 900.0).abs() < 10.0);
    let found = count(&table, "height", one, Spend::Laplace(epsilon(5.0)), &mut self::purse(5.0), &mut rng(11)).unwrap();
    assert!((found.value - 980.0).abs() < 9.0, "neither a missing cell nor NaN is there: {found:?}");
    let truth: i64 = (0..1000i64).filter(|i| i % 10 != 0).map(|i| (i % 100).min(50)).sum();
    let found = sum(&table, "age", ages, one, spend, &mut purse, &mut rng(2)).unwrap();
    assert!((found.value - truth as f64).abs() < 12.0 * found.standard_deviation + 1.0);
    let grid = Clamp::on_grid(1.0, 2.0, 20).unwrap();
    let found = mean(&table, "height", grid, one, spend, &mut purse, &mut rng(3)).unwrap();
    // 980 cells: ten infinities clamped to 2, the others 1.5 to 1.8
    let truth: f64 =
        (0..1000).filter(|i| i % 100 > 1).map(|i| if i % 100 == 2 { 2.0 } else { 1.5 + f64::from(i % 4) / 10.0 }).sum::<f64>() / 980.0;
    assert!((found.value - truth).abs() < 0.005, "{} {truth}", found.value);
    let cells = histogram(&table, "kind", &["a", "b", "c"], one, spend, &mut purse, &mut rng(4)).unwrap();
    for (cell, truth) in cells.iter().zip([250.0, 750.0, 0.0]) {
        assert!((cell.value - truth).abs() < 10.0);
    }
    assert!((purse.left().0 - 20.0).abs() < 1e-9);
    assert!(sum(&table, "kind", ages, one, spend, &mut purse, &mut rng(5)).is_err(), "text has no sum");
    let gaussian = Spend::Gaussian(Rho::new(0.1).unwrap());
    assert_eq!(count(&table, "age", one, gaussian, &mut purse, &mut rng(5)).unwrap_err().code(), "dp.allowance");
    assert!(Clamp::integers(3, 3).is_err() && Clamp::on_grid(0.0, f64::NAN, 3).is_err() && Clamp::on_grid(0.0, 1e300, 0).is_err());
}

/// The frequency of each choice beside its probability: permute-and-flip of two candidates chooses the worse one with
/// probability exp(-g)/2, the exponential mechanism with exp(-g)/(1 + exp(-g)); false alarm below 1e-9 (6.2 deviations).
#[test]
fn selections_have_their_probabilities() {
    let draws = 40_000u32;
    let mut purse = purse(9000.0);
    let gap = (0.1f64 * 7.0) / 2.0;
    let check = |hits: usize, p: f64| {
        let deviation = (hits as f64 - f64::from(draws) * p) / (f64::from(draws) * p * (1.0 - p)).sqrt();
        assert!(deviation.abs() < 6.2, "{deviation}");
    };
    let mut dice = rng(6);
    let hits = (0..draws).filter(|_| permute_and_flip(&[3, 10], 1, epsilon(0.1), &mut purse, &mut dice).unwrap() == 0).count();
    check(hits, (-gap).exp() / 2.0);
    let rho = Rho::new(0.01 / 8.0).unwrap();
    let mut purse = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Zcdp(Rho::new(1000.0).unwrap())));
    let hits = (0..draws).filter(|_| exponential(&[3, 10], 1, rho, &mut purse, &mut dice).unwrap() == 0).count();
    check(hits, (-gap).exp() / (1.0 + (-gap).exp()));
    assert!(permute_and_flip(&[], 1, epsilon(0.1), &mut self::purse(1.0), &mut dice).is_err());
}

#[test]
fn quantiles_are_near() {
    let values: Vec<i64> = (0..10_001).collect();
    let candidates: Vec<i64> = (0..=100).map(|i| i * 100).collect();
    let one = Neighbours::<AddRemove>::record();
    for (fraction, truth) in [((1, 2), 5000i64), ((1, 4), 2500), ((9, 10), 9000)] {
        let found = quantile(&values, &candidates, fraction, one, epsilon(1.0), &mut purse(1.0), &mut rng(7)).unwrap();
        assert!((found - truth).abs() <= 100, "{found} {truth}");
    }
    assert!(quantile(&values, &[3, 1], (1, 2), one, epsilon(1.0), &mut purse(1.0), &mut rng(7)).is_err());
    assert!(quantile(&values, &candidates, (3, 2), one, epsilon(1.0), &mut purse(1.0), &mut rng(7)).is_err());
}

#[test]
fn the_search_stops_at_the_first_above() {
    let mut dice = rng(8);
    let mut search = AboveThreshold::new(1000, 1, epsilon(1.0), &mut purse(1.0), &mut dice).unwrap();
    for _ in 0..20 {
        search = match search.ask(0, &mut dice) {
            Answer::Below(search) => search,
            Answer::Above => panic!("far below"),
        };
    }
    assert!(matches!(search.ask(5000, &mut dice), Answer::Above));
}

#[test]
fn people_are_bounded_and_rare_groups_stay_hidden() {
    let (table, key) = (table(), BoundKey::new([3; 32]));
    let bounded = bound_rows(&table, "person", 4, &key).unwrap();
    assert_eq!(bounded.get().num_rows(), 200);
    assert_eq!(bounded.neighbours().rows(), 4);
    let mut seen = std::collections::HashMap::new();
    for person in yu_desensitize::column::text(bounded.get(), "person").unwrap() {
        *seen.entry(person).or_insert(0) += 1;
    }
    assert!(seen.len() == 50 && seen.values().all(|count| *count == 4));
    assert!(bound_rows(&table, "person", 0, &key).is_err());
    // without one person, what is kept of all others stays the same
    let people = yu_desensitize::column::text(&table, "person").unwrap();
    let without = table.filter(&people.iter().map(|person| person != "p7").collect::<Vec<_>>()).unwrap();
    let rows = |table: &Table| -> Vec<u64> { (0..table.num_rows()).map(|row| table.place(row).unwrap().row).collect() };
    let mut expected = rows(bounded.get());
    expected.retain(|row| (row - 1) % 50 != 7);
    assert_eq!(rows(bound_rows(&without, "person", 4, &key).unwrap().get()), expected);
    assert_ne!(rows(bound_rows(&table, "person", 4, &BoundKey::new([4; 32])).unwrap().get()), rows(bounded.get()));

    let groups = bound_groups(&table, "person", "place", 3, &key).unwrap();
    let mut purse: Allowance<Subject> =
        Allowance::danger_unledgered(Cost::new(Loss::ApproxZcdp(Rho::new(1.0).unwrap(), Delta::new(1e-6).unwrap())));
    let delta = Delta::new(1e-6).unwrap();
    let (shown, tau) = release_keys(&groups, Spend::Gaussian(Rho::new(1.0).unwrap()), delta, &mut purse, &mut rng(9)).unwrap();
    assert!(!shown.contains_key("rare") && shown.len() == 3, "{shown:?} {tau}");
    assert_eq!(purse.left(), (0.0, 0.0));
}
