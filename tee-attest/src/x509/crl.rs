//! Certificate revocation lists (RFC 5280, section 5).

use super::certificate::Certificate;
use super::key::scheme;
use super::oid;
use crate::crypto::{Form, Provider, Scheme};
use crate::der::{Reader, tag};
use crate::fault::{Fault, malformed};
use crate::instant::{Instant, Span};

/// A CRL, borrowed from its DER. Delta and indirect lists are refused: their extensions are critical.
#[derive(Clone)]
pub(crate) struct Crl<'a> {
    tbs: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) this_update: Instant,
    pub(crate) next_update: Instant,
    /// In the order of the list.
    serials: Vec<&'a [u8]>,
    scheme: Scheme,
    signature: &'a [u8],
}

impl<'a> Crl<'a> {
    /// Reads a list of version 2 with a date of the next one; checks no signature.
    pub(crate) fn read(place: &'static str, der: &'a [u8]) -> Result<Self, Fault> {
        let mut all = Reader::new(place, der);
        let mut list = all.enter(tag::SEQUENCE)?;
        all.end()?;
        let tbs = list.element(tag::SEQUENCE)?;
        let outer = list.element(tag::SEQUENCE)?.whole;
        let signature = list.bits()?;
        list.end()?;

        let mut body = Reader::new(place, tbs.content);
        if body.number()? != 1 {
            return Err(malformed(place, "a revocation list that is not of version 2"));
        }
        if body.element(tag::SEQUENCE)?.whole != outer {
            return Err(malformed(place, "two different signature algorithms in one revocation list"));
        }
        let issuer = body.element(tag::SEQUENCE)?.whole;
        let (this_update, next_update) = (body.time()?, body.time()?);
        let entries = body.optional(tag::SEQUENCE)?.map_or(&[][..], |entries| entries.content);
        if let Some(extensions) = body.optional(0xa0)? {
            critical_extensions(place, extensions.content)?;
        }
        body.end()?;
        let serials = serials(Reader::new(place, entries))?;
        Ok(Self { tbs: tbs.whole, issuer, this_update, next_update, serials, scheme: scheme(place, outer)?, signature })
    }

    /// Whether the issuer's key signed it, and may.
    pub(crate) fn signed_by(&self, provider: &dyn Provider, issuer: &Certificate<'_>) -> bool {
        self.issuer == issuer.subject
            && issuer.may_sign_crls()
            && issuer.key.verify(provider, self.scheme, Form::Der, self.tbs, self.signature)
    }

    /// Whether the serial number is on the list. A date of revocation is not looked at: what is listed is revoked.
    pub(crate) fn holds(&self, serial: &[u8]) -> bool {
        self.serials.contains(&serial)
    }

    /// The serial numbers on the list, for a reader that asks often.
    pub(crate) fn serials(&self) -> Serials {
        let mut sorted = self.serials.clone();
        sorted.sort_unstable();
        let mut all = Serials { bytes: sorted.concat(), ends: Vec::with_capacity(sorted.len()) };
        all.ends.extend(sorted.iter().scan(0_usize, |end, serial| {
            let start = *end;
            *end = end.saturating_add(serial.len());
            Some((start, *end))
        }));
        all
    }

    /// The dates.
    pub(crate) fn span(&self, what: &str) -> Span {
        Span::new(what, self.this_update, self.next_update)
    }
}

/// Serial numbers in order, in one piece of memory.
#[derive(Debug)]
pub(crate) struct Serials {
    bytes: Vec<u8>,
    /// Start and end of each.
    ends: Vec<(usize, usize)>,
}

impl Serials {
    /// Whether the serial number is among them.
    pub(crate) fn holds(&self, serial: &[u8]) -> bool {
        self.ends.binary_search_by(|(start, end)| self.bytes.get(*start..*end).unwrap_or_default().cmp(serial)).is_ok()
    }
}

fn serials<'a>(mut entries: Reader<'a>) -> Result<Vec<&'a [u8]>, Fault> {
    let mut all = Vec::new();
    while !entries.is_empty() {
        let mut entry = entries.enter(tag::SEQUENCE)?;
        all.push(entry.unsigned()?);
        entry.time()?;
        entry.optional(tag::SEQUENCE)?;
        entry.end()?;
    }
    Ok(all)
}

fn critical_extensions(place: &'static str, list: &[u8]) -> Result<(), Fault> {
    let mut all = Reader::new(place, list);
    let mut inner = all.enter(tag::SEQUENCE)?;
    all.end()?;
    while !inner.is_empty() {
        let mut one = inner.enter(tag::SEQUENCE)?;
        let name = one.content(tag::OID)?;
        let mut probe = one;
        if probe.any()?.tag == tag::BOOLEAN && one.boolean()? && name != oid::CRL_NUMBER && name != oid::AUTHORITY_KEY {
            return Err(malformed(place, "a critical extension of a revocation list (delta and indirect lists are not read)"));
        }
        one.content(tag::OCTET_STRING)?;
        one.end()?;
    }
    Ok(())
}
