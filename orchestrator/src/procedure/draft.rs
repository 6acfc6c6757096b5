//! Steps that wait for signatures: whoever drafts one signs first, a person of each other signer adds its own, then the authority takes it in.

use super::adopt::LEAST_SEEN;
use super::chain::{enter, replay};
use super::kind::{Procedure, object, with_machine};
use super::law::{self, Law};
use crate::control::{Ask, unreachable};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::store::Object;
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;
use yu_governance::workflow::arrow::OLDEST_SECONDS;
use yu_governance::workflow::{Arrow, Need, Role, Signer};

/// Kind of a step that waits here.
const DRAFT: &str = "step-draft";
/// Most that wait at one node of one drafter.
const MOST: usize = 16;

/// What a person asks for.
pub struct Wanted<'a> {
    /// Which machine.
    pub machine: &'a str,
    /// Which object.
    pub object: &'a str,
    /// The event as TOML.
    pub event: &'a str,
    /// Hash of the document that the step rests on.
    pub evidence: Hash,
    /// Who signs in which role, where several could.
    pub signers: &'a [(String, String)],
}

/// A step under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    machine: String,
    drafter: String,
    arrow: Value,
}

/// Drafts a step, signs it, and asks the other signers.
///
/// # Errors
/// `input.bad`; `policy.refused` when the rules do not allow it; `not-found` without a profile or a holder of a role.
pub fn step(node: &Arc<Node>, wanted: &Wanted<'_>) -> Result<Value> {
    let law = law::required(node)?;
    with_machine!(wanted.machine, M => {
        let name = object(wanted.object)?;
        let event: <M as yu_governance::workflow::Machine>::Event = toml::from_str(wanted.event)
            .map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at("event"))?;
        let rules = <M as Procedure>::rules(law.rules());
        let here = replay::<M>(node, name)?;
        let needs = yu_governance::workflow::Machine::needs(here.case(), &event, &rules);
        // what the rules refuse is said before anybody is asked
        yu_governance::workflow::Machine::next(here.case(), &event, now(), &rules)?;
        let signers = signers(node, &law, &needs, wanted.signers, &|signer| here.tenants(std::slice::from_ref(signer)).is_ok())?;
        let arrow = here.arrow(event, signers, wanted.evidence, now(), &rules)?;
        here.tenants(&arrow.signers)?;
        if !arrow.signers.iter().any(|s| s.party.as_str() == node.name()) {
            return Err(Fault::new(Code::State, format!("this node does not sign the step; needed are {}", words(&arrow.signers))));
        }
        let signed = Signed::sign(arrow, node.name(), node.signing())?;
        go_on(node, &signed, node.name(), false)
    })
}

fn words(signers: &[Signer]) -> String {
    signers.iter().map(|s| format!("{} as {}", s.party, s.role)).collect::<Vec<_>>().join(", ")
}

/// One signer for each need: those that were named, else this node where it can, else the only one who can. A licensee or developer signs for its own
/// objects only.
fn signers(
    node: &Node,
    law: &Law,
    needs: &[Need],
    named: &[(String, String)],
    is_entitled: &dyn Fn(&Signer) -> bool,
) -> Result<Vec<Signer>> {
    let mut used: BTreeSet<PartyName> = BTreeSet::new();
    let mut found = Vec::new();
    for need in needs {
        let mut holders: Vec<Signer> = need
            .any
            .iter()
            .flat_map(|role| law.holders(*role).into_iter().map(|party| Signer { role: *role, party }))
            .filter(|s| need.who.as_ref().is_none_or(|who| *who == s.party) && !used.contains(&s.party) && is_entitled(s))
            .collect();
        let is_named = |s: &Signer| named.iter().any(|(role, party)| s.role.to_string() == *role && s.party.as_str() == party);
        if holders.iter().any(is_named) {
            holders.retain(is_named);
        } else if holders.iter().any(|s| s.party.as_str() == node.name()) {
            holders.retain(|s| s.party.as_str() == node.name());
        }
        let roles = need.any.iter().map(Role::to_string).collect::<Vec<_>>().join(" or ");
        let mut parties: Vec<&PartyName> = holders.iter().map(|s| &s.party).collect();
        parties.dedup();
        match (parties.len(), holders.first()) {
            (1, Some(one)) => {
                used.insert(one.party.clone());
                found.push(one.clone());
            }
            (0, _) => {
                return Err(Fault::new(
                    Code::NotFound,
                    format!("nobody (else) is appointed as {roles}: `yu procedure appoint` at the authority"),
                ));
            }
            _ => {
                let all = parties.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(Fault::new(Code::Input, format!("several can sign as {roles}: {all}")).at("--signer ROLE=PARTY"));
            }
        }
    }
    Ok(found)
}

/// Sends a step to where it goes next: to whoever has not signed, else to the authority.
fn go_on<M: Procedure>(node: &Arc<Node>, signed: &Signed<Arrow<M>>, drafter: &str, is_kept: bool) -> Result<Value> {
    let arrow = &signed.payload;
    let missing: Vec<String> = arrow.signers.iter().map(|s| s.party.to_string()).filter(|party| !signed.names(party)).collect();
    let draft = Draft { machine: M::NAME.into(), drafter: drafter.into(), arrow: to_value(signed)? };
    let name = payload_hash(arrow)?.to_hex();
    if drafter != node.name() {
        keep(node, &name, &draft)?;
        send(node, drafter, &draft)?;
        node.flush_outbox();
        return Ok(told(arrow, "signed and sent back", "已签署并返回起草方"));
    }
    if missing.is_empty() {
        let authority = law::required(node)?.authority;
        if authority.as_str() == node.name() {
            enter::<M>(node, signed.clone())?;
        } else {
            let document = to_value(&json!({ "machine": M::NAME, "arrow": signed }))?;
            match node.ask(authority.as_str(), &Ask::Deliver { kind: "step-complete".into(), document: document.clone() }) {
                Err(fault) if unreachable(fault.code) => {
                    node.send_later(authority.as_str(), None, &Ask::Deliver { kind: "step-complete".into(), document })?;
                }
                answered => drop(answered.map_err(|f| f.reported_by(authority.as_str()))?),
            }
        }
        node.store().remove_object(DRAFT, &name)?;
        return Ok(told(arrow, "signed by all and taken in", "已由各方签署并受理"));
    }
    if !is_kept {
        keep(node, &name, &draft)?;
    }
    for party in missing.iter().filter(|_| !is_kept) {
        send(node, party, &draft)?;
    }
    node.flush_outbox();
    Ok(told(arrow, &format!("waits for {}", missing.join(", ")), &format!("待签署：{}", missing.join("、"))))
}

fn told<M: Procedure>(arrow: &Arrow<M>, en: &str, zh: &str) -> Value {
    let (object, from, to) = (&arrow.object, &arrow.from, &arrow.to);
    json!({ "object": object, "from": from, "to": to, "sequence": arrow.sequence, "say": lines([(
        format!("{} {object}: {from} -> {to}: {en}", M::NAME),
        format!("{object}：{from} → {to}，{zh}"),
    )]) })
}

fn keep(node: &Node, name: &str, draft: &Draft) -> Result<()> {
    super::chain::bounded(&draft.arrow)?;
    if node.store().object(DRAFT, name)?.is_none() {
        let own = |kept: &Object| kept.hash == draft.drafter;
        if node.store().objects(DRAFT)?.iter().filter(|kept| own(kept)).count() >= MOST {
            return Err(Fault::new(Code::Refused, format!("{MOST} steps of `{}` wait here already", draft.drafter)));
        }
    }
    // in the place of a hash stands whose it is
    node.store().put_object(DRAFT, name, &draft.drafter, &to_value(draft)?.to_string(), now().unix())
}

fn send(node: &Node, peer: &str, draft: &Draft) -> Result<()> {
    node.send_later(peer, None, &Ask::Deliver { kind: DRAFT.into(), document: to_value(draft)? })
}

/// The step whose text a person has looked at, by how its hash begins.
fn waiting(node: &Node, seen: &str) -> Result<(String, Draft)> {
    let seen = crate::suite::digits(seen);
    let all = if seen.len() < LEAST_SEEN { Vec::new() } else { node.store().objects_from(DRAFT, seen, &format!("{seen}g"))? };
    let [kept] = &all[..] else {
        let what = format!("{} steps that wait here begin with `{}`; `yu procedure list` shows them", all.len(), seen.escape_debug());
        return Err(Fault::new(Code::NotFound, what));
    };
    let draft =
        serde_json::from_str(&kept.json).map_err(|_| Fault::new(Code::Damaged, "a step that waits does not parse").at(kept.id.clone()))?;
    Ok((kept.id.clone(), draft))
}

/// The person of this node signs the step that was looked at.
///
/// # Errors
/// `not-found`; `policy.refused` when the rules do not allow it any more.
pub fn sign(node: &Arc<Node>, seen: &str) -> Result<Value> {
    let (_, draft) = waiting(node, seen)?;
    with_machine!(draft.machine.as_str(), M => {
        let mut signed: Signed<Arrow<M>> = parse(&draft, "the store")?;
        checked::<M>(node, &signed)?;
        signed.add_signature(node.name(), node.signing())?;
        go_on(node, &signed, &draft.drafter, false)
    })
}

/// The person of this node does not sign, or takes its draft back.
///
/// # Errors
/// `not-found`.
pub fn drop_draft(node: &Arc<Node>, seen: &str) -> Result<Value> {
    let (name, _) = waiting(node, seen)?;
    node.store().remove_object(DRAFT, &name)?;
    Ok(crate::verbs::done("dropped: it is not signed here", "已放弃：本节点不予签署"))
}

fn parse<M: Procedure>(draft: &Draft, from: &str) -> Result<Signed<Arrow<M>>> {
    serde_json::from_value(draft.arrow.clone()).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("step").party(from))
}

/// Whether the step could be the next one, whatever signatures are under it: its place, its states, its signers; and that those signatures hold.
fn checked<M: Procedure>(node: &Node, signed: &Signed<Arrow<M>>) -> Result<()> {
    let law = law::required(node)?;
    let arrow = &signed.payload;
    let rules = M::rules(law.rules());
    let here = replay::<M>(node, object(&arrow.object)?)?;
    let skew = i64::try_from(node.config().limits.max_skew_s).unwrap_or(0);
    if arrow.at > now().plus_seconds(skew) || arrow.at < now().plus_seconds(-OLDEST_SECONDS) {
        return Err(Fault::new(Code::Refused, format!("the step is dated {}: neither of the future nor more than a day old", arrow.at)));
    }
    let own = here.arrow(arrow.event.clone(), arrow.signers.clone(), arrow.evidence, arrow.at, &rules)?;
    if own != *arrow {
        return Err(Fault::new(Code::Refused, format!("the step does not follow on `{}` as it stands here", arrow.object)));
    }
    law.roster.check(&here.case().needs(&arrow.event, &rules), &arrow.signers)?;
    here.tenants(&arrow.signers)?;
    signed.verify(&law.ring, &[])?;
    match signed.signatures.iter().find(|s| !arrow.signers.iter().any(|named| named.party.as_str() == s.signer)) {
        Some(extra) => Err(Fault::new(Code::Signature, format!("`{}` signed and is no signer of the step", extra.signer))),
        None => Ok(()),
    }
}

/// A step arrives: for this node to sign, or signed on its way back to its drafter.
///
/// # Errors
/// `policy.refused`, `signature.bad`.
pub fn arrived(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    let draft: Draft =
        serde_json::from_value(document).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("step").party(from))?;
    with_machine!(draft.machine.as_str(), M => {
        let signed: Signed<Arrow<M>> = parse(&draft, from)?;
        object(&signed.payload.object)?;
        let name = payload_hash(&signed.payload)?.to_hex();
        let turn = node.procedure_turn();
        if draft.drafter == node.name() {
            // ours, with one more signature: what we keep is the text, theirs are only signatures
            let (_, kept) = waiting(node, &name)?;
            let mut own: Signed<Arrow<M>> = parse(&kept, node.name())?;
            // D6: whoever has no part in it does not learn that it waits
            if !own.payload.signers.iter().any(|named| named.party.as_str() == from) {
                return Err(crate::control::not_here(node.name()));
            }
            if kept.drafter != node.name() || own.payload != signed.payload {
                return Err(Fault::new(Code::Tampered, "the step that came back is another one").party(from));
            }
            let ring = law::required(node)?.ring;
            let theirs = signed.signatures.into_iter().find(|s| s.signer == from && own.payload.signers.iter().any(|named| named.party.as_str() == from));
            let theirs = theirs.ok_or_else(|| Fault::new(Code::Signature, "the step came back without the sender's signature").party(from))?;
            own.merge_signature(theirs, &ring)?;
            // two that come back at once: neither signature is lost
            keep(node, &name, &Draft { arrow: to_value(&own)?, ..kept })?;
            drop(turn);
            return go_on(node, &own, node.name(), true).map(drop);
        }
        let asked = draft.drafter == from && signed.names(from) && signed.payload.signers.iter().any(|s| s.party.as_str() == node.name());
        if !asked {
            return Err(Fault::new(Code::Refused, "a step is shown by its drafter, who signed it, to those who are to sign").party(from));
        }
        if signed.payload.sequence > replay::<M>(node, &signed.payload.object)?.length() {
            // the step before is still under way
            drop(turn);
            super::sync::fetch(node)?;
            checked::<M>(node, &signed)?;
            return keep(node, &name, &draft);
        }
        checked::<M>(node, &signed)?;
        keep(node, &name, &draft)
    })
}

/// A step with all its signatures arrives at the authority, from one of its signers.
///
/// # Errors
/// Those of [`enter`].
pub fn complete(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Complete {
        machine: String,
        arrow: Value,
    }
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("step").party(from);
    let complete: Complete = serde_json::from_value(document).map_err(parse)?;
    with_machine!(complete.machine.as_str(), M => {
        let arrow: Signed<Arrow<M>> = serde_json::from_value(complete.arrow).map_err(parse)?;
        if !arrow.names(from) {
            return Err(Fault::new(Code::Refused, "a step is handed in by one of its signers").party(from));
        }
        enter::<M>(node, arrow)
    })
}

/// Drops drafts that another step has overtaken, or that are older than a step may be.
pub(super) fn outdated(node: &Node) -> Result<()> {
    for kept in node.store().objects(DRAFT)? {
        let Ok(draft) = serde_json::from_str::<Draft>(&kept.json) else { continue };
        let is_over = with_machine!(draft.machine.as_str(), M => {
            let signed: Signed<Arrow<M>> = parse(&draft, "the store")?;
            let arrow = &signed.payload;
            // of a chain that cannot be read nothing is dropped
            let is_overtaken = || replay::<M>(node, &arrow.object).is_ok_and(|here| here.length() > arrow.sequence);
            Ok(arrow.at < now().plus_seconds(-OLDEST_SECONDS) || is_overtaken())
        })?;
        if is_over {
            node.store().remove_object(DRAFT, &kept.id)?;
        }
    }
    Ok(())
}

/// The same from time to time; what cannot be read now is looked at again later.
pub fn expire(node: &Node) {
    if let Err(fault) = outdated(node) {
        tracing::debug!(code = fault.code.as_str(), "steps that wait are looked through later");
    }
}

/// What waits here, whole: a person signs what stands here, by its hash.
pub(super) fn tell(node: &Node, say: &mut Vec<(String, String)>) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for kept in node.store().objects(DRAFT)? {
        let Ok(draft) = serde_json::from_str::<Draft>(&kept.json) else { continue };
        let payload = &draft.arrow["payload"];
        let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
        let (short, name) = (kept.id.chars().take(16).collect::<String>(), text("object"));
        let signed = draft.arrow["signatures"].as_array().map_or(0, Vec::len);
        let event = payload["event"]["event"].as_str().unwrap_or_default();
        let whole = format!(
            "{}; evidence {}; {} -> {}; dated {}; signers {}; {signed} signed",
            payload["event"],
            text("evidence"),
            text("from"),
            text("to"),
            text("at"),
            payload["signers"]
        );
        say.push((
            format!(
                "waits for signatures: {event} of {} {name}, drafted by {}: `yu procedure sign {short}`\n  {whole}",
                draft.machine, draft.drafter
            ),
            format!("待签署：{name} 的“{event}”，起草方 {}，签署命令 yu procedure sign {short}", draft.drafter),
        ));
        all.push(json!({ "hash": kept.id, "machine": draft.machine, "drafter": draft.drafter, "step": payload }));
    }
    Ok(all)
}
