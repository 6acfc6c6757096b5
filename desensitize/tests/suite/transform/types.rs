//! Every operator on every type of column: the type stays or the column is refused, nulls stay nulls, rows stay in place.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
    Int64Array, LargeStringArray, ListArray, NullArray, StringArray, StringViewArray, TimestampSecondArray, UInt8Array, new_empty_array,
};
use arrow::datatypes::{DataType, Int32Type};
use proptest::prelude::*;
use yu_desensitize::transform::{Operator, apply, reveal};
use yu_desensitize::{Result, Table};

use super::{cells, code, keys, operator, rng, texts};

/// Each operator once, and what it works on.
pub(super) const ALL: [(&str, Takes); 25] = [
    (r#"{ op = "keep", first = 3, last = 4 }"#, Takes::Text),
    (r#"{ op = "keep", first = 1, mask = "○", length = 3 }"#, Takes::Text),
    (r#"{ op = "replace", with = "1" }"#, Takes::Any),
    (r#"{ op = "null" }"#, Takes::Any),
    (r#"{ op = "drop_rows", when = "missing" }"#, Takes::Any),
    (r#"{ op = "drop_rows", when = { one_of = ["1"] } }"#, Takes::Any),
    (r#"{ op = "drop_rows", when = { below = 0 } }"#, Takes::Numbers),
    (r#"{ op = "drop_rows", when = { rarer_than = 2 } }"#, Takes::Any),
    (r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#, Takes::Text),
    (r#"{ op = "hmac", hash = "sha256", purpose = "p", encoding = "base32", bits = 200 }"#, Takes::Text),
    (r#"{ op = "token", cipher = "sm4", purpose = "p" }"#, Takes::Text),
    (r#"{ op = "token", cipher = "aes", purpose = "p", encoding = "base32" }"#, Takes::Text),
    (r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, Takes::Text),
    (r#"{ op = "mobile", purpose = "p" }"#, Takes::Text),
    (r#"{ op = "resident_id", purpose = "p" }"#, Takes::Text),
    (r#"{ op = "date_shift", subject = "who", days = 30, purpose = "p" }"#, Takes::Dates),
    (r#"{ op = "generalise_date", to = "month" }"#, Takes::Dates),
    (r#"{ op = "generalise", hierarchy = { "13800138000" = ["1"], "*" = ["*"] }, level = 1, unknown = "suppress" }"#, Takes::Text),
    (r#"{ op = "bin", edges = [0, 10] }"#, Takes::Numbers),
    (r#"{ op = "round", to = 10 }"#, Takes::Numbers),
    (r#"{ op = "limit", bottom = 0, top = 100 }"#, Takes::Numbers),
    (r#"{ op = "noise", grid = 1, steps = 3 }"#, Takes::Numbers),
    (r#"{ op = "shuffle" }"#, Takes::Any),
    (r#"{ op = "pram", categories = ["13800138000", "13900139000"], keep = 0.5 }"#, Takes::Text),
    (r#"{ op = "sample", rate = 0.9 }"#, Takes::Any),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    Numbers,
    Dates,
    Any,
}

/// A value, nothing, another value, of each type.
fn columns() -> Vec<(Takes, ArrayRef)> {
    let mobiles = [Some("13800138000"), None, Some("13900139000")];
    let dates = [Some("2024-05-31"), None, Some("2024-06-01")];
    let words: DictionaryArray<Int32Type> = mobiles.into_iter().collect();
    let bytes: BinaryArray = [Some(b"1".as_slice()), None, Some(b"\xff")].into_iter().collect();
    vec![
        (Takes::Text, Arc::new(StringArray::from(mobiles.to_vec()))),
        (Takes::Text, Arc::new(LargeStringArray::from(mobiles.to_vec()))),
        (Takes::Text, Arc::new(StringViewArray::from(mobiles.to_vec()))),
        (Takes::Text, Arc::new(words)),
        (Takes::Dates, Arc::new(StringArray::from(dates.to_vec()))),
        (Takes::Dates, Arc::new(Date32Array::from(vec![Some(19_781), None, Some(-1)]))),
        (Takes::Dates, Arc::new(TimestampSecondArray::from(vec![Some(1_709_078_400), None, Some(-1)]).with_timezone("+08:00"))),
        (Takes::Numbers, Arc::new(Int64Array::from(vec![Some(14), None, Some(-7)]))),
        (Takes::Numbers, Arc::new(Int32Array::from(vec![Some(14), None, Some(-7)]))),
        (Takes::Numbers, Arc::new(UInt8Array::from(vec![Some(14), None, Some(97)]))),
        (Takes::Numbers, Arc::new(Float64Array::from(vec![Some(14.5), None, Some(-7.25)]))),
        (Takes::Numbers, Arc::new(Float32Array::from(vec![Some(14.5), None, Some(-7.25)]))),
        (Takes::Numbers, Arc::new(Decimal128Array::from(vec![Some(1450), None, Some(-725)]).with_precision_and_scale(10, 2).unwrap())),
        (Takes::Any, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (Takes::Any, Arc::new(bytes)),
        (Takes::Any, Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]), None, Some(vec![])]))),
        (Takes::Any, Arc::new(NullArray::new(3))),
    ]
}

fn with_people(array: &ArrayRef) -> Table {
    let people = texts(&(0..array.len()).map(|row| Some(format!("p{row}"))).collect::<Vec<_>>());
    Table::from_columns("t.csv", vec![("who", people), ("x", array.clone())]).unwrap()
}

fn done(op: &Operator, array: &ArrayRef) -> Result<ArrayRef> {
    let after = apply(&with_people(array), "x", op, &keys(1), &mut rng())?;
    let kind = after.schema().field(1).data_type().clone();
    Ok(after.batches().next().map_or_else(|| new_empty_array(&kind), |batch| batch.column(1).clone()))
}

fn moves_rows(toml: &str) -> bool {
    ["drop_rows", "sample", "shuffle"].iter().any(|name| toml.contains(name))
}

#[test]
fn types_and_nulls_are_kept_or_the_column_is_refused() {
    for (toml, takes) in ALL {
        let op = operator(toml);
        for (holds, array) in columns() {
            let what = format!("{toml} on {}", array.data_type());
            match done(&op, &array) {
                Ok(after) => {
                    let kind = if toml.contains("bin") && holds != Takes::Any { &DataType::Utf8 } else { array.data_type() };
                    assert!(after.data_type() == kind || *array.data_type() == DataType::Null, "{what}: {}", after.data_type());
                    if !moves_rows(toml) {
                        assert_eq!(after.len(), array.len(), "{what}");
                        let is_null = |array: &ArrayRef, row| array.logical_nulls().is_some_and(|nulls| nulls.is_null(row));
                        assert!((0..3).all(|row| is_null(&after, row) == is_null(&array, row) || toml.contains("null")), "{what}");
                    }
                }
                Err(error) => {
                    let code = code(&error);
                    assert!(code.starts_with("transform.") || code == "data.cell" || code == "data.column_type", "{what}: {error}");
                    assert!(
                        takes != holds
                            || takes == Takes::Any
                            || ["bin", "limit", "round", "noise", "resident_id", "generalise"].iter().any(|op| toml.contains(op)),
                        "{what}: {error}"
                    );
                }
            }
        }
    }
}

/// A column of a type that an operator is made for is not refused; one of another type is, before any cell of it is looked at.
#[test]
fn wrong_types_are_named() {
    let refused = |toml: &str, array: ArrayRef| code(&done(&operator(toml), &array).unwrap_err());
    let number: ArrayRef = Arc::new(Int64Array::from(vec![13_800_138_000]));
    let date: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let flag: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    for (toml, takes) in ALL {
        match takes {
            // leading zeros of identifiers would be lost already
            Takes::Text => [&number, &date, &flag].map(|array| assert_eq!(refused(toml, array.clone()), "transform.not_text", "{toml}")),
            Takes::Numbers => [&date, &date, &flag].map(|array| assert_eq!(refused(toml, array.clone()), "transform.not_number", "{toml}")),
            Takes::Dates => [&number, &flag, &flag].map(|array| assert_eq!(refused(toml, array.clone()), "transform.not_text", "{toml}")),
            Takes::Any => [(); 3],
        };
    }
}

#[test]
fn tables_without_rows_pass() {
    for (toml, _) in ALL {
        for kind in [DataType::Utf8, DataType::LargeUtf8] {
            let after = apply(&with_people(&new_empty_array(&kind)), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
            let expected = if toml.contains("bin") { &DataType::Utf8 } else { &kind };
            assert_eq!((after.num_rows(), after.schema().field(1).data_type()), (0, expected), "{toml}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// The same cells give the same result in every type of text, whole or as a slice, in one batch or many.
    #[test]
    fn representations_do_not_matter(column in prop::collection::vec(prop::option::of("1[3-9][0-9]{9}"), 1..40), from in any::<prop::sample::Index>(), which in 0usize..25) {
        let (toml, takes) = ALL[which];
        let op = operator(toml);
        let from = from.index(column.len());
        if !moves_rows(toml) && !op.is_random() && matches!(takes, Takes::Text | Takes::Any) {
            let plain = texts(&column);
            let Ok(expected) = done(&op, &plain) else { return Ok(()) };
            let expected = cells(&with_people(&expected), "x");
            for kind in [DataType::LargeUtf8, DataType::Utf8View, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))] {
                let other = arrow::compute::cast(&plain, &kind).unwrap();
                prop_assert_eq!(cells(&with_people(&done(&op, &other).unwrap()), "x"), expected.clone());
                let part = done(&op, &other.slice(from, column.len() - from)).unwrap();
                prop_assert_eq!(&cells(&with_people(&part), "x")[..], &expected[from..]);
            }
        }
    }

    /// Whatever a key turns back, it turns back in any text type and only into what was there.
    #[test]
    fn keys_turn_back_in_every_type(column in prop::collection::vec(prop::option::of("1[3-9][0-9]{9}"), 1..40), which in 0usize..3) {
        for toml in [r#"{ op = "mobile", purpose = "p" }"#, r#"{ op = "token", cipher = "sm4", purpose = "p", encoding = "base32" }"#, r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#] {
            let kinds = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
            let before = with_people(&arrow::compute::cast(&texts(&column), &kinds[which]).unwrap());
            let op = operator(toml);
            let hidden = apply(&before, "x", &op, &keys(1), &mut rng()).unwrap();
            let back = reveal(&hidden, "x", &op, &keys(1)).unwrap();
            prop_assert_eq!(back.schema().field(1).data_type(), &kinds[which]);
            prop_assert_eq!(cells(&back, "x"), column.clone());
            // another key: refused where that can be seen, other values where it cannot
            match reveal(&hidden, "x", &op, &keys(2)) {
                Ok(wrong) => match column.iter().flatten().count() {
                    0 => {}
                    // few cells may come out as they were by accident
                    1..4 => prop_assert!(!op.is_authenticated()),
                    _ => prop_assert!(!op.is_authenticated() && cells(&wrong, "x") != column),
                },
                Err(error) => prop_assert!(op.is_authenticated() && code(&error) == "transform.token"),
            }
        }
    }
}
