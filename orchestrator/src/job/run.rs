//! The run of a job on one computing party: open the data with a permit, align, check, compute on shares, seal the output
//! to the reviewer. Blocking code on a thread of its own.
//!
//! Two protocols: rows are aligned first, and both input parties learn which match (here); or they are joined on shares, and
//! nobody does (`join`), on the engine that the contract's adversary demands (`seat`). Or an attested worker
//! gets the rows and runs a reviewed module (`enclave`). A provider that de-identifies its own rows works
//! alone (`derivative`). Parties that train a model answer a coordinator (`training`).

mod derivative;
mod enclave;
mod join;
mod seat;
mod split;
mod training;

use super::bundle::{self, Bundle, Situation};
use super::held::{self, Handover, Piece};
use super::inputs::{self, Prepared};
use super::plan::{self, Program};
use super::{State, end};
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::sessions;
use crate::store::JobRow;
use serde_json::json;
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::contract::{Adversary, Contract, Role};
use yu_governance::policy::{Decision, Permit, decide};
use yu_governance::sign::Signed;
use yu_mpc::cost::Counts;
use yu_mpc::psi;
use yu_mpc::rep3::{Context, Malicious};
use yu_mpc::stats::{self, Role as Part, StatsPlan};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;
use yu_wire::seal::SealPublic;
use zeroize::Zeroizing;

/// Domain of sealed output shares.
pub(super) const OUTPUT_INFO: &[u8] = b"yu-output-share-v1";

/// Whether this node computes in a stored job.
pub fn computes(node: &Node, row: &JobRow) -> bool {
    let Ok(bundle) = Bundle::of(row) else { return false };
    bundle.contract.payload.parties.iter().any(|p| p.name.as_str() == node.name() && p.is(Role::Computing))
}

/// Runs a job that is entered as live on a thread of its own; a fault ends the job everywhere.
pub fn spawn(node: &Arc<Node>, job: &str, bundle: Bundle) {
    let (node, job) = (Arc::clone(node), job.to_owned());
    std::thread::spawn(move || {
        let work = std::panic::AssertUnwindSafe(|| run(&node, &job, &bundle));
        let outcome = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(Fault::new(Code::Bug, "the run panicked")));
        crate::market::meter::processor_time(&node, &job);
        if let Err(fault) = outcome {
            end::fail(&node, &job, &fault.party(node.name()));
        }
        ended(&node, &job);
    });
}

/// The run's thread holds nothing of the job any more: what waited for that goes on. Others may have ended the job meanwhile.
pub fn ended(node: &Arc<Node>, job: &str) {
    node.live().end(job);
    match node.store().job(job).map(|row| row.map(|row| row.state)) {
        Ok(Some(State::Failed)) => end::clean_up(node, job),
        Ok(Some(State::Destroying)) => held::finish(node, job),
        Ok(_) => {}
        Err(fault) => tracing::error!(job, code = fault.code.as_str(), "the end of a run waits for the next start"),
    }
}

fn run(node: &Arc<Node>, job: &str, bundle: &Bundle) -> Result<()> {
    let admitted = bundle.admitted(node)?;
    let contract = admitted.contract();
    // the id is the contract's hash: whoever changed the stored contract changed the job
    if admitted.id() != crate::destroy::parse_job(job)? {
        return Err(Fault::new(Code::Damaged, "the stored contract is that of another job").at(job.to_owned()));
    }
    let me = node.name().parse()?;
    let say = |percent: u8, step: &str| node.live().progress(job, percent, step);
    if bundle::find(node, job)?.state != State::Running {
        return Err(Fault::new(Code::State, "the job ended before its run began").at(job.to_owned()));
    }
    say(2, "permit");
    super::known::compare(node, bundle)?;
    let situation = Situation::of_running(node, contract)?;
    let permits = match decide(&admitted, &situation.input(contract, &bundle.dossier), bundle::policy(node)?.as_ref()) {
        Decision::Permitted { permits, policy, .. } => {
            node.log(Event::new(Verb::PermitIssued).of(job)?.count("permits", permits.len() as u64).hash("policy", &policy))?;
            permits
        }
        Decision::Denied { findings, .. } => {
            return Err(findings.first().map_or_else(|| Fault::new(Code::Refused, "denied"), Fault::from));
        }
    };
    super::known::terms(node, contract)?;
    if let Some(terms) = contract.derivative() {
        let permit = permits.first().ok_or_else(|| Fault::new(Code::Bug, "no permit for the own rows"))?;
        let handover = derivative::run(&derivative::Scene { node, job, contract, terms, say: &say }, permit, admitted.id())?;
        say(95, "hand-over");
        held::hand_over(node, job, contract.reviewer.party.as_str(), &handover)?;
        say(100, "");
        return Ok(());
    }
    if let Some(terms) = contract.training() {
        say(5, "sessions");
        // a run that goes on meets its partners by itself
        let again = super::again::kept(node, job)?.is_some();
        let mut open = if again { sessions::Open::none() } else { sessions::open(node, job, contract)? };
        let scene = training::Scene { node, job, contract, terms, id: admitted.id(), say: &say };
        let own = permits.first().filter(|_| contract.inputs.iter().any(|input| input.party == me));
        let result = training::run(&scene, own, &mut open);
        return after(node, job, contract, open, result);
    }
    let part = match contract.side_of(&me) {
        Some(yu_governance::contract::Side::Left) => Part::Left,
        Some(yu_governance::contract::Side::Right) => Part::Right,
        None => Part::Helper,
    };
    let prepared = match permits.first() {
        Some(permit) => Some(prepare(node, job, contract, permit, &admitted)?),
        None => None,
    };
    say(8, "sessions");
    let mut open = sessions::open(node, job, contract)?;
    let scene = Scene { node, job, contract, part, say: &say };
    let result = match contract.enclave() {
        Some(terms) => enclave::protocol(&scene, terms, prepared.zip(permits.first()), &mut open),
        None => on_shares(&scene, prepared, &mut open),
    };
    after(node, job, contract, open, result)
}

/// Hands over what came of a run, or ends its sessions.
fn after(node: &Arc<Node>, job: &str, contract: &Contract, open: sessions::Open, result: Result<Handover>) -> Result<()> {
    let say = |percent: u8, step: &str| node.live().progress(job, percent, step);
    // What made its keys has returned, and they wipe themselves when dropped. If this is not stored the certificate claims less.
    if let Err(fault) = node.store().keys_wiped(job) {
        tracing::warn!(job, code = fault.code.as_str(), "end of the run's keys not stored");
    }
    match result {
        Ok(handover) => {
            // the peers may still read what was sent last; closing waits for their acknowledgement
            open.close();
            say(95, "hand-over");
            held::hand_over(node, job, contract.reviewer.party.as_str(), &handover)?;
            say(100, "");
            Ok(())
        }
        Err(fault) => {
            open.abort(fault.code.as_str());
            Err(fault)
        }
    }
}

fn on_shares(scene: &Scene<'_>, prepared: Option<Prepared>, open: &mut sessions::Open) -> Result<Handover> {
    let program = plan::program(scene.contract)?;
    match (&program, scene.contract.security.adversary) {
        (Program::Aligned(plan), _) => protocol(scene, plan, prepared, open),
        (Program::Split(plan), _) => {
            let job = *crate::destroy::parse_job(scene.job)?.0.as_bytes();
            split::protocol(scene, &yu_fedlearn::vertical::task::Plan { job, ..plan.clone() }, prepared, open)
        }
        (_, Adversary::SemiHonest) => join::protocol::<Context>(scene, &program, prepared, open),
        (_, Adversary::Malicious) => join::protocol::<Malicious>(scene, &program, prepared, open),
    }
}

fn prepare(
    node: &Arc<Node>,
    job: &str,
    contract: &Contract,
    permit: &Permit,
    admitted: &yu_governance::contract::Admitted,
) -> Result<Prepared> {
    let prepared = inputs::open(node, contract, permit, admitted.id())?;
    opened(node, job, prepared.keys.len() as u64, prepared.without_consent, prepared.failed_keys)?;
    Ok(prepared)
}

/// Puts on record that own rows were opened, and how many were left out.
fn opened(node: &Node, job: &str, rows: u64, dropped: u64, failed: u64) -> Result<()> {
    node.log(Event::new(Verb::DataOpened).of(job)?.count("rows", rows))?;
    node.log(Event::new(Verb::ConsentFiltered).of(job)?.count("dropped", dropped))?;
    let detail = json!({ "rows": rows, "without_consent": dropped, "failed_keys": failed });
    node.store().add_event(job, "data-opened", &detail, now().unix())
}

/// Where a protocol runs.
struct Scene<'a> {
    node: &'a Arc<Node>,
    job: &'a str,
    contract: &'a Contract,
    part: Part,
    /// Percent and step, for whoever watches.
    say: &'a dyn Fn(u8, &str),
}

fn protocol(scene: &Scene<'_>, plan: &StatsPlan, prepared: Option<Prepared>, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, part, say } = *scene;
    let terms = &plan::joint_terms(contract)?.statistics;
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let mut rng = rng();
    let (left, right, helper) = (terms.left.party.as_str(), terms.right.party.as_str(), terms.helper.as_str());
    let mut local = None;
    let mut matched = None;
    let mut counts = plan::rows(contract)?;
    if let Some(prepared) = prepared {
        let aligned = align(scene, &prepared, open, &mut rng)?;
        matched = Some(aligned.rows.len() as u64);
        counts = aligned.counts;
        let (data, examination) = inputs::aligned(contract, part, &prepared, &aligned.rows)?;
        drop(prepared);
        // Before any share of a value exists anywhere: groups, dominance, constant columns.
        inputs::refuse_small(contract, &examination)?;
        node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
        let party = node.name().parse()?;
        let attestation = InputAttestation::new(crate::destroy::parse_job(job)?, party, &examination, now());
        local = Some((data, Signed::sign(attestation, node.name(), node.signing())?));
    }
    say(65, "shares");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "statistics"))?;
    let index = part.index();
    let names = [left, right, helper];
    let (prev, next) = open.take_two(names[(index + 2) % 3], names[(index + 1) % 3])?;
    node.store().key_made(job, RunKey::PrgKeys.as_str())?;
    let mut context = Context::new(index, &id, prev, next, &mut rng)?;
    let (data, attestation) = match local {
        Some((data, attestation)) => (Some(data), Some(attestation)),
        None => (None, None),
    };
    let matched = stats::agree(&mut context, plan, part, matched)?;
    let output = stats::run(&mut context, plan, part, data.as_ref(), matched)?;
    drop(data);
    say(90, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let share = output.seal(&context, &reviewer, OUTPUT_INFO, job.as_bytes(), &mut rng)?;
    measure(node, job, contract, context.totals(), Counts { n_left: counts.0, n_right: counts.1, matched })?;
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "statistics"))?;
    let (prev, next): (Channel, Channel) = context.into_channels();
    open.give_back(prev, next);
    Ok(Handover { share: Piece::Share(share), attestation })
}

/// Which own rows match, in the common order, and how many rows each side brought.
struct Aligned {
    rows: Zeroizing<Vec<u64>>,
    counts: (u64, u64),
}

/// Aligns own rows with the other side's; both learn which match. Ends if too few do.
fn align(scene: &Scene<'_>, prepared: &Prepared, open: &mut sessions::Open, rng: &mut impl rand::CryptoRng) -> Result<Aligned> {
    let Scene { node, job, contract, part, say } = *scene;
    let terms = &plan::joint_terms(contract)?.statistics;
    say(12, "psi");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "psi"))?;
    let config = psi::Config {
        party: node.name().to_owned(),
        session: *crate::destroy::parse_job(job)?.0.as_bytes(),
        limits: plan::limits(contract),
        expected_peer_rows: Some(1..=peer_rows(contract, part)?),
    };
    let other = if part == Part::Left { &terms.right.party } else { &terms.left.party };
    let own = prepared.keys.len() as u64;
    node.store().key_made(job, RunKey::PsiExponent.as_str())?;
    let keys: Vec<&[u8]> = prepared.keys.iter().map(|k| k.as_slice()).collect();
    let rows = psi::run(open.channel(other.as_str())?, config, &keys, rng)?;
    let common = rows.count();
    let counts = if part == Part::Left { (own, rows.peer_rows()) } else { (rows.peer_rows(), own) };
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "psi").count("matched", common))?;
    node.store().add_event(job, "aligned", &json!({ "matched": common }), now().unix())?;
    say(25, "checks");
    if common < contract.limits.min_rows {
        return Err(Fault::new(Code::TooFewMatched, format!("{common} rows matched, the contract wants {}", contract.limits.min_rows)));
    }
    Ok(Aligned { rows: Zeroizing::new(rows.rows().to_vec()), counts })
}

fn peer_rows(contract: &Contract, part: Part) -> Result<u64> {
    let (left, right) = plan::rows(contract)?;
    Ok(if part == Part::Left { right } else { left })
}

/// Compares the meters with the contract's formula at the actual counts. The helper knows the rows of neither side; its
/// part of the formula does not contain them.
fn measure(node: &Arc<Node>, job: &str, contract: &Contract, totals: Totals, counts: Counts) -> Result<()> {
    let cost = plan::at(contract, &counts)?;
    let expected = cost.party(node.name()).ok_or_else(|| Fault::new(Code::Bug, "no cost for this party"))?;
    let equal =
        (expected.bytes_sent, expected.bytes_received, expected.rounds) == (totals.bytes_sent, totals.bytes_received, totals.rounds);
    let measured = json!({ "bytes_sent": totals.bytes_sent, "bytes_received": totals.bytes_received, "rounds": totals.rounds,
        "formula_sent": expected.bytes_sent, "formula_received": expected.bytes_received, "formula_rounds": expected.rounds, "equal": equal });
    node.store().set_measured(job, &measured.to_string())?;
    let detail = json!({ "sent": totals.bytes_sent, "received": totals.bytes_received, "rounds": totals.rounds, "equal": equal });
    node.store().add_event(job, "computed", &detail, now().unix())?;
    node.log(
        Event::new(Verb::StepFinished)
            .of(job)?
            .code("step", "metered")
            .count("bytes_sent", totals.bytes_sent)
            .count("bytes_received", totals.bytes_received)
            .count("rounds", u64::from(totals.rounds)),
    )
}
