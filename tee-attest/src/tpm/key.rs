//! Attestation keys that the bundle vouches for: enrolled, or certified by an authority that it names.

use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::der::{Reader, tag};
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Span;
use crate::verify::Finding;
use crate::x509::{self, Anchor, Certificate, Chain, Crl, PublicKey, Revocation};

const PLACE: &str = "attestation key certificate";
const MOST_KEYS: usize = 1024;
const MOST_OTHERS: usize = 64;
/// Extended key usage, and subject alternative names, which say nothing here: the identity is the key.
const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 37];
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 17];
/// `tcg-kp-AIKCertificate`, 2.23.133.8.3: the authority says that a TPM holds this key and signs its own structures only.
const ATTESTS: &[u8] = &[0x67, 0x81, 0x05, 8, 3];

/// A key that somebody vouches for.
pub(super) struct Endorsed {
    pub(super) spki: Vec<u8>,
    pub(super) endorsement: &'static str,
}

/// Collateral that was read and checked as far as it can be without evidence.
#[derive(Debug)]
pub(crate) struct Endorsement {
    keys: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
    /// Dates of the roots.
    span: Span,
}

impl Endorsement {
    /// The dates of everything in it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        vec![self.span.clone()]
    }
}

/// Reads keys, roots and lists; roots must be signed by themselves and may sign certificates.
pub(crate) fn endorse(provider: &dyn Provider, entry: &super::Entry) -> Result<Endorsement> {
    if entry.keys.len() > MOST_KEYS || entry.roots.len() > MOST_OTHERS || entry.lists.len() > MOST_OTHERS {
        return Err(malformed("tpm entry", "more than 1024 keys, 64 roots or 64 lists"));
    }
    let keys = entry.keys.iter().map(|key| x509::one("attestation key", "PUBLIC KEY", key)).collect::<Result<Vec<_>>>()?;
    for key in &keys {
        PublicKey::read("attestation key", key)?;
    }
    let roots = entry.roots.iter().map(|root| x509::one("tpm root certificate", "CERTIFICATE", root)).collect::<Result<Vec<_>>>()?;
    let mut span = Span::always();
    for der in &roots {
        let root = Certificate::read("tpm root certificate", der)?;
        if !root.is_ca || root.issuer != root.subject || !root.signed_by(provider, &root.key) {
            return Err(Fault::new("tpm.root", "tpm root certificate", "not a root: not signed by itself", "不是根证书：未自签名"));
        }
        span = span.and(root.span("tpm root certificate"));
    }
    let lists = entry.lists.iter().map(|list| x509::one("tpm revocation list", "X509 CRL", list)).collect::<Result<Vec<_>>>()?;
    for list in &lists {
        Crl::read("tpm revocation list", list)?;
    }
    Ok(Endorsement { keys, roots, lists, span })
}

/// The keys that may have signed: the one of the certificates beside the quote, or all that are enrolled.
pub(super) fn endorsed(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral) -> Result<(Vec<Endorsed>, Finding)> {
    let mut finding = Finding { claims: crate::Claims::new(), report_data: Vec::new(), span: Span::always(), issued: None };
    let Some(bytes) = evidence.part(Part::Certificates) else {
        let mut keys: Vec<Vec<u8>> = collateral.tpm.iter().flat_map(|entry| entry.keys.iter().cloned()).collect();
        keys.sort();
        keys.dedup();
        let keys = keys.into_iter().map(|spki| Endorsed { spki, endorsement: "enrolled" }).collect();
        return Ok((keys, finding));
    };
    let mut ders = x509::certificates(PLACE, bytes)?;
    let roots = collateral.tpm.iter().flat_map(|entry| entry.roots.iter()).collect::<Vec<_>>();
    complete(&mut ders, &roots)?;
    let certificates = ders.iter().map(|der| Certificate::read(PLACE, der)).collect::<Result<Vec<_>>>()?;
    let anchors: Vec<Anchor> = roots.iter().map(|der| Ok(Anchor(Certificate::read(PLACE, der)?.key_hash()))).collect::<Result<Vec<_>>>()?;
    let lists = collateral
        .tpm
        .iter()
        .flat_map(|entry| entry.lists.iter())
        .map(|der| Crl::read("tpm revocation list", der))
        .collect::<Result<Vec<_>>>()?;
    let chain = Chain {
        place: PLACE,
        certificates: &certificates,
        anchors: &anchors,
        lists: &lists,
        revocation: Revocation::WhereGiven,
        known: &[EXTENDED_USAGE, OTHER_NAMES],
    };
    finding.span = chain.verify(provider)?;
    let leaf = certificates.first().ok_or_else(|| malformed(PLACE, "no certificate"))?;
    if leaf.is_ca || !leaf.may_sign_data() || !attests(leaf)? {
        return Err(Fault::new(
            "tpm.key-usage",
            PLACE,
            "the certificate is not one of an attestation key (2.23.133.8.3)",
            "该证书不是证明密钥证书（2.23.133.8.3）",
        ));
    }
    let has_lists = certificates.iter().skip(1).all(|issuer| lists.iter().any(|list| list.issuer == issuer.subject));
    finding.claims.set("collateral.revocation", has_lists);
    Ok((vec![Endorsed { spki: leaf.key.spki().to_vec(), endorsement: "certificate" }], finding))
}

/// Adds the root of the bundle where the evidence leaves it out, as most do.
fn complete(ders: &mut Vec<Vec<u8>>, roots: &[&Vec<u8>]) -> Result<()> {
    let Some(last) = ders.last() else { return Ok(()) };
    let last = Certificate::read(PLACE, last)?;
    if last.issuer == last.subject {
        return Ok(());
    }
    let issuer = last.issuer.to_vec();
    for root in roots {
        if Certificate::read(PLACE, root)?.subject == issuer {
            ders.push((*root).clone());
            break;
        }
    }
    Ok(())
}

fn attests(leaf: &Certificate<'_>) -> Result<bool> {
    let Some(value) = leaf.extension(EXTENDED_USAGE) else { return Ok(false) };
    let mut all = Reader::new(PLACE, value);
    let mut uses = all.enter(tag::SEQUENCE)?;
    all.end()?;
    let mut found = false;
    while !uses.is_empty() {
        found |= uses.content(tag::OID)? == ATTESTS;
    }
    Ok(found)
}
