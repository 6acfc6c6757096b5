//! The head of a log: how far it was acknowledged, signed by the node and kept apart from the log's files.
//!
//! The log alone cannot tell whether its last lines are missing: nothing refers to them yet. A head does, from outside. The node
//! writes one after every batch of lines that is on disk, and acknowledges the batch only then. So at the next start
//!
//! * what the head covers must be there, bit for bit: anything else is damage, a rollback or another history;
//! * what lies behind it was never acknowledged: a crash cut it off, in whatever state. Lines that continue the log stay (they
//!   may be on disk in full), the rest goes.
//!
//! The last line of each file is bound by its hash, all lines before it by the chain. What a head cannot see is a rollback of the
//! log *and* the head together: that is what the peers' witnesses are for.

use serde::{Deserialize, Serialize};

use super::AuditLog;
use super::checkpoint::SignedCheckpoint;
use super::countersign::Line;
use super::entry::Entry;
use super::merkle::{self, Digest};
use super::verify::LogFiles;
use crate::canonical::{from_canonical, to_canonical, u64_string};
use crate::id::PartyName;
use crate::sign::{PublicKey, SignatureBytes, SigningKey};
use crate::suite::HashAlgorithm;
use crate::{Error, Result};

/// Domain of a head's signature.
const DOMAIN: &str = "yu-log-head-v1";

/// How far one file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its length.
    #[serde(with = "u64_string")]
    pub bytes: u64,
    /// Leaf hash of the last line; of a checkpoint, its hash; zeros if there is no line.
    pub last: Digest,
    /// Lines.
    #[serde(with = "u64_string")]
    pub lines: u64,
}

/// How far a log was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Hash algorithm.
    pub alg: HashAlgorithm,
    /// `checkpoints.jsonl`.
    pub checkpoints: End,
    /// `countersignatures.jsonl`.
    pub countersignatures: End,
    /// `entries.jsonl`.
    pub entries: End,
    /// Whose log it is.
    pub node: PartyName,
    /// Rises from head to head: of two, the greater counts.
    #[serde(with = "u64_string")]
    pub order: u64,
}

/// With the node's signature; see [`Head::sign`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedHead {
    head: Head,
    sig: SignatureBytes,
}

impl Head {
    /// The same for files of these lengths in bytes (entries, checkpoints, countersignatures).
    #[must_use]
    pub const fn of_lengths(mut self, bytes: [u64; 3]) -> Self {
        [self.entries.bytes, self.checkpoints.bytes, self.countersignatures.bytes] = bytes;
        self
    }

    /// The head with its signature, as canonical JSON of at most 1 200 bytes.
    ///
    /// # Errors
    /// None in practice: every head has a canonical form.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        let sig = SignatureBytes(key.sign_message(DOMAIN, &to_canonical(self)?));
        to_canonical(&SignedHead { head: self.clone(), sig })
    }

    /// Reads what [`Head::sign`] wrote with this key.
    ///
    /// # Errors
    /// `Malformed` or `Signature` for anything else.
    pub fn open(bytes: &[u8], key: &PublicKey) -> Result<Self> {
        let SignedHead { head, sig } = from_canonical(bytes)?;
        if head.alg != key.suite().hash() {
            return Err(damaged("its head is hashed with another algorithm than the log".into()));
        }
        key.verify_message(DOMAIN, &to_canonical(&head)?, &sig.0)?;
        Ok(head)
    }

    /// The files up to this head, and as much behind it as continues them.
    pub(super) fn kept<'a>(&self, entries: &'a [u8], checkpoints: &'a [u8], countersignatures: &'a [u8]) -> Result<LogFiles<'a>> {
        let (mut prev, mut index) = (self.entries.last, self.entries.lines);
        let entries = kept(self.alg, "entries.jsonl", &self.entries, entries, |line| {
            let fits = Entry::parse(line).is_ok_and(|entry| entry.prev == prev && entry.index == index && entry.node == self.node);
            (prev, index) = (merkle::leaf(self.alg, line), index.saturating_add(1));
            fits
        })?;
        let mut previous = self.checkpoints.last;
        // it was signed when its entries were acknowledged
        let checkpoints = kept(self.alg, "checkpoints.jsonl", &self.checkpoints, checkpoints, |line| {
            let Ok((signed, _)) = SignedCheckpoint::open(line) else { return false };
            let fits = signed.checkpoint.previous == previous && signed.checkpoint.size <= self.entries.lines;
            previous = signed.checkpoint.hash().unwrap_or_default();
            fits
        })?;
        let mut prev = self.countersignatures.last;
        let countersignatures = kept(self.alg, "countersignatures.jsonl", &self.countersignatures, countersignatures, |line| {
            let fits = Line::parse(line).is_ok_and(|parsed| parsed.prev == prev && parsed.countersignature().verify_signature().is_ok());
            prev = merkle::leaf(self.alg, line);
            fits
        })?;
        Ok(LogFiles { directory: "log", entries, checkpoints, countersignatures })
    }

    /// The lines that this head speaks of are those of the log.
    pub(super) fn is_of(&self, log: &AuditLog) -> Result<()> {
        let is = |end: &End, at: &dyn Fn(u64) -> Option<Digest>| match end.lines.checked_sub(1) {
            Some(last) => at(last) == Some(end.last),
            None => end.last == Digest::ZERO && end.bytes == 0,
        };
        if !is(&self.entries, &|at| log.leaf(at)) {
            return Err(other("entries.jsonl"));
        }
        if !is(&self.checkpoints, &|at| log.checkpoint_hash(at)) {
            return Err(other("checkpoints.jsonl"));
        }
        Ok(())
    }
}

/// What is acknowledged of a file, with the whole lines behind it that continue it.
fn kept<'a>(alg: HashAlgorithm, name: &str, end: &End, bytes: &'a [u8], mut fits: impl FnMut(&[u8]) -> bool) -> Result<&'a [u8]> {
    let split = usize::try_from(end.bytes).ok().filter(|at| *at <= bytes.len());
    let Some((whole, behind)) = split.map(|at| bytes.split_at(at)) else {
        return Err(damaged(format!("{name} has {} bytes, {} were acknowledged: it was cut or put back", bytes.len(), end.bytes)));
    };
    let last = whole.strip_suffix(b"\n").map(|rest| rest.rsplit(|b| *b == b'\n').next().unwrap_or(rest));
    let is_last = match (end.lines, last) {
        (0, None) => whole.is_empty(),
        // of checkpoints the hash is compared when they are read
        (1.., Some(line)) => name == "checkpoints.jsonl" || merkle::leaf(alg, line) == end.last,
        _ => false,
    };
    if !is_last {
        return Err(other(name));
    }
    let continues = behind.split_inclusive(|b| *b == b'\n').take_while(|line| line.strip_suffix(b"\n").is_some_and(&mut fits));
    let len = continues.map(<[u8]>::len).sum::<usize>();
    Ok(bytes.get(..whole.len() + len).unwrap_or(bytes))
}

fn other(name: &str) -> Error {
    damaged(format!("{name} does not end where and as it was acknowledged: it was changed, or is of another history"))
}

fn damaged(reason: String) -> Error {
    Error::Malformed { object: "audit log".into(), reason }
}
