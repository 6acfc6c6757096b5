//! A chain of certificates up to a pinned key.

use super::certificate::Certificate;
use super::crl::Crl;
use crate::crypto::Provider;
use crate::fault::Fault;
use crate::instant::Span;

/// Attestation chains have at most five certificates.
const LONGEST: usize = 8;

/// A trusted root: SHA-256 of its public key with the algorithm (SubjectPublicKeyInfo).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor(pub(crate) [u8; 32]);

/// What is asked of revocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// Lists that are given count; a missing one is no fault here (the caller makes it a claim, or asks for it before).
    WhereGiven,
    /// The chain has no lists by design (Nitro: certificates live for hours).
    None,
}

/// How a chain is to be read: leaf first, the root last and in it.
pub(crate) struct Chain<'a, 'b> {
    pub(crate) place: &'static str,
    pub(crate) certificates: &'b [Certificate<'a>],
    pub(crate) anchors: &'b [Anchor],
    pub(crate) lists: &'b [Crl<'a>],
    pub(crate) revocation: Revocation,
    /// Critical extensions that the caller reads itself.
    pub(crate) known: &'b [&'b [u8]],
}

impl Chain<'_, '_> {
    /// Checks names, constraints, signatures, revocation and the pin; gives the dates in which all of it holds.
    ///
    /// Signatures are checked from the root down, so that bytes from a peer meet only keys that are already trusted.
    pub(crate) fn verify(&self, provider: &dyn Provider) -> Result<Span, Fault> {
        let Some((root, below)) = self.certificates.split_last() else {
            return Err(self.fault("x509.empty", "a chain without certificates", "证书链为空"));
        };
        if self.certificates.len() > LONGEST {
            return Err(self.fault("x509.length", "a chain of more than 8 certificates", "证书链超过 8 张"));
        }
        let pin = root.key_hash();
        if !self.anchors.iter().any(|anchor| anchor.0 == pin) {
            return Err(self
                .fault("x509.root", "the chain does not end at a root that is pinned", "证书链未终止于已固定的根")
                .remedy("check that the chain is whole and of this vendor", "请检查证书链是否完整、是否属于该厂商"));
        }
        if root.issuer != root.subject || !root.signed_by(provider, &root.key) {
            return Err(self.fault("x509.signature", "the root is not signed by itself", "根证书自签名无效"));
        }
        let mut span = root.span(&format!("{}: root certificate", self.place));
        let mut issuer = root;
        for (depth, certificate) in below.iter().enumerate().rev() {
            link(provider, self.place, issuer, certificate, depth)?;
            span = span.and(certificate.span(&format!("{}: certificate {}", self.place, depth.saturating_add(1))));
            if let Some(list) = self.revoked(provider, issuer, certificate)? {
                span = span.and(list);
            }
            issuer = certificate;
        }
        for certificate in self.certificates {
            if certificate.unknown_critical(self.known).is_some() {
                return Err(self.fault("x509.critical", "a critical extension that is not understood", "存在无法识别的关键扩展"));
            }
        }
        Ok(span)
    }

    fn revoked(&self, provider: &dyn Provider, issuer: &Certificate<'_>, certificate: &Certificate<'_>) -> Result<Option<Span>, Fault> {
        if self.revocation == Revocation::None {
            return Ok(None);
        }
        let Some(list) = self.lists.iter().find(|list| list.issuer == issuer.subject) else {
            return Ok(None);
        };
        if !list.signed_by(provider, issuer) {
            return Err(self.fault("x509.crl-signature", "a revocation list whose signature does not verify", "吊销列表签名无效"));
        }
        if list.holds(certificate.serial) {
            return Err(self
                .fault("x509.revoked", "a certificate that its issuer revoked", "证书已被颁发者吊销")
                .remedy("this platform must not be used: its keys are known to be lost", "不得使用该平台：其密钥已失信"));
        }
        Ok(Some(list.span(&format!("{}: revocation list", self.place))))
    }

    fn fault(&self, code: &'static str, en: &str, zh: &str) -> Fault {
        Fault::new(code, self.place, en, zh)
    }
}

/// Whether `issuer` may and did sign `certificate`: names, constraints, the signature. Dates and revocation are the caller's.
///
/// `depth`: how many certificates stand below `certificate`.
pub(crate) fn link(
    provider: &dyn Provider,
    place: &'static str,
    issuer: &Certificate<'_>,
    certificate: &Certificate<'_>,
    depth: usize,
) -> Result<(), Fault> {
    may_issue(place, issuer, certificate, depth)?;
    if certificate.signed_by(provider, &issuer.key) {
        return Ok(());
    }
    Err(Fault::new("x509.signature", place, "a certificate whose signature does not verify", "证书签名无效"))
}

/// The same without the signature, for bytes whose signature is known: names and constraints.
pub(crate) fn may_issue(place: &'static str, issuer: &Certificate<'_>, certificate: &Certificate<'_>, depth: usize) -> Result<(), Fault> {
    if certificate.issuer != issuer.subject {
        return Err(Fault::new(
            "x509.name",
            place,
            "a certificate that names another issuer than the next one",
            "证书的颁发者与上级证书不符",
        ));
    }
    if !issuer.is_ca || !issuer.may_sign_certificates() {
        return Err(Fault::new("x509.not-a-ca", place, "an issuer that may not sign certificates", "颁发者无权签发证书"));
    }
    // path length counts the intermediate certificates below the issuer, the leaf is none of them
    if issuer.path_length.is_some_and(|most| usize::try_from(most).is_ok_and(|most| depth > most)) {
        return Err(Fault::new(
            "x509.path-length",
            place,
            "more certificates below an issuer than it allows",
            "证书链超出颁发者允许的长度",
        ));
    }
    Ok(())
}
