//! Known answers of the standards and of Project Wycheproof, from the data folder.

use serde_json::Value;
use yu_desensitize::transform::ff1::{Direction, Ff1};
use yu_desensitize::transform::{Hash, Hmac, hash};

use crate::shared::data;

fn json(path: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(data(path)?).unwrap()).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn groups(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = file["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

/// Numerals of a list or of a text over an alphabet; nothing if one is none.
fn numerals(value: &Value, alphabet: Option<&str>) -> Option<Vec<u16>> {
    match (value, alphabet) {
        (Value::Array(list), _) => list.iter().map(|numeral| u16::try_from(numeral.as_i64()?).ok()).collect(),
        (Value::String(text), Some(alphabet)) => {
            text.chars().map(|c| alphabet.chars().position(|other| other == c).and_then(|place| u16::try_from(place).ok())).collect()
        }
        _ => None,
    }
}

fn encrypted(radix: u32, key: &[u8], tweak: &[u8], message: Option<Vec<u16>>) -> Option<Vec<u16>> {
    let mut numerals = message?;
    let ff1 = Ff1::new(key, radix).ok()?;
    let plain = numerals.clone();
    ff1.apply(Direction::Encrypt, tweak, &mut numerals).ok()?;
    let mut back = numerals.clone();
    ff1.apply(Direction::Decrypt, tweak, &mut back).unwrap();
    assert_eq!(back, plain);
    Some(numerals)
}

#[test]
fn ff1_of_nist() {
    let Some(samples) = json("ff1_nist_samples/sp800-38g_ff1_samples.json") else {
        return;
    };
    let alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    let samples = samples.as_array().unwrap();
    assert_eq!(samples.len(), 9);
    for sample in samples {
        let radix = u32::try_from(sample["radix"].as_u64().unwrap()).unwrap();
        let result = encrypted(radix, &bytes(&sample["key"]), &bytes(&sample["tweak"]), numerals(&sample["pt"], Some(alphabet)));
        assert_eq!(result, numerals(&sample["ct"], Some(alphabet)), "sample {}", sample["sample"]);
    }
}

#[test]
fn ff1_of_wycheproof() {
    // valid cases of the 2016 text, of which this many have domains below 10^6 and must be refused; all invalid ones
    for (name, right, small, invalid) in [
        ("base10", 3300, 12, 533),
        ("base36", 2459, 6, 389),
        ("radix10", 3300, 12, 533),
        ("radix26", 2642, 9, 425),
        ("radix256", 1755, 3, 263),
    ] {
        let Some(file) = json(&format!("ff1_wycheproof/aes_ff1_{name}_test.json")) else {
            return;
        };
        let mut counts = (0, 0, 0);
        for (group, test) in groups(&file) {
            let radix = u32::try_from(group["radix"].as_u64().unwrap()).unwrap();
            let alphabet = group["alphabet"].as_str();
            let result = encrypted(radix, &bytes(&test["key"]), &bytes(&test["tweak"]), numerals(&test["msg"], alphabet));
            let is_small = test["flags"].as_array().unwrap().iter().any(|flag| flag == "SmallMessageSize");
            match (test["result"].as_str().unwrap(), is_small) {
                ("valid", false) => {
                    assert_eq!(result, numerals(&test["ct"], alphabet), "{name} {}", test["tcId"]);
                    counts.0 += 1;
                }
                ("valid", true) => {
                    assert_eq!(result, None, "{name} {}", test["tcId"]);
                    counts.1 += 1;
                }
                _ => {
                    assert_eq!(result, None, "{name} {}", test["tcId"]);
                    counts.2 += 1;
                }
            }
        }
        assert_eq!(counts, (right, small, invalid), "{name}");
    }
}

#[test]
fn hmac_sm3_of_wycheproof() {
    let Some(file) = json("sm_vectors/wycheproof_hmac_sm3_test.json") else {
        return;
    };
    let mut count = 0;
    for (_, test) in groups(&file) {
        let (hmac, message, tag) = (Hmac::new(Hash::Sm3, &bytes(&test["key"])), bytes(&test["msg"]), bytes(&test["tag"]));
        let single = hmac.code(&message);
        assert_eq!(single[..tag.len()] == tag, test["result"] == "valid", "{}", test["tcId"]);
        // the lanes say the same
        hmac.each(std::iter::repeat_n(message.as_slice(), 21), |_, code| assert_eq!(*code, single));
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn sm3_of_the_standard() {
    let Some(file) = json("sm_vectors/gmt_standard_examples.json") else {
        return;
    };
    for example in file["sm3"].as_array().unwrap() {
        assert_eq!(hash(Hash::Sm3, example["msg_ascii"].as_str().unwrap().as_bytes())[..], bytes(&example["digest"])[..]);
    }
}
