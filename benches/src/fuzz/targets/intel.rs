//! SGX and TDX: quotes, the certificates in them, everything in an entry of collateral.

use std::sync::Arc;

use yu_tee_attest::dcap::Entry as Intel;
use yu_tee_attest::{Entry, Evidence, Instant, Kind, Part, VerifiedCollateral};

use super::{collateral, endorse, judge};
use crate::Result;
use crate::fuzz::mutate::Form;
use crate::fuzz::target::{MIDDLE, QUICK, Seed, Target};
use crate::fuzz::vectors::{Vectors, ders, field, hex, pem, to_hex};

/// A quote with what it is verified against.
struct Case {
    name: String,
    quote: Vec<u8>,
    collateral: VerifiedCollateral,
    at: Instant,
}

const SGX: &[&str] = &["sgx-v3-automata", "sgx-v3-occlum-debug", "sgx-v3-solana-debug"];
const TDX: &[&str] = &["tdx-v4-cos113-gcp", "tdx-v4-near", "tdx-v4-trustee6-outofdate", "tdx-v5-gotdx", "tdx-v5-alibaba-servicetd"];
/// Entries whose parts are changed: one of each environment.
const ENTRIES: &[&str] = &["sgx/collateral-f80c1397.json", "tdx/collateral-8fd125e5.json"];

fn cases(vectors: &Vectors, folder: &str, names: &[&str]) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for row in vectors.rows(folder)? {
        let name = field(&row, "id")?;
        if names.contains(&name) {
            let entry: Intel = serde_json::from_slice(&vectors.read(&format!("{folder}/{}", field(&row, "collateral")?))?)?;
            cases.push(Case {
                name: name.to_owned(),
                quote: vectors.read(&format!("{folder}/{}", field(&row, "evidence")?))?,
                collateral: collateral(&[Entry::Intel(Box::new(entry))])?,
                at: Instant::parse(field(&row, "verify_at")?)?,
            });
        }
    }
    Ok(cases)
}

pub(super) fn targets(vectors: &Vectors) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    let mut both = Vec::new();
    for (name, kind, folder, names) in [("sgx-quote", Kind::Sgx, "sgx", SGX), ("tdx-quote", Kind::Tdx, "tdx", TDX)] {
        let cases = Arc::new(cases(vectors, folder, names)?);
        let seeds = cases.iter().map(|case| Seed::new(&case.name, case.quote.clone())).collect();
        let own = Arc::clone(&cases);
        targets.push(Target::new(name, Form::Binary, QUICK, seeds, move |seed, bytes, provider| {
            let case = &own[seed];
            judge(provider, &Evidence::new(kind, bytes.to_vec()), &case.collateral, case.at)
        }));
        both.push((kind, cases));
    }
    for (index, name) in ["pck-certificate", "pck-authority", "pck-root"].into_iter().enumerate() {
        targets.push(in_quote(name, index, &both)?);
    }
    targets.push(log(vectors)?);
    let entries: Arc<Vec<(String, Intel)>> = Arc::new(
        ENTRIES.iter().map(|name| Ok(((*name).to_owned(), serde_json::from_slice(&vectors.read(name)?)?))).collect::<Result<_>>()?,
    );
    targets.extend(in_entry(&entries)?);
    Ok(targets)
}

/// One certificate of the chain in a quote; the lengths around it are made right.
fn in_quote(name: &'static str, index: usize, both: &[(Kind, Arc<Vec<Case>>)]) -> Result<Target> {
    let (mut seeds, mut own) = (Vec::new(), Vec::new());
    for (kind, cases) in both {
        for (number, case) in cases.iter().enumerate() {
            let Some(start) = case.quote.windows(27).position(|window| window == b"-----BEGIN CERTIFICATE-----") else { continue };
            let chain = ders(&case.quote[start..])?;
            let Some(certificate) = chain.get(index) else { continue };
            seeds.push(Seed::new(&case.name, certificate.clone()));
            own.push((*kind, Arc::clone(cases), number, start, chain.clone()));
        }
    }
    Ok(Target::new(name, Form::Der, MIDDLE, seeds, move |seed, bytes, provider| {
        let (kind, cases, number, start, chain) = &own[seed];
        let case = &cases[*number];
        let changed: Vec<&[u8]> =
            chain.iter().enumerate().map(|(place, der)| if place == index { bytes } else { der.as_slice() }).collect();
        judge(provider, &Evidence::new(*kind, with_chain(&case.quote, *start, &pem(&changed))), &case.collateral, case.at)
    }))
}

/// The quote with another chain from `start` on: every length in front of the chain that covers it grows as the chain does.
fn with_chain(quote: &[u8], start: usize, pem: &str) -> Vec<u8> {
    let mut head = quote[..start].to_vec();
    for at in 0..start.saturating_sub(3) {
        let Some(field) = head.get(at..at + 4) else { break };
        let length = field.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        // a length is what reaches to the end of the quote, or (last) to the end of the chain
        if length > 1000 && at + 4 + length == quote.len() {
            let new = u32::try_from(start + pem.len() - at - 4).unwrap_or(u32::MAX);
            head[at..at + 4].copy_from_slice(&new.to_le_bytes());
        }
    }
    head.extend_from_slice(pem.as_bytes());
    head
}

/// A log beside a genuine quote: replayed against its registers.
fn log(vectors: &Vectors) -> Result<Target> {
    let case = cases(vectors, "tdx", &["tdx-v4-cos113-gcp"])?.pop().ok_or("no quote with a log")?;
    let seeds = vec![Seed::new("cos113-ccel", vectors.read("eventlog/cos113-ccel-data-trimmed.dat")?)];
    let evidence = Evidence::new(Kind::Tdx, case.quote);
    Ok(Target::new("tdx-event-log", Form::Binary, MIDDLE, seeds, move |_, bytes, provider| {
        judge(provider, &evidence.clone().with(Part::EventLog, bytes.to_vec()), &case.collateral, case.at)
    }))
}

type Entries = Arc<Vec<(String, Intel)>>;

fn in_entry(entries: &Entries) -> Result<Vec<Target>> {
    let part = |name: &'static str, form, read: fn(&Intel) -> Result<Vec<u8>>, write: fn(&mut Intel, &[u8])| -> Result<Target> {
        let seeds = entries.iter().map(|(name, entry)| Ok(Seed::new(name, read(entry)?))).collect::<Result<_>>()?;
        let entries = Arc::clone(entries);
        Ok(Target::new(name, form, MIDDLE, seeds, move |seed, bytes, provider| {
            let mut entry = entries[seed].1.clone();
            write(&mut entry, bytes);
            endorse(provider, Entry::Intel(Box::new(entry)))
        }))
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = vec![
        part(
            "tcb-info",
            Form::Json,
            |entry| Ok(entry.tcb_info.clone().into_bytes()),
            |entry, bytes| {
                entry.tcb_info = String::from_utf8_lossy(bytes).into_owned();
            },
        )?,
        part(
            "qe-identity",
            Form::Json,
            |entry| Ok(entry.qe_identity.clone().into_bytes()),
            |entry, bytes| {
                entry.qe_identity = String::from_utf8_lossy(bytes).into_owned();
            },
        )?,
        part("intel-root-list", Form::Der, |entry| hex(&entry.root_ca_crl), |entry, bytes| entry.root_ca_crl = to_hex(bytes))?,
        part("intel-pck-list", Form::Der, |entry| hex(&entry.pck_crl), |entry, bytes| entry.pck_crl = to_hex(bytes))?,
        part(
            "intel-authority",
            Form::Der,
            |entry| first(&entry.pck_crl_issuer_chain),
            |entry, bytes| {
                entry.pck_crl_issuer_chain = with_first(&entry.pck_crl_issuer_chain, bytes);
            },
        )?,
        part(
            "intel-signer",
            Form::Der,
            |entry| first(&entry.tcb_info_issuer_chain),
            |entry, bytes| {
                entry.tcb_info_issuer_chain = with_first(&entry.tcb_info_issuer_chain, bytes);
            },
        )?,
        part(
            "intel-chain-text",
            Form::Text,
            |entry| Ok(entry.tcb_info_issuer_chain.clone().into_bytes()),
            |entry, bytes| {
                entry.tcb_info_issuer_chain = String::from_utf8_lossy(bytes).into_owned();
            },
        )?,
    ];
    let seeds = entries.iter().map(|(name, entry)| Ok(Seed::new(name, serde_json::to_vec(entry)?))).collect::<Result<_>>()?;
    let whole = Target::new("intel-entry", Form::Json, MIDDLE, seeds, move |_, bytes, provider| {
        serde_json::from_str(&text(bytes))
            .map_or(crate::fuzz::target::plain(false), |entry| endorse(provider, Entry::Intel(Box::new(entry))))
    });
    Ok(all.into_iter().chain([whole]).collect())
}

fn first(chain: &str) -> Result<Vec<u8>> {
    ders(chain.as_bytes())?.into_iter().next().ok_or_else(|| "a chain without certificates".into())
}

/// The chain with another certificate in the first place.
fn with_first(chain: &str, der: &[u8]) -> String {
    let rest = chain.split_once("-----END CERTIFICATE-----").map_or("", |(_, rest)| rest);
    pem(&[der]) + rest
}
