//! Synthetic tables: close for a large budget, exact in what they cost, marked as synthetic.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::Table;
use yu_desensitize::column::text;
use yu_desensitize::dp::mst::{Domain, SYNTHETIC, synthesise};
use yu_desensitize::dp::{AddRemove, Allowance, Cost, Loss, Neighbours, Rho};

const ROWS: u64 = 20_000;

/// Three columns: b follows a, c follows b, d is on its own; `rare` occurs once.
fn table() -> Table {
    let column = |f: &dyn Fn(u64) -> String| Arc::new(StringArray::from_iter_values((0..ROWS).map(f))) as ArrayRef;
    let a = |i: u64| i % 5;
    let b = move |i: u64| if i.is_multiple_of(7) { i / 7 % 4 } else { a(i) % 4 };
    let c = move |i: u64| if i.is_multiple_of(11) { i / 11 % 3 } else { b(i) % 3 };
    Table::from_columns(
        "people",
        vec![
            ("a", column(&|i| if i == 3 { "rare".into() } else { a(i).to_string() })),
            ("b", column(&|i| b(i).to_string())),
            ("c", column(&|i| c(i).to_string())),
            ("d", column(&|i| (i / 13 % 2).to_string())),
        ],
    )
    .unwrap()
}

fn domains() -> Vec<Domain> {
    let numbers = |n: u32| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let mut a = numbers(5);
    a.extend(["rare".into(), "never".into()]);
    let domain = |column: &str, values| Domain { column: column.into(), values };
    vec![domain("a", a), domain("b", numbers(4)), domain("c", numbers(3)), domain("d", numbers(2))]
}

fn frequencies(table: &Table, columns: &[&str]) -> std::collections::BTreeMap<Vec<String>, f64> {
    let texts: Vec<Vec<String>> = columns.iter().map(|column| text(table, column).unwrap()).collect();
    let mut found = std::collections::BTreeMap::new();
    for row in 0..table.num_rows() as usize {
        *found.entry(texts.iter().map(|column| column[row].clone()).collect::<Vec<_>>()).or_insert(0.0) += 1.0 / table.num_rows() as f64;
    }
    found
}

/// Total variation distance of the frequencies.
fn distance(one: &Table, other: &Table, columns: &[&str]) -> f64 {
    let (one, other) = (frequencies(one, columns), frequencies(other, columns));
    let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    keys.into_iter().map(|key| (one.get(key).unwrap_or(&0.0) - other.get(key).unwrap_or(&0.0)).abs()).sum::<f64>() / 2.0
}

#[test]
fn marginals_are_close_for_a_large_budget_and_the_cost_is_exact() {
    let (table, rho) = (table(), Rho::new(10.0).unwrap());
    let mut allowance = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Zcdp(rho)));
    let mut rng = ChaCha20Rng::seed_from_u64(60);
    let one = Neighbours::<AddRemove>::record();
    let made = synthesise(&table, &domains(), None, one, rho, &mut allowance, &mut rng).unwrap();
    assert_eq!(allowance.left(), (0.0, 0.0));
    assert!((made.table.num_rows() as f64 - ROWS as f64).abs() < 30.0);
    assert!(made.table.schema().metadata().contains_key(SYNTHETIC));
    for column in ["a", "b", "c", "d"] {
        let found = distance(&table, &made.table, &[column]);
        assert!(found < 0.004, "{column}: {found}");
    }
    for pair in [["a", "b"], ["b", "c"]] {
        assert!(made.pairs.iter().any(|(x, y)| [x.as_str(), y.as_str()] == pair), "{:?}", made.pairs);
        let found = distance(&table, &made.table, &pair);
        assert!(found < 0.01, "{pair:?}: {found}");
    }
    assert_eq!(made.pairs.len(), 3, "a tree");
    assert!(synthesise(&table, &domains(), None, one, rho, &mut allowance, &mut rng).is_err(), "nothing is left");
}

#[test]
fn small_budgets_still_give_valid_rows() {
    let (table, rho) = (table(), Rho::new(1e-4).unwrap());
    let mut allowance = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Zcdp(rho)));
    let mut rng = ChaCha20Rng::seed_from_u64(61);
    let made = synthesise(&table, &domains(), Some(500), Neighbours::<AddRemove>::record(), rho, &mut allowance, &mut rng).unwrap();
    assert_eq!((made.table.num_rows(), made.table.num_columns()), (500, 4));
    for domain in domains() {
        assert!(text(&made.table, &domain.column).unwrap().iter().all(|cell| domain.values.contains(cell)));
    }
}

#[test]
fn domains_are_checked() {
    let (table, rho) = (table(), Rho::new(1.0).unwrap());
    let mut allowance = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Zcdp(rho)));
    let mut rng = ChaCha20Rng::seed_from_u64(62);
    let mut run = |domains: &[Domain]| {
        synthesise(&table, domains, None, Neighbours::<AddRemove>::record(), rho, &mut allowance, &mut rng).map(drop).unwrap_err().code()
    };
    assert_eq!(run(&[]), "dp.parameter");
    assert_eq!(run(&[Domain { column: "b".into(), values: vec!["0".into()] }]), "data.unknown_category");
    assert_eq!(run(&[Domain { column: "zz".into(), values: vec!["0".into()] }]), "data.missing_column");
    assert!((allowance.left().0 - 1.0).abs() < 1e-12, "nothing was drawn");
}
