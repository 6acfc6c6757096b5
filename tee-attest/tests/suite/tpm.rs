//! TPM quotes: the vectors (Azure's among them), quotes of a key made here, and everything that must not pass.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;
use yu_tee_attest::claims::Value;
use yu_tee_attest::crypto::{default_provider, sha256, sha384};
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Claims, Entry, Evidence, Fault, Instant, Kind, Part, VerifiedCollateral, snp, tpm};

use crate::shared::{table, vectors};
use crate::tampering::{Masks, flips, lengths};

const AT: Instant = Instant(1_760_000_000);

/// A quote in parts.
#[derive(Clone)]
struct Quote {
    body: Vec<u8>,
    signature: Vec<u8>,
    registers: Vec<u8>,
    /// HCL report, quote, certificates, log.
    beside: Vec<(Part, Vec<u8>)>,
}

impl Quote {
    fn evidence(&self) -> Evidence {
        let evidence = Evidence::new(Kind::Tpm, self.body.clone())
            .with(Part::Signature, self.signature.clone())
            .with(Part::Registers, self.registers.clone());
        self.beside.iter().fold(evidence, |evidence, (part, bytes)| evidence.with(*part, bytes.clone()))
    }

    fn with(&self, part: Part, bytes: Vec<u8>) -> Self {
        let mut other = self.clone();
        other.beside.retain(|(own, _)| *own != part);
        other.beside.push((part, bytes));
        other
    }

    fn without(&self, part: Part) -> Self {
        let mut other = self.clone();
        other.beside.retain(|(own, _)| *own != part);
        other
    }
}

fn json(folder: &Path, name: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The form of trustee's verifier: hexadecimal in the oldest files, lists of numbers in none.
fn trustee(quote: &Json) -> Quote {
    let hex = |text: &Json| hex::decode(text.as_str().unwrap()).unwrap();
    let registers = quote["pcrs"].as_array().unwrap().iter().flat_map(hex).collect();
    Quote { body: hex(&quote["message"]), signature: hex(&quote["signature"]), registers, beside: Vec::new() }
}

fn url(text: &Json) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap().trim_end_matches('=')).unwrap()
}

/// The evidence of a row of the table, whole.
fn row(folder: &Path, id: &str) -> Quote {
    if let Some((quote, report)) = id.split_once(" + ") {
        let report = std::fs::read(folder.join(quote.replace("tpm-quote.json", report))).unwrap();
        return trustee(&json(folder, quote)).with(Part::HclReport, report);
    }
    let all = json(folder, id);
    let mut quote = trustee(&all["tpm_quote"]).with(Part::HclReport, url(&all["hcl_report"]));
    if all["vcek"].is_string() {
        quote = quote.with(Part::Certificates, url(&all["vcek"]));
    }
    if all["td_quote"].is_string() {
        quote = quote.with(Part::Quote, url(&all["td_quote"]));
    }
    quote
}

/// The attestation key of an HCL report, enrolled by hand: tests the quote apart from the hardware's report.
fn enrolled(report: &[u8]) -> tpm::Entry {
    let length = usize::try_from(u32::from_le_bytes(report[1232..1236].try_into().unwrap())).unwrap();
    let runtime: Json = serde_json::from_slice(&report[1236..1236 + length]).unwrap();
    let key = runtime["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "HCLAkPub").unwrap();
    let (modulus, exponent) = (url(&key["n"]), url(&key["e"]));
    assert_eq!((modulus.len(), exponent.as_slice()), (256, &[1, 0, 1][..]));
    let head = hex::decode("30820122300d06092a864886f70d01010105000382010f003082010a0282010100").unwrap();
    keys(&[[head, modulus, vec![2, 3], exponent].concat()])
}

fn keys(spkis: &[Vec<u8>]) -> tpm::Entry {
    tpm::Entry { keys: spkis.iter().map(|key| STANDARD.encode(key)).collect(), ..tpm::Entry::default() }
}

fn collateral(entry: tpm::Entry) -> Result<VerifiedCollateral, Fault> {
    VerifiedCollateral::new(default_provider(), &[Entry::Tpm(Box::new(entry))], [0; 32])
}

fn check_with(quote: &Quote, collateral: &VerifiedCollateral, at: Instant, binding: &Binding) -> Result<Claims, Fault> {
    verify(default_provider(), &quote.evidence(), collateral, at, binding).map(|verified| verified.claims().clone())
}

fn check(quote: &Quote, collateral: &VerifiedCollateral) -> Result<Claims, Fault> {
    check_with(quote, collateral, AT, &Binding::None)
}

fn text(claims: &Claims, name: &str) -> String {
    claims.get(name).unwrap_or_else(|| panic!("no `{name}`")).show()
}

#[test]
fn every_vector_is_signed_and_its_registers_fit() {
    let Some((folder, rows)) = table("tpm") else { return };
    for one in rows {
        let id = one["id"].as_str().unwrap();
        assert!(one["expected"].as_str().unwrap().starts_with("ACCEPT"));
        let whole = row(&folder, id);
        let report = whole.beside.iter().find(|(part, _)| *part == Part::HclReport).unwrap().1.clone();
        let quote = Quote { beside: Vec::new(), ..whole };
        let key = collateral(enrolled(&report)).unwrap();
        let claims = check_with(&quote, &key, AT, &Binding::Exact(b"challenge".to_vec())).unwrap();
        assert_eq!(text(&claims, "tpm.endorsement"), "enrolled", "{id}");
        assert_eq!(text(&claims, "tpm.bank"), "sha256");
        assert_eq!(text(&claims, "tpm.selection").split(", ").count(), 24);
        assert_eq!(text(&claims, "tpm.pcr-0"), hex::encode(&quote.registers[..32]));
        assert_eq!(text(&claims, "tpm.pcr-23"), hex::encode(&quote.registers[23 * 32..]));
        assert_eq!(text(&claims, "tpm.firmware"), 0x2020_0312_0012_0003_u64.to_string(), "{id}");
        assert_eq!(check_with(&quote, &key, AT, &Binding::Exact(b"challenger".to_vec())).unwrap_err().code, "binding.mismatch");
        crate::shared::verdict("tpm", id, "verified by its own key");
    }
}

/// A quote of a real TPM with its key beside it and a TPMT_SIGNATURE, as trustee's `tpm` verifier has it.
#[test]
fn a_quote_by_an_enrolled_key_is_verified() {
    let Some(folder) = vectors("tpm") else { return };
    let (quote, key) = plain(&folder);
    let claims = check(&quote, &collateral(keys(std::slice::from_ref(&key))).unwrap()).unwrap();
    assert_eq!(text(&claims, "tpm.key"), hex::encode(sha256(&[&key])));
    assert_eq!(text(&claims, "tpm.clock-safe"), "true");
    assert!(text(&claims, "evidence.report-data").starts_with("a04182b5"));
    assert!(claims.get("evidence.debug").is_none(), "a TPM alone is no environment");
    let none = VerifiedCollateral::new(default_provider(), &[], [0; 32]).unwrap();
    assert_eq!(check(&quote, &none).unwrap_err().code, "tpm.quote-signature");
    let other = Tpm::new(9).spki();
    assert_eq!(check(&quote, &collateral(keys(std::slice::from_ref(&other))).unwrap()).unwrap_err().code, "tpm.quote-signature");
    assert!(check(&quote, &collateral(keys(&[other, key])).unwrap()).is_ok());
}

fn plain(folder: &Path) -> (Quote, Vec<u8>) {
    let all = json(folder, "tpm-evidence.json");
    let base64 = |text: &Json| STANDARD.decode(text.as_str().unwrap()).unwrap();
    let registers =
        all["tpm_quote"]["pcrs"].as_array().unwrap().iter().flat_map(|pcr| hex::decode(pcr.as_str().unwrap()).unwrap()).collect();
    let quote = Quote {
        body: base64(&all["tpm_quote"]["message"]),
        signature: base64(&all["tpm_quote"]["signature"]),
        registers,
        beside: Vec::new(),
    };
    (quote, base64(&all["ak_public"]))
}

#[test]
fn every_flip_cut_and_tail_is_refused() {
    let Some(folder) = vectors("tpm") else { return };
    let mut masks = Masks::new("TPM quotes");
    let azure = row(&folder, "az-snp-tpm-quote.json + hcl-report.bin");
    let report = azure.beside[0].1.clone();
    let azure = (azure.without(Part::HclReport), collateral(enrolled(&report)).unwrap());
    let (quote, key) = plain(&folder);
    for (quote, collateral) in [azure, (quote, collateral(keys(&[key])).unwrap())] {
        let body = |bytes: &[u8]| check(&Quote { body: bytes.to_vec(), ..quote.clone() }, &collateral).is_ok();
        assert_eq!(flips(&mut masks, &quote.body, body), [] as [usize; 0]);
        lengths(&quote.body, body);
        let registers = |bytes: &[u8]| check(&Quote { registers: bytes.to_vec(), ..quote.clone() }, &collateral).is_ok();
        assert_eq!(flips(&mut masks, &quote.registers, registers), [] as [usize; 0]);
        lengths(&quote.registers, registers);
        let signature = |bytes: &[u8]| check(&Quote { signature: bytes.to_vec(), ..quote.clone() }, &collateral).is_ok();
        assert_eq!(flips(&mut masks, &quote.signature, signature), [] as [usize; 0]);
        lengths(&quote.signature, signature);
    }
}

// ---- Azure, with the hardware's report ----

/// AMD's chain of Milan, as another folder has it.
fn milan() -> Option<Entry> {
    let chain = std::fs::read_to_string(vectors("snp")?.join("ca-22e62f8d.pem")).unwrap();
    Some(Entry::Amd(Box::new(snp::Entry { chain, lists: Vec::new(), keys: Vec::new() })))
}

fn azure_snp() -> Option<(Vec<Quote>, VerifiedCollateral)> {
    let (folder, entry) = (vectors("tpm")?, milan()?);
    let quotes = ["az-snp-evidence-v1.json", "az-snp-evidence-v2.json"].map(|id| row(&folder, id)).to_vec();
    Some((quotes, VerifiedCollateral::new(default_provider(), &[entry], [0; 32]).unwrap()))
}

#[test]
fn azure_snp_evidence_is_verified_down_to_the_registers() {
    let Some((quotes, collateral)) = azure_snp() else { return };
    for quote in quotes {
        // the qualified signer has 34 bytes in both: the report data and its length stand after it
        let extra = quote.body[44..44 + usize::from(quote.body[43])].to_vec();
        let claims = check_with(&quote, &collateral, AT, &Binding::Exact(extra.clone())).unwrap();
        assert_eq!(text(&claims, "tpm.endorsement"), "snp");
        assert_eq!(text(&claims, "snp.vmpl"), "0");
        assert_eq!(text(&claims, "evidence.debug"), "false");
        // the second file's attester gave its report data to the paravisor too; in the first nobody gave any
        let data = if extra == b"challenge" { String::new() } else { hex::encode(&extra) };
        assert_eq!(text(&claims, "tpm.azure-user-data"), format!("{data:0<128}"));
        assert_eq!(text(&claims, "tpm.azure-vm").len(), 36);
        assert!(claims.get("tpm.azure-secure-boot").is_some());
        assert_eq!(text(&claims, "evidence.report-data"), format!("{:0<128}", hex::encode(extra)));
    }
}

#[test]
fn azure_evidence_cannot_be_put_together() {
    let Some((quotes, collateral)) = azure_snp() else { return };
    let (one, two) = (&quotes[0], &quotes[1]);
    let part = |quote: &Quote, part: Part| quote.beside.iter().find(|(own, _)| *own == part).unwrap().1.clone();
    // the other machine's report, with and without its certificate
    let mixed = one.with(Part::HclReport, part(two, Part::HclReport));
    assert!(check(&mixed, &collateral).is_err());
    let mixed = mixed.with(Part::Certificates, part(two, Part::Certificates));
    assert_eq!(check(&mixed, &collateral).unwrap_err().code, "tpm.quote-signature");
    // no endorsement left: neither the report nor an enrolled key
    assert!(check(&one.without(Part::HclReport), &collateral).is_err());
    assert!(check(&one.without(Part::Certificates), &collateral).is_err(), "no key of the chip");
    // an attestation key of the attacker's in the runtime data: the hardware did not sign for it
    let mut report = part(one, Part::HclReport);
    let at = report.windows(5).position(|window| window == b"\"n\":\"").unwrap() + 20;
    report[at] = if report[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(check(&one.with(Part::HclReport, report), &collateral).unwrap_err().code, "tpm.runtime-data");
    // a report of a lower privilege level is no endorsement, whoever signed it
    let mut report = part(one, Part::HclReport);
    report[32 + 0x30] = 2;
    assert_eq!(check(&one.with(Part::HclReport, report), &collateral).unwrap_err().code, "tpm.privilege");
}

/// Padding after the JSON is zero in all reports seen; more or fewer zeros change nothing that is said, so cuts down to the end of
/// the JSON and zeros appended are accepted. Everything else is refused, byte by byte.
#[test]
fn every_flip_and_cut_of_an_hcl_report_is_refused() {
    let Some((quotes, collateral)) = azure_snp() else { return };
    let mut masks = Masks::new("HCL reports");
    let quote = &quotes[0];
    let report = quote.beside.iter().find(|(part, _)| *part == Part::HclReport).unwrap().1.clone();
    let accepts = |bytes: &[u8]| check(&quote.with(Part::HclReport, bytes.to_vec()), &collateral).is_ok();
    // the version of the header, 1 or 2, is not signed and changes nothing
    let accepted = flips(&mut masks, &report, accepts);
    assert!(accepted.iter().all(|at| *at == 4), "{accepted:?}");
    let end = report.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for length in 0..report.len() {
        assert_eq!(accepts(&report[..length]), length >= end, "cut to {length}");
    }
    assert!(!accepts(&[report.as_slice(), &[1]].concat()));
    assert!(!accepts(&[report.as_slice(), &report].concat()));
}

// ---- quotes of a key that is made here ----

/// A TPM of the test's own: a P-256 key and what it signs.
struct Tpm {
    key: p256::ecdsa::SigningKey,
}

impl Tpm {
    fn new(seed: u8) -> Self {
        Self { key: p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap() }
    }

    fn spki(&self) -> Vec<u8> {
        let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
        [head, self.key.verifying_key().to_sec1_point(false).as_bytes().to_vec()].concat()
    }

    fn sign(&self, body: &[u8]) -> Vec<u8> {
        use p256::ecdsa::signature::Signer as _;
        let signature: p256::ecdsa::Signature = self.key.sign(body);
        ecdsa(0x0b, 32, &signature.to_bytes())
    }

    fn quote(&self, bank: u16, values: &[(u8, Vec<u8>)]) -> Quote {
        let registers: Vec<u8> = values.iter().flat_map(|(_, value)| value.clone()).collect();
        let body = attest(b"nonce", bank, &values.iter().map(|(index, _)| *index).collect::<Vec<_>>(), &sha256(&[&registers]));
        Quote { signature: self.sign(&body), body, registers, beside: Vec::new() }
    }
}

/// TPMT_SIGNATURE of ECDSA.
fn ecdsa(hash: u8, field: u8, signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(usize::from(field));
    [&[0, 0x18, 0, hash, 0, field][..], r, &[0, field], s].concat()
}

/// TPMS_ATTEST of a quote.
fn attest(extra: &[u8], bank: u16, indices: &[u8], digest: &[u8]) -> Vec<u8> {
    let mut bitmap = [0; 3];
    indices.iter().for_each(|index| bitmap[usize::from(index / 8)] |= 1 << (index % 8));
    let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    [
        &hex::decode("ff5443478018").unwrap(),
        &sized(&[7; 34])[..],
        &sized(extra),
        &hex::decode("00000000000003e8000000050000000201").unwrap(),
        &hex::decode("0000000000000042").unwrap(),
        &[0, 0, 0, 1],
        &bank.to_be_bytes(),
        &[3],
        &bitmap,
        &sized(digest),
    ]
    .concat()
}

#[test]
fn quotes_of_other_curves_and_banks_are_read() {
    use p384::ecdsa::signature::Signer as _;
    let tpm = Tpm::new(3);
    let key = collateral(keys(&[tpm.spki()])).unwrap();
    for (bank, length, name) in [(0x0b, 32, "sha256"), (0x0c, 48, "sha384"), (0x12, 32, "sm3")] {
        let claims = check(&tpm.quote(bank, &[(0, vec![1; length]), (7, vec![2; length])]), &key).unwrap();
        assert_eq!(text(&claims, "tpm.bank"), name);
        assert_eq!(text(&claims, "tpm.selection"), "pcr0, pcr7");
        assert_eq!(text(&claims, "tpm.pcr-7"), hex::encode(vec![2; length]));
        assert!(claims.get("tpm.pcr-1").is_none());
        assert_eq!(
            ["tpm.clock", "tpm.reset-count", "tpm.restart-count", "tpm.firmware"].map(|claim| text(&claims, claim)),
            ["1000", "5", "2", "66"]
        );
    }
    // P-384 signs with SHA-384, and the digest of the registers is made by it too
    let signing = p384::ecdsa::SigningKey::from_slice(&[5; 48]).unwrap();
    let head = hex::decode("3076301006072a8648ce3d020106052b81040022036200").unwrap();
    let spki = [head, signing.verifying_key().to_sec1_point(false).as_bytes().to_vec()].concat();
    let registers = vec![9; 32];
    let sign = |digest: &[u8]| {
        let body = attest(b"nonce", 0x0b, &[4], digest);
        let signature: p384::ecdsa::Signature = signing.sign(&body);
        Quote { signature: ecdsa(0x0c, 48, &signature.to_bytes()), body, registers: registers.clone(), beside: Vec::new() }
    };
    let key = collateral(keys(&[spki])).unwrap();
    assert!(check(&sign(&sha384(&[&registers])), &key).is_ok());
    assert_eq!(check(&sign(&sha256(&[&registers])), &key).unwrap_err().code, "tpm.registers");
}

#[test]
fn structures_that_are_not_known_are_refused() {
    let tpm = Tpm::new(3);
    let key = collateral(keys(&[tpm.spki()])).unwrap();
    let signed = |body: Vec<u8>, registers: Vec<u8>| {
        check(&Quote { signature: tpm.sign(&body), body, registers, beside: Vec::new() }, &key).unwrap_err().code
    };
    let registers = vec![1; 32];
    let good = attest(b"nonce", 0x0b, &[0], &sha256(&[&registers]));
    assert!(check(&Quote { signature: tpm.sign(&good), body: good.clone(), registers: registers.clone(), beside: vec![] }, &key).is_ok());
    let with = |at: usize, value: u8| {
        let mut body = good.clone();
        body[at] = value;
        signed(body, registers.clone())
    };
    assert_eq!(with(0, 0xfe), "format.malformed", "not made by a TPM");
    assert_eq!(with(5, 0x17), "format.malformed", "a certification of a key, not a quote");
    let safe = 6 + 36 + 7 + 16;
    assert_eq!(with(safe, 2), "format.malformed", "a flag that is 2");
    assert_eq!(with(safe + 12, 2), "format.malformed", "two selections");
    assert_eq!(with(safe + 14, 0x04), "format.malformed", "SHA-1");
    assert_eq!(with(safe + 14, 0x27), "boot.algorithm", "SHA3");
    assert_eq!(with(safe + 16, 0), "format.malformed", "no register");
    let four = attest(&[1; 65], 0x0b, &[0], &sha256(&[&registers]));
    assert_eq!(signed(four, registers.clone()), "format.malformed", "more report data than anything else has");
    // signature schemes: RSASSA with SHA-1, ECDAA, HMAC, none
    for scheme in ["00140004", "001a000b", "0005000b", "0010"] {
        let quote = Quote { signature: [hex::decode(scheme).unwrap(), vec![0; 66]].concat(), ..tpm.quote(0x0b, &[(0, vec![1; 32])]) };
        assert_eq!(check(&quote, &key).unwrap_err().code, "format.malformed", "{scheme}");
    }
}

// ---- certificates of attestation keys ----

/// The key of a TPM as an authority sees it.
struct Point(Vec<u8>);

impl rcgen::PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// An authority and a certificate of an attestation key, with the usage that makes it one or without.
fn certified(uses: &[u64]) -> (Tpm, Vec<u8>, Vec<u8>) {
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    let root_key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let mut root = CertificateParams::new(Vec::<String>::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root_certificate = root.self_signed(&root_key).unwrap().der().to_vec();
    let tpm = Tpm::new(11);
    let mut leaf = CertificateParams::new(Vec::<String>::new()).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "attestation key");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(uses.to_vec())];
    let leaf = leaf.signed_by(&Point(tpm.spki()[26..].to_vec()), &Issuer::new(root, root_key)).unwrap().der().to_vec();
    (tpm, root_certificate, leaf)
}

#[test]
fn a_certified_key_is_as_good_as_its_root() {
    let (tpm, root, leaf) = certified(&[2, 23, 133, 8, 3]);
    let roots = |root: &[u8]| tpm::Entry { roots: vec![STANDARD.encode(root)], ..tpm::Entry::default() };
    let quote = tpm.quote(0x0b, &[(0, vec![1; 32])]).with(Part::Certificates, leaf.clone());
    let trusting = collateral(roots(&root)).unwrap();
    let claims = check(&quote, &trusting).unwrap();
    assert_eq!(text(&claims, "tpm.endorsement"), "certificate");
    assert_eq!(text(&claims, "collateral.revocation"), "false");
    assert!(check(&quote.with(Part::Certificates, [leaf.clone(), root.clone()].concat()), &trusting).is_ok());
    // another authority, none, and a root that is none
    let (_, other, foreign) = certified(&[2, 23, 133, 8, 3]);
    assert!(check(&quote, &collateral(roots(&other)).unwrap()).is_err());
    let none = VerifiedCollateral::new(default_provider(), &[], [0; 32]).unwrap();
    assert_eq!(check(&quote, &none).unwrap_err().code, "x509.root");
    assert!(check(&quote.with(Part::Certificates, [leaf.clone(), other].concat()), &trusting).is_err());
    assert!(check(&quote.with(Part::Certificates, foreign), &trusting).is_err());
    assert_eq!(collateral(roots(&leaf)).unwrap_err().code, "tpm.root");
    // a certificate of the same authority that is not for attestation keys
    let (tpm, root, leaf) = certified(&[1, 3, 6, 1, 5, 5, 7, 3, 2]);
    let quote = tpm.quote(0x0b, &[(0, vec![1; 32])]).with(Part::Certificates, leaf);
    assert_eq!(check(&quote, &collateral(roots(&root)).unwrap()).unwrap_err().code, "tpm.key-usage");
    // the right certificate, a quote of another key
    let (_, root, leaf) = certified(&[2, 23, 133, 8, 3]);
    let quote = Tpm::new(12).quote(0x0b, &[(0, vec![1; 32])]).with(Part::Certificates, leaf);
    assert_eq!(check(&quote, &collateral(roots(&root)).unwrap()).unwrap_err().code, "tpm.quote-signature");
}

// ---- event logs against registers ----

/// A log of SHA-256 and SHA-1 digests, and the registers that it gives.
struct Log {
    bytes: Vec<u8>,
    registers: [[u8; 32]; 24],
}

impl Log {
    fn new() -> Self {
        let header = "0000000003000000".to_owned() + &"00".repeat(20) + "25000000" + &hex::encode("Spec ID Event03\0");
        let header = header + "00000000" + "00020002" + "02000000" + "04001400" + "0b002000" + "00";
        let mut registers = [[0; 32]; 24];
        registers[17..23].fill([0xff; 32]);
        Self { bytes: hex::decode(header).unwrap(), registers }
    }

    fn event(&mut self, register: u8, kind: u32, measured: &[u8], data: &[u8]) {
        let digest = sha256(&[measured]);
        if kind != 3 {
            let own = &mut self.registers[usize::from(register)];
            *own = sha256(&[&*own, &digest]);
        }
        self.bytes.extend(u32::from(register).to_le_bytes());
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend([2, 0, 0, 0, 4, 0]);
        self.bytes.extend([0x5a; 20]);
        self.bytes.extend([0x0b, 0]);
        self.bytes.extend(digest);
        self.bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        self.bytes.extend(data);
    }

    fn quote(&self, tpm: &Tpm, indices: &[u8]) -> Quote {
        let values: Vec<(u8, Vec<u8>)> = indices.iter().map(|index| (*index, self.registers[usize::from(*index)].to_vec())).collect();
        tpm.quote(0x0b, &values).with(Part::EventLog, self.bytes.clone())
    }
}

fn variable(name: &str, value: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        &hex::decode("61dfe48bca93d211aa0d00e098032b8c").unwrap()[..],
        &(u64::try_from(name.len()).unwrap() / 2).to_le_bytes(),
        &u64::try_from(value.len()).unwrap().to_le_bytes(),
        &name,
        value,
    ]
    .concat()
}

fn boot() -> Log {
    let mut log = Log::new();
    log.event(0, 3, &[], &[&b"StartupLocality\0"[..], &[3]].concat());
    log.registers[0][31] = 3;
    log.event(0, 8, b"version", b"version");
    log.event(7, 0x8000_0001, &variable("SecureBoot", &[1]), &variable("SecureBoot", &[1]));
    log.event(7, 4, &[0; 4], &[0; 4]);
    log.event(4, 0x8000_0003, b"the loader's image", b"path");
    log.event(8, 0x0d, b"/vmlinuz ro", b"kernel_cmdline: /vmlinuz ro\0");
    log.event(17, 0x0501, b"launch", b"launch");
    log
}

#[test]
fn a_log_is_replayed_against_quoted_registers() {
    let tpm = Tpm::new(3);
    let key = collateral(keys(&[tpm.spki()])).unwrap();
    let mut log = boot();
    log.registers[11] = [0x77; 32];
    let claims = check(&log.quote(&tpm, &[0, 1, 4, 7, 8, 11, 17]), &key).unwrap();
    for (name, value) in [
        ("boot.replayed", "true"),
        ("boot.algorithm", "sha256"),
        ("boot.events", "6"),
        ("boot.unlogged", "pcr11"),
        ("boot.secure-boot", "true"),
        ("boot.command-line", "/vmlinuz ro"),
    ] {
        assert_eq!(text(&claims, name), value, "{name}");
    }
    assert_eq!(claims.get("boot.command-line-digest"), Some(&Value::Bytes(sha256(&[b"/vmlinuz ro"]).to_vec())));
    assert_eq!(text(&claims, "boot.applications"), hex::encode(sha256(&[b"the loader's image"])));
    // events of registers that are not quoted make no claims
    let claims = check(&log.quote(&tpm, &[0, 4]), &key).unwrap();
    assert_eq!(text(&claims, "boot.events"), "2");
    assert!(claims.get("boot.secure-boot").is_none() && claims.get("boot.command-line").is_none());
}

/// Data are not hashed by the log itself: only those whose hash is the event's digest make a claim.
#[test]
fn data_that_were_not_measured_are_not_believed() {
    let tpm = Tpm::new(3);
    let key = collateral(keys(&[tpm.spki()])).unwrap();
    let log = boot();
    let mut forged = log.quote(&tpm, &[0, 4, 7, 8, 17]);
    let mut bytes = log.bytes.clone();
    let at = bytes.windows(11).position(|window| window == b"/vmlinuz ro").unwrap();
    bytes[at + 9] = b'w';
    forged = forged.with(Part::EventLog, bytes);
    let claims = check(&forged, &key).unwrap();
    assert!(claims.get("boot.command-line").is_none(), "the text was changed, its digest was not");
    assert_eq!(text(&claims, "boot.secure-boot"), "true");
    // a program that runs later can only add: two states, two lines, or one after the separator make no claim
    for late in [
        (7, 0x8000_0001, variable("SecureBoot", &[0]), variable("SecureBoot", &[0])),
        (8, 0x0d, b"x".to_vec(), b"kernel_cmdline: x".to_vec()),
    ] {
        let mut log = boot();
        log.event(late.0, late.1, &late.2, &late.3);
        let claims = check(&log.quote(&tpm, &[0, 4, 7, 8, 17]), &key).unwrap();
        assert_eq!(claims.get("boot.command-line").is_none(), late.0 == 8);
        assert_eq!(text(&claims, "boot.secure-boot"), "true");
    }
    let mut log = Log::new();
    log.event(7, 4, &[0; 4], &[0; 4]);
    log.event(7, 0x8000_0001, &variable("SecureBoot", &[1]), &variable("SecureBoot", &[1]));
    assert!(check(&log.quote(&tpm, &[7]), &key).unwrap().get("boot.secure-boot").is_none());
}

#[test]
fn logs_that_do_not_replay_are_refused() {
    let tpm = Tpm::new(3);
    let key = collateral(keys(&[tpm.spki()])).unwrap();
    let log = boot();
    let quote = log.quote(&tpm, &[0, 4, 7, 8, 17]);
    let mut masks = Masks::new("event log against registers");
    // not covered: SHA-1 digests (never computed), data (see above), types (0xd..) and what only people read
    let accepts = |bytes: &[u8]| check(&quote.with(Part::EventLog, bytes.to_vec()), &key).is_ok();
    let accepted = flips(&mut masks, &log.bytes, accepts);
    let digest_bytes: Vec<usize> = log
        .bytes
        .windows(22)
        .enumerate()
        .filter(|(_, window)| window[..20] == [0x5a; 20] && window[20..] == [0x0b, 0])
        .flat_map(|(at, _)| at + 22..at + 54)
        .collect();
    // digests of the one event that is written and not measured say nothing
    let measured = &digest_bytes[32..];
    assert!(accepted.iter().all(|at| !measured.contains(at)), "{accepted:?}");
    // an event left out, added, or in another order
    for change in 0..4 {
        let mut other = Log::new();
        other.event(0, 3, &[], &[&b"StartupLocality\0"[..], &[if change == 3 { 4 } else { 3 }]].concat());
        other.event(0, 8, b"version", b"version");
        if change == 1 {
            other.event(7, 4, &[0; 4], &[0; 4]);
        }
        other.event(7, 0x8000_0001, &variable("SecureBoot", &[1]), &variable("SecureBoot", &[1]));
        if change != 1 {
            other.event(7, 4, &[0; 4], &[0; 4]);
        }
        if change == 2 {
            other.event(4, 4, &[0; 4], &[0; 4]);
        }
        if change != 0 {
            other.event(4, 0x8000_0003, b"the loader's image", b"path");
        }
        if change == 0 {
            other.event(4, 0x8000_0003, b"another image", b"path");
        }
        other.event(8, 0x0d, b"/vmlinuz ro", b"kernel_cmdline: /vmlinuz ro\0");
        assert_eq!(check(&quote.with(Part::EventLog, other.bytes), &key).unwrap_err().code, "boot.replay", "{change}");
    }
    // a log without digests of the bank
    let quote = tpm.quote(0x0c, &[(0, vec![0; 48])]).with(Part::EventLog, log.bytes);
    assert_eq!(check(&quote, &key).unwrap_err().code, "boot.algorithm");
}

/// Azure's TD: the quote is one of the TDX vectors, so its collateral is there too. Another verifier refuses this TD because
/// SEPT_VE_DISABLE is off; that is a policy item here (`tdx.sept-ve-disable`).
#[test]
fn azure_tdx_evidence_is_verified_down_to_the_registers() {
    let (Some(folder), Some(tdx)) = (vectors("tpm"), vectors("tdx")) else { return };
    let entry = serde_json::from_str(&std::fs::read_to_string(tdx.join("collateral-8fd125e5.json")).unwrap()).unwrap();
    let collateral = VerifiedCollateral::new(default_provider(), &[Entry::Intel(entry)], [0; 32]).unwrap();
    let at = Instant::parse("2025-10-25T00:00:00Z").unwrap();
    let quote = row(&folder, "az-tdx-evidence-v1.json");
    let claims = check_with(&quote, &collateral, at, &Binding::Exact(b"challenge".to_vec())).unwrap();
    assert_eq!(text(&claims, "tpm.endorsement"), "tdx");
    assert!(text(&claims, "tdx.mr-td").starts_with("024a32b0"));
    assert!(claims.get("tcb.status").is_some() && claims.get("evidence.debug") == Some(&Value::Flag(false)));
    // dates of the inner evidence count
    let late = Instant::parse("2026-10-25T00:00:00Z").unwrap();
    assert_eq!(check_with(&quote, &collateral, late, &Binding::None).unwrap_err().code, "time.expired");
    // the other file has the same report, and no quote beside it
    let without = row(&folder, "az-tdx-tpm-quote.json + hcl-report.bin");
    assert_eq!(check_with(&without, &collateral, at, &Binding::None).unwrap_err().code, "format.malformed");
    let td_quote = quote.beside.iter().find(|(part, _)| *part == Part::Quote).unwrap().1.clone();
    let mut changed = td_quote.clone();
    changed[48 + 520] ^= 1;
    assert!(check_with(&quote.with(Part::Quote, changed), &collateral, at, &Binding::None).is_err());
    let other = std::fs::read(tdx.join("tdx-v4-cos113-gcp.quote")).unwrap();
    assert_eq!(check_with(&quote.with(Part::Quote, other), &collateral, at, &Binding::None).unwrap_err().code, "tpm.runtime-data");
    // bytes of the TDREPORT that the quote does not repeat are not signed by anybody but the processor's own MAC: they are not read.
    // What must fit is the report data, and the tail of zeros.
    let report = quote.beside.iter().find(|(part, _)| *part == Part::HclReport).unwrap().1.clone();
    let mut masks = Masks::new("HCL report of a TD");
    let accepted = flips(&mut masks, &report, |bytes| {
        check_with(&quote.with(Part::HclReport, bytes.to_vec()), &collateral, at, &Binding::None).is_ok()
    });
    let unsigned = |at: &usize| *at == 4 || (32..32 + 128).contains(at) || (32 + 192..32 + 1024).contains(at);
    assert!(accepted.iter().all(unsigned), "{:?}", accepted.iter().filter(|at| !unsigned(at)).collect::<Vec<_>>());
}
