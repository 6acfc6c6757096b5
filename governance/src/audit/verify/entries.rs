//! Second pass: the entries against the leaves that the checkpoints vouch for, and against each other.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use super::super::entry::{Entry, Verb};
use super::super::merkle::Digest;
use super::checkpoints::Checkpoints;
use super::{Fault, Line, Place, Problem};
use crate::id::PartyName;

/// A line that stands for an entry.
struct Aligned<'a> {
    index: u64,
    line: Line<'a>,
    leaf: Digest,
    /// A checkpoint vouches for it.
    is_vouched: bool,
    /// What it says of the one before, if it is well formed.
    prev: Option<Digest>,
}

/// What the entries say.
pub(super) struct Entries {
    /// The sound ones that verification, or a node that reads its log back, looks at again.
    pub(super) kept: Vec<Entry>,
    /// Leaf hash of every line that stands for an entry.
    pub(super) leaves: Vec<Digest>,
}

/// At most one problem per entry: the first found.
#[derive(Default)]
struct Faults {
    seen: BTreeSet<u64>,
    found: Vec<Problem>,
}

impl Faults {
    fn add(&mut self, index: u64, fault: Fault) {
        if self.seen.insert(index) {
            self.found.push(Problem::new(Place::Entry(index), fault));
        }
    }
}

pub(super) fn check(lines: &[Line<'_>], checkpoints: &Checkpoints, problems: &mut Vec<Problem>) -> Entries {
    let mut faults = Faults::default();
    let mut aligned = align(lines, &checkpoints.expected, &mut faults);
    let node = checkpoints.node.as_ref();
    let read: Vec<Result<Read, Fault>> = aligned.par_iter().map(|a| read(a, node)).collect();
    let mut kept = Vec::new();
    for (a, read) in aligned.iter_mut().zip(read) {
        match read {
            Ok((prev, entry)) => {
                a.prev = Some(prev);
                kept.extend(entry.map(|entry| *entry));
            }
            Err(fault) => faults.add(a.index, fault),
        }
    }
    check_chain(&aligned, &mut faults);
    problems.append(&mut faults.found);
    kept.retain(|entry| !faults.seen.contains(&entry.index));
    Entries { kept, leaves: aligned.into_iter().map(|a| a.leaf).collect() }
}

/// The hash of the entry before, and the entry if it is looked at again.
type Read = (Digest, Option<Box<Entry>>);

fn read(a: &Aligned<'_>, node: Option<&PartyName>) -> Result<Read, Fault> {
    let entry = Entry::parse(a.line.bytes).map_err(|_| Fault::Malformed)?;
    if entry.alg != a.line.alg {
        return Err(Fault::Malformed);
    }
    if a.line.is_torn {
        return Err(Fault::Torn);
    }
    if entry.index != a.index {
        return Err(Fault::Index);
    }
    if node.is_some_and(|node| *node != entry.node) {
        return Err(Fault::Node);
    }
    if a.index == 0 && !is_genesis(&entry) {
        return Err(Fault::Genesis);
    }
    let is_kept = matches!(Verb::parse(&entry.verb), Some(Verb::PeerJoined | Verb::PeerRemoved | Verb::CheckpointCountersigned));
    Ok((entry.prev, is_kept.then(|| Box::new(entry))))
}

/// Which entry each line is, by its leaf hash; without one to compare, by its position.
fn align<'a>(lines: &[Line<'a>], expected: &[Option<Digest>], faults: &mut Faults) -> Vec<Aligned<'a>> {
    let leaves: Vec<Digest> = lines.par_iter().map(Line::leaf).collect();
    let known: HashMap<Digest, usize> = expected.iter().enumerate().filter_map(|(index, leaf)| Some(((*leaf)?, index))).collect();
    let wanted = |index: usize| expected.get(index).copied().flatten();
    let mut aligned = Vec::with_capacity(lines.len());
    let (mut at, mut index) = (0, 0);
    while let (Some(line), Some(leaf)) = (lines.get(at), leaves.get(at)) {
        let next = leaves.get(at + 1);
        let is_intruder = next.is_some() && next == wanted(index).as_ref();
        match known.get(leaf) {
            Some(stands_for) if *stands_for < index || (*stands_for > index && is_intruder) => {
                faults.add(*stands_for as u64, Fault::OutOfPlace);
                at += 1;
                continue;
            }
            // without a wanted leaf, entries that nothing vouches for may fill the gap
            Some(stands_for) if *stands_for > index && wanted(index).is_some() => {
                faults.add(index as u64, Fault::Missing(*stands_for as u64));
                index = *stands_for;
                continue;
            }
            Some(_) => {}
            None if wanted(index).is_some() && is_intruder => {
                faults.add(index as u64, Fault::Inserted);
                at += 1;
                continue;
            }
            None if wanted(index).is_some() => {
                faults.add(index as u64, Fault::Changed);
                // a lost newline makes one line of several: go on where the next line belongs
                let resumes = next.and_then(|next| known.get(next)).copied().filter(|resumes| *resumes > index);
                index = resumes.unwrap_or(index + 1);
                at += 1;
                continue;
            }
            None => {}
        }
        let is_vouched = wanted(index) == Some(*leaf);
        aligned.push(Aligned { index: index as u64, line: *line, leaf: *leaf, is_vouched, prev: None });
        at += 1;
        index += 1;
    }
    if index < expected.len() {
        faults.add(index as u64, Fault::Missing(expected.len() as u64));
    }
    aligned
}

/// Each entry holds the hash of the one before. If one does not, the next but one tells which of the two was changed.
fn check_chain(aligned: &[Aligned<'_>], faults: &mut Faults) {
    for (at, this) in aligned.iter().enumerate() {
        let Some(prev) = this.prev else { continue };
        if this.index == 0 {
            if prev != Digest::ZERO {
                faults.add(0, Fault::Chain);
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| aligned.get(before));
        let Some(before) = before.filter(|b| b.index + 1 == this.index && !faults.seen.contains(&b.index)) else {
            continue;
        };
        if prev == before.leaf {
            continue;
        }
        let after = aligned.get(at + 1).and_then(|after| after.prev);
        let is_this_as_written = this.is_vouched || after == Some(this.leaf);
        let is_before_changed = is_this_as_written && !before.is_vouched;
        faults.add(if is_before_changed { before.index } else { this.index }, Fault::Chain);
    }
}

fn is_genesis(entry: &Entry) -> bool {
    Verb::parse(&entry.verb) == Some(Verb::LogOpened) && entry.key().is_some_and(|key| key.suite().hash() == entry.alg)
}
