//! Supervision (监管, S1): the regulator's node keeps a replica of every peer's log, checks that it goes on as it began, and raises an alarm when it does not.
//!
//! ```text
//! every few seconds, for each peer
//!   what I have, in bytes  ──>  a checkpoint if one is due, then what was acknowledged behind that
//!   the whole replica is verified with the new part; only then it is written
//!   shorter than before: put back.  Not what the replica goes on to: another history
//! ```
//! The log holds no values, so the replica holds none. A node that is put back with all its files starts without a fault of its own; here it is found out.

use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, NodeRole};
use crate::journal::{self, FILES, Note};
use crate::keys::now;
use crate::node::{Node, public_key};
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use yu_governance::audit::{AuditLog, Event, Recovery, Verb};
use yu_governance::clock::Time;

/// Between two rounds.
pub const ROUND: Duration = Duration::from_secs(3);
/// Most bytes of a file in one answer.
const PIECE: u64 = 2 << 20;
/// Most bytes of checkpoints, and of countersignatures, in one answer.
const WHOLE: u64 = 3 << 20;
/// Most pieces of one peer in a round.
const PIECES: usize = 16;
/// At most one checkpoint in this time is signed because the regulator looks.
const CHECKPOINT: Duration = Duration::from_secs(30);
/// Seconds without a sign of a peer's log after which that is shown.
const SILENT: i64 = 600;
/// How long a peer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was seen of a peer, and what was wrong.
const SEEN: &str = "replica";
const ALARM: &str = "replica-alarm";

/// A part of a log.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    /// What follows on the bytes that the regulator has, whole lines; of the entries first.
    bytes: [String; 3],
    /// Acknowledged bytes.
    lengths: [u64; 3],
}

/// Answers the regulator of this node, and nobody else.
///
/// # Errors
/// `policy.refused`; `storage.failed`.
pub fn answer(node: &Node, from: &str, have: [u64; 3]) -> Result<Value> {
    if node.config().regulator.as_deref() != Some(from) {
        return Err(Fault::new(Code::Refused, format!("`{from}` is not this node's regulator")).party(node.name()));
    }
    if may_checkpoint() {
        node.journal().checkpoint_if_due(node.signing(), now())?;
    }
    let lengths = journal::acknowledged(node.home(), node.signing())?;
    let read = |at: usize, most: u64| part(&node.home().path("audit").join(FILES[at]), have[at], lengths[at], most);
    let entries = read(0, PIECE)?;
    // what covers entries goes when they have gone
    let complete = have[0] + entries.len() as u64 >= lengths[0];
    // checkpoints count countersignatures and these cite checkpoints: both go whole
    let rest = |at: usize| if complete { read(at, WHOLE) } else { Ok(String::new()) };
    to_value(&Piece { bytes: [entries, rest(1)?, rest(2)?], lengths })
}

/// Whether the last checkpoint for the regulator is long enough ago: each has a signature, and the log is to hold more entries than those.
fn may_checkpoint() -> bool {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_due = last.is_none_or(|last| last.elapsed() >= CHECKPOINT);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Whole lines of a file from a place on.
fn part(path: &Path, from: u64, to: u64, most: u64) -> Result<String> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from).min(most)).unwrap_or(0)];
    let mut file = std::fs::File::open(path).map_err(|e| Fault::io(&e, path))?;
    file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(&mut bytes)).map_err(|e| Fault::io(&e, path))?;
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(end);
    String::from_utf8(bytes).map_err(|_| Fault::new(Code::Damaged, "an entry is no text").at("audit"))
}

/// Whether this node supervises.
#[must_use]
pub fn supervises(node: &Node) -> bool {
    node.config().role == NodeRole::Regulator
}

/// One round over all peers.
pub fn round(node: &Arc<Node>) {
    for peer in node.store().peers().unwrap_or_default() {
        if node.is_stopping() {
            return;
        }
        if let Err(fault) = pull(node, &peer.name) {
            tracing::debug!(peer = peer.name, code = fault.code.as_str(), "the replica is brought up to date later");
        }
    }
    if let Err(fault) = crate::patrols::look(node) {
        tracing::debug!(code = fault.code.as_str(), "the replicas are looked through later");
    }
}

/// How far the replica of a peer's entries goes, in bytes, and their hash; nothing at a node that does not supervise.
///
/// # Errors
/// `storage.failed`.
pub fn replica_end(node: &Node, peer: &str) -> Result<Option<(u64, yu_governance::canonical::Hash)>> {
    if !supervises(node) {
        return Ok(None);
    }
    let [entries, ..] = held(&folder(node.home(), peer))?;
    Ok(Some((entries.len() as u64, yu_governance::canonical::Hash::of_file(&entries))))
}

fn folder(home: &Home, peer: &str) -> PathBuf {
    let name: Vec<&str> = peer.trim_start_matches("yu://").split('/').skip(1).collect();
    home.path("replica").join(name.join("."))
}

/// Folders of all replicas here, each with the three files of a log.
///
/// # Errors
/// `storage.failed`.
pub fn replicas(node: &Node) -> Result<Vec<PathBuf>> {
    let peers = node.store().peers()?;
    Ok(peers.iter().map(|peer| folder(node.home(), &peer.name)).filter(|folder| folder.join("audit").join(FILES[2]).is_file()).collect())
}

/// What is held of a peer's log.
fn held(folder: &Path) -> Result<[Vec<u8>; 3]> {
    let read = |name: &str| match std::fs::read(folder.join("audit").join(name)) {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Fault::io(&e, folder)),
    };
    Ok([read(FILES[0])?, read(FILES[1])?, read(FILES[2])?])
}

/// Brings the replica of one peer up to date; an alarm when its log does not go on as it began.
fn pull(node: &Arc<Node>, peer: &str) -> Result<()> {
    let folder = folder(node.home(), peer);
    for _ in 0..PIECES {
        let mut files = held(&folder)?;
        let have = files.each_ref().map(|bytes| bytes.len() as u64);
        let answer = node.ask_within(peer, &Ask::Log { have }, PATIENCE)?;
        let piece: Piece =
            serde_json::from_value(answer).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("log").party(peer))?;
        if let Some(at) = (0..3).find(|at| piece.lengths[*at] < have[*at]) {
            let what = format!("put back: {} has {} bytes, {} were seen", FILES[at], piece.lengths[at], have[at]);
            return alarm(node, peer, "rollback", piece.lengths, &what);
        }
        if piece.lengths == have {
            return seen(node, peer, have[0]);
        }
        let most = [PIECE, WHOLE, WHOLE];
        let fits = |at: usize| {
            let (more, length) = (&piece.bytes[at], piece.bytes[at].len() as u64);
            length <= most[at] && have[at] + length <= piece.lengths[at] && (more.is_empty() || more.ends_with('\n'))
        };
        if !(0..3).all(fits) || piece.bytes.iter().all(String::is_empty) {
            return Err(Fault::new(Code::PeerProtocol, "a part of the log that cannot be one").at("log").party(peer));
        }
        for (file, more) in files.iter_mut().zip(&piece.bytes) {
            file.extend_from_slice(more.as_bytes());
        }
        let [entries, checkpoints, countersignatures] = &files;
        match AuditLog::recover(entries, checkpoints, countersignatures) {
            Ok((log, recovery))
                if recovery == Recovery::default() && log.node().as_str() == peer && *log.key() == public_key(&node.peer(peer)?)? => {}
            Ok(_) => return alarm(node, peer, "fork", piece.lengths, "the log is of another node or key"),
            Err(e) => return alarm(node, peer, "fork", piece.lengths, &format!("it does not go on as it began: {e}")),
        }
        for (name, more) in FILES.iter().zip(&piece.bytes) {
            append(&folder.join("audit"), name, more.as_bytes())?;
        }
    }
    // the next round goes on
    Ok(())
}

fn append(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    if !folder.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| Fault::io(&e, folder))?;
    }
    let path = folder.join(name);
    let file = OpenOptions::new().append(true).create(true).mode(0o644).open(&path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data())).map_err(|e| Fault::io(&e, &path))
}

fn seen(node: &Node, peer: &str, bytes: u64) -> Result<()> {
    let json = json!({ "at": now(), "bytes": bytes }).to_string();
    node.store().put_object(SEEN, peer, "", &json, now().unix())
}

/// Raises an alarm, once for each state of the log that is wrong.
fn alarm(node: &Node, peer: &str, kind: &str, lengths: [u64; 3], what: &str) -> Result<()> {
    let id = format!("{peer}#{kind}#{}", lengths[0]);
    if node.store().object(ALARM, &id)?.is_some() {
        return Ok(());
    }
    tracing::error!(peer, kind, what, "ALARM: the log of a peer is not what it was");
    let json = json!({ "party": peer, "kind": kind, "what": what, "at": now() }).to_string();
    node.store().keep((ALARM, &id), "", &json, Event::new(Verb::CheckpointRefused).by(peer)?, now().unix())?;
    node.settle()
}

/// All peers: how far the replica is, when they were heard of, what is wrong.
///
/// # Errors
/// `state.wrong` at a node that does not supervise; `storage.damaged`.
pub fn status(node: &Node) -> Result<Value> {
    if !supervises(node) {
        return Err(Fault::new(Code::State, "only a regulator's node supervises"));
    }
    let damaged = |_| Fault::new(Code::Damaged, "what was seen of a peer");
    let alarms: Vec<Value> =
        node.store().objects(ALARM)?.iter().map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).collect::<Result<_>>()?;
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for peer in node.store().peers()? {
        let folder = folder(node.home(), &peer.name);
        let [entries, checkpoints, _] = held(&folder)?.map(|bytes| bytes.iter().filter(|b| **b == b'\n').count());
        let seen: Option<Value> =
            node.store().object(SEEN, &peer.name)?.map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).transpose()?;
        let at = seen.as_ref().and_then(|seen| seen["at"].as_str()).unwrap_or("never").to_owned();
        let own: Vec<&Value> = alarms.iter().filter(|alarm| alarm["party"] == peer.name.as_str()).collect();
        say.push((
            format!("{}: {entries} entries, {checkpoints} checkpoints, in step at {at}", peer.name),
            format!("{}：{entries} 条记录，{checkpoints} 个检查点，最近同步 {at}", peer.name),
        ));
        let last = seen.as_ref().and_then(|seen| Time::parse(seen["at"].as_str()?).ok());
        let is_silent = last.is_none_or(|last| now().unix().saturating_sub(last.unix()) > SILENT);
        if is_silent {
            say.push((format!("  SILENT: no step with its log since {at}"), format!("  失联：自 {at} 起未能同步其日志")));
        }
        for alarm in &own {
            let text = |key: &str| alarm[key].as_str().unwrap_or_default().to_owned();
            say.push((
                format!("  ALARM {} at {}: {}", text("kind"), text("at"), text("what")),
                format!("  告警（{}）：{}", if text("kind") == "rollback" { "日志回退" } else { "日志分叉" }, text("at")),
            ));
        }
        let (warnings, told) = crate::patrols::of(node, &peer.name)?;
        say.extend(told);
        all.push(
            json!({ "warnings": warnings, "party": peer.name, "entries": entries, "checkpoints": checkpoints, "seen": at, "silent": is_silent, "alarms": own, "replica": folder }),
        );
    }
    Ok(json!({ "peers": all, "say": lines(say) }))
}
