//! The suite of algorithms of a domain (密码套件): `standard` (Ed25519, SHA-256) or `gm`, the national one (SM2, SM3, SM4).
//!
//! A domain is of one suite. Which one a process makes is decided once, when it starts, before anything is hashed or signed.
//! Checking does not ask the process: a document says how it was made, by the `alg` of its signatures, by the prefix of its
//! hashes and keys, and by the `alg` of every line of a log; a key ring takes keys of one suite only.
//!
//! Hashes and curves inside the protocols (set intersection over Ristretto, seeds stretched with AES, masks of secure
//! aggregation) are not part of a suite: see `docs/level3.md`.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sm3::Sm3;

use crate::{Error, Result};

/// What this process makes; the standard suite as long as nobody has chosen.
static CHOSEN: OnceLock<Suite> = OnceLock::new();

/// A suite of algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// Ed25519, SHA-256, AES-256-GCM, X25519.
    #[default]
    Standard,
    /// National cryptography (国密): SM2 (GB/T 32918), SM3 (GB/T 32905), SM4-GCM (GB/T 32907, GB/T 36624).
    Gm,
}

impl Suite {
    /// The word in `node.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Gm => "gm",
        }
    }

    /// The hash of its documents and logs.
    #[must_use]
    pub const fn hash(self) -> HashAlgorithm {
        match self {
            Self::Standard => HashAlgorithm::Sha256,
            Self::Gm => HashAlgorithm::Sm3,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Suite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "standard" => Ok(Self::Standard),
            "gm" => Ok(Self::Gm),
            _ => Err(Error::Malformed { object: "crypto".into(), reason: "expected `standard` or `gm`".into() }),
        }
    }
}

/// Decides once for the process. Saying the same again is no error.
///
/// # Errors
/// `Refused` with `suite.chosen` if another one was chosen before.
pub fn choose(suite: Suite) -> Result<()> {
    let chosen = *CHOSEN.get_or_init(|| suite);
    if chosen == suite {
        Ok(())
    } else {
        Err(Error::Refused { code: "suite.chosen", what: format!("this process works with the suite `{chosen}`, not `{suite}`") })
    }
}

/// What this process makes.
#[must_use]
pub fn suite() -> Suite {
    CHOSEN.get().copied().unwrap_or_default()
}

/// A hash algorithm, as lines of a log and hashes name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4).
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
    /// SM3 (GB/T 32905-2016).
    #[serde(rename = "sm3")]
    Sm3,
}

impl HashAlgorithm {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sm3 => "sm3",
        }
    }

    /// Hash of the parts, one after the other.
    #[must_use]
    pub fn of(self, parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Sha256 => parts.iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part)).finalize().into(),
            Self::Sm3 => parts.iter().fold(Sm3::new(), |hasher, part| hasher.chain_update(part)).finalize().into(),
        }
    }

    /// The default is left out where a field was added to an older format.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_sm3_of_the_standards_examples() {
        // GB/T 32905-2016, annex A.1 and A.2
        let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        let long = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732";
        assert_eq!(hex::encode(HashAlgorithm::Sm3.of(&[b"abc"])), abc);
        assert_eq!(hex::encode(HashAlgorithm::Sm3.of(&[b"a", b"", b"bc"])), abc);
        assert_eq!(hex::encode(HashAlgorithm::Sm3.of(&["abcd".repeat(16).as_bytes()])), long);
    }

    #[test]
    fn d12_a_process_is_of_one_suite() {
        // the tests of this crate are of the standard suite; nothing else may be chosen behind their back
        choose(Suite::Standard).unwrap();
        choose(Suite::Standard).unwrap();
        let error = choose(Suite::Gm).unwrap_err().to_string();
        assert!(error.contains("`standard`") && error.contains("`gm`"), "{error}");
        assert_eq!(suite(), Suite::Standard);
        for suite in [Suite::Standard, Suite::Gm] {
            assert_eq!(suite.as_str().parse::<Suite>().unwrap(), suite);
        }
        assert!("GM".parse::<Suite>().is_err());
    }
}
