//! Signed documents: canonical JSON (RFC 8785) under Ed25519, named by the hash of what was signed.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::crypto::sha256;
use crate::fault::{Fault, Result, malformed};

/// A document that is signed: its domain keeps signatures of one kind from standing under another.
pub trait Document: Serialize + DeserializeOwned {
    /// Domain of hash and signature: what it is, and the version of its form.
    const DOMAIN: &'static str;
    /// What it is, for messages.
    const NAME: &'static str;
    /// Most bytes that a file of it may have.
    const MOST_BYTES: usize;

    /// What must hold of the content, beyond its form.
    ///
    /// # Errors
    /// What does not.
    fn check(&self) -> Result<()>;

    /// The canonical form.
    ///
    /// # Errors
    /// `format.malformed` where a number cannot be written canonically.
    fn canonical(&self) -> Result<Vec<u8>> {
        serde_json_canonicalizer::to_vec(self).map_err(|_| malformed(Self::NAME, "cannot be written in canonical form"))
    }

    /// The name of this document: SHA-256 over its domain and canonical form.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    fn hash(&self) -> Result<[u8; 32]> {
        Ok(sha256(&[Self::DOMAIN.as_bytes(), &[0], &self.canonical()?]))
    }
}

/// A document with its signature, as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    algorithm: String,
    key: String,
    signature: String,
    document: T,
}

/// The only algorithm so far; the field stands in every file so that another can come.
const ALGORITHM: &str = "ed25519";

/// Signs a document.
///
/// # Errors
/// What [`Document::check`] refuses is not signed.
pub fn sign<T: Document>(document: T, key: &SigningKey) -> Result<Vec<u8>> {
    document.check()?;
    let signature = key.sign(&document.hash()?);
    let file = File {
        algorithm: ALGORITHM.to_owned(),
        key: hex::encode(key.verifying_key().as_bytes()),
        signature: hex::encode(signature.to_bytes()),
        document,
    };
    serde_json_canonicalizer::to_vec(&file).map_err(|_| malformed(T::NAME, "cannot be written in canonical form"))
}

/// The document in a file, its signature not looked at: where it is known by its hash already.
///
/// # Errors
/// `signed.length`, `format.malformed`.
pub fn content<T: Document>(bytes: &[u8]) -> Result<T> {
    Ok(read::<T>(bytes)?.document)
}

fn read<T: Document>(bytes: &[u8]) -> Result<File<T>> {
    if bytes.len() > T::MOST_BYTES {
        let most = T::MOST_BYTES;
        return Err(Fault::new("signed.length", T::NAME, format!("more than {most} bytes"), format!("超过 {most} 字节")));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| malformed(T::NAME, format!("not the JSON of this document (line {}, column {})", error.line(), error.column())))
}

/// Reads a signed document, checks the signature against the keys that this node trusts, and then the content.
///
/// # Errors
/// `signed.length`, `format.malformed`, `signed.algorithm`, `signed.key` (a signer that is not trusted),
/// `signed.signature`, and what [`Document::check`] refuses.
pub fn open<T: Document>(bytes: &[u8], trusted: &[[u8; 32]]) -> Result<T> {
    let file: File<T> = read(bytes)?;
    if file.algorithm != ALGORITHM {
        return Err(Fault::new("signed.algorithm", T::NAME, "a signature algorithm other than ed25519", "签名算法不是 ed25519"));
    }
    let mut key = [0; 32];
    let mut signature = [0; 64];
    hex::decode_to_slice(&file.key, &mut key).map_err(|_| malformed(T::NAME, "a key that is no 32 bytes in hexadecimal"))?;
    hex::decode_to_slice(&file.signature, &mut signature)
        .map_err(|_| malformed(T::NAME, "a signature that is no 64 bytes in hexadecimal"))?;
    if !trusted.contains(&key) {
        return Err(Fault::new(
            "signed.key",
            T::NAME,
            format!("signed by {}, a key that this node does not trust for it", file.key),
            format!("由 {} 签署，本节点不信任该密钥", file.key),
        )
        .remedy("ask who signed it; add the key to the trusted ones if it is right", "请核实签署者；确认无误后将其密钥加入信任列表"));
    }
    let verifying = VerifyingKey::from_bytes(&key).map_err(|_| malformed(T::NAME, "a key that is no point"))?;
    verifying
        .verify_strict(&file.document.hash()?, &Signature::from_bytes(&signature))
        .map_err(|_| Fault::new("signed.signature", T::NAME, "the signature does not verify: it was changed", "签名无效：内容被改动"))?;
    file.document.check()?;
    Ok(file.document)
}
