//! The first start of a restored node. Its log may be older than what its peers saw of it: going on would be a second history under the same key.
//!
//! ```text
//! every peer   which checkpoint of my log did you countersign last?   known here: it saw no more
//!                                                                     unknown: entries are missing, the node does not start
//!              how far does the docket go?                            the authority's node only: it would number lines twice
//! ```

use crate::control::{Ask, unreachable};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::journal::Note;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_governance::audit::merkle::Digest;
use yu_governance::audit::{Event, SignedCheckpoint, Verb};
use yu_governance::canonical::Hash;

/// File of a directory that came out of a backup and was not yet let go on.
pub(crate) const MARK: &str = "restored.json";
/// How long one peer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to reach those that are away.
const PAUSE: Duration = Duration::from_millis(500);

/// What is remembered of the restoration until the node goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the backup.
    pub backup: Hash,
    /// Peers that nobody waits for.
    pub without: Vec<String>,
    /// The escrow that goes on.
    #[serde(default)]
    pub escrow: Option<PathBuf>,
}

impl Mark {
    /// Writes it into a directory.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn write(&self, home: &Home) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        write_atomic(&home.path(MARK), &json, 0o600)
    }
}

/// Whether the node in this directory came out of a backup and waits.
#[must_use]
pub fn waits(home: &Home) -> bool {
    home.path(MARK).try_exists().unwrap_or(true)
}

/// Lets a restored node go on, once every peer has said that it saw no more than is here.
///
/// # Errors
/// `state.wrong` naming how many entries are missing and who saw them; `network.unreachable` naming who did not answer.
pub fn meet(node: &Arc<Node>) -> Result<()> {
    let path = node.home().path(MARK);
    let bytes = std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
    let mark: Mark = serde_json::from_slice(&bytes).map_err(|_| Fault::new(Code::Damaged, "it does not parse").at(MARK))?;
    let known = checkpoints(node)?;
    let end = Instant::now() + Duration::from_secs(node.config().limits.resume_limit_s);
    let mut open: Vec<String> = node.store().peers()?.into_iter().map(|peer| peer.name).collect();
    // whoever joined after the backup may be known to these two only
    for office in [&node.config().regulator, &node.config().authority].into_iter().flatten() {
        if office != node.name() && !open.contains(office) {
            open.push(office.clone());
        }
    }
    open.retain(|peer| !mark.without.contains(peer));
    let asked = open.len() as u64;
    while let Some(peer) = open.first().cloned() {
        match saw_no_more(node, &peer, &known) {
            Ok(()) => {
                open.remove(0);
            }
            // who only dials out comes by itself
            Err(fault) if unreachable(fault.code) && Instant::now() < end => {
                open.rotate_left(1);
                std::thread::sleep(PAUSE);
            }
            Err(fault) if unreachable(fault.code) => {
                let what =
                    format!("{peer} does not say how far it saw this node's log; restore with `--without {peer}` if it exists no more");
                return Err(Fault { detail: what, ..fault });
            }
            Err(fault) => return Err(fault),
        }
        if node.is_stopping() {
            return Err(Fault::new(Code::Halted, "stopped while peers were asked"));
        }
    }
    if let Some(escrow) = &mark.escrow {
        // away: keys that are made meanwhile are brought there when it is back
        if let Err(fault) = node.vault().use_escrow(escrow, false) {
            tracing::warn!(code = fault.code.as_str(), "the escrow is not in use yet: `yu backup escrow`");
        }
    }
    node.journal().release(node.store())?;
    let without = mark.without.len() as u64;
    node.log(Event::new(Verb::BackupRestored).hash("document", &mark.backup).count("parties", asked).count("removed", without))?;
    std::fs::remove_file(&path).map_err(|e| Fault::io(&e, &path))
}

/// Hashes of the own checkpoints.
fn checkpoints(node: &Node) -> Result<Vec<Hash>> {
    let lines = node.journal().checkpoints()?;
    lines.iter().map(|line| Ok(Hash::from_bytes(SignedCheckpoint::parse(line.as_bytes())?.checkpoint.hash()?.0))).collect()
}

/// Refuses when a peer knows more of the log than is here, or more of the docket than its authority does.
fn saw_no_more(node: &Arc<Node>, peer: &str, known: &[Hash]) -> Result<()> {
    let told = node.ask_within(peer, &Ask::Countersign { checkpoints: Vec::new() }, PATIENCE)?;
    let bad = || Fault::new(Code::PeerProtocol, "it does not say which checkpoint it saw").at("log").party(peer);
    let last: Digest = serde_json::from_value(told["last"].clone()).map_err(|_| bad())?;
    let own = node.journal().size();
    if last != Digest::ZERO && !known.contains(&Hash::from_bytes(last.0)) {
        let seen = told["size"].as_u64().map_or_else(|| "more".to_owned(), |seen| format!("{seen} entries"));
        let missing = told["size"].as_u64().filter(|seen| *seen > own);
        let missing = missing.map_or_else(|| "a checkpoint".to_owned(), |seen| format!("entries {own} to {}", seen.saturating_sub(1)));
        let what = format!(
            "log.later: {peer} saw {seen} of this node's log, here are {own}: {missing} are missing. Restore again with `--log` and the regulator's copy"
        );
        return Err(Fault::new(Code::State, what).party(peer));
    }
    // the regulator copies entries before a checkpoint covers them
    let replica: Option<(u64, Hash)> = serde_json::from_value(told["replica"].clone()).map_err(|_| bad())?;
    if let Some((bytes, hash)) = replica {
        let [entries, ..] = crate::journal::read_files(node.home().dir())?;
        let begins = usize::try_from(bytes).ok().and_then(|bytes| entries.get(..bytes));
        if begins.is_none_or(|begins| Hash::of_file(begins) != hash) {
            let what = format!(
                "log.later: {peer} holds {bytes} bytes of this node's log, here are {} of them or others. Restore again with `--log` and its copy",
                entries.len()
            );
            return Err(Fault::new(Code::State, what).party(peer));
        }
    }
    if node.config().authority.as_deref() == Some(node.name())
        && let Some((seen, own)) = crate::docket::sync::later_at(node, peer, PATIENCE)?
    {
        let what = format!(
            "docket.later: {peer} has {seen} lines of the docket, here are {own}: use a later backup, or lines would be numbered twice"
        );
        return Err(Fault::new(Code::State, what).party(peer));
    }
    Ok(())
}
