//! AWS Nitro Enclaves: attestation documents, COSE_Sign1 (RFC 9052) with ES384 over a CBOR map.
//!
//! | open | for |
//! |---|---|
//! | `cose` | the signed envelope |
//! | `document` | the fields of the document and their bounds |
//! | `claims` | what a document says, as claims |
//!
//! Source: AWS, "Verifying the root of trust" (Nitro Enclaves user guide) and the attestation process of the NSM library.
//!
//! **Where the binding goes**: into `user_data`, which has room for 512 bytes; the nonce stays free for those who use it
//! and is a claim. Only the first 64 bytes of `user_data` are in the claim `evidence.report-data`; all are in
//! `nitro.user-data`.
//!
//! The document carries its whole chain, so nothing of AWS needs to be in a bundle. Certificates live for hours and have no
//! revocation lists: `collateral.revocation` is false. There is no list of TCBs: `tcb.status` is not set.

mod claims;
mod cose;
mod document;

use serde::{Deserialize, Serialize};

use crate::collateral::VerifiedCollateral;
use crate::crypto::{Form, Provider, Scheme};
use crate::der::pem;
use crate::evidence::Evidence;
use crate::fault::{Fault, Result, malformed};
use crate::instant::{Instant, Span};
use crate::verify::Finding;
use crate::x509::{Anchor, Certificate, Chain, Revocation};

pub(crate) use claims::SCHEMA;
use document::Document;

/// SHA-256 of the SubjectPublicKeyInfo of AWS's root `CN=aws.nitro-enclaves`, whose certificate has the SHA-256 fingerprint
/// 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b that AWS publishes:
/// `openssl x509 -in root.pem -pubkey -noout | openssl pkey -pubin -outform der | sha256sum`.
const ROOT: Anchor = Anchor([
    0xf2, 0xca, 0xf5, 0xec, 0xc6, 0x19, 0x0b, 0x4a, 0x83, 0x99, 0xb7, 0x8b, 0xc5, 0x8a, 0x2b, 0xbc, 0xd0, 0x38, 0x23, 0x75, 0xdb, 0x8a,
    0x1b, 0xfd, 0x78, 0xa8, 0x27, 0x43, 0x87, 0x4f, 0xd2, 0x25,
]);

/// Collateral as it travels. Documents carry their chain; an entry lets a bundle say that it expects AWS, and is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The root certificate in PEM.
    pub root: String,
}

/// Collateral whose signatures were checked: nothing is left of it but that it was right.
#[derive(Debug)]
pub(crate) struct Endorsement {
    /// Dates of the root.
    span: Span,
}

impl Endorsement {
    /// The dates of everything in it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        vec![self.span.clone()]
    }
}

/// Checks the root against its pin and its own signature.
pub(crate) fn endorse(provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    let place = "AWS root certificate";
    let ders = pem(place, "CERTIFICATE", &entry.root)?;
    let [der] = ders.as_slice() else { return Err(malformed(place, "not exactly one certificate")) };
    Ok(Endorsement { span: chain(provider, &[Certificate::read(place, der)?])? })
}

fn chain(provider: &dyn Provider, certificates: &[Certificate<'_>]) -> Result<Span> {
    // certificates of enclaves live for three hours; AWS publishes no lists
    let revocation = Revocation::None;
    Chain { place: "Nitro chain", certificates, anchors: &[ROOT], lists: &[], revocation, known: &[] }.verify(provider)
}

/// Checks a document: chain from the pinned root down, then the signature, then the dates.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, _collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    let envelope = cose::Envelope::read(evidence.body())?;
    let document = Document::read(envelope.payload)?;
    let place = "Nitro chain";
    // leaf first; the document has the root first
    let ders = std::iter::once(document.certificate).chain(document.bundle.iter().rev().copied());
    let certificates = ders.map(|der| Certificate::read(place, der)).collect::<Result<Vec<_>>>()?;
    let span = chain(provider, &certificates)?;
    let Some(leaf) = certificates.first() else { return Err(malformed(place, "no certificate")) };
    if !leaf.key.fits(Scheme::P384Sha384) || !leaf.may_sign_data() {
        return Err(malformed(place, "a key that may not sign documents"));
    }
    if !leaf.key.verify(provider, Scheme::P384Sha384, Form::Fixed, &envelope.signed(), envelope.signature) {
        return Err(Fault::new(
            "nitro.signature",
            "attestation document",
            "the signature of the document does not verify",
            "证明文档签名无效",
        ));
    }
    // the document itself must not come from the future either
    let span = span.and(Span::new("attestation document", document.made(), Instant(i64::MAX)));
    span.check(at)?;
    let report_data = document.user_data.unwrap_or_default().to_vec();
    Ok(Finding { claims: claims::claims(&document), report_data, span, issued: None })
}
