//! Released tables: the proof against a second attacker and against brute force, planted openings, differencing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::release::ledger::{Kind, Ledger, Origin};
use yu_desensitize::release::{
    CellTable, Depth, Dimension, Dominance, Given, Need, Protected, Quantity, Reason, Rules, Status, TableSpec, Zeros, attack, protect,
};
use yu_desensitize::{Error, Lang, Table};

const SOON: Duration = Duration::from_secs(120);

fn flat(name: &str, n: usize) -> Dimension {
    Dimension::flat(name, &(0..n).map(|i| format!("{name}{i:03}")).collect::<Vec<_>>()).unwrap()
}

/// `n` leaves in groups of `group`.
fn nested(name: &str, n: usize, group: usize) -> Dimension {
    let rows = (0..n).map(|i| vec![format!("{name}{i:03}"), format!("{name}{i:03}"), format!("{name}-{:03}", i / group)]);
    Dimension::from_rows(name, &rows.collect::<Vec<_>>()).unwrap()
}

/// Many small, some large, as counts are.
fn random(seed: u8, cells: usize, most: u32) -> Vec<u64> {
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    (0..cells).map(|_| u64::from(rng.next_u32() % most) * u64::from(rng.next_u32() % most) / u64::from(most / 4 + 1)).collect()
}

fn frequency(table: CellTable, least: u64, zeros: Zeros) -> Protected {
    protect(table, &Rules::frequency(least, zeros), &Given::default(), SOON).unwrap()
}

/// A second attacker, who has nothing but the printed page: every finest cell is an unknown of its own, every printed number the
/// sum of those below it. Shares no code with the crate. How great the cell can be.
fn greatest(protected: &Protected, cell: usize, floor: f64) -> f64 {
    let table = protected.table();
    let mut below: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    let mut leaves = 0;
    let paths = |d: &Dimension| -> Vec<Vec<Option<String>>> {
        let json: serde_json::Value = serde_json::to_value(d).unwrap();
        let rows = json["rows"].as_array().unwrap().iter();
        rows.map(|row| row.as_array().unwrap()[1..].iter().map(|code| Some(code.as_str().unwrap().to_owned())).chain([None]).collect())
            .collect()
    };
    let mut products: Vec<Vec<(String, Vec<Option<String>>)>> = vec![Vec::new()];
    for d in table.dimensions() {
        products = products
            .iter()
            .flat_map(|p| paths(d).into_iter().map(|path| [p.clone(), vec![(d.name().to_owned(), path)]].concat()))
            .collect();
    }
    for leaf in products {
        let mut keys: Vec<Vec<String>> = vec![Vec::new()];
        for (name, path) in leaf {
            keys = keys
                .iter()
                .flat_map(|k| path.iter().map(|c| k.iter().cloned().chain(c.as_ref().map(|c| format!("{name}={c}"))).collect()))
                .collect();
        }
        for key in keys {
            below.entry(key).or_default().push(leaves);
        }
        leaves += 1;
    }
    let target = &below[&table.key(cell)];
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let variables: Vec<_> =
        (0..leaves).map(|leaf| problem.add_var(f64::from(u8::from(target.contains(&leaf))), (0.0, f64::INFINITY))).collect();
    for printed in protected.printed() {
        let mut sum = LinearExpr::empty();
        below[&printed.key].iter().for_each(|leaf| sum.add(variables[*leaf], 1.0));
        match printed.count {
            Some(count) => problem.add_constraint(sum, ComparisonOp::Eq, count as f64),
            None => problem.add_constraint(sum, ComparisonOp::Ge, floor),
        }
    }
    match problem.solve() {
        Ok(outcome) => outcome.into_solution().unwrap().objective(),
        Err(microlp::Error::Unbounded) => f64::INFINITY,
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// In two dimensions programs over counts have whole solutions: both attackers must agree that everything is open.
    #[test]
    fn a_second_attacker_finds_every_interval_wide_enough(seed in any::<u8>(), hide in any::<bool>(), least in 2_u64..8) {
        let zeros = if hide { Zeros::Hide } else { Zeros::Publish };
        let table = CellTable::from_leaf_counts(&[nested("r", 6, 3), flat("s", 4)], &random(seed, 24, 20)).unwrap();
        let protected = frequency(table, least, zeros);
        prop_assert!(protected.audit().passed() && protected.attack(&[], Depth::Proof, SOON).passed());
        let floor = if hide { 0.0 } else { 1.0 };
        for cell in protected.findings().keys() {
            prop_assert!(greatest(&protected, *cell, floor) >= least as f64 - 1e-6, "cell {cell}");
        }
        for cell in protected.printed().filter_map(|cell| cell.count) {
            prop_assert!(cell >= least || (!hide && cell == 0));
        }
    }

    /// Hierarchies in three dimensions, sums of unequal parts: what is hidden is proven, also without the tables of the suppression.
    #[test]
    fn three_dimensions_pass_an_attack_from_scratch(seed in any::<u8>(), hide in any::<bool>()) {
        let zeros = if hide { Zeros::Hide } else { Zeros::Publish };
        let table = CellTable::from_leaf_counts(&[nested("r", 9, 3), flat("s", 2), flat("t", 4)], &random(seed, 72, 20)).unwrap();
        let protected = frequency(table, 4, zeros);
        prop_assert!(protected.attack(&[], Depth::Proof, SOON).passed());
        let [printed, primary, complementary] = protected.tally();
        prop_assert_eq!(printed + primary + complementary, protected.table().len());
        prop_assert_eq!(primary, protected.findings().len());
    }

    /// The exact interval is what trying all tables of 2 x 3 gives.
    #[test]
    fn exact_intervals_are_those_of_brute_force(counts in prop::collection::vec(0_u64..4, 6), least in 2_u64..4) {
        let table = CellTable::from_leaf_counts(&[flat("a", 2), flat("b", 3)], &counts).unwrap();
        let protected = frequency(table, least, Zeros::Hide);
        if protected.status(0) != Some(Status::Printed) || protected.table().counts()[0] > 8 {
            return Ok(()); // without a printed total nothing bounds the search
        }
        let seen = brute_force(&protected);
        for interval in protected.attack(&[], Depth::Exact, SOON).intervals {
            prop_assert_eq!((interval.low, interval.high), seen[&interval.cell]);
        }
    }
}

/// Least and greatest value of every cell over all tables of 2 x 3 that fit.
fn brute_force(protected: &Protected) -> HashMap<usize, (f64, f64)> {
    let table = protected.table();
    let total = table.counts()[0];
    let mut seen: HashMap<usize, (f64, f64)> = HashMap::new();
    let code = |letter: &str, at: Option<usize>| at.map_or("*".to_owned(), |at| format!("{letter}{at:03}"));
    let base = total + 1;
    for trial in 0..base.pow(6) {
        let leaf = |a: usize, b: usize| trial / base.pow((a * 3 + b) as u32) % base;
        if (0..6).map(|i| leaf(i / 3, i % 3)).sum::<u64>() != total {
            continue;
        }
        let mut values = Vec::new();
        for a in [None, Some(0), Some(1)] {
            for b in [None, Some(0), Some(1), Some(2)] {
                let value: u64 =
                    (0..6).filter(|i| a.is_none_or(|a| a == i / 3) && b.is_none_or(|b| b == i % 3)).map(|i| leaf(i / 3, i % 3)).sum();
                values.push((table.position(&[&code("a", a), &code("b", b)]).unwrap(), value));
            }
        }
        if values.iter().all(|(cell, value)| protected.status(*cell) != Some(Status::Printed) || table.counts()[*cell] == *value) {
            for (cell, value) in values {
                let (low, high) = seen.entry(cell).or_insert((f64::INFINITY, 0.0));
                (*low, *high) = (low.min(value as f64), high.max(value as f64));
            }
        }
    }
    seen
}

#[test]
fn a_complementary_cell_left_open_is_refuted() {
    let table = CellTable::from_leaf_counts(&[flat("sex", 2), flat("age", 3)], &[20, 3, 31, 25, 40, 28]).unwrap();
    let protected = frequency(table, 5, Zeros::Hide);
    let complementary: Vec<usize> = (0..protected.table().len()).filter(|c| protected.status(*c) == Some(Status::Complementary)).collect();
    assert_eq!(complementary.len(), 3);
    for cell in complementary {
        let audit = protected.attack(&[cell], Depth::Exact, SOON);
        let interval = audit.refuted().next().unwrap();
        assert_eq!((interval.low, interval.high), (3.0, 3.0), "cell {cell} gives the 3 back");
    }
    let sensitive = *protected.findings().keys().next().unwrap();
    assert!(!protected.attack(&[sensitive], Depth::Proof, SOON).passed());
    // out of time is not proven
    assert!(!protected.attack(&[], Depth::Proof, Duration::ZERO).passed());
}

#[test]
fn sums_follow_dominance_and_p_percent() {
    let n = 400;
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let text = |f: &mut dyn FnMut(usize) -> String| Arc::new((0..n).map(|i| Some(f(i))).collect::<StringArray>()) as ArrayRef;
    // one giant
    let turnover: Vec<f64> = (0..n).map(|i| if i == 17 { 1e7 } else { f64::from(1 + rng.next_u32() % 9_000) }).collect();
    let columns = vec![
        ("sector", text(&mut |i| format!("sector{:03}", i % 8))),
        ("district", text(&mut |_| format!("district{:03}", rng.next_u32() % 5))),
        ("firm", text(&mut |i| format!("f{}", i / 2))),
        ("turnover", Arc::new(Float64Array::from(turnover)) as ArrayRef),
    ];
    let table = Table::from_columns("firms.csv", columns).unwrap();
    let spec = TableSpec {
        dimensions: vec![flat("sector", 8), flat("district", 5)],
        sums: vec!["turnover".into()],
        contributor: Some("firm".into()),
    };
    let rules = Rules { min_frequency: 3, dominance: vec![Dominance { n: 1, percent: 75.0 }], p_percent: Some(10.0), ..Rules::default() };
    let cells = CellTable::count(&table, &spec, rules.largest()).unwrap();
    assert_eq!(cells.counts()[0], 400);
    let rows = CellTable::count(&table, &TableSpec { contributor: None, ..spec.clone() }, rules.largest()).unwrap();
    assert_eq!((rows.counts(), rows.sums()[0][0].largest[0]), (cells.counts(), 1e7));
    let protected = protect(cells, &rules, &Given::default(), SOON).unwrap();
    let giant = protected.table().position(&["sector001", "*"]).unwrap();
    assert_eq!(protected.status(giant), Some(Status::Primary));
    let reasons = &protected.findings()[&giant];
    assert!(reasons.contains(&Reason::Dominance) && reasons.contains(&Reason::PPercent));
    assert!(protected.attack(&[], Depth::Proof, SOON).passed());
    // a value outside the classification, and a negative number, are refused
    let few = TableSpec { dimensions: vec![flat("sector", 7)], ..spec.clone() };
    assert!(matches!(CellTable::count(&table, &few, 2), Err(Error::UnknownCategory { .. })));
    let one: Vec<(&str, ArrayRef)> =
        vec![("sector", Arc::new(StringArray::from(vec!["sector000"]))), ("turnover", Arc::new(Float64Array::from(vec![-1.0])))];
    let table = Table::from_columns("t", one).unwrap();
    let spec = TableSpec { dimensions: vec![flat("sector", 1)], sums: vec!["turnover".into()], contributor: None };
    assert_eq!(CellTable::count(&table, &spec, 2).err().unwrap().code(), "release.negative");
}

#[test]
fn linked_and_foreign_patterns_are_attacked_as_equations() {
    let values = vec![30.0, 3.0, 15.0, 12.0];
    let needs = BTreeMap::from([(1, Need { up: 2.0, down: 0.0 })]);
    let counts = Quantity { name: "count".into(), is_whole: true, values, floor: 0.0, needs };
    let run = |hidden: [bool; 4], equations: &[Vec<usize>]| attack(equations, &hidden, std::slice::from_ref(&counts), Depth::Proof, SOON);
    let sum = [vec![0, 1, 2, 3]];
    for (hidden, passes) in [([false; 4], false), ([false, true, false, false], false), ([false, true, true, false], true)] {
        assert_eq!(run(hidden, &sum).unwrap().passed(), passes);
    }
    for bad in [vec![0, 1], vec![0, 9]] {
        let error = run([true; 4], &[bad]).err().unwrap();
        assert!(error.code() == "release.relations" && error.message(Lang::Zh).contains("合计"));
    }
    for bad in [f64::NAN, -3.0, f64::INFINITY, 0.5] {
        let broken = Quantity { values: vec![bad], ..counts.clone() };
        assert!(attack(&[], &[true], &[broken], Depth::Proof, SOON).is_err());
    }
    assert!(attack(&[], &[], &[], Depth::Proof, SOON).unwrap().passed());
}

#[test]
fn hostile_tables_are_refused_or_protected() {
    assert!(matches!(CellTable::from_leaf_counts(&[flat("a", 3)], &[1]), Err(Error::Shape { .. })));
    assert_eq!(CellTable::from_leaf_counts(&[flat("a", 2)], &[u64::MAX, 1]).err().unwrap().code(), "release.shape");
    assert_eq!(CellTable::from_leaf_counts(&[flat("a", 1), flat("a", 1)], &[1]).err().unwrap().code(), "release.shape");
    assert_eq!(CellTable::from_leaf_counts(&[], &[]).err().unwrap().code(), "release.shape");
    let wide = [flat("a", 900), flat("b", 900), flat("c", 900)];
    assert_eq!(CellTable::from_leaf_counts(&wide, &[]).err().unwrap().code(), "release.shape");
    // nobody at all: everything is hidden, if zeros are
    let empty = frequency(CellTable::from_leaf_counts(&[flat("a", 2), flat("b", 2)], &[0; 4]).unwrap(), 3, Zeros::Hide);
    assert_eq!(empty.tally(), [0, 9, 0]);
    // one cell, below the minimum, with its total
    let one = frequency(CellTable::from_leaf_counts(&[flat("a", 1)], &[2]).unwrap(), 3, Zeros::Publish);
    assert_eq!(one.tally(), [0, 2, 0]);
    // what may not be hidden is in the way: refused, not printed
    let table = CellTable::from_leaf_counts(&[flat("a", 3)], &[2, 20, 30]).unwrap();
    let given = Given { hidden: vec![usize::MAX], printed: vec![0, 2, 3, usize::MAX] };
    assert_eq!(protect(table, &Rules::frequency(5, Zeros::Hide), &given, SOON).err().unwrap().code(), "release.unprotected");
}

#[test]
fn what_no_product_of_lines_can_do_the_program_does() {
    // the square through r0 that lines would take is barred: the way leads round by six cells
    let counts = [2, 20, 30, 40, 20, 30, 40, 50, 20];
    let table = CellTable::from_leaf_counts(&[flat("r", 3), flat("s", 3)], &counts).unwrap();
    let at = |r: &str, s: &str| table.position(&[r, s]).unwrap();
    let free = [("r000", "s000"), ("r000", "s001"), ("r001", "s001"), ("r001", "s002"), ("r002", "s002"), ("r002", "s000")];
    let free: Vec<usize> = free.iter().map(|(r, s)| at(r, s)).collect();
    let given = Given { hidden: Vec::new(), printed: (0..table.len()).filter(|cell| !free.contains(cell)).collect() };
    let protected = protect(table, &Rules::frequency(5, Zeros::Hide), &given, SOON).unwrap();
    assert_eq!(protected.tally(), [10, 1, 5]);
}

#[test]
fn a_hundred_thousand_cells() {
    let table = CellTable::from_leaf_counts(&[nested("r", 700, 20), nested("age", 44, 4), flat("s", 2)], &{
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
        (0..700 * 44 * 2).map(|_| (3.0 / (0.004 + uniform())).min(600.0) as u64).collect::<Vec<_>>()
    })
    .unwrap();
    assert!(table.len() > 100_000);
    let protected = protect(table, &Rules::frequency(4, Zeros::Publish), &Given::default(), SOON).unwrap();
    assert!(protected.audit().passed());
    assert!(protected.findings().len() > 1_000);
}

fn origin(version: &str) -> Origin {
    Origin { dataset: "residents".into(), version: version.into(), population: String::new() }
}

/// Counts by age, 3 people aged 15 and about 40 of every other age.
fn by_age(edges: &[i64]) -> Protected {
    let ages: Vec<u64> = (0..100).map(|age| if age == 15 { 3 } else { 40 + age % 7 }).collect();
    let bounds: Vec<usize> = [0].into_iter().chain(edges.iter().map(|e| usize::try_from(*e).unwrap())).chain([100]).collect();
    let counts: Vec<u64> = bounds.windows(2).map(|pair| ages[pair[0]..pair[1]].iter().sum()).collect();
    frequency(CellTable::from_leaf_counts(&[Dimension::bins("age", 0, 99, edges).unwrap()], &counts).unwrap(), 10, Zeros::Hide)
}

#[test]
fn differencing_pairs_are_refused() {
    let mut ledger = Ledger::default();
    ledger.record("first", &origin("v1"), &by_age(&[15, 65]), SOON).unwrap();
    // 0-14 and 0-15 differ by the three people aged 15; a new version number on the same data does not help
    for version in ["v1", "v2"] {
        let objections = ledger.objections(&origin(version), &by_age(&[16, 65]), SOON);
        assert!(objections[0].kind == Kind::Subset && objections[0].earlier == "first", "{objections:?}");
    }
    let error = ledger.record("second", &origin("v1"), &by_age(&[16, 65]), SOON).unwrap_err();
    assert!(error.code() == "release.differencing" && error.message(Lang::Zh).contains("最小频数"));
    // wider steps are fine, unions of codes are, and the same table again is
    for edges in [&[30_i64, 65][..], &[65], &[15, 65], &[15, 30, 65]] {
        assert_eq!(ledger.objections(&origin("v1"), &by_age(edges), SOON), [], "{edges:?}");
    }
    assert_eq!(ledger.record("first", &origin("v1"), &by_age(&[65]), SOON).unwrap_err().code(), "release.recorded");
    let other = Origin { dataset: "firms".into(), ..origin("v1") };
    assert_eq!(ledger.objections(&other, &by_age(&[16, 65]), SOON), []);
}

#[test]
fn a_stored_ledger_knows_the_same() {
    let mut ledger = Ledger::default();
    ledger.record("first", &origin("v1"), &by_age(&[15, 65]), SOON).unwrap();
    let text = serde_json::to_string(&ledger).unwrap();
    let again: Ledger = serde_json::from_str(&text).unwrap();
    assert!(again == ledger && again.entries()[0].id() == "first");
    assert_eq!(again.objections(&origin("v1"), &by_age(&[16, 65]), SOON), ledger.objections(&origin("v1"), &by_age(&[16, 65]), SOON));
    // a ledger that lost cells decides nothing
    let damaged = text.replacen("\"values\":[", "\"values\":[null,", 1);
    let damaged: Ledger = serde_json::from_str(&damaged).unwrap();
    assert_eq!(damaged.objections(&origin("v1"), &by_age(&[15, 65]), SOON)[0].kind, Kind::Undecided);
    assert!(serde_json::from_str::<Ledger>(&text.replacen("\"entries\"", "\"entry\"", 1)).is_err());
}

#[test]
fn versions_and_populations_that_differ_by_few_are_refused() {
    let table = |first: u64| frequency(CellTable::from_leaf_counts(&[flat("a", 3)], &[first, 50, 60]).unwrap(), 5, Zeros::Hide);
    let mut ledger = Ledger::default();
    ledger.record("may", &origin("v1"), &table(40), SOON).unwrap();
    assert_eq!(ledger.objections(&origin("v2"), &table(41), SOON)[0].kind, Kind::Changed);
    assert_eq!(ledger.objections(&origin("v2"), &table(40), SOON), []);
    assert_eq!(ledger.objections(&origin("v2"), &table(47), SOON), []);
    let without = Origin { population: "not civil servants".into(), ..origin("v1") };
    assert_eq!(ledger.objections(&without, &table(38), SOON)[0].kind, Kind::Changed);
    // contradicting releases of one version are not decided
    assert_eq!(ledger.objections(&origin("v1"), &table(99), SOON)[0].kind, Kind::Undecided);
}

#[test]
fn linked_tables_share_their_totals() {
    let rules = Rules::frequency(5, Zeros::Hide);
    let first = CellTable::from_leaf_counts(&[flat("r", 4), flat("a", 2)], &[1, 1, 20, 30, 25, 35, 40, 45]).unwrap();
    let first = protect(first, &rules, &Given::default(), SOON).unwrap();
    let total = |protected: &Protected, r: usize| protected.table().position(&[&format!("r{r:03}"), "*"]).unwrap();
    assert_eq!(first.status(total(&first, 0)), Some(Status::Primary));
    let hidden: Vec<usize> = (0..4).filter(|r| first.status(total(&first, *r)) != Some(Status::Printed)).collect();
    let mut ledger = Ledger::default();
    ledger.record("by age", &origin("v1"), &first, SOON).unwrap();
    let second = CellTable::from_leaf_counts(&[flat("r", 4)], &[2, 50, 60, 85]).unwrap();
    let at = |r: &usize| second.position(&[&format!("r{r:03}")]).unwrap();
    // planned with what the first decided, it may leave
    let given = ledger.given(&origin("v1"), &second);
    assert_eq!(given.hidden, hidden.iter().map(at).collect::<Vec<_>>());
    let carried = protect(second.clone(), &rules, &given, SOON).unwrap();
    assert_eq!(ledger.objections(&origin("v1"), &carried, SOON), []);
    // with another partner than the first table's it may not, under no version number
    let other = (1..4).find(|r| !hidden.contains(r)).unwrap();
    let others = Given { hidden: vec![at(&other)], printed: hidden.iter().skip(1).map(at).collect() };
    let foreign = protect(second, &rules, &others, SOON).unwrap();
    for version in ["v1", "v2"] {
        let objections = ledger.objections(&origin(version), &foreign, SOON);
        assert!(matches!(objections[0].kind, Kind::Pinned | Kind::Printed), "{objections:?}");
    }
}

#[test]
fn three_releases_isolate_what_no_two_do() {
    // regions r0..r3 in groups: {0,1} {2,3}, then {1,2} {0,3}, then {0,2} {1,3}; r0 has 3 people: (01 + 02 - 12) / 2
    let people = [3_u64, 40, 50, 60];
    let release = |groups: [[usize; 2]; 2]| {
        let rows: Vec<Vec<String>> =
            groups.iter().flat_map(|group| group.iter().map(move |r| vec![format!("r{r}"), format!("g{group:?}")])).collect();
        let counts: Vec<u64> = groups.iter().map(|group| group.iter().map(|r| people[*r]).sum()).collect();
        frequency(CellTable::from_leaf_counts(&[Dimension::from_rows("region", &rows).unwrap()], &counts).unwrap(), 10, Zeros::Hide)
    };
    let mut ledger = Ledger::default();
    ledger.record("one", &origin("v1"), &release([[0, 1], [2, 3]]), SOON).unwrap();
    ledger.record("two", &origin("v1"), &release([[1, 2], [0, 3]]), SOON).unwrap();
    let objections = ledger.objections(&origin("v1"), &release([[0, 2], [1, 3]]), SOON);
    assert_eq!(objections[0].kind, Kind::Isolated, "{objections:?}");
}

#[test]
fn a_stricter_rule_is_not_undone_by_a_looser_release() {
    // 2 and 7 hidden together, so that each may be up to 9: wide enough for a minimum of 5, not for one of 10
    let table = || CellTable::from_leaf_counts(&[flat("a", 3)], &[2, 7, 60]).unwrap();
    let printed_total = Given { hidden: vec![1, 2], printed: vec![0, 3] };
    let loose = protect(table(), &Rules::frequency(5, Zeros::Hide), &printed_total, SOON).unwrap();
    assert!(protect(table(), &Rules::frequency(10, Zeros::Hide), &printed_total, SOON).is_err());
    let strict = protect(table(), &Rules::frequency(10, Zeros::Hide), &Given::default(), SOON).unwrap();
    let mut ledger = Ledger::default();
    ledger.record("loose", &origin("v1"), &loose, SOON).unwrap();
    assert!(!ledger.objections(&origin("v1"), &strict, SOON).is_empty());
}
