//! Countersignatures: a peer confirms "I saw this checkpoint, and it continues all that I saw of this log before".
//!
//! A peer keeps a [`Witness`] per node: the last checkpoint and the right edge of the tree, a few hundred bytes. A log that was
//! rewritten or cut back cannot produce a checkpoint that the witness accepts.

use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::merkle::{Digest, Frontier};
use crate::canonical::{from_canonical, to_canonical};
use crate::clock::Time;
use crate::id::PartyName;
use crate::sign::{PublicKey, Signature, SignatureBytes, SigningKey};
use crate::{Error, Result};

/// Domain of a countersignature.
const DOMAIN: &str = "yu-countersign-v1";

/// What the peer sends back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersignature {
    /// [`Checkpoint::hash`].
    pub checkpoint: Digest,
    /// Over `yu-countersign-v1` 0x00, the 32 bytes of `checkpoint`, the 20 characters of `time`.
    pub signature: Signature,
    /// When, by the peer's clock.
    pub time: Time,
}

impl Countersignature {
    /// Checks the signature under the stated key. Whether that key is the signer's is the caller's question.
    ///
    /// # Errors
    /// `Signature` if it does not verify.
    pub fn verify_signature(&self) -> Result<()> {
        if self.signature.alg != self.signature.key.algorithm() {
            let object = format!("countersignature of {}", self.signature.signer);
            return Err(Error::Signature { object, reason: "it names another algorithm than its key".into() });
        }
        self.signature.key.verify_message(DOMAIN, &message(&self.checkpoint, self.time), &self.signature.sig.0)
    }
}

/// One line of `countersignatures.jsonl`: the countersignature, chained to the line before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) checkpoint: Digest,
    /// Leaf hash of the line before; zeros in the first. Added by the owner of the log, not signed by the peer.
    pub(super) prev: Digest,
    pub(super) signature: Signature,
    pub(super) time: Time,
}

impl Line {
    pub(super) fn new(countersignature: &Countersignature, prev: Digest) -> Self {
        let Countersignature { checkpoint, signature, time } = countersignature.clone();
        Self { checkpoint, prev, signature, time }
    }

    pub(super) fn parse(line: &[u8]) -> Result<Self> {
        from_canonical(line)
    }

    pub(super) fn to_line(&self) -> Result<Vec<u8>> {
        to_canonical(self)
    }

    pub(super) fn countersignature(&self) -> Countersignature {
        Countersignature { checkpoint: self.checkpoint, signature: self.signature.clone(), time: self.time }
    }
}

/// What a peer remembers of one node's log. Store its JSON; it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    node: PartyName,
    key: PublicKey,
    tree: Frontier,
    last: Digest,
}

impl Witness {
    /// Nothing seen yet: the first checkpoint to accept is the log's first.
    #[must_use]
    pub fn new(node: PartyName, key: PublicKey) -> Self {
        Self { node, key, tree: Frontier::new(key.suite().hash()), last: Digest::ZERO }
    }

    /// Whose log it follows.
    #[must_use]
    pub const fn node(&self) -> &PartyName {
        &self.node
    }

    /// Entries seen through checkpoints: the node sends the checkpoints after this size.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Hash of the last accepted checkpoint; zeros before the first.
    #[must_use]
    pub const fn last(&self) -> Digest {
        self.last
    }

    /// Accepts the next checkpoint, or the last one once more. On an error nothing is changed.
    ///
    /// # Errors
    /// `Signature` if it is not the node's; `Refused` with `checkpoint.forked` if it does not continue what was seen before.
    pub fn accept(&mut self, signed: &SignedCheckpoint) -> Result<()> {
        let next = signed.verify(&self.key)?;
        let hash = next.hash()?;
        if hash == self.last {
            return Ok(());
        }
        self.tree = self.continued_by(next)?;
        self.last = hash;
        Ok(())
    }

    /// Countersigns the last accepted checkpoint.
    ///
    /// # Errors
    /// `Refused` if there is none.
    pub fn countersign(&self, signer: &PartyName, key: &SigningKey, now: Time) -> Result<Countersignature> {
        if self.last == Digest::ZERO {
            return Err(refused(&self.node, "no checkpoint was seen yet"));
        }
        let sig = SignatureBytes(key.sign_message(DOMAIN, &message(&self.last, now)));
        let signature = Signature { alg: key.algorithm(), key: key.public(), signer: signer.to_string(), sig };
        Ok(Countersignature { checkpoint: self.last, signature, time: now })
    }

    /// The tree with the new leaves, if the checkpoint continues this one.
    fn continued_by(&self, next: &Checkpoint) -> Result<Frontier> {
        if next.node != self.node {
            return Err(refused(&self.node, "it is of another node"));
        }
        if next.alg != self.key.suite().hash() {
            return Err(refused(&self.node, "it is hashed with another algorithm than the log"));
        }
        if next.previous != self.last || next.first != self.size() {
            return Err(refused(&self.node, "it does not follow the last one seen"));
        }
        let mut tree = self.tree.clone();
        next.leaves.iter().for_each(|leaf| tree.push(*leaf));
        if tree.size() != next.size || tree.root() != next.root {
            return Err(refused(&self.node, "its root is not that of the leaves seen so far"));
        }
        Ok(tree)
    }
}

fn message(checkpoint: &Digest, time: Time) -> Vec<u8> {
    [&checkpoint.0[..], time.to_string().as_bytes()].concat()
}

fn refused(node: &PartyName, reason: &str) -> Error {
    Error::Refused { code: "checkpoint.forked", what: format!("checkpoint of {node}: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Event, Verb};
    use super::super::log::AuditLog;
    use super::*;

    const NOW: Time = Time::from_unix(1_800_000_000);

    fn setup() -> (AuditLog, SigningKey, Witness) {
        let key = SigningKey::from_bytes(&[1; 32]);
        let node = PartyName::new("yu://dev/health/node1").unwrap();
        let (log, _) = AuditLog::create(node.clone(), key.public(), NOW).unwrap();
        let witness = Witness::new(node, key.public());
        (log, key, witness)
    }

    #[test]
    fn a_witness_follows_and_refuses_a_fork() {
        let (mut log, key, mut witness) = setup();
        assert!(witness.countersign(witness.node(), &key, NOW).is_err());
        let mut fork = log.clone();
        let (_, first) = log.checkpoint(&key, NOW).unwrap();
        witness.accept(&first).unwrap();
        witness.accept(&first).unwrap();
        log.append(Event::new(Verb::NodeStarted), NOW).unwrap();
        let (_, second) = log.checkpoint(&key, NOW).unwrap();
        log.append(Event::new(Verb::NodeStopped), NOW).unwrap();
        let (_, third) = log.checkpoint(&key, NOW).unwrap();
        assert!(witness.clone().accept(&third).is_err(), "one is missing");
        witness.accept(&second).unwrap();
        assert!(witness.clone().accept(&first).is_err(), "older than seen");
        let stored: Witness = from_canonical(&to_canonical(&witness).unwrap()).unwrap();
        assert_eq!(stored, witness);
        witness.accept(&third).unwrap();
        assert_eq!(witness.size(), 3);

        fork.append(Event::new(Verb::PolicyChanged), NOW).unwrap();
        let (_, forked) = fork.checkpoint(&key, NOW).unwrap();
        assert!(stored.clone().accept(&forked).is_err(), "another history");
        let mut other = third.checkpoint.clone();
        other.leaves[0] = Digest([9; 32]);
        assert!(stored.clone().accept(&SignedCheckpoint::sign(other, &key).unwrap()).is_err(), "root of other leaves");
        let mut stranger = third;
        stranger.signature.key = SigningKey::from_bytes(&[2; 32]).public();
        assert!(stored.clone().accept(&stranger).is_err(), "another key");
    }

    #[test]
    fn a_countersignature_binds_checkpoint_and_time() {
        let (mut log, key, mut witness) = setup();
        let (_, first) = log.checkpoint(&key, NOW).unwrap();
        witness.accept(&first).unwrap();
        let peer = SigningKey::from_bytes(&[2; 32]);
        let good = witness.countersign(&PartyName::new("yu://dev/bank/node1").unwrap(), &peer, NOW).unwrap();
        good.verify_signature().unwrap();
        let mut late = good.clone();
        late.time = NOW.plus_seconds(1);
        assert!(late.verify_signature().is_err());
        let mut other = good;
        other.checkpoint = Digest([1; 32]);
        assert!(other.verify_signature().is_err());
    }
}
