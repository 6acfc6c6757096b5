//! A profile comes into force by two signatures, the authority's and the regulator's (D16); the authority appoints who signs in which role.

use super::law::{self, APPOINTMENTS, IN_FORCE, PROFILE};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::verbs::{done, lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use yu_governance::id::{PartyName, document_hash};
use yu_governance::profile::{Profile, accept, diff};
use yu_governance::sign::Signed;
use yu_governance::workflow::{Appointment, Appointments, Role};

/// Kind of a profile that waits for the second signature.
const PROPOSED: &str = "profile-proposed";

/// What travels: a profile with the parent it stands on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// The profile.
    pub profile: Signed<Profile>,
    /// Its parent, signed likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Signed<Profile>>,
}

impl Proposed {
    /// Versions of the profile and of its parent: what comes later is greater.
    pub(super) fn versions(&self) -> (u32, u32) {
        (self.profile.payload.version, self.parent.as_ref().map_or(0, |parent| parent.payload.version))
    }
}

/// The authority signs a profile and shows it to the regulator.
///
/// # Errors
/// `state.wrong` at another node; `input.bad`; `env.mismatch` for a draft in production; `peer.unknown` when the regulator is not a peer.
pub fn propose(node: &Arc<Node>, profile: Profile, parent: Option<Profile>) -> Result<Value> {
    let (authority, regulator) = law::pinned(node)?;
    if authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "only the authority proposes a profile"));
    }
    node.peer(regulator.as_str())?;
    let current = law::profile(node, IN_FORCE)?;
    let known_parent = current.as_ref().and_then(|known| known.parent.as_ref());
    let parent = parent.map(|parent| following(parent, known_parent)).transpose()?;
    let profile = following(profile, current.as_ref().map(|known| &known.profile))?;
    let effective = law::effective(&profile, parent.clone())?;
    if node.config().environment == "prod" && !effective.is_in_force(now()) {
        let what = format!("`{}` is a draft, or not in force today: it may be tried in development only", profile.id);
        return Err(Fault::new(Code::EnvMismatch, what));
    }
    let sign = |profile: Profile| Signed::sign(profile, node.name(), node.signing());
    let proposed = Proposed { profile: sign(profile)?, parent: parent.map(sign).transpose()? };
    let name = proposed.profile.payload.id.to_string();
    keep(node, &proposed)?;
    send(node, regulator.as_str(), &proposed)?;
    node.flush_outbox();
    Ok(done(&format!("{name}: signed, waits for the regulator {regulator}"), &format!("{name}：已签署，待监管方 {regulator} 会签")))
}

/// The version that follows on the one in force here; a profile of a file states its own numbers.
fn following(mut profile: Profile, current: Option<&Signed<Profile>>) -> Result<Profile> {
    if let Some(current) = current
        && current.payload.id == profile.id
        && (profile.version, profile.replaces) == (1, None)
    {
        let same = Profile { version: current.payload.version, replaces: current.payload.replaces, ..profile.clone() };
        if same == current.payload {
            return Ok(current.payload.clone());
        }
        profile.version = current.payload.version.saturating_add(1);
        profile.replaces = Some(document_hash(&current.payload)?);
    }
    Ok(profile)
}

/// Fewest digits by which a person names what was looked at.
pub(super) const LEAST_SEEN: usize = 16;

/// Under which a profile is known: a hash over it and the parent it stands on.
///
/// # Errors
/// `internal`.
pub fn name(proposed: &Proposed) -> Result<Hash> {
    let parent = proposed.parent.as_ref().map(|signed| payload_hash(&signed.payload)).transpose()?;
    let both = format!("{} {}", payload_hash(&proposed.profile.payload)?, parent.map_or_else(String::new, |hash| hash.to_string()));
    Ok(yu_governance::canonical::digest("yu-profile-and-parent-v1", both.as_bytes()))
}

/// The regulator's person signs what the authority proposed, named by how its text begins: it comes into force.
///
/// # Errors
/// `not-found` when nothing waits; `contract.altered` when it is another text; `state.wrong` at another node.
pub fn countersign(node: &Arc<Node>, seen: &str) -> Result<Value> {
    let (authority, regulator) = law::pinned(node)?;
    if regulator.as_str() != node.name() {
        return Err(Fault::new(Code::State, "only the regulator countersigns a profile"));
    }
    let mut proposed = waiting(node)?.ok_or_else(|| Fault::new(Code::NotFound, "no profile waits for a signature"))?;
    let text = name(&proposed)?.to_hex();
    if seen.len() < LEAST_SEEN || !text.starts_with(seen) {
        return Err(Fault::new(Code::Tampered, format!("what waits is {text}, not {seen}: look at `yu profile proposed` again")));
    }
    for signed in std::iter::once(&mut proposed.profile).chain(&mut proposed.parent) {
        signed.add_signature(node.name(), node.signing())?;
    }
    let title = proposed.profile.payload.id.to_string();
    enter(node, &proposed)?;
    send(node, authority.as_str(), &proposed)?;
    node.flush_outbox();
    Ok(done(&format!("{title} is in force"), &format!("{title} 已生效")))
}

/// What waits here for the second signature.
///
/// # Errors
/// `storage.damaged`.
pub fn waiting(node: &Node) -> Result<Option<Proposed>> {
    let damaged = |_| Fault::new(Code::Damaged, "proposed profile does not parse");
    node.store().object(PROPOSED, IN_FORCE)?.map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).transpose()
}

/// What would change, in sentences.
///
/// # Errors
/// `input.bad`.
pub fn changes(node: &Node, proposed: &Proposed) -> Result<Vec<yu_governance::text::Text>> {
    let new = law::effective(&proposed.profile.payload, proposed.parent.as_ref().map(|signed| signed.payload.clone()))?;
    Ok(match law::in_force(node)? {
        Some(law) => diff(&law.profile, &new).into_iter().map(|change| change.sentence).collect(),
        None => new.show(),
    })
}

fn keep(node: &Node, proposed: &Proposed) -> Result<()> {
    let hash = payload_hash(&proposed.profile.payload)?;
    let json = to_value(proposed)?.to_string();
    node.store().put_object(PROPOSED, IN_FORCE, &hash.to_string(), &json, now().unix())
}

fn send(node: &Node, peer: &str, proposed: &Proposed) -> Result<()> {
    node.send_later(peer, None, &Ask::Deliver { kind: PROFILE.into(), document: to_value(proposed)? })
}

/// A profile arrives: at the regulator with one signature, everywhere with two.
///
/// # Errors
/// `signature.bad`, `policy.refused`.
pub fn arrived(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("profile").party(from);
    let proposed: Proposed = serde_json::from_value(document).map_err(parse)?;
    let (authority, regulator) = law::pinned(node)?;
    let complete = proposed.profile.names(authority.as_str()) && proposed.profile.names(regulator.as_str());
    if complete && [authority.as_str(), regulator.as_str()].contains(&from) {
        enter(node, &proposed)?;
        if authority.as_str() == node.name() {
            for peer in node.store().peers()?.into_iter().filter(|peer| peer.name != regulator.as_str()) {
                send(node, &peer.name, &proposed)?;
            }
            node.flush_in_background();
        }
        return Ok(());
    }
    if regulator.as_str() == node.name() && from == authority.as_str() {
        let ring = node.ring()?;
        proposed.profile.verify(&ring, &[from])?;
        proposed.parent.iter().try_for_each(|parent| parent.verify(&ring, &[from]).map(drop))?;
        law::effective(&proposed.profile.payload, proposed.parent.as_ref().map(|signed| signed.payload.clone()))?;
        return keep(node, &proposed);
    }
    Err(Fault::new(Code::Refused, "a profile comes from authority or regulator, with both signatures").party(from))
}

/// Puts a profile with both signatures into force. Doing it again changes nothing.
fn enter(node: &Node, proposed: &Proposed) -> Result<()> {
    let (authority, regulator) = law::pinned(node)?;
    let ring = node.ring()?;
    let _turn = node.procedure_turn();
    let current = law::profile(node, IN_FORCE)?;
    let same = |one: &Signed<Profile>, other: &Signed<Profile>| one.payload == other.payload;
    let both = |known: &Proposed| {
        let parents = match (&known.parent, &proposed.parent) {
            (Some(one), Some(other)) => same(one, other),
            (None, None) => true,
            _ => false,
        };
        parents && same(&known.profile, &proposed.profile)
    };
    if current.as_ref().is_some_and(both) {
        return Ok(());
    }
    let (hash, json) = (name(proposed)?, to_value(proposed)?.to_string());
    let signers = [authority.as_str(), regulator.as_str()];
    if current.as_ref().is_some_and(|known| known.versions() > proposed.versions()) {
        // an earlier version that comes late: steps were taken under it
        proposed.profile.verify(&ring, &signers)?;
        proposed.parent.iter().try_for_each(|parent| parent.verify(&ring, &signers).map(drop))?;
        law::effective(&proposed.profile.payload, proposed.parent.as_ref().map(|signed| signed.payload.clone()))?;
        return node.store().put_object(PROFILE, &hash.to_hex(), &hash.to_string(), &json, now().unix());
    }
    let parent = proposed.parent.as_ref().map(|signed| signed.payload.clone());
    let effective = law::effective(&proposed.profile.payload, parent)?;
    if node.config().environment == "prod" && !effective.is_in_force(now()) {
        return Err(Fault::new(Code::EnvMismatch, format!("`{}` is a draft, or not in force today", proposed.profile.payload.id)));
    }
    let follows = |new: &Signed<Profile>, known: Option<&Signed<Profile>>| match known {
        Some(known) if same(known, new) => Ok(()),
        // a newcomer has none of the versions before
        None if new.payload.version > 1 && current.is_none() => {
            new.verify(&ring, &[authority.as_str(), regulator.as_str()])?;
            new.payload.check().first().map_or(Ok(()), |finding| Err(Fault::from(finding)))
        }
        _ => Ok(accept(new, &ring, &authority, &regulator, known.map(|known| &known.payload)).map(drop)?),
    };
    if let Some(parent) = &proposed.parent {
        follows(parent, current.as_ref().and_then(|known| known.parent.as_ref()))?;
    }
    follows(&proposed.profile, current.as_ref().map(|known| &known.profile))?;
    // by its hash first: steps are judged by it for ever
    node.store().put_object(PROFILE, &hash.to_hex(), &hash.to_string(), &json, now().unix())?;
    let event = Event::new(Verb::ProcedureStepped).code("step", "profile-in-force").hash("document", &hash);
    node.store().keep((PROFILE, IN_FORCE), &hash.to_string(), &json, event, now().unix())?;
    node.store().remove_object(PROPOSED, IN_FORCE)?;
    node.settle()
}

/// `appointments.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppointmentsFile {
    appointed: Vec<AppointedFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppointedFile {
    role: Role,
    party: PartyName,
}

/// The authority appoints who signs in which role, and tells everybody.
///
/// # Errors
/// `state.wrong` at another node; `input.bad`; `peer.unknown` for a party without a ticket.
pub fn appoint(node: &Arc<Node>, text: &str) -> Result<Value> {
    let (authority, _) = law::pinned(node)?;
    if authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "only the authority appoints"));
    }
    let file: AppointmentsFile =
        toml::from_str(text).map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at("appointments file"))?;
    let current = current(node)?;
    let appointed = file.appointed.into_iter().map(|a| {
        let key =
            if a.party.as_str() == node.name() { node.signing().public() } else { crate::node::public_key(&node.peer(a.party.as_str())?)? };
        Ok(Appointment { role: a.role, party: a.party, key })
    });
    let version = current.as_ref().map_or(1, |known| known.version.saturating_add(1));
    let appointments = Appointments { v: 1, version, authority, appointed: appointed.collect::<Result<_>>()?, at: now() };
    let count = appointments.appointed.len();
    let signed = Signed::sign(appointments, node.name(), node.signing())?;
    take(node, &signed)?;
    for peer in node.store().peers()? {
        node.send_later(&peer.name, None, &Ask::Deliver { kind: APPOINTMENTS.into(), document: to_value(&signed)? })?;
    }
    node.flush_outbox();
    Ok(json!({ "version": version, "say": lines([(
        format!("version {version}: {count} appointments, sent to all peers"),
        format!("第 {version} 版：{count} 项任命，已发送各节点"),
    )]) }))
}

fn current(node: &Node) -> Result<Option<Appointments>> {
    Ok(law::appointments(node, IN_FORCE)?.map(|signed| signed.payload))
}

fn take(node: &Node, signed: &Signed<Appointments>) -> Result<()> {
    let (authority, _) = law::pinned(node)?;
    let _turn = node.procedure_turn();
    let known = current(node)?;
    if known.as_ref().is_some_and(|known| *known == signed.payload) {
        return Ok(());
    }
    let place = law::place(signed.payload.version);
    if known.as_ref().is_some_and(|known| known.version > signed.payload.version) {
        // an earlier version that comes late: steps were taken under it
        signed.verify(&node.ring()?, &[authority.as_str()])?;
        if law::appointments(node, &place)?.is_none() {
            node.store_signed(APPOINTMENTS, &place, signed)?;
        }
        return Ok(());
    }
    Appointments::accept(signed, &node.ring()?, &authority, known.as_ref())?;
    node.store_signed(APPOINTMENTS, &place, signed)?;
    node.keep_signed(APPOINTMENTS, IN_FORCE, signed, |hash| {
        Ok(Event::new(Verb::ProcedureStepped).code("step", "appointments").hash("document", hash))
    })?;
    Ok(())
}

/// Appointments arrive.
///
/// # Errors
/// `signature.bad`, `policy.refused`.
pub fn appointed(node: &Node, from: &str, document: Value) -> Result<()> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("appointments").party(from);
    if law::pinned(node)?.0.as_str() != from {
        return Err(Fault::new(Code::Refused, "the authority appoints").party(from));
    }
    take(node, &serde_json::from_value(document).map_err(parse)?)
}
