//! SGX and TDX: every vector against its expected verdict, and against another verifier.

use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::verify::{QuoteVerifier, VerifiedReport};
use serde_json::Value as Json;
use yu_tee_attest::claims::{TcbStatus, Value};
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::{Binding, Claims, Entry, Evidence, Fault, Instant, Kind, VerifiedCollateral, dcap, verify};

use crate::shared;

/// What is one vector.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) quote: Vec<u8>,
    pub(crate) collateral: String,
    pub(crate) at: Instant,
    pub(crate) row: Json,
}

impl Case {
    pub(crate) fn entry(&self) -> dcap::Entry {
        serde_json::from_str(&self.collateral).unwrap()
    }

    pub(crate) fn verify(&self) -> Result<Claims, Fault> {
        run(self.kind, &self.quote, &self.entry(), self.at)
    }

    fn oracle(&self) -> Result<VerifiedReport, String> {
        let collateral: QuoteCollateralV3 = serde_json::from_str(&self.collateral).unwrap();
        let verifier = QuoteVerifier::new_prod().with_config::<dcap_qvl::configs::RustCryptoConfig>();
        verifier
            .allow_debug(true)
            .allow_service_td(true)
            .verify(&self.quote, &collateral, u64::try_from(self.at.0).unwrap())
            .map_err(|e| format!("{e:#}"))
    }
}

pub(crate) fn run(kind: Kind, quote: &[u8], entry: &dcap::Entry, at: Instant) -> Result<Claims, Fault> {
    let collateral = VerifiedCollateral::new(default_provider(), &[Entry::Intel(Box::new(entry.clone()))], [7; 32])?;
    again(kind, quote, &collateral, at)
}

pub(crate) fn again(kind: Kind, quote: &[u8], collateral: &VerifiedCollateral, at: Instant) -> Result<Claims, Fault> {
    let evidence = Evidence::new(kind, quote.to_vec());
    verify::verify(default_provider(), &evidence, collateral, at, &Binding::None).map(|verified| verified.claims().clone())
}

/// All vectors of SGX and TDX; none where the shared folder is absent.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (kind, name) in [(Kind::Sgx, "sgx"), (Kind::Tdx, "tdx")] {
        let Some((folder, rows)) = shared::table(name) else { continue };
        for row in rows {
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            all.push(Case {
                id: text("id"),
                kind,
                quote: std::fs::read(folder.join(text("evidence"))).unwrap(),
                collateral: std::fs::read_to_string(folder.join(text("collateral"))).unwrap(),
                at: Instant::parse(&text("verify_at")).unwrap(),
                row: row.clone(),
            });
        }
    }
    all
}

pub(crate) fn case(id: &str) -> Option<Case> {
    cases().into_iter().find(|case| case.id == id)
}

/// Vectors that the table's verifier refuses and we do not: what it refuses is a claim here, and a matter of policy.
const POLICY: &[(&str, &str, bool)] = &[
    ("sgx-v3-occlum-debug", "evidence.debug", true),
    ("sgx-v3-solana-debug", "evidence.debug", true),
    ("tdx-v4-trustee4-debug", "evidence.debug", true),
    ("tdx-v4-azure-septve", "tdx.sept-ve-disable", false),
    ("tdx-v5-alibaba-servicetd", "tdx.service-td", true),
];

/// The vector that the table's verifier accepts and we do not: its revocation list was issued after the instant. Collateral from
/// the future means that the clock is wrong or set back, and then no date says anything.
const FUTURE: &str = "tdx-v4-collateral-crl-from-future";

/// Why each vector is refused that is.
const FAULTS: &[(&str, &str)] = &[
    ("sgx-v3-automata-expired", "time.expired"),
    ("sgx-v3-automata-tampered-mrenclave", "dcap.quote-signature"),
    ("sgx-v3-wrong-fmspc", "dcap.no-collateral"),
    // a text stands behind the quote, and nothing is left unread; without it: see `levels_that_are_too_low`
    ("tdx-v4-gotdx-nomatch-2023", "format.malformed"),
    ("tdx-v5-trustee5-nomatch", "dcap.tcb-level"),
    ("tdx-v4-cdai-live-wrongchain", "dcap.no-collateral"),
    ("tdx-v4-flashbots-gcp-notyetvalid", "time.not-yet-valid"),
    ("tdx-v4-cos113-tampered-mrtd", "dcap.quote-signature"),
    ("tdx-v4-cos113-tampered-reportdata", "dcap.quote-signature"),
    ("tdx-v4-cos113-tampered-quote-signature", "dcap.quote-signature"),
    ("tdx-v4-cos113-tampered-attestation-key-or-signature", "dcap.qe-binding"),
    ("tdx-v4-cos113-tampered-qe-auth", "dcap.qe-signature"),
    ("tdx-v4-collateral-tampered-tcb", "dcap.collateral-signature"),
    (FUTURE, "time.not-yet-valid"),
    ("tdx-v4-cos113-expired", "time.expired"),
];

fn show(claims: &Claims, name: &str) -> String {
    claims.get(name).map(Value::show).unwrap_or_default()
}

#[test]
fn every_vector_gets_its_verdict_status_advisories_and_claims() {
    for case in cases() {
        let (ours, expected) = (case.verify(), &case.row["expected"]);
        let table_accepts = expected["crypto"] == "accept";
        if let Some((_, code)) = FAULTS.iter().find(|(id, _)| *id == case.id) {
            let fault = ours.expect_err(&case.id);
            shared::verdict(case.kind.name(), &case.id, &format!("refused: {} ({})", fault.code, fault.detail.place));
            assert_eq!(fault.code, *code, "{}: {fault}", case.id);
            assert!(!table_accepts || case.id == FUTURE, "{}", case.id);
            continue;
        }
        let claims = ours.unwrap_or_else(|fault| panic!("{}: {}: {fault}", case.id, fault.code));
        let said = format!("verified: {} {}", show(&claims, "tcb.status"), show(&claims, "tcb.advisories"));
        shared::verdict(case.kind.name(), &case.id, said.trim_end());
        match POLICY.iter().find(|(id, ..)| *id == case.id) {
            Some((_, claim, value)) => assert_eq!(claims.get(claim), Some(&Value::Flag(*value)), "{}", case.id),
            None => assert!(table_accepts, "{}: {}", case.id, expected["crypto"]),
        }
        if let Some(status) = expected["tcb_status"].as_str() {
            let advisories: Vec<&str> = expected["advisories"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
            assert_eq!(
                (show(&claims, "tcb.status"), show(&claims, "tcb.advisories")),
                (status.to_owned(), advisories.join(", ")),
                "{}",
                case.id
            );
        }
        for (name, value) in case.row["claims"].as_object().unwrap() {
            let dashed = name.replace('_', "-").replace("rt-mr", "rtmr");
            let found = match dashed.as_str() {
                "report-data" => show(&claims, "evidence.report-data"),
                other => show(&claims, &format!("{}.{other}", case.kind.name())),
            };
            let wanted = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(found, wanted, "{}: {name}", case.id);
        }
    }
}

#[test]
fn the_other_verifier_agrees() {
    for case in cases() {
        match (case.verify(), case.oracle()) {
            (Ok(claims), Ok(report)) => {
                assert_eq!(show(&claims, "tcb.status"), report.status, "{}", case.id);
                assert_eq!(show(&claims, "tcb.advisories"), report.advisory_ids.join(", "), "{}", case.id);
                assert_eq!(show(&claims, "dcap.ppid"), hex::encode(&report.ppid), "{}", case.id);
                assert_eq!(show(&claims, "dcap.qe-status"), report.qe_status.status.to_string(), "{}", case.id);
                assert_eq!(show(&claims, "dcap.platform-status"), report.platform_status.status.to_string(), "{}", case.id);
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(_)) => assert!(POLICY.iter().any(|(id, ..)| *id == case.id), "{}", case.id),
            (Err(fault), Ok(_)) => assert_eq!(case.id, FUTURE, "{fault}"),
        }
    }
}

/// The quote without the text that was pasted behind it.
#[test]
fn levels_that_are_too_low() {
    let Some(mut case) = case("tdx-v4-gotdx-nomatch-2023") else { return };
    case.quote.truncate(4_974 - 39);
    assert_eq!(case.verify().unwrap_err().code, "dcap.tcb-level");
}

/// A known platform gets the same verdict as a new one, and its dates are still checked.
#[test]
fn what_is_known_changes_no_verdict() {
    for case in cases() {
        let Ok(first) = case.verify() else { continue };
        let entries = [Entry::Intel(Box::new(case.entry()))];
        let collateral = VerifiedCollateral::new(default_provider(), &entries, [7; 32]).unwrap();
        for _ in 0..3 {
            assert_eq!(again(case.kind, &case.quote, &collateral, case.at).unwrap(), first, "{}", case.id);
        }
        for (at, code) in [(Instant(0), "time.not-yet-valid"), (Instant(4_000_000_000), "time.expired")] {
            assert_eq!(again(case.kind, &case.quote, &collateral, at).unwrap_err().code, code, "{}", case.id);
        }
        // a known platform's attestation key does not make another quote true
        let mut other = case.quote.clone();
        other[100] ^= 1;
        assert_eq!(again(case.kind, &other, &collateral, case.at).unwrap_err().code, "dcap.quote-signature", "{}", case.id);
    }
}

/// A bundle for a whole fleet: each quote finds what is made for its platform; without that the fault names the platform.
#[test]
fn the_right_entry_is_found_among_many() {
    let all = cases();
    // an entry that was tampered with would, rightly, spoil the bundle
    let entries: Vec<Entry> = all.iter().filter(|case| case.verify().is_ok()).map(|case| Entry::Intel(Box::new(case.entry()))).collect();
    let whole = VerifiedCollateral::new(default_provider(), &entries, [7; 32]).unwrap();
    for case in &all {
        if let Ok(alone) = case.verify() {
            let found = again(case.kind, &case.quote, &whole, case.at).unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
            assert_eq!(found.get("tcb.status"), alone.get("tcb.status"), "{}", case.id);
        }
    }
    let Some(case) = case("sgx-v3-wrong-fmspc") else { return };
    let fault = case.verify().unwrap_err();
    assert!(fault.message(yu_tee_attest::Lang::En).contains("FMSPC 00606a000000"), "{fault}");
    assert!(fault.message(yu_tee_attest::Lang::Zh).contains("00606a000000"), "{fault}");
}

/// The kind of the evidence must be that of the quote.
#[test]
fn a_quote_of_another_kind_is_refused() {
    let Some(case) = case("sgx-v3-automata") else { return };
    assert_eq!(run(Kind::Tdx, &case.quote, &case.entry(), case.at).unwrap_err().code, "format.malformed");
}

/// A quote that names its platform (types 1 to 3) is verified with the certificates in the entry.
#[test]
fn certificates_may_come_with_the_collateral() {
    let Some(case) = case("tdx-v5-gotdx") else { return };
    // header, descriptor, body; length; signature data up to the certification data inside the nested part
    let (start, body) = (48 + 6 + 648, case.quote.clone());
    let inner = start + 4 + 128 + 6 + 448 + 2 + 32;
    let length = usize::try_from(u32::from_le_bytes(body[inner + 2..inner + 6].try_into().unwrap())).unwrap();
    let pem = String::from_utf8(body[inner + 6..inner + 6 + length].to_vec()).unwrap();
    let claims = case.verify().unwrap();
    let Some(Value::Bytes(cpu_svn)) = claims.get("dcap.cpu-svn") else { panic!("no cpu-svn") };
    let Some(Value::Number(pce_svn)) = claims.get("dcap.pce-svn") else { panic!("no pce-svn") };
    for (kind, room) in [(1_u16, 16_usize), (2, 256), (3, 384)] {
        let mut identifier = vec![0x5a; room];
        identifier.extend_from_slice(cpu_svn);
        identifier.extend_from_slice(&u16::try_from(*pce_svn).unwrap().to_le_bytes());
        identifier.extend_from_slice(&[0, 0]);
        let mut nested = body[start + 4 + 128 + 6..inner].to_vec();
        nested.extend_from_slice(&kind.to_le_bytes());
        nested.extend_from_slice(&u32::try_from(identifier.len()).unwrap().to_le_bytes());
        nested.extend_from_slice(&identifier);
        let mut data = body[start + 4..start + 4 + 128].to_vec();
        data.extend_from_slice(&6_u16.to_le_bytes());
        data.extend_from_slice(&u32::try_from(nested.len()).unwrap().to_le_bytes());
        data.extend_from_slice(&nested);
        let mut quote = body[..start].to_vec();
        quote.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        quote.extend_from_slice(&data);

        let mut entry = case.entry();
        assert_eq!(run(case.kind, &quote, &entry, case.at).unwrap_err().code, "dcap.no-collateral");
        entry.pck_certificate_chain = Some(pem.clone());
        assert_eq!(run(case.kind, &quote, &entry, case.at).unwrap(), claims);
        // the entry is for this machine, and its own quote still verifies with the chain inside
        assert_eq!(run(case.kind, &case.quote, &entry, case.at).unwrap(), claims);
    }
}

/// An entry without a revocation list, or with one of another issuer, is not endorsed.
#[test]
fn revocation_lists_are_required() {
    let (Some(tdx), Some(sgx)) = (case("tdx-v4-cos113-gcp"), case("sgx-v3-solana-debug")) else { return };
    let good = tdx.entry();
    let processor = sgx.entry();
    let refuse = |change: &dyn Fn(&mut dcap::Entry), code: &str| {
        let mut entry = good.clone();
        change(&mut entry);
        let fault = run(tdx.kind, &tdx.quote, &entry, tdx.at).unwrap_err();
        assert_eq!(fault.code, code, "{fault}");
    };
    refuse(&|entry| entry.pck_crl.clear(), "format.malformed");
    refuse(&|entry| entry.root_ca_crl.clear(), "format.malformed");
    refuse(&|entry| entry.pck_crl = processor.pck_crl.clone(), "x509.crl-signature");
    refuse(&|entry| entry.root_ca_crl = good.pck_crl.clone(), "x509.crl-signature");
    refuse(&|entry| std::mem::swap(&mut entry.root_ca_crl, &mut entry.pck_crl), "x509.crl-signature");
    // of the other authority: both are true, and then the quote has no collateral
    refuse(
        &|entry| {
            entry.pck_crl = processor.pck_crl.clone();
            entry.pck_crl_issuer_chain = processor.pck_crl_issuer_chain.clone();
        },
        "dcap.no-collateral",
    );
    // documents of another environment, and of another platform
    refuse(&|entry| entry.tcb_info_signature = good.qe_identity_signature.clone(), "dcap.collateral-signature");
    refuse(
        &|entry| {
            entry.qe_identity = processor.qe_identity.clone();
            entry.qe_identity_signature = processor.qe_identity_signature.clone();
        },
        "format.malformed",
    );
    refuse(&|entry| entry.tcb_info_issuer_chain = good.pck_crl_issuer_chain.clone(), "format.malformed");
}

#[test]
fn no_status_is_invented() {
    let words = ["UpToDate", "OutOfDate", "TDRelaunchAdvised", "SWHardeningNeeded"];
    for word in words {
        let status: TcbStatus = serde_json::from_str(&format!("\"{word}\"")).unwrap();
        assert_eq!(status.name(), word);
    }
}

/// The extended report of TDX 1.5 (body type 4). Its collateral, among the vectors, is for that one machine.
#[test]
fn the_extended_report_is_read() {
    let Some(folder) = shared::vectors("tdx") else { return };
    let vector: Json = serde_json::from_str(include_str!("../vectors/tdx-v5-td15ex.json")).unwrap();
    let case = Case {
        id: "tdx-v5-td15ex".to_owned(),
        kind: Kind::Tdx,
        quote: hex::decode(vector["quote"].as_str().unwrap()).unwrap(),
        collateral: std::fs::read_to_string(folder.join("collateral-2719910e.json")).unwrap(),
        at: Instant::parse(vector["verify_at"].as_str().unwrap()).unwrap(),
        row: Json::Null,
    };
    let (claims, report) = (case.verify().unwrap(), case.oracle().unwrap());
    assert_eq!(show(&claims, "tcb.status"), report.status);
    assert_eq!(show(&claims, "tcb.advisories"), report.advisory_ids.join(", "));
    let theirs = report.report.as_td15_ex().unwrap();
    assert_eq!(show(&claims, "tdx.body-type"), "4");
    assert_eq!(show(&claims, "tdx.td-id"), hex::encode(theirs.td_id));
    assert_eq!(show(&claims, "tdx.device-info"), hex::encode(theirs.dev_info));
    assert_eq!(show(&claims, "tdx.current-service-td-attributes"), hex::encode(theirs.cur_service_td_attributes));
    for at in [54 + 649, 54 + 884] {
        let mut quote = case.quote.clone();
        quote[at] ^= 1;
        assert_eq!(run(case.kind, &quote, &case.entry(), case.at).unwrap_err().code, "dcap.quote-signature");
    }
}
