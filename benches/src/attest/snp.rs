//! SEV-SNP reports: with everything new, with the chip's key verified before; the `sev` crate beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sev::certs::snp::{Certificate, Chain, Verifiable as _, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser as _;
use yu_tee_attest::crypto::{AwsLc, Provider, RustCrypto};
use yu_tee_attest::{Binding, Entry, Evidence, Instant, Kind, Part, VerifiedCollateral, snp, verify};

use super::{AttestArgs, milliseconds, ratio};
use crate::Result;
use crate::desensitize::Row;

const SUBJECT: &str = "snp";

/// One report per layout: name, report, chip's key, chain, instant.
const REPORTS: [(&str, &str, &str, &str, &str); 2] = [
    ("v2 Milan", "snp/snp-v2-milan-trustee.report", "snp/vek-34309875.der", "snp/ca-22e62f8d.pem", "2023-06-01T00:00:00Z"),
    ("v5 Genoa", "snp/snp-v5-genoa-cdai.report", "snp/vek-05788a16.der", "snp/ca-e6ecc853.pem", "2026-03-20T00:00:00Z"),
];

pub(super) fn rows(args: &AttestArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, report, key, chain, at) in REPORTS {
        if args.wants(name) {
            rows.extend(one(args, name, [report, key, chain], Instant::parse(at)?)?);
        }
    }
    Ok(rows)
}

fn one(args: &AttestArgs, name: &str, [report, key, chain]: [&str; 3], at: Instant) -> Result<Vec<Row>> {
    let (report, key, chain) = (args.vector(report)?, args.vector(key)?, String::from_utf8(args.vector(chain)?)?);
    let entry = |keys: Vec<String>| [Entry::Amd(Box::new(snp::Entry { chain: chain.clone(), lists: Vec::new(), keys }))];
    let (whole, without) = (entry(vec![STANDARD.encode(&key)]), entry(Vec::new()));
    let evidence = Evidence::new(Kind::Snp, report.clone());
    let carrying = evidence.clone().with(Part::Certificates, key.clone());
    let check = |provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral| -> Result<()> {
        std::hint::black_box(verify::verify(provider, evidence, collateral, at, &Binding::None)?);
        Ok(())
    };
    let cold = |provider: &dyn Provider| {
        args.time(|| Ok(()), |()| check(provider, &evidence, &VerifiedCollateral::new(provider, &whole, [0; 32])?))
    };
    let (fast, pure) = (cold(&AwsLc)?, cold(&RustCrypto)?);
    let new_key =
        args.time(|| Ok(VerifiedCollateral::new(&AwsLc, &without, [0; 32])?), |collateral| check(&AwsLc, &carrying, collateral))?;
    let collateral = VerifiedCollateral::new(&AwsLc, &whole, [0; 32])?;
    let warm = args.time(|| Ok(()), |()| check(&AwsLc, &evidence, &collateral))?;
    let collateral = VerifiedCollateral::new(&AwsLc, &without, [0; 32])?;
    check(&AwsLc, &carrying, &collateral)?;
    let seen = args.time(|| Ok(()), |()| check(&AwsLc, &carrying, &collateral))?;

    let blocks: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----").map(str::trim).collect();
    let [signing, root, ..] = blocks.as_slice() else { return Err("a chain of two certificates is due".into()) };
    let bytes = <[u8; 1184]>::try_from(report.as_slice())?;
    let read = || -> Result<(Chain, AttestationReport)> {
        let ca = ca::Chain { ask: Certificate::from_pem(signing.as_bytes())?, ark: Certificate::from_pem(root.as_bytes())? };
        Ok((Chain { ca, vek: Certificate::from_der(&key)? }, AttestationReport::from_bytes(&bytes)?))
    };
    let peer_cold = args.time(
        || Ok(()),
        |()| {
            let (chain, report) = read()?;
            Ok((&chain, &report).verify()?)
        },
    )?;
    let (peer, parsed) = read()?;
    let peer_warm = args.time(|| Ok(()), |()| Ok((&peer.vek, &parsed).verify()?))?;

    Ok(vec![
        milliseconds(SUBJECT, format!("{name}, chain, key and report new"), fast, Some(0.4), Some(0.35)),
        milliseconds(SUBJECT, format!("{name}, key new with the evidence"), new_key, None, None),
        milliseconds(SUBJECT, format!("{name}, key in the bundle"), warm, Some(0.2), Some(0.16)),
        milliseconds(SUBJECT, format!("{name}, key seen before"), seen, Some(0.2), Some(0.16)),
        milliseconds(SUBJECT, format!("{name}, new, RustCrypto"), pure, None, None),
        milliseconds(SUBJECT, format!("{name}, sev crate, chain and report"), peer_cold, None, None),
        milliseconds(SUBJECT, format!("{name}, sev crate, report under a known key"), peer_warm, None, None),
        ratio(SUBJECT, format!("{name}, sev crate against ours, new"), peer_cold / fast),
        ratio(SUBJECT, format!("{name}, sev crate against ours, known"), peer_warm / warm),
    ])
}
