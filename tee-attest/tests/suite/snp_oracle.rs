//! The `sev` crate as a second opinion on reports and chains.
//!
//! It checks signatures only: what a key's certificate says about chip and TCB is left to its callers, and it reads versions
//! above 5 as version 5. Where it says yes and we say no for one of these reasons, the test names the reason.

use sev::certs::snp::{Certificate, Chain, Verifiable as _, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser as _;

use crate::snp::{Vector, check, collateral, entry, vectors};
use crate::tampering::Masks;

/// What the other crate says: the chain, and the report under it.
pub(crate) fn second_opinion(report: &[u8], signing: &[u8], root: &[u8], key: &[u8]) -> Result<(), String> {
    let certificate = |der: &[u8]| Certificate::from_der(der).map_err(|error| error.to_string());
    let chain = Chain { ca: ca::Chain { ark: certificate(root)?, ask: certificate(signing)? }, vek: certificate(key)? };
    let bytes = <[u8; 1184]>::try_from(report).map_err(|error| error.to_string())?;
    let report = AttestationReport::from_bytes(&bytes).map_err(|error| error.to_string())?;
    (&chain, &report).verify().map_err(|error| error.to_string())
}

fn ours(vector: &Vector, report: &[u8]) -> Result<(), &'static str> {
    let collateral = collateral(vec![entry(&vector.chain, &[&vector.key])]).map_err(|fault| fault.code)?;
    check(report, None, &collateral, vector.at).map(|_| ()).map_err(|fault| fault.code)
}

/// The signing key above this vector's endorsement key: the one of chips comes first in the files, operators' last.
fn signing(vector: &Vector) -> &[u8] {
    &vector.chain[0]
}

#[test]
fn the_sev_crate_agrees_on_every_vector() {
    for vector in vectors() {
        let theirs = second_opinion(&vector.report, signing(&vector), &vector.chain[1], &vector.key);
        let ours = ours(&vector, &vector.report);
        println!("{}: ours {ours:?}, sev {}", vector.id, theirs.as_ref().map_or_else(|_| "refused", |()| "verified"));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{}: {ours:?} {theirs:?}", vector.id);
    }
}

/// Random changes of one to three bits: whatever the other crate refuses, we refuse; what it accepts and we refuse lies
/// outside of what it reads.
#[test]
fn the_sev_crate_agrees_on_reports_with_random_changes() {
    let mut masks = Masks::new("SNP reports against the sev crate");
    for vector in vectors().into_iter().filter(|vector| vector.accept) {
        for _ in 0..24 {
            let mut report = vector.report.clone();
            for _ in 0..=masks.next() % 3 {
                let at = usize::try_from(masks.next() % 1184).unwrap();
                report[at] ^= 1 << (masks.next() % 8);
            }
            let theirs = second_opinion(&report, signing(&vector), &vector.chain[1], &vector.key);
            let ours = ours(&vector, &report);
            if ours.is_ok() != theirs.is_ok() {
                let is_read = read_by_sev(&report) != read_by_sev(&vector.report);
                assert!(theirs.is_ok() && !is_read, "{}: {ours:?} {theirs:?}", vector.id);
                assert!(matches!(ours, Err("snp.reserved" | "snp.report-signature" | "snp.no-key")), "{}: {ours:?}", vector.id);
            }
        }
    }
}

/// What that crate reads of a report. It drops bytes that must be zero and writes zeros in their place before it checks the
/// signature, so that a change there passes although the signature covers some of them: the reserved bytes of the four
/// TCB versions, the upper 24 bytes of r and s, and all that follows the signature.
fn read_by_sev(report: &[u8]) -> Vec<u8> {
    let mut read = report.to_vec();
    let reserved = if report[0x188] == 0x1a { 4..7 } else { 2..6 };
    for at in [0x38, 0x180, 0x1e0, 0x1f0] {
        read[at + reserved.start..at + reserved.end].fill(0);
    }
    read[0x2d0..0x2e8].fill(0);
    read[0x318..].fill(0);
    read
}
