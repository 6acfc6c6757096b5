//! A node's part of a training: a party answers for its rows, the coordinator asks and adds up.

mod ask;
mod join;
mod rows;

use super::super::again;
use super::super::held::Handover;
use super::super::training::{self, Plan};
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, public_key};
use crate::sessions;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::train::Figures;
use yu_governance::audit::{Event, Verb};
use yu_governance::contract::{Contract, TrainingTerms};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::sign::{PublicKey, SigningKey};

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
    Ok(Ring(plan.parties().iter().map(key).collect::<Result<_>>()?))
}

/// Runs this node's part.
pub(super) fn run(scene: &Scene<'_>, permit: Option<&Permit>, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, terms, id, .. } = *scene;
    let plan = training::plan(contract, terms, id)?;
    let again = again::kept(node, job)?.is_some();
    node.store().key_made(job, if again { RunKey::MaskKeysAgain } else { RunKey::MaskKeys }.as_str())?;
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "train"))?;
    let handover = match permit {
        Some(permit) => join::party(scene, &plan, permit, open)?,
        None if training::coordinates(terms, &node.name().parse()?) => ask::coordinator(scene, &plan, open)?,
        None => return Err(Fault::new(Code::Bug, "a party without rows that does not coordinate")),
    };
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "train").count("rounds", training::settings(terms)?.rounds()))?;
    Ok(handover)
}

/// Tells whoever watches how far it is, and how good.
fn told(scene: &Scene<'_>, rounds: u32, figures: &Figures) {
    let detail = json!({ "round": figures.round, "parties": figures.parties, "rows": figures.rows, "loss": figures.loss,
        "accuracy": figures.accuracy, "rmse": figures.rmse });
    progress(scene, u64::from(rounds), figures.round, &detail);
}

/// The same of trees; a party does not hear of how many parties they are.
fn grown(scene: &Scene<'_>, all: usize, trees: u32, parties: Option<u32>) {
    progress(scene, all as u64, u64::from(trees), &json!({ "round": trees, "parties": parties }));
}

fn progress(scene: &Scene<'_>, all: u64, done: u64, detail: &Value) {
    let all = all.max(1);
    (scene.say)(15 + (75 * done.min(all) / all) as u8, "train");
    if let Err(fault) = scene.node.store().add_event(scene.job, "trained-round", detail, now().unix()) {
        tracing::warn!(job = scene.job, code = fault.code.as_str(), "the figures of a round are not stored");
    }
}

/// What the library is told of a store that failed.
fn stored(kept: Result<()>) -> yu_fedlearn::Result<()> {
    kept.map_err(|fault| yu_fedlearn::Error::Caller(format!("the state of the training is not stored: {fault}")))
}
