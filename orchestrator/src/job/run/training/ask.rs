//! The coordinator's part of a training: it asks, adds up, and seals the model to the reviewer.

use super::super::super::again;
use super::super::super::held::{Handover, Piece};
use super::super::super::training::{INFO, MOST_BYTES, Plan};
use super::{Ring, Scene, grown, ring, stored, told};
use crate::fault::{Code, Fault, Result};
use crate::keys::rng;
use crate::sessions;
use yu_fedlearn::train;
use yu_fedlearn::trees::horizontal;
use yu_wire::channel::Channel;
use yu_wire::seal::{SealPublic, seal};

pub(super) fn coordinator(scene: &Scene<'_>, plan: &Plan, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, say, .. } = *scene;
    say(10, "train");
    let resume = again::kept(node, job)?;
    let is_over = resume.as_ref().is_some_and(|state| match plan {
        Plan::Updates(_) => train::has_ended(state),
        Plan::Trees(_) => horizontal::has_ended(state),
    });
    let mut lines = Vec::new();
    for party in plan.parties() {
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
    let (bytes, lines) = conduct(scene, plan, &verifier, resume.as_ref().map(|state| &state[..]), lines, open)?;
    lines.into_iter().for_each(|line| open.keep(line));
    if bytes.len() > MOST_BYTES {
        let what = format!("the model has {} bytes, at most {MOST_BYTES} can be released by a job", bytes.len());
        return Err(Fault::new(Code::Input, what).at("[step.train] `model`, or [step.trees] `boosting.trees`"));
    }
    say(92, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let sealed = seal(&reviewer, INFO, job.as_bytes(), &bytes, &mut rng())?;
    Ok(Handover { share: Piece::Whole(sealed), attestation: None })
}

/// Trains to the end: the bytes of the model, and the lines to those that heard them.
fn conduct(
    scene: &Scene<'_>,
    plan: &Plan,
    verifier: &Ring,
    resume: Option<&[u8]>,
    lines: Vec<Channel>,
    open: &mut sessions::Open,
) -> Result<(Vec<u8>, Vec<Channel>)> {
    let Scene { node, job, .. } = *scene;
    let keep = &mut |state: &[u8]| stored(again::keep(node, job, state));
    // a session that is cut comes back by itself, below this; a process that ended comes back with a new one
    let arrived = &mut || again::arrived(node, job, open).iter().filter_map(|party| open.take(party).ok()).collect();
    let pause = &mut |tries| again::pause(node, job, tries);
    Ok(match plan {
        Plan::Updates(plan) => {
            let told = &mut |figures: &train::Figures| told(scene, plan.settings.rounds, figures);
            let with = train::Coordinator { verifier, resume, keep, arrived, told, pause };
            let done = train::coordinate(plan, lines, with)?;
            (done.bytes, done.lines)
        }
        Plan::Trees(plan) => {
            let told = &mut |done: &horizontal::Progress| grown(scene, plan.settings.boosting.trees, done.trees, Some(done.parties));
            let with = horizontal::Coordinator { verifier, resume, keep, arrived, told, pause };
            let done = horizontal::coordinate(plan, lines, with)?;
            (done.bytes, done.lines)
        }
    })
}
