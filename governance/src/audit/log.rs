//! The log of this node while it runs: what the next line must hold.
//!
//! Every method that returns a line has already counted it. The caller appends it to the file and syncs before anything depends
//! on it; if that fails, the state is thrown away and read back with [`AuditLog::recover`].

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::{Checkpoint, Covered, SignedCheckpoint};
use super::countersign::{Countersignature, Line};
use super::draft::Draft;
use super::entry::{Entry, Event, Verb};
use super::head::{End, Head};
use super::merkle::{self, Digest, Frontier};
use super::verify::{LogFiles, Sound, sound};
use crate::clock::Time;
use crate::id::PartyName;
use crate::sign::{PublicKey, SigningKey};
use crate::suite::HashAlgorithm;
use crate::{Error, Result};

/// The log of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLog {
    node: PartyName,
    key: PublicKey,
    leaves: Vec<Digest>,
    tree: Frontier,
    /// Keys that `peer.joined` stated, in order: an old key's countersignatures stay valid.
    peers: BTreeMap<PartyName, Vec<PublicKey>>,
    /// Peers that joined and were not removed since, with their keys.
    joined: BTreeMap<PartyName, PublicKey>,
    /// Hashes of the checkpoints in order.
    checkpoints: Vec<Digest>,
    covered: u64,
    countersigned: Covered,
    countersigned_at_checkpoint: u64,
    signers: BTreeSet<(String, Digest)>,
}

/// What to cut off the files before appending to them: a last line that a crash left half written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// New length of `entries.jsonl` in bytes, if it must be shortened.
    pub entries: Option<u64>,
    /// New length of `checkpoints.jsonl` in bytes, if it must be shortened.
    pub checkpoints: Option<u64>,
    /// New length of `countersignatures.jsonl` in bytes, if it must be shortened.
    pub countersignatures: Option<u64>,
}

/// Proof that one entry is covered by a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The entry.
    #[serde(with = "crate::canonical::u64_string")]
    pub index: u64,
    /// RFC 9162 section 2.1.3.1.
    pub path: Vec<Digest>,
    /// Size of the tree that the checkpoint signs.
    #[serde(with = "crate::canonical::u64_string")]
    pub size: u64,
}

impl Inclusion {
    /// Whether `line` (without newline) is the entry under this root.
    #[must_use]
    pub fn holds(&self, line: &[u8], root: &Digest) -> bool {
        let alg = alg_of(line);
        merkle::is_included(alg, &merkle::leaf(alg, line), self.index, self.size, &self.path, root)
    }
}

impl AuditLog {
    /// A new log with its first line, `log.opened`.
    ///
    /// # Errors
    /// None in practice.
    pub fn create(node: PartyName, key: PublicKey, now: Time) -> Result<(Self, Vec<u8>)> {
        let mut log = Self::empty(node, key);
        let line = log.push(Draft::new(Event::log_opened(key), now)?)?;
        Ok((log, line))
    }

    /// Reads a log back, checking all of it. Only a half-written last line that nothing covers may be cut.
    ///
    /// # Errors
    /// `Malformed` naming the first damaged entry, checkpoint or countersignature.
    pub fn recover(entries: &[u8], checkpoints: &[u8], countersignatures: &[u8]) -> Result<(Self, Recovery)> {
        let (entries, entries_cut) = without_torn_line(entries);
        let (checkpoints, checkpoints_cut) = without_torn_line(checkpoints);
        let (countersignatures, countersignatures_cut) = without_torn_line(countersignatures);
        let log = Self::checked(&LogFiles { directory: "log", entries, checkpoints, countersignatures })?;
        let recovery = Recovery { entries: entries_cut, checkpoints: checkpoints_cut, countersignatures: countersignatures_cut };
        Ok((log, recovery))
    }

    /// Reads a log back of which `head` says how far it was acknowledged. All of that must be there, as it was; what lies behind
    /// nobody relies on: it is kept as far as it continues the log, and is to be cut from the first byte that does not.
    ///
    /// # Errors
    /// `Malformed` naming the file that was cut back or replaced, or the first damaged line.
    pub fn recover_to(head: &Head, entries: &[u8], checkpoints: &[u8], countersignatures: &[u8]) -> Result<(Self, Recovery)> {
        let kept = head.kept(entries, checkpoints, countersignatures)?;
        let cut = |kept: &[u8], all: &[u8]| (kept.len() < all.len()).then_some(kept.len() as u64);
        let recovery = Recovery {
            entries: cut(kept.entries, entries),
            checkpoints: cut(kept.checkpoints, checkpoints),
            countersignatures: cut(kept.countersignatures, countersignatures),
        };
        let log = Self::checked(&kept)?;
        if log.node != head.node {
            return Err(damaged("it is of another node than its head"));
        }
        head.is_of(&log)?;
        Ok((log, recovery))
    }

    /// The log that these files hold, without any problem.
    fn checked(files: &LogFiles<'_>) -> Result<Self> {
        let Sound { node, key, leaves, entries, checkpoints, .. } = sound(files).map_err(|problem| damaged(&problem.to_string()))?;
        let (Some(node), Some(key)) = (node, key) else { return Err(damaged("the first entry states no key")) };
        let mut log = Self::empty(node, key);
        for leaf in leaves {
            log.leaves.push(leaf);
            log.tree.push(leaf);
        }
        entries.iter().for_each(|entry| log.note_peer(&entry.verb, entry.party.as_ref(), entry.key()));
        for (hash, size, countersignatures) in checkpoints {
            log.note_checkpoint(hash, size, countersignatures);
        }
        for line in lines(files.countersignatures) {
            log.note_countersignature(&Line::parse(line)?, line);
        }
        Ok(log)
    }

    /// The line for an event, with its newline.
    ///
    /// # Errors
    /// `Malformed` for a code or field name outside the grammar; `Refused` for a second `log.opened` or a `peer.joined` without
    /// peer or key. Nothing is counted then.
    pub fn append(&mut self, event: Event, now: Time) -> Result<Vec<u8>> {
        self.append_draft(Draft::new(event, now)?)
    }

    /// The line for a draft, with its newline.
    ///
    /// # Errors
    /// `Refused` as in [`AuditLog::append`]. Nothing is counted then.
    pub fn append_draft(&mut self, draft: Draft) -> Result<Vec<u8>> {
        draft.fits()?;
        self.push(draft)
    }

    /// How far the log goes, for files of these lengths in bytes (entries, checkpoints, countersignatures). `order` rises from
    /// head to head.
    #[must_use]
    pub fn head(&self, order: u64, bytes: [u64; 3]) -> Head {
        let [entries, checkpoints, countersignatures] = bytes;
        Head {
            alg: self.alg(),
            checkpoints: End { bytes: checkpoints, last: self.last_checkpoint(), lines: self.checkpoints.len() as u64 },
            countersignatures: End { bytes: countersignatures, last: self.countersigned.last, lines: self.countersigned.count },
            entries: End { bytes: entries, last: self.leaves.last().copied().unwrap_or(Digest::ZERO), lines: self.size() },
            node: self.node.clone(),
            order,
        }
    }

    /// Leaf hash of entry `index`.
    pub(super) fn leaf(&self, index: u64) -> Option<Digest> {
        self.leaves.get(usize::try_from(index).ok()?).copied()
    }

    /// Hash of checkpoint `index`.
    pub(super) fn checkpoint_hash(&self, index: u64) -> Option<Digest> {
        self.checkpoints.get(usize::try_from(index).ok()?).copied()
    }

    /// Signs a checkpoint over all entries and countersignatures so far; the line has its newline.
    ///
    /// # Errors
    /// `Refused` if the key is not the log's.
    pub fn checkpoint(&mut self, key: &SigningKey, now: Time) -> Result<(Vec<u8>, SignedCheckpoint)> {
        if key.public() != self.key {
            return Err(refused("the key is not the one that the log was opened with"));
        }
        let checkpoint = Checkpoint {
            alg: self.alg(),
            countersignatures: self.countersigned,
            first: self.covered,
            leaves: self.leaves.iter().skip(usize::try_from(self.covered).unwrap_or(usize::MAX)).copied().collect(),
            node: self.node.clone(),
            previous: self.last_checkpoint(),
            root: self.tree.root(),
            size: self.size(),
            time: now,
        };
        let signed = SignedCheckpoint::sign(checkpoint, key)?;
        let line = with_newline(signed.to_line()?);
        let checkpoint = &signed.checkpoint;
        self.note_checkpoint(checkpoint.hash()?, checkpoint.size, checkpoint.countersignatures.count);
        Ok((line, signed))
    }

    /// Checks a peer's countersignature; the line has its newline. `None` if this peer's is already there.
    ///
    /// # Errors
    /// `Refused` for an unknown checkpoint, peer or key; `Signature` if it does not verify.
    pub fn countersigned(&mut self, countersignature: &Countersignature) -> Result<Option<Vec<u8>>> {
        let Countersignature { checkpoint, signature, .. } = countersignature;
        if !self.checkpoints.contains(checkpoint) {
            return Err(refused("the countersigned checkpoint is not in this log"));
        }
        let peer = PartyName::new(signature.signer.as_str())?;
        if !self.peers.get(&peer).is_some_and(|keys| keys.contains(&signature.key)) {
            return Err(refused(&format!("`{peer}` has not joined with the key that it countersigned with")));
        }
        countersignature.verify_signature()?;
        if self.signers.contains(&(signature.signer.clone(), *checkpoint)) {
            return Ok(None);
        }
        let line = Line::new(countersignature, self.countersigned.last);
        let bytes = line.to_line()?;
        self.note_countersignature(&line, &bytes);
        Ok(Some(with_newline(bytes)))
    }

    /// Proof that the latest checkpoint covers entry `index`, for a destruction certificate or a receipt.
    #[must_use]
    pub fn inclusion(&self, index: u64) -> Option<Inclusion> {
        let covered = self.leaves.get(..usize::try_from(self.covered).ok()?)?;
        let path = merkle::inclusion_proof(self.alg(), usize::try_from(index).ok()?, covered)?;
        Some(Inclusion { index, path, size: self.covered })
    }

    /// Whose log this is.
    #[must_use]
    pub const fn node(&self) -> &PartyName {
        &self.node
    }

    /// The key that checkpoints are signed with.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Entries and countersignatures that no checkpoint covers yet.
    #[must_use]
    pub const fn uncovered(&self) -> (u64, u64) {
        (self.size() - self.covered, self.countersigned.count - self.countersigned_at_checkpoint)
    }

    /// Number of checkpoints.
    #[must_use]
    pub const fn checkpoints(&self) -> usize {
        self.checkpoints.len()
    }

    /// Hash of the last checkpoint; zeros if there is none.
    #[must_use]
    pub fn last_checkpoint(&self) -> Digest {
        self.checkpoints.last().copied().unwrap_or(Digest::ZERO)
    }

    /// Whether the log says of a peer that it joined with this key, and not that it was removed since.
    #[must_use]
    pub fn has_joined(&self, peer: &PartyName, key: &PublicKey) -> bool {
        self.joined.get(peer) == Some(key)
    }

    /// Who countersigned a checkpoint.
    pub fn countersigners(&self, checkpoint: Digest) -> impl Iterator<Item = &str> {
        self.signers.iter().filter(move |(_, hash)| *hash == checkpoint).map(|(signer, _)| signer.as_str())
    }

    /// The log's hashes are of the suite of its key.
    const fn alg(&self) -> HashAlgorithm {
        self.key.suite().hash()
    }

    fn empty(node: PartyName, key: PublicKey) -> Self {
        Self {
            node,
            key,
            leaves: Vec::new(),
            tree: Frontier::new(key.suite().hash()),
            peers: BTreeMap::new(),
            joined: BTreeMap::new(),
            checkpoints: Vec::new(),
            covered: 0,
            countersigned: Covered::default(),
            countersigned_at_checkpoint: 0,
            signers: BTreeSet::new(),
        }
    }

    fn push(&mut self, draft: Draft) -> Result<Vec<u8>> {
        let (peer, key) = (draft.party.clone(), draft.key());
        let prev = self.leaves.last().copied().unwrap_or(Digest::ZERO);
        let entry = Entry::of(self.alg(), draft, &self.node, self.size(), prev);
        let line = entry.to_line()?;
        let leaf = merkle::leaf(self.alg(), &line);
        self.leaves.push(leaf);
        self.tree.push(leaf);
        self.note_peer(&entry.verb, peer.as_ref(), key);
        Ok(with_newline(line))
    }

    fn note_peer(&mut self, verb: &str, peer: Option<&PartyName>, key: Option<PublicKey>) {
        match (Verb::parse(verb), peer, key) {
            (Some(Verb::PeerJoined), Some(peer), Some(key)) => {
                self.peers.entry(peer.clone()).or_default().push(key);
                self.joined.insert(peer.clone(), key);
            }
            (Some(Verb::PeerRemoved), Some(peer), _) => _ = self.joined.remove(peer),
            _ => {}
        }
    }

    fn note_checkpoint(&mut self, hash: Digest, size: u64, countersignatures: u64) {
        self.checkpoints.push(hash);
        self.covered = size;
        self.countersigned_at_checkpoint = countersignatures;
    }

    fn note_countersignature(&mut self, line: &Line, bytes: &[u8]) {
        self.countersigned = Covered { count: self.countersigned.count + 1, last: merkle::leaf(self.alg(), bytes) };
        self.signers.insert((line.signature.signer.clone(), line.checkpoint));
    }
}

/// The algorithm that an entry's line names; its name is the first thing in a canonical line.
#[must_use]
pub fn alg_of(line: &[u8]) -> HashAlgorithm {
    if line.starts_with(br#"{"alg":"sm3","#) { HashAlgorithm::Sm3 } else { HashAlgorithm::Sha256 }
}

/// The bytes up to the last newline, and their length if something was cut.
fn without_torn_line(bytes: &[u8]) -> (&[u8], Option<u64>) {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let (kept, torn) = bytes.split_at(whole);
    (kept, (!torn.is_empty()).then_some(kept.len() as u64))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn with_newline(mut line: Vec<u8>) -> Vec<u8> {
    line.push(b'\n');
    line
}

fn damaged(reason: &str) -> Error {
    Error::Malformed { object: "audit log".into(), reason: reason.into() }
}

fn refused(what: &str) -> Error {
    Error::Refused { code: "audit.refused", what: what.into() }
}
