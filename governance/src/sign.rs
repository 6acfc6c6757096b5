//! Signatures over typed, canonical documents: Ed25519, or SM2 in a domain of the national suite.
//!
//! What is signed is `yu-signed-v1` 0x00 `TYPE` 0x00 canonical JSON: a signature under one type of document never fits another.
//! Verification is strict (no weak keys, no second encoding of a key or signature), so that every verifier gives the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::{parse_hex, to_canonical};
use crate::{Error, Result};

mod key;
mod sm2;

pub use key::{PublicKey, SigningKey};

/// Domain of [`Signed`] documents.
const SIGNED: &str = "yu-signed-v1";

/// Signature algorithms that this version knows; every signature names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 8032, verified strictly.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// GB/T 32918.2, with the user id 1234567812345678.
    #[serde(rename = "sm2")]
    Sm2,
}

/// 64 signature bytes, written as 128 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureBytes(pub [u8; 64]);

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for SignatureBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for SignatureBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).map(Self).ok_or_else(|| D::Error::custom("expected 128 lower-case hex digits"))
    }
}

/// One signature with its signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// How it was made.
    pub alg: Algorithm,
    /// The key it verifies under; counts only if the key ring holds it for `signer`.
    pub key: PublicKey,
    /// Who signed, for example `yu://dev/health/node1`.
    pub signer: String,
    /// The signature itself.
    pub sig: SignatureBytes,
}

/// A document that may be signed.
pub trait SignedType: Serialize {
    /// Its type as stated in the signed bytes; no two types share one, it holds no 0x00 and changes with the meaning of a field.
    const TYPE: &'static str;
}

/// A document with the signatures under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<T> {
    /// What was signed. Trust it only as returned by [`Signed::verify`].
    pub payload: T,
    /// In the order in which they were added; not part of what is signed.
    pub signatures: Vec<Signature>,
}

impl<T: SignedType> Signed<T> {
    /// A document that nobody has signed yet.
    #[must_use]
    pub const fn unsigned(payload: T) -> Self {
        Self { payload, signatures: Vec::new() }
    }

    /// Signs a document as its first signer.
    ///
    /// # Errors
    /// `Malformed` if the document has no canonical form.
    pub fn sign(payload: T, signer: &str, key: &SigningKey) -> Result<Self> {
        let mut signed = Self::unsigned(payload);
        signed.add_signature(signer, key)?;
        Ok(signed)
    }

    /// Adds one more signature; a signer that has signed already is left as it is.
    ///
    /// # Errors
    /// `Malformed` if the document has no canonical form.
    pub fn add_signature(&mut self, signer: &str, key: &SigningKey) -> Result<()> {
        let sig = SignatureBytes(key.sign_message(SIGNED, &typed(&self.payload)?));
        if !self.signatures.iter().any(|s| s.signer == signer) {
            self.signatures.push(Signature { alg: key.algorithm(), key: key.public(), signer: signer.into(), sig });
        }
        Ok(())
    }

    /// Takes over a signature that a peer made of the same document, after checking it.
    ///
    /// # Errors
    /// `Signature` if it does not verify under the key ring.
    pub fn merge_signature(&mut self, signature: Signature, ring: &KeyRing) -> Result<()> {
        check(&signature, ring, T::TYPE, &typed(&self.payload)?)?;
        if !self.signatures.iter().any(|s| s.signer == signature.signer) {
            self.signatures.push(signature);
        }
        Ok(())
    }

    /// The document, if every signature under it verifies, none is repeated, and all `required` signers are among them.
    ///
    /// # Errors
    /// `Signature` naming the first signer that is unknown, repeated, missing, or whose signature does not verify.
    pub fn verify(&self, ring: &KeyRing, required: &[&str]) -> Result<&T> {
        let bytes = typed(&self.payload)?;
        let mut seen = BTreeSet::new();
        for signature in &self.signatures {
            check(signature, ring, T::TYPE, &bytes)?;
            if !seen.insert(signature.signer.as_str()) {
                return Err(refused(T::TYPE, format!("`{}` signed twice", signature.signer)));
            }
        }
        match required.iter().find(|name| !seen.contains(**name)) {
            Some(name) => Err(refused(T::TYPE, format!("the signature of `{name}` is missing"))),
            None if seen.is_empty() => Err(refused(T::TYPE, "nobody has signed")),
            None => Ok(&self.payload),
        }
    }

    /// Whether `signer` is among the signers; says nothing about validity.
    #[must_use]
    pub fn names(&self, signer: &str) -> bool {
        self.signatures.iter().any(|s| s.signer == signer)
    }
}

/// Who signs with which key: names such as `yu://dev/health/node1`. One key per name and one name per key, all of one suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<String, PublicKey>);

impl KeyRing {
    /// An empty ring: nothing verifies.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Binds a key to a name.
    ///
    /// # Errors
    /// `Refused` if the name has another key, or the key another name (one signer would pass for two), or if the key is of another
    /// suite than those that are here.
    pub fn insert(&mut self, name: &str, key: PublicKey) -> Result<()> {
        if let Some((other, known)) = self.0.iter().find(|(other, known)| (other.as_str() == name) != (**known == key)) {
            let what = if known == &key { format!("`{name}` and `{other}` share a key") } else { format!("`{name}` has another key") };
            return Err(Error::Refused { code: "keyring.conflict", what });
        }
        if let Some((other, known)) = self.0.iter().find(|(_, known)| known.suite() != key.suite()) {
            let what = format!("the key of `{name}` is of the suite `{}`, that of `{other}` of `{}`", key.suite(), known.suite());
            return Err(Error::Refused { code: "keyring.suite", what });
        }
        self.0.insert(name.into(), key);
        Ok(())
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The key of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PublicKey> {
        self.0.get(name)
    }

    /// All names with their keys, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.0.iter().map(|(name, key)| (name.as_str(), key))
    }
}

fn check(signature: &Signature, ring: &KeyRing, object: &str, bytes: &[u8]) -> Result<()> {
    let signer = &signature.signer;
    let key = ring.get(signer).ok_or_else(|| refused(object, format!("unknown signer `{signer}`")))?;
    if key != &signature.key {
        return Err(refused(object, format!("signed with another key than that of `{signer}`")));
    }
    if signature.alg != key.algorithm() {
        return Err(refused(object, format!("the signature of `{signer}` names another algorithm than its key")));
    }
    key.verify_message(SIGNED, bytes, &signature.sig.0).map_err(|_| refused(object, format!("the signature of `{signer}` does not verify")))
}

fn typed<T: SignedType>(payload: &T) -> Result<Vec<u8>> {
    Ok([T::TYPE.as_bytes(), &[0], &to_canonical(payload)?].concat())
}

fn refused(object: &str, reason: impl Into<String>) -> Error {
    Error::Signature { object: object.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::from_canonical;
    use crate::suite::Suite;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Letter {
        text: String,
    }
    impl SignedType for Letter {
        const TYPE: &'static str = "letter-v1";
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        text: String,
    }
    impl SignedType for Order {
        const TYPE: &'static str = "order-v1";
    }

    const A: &str = "yu://dev/health/node1";
    const B: &str = "yu://dev/bank/node1";

    fn keys() -> (SigningKey, SigningKey, KeyRing) {
        let (a, b) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut ring = KeyRing::new();
        ring.insert(A, a.public()).unwrap();
        ring.insert(B, b.public()).unwrap();
        (a, b, ring)
    }

    fn letter() -> Letter {
        Letter { text: "你好".into() }
    }

    #[test]
    fn several_signers_and_a_round_trip() {
        let (a, b, ring) = keys();
        let mut signed = Signed::sign(letter(), A, &a).unwrap();
        assert_eq!(signed.verify(&ring, &[A]).unwrap(), &letter());
        assert!(signed.verify(&ring, &[A, B]).unwrap_err().to_string().contains(B));
        signed.add_signature(B, &b).unwrap();
        signed.add_signature(B, &b).unwrap();
        assert_eq!(signed.signatures.len(), 2);
        signed.verify(&ring, &[A, B]).unwrap();
        let bytes = to_canonical(&signed).unwrap();
        assert_eq!(from_canonical::<Signed<Letter>>(&bytes).unwrap(), signed);
        let mut other = Signed::unsigned(letter());
        other.merge_signature(signed.signatures[1].clone(), &ring).unwrap();
        other.verify(&ring, &[B]).unwrap();
    }

    #[test]
    fn anything_else_is_refused() {
        let (a, b, ring) = keys();
        let signed = Signed::sign(letter(), A, &a).unwrap();
        let order = Signed { payload: Order { text: "你好".into() }, signatures: signed.signatures.clone() };
        assert!(order.verify(&ring, &[]).is_err(), "another type");
        let altered = Signed { payload: Letter { text: "你好!".into() }, ..signed.clone() };
        assert!(altered.verify(&ring, &[]).is_err(), "another text");
        let mut renamed = signed.clone();
        renamed.signatures[0].signer = B.into();
        assert!(renamed.verify(&ring, &[]).is_err(), "another signer");
        let mut twice = signed.clone();
        twice.signatures.push(signed.signatures[0].clone());
        assert!(twice.verify(&ring, &[]).is_err(), "repeated");
        assert!(Signed::unsigned(letter()).verify(&ring, &[]).is_err(), "nobody");
        assert!(Signed::sign(letter(), A, &b).unwrap().verify(&ring, &[]).is_err(), "wrong key");
        assert!(signed.verify(&KeyRing::new(), &[]).is_err(), "unknown signer");
        for bit in 0..512 {
            let mut flipped = signed.clone();
            flipped.signatures[0].sig.0[bit / 8] ^= 1 << (bit % 8);
            assert!(flipped.verify(&ring, &[]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn one_key_per_name_and_one_name_per_key() {
        let (a, b, mut ring) = keys();
        ring.insert(A, a.public()).unwrap();
        assert!(ring.insert(A, b.public()).is_err());
        assert!(ring.insert("yu://dev/other/node1", a.public()).is_err());
    }

    #[test]
    fn d12_documents_are_signed_with_sm2_and_the_suites_do_not_mix() {
        let key = |n| SigningKey::of_suite(Suite::Gm, &[n; 32]).unwrap();
        let (a, b) = (key(1), key(2));
        let mut ring = KeyRing::new();
        ring.insert(A, a.public()).unwrap();
        ring.insert(B, b.public()).unwrap();
        let mut signed = Signed::sign(letter(), A, &a).unwrap();
        signed.add_signature(B, &b).unwrap();
        signed.verify(&ring, &[A, B]).unwrap();
        let bytes = to_canonical(&signed).unwrap();
        assert!(String::from_utf8(bytes.clone()).unwrap().contains(r#""alg":"sm2""#));
        assert_eq!(from_canonical::<Signed<Letter>>(&bytes).unwrap(), signed);
        let order = Signed { payload: Order { text: "你好".into() }, signatures: signed.signatures.clone() };
        assert!(order.verify(&ring, &[]).is_err(), "another type");
        let altered = Signed { payload: Letter { text: "你好!".into() }, ..signed.clone() };
        assert!(altered.verify(&ring, &[]).is_err(), "another text");
        let mut renamed = signed.clone();
        renamed.signatures[0].alg = Algorithm::Ed25519;
        assert!(renamed.verify(&ring, &[]).unwrap_err().to_string().contains("another algorithm"));
        // a ring of one suite never takes a key of the other, and never a signature of it
        let (old, _, mut standard) = keys();
        let error = standard.insert("yu://dev/third/node1", a.public()).unwrap_err().to_string();
        assert!(error.contains("`gm`") && error.contains("`standard`"), "{error}");
        assert!(ring.insert("yu://dev/third/node1", old.public()).is_err());
        assert!(signed.verify(&standard, &[]).is_err());
        assert!(Signed::sign(letter(), A, &old).unwrap().verify(&ring, &[]).is_err());
    }
}
