//! DCAT-like JSON: round trip, and nothing that one side cannot read.

use proptest::prelude::*;
use serde_json::{Value, json};
use yu_governance::catalogue::dcat::{export, export_all, import, import_all};
use yu_governance::catalogue::record::{CatalogueRecord, Hook, Language, OriginLevel};
use yu_governance::catalogue::{Class, Kind, Origin};

use crate::catalogue::{codes, record};
use crate::world::{hash, party};

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn after(change: impl FnOnce(&mut Value)) -> Vec<yu_governance::finding::Finding> {
    let mut value = export(&record()).unwrap();
    change(&mut value);
    import(&bytes(&value)).unwrap_err()
}

#[test]
fn k4_a_record_comes_back_as_it_was() {
    let full = record();
    let value = export(&full).unwrap();
    assert_eq!(value["@type"], "dcat:Dataset");
    assert_eq!(value["dct:title"][0]["@language"], "zh");
    assert_eq!(value["dct:title"][1], json!({ "@value": "visits of the insured", "@language": "en" }));
    assert_eq!(value["dct:accrualPeriodicity"]["@id"], "http://publications.europa.eu/resource/authority/frequency/MONTHLY");
    assert_eq!(value["yu:column"][1]["yu:class"], "personal");
    assert_eq!(value["yu:column"][1]["yu:grade"], 2);
    assert_eq!(import(&bytes(&value)).unwrap(), full);
    let bare = CatalogueRecord {
        translation: None,
        registration: None,
        hook: Hook::NotHooked,
        quality: None,
        sample: None,
        simulated: None,
        language: Language::En,
        ..full.clone()
    };
    assert_eq!(import(&bytes(&export(&bare).unwrap())).unwrap(), bare);
    let mut other = full.clone();
    other.entry.dataset = "dev/health/other".parse().unwrap();
    other.entry.origin = Origin::Imported { source: "s".into(), licence: "l".into() };
    let list = [full, other];
    let all = export_all("目录", Language::Zh, &list).unwrap();
    assert_eq!(import_all(&all).unwrap(), list);
    let twice = export_all("目录", Language::Zh, [&list[0], &list[0]]).unwrap();
    assert_eq!(codes(&import_all(&twice).unwrap_err()), ["dcat.repeated"]);
}

proptest! {
    #[test]
    fn k4_every_publishable_record_round_trips(
        rows in any::<u64>(), number in 2_u64.., grade in 1_u8..=4, level in 0_usize..4, class in 0_usize..4,
        name in "\\PC{1,20}", unit in proptest::option::of("\\PC{0,5}"), labels in proptest::collection::vec("\\PC{0,6}", 0..4),
    ) {
        prop_assume!(!name.trim().is_empty());
        let mut r = record();
        (r.entry.rows, r.number, r.previous) = (rows, number, Some(hash("before")));
        r.entry.name = name;
        r.entry.items[1].grade = grade;
        r.entry.items[1].class = [Class::General, Class::Personal, Class::SensitivePersonal, Class::TradeSecret][class];
        r.entry.items[1].unit = unit;
        r.entry.items[3].kind = Kind::Categorical { categories: labels };
        r.level = OriginLevel::ALL[level];
        prop_assert!(r.check().is_empty());
        prop_assert_eq!(import(&bytes(&export(&r).unwrap())).unwrap(), r);
    }

    #[test]
    fn k4_foreign_bytes_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let _ = import(&noise);
        let _ = import_all(&noise);
        let mut good = bytes(&export(&record()).unwrap());
        let at = place.index(good.len());
        good[at] ^= flip;
        let _ = import(&good);
    }
}

#[test]
fn k4_unknown_fields_are_named_by_path() {
    let found = after(|v| v["dct:spatial"] = json!("x"));
    assert_eq!(codes(&found), ["dcat.field-unknown"]);
    assert!(found[0].what.en.contains("`/dct:spatial`"), "{}", found[0]);
    let found = after(|v| v["yu:column"][2]["yu:colour"] = json!("red"));
    assert_eq!(codes(&found)[0], "dcat.field-malformed");
    let found = after(|v| v["yu:column"][2]["colour"] = json!("red"));
    assert!(found.iter().any(|f| f.code == "dcat.field-unknown" && f.what.en.contains("/yu:column/2/colour")), "{found:?}");
    let found = after(|v| {
        v["a"] = json!(1);
        v["b"] = json!(2);
    });
    assert_eq!(codes(&found), ["dcat.field-unknown"; 2], "all at once");
}

#[test]
fn k1_k4_an_import_names_everything_that_is_missing() {
    let found = after(|v| {
        let map = v.as_object_mut().unwrap();
        for key in ["dct:title", "dct:publisher", "dct:description", "yu:column", "dct:accrualPeriodicity"] {
            map.remove(key).unwrap();
        }
    });
    assert_eq!(codes(&found), ["catalogue.field-missing"; 5]);
    // every single field: absent means refused, or one of the optional ones
    let optional =
        ["yu:previous", "yu:registration", "yu:quality", "yu:sample", "yu:simulated", "yu:subject_column", "yu:origin", "yu:prohibited"];
    let full = export(&record()).unwrap();
    for key in full.as_object().unwrap().keys().cloned().collect::<Vec<_>>() {
        let mut value = full.clone();
        value.as_object_mut().unwrap().remove(&key);
        let read = import(&bytes(&value));
        if key == "yu:subject_column" {
            assert_eq!(codes(&read.unwrap_err()), ["catalogue.subject-column"]);
        } else {
            assert_eq!(read.is_ok(), optional.contains(&key.as_str()), "{key}");
        }
    }
}

#[test]
fn a6_k4_prohibited_data_do_not_come_in_by_import() {
    assert_eq!(codes(&after(|v| v["yu:column"][1]["yu:class"] = json!("prohibited"))), ["catalogue.prohibited"]);
    assert_eq!(codes(&after(|v| v["yu:prohibited"] = json!(true))), ["catalogue.prohibited"; 5]);
}

#[test]
fn k4_what_is_read_is_what_was_meant() {
    let cases: Vec<fn(&mut Value)> = vec![
        |v| v["@context"]["yu"] = json!("https://example.org/other#"),
        |v| v["@type"] = json!("dcat:Catalog"),
        |v| v["@id"] = json!("urn:yu:dataset:dev/health/another"),
        |v| v["dct:language"] = json!("fr"),
        |v| v["dct:title"][1]["@language"] = json!("zh"),
        |v| v["dct:modified"]["@value"] = json!("2026-10-01"),
        |v| v["yu:rows"] = json!(10),
        |v| v["dcat:version"] = json!("01"),
        |v| v["dct:publisher"] = json!("yu://dev/health/node1"),
        |v| v["dct:publisher"] = json!({ "@id": "health" }),
        |v| *v = json!([]),
    ];
    for (i, case) in cases.into_iter().enumerate() {
        let found = after(case);
        assert!(found.iter().any(|f| f.code == "dcat.field-malformed"), "case {i}: {found:?}");
    }
    assert_eq!(codes(&after(|v| v["dct:accrualPeriodicity"]["@id"] = json!("whenever"))), ["catalogue.frequency-unknown"]);
    // repeated keys: two readers would see two documents
    let text = String::from_utf8(bytes(&export(&record()).unwrap())).unwrap();
    let doubled = text.replacen("\"yu:grade\":2", "\"yu:grade\":4,\"yu:grade\":2", 1);
    assert_ne!(text, doubled);
    assert_eq!(codes(&import(doubled.as_bytes()).unwrap_err()), ["dcat.malformed"]);
    assert_eq!(codes(&import(b"{").unwrap_err()), ["dcat.malformed"]);
    assert_eq!(party("yu://dev/health/node1"), record().entry.provider);
}
