//! Verification of logs, in memory.

use super::{GovernanceArgs, cost, less};
use crate::Result;
use crate::desensitize::Row;
use std::time::Instant;
use yu_governance::audit::{AuditLog, Event, Field, LogFiles, Verb, Witness, verify};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::{JobId, PartyName};
use yu_governance::sign::SigningKey;

const NOW: Time = Time::from_unix(1_796_000_000);
/// Events between two checkpoints.
const COVERED: u64 = 1_000;
const PEERS: u8 = 10;
/// Checkpoints that each peer countersigns.
const COUNTERSIGNED: u64 = 1_000;

#[derive(Default)]
struct Written {
    entries: Vec<u8>,
    checkpoints: Vec<u8>,
    countersignatures: Vec<u8>,
}

impl Written {
    fn files(&self) -> LogFiles<'_> {
        let Self { entries, checkpoints, countersignatures } = self;
        LogFiles { directory: "log", entries, checkpoints, countersignatures }
    }

    fn lengths(&self) -> [u64; 3] {
        [&self.entries, &self.checkpoints, &self.countersignatures].map(|file| file.len() as u64)
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn name(number: u8) -> Result<PartyName> {
    Ok(PartyName::new(format!("yu://dev/org-{number}/node1"))?)
}

/// A step of a job, as they are most of what a log holds.
fn event(number: u64) -> Event {
    let job = JobId(Hash::of_file(&(number / 20).to_le_bytes()));
    Event::new(Verb::StepFinished).job(job).with("step", Field::Code("psi.points")).with("rows", Field::Count(number))
}

pub(super) fn rows(args: &GovernanceArgs) -> Result<Vec<Row>> {
    let (mut written, mut rows) = (Written::default(), Vec::new());
    let (mut log, line) = AuditLog::create(name(0)?, key(0).public(), NOW)?;
    written.entries.extend(line);
    let start = Instant::now();
    for number in 1..args.events {
        written.entries.extend(log.append(event(number), NOW.plus_seconds(i64::try_from(number / 100)?))?);
        if number % COVERED == 0 {
            written.checkpoints.extend(log.checkpoint(&key(0), NOW)?.0);
        }
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / args.events as f64;
    rows.push(less("audit", "one event: its line, hash and place in the tree, without the disk", each, "us", None));
    written.checkpoints.extend(log.checkpoint(&key(0), NOW)?.0);

    let what = format!("verification of {} events, a signed checkpoint for each {COVERED}", args.events);
    let (report, more) = cost(&what, Some(10.0), || verify(&[written.files()]));
    if !report.passes() {
        return Err("the log does not verify".into());
    }
    rows.extend(more);
    let head = log.head(1, written.lengths());
    drop(log);
    let what = format!("the same at the start of a node, to go on with {} events", args.events);
    let Written { entries, checkpoints, countersignatures } = &written;
    let (log, more) = cost(&what, Some(10.0), || AuditLog::recover_to(&head, entries, checkpoints, countersignatures));
    log?;
    rows.extend(more);
    rows.extend(signatures()?);
    Ok(rows)
}

/// A log of checkpoints and countersignatures, so that signatures are nearly all there is to check.
fn signatures() -> Result<Vec<Row>> {
    let mut written = Written::default();
    let (mut log, line) = AuditLog::create(name(0)?, key(0).public(), NOW)?;
    written.entries.extend(line);
    let mut witnesses = Vec::new();
    for peer in 1..=PEERS {
        written.entries.extend(log.append(Event::peer_joined(name(peer)?, key(peer).public()), NOW)?);
        witnesses.push((name(peer)?, key(peer), Witness::new(name(0)?, key(0).public())));
    }
    for number in 0..COUNTERSIGNED {
        written.entries.extend(log.append(event(number), NOW)?);
        let (line, signed) = log.checkpoint(&key(0), NOW)?;
        written.checkpoints.extend(line);
        for (peer, key, witness) in &mut witnesses {
            witness.accept(&signed)?;
            written.countersignatures.extend(log.countersigned(&witness.countersign(peer, key, NOW)?)?.ok_or("countersigned twice")?);
        }
    }
    let count = COUNTERSIGNED * (u64::from(PEERS) + 1);
    let (report, rows) =
        cost(&format!("verification of {count} signatures, one by one, strictly, on all cores"), None, || verify(&[written.files()]));
    if report.passes() { Ok(rows) } else { Err("the countersigned log does not verify".into()) }
}
