//! Key normalisation through tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;
use yu_desensitize::error::{KeyProblem, KeySpecProblem};
use yu_desensitize::key::{KeySpec, Normalise, Reason, normalise, resident_id};
use yu_desensitize::{Error, Place, Table};

const ALL: [Normalise; 6] =
    [Normalise::ResidentId, Normalise::UpperX, Normalise::StripCountryCode86, Normalise::Trim, Normalise::FullWidthDigits, Normalise::Nfkc];

fn table(columns: &[(&str, &[&str])]) -> Table {
    let columns = columns.iter().map(|(name, cells)| (*name, Arc::new(StringArray::from(cells.to_vec())) as ArrayRef)).collect();
    Table::from_columns("t.csv", columns).unwrap()
}

#[test]
fn both_generations_meet() {
    let ids = [" 11010519491231002x ", "110105491231002", "１１０１０５１９４９１２３１００２Ｘ", "", "1", "110105194912310021"];
    let keys = normalise(&table(&[("id", &ids)]), &KeySpec::new("id", &ALL)).unwrap();
    for value in &keys.values[..3] {
        assert_eq!(value.as_deref(), Some(&b"11010519491231002X"[..]));
    }
    assert_eq!(keys.failed.clone().into_iter().collect::<Vec<_>>(), [(Reason::Empty, 1), (Reason::IdLength, 1), (Reason::IdCheckDigit, 1)]);
    assert_eq!((keys.failed_rows(), keys.duplicates), (3, 2));
    assert_eq!(keys.has_key(), [true, true, true, false, false, false]);
    assert_eq!(keys.present().map(|(row, _)| row).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(keys.first_duplicates, [Place { row: 2, line: None }, Place { row: 3, line: None }]);
    let error = keys.check_unique().unwrap_err();
    assert!(matches!(&error, Error::DuplicateKeys { count: 2, .. }));
    assert!(!error.to_string().contains("1101"), "{error}");
    assert!(!format!("{keys:?}").contains("49, 49"), "Debug shows no key");
}

#[test]
fn at_most_five_duplicates_are_named() {
    let keys = normalise(&table(&[("id", &["a"; 20])]), &KeySpec::new("id", &[])).unwrap();
    assert_eq!((keys.duplicates, keys.first_duplicates.len()), (19, 5));
}

#[test]
fn parts_of_a_key_do_not_run_together() {
    let spec = KeySpec { columns: vec!["a".into(), "b".into()], steps: vec![Normalise::Trim] };
    let keys = normalise(&table(&[("a", &["ab", "a ", "x"]), ("b", &["c", "bc", ""])]), &spec).unwrap();
    assert_eq!(keys.values[0].as_deref(), Some(&b"\x02\0\0\0ab\x01\0\0\0c"[..]));
    assert_eq!(keys.values[1].as_deref(), Some(&b"\x01\0\0\0a\x02\0\0\0bc"[..]));
    assert_eq!(keys.values[2], None);
    assert_eq!((keys.duplicates, keys.failed[&Reason::Empty]), (0, 1));
}

#[test]
fn specifications_are_checked() {
    let problem = |columns: &[&str], steps: &[Normalise]| {
        let spec = KeySpec { columns: columns.iter().map(|name| (*name).to_owned()).collect(), steps: steps.to_vec() };
        match spec.check() {
            Err(Error::KeySpec { problem }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(problem(&[], &[]), KeySpecProblem::NoColumn);
    assert_eq!(problem(&["a", "b", "a"], &[]), KeySpecProblem::ColumnTwice("a".into()));
    assert_eq!(problem(&["a"], &[Normalise::Trim, Normalise::UpperX, Normalise::Trim]), KeySpecProblem::StepTwice);
}

#[test]
fn the_contract_form() {
    let spec = KeySpec { columns: vec!["id".into()], steps: ALL.to_vec() };
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(json, r#"{"columns":["id"],"steps":["resident_id","upper_x","strip_country_code_86","trim","full_width_digits","nfkc"]}"#);
    assert_eq!(serde_json::from_str::<KeySpec>(&json).unwrap(), spec);
    assert!(serde_json::from_str::<KeySpec>(r#"{"columns":["id"],"steps":["lower"]}"#).is_err());
}

#[test]
fn scientific_notation_is_refused_here_too() {
    let error = normalise(&table(&[("id", &["1", "4.1E+10"])]), &KeySpec::new("id", &[])).unwrap_err();
    assert!(matches!(error, Error::Key { place: Place { row: 2, .. }, problem: KeyProblem::Scientific, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,12}|[ \u{3000}\u{200b}０-９+86]{0,6}1[3-9][0-9]{9}[ xX]?|[ ０-９0-9]{15,19}[xX]?", mask in 0u8..64) {
        let steps: Vec<Normalise> = ALL.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, step)| *step).collect();
        let spec = KeySpec::new("id", &steps);
        if let Ok(once) = spec.normalise_text(&text) {
            prop_assert_eq!(spec.normalise_text(&once), Ok(once));
        }
    }

    #[test]
    fn any_well_formed_body_is_accepted_with_its_check_digit(year in 1800u32..2100, month in 1u32..13, day in 1u32..29, order in 0u32..1000) {
        let body = format!("330203{year:04}{month:02}{day:02}{order:03}");
        let check = resident_id::check_digit(body.as_bytes().try_into().unwrap());
        for digit in b"0123456789X" {
            let id = format!("{body}{}", char::from(*digit));
            prop_assert_eq!(resident_id::normalise(&id).is_ok(), *digit == check);
        }
    }

    #[test]
    fn hostile_text_never_panics(text in any::<String>()) {
        let _ = KeySpec::new("id", &ALL).normalise_text(&text);
        let _ = resident_id::normalise(&text);
    }
}
