//! What a result looks like: lengths, characters, check digits, grids, and what of a column stays as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use proptest::prelude::*;
use yu_desensitize::key::resident_id;
use yu_desensitize::transform::{apply, reveal};
use yu_desensitize::{Table, column};

use super::{cells, keys, operator, rng, run, table, texts};

fn resident() -> impl Strategy<Value = String> {
    let region = prop::sample::select(vec![110_105u32, 330_203, 330_205, 330_212, 440_304, 820_001]);
    (region, 1900i32..2040, 1u32..13, 1u32..29, 0u32..1000).prop_map(|(region, year, month, day, order)| {
        let body = format!("{region}{year}{month:02}{day:02}{order:03}");
        format!("{body}{}", char::from(resident_id::check_digit(body.as_bytes().try_into().unwrap())))
    })
}

fn all(toml: &str, input: &[String]) -> Vec<String> {
    run(toml, &input.iter().map(String::as_str).collect::<Vec<_>>())
}

fn distinct(cells: &[String]) -> usize {
    cells.iter().collect::<BTreeSet<_>>().len()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn digests_and_tokens(input in prop::collection::vec("\\PC{0,70}", 1..40), bytes in 16u32..=32) {
        for (encoding, base, per) in [("hex", "0123456789abcdef", 4u32), ("base32", "abcdefghijklmnopqrstuvwxyz234567", 5)] {
            let toml = format!(r#"{{ op = "hmac", hash = "sm3", purpose = "p", encoding = "{encoding}", bits = {} }}"#, 8 * bytes);
            let codes = all(&toml, &input);
            prop_assert!(codes.iter().all(|code| code.len() == (8 * bytes).div_ceil(per) as usize && code.chars().all(|c| base.contains(c))));
            prop_assert_eq!(distinct(&codes), distinct(&input), "equal cells, and only these, stay equal");
            let tokens = all(&format!(r#"{{ op = "token", cipher = "aes", purpose = "p", encoding = "{encoding}" }}"#), &input);
            prop_assert!(tokens.iter().zip(&input).all(|(token, cell)| token.len() == (8 * (16 + cell.len())).div_ceil(per as usize) && token.chars().all(|c| base.contains(c))));
            prop_assert_eq!(distinct(&tokens), distinct(&input));
        }
    }

    #[test]
    fn encrypted_text_has_its_shape(input in prop::collection::vec("[0-9]{6}[-／ A-Z号]{0,4}[0-9]{0,12}", 1..40)) {
        let toml = r#"{ op = "ff1", alphabet = "digits", others = "keep", purpose = "p" }"#;
        let shape = |cell: &String| cell.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
        let hidden = all(toml, &input);
        prop_assert!(hidden.iter().zip(&input).all(|(new, old)| shape(new) == shape(old)));
        prop_assert_eq!(distinct(&hidden), distinct(&input), "a permutation");
    }

    #[test]
    fn mobiles(input in prop::collection::vec("1[3-9][0-9]{9}", 1..60)) {
        let hidden = all(r#"{ op = "mobile", purpose = "p" }"#, &input);
        prop_assert!(hidden.iter().zip(&input).all(|(new, old)| new.len() == 11 && new[..3] == old[..3] && new.bytes().all(|byte| byte.is_ascii_digit())));
        prop_assert_eq!(distinct(&hidden), distinct(&input));
    }

    #[test]
    fn residents(input in prop::collection::vec(resident(), 1..40), part in 0usize..3) {
        let kept = [r#""#, r#"region = "city", birth = "year", "#, r#"region = "province", sex = "keep", "#][part];
        let toml = format!(r#"{{ op = "resident_id", {kept}purpose = "p" }}"#);
        let hidden = all(&toml, &input);
        for (new, old) in hidden.iter().zip(&input) {
            prop_assert!(resident_id::normalise(new).is_ok_and(|id| id == *new), "the check digit and the date are right");
            match part {
                1 => prop_assert!(new[..4] == old[..4] && new[6..10] == old[6..10]),
                2 => prop_assert!(new[..2] == old[..2] && new.as_bytes()[16] % 2 == old.as_bytes()[16] % 2),
                _ => {}
            }
        }
        prop_assert_eq!(distinct(&hidden), distinct(&input));
        let cells: Vec<Option<&String>> = input.iter().map(Some).collect();
        let back = reveal(&apply(&table(texts(&cells)), "x", &operator(&toml), &keys(1), &mut rng()).unwrap(), "x", &operator(&toml), &keys(1)).unwrap();
        prop_assert_eq!(column::text(&back, "x").unwrap(), input);
    }

    #[test]
    fn shifted_dates(days in prop::collection::vec((0usize..5, 0i64..40_000, 0usize..4), 1..40), window in 1u32..3000) {
        let who: Vec<Option<String>> = days.iter().map(|(person, ..)| Some(format!("p{person}"))).collect();
        let day = |number: i64| time::macros::date!(1920-01-01) + time::Duration::days(number);
        let written: Vec<Option<String>> = days.iter().map(|(_, number, form)| {
            let date = day(*number);
            let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
            let separator = ["-", "/", ".", ""][*form];
            Some(format!("{year:04}{separator}{month:02}{separator}{day:02} 07:30"))
        }).collect();
        let numbers = |cells: &[Option<String>]| cells.iter().map(|cell| {
            let digits: String = cell.as_ref().unwrap().split(' ').next().unwrap().chars().filter(char::is_ascii_digit).collect();
            i64::from(time::Date::parse(&digits, time::macros::format_description!("[year][month][day]")).unwrap().to_julian_day())
        }).collect::<Vec<_>>();
        let before = Table::from_columns("t", vec![("who", texts(&who)), ("x", texts(&written))]).unwrap();
        let op = operator(&format!(r#"{{ op = "date_shift", subject = "who", days = {window}, purpose = "p" }}"#));
        let hidden = apply(&before, "x", &op, &keys(1), &mut rng()).unwrap();
        let after = cells(&hidden, "x");
        prop_assert!(after.iter().zip(&written).all(|(new, old)| new.as_ref().map(String::len) == old.as_ref().map(String::len)));
        let mut shifts: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
        for (((person, ..), new), old) in days.iter().zip(numbers(&after)).zip(numbers(&written)) {
            shifts.entry(*person).or_default().insert(new - old);
        }
        prop_assert!(shifts.values().all(|shifts| shifts.len() == 1 && shifts.iter().all(|shift| shift.unsigned_abs() <= u64::from(window))));
        prop_assert_eq!(cells(&reveal(&hidden, "x", &op, &keys(1)).unwrap(), "x"), written);
    }

    #[test]
    fn noise_lies_on_its_grid(values in prop::collection::vec(-1_000_000i64..1_000_000, 1..40), grid in 1u32..500, steps in 1u32..200) {
        let toml = format!(r#"{{ op = "noise", grid = {grid}, steps = {steps} }}"#);
        let done = apply(&table(Arc::new(Int64Array::from(values.clone()))), "x", &operator(&toml), &keys(1), &mut rng()).unwrap();
        let (grid, steps) = (f64::from(grid), f64::from(steps));
        for (new, old) in column::numeric(&done, "x").unwrap().into_iter().zip(values) {
            prop_assert!(new % grid == 0.0 && (new - old as f64).abs() <= grid * (steps + 0.5));
        }
    }

    #[test]
    fn values_only_change_places(column in prop::collection::vec(prop::option::of("[a-z0-9]{0,3}"), 1..60), percent in 1u32..=100) {
        for toml in [r#"{ op = "shuffle" }"#.to_owned(), format!(r#"{{ op = "rank_swap", percent = {percent} }}"#)] {
            let done = apply(&table(texts(&column)), "x", &operator(&toml), &keys(1), &mut rng()).unwrap();
            let after = cells(&done, "x");
            let sorted = |mut cells: Vec<Option<String>>| { cells.sort(); cells };
            prop_assert_eq!(sorted(after.clone()), sorted(column.clone()));
            // a rank swap leaves missing cells where they are
            prop_assert!(toml.contains("shuffle") || after.iter().zip(&column).all(|(new, old)| new.is_none() == old.is_none()));
        }
    }

    #[test]
    fn groups_share_their_mean(values in prop::collection::vec(-1000.0f64..1000.0, 2..60), k in 2u32..6) {
        prop_assume!(values.len() >= k as usize);
        let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        let done = apply(&table(array), "x", &operator(&format!(r#"{{ op = "microaggregate", k = {k} }}"#)), &keys(1), &mut rng()).unwrap();
        let after = column::numeric(&done, "x").unwrap();
        let mut groups: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (new, old) in after.iter().zip(&values) {
            groups.entry(new.to_bits()).or_default().push(*old);
        }
        for (mean, members) in groups {
            prop_assert!(members.len() >= k as usize);
            prop_assert!((f64::from_bits(mean) - members.iter().sum::<f64>() / members.len() as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn categories_stay_declared(column in prop::collection::vec(prop::option::of(0usize..3), 1..60), invariant: bool) {
        let names = ["低", "中", "高"];
        let cells_in: Vec<Option<&str>> = column.iter().map(|category| category.map(|category| names[category])).collect();
        let toml = format!(r#"{{ op = "pram", categories = ["低", "中", "高"], matrix = [[0.5, 0.5, 0.0], [0.2, 0.6, 0.2], [0.0, 0.5, 0.5]], invariant = {invariant} }}"#);
        let after = cells(&apply(&table(texts(&cells_in)), "x", &operator(&toml), &keys(1), &mut rng()).unwrap(), "x");
        for (new, old) in after.iter().zip(&cells_in) {
            prop_assert_eq!(new.is_none(), old.is_none());
            prop_assert!(new.as_deref().is_none_or(|new| names.contains(&new)));
            // what the matrix rules out does not happen; the way back over the original may reach further
            prop_assert!(invariant || (new.as_deref(), *old) != (Some("高"), Some("低")) && (new.as_deref(), *old) != (Some("低"), Some("高")));
        }
    }

    /// Bins hold their numbers.
    #[test]
    fn bins(values in prop::collection::vec(-100.0f64..200.0, 1..40)) {
        let done = apply(&table(Arc::new(Float64Array::from(values.clone()))), "x", &operator(r#"{ op = "bin", edges = [-10, 0.5, 60] }"#), &keys(1), &mut rng()).unwrap();
        for (bin, value) in cells(&done, "x").into_iter().flatten().zip(values) {
            let (low, high) = bin.trim_matches(['(', '[', ')']).split_once(", ").unwrap();
            let edge = |text: &str| text.parse().unwrap_or(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
            prop_assert!(edge(low) <= value && value < edge(high), "{bin} {value}");
        }
    }
}
