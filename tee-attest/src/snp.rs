//! AMD SEV-SNP: attestation reports of version 2 to 5, of Milan, Genoa (with Bergamo and Siena) and Turin.
//!
//! | open | for |
//! |---|---|
//! | `report` | the report, field by field |
//! | `tcb` | products, and what a product's TCB version is made of |
//! | `authority` | collateral: root (ARK) to signing keys (ASK, ASVK), revocation lists |
//! | `published` | certificates of AMD whose signatures are known |
//! | `vek` | endorsement keys of chips (VCEK) and of cloud operators (VLEK) |
//! | `claims` | what a report says, as claims |
//!
//! Sources: AMD, "SEV Secure Nested Paging Firmware ABI Specification" (56860), table "ATTESTATION_REPORT"; AMD, "Versioned
//! Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification" (57230) and its VLEK counterpart (58369).
//!
//! AMD publishes no list that says which TCB is up to date, so `tcb.status` is never set: a policy asks for minimum
//! numbers (`snp.reported-tcb-*`) and for firmware that cannot be rolled back (`snp.provisional-firmware`).

mod authority;
mod claims;
mod published;
mod report;
mod tcb;
mod vek;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::collateral::VerifiedCollateral;
use crate::crypto::{Form, Provider, Scheme};
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::verify::Finding;

pub(crate) use authority::Endorsement;
pub(crate) use claims::SCHEMA;
use report::Report;
use vek::Vek;

/// Keys that fit one report (operator's keys of several years, chips of a pool with masked ids) are tried one after the
/// other, each at the price of a signature; more in one bundle is a mistake in the bundle.
const MOST_TRIED: usize = 8;

/// Collateral as it travels: one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// PEM: the product's root (ARK) and its signing keys (ASK, ASVK or both), in any order, as AMD's key server gives them.
    pub chain: String,
    /// Revocation lists of the root, DER in base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Endorsement keys, DER in base64: of chips (one for each TCB that a chip reports) or of operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// Checks every signature of an entry: the chain down to the signing keys, the lists, the endorsement keys.
pub(crate) fn endorse(provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    authority::endorse(provider, entry)
}

/// Checks a report; its endorsement key comes from the collateral or, as [`Part::Certificates`], with the evidence.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    verify_report(provider, evidence.body(), evidence.part(Part::Certificates), collateral, at)
}

/// The same for a report that lies inside other evidence.
pub(crate) fn verify_report(
    provider: &dyn Provider,
    body: &[u8],
    certificates: Option<&[u8]>,
    collateral: &VerifiedCollateral,
    at: Instant,
) -> Result<Finding> {
    let report = Report::read(body)?;
    let found = signer(provider, &report, certificates, collateral, at)?;
    let (endorsement, vek) = (found.endorsement, found.vek);
    let span = endorsement.span(vek.signing).and(vek.span.clone());
    span.check(at)?;
    let claims = claims::claims(&report, &vek, endorsement.revocation())?;
    Ok(Finding { claims, report_data: report.data().to_vec(), span, issued: endorsement.issued() })
}

/// A key that signed the report, and what vouches for it.
struct Signer<'a> {
    endorsement: &'a Endorsement,
    vek: Arc<Vek>,
}

fn signer<'a>(
    provider: &dyn Provider,
    report: &Report<'_>,
    certificates: Option<&[u8]>,
    collateral: &'a VerifiedCollateral,
    at: Instant,
) -> Result<Signer<'a>> {
    let mut fitting: Vec<Signer<'a>> = collateral
        .snp
        .iter()
        .flat_map(|endorsement| endorsement.keys().map(move |vek| (endorsement, vek)))
        .filter(|(_, vek)| vek.fits(report))
        .map(|(endorsement, vek)| Signer { endorsement, vek: Arc::clone(vek) })
        .collect();
    // those in their dates first: the others cannot lead to a verdict, but to a clearer fault
    fitting.sort_by_key(|signer| signer.vek.span.check(at).is_err());
    if fitting.is_empty()
        && let Some(bytes) = certificates
    {
        let (endorsement, vek) = authority::from_evidence(provider, bytes, report.signing(), &collateral.snp)?;
        vek.check(report)?;
        fitting.push(Signer { endorsement, vek });
    }
    if fitting.is_empty() {
        return Err(missing(report));
    }
    let signature = report.signature()?;
    let mut tried = fitting.into_iter().take(MOST_TRIED);
    tried
        .find(|signer| provider.verify(Scheme::P384Sha384, Form::Fixed, &signer.vek.point, report.signed(), &signature))
        .ok_or_else(|| Fault::new("snp.report-signature", "report", "the signature of the report does not verify", "报告签名无效"))
}

fn missing(report: &Report<'_>) -> Fault {
    Fault::new(
        "snp.no-key",
        "report",
        format!("no endorsement key for TCB {} of this chip", hex::encode(report.reported_tcb())),
        format!("缺少该芯片在 TCB {} 下的背书密钥证书", hex::encode(report.reported_tcb())),
    )
    .remedy(
        "fetch the VCEK of this chip for the reported TCB (or the operator's VLEK) from AMD's key server and put it into the bundle; \
         a firmware update needs a new one",
        "请从 AMD 密钥服务器获取该芯片在所报 TCB 下的 VCEK（或运营商的 VLEK）并放入背书材料；固件升级后须重新获取",
    )
}
