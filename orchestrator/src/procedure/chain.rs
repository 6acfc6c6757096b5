//! Chains of steps as this node keeps them, and steps that arrive.

use super::kind::{Procedure, object, with_machine};
use super::law::{self, Law};
use super::{adopt, effect};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use yu_governance::sign::Signed;
use yu_governance::workflow::{Arrow, Receipt, Replayed, Role, Signer, Word as _};

/// Most steps of one object.
const LONGEST: u64 = 10_000;
/// Kind of steps that were told in the place of known ones.
const FORK: &str = "step-fork";

/// A step with the authority's receipt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Recorded<M: Procedure> {
    /// The step.
    pub arrow: Signed<Arrow<M>>,
    /// When it was received.
    pub receipt: Signed<Receipt>,
}

fn kind<M: Procedure>() -> String {
    format!("arrow-{}", M::NAME)
}

fn place(object: &str, sequence: u64) -> String {
    format!("{object}#{sequence:08}")
}

/// The steps of an object, in order.
///
/// # Errors
/// `storage.damaged`.
pub fn steps<M: Procedure>(node: &Node, object: &str) -> Result<Vec<Recorded<M>>> {
    let damaged = |id: &str| Fault::new(Code::Damaged, "a stored step does not parse").at(id.to_owned());
    let all = node.store().objects_from(&kind::<M>(), &format!("{object}#"), &format!("{object}$"))?;
    all.iter().map(|kept| serde_json::from_str(&kept.json).map_err(|_| damaged(&kept.id))).collect()
}

/// Where an object stands by its stored chain, every signature checked anew; each step by the profile and the appointments that were in force when
/// it was taken.
///
/// # Errors
/// `storage.damaged` when the chain does not hold any more.
pub fn replay<M: Procedure>(node: &Node, object: &str) -> Result<Replayed<M>> {
    let mut then: Vec<((Hash, u32), Law)> = Vec::new();
    let mut here = Replayed::new(object);
    let mut before: Option<Receipt> = None;
    for step in steps::<M>(node, object)? {
        let damaged = |what: String| Fault::new(Code::Damaged, what).at(place(object, step.arrow.payload.sequence));
        let receipt = &step.receipt.payload;
        goes_on(node, before.as_ref(), receipt).map_err(|fault| damaged(fault.detail))?;
        let key = (receipt.profile, receipt.appointments);
        if !then.iter().any(|(known, _)| *known == key) {
            let law =
                law::at(node, &key.0, key.1)?.ok_or_else(|| damaged("the profile or the appointments of the step are missing".into()))?;
            then.push((key, law));
        }
        let Some((_, law)) = then.iter().find(|(known, _)| *known == key) else { continue };
        here = followed(node, &here, &step, law).map_err(|e| damaged(e.to_string()))?;
        before = Some(step.receipt.payload);
    }
    Ok(here)
}

/// A chain does not go back to what was in force before: whoever lost a role does not get it again by an older receipt.
fn goes_on(node: &Node, before: Option<&Receipt>, told: &Receipt) -> Result<()> {
    let Some(before) = before else { return Ok(()) };
    let versions = |hash: &Hash| -> Result<_> { Ok(law::profile(node, &hash.to_hex())?.map(|known| known.versions())) };
    let is_older = told.appointments < before.appointments
        || told.at < before.at
        || (told.profile != before.profile && versions(&told.profile)? < versions(&before.profile)?);
    if is_older {
        let what =
            format!("receipt.backwards: step {} of `{}` was taken under older rules than the step before it", told.sequence, told.object);
        return Err(Fault::new(Code::Refused, what));
    }
    Ok(())
}

fn followed<M: Procedure>(node: &Node, here: &Replayed<M>, step: &Recorded<M>, law: &Law) -> yu_governance::Result<Replayed<M>> {
    let (now, rules) = ((now(), skew(node)), M::rules(law.rules()));
    here.follow_received(&step.arrow, &step.receipt, &law.authority, now, &rules, &law.roster, &law.ring)
}

fn skew(node: &Node) -> i64 {
    i64::try_from(node.config().limits.max_skew_s).unwrap_or(i64::MAX)
}

/// Names of all objects of a machine.
///
/// # Errors
/// `storage.failed`.
pub fn objects<M: Procedure>(node: &Node) -> Result<Vec<String>> {
    let first = place("", 0);
    let all = node.store().objects(&kind::<M>())?;
    let mut names: Vec<String> = all.into_iter().filter_map(|kept| kept.id.strip_suffix(&first).map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// What one step may take, bytes of its text: of names and reasons, not of files.
const LARGEST: usize = 64 << 10;
/// Most steps that an organisation signs in a day without the authority or the regulator.
const STEPS_A_DAY: u64 = 500;

/// Refuses a step that is larger than any that is meant.
///
/// # Errors
/// `input.bad`.
pub(super) fn bounded(step: &Value) -> Result<()> {
    let size = step.to_string().len();
    if size <= LARGEST { Ok(()) } else { Err(Fault::new(Code::Input, format!("a step of {size} bytes, at most {LARGEST}")).at("step")) }
}

/// Bounds what one organisation can make everybody keep; authority and regulator are not bound, or a full chain could not be ended.
fn room<M: Procedure>(node: &Node, arrow: &Arrow<M>, length: u64) -> Result<()> {
    let watches = |signer: &Signer| matches!(signer.role, Role::Authority | Role::Regulator);
    let Some(signer) = arrow.signers.first().filter(|_| !arrow.signers.iter().any(watches)) else { return Ok(()) };
    if length >= LONGEST {
        return Err(Fault::new(Code::Refused, format!("`{}` has {LONGEST} steps, which is the most", arrow.object)));
    }
    let day = crate::job::bundle::day();
    if !node.store().count_question("procedure-steps", signer.party.organisation(), &day, STEPS_A_DAY)? {
        return Err(Fault::new(Code::Refused, format!("`{}` has signed {STEPS_A_DAY} steps today", signer.party.organisation())));
    }
    Ok(())
}

/// The authority takes a step with all its signatures in: it holds from now on, and everybody is told.
///
/// # Errors
/// `policy.refused`, `signature.bad` by the rules; `state.wrong` at another node.
pub fn enter<M: Procedure>(node: &Arc<Node>, arrow: Signed<Arrow<M>>) -> Result<()> {
    let law = law::required(node)?;
    if law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "steps are taken in at the authority's node"));
    }
    let name = named::<M>(&arrow.payload.object)?;
    bounded(&to_value(&arrow)?)?;
    let turn = node.procedure_turn();
    let here = replay::<M>(node, &name)?;
    if let Some(known) = steps::<M>(node, &name)?.get(usize::try_from(arrow.payload.sequence).unwrap_or(usize::MAX)) {
        // sent again because the answer was lost
        if known.arrow.payload == arrow.payload {
            return Ok(());
        }
    }
    let at = now();
    here.follow(&arrow, at, &M::rules(law.rules()), &law.roster, &law.ring)?;
    room(node, &arrow.payload, here.length())?;
    let receipt = Signed::sign(Receipt::of(&arrow.payload, at, law.hash, law.version())?, node.name(), node.signing())?;
    let recorded = Recorded { arrow, receipt };
    as_read_later(node, &here, &recorded)?;
    let document = to_value(&Told { machine: M::NAME.into(), step: to_value(&recorded)? })?;
    let peers = node.store().peers()?;
    let told = Ask::Deliver { kind: "step".into(), document };
    let told = serde_json::to_string(&told).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    keep(node, &recorded, &peers.iter().map(|peer| (peer.name.as_str(), told.as_str())).collect::<Vec<_>>())?;
    crate::docket::line::catch_steps(node)?;
    drop(turn);
    node.flush_in_background();
    effect::follow(node);
    Ok(())
}

/// A step must hold by what its receipt names as well, since it is read by that ever after: a party whose key has changed is appointed anew first.
fn as_read_later<M: Procedure>(node: &Node, here: &Replayed<M>, step: &Recorded<M>) -> Result<()> {
    let receipt = &step.receipt.payload;
    let gone = || Fault::new(Code::Damaged, "what is in force cannot be found by its hash").at("profile in force");
    let law = law::at(node, &receipt.profile, receipt.appointments)?.ok_or_else(gone)?;
    let fault =
        |e: yu_governance::Error| Fault::new(Code::Signature, format!("{e}; appoint the signer anew with its present key")).at("step");
    followed(node, here, step, &law).map(drop).map_err(fault)
}

/// An object's name as the machine wants it: a tenant is an organisation.
fn named<M: Procedure>(name: &str) -> Result<String> {
    let name = object(name)?;
    if M::NAME == "suspension" && !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Fault::new(Code::Input, format!("`{name}`: the name of an organisation")).at("object"));
    }
    Ok(name.to_owned())
}

/// Stores and logs a step that holds; what others are to be told is queued in the same step of the store.
fn keep<M: Procedure>(node: &Node, step: &Recorded<M>, tell: &[(&str, &str)]) -> Result<()> {
    let arrow = &step.arrow.payload;
    let hash = payload_hash(arrow)?;
    let json = serde_json::to_string(step).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let event = Event::new(Verb::ProcedureStepped).code("step", M::NAME).hash("document", &hash);
    let place = place(&arrow.object, arrow.sequence);
    node.store().keep_and_tell((&kind::<M>(), &place), (&hash.to_string(), &json), event, tell, now().unix())?;
    node.settle()
}

/// A step as it travels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    machine: String,
    step: Value,
}

impl Told {
    /// Bytes of its text.
    pub(super) fn len(&self) -> usize {
        self.step.to_string().len()
    }
}

/// A step arrives from the authority. One that follows on steps which are missing here, or was taken under what is not known here yet, fetches them first.
///
/// # Errors
/// `policy.refused`, `signature.bad` by the rules.
pub fn arrived(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("step").party(from);
    if law::pinned(node)?.0.as_str() != from {
        return Err(Fault::new(Code::Refused, "steps come from the authority").party(from));
    }
    let told: Told = serde_json::from_value(document).map_err(parse)?;
    if take(node, &told, from, Judged::Now)? == Taken::Gap {
        super::sync::fetch(node)?;
    }
    effect::follow(node);
    super::draft::outdated(node)
}

/// By what a step is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// By what is in force: it has just been taken.
    Now,
    /// By what was in force at its time.
    ByItsTime,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It holds, or is known.
    In,
    /// Earlier ones are missing, or what it was judged by.
    Gap,
}

/// Takes a step in that the authority sent.
pub(super) fn take(node: &Node, told: &Told, from: &str, judged: Judged) -> Result<Taken> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("step").party(from);
    with_machine!(told.machine.as_str(), M => {
        let step: Recorded<M> = serde_json::from_value(told.step.clone()).map_err(parse)?;
        let name = named::<M>(&step.arrow.payload.object)?;
        bounded(&to_value(&step.arrow)?)?;
        let _turn = node.procedure_turn();
        if node.store().object(&kind::<M>(), &place(&name, step.arrow.payload.sequence))?.is_some() {
            same(node, &name, &step)?;
            return Ok(Taken::In);
        }
        let here = replay::<M>(node, &name)?;
        let receipt = &step.receipt.payload;
        let law = match judged {
            Judged::Now => law::in_force(node)?.filter(|law| (law.hash, law.version()) == (receipt.profile, receipt.appointments)),
            Judged::ByItsTime => law::at(node, &receipt.profile, receipt.appointments)?,
        };
        let Some(law) = law.filter(|_| step.arrow.payload.sequence == here.length()) else { return Ok(Taken::Gap) };
        goes_on(node, steps::<M>(node, &name)?.last().map(|last| &last.receipt.payload), receipt)?;
        followed(node, &here, &step, &law)?;
        as_read_later(node, &here, &step)?;
        keep(node, &step, &[])?;
        Ok(Taken::In)
    })
}

/// Every step of every object, as it travels.
///
/// # Errors
/// `storage.damaged`.
pub(super) fn all(node: &Node) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for (name, _) in super::kind::NAMES {
        with_machine!(*name, M => {
            for object in objects::<M>(node)? {
                for step in steps::<M>(node, &object)? {
                    told.push(Told { machine: M::NAME.into(), step: to_value(&step)? });
                }
            }
            Ok(())
        })?;
    }
    Ok(told)
}

/// Hashes of the steps here that are not among these, in the order of their receipts, with who signed each.
///
/// # Errors
/// `storage.damaged`.
pub(crate) fn all_hashes(node: &Node, known: &std::collections::BTreeSet<Hash>) -> Result<Vec<(Hash, Vec<yu_governance::id::PartyName>)>> {
    let mut found = Vec::new();
    for (name, _) in super::kind::NAMES {
        with_machine!(*name, M => {
            for kept in node.store().objects(&kind::<M>())? {
                // only what is new is read
                if kept.hash.parse::<Hash>().is_ok_and(|hash| known.contains(&hash)) {
                    continue;
                }
                let damaged = |_| Fault::new(Code::Damaged, "a stored step does not parse").at(kept.id.clone());
                let step: Recorded<M> = serde_json::from_str(&kept.json).map_err(damaged)?;
                let signers = step.arrow.payload.signers.iter().map(|signer| signer.party.clone()).collect();
                let hash = payload_hash(&step.arrow.payload)?;
                if !known.contains(&hash) {
                    found.push((step.receipt.payload.at, hash, signers));
                }
            }
            Ok(())
        })?;
    }
    found.sort_by_key(|(at, ..)| *at);
    Ok(found.into_iter().map(|(_, hash, signers)| (hash, signers)).collect())
}

/// A step that is known arrives again; another one in its place is a fork, which the log keeps (S1).
fn same<M: Procedure>(node: &Node, object: &str, step: &Recorded<M>) -> Result<()> {
    let place = usize::try_from(step.arrow.payload.sequence).unwrap_or(usize::MAX);
    let known = steps::<M>(node, object)?.into_iter().nth(place);
    if known.is_some_and(|known| known.arrow.payload == step.arrow.payload) {
        return Ok(());
    }
    let hash = payload_hash(&step.arrow.payload)?;
    // once, however often it is told
    if node.store().object(FORK, &hash.to_hex())?.is_none() {
        let event = Event::new(Verb::ProcedureStepped).code("step", "fork").hash("document", &hash);
        node.store().keep((FORK, &hash.to_hex()), &hash.to_string(), &to_value(step)?.to_string(), event, now().unix())?;
        node.settle()?;
    }
    let what =
        format!("step {} of `{object}` is known here with another text: the authority tells two histories", step.arrow.payload.sequence);
    Err(Fault::new(Code::Tampered, what))
}

/// All objects with where they stand.
///
/// # Errors
/// `not-found` without a profile; `storage.damaged`.
pub fn list(node: &Node) -> Result<Value> {
    let law = law::required(node)?;
    let (mut all, mut say) = (Vec::new(), Vec::new());
    let title = &law.profile.profile().title;
    say.push((format!("in force: {}", title.en), format!("现行规则集：{}", title.zh)));
    for (name, zh) in super::kind::NAMES {
        with_machine!(*name, M => {
            for object in objects::<M>(node)? {
                let here = replay::<M>(node, &object)?;
                let state = yu_governance::workflow::Machine::state_at(here.case(), now());
                all.push(json!({ "machine": name, "object": object, "state": state.as_str(), "steps": here.length() }));
                say.push((format!("{name} {object}: {state}"), format!("{zh} {object}：{}", state.zh())));
            }
            Ok(())
        })?;
    }
    if let Some(proposed) = adopt::waiting(node)? {
        let name = &proposed.profile.payload.id;
        say.push((format!("profile {name} waits for `yu profile proposed` and `countersign`"), format!("规则集 {name} 待会签")));
    }
    let waiting = super::draft::tell(node, &mut say)?;
    Ok(json!({ "objects": all, "waiting": waiting, "profile": law.profile.profile().id, "say": lines(say) }))
}

/// One object, step by step.
///
/// # Errors
/// `not-found`; `storage.damaged`.
pub fn show(node: &Node, machine: &str, name: &str) -> Result<Value> {
    with_machine!(machine, M => {
        let here = replay::<M>(node, object(name)?)?;
        if here.length() == 0 {
            return Err(Fault::new(Code::NotFound, format!("{machine} `{name}`")).party(node.name()));
        }
        let steps = steps::<M>(node, name)?;
        let word = |text: &str| <M as yu_governance::workflow::Machine>::State::parse(text).map_or_else(|| text.to_owned(), |s| s.zh().to_owned());
        let mut say: Vec<(String, String)> = steps.iter().map(|step| {
            let a = &step.arrow.payload;
            let by = |zh: bool| a.signers.iter().map(|s| format!("{} ({})", if zh { s.role.zh() } else { s.role.as_str() }, s.party)).collect::<Vec<_>>().join(if zh { "、" } else { ", " });
            let event = serde_json::to_value(&a.event).ok().and_then(|v| v["event"].as_str().map(str::to_owned)).unwrap_or_default();
            (
                format!("{} {}  {event}: {} -> {}, signed by {}", a.sequence, a.at, a.from, a.to, by(false)),
                format!("{}：{} → {}，签署：{}", event, word(&a.from), word(&a.to), by(true)),
            )
        }).collect();
        let state = yu_governance::workflow::Machine::state_at(here.case(), now());
        say.push((format!("now: {state}"), format!("当前：{}", state.zh())));
        Ok(json!({ "machine": machine, "object": name, "state": state.as_str(), "steps": steps, "say": lines(say) }))
    })
}
