//! Properties that hold for all cells: idempotence, reversibility, nulls, and no panic whatever comes.

use proptest::prelude::*;
use yu_desensitize::transform::ff1::{Direction, Ff1};
use yu_desensitize::transform::{Operator, apply, reveal};

use super::{cells, keys, operator, rng, table, texts};

const ALL: [&str; 22] = [
    r#"{ op = "keep", first = 1, last = 2 }"#,
    r#"{ op = "keep", first = 1, mask = "○", length = 3 }"#,
    r#"{ op = "replace", with = "x" }"#,
    r#"{ op = "null" }"#,
    r#"{ op = "drop_rows", when = "missing" }"#,
    r#"{ op = "drop_rows", when = { rarer_than = 2 } }"#,
    r#"{ op = "hmac", hash = "sm3", purpose = "p", encoding = "base32" }"#,
    r#"{ op = "hmac", hash = "sha256", purpose = "p", bits = 256 }"#,
    r#"{ op = "token", cipher = "sm4", purpose = "p" }"#,
    r#"{ op = "ff1", alphabet = "digits", others = "keep", purpose = "p" }"#,
    r#"{ op = "ff1", alphabet = "alnum", purpose = "p" }"#,
    r#"{ op = "resident_id", purpose = "p" }"#,
    r#"{ op = "mobile", purpose = "p" }"#,
    r#"{ op = "date_shift", subject = "x", days = 90, purpose = "p" }"#,
    r#"{ op = "generalise_date", to = "month" }"#,
    r#"{ op = "bin", edges = [0, 10] }"#,
    r#"{ op = "round", to = 0.1 }"#,
    r#"{ op = "limit", top = 10 }"#,
    r#"{ op = "noise", grid = 0.01, steps = 9 }"#,
    r#"{ op = "shuffle" }"#,
    r#"{ op = "microaggregate", k = 2 }"#,
    r#"{ op = "sample", rate = 0.5, purpose = "p" }"#,
];

const IDEMPOTENT: [&str; 8] = [
    r#"{ op = "keep", first = 1, last = 2 }"#,
    r#"{ op = "replace", with = "x" }"#,
    r#"{ op = "null" }"#,
    r#"{ op = "drop_rows", when = "missing" }"#,
    r#"{ op = "generalise_date", to = "decade" }"#,
    r#"{ op = "round", to = 0.1 }"#,
    r#"{ op = "round", to = 7 }"#,
    r#"{ op = "limit", bottom = -5, top = 10.5 }"#,
];

fn once(operator: &Operator, column: &[Option<String>]) -> yu_desensitize::Result<Vec<Option<String>>> {
    Ok(cells(&apply(&table(texts(column)), "x", operator, &keys(1), &mut rng())?, "x"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_cell_makes_an_operator_panic(column in prop::collection::vec(prop::option::of("\\PC{0,20}|[0-9]{0,20}|-?[0-9]{1,19}(\\.[0-9]{1,4})?(e[0-9]{1,3})?|[0-9]{4}[-/]?[01][0-9][-/]?[0-3][0-9]"), 0..8), which in 0usize..22) {
        let before = table(texts(&column));
        if let Ok(after) = apply(&before, "x", &operator(ALL[which]), &keys(1), &mut rng()) {
            let (old, new) = (cells(&before, "x"), cells(&after, "x"));
            if !ALL[which].contains("drop_rows") && !ALL[which].contains("shuffle") && !ALL[which].contains("sample") {
                prop_assert!(old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| ALL[which].contains("null") || old.is_none() == new.is_none()));
            }
            let _ = reveal(&after, "x", &operator(ALL[which]), &keys(1));
        }
        let _ = reveal(&before, "x", &operator(ALL[which]), &keys(1));
    }

    #[test]
    fn twice_is_once(column in prop::collection::vec(prop::option::of("\\PC{0,9}"), 0..6), numbers in prop::collection::vec("-?[0-9]{1,12}(\\.[0-9]{1,3})?", 0..6), dates in prop::collection::vec("(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", 0..6), which in 0usize..8) {
        let op = operator(IDEMPOTENT[which]);
        let columns = [column, numbers.into_iter().map(Some).collect(), dates.into_iter().map(Some).collect()];
        for column in columns {
            if let Ok(first) = once(&op, &column) {
                prop_assert_eq!(once(&op, &first).unwrap(), first);
            }
        }
    }

    #[test]
    fn encryption_keeps_the_format_and_comes_back(column in prop::collection::vec(prop::option::of("[0-9]{6,40}|1[3-9][0-9]{9}"), 1..80)) {
        for toml in [r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, r#"{ op = "token", cipher = "aes", purpose = "p" }"#] {
            let op = operator(toml);
            let before = table(texts(&column));
            let hidden = apply(&before, "x", &op, &keys(1), &mut rng()).unwrap();
            prop_assert_eq!(cells(&reveal(&hidden, "x", &op, &keys(1)).unwrap(), "x"), column.clone());
            if toml.contains("ff1") {
                for (old, new) in column.iter().zip(cells(&hidden, "x")) {
                    prop_assert_eq!(old.as_ref().map(String::len), new.as_ref().map(String::len));
                    prop_assert!(new.is_none_or(|new| new.bytes().all(|byte| byte.is_ascii_digit())));
                }
            }
        }
    }

    #[test]
    fn ff1_comes_back_over_any_radix(radix in 2u32..=65536, numbers in prop::collection::vec(any::<u16>(), 20..60), tweak in prop::collection::vec(any::<u8>(), 0..40), key in any::<[u8; 24]>()) {
        let ff1 = Ff1::new(&key, radix).unwrap();
        let plain: Vec<u16> = numbers.into_iter().map(|number| (u32::from(number) % radix) as u16).collect();
        let mut other = plain.clone();
        ff1.apply(Direction::Encrypt, &tweak, &mut other).unwrap();
        prop_assert!(other.iter().all(|numeral| u32::from(*numeral) < radix));
        ff1.apply(Direction::Decrypt, &tweak, &mut other).unwrap();
        prop_assert_eq!(other, plain);
    }
}
