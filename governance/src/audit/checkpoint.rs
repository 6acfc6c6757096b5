//! Signed checkpoints: the node states "my log has these leaves and this root".
//!
//! A checkpoint lists the leaf hashes that are new since the one before, so that a peer that follows the log can extend its own
//! copy of the tree and needs no entry, and so that verification can name the entry that was changed.

use serde::{Deserialize, Serialize};

use super::merkle::Digest;
use super::verify::Fault;
use crate::canonical::{digest_with, from_canonical, to_canonical, u64_string};
use crate::clock::Time;
use crate::id::PartyName;
use crate::sign::{Algorithm, PublicKey, SignatureBytes, SigningKey};
use crate::suite::HashAlgorithm;
use crate::{Error, Result};

/// Domain of a checkpoint's signature and hash.
pub(super) const DOMAIN: &str = "yu-checkpoint-v1";

/// How much of `countersignatures.jsonl` a checkpoint covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// Lines.
    #[serde(with = "u64_string")]
    pub count: u64,
    /// Leaf hash of the last of them; zeros if there is none.
    pub last: Digest,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Hash algorithm of leaves, root and chain.
    pub alg: HashAlgorithm,
    /// Countersignatures that had arrived.
    pub countersignatures: Covered,
    /// Index of the first new leaf: the size of the checkpoint before.
    #[serde(with = "u64_string")]
    pub first: u64,
    /// Leaf hashes from `first` on.
    pub leaves: Vec<Digest>,
    /// Whose log this is.
    pub node: PartyName,
    /// Hash of the checkpoint before; zeros in the first.
    pub previous: Digest,
    /// RFC 9162 root over all `size` leaves.
    pub root: Digest,
    /// Entries in the log.
    #[serde(with = "u64_string")]
    pub size: u64,
    /// When, by the node's clock.
    pub time: Time,
}

impl Checkpoint {
    /// Hash of the very bytes that are signed: how countersignatures and the next checkpoint cite this one.
    ///
    /// # Errors
    /// None in practice: every checkpoint has a canonical form.
    pub fn hash(&self) -> Result<Digest> {
        Ok(Digest(*digest_with(self.alg, DOMAIN, &to_canonical(self)?).as_bytes()))
    }
}

/// The signature of the node whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSignature {
    /// How it was made.
    pub alg: Algorithm,
    /// The key that the log's first entry states.
    pub key: PublicKey,
    /// Over `yu-checkpoint-v1` 0x00 canonical checkpoint.
    pub sig: SignatureBytes,
}

/// One line of `checkpoints.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// By the node itself.
    pub signature: CheckpointSignature,
}

impl SignedCheckpoint {
    pub(super) fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Result<Self> {
        let sig = SignatureBytes(key.sign_message(DOMAIN, &to_canonical(&checkpoint)?));
        Ok(Self { checkpoint, signature: CheckpointSignature { alg: key.algorithm(), key: key.public(), sig } })
    }

    /// Reads one line (without its newline). Says nothing about the signature.
    ///
    /// # Errors
    /// `Malformed` unless it is canonical.
    pub fn parse(line: &[u8]) -> Result<Self> {
        from_canonical(line)
    }

    /// Reads one line and checks its signature under the stated key, with one pass over the leaves: the signed bytes are a part
    /// of the line. Gives the hash as well.
    pub(super) fn open(line: &[u8]) -> std::result::Result<(Self, Digest), Fault> {
        let signed: Self = serde_json::from_slice(line).map_err(|_| Fault::Malformed)?;
        let message = to_canonical(&signed.checkpoint).map_err(|_| Fault::Malformed)?;
        let signature = to_canonical(&signed.signature).map_err(|_| Fault::Malformed)?;
        if [br#"{"checkpoint":"#, &message[..], br#","signature":"#, &signature, b"}"].concat() != line {
            return Err(Fault::Malformed);
        }
        signed.is_of_one_suite().map_err(|_| Fault::Signature)?;
        let CheckpointSignature { key, sig, .. } = &signed.signature;
        key.verify_message(DOMAIN, &message, &sig.0).map_err(|_| Fault::Signature)?;
        let hash = Digest(*digest_with(signed.checkpoint.alg, DOMAIN, &message).as_bytes());
        Ok((signed, hash))
    }

    /// The line without its newline.
    ///
    /// # Errors
    /// None in practice: every checkpoint has a canonical form.
    pub fn to_line(&self) -> Result<Vec<u8>> {
        to_canonical(self)
    }

    /// Key, signature and hashes belong together.
    fn is_of_one_suite(&self) -> Result<()> {
        let CheckpointSignature { alg, key, .. } = &self.signature;
        if *alg == key.algorithm() && self.checkpoint.alg == key.suite().hash() {
            return Ok(());
        }
        let object = format!("checkpoint of {}", self.checkpoint.node);
        Err(Error::Signature { object, reason: "its key, signature and hashes are of different suites".into() })
    }

    /// Checks the signature under the stated key. Whether that key is the log's is the caller's question.
    ///
    /// # Errors
    /// `Signature` if it does not verify.
    pub fn verify_signature(&self) -> Result<()> {
        self.is_of_one_suite()?;
        self.signature.key.verify_message(DOMAIN, &to_canonical(&self.checkpoint)?, &self.signature.sig.0)
    }

    /// Checks the signature under the key that the node is known to have.
    ///
    /// # Errors
    /// `Signature` if it was made with another key or does not verify.
    pub fn verify(&self, key: &PublicKey) -> Result<&Checkpoint> {
        if self.signature.key != *key {
            let object = format!("checkpoint of {}", self.checkpoint.node);
            return Err(Error::Signature { object, reason: "signed with another key than the node's".into() });
        }
        self.verify_signature()?;
        Ok(&self.checkpoint)
    }
}
