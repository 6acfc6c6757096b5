//! Public keys and signature algorithms of certificates.

use super::oid;
use crate::crypto::{Form, Provider, Scheme};
use crate::der::{Reader, tag};
use crate::fault::{Fault, malformed};

/// A public key as the certificate writes it.
#[derive(Clone, Copy)]
pub(crate) struct PublicKey<'a> {
    kind: KeyKind,
    bytes: &'a [u8],
    spki: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    P256,
    P384,
    Rsa,
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo: P-256, P-384 (uncompressed points) or RSA.
    pub(crate) fn read(place: &'static str, spki: &'a [u8]) -> Result<Self, Fault> {
        let mut all = Reader::new(place, spki);
        let mut info = all.enter(tag::SEQUENCE)?;
        all.end()?;
        let mut algorithm = info.enter(tag::SEQUENCE)?;
        let kind = match algorithm.content(tag::OID)? {
            oid::EC_PUBLIC_KEY => match algorithm.content(tag::OID)? {
                oid::P256 => KeyKind::P256,
                oid::P384 => KeyKind::P384,
                _ => return Err(malformed(place, "a curve that is neither P-256 nor P-384")),
            },
            oid::RSA => {
                if algorithm.optional(0x05)?.is_some_and(|null| !null.content.is_empty()) {
                    return Err(malformed(place, "an RSA key with parameters"));
                }
                KeyKind::Rsa
            }
            _ => return Err(malformed(place, "a key that is neither ECDSA nor RSA")),
        };
        algorithm.end()?;
        let bytes = info.bits()?;
        info.end()?;
        let length = match kind {
            KeyKind::P256 => Some(65),
            KeyKind::P384 => Some(97),
            KeyKind::Rsa => None,
        };
        if length.is_some_and(|length| bytes.len() != length || bytes.first() != Some(&4)) {
            return Err(malformed(place, "a point that is not uncompressed"));
        }
        Ok(Self { kind, bytes, spki })
    }

    /// The point `04 || x || y`, or the DER `RSAPublicKey`.
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The whole SubjectPublicKeyInfo.
    pub(crate) const fn spki(&self) -> &'a [u8] {
        self.spki
    }

    /// Whether a key of this kind signs by this scheme.
    pub(crate) fn fits(&self, scheme: Scheme) -> bool {
        matches!(
            (self.kind, scheme),
            (KeyKind::P256, Scheme::P256Sha256)
                | (KeyKind::P384, Scheme::P384Sha384)
                | (KeyKind::Rsa, Scheme::RsaPkcs1Sha256 | Scheme::RsaPssSha256 | Scheme::RsaPssSha384)
        )
    }

    /// Whether the signature verifies; no key signs by a scheme of another kind.
    pub(crate) fn verify(&self, provider: &dyn Provider, scheme: Scheme, form: Form, message: &[u8], signature: &[u8]) -> bool {
        self.fits(scheme) && provider.verify(scheme, form, self.bytes, message, signature)
    }
}

/// The scheme that an AlgorithmIdentifier names. RSA-PSS must use one hash throughout and a salt as long as the hash.
pub(crate) fn scheme(place: &'static str, identifier: &[u8]) -> Result<Scheme, Fault> {
    let mut all = Reader::new(place, identifier);
    let mut algorithm = all.enter(tag::SEQUENCE)?;
    all.end()?;
    let scheme = match algorithm.content(tag::OID)? {
        oid::ECDSA_SHA256 => Scheme::P256Sha256,
        oid::ECDSA_SHA384 => Scheme::P384Sha384,
        oid::RSA_SHA256 => {
            algorithm.optional(0x05)?;
            Scheme::RsaPkcs1Sha256
        }
        oid::RSA_PSS => pss(place, algorithm.enter(tag::SEQUENCE)?)?,
        _ => return Err(malformed(place, "a signature algorithm that no attestation chain uses")),
    };
    algorithm.end()?;
    Ok(scheme)
}

fn pss(place: &'static str, mut parameters: Reader<'_>) -> Result<Scheme, Fault> {
    let hash = |reader: &mut Reader<'_>| -> Result<u32, Fault> {
        let mut algorithm = reader.enter(tag::SEQUENCE)?;
        let length = match algorithm.content(tag::OID)? {
            oid::SHA256 => 32,
            oid::SHA384 => 48,
            _ => return Err(malformed(place, "an RSA-PSS hash other than SHA-256 and SHA-384")),
        };
        algorithm.optional(0x05)?;
        algorithm.end()?;
        Ok(length)
    };
    let digest = hash(&mut parameters.enter(0xa0)?)?;
    let mut mask = parameters.enter(0xa1)?.enter(tag::SEQUENCE)?;
    if mask.content(tag::OID)? != oid::MGF1 {
        return Err(malformed(place, "an RSA-PSS mask other than MGF1"));
    }
    let inner = hash(&mut mask)?;
    let salt = parameters.enter(0xa2)?.number()?;
    if let Some(trailer) = parameters.optional(0xa3)?
        && Reader::new(place, trailer.content).number()? != 1
    {
        return Err(malformed(place, "an RSA-PSS trailer other than 1"));
    }
    parameters.end()?;
    match (digest, inner, salt) {
        (32, 32, 32) => Ok(Scheme::RsaPssSha256),
        (48, 48, 48) => Ok(Scheme::RsaPssSha384),
        _ => Err(malformed(place, "RSA-PSS with mixed hashes or an unusual salt")),
    }
}
