//! `TPMT_SIGNATURE` (TPM Library Specification, part 2, section 11.3.4), or the RSA signature alone as some stacks hand it out.

use crate::crypto::{Form, Provider, Scheme, sha256, sha384};
use crate::cursor::Cursor;
use crate::fault::{Result, malformed};
use crate::x509::PublicKey;

/// The hash of the signing scheme; the digest of the registers is made by it too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha256(&[bytes]).to_vec(),
            Self::Sha384 => sha384(&[bytes]).to_vec(),
        }
    }
}

/// A signature with its scheme.
pub(super) struct Signature {
    scheme: Scheme,
    hash: Hash,
    /// RSA: as it is. ECDSA: r then s, each as long as the field.
    bytes: Vec<u8>,
}

impl Signature {
    /// Reads a signature. One whose length is a multiple of 128 is RSASSA with SHA-256 without a frame: no `TPMT_SIGNATURE` of a
    /// key that is accepted has such a length (RSA: that of the key and 6; ECDSA: at most 104).
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() >= 256 && bytes.len().is_multiple_of(128) {
            return Ok(Self { scheme: Scheme::RsaPkcs1Sha256, hash: Hash::Sha256, bytes: bytes.to_vec() });
        }
        let mut cursor = Cursor::new("signature of the quote", bytes);
        let (algorithm, hash) = (cursor.be16()?, cursor.be16()?);
        // RSASSA 0x14, RSAPSS 0x16, ECDSA 0x18; SHA-256 0x0b, SHA-384 0x0c
        let (scheme, hash, field) = match (algorithm, hash) {
            (0x14, 0x0b) => (Scheme::RsaPkcs1Sha256, Hash::Sha256, None),
            (0x16, 0x0b) => (Scheme::RsaPssSha256, Hash::Sha256, None),
            (0x16, 0x0c) => (Scheme::RsaPssSha384, Hash::Sha384, None),
            (0x18, 0x0b) => (Scheme::P256Sha256, Hash::Sha256, Some(32)),
            (0x18, 0x0c) => (Scheme::P384Sha384, Hash::Sha384, Some(48)),
            _ => return Err(cursor.wrong(format!("scheme {algorithm:#06x} with hash {hash:#06x} is not accepted"))),
        };
        let bytes = match field {
            None => cursor.sized(1024)?.to_vec(),
            Some(field) => {
                let mut both = padded(cursor.sized(field)?, field);
                both.extend(padded(cursor.sized(field)?, field));
                both
            }
        };
        cursor.end()?;
        Ok(Self { scheme, hash, bytes })
    }

    pub(super) const fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether the key of this SubjectPublicKeyInfo signed the message.
    pub(super) fn verify(&self, provider: &dyn Provider, spki: &[u8], message: &[u8]) -> bool {
        PublicKey::read("attestation key", spki).is_ok_and(|key| key.verify(provider, self.scheme, Form::Fixed, message, &self.bytes))
    }
}

/// A TPM may leave out leading zeros.
fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let mut whole = vec![0; length.saturating_sub(number.len())];
    whole.extend_from_slice(number);
    whole
}

/// A SubjectPublicKeyInfo from the numbers of a JSON web key (RFC 7518, section 6.3).
pub(super) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>> {
    let integer = |number: &[u8]| {
        let mut content = number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        if content.first().is_none_or(|first| *first >= 0x80) {
            content.insert(0, 0);
        }
        element(0x02, &content)
    };
    if modulus.len() > 1024 || exponent.len() > 8 {
        return Err(malformed("attestation key", "an RSA key above 8192 bits"));
    }
    let pair = element(0x30, &[integer(modulus), integer(exponent)].concat());
    // rsaEncryption (RFC 8017, A.1) with NULL parameters, then the key as whole bytes of a bit string
    let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let bits = element(0x03, &[&[0], pair.as_slice()].concat());
    Ok(element(0x30, &[algorithm.as_slice(), &bits].concat()))
}

/// A DER element with its minimal length. Contents here have below 2^16 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut whole = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    whole.extend_from_slice(content);
    whole
}
