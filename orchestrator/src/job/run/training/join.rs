//! A provider's part of a training: it answers for its rows, examines the model, and vouches for it.

use super::super::super::again;
use super::super::super::held::{Handover, Piece, Vouched};
use super::super::super::training::trainer::Scratch;
use super::super::super::training::{self, Plan, Trained};
use super::rows::{examined, rows};
use super::{Own, Ring, Scene, grown, ring, stored, told};
use crate::fault::{Code, Fault, Result};
use crate::keys::rng;
use crate::sessions;
use sha2::{Digest, Sha256};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::strategy::Step;
use yu_fedlearn::train::{self, take_part_by};
use yu_fedlearn::trees::horizontal;
use yu_governance::policy::Permit;

/// A model with the bytes that everybody vouches for.
type Heard = (Trained, Vec<u8>);

pub(super) fn party(scene: &Scene<'_>, plan: &Plan, permit: &Permit, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, terms, id, say } = *scene;
    let me = node.name().parse()?;
    let index = training::owners(contract).position(|party| *party == me).ok_or_else(|| Fault::new(Code::Bug, "no rows of ours"))?;
    let (all, attestation) = rows(scene, plan, permit, id)?;
    let limits = training::gate_limits(terms)?;
    // some rows are kept from the training, to attack the model with
    let rows = plan.training_rows(&all, &limits)?;
    say(12, "train");
    let mut part = Part { scene, plan, index: index as u32, rows, verifier: ring(node, plan)?, step: Trainer::new(scene, plan)? };
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
        done = match part.take(resume.as_ref().map(|state| &state[..]), open) {
            Ok(done) => Some(done),
            // the coordinator's process may have ended, and come back
            Err(fault) => {
                again::wait(node, job, open, terms.coordinator.as_str(), fault)?;
                resume = again::kept(node, job)?;
                None
            }
        };
    };
    let report = examined(scene, plan, &trained, &all, &limits)?;
    let result: [u8; 32] = Sha256::digest(&document).into();
    Ok(Handover { share: Piece::Vouched(Vouched { result, gate: Some(Box::new(report)) }), attestation: Some(attestation) })
}

/// What was heard before this process began, if anything.
fn heard(plan: &Plan, state: &[u8]) -> Result<Option<Heard>> {
    Ok(match plan {
        Plan::Updates(plan) => train::heard(plan, state)?.map(|(trained, bytes)| (Trained::Updates(Box::new(trained)), bytes)),
        Plan::Trees(plan) => horizontal::heard(plan, state)?.map(|(trained, bytes)| (Trained::Trees(Box::new(trained)), bytes)),
    })
}

/// Who makes the updates.
enum Trainer {
    Own,
    Program(Box<dyn Step>, #[expect(dead_code, reason = "its folder is deleted with it")] Scratch),
}

impl Trainer {
    fn new(scene: &Scene<'_>, plan: &Plan) -> Result<Self> {
        let home = scene.node.home();
        let Some(trainer) = &scene.terms.trainer else { return Ok(Self::Own) };
        let scratch = Scratch::new(home, scene.job)?;
        Ok(Self::Program(Box::new(scratch.step(home, trainer, plan)?), scratch))
    }
}

struct Part<'a> {
    scene: &'a Scene<'a>,
    plan: &'a Plan,
    index: u32,
    rows: Dataset,
    verifier: Ring,
    step: Trainer,
}

impl Part<'_> {
    fn take(&mut self, resume: Option<&[u8]>, open: &mut sessions::Open) -> Result<Heard> {
        let Scene { node, job, terms, .. } = *self.scene;
        let line = open.channel(terms.coordinator.as_str())?;
        let (index, rows, verifier) = (self.index, self.rows.clone(), &self.verifier);
        let signer = &Own(node.signing().duplicate());
        let keep = &mut |state: &[u8]| stored(again::keep(node, job, state));
        Ok(match self.plan {
            Plan::Updates(plan) => {
                let told = &mut |figures: &train::Figures| told(self.scene, plan.settings.rounds, figures);
                let with = train::Party { index, rows, signer, verifier, resume, keep, told };
                let mut own = plan.settings.strategy.local.clone();
                let step = match &mut self.step {
                    Trainer::Own => &mut own,
                    Trainer::Program(step, _) => &mut **step,
                };
                let (trained, bytes) = take_part_by(plan, line, with, step, &mut rng())?;
                (Trained::Updates(Box::new(trained)), bytes)
            }
            Plan::Trees(plan) => {
                let told = &mut |trees| grown(self.scene, plan.settings.boosting.trees, trees, None);
                let with = horizontal::Party { index, rows, signer, verifier, resume, keep, told };
                let (trained, bytes) = horizontal::take_part(plan, line, with, &mut rng())?;
                (Trained::Trees(Box::new(trained)), bytes)
            }
        })
    }
}
