//! What an operator did once it does not do again: a policy that is carried out twice must not change a release.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use proptest::prelude::*;
use yu_desensitize::transform::{Operator, apply};
use yu_desensitize::{Result, Table};

use super::{cells, keys, operator, refusal, rng, table, texts};

fn once(op: &Operator, array: ArrayRef) -> Result<Table> {
    apply(&table(array), "x", op, &keys(1), &mut rng())
}

/// Applies twice; whether the second time changed nothing. `None` if the column is refused.
fn is_once(toml: &str, array: ArrayRef) -> Option<bool> {
    let op = operator(toml);
    let first = once(&op, array).ok()?;
    let second = apply(&first, "x", &op, &keys(1), &mut rng()).unwrap();
    Some(cells(&first, "x") == cells(&second, "x"))
}

#[test]
fn hierarchies_say_one_thing() {
    // a name of a level that is a value of its own, and a circle
    for wrong in [
        r#"hierarchy = { a = ["b"], b = ["a"] }"#,
        r#"hierarchy = { a = ["b", "*"], b = ["c", "*"] }"#,
        r#"hierarchy = { a = ["x", "y"], b = ["y", "x"] }"#,
        r#"hierarchy = { a = ["x", "*"], b = ["*", "y"] }"#,
    ] {
        assert_eq!(
            refusal(&format!(r#"{{ op = "generalise", {wrong}, level = 1 }}"#), texts(&[Some("a")])),
            "transform.hierarchy",
            "{wrong}"
        );
    }
    for right in
        [r#"hierarchy = { a = ["a", "*"], b = ["c", "*"] }"#, r#"hierarchy = { a = ["c", "c"], b = ["c", "c"], "*" = ["*", "c"] }"#]
    {
        assert!(
            once(&operator(&format!(r#"{{ op = "generalise", {right}, level = 1 }}"#)), texts(&[Some("a"), Some("b")])).is_ok(),
            "{right}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn masks(column in prop::collection::vec(prop::option::of("\\PC{0,12}"), 1..8), first in 0u32..6, last in 0u32..6, length in prop::option::of(1u32..12)) {
        let length = length.map_or_else(String::new, |length| format!(", length = {length}"));
        prop_assert_eq!(is_once(&format!(r#"{{ op = "keep", first = {first}, last = {last}{length} }}"#), texts(&column)), Some(true));
    }

    #[test]
    fn numbers(values in prop::collection::vec(-1e12f64..1e12, 1..20), whole in prop::collection::vec(-1_000_000_000_000i64..1_000_000_000_000, 1..20), step in 1u32..5000, down in 0u32..5, bounds in (-100i32..0, 0i32..100)) {
        let step = f64::from(step) / 10f64.powi(down.cast_signed());
        let limit = format!(r#"{{ op = "limit", bottom = {}, top = {} }}"#, bounds.0, bounds.1 + 1);
        for toml in [format!(r#"{{ op = "round", to = {step:?} }}"#), limit] {
            prop_assert_eq!(is_once(&toml, Arc::new(Float64Array::from(values.clone()))), Some(true));
            // a whole column refuses what it cannot hold
            prop_assert_ne!(is_once(&toml, Arc::new(Int64Array::from(whole.clone()))), Some(false));
        }
    }

    #[test]
    fn dates(dates in prop::collection::vec("(1[0-9]|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])( 08:00)?", 1..20), level in 0usize..4) {
        let level = ["month", "quarter", "year", "decade"][level];
        let dates: Vec<Option<String>> = dates.into_iter().map(Some).collect();
        prop_assert_eq!(is_once(&format!(r#"{{ op = "generalise_date", to = "{level}" }}"#), texts(&dates)), Some(true));
    }

    #[test]
    fn rows(column in prop::collection::vec(prop::option::of("[ab0-9]{0,2}"), 1..60)) {
        for toml in [
            r#"{ op = "drop_rows", when = "missing" }"#,
            r#"{ op = "drop_rows", when = { one_of = ["a", "b", "0"] } }"#,
            r#"{ op = "drop_rows", when = { rarer_than = 3 } }"#,
            r#"{ op = "replace", with = "x" }"#,
            r#"{ op = "null" }"#,
        ] {
            prop_assert_eq!(is_once(toml, texts(&column)), Some(true));
        }
        // subjects that were drawn are drawn again
        let present: Vec<Option<String>> = column.into_iter().flatten().filter(|cell| !cell.is_empty()).map(Some).collect();
        prop_assert_eq!(is_once(r#"{ op = "sample", rate = 0.4, purpose = "p" }"#, texts(&present)), Some(true));
    }

    /// Names of a level stand for themselves.
    #[test]
    fn generalisation(column in prop::collection::vec(0u8..8, 1..30), level in 1u32..=3) {
        let rows: Vec<String> = (0..8).map(|leaf| format!(r#""v{leaf}" = ["p{}", "q{}", "*"]"#, leaf / 2, leaf / 4)).collect();
        let toml = format!(r#"{{ op = "generalise", hierarchy = {{ {} }}, level = {level} }}"#, rows.join(", "));
        let cells: Vec<Option<String>> = column.into_iter().map(|leaf| Some(format!("v{leaf}"))).collect();
        prop_assert_eq!(is_once(&toml, texts(&cells)), Some(true));
    }
}
