//! SGX and TDX quotes: with collateral that is new, verified before, and of a platform that is known; `dcap-qvl` beside it.

use dcap_qvl::QuoteCollateralV3;
use yu_tee_attest::crypto::{AwsLc, Provider, RustCrypto};
use yu_tee_attest::{Binding, Entry, Evidence, Instant, Kind, VerifiedCollateral, verify};

use super::{AttestArgs, milliseconds, ratio};
use crate::Result;
use crate::desensitize::Row;

const SUBJECT: &str = "dcap";

/// One quote per size of report: name, kind, quote, collateral, instant.
const QUOTES: [(&str, Kind, &str, &str, &str); 3] = [
    ("sgx v3", Kind::Sgx, "sgx/sgx-v3-automata.quote", "sgx/collateral-f80c1397.json", "2025-08-20T00:00:00Z"),
    ("tdx v4", Kind::Tdx, "tdx/tdx-v4-cos113-gcp.quote", "tdx/collateral-8fd125e5.json", "2025-10-25T00:00:00Z"),
    ("tdx v5", Kind::Tdx, "tdx/tdx-v5-gotdx.quote", "tdx/collateral-be491730.json", "2026-03-20T00:00:00Z"),
];

pub(super) fn rows(args: &AttestArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, kind, quote, collateral, at) in QUOTES {
        if args.wants(name) {
            rows.extend(one(args, name, kind, (quote, collateral, at))?);
        }
    }
    Ok(rows)
}

fn one(args: &AttestArgs, name: &str, kind: Kind, (quote, collateral, at): (&str, &str, &str)) -> Result<Vec<Row>> {
    let quote = args.vector(quote)?;
    let text = args.vector(collateral)?;
    let at = Instant::parse(at)?;
    let evidence = Evidence::new(kind, quote.clone());
    let entries = [Entry::Intel(serde_json::from_slice(&text)?)];
    let endorse = |provider: &dyn Provider| VerifiedCollateral::new(provider, &entries, [0; 32]);
    let check = |provider: &dyn Provider, collateral: &VerifiedCollateral| -> Result<()> {
        std::hint::black_box(verify::verify(provider, &evidence, collateral, at, &Binding::None)?);
        Ok(())
    };

    let cold = |provider: &dyn Provider| args.time(|| Ok(()), |()| check(provider, &endorse(provider)?));
    let warm = args.time(|| Ok(endorse(&AwsLc)?), |collateral| check(&AwsLc, collateral))?;
    let known = endorse(&AwsLc)?;
    check(&AwsLc, &known)?;
    let known = args.time(|| Ok(()), |()| check(&AwsLc, &known))?;
    let (fast, pure) = (cold(&AwsLc)?, cold(&RustCrypto)?);

    let peer: QuoteCollateralV3 = serde_json::from_slice(&text)?;
    let seconds = u64::try_from(at.0)?;
    let ring = args.time(|| Ok(()), |()| done(dcap_qvl::verify::ring::verify(&quote, &peer, seconds)))?;
    let other = args.time(|| Ok(()), |()| done(dcap_qvl::verify::rustcrypto::verify(&quote, &peer, seconds)))?;

    Ok(vec![
        milliseconds(SUBJECT, format!("{name}, collateral and quote new"), fast, Some(0.52), None),
        milliseconds(SUBJECT, format!("{name}, collateral verified before"), warm, Some(0.17), Some(0.13)),
        milliseconds(SUBJECT, format!("{name}, platform known"), known, Some(0.10), None),
        milliseconds(SUBJECT, format!("{name}, new, RustCrypto"), pure, None, None),
        milliseconds(SUBJECT, format!("{name}, dcap-qvl with ring"), ring, None, None),
        milliseconds(SUBJECT, format!("{name}, dcap-qvl with RustCrypto"), other, None, None),
        ratio(SUBJECT, format!("{name}, dcap-qvl with ring over ours, new"), ring / fast),
        ratio(SUBJECT, format!("{name}, dcap-qvl with ring over ours, collateral verified before"), ring / warm),
        ratio(SUBJECT, format!("{name}, dcap-qvl with ring over ours, platform known"), ring / known),
        ratio(SUBJECT, format!("{name}, dcap-qvl with RustCrypto over ours with RustCrypto, new"), other / pure),
    ])
}

fn done<T>(result: std::result::Result<T, impl std::fmt::Display>) -> Result<()> {
    match result {
        Ok(report) => {
            std::hint::black_box(report);
            Ok(())
        }
        Err(e) => Err(format!("dcap-qvl: {e:#}").into()),
    }
}
