//! Known answers of every operator under one key and one seed. They were computed apart from this crate, from the texts that the
//! operators follow and from the key derivation as `transform/key.rs` describes it: whoever holds the key elsewhere gets them too.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
use yu_desensitize::Table;
use yu_desensitize::transform::{Plan, Step, apply};

use super::{cells, keys, operator, rng, run, table, texts};

fn one(toml: &str, cell: &str) -> String {
    run(toml, &[cell]).remove(0)
}

#[test]
fn keyed_digests() {
    let (mobile, long) = ("13800138000", "张三".repeat(20));
    assert_eq!(one(r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#, mobile), "635a9c04b061ffd8b8f39ad615bcc365");
    assert_eq!(
        one(r#"{ op = "hmac", hash = "sha256", purpose = "p", bits = 256 }"#, mobile),
        "6b11c08321e8b5e04d36e1d385266cc0eedfd50cc98686a984d3bd958add31e4"
    );
    assert_eq!(one(r#"{ op = "hmac", hash = "sm3", purpose = "p", encoding = "base32" }"#, &long), "7zw34nky2colposgvj5zooydx4");
    // whichever lane a cell falls into
    let many = run(r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#, &[mobile; 37]);
    assert!(many.iter().all(|code| code == "635a9c04b061ffd8b8f39ad615bcc365"));
}

#[test]
fn tokens() {
    assert_eq!(one(r#"{ op = "token", cipher = "sm4", purpose = "p" }"#, "张三"), "719534ec5cafd91f183029eaa0f4333f9c32cf2e0af5");
    assert_eq!(one(r#"{ op = "token", cipher = "aes", purpose = "p" }"#, "张三"), "15627fffcbf0121c81c845445608e738cac91db0249a");
    assert_eq!(one(r#"{ op = "token", cipher = "sm4", purpose = "p" }"#, ""), "68d5a248862ac28c07441a9e567a5185");
}

#[test]
fn format_preserving_encryption() {
    assert_eq!(one(r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, "13800138000"), "91145471691");
    assert_eq!(one(r#"{ op = "ff1", alphabet = "upper_alnum", others = "keep", purpose = "p" }"#, "0574-8700AB"), "P4UR-XQB9GB");
    assert_eq!(one(r#"{ op = "ff1", alphabet = { custom = "甲乙丙丁戊己庚辛壬癸" }, purpose = "p" }"#, "甲乙丙丁戊己"), "甲乙壬丙戊甲");
    assert_eq!(one(r#"{ op = "mobile", purpose = "p" }"#, "13800138000"), "13810977400");
    assert_eq!(one(r#"{ op = "resident_id", purpose = "p" }"#, "11010519491231002X"), "502272190209229838");
    let part = r#"{ op = "resident_id", region = "city", birth = "year", sex = "keep", purpose = "p" }"#;
    assert_eq!(one(part, "11010519491231002X"), "11018019490627080X");
}

#[test]
fn dates_and_subjects() {
    let people = texts(&[Some("a"), Some("b"), Some("c")]);
    let shifted = |days: ArrayRef| {
        let before = Table::from_columns("t", vec![("who", people.clone()), ("x", days)]).unwrap();
        let op = operator(r#"{ op = "date_shift", subject = "who", days = 200, purpose = "p" }"#);
        cells(&apply(&before, "x", &op, &keys(1), &mut rng()).unwrap(), "x").into_iter().map(Option::unwrap).collect::<Vec<_>>()
    };
    // 7 days back, 102 back, 92 on, in every form and type
    assert_eq!(shifted(texts(&[Some("2024-02-28"); 3])), ["2024-02-21", "2023-11-18", "2024-05-30"]);
    assert_eq!(shifted(texts(&[Some("20240228 08:30"); 3])), ["20240221 08:30", "20231118 08:30", "20240530 08:30"]);
    assert_eq!(shifted(Arc::new(Date32Array::from(vec![19_781; 3]))), ["2024-02-21", "2023-11-18", "2024-05-30"]);
    let instants = TimestampMicrosecondArray::from(vec![19_781 * 86_400_000_000 + 1; 3]);
    assert_eq!(shifted(Arc::new(instants)), ["2024-02-21T00:00:00.000001", "2023-11-18T00:00:00.000001", "2024-05-30T00:00:00.000001"]);
    let all: Vec<String> = (0..20).map(|i| format!("p{i}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(run(r#"{ op = "sample", rate = 0.5, purpose = "p" }"#, &all), ["p4", "p7", "p9", "p17", "p18", "p19"]);
    for (level, first) in [("month", "1987-05-01"), ("quarter", "1987-04-01"), ("year", "1987-01-01"), ("decade", "1980-01-01")] {
        assert_eq!(one(&format!(r#"{{ op = "generalise_date", to = "{level}" }}"#), "1987-05-31"), first);
    }
    assert_eq!(one(r#"{ op = "generalise_date", to = "decade" }"#, "0000-03-01"), "0000-01-01");
}

/// The generator is ChaCha20 from a seed that the caller's generator gives.
#[test]
fn random_choices() {
    let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    assert_eq!(run(r#"{ op = "shuffle" }"#, &digits), ["3", "1", "6", "5", "4", "8", "7", "0", "9", "2"]);
    assert_eq!(run(r#"{ op = "rank_swap", percent = 50 }"#, &digits), ["3", "5", "7", "0", "9", "1", "8", "2", "6", "4"]);
    assert_eq!(run(r#"{ op = "noise", grid = 5, steps = 3 }"#, &["100"; 8]), ["105", "90", "100", "100", "95", "105", "100", "100"]);
    let pram = run(r#"{ op = "pram", categories = ["y", "n"], keep = 0.75 }"#, &["y", "y", "y", "y", "n", "n", "n", "n"]);
    assert_eq!(pram, ["y", "y", "y", "n", "n", "y", "n", "n"]);
    let steps = [Step::new("x", operator(r#"{ op = "sample", rate = 0.5 }"#))];
    let mut plan = Plan::new(&steps, &keys(1), &mut rng()).unwrap();
    let drawn = plan.table(&table(Arc::new(Int64Array::from((0..12).collect::<Vec<i64>>())))).unwrap();
    assert_eq!(cells(&drawn, "x").into_iter().flatten().collect::<Vec<_>>(), ["1", "4", "5", "6", "7", "10", "11"]);
    let commitment = plan.records().remove(0).seed.unwrap().to_string();
    assert_eq!(commitment, "dffb878c3c90f3060c565dfad817f4e151002ad909c351589060838727f16679");
}

#[test]
fn coarser_values() {
    assert_eq!(
        run(r#"{ op = "keep", first = 1, last = 1, mask = "×", length = 3 }"#, &["欧阳明月", "王芳", ""]),
        ["欧×××月", "×××××", "×××××"]
    );
    assert_eq!(run(r#"{ op = "round", to = 0.25 }"#, &["0.125", "-0.125", "3.9", "1e3"]), ["0.25", "-0.25", "4", "1000"]);
    assert_eq!(run(r#"{ op = "round", to = 1000 }"#, &["499", "500", "-500", "1500"]), ["0", "1000", "-1000", "2000"]);
    assert_eq!(run(r#"{ op = "limit", bottom = 18, top = 90.5 }"#, &["17.9", "18", "90.5", "91"]), ["18", "18", "90.5", "90.5"]);
    assert_eq!(run(r#"{ op = "bin", edges = [0.5] }"#, &["0.4", "0.5", "-1e9"]), ["(-∞, 0.5)", "[0.5, ∞)", "(-∞, 0.5)"]);
    // three lowest, three highest; the rest is a group too
    let mdav = run(r#"{ op = "microaggregate", k = 3 }"#, &["1", "100", "2", "50", "99", "3", "51", "101", "49"]);
    assert_eq!(mdav, ["2", "100", "2", "50", "100", "2", "50", "100", "50"]);
    assert_eq!(run(r#"{ op = "microaggregate", k = 2 }"#, &["1", "2", "10.5", "11"]), ["1.5", "1.5", "10.75", "10.75"]);
}
