//! AMD SEV-SNP: the vectors, and everything that must not pass.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use yu_tee_attest::claims::Value;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Claims, Entry, Evidence, Fault, Instant, Kind, Part, VerifiedCollateral, snp};

use crate::shared::table;
use crate::tampering::{Masks, ders, flips, lengths, pem};

/// One row of the table with its files.
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) report: Vec<u8>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
    /// Noon of the first day of the key's dates.
    pub(crate) at: Instant,
    pub(crate) accept: bool,
    pub(crate) row: Json,
}

fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn vector(folder: &Path, row: &Json) -> Vector {
    let read = |name: &str| std::fs::read(folder.join(text(row, name))).unwrap();
    let from = text(&row["claims"], "vek_dates").split("..").next().unwrap();
    let day_after = Instant::parse(&format!("{from}T00:00:00Z")).unwrap().0 + 36 * 3600;
    Vector {
        id: text(row, "id").to_owned(),
        report: read("evidence"),
        chain: ders(&read("ca_chain")),
        key: ders(&read("vek")).remove(0),
        at: Instant(day_after),
        accept: text(row, "expected").starts_with("ACCEPT"),
        row: row.clone(),
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    table("snp").map(|(folder, rows)| rows.iter().map(|row| vector(&folder, row)).collect()).unwrap_or_default()
}

fn genuine() -> Vec<Vector> {
    vectors().into_iter().filter(|vector| vector.accept).collect()
}

fn named(id: &str) -> Option<Vector> {
    vectors().into_iter().find(|vector| vector.id == id)
}

pub(crate) fn entry(chain: &[Vec<u8>], keys: &[&[u8]]) -> snp::Entry {
    snp::Entry { chain: pem(chain), lists: Vec::new(), keys: keys.iter().map(|key| STANDARD.encode(key)).collect() }
}

pub(crate) fn collateral(entries: Vec<snp::Entry>) -> Result<VerifiedCollateral, Fault> {
    let entries: Vec<Entry> = entries.into_iter().map(|entry| Entry::Amd(Box::new(entry))).collect();
    VerifiedCollateral::new(default_provider(), &entries, [0; 32])
}

pub(crate) fn check(report: &[u8], certificates: Option<&[u8]>, collateral: &VerifiedCollateral, at: Instant) -> Result<Claims, Fault> {
    let evidence = Evidence::new(Kind::Snp, report.to_vec());
    let evidence = certificates.map_or(evidence.clone(), |bytes| evidence.with(Part::Certificates, bytes.to_vec()));
    verify(default_provider(), &evidence, collateral, at, &Binding::None).map(|verified| verified.claims().clone())
}

/// The key in the bundle, and the key with the evidence: both must give one answer.
fn both_ways(vector: &Vector) -> [Result<Claims, Fault>; 2] {
    let in_bundle = collateral(vec![entry(&vector.chain, &[&vector.key])]);
    let without = collateral(vec![entry(&vector.chain, &[])]).unwrap();
    [
        in_bundle.and_then(|collateral| check(&vector.report, None, &collateral, vector.at)),
        check(&vector.report, Some(&vector.key), &without, vector.at),
    ]
}

fn number(claims: &Claims, name: &str) -> u64 {
    match claims.get(name) {
        Some(Value::Number(number)) => *number,
        other => panic!("`{name}` is {other:?}"),
    }
}

fn bytes(claims: &Claims, name: &str) -> String {
    match claims.get(name) {
        Some(Value::Bytes(bytes)) => hex::encode(bytes),
        other => panic!("`{name}` is {other:?}"),
    }
}

#[test]
fn every_vector_gets_its_verdict_and_its_claims() {
    for vector in vectors() {
        let answers = both_ways(&vector);
        crate::shared::answered("snp", &vector.id, &answers[0]);
        for answer in answers {
            assert_eq!(answer.is_ok(), vector.accept, "{}: {answer:?}", vector.id);
            let Ok(claims) = answer else { continue };
            let expected = &vector.row["claims"];
            for (ours, theirs) in
                [("snp.measurement", "measurement"), ("snp.host-data", "host_data"), ("evidence.report-data", "report_data")]
            {
                assert_eq!(bytes(&claims, ours), text(expected, theirs), "{}: {ours}", vector.id);
            }
            for (ours, theirs) in [("snp.version", "version"), ("snp.guest-svn", "guest_svn"), ("snp.vmpl", "vmpl")] {
                assert_eq!(Some(number(&claims, ours)), expected[theirs].as_u64(), "{}: {ours}", vector.id);
            }
            for (ours, theirs) in [("bootloader", "bl"), ("tee", "tee"), ("snp", "snp"), ("microcode", "ucode"), ("fmc", "fmc")] {
                let claim = claims.get(&format!("snp.reported-tcb-{ours}")).cloned();
                assert_eq!(claim, expected["rep_tcb"][theirs].as_u64().map(Value::Number), "{}: {ours}", vector.id);
            }
            let policy = u64::from_str_radix(text(expected, "policy").trim_start_matches("0x"), 16).unwrap();
            assert_eq!(number(&claims, "snp.policy"), policy);
            assert_eq!(claims.get("evidence.debug"), Some(&Value::Flag(policy >> 19 & 1 == 1)), "{}", vector.id);
            let is_operator = text(expected, "issuer").contains("VLEK");
            assert_eq!(claims.get("snp.signing-key"), Some(&Value::Text(if is_operator { "vlek" } else { "vcek" }.to_owned())));
            assert_eq!(claims.get("snp.operator").is_some(), is_operator);
            let masked = text(expected, "chip").bytes().all(|digit| digit == b'0');
            assert_eq!(claims.get("snp.chip-id-masked"), Some(&Value::Flag(masked)));
            if !masked {
                assert_eq!(bytes(&claims, "snp.chip-id"), text(expected, "chip"));
            }
            assert!(claims.get("tcb.status").is_none(), "AMD has no list of TCBs");
        }
    }
}

/// The reasons of the refusals are the right ones, not the first ones.
#[test]
fn refusals_name_their_reason() {
    for (id, code) in [
        // neither key is of Milan's signing key that the row names, so the chain breaks before chip and TCB are looked at
        ("snp-v2-milan-wrong-vcek-legacy", "x509.signature"),
        ("snp-v2-milan-wrong-vcek-new", "x509.signature"),
        ("snp-genoa-wrong-product-chain", "x509.name"),
        ("snp-turin-tampered-measurement", "snp.report-signature"),
        ("snp-turin-tampered-reportdata", "snp.report-signature"),
        ("snp-turin-tampered-sig-r", "snp.report-signature"),
        ("snp-turin-tampered-reported-tcb", "snp.no-key"),
    ] {
        let Some(vector) = named(id) else { return };
        let [in_bundle, _] = both_ways(&vector);
        assert_eq!(in_bundle.unwrap_err().code, code, "{id}");
    }
}

#[test]
fn every_flip_cut_and_tail_of_a_report_is_refused() {
    let mut masks = Masks::new("SNP reports");
    for vector in genuine() {
        let collateral = collateral(vec![entry(&vector.chain, &[&vector.key])]).unwrap();
        let mut accepts = |report: &[u8]| check(report, None, &collateral, vector.at).is_ok();
        assert_eq!(flips(&mut masks, &vector.report, &mut accepts), [] as [usize; 0], "{}", vector.id);
        lengths(&vector.report, accepts);
    }
}

#[test]
fn every_flip_cut_and_tail_of_a_certificate_is_refused() {
    let mut masks = Masks::new("SNP certificates");
    for vector in genuine() {
        let whole = collateral(vec![entry(&vector.chain, &[])]).unwrap();
        let mut with_evidence = |key: &[u8]| check(&vector.report, Some(key), &whole, vector.at).is_ok();
        assert_eq!(flips(&mut masks, &vector.key, &mut with_evidence), [] as [usize; 0], "{}: key", vector.id);
        lengths(&vector.key, with_evidence);
        for index in 0..vector.chain.len() {
            let accepts = |der: &[u8]| {
                let mut chain = vector.chain.clone();
                chain[index] = der.to_vec();
                collateral(vec![entry(&chain, &[])]).is_ok()
            };
            assert_eq!(flips(&mut masks, &vector.chain[index], accepts), [] as [usize; 0], "{}: certificate {index}", vector.id);
        }
    }
}

#[test]
fn versions_and_kinds_that_are_not_known_are_refused() {
    let Some(vector) = named("snp-v5-turin-ms") else { return };
    let collateral = collateral(vec![entry(&vector.chain, &[&vector.key])]).unwrap();
    let with = |at: usize, value: u8| {
        let mut report = vector.report.clone();
        report[at] = value;
        check(&report, None, &collateral, vector.at).unwrap_err().code
    };
    for version in [0, 1, 6, 7, 255] {
        assert_eq!(with(0, version), "snp.version", "version {version}");
    }
    assert_eq!(with(3, 1), "snp.version");
    assert_eq!(with(0x34, 2), "snp.algorithm");
    assert_eq!(with(0x30, 4), "snp.vmpl");
    assert_eq!(with(0x48, 7 << 2), "snp.unsigned");
    assert_eq!(with(0x48, 2 << 2), "snp.signing-key");
    assert_eq!(with(0x48, 1 << 2), "snp.no-key");
    assert_eq!(with(0x48, 1 << 5), "snp.reserved");
    assert_eq!(with(0x0a, 0x01), "snp.reserved", "bit 17 of the policy must be one");
    assert_eq!(with(0x0b, 0x04), "snp.reserved", "bit 26 of the policy is not known");
    assert_eq!(with(0x188, 0x18), "snp.product");
    // what version 5 brought is reserved in version 4, and the processor in version 2
    assert_eq!(with(0, 4), "snp.reserved");
    assert_eq!(with(0, 2), "snp.reserved");
    let mut unsigned = vector.report.clone();
    unsigned[0x2a0..0x330].fill(0);
    assert_eq!(check(&unsigned, None, &collateral, vector.at).unwrap_err().code, "snp.unsigned");
}

#[test]
fn chains_that_are_not_whole_are_refused() {
    let all = genuine();
    for vector in &all {
        let [signing, root] = [&vector.chain[0], &vector.chain[1]];
        // the order is AMD's own affair: its key server gives the signing key first, firmware tables the root
        assert!(collateral(vec![entry(&[root.clone(), signing.clone()], &[&vector.key])]).is_ok());
        for broken in [
            vec![root.clone()],
            vec![signing.clone()],
            vec![],
            vec![root.clone(), root.clone()],
            vec![signing.clone(), signing.clone(), root.clone()],
        ] {
            assert!(collateral(vec![entry(&broken, &[])]).is_err(), "{}", vector.id);
        }
        // a key in the place of a signing key, and the other way round
        assert!(collateral(vec![entry(&[vector.key.clone(), root.clone()], &[])]).is_err());
        assert!(collateral(vec![entry(&vector.chain, &[signing])]).is_err());
        assert!(collateral(vec![entry(&vector.chain, &[root])]).is_err());
        for other in all.iter().filter(|other| other.chain[0] != vector.chain[0]) {
            assert!(collateral(vec![entry(&[other.chain[0].clone(), root.clone()], &[&vector.key])]).is_err());
            assert!(collateral(vec![entry(&vector.chain, &[&other.key])]).is_err() || other.chain[1] == vector.chain[1]);
        }
    }
}

#[test]
fn keys_of_other_chips_and_operators_do_not_fit() {
    let all = genuine();
    for vector in &all {
        for other in all.iter().filter(|other| other.id != vector.id) {
            // the other's chain and key, in the bundle and with the evidence
            let wrong = collateral(vec![entry(&other.chain, &[&other.key])]).unwrap();
            assert_eq!(check(&vector.report, None, &wrong, vector.at).unwrap_err().code, "snp.no-key", "{} {}", vector.id, other.id);
            assert!(check(&vector.report, Some(&other.key), &wrong, vector.at).is_err());
            // both chains and the other's key: still nobody vouches for this report
            let chains = collateral(vec![entry(&vector.chain, &[]), entry(&other.chain, &[&other.key])]).unwrap();
            assert!(check(&vector.report, Some(&other.key), &chains, vector.at).is_err());
        }
        // among all the others' it is found
        let mut entries: Vec<_> = all.iter().map(|other| entry(&other.chain, &[&other.key])).collect();
        entries.reverse();
        assert!(check(&vector.report, None, &collateral(entries).unwrap(), vector.at).is_ok(), "{}", vector.id);
    }
}

#[test]
fn dates_are_checked_at_every_use() {
    let Some(vector) = named("snp-v3-milan-vlek") else { return };
    let at = |text: &str| Instant::parse(text).unwrap();
    let collateral = collateral(vec![entry(&vector.chain, &[])]).unwrap();
    for (when, code) in [
        ("2025-06-01T00:00:00Z", None),
        ("2025-12-10T22:14:21Z", None),
        ("2025-12-10T22:14:22Z", Some("time.expired")),
        ("2026-09-01T00:00:00Z", Some("time.expired")),
        ("2024-12-10T22:14:21Z", None),
        ("2024-12-10T22:14:20Z", Some("time.not-yet-valid")),
        ("2019-01-01T00:00:00Z", Some("time.not-yet-valid")),
    ] {
        // the key is remembered after the first use; its dates are not
        let answer = check(&vector.report, Some(&vector.key), &collateral, at(when));
        assert_eq!(answer.err().map(|fault| fault.code), code, "{when}");
    }
}

#[test]
fn certificates_beside_a_report_are_the_chain_or_nothing() {
    let Some(vector) = named("snp-v3-genoa-ms") else { return };
    let Some(other) = named("snp-v5-turin-ms") else { return };
    let collateral = collateral(vec![entry(&vector.chain, &[])]).unwrap();
    let [key, signing, root] = [&vector.key, &vector.chain[0], &vector.chain[1]];
    let accepts = |ders: &[&Vec<u8>]| {
        let ders: Vec<Vec<u8>> = ders.iter().map(|der| (*der).clone()).collect();
        let answers =
            [ders.concat(), pem(&ders).into_bytes()].map(|bytes| check(&vector.report, Some(&bytes), &collateral, vector.at).is_ok());
        assert_eq!(answers[0], answers[1], "PEM and DER say the same");
        answers[0]
    };
    assert!(accepts(&[key]) && accepts(&[key, signing]) && accepts(&[key, signing, root]));
    for wrong in [
        &[][..],
        &[signing],
        &[root, signing, key],
        &[signing, key, root],
        &[key, root],
        &[key, root, signing],
        &[key, key],
        &[key, signing, root, root],
        &[key, &other.chain[0]],
        &[&other.key, signing, root],
    ] {
        assert!(!accepts(wrong));
    }
}

#[test]
fn a_bundle_without_the_key_says_which_one_is_missing() {
    let Some(vector) = named("snp-v5-turin-ms") else { return };
    for entries in [vec![], vec![entry(&vector.chain, &[])]] {
        let fault = check(&vector.report, None, &collateral(entries).unwrap(), vector.at).unwrap_err();
        assert_eq!(fault.code, "snp.no-key");
        assert!(fault.to_string().contains("0101010400000051"), "{fault}");
    }
    let fault = check(&vector.report, Some(&vector.key), &collateral(vec![]).unwrap(), vector.at).unwrap_err();
    assert_eq!(fault.code, "snp.no-chain");
}

#[test]
fn an_entry_travels_as_json() {
    let Some(vector) = named("snp-v3-milan-ms") else { return };
    let whole = Entry::Amd(Box::new(entry(&vector.chain, &[&vector.key])));
    let json = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), whole);
    assert!(serde_json::from_str::<Entry>(&json.replacen("\"keys\"", "\"key\"", 1)).is_err());
}
