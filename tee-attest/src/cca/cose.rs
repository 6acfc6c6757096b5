//! COSE_Sign1 (RFC 9052, section 4.2) and the collection that holds two of them.

use super::cbor::{Key, Reader};
use crate::crypto::{Form, Provider, Scheme};
use crate::fault::{Result, malformed};
use crate::x509::PublicKey;

/// Tag of a CCA token, and the keys of its two parts (DEN0137, section A7.2.1).
const COLLECTION: u64 = 399;
const PLATFORM: i64 = 44234;
const REALM: i64 = 44241;
/// Tag of COSE_Sign1.
const SIGN1: u64 = 18;

/// The platform's token and the realm's.
pub(super) fn collection(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut reader = Reader::new("cca token", bytes);
    if reader.tag()? != COLLECTION {
        return Err(reader.wrong("not a CCA token: tag 399 is missing"));
    }
    let (mut platform, mut realm, mut keys) = (None, None, Vec::new());
    for _ in 0..reader.map()? {
        match reader.key(&mut keys)? {
            Key::Number(PLATFORM) => platform = Some(reader.bytes()?),
            Key::Number(REALM) => realm = Some(reader.bytes()?),
            other => return Err(reader.wrong(format!("a part {} that is not known", other.show()))),
        }
    }
    reader.end()?;
    platform.zip(realm).ok_or_else(|| malformed("cca token", "not both a platform token and a realm token"))
}

/// A signed structure, read in place.
pub(super) struct Signed<'a> {
    scheme: Scheme,
    protected: &'a [u8],
    pub(super) payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the four parts. The protected header names the algorithm and nothing else; the unprotected one is empty.
    pub(super) fn read(place: &'static str, bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(place, bytes);
        if reader.tag()? != SIGN1 || reader.list()? != 4 {
            return Err(reader.wrong("not a COSE_Sign1"));
        }
        let protected = reader.bytes()?;
        if reader.map()? != 0 {
            return Err(reader.wrong("an unprotected header, which tokens do not have"));
        }
        let (payload, signature) = (reader.bytes()?, reader.bytes()?);
        reader.end()?;

        let mut header = Reader::new(place, protected);
        if header.map()? != 1 || header.key(&mut Vec::new())? != Key::Number(1) {
            return Err(header.wrong("a protected header with more than the algorithm"));
        }
        // RFC 9053, table 1: ES256 is -7, ES384 is -35
        let scheme = match header.number()? {
            -7 => Scheme::P256Sha256,
            -35 => Scheme::P384Sha384,
            other => return Err(header.wrong(format!("signature algorithm {other} is not accepted"))),
        };
        header.end()?;
        Ok(Self { scheme, protected, payload, signature })
    }

    /// Whether this key signed it.
    pub(super) fn verify(&self, provider: &dyn Provider, key: &PublicKey<'_>) -> bool {
        key.verify(provider, self.scheme, Form::Fixed, &self.to_be_signed(), self.signature)
    }

    /// Whether the key of this point signed it; the point must be on the curve of the algorithm.
    pub(super) fn verify_raw(&self, provider: &dyn Provider, curve: Scheme, point: &[u8]) -> bool {
        curve == self.scheme && provider.verify(self.scheme, Form::Fixed, point, &self.to_be_signed(), self.signature)
    }

    /// `Sig_structure`: ["Signature1", protected header, external data (none), payload].
    fn to_be_signed(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.payload.len().saturating_add(64));
        whole.extend_from_slice(b"\x84\x6aSignature1");
        string(&mut whole, self.protected);
        string(&mut whole, &[]);
        string(&mut whole, self.payload);
        whole
    }
}

/// A CBOR byte string with the shortest length. Evidence has at most a megabyte, so 32 bits hold every length.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_be_bytes();
    match length {
        0..=23 => out.push(0x40 | d),
        24..=0xff => out.extend([0x58, d]),
        0x100..=0xffff => out.extend([0x59, c, d]),
        _ => out.extend([0x5a, a, b, c, d]),
    }
    out.extend_from_slice(bytes);
}
