//! Hygon CSV: the vectors, and everything that must not pass.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use yu_tee_attest::claims::Value;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Claims, Entry, Evidence, Fault, Instant, Kind, Part, VerifiedCollateral, csv};

use crate::shared::{table, vectors};
use crate::tampering::{Masks, flips, lengths};

const SERIAL: &str = "NZA9T14052605";

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

fn chip(serial: &str, certificates: &[u8]) -> csv::Chip {
    csv::Chip { serial: serial.to_owned(), certificates: STANDARD.encode(certificates) }
}

fn collateral(root: &[u8], chips: Vec<csv::Chip>) -> Result<VerifiedCollateral, Fault> {
    let entry = Entry::Hygon(Box::new(csv::Entry { root: STANDARD.encode(root), chips }));
    VerifiedCollateral::new(default_provider(), &[entry], [0; 32])
}

fn check(body: &[u8], certificates: Option<&[u8]>, collateral: &VerifiedCollateral) -> Result<Claims, Fault> {
    let evidence = Evidence::new(Kind::Csv, body.to_vec());
    let evidence = certificates.map_or(evidence.clone(), |bytes| evidence.with(Part::Certificates, bytes.to_vec()));
    verify(default_provider(), &evidence, collateral, Instant(1_800_000_000), &Binding::None).map(|verified| verified.claims().clone())
}

fn shown(claims: &Claims, name: &str) -> String {
    claims.get(name).map(Value::show).unwrap_or_default()
}

#[test]
fn every_vector_gets_its_verdict_and_its_claims() {
    let Some((folder, rows)) = table("csv") else { return };
    let collateral = collateral(&read(&folder, "hrk.cert"), vec![chip(SERIAL, &read(&folder, "hsk_cek.cert"))]).unwrap();
    for row in rows {
        let answer = check(&read(&folder, row["evidence"].as_str().unwrap()), None, &collateral);
        let id = row["id"].as_str().unwrap();
        crate::shared::answered("csv", id, &answer);
        if !row["expected"].as_str().unwrap().starts_with("ACCEPT") {
            // the chip's certificates are not in the file, and this crate fetches nothing
            let fault = answer.unwrap_err();
            assert_eq!(fault.code, "csv.no-collateral", "{id}");
            assert!(fault.to_string().contains("KPA64911240507"), "{fault}");
            continue;
        }
        let claims = answer.unwrap();
        for (ours, theirs) in [
            ("evidence.report-data", "report_data"),
            ("csv.mnonce", "mnonce"),
            ("csv.measurement", "measurement"),
            ("csv.serial", "serial"),
            ("csv.vm-id", "vm_id"),
        ] {
            assert_eq!(shown(&claims, ours), row["claims"][theirs].as_str().unwrap(), "{id}: {ours}");
        }
        let policy = u64::from_str_radix(row["claims"]["policy"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        assert_eq!(claims.get("csv.policy"), Some(&Value::Number(policy)));
        assert_eq!(claims.get("evidence.debug"), Some(&Value::Flag(policy & 1 == 0)));
        assert_eq!(claims.get("csv.version"), Some(&Value::Number(1)));
    }
}

#[test]
fn every_flip_cut_and_tail_of_a_report_is_refused() {
    let Some(folder) = vectors("csv") else { return };
    let report = read(&folder, "report.cert");
    let collateral = collateral(&read(&folder, "hrk.cert"), vec![chip(SERIAL, &read(&folder, "hsk_cek.cert"))]).unwrap();
    let mut masks = Masks::new("CSV report");
    let accepts = |report: &[u8]| check(report, None, &collateral).is_ok();
    assert_eq!(flips(&mut masks, &report, accepts), [] as [usize; 0]);
    lengths(&report, accepts);
}

#[test]
fn every_flip_cut_and_tail_of_a_certificate_is_refused() {
    let Some(folder) = vectors("csv") else { return };
    let (root, pair) = (read(&folder, "hrk.cert"), read(&folder, "hsk_cek.cert"));
    let mut masks = Masks::new("CSV certificates");
    let with_root = |root: &[u8]| collateral(root, vec![]).is_ok();
    assert_eq!(flips(&mut masks, &root, with_root), [] as [usize; 0], "HRK");
    lengths(&root, with_root);
    let with_pair = |pair: &[u8]| collateral(&root, vec![chip(SERIAL, pair)]).is_ok();
    assert_eq!(flips(&mut masks, &pair, with_pair), [] as [usize; 0], "HSK and CEK");
    lengths(&pair, with_pair);
}

#[test]
fn chains_that_are_not_whole_are_refused() {
    let Some(folder) = vectors("csv") else { return };
    let [root, hsk, cek, report] = ["hrk.cert", "hsk.cert", "cek.cert", "report.cert"].map(|name| read(&folder, name));
    for wrong in [vec![], hsk.clone(), cek.clone(), [&cek[..], &hsk].concat(), [&root[..], &cek].concat(), [&hsk[..], &hsk].concat()] {
        assert!(collateral(&root, vec![chip(SERIAL, &wrong)]).is_err());
    }
    // the signing key in the place of the root, and a root that is none
    assert!(collateral(&hsk, vec![]).is_err() && collateral(&cek, vec![]).is_err());
    // the platform's certificate out of the report in the place of the chip's
    let mask = &report[188..192];
    let platform: Vec<u8> = report[336..2420].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    assert!(collateral(&root, vec![chip(SERIAL, &[&hsk[..], &platform].concat())]).is_err());
    let pair = [&hsk[..], &cek].concat();
    assert!(collateral(&root, vec![chip(SERIAL, &pair), chip(SERIAL, &pair)]).is_err(), "a serial number twice");
}

#[test]
fn certificates_may_come_with_the_evidence() {
    let Some(folder) = vectors("csv") else { return };
    let [root, hsk, cek, report] = ["hrk.cert", "hsk.cert", "cek.cert", "report.cert"].map(|name| read(&folder, name));
    let only_root = collateral(&root, vec![]).unwrap();
    let claims = check(&report, Some(&[&hsk[..], &cek].concat()), &only_root).unwrap();
    // no certificate names the serial number, so nobody vouches for it here; the chip's key is known
    assert!(claims.get("csv.serial").is_none());
    assert_eq!(shown(&claims, "csv.chip-id").len(), 64);
    assert_eq!(check(&report, None, &only_root).unwrap_err().code, "csv.no-collateral");
    assert!(check(&report, Some(&[&cek[..], &hsk].concat()), &only_root).is_err());
    let nothing = VerifiedCollateral::new(default_provider(), &[], [0; 32]).unwrap();
    assert_eq!(check(&report, Some(&[&hsk[..], &cek].concat()), &nothing).unwrap_err().code, "csv.no-collateral");
    // another chip's number in the bundle: its certificates are not tried
    let other = collateral(&root, vec![chip("OTHER", &[&hsk[..], &cek].concat())]).unwrap();
    assert_eq!(check(&report, None, &other).unwrap_err().code, "csv.no-collateral");
}

/// The mask of version 1 is not signed: with another one, everything moves at once, the measurement and the report data too.
#[test]
fn another_mask_moves_measurement_and_report_data_with_the_policy() {
    let Some(folder) = vectors("csv") else { return };
    let genuine = read(&folder, "report.cert");
    let collateral = collateral(&read(&folder, "hrk.cert"), vec![chip(SERIAL, &read(&folder, "hsk_cek.cert"))]).unwrap();
    let before = check(&genuine, None, &collateral).unwrap();
    let shift = [1, 0, 0, 0];
    let mut moved = genuine.clone();
    // what is not signed is masked anew, what is signed stays as it is
    for range in [180..192, 336..2484] {
        moved[range].iter_mut().zip(shift.iter().cycle()).for_each(|(byte, shift)| *byte ^= shift);
    }
    // the code over the certificate is keyed by the nonce, which moved too
    assert_eq!(check(&moved, None, &collateral).unwrap_err().code, "csv.mac");
    let mnonce: Vec<u8> = moved[128..144].iter().zip(moved[188..192].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let code = hmac_sm3(&mnonce, &moved[336..2516]);
    moved[2516..].copy_from_slice(&code);
    let after = check(&moved, None, &collateral).unwrap();
    for name in ["csv.measurement", "evidence.report-data", "csv.vm-id", "csv.mnonce", "csv.policy"] {
        assert_ne!(before.get(name), after.get(name), "{name}");
    }
    let bound = Evidence::new(Kind::Csv, moved);
    let report_data =
        Binding::Exact(genuine[64..128].iter().zip(genuine[188..192].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect());
    let fault = verify(default_provider(), &bound, &collateral, Instant(0), &report_data).unwrap_err();
    assert_eq!(fault.code, "binding.mismatch");
}

fn hmac_sm3(key: &[u8], message: &[u8]) -> [u8; 32] {
    use sm3::Digest as _;
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|index| key.get(index).copied().unwrap_or(0) ^ byte).collect() };
    let inner = sm3::Sm3::new().chain_update(pad(0x36)).chain_update(message).finalize();
    sm3::Sm3::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[test]
fn the_form_of_trustee_must_agree_with_itself() {
    let Some(folder) = vectors("csv") else { return };
    let text = std::fs::read_to_string(folder.join("csv-evidence.json")).unwrap();
    let root_only = collateral(&read(&folder, "hrk.cert"), vec![]).unwrap();
    let genuine: serde_json::Value = serde_json::from_str(&text).unwrap();
    let code = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document = genuine.clone();
        change(&mut document);
        check(document.to_string().as_bytes(), None, &root_only).unwrap_err().code
    };
    assert_eq!(code(&|_| {}), "csv.no-collateral");
    assert_eq!(code(&|document| document["serial_number"][0] = 65.into()), "format.malformed");
    assert_eq!(code(&|document| document["cert_chain"]["pek"]["body"]["ver"] = 2.into()), "format.malformed");
    assert_eq!(code(&|document| document["attestation_report"]["flags"] = 1.into()), "format.malformed");
    assert_eq!(code(&|document| document["attestation_report"]["data"][4095] = 1.into()), "format.malformed");
    assert_eq!(code(&|document| document["more"] = 1.into()), "format.malformed");
    // another chip's certificates do not vouch for this platform
    let wrong = collateral(&read(&folder, "hrk.cert"), vec![chip("KPA64911240507", &read(&folder, "hsk_cek.cert"))]).unwrap();
    assert_eq!(check(text.as_bytes(), None, &wrong).unwrap_err().code, "csv.chain-signature");
    let mut cut = text.as_bytes().to_vec();
    while cut.len() > 1 {
        cut.truncate(cut.len() - 97.min(cut.len() - 1));
        assert!(check(&cut, None, &root_only).is_err());
    }
}
