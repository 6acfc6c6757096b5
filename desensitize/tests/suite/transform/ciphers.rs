//! Keyed operators: what the key gives back, and what nothing else does.

use std::collections::HashSet;

use arrow::array::{ArrayRef, Int64Array};
use std::sync::Arc;
use yu_desensitize::key::resident_id;
use yu_desensitize::transform::{KeyId, Keys, Operator, apply, reveal};
use yu_desensitize::{Table, column};

use super::{cells, code, keys, operator, refusal, rng, run, table, texts};

const REVERSIBLE: [(&str, &[&str]); 8] = [
    (
        r#"{ op = "token", cipher = "sm4", purpose = "p" }"#,
        &["张三", "", "a", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef9"],
    ),
    (r#"{ op = "token", cipher = "aes", purpose = "p", encoding = "base32" }"#, &["张三", "", "a"]),
    (
        r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#,
        &["13800138000", "000000", "99999999999999999999999999999999999999999999999"],
    ),
    (r#"{ op = "ff1", alphabet = "upper_alnum", others = "keep", purpose = "p" }"#, &["浙B·D12345", "0574-87001234"]),
    (r#"{ op = "ff1", alphabet = { custom = "甲乙丙丁戊己庚辛壬癸" }, purpose = "p" }"#, &["甲乙丙丁戊己", "癸癸癸癸癸癸癸癸"]),
    (r#"{ op = "mobile", purpose = "p" }"#, &["13800138000", "19912345678"]),
    (r#"{ op = "resident_id", purpose = "p" }"#, &["11010519491231002X", "330203199001011239"]),
    (
        r#"{ op = "resident_id", region = "city", birth = "year", sex = "keep", years = [1900, 2020], purpose = "p" }"#,
        &["11010519491231002X"],
    ),
];

#[test]
fn only_the_key_gives_the_original_back() {
    for (toml, cells_in) in REVERSIBLE {
        let operator = operator(toml);
        assert!(operator.is_reversible() && operator.needs_key() && operator.shows_equality());
        let valid: Vec<Option<&str>> = cells_in
            .iter()
            .copied()
            .filter(|cell| !toml.contains("resident") || resident_id::normalise(cell).is_ok())
            .map(Some)
            .chain([None])
            .collect();
        let before = table(texts(&valid));
        let hidden = apply(&before, "x", &operator, &keys(1), &mut rng()).unwrap();
        assert_eq!(cells(&hidden, "x"), cells(&apply(&before, "x", &operator, &keys(1), &mut rng()).unwrap(), "x"), "deterministic");
        let (old, new) = (cells(&before, "x"), cells(&hidden, "x"));
        assert!(old.iter().zip(&new).all(|(old, new)| old != new || old.is_none()), "{toml}");
        assert_eq!(cells(&reveal(&hidden, "x", &operator, &keys(1)).unwrap(), "x"), old, "{toml}");
        match reveal(&hidden, "x", &operator, &keys(2)) {
            Ok(wrong) => assert!(!operator.is_authenticated() && cells(&wrong, "x") != old),
            Err(error) => assert!(operator.is_authenticated() && error.code() == "transform.token"),
        }
        let mut destroyed = keys(1);
        assert!(destroyed.destroy(&KeyId::new("joint").unwrap()));
        assert_eq!(reveal(&hidden, "x", &operator, &destroyed).unwrap_err().code(), "transform.key_missing");
    }
}

#[test]
fn purposes_and_columns_do_not_meet() {
    let one = |toml: &str| run(toml, &["13800138000"]).remove(0);
    for op in [r#"op = "hmac", hash = "sm3""#, r#"op = "hmac", hash = "sha256""#, r#"op = "ff1", alphabet = "digits""#, r#"op = "mobile""#]
    {
        let results: HashSet<String> = [
            one(&format!(r#"{{ {op}, purpose = "a" }}"#)),
            one(&format!(r#"{{ {op}, purpose = "b" }}"#)),
            one(&format!(r#"{{ {op}, purpose = "a", domain = "y" }}"#)),
        ]
        .into();
        assert_eq!(results.len(), 3, "{op}");
        assert_eq!(one(&format!(r#"{{ {op}, purpose = "a" }}"#)), one(&format!(r#"{{ {op}, purpose = "a", domain = "x" }}"#)), "{op}");
    }
}

#[test]
fn altered_tokens_are_refused() {
    let operator = operator(r#"{ op = "token", cipher = "sm4", purpose = "p" }"#);
    let token = run(r#"{ op = "token", cipher = "sm4", purpose = "p" }"#, &["13800138000"]).remove(0);
    for place in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[place] = if other[place] == b'0' { b'1' } else { b'0' };
        let altered = table(texts(&[Some(String::from_utf8(other).unwrap())]));
        assert_eq!(code(&reveal(&altered, "x", &operator, &keys(1)).unwrap_err()), "transform.token");
    }
    for other in ["", "00", "xyz", &token[..30], &token.to_uppercase()] {
        assert!(reveal(&table(texts(&[Some(other)])), "x", &operator, &keys(1)).is_err());
    }
}

#[test]
fn identifiers_stay_valid_and_keep_what_is_asked() {
    let residents: Vec<String> = (0..300u32)
        .map(|i| {
            let body = format!("{:06}{:04}{:02}{:02}{:03}", 330_200 + i % 90, 1930 + i % 80, 1 + i % 12, 1 + i % 28, i * 7 % 1000);
            let check = resident_id::check_digit(body.as_bytes().try_into().unwrap());
            format!("{body}{}", char::from(check))
        })
        .collect();
    let input: Vec<&str> = residents.iter().map(String::as_str).collect();
    for (region, kept) in [("encrypt", 0), ("province", 2), ("city", 4), ("keep", 6)] {
        for birth in ["encrypt", "year", "keep"] {
            let toml = format!(r#"{{ op = "resident_id", region = "{region}", birth = "{birth}", sex = "keep", purpose = "p" }}"#);
            // 500 order codes of one sex: 366 days or 100 counties are not enough
            let is_refused = matches!((region, birth), ("keep", "year" | "keep") | ("city", "keep"));
            if is_refused {
                assert_eq!(code(&operator(&toml).check().unwrap_err()), "transform.ff1_domain");
                continue;
            }
            let output = run(&toml, &input);
            assert_eq!(output.iter().collect::<HashSet<_>>().len(), input.len(), "a permutation");
            for (old, new) in residents.iter().zip(&output) {
                assert_eq!(resident_id::normalise(new).as_ref(), Ok(new));
                assert_eq!(old[..kept], new[..kept]);
                let dates = match birth {
                    "year" => 6..10,
                    "keep" => 6..14,
                    _ => 6..6,
                };
                assert_eq!(old[dates.clone()], new[dates]);
                assert_eq!(old.as_bytes()[16] % 2, new.as_bytes()[16] % 2);
            }
        }
    }
    let toml = r#"{ op = "resident_id", regions = [330203, 330205, 110105], years = [1900, 2020], purpose = "p" }"#;
    let output = run(toml, &["11010519491231002X"; 1]);
    assert!(["330203", "330205", "110105"].contains(&&output[0][..6]) && (1900..=2020).contains(&output[0][6..10].parse::<i32>().unwrap()));
    assert_eq!(refusal(toml, texts(&[Some(&residents[0])])), "transform.resident_id_region");
    for wrong in ["110105194912310021", "110105491231002", "", "张三"] {
        assert_eq!(refusal(r#"{ op = "resident_id", purpose = "p" }"#, texts(&[Some(wrong)])), "transform.resident_id");
    }
    for mobile in run(r#"{ op = "mobile", purpose = "p" }"#, &["13800138000", "13800138001"]) {
        assert!(mobile.len() == 11 && mobile.starts_with("138") && mobile.bytes().all(|byte| byte.is_ascii_digit()));
    }
    assert_eq!(refusal(r#"{ op = "mobile", purpose = "p" }"#, texts(&[Some("057487001234")])), "transform.mobile");
}

#[test]
fn formats_are_kept_and_small_domains_refused() {
    assert_eq!(
        refusal(r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, texts(&[Some("1234567"), Some("12345")])),
        "transform.ff1_domain"
    );
    assert_eq!(refusal(r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, texts(&[Some("1234567a")])), "transform.ff1_alphabet");
    assert_eq!(
        refusal(r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#, Arc::new(Int64Array::from(vec![1_234_567]))),
        "transform.not_text"
    );
    let kept = run(r#"{ op = "ff1", alphabet = "digits", others = "keep", purpose = "p" }"#, &["电话 0574-8700 1234。"]).remove(0);
    let shape: String = kept.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    assert_eq!(shape, "电话 ####-#### ####。");
    // cells of many lengths, more than the lanes, come back in their places
    let input: Vec<String> = (0..1000usize).map(|i| "0123456789".repeat(14)[..6 + i * 13 % 134].to_owned()).collect();
    let input: Vec<Option<&str>> = input.iter().map(|cell| Some(cell.as_str())).collect();
    let op = operator(r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#);
    let hidden = apply(&table(texts(&input)), "x", &op, &keys(1), &mut rng()).unwrap();
    assert!(cells(&hidden, "x").iter().zip(&input).all(|(new, old)| new.as_ref().unwrap().len() == old.unwrap().len()));
    assert_eq!(
        column::text(&reveal(&hidden, "x", &op, &keys(1)).unwrap(), "x").unwrap(),
        input.iter().map(|cell| cell.unwrap()).collect::<Vec<_>>()
    );
}

#[test]
fn dates_of_a_subject_move_together() {
    let people: ArrayRef = texts(&[Some("a"), Some("b"), Some("a"), Some("a")]);
    let dates: ArrayRef = texts(&[Some("2024-02-28"), Some("20240228"), Some("2024-03-01 08:00:00"), None]);
    let before = Table::from_columns("t", vec![("who", people), ("day", dates)]).unwrap();
    let op = operator(r#"{ op = "date_shift", subject = "who", days = 200, purpose = "p" }"#);
    let hidden = apply(&before, "day", &op, &keys(1), &mut rng()).unwrap();
    let days = cells(&hidden, "day");
    let (first, third) = (days[0].as_ref().unwrap(), days[2].as_ref().unwrap());
    let parse = |text: &str| time::Date::parse(&text[..10], time::macros::format_description!("[year]-[month]-[day]")).unwrap();
    assert_eq!((parse(third) - parse(first)).whole_days(), 2, "2024 is a leap year");
    assert!(third.ends_with(" 08:00:00") && days[1].as_ref().unwrap().len() == 8 && days[3].is_none());
    assert_eq!(cells(&reveal(&hidden, "day", &op, &keys(1)).unwrap(), "day"), cells(&before, "day"));
    let nobody = Table::from_columns("t", vec![("who", texts(&[None::<&str>])), ("day", texts(&[Some("2024-02-28")]))]).unwrap();
    assert_eq!(code(&apply(&nobody, "day", &op, &keys(1), &mut rng()).unwrap_err()), "transform.no_subject");
    let wrong = Table::from_columns("t", vec![("who", texts(&[Some("a")])), ("day", texts(&[Some("2024-02-30")]))]).unwrap();
    assert_eq!(code(&apply(&wrong, "day", &op, &keys(1), &mut rng()).unwrap_err()), "transform.date");
}

#[test]
fn keys_are_asked_for_by_name() {
    let op = operator(r#"{ op = "hmac", hash = "sm3", purpose = "p", key = "other" }"#);
    let before = table(texts(&[Some("a")]));
    assert_eq!(code(&apply(&before, "x", &op, &keys(1), &mut rng()).unwrap_err()), "transform.key_missing");
    assert_eq!(code(&apply(&before, "x", &op, &Keys::none(), &mut rng()).unwrap_err()), "transform.key_missing");
    assert_eq!(code(&reveal(&before, "x", &op, &keys(1)).unwrap_err()), "transform.irreversible");
    let unnamed = Operator::Mobile { purpose: " ".into(), key: None, domain: None };
    assert_eq!(code(&unnamed.check().unwrap_err()), "transform.purpose");
}
