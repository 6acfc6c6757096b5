//! AWS Nitro Enclaves: the vectors, and everything that must not pass.

use yu_tee_attest::claims::Value;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Claims, Entry, Evidence, Fault, Instant, Kind, VerifiedCollateral, nitro};

use crate::shared::table;
use crate::tampering::{Masks, flips, lengths, pem};

fn nothing() -> VerifiedCollateral {
    VerifiedCollateral::new(default_provider(), &[], [0; 32]).unwrap()
}

fn bound(document: &[u8], at: Instant, binding: &Binding) -> Result<Claims, Fault> {
    let evidence = Evidence::new(Kind::Nitro, document.to_vec());
    verify(default_provider(), &evidence, &nothing(), at, binding).map(|verified| verified.claims().clone())
}

fn check(document: &[u8], at: Instant) -> Result<Claims, Fault> {
    bound(document, at, &Binding::None)
}

struct Vector {
    id: String,
    document: Vec<u8>,
    at: Instant,
    row: serde_json::Value,
}

fn vectors() -> Vec<Vector> {
    let Some((folder, rows)) = table("nitro") else { return Vec::new() };
    let read = |row: serde_json::Value| Vector {
        id: row["id"].as_str().unwrap().to_owned(),
        document: std::fs::read(folder.join(row["evidence"].as_str().unwrap())).unwrap(),
        at: Instant::parse(row["verify_at"].as_str().unwrap()).unwrap(),
        row,
    };
    rows.into_iter().map(read).collect()
}

fn genuine() -> Vec<Vector> {
    vectors().into_iter().filter(|vector| vector.row["expected"] == "ACCEPT").collect()
}

/// The certificates of a document's bundle, cut out by their headers (30 82): enough for these vectors.
fn bundle(document: &[u8]) -> Vec<Vec<u8>> {
    let at = document.windows(9).position(|window| window == b"hcabundle").unwrap() + 9;
    let mut rest = &document[at + 1..];
    let mut all = Vec::new();
    while rest[0] == 0x59 {
        let (head, after) = rest.split_at(3);
        let (der, next) = after.split_at(usize::from(head[1]) << 8 | usize::from(head[2]));
        all.push(der.to_vec());
        rest = next;
    }
    all
}

#[test]
fn every_vector_gets_its_verdict_and_its_claims() {
    for vector in vectors() {
        let answer = check(&vector.document, vector.at);
        crate::shared::answered("nitro", &vector.id, &answer);
        if vector.row["expected"] != "ACCEPT" {
            // the changed byte lies in the payload or the signature; the chain is whole
            assert_eq!(answer.unwrap_err().code, "nitro.signature", "{}", vector.id);
            continue;
        }
        let (claims, expected) = (answer.unwrap(), &vector.row["claims"]);
        assert_eq!(claims.get("nitro.module-id"), Some(&Value::Text(expected["module_id"].as_str().unwrap().to_owned())));
        assert_eq!(claims.get("nitro.timestamp"), expected["timestamp_ms"].as_u64().map(Value::Number).as_ref());
        assert_eq!(claims.get("evidence.debug"), Some(&Value::Flag(expected["debug_mode_all_pcrs_zero"].as_bool().unwrap())));
        let shown = |name: &str| claims.get(name).map(Value::show).unwrap_or_default();
        for number in 0..16 {
            let register = shown(&format!("nitro.pcr{number}"));
            match expected["pcrs"][number.to_string()].as_str() {
                Some(known) => assert_eq!(register, known, "{}: {number}", vector.id),
                // the table lists only registers that are not zero
                None => assert!(register.bytes().all(|digit| digit == b'0'), "{}: {number}", vector.id),
            }
        }
        // the table has the first 32 bytes of both
        assert!(shown("nitro.nonce").starts_with(expected["nonce"].as_str().unwrap()));
        assert!(shown("nitro.user-data").starts_with(expected["user_data"].as_str().unwrap()));
        assert_eq!(shown("nitro.public-key").len(), 2 * usize::try_from(expected["public_key_len"].as_u64().unwrap()).unwrap());
    }
}

/// All of a document is signed but the envelope's framing, which has one form only.
#[test]
fn every_flip_cut_and_tail_of_a_document_is_refused() {
    let mut masks = Masks::new("Nitro documents");
    for vector in genuine() {
        let accepts = |document: &[u8]| check(document, vector.at).is_ok();
        assert_eq!(flips(&mut masks, &vector.document, accepts), [] as [usize; 0], "{}", vector.id);
        lengths(&vector.document, accepts);
    }
}

#[test]
fn the_envelope_has_one_form_tagged_or_not() {
    let Some(vector) = genuine().into_iter().next() else { return };
    let plain = &vector.document;
    let tagged = [&[0xd2], &plain[..]].concat();
    assert!(check(plain, vector.at).is_ok() && check(&tagged, vector.at).is_ok());
    assert!(check(&[&[0xd2], &tagged[..]].concat(), vector.at).is_err(), "tagged twice");
    assert!(check(&[&[0xd1], &plain[..]].concat(), vector.at).is_err(), "another tag");
    assert_eq!(plain[..7], [0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0]);
    let body = &plain[7..];
    for (what, head) in [
        ("an indefinite array", &[0x9f, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0][..]),
        ("a long head", &[0x98, 0x04, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0]),
        ("a long head of a string", &[0x84, 0x58, 0x04, 0xa1, 0x01, 0x38, 0x22, 0xa0]),
        ("a header that is not signed", &[0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa1, 0x01, 0x01]),
        ("ES256", &[0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0]),
        ("no algorithm", &[0x84, 0x41, 0xa0, 0xa0]),
        ("five parts", &[0x85, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0]),
    ] {
        assert!(check(&[head, body].concat(), vector.at).is_err(), "{what}");
    }
    for hostile in [&[0x9f; 4096][..], &[0x81; 4096], &[0x84, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0x84, 0x44], &[]] {
        assert!(check(hostile, vector.at).is_err());
    }
    assert!(check(&vec![0x84; 1 << 20], vector.at).is_err());
}

#[test]
fn dates_of_certificates_and_document_are_checked() {
    for vector in genuine() {
        let made = i64::try_from(vector.row["claims"]["timestamp_ms"].as_u64().unwrap() / 1000).unwrap();
        assert!(check(&vector.document, Instant(made)).is_ok(), "{}", vector.id);
        assert_eq!(check(&vector.document, Instant(made - 1)).unwrap_err().code, "time.not-yet-valid", "{}", vector.id);
        assert_eq!(check(&vector.document, Instant(made + 4 * 3600)).unwrap_err().code, "time.expired", "{}", vector.id);
        assert!(check(&vector.document, Instant(i64::MIN)).is_err() && check(&vector.document, Instant(i64::MAX)).is_err());
    }
}

#[test]
fn the_binding_is_in_the_user_data() {
    for vector in genuine() {
        let claims = check(&vector.document, vector.at).unwrap();
        let Some(Value::Bytes(data)) = claims.get("nitro.user-data") else {
            // nothing given, so nothing is bound
            assert!(bound(&vector.document, vector.at, &Binding::Exact(vec![1])).is_err());
            continue;
        };
        assert!(bound(&vector.document, vector.at, &Binding::Exact(data.clone())).is_ok());
        let mut other = data.clone();
        other[0] ^= 1;
        assert_eq!(bound(&vector.document, vector.at, &Binding::Exact(other)).unwrap_err().code, "binding.mismatch");
        let longer = [&data[..], &[0]].concat();
        assert_eq!(bound(&vector.document, vector.at, &Binding::Exact(longer)).unwrap_err().code, "binding.mismatch");
    }
}

#[test]
fn an_entry_is_the_pinned_root_or_refused() {
    let Some(vector) = genuine().into_iter().next() else { return };
    let bundle = bundle(&vector.document);
    let accepts = |ders: &[Vec<u8>]| {
        let entry = Entry::Aws(Box::new(nitro::Entry { root: pem(ders) }));
        VerifiedCollateral::new(default_provider(), &[entry], [0; 32]).is_ok()
    };
    assert!(bundle.len() >= 3 && accepts(&bundle[..1]));
    assert!(!accepts(&bundle[1..2]) && !accepts(&bundle[..2]) && !accepts(&[]));
    let mut masks = Masks::new("AWS root certificate");
    assert_eq!(flips(&mut masks, &bundle[0], |der| accepts(&[der.to_vec()])), [] as [usize; 0]);
}
