//! Lines on disk, documents that the authority takes in and that arrive, and two histories.

use super::kind::{Audience, Kind, has_signed};
use super::{gate, named};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::law::{self, Law};
use crate::store::PeerRow;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::docket::{Fork, Line};
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;

/// Kind of lines in the store, by their place.
const LINE: &str = "docket";
/// Two histories that were found, by the hash of the line that was told.
const FORK: &str = "docket-fork";
/// A document that does not hold here, by its place.
const REFUSED: &str = "docket-refused";
/// Kind of a line that stands for a step of a procedure: the steps are in the order of the docket as well, so that two histories of them are found.
pub const STEP: &str = "step";
/// Most lines that are read at a time.
pub const PAGE: u64 = 256;
/// Most bytes of one document: what it rests on is named by hash.
pub const LARGEST: usize = 256 << 10;
/// Most documents that an organisation files in a day, authority and regulator aside.
const A_DAY: u64 = 500;

/// A line with its document, where that may be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filed {
    /// The line.
    pub line: Signed<Line>,
    /// The document with its signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
}

pub(super) fn place(sequence: u64) -> String {
    format!("{sequence:012}")
}

/// By which clock a line is judged.
pub(super) fn moment(node: &Node) -> (Time, i64) {
    (now(), i64::try_from(node.config().limits.max_skew_s).unwrap_or(i64::MAX))
}

/// Up to `most` stored lines from a place on.
///
/// # Errors
/// `storage.damaged`.
pub fn stored(node: &Node, from: u64, most: u64) -> Result<Vec<Filed>> {
    let all = node.store().objects_from(LINE, &place(from), &place(from.saturating_add(most)))?;
    let damaged = |id: &str| Fault::new(Code::Damaged, "a stored line does not parse").at(format!("docket {id}"));
    all.iter().map(|kept| serde_json::from_str(&kept.json).map_err(|_| damaged(&kept.id))).collect()
}

/// One stored line.
///
/// # Errors
/// `not-found`, `storage.damaged`.
pub fn one(node: &Node, sequence: u64) -> Result<Filed> {
    stored(node, sequence, 1)?.pop().ok_or_else(|| Fault::new(Code::NotFound, format!("line {sequence} of the docket")).party(node.name()))
}

/// Refuses a document that is larger than any that is meant.
///
/// # Errors
/// `input.bad`.
pub(super) fn bounded(document: &Value) -> Result<()> {
    let size = document.to_string().len();
    if size <= LARGEST {
        return Ok(());
    }
    Err(Fault::new(Code::Input, format!("a document of {size} bytes, at most {LARGEST}: name what it rests on by hash")).at("docket"))
}

/// Whoever signs has a key that every node knows: of the authority, the regulator, or appointed.
fn known_to_all(law: &Law, signers: &[PartyName]) -> Result<()> {
    let is_known = |who: &PartyName| {
        *who == law.authority || *who == law.regulator || law.appointments.iter().flat_map(|a| &a.appointed).any(|a| a.party == *who)
    };
    match signers.iter().find(|who| !is_known(who)) {
        None => Ok(()),
        Some(who) => {
            let what = format!("`{who}` is appointed in no role, so not every node has its key: `yu procedure appoint` at the authority");
            Err(Fault::new(Code::Refused, what).at("docket"))
        }
    }
}

/// The authority takes in a document with all its signatures: it holds from now on, and everybody is told.
///
/// # Errors
/// By the rules of its kind; `signature.bad`; `state.wrong` at another node.
pub fn enter(node: &Arc<Node>, kind: &'static Kind, document: Value) -> Result<u64> {
    bounded(&document)?;
    let hash = kind.hash(&document)?;
    let turn = node.procedure_turn();
    // read under the turn: no appointment comes between this and the line
    let law = law::required(node)?;
    if law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "documents are filed at the authority's node"));
    }
    catch_steps(node)?;
    if let Some(sequence) = node.docket().with(node, |book| Ok(book.documents.get(&hash).map(|(_, sequence)| *sequence)))? {
        // sent again because the answer was lost
        return Ok(sequence);
    }
    let signers = node.docket().with(node, |book| kind.signers(&document, book, &law))?;
    known_to_all(&law, &signers)?;
    // before anything is counted or changed: what is not signed costs its sender, nobody else
    kind.verify(&document, &signers, &law.ring)?;
    room(node, &law, &signers)?;
    let sequence = append(node, &law, kind.name, hash, signers, Some(document), Some(kind))?;
    drop(turn);
    node.flush_in_background();
    after(node);
    Ok(sequence)
}

/// Bounds what one organisation can make everybody keep.
fn room(node: &Node, law: &Law, signers: &[PartyName]) -> Result<()> {
    if signers.iter().any(|who| *who == law.authority || *who == law.regulator) {
        return Ok(());
    }
    let Some(first) = signers.first() else { return Ok(()) };
    let day = crate::job::bundle::day();
    if !node.store().count_question("docket-documents", first.organisation(), &day, A_DAY)? {
        return Err(Fault::new(Code::Refused, format!("`{}` has filed {A_DAY} documents today", first.organisation())));
    }
    Ok(())
}

/// One more line of the authority's own, with what peers are told of it.
fn append(
    node: &Node,
    law: &Law,
    kind: &str,
    document: Hash,
    signers: Vec<PartyName>,
    text: Option<Value>,
    of: Option<&Kind>,
) -> Result<u64> {
    let peers = node.store().peers()?;
    node.docket().change(node, |book| {
        let at = now().max(book.head.as_ref().map_or(now(), |line| line.payload.at));
        let line = Line {
            v: 1,
            sequence: book.length,
            previous: book.head.as_ref().map(|line| payload_hash(&line.payload)).transpose()?,
            kind: kind.into(),
            document,
            signers,
            profile: law.hash,
            appointments: law.version(),
            at,
        };
        let filed = Filed { line: Signed::sign(line, node.name(), node.signing())?, document: text };
        // by what it is read by ever after
        let later = law::at(node, &law.hash, law.version())?;
        let later = later.ok_or_else(|| Fault::new(Code::Damaged, "what is in force cannot be found by its hash").at("docket"))?;
        book.follow(&filed, &later, moment(node))?;
        let told = peers.iter().map(|peer| Ok((peer.name.clone(), message(&for_reader(&filed, of, peer, law))?)));
        let told: Vec<(String, String)> = told.collect::<Result<_>>()?;
        let told: Vec<(&str, &str)> = told.iter().map(|(peer, text)| (peer.as_str(), text.as_str())).collect();
        keep(node, &filed, &told)?;
        Ok(filed.line.payload.sequence)
    })
}

fn message(filed: &Filed) -> Result<String> {
    let ask = Ask::Deliver { kind: "docket".into(), document: to_value(filed)? };
    serde_json::to_string(&ask).map_err(|e| Fault::new(Code::Bug, e.to_string()))
}

/// A line as somebody may read it.
fn for_reader(filed: &Filed, kind: Option<&Kind>, reader: &PeerRow, law: &Law) -> Filed {
    let organisation = crate::verbs::organisation(&reader.name);
    let may = kind.is_none_or(|kind| kind.audience == Audience::Domain)
        || reader.name == law.authority.as_str()
        || reader.name == law.regulator.as_str()
        || filed.line.payload.signers.iter().any(|who| who.organisation() == organisation);
    Filed { line: filed.line.clone(), document: filed.document.clone().filter(|_| may) }
}

/// Lines for a peer, from the store, as it may read them.
pub(super) fn for_peer(node: &Node, filed: &Filed, peer: &str, law: &Law) -> Result<Filed> {
    Ok(for_reader(filed, super::kind_of(&filed.line.payload.kind), &node.peer(peer)?, law))
}

fn keep(node: &Node, filed: &Filed, tell: &[(&str, &str)]) -> Result<()> {
    let line = &filed.line.payload;
    let json = serde_json::to_string(filed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let name = super::kind_of(&line.kind).map_or(STEP, |kind| kind.name);
    let event = Event::new(Verb::DocumentFiled).code("step", name).hash("document", &line.document);
    let hash = payload_hash(line)?;
    node.store().keep_and_tell((LINE, &place(line.sequence)), (&hash.to_string(), &json), event, tell, now().unix())?;
    node.settle()
}

/// The authority's node gives steps of procedures their lines: those that were just taken, and those that a crash has left without.
///
/// # Errors
/// `storage.failed`, `storage.damaged`.
pub(crate) fn catch_steps(node: &Node) -> Result<()> {
    let law = law::required(node)?;
    let known = node.docket().with(node, |book| Ok(book.documents.keys().copied().collect::<std::collections::BTreeSet<_>>()))?;
    for (document, signers) in crate::procedure::chain::all_hashes(node, &known)? {
        append(node, &law, STEP, document, signers, None, None)?;
    }
    Ok(())
}

/// A line arrives from the authority.
///
/// # Errors
/// By the rules; `contract.altered` for another text of a known line.
pub fn arrived(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(from);
    if law::pinned(node)?.0.as_str() != from {
        return Err(Fault::new(Code::Refused, "lines of the docket come from the authority").party(from));
    }
    let filed: Filed = serde_json::from_value(document).map_err(parse)?;
    if take(node, &filed)? == Taken::Gap {
        super::sync::fetch(node)?;
    }
    after(node);
    Ok(())
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is here.
    In,
    /// Something before it is missing.
    Gap,
}

/// Takes in a line that the authority told.
pub(super) fn take(node: &Node, filed: &Filed) -> Result<Taken> {
    if let Some(document) = &filed.document {
        bounded(document)?;
    }
    let told = &filed.line.payload;
    let _turn = node.procedure_turn();
    let length = node.docket().with(node, |book| Ok(book.length))?;
    if told.sequence < length {
        compare(node, &filed.line)?;
        return Ok(Taken::In);
    }
    let Some(law) = law::at(node, &told.profile, told.appointments)?.filter(|_| told.sequence == length) else { return Ok(Taken::Gap) };
    if let Err(fault) = node.docket().change(node, |book| {
        // who signed a step may have left since: its chain is judged by itself
        if told.kind != STEP {
            known_to_all(&law, &told.signers)?;
        }
        book.follow(filed, &law, moment(node))?;
        keep(node, filed, &[])
    }) {
        refused(node, &filed.line, &law, &fault)?;
        return Err(fault);
    }
    node.store().remove_object(REFUSED, &place(told.sequence))?;
    Ok(Taken::In)
}

/// What the authority signed and does not hold here stops new jobs until it does: this node may judge by other rules than the others.
fn refused(node: &Node, line: &Signed<Line>, law: &Law, fault: &Fault) -> Result<()> {
    let holds = line.verify(&law.ring, &[law.authority.as_str()]).is_ok();
    let is_passing = matches!(fault.code, Code::Storage | Code::DiskFull | Code::ClockSkew) || fault.detail.starts_with("docket.ahead");
    let id = place(line.payload.sequence);
    if !holds || is_passing || node.store().object(REFUSED, &id)?.is_some() {
        return Ok(());
    }
    let event = Event::new(Verb::DocumentRefused).hash("document", &line.payload.document);
    let json = to_value(&serde_json::json!({ "line": line.payload, "fault": fault }))?.to_string();
    node.store().keep((REFUSED, &id), "", &json, event, now().unix())?;
    node.settle()
}

/// A line of a known place: the same, or proof of two histories, which is kept.
///
/// # Errors
/// `contract.altered`.
pub(super) fn compare(node: &Node, told: &Signed<Line>) -> Result<()> {
    let known = one(node, told.payload.sequence)?.line;
    if known.payload == told.payload {
        return Ok(());
    }
    let (authority, _) = law::pinned(node)?;
    let fork = Fork { known, told: told.clone() };
    fork.verify(&authority, &node.ring()?)?;
    let hash = payload_hash(&told.payload)?;
    if node.store().object(FORK, &hash.to_hex())?.is_none() {
        tracing::error!(line = told.payload.sequence, "ALARM: the authority tells two histories");
        let event = Event::new(Verb::DocketForked).hash("document", &hash);
        node.store().keep((FORK, &hash.to_hex()), &hash.to_string(), &to_value(&fork)?.to_string(), event, now().unix())?;
        node.settle()?;
    }
    let what = format!("docket.forked: line {} is known here with another text, and the authority signed both", told.payload.sequence);
    Err(Fault::new(Code::Tampered, what).party(authority.as_str()))
}

/// Proofs of two histories that are known here.
///
/// # Errors
/// `storage.damaged`.
pub fn forks(node: &Node) -> Result<Vec<Fork>> {
    let damaged = |_| Fault::new(Code::Damaged, "a stored proof does not parse").at("docket");
    node.store().objects(FORK)?.iter().map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).collect()
}

/// Documents that the authority filed and that do not hold here: place and fault.
///
/// # Errors
/// `storage.failed`.
pub fn open_refusals(node: &Node) -> Result<Vec<(String, Value)>> {
    let parsed = |json: &str| serde_json::from_str::<Value>(json).unwrap_or(Value::Null);
    Ok(node.store().objects(REFUSED)?.into_iter().map(|kept| (kept.id, parsed(&kept.json)["fault"].clone())).collect())
}

/// What a new document means for jobs and for what waits.
fn after(node: &Arc<Node>) {
    crate::procedure::effect::follow(node);
    gate::noted(node);
}

/// A document with all its signatures arrives at the authority, from one of its signers.
///
/// # Errors
/// Those of [`enter`].
pub fn complete(node: &Arc<Node>, from: &str, document: Value) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Complete {
        kind: String,
        document: Value,
    }
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(from);
    let complete: Complete = serde_json::from_value(document).map_err(parse)?;
    let kind = named(&complete.kind)?;
    if !has_signed(&complete.document, from) {
        return Err(Fault::new(Code::Refused, "a document is handed in by one of its signers").party(from));
    }
    let law = law::required(node)?;
    kind.signed_by(&complete.document, from, &law.ring)?;
    super::hidden::signers(node, kind, &complete.document, &law, from)?;
    enter(node, kind, complete.document).map(drop)
}
