//! Intel SGX and TDX: quotes of versions 3, 4 and 5 (DCAP), verified against collateral of Intel's API of version 4.
//!
//! ```text
//! Intel SGX Root CA (pinned) ── root CRL
//!  ├── TCB Signing ── TCB info, identity of the quoting enclave
//!  └── PCK Platform CA or Processor CA ── PCK CRL
//!       └── certificate of the platform (PCK): its security versions
//!            └── report of the quoting enclave: hash of the attestation key
//!                 └── attestation key ── quote
//! ```
//! | file | subject |
//! |---|---|
//! | `quote`, `report` | layouts |
//! | `root`, `pck` | certificates |
//! | `entry` | collateral, checked once |
//! | `json`, `tcb`, `qe` | Intel's documents and the levels in them |
//! | `known` | memo of platforms that were verified before |
//! | `claims` | what is said |
//!
//! Nine P-256 signatures stand behind a verdict: six in collateral, three in a quote. Two of collateral are over certificates
//! of Intel that are the same everywhere and are known by their bytes; for a platform that was seen before one is left of
//! the quote's, its own. What is policy (debug, state of the TCB, service domains, ...) becomes a claim.

mod claims;
#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod differential;
mod entry;
mod json;
mod known;
mod pck;
mod qe;
mod quote;
mod report;
mod root;
mod tcb;

use std::sync::Arc;

pub use entry::Entry;

pub(crate) use claims::SCHEMA;
pub(crate) use entry::{Endorsement, endorse};

use crate::collateral::VerifiedCollateral;
use crate::crypto::{Form, Provider, Scheme, sha256};
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;
use crate::verify::Finding;
use pck::{Authority, Chain, Facts, Platform};
use quote::{Certification, Quote, Tee};
use report::Report;

/// Verifies a quote, from the platform's certificate down to what was measured.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    let quote = Quote::read(evidence.body())?;
    if claims::kind(quote.tee) != evidence.kind() {
        return Err(malformed("quote", format!("a quote of {} where one of {} is due", quote.tee.name(), evidence.kind().name())));
    }
    let (endorsement, platform) = match quote.certification {
        Certification::Chain(pem) => by_chain(provider, collateral, &quote, pem, at)?,
        Certification::Identifier { .. } => by_identifier(provider, collateral, &quote, at)?,
    };
    endorsement.span.check(at)?;
    attestation_key(provider, endorsement, &platform, &quote)?;
    let quoting = report::enclave(quote.quoting_report)?;
    let level = endorsement.qe.level(&quoting)?;

    let mut key = [4; 65];
    if let Some((_, point)) = key.split_first_mut() {
        point.copy_from_slice(quote.key);
    }
    if !provider.verify(Scheme::P256Sha256, Form::Fixed, &key, quote.signed, quote.signature) {
        return Err(Fault::new("dcap.quote-signature", "quote", "the signature of the quote does not verify", "quote 签名无效"));
    }

    let standing = match &quote.report {
        Report::Enclave(_) => endorsement.tcb.sgx(&platform.facts)?,
        Report::Domain(domain) => endorsement.tcb.tdx(&platform.facts, domain)?,
    };
    let launch = tcb::converge(standing.status, level.tcb_status);
    let status = standing.current.map_or(launch, |now| tcb::relaunch(launch, tcb::converge(now, level.tcb_status)));
    let mut advisories = standing.advisories.clone();
    tcb::merge(&mut advisories, &level.advisories);
    let found = claims::Found {
        quote: &quote,
        endorsement,
        platform: &platform,
        standing: &standing,
        qe_status: level.tcb_status,
        qe_svn: quoting.number("isv-svn"),
        status,
        advisories,
    };
    let mut claims = found.claims(at);
    if let Some(log) = evidence.part(Part::EventLog) {
        let Report::Domain(domain) = &quote.report else { return Err(malformed("event log", "beside an enclave, which has no registers")) };
        let arrays = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"].map(|name| domain.base.array(name));
        crate::eventlog::check(log, arrays.each_ref(), &mut claims)?;
    }
    Ok(Finding { claims, report_data: quote.report_data(), span: platform.span.clone(), issued: Some(endorsement.issued) })
}

/// Checks that the platform vouches for the attestation key: it signed the report of a quoting enclave that holds the key's hash.
fn attestation_key(provider: &dyn Provider, endorsement: &Endorsement, platform: &Platform, quote: &Quote<'_>) -> Result<()> {
    let hash = sha256(&[&platform.hash, quote.endorsed]);
    if endorsement.known.key(&hash) {
        return Ok(());
    }
    if !platform.signed(provider, quote.quoting_report, quote.quoting_signature) {
        return Err(Fault::new(
            "dcap.qe-signature",
            "quoting enclave's report",
            "the platform's certificate did not sign the report of the quoting enclave",
            "引用 enclave 的报告不是由该平台证书签名",
        ));
    }
    // report data: SHA-256 of the key and the authentication data, then zeros
    let (report, bound) = (report::enclave(quote.quoting_report)?, sha256(&[quote.key, quote.authentication]));
    if !report.field("report-data").split_at_checked(bound.len()).is_some_and(|(head, tail)| head == bound && report::is_zero(tail)) {
        return Err(Fault::new(
            "dcap.qe-binding",
            "quoting enclave's report",
            "the quoting enclave vouches for another attestation key",
            "引用 enclave 担保的是另一证明密钥",
        ));
    }
    endorsement.known.add_key(hash);
    Ok(())
}

/// The collateral and the platform of a quote that brings its certificates.
fn by_chain<'a>(
    provider: &dyn Provider,
    collateral: &'a VerifiedCollateral,
    quote: &Quote<'_>,
    pem: &[u8],
    at: Instant,
) -> Result<(&'a Endorsement, Arc<Platform>)> {
    let hash = sha256(&[pem]);
    // who knows the chain says which collateral fits; newer collateral may have come that does not know it yet
    if let Some(known) = collateral.dcap.iter().find_map(|endorsement| endorsement.known.platform(&hash))
        && let Some(endorsement) = choose(collateral, quote.tee, known.authority, &known.facts, &known.hash, at)
        && let Some(platform) = endorsement.known.platform(&hash)
    {
        return Ok((endorsement, platform));
    }
    let chain = Chain::read(pem)?;
    let read = chain.certificates()?;
    let authority = Authority::of(read.authority.common_name("pck authority certificate")?)
        .ok_or_else(|| malformed("pck authority certificate", "neither of Intel's two authorities"))?;
    let endorsement = choose(collateral, quote.tee, authority, &read.facts, &sha256(&[read.leaf.der]), at)
        .ok_or_else(|| no_collateral(collateral, quote.tee, authority, &read.facts))?;
    let platform = Arc::new(endorsement.platform(provider, &chain, &read)?);
    endorsement.known.add_platform(hash, Arc::clone(&platform));
    Ok((endorsement, platform))
}

/// The newest collateral that fits the platform, of those that are in their dates; where none is, the newest of all, so that
/// the fault that follows names the dates.
fn choose<'a>(
    collateral: &'a VerifiedCollateral,
    tee: Tee,
    authority: Authority,
    facts: &Facts,
    leaf: &[u8; 32],
    at: Instant,
) -> Option<&'a Endorsement> {
    collateral
        .dcap
        .iter()
        .filter(|one| one.tee == tee && one.authority == authority && one.tcb.fmspc == facts.fmspc && one.tcb.pce_id == facts.pce_id)
        .filter(|one| one.platform.as_ref().is_none_or(|platform| platform.hash == *leaf))
        .max_by_key(|one| ((one.span.from..=one.span.until).contains(&at), one.tcb.tcb_evaluation_data_number, one.issued))
}

fn no_collateral(collateral: &VerifiedCollateral, tee: Tee, authority: Authority, facts: &Facts) -> Fault {
    let (fmspc, tee, authority) = (hex::encode(facts.fmspc), tee.name(), authority.name());
    let others = collateral.dcap.iter().any(|one| one.tcb.fmspc == facts.fmspc && one.platform.is_some());
    let (en, zh) = if others {
        (
            "; an entry of this kind holds the certificates of one other machine and is for that machine only",
            "；该型号条目带有另一台机器的证书，仅适用于那台机器",
        )
    } else {
        ("", "")
    };
    Fault::new(
        "dcap.no-collateral",
        "collateral",
        format!("no entry for {tee} platforms of FMSPC {fmspc}, authority `{authority}`{en}"),
        format!("没有适用于 {tee} 平台（FMSPC {fmspc}，签发机构 {authority}）的条目{zh}"),
    )
    .remedy(
        format!("put Intel's collateral for FMSPC {fmspc} ({tee}, {authority}) into the bundle"),
        format!("请在背书材料中加入 FMSPC {fmspc}（{tee}，{authority}）的英特尔材料"),
    )
}

/// The collateral and the platform of a quote that only names its platform: one of those whose certificates an entry holds,
/// with the same versions, whose key signed the report of the quoting enclave.
fn by_identifier<'a>(
    provider: &dyn Provider,
    collateral: &'a VerifiedCollateral,
    quote: &Quote<'_>,
    at: Instant,
) -> Result<(&'a Endorsement, Arc<Platform>)> {
    let Certification::Identifier { cpu_svn, pce_svn, pce_id } = quote.certification else {
        return Err(malformed("certification data", "no identifier of the platform"));
    };
    let fits = |facts: &Facts| facts.cpu_svn == cpu_svn && facts.pce_svn == pce_svn && facts.pce_id == pce_id;
    collateral
        .dcap
        .iter()
        .filter(|one| one.tee == quote.tee && one.platform.as_ref().is_some_and(|platform| fits(&platform.facts)))
        .filter(|one| one.platform.as_ref().is_some_and(|one| one.signed(provider, quote.quoting_report, quote.quoting_signature)))
        .max_by_key(|one| ((one.span.from..=one.span.until).contains(&at), one.tcb.tcb_evaluation_data_number, one.issued))
        .and_then(|one| one.platform.clone().map(|platform| (one, platform)))
        .ok_or_else(|| {
            Fault::new(
                "dcap.no-collateral",
                "collateral",
                "the quote brings no certificates of its platform, and no entry has those of a platform that signed it",
                "quote 未附带平台证书，且没有条目含有签名平台的证书",
            )
            .remedy(
                "put the platform's certificates (pck_certificate_chain) into its entry of the bundle",
                "请在背书材料的相应条目中放入平台证书（pck_certificate_chain）",
            )
        })
}
