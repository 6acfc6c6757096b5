//! Ed25519 keys: what they sign is always tagged with a domain.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use rand::CryptoRng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::canonical::parse_hex;
use crate::{Error, Result};

/// A secret signing key; wiped when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A fresh key.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(ed25519_dalek::SigningKey::generate(rng))
    }

    /// The key of a 32-byte seed (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, for storage under encryption.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0.as_bytes())
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `domain` || 0x00 || `bytes`. For session binding and the audit log; documents go through [`Signed`](super::Signed).
    #[must_use]
    pub fn sign_message(&self, domain: &str, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(&message(domain, bytes)).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A verification key, written `ed25519:<64 lower-case hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// What stands before the digits.
    pub const PREFIX: &'static str = "ed25519:";

    /// A key from its 32 bytes.
    ///
    /// # Errors
    /// `Malformed` if they are no point of the curve, a point of small order, or a second encoding of a point.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .ok()
            .filter(|key| !key.is_weak() && is_reduced(bytes))
            .map(Self)
            .ok_or_else(|| Error::Malformed { object: "public key".into(), reason: "not an acceptable ed25519 key".into() })
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Checks a signature of [`SigningKey::sign_message`].
    ///
    /// # Errors
    /// `Signature` if it is not exactly this key's signature of this message.
    pub fn verify_message(&self, domain: &str, bytes: &[u8], sig: &[u8]) -> Result<()> {
        ed25519_dalek::Signature::from_slice(sig)
            .and_then(|sig| self.0.verify_strict(&message(domain, bytes), &sig))
            .map_err(|_| Error::Signature { object: domain.into(), reason: format!("the signature does not verify under {self}") })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = text.strip_prefix(Self::PREFIX).and_then(parse_hex).ok_or_else(|| Error::Malformed {
            object: "public key".into(),
            reason: "expected `ed25519:` and 64 lower-case hex digits".into(),
        })?;
        Self::from_bytes(&bytes)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn message(domain: &str, bytes: &[u8]) -> Vec<u8> {
    debug_assert!(!domain.contains('\0'), "a zero byte ends the domain");
    [domain.as_bytes(), &[0], bytes].concat()
}

/// Whether the y coordinate is below p = 2^255 - 19 (RFC 8032 section 5.1.3 demands it, many libraries do not).
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    y.iter().rev().lt(p.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_second_encodings_of_keys_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        assert!(PublicKey::from_bytes(&one).is_err(), "neutral element");
        assert!(PublicKey::from_bytes(&[0; 32]).is_err(), "order 4");
        let mut p_plus = [0xff; 32];
        p_plus[31] = 0x7f;
        for low in 0xed..=0xff {
            p_plus[0] = low;
            assert!(PublicKey::from_bytes(&p_plus).is_err(), "{low:x}");
        }
        assert!("ed25519:00".parse::<PublicKey>().is_err());
    }

    #[test]
    fn rfc_8032_test_1() {
        let seed = parse_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::from_bytes(&seed);
        assert_eq!(key.public().to_string(), "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(*key.to_bytes(), seed);
        assert_eq!(format!("{key:?}"), "SigningKey");
        let sig = key.sign_message("d", b"m");
        key.public().verify_message("d", b"m", &sig).unwrap();
        assert!(key.public().verify_message("d", b"n", &sig).is_err());
        assert!(key.public().verify_message("e", b"m", &sig).is_err());
        assert!(key.public().verify_message("d", b"m", &sig[..63]).is_err());
    }
}
