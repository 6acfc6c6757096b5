//! A node's part of a training: a party answers for its rows, the coordinator asks and adds up.

use super::super::again;
use super::super::held::{Handover, Piece, Vouched};
use super::super::inputs;
use super::super::training::{self, INFO, MOST_BYTES};
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::{Node, public_key};
use crate::sessions;
use rand::Rng;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use yu_desensitize::Lang;
use yu_desensitize::column;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::gate;
use yu_fedlearn::model::Spec;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::train::{Coordinator, Figures, Party, Plan, Trained, coordinate, has_ended, heard, take_part};
use yu_governance::audit::{Event, Verb};
use yu_governance::check::local::OwnGroups;
use yu_governance::check::{InputAttestation, LocalLimits, examine};
use yu_governance::contract::{Contract, TrainingTerms};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::sign::{PublicKey, Signed, SigningKey};
use yu_wire::seal::{SealPublic, seal};

/// Domain of signatures under keys and survivor sets.
const DOMAIN: &str = "yu-training-keys-v1";

/// Where a training runs.
pub(super) struct Scene<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) job: &'a str,
    pub(super) contract: &'a Contract,
    pub(super) terms: &'a TrainingTerms,
    pub(super) id: JobId,
    /// Percent and step, for whoever watches.
    pub(super) say: &'a dyn Fn(u8, &str),
}

struct Own(SigningKey);

impl Signer for Own {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign_message(DOMAIN, message))
    }
}

/// Keys of the parties with rows, in the order of the plan.
struct Ring(Vec<PublicKey>);

impl Verifier for Ring {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        self.0.get(party as usize).is_some_and(|key| key.verify_message(DOMAIN, message, &signature.0).is_ok())
    }
}

fn ring(node: &Node, plan: &Plan) -> Result<Ring> {
    let key = |name: &String| match name.as_str() == node.name() {
        true => Ok(node.signing().public()),
        false => public_key(&node.peer(name)?),
    };
    Ok(Ring(plan.parties.iter().map(key).collect::<Result<_>>()?))
}

/// Runs this node's part.
pub(super) fn run(scene: &Scene<'_>, permit: Option<&Permit>, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, terms, id, .. } = *scene;
    let plan = training::plan(contract, terms, id)?;
    let again = again::kept(node, job)?.is_some();
    node.store().key_made(job, if again { RunKey::MaskKeysAgain } else { RunKey::MaskKeys }.as_str())?;
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "train"))?;
    let handover = match permit {
        Some(permit) => party(scene, &plan, permit, open)?,
        None if training::coordinates(terms, &node.name().parse()?) => coordinator(scene, &plan, open)?,
        None => return Err(Fault::new(Code::Bug, "a party without rows that does not coordinate")),
    };
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "train").count("rounds", u64::from(plan.settings.rounds)))?;
    Ok(handover)
}

/// Tells whoever watches how far it is, and how good.
fn told(scene: &Scene<'_>, plan: &Plan, figures: &Figures) {
    let rounds = u64::from(plan.settings.rounds).max(1);
    let percent = 15 + (75 * figures.round.min(rounds) / rounds) as u8;
    (scene.say)(percent, "train");
    let detail = json!({ "round": figures.round, "parties": figures.parties, "rows": figures.rows, "loss": figures.loss,
        "accuracy": figures.accuracy, "rmse": figures.rmse });
    if let Err(fault) = scene.node.store().add_event(scene.job, "trained-round", &detail, now().unix()) {
        tracing::warn!(job = scene.job, code = fault.code.as_str(), "the figures of a round are not stored");
    }
}

/// What the library is told of a store that failed.
fn stored(kept: Result<()>) -> yu_fedlearn::Result<()> {
    kept.map_err(|fault| yu_fedlearn::Error::Caller(format!("the state of the training is not stored: {fault}")))
}

fn coordinator(scene: &Scene<'_>, plan: &Plan, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, say, .. } = *scene;
    say(10, "train");
    let resume = again::kept(node, job)?;
    let is_over = resume.as_ref().is_some_and(|state| has_ended(state));
    let mut lines = Vec::new();
    for party in &plan.parties {
        if resume.is_some() {
            match again::meet(node, job, open, party, is_over) {
                Ok(()) => {}
                // it has heard the end, or hears it from nobody: then it does not vouch
                Err(fault) if is_over => {
                    tracing::info!(job, party, code = fault.code.as_str(), "not met again");
                    continue;
                }
                Err(fault) => return Err(fault),
            }
        }
        lines.push(open.take(party)?);
    }
    node.live().take_back(job);
    let verifier = ring(node, plan)?;
    let with = Coordinator {
        verifier: &verifier,
        resume: resume.as_ref().map(|state| &state[..]),
        keep: &mut |state| stored(again::keep(node, job, state)),
        // a session that is cut comes back by itself, below this; a process that ended comes back with a new one
        arrived: &mut || again::arrived(node, job, open).iter().filter_map(|party| open.take(party).ok()).collect(),
        told: &mut |figures| told(scene, plan, figures),
        pause: &mut |tries| again::pause(node, job, tries),
    };
    let done = coordinate(plan, lines, with)?;
    done.lines.into_iter().for_each(|line| open.keep(line));
    if done.bytes.len() > MOST_BYTES {
        let what = format!("the model has {} bytes, at most {MOST_BYTES} can be released by a job", done.bytes.len());
        return Err(Fault::new(Code::Input, what).at("[step.train] `model`"));
    }
    say(92, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let sealed = seal(&reviewer, INFO, job.as_bytes(), &done.bytes, &mut rng())?;
    Ok(Handover { share: Piece::Whole(sealed), attestation: None })
}

fn party(scene: &Scene<'_>, plan: &Plan, permit: &Permit, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, terms, id, say, .. } = *scene;
    let me = node.name().parse()?;
    let index = training::owners(contract).position(|party| *party == me).ok_or_else(|| Fault::new(Code::Bug, "no rows of ours"))?;
    let (all, attestation) = rows(scene, plan, permit, id)?;
    let limits = training::gate_limits(terms)?;
    // some rows are kept from the training, to attack the model with
    let rows = gate::Rows::divide(plan, &all, &limits)?.training;
    say(12, "train");
    let verifier = ring(node, plan)?;
    node.live().take_back(job);
    let mut resume = again::kept(node, job)?;
    let mut done = resume.as_ref().map(|state| heard(plan, state)).transpose()?.flatten();
    if resume.is_some() && done.is_none() {
        again::meet(node, job, open, terms.coordinator.as_str(), false)?;
    }
    let (trained, document) = loop {
        if let Some(done) = done {
            break done;
        }
        let with = Party {
            index: index as u32,
            rows: rows.clone(),
            signer: &Own(SigningKey::from_bytes(&node.signing().to_bytes())),
            verifier: &verifier,
            resume: resume.as_ref().map(|state| &state[..]),
            keep: &mut |state| stored(again::keep(node, job, state)),
            told: &mut |figures| told(scene, plan, figures),
        };
        let taken = take_part(plan, open.channel(terms.coordinator.as_str())?, with, &mut rng());
        done = match taken {
            Ok(done) => Some(done),
            // the coordinator's process may have ended, and come back
            Err(error) => {
                again::wait(node, job, open, terms.coordinator.as_str(), error.into())?;
                resume = again::kept(node, job)?;
                None
            }
        };
    };
    let report = examined(scene, plan, &trained, &all, &limits)?;
    let result: [u8; 32] = Sha256::digest(&document).into();
    Ok(Handover { share: Piece::Vouched(Vouched { result, gate: Some(Box::new(report)) }), attestation: Some(attestation) })
}

/// Attacks the model with own rows; the party does not vouch for one that gives them away.
fn examined(scene: &Scene<'_>, plan: &Plan, trained: &Trained, rows: &Dataset, limits: &gate::Settings) -> Result<gate::Report> {
    let Scene { node, job, say, .. } = *scene;
    say(92, "gate");
    let mut seed = [0; 32];
    rng().fill_bytes(&mut seed);
    let report = gate::of_training(plan, trained, rows, limits, &seed)?;
    let told = |test: &gate::Test| format!("{}: {}", test.rule.title(Lang::En), test.reason.get(Lang::En));
    let refusals: Vec<String> = report.refusals().map(told).collect();
    if report.verdict == gate::Verdict::Refused {
        let remedy = report.refusals().map(|test| test.remedy.get(Lang::En)).next().unwrap_or_default();
        let what = format!("the release gate does not let the model pass: {}; {remedy}", refusals.join("; "));
        return Err(Fault::new(Code::Refused, what).party(node.name()));
    }
    let verdict = if report.verdict == gate::Verdict::Passed { "passed" } else { "cannot-tell" };
    let detail = json!({ "verdict": verdict, "tests": report.tests.len(), "open": refusals });
    node.store().add_event(job, "model-examined", &detail, now().unix())?;
    Ok(report)
}

/// The own rows, and what the owner finds in them.
fn rows(scene: &Scene<'_>, plan: &Plan, permit: &Permit, id: JobId) -> Result<(Dataset, Signed<InputAttestation>)> {
    let Scene { node, job, contract, say, .. } = *scene;
    say(8, "open");
    let (opened, dropped) = inputs::rows(node, contract, permit, id)?;
    let table = &opened.table().0;
    super::opened(node, job, table.num_rows(), dropped, 0)?;
    let count = usize::try_from(table.num_rows()).map_err(|_| Fault::new(Code::Input, "more rows than memory"))?;
    let mut x = ndarray::Array2::zeros((count, plan.features.len()));
    for (mut to, name) in x.columns_mut().into_iter().zip(&plan.features) {
        to.iter_mut().zip(column::numeric(table, name)?).for_each(|(to, from)| *to = from);
    }
    let target = column::numeric(table, &plan.target)?;
    // classes are groups of rows; none may be so small that the model is about single ones
    let classes = classes(&plan.settings.model)
        .filter(|count| target.iter().all(|value| value.fract() == 0.0 && (0.0..f64::from(*count)).contains(value)));
    let codes: Vec<u32> = classes.map_or_else(Vec::new, |_| target.iter().map(|value| *value as u32).collect());
    let groups = classes.map(|categories| OwnGroups { of_row: &codes, categories });
    let examination = examine(count as u64, &[], groups, LocalLimits::new(contract.limits.min_cell));
    inputs::refuse_small(contract, &examination)?;
    node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
    let statement = InputAttestation::new(id, node.name().parse()?, &examination, now());
    Ok((Dataset::new(x, target)?, Signed::sign(statement, node.name(), node.signing())?))
}

/// Classes that a model tells apart.
fn classes(model: &Spec) -> Option<u32> {
    use yu_fedlearn::model::Task;
    match model {
        Spec::Logistic { .. } | Spec::Mlp { task: Task::Binary, .. } => Some(2),
        Spec::Softmax { classes, .. } | Spec::Mlp { task: Task::Classes(classes), .. } => Some(*classes),
        _ => None,
    }
}
