//! The contract's protocol terms as the engine's plan, its cost, and the layout of its output.

use crate::fault::{Code, Fault, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::contract::{
    Adversary, ColumnRef, Contract, CostStatement, GroupingTerms, JointTerms, OutputTerms, OwnCorrelations, PsiKind, Side, SideTerms,
    StepCost, StepTerms,
};
use yu_mpc::analysis::{self, AnalysisPlan, Categorical, ColumnAt, Named, Numeric, Outcome, Step, StepResult, TableSide};
use yu_mpc::cost::{Cost, Counts};
use yu_mpc::joint::{self, JointPlan};
use yu_mpc::learn::Logistic;
use yu_mpc::psi::Limits;
use yu_mpc::rep3::{Context, Malicious};
use yu_mpc::stats::{self, Grouping, Owner, Side as StatsSide, StatsPlan};
use yu_mpc::table::Fraction;

/// Name of the output of a job that asks for statistics only.
pub const STATISTICS: &str = "statistics";
/// Bits after the binary point of means and deviations.
pub const VALUE_BITS: u32 = 20;
/// Bits after the binary point of numbers between -1 and 1.
pub const UNIT_BITS: u32 = 30;

/// The protocols of a joint job.
///
/// # Errors
/// `internal` for a job that joins nothing.
pub fn joint_terms(contract: &Contract) -> Result<&JointTerms> {
    contract.joint().ok_or_else(|| Fault::new(Code::Bug, "the job joins nothing"))
}

/// What the engine runs for a contract.
pub enum Program {
    /// Statistics over rows that are aligned first.
    Aligned(StatsPlan),
    /// The same over rows that are joined on shares.
    Joined(JointPlan),
    /// Any steps over rows that are joined on shares.
    Steps(AnalysisPlan),
    /// A model that stays split, over rows that are aligned first; the job's id is not in it yet.
    Split(yu_fedlearn::vertical::task::Plan),
}

/// The engine's program of a contract.
///
/// # Errors
/// `contract.rule` for terms that this engine does not compute.
pub fn program(contract: &Contract) -> Result<Program> {
    let joint = joint_terms(contract)?;
    let s = &joint.statistics;
    if joint.psi.kind == PsiKind::EnclaveJoin {
        return Err(Fault::new(Code::Bug, "what runs inside an enclave is no program on shares"));
    }
    if s.fixed_point.value_bits != VALUE_BITS || s.fixed_point.unit_bits != UNIT_BITS {
        return Err(Fault::new(Code::ContractRule, "this engine computes with 20 and 30 fractional bits"));
    }
    if contract.split_model().is_some() {
        return Ok(Program::Split(super::split::plan(contract, [0; 32])?));
    }
    if joint.psi.kind == PsiKind::EcdhRistretto255 {
        return Ok(Program::Aligned(of(contract)?));
    }
    let (left, right) = rows(contract)?;
    let count =
        |rows: u64| u32::try_from(rows).map_err(|_| Fault::new(Code::ContractRule, format!("{rows} rows are too many to join on shares")));
    let rows = [count(left)?, count(right)?];
    if is_whole(contract) {
        let plan = JointPlan { statistics: of(contract)?, rows, exponents: [s.left.exponents.clone(), s.right.exponents.clone()] };
        plan.check()?;
        return Ok(Program::Joined(plan));
    }
    let plan = steps(contract, rows)?;
    plan.check().map_err(|e| Fault::new(Code::ContractRule, e.to_string()).at("steps"))?;
    Ok(Program::Steps(plan))
}

/// Whether the only step is statistics over all columns in their order.
pub fn is_whole(contract: &Contract) -> bool {
    let Some(joint) = contract.joint() else { return false };
    let s = &joint.statistics;
    let all = [(Side::Left, &s.left), (Side::Right, &s.right)].into_iter().flat_map(|(at, side)| side.columns.iter().map(move |c| (at, c)));
    matches!(joint.steps.as_slice(), [StepTerms::Stats { columns, .. }] if columns.iter().map(|r| (r.side, &r.column)).eq(all))
}

fn of(contract: &Contract) -> Result<StatsPlan> {
    let s = &joint_terms(contract)?.statistics;
    if !is_whole(contract) {
        return Err(Fault::new(Code::ContractRule, "where rows are aligned by PSI the only step is `stats` over all columns"));
    }
    let side = |terms: &SideTerms| StatsSide { party: terms.party.to_string(), columns: terms.columns.clone() };
    let plan = StatsPlan {
        left: side(&s.left),
        right: side(&s.right),
        helper: s.helper.to_string(),
        grouping: contract.grouping().map(|g| Grouping { side: owner(g.side), column: g.column.clone(), categories: g.categories.clone() }),
        min_cell: contract.limits.min_cell,
    };
    plan.check()?;
    Ok(plan)
}

const fn owner(side: Side) -> Owner {
    match side {
        Side::Left => Owner::Left,
        Side::Right => Owner::Right,
    }
}

/// The categorical columns of a side that the steps read, each once, in the order of the steps.
pub fn categorical(contract: &Contract, side: Side) -> Vec<&GroupingTerms> {
    let mut found: Vec<&GroupingTerms> = Vec::new();
    for grouping in contract.steps().iter().flat_map(StepTerms::categories).filter(|g| g.side == side) {
        if !found.iter().any(|known| known.column == grouping.column) {
            found.push(grouping);
        }
    }
    found
}

fn steps(contract: &Contract, rows: [u32; 2]) -> Result<AnalysisPlan> {
    let s = &joint_terms(contract)?.statistics;
    let side = |at: Side, terms: &SideTerms, rows: u32| TableSide {
        party: terms.party.to_string(),
        rows,
        numeric: terms
            .columns
            .iter()
            .zip(&terms.exponents)
            .map(|(name, exponent)| Numeric { name: name.clone(), exponent: *exponent })
            .collect(),
        categorical: categorical(contract, at)
            .into_iter()
            .map(|g| Categorical { name: g.column.clone(), labels: g.categories.clone() })
            .collect(),
    };
    let missing = |name: &str| Fault::new(Code::ContractRule, format!("contract.steps: column `{name}` is not brought by its side"));
    let number = |r: &ColumnRef| {
        let columns = if r.side == Side::Left { &s.left.columns } else { &s.right.columns };
        let index = columns.iter().position(|c| *c == r.column).ok_or_else(|| missing(&r.column))?;
        Ok::<_, Fault>(ColumnAt { owner: owner(r.side), index })
    };
    let category = |g: &GroupingTerms| {
        let of_side = categorical(contract, g.side);
        let index = of_side.iter().position(|known| *known == g).ok_or_else(|| missing(&g.column))?;
        Ok::<_, Fault>(ColumnAt { owner: owner(g.side), index })
    };
    let numbers = |columns: &[ColumnRef]| columns.iter().map(number).collect::<Result<Vec<_>>>();
    let step = |terms: &StepTerms| -> Result<Step> {
        Ok(match terms {
            StepTerms::Stats { columns, group } => {
                Step::Stats { columns: numbers(columns)?, group: group.as_ref().map(category).transpose()? }
            }
            StepTerms::Quantiles { columns, per_ten_thousand } => Step::Quantiles {
                columns: numbers(columns)?,
                at: per_ten_thousand.iter().map(|part| Fraction { numerator: *part, denominator: 10_000 }).collect(),
            },
            StepTerms::Histogram { column, edges } => {
                Step::Histogram { column: number(column)?, edges: edges.iter().map(|edge| edge.get()).collect() }
            }
            StepTerms::Groupby { by, values } => {
                Step::Groupby { by: by.iter().map(category).collect::<Result<_>>()?, values: numbers(values)? }
            }
            StepTerms::LinearRegression { target, features, ridge } => {
                Step::LinearRegression { target: number(target)?, features: numbers(features)?, ridge: ridge.get() }
            }
            StepTerms::LogisticRegression { target, features, epochs, batch, learning_rate, l2 } => Step::LogisticRegression {
                target: number(target)?,
                features: numbers(features)?,
                model: Logistic { rate: learning_rate.get(), batch: *batch as usize, epochs: *epochs as usize },
                l2: l2.get(),
            },
            StepTerms::Train(_) | StepTerms::Evaluate(_) | StepTerms::Predict(_) => {
                return Err(Fault::new(Code::ContractRule, "a split model is not trained on joined rows").at("steps"));
            }
        })
    };
    Ok(AnalysisPlan {
        left: side(Side::Left, &s.left, rows[0]),
        right: side(Side::Right, &s.right, rows[1]),
        helper: s.helper.to_string(),
        steps: contract.steps().iter().map(step).collect::<Result<_>>()?,
        min_cell: contract.limits.min_cell,
    })
}

/// Cost of a program on shares against the contract's adversary.
fn priced(contract: &Contract, program: &Program) -> Result<Option<Cost>> {
    let cost = match (program, contract.security.adversary) {
        (Program::Aligned(_) | Program::Split(_), _) => return Ok(None),
        (Program::Joined(plan), Adversary::SemiHonest) => joint::cost::<Context>(plan)?,
        (Program::Joined(plan), Adversary::Malicious) => joint::cost::<Malicious>(plan)?,
        (Program::Steps(plan), Adversary::SemiHonest) => analysis::cost::<Context>(plan)?,
        (Program::Steps(plan), Adversary::Malicious) => analysis::cost::<Malicious>(plan)?,
    };
    Ok(Some(cost))
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
    if contract.derivative().is_some() {
        return Ok(super::derive::cost());
    }
    if let Some(terms) = contract.training() {
        return super::training::cost(contract, terms);
    }
    if contract.enclave().is_some() {
        return super::enclave::cost(contract);
    }
    if contract.split_model().is_some() {
        return super::split::cost(contract);
    }
    if let Some(cost) = priced(contract, &program(contract)?)? {
        return Ok(fixed(&cost));
    }
    let formula = stats::job_formula(&of(contract)?)?;
    let (n_left, n_right) = rows(contract)?;
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
pub(super) fn fixed(cost: &Cost) -> CostStatement {
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
    if contract.split_model().is_some() {
        return super::split::at(contract, counts);
    }
    match priced(contract, &program(contract)?)? {
        Some(cost) => Ok(cost),
        None => Ok(stats::cost(&of(contract)?, counts)?),
    }
}

/// Rows offered by left and right.
///
/// # Errors
/// `internal` for a job that joins nothing.
pub fn rows(contract: &Contract) -> Result<(u64, u64)> {
    let s = &joint_terms(contract)?.statistics;
    let of = |party: &yu_governance::id::PartyName| contract.inputs.iter().find(|i| i.party == *party).map_or(0, |i| i.rows);
    Ok((of(&s.left.party), of(&s.right.party)))
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

/// What one step tells: which numbers, in which order.
#[derive(Serialize)]
struct StepForm<'a> {
    kind: &'a str,
    columns: Vec<(&'a str, &'a str)>,
    groups: Vec<String>,
    edges: Vec<f64>,
    per_ten_thousand: Vec<u32>,
}

/// Name of a step's output, steps counted from 1.
fn output_name(number: usize, kind: &str) -> String {
    format!("step{number}.{kind}")
}

/// The outputs of a contract: one for each step, with so many significant digits.
///
/// # Errors
/// `internal`.
pub fn outputs(contract: &Contract, digits: u32, own_correlations: OwnCorrelations) -> Result<Vec<OutputTerms>> {
    if let Some(terms) = contract.derivative() {
        return Ok(vec![super::derive::output(contract, terms, digits, own_correlations)?]);
    }
    if let Some(terms) = contract.training() {
        return Ok(vec![super::training::output(terms, digits, own_correlations)?]);
    }
    if contract.split_model().is_some() {
        return Ok(vec![super::split::output(contract, digits, own_correlations)?]);
    }
    let s = &joint_terms(contract)?.statistics;
    let party = |side: Side| if side == Side::Left { s.left.party.as_str() } else { s.right.party.as_str() };
    let named = |r: &'_ ColumnRef| -> (String, String) { (party(r.side).to_owned(), r.column.clone()) };
    if is_whole(contract) {
        let columns: Vec<(&str, &str)> =
            [&s.left, &s.right].into_iter().flat_map(|side| side.columns.iter().map(|c| (side.party.as_str(), c.as_str()))).collect();
        let groups: Vec<&str> = contract.grouping().into_iter().flat_map(|g| g.categories.iter().map(String::as_str)).collect();
        let layout = hash_of(&columns, &groups)?;
        return Ok(vec![OutputTerms { name: STATISTICS.into(), kind: "report".into(), layout, digits, own_correlations }]);
    }
    let output = |(step, number): (&StepTerms, usize)| {
        let mut columns: Vec<(String, String)> = step.numbers().into_iter().map(named).collect();
        let mut form =
            StepForm { kind: step.kind(), columns: Vec::new(), groups: Vec::new(), edges: Vec::new(), per_ten_thousand: Vec::new() };
        match step {
            StepTerms::Stats { group, .. } => form.groups = group.iter().flat_map(|g| g.categories.iter().cloned()).collect(),
            StepTerms::Quantiles { per_ten_thousand, .. } => form.per_ten_thousand.clone_from(per_ten_thousand),
            StepTerms::Histogram { edges, .. } => form.edges = edges.iter().map(|edge| edge.get()).collect(),
            StepTerms::Groupby { by, .. } => {
                columns.splice(0..0, by.iter().map(|g| (party(g.side).to_owned(), g.column.clone())));
                form.groups = product(&by.iter().map(|g| &g.categories[..]).collect::<Vec<_>>());
            }
            // the last three are jobs of their own
            StepTerms::LinearRegression { .. }
            | StepTerms::LogisticRegression { .. }
            | StepTerms::Train(_)
            | StepTerms::Evaluate(_)
            | StepTerms::Predict(_) => {}
        }
        form.columns = columns.iter().map(|(party, name)| (party.as_str(), name.as_str())).collect();
        let kind = if step.is_model() { "model" } else { "report" };
        Ok(OutputTerms { name: output_name(number, step.kind()), kind: kind.into(), layout: form.hash()?, digits, own_correlations })
    };
    contract.steps().iter().zip(1..).map(output).collect()
}

/// All combinations of categories, the last one fastest.
fn product(categories: &[&[String]]) -> Vec<String> {
    categories.iter().fold(vec![String::new()], |all, labels| {
        all.iter().flat_map(|before| labels.iter().map(move |label| joined(before, label))).collect()
    })
}

/// Labels of a group in one text; a tab stands between them.
fn joined(before: &str, label: &str) -> String {
    if before.is_empty() { label.to_owned() } else { format!("{before}\t{label}") }
}

impl StepForm<'_> {
    fn hash(&self) -> Result<Hash> {
        Ok(digest("yu-step-layout-v1", &to_canonical(self)?))
    }
}

/// Name and layout of each output that a result holds.
///
/// # Errors
/// `internal`.
pub fn outputs_of(outcome: &Outcome) -> Result<Vec<(String, Hash)>> {
    fn pair(column: &Named) -> (&str, &str) {
        (&column.party, &column.name)
    }
    let output = |(result, number): (&StepResult, usize)| {
        let mut form = StepForm { kind: "", columns: Vec::new(), groups: Vec::new(), edges: Vec::new(), per_ten_thousand: Vec::new() };
        match result {
            StepResult::Stats(s) => {
                form.kind = "stats";
                form.columns = s.columns.iter().map(|c| (c.party.as_str(), c.name.as_str())).collect();
                form.groups = s.groups.iter().map(|g| g.label.clone()).collect();
            }
            StepResult::Quantiles { columns } => {
                form.kind = "quantiles";
                form.columns = columns.iter().map(|c| pair(&c.column)).collect();
                form.per_ten_thousand =
                    columns.first().map(|c| c.quantiles.iter().map(|q| q.per_ten_thousand).collect()).unwrap_or_default();
            }
            StepResult::Histogram { column, bins } => {
                form.kind = "histogram";
                form.columns = vec![pair(column)];
                form.edges = bins.iter().filter_map(|bin| bin.below).collect();
            }
            StepResult::Groupby { by, values, groups } => {
                form.kind = "groupby";
                form.columns = by.iter().chain(values).map(pair).collect();
                form.groups = groups.iter().map(|g| g.labels.iter().fold(String::new(), |before, label| joined(&before, label))).collect();
            }
            StepResult::LinearRegression(model) | StepResult::LogisticRegression(model) => {
                form.kind = if model.positives.is_some() { "logistic_regression" } else { "linear_regression" };
                form.columns = model.features.iter().chain([&model.target]).map(|c| pair(&c.column)).collect();
            }
        }
        Ok((output_name(number, form.kind), form.hash()?))
    };
    outcome.steps.iter().zip(1..).map(output).collect()
}
