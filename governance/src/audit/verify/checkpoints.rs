//! First pass: the checkpoints among themselves, and the leaves that they vouch for.

use rayon::prelude::*;

use super::super::checkpoint::SignedCheckpoint;
use super::super::entry::{Entry, Verb};
use super::super::merkle::{Digest, Frontier};
use super::{Fault, Line, Place, Problem, Stated};
use crate::id::PartyName;
use crate::sign::PublicKey;

/// What the checkpoints say.
pub(super) struct Checkpoints {
    /// One per line, `None` if it proves nothing.
    pub(super) sound: Vec<Option<Sound>>,
    /// Leaf hashes by index; `None` where only a damaged checkpoint could tell.
    pub(super) expected: Vec<Option<Digest>>,
    /// The log's key.
    pub(super) key: Option<PublicKey>,
    /// The log's node.
    pub(super) node: Option<PartyName>,
}

/// A checkpoint with a good signature under the log's key.
pub(super) struct Sound {
    pub(super) signed: SignedCheckpoint,
    pub(super) hash: Digest,
}

impl Checkpoints {
    pub(super) fn hashes(&self) -> Vec<Digest> {
        self.sound.iter().flatten().map(|sound| sound.hash).collect()
    }

    pub(super) fn stated(&self) -> Vec<Stated> {
        let stated = |Sound { signed, hash }: &Sound| Stated {
            hash: *hash,
            size: signed.checkpoint.size,
            root: signed.checkpoint.root,
            countersignatures: signed.checkpoint.countersignatures.count,
        };
        self.sound.iter().flatten().map(stated).collect()
    }
}

pub(super) fn check(lines: &[Line<'_>], entries: &[Line<'_>], problems: &mut Vec<Problem>) -> Checkpoints {
    // signatures one by one, on all cores: see `verify`
    let read: Vec<Result<Sound, Fault>> = lines.par_iter().map(read).collect();
    let mut note =
        |(at, read): (u64, Result<Sound, Fault>)| read.map_err(|fault| problems.push(Problem::new(Place::Checkpoint(at), fault))).ok();
    let mut sound: Vec<Option<Sound>> = (0..).zip(read).map(&mut note).collect();
    let (key, node) = owner(&sound, entries);
    for (at, slot) in (0..).zip(&mut sound) {
        let Some(Sound { signed, .. }) = slot else { continue };
        let fault = if Some(signed.signature.key) != key {
            Fault::Key
        } else if Some(&signed.checkpoint.node) != node.as_ref() {
            Fault::Node
        } else {
            continue;
        };
        problems.push(Problem::new(Place::Checkpoint(at), fault));
        *slot = None;
    }
    check_chain(lines, &sound, problems);
    let expected = leaves(&sound, entries.len());
    Checkpoints { sound, expected, key, node }
}

fn read(line: &Line<'_>) -> Result<Sound, Fault> {
    let (signed, hash) = SignedCheckpoint::open(line.bytes)?;
    if signed.checkpoint.alg != line.alg {
        return Err(Fault::Malformed);
    }
    if line.is_torn { Err(Fault::Torn) } else { Ok(Sound { signed, hash }) }
}

/// Key and node of the log: those of its first entry, unless the first checkpoint says that this entry was changed.
fn owner(sound: &[Option<Sound>], entries: &[Line<'_>]) -> (Option<PublicKey>, Option<PartyName>) {
    let signed = sound.iter().flatten().next().map(|sound| &sound.signed);
    let first_leaf = signed.filter(|signed| signed.checkpoint.first == 0).and_then(|s| s.checkpoint.leaves.first());
    let stated = entries
        .first()
        .filter(|line| first_leaf.is_none_or(|leaf| *leaf == line.leaf()))
        .and_then(|line| Entry::parse(line.bytes).ok())
        .filter(|entry| Verb::parse(&entry.verb) == Some(Verb::LogOpened));
    if let Some((key, entry)) = stated.and_then(|entry| Some((entry.key()?, entry))) {
        return (Some(key), Some(entry.node));
    }
    (signed.map(|signed| signed.signature.key), signed.map(|signed| signed.checkpoint.node.clone()))
}

/// Each checkpoint continues the one before. After the first gap only signatures count.
fn check_chain(lines: &[Line<'_>], sound: &[Option<Sound>], problems: &mut Vec<Problem>) {
    let alg = lines.first().map_or_else(Default::default, |line| line.alg);
    let (mut tree, mut previous, mut is_whole) = (Frontier::new(alg), Digest::ZERO, true);
    for (at, slot) in (0..).zip(sound) {
        let Some(Sound { signed, hash }) = slot else {
            is_whole = false;
            continue;
        };
        let checkpoint = &signed.checkpoint;
        let mut report = |fault| problems.push(Problem::new(Place::Checkpoint(at), fault));
        if checkpoint.first.checked_add(checkpoint.leaves.len() as u64) != Some(checkpoint.size) {
            report(Fault::Size);
            is_whole = false;
        } else if is_whole && (checkpoint.previous != previous || checkpoint.first != tree.size()) {
            report(Fault::Order);
            is_whole = false;
        } else if is_whole {
            checkpoint.leaves.iter().for_each(|leaf| tree.push(*leaf));
            if tree.root() != checkpoint.root {
                report(Fault::Root);
                is_whole = false;
            }
        }
        previous = *hash;
    }
}

/// Leaves by index. A gap left by a damaged checkpoint is open if the file has that many entries at all.
fn leaves(sound: &[Option<Sound>], entries: usize) -> Vec<Option<Digest>> {
    let mut expected = Vec::new();
    for Sound { signed, .. } in sound.iter().flatten() {
        let Ok(first) = usize::try_from(signed.checkpoint.first) else { continue };
        if first > entries.max(expected.len()) {
            continue;
        }
        if first > expected.len() {
            expected.resize(first, None);
        }
        if first == expected.len() {
            expected.extend(signed.checkpoint.leaves.iter().copied().map(Some));
        }
    }
    expected
}
