//! A party's own rows: opened for the training, and what the gate makes of the model with them.

use super::super::super::inputs;
use super::super::super::training::{self, Plan, Trained};
use super::Scene;
use crate::fault::{Code, Fault, Result};
use crate::keys::{now, rng};
use rand::Rng;
use serde_json::json;
use yu_desensitize::{Lang, column};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::gate;
use yu_governance::check::local::OwnGroups;
use yu_governance::check::{InputAttestation, LocalLimits, examine};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::sign::Signed;

/// Attacks the model with own rows; the party does not vouch for one that gives them away.
pub(super) fn examined(scene: &Scene<'_>, plan: &Plan, trained: &Trained, rows: &Dataset, limits: &gate::Settings) -> Result<gate::Report> {
    let Scene { node, job, say, .. } = *scene;
    say(92, "gate");
    let mut seed = [0; 32];
    rng().fill_bytes(&mut seed);
    let report = plan.examine(trained, rows, limits, &seed)?;
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
pub(super) fn rows(scene: &Scene<'_>, plan: &Plan, permit: &Permit, id: JobId) -> Result<(Dataset, Signed<InputAttestation>)> {
    let Scene { node, job, contract, terms, say, .. } = *scene;
    say(8, "open");
    let (opened, dropped) = inputs::rows(node, contract, permit, id)?;
    let table = &opened.table().0;
    super::super::opened(node, job, table.num_rows(), dropped, 0)?;
    let count = usize::try_from(table.num_rows()).map_err(|_| Fault::new(Code::Input, "more rows than memory"))?;
    let mut x = ndarray::Array2::zeros((count, plan.features().len()));
    for (mut to, name) in x.columns_mut().into_iter().zip(plan.features()) {
        to.iter_mut().zip(column::numeric(table, name)?).for_each(|(to, from)| *to = from);
    }
    let target = column::numeric(table, plan.target())?;
    // classes are groups of rows; none may be so small that the model is about single ones
    let classes = training::settings(terms)?
        .classes()
        .filter(|count| target.iter().all(|value| value.fract() == 0.0 && (0.0..f64::from(*count)).contains(value)));
    let codes: Vec<u32> = classes.map_or_else(Vec::new, |_| target.iter().map(|value| *value as u32).collect());
    let groups = classes.map(|categories| OwnGroups { of_row: &codes, categories });
    let examination = examine(count as u64, &[], groups, LocalLimits::new(contract.limits.min_cell));
    inputs::refuse_small(contract, &examination)?;
    node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
    let statement = InputAttestation::new(id, node.name().parse()?, &examination, now());
    Ok((Dataset::new(x, target)?, Signed::sign(statement, node.name(), node.signing())?))
}
