//! Keys of both suites: what they sign is always tagged with a domain.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use rand::CryptoRng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{Algorithm, sm2};
use crate::canonical::parse_hex;
use crate::suite::{Suite, suite};
use crate::{Error, Result};

/// A secret signing key; wiped when dropped.
pub struct SigningKey(Secret);

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    Sm2(::sm2::SecretKey),
}

impl SigningKey {
    /// A fresh key of this process's suite.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::generate_of(suite(), rng)
    }

    /// A fresh key of a suite.
    pub fn generate_of<R: CryptoRng + ?Sized>(suite: Suite, rng: &mut R) -> Self {
        loop {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut seed[..]);
            // one seed in 2^32 is no key of SM2
            if let Ok(key) = Self::of_suite(suite, &seed) {
                return key;
            }
        }
    }

    /// The Ed25519 key of a 32-byte seed (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// The key of a suite with these 32 bytes: a seed of Ed25519, or the number of SM2, big-endian.
    ///
    /// # Errors
    /// `Malformed` for a number outside of [1, n-2].
    pub fn of_suite(suite: Suite, bytes: &[u8; 32]) -> Result<Self> {
        match suite {
            Suite::Standard => Ok(Self::from_bytes(bytes)),
            Suite::Gm => sm2::secret(bytes)
                .map(|secret| Self(Secret::Sm2(secret)))
                .ok_or_else(|| Error::Malformed { object: "signing key".into(), reason: "not in the range of SM2".into() }),
        }
    }

    /// The same key once more, for another owner inside this process.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(match &self.0 {
            Secret::Ed25519(key) => Secret::Ed25519(key.clone()),
            Secret::Sm2(key) => Secret::Sm2(key.clone()),
        })
    }

    /// The 32 bytes, for storage under encryption.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        match &self.0 {
            Secret::Ed25519(key) => Zeroizing::new(*key.as_bytes()),
            Secret::Sm2(key) => sm2::secret_bytes(key),
        }
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Secret::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Secret::Sm2(key) => Public::Sm2(key.public_key()),
        })
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Secret::Ed25519(_) => Algorithm::Ed25519,
            Secret::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// Signs `domain` || 0x00 || `bytes`. For session binding and the audit log; documents go through [`Signed`](super::Signed).
    #[must_use]
    pub fn sign_message(&self, domain: &str, bytes: &[u8]) -> [u8; 64] {
        let message = message(domain, bytes);
        match &self.0 {
            Secret::Ed25519(key) => key.sign(&message).to_bytes(),
            Secret::Sm2(key) => sm2::sign(key, &message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A verification key, written `ed25519:<64 lower-case hex digits>` or `sm2:04<x><y>` (130 digits).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    Sm2(::sm2::PublicKey),
}

impl PublicKey {
    /// What stands before the digits of an Ed25519 key.
    pub const PREFIX: &'static str = "ed25519:";

    /// What stands before the digits of an SM2 key.
    pub const SM2: &'static str = "sm2:";

    /// An Ed25519 key from its 32 bytes.
    ///
    /// # Errors
    /// `Malformed` if they are no point of the curve, a point of small order, or a second encoding of a point.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .ok()
            .filter(|key| !key.is_weak() && is_reduced(bytes))
            .map(|key| Self(Public::Ed25519(key)))
            .ok_or_else(|| Error::Malformed { object: "public key".into(), reason: "not an acceptable ed25519 key".into() })
    }

    /// The suite that it belongs to.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.0 {
            Public::Ed25519(_) => Suite::Standard,
            Public::Sm2(_) => Suite::Gm,
        }
    }

    /// How its owner signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Public::Ed25519(_) => Algorithm::Ed25519,
            Public::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// Its bytes: 32 of Ed25519, `04`, x and y of SM2.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Public::Ed25519(key) => key.as_bytes().to_vec(),
            Public::Sm2(key) => sm2::point(key).to_vec(),
        }
    }

    /// Checks a signature of [`SigningKey::sign_message`].
    ///
    /// # Errors
    /// `Signature` if it is not exactly this key's signature of this message.
    pub fn verify_message(&self, domain: &str, bytes: &[u8], sig: &[u8]) -> Result<()> {
        let message = message(domain, bytes);
        let is_good = match &self.0 {
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(sig).is_ok_and(|sig| key.verify_strict(&message, &sig).is_ok()),
            Public::Sm2(key) => sm2::is_signature(key, &message, sig),
        };
        if is_good {
            Ok(())
        } else {
            Err(Error::Signature { object: domain.into(), reason: format!("the signature does not verify under {self}") })
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.0 {
            Public::Ed25519(_) => Self::PREFIX,
            Public::Sm2(_) => Self::SM2,
        };
        write!(f, "{prefix}{}", hex::encode(self.to_bytes()))
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
        let bad = |reason: &str| Error::Malformed { object: "public key".into(), reason: reason.into() };
        if let Some(digits) = text.strip_prefix(Self::SM2) {
            return parse_hex(digits)
                .and_then(|bytes| sm2::public(&bytes))
                .map(|key| Self(Public::Sm2(key)))
                .ok_or_else(|| bad("expected `sm2:04` and the 128 lower-case hex digits of a point of the curve"));
        }
        let bytes = text.strip_prefix(Self::PREFIX).and_then(parse_hex);
        Self::from_bytes(&bytes.ok_or_else(|| bad("expected `ed25519:` and 64 lower-case hex digits, or `sm2:` and 130"))?)
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

    #[test]
    fn d12_sm2_keys_are_written_in_one_way_and_sign_under_a_domain() {
        let key = SigningKey::of_suite(Suite::Gm, &[7; 32]).unwrap();
        let (public, again) = (key.public(), key.duplicate());
        assert_eq!((key.algorithm(), public.algorithm(), public.suite()), (Algorithm::Sm2, Algorithm::Sm2, Suite::Gm));
        assert_eq!((*key.to_bytes(), again.public()), ([7; 32], public));
        let text = public.to_string();
        assert!(text.starts_with("sm2:04") && text.len() == 134);
        assert_eq!(text.parse::<PublicKey>().unwrap(), public);
        for bad in [text.to_uppercase(), text.replace("sm2:04", "sm2:02"), text.replace("sm2:", "ed25519:"), text[..133].into()] {
            assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
        }
        let sig = key.sign_message("d", b"m");
        public.verify_message("d", b"m", &sig).unwrap();
        assert!(public.verify_message("d", b"n", &sig).is_err());
        assert!(public.verify_message("e", b"m", &sig).is_err());
        assert!(public.verify_message("d", b"m", &sig[..63]).is_err());
        assert!(SigningKey::from_bytes(&[7; 32]).public().verify_message("d", b"m", &sig).is_err());
        assert!(SigningKey::of_suite(Suite::Gm, &[0; 32]).is_err());
    }
}
