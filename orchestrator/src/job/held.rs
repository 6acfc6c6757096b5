//! After the computation: sealed shares arrive at the reviewer, the result is held, decided, released or not, and every
//! node destroys what it kept.

use super::bundle::{self, Bundle};
use super::report::{Opened, Report};
use super::sheet::{Wanted, items};
use super::standing::{self, Objection};
use super::{State, end};
use crate::control::Ask;
use crate::destroy;
use crate::egress::{self, Package, seal_info};
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::store::{Change, Changed, JobRow};
use crate::verbs::to_value;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::contract::Role;
use yu_governance::held::{Checked, Held};
use yu_governance::release::{Decider, Receipt, ReviewDecision, ReviewVerdict, Reviewed};
use yu_governance::sign::Signed;
use yu_governance::text::Text;
use yu_governance::workflow::evidence::Doomed;
use yu_mpc::rep3::SealedShare;
use yu_wire::seal::Sealed;

/// What a computing party hands to the reviewer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Its part of the output, sealed to the reviewer.
    pub share: Piece,
    /// What it found in its own rows; input parties only.
    pub attestation: Option<Signed<InputAttestation>>,
}

/// A party's part of the output, sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// Of a joint job: one share of three.
    Share(SealedShare),
    /// Of a provider that works alone, or of an attested worker: all of it.
    Whole(Sealed),
    /// Of a provider whose rows an attested worker computes on: no part of it, but which one is the environment's.
    Vouched(Vouched),
}

/// What a provider knows of the result that the environment with its data key sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouched {
    /// SHA-256 of the sealed result.
    #[serde(with = "hex::serde")]
    pub result: [u8; 32],
    /// What its release gate found, where the result is a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Box<yu_fedlearn::gate::Report>>,
}

/// Vault name of the salt of a held result's hash.
fn salt_id(job: &str) -> String {
    format!("{}salt", destroy::prefix(job))
}

/// A computing party's share arrives at the reviewer.
pub fn share(node: &Arc<Node>, from: &str, job: &str, share: Value) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    let party = from.parse()?;
    if contract.reviewer.party.as_str() != node.name() || !contract.party(&party).is_some_and(|p| p.is(Role::Computing)) {
        return Err(Fault::new(Code::State, "shares go from computing parties to the reviewer").party(from));
    }
    if row.state != State::Running && row.state != State::Held {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).party(node.name()));
    }
    let handover: Handover =
        serde_json::from_value(share).map_err(|_| Fault::new(Code::PeerProtocol, "share does not parse").party(from))?;
    let json = serde_json::to_string(&handover).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    if !node.store().put_share(job, from, &json)? {
        return Err(Fault::new(Code::PeerProtocol, "a different share was delivered before, or the job ended").party(from));
    }
    node.store().add_event(job, "share-arrived", &json!({ "party": from }), now().unix())?;
    let expected = contract.with_role(Role::Computing).count();
    if row.state == State::Running && node.store().shares(job)?.len() == expected {
        let (node, job) = (Arc::clone(node), job.to_owned());
        std::thread::spawn(move || {
            if let Err(fault) = hold(&node, &job) {
                end::fail(&node, &job, &fault);
            }
        });
    }
    Ok(json!({}))
}

/// All shares are here: the result waits for its decision.
fn hold(node: &Arc<Node>, job: &str) -> Result<()> {
    // Two shares may arrive at once and both find the set complete: one of them goes on, the other finds the job held.
    let _turn = node.merge_turn();
    if bundle::find(node, job)?.state != State::Running {
        return Ok(());
    }
    let outcome = try_hold(node, job);
    if bundle::find(node, job)?.state.is_final() {
        // it ended meanwhile, perhaps before the salt was there to be destroyed
        node.vault().shred(&salt_id(job))?;
    }
    outcome
}

fn try_hold(node: &Arc<Node>, job: &str) -> Result<()> {
    if !node.vault().holds(&salt_id(job)) {
        let mut salt = [0_u8; 32];
        rng().fill_bytes(&mut salt);
        node.vault().put(&salt_id(job), &salt)?;
    }
    let held = checked(node, job)?;
    let passed = held.report().passed();
    let objections = held.report().objections().count() as u64;
    let change = Change::new(job, &[State::Running], State::Held, now().unix())
        .log(Event::new(Verb::ResultHeld).of(job)?)?
        .log(Event::new(Verb::ResultChecked).of(job)?.count("objections", objections))?
        .story("held", json!({ "passed": passed }));
    // in another state it ended meanwhile
    node.change(&change).map(|_| ())
}

/// Puts the stored shares together and checks them; nothing of it is stored.
///
/// # Errors
/// `not-found` before all shares arrived; `storage.damaged` for shares that do not open.
pub fn checked(node: &Node, job: &str) -> Result<Held<Checked<Report>>> {
    let row = bundle::find(node, job)?;
    let bundle = Bundle::of(&row)?;
    let admitted = bundle.admitted(node)?;
    let mut held = Held::new(&admitted);
    let mut attestations = Vec::new();
    for (party, json) in node.store().shares(&row.id)? {
        let handover: Handover = serde_json::from_str(&json).map_err(|_| Fault::new(Code::Damaged, "stored share").party(party.clone()))?;
        attestations.extend(handover.attestation);
        held.accept(&party.parse()?, handover.share)?;
    }
    let salt: [u8; 32] = node.vault().get(&salt_id(&row.id))?[..].try_into().map_err(|_| Fault::new(Code::Damaged, "salt"))?;
    let contract = admitted.contract().clone();
    let complete = held.complete(&salt, |shares| Opened::open(&contract, &row.id, &node.keys().seal, shares))?;
    Ok(complete.check(&attestations, &node.ring()?)?)
}

/// The reviewer decides. To approve, every party of the job must say that the job still stands with it.
///
/// # Errors
/// `review.refused` when checks that failed are to be approved, or an item is not answered; `contract.rule` when the profile asks for a filing that
/// is not there; `state.wrong`; `network.unreachable` naming a party that
/// does not answer, then the result stays held; the fault by which the job ended at a party, then it ends here too.
pub fn decide(node: &Arc<Node>, job: &str, wanted: &Wanted<'_>) -> Result<Value> {
    let Wanted { approve, reviewer, reason, automatic, .. } = *wanted;
    let row = bundle::find(node, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    if contract.reviewer.party.as_str() != node.name() {
        return Err(Fault::new(Code::State, "this node is not the reviewer").at(row.id));
    }
    if row.state != State::Held {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).at(row.id));
    }
    let job = row.id.clone();
    let others = Bundle::of(&row)?.others(node);
    if approve {
        // A halt or failure may be on its way here, or its party away: nothing leaves before everybody said where it stands.
        match standing::before_release(node, &job, others.clone()) {
            Ok(()) => {}
            Err(Objection::Ended(fault)) => {
                end::fail(node, &job, &fault);
                return Err(fault);
            }
            Err(Objection::Unknown(fault)) => return Err(fault),
        }
    }
    // one decision at a time: two of them would overwrite each other's document
    let _turn = node.merge_turn();
    if bundle::find(node, &job)?.state != State::Held {
        return Err(Fault::new(Code::State, "the job was decided a moment ago").at(job));
    }
    let held = checked(node, &job)?;
    if approve {
        crate::docket::chapters::products::filed(node, &job, held.report().result)?;
    }
    let answers = wanted.answers(&items(node, &job, &held)?);
    let told_answers = to_value(&answers)?;
    let decider = if automatic { Decider::Demo } else { Decider::Person { name: reviewer.to_owned() } };
    let verdict = if approve { ReviewVerdict::Approved } else { ReviewVerdict::Refused { reason: Text::new(reason, reason) } };
    let decision = Signed::sign(held.draft(decider, verdict, answers, now()), node.name(), node.signing())?;
    let reviewed = held.decide(&decision, &node.ring()?).map_err(|e| Fault::new(Code::Review, e.to_string()))?;
    let hash = crate::node::payload_hash(&decision.payload)?;
    let json = serde_json::to_string(&decision).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let word = if approve { "approved" } else { "refused" };
    let by = if automatic { "demo" } else { "person" };
    let told = json!({ "reviewer": reviewer, "verdict": word, "answers": told_answers });
    let outcome = Ask::Outcome { job: job.clone(), decision: to_value(&decision)? }.to_json()?;
    let next = if matches!(reviewed, Reviewed::Released(_)) { State::Releasing } else { State::Destroying };
    // Decision, state, messages and what the log says of them in one step: before it a crash leaves the result held, after it
    // everything is delivered.
    let mut change = Change::new(&job, &[State::Held], next, now().unix())
        .object("decision", hash.to_string(), &json)
        .log(Event::new(Verb::ReviewDecided).of(&job)?.code("verdict", word).code("decider", by).hash("decision", &hash))?
        .story("decided", told.clone());
    if let Reviewed::Released(released) = reviewed {
        for (receiver, package) in egress::packages(node, &released, &decision)? {
            change = change
                .log(Event::new(Verb::ResultReleased).of(&job)?.by(&receiver)?.hash("result", &released.result()))?
                .tell(&receiver, package.to_json()?)
                .story("released", json!({ "party": receiver }));
        }
    }
    for party in others {
        change = change.tell(&party, outcome.clone());
    }
    if node.change(&change)? != Changed::Yes {
        return Err(Fault::new(Code::State, "the job ended meanwhile").at(job));
    }
    deliver_then_finish(node, &job);
    Ok(told)
}

/// Waits until the outbox holds no result of the job any more, then destroys; survives restarts. A receiver that has not taken its
/// result within the limit goes without it.
fn deliver_then_finish(node: &Arc<Node>, job: &str) {
    let (node, job) = (Arc::clone(node), job.to_owned());
    std::thread::spawn(move || {
        while !node.is_stopping() {
            node.flush_outbox();
            if let Err(fault) = give_up_late(&node, &job) {
                tracing::error!(job, code = fault.code.as_str(), "a late result is given up later");
            }
            let pending = node.store().outbox_of(&job).unwrap_or(1);
            if pending == 0 {
                finish(&node, &job);
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
}

fn give_up_late(node: &Node, job: &str) -> Result<()> {
    let limit = node.config().limits.release_limit_s;
    // the job has not changed since it was decided
    let waited = now().unix().saturating_sub(bundle::find(node, job)?.updated);
    if u64::try_from(waited).unwrap_or(0) < limit {
        return Ok(());
    }
    for (id, peer, refusal) in node.store().must_arrive(job)? {
        // not while it is under way
        let Some(_turn) = node.outbox_turn(&peer) else { continue };
        let fault = refusal.unwrap_or_else(|| Fault::new(Code::Unreachable, format!("no answer for {limit} s")));
        if node.store().give_up(id, job, &peer, &fault, now().unix())? {
            tracing::warn!(job, peer, code = fault.code.as_str(), "the released result is given up");
        }
    }
    Ok(())
}

/// The released result arrives at its receiver.
pub fn release(node: &Arc<Node>, from: &str, job: &str, package: Value) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    if contract.reviewer.party.as_str() != from || !contract.receivers.iter().any(|r| r.party.as_str() == node.name()) {
        return Err(Fault::new(Code::State, "results go from the reviewer to a receiver").party(from));
    }
    let package: Package =
        serde_json::from_value(package).map_err(|_| Fault::new(Code::PeerProtocol, "package does not parse").party(from))?;
    let ring = node.ring()?;
    let decision = package.decision.verify(&ring, &[from])?;
    let document = node.keys().seal.open(&seal_info(job, node.name()), b"", &package.sealed)?;
    let receipt = Receipt::verify(&package.receipt, &ring, &document)?;
    let fits = receipt.job.0.to_hex() == job
        && receipt.receiver.as_str() == node.name()
        && receipt.decision == crate::node::payload_hash(decision)?;
    if !fits || decision.verdict != ReviewVerdict::Approved || decision.job.0.to_hex() != job {
        return Err(Fault::new(Code::Signature, "receipt, decision and job do not belong together").party(from));
    }
    let hash = receipt.result;
    // the reviewer alone does not decide whether it was filed
    if crate::docket::chapters::products::filed(node, job, Some(hash)).is_err() {
        crate::docket::sync::fetch(node)?;
        crate::docket::chapters::products::filed(node, job, Some(hash))?;
    }
    node.vault().put(&format!("result-{job}"), &document)?;
    node.store_signed("decision", job, &package.decision)?;
    node.keep_signed("receipt", job, &package.receipt, |_| Ok(Event::new(Verb::ResultReceived).of(job)?.by(from)?.hash("result", &hash)))?;
    node.store().add_event(job, "received", &json!({}), now().unix())?;
    Ok(json!({}))
}

/// The decision arrives at a party: its part ends.
pub fn outcome(node: &Arc<Node>, from: &str, job: &str, decision: Value) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    let decision: Signed<ReviewDecision> =
        serde_json::from_value(decision).map_err(|_| Fault::new(Code::PeerProtocol, "decision does not parse").party(from))?;
    let payload = decision.verify(&node.ring()?, &[contract.reviewer.party.as_str()])?;
    if payload.job.0.to_hex() != job {
        return Err(Fault::new(Code::Signature, "the decision is on another job").party(from));
    }
    let word = if payload.verdict == ReviewVerdict::Approved { "approved" } else { "refused" };
    node.store_signed("decision", job, &decision)?;
    node.store().add_event(job, "decided", &json!({ "reviewer": from, "verdict": word }), now().unix())?;
    if node.store().begin_destroying(job, &[State::Held, State::Sealing, State::Running], now().unix())? {
        let (node, job) = (Arc::clone(node), job.to_owned());
        std::thread::spawn(move || finish(&node, &job));
    }
    Ok(json!({}))
}

/// Destroys what the job left here, signs the certificate, ends the job; once its run has no thread here any more.
pub fn finish(node: &Arc<Node>, job: &str) {
    let _turn = node.live().ending();
    if node.live().runs(job) {
        // its thread comes here when it ends
        return;
    }
    match try_finish(node, job) {
        // the watchdog goes on here when its incident is closed
        Err(fault) if crate::incidents::is_frozen(&fault) => tracing::warn!(job, detail = fault.detail, "what a job left is evidence"),
        // the state stays `destroying`: the watchdog and the next start go on here
        Err(fault) => tracing::error!(job, code = fault.code.as_str(), "destruction is not complete"),
        Ok(()) => {}
    }
}

fn try_finish(node: &Arc<Node>, job: &str) -> Result<()> {
    let row = bundle::find(node, job)?;
    if !matches!(row.state, State::Releasing | State::Destroying) {
        return Ok(());
    }
    node.store().move_job(job, &[State::Releasing], State::Destroying, now().unix())?;
    let approved = node.signed::<ReviewDecision>("decision", job).is_ok_and(|d| d.payload.verdict == ReviewVerdict::Approved);
    if approved {
        crate::models::keep(node, job)?;
    }
    crate::incidents::refuse_frozen(node, Doomed::Job(destroy::parse_job(job)?))?;
    super::training::trainer::Scratch::sweep(node.home(), job)?;
    let (count, certificate) = destroy::working(node, job)?;
    node.store().drop_shares(job)?;
    let destroyed = Event::new(Verb::WorkingDestroyed).of(job)?.count("objects", count as u64).hash("certificate", &certificate);
    let told = json!({ "count": count, "certificate": certificate.to_string() });
    let decision: Signed<ReviewDecision> = node.signed("decision", job)?;
    let last = if decision.payload.verdict == ReviewVerdict::Approved { State::Done } else { State::Rejected };
    let document = node.store().object("certificate", &certificate.to_hex())?.map(|o| o.json).unwrap_or_default();
    let document: Value = serde_json::from_str(&document).map_err(|_| Fault::new(Code::Damaged, "certificate"))?;
    for party in Bundle::of(&row)?.others(node) {
        node.send_later(&party, None, &Ask::Deliver { kind: "certificate".into(), document: document.clone() })?;
    }
    // A checkpoint that is asked for from now on covers its end: it settles the log first.
    match node.store().undelivered(job)?.into_iter().next() {
        None => {
            let change = Change::new(job, &[State::Destroying], last, now().unix())
                .log(destroyed)?
                .log(Event::new(Verb::JobFinished).of(job)?)?
                .story("destroyed", told);
            let _changed = node.change(&change)?;
        }
        Some((receiver, why)) => {
            let failed = Event::new(Verb::JobFailed).of(job)?.code("code", Code::Undelivered.as_str());
            let fault = Fault::new(Code::Undelivered, why).party(receiver);
            node.store().fail_destroyed(job, &fault, now().unix(), &told, [destroyed, failed])?;
            node.settle()?;
        }
    }
    node.flush_in_background();
    Ok(())
}

/// Queues the own share and waits until the reviewer has it; the job fails by name when it is away too long.
///
/// # Errors
/// `peer.lost` naming the reviewer; `storage.failed`.
pub fn hand_over(node: &Arc<Node>, job: &str, reviewer: &str, handover: &Handover) -> Result<()> {
    let share = Ask::Share { job: job.to_owned(), share: to_value(handover)? }.to_json()?;
    let change = Change::new(job, &[State::Running], State::Sealing, now().unix())
        .tell(reviewer, share)
        .log(Event::new(Verb::ResultSealed).of(job)?.by(reviewer)?)?
        .story("share-sealed", json!({ "party": reviewer }));
    if node.change(&change)? != Changed::Yes {
        // ended here meanwhile: nothing is handed over
        return Ok(());
    }
    wait_for_reviewer(node, job, reviewer)
}

fn wait_for_reviewer(node: &Arc<Node>, job: &str, reviewer: &str) -> Result<()> {
    let limit = Duration::from_secs(node.config().limits.resume_limit_s);
    let start = Instant::now();
    while !node.is_stopping() {
        node.flush_peer(reviewer);
        if node.store().outbox_of(job)? == 0 {
            node.store().move_job(job, &[State::Sealing], State::Held, now().unix())?;
            return Ok(());
        }
        if bundle::find(node, job)?.state.is_final() {
            return Ok(());
        }
        if start.elapsed() > limit {
            // it answers, and does not take the share: its own reason says more
            if let Some(fault) = node.store().must_arrive(job)?.into_iter().find_map(|(.., refusal)| refusal) {
                return Err(fault.party(reviewer));
            }
            return Err(Fault::new(Code::PeerLost, format!("no answer for {} s", limit.as_secs())).party(reviewer));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Goes on with what was persisted before a restart.
pub fn continue_after_restart(node: &Arc<Node>, row: &JobRow) {
    let Ok(contract) = Bundle::of(row).map(|b| b.contract.payload) else { return };
    let (reviewer, computing) = (contract.reviewer.party.to_string(), contract.with_role(Role::Computing).count());
    let (node, job, state) = (Arc::clone(node), row.id.clone(), row.state);
    std::thread::spawn(move || match state {
        State::Sealing => {
            if let Err(fault) = wait_for_reviewer(&node, &job, &reviewer) {
                end::fail(&node, &job, &fault);
            }
        }
        State::Running if reviewer == node.name() => {
            let complete = node.store().shares(&job).is_ok_and(|s| s.len() == computing);
            if complete && let Err(fault) = hold(&node, &job) {
                end::fail(&node, &job, &fault);
            }
        }
        State::Releasing => deliver_then_finish(&node, &job),
        State::Destroying => finish(&node, &job),
        _ => {}
    });
}
