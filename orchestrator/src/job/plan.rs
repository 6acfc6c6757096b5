//! The contract's protocol terms as the engine's plan, its cost, and the layout of its output.

use crate::fault::{Code, Fault, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::contract::{Contract, CostStatement, PsiKind, Side, StepCost};
use yu_mpc::cost::{Cost, Counts};
use yu_mpc::joint::{self, JointPlan};
use yu_mpc::psi::Limits;
use yu_mpc::rep3::Context;
use yu_mpc::stats::{self, Grouping, Layout, Owner, Side as StatsSide, StatsPlan};

/// Bits after the binary point of means and deviations.
pub const VALUE_BITS: u32 = 20;
/// Bits after the binary point of numbers between -1 and 1.
pub const UNIT_BITS: u32 = 30;

/// The engine's plan of a contract.
///
/// # Errors
/// `contract.rule` for terms that this engine does not compute.
pub fn of(contract: &Contract) -> Result<StatsPlan> {
    let s = &contract.protocol.statistics;
    if s.fixed_point.value_bits != VALUE_BITS || s.fixed_point.unit_bits != UNIT_BITS {
        return Err(Fault::new(Code::ContractRule, "this engine computes with 20 and 30 fractional bits"));
    }
    let side = |terms: &yu_governance::contract::SideTerms| StatsSide { party: terms.party.to_string(), columns: terms.columns.clone() };
    let plan = StatsPlan {
        left: side(&s.left),
        right: side(&s.right),
        helper: s.helper.to_string(),
        grouping: s.grouping.as_ref().map(|g| Grouping {
            side: match g.side {
                Side::Left => Owner::Left,
                Side::Right => Owner::Right,
            },
            column: g.column.clone(),
            categories: g.categories.clone(),
        }),
        min_cell: contract.limits.min_cell,
    };
    plan.check()?;
    Ok(plan)
}

/// The plan of a contract that joins rows on shares; absent for one that aligns them first.
///
/// # Errors
/// `contract.rule` for terms that this engine does not compute.
pub fn joint(contract: &Contract) -> Result<Option<JointPlan>> {
    if contract.protocol.psi.kind != PsiKind::SharedJoin80 {
        return Ok(None);
    }
    let (left, right) = rows(contract);
    let count =
        |rows: u64| u32::try_from(rows).map_err(|_| Fault::new(Code::ContractRule, format!("{rows} rows are too many to join on shares")));
    let s = &contract.protocol.statistics;
    let plan = JointPlan {
        statistics: of(contract)?,
        rows: [count(left)?, count(right)?],
        exponents: [s.left.exponents.clone(), s.right.exponents.clone()],
    };
    plan.check()?;
    Ok(Some(plan))
}

/// Limits of the alignment.
pub fn limits(contract: &Contract) -> Limits {
    Limits { min_rows: contract.limits.min_rows, max_ratio: contract.limits.max_ratio }
}

/// Bytes and rounds as a formula in the row counts, with minimum and maximum.
///
/// # Errors
/// `input.bad` when the counts overflow.
pub fn cost(contract: &Contract) -> Result<CostStatement> {
    if let Some(plan) = joint(contract)? {
        return Ok(fixed(&joint::cost::<Context>(&plan)?));
    }
    let formula = stats::job_formula(&of(contract)?)?;
    let (n_left, n_right) = rows(contract);
    let (least, most) = formula.bounds(n_left, n_right, contract.limits.min_rows.min(n_left.min(n_right)))?;
    Ok(CostStatement {
        formula: formula
            .phases
            .iter()
            .flat_map(|phase| &phase.messages)
            .map(|m| StepCost {
                step: m.step.clone(),
                from: m.from.clone(),
                to: m.to.clone(),
                bytes: m.payload.clone().framed().to_string(),
            })
            .collect(),
        rounds: most.rounds.to_string(),
        min_bytes: least.bytes,
        max_bytes: most.bytes,
        min_rounds: u64::from(least.rounds),
        max_rounds: u64::from(most.rounds),
    })
}

/// The statement of a cost that depends on the announced rows only: one line for all messages of a step between two parties.
fn fixed(cost: &Cost) -> CostStatement {
    let mut steps = BTreeMap::<(&str, &str, &str), u64>::new();
    for message in &cost.messages {
        *steps.entry((&message.step, &message.from, &message.to)).or_default() += message.bytes;
    }
    let line = |((step, from, to), bytes): ((&str, &str, &str), u64)| StepCost {
        step: step.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        bytes: bytes.to_string(),
    };
    CostStatement {
        formula: steps.into_iter().map(line).collect(),
        rounds: cost.rounds.to_string(),
        min_bytes: cost.bytes,
        max_bytes: cost.bytes,
        min_rounds: u64::from(cost.rounds),
        max_rounds: u64::from(cost.rounds),
    }
}

/// What a run at these counts costs.
///
/// # Errors
/// `input.bad` when the counts overflow.
pub fn at(contract: &Contract, counts: &Counts) -> Result<Cost> {
    match joint(contract)? {
        Some(plan) => Ok(joint::cost::<Context>(&plan)?),
        None => Ok(stats::cost(&of(contract)?, counts)?),
    }
}

/// Layout of the output.
///
/// # Errors
/// `contract.rule` for terms that this engine does not compute.
pub fn layout(contract: &Contract) -> Result<Layout> {
    Ok(Layout::of(&of(contract)?)?)
}

/// Rows offered by left and right.
pub fn rows(contract: &Contract) -> (u64, u64) {
    let s = &contract.protocol.statistics;
    let of = |party: &yu_governance::id::PartyName| contract.inputs.iter().find(|i| i.party == *party).map_or(0, |i| i.rows);
    (of(&s.left.party), of(&s.right.party))
}

/// Which numbers the output holds, in which order.
#[derive(Serialize)]
struct LayoutForm<'a> {
    columns: Vec<(&'a str, &'a str)>,
    groups: Vec<&'a str>,
}

/// Hash of a layout given by its columns (party, name) and group labels.
///
/// # Errors
/// `internal`.
pub fn hash_of(columns: &[(&str, &str)], groups: &[&str]) -> Result<Hash> {
    let form = LayoutForm { columns: columns.to_vec(), groups: groups.to_vec() };
    Ok(digest("yu-layout-v1", &to_canonical(&form)?))
}

/// Hash of the contracted layout.
///
/// # Errors
/// `internal`.
pub fn layout_hash(contract: &Contract) -> Result<Hash> {
    let s = &contract.protocol.statistics;
    let columns: Vec<(&str, &str)> =
        [&s.left, &s.right].into_iter().flat_map(|side| side.columns.iter().map(|c| (side.party.as_str(), c.as_str()))).collect();
    let groups: Vec<&str> = s.grouping.iter().flat_map(|g| g.categories.iter().map(String::as_str)).collect();
    hash_of(&columns, &groups)
}
