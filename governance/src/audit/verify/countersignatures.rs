//! Third pass: the countersignatures, by the peers and keys that the entries name, of the checkpoints found.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::super::countersign::Line as Countersigned;
use super::super::entry::{Entry, Verb};
use super::super::merkle::Digest;
use super::checkpoints::Checkpoints;
use super::{Fault, Line, Place, Problem};

/// What the first two passes found: a countersignature is not blamed for their problems.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) are_checkpoints_sound: bool,
    pub(super) are_entries_sound: bool,
}

/// Who countersigned the last checkpoint.
pub(super) fn check(
    lines: &[Line<'_>],
    checkpoints: &Checkpoints,
    entries: &[Entry],
    known: Known,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let before = problems.len();
    let hashes: BTreeSet<Digest> = checkpoints.hashes().into_iter().collect();
    let last = checkpoints.sound.last().and_then(Option::as_ref).map(|sound| sound.hash);
    let (mut seen, mut signers) = (BTreeSet::new(), BTreeSet::new());
    let (mut prev, mut is_whole) = (Digest::ZERO, true);
    let joined: BTreeSet<(&str, String)> = entries.iter().filter_map(joined).collect();
    let has_joined = |line: &Countersigned| joined.contains(&(line.signature.signer.as_str(), line.signature.key.to_string()));
    // signatures one by one, on all cores: see `verify`
    let parsed: Vec<Result<Countersigned, Fault>> = lines.par_iter().map(read).collect();
    for ((at, line), parsed) in (0..).zip(lines).zip(parsed) {
        let result = parsed.and_then(|parsed| {
            let is_new = seen.insert((parsed.signature.signer.clone(), parsed.checkpoint));
            if is_whole && parsed.prev != prev {
                is_whole = false;
                Err(Fault::Chain)
            } else if known.are_checkpoints_sound && !hashes.contains(&parsed.checkpoint) {
                Err(Fault::UnknownCheckpoint)
            } else if known.are_entries_sound && !has_joined(&parsed) {
                Err(Fault::UnknownSigner)
            } else if is_new {
                Ok(parsed)
            } else {
                Err(Fault::Repeated)
            }
        });
        match result {
            Ok(parsed) if Some(parsed.checkpoint) == last => _ = signers.insert(parsed.signature.signer),
            Ok(_) => {}
            Err(fault) => {
                // the next line states the hash of this one as it was
                is_whole = false;
                problems.push(Problem::new(Place::Countersignature(at), fault));
            }
        }
        prev = line.leaf();
    }
    if problems.len() == before {
        check_covered(lines, checkpoints, problems);
    }
    signers.into_iter().collect()
}

fn read(line: &Line<'_>) -> Result<Countersigned, Fault> {
    let parsed = Countersigned::parse(line.bytes).map_err(|_| Fault::Malformed)?;
    parsed.countersignature().verify_signature().map_err(|_| Fault::Signature)?;
    if parsed.signature.key.suite().hash() != line.alg {
        return Err(Fault::Signature);
    }
    if line.is_torn { Err(Fault::Torn) } else { Ok(parsed) }
}

/// The peer and key of an entry that lets countersignatures count.
fn joined(entry: &Entry) -> Option<(&str, String)> {
    let joins = Verb::parse(&entry.verb) == Some(Verb::PeerJoined);
    joins.then(|| Some((entry.party.as_ref()?.as_str(), entry.key()?.to_string())))?
}

/// The lines that the checkpoints cover are there. One problem is enough.
fn check_covered(lines: &[Line<'_>], checkpoints: &Checkpoints, problems: &mut Vec<Problem>) {
    for sound in checkpoints.sound.iter().flatten() {
        let covered = sound.signed.checkpoint.countersignatures;
        let (place, fault) = if covered.count > lines.len() as u64 {
            (lines.len() as u64, Fault::Lost)
        } else {
            let last = usize::try_from(covered.count).ok().and_then(|count| lines.get(count.checked_sub(1)?));
            if last.map_or(Digest::ZERO, Line::leaf) == covered.last {
                continue;
            }
            (covered.count.saturating_sub(1), Fault::Changed)
        };
        problems.push(Problem::new(Place::Countersignature(place), fault));
        return;
    }
}
