//! Hygon CSV, AWS Nitro, Arm CCA, NVIDIA.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use yu_tee_attest::{Entry, Evidence, Instant, Kind, Part, VerifiedCollateral, cca, csv, nitro};

use super::{collateral, endorse, judge};
use crate::Result;
use crate::fuzz::mutate::Form;
use crate::fuzz::target::{QUICK, SLOW, Seed, Target, plain};
use crate::fuzz::vectors::{Vectors, ders, field, hex, pem};

/// No evidence below has collateral with dates of its own.
const AT: Instant = Instant(1_760_000_000);

pub(super) fn targets(vectors: &Vectors) -> Result<Vec<Target>> {
    let mut targets = hygon(vectors)?;
    targets.extend(aws(vectors)?);
    targets.extend(arm(vectors)?);
    targets.extend(graphics(vectors)?);
    Ok(targets)
}

/// SM2 does not go through the provider: what is read before a signature is quick, what comes after it is not.
fn hygon(vectors: &Vectors) -> Result<Vec<Target>> {
    let root = STANDARD.encode(vectors.read("csv/hrk.cert")?);
    let certificates = vectors.read("csv/hsk_cek.cert")?;
    let chip = |bytes: &[u8]| csv::Chip { serial: "NZA9T14052605".to_owned(), certificates: STANDARD.encode(bytes) };
    let known = Arc::new(collateral(&[Entry::Hygon(Box::new(csv::Entry { root: root.clone(), chips: vec![chip(&certificates)] }))])?);
    let (for_report, for_json) = (Arc::clone(&known), known);
    let report = vectors.read("csv/report.cert")?;
    let carried: VerifiedCollateral = collateral(&[Entry::Hygon(Box::new(csv::Entry { root: root.clone(), chips: Vec::new() }))])?;
    let evidence = Evidence::new(Kind::Csv, report.clone());
    Ok(vec![
        Target::new("csv-report", Form::Binary, SLOW, vec![Seed::new("csv-report", report)], move |_, bytes, provider| {
            judge(provider, &Evidence::new(Kind::Csv, bytes.to_vec()), &for_report, AT)
        }),
        Target::new(
            "csv-json",
            Form::Json,
            16,
            vec![Seed::new("csv-evidence", vectors.read("csv/csv-evidence.json")?)],
            move |_, bytes, provider| judge(provider, &Evidence::new(Kind::Csv, bytes.to_vec()), &for_json, AT),
        ),
        Target::new("csv-certificates", Form::Binary, SLOW, vec![Seed::new("hsk_cek", certificates)], move |_, bytes, provider| {
            judge(provider, &evidence.clone().with(Part::Certificates, bytes.to_vec()), &carried, AT)
        }),
        Target::new("csv-root", Form::Binary, 16, vec![Seed::new("hrk", vectors.read("csv/hrk.cert")?)], move |_, bytes, provider| {
            endorse(provider, Entry::Hygon(Box::new(csv::Entry { root: STANDARD.encode(bytes), chips: Vec::new() })))
        }),
    ])
}

fn aws(vectors: &Vectors) -> Result<Vec<Target>> {
    let (mut seeds, mut instants, mut root) = (Vec::new(), Vec::new(), None);
    for row in vectors.rows("nitro")? {
        if row["expected"] == "ACCEPT" {
            let document = vectors.read(&format!("nitro/{}", field(&row, "evidence")?))?;
            root = root.or_else(|| first_of_bundle(&document).map(<[u8]>::to_vec));
            seeds.push(Seed::new(field(&row, "id")?, document));
            instants.push(Instant::parse(field(&row, "verify_at")?)?);
        }
    }
    let nothing = collateral(&[])?;
    let root = vec![Seed::new("aws-root", pem(&[&root.ok_or("no document with a bundle")?]).into_bytes())];
    Ok(vec![
        Target::new("nitro-document", Form::Cbor, QUICK, seeds, move |seed, bytes, provider| {
            judge(provider, &Evidence::new(Kind::Nitro, bytes.to_vec()), &nothing, instants[seed])
        }),
        Target::new("nitro-root", Form::Text, QUICK, root, move |_, bytes, provider| {
            endorse(provider, Entry::Aws(Box::new(nitro::Entry { root: String::from_utf8_lossy(bytes).into_owned() })))
        }),
    ])
}

/// The first certificate of a document's bundle: a byte string with a length of two bytes (0x59).
fn first_of_bundle(document: &[u8]) -> Option<&[u8]> {
    let at = document.windows(8).position(|window| window == b"cabundle")?;
    let [_, 0x59, high, low, rest @ ..] = document.get(at + 8..)? else { return None };
    rest.get(..usize::from(*high) << 8 | usize::from(*low))
}

fn arm(vectors: &Vectors) -> Result<Vec<Target>> {
    let store = vectors.json("cca/ta-tfa.json")?;
    let platform = &store[0];
    let number = |name: &str| -> Result<Vec<u8>> {
        Ok(URL_SAFE_NO_PAD.decode(platform["pkey"][name].as_str().ok_or("a key without a coordinate")?)?)
    };
    // SubjectPublicKeyInfo of a P-384 point (RFC 5480)
    let key = [hex("3076301006072a8648ce3d020106052b81040022036200")?, vec![4], number("x")?, number("y")?].concat();
    let entry = |key: &[u8]| -> Result<cca::Entry> {
        let id = |name: &str| hex(platform[name].as_str().unwrap_or_default());
        Ok(cca::Entry {
            platforms: vec![cca::Platform {
                implementation: id("implementation-id")?.try_into().map_err(|_| "an identity of another length")?,
                instance: id("instance-id")?.try_into().map_err(|_| "an identity of another length")?,
                key: STANDARD.encode(key),
            }],
        })
    };
    let known = collateral(&[Entry::Arm(Box::new(entry(&key)?))])?;
    let mut seeds = Vec::new();
    for name in ["cca-token-01.cbor", "cca-token-draft-ffm-00.cbor", "cca-bug-33-repro.cbor", "cca-trustee-example.cbor"] {
        seeds.push(Seed::new(name, vectors.read(&format!("cca/{name}"))?));
    }
    let template = entry(&key)?;
    Ok(vec![
        Target::new("cca-token", Form::Cbor, QUICK, seeds, move |_, bytes, provider| {
            judge(provider, &Evidence::new(Kind::Cca, bytes.to_vec()), &known, AT)
        }),
        Target::new("cca-key", Form::Der, QUICK, vec![Seed::new("cpak", key)], move |_, bytes, provider| {
            let mut entry = template.clone();
            entry.platforms.iter_mut().for_each(|platform| platform.key = STANDARD.encode(bytes));
            endorse(provider, Entry::Arm(Box::new(entry)))
        }),
    ])
}

/// A report with its chain.
struct Card {
    name: &'static str,
    report: Vec<u8>,
    chain: Vec<u8>,
}

fn graphics(vectors: &Vectors) -> Result<Vec<Target>> {
    let all = vectors.json("nvidia/blackwell-evidence.json")?;
    let member = |name: &str| -> Result<Vec<u8>> { Ok(STANDARD.decode(all[0][name].as_str().ok_or("evidence without a member")?)?) };
    let cases = Arc::new(vec![
        Card {
            name: "hopper",
            report: hex(&vectors.text("nvidia/hopper-report.hex.txt")?)?,
            chain: vectors.read("nvidia/hopper-chain.pem")?,
        },
        Card { name: "blackwell", report: member("evidence")?, chain: member("certificate")? },
    ]);
    // a value for number 0 of the RIM, which is block 1 of a report: the right one does not matter here
    let reference = format!(
        "{{\"references\":[{{\"subject\":{{\"of\":\"driver\",\"version\":\"550.90.07\",\"chip\":\"GH100\"}},\"values\":{{\"0\":[\"{0}\"],\"35\":[\"{0}\"]}}}}]}}",
        "5a".repeat(48)
    );
    let known = collateral(&[Entry::Nvidia(Box::new(serde_json::from_str(&reference)?))])?;
    let nothing = Arc::new(collateral(&[])?);
    let evidence = |report: &[u8], chain: &[u8]| Evidence::new(Kind::Nvidia, report.to_vec()).with(Part::Certificates, chain.to_vec());
    let seeds = |part: fn(&Card) -> Result<Vec<u8>>| -> Result<Vec<Seed>> {
        cases.iter().map(|case| Ok(Seed::new(case.name, part(case)?))).collect()
    };
    let own = || Arc::clone(&cases);
    let (reports, chains, texts, also) = (own(), own(), own(), Arc::clone(&nothing));
    Ok(vec![
        Target::new("nvidia-report", Form::Binary, QUICK / 4, seeds(|case| Ok(case.report.clone()))?, move |seed, bytes, provider| {
            judge(provider, &evidence(bytes, &reports[seed].chain), &known, AT)
        }),
        Target::new(
            "nvidia-certificates",
            Form::Der,
            QUICK,
            seeds(|case| Ok(ders(&case.chain)?.concat()))?,
            move |seed, bytes, provider| judge(provider, &evidence(&chains[seed].report, bytes), &nothing, AT),
        ),
        Target::new("nvidia-chain-text", Form::Text, QUICK, seeds(|case| Ok(case.chain.clone()))?, move |seed, bytes, provider| {
            judge(provider, &evidence(&texts[seed].report, bytes), &also, AT)
        }),
        Target::new("nvidia-entry", Form::Json, QUICK, vec![Seed::new("reference", reference.into_bytes())], |_, bytes, provider| {
            serde_json::from_slice(bytes).map_or(plain(false), |entry| endorse(provider, Entry::Nvidia(Box::new(entry))))
        }),
    ])
}
