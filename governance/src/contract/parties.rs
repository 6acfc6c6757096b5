//! Who takes part in a job, where they stand and who controls them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::PartyName;

/// What a party does in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Brings data.
    Input,
    /// Holds shares and computes.
    Computing,
    /// Receives the result after review.
    Result,
    /// Reviews the held result (待审结果); never computes.
    Reviewer,
}

impl Role {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Computing => "computing",
            Self::Result => "result",
            Self::Reviewer => "reviewer",
        }
    }
}

/// Whether a party stands in the authorised operation domain (D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// Inside the domain.
    Inside,
    /// Outside; may compute only by a signed decision of the authority.
    Outside,
}

impl Zone {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
        }
    }
}

/// One party of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its node.
    pub name: PartyName,
    /// What it does, sorted, each once.
    pub roles: Vec<Role>,
    /// Where it stands.
    pub zone: Zone,
    /// Who controls it in the end: two parties under one controller count as one when they collude.
    pub controller: String,
}

impl Party {
    /// Whether it has the role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A public key to which results are sealed (HPKE, X25519): 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealTo([u8; 32]);

impl SealTo {
    /// From the 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for SealTo {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        crate::canonical::parse_hex(&text)
            .map(Self)
            .ok_or_else(|| Error::Malformed { object: "seal key".into(), reason: "expected 64 lower-case hex digits".into() })
    }
}

impl From<SealTo> for String {
    fn from(key: SealTo) -> Self {
        hex::encode(key.0)
    }
}

/// A party with the key that its result is sealed to. The key stands in the signed contract, so that nobody can have
/// the result re-encrypted to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The party.
    pub party: PartyName,
    /// Its sealing key.
    pub seal: SealTo,
}
