//! What a node has missed, asked of the authority; and whether others were told the same, asked of everybody.

use super::line::{self, Filed, Taken};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use yu_governance::docket::{Head, Line};
use yu_governance::sign::Signed;

/// Most bytes of lines in one answer, as text.
const BYTES: usize = 4 << 20;
/// Most lines in one answer.
const LINES: usize = 4096;
/// How long a peer may take to compare.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lines from a place on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    lines: Vec<Filed>,
    /// Whether there are more behind them.
    more: bool,
}

/// Answers a peer with the lines from a place on, documents where it may read them. Only the authority does.
///
/// # Errors
/// `state.wrong` at another node; `storage.damaged`.
pub fn answer(node: &Node, peer: &str, from: u64) -> Result<Value> {
    if node.config().authority.as_deref() != Some(node.name()) {
        return Err(Fault::new(Code::State, "the authority's node tells what is filed").party(node.name()));
    }
    let Some(law) = law::in_force(node)? else { return to_value(&Part { lines: Vec::new(), more: false }) };
    let (mut lines, mut bytes, mut next) = (Vec::new(), 0, from);
    loop {
        let some = line::stored(node, next, line::PAGE.min(64))?;
        let more = !some.is_empty();
        for filed in some {
            if bytes >= BYTES || lines.len() >= LINES {
                return to_value(&Part { lines, more: true });
            }
            next = filed.line.payload.sequence.saturating_add(1);
            let filed = line::for_peer(node, &filed, peer, &law)?;
            bytes += filed.document.as_ref().map_or(0, |document| document.to_string().len()) + 1024;
            lines.push(filed);
        }
        if !more {
            return to_value(&Part { lines, more: false });
        }
    }
}

/// Fetches what is missing and takes it in; gives the number of lines that are here then.
///
/// # Errors
/// `network.unreachable`; by the rules when something does not hold.
pub fn fetch(node: &Arc<Node>) -> Result<u64> {
    let (authority, _) = law::pinned(node)?;
    let length = || node.docket().with(node, |book| Ok(book.length));
    if authority.as_str() == node.name() {
        return length();
    }
    let peer = authority.as_str();
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(peer);
    let mut has_law = false;
    loop {
        let here = length()?;
        let part: Part =
            serde_json::from_value(node.ask(peer, &Ask::Docket { from: here }).map_err(|f| f.reported_by(peer))?).map_err(parse)?;
        if part.lines.len() > LINES || (part.more && part.lines.is_empty()) {
            return Err(Fault::new(Code::PeerProtocol, "an answer that cannot be one").at("docket").party(peer));
        }
        for filed in &part.lines {
            if line::take(node, filed)? == Taken::In {
                continue;
            }
            if has_law || filed.line.payload.sequence != length()? {
                return Err(Fault::new(Code::PeerProtocol, "the authority's lines leave one out").at("docket").party(peer));
            }
            // filed under what is not known here yet
            has_law = true;
            crate::procedure::sync::fetch(node)?;
            if line::take(node, filed)? != Taken::In {
                return Err(Fault::new(Code::PeerProtocol, "a line was filed under what the authority does not tell")
                    .at("docket")
                    .party(peer));
            }
        }
        if !part.more {
            steps_are_filed(node)?;
            return length();
        }
    }
}

/// Every step that the authority told has its place in the docket: a step that others are not to know of is found here.
fn steps_are_filed(node: &Node) -> Result<()> {
    let known = node.docket().with(node, |book| Ok(book.documents.keys().copied().collect::<std::collections::BTreeSet<_>>()))?;
    if !crate::procedure::chain::all_hashes(node, &known)?.is_empty() {
        // it may have been taken a moment ago; the next round sees its line
        tracing::warn!("a step of a procedure has no line in the docket yet");
    }
    Ok(())
}

/// How far a peer's docket goes, and the line there that is compared.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    /// Its end.
    head: Option<Head>,
    /// Its line at the asker's end, or at its own where that comes before.
    line: Option<Signed<Line>>,
}

/// Answers a peer that compares its docket with this node's: the asker gets the authority's own line, so whoever is wrong is shown by signatures.
///
/// # Errors
/// `storage.damaged`; `contract.altered` when the asker's line proves two histories.
pub fn compare(node: &Node, told: Option<Signed<Line>>) -> Result<Value> {
    let head = node.docket().with(node, super::book::Book::head)?;
    let line = match (&head, &told) {
        (Some(head), Some(told)) => {
            if told.payload.sequence <= head.sequence {
                // kept as an alarm here; the asker finds it by the answer
                drop(line::compare(node, told));
            }
            Some(line::one(node, head.sequence.min(told.payload.sequence))?.line)
        }
        _ => None,
    };
    to_value(&Compared { head, line })
}

/// Compares with one peer.
///
/// # Errors
/// `contract.altered` with two histories; `network.unreachable`.
pub fn compare_with(node: &Node, peer: &str) -> Result<()> {
    let Some(own) = node.docket().with(node, |book| Ok(book.head.clone()))? else { return Ok(()) };
    let answer = node.ask_within(peer, &Ask::DocketCompare { line: Some(to_value(&own)?) }, PATIENCE)?;
    let told: Compared =
        serde_json::from_value(answer).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(peer))?;
    match told.line {
        Some(told) if told.payload.sequence <= own.payload.sequence => line::compare(node, &told),
        _ => Ok(()),
    }
}

/// How many lines a peer has, and how many are here, if the peer has more.
///
/// # Errors
/// `network.unreachable`.
pub fn later_at(node: &Node, peer: &str, patience: Duration) -> Result<Option<(u64, u64)>> {
    let answer = node.ask_within(peer, &Ask::DocketCompare { line: None }, patience)?;
    let told: Compared =
        serde_json::from_value(answer).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(peer))?;
    let own = node.docket().with(node, |book| Ok(book.length))?;
    let theirs = told.head.map_or(0, |head| head.sequence.saturating_add(1));
    Ok((theirs > own).then_some((theirs, own)))
}

/// Fetches what is missing and compares with everybody, for a person.
///
/// # Errors
/// `network.unreachable`; `contract.altered` with two histories.
pub fn now(node: &Arc<Node>) -> Result<Value> {
    let count = fetch(node)?;
    let (mut same, mut away) = (0, 0);
    for peer in node.store().peers()? {
        match compare_with(node, &peer.name) {
            Ok(()) => same += 1,
            Err(fault) if crate::control::unreachable(fault.code) => away += 1,
            Err(fault) if fault.code == Code::Tampered => return Err(fault),
            Err(_) => away += 1,
        }
    }
    Ok(crate::verbs::done(
        &format!("{count} lines; {same} peers were told the same, {away} did not answer"),
        &format!("共 {count} 行；{same} 个节点所知一致，{away} 个未应答"),
    ))
}

/// Fetches what is missing and compares with everybody, as often as [`crate::procedure::sync::catch_up`] does.
pub fn catch_up(node: &Arc<Node>) {
    if !law::in_force(node).is_ok_and(|law| law.is_some()) {
        return;
    }
    if let Err(fault) = fetch(node) {
        tracing::debug!(code = fault.code.as_str(), "the docket is brought up to date later");
    }
    for peer in node.store().peers().unwrap_or_default() {
        if node.is_stopping() {
            return;
        }
        if let Err(fault) = compare_with(node, &peer.name) {
            tracing::debug!(peer = peer.name, code = fault.code.as_str(), "the docket was not compared");
        }
    }
}
