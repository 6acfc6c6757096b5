//! Checkpoints of the own log and countersignatures of the peers' logs.

use super::{lines, to_value};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, public_key};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use yu_governance::audit::{Countersignature, Event, SignedCheckpoint, Verb, Witness};
use yu_governance::canonical::Hash;

/// A peer's log as this node has seen it so far.
const KIND: &str = "witness";

/// The last checkpoint of a peer that was refused, by its hash.
const REFUSED: &str = "refused-checkpoint";

/// Signs a checkpoint now and collects countersignatures.
pub(super) fn checkpoint(node: &Arc<Node>) -> Result<Value> {
    let (size, signers) = round(node)?;
    Ok(json!({ "size": size, "countersigned": signers, "say": lines([(
        format!("{}: checkpoint over {size} entries, countersigned by {}", node.name(), signers.len()),
        format!("{}：{size} 条记录的检查点，{} 方联署", node.name(), signers.len()),
    )]) }))
}

/// Checkpoints the log and asks every peer to countersign; peers that are away are skipped.
///
/// # Errors
/// `disk.full`, `storage.failed`.
pub(crate) fn round(node: &Arc<Node>) -> Result<(u64, Vec<String>)> {
    // who saw a change may ask for a checkpoint at once: it covers what the log holds of the change
    node.settle()?;
    node.journal().checkpoint_if_due(node.signing(), now())?;
    let (size, all) = (node.journal().size(), node.journal().checkpoints()?);
    let mut signers = Vec::new();
    for peer in node.store().peers()? {
        match ask_peer(node, &peer.name, &all) {
            Ok(()) => signers.push(peer.name),
            Err(fault) => tracing::warn!(peer = peer.name, code = fault.code.as_str(), "no countersignature"),
        }
    }
    Ok((size, signers))
}

fn ask_peer(node: &Arc<Node>, peer: &str, all: &[String]) -> Result<()> {
    let patience = Duration::from_secs(10);
    let seen = node.ask_within(peer, &Ask::Countersign { checkpoints: Vec::new() }, patience)?;
    let last = seen.get("last").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut from = 0;
    for (i, line) in all.iter().enumerate() {
        let signed = SignedCheckpoint::parse(line.as_bytes())?;
        if to_value(&signed.checkpoint.hash()?)?.as_str() == Some(&last) {
            from = i + 1;
        }
    }
    // Nothing new since the last time: the last one is sent again and countersigned once more.
    let from = from.min(all.len().saturating_sub(1));
    let answer = node.ask_within(peer, &Ask::Countersign { checkpoints: all[from..].to_vec() }, patience)?;
    let countersignature: Countersignature =
        serde_json::from_value(answer).map_err(|_| Fault::new(Code::PeerProtocol, "countersignature does not parse").party(peer))?;
    node.journal().countersigned(&countersignature)
}

/// A peer wants its checkpoint countersigned: it must continue everything seen of its log before.
pub(crate) fn countersign_for(node: &Arc<Node>, from: &str, checkpoints: &[String]) -> Result<Value> {
    let _turn = node.merge_turn();
    let peer = node.peer(from)?;
    let mut witness: Witness = match node.store().object(KIND, from)? {
        Some(kept) => serde_json::from_str(&kept.json).map_err(|_| Fault::new(Code::Damaged, "witness").party(from))?,
        None => Witness::new(from.parse()?, public_key(&peer)?),
    };
    if checkpoints.is_empty() {
        return Ok(json!({ "last": witness.last(), "size": witness.size(), "replica": crate::supervise::replica_end(node, from)? }));
    }
    let before = witness.last();
    let mut newest = None;
    for line in checkpoints {
        let signed = SignedCheckpoint::parse(line.as_bytes())?;
        if let Err(refused) = witness.accept(&signed) {
            note_refusal(node, from, &signed)?;
            return Err(refused.into());
        }
        newest = Some(signed);
    }
    if let Some(signed) = newest.filter(|_| witness.last() != before) {
        // Before the countersignature leaves: who keeps both logs sees later whether the peer's was put back to an older state.
        node.log(Event::checkpoint_countersigned(&signed.checkpoint)?)?;
    }
    let json = serde_json::to_string(&witness).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    node.store().put_object(KIND, from, "", &json, now().unix())?;
    to_value(&witness.countersign(&node.name().parse()?, node.signing(), now())?)
}

/// Writes down that a peer's log does not continue what was seen of it; the same checkpoint once, however often it is sent.
fn note_refusal(node: &Arc<Node>, from: &str, signed: &SignedCheckpoint) -> Result<()> {
    let hash = Hash::new(signed.checkpoint.alg, signed.checkpoint.hash()?.0).to_string();
    if node.store().object(REFUSED, from)?.is_none_or(|kept| kept.hash != hash) {
        node.log(Event::new(Verb::CheckpointRefused).by(from)?)?;
        node.store().put_object(REFUSED, from, &hash, "{}", now().unix())?;
    }
    Ok(())
}
