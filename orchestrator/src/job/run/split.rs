//! A node's part of a job about a split model: rows are aligned, then trained on, judged or scored over shares.

use super::super::held::{Handover, Piece};
use super::super::inputs::{self, Prepared};
use super::super::split;
use super::{OUTPUT_INFO, Scene, align, measure};
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::models;
use crate::sessions;
use ndarray::Array2;
use serde_json::json;
use yu_fedlearn::vertical::task::kept::Head;
use yu_fedlearn::vertical::task::{self, Kept, Model, Own, Plan};
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::contract::{ModelTerms, Side, StepTerms};
use yu_governance::sign::Signed;
use yu_mpc::cost::Counts;
use yu_mpc::rep3::Context;
use yu_mpc::stats::Role as Part;
use yu_wire::channel::Channel;
use yu_wire::seal::SealPublic;
use zeroize::Zeroize;

/// Own rows as the plan wants them; wiped on drop.
struct Local {
    features: Array2<f64>,
    labels: Option<Vec<f64>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(values) = self.features.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.labels.zeroize();
    }
}

pub(super) fn protocol(scene: &Scene<'_>, plan: &Plan, prepared: Option<Prepared>, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, part, say } = *scene;
    let (step, terms) = split::step(contract)?;
    let statistics = &super::plan::joint_terms(contract)?.statistics;
    let names = [statistics.left.party.as_str(), statistics.right.party.as_str(), statistics.helper.as_str()];
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let mut rng = rng();
    let mut counts = super::plan::rows(contract)?;
    let (mut local, mut attestation, mut matched) = (None, None, None);
    if let Some(prepared) = prepared {
        let aligned = align(scene, &prepared, open, &mut rng)?;
        counts = aligned.counts;
        matched = Some(aligned.rows.len() as u64);
        let (columns, examination) = inputs::of(contract, part, &prepared, &aligned.rows)?;
        if matches!(step, StepTerms::Predict(_)) && contract.receivers.iter().any(|r| r.party.as_str() == node.name()) {
            let me = node.name().parse()?;
            let input = contract.inputs_of(&me).next().ok_or_else(|| Fault::new(Code::Bug, "no input"))?;
            let keys = prepared.key_texts(&aligned.rows, input.key.columns.len());
            models::matched(node, job, &keys)?;
        }
        drop(prepared);
        // Before any share of a value exists anywhere: both classes are groups of rows.
        inputs::refuse_small(contract, &examination)?;
        node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
        let statement = InputAttestation::new(crate::destroy::parse_job(job)?, node.name().parse()?, &examination, now());
        attestation = Some(Signed::sign(statement, node.name(), node.signing())?);
        let (side, own) = if part == Part::Left { (Side::Left, &statistics.left) } else { (Side::Right, &statistics.right) };
        let at = |name: &String| own.columns.iter().position(|column| column == name);
        let picked = split::features(terms, side).iter().map(at).collect::<Option<Vec<_>>>();
        let picked = picked.ok_or_else(|| Fault::new(Code::Bug, "a feature is no column of its side"))?;
        let labels = terms.target.as_ref().filter(|target| target.side == side).and_then(|target| at(&target.column));
        local = Some(Local {
            features: columns.numeric.select(ndarray::Axis(1), &picked),
            labels: labels.map(|at| columns.numeric.column(at).to_vec()),
        });
    }
    say(30, "shares");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", step.kind()))?;
    let index = part.index();
    let (prev, next) = open.take_two(names[(index + 2) % 3], names[(index + 1) % 3])?;
    node.store().key_made(job, RunKey::PrgKeys.as_str())?;
    let mut engine = Context::new(index, &id, prev, next, &mut rng)?;
    let rows = task::agree(&mut engine, [matched.filter(|_| index == 0), matched.filter(|_| index == 1)])?;
    let own = local.as_ref().map(|local| Own { features: local.features.view(), labels: local.labels.as_deref() });
    let own = [own.filter(|_| index == 0), own.filter(|_| index == 1)];
    let output = match step {
        StepTerms::Train(_) => {
            let trained = task::train(&mut engine, plan, rows, own, &mut |done| say(30 + (u32::from(done) * 58 / 100) as u8, "train"))?;
            let [left, right] = trained.preparations;
            let head = head(job, contract, terms, plan, names, left.or(right))?;
            models::made(node, job, &Kept::new(head, &trained.model.words()))?;
            trained.output
        }
        _ => {
            let earlier = terms.model.ok_or_else(|| Fault::new(Code::Bug, "no model is named"))?;
            let kept = models::get(node, &earlier.0.to_hex())?;
            let model = Model::<Context>::from_words(plan, &kept.share())?;
            let known = [0, 1].map(|side| kept.head.preparation.as_ref().filter(|_| side == index));
            say(40, step.kind());
            match step {
                StepTerms::Evaluate(_) => task::evaluate(&mut engine, plan, rows, own, known, &model)?,
                _ => task::predict(&mut engine, plan, rows, own, known, &model)?,
            }
        }
    };
    drop(local);
    say(90, "seal");
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let share = engine.seal_words(&output, &reviewer, OUTPUT_INFO, job.as_bytes(), &mut rng)?;
    measure(node, job, contract, engine.totals(), Counts { n_left: counts.0, n_right: counts.1, matched: rows as u64 })?;
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", step.kind()))?;
    let (prev, next): (Channel, Channel) = engine.into_channels();
    open.give_back(prev, next);
    Ok(Handover { share: Piece::Share(share), attestation })
}

fn head(
    job: &str,
    contract: &yu_governance::contract::Contract,
    terms: &ModelTerms,
    plan: &Plan,
    names: [&str; 3],
    preparation: Option<task::Preparation>,
) -> Result<Head> {
    let target = terms.target.as_ref().ok_or_else(|| Fault::new(Code::Bug, "a training without a target"))?;
    Ok(Head {
        job: job.to_owned(),
        authorisation: contract.authorisation.id.to_string(),
        parties: names.map(str::to_owned),
        features: [split::features(terms, Side::Left), split::features(terms, Side::Right)],
        target: (plan.labels, target.column.clone()),
        settings: plan.settings.clone(),
        least: plan.least,
        preparation,
    })
}
