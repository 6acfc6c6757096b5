//! Checking the logs of any number of nodes offline, from the bytes of their files alone.
//!
//! What holds if there is no problem: every entry that a checkpoint covers is what the node signed, in the order in which it was
//! written; every countersignature is by a key that the log's owner recorded for that peer; and the logs agree about each
//! other's keys and checkpoints: a log that was cut back as a whole lacks a checkpoint that a peer's log says it countersigned.
//! What it cannot see: entries that no checkpoint covers yet, and the loss of whole lines at the end of a file that nothing
//! else, in no log that is given, refers to. Lines are read, hashed and checked on all cores. Signatures are checked one by one
//! and strictly, not in batches: the batch equation of Ed25519 is a random combination that clears the cofactor, and accepts
//! signatures that the strict equation (and the second verifier) refuses; two verifiers of one log must not differ. The rules are in `docs/audit-log.md`; `tools/audit_verify.py` implements them
//! a second time.

mod checkpoints;
mod countersignatures;
mod entries;
mod problem;

use std::collections::BTreeMap;

use serde::Serialize;

use super::entry::{Entry, Verb};
use super::log::alg_of;
use super::merkle::{self, Digest};
use crate::canonical::Hash;
use crate::id::PartyName;
use crate::sign::PublicKey;
use crate::suite::HashAlgorithm;

pub use problem::{Fault, Place, Problem};

/// The files of one log.
#[derive(Clone, Copy, Debug)]
pub struct LogFiles<'a> {
    /// How the report calls it, if the log itself cannot say.
    pub directory: &'a str,
    /// `entries.jsonl`.
    pub entries: &'a [u8],
    /// `checkpoints.jsonl`; empty if there is none yet.
    pub checkpoints: &'a [u8],
    /// `countersignatures.jsonl`; empty if there is none yet.
    pub countersignatures: &'a [u8],
}

impl LogFiles<'_> {
    /// The key that the log's first entry states: that of its owner, if it is known to be.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.read().next().filter(|first| Verb::parse(&first.verb) == Some(Verb::LogOpened)).and_then(|first| first.key())
    }

    /// The hash algorithm of the whole log: what the first checkpoint names, and without one the first entry. Every line must
    /// name the same, so that one that was altered here is found as any other.
    #[must_use]
    pub fn alg(&self) -> HashAlgorithm {
        let inner = self.checkpoints.strip_prefix(br#"{"checkpoint":"#);
        alg_of(inner.unwrap_or(self.entries))
    }

    /// The entries that can be read; says nothing about their truth, see [`verify`].
    pub fn read(&self) -> impl Iterator<Item = Entry> {
        self.entries.split(|b| *b == b'\n').filter(|line| !line.is_empty()).filter_map(|line| Entry::parse(line).ok())
    }
}

/// The verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No problem in any log.
    Pass,
    /// At least one problem.
    Fail,
}

/// What was found in all logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether any node has a problem.
    pub verdict: Verdict,
    /// In the order given.
    pub nodes: Vec<NodeReport>,
}

impl Report {
    /// Whether no log has a problem.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdict == Verdict::Pass
    }
}

/// What was found in one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// As given by the caller.
    pub directory: String,
    /// Whose log it is, as far as it can be told.
    pub node: Option<PartyName>,
    /// Lines of `entries.jsonl`.
    #[serde(with = "crate::canonical::u64_string")]
    pub entries: u64,
    /// Lines of `checkpoints.jsonl`.
    #[serde(with = "crate::canonical::u64_string")]
    pub checkpoints: u64,
    /// Lines of `countersignatures.jsonl`.
    #[serde(with = "crate::canonical::u64_string")]
    pub countersignatures: u64,
    /// Entries that no checkpoint covers: changes to them may go unseen.
    #[serde(with = "crate::canonical::u64_string")]
    pub uncovered: u64,
    /// Who countersigned the last checkpoint.
    pub countersigners: Vec<String>,
    /// Empty if the log is sound.
    pub problems: Vec<Problem>,
}

/// One line of a file.
#[derive(Clone, Copy)]
struct Line<'a> {
    bytes: &'a [u8],
    /// Of the whole log.
    alg: HashAlgorithm,
    /// The newline at its end is missing.
    is_torn: bool,
}

/// What is known of one log after its own files were checked.
struct Checked {
    report: NodeReport,
    key: Option<PublicKey>,
    /// Sound entries, those that are looked at again.
    entries: Vec<Entry>,
    /// Of every line that stands for an entry.
    leaves: Vec<Digest>,
    /// The sound checkpoints.
    stated: Vec<Stated>,
    are_checkpoints_sound: bool,
}

/// What a sound checkpoint states, as peers quote it.
struct Stated {
    hash: Digest,
    size: u64,
    root: Digest,
    countersignatures: u64,
}

/// One log in which nothing is wrong, for the node that goes on writing it.
pub(super) struct Sound {
    pub(super) node: Option<PartyName>,
    pub(super) key: Option<PublicKey>,
    pub(super) leaves: Vec<Digest>,
    /// Those about peers, in order.
    pub(super) entries: Vec<Entry>,
    /// Hash, size and covered countersignatures of each.
    pub(super) checkpoints: Vec<(Digest, u64, u64)>,
}

/// Checks one log alone; its first problem otherwise.
pub(super) fn sound(files: &LogFiles<'_>) -> std::result::Result<Sound, Problem> {
    let Checked { report, key, entries, leaves, stated, .. } = verify_one(files);
    match report.problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => {
            let checkpoints = stated.into_iter().map(|stated| (stated.hash, stated.size, stated.countersignatures)).collect();
            Ok(Sound { node: report.node, key, leaves, entries, checkpoints })
        }
    }
}

/// Checks each log, then what they say about each other.
#[must_use]
pub fn verify(logs: &[LogFiles<'_>]) -> Report {
    let mut checked: Vec<Checked> = logs.iter().map(verify_one).collect();
    cross_check(&mut checked);
    let nodes: Vec<NodeReport> = checked.into_iter().map(|log| log.report).collect();
    let is_sound = nodes.iter().all(|node| node.problems.is_empty());
    Report { verdict: if is_sound { Verdict::Pass } else { Verdict::Fail }, nodes }
}

fn verify_one(files: &LogFiles<'_>) -> Checked {
    let alg = files.alg();
    let entry_lines = lines(alg, files.entries);
    let mut problems = Vec::new();
    if entry_lines.is_empty() {
        problems.push(Problem::new(Place::File("entries.jsonl"), Fault::Empty));
    }
    let checkpoints = checkpoints::check(&lines(alg, files.checkpoints), &entry_lines, &mut problems);
    let are_checkpoints_sound = problems.iter().all(|p| !matches!(p.place, Place::Checkpoint(_)));
    let entries::Entries { kept: entries, leaves } = entries::check(&entry_lines, &checkpoints, &mut problems);
    let are_entries_sound = problems.iter().all(|p| !matches!(p.place, Place::Entry(_)));
    let countersignature_lines = lines(alg, files.countersignatures);
    let countersigners = countersignatures::check(
        &countersignature_lines,
        &checkpoints,
        &entries,
        countersignatures::Known { are_checkpoints_sound, are_entries_sound },
        &mut problems,
    );
    let uncovered = entry_lines.len().saturating_sub(checkpoints.expected.len());
    Checked {
        report: NodeReport {
            directory: files.directory.into(),
            node: checkpoints.node.clone(),
            entries: entry_lines.len() as u64,
            checkpoints: lines(alg, files.checkpoints).len() as u64,
            countersignatures: countersignature_lines.len() as u64,
            uncovered: uncovered as u64,
            countersigners,
            problems,
        },
        key: checkpoints.key,
        entries,
        leaves,
        stated: checkpoints.stated(),
        are_checkpoints_sound,
    }
}

/// Names, keys and checkpoints that one log states about another.
fn cross_check(logs: &mut [Checked]) {
    let mut places: BTreeMap<PartyName, usize> = BTreeMap::new();
    for (at, log) in logs.iter_mut().enumerate() {
        let Some(node) = log.report.node.clone() else { continue };
        if *places.entry(node).or_insert(at) != at {
            log.report.problems.push(Problem::new(Place::File("entries.jsonl"), Fault::Twice));
        }
    }
    let mut found = Vec::new();
    for (at, log) in logs.iter().enumerate() {
        for entry in &log.entries {
            let Some((peer, other)) = entry.party.as_ref().and_then(|peer| Some((peer, *places.get(peer)?))) else {
                continue;
            };
            let Some(about) = logs.get(other) else { continue };
            match Verb::parse(&entry.verb) {
                Some(Verb::PeerJoined) if about.key.is_some_and(|key| entry.key() != Some(key)) => {
                    found.push((at, Problem::new(Place::Entry(entry.index), Fault::PeerKey(peer.to_string()))));
                }
                Some(Verb::CheckpointCountersigned) if about.are_checkpoints_sound => match witnessed(entry, about) {
                    Witnessed::Absent => {
                        let (place, witness) =
                            (Place::Checkpoint(about.report.checkpoints), format!("{} (entry {})", entry.node, entry.index));
                        found.push((other, Problem::new(place, Fault::Absent(witness))));
                    }
                    Witnessed::Misstated => {
                        found.push((at, Problem::new(Place::Entry(entry.index), Fault::Misstated(peer.to_string()))));
                    }
                    Witnessed::Fits => {}
                },
                _ => {}
            }
        }
    }
    for (at, problem) in found {
        let Some(log) = logs.get_mut(at) else { continue };
        let problems = &mut log.report.problems;
        if !problems.iter().any(|known| known.place == problem.place && known.code == problem.code) {
            problems.push(problem);
        }
    }
}

/// How a log stands to a checkpoint that a peer says it countersigned.
enum Witnessed {
    /// It has that checkpoint, and thereby all that led to it.
    Fits,
    /// It lacks that checkpoint: as a whole it was cut back or forked.
    Absent,
    /// It has it, and the peer quotes it wrongly.
    Misstated,
}

/// A log that is sound in itself is compared with what a peer's entry says of it. A sound checkpoint vouches for every entry
/// up to its size, so a log that has the checkpoint continues what the peer saw.
fn witnessed(entry: &Entry, log: &Checked) -> Witnessed {
    let hash = |name: &str| entry.object.get(name).and_then(|text| text.parse::<Hash>().ok()).map(|hash| Digest(*hash.as_bytes()));
    let Some(quoted) = hash("checkpoint") else { return Witnessed::Fits };
    let Some(stated) = log.stated.iter().find(|stated| stated.hash == quoted) else { return Witnessed::Absent };
    let is_size = entry.object.get("size").is_none_or(|size| *size == stated.size.to_string());
    let is_root = entry.object.get("root").is_none_or(|_| hash("root") == Some(stated.root));
    if is_size && is_root { Witnessed::Fits } else { Witnessed::Misstated }
}

fn lines(alg: HashAlgorithm, bytes: &[u8]) -> Vec<Line<'_>> {
    bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|line| match line.strip_suffix(b"\n") {
            Some(bytes) => Line { bytes, alg, is_torn: false },
            None => Line { bytes: line, alg, is_torn: true },
        })
        .collect()
}

impl Line<'_> {
    fn leaf(&self) -> Digest {
        merkle::leaf(self.alg, self.bytes)
    }
}
