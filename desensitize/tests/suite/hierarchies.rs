//! Hierarchies that are built: known answers, and what holds for every value. k-map, which counts people instead of rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;
use yu_desensitize::anonymise::{Claim, Hierarchies, Hierarchy, Interval, Model, STAR, Spec, full_domain, local, verify};
use yu_desensitize::{Result, Table};

fn row(hierarchy: &Hierarchy, value: &str) -> Vec<String> {
    (0..hierarchy.height()).map(|level| hierarchy.generalise(value, level).unwrap().to_owned()).collect()
}

fn code(built: Result<Hierarchy>) -> &'static str {
    let error = built.unwrap_err();
    assert!(!error.advice().remedy.zh.is_ascii() && !error.advice().what.zh.is_ascii(), "{error}");
    error.code()
}

#[test]
fn known_answers() {
    let age = Interval { origin: 0.0, width: 5.0, factor: 2, levels: 3 };
    let ages = Hierarchy::intervals("age", &["17", "0", "-1", "39.5", "17"], age).unwrap();
    assert_eq!(row(&ages, "17"), ["17", "[15, 20)", "[10, 20)", "[0, 20)", "*"]);
    assert_eq!(row(&ages, "-1"), ["-1", "[-5, 0)", "[-10, 0)", "[-20, 0)", "*"]);
    assert_eq!(row(&ages, "39.5"), ["39.5", "[35, 40)", "[30, 40)", "[20, 40)", "*"]);
    assert_eq!((ages.leaves(), ages.height()), (4, 5));
    let days = Hierarchy::dates("day", &["2024-02-29", "1999-12-31"]).unwrap();
    assert_eq!(row(&days, "2024-02-29"), ["2024-02-29", "2024-02", "2024-Q1", "2024", "2020s", "*"]);
    assert_eq!(row(&days, "1999-12-31"), ["1999-12-31", "1999-12", "1999-Q4", "1999", "1990s", "*"]);
    let regions = Hierarchy::region_codes("region", &["330212", "110105"], &[4, 2]).unwrap();
    assert_eq!(row(&regions, "330212"), ["330212", "3302**", "33****", "*"]);
    let masked = Hierarchy::masking("zip", &["315000", "315999"], 2).unwrap();
    assert_eq!(row(&masked, "315999"), ["315999", "3159**", "31****", "*"]);
    let chinese = Hierarchy::masking("name", &["王小明", "李大力"], 1).unwrap();
    assert_eq!(row(&chinese, "王小明"), ["王小明", "王小*", "王**", "*"]);
    let grades = Hierarchy::ordered("grade", &["低", "中", "高", "很高", "极高"], 2).unwrap();
    assert_eq!(row(&grades, "中"), ["中", "低 .. 中", "低 .. 很高", "*"]);
    // the last of its level is alone and keeps its name, which means the same on both levels
    assert_eq!(row(&grades, "极高"), ["极高", "极高", "极高", "*"]);
    assert_eq!(row(&Hierarchy::flat("sex", &["男", "女"]).unwrap(), "女"), ["女", "*"]);
}

#[test]
fn what_cannot_be_built_is_refused() {
    let age = Interval { origin: 0.0, width: 5.0, factor: 2, levels: 3 };
    for wrong in [
        Interval { width: 0.0, ..age },
        Interval { width: f64::NAN, ..age },
        Interval { origin: f64::INFINITY, ..age },
        Interval { factor: 1, ..age },
        Interval { levels: 33, ..age },
    ] {
        assert_eq!(code(Hierarchy::intervals("age", &["1"], wrong)), "anonymise.builder");
    }
    for values in [&["1", "abc"][..], &["1e300"], &["１２"], &["1,000"]] {
        assert_eq!(code(Hierarchy::intervals("age", values, age)), "anonymise.hierarchy_value");
    }
    for wrong in ["2024-02-30", "20240228", "2024-2-28", ""] {
        assert_eq!(code(Hierarchy::dates("day", &[wrong])), "anonymise.hierarchy_value");
    }
    for kept in [&[2, 4][..], &[4, 4], &[4, 0]] {
        assert_eq!(code(Hierarchy::region_codes("region", &["330212"], kept)), "anonymise.builder");
    }
    for wrong in ["33021X", "3302", "", "３３０２１２"] {
        assert_eq!(code(Hierarchy::region_codes("region", &[wrong], &[4, 2])), "anonymise.hierarchy_value");
    }
    assert_eq!(code(Hierarchy::masking("zip", &["315000"], 0)), "anonymise.builder");
    assert_eq!(code(Hierarchy::masking("zip", &["315000", "31500"], 2)), "anonymise.hierarchy_value");
    assert_eq!(code(Hierarchy::masking("zip", &["31*000"], 2)), "anonymise.hierarchy_value");
    assert_eq!(code(Hierarchy::ordered("grade", &["a", "b"], 1)), "anonymise.builder");
    for twice in [Hierarchy::ordered("grade", &["a", "b", "a"], 2), Hierarchy::flat::<&str>("sex", &[])] {
        assert_eq!(code(twice), "anonymise.hierarchy");
    }
}

/// Who reads a released cell cannot see its level: a name must not stand for one thing here and another there.
#[test]
fn circles_and_names_with_two_meanings_are_refused() {
    let built = |text: &str| Hierarchy::parse("h.csv", text.as_bytes());
    for wrong in ["a;b;*\nb;a;*\n", "a;x;y;*\nb;y;x;*\n", "a;*;*\nb;c;*\na2;*;*\nc;b;*\n", "a;b;*\nb;c;*\n", "a;x;*\nx;y;*\n"] {
        assert_eq!(code(built(wrong)), "anonymise.hierarchy", "{wrong}");
    }
    assert!(built("a;b;*\nb;a;*\n").unwrap_err().to_string().contains("line 1"));
    // the same meaning, or a wider one above
    for right in ["a;a;*\nb;c;*\n", "a;*;*\nb;c;*\n", "a;c;c;*\nb;c;c;*\nc;c;c;*\nd;d;e;*\n"] {
        assert!(built(right).is_ok(), "{right}");
    }
    // gaps, ragged rows, contradicting levels, no text
    for wrong in ["", "a;b;*\nb;;*\n", "a;b;*\nb;*\n", "a;b;*\na;c;*\n", "a;x;p;*\nb;x;q;*\n", "a;b\nb;c\n", "*\nb\n"] {
        assert_eq!(code(built(wrong)), "anonymise.hierarchy", "{wrong}");
    }
    assert_eq!(Hierarchy::parse("h.csv", b"a;\xff;*\n").unwrap_err().code(), "data.undecodable");
    let deep = vec!["a"; 300].join(";");
    assert_eq!(code(built(&deep)), "anonymise.hierarchy");
}

/// One way upward from every value: whoever is equal on a level is equal on all above it; the top says nothing.
fn is_tree(hierarchy: &Hierarchy, values: &[String]) -> std::result::Result<(), TestCaseError> {
    let rows: Vec<Vec<String>> = values.iter().map(|value| row(hierarchy, value)).collect();
    for (value, row) in values.iter().zip(&rows) {
        prop_assert_eq!(&row[0], value);
        prop_assert_eq!(row.last().unwrap(), STAR);
    }
    for level in 0..hierarchy.height() - 1 {
        let mut above: HashMap<&str, &str> = HashMap::new();
        for row in &rows {
            prop_assert_eq!(*above.entry(&row[level]).or_insert(&row[level + 1]), row[level + 1].as_str());
        }
    }
    // what it writes it can read
    let again = Hierarchy::from_rows("again", &hierarchy.rows()).unwrap();
    prop_assert_eq!(&again, hierarchy);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn intervals(values in prop::collection::vec(-1e6f64..1e6, 1..60), width in 1u32..1000, factor in 2u32..5, levels in 0u32..6, origin in -50i32..50) {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        let interval = Interval { origin: f64::from(origin), width: f64::from(width) / 4.0, factor, levels };
        let hierarchy = Hierarchy::intervals("x", &values, interval).unwrap();
        is_tree(&hierarchy, &values)?;
        for value in &values {
            let mut size = interval.width;
            for name in &row(&hierarchy, value)[1..=levels as usize] {
                let (low, high) = name.trim_matches(['[', ')']).split_once(", ").unwrap();
                let (low, high, number): (f64, f64, f64) = (low.parse().unwrap(), high.parse().unwrap(), value.parse().unwrap());
                prop_assert!(low <= number && number < high && (high - low - size).abs() < 1e-9 * size.max(1e6), "{} {}", name, value);
                size *= f64::from(factor);
            }
        }
    }

    #[test]
    fn dates(days in prop::collection::vec(0i64..80_000, 1..60)) {
        let values: Vec<String> = days.iter().map(|day| (time::macros::date!(1900-01-01) + time::Duration::days(*day)).to_string()).collect();
        let hierarchy = Hierarchy::dates("x", &values).unwrap();
        is_tree(&hierarchy, &values)?;
        for value in &values {
            let row = row(&hierarchy, value);
            prop_assert!(value.starts_with(&row[1]) && row[1].starts_with(&row[3]) && row[4].starts_with(&row[3][..3]) && row[2].starts_with(&row[3]));
        }
    }

    #[test]
    fn codes_and_masks(values in prop::collection::vec("[1-8][0-9]{5}", 1..60), step in 1usize..8) {
        let regions = Hierarchy::region_codes("x", &values, &[4, 2]).unwrap();
        let masked = Hierarchy::masking("x", &values, step).unwrap();
        for hierarchy in [&regions, &masked] {
            is_tree(hierarchy, &values)?;
            for value in &values {
                for name in row(hierarchy, value).iter().rev().skip(1) {
                    let kept = name.trim_end_matches('*');
                    prop_assert!(value.starts_with(kept) && name.len() == value.len());
                }
            }
        }
    }

    #[test]
    fn orders(count in 1usize..80, fanout in 2usize..6) {
        let values: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        let hierarchy = Hierarchy::ordered("x", &values, fanout).unwrap();
        is_tree(&hierarchy, &values)?;
        is_tree(&Hierarchy::flat("x", &values).unwrap(), &values)?;
        let mut size = 1;
        for level in 0..hierarchy.height() - 1 {
            let name = |at: usize| hierarchy.generalise(&values[at], level).unwrap();
            // neighbours share a name exactly within their block
            prop_assert!((1..count).all(|at| (name(at) == name(at - 1)) == (at % size != 0)));
            size *= fanout;
        }
    }

    /// k-map by its definition: every class holds as many people of the population; rows may be fewer.
    #[test]
    fn k_map_counts_people(rows in prop::collection::vec((0u8..4, 0u8..2), 1..12), others in prop::collection::vec((0u8..4, 0u8..2), 0..30), k in 1u32..6, share in 0u8..3) {
        let table = |cells: &[(u8, u8)]| {
            let column = |f: fn(&(u8, u8)) -> String| -> ArrayRef { Arc::new(StringArray::from(cells.iter().map(f).collect::<Vec<_>>())) };
            Table::from_columns("t", vec![("a", column(|cell| cell.0.to_string())), ("b", column(|cell| ["x", "y"][usize::from(cell.1)].to_owned()))]).unwrap()
        };
        // the rows are people too
        let people: Vec<(u8, u8)> = rows.iter().chain(&others).copied().collect();
        let hierarchies = Hierarchies::new()
            .with("a", Hierarchy::ordered("a", &["0", "1", "2", "3"], 2).unwrap())
            .with("b", Hierarchy::flat("b", &["x", "y"]).unwrap());
        let mut spec = Spec::new(&["a", "b"], vec![Model::KMap { k }], hierarchies).with_suppression(f64::from(share) * 0.25);
        prop_assert_eq!(full_domain(&table(&rows), &spec).unwrap_err().code(), "anonymise.spec");
        spec.population = Some(table(&people));
        let original = table(&rows);
        let limit = (spec.suppression * rows.len() as f64 + 1e-9).floor() as usize;
        // the least loss over all six nodes
        let mut best: Option<f64> = None;
        for (high, wide) in (0..3).flat_map(|high| (0..2).map(move |wide| (high, wide))) {
            let key = |cell: &(u8, u8)| (cell.0 >> high, if wide == 1 { 0 } else { cell.1 });
            let gone = rows.iter().filter(|row| people.iter().filter(|person| key(person) == key(row)).count() < k as usize).count();
            if gone > limit {
                continue;
            }
            let (n, gone) = (rows.len() as f64, gone as f64);
            let loss = |value: f64| ((n - gone) * value + gone) / n;
            let score = ((1.0 + loss([0.0, 1.0 / 3.0, 1.0][high])) * (1.0 + loss([0.0, 1.0][wide]))).sqrt() - 1.0;
            best = Some(best.map_or(score, |best: f64| best.min(score)));
        }
        match (full_domain(&original, &spec), best) {
            (Ok(release), Some(best)) => {
                prop_assert!((release.score - best).abs() < 1e-9, "{} and {}", release.score, best);
                let claim = Claim { qis: &spec.qis, models: &spec.models, hierarchies: &spec.hierarchies, population: spec.population.as_ref() };
                prop_assert!(verify(Some(&original), &release.table, &claim).unwrap().holds);
                // without the people nobody can say so
                let alone = Claim { population: None, ..claim };
                let verdict = verify(Some(&original), &release.table, &alone).unwrap();
                // a release in which all is `*` has no class that anybody could be looked for in
                prop_assert!(verdict.classes == 0 || !verdict.holds);
            }
            (Err(error), None) => prop_assert_eq!(error.code(), "anonymise.no_solution"),
            (found, best) => prop_assert!(false, "{:?} and {best:?}", found.map(|release| release.score)),
        }
        let refused = local(&original, &spec, &mut <rand_chacha::ChaCha20Rng as rand_chacha::rand_core::SeedableRng>::from_seed([1; 32]));
        prop_assert_eq!(refused.unwrap_err().code(), "anonymise.spec");
    }
}
