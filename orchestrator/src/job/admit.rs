//! Signatures of all parties, all or nothing.
//!
//! ```text
//! proposer                                    every other party
//!   compile, check, sign        ── Propose ──>  verify, check own policy; sign, or wait for a person, or refuse
//!   merge signatures            <── Sign ─────  (when the person decides later)
//!   all signatures              ── Admit ────>  verify all of them, count the run, persist `admitted`
//!   all admitted                ── Start ────>  run
//! ```
//! Any refusal or fault before `Start` ends the job everywhere; nothing was read until then.

use super::bundle::{self, Bundle, Situation};
use super::{State, end, known, offer, run};
use crate::control::{Ask, ProposeAnswer};
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::store::{Change, Changed, NewJob};
use crate::verbs::to_value;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::contract::Role;
use yu_governance::policy;
use yu_governance::request::Approval;
use yu_governance::sign::{Signature, Signed};

/// Most jobs of one proposer that are not over: each is kept with its evidence and asked about every few seconds.
const OPEN_PROPOSALS: u64 = 64;

/// Proposes a checked bundle to all parties.
///
/// # Errors
/// `contract.rule` and its relatives when the own policy refuses.
pub fn propose(node: &Arc<Node>, mut bundle: Bundle) -> Result<String> {
    let id = bundle.id()?;
    own_policy(node, &bundle)?;
    bundle.contract.add_signature(node.name(), node.signing())?;
    let json = bundle.to_json()?;
    let new = NewJob::new(&id, State::Proposing, &json, node.name(), now().unix())
        .log(Event::new(Verb::JobProposed).of(&id)?)?
        .log(Event::new(Verb::JobSigned).of(&id)?)?
        .story("proposed", json!({ "party": node.name() }))
        .story("policy-passed", json!({}));
    node.enter_job(&new)?;
    let (node, job) = (Arc::clone(node), id.clone());
    std::thread::spawn(move || {
        if let Err(fault) = gather(&node, &job, &bundle) {
            end::fail(&node, &job, &fault);
        }
    });
    Ok(id)
}

fn gather(node: &Arc<Node>, job: &str, bundle: &Bundle) -> Result<()> {
    for party in bundle.others(node) {
        let answer = node.ask(&party, &Ask::Propose { bundle: to_value(bundle)? }).map_err(|f| f.party(party.clone()))?;
        let answer: ProposeAnswer =
            serde_json::from_value(answer).map_err(|_| Fault::new(Code::PeerProtocol, "answer to a proposal").party(party.clone()))?;
        match answer {
            ProposeAnswer::Signed { signature } => {
                signed(node, &party, job, signature)?;
            }
            ProposeAnswer::Pending => {
                node.store().add_event(job, "waiting", &json!({ "party": party }), now().unix())?;
            }
            ProposeAnswer::Refused { fault } => {
                refused(node, &party, job, fault)?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Checks a bundle by this node's own policy.
fn own_policy(node: &Node, bundle: &Bundle) -> Result<()> {
    let contract = &bundle.contract.payload;
    known::compare(node, bundle)?;
    crate::procedure::effect::permits(node, contract)?;
    crate::quotas::permits(node, contract)?;
    let situation = Situation::of(node, contract)?;
    let findings = policy::check(&situation.input(contract, &bundle.dossier), bundle::policy(node)?.as_ref());
    match findings.first() {
        None => known::terms(node, contract),
        Some(first) => Err(first.into()),
    }
}

/// A peer proposes a contract.
pub fn proposed(node: &Arc<Node>, from: &str, bundle: Value) -> Result<Value> {
    let bundle: Bundle =
        serde_json::from_value(bundle).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("proposal").party(from))?;
    let id = bundle.id()?;
    let contract = &bundle.contract.payload;
    bundle.contract.verify(&node.ring()?, &[from])?;
    if !contract.parties.iter().any(|p| p.name.as_str() == from) {
        return Err(Fault::new(Code::ContractRule, "the proposer is no party of the contract").party(from));
    }
    if !contract.parties.iter().any(|p| p.name.as_str() == node.name()) {
        return Err(Fault::new(Code::ContractRule, "this node is no party of the contract").party(node.name()));
    }
    let verdict = room(node, from, &id).and_then(|()| own_policy(node, &bundle)).and_then(|()| own_inputs(node, &bundle, from));
    if let Err(fault) = verdict {
        let fault = fault.party(node.name());
        node.log(Event::new(Verb::JobRefused).of(&id)?.code("reason", fault.code.as_str()))?;
        return to_value(&ProposeAnswer::Refused { fault: fault.for_peers() });
    }
    let json = bundle.to_json()?;
    let new = NewJob::new(&id, State::Proposed, &json, from, now().unix())
        .log(Event::new(Verb::JobChecked).of(&id)?)?
        .story("proposed", json!({ "party": from }))
        .story("policy-passed", json!({}));
    node.enter_job(&new)?;
    let row = bundle::find(node, &id)?;
    if matches!(row.state, State::Signed) {
        // asked again: the answer was lost
        let own = Bundle::of(&row)?.contract.signatures.into_iter().find(|s| s.signer == node.name());
        let own = own.ok_or_else(|| Fault::new(Code::Bug, "own signature"))?;
        return to_value(&ProposeAnswer::Signed { signature: to_value(&own)? });
    }
    // which code is trusted with rows a person decides, or wrote down before
    let asks = bundle.contract.payload.enclave().is_none() || node.home().path("attestation.json").exists();
    // numbers about single rows are a person's to let go
    let scores = super::split::asks(contract);
    // so is letting a program of others see them
    let program = contract.training().is_some_and(|terms| terms.trainer.is_some());
    // what a person decides each time no standing approval decides
    if asks
        && !scores
        && !program
        && let Some(approval) = super::recurring::covers(node, &id, contract)?
    {
        let signature = sign(node, &id, false)?;
        node.store().add_event(
            &id,
            "standing-approval",
            &json!({ "party": node.name(), "approval": approval.to_string() }),
            now().unix(),
        )?;
        return to_value(&ProposeAnswer::Signed { signature });
    }
    // an organisation that acts through its people signs nothing without one
    if node.config().limits.auto_sign && asks && !scores && !program && !crate::people::decide(node)? {
        let signature = sign(node, &id, false)?;
        return to_value(&ProposeAnswer::Signed { signature });
    }
    node.store().add_event(&id, "waiting", &json!({ "party": node.name() }), now().unix())?;
    to_value(&ProposeAnswer::Pending)
}

/// A peer's open proposals are few enough that one more can be kept and watched.
fn room(node: &Node, from: &str, id: &str) -> Result<()> {
    let open = node.store().open_proposals(from, id)?;
    if open < OPEN_PROPOSALS {
        return Ok(());
    }
    Err(Fault::new(Code::Refused, format!("proposals.open: `{from}` has {open} jobs here that are not over, at most {OPEN_PROPOSALS}")))
}

/// What only the owner can check: that its data are still the version in the contract, and that the contract says of them what
/// their owner said.
fn own_inputs(node: &Node, bundle: &Bundle, proposer: &str) -> Result<()> {
    let me = node.name().parse()?;
    let contract = &bundle.contract.payload;
    for input in contract.inputs_of(&me) {
        crate::dataset::unchanged(node, &input.dataset, &input.version)?;
        let cited =
            |a: &&Signed<Approval>| a.payload.dataset == input.dataset && contract.approvals.iter().any(|c| c.request == a.payload.request);
        let approval = bundle.dossier.approvals.iter().find(cited);
        let approval = approval.ok_or_else(|| Fault::new(Code::NotApproved, input.dataset.to_string()).party(node.name()))?;
        offer::stated(node, contract, input, &approval.payload, proposer)?;
    }
    Ok(())
}

/// Signs a proposed contract after checking it once more; `send`: the proposer does not wait for the answer.
pub fn sign(node: &Arc<Node>, job: &str, send: bool) -> Result<Value> {
    let row = bundle::find(node, job)?;
    if row.state != State::Proposed {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).at(row.id));
    }
    let mut bundle = Bundle::of(&row)?;
    own_policy(node, &bundle)?;
    own_inputs(node, &bundle, &row.proposer)?;
    bundle.contract.add_signature(node.name(), node.signing())?;
    let own = bundle.contract.signatures.iter().find(|s| s.signer == node.name()).cloned();
    let own = own.ok_or_else(|| Fault::new(Code::Bug, "own signature"))?;
    let (own, json) = (to_value(&own)?, bundle.to_json()?);
    let mut change = Change::new(&row.id, &[State::Proposed], State::Signed, now().unix())
        .contract(&json)
        .log(Event::new(Verb::JobSigned).of(&row.id)?)?
        .story("signed", json!({ "party": node.name() }));
    if send {
        change = change.tell(&row.proposer, Ask::Sign { job: row.id.clone(), signature: own.clone() }.to_json()?);
    }
    if node.change(&change)? != Changed::Yes {
        return Err(Fault::new(Code::State, "the job ended meanwhile").at(row.id));
    }
    Ok(own)
}

/// The person of this node signs: the signature goes to the proposer.
pub fn approve(node: &Arc<Node>, job: &str) -> Result<String> {
    let row = bundle::find(node, job)?;
    sign(node, &row.id, true)?;
    node.flush_peer(&row.proposer);
    Ok(row.id)
}

/// The person of this node refuses.
pub fn refuse(node: &Arc<Node>, job: &str, reason: &str) -> Result<String> {
    let row = bundle::find(node, job)?;
    let fault = Fault::new(Code::PartyRefused, reason.to_owned()).party(node.name());
    let change = Change::new(&row.id, &[State::Proposed], State::Refused, now().unix())
        .log(Event::new(Verb::JobRefused).of(&row.id)?.code("reason", "person"))?
        .tell(&row.proposer, Ask::Refuse { job: row.id.clone(), fault }.to_json()?);
    if node.change(&change)? != Changed::Yes {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).at(row.id));
    }
    node.flush_peer(&row.proposer);
    Ok(row.id)
}

/// A party's signature arrives at the proposer.
pub fn signed(node: &Arc<Node>, from: &str, job: &str, signature: Value) -> Result<Value> {
    let signature: Signature =
        serde_json::from_value(signature).map_err(|_| Fault::new(Code::PeerProtocol, "signature does not parse").party(from))?;
    if signature.signer != from {
        return Err(Fault::new(Code::Signature, "signer and sender differ").party(from));
    }
    let complete = {
        // Two signatures may arrive at once; each must be merged into the other's result.
        let _turn = node.merge_turn();
        let row = own_proposal(node, from, job)?;
        let mut bundle = Bundle::of(&row)?;
        bundle.contract.merge_signature(signature, &node.ring()?).map_err(|e| Fault::new(Code::Tampered, e.to_string()).party(from))?;
        node.store().set_contract(job, &bundle.to_json()?, now().unix())?;
        node.store().add_event(job, "signed", &json!({ "party": from }), now().unix())?;
        let all = bundle.contract.payload.parties.iter().all(|p| bundle.contract.names(p.name.as_str()));
        all && node.store().move_job(job, &[State::Proposing], State::Signed, now().unix())?
    };
    if complete {
        let (node, job) = (Arc::clone(node), job.to_owned());
        std::thread::spawn(move || {
            if let Err(fault) = admit_all(&node, &job) {
                end::fail(&node, &job, &fault);
            }
        });
    }
    Ok(json!({}))
}

fn own_proposal(node: &Node, from: &str, job: &str) -> Result<crate::store::JobRow> {
    let row = bundle::of_party(node, from, job)?;
    if row.proposer != node.name() {
        return Err(Fault::new(Code::State, "this node did not propose the job"));
    }
    Ok(row)
}

/// Every signature is here: admit everywhere, then start everywhere.
fn admit_all(node: &Arc<Node>, job: &str) -> Result<()> {
    let row = bundle::find(node, job)?;
    let bundle = Bundle::of(&row)?;
    enter(node, &bundle)?;
    for party in bundle.others(node) {
        node.ask(&party, &Ask::Admit { bundle: to_value(&bundle)? }).map_err(|f| f.party(party.clone()))?;
    }
    for party in bundle.others(node) {
        node.ask(&party, &Ask::Start { job: job.to_owned() }).map_err(|f| f.party(party.clone()))?;
    }
    begin(node, job)
}

/// Verifies all signatures, counts the run, persists the admission.
fn enter(node: &Arc<Node>, bundle: &Bundle) -> Result<()> {
    let job = bundle.id()?;
    bundle.admitted(node)?;
    own_policy(node, bundle)?;
    let contract = &bundle.contract.payload;
    let limit = contract.limits.runs_per_day.min(bundle::floors(node).runs_per_day);
    crate::quotas::reserve(node, contract)?;
    let (json, pair, day) = (bundle.to_json()?, bundle::pair(contract), bundle::day());
    let mut change = Change::new(&job, &[State::Signed], State::Admitted, now().unix())
        .contract(&json)
        .log(Event::new(Verb::JobAdmitted).of(&job)?)?
        .story("admitted", json!({}));
    if contract.inputs_of(&node.name().parse()?).next().is_some() {
        change = change.run(&pair, &day, limit);
    }
    let changed = node.change(&change)?;
    if changed != Changed::Yes {
        // whoever ended it meanwhile looked for a reservation before there was one
        crate::quotas::release(node, contract)?;
    }
    match changed {
        Changed::Yes => Ok(()),
        Changed::NoRunLeft => Err(Fault::new(Code::RunsPerDay, format!("{limit} runs a day")).party(node.name())),
        Changed::OtherState => Err(Fault::new(Code::State, "the job ended meanwhile").at(job)),
    }
}

/// The proposer says that everybody signed.
pub fn admitted(node: &Arc<Node>, from: &str, bundle: Value) -> Result<Value> {
    let bundle: Bundle =
        serde_json::from_value(bundle).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("admission").party(from))?;
    let job = bundle.id()?;
    let unknown = |_| Fault::new(Code::Tampered, "the admitted contract is not the one that was signed here").party(from);
    let row = bundle::of_party(node, from, &job).map_err(unknown)?;
    if row.proposer != from {
        return Err(Fault::new(Code::State, "only the proposer admits").party(from));
    }
    match row.state {
        State::Signed => enter(node, &bundle)?,
        State::Admitted => {}
        other => return Err(Fault::new(Code::State, format!("job is `{other}`")).party(node.name())),
    }
    Ok(json!({}))
}

/// The proposer says that everybody is ready.
pub fn start(node: &Arc<Node>, from: &str, job: &str) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    if row.proposer != from {
        return Err(Fault::new(Code::State, "only the proposer starts").party(from));
    }
    if row.state == State::Admitted {
        begin(node, job)?;
    }
    Ok(json!({}))
}

fn begin(node: &Arc<Node>, job: &str) -> Result<()> {
    let bundle = Bundle::of(&bundle::find(node, job)?)?;
    let me = node.name().parse()?;
    let computes = bundle.contract.payload.party(&me).is_some_and(|p| p.is(Role::Computing));
    // Entered before the state says `running`: whoever ends the job from then on waits for the run's thread.
    if computes && !node.live().begin(job) {
        return Ok(());
    }
    match (started(node, job, &bundle), computes) {
        (Ok(true), true) => run::spawn(node, job, bundle),
        (Ok(_), false) => {}
        (Ok(false), true) => run::ended(node, job),
        (Err(fault), _) => {
            run::ended(node, job);
            return Err(fault);
        }
    }
    Ok(())
}

fn started(node: &Node, job: &str, bundle: &Bundle) -> Result<bool> {
    // first: a start that is not counted would be free
    crate::quotas::commit(node, &bundle.contract.payload)?;
    let change = Change::new(job, &[State::Admitted], State::Running, now().unix())
        .log(Event::new(Verb::JobStarted).of(job)?)?
        .story("started", json!({}));
    Ok(node.change(&change)? == Changed::Yes)
}

/// A party's refusal arrives at the proposer.
pub fn refused(node: &Arc<Node>, from: &str, job: &str, fault: Fault) -> Result<Value> {
    let row = own_proposal(node, from, job)?;
    if row.state != State::Proposing {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).party(node.name()));
    }
    let fault = fault.reported_by(from);
    node.store().add_event(job, "refused", &json!({ "party": from, "reason": fault.to_string() }), now().unix())?;
    let detail = format!("{}: {}", fault.code.as_str(), fault.detail);
    let code = if fault.code == Code::Tampered { Code::Tampered } else { Code::PartyRefused };
    end::fail(node, job, &Fault::new(code, detail).party(from));
    Ok(json!({}))
}
