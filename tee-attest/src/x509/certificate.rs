//! One certificate.

use super::key::{PublicKey, scheme};
use super::oid;
use crate::crypto::{Form, Provider, Scheme, sha256};
use crate::der::{Reader, tag};
use crate::fault::{Fault, malformed};
use crate::instant::{Instant, Span};

/// Certificates have a handful of extensions; more are an attack on the reader.
const MOST_EXTENSIONS: usize = 32;

/// An extension as it stands there.
#[derive(Clone, Copy)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    /// What the octet string holds.
    pub(crate) value: &'a [u8],
}

/// A certificate (X.509 version 3), borrowed from its DER.
#[derive(Clone)]
pub(crate) struct Certificate<'a> {
    pub(crate) der: &'a [u8],
    tbs: &'a [u8],
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) from: Instant,
    pub(crate) until: Instant,
    pub(crate) key: PublicKey<'a>,
    pub(crate) extensions: Vec<Extension<'a>>,
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u32>,
    /// Bits in DER order, the first named bit (digitalSignature) being 0x80 of the first byte; `None` where absent.
    key_usage: Option<u16>,
    scheme: Scheme,
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate and everything standard in it; checks no signature.
    pub(crate) fn read(place: &'static str, der: &'a [u8]) -> Result<Self, Fault> {
        let mut all = Reader::new(place, der);
        let mut certificate = all.enter(tag::SEQUENCE)?;
        all.end()?;
        let tbs = certificate.element(tag::SEQUENCE)?;
        let outer = certificate.element(tag::SEQUENCE)?.whole;
        let signature = certificate.bits()?;
        certificate.end()?;

        let mut body = Reader::new(place, tbs.content);
        if body.enter(0xa0)?.number()? != 2 {
            return Err(malformed(place, "a certificate that is not of version 3"));
        }
        let serial = body.unsigned()?;
        if body.element(tag::SEQUENCE)?.whole != outer {
            return Err(malformed(place, "two different signature algorithms in one certificate"));
        }
        let issuer = body.element(tag::SEQUENCE)?.whole;
        let mut validity = body.enter(tag::SEQUENCE)?;
        let (from, until) = (validity.time()?, validity.time()?);
        validity.end()?;
        let subject = body.element(tag::SEQUENCE)?.whole;
        let key = PublicKey::read(place, body.element(tag::SEQUENCE)?.whole)?;
        let extensions = match body.optional(0xa3)? {
            Some(list) => extensions(place, list.content)?,
            None => Vec::new(),
        };
        body.end()?;

        let mut read = Self {
            der,
            tbs: tbs.whole,
            serial,
            issuer,
            subject,
            from,
            until,
            key,
            extensions,
            is_ca: false,
            path_length: None,
            key_usage: None,
            scheme: scheme(place, outer)?,
            signature,
        };
        read.standard(place)?;
        Ok(read)
    }

    fn standard(&mut self, place: &'static str) -> Result<(), Fault> {
        for extension in self.extensions.clone() {
            match extension.oid {
                oid::BASIC_CONSTRAINTS => {
                    let mut all = Reader::new(place, extension.value);
                    let mut inner = all.enter(tag::SEQUENCE)?;
                    self.is_ca = !inner.is_empty() && inner.boolean()?;
                    self.path_length = if inner.is_empty() { None } else { Some(inner.number()?) };
                    inner.end()?;
                    all.end()?;
                }
                oid::KEY_USAGE => {
                    let bits = Reader::new(place, extension.value).content(tag::BIT_STRING)?;
                    self.key_usage = match *bits {
                        [0..=7, a] => Some(u16::from(a) << 8),
                        [0..=7, a, b] => Some(u16::from(a) << 8 | u16::from(b)),
                        _ => return Err(malformed(place, "a key usage that is no bit string")),
                    };
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of an extension.
    pub(crate) fn extension(&self, oid: &[u8]) -> Option<&'a [u8]> {
        self.extensions.iter().find(|extension| extension.oid == oid).map(|extension| extension.value)
    }

    /// A critical extension that this reader does not understand and the caller does not name.
    pub(crate) fn unknown_critical(&self, known: &[&[u8]]) -> Option<&'a [u8]> {
        let understood = |oid: &[u8]| oid == oid::BASIC_CONSTRAINTS || oid == oid::KEY_USAGE || known.contains(&oid);
        self.extensions.iter().find(|extension| extension.critical && !understood(extension.oid)).map(|extension| extension.oid)
    }

    /// Whether the key may sign certificates (bit 5). An absent key usage allows it, as RFC 5280 has it.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & 0x0400 != 0)
    }

    /// Whether the key may sign CRLs (bit 6).
    pub(crate) fn may_sign_crls(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & 0x0200 != 0)
    }

    /// Whether the key may sign data (bit 0).
    pub(crate) fn may_sign_data(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & 0x8000 != 0)
    }

    /// The dates.
    pub(crate) fn span(&self, what: &str) -> Span {
        Span::new(what, self.from, self.until)
    }

    /// Whether `issuer` signed this certificate.
    pub(crate) fn signed_by(&self, provider: &dyn Provider, issuer: &PublicKey<'_>) -> bool {
        issuer.verify(provider, self.scheme, Form::Der, self.tbs, self.signature)
    }

    /// The common name (2.5.4.3) of the subject, where there is exactly one.
    pub(crate) fn common_name(&self, place: &'static str) -> Result<Option<&'a [u8]>, Fault> {
        let mut all = Reader::new(place, self.subject);
        let mut names = all.enter(tag::SEQUENCE)?;
        let mut found = None;
        while !names.is_empty() {
            let mut set = names.enter(0x31)?;
            while !set.is_empty() {
                let mut attribute = set.enter(tag::SEQUENCE)?;
                let kind = attribute.content(tag::OID)?;
                let value = attribute.any()?.content;
                attribute.end()?;
                if kind == oid::COMMON_NAME && found.replace(value).is_some() {
                    return Ok(None);
                }
            }
        }
        Ok(found)
    }

    /// SHA-256 of the public key with its algorithm: what pins name.
    pub(crate) fn key_hash(&self) -> [u8; 32] {
        sha256(&[self.key.spki()])
    }
}

fn extensions<'a>(place: &'static str, list: &'a [u8]) -> Result<Vec<Extension<'a>>, Fault> {
    let mut all = Reader::new(place, list);
    let mut inner = all.enter(tag::SEQUENCE)?;
    all.end()?;
    let mut found: Vec<Extension<'a>> = Vec::with_capacity(10);
    while !inner.is_empty() {
        let mut one = inner.enter(tag::SEQUENCE)?;
        let oid = one.content(tag::OID)?;
        let mut probe = one;
        let critical = match probe.any()?.tag {
            tag::BOOLEAN => one.boolean()?,
            _ => false,
        };
        let value = one.content(tag::OCTET_STRING)?;
        one.end()?;
        if found.len() == MOST_EXTENSIONS || found.iter().any(|other| other.oid == oid) {
            return Err(malformed(place, "an extension twice, or more than 32 of them"));
        }
        found.push(Extension { oid, critical, value });
    }
    Ok(found)
}
