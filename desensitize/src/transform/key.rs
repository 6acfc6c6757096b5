//! Keys of transforms: one master per job or permit, from which every use gets a key of its own.
//!
//! A use is an algorithm, a purpose and a domain (normally the column's name). Its key is HKDF-Expand (RFC 5869, section
//! 2.3, with HMAC-SHA-256) of the master with these three; the extract step falls away because a master is 32 uniform
//! bytes. Hence pseudonyms of one purpose cannot be joined with those of another, and knowing one derived key does not help
//! with any other. Two data owners who hold the same master and name the same purpose and domain get equal
//! pseudonyms: this is what keeps separately masked tables joinable.
//!
//! Dropping a key wipes it. When the last copy of a master is gone, nothing that it encrypted can be restored and no
//! pseudonym can be computed again, by anybody.

use std::collections::BTreeMap;
use std::fmt;

use rand_chacha::rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::digest::{Hash, Hmac};
use super::refuse;
use crate::error::{Error, Result, Text};

/// The name of a key, as a permit and a policy write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// A name of 1 to 64 characters out of letters, digits, `-`, `_`, `.` and `/`.
    ///
    /// # Errors
    /// Refused: any other name.
    pub fn new(name: &str) -> Result<Self> {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(is_plain) {
            return Err(refuse::parameter(
                "transform.key_name",
                ("the name of a key is empty, too long or has unusual characters", "密钥名称为空、过长或含有特殊字符"),
                ("use 1 to 64 letters, digits, or - _ . /", "使用1至64个字母、数字或 - _ . /"),
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A master key with its name. Wiped on drop; never printed, copied or serialised.
///
/// ```compile_fail
/// fn leak(key: &yu_desensitize::transform::TransformKey) -> String { format!("{key:?}") } // no Debug
/// ```
/// ```compile_fail
/// fn copy(key: &yu_desensitize::transform::TransformKey) -> yu_desensitize::transform::TransformKey { key.clone() }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct TransformKey {
    #[zeroize(skip)]
    id: KeyId,
    // on the heap, so that moving the key leaves no copy behind
    master: Box<[u8; 32]>,
}

impl TransformKey {
    /// A key that was agreed or unwrapped elsewhere: 32 uniform bytes. The caller's copy is wiped.
    #[must_use]
    pub fn new(id: KeyId, bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { id, master: Box::new(*bytes) }
    }

    /// A fresh key.
    pub fn generate<R: CryptoRng>(id: KeyId, rng: &mut R) -> Self {
        let mut master = Box::new([0; 32]);
        rng.fill_bytes(master.as_mut_slice());
        Self { id, master }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Eight bytes that tell whether two keys of one name are equal, and nothing else about them.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 8] {
        let code = Hmac::new(Hash::Sha256, self.master.as_slice()).code(b"yu.transform/1 fingerprint");
        *code.first_chunk().unwrap_or(&[0; 8])
    }

    /// The key of one use.
    pub(super) fn derive(&self, label: &str, purpose: &str, domain: &str) -> Zeroizing<[u8; 32]> {
        let mut info = b"yu.transform/1".to_vec();
        for part in [label, purpose, domain] {
            info.extend((part.len() as u64).to_be_bytes());
            info.extend(part.as_bytes());
        }
        info.push(1);
        Zeroizing::new(Hmac::new(Hash::Sha256, self.master.as_slice()).code(&info))
    }
}

/// The keys that a permit opens, by name.
#[derive(Default)]
pub struct Keys(BTreeMap<KeyId, TransformKey>);

impl Keys {
    /// No key: enough for operators that need none.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a key; one of the same name is wiped and replaced.
    pub fn insert(&mut self, key: TransformKey) {
        self.0.insert(key.id.clone(), key);
    }

    /// Wipes a key. Whether it was there.
    pub fn destroy(&mut self, id: &KeyId) -> bool {
        self.0.remove(id).is_some()
    }

    /// The names that are there.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.keys()
    }

    /// The named key, or the only one.
    pub(super) fn get(&self, name: Option<&str>) -> Result<&TransformKey> {
        let found = match name {
            Some(name) => self.0.values().find(|key| key.id.as_str() == name),
            None if self.0.len() == 1 => self.0.values().next(),
            None => None,
        };
        found.ok_or_else(|| missing(name, self.0.len()))
    }
}

impl From<TransformKey> for Keys {
    fn from(key: TransformKey) -> Self {
        let mut keys = Self::none();
        keys.insert(key);
        keys
    }
}

fn missing(name: Option<&str>, count: usize) -> Error {
    let what = match name {
        Some(name) => Text::new(format!("the key `{name}` is not at hand"), format!("没有密钥“{name}”")),
        None if count == 0 => Text::new("the operator needs a key and none is at hand", "该操作需要密钥，但未提供任何密钥"),
        None => Text::new("several keys are at hand and the operator names none", "存在多个密钥，而操作未指明使用哪一个"),
    };
    let remedy = Text::new("open a permit that names the key, and name it in the operator", "使用载明该密钥的授权，并在操作中写明密钥名称");
    Error::refused("transform.key_missing", what, Text::new("", ""), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, byte: u8) -> TransformKey {
        TransformKey::new(KeyId::new(name).unwrap(), Zeroizing::new([byte; 32]))
    }

    #[test]
    fn every_use_has_its_key() {
        let master = key("a", 1);
        let base = master.derive("hmac", "p", "c");
        // parts do not run together
        for (label, purpose, domain) in [("hmac", "pc", ""), ("hmac", "", "pc"), ("hmacp", "", "c"), ("ff1", "p", "c"), ("hmac", "p", "d")]
        {
            assert_ne!(*base, *master.derive(label, purpose, domain));
        }
        assert_ne!(*base, *key("a", 2).derive("hmac", "p", "c"));
        assert_eq!(*base, *key("b", 1).derive("hmac", "p", "c"), "the name is no part of the key");
        assert_eq!(master.fingerprint(), key("b", 1).fingerprint());
        assert_ne!(master.fingerprint(), key("b", 2).fingerprint());
    }

    #[test]
    fn keys_are_found_by_name() {
        let mut keys = Keys::from(key("a", 1));
        assert!(keys.get(None).is_ok() && keys.get(Some("a")).is_ok());
        keys.insert(key("b", 2));
        assert_eq!(keys.get(None).err().unwrap().code(), "transform.key_missing");
        assert!(keys.destroy(&KeyId::new("a").unwrap()) && !keys.destroy(&KeyId::new("a").unwrap()));
        assert!(keys.get(Some("a")).is_err());
        assert!(KeyId::new("").is_err() && KeyId::new("a b").is_err() && KeyId::new(&"x".repeat(65)).is_err());
    }
}
