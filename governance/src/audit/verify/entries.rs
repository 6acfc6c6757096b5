//! Second pass: the entries against the leaves that the checkpoints vouch for, and against each other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entry::{Entry, Verb};
use super::super::merkle::Digest;
use super::checkpoints::Checkpoints;
use super::{Fault, Line, Place, Problem};

/// A line that stands for an entry.
struct Aligned<'a> {
    index: u64,
    line: Line<'a>,
    leaf: Digest,
    /// A checkpoint vouches for it.
    is_vouched: bool,
    entry: Option<Entry>,
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

/// The sound entries.
pub(super) fn check(lines: &[Line<'_>], checkpoints: &Checkpoints, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut faults = Faults::default();
    let mut aligned = align(lines, &checkpoints.expected, &mut faults);
    for a in &mut aligned {
        match Entry::parse(a.line.bytes) {
            Err(_) => faults.add(a.index, Fault::Malformed),
            Ok(_) if a.line.is_torn => faults.add(a.index, Fault::Torn),
            Ok(entry) if entry.index != a.index => faults.add(a.index, Fault::Index),
            Ok(entry) if checkpoints.node.as_ref().is_some_and(|node| *node != entry.node) => {
                faults.add(a.index, Fault::Node);
            }
            Ok(entry) if a.index == 0 && !is_genesis(&entry) => faults.add(0, Fault::Genesis),
            Ok(entry) => a.entry = Some(entry),
        }
    }
    check_chain(&aligned, &mut faults);
    problems.append(&mut faults.found);
    aligned.into_iter().filter(|a| !faults.seen.contains(&a.index)).filter_map(|a| a.entry).collect()
}

/// Which entry each line is, by its leaf hash; without one to compare, by its position.
fn align<'a>(lines: &[Line<'a>], expected: &[Option<Digest>], faults: &mut Faults) -> Vec<Aligned<'a>> {
    let leaves: Vec<Digest> = lines.iter().map(Line::leaf).collect();
    let known: BTreeMap<Digest, usize> = expected.iter().enumerate().filter_map(|(index, leaf)| Some(((*leaf)?, index))).collect();
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
        aligned.push(Aligned { index: index as u64, line: *line, leaf: *leaf, is_vouched, entry: None });
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
        let Some(entry) = &this.entry else { continue };
        if this.index == 0 {
            if entry.prev != Digest::ZERO {
                faults.add(0, Fault::Chain);
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| aligned.get(before));
        let Some(before) = before.filter(|b| b.index + 1 == this.index && !faults.seen.contains(&b.index)) else {
            continue;
        };
        if entry.prev == before.leaf {
            continue;
        }
        let after = aligned.get(at + 1).and_then(|after| after.entry.as_ref());
        let is_this_as_written = this.is_vouched || after.is_some_and(|after| after.prev == this.leaf);
        let is_before_changed = is_this_as_written && !before.is_vouched;
        faults.add(if is_before_changed { before.index } else { this.index }, Fault::Chain);
    }
}

fn is_genesis(entry: &Entry) -> bool {
    Verb::parse(&entry.verb) == Some(Verb::LogOpened) && entry.key().is_some()
}
