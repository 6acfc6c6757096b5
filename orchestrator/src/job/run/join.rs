//! The run of a job whose rows are joined on shares: nobody learns which match, nor how many.

use super::super::held::Handover;
use super::super::inputs::{self, Prepared};
use super::{OUTPUT_INFO, Scene, measure};
use crate::destroy::RunKey;
use crate::fault::Result;
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::sessions;
use serde_json::json;
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::sign::Signed;
use yu_mpc::cost::Counts;
use yu_mpc::joint::{self, JointPlan};
use yu_mpc::rep3::Context;
use yu_mpc::stats::{Owner, Role as Part};
use yu_wire::seal::SealPublic;

pub(super) fn protocol(scene: &Scene<'_>, plan: &JointPlan, prepared: Option<Prepared>, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, part, say } = *scene;
    let names = plan.statistics.parties();
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let mut rng = rng();
    let (mut local, mut attestation) = (None, None);
    if let Some(prepared) = prepared {
        say(12, "checks");
        let rows: Vec<u64> = (0..prepared.keys.len() as u64).collect();
        let (mut data, examination) = inputs::aligned(contract, part, &prepared, &rows)?;
        // Nobody knows the matched rows; what is examined are all rows that this party brings. Sizes of groups among the matched ones
        // are checked in the held result.
        inputs::refuse_small(contract, &examination)?;
        node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
        let party = node.name().parse()?;
        let statement = InputAttestation::new(crate::destroy::parse_job(job)?, party, &examination, now());
        attestation = Some(Signed::sign(statement, node.name(), node.signing())?);
        let other = if part == Part::Left { names[1] } else { names[0] };
        let owner = if part == Part::Left { Owner::Left } else { Owner::Right };
        node.store().key_made(job, RunKey::DigestKey.as_str())?;
        let key = joint::agree_on_key(open.channel(other)?, part, &id, &mut rng)?;
        let data = joint::JointData { numeric: std::mem::take(&mut data.numeric), groups: data.groups.take(), keys: prepared.into_keys() };
        local = Some(joint::local(plan, owner, &data, &key, &mut rng)?);
    }
    say(20, "shares");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "joint"))?;
    let index = part.index();
    let (prev, next) = open.take_two(names[(index + 2) % 3], names[(index + 1) % 3])?;
    node.store().key_made(job, RunKey::PrgKeys.as_str())?;
    let mut context = Context::new(index, &id, prev, next, &mut rng)?;
    let own = |of: Part| local.as_ref().filter(|_| of == part);
    say(30, "join");
    let output = joint::run(&mut context, plan, [own(Part::Left), own(Part::Right)])?;
    drop(local);
    say(90, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let share = context.seal_words(output.words(), &reviewer, OUTPUT_INFO, job.as_bytes(), &mut rng)?;
    let counts = Counts { n_left: u64::from(plan.rows[0]), n_right: u64::from(plan.rows[1]), matched: 0 };
    measure(node, job, contract, &context, counts)?;
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "joint"))?;
    let (prev, next) = context.into_channels();
    open.give_back(prev, next);
    Ok(Handover { share, attestation })
}
