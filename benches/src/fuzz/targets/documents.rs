//! Documents, files and messages of our own: evidence in JSON, bundles, policies, verdicts, tokens, released keys; logs and times.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use yu_tee_attest::binding::{Role, Session};
use yu_tee_attest::crypto::{AwsLc, Form as Written, Provider as _, RustCrypto, Scheme};
use yu_tee_attest::policy::{Profile, Rule, Test};
use yu_tee_attest::release::{DataKey, Grant, SealedKey, SessionKey};
use yu_tee_attest::share::{Share, combine};
use yu_tee_attest::signed::{self, Document};
use yu_tee_attest::verdict::Judge;
use yu_tee_attest::{Binding, Bundle, Entry, Evidence, Fault, Instant, Kind, Policy, Verdict, dcap, ear, eventlog, verify};

use super::collateral;
use crate::Result;
use crate::fuzz::mutate::Form;
use crate::fuzz::provider::Believer;
use crate::fuzz::target::{MIDDLE, QUICK, SLOW, Seed, Target, plain, refused, told};
use crate::fuzz::vectors::{Vectors, ders, field};

/// One quote with its collateral, from which documents of each kind are made.
struct Genuine {
    evidence: Evidence,
    entry: dcap::Entry,
    at: Instant,
}

fn genuine(vectors: &Vectors) -> Result<Genuine> {
    let row = vectors.rows("tdx")?.into_iter().find(|row| row["id"] == "tdx-v5-gotdx").ok_or("a vector is missing")?;
    Ok(Genuine {
        evidence: Evidence::new(Kind::Tdx, vectors.read(&format!("tdx/{}", field(&row, "evidence")?))?),
        entry: serde_json::from_slice(&vectors.read(&format!("tdx/{}", field(&row, "collateral")?))?)?,
        at: Instant::parse(field(&row, "verify_at")?)?,
    })
}

fn policy() -> Policy {
    let rule = |name: &str, claim: &str, test| Rule {
        name: name.to_owned(),
        kinds: Vec::new(),
        claim: claim.to_owned(),
        test,
        may_be_absent: false,
    };
    Policy {
        name: "statistics worker".to_owned(),
        profile: Profile::Standard,
        kinds: vec![Kind::Tdx, Kind::Snp],
        from: None,
        until: Some(Instant(2_000_000_000)),
        rules: vec![
            rule("worker-code-tdx", "tdx.mr-td", Test::OneOf(vec!["ab".repeat(48)])),
            rule("worker-code-snp", "snp.measurement", Test::OneOf(vec!["cd".repeat(48)])),
            rule("microcode", "snp.reported-tcb-microcode", Test::AtLeast(115)),
        ],
        any_code: false,
    }
}

/// The content of a signed file, checked, and the file itself.
fn document<T: Document>(bytes: &[u8], trusted: [u8; 32]) -> std::result::Result<T, Fault> {
    drop(signed::open::<T>(bytes, &[trusted]));
    let document: T = signed::content(bytes)?;
    document.check()?;
    document.hash()?;
    Ok(document)
}

pub(super) fn targets(vectors: &Vectors) -> Result<Vec<Target>> {
    let own = genuine(vectors)?;
    let key = SigningKey::from_bytes(&[7; 32]);
    let trusted = key.verifying_key().to_bytes();
    let bundle = Bundle { name: "2026-11".to_owned(), issued: own.at, entries: vec![Entry::Intel(Box::new(own.entry.clone()))] };
    let one = |bytes: Vec<u8>| vec![Seed::new("made", bytes)];
    let known = collateral(&bundle.entries)?;
    let verified = verify::verify(&Believer::All, &own.evidence, &known, own.at, &Binding::None)?;
    let asked = policy();
    let (_, verdict) =
        Judge { provider: &Believer::All, collateral: &known, policy: &asked }.judge(&own.evidence, own.at, &Binding::None)?;
    let token = ear::token(&verdict, Some(verified.claims()), "1", &key)?;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap_or_default())?;
    let reader = key.verifying_key();
    let mut targets = vec![
        Target::new("evidence-json", Form::Json, QUICK, one(own.evidence.encode()), |_, bytes, _| told(Evidence::decode(bytes))),
        Target::new(
            "bundle",
            Form::Json,
            MIDDLE / 4,
            one(signed::sign(bundle, &key)?),
            move |_, bytes, provider| match document::<Bundle>(bytes, trusted).and_then(|bundle| bundle.verify(provider)) {
                Ok(known) => {
                    drop(known.lint(own.at));
                    plain(true)
                }
                Err(fault) => refused(&fault),
            },
        ),
        Target::new("policy", Form::Json, QUICK / 4, one(signed::sign(asked, &key)?), move |_, bytes, _| {
            match document::<Policy>(bytes, trusted) {
                Ok(policy) => policy.appraise(verified.clone()).map_or_else(|denial| named(&denial.rule), |_| plain(true)),
                Err(fault) => refused(&fault),
            }
        }),
        Target::new("verdict", Form::Json, QUICK, one(serde_json::to_vec(&verdict)?), |_, bytes, _| parsed::<Verdict>(bytes)),
        Target::new("ear-token", Form::Text, MIDDLE, one(token.into_bytes()), move |_, bytes, _| {
            told(ear::read(&String::from_utf8_lossy(bytes), &reader))
        }),
        Target::new("ear-payload", Form::Json, SLOW * 4, one(payload), move |_, bytes, _| {
            // signed, so that what is inside is read; a header of the sender's too
            let (header, payload) =
                bytes.split_at_checked(27).filter(|_| bytes.starts_with(b"{\"alg")).unwrap_or((br#"{"alg":"EdDSA","typ":"JWT"}"#, bytes));
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
            told(ear::read(&format!("{signed}.{signature}"), &reader))
        }),
        Target::new("event-log", Form::Binary, MIDDLE * 2, one(vectors.read("eventlog/cos113-ccel-data-trimmed.dat")?), |_, bytes, _| {
            told(eventlog::explain(bytes))
        }),
        Target::new("time", Form::Text, QUICK, times(), |_, bytes, _| {
            plain(Instant::parse(&String::from_utf8_lossy(bytes)).map(Instant::text).is_ok())
        }),
    ];
    targets.extend(released()?);
    targets.push(keys(vectors)?);
    Ok(targets)
}

fn named(rule: &str) -> crate::fuzz::target::Outcome {
    refused(&Fault::new("denied", rule, "", ""))
}

fn parsed<T: serde::de::DeserializeOwned + serde::Serialize>(bytes: &[u8]) -> crate::fuzz::target::Outcome {
    plain(serde_json::from_slice::<T>(bytes).is_ok_and(|value| serde_json::to_vec(&value).is_ok()))
}

fn times() -> Vec<Seed> {
    ["2026-03-20T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59", "0000-01-01T00:00:00-23:59"]
        .map(|text| Seed::new(text, text.as_bytes().to_vec()))
        .into()
}

/// Messages of the key release.
fn released() -> Result<Vec<Target>> {
    let session = Session {
        role: Role::Initiator,
        own_leaf: [1; 32],
        peer_leaf: [2; 32],
        exporter: [3; 32],
        own_nonce: [4; 32],
        peer_nonce: [5; 32],
        hpke_key: [6; 32],
        job: [7; 32],
        code: [8; 32],
        policy: [9; 32],
    };
    let grant = Grant {
        provider: "north".to_owned(),
        dataset: "visits".to_owned(),
        job: [7; 32],
        purpose: "statistics".to_owned(),
        permit: [1; 32],
        until: Instant(2_000_000_000),
    };
    let sealed = SealedKey { grant: grant.clone(), encapsulated: vec![9; 32], ciphertext: vec![5; 48] };
    let mut rng: rand_chacha::ChaCha20Rng = rand_chacha::rand_core::SeedableRng::from_seed([3; 32]);
    let secret = SessionKey::generate(&mut rng);
    let one = |bytes: Vec<u8>| vec![Seed::new("made", bytes)];
    let own = session.clone();
    Ok(vec![
        Target::new("grant", Form::Json, QUICK, one(serde_json::to_vec(&grant)?), |_, bytes, _| parsed::<Grant>(bytes)),
        Target::new("session", Form::Json, QUICK, one(serde_json::to_vec(&session)?), |_, bytes, _| {
            serde_json::from_slice::<Session>(bytes).map_or(plain(false), |session| {
                std::hint::black_box((session.report_data(), session.transcript(), session.check().is_ok()));
                plain(true)
            })
        }),
        Target::new("sealed-key", Form::Json, SLOW * 4, one(serde_json::to_vec(&sealed)?), move |_, bytes, _| {
            serde_json::from_slice::<SealedKey>(bytes).map_or(plain(false), |sealed| told(secret.open(&own, &sealed)))
        }),
        Target::new("shares", Form::Binary, MIDDLE, one([[1; 33], [2; 33], [3; 33]].concat()), |_, bytes, _| {
            let shares: std::result::Result<Vec<Share>, Fault> =
                bytes.chunks(33).take(255).map(|chunk| DataKey::new(chunk).and_then(|key| Share::from_key(&key))).collect();
            told(shares.and_then(|shares| combine(&shares, &[0; 32])))
        }),
    ])
}

/// Keys and signatures as both providers read them.
fn keys(vectors: &Vectors) -> Result<Target> {
    let root = ders(&vectors.read("nvidia/nvidia_device_root.pem")?)?.into_iter().next().ok_or("no certificate")?;
    let rsa = ders(&vectors.read("snp/ca-3098f7e9.pem")?)?.into_iter().next().ok_or("no certificate")?;
    // an RSAPublicKey inside the certificate: a SEQUENCE that begins with an INTEGER of 513 bytes
    let at = rsa.windows(8).position(|window| window == [0x30, 0x82, 2, 0x0a, 2, 0x82, 2, 1]).ok_or("no RSA key of 4096 bits")?;
    let rsa = rsa.get(at..at + 526).ok_or("a key that is cut")?.to_vec();
    let at = root.windows(4).position(|window| window == [3, 0x62, 0, 4]).ok_or("no key on P-384")?;
    let point = root.get(at + 3..at + 100).ok_or("a key that is cut")?.to_vec();
    let seeds = vec![Seed::new("amd-rsa", rsa), Seed::new("nvidia-p384", point)];
    Ok(Target::new("keys", Form::Der, SLOW, seeds, |_, bytes, _| {
        let mut said = 0_u32;
        for scheme in [Scheme::P256Sha256, Scheme::P384Sha384, Scheme::RsaPkcs1Sha256, Scheme::RsaPssSha256, Scheme::RsaPssSha384] {
            for form in [Written::Fixed, Written::Der] {
                let signature = bytes.get(bytes.len().saturating_sub(96)..).unwrap_or_default();
                said = said << 1 | u32::from(AwsLc.verify(scheme, form, bytes, b"message", signature));
                said = said << 1 | u32::from(RustCrypto.verify(scheme, form, bytes, b"message", signature));
            }
        }
        plain(said != 0)
    }))
}
