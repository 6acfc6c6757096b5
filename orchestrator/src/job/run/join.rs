//! The run of a job whose rows are joined on shares: nobody learns which match, nor how many.

use super::super::held::{Handover, Piece};
use super::super::inputs::{self, Prepared};
use super::super::plan::{self, Program};
use super::seat::Seat;
use super::{Scene, measure};
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::sessions;
use serde_json::json;
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::sign::Signed;
use yu_mpc::analysis::{self, AnalysisData};
use yu_mpc::cost::Counts;
use yu_mpc::joint::{self, JointData};
use yu_mpc::stats::{Owner, Role as Part};
use yu_wire::seal::SealPublic;

/// What an input party shares.
enum Local {
    Joint(joint::Local),
    Steps(analysis::Local),
}

pub(super) fn protocol<E: Seat>(
    scene: &Scene<'_>,
    program: &Program,
    prepared: Option<Prepared>,
    open: &mut sessions::Open,
) -> Result<Handover> {
    let Scene { node, job, contract, part, say } = *scene;
    let terms = &super::plan::joint_terms(contract)?.statistics;
    let names = [terms.left.party.as_str(), terms.right.party.as_str(), terms.helper.as_str()];
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let mut rng = rng();
    let (mut local, mut attestation) = (None, None);
    if let Some(prepared) = prepared {
        say(12, "checks");
        // Nobody knows the matched rows; what is examined are all rows that this party brings. Sizes of groups among the matched ones
        // are checked in the held result.
        let (mut rows, examination) = inputs::all(contract, part, &prepared)?;
        inputs::refuse_small(contract, &examination)?;
        node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
        let party = node.name().parse()?;
        let statement = InputAttestation::new(crate::destroy::parse_job(job)?, party, &examination, now());
        attestation = Some(Signed::sign(statement, node.name(), node.signing())?);
        let (other, owner) = if part == Part::Left { (names[1], Owner::Left) } else { (names[0], Owner::Right) };
        node.store().key_made(job, RunKey::DigestKey.as_str())?;
        let key = joint::agree_on_key(open.channel(other)?, part, &id, &mut rng)?;
        let (numeric, mut codes) = (std::mem::take(&mut rows.numeric), std::mem::take(&mut rows.codes));
        let keys = prepared.into_keys();
        local = Some(match program {
            Program::Steps(plan) => Local::Steps(analysis::Local::of(plan, owner, &AnalysisData { keys, numeric, codes }, &key, &mut rng)?),
            Program::Joined(plan) => {
                let data = JointData { keys, numeric, groups: codes.pop() };
                Local::Joint(joint::local(plan, owner, &data, &key, &mut rng)?)
            }
            Program::Aligned(_) | Program::Split(_) => return Err(Fault::new(Code::Bug, "a program for aligned rows")),
        });
    }
    say(20, "shares");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "joint"))?;
    let index = part.index();
    let (prev, next) = open.take_two(names[(index + 2) % 3], names[(index + 1) % 3])?;
    node.store().key_made(job, RunKey::PrgKeys.as_str())?;
    let mut engine = E::take(index, &id, prev, next, &mut rng)?;
    say(30, "join");
    let output = match program {
        Program::Steps(plan) => {
            let own = match &local {
                Some(Local::Steps(local)) => Some(local),
                _ => None,
            };
            let of = |party: Part| own.filter(|_| party == part);
            analysis::run(&mut engine, plan, [of(Part::Left), of(Part::Right)])?
        }
        Program::Joined(plan) => {
            let own = match &local {
                Some(Local::Joint(local)) => Some(local),
                _ => None,
            };
            let of = |party: Part| own.filter(|_| party == part);
            joint::run(&mut engine, plan, [of(Part::Left), of(Part::Right)])?.into_words()
        }
        Program::Aligned(_) | Program::Split(_) => return Err(Fault::new(Code::Bug, "a program for aligned rows")),
    };
    drop(local);
    say(90, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let share = engine.seal(&output, &reviewer, job, &mut rng)?;
    let (n_left, n_right) = plan::rows(contract)?;
    measure(node, job, contract, engine.totals(), Counts { n_left, n_right, matched: 0 })?;
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "joint"))?;
    let (prev, next) = engine.leave();
    open.give_back(prev, next);
    Ok(Handover { share: Piece::Share(share), attestation })
}
