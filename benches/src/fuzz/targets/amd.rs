//! SEV-SNP: reports, endorsement keys, chains.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use yu_tee_attest::{Entry, Evidence, Instant, Kind, Part, VerifiedCollateral, snp};

use super::{collateral, endorse, judge};
use crate::Result;
use crate::fuzz::mutate::Form;
use crate::fuzz::target::{MIDDLE, QUICK, Seed, Target};
use crate::fuzz::vectors::{Vectors, ders, field, pem};

struct Case {
    name: String,
    report: Vec<u8>,
    key: Vec<u8>,
    chain: Vec<Vec<u8>>,
    collateral: VerifiedCollateral,
    at: Instant,
}

const NAMES: &[&str] = &["snp-v2-milan-trustee", "snp-v3-milan-vlek", "snp-v3-genoa-ms", "snp-v5-turin-ms", "snp-v5-genoa-cdai"];

fn entry(chain: String, keys: Vec<String>) -> Entry {
    Entry::Amd(Box::new(snp::Entry { chain, lists: Vec::new(), keys }))
}

fn whole(chain: &[Vec<u8>]) -> String {
    pem(&chain.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn cases(vectors: &Vectors) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for row in vectors.rows("snp")? {
        let name = field(&row, "id")?;
        if !NAMES.contains(&name) {
            continue;
        }
        let read = |part: &str| vectors.read(&format!("snp/{}", field(&row, part)?));
        let from = row["claims"]["vek_dates"].as_str().and_then(|dates| dates.split("..").next()).ok_or("a key without dates")?;
        let chain = ders(&read("ca_chain")?)?;
        cases.push(Case {
            name: name.to_owned(),
            report: read("evidence")?,
            key: ders(&read("vek")?)?.into_iter().next().ok_or("no key")?,
            collateral: collateral(&[entry(whole(&chain), Vec::new())])?,
            chain,
            at: Instant(Instant::parse(&format!("{from}T00:00:00Z"))?.0 + 36 * 3600),
        });
    }
    Ok(cases)
}

pub(super) fn targets(vectors: &Vectors) -> Result<Vec<Target>> {
    let cases = Arc::new(cases(vectors)?);
    let seeds = |part: fn(&Case) -> Vec<u8>| cases.iter().map(|case| Seed::new(&case.name, part(case))).collect::<Vec<_>>();
    let evidence = |report: &[u8], key: &[u8]| Evidence::new(Kind::Snp, report.to_vec()).with(Part::Certificates, key.to_vec());
    let own = || Arc::clone(&cases);
    let (reports, keys, in_bundle, signers, texts) = (own(), own(), own(), own(), own());
    Ok(vec![
        Target::new("snp-report", Form::Binary, QUICK, seeds(|case| case.report.clone()), move |seed, bytes, provider| {
            let case = &reports[seed];
            judge(provider, &evidence(bytes, &case.key), &case.collateral, case.at)
        }),
        Target::new("snp-certificates", Form::Der, QUICK, seeds(|case| case.key.clone()), move |seed, bytes, provider| {
            let case = &keys[seed];
            judge(provider, &evidence(&case.report, bytes), &case.collateral, case.at)
        }),
        Target::new("snp-key-in-entry", Form::Der, MIDDLE, seeds(|case| case.key.clone()), move |seed, bytes, provider| {
            endorse(provider, entry(whole(&in_bundle[seed].chain), vec![STANDARD.encode(bytes)]))
        }),
        Target::new(
            "snp-signing-key",
            Form::Der,
            MIDDLE,
            seeds(|case| case.chain.first().cloned().unwrap_or_default()),
            move |seed, bytes, provider| {
                let mut chain = signers[seed].chain.clone();
                if let Some(first) = chain.first_mut() {
                    *first = bytes.to_vec();
                }
                endorse(provider, entry(whole(&chain), Vec::new()))
            },
        ),
        Target::new("snp-chain-text", Form::Text, MIDDLE, seeds(|case| whole(&case.chain).into_bytes()), move |_, bytes, provider| {
            endorse(provider, entry(String::from_utf8_lossy(bytes).into_owned(), vec![STANDARD.encode(&texts[0].key)]))
        }),
    ])
}
