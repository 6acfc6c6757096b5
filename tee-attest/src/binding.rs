//! Evidence bound to one session: what the code inside must have put into its report data.

use serde::{Deserialize, Serialize};

use crate::crypto::{sha256, sha512};
use crate::fault::{Fault, Result};

/// Domain of the hash: protocol and version.
const DOMAIN: &[u8] = b"yu attested session 1";

/// Which side of the session made the evidence: stops reflection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The side that opened the connection.
    Initiator,
    /// The side that accepted it.
    Responder,
}

/// Everything that a piece of evidence is bound to. All fields are public values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Role of the side that made the evidence.
    pub role: Role,
    /// SHA-256 of the public key (SubjectPublicKeyInfo) in the attester's own leaf certificate.
    #[serde(with = "hex::serde")]
    pub own_leaf: [u8; 32],
    /// The same of the verifier's.
    #[serde(with = "hex::serde")]
    pub peer_leaf: [u8; 32],
    /// Keying material exported from the TLS session (RFC 8446, 7.5), 32 bytes. No exporter, no session.
    #[serde(with = "hex::serde")]
    pub exporter: [u8; 32],
    /// Nonce of the attester.
    #[serde(with = "hex::serde")]
    pub own_nonce: [u8; 32],
    /// Nonce of the verifier: freshness.
    #[serde(with = "hex::serde")]
    pub peer_nonce: [u8; 32],
    /// The HPKE public key (X25519) that the measured code made for this session; data go to it only.
    #[serde(with = "hex::serde")]
    pub hpke_key: [u8; 32],
    /// The job.
    #[serde(with = "hex::serde")]
    pub job: [u8; 32],
    /// Hash of the manifest of the code that runs inside.
    #[serde(with = "hex::serde")]
    pub code: [u8; 32],
    /// Hash of the policy under which the evidence will be appraised.
    #[serde(with = "hex::serde")]
    pub policy: [u8; 32],
}

impl Session {
    /// Every field with its length before it, the domain first: no two sessions have one transcript.
    #[must_use]
    pub fn transcript(&self) -> Vec<u8> {
        let role: &[u8] = match self.role {
            Role::Initiator => b"initiator",
            Role::Responder => b"responder",
        };
        let fields: [&[u8]; 11] = [
            DOMAIN,
            role,
            &self.own_leaf,
            &self.peer_leaf,
            &self.exporter,
            &self.own_nonce,
            &self.peer_nonce,
            &self.hpke_key,
            &self.job,
            &self.code,
            &self.policy,
        ];
        let mut transcript = Vec::with_capacity(512);
        for field in fields {
            transcript.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            transcript.extend_from_slice(field);
        }
        transcript
    }

    /// SHA-512 of the transcript: report data of 64 bytes.
    #[must_use]
    pub fn report_data(&self) -> [u8; 64] {
        sha512(&[&self.transcript()])
    }

    /// SHA-256 of the transcript: where the evidence has room for 32 bytes only (TPM, NVIDIA).
    #[must_use]
    pub fn short_report_data(&self) -> [u8; 32] {
        sha256(&[&self.transcript()])
    }

    /// Nonces must differ and be no constants, and the two sides must not be one.
    ///
    /// # Errors
    /// `binding.nonce`, `binding.self`.
    pub fn check(&self) -> Result<()> {
        if self.own_nonce == self.peer_nonce || self.own_nonce == [0; 32] || self.peer_nonce == [0; 32] {
            return Err(Fault::new(
                "binding.nonce",
                "session",
                "nonces that are equal or zero: a reflection",
                "随机数相同或为零：疑似反射攻击",
            ));
        }
        if self.own_leaf == self.peer_leaf {
            return Err(Fault::new("binding.self", "session", "both sides have one key: a reflection", "双方密钥相同：疑似反射攻击"));
        }
        Ok(())
    }
}

/// What report data is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// A live session. The only binding under which keys are released.
    Session(Box<Session>),
    /// Given bytes: other protocols, tests with published evidence.
    Exact(#[serde(with = "hex::serde")] Vec<u8>),
    /// Nothing: to look at evidence. Default policies refuse it.
    None,
}

impl Binding {
    /// The name in the claim `binding`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Exact(_) => "exact",
            Self::None => "none",
        }
    }

    /// What the report data must begin with, in a field of `room` bytes.
    pub(crate) fn report_data(&self, room: usize) -> Option<Vec<u8>> {
        match self {
            Self::Session(session) if room >= 64 => Some(session.report_data().to_vec()),
            Self::Session(session) => Some(session.short_report_data().to_vec()),
            Self::Exact(bytes) => Some(bytes.clone()),
            Self::None => None,
        }
    }
}
