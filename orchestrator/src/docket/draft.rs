//! Documents that wait for signatures: whoever drafts one signs first, a person of each other signer adds its own by its hash, then the authority
//! takes it in.

use super::kind::{Kind, has_signed};
use super::{line, named};
use crate::control::{Ask, unreachable};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::store::Object;
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Kind of a document that waits here.
const DRAFT: &str = "docket-draft";
/// Most that wait at one node of one drafter.
const MOST: usize = 32;
/// Fewest digits by which a person names what was looked at.
const LEAST_SEEN: usize = 16;
/// Seconds after which a draft that nobody signed is dropped.
const OLDEST: i64 = 30 * 86_400;

/// A document under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    kind: String,
    drafter: String,
    document: Value,
}

/// Signs a document and asks the other signers.
///
/// # Errors
/// `input.bad` naming the field; by the rules; `state.wrong` when this node does not sign it.
pub fn file(node: &Arc<Node>, kind: &str, toml: &str) -> Result<Value> {
    let kind = named(kind)?;
    let document = kind.read(toml)?;
    start(node, kind, &document)
}

/// The same for a document that the node has made itself.
///
/// # Errors
/// As [`file()`].
pub fn start(node: &Arc<Node>, kind: &'static Kind, document: &Value) -> Result<Value> {
    let law = law::required(node)?;
    let signers = node.docket().with(node, |book| kind.signers(document, book, &law))?;
    if !signers.iter().any(|who| who.as_str() == node.name()) {
        let all = signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Fault::new(Code::State, format!("this node does not sign it; needed are {all}")).at(kind.name));
    }
    let signed = kind.sign(document, node)?;
    line::bounded(&signed)?;
    go_on(node, kind, &signed, node.name(), false)
}

/// Sends a document to where it goes next: to whoever has not signed, else to the authority.
fn go_on(node: &Arc<Node>, kind: &'static Kind, signed: &Value, drafter: &str, is_kept: bool) -> Result<Value> {
    let law = law::required(node)?;
    let name = kind.hash(signed)?.to_hex();
    let draft = Draft { kind: kind.name.into(), drafter: drafter.into(), document: signed.clone() };
    if drafter != node.name() {
        keep(node, &name, &draft)?;
        send(node, drafter, &draft)?;
        node.flush_outbox();
        return Ok(told(kind, &name, None, "signed and sent back", "已签署并返回起草方"));
    }
    let signers = node.docket().with(node, |book| kind.signers(signed, book, &law))?;
    let missing: Vec<String> = signers.iter().map(ToString::to_string).filter(|who| !has_signed(signed, who)).collect();
    if missing.is_empty() {
        let mut place = None;
        if law.authority.as_str() == node.name() {
            place = Some(line::enter(node, kind, signed.clone())?);
        } else {
            let document = json!({ "kind": kind.name, "document": signed });
            match node.ask(law.authority.as_str(), &Ask::Deliver { kind: "docket-complete".into(), document: document.clone() }) {
                Err(fault) if unreachable(fault.code) => {
                    node.send_later(law.authority.as_str(), None, &Ask::Deliver { kind: "docket-complete".into(), document })?;
                }
                answered => drop(answered.map_err(|f| f.reported_by(law.authority.as_str()))?),
            }
        }
        node.store().remove_object(DRAFT, &name)?;
        return Ok(told(kind, &name, place, "signed by all and filed", "已由各方签署并备案"));
    }
    if !is_kept {
        keep(node, &name, &draft)?;
        missing.iter().try_for_each(|party| send(node, party, &draft))?;
    }
    node.flush_outbox();
    Ok(told(kind, &name, None, &format!("waits for {}", missing.join(", ")), &format!("待签署：{}", missing.join("、"))))
}

fn told(kind: &Kind, hash: &str, place: Option<u64>, en: &str, zh: &str) -> Value {
    let short: String = hash.chars().take(LEAST_SEEN).collect();
    json!({ "kind": kind.name, "hash": hash, "line": place, "say": lines([(
        format!("{} {short}: {en}", kind.title.0),
        format!("{}（{short}）：{zh}", kind.title.1),
    )]) })
}

fn keep(node: &Node, name: &str, draft: &Draft) -> Result<()> {
    line::bounded(&draft.document)?;
    if node.store().object(DRAFT, name)?.is_none() {
        let own = |kept: &Object| kept.hash == draft.drafter;
        if node.store().objects(DRAFT)?.iter().filter(|kept| own(kept)).count() >= MOST {
            return Err(Fault::new(Code::Refused, format!("{MOST} documents of `{}` wait here already", draft.drafter)));
        }
    }
    // in the place of a hash stands whose it is
    node.store().put_object(DRAFT, name, &draft.drafter, &to_value(draft)?.to_string(), now().unix())
}

fn send(node: &Node, peer: &str, draft: &Draft) -> Result<()> {
    node.send_later(peer, None, &Ask::Deliver { kind: DRAFT.into(), document: to_value(draft)? })
}

/// The document whose text a person has looked at, by how its hash begins.
fn waiting(node: &Node, seen: &str) -> Result<(String, Draft)> {
    let seen = crate::suite::digits(seen);
    let all = if seen.len() < LEAST_SEEN { Vec::new() } else { node.store().objects_from(DRAFT, seen, &format!("{seen}g"))? };
    let [kept] = &all[..] else {
        let what = format!("{} documents that wait here begin with `{}`; `yu docket waiting` shows them", all.len(), seen.escape_debug());
        return Err(Fault::new(Code::NotFound, what));
    };
    let damaged = |_| Fault::new(Code::Damaged, "a document that waits does not parse").at(kept.id.clone());
    Ok((kept.id.clone(), serde_json::from_str(&kept.json).map_err(damaged)?))
}

/// The kind of a document that waits here.
#[must_use]
pub fn kind_waiting(node: &Node, seen: &str) -> Option<String> {
    waiting(node, seen).ok().map(|(_, draft)| draft.kind)
}

/// The person of this node signs the document that was looked at.
///
/// # Errors
/// `not-found`; by the rules when they do not allow it any more.
pub fn sign(node: &Arc<Node>, seen: &str) -> Result<Value> {
    let (_, draft) = waiting(node, seen)?;
    let kind = named(&draft.kind)?;
    checked(node, kind, &draft.document)?;
    let signed = kind.sign(&draft.document, node)?;
    go_on(node, kind, &signed, &draft.drafter, false)
}

/// The person of this node does not sign, or takes its draft back.
///
/// # Errors
/// `not-found`.
pub fn drop_draft(node: &Node, seen: &str) -> Result<Value> {
    let (name, _) = waiting(node, seen)?;
    node.store().remove_object(DRAFT, &name)?;
    Ok(crate::verbs::done("dropped: it is not signed here", "已放弃：本节点不予签署"))
}

/// Whether this node is to sign it, and the signatures under it hold.
fn checked(node: &Node, kind: &Kind, document: &Value) -> Result<()> {
    let law = law::required(node)?;
    let signers = node.docket().with(node, |book| kind.signers(document, book, &law))?;
    if !signers.iter().any(|who| who.as_str() == node.name()) {
        return Err(Fault::new(Code::Refused, "this node is no signer of the document").at(kind.name));
    }
    let there: Vec<_> = signers.into_iter().filter(|who| has_signed(document, who.as_str())).collect();
    kind.verify(document, &there, &law.ring)
}

/// A document arrives: for this node to sign, or signed on its way back to its drafter.
///
/// # Errors
/// `policy.refused`, `signature.bad`.
pub fn arrived(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(from);
    let draft: Draft = serde_json::from_value(document).map_err(parse)?;
    line::bounded(&draft.document)?;
    let kind = named(&draft.kind)?;
    let name = kind.hash(&draft.document)?.to_hex();
    let turn = node.procedure_turn();
    if draft.drafter == node.name() {
        // ours, with one more signature: what we keep is the text, theirs are only signatures
        let (_, kept) = waiting(node, &name)?;
        let law = law::required(node)?;
        let signers = super::hidden::signers(node, kind, &kept.document, &law, from)?;
        // D6: whoever has no part in it does not learn that it waits
        if !signers.iter().any(|who| who.as_str() == from) {
            return Err(crate::control::not_here(node.name()));
        }
        if kept.drafter != node.name() {
            return Err(Fault::new(Code::Tampered, "the document that came back is another one").party(from));
        }
        let merged = kind.merge(&kept.document, &draft.document, from, &law.ring)?;
        keep(node, &name, &Draft { document: merged.clone(), ..kept })?;
        drop(turn);
        return go_on(node, kind, &merged, node.name(), true).map(drop);
    }
    if draft.drafter != from || !has_signed(&draft.document, from) {
        return Err(Fault::new(Code::Refused, "a document is shown by its drafter, who signed it, to those who are to sign").party(from));
    }
    let law = law::required(node)?;
    kind.signed_by(&draft.document, from, &law.ring)?;
    super::hidden::signers(node, kind, &draft.document, &law, from)?;
    checked(node, kind, &draft.document)?;
    keep(node, &name, &draft)
}

/// Drops drafts that are filed, or too old.
///
/// # Errors
/// `storage.failed`.
pub fn tidy(node: &Node) -> Result<()> {
    for kept in node.store().objects_older(DRAFT, now().unix().saturating_sub(OLDEST))? {
        node.store().remove_object(DRAFT, &kept)?;
    }
    for kept in node.store().objects(DRAFT)? {
        let is_filed = node.docket().with(node, |book| Ok(book.documents.keys().any(|known| known.to_hex() == kept.id)))?;
        if is_filed {
            node.store().remove_object(DRAFT, &kept.id)?;
        }
    }
    Ok(())
}

/// Documents of one kind that wait here, with their hashes.
///
/// # Errors
/// `storage.damaged`.
pub(crate) fn waiting_of<T: super::kind::Document>(node: &Node) -> Result<Vec<(String, yu_governance::sign::Signed<T>)>> {
    let damaged = |id: &str| Fault::new(Code::Damaged, "a document that waits does not parse").at(id.to_owned());
    let mut found = Vec::new();
    for kept in node.store().objects(DRAFT)? {
        let draft: Draft = serde_json::from_str(&kept.json).map_err(|_| damaged(&kept.id))?;
        if draft.kind == T::KIND {
            found.push((kept.id.clone(), serde_json::from_value(draft.document).map_err(|_| damaged(&kept.id))?));
        }
    }
    Ok(found)
}

/// What waits here, whole: a person signs what stands here, by its hash.
///
/// # Errors
/// `storage.damaged`.
pub fn list(node: &Node) -> Result<Value> {
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for kept in node.store().objects(DRAFT)? {
        let damaged = |_| Fault::new(Code::Damaged, "a document that waits does not parse").at(kept.id.clone());
        let draft: Draft = serde_json::from_str(&kept.json).map_err(damaged)?;
        let title = super::kind_of(&draft.kind).map_or(("document", "文件"), |kind| kind.title);
        let short: String = kept.id.chars().take(LEAST_SEEN).collect();
        let is_signed = has_signed(&draft.document, node.name());
        let state = if is_signed { ("waits for others", "待他方签署") } else { ("waits for your signature", "待本节点签署") };
        say.push((
            format!("{short}  {} of {}: {}", title.0, draft.drafter, state.0),
            format!("{short}  {}，起草方 {}：{}", title.1, draft.drafter, state.1),
        ));
        if !is_signed {
            let text = serde_json::to_string_pretty(&draft.document["payload"]).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
            say.push((text.clone(), text));
        }
        all.push(json!({ "hash": kept.id, "kind": draft.kind, "drafter": draft.drafter, "signed": is_signed, "document": draft.document["payload"] }));
    }
    if all.is_empty() {
        say.push(("nothing waits".into(), "没有待签署的文件".into()));
    }
    Ok(json!({ "waiting": all, "say": lines(say) }))
}
