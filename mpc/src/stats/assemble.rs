//! The recipient's part: from the opened vector to named statistics.

use std::fmt;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::Unit;
use super::layout::Layout;
use super::plan::{Owner, StatsPlan};
use crate::ring::{Element, Float64};
use crate::{Error, Result};

/// The result. Undefined numbers are `None` (`null` in JSON).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Matched rows.
    #[serde(with = "crate::text")]
    pub count: u64,
    /// Columns, left ones first.
    pub columns: Vec<ColumnSummary>,
    /// Pearson correlations in the order of `columns`; symmetric. `None` where a column is constant.
    pub correlation: Vec<Vec<Option<f64>>>,
    /// Groups in the order of the plan's categories; empty without grouping.
    pub groups: Vec<GroupSummary>,
}

/// One column.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub party: String,
    /// Mean.
    pub mean: Option<f64>,
    /// Sample standard deviation (n - 1).
    pub sd: Option<f64>,
}

/// One group.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSummary {
    /// The category.
    pub label: String,
    /// Its rows.
    #[serde(with = "crate::text")]
    pub count: u64,
    /// Means in the order of `columns`.
    pub means: Vec<Option<f64>>,
}

/// Names and sizes only: a held result must not get into a log.
impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistics").field("columns", &self.columns.len()).field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

/// The opened blocks of one side.
struct Head {
    means: Vec<Option<f64>>,
    sds: Vec<Option<f64>>,
    correlation: Vec<f64>,
    group_counts: Vec<u64>,
    group_means: Vec<Option<f64>>,
}

/// Names the opened numbers. The layout is derived from the contract's plan, not taken from whoever delivered the shares.
///
/// # Errors
/// [`Error::Caller`] if the layout is not its plan's or the vector has another length.
pub fn assemble(layout: &Layout, values: &[u64]) -> Result<Statistics> {
    let plan = &layout.plan;
    if *layout != Layout::of(plan)? {
        return Err(Error::caller("the layout is not that of its plan"));
    }
    if values.len() != layout.len() {
        return Err(Error::shape("result", &[values.len()], &[layout.len()]));
    }
    let mut blocks = Blocks { layout, values, next: 0 };
    let count = blocks.take()?.first().copied().unwrap_or_default();
    let left = blocks.head(plan, Owner::Left)?;
    let right = blocks.head(plan, Owner::Right)?;
    let cross: Vec<f64> = blocks.take()?.iter().map(|raw| Unit::decode(*raw)).collect();
    let sums: Vec<f64> = match plan.grouping {
        Some(_) => blocks.take()?.iter().map(|raw| Unit::decode(*raw)).collect(),
        None => Vec::new(),
    };
    Ok(Statistics {
        count,
        columns: columns(plan, &left, &right),
        correlation: correlation(&left, &right, &cross)?,
        groups: groups(plan, &left, &right, &sums, count),
    })
}

/// Reads one block after the other.
struct Blocks<'a> {
    layout: &'a Layout,
    values: &'a [u64],
    next: usize,
}

impl<'a> Blocks<'a> {
    fn take(&mut self) -> Result<&'a [u64]> {
        let len = self.layout.blocks.get(self.next).map(super::Block::len);
        let (block, rest) = len.and_then(|len| self.values.split_at_checked(len)).ok_or_else(|| Error::caller("result is too short"))?;
        self.values = rest;
        self.next += 1;
        Ok(block)
    }

    fn head(&mut self, plan: &StatsPlan, owner: Owner) -> Result<Head> {
        let defined = |block: &[u64]| block.iter().map(|raw| defined(Float64::decode(*raw))).collect();
        let means = defined(self.take()?);
        let sds = defined(self.take()?);
        let correlation = self.take()?.iter().map(|raw| Unit::decode(*raw)).collect();
        let has_groups = plan.groups_of(owner) > 0;
        let group_counts = if has_groups { self.take()?.to_vec() } else { Vec::new() };
        let group_means = if has_groups { defined(self.take()?) } else { Vec::new() };
        Ok(Head { means, sds, correlation, group_counts, group_means })
    }
}

fn columns(plan: &StatsPlan, left: &Head, right: &Head) -> Vec<ColumnSummary> {
    let of = |owner: Owner, head: &Head| {
        let side = plan.side(owner);
        let numbers = head.means.iter().zip(&head.sds);
        let summary = |(name, (mean, sd)): (&String, (&Option<f64>, &Option<f64>))| ColumnSummary {
            name: name.clone(),
            party: side.party.clone(),
            mean: *mean,
            sd: *sd,
        };
        side.columns.iter().zip(numbers).map(summary).collect::<Vec<_>>()
    };
    let mut all = of(Owner::Left, left);
    all.extend(of(Owner::Right, right));
    all
}

fn correlation(left: &Head, right: &Head, cross: &[f64]) -> Result<Vec<Vec<Option<f64>>>> {
    let (l, r) = (left.means.len(), right.means.len());
    let mut full = Array2::<f64>::zeros((l + r, l + r));
    for (head, start, size) in [(left, 0, l), (right, l, r)] {
        let mut values = head.correlation.iter();
        for row in 0..size {
            for column in row..size {
                let value = values.next().copied().unwrap_or_default();
                full[[start + row, start + column]] = value;
                full[[start + column, start + row]] = value;
            }
        }
    }
    let cross = ArrayView2::from_shape((l, r), cross).map_err(|_| Error::caller("result is too short"))?;
    for ((row, column), value) in cross.indexed_iter() {
        full[[row, l + column]] = *value;
        full[[l + column, row]] = *value;
    }
    // an owner marks a constant column by 0 on the diagonal
    let is_constant: Vec<bool> = full.diag().iter().map(|value| *value == 0.0).collect();
    let cell = |row: usize, column: usize| {
        let is_defined = !is_constant[row] && !is_constant[column];
        is_defined.then(|| full[[row, column]].clamp(-1.0, 1.0))
    };
    Ok((0..l + r).map(|row| (0..l + r).map(|column| cell(row, column)).collect()).collect())
}

fn groups(plan: &StatsPlan, left: &Head, right: &Head, sums: &[f64], count: u64) -> Vec<GroupSummary> {
    let Some(grouping) = &plan.grouping else {
        return Vec::new();
    };
    let (owner, other) = match grouping.side {
        Owner::Left => (left, right),
        Owner::Right => (right, left),
    };
    let root = (count.saturating_sub(1) as f64).sqrt();
    let means_of = |group: usize, size: u64| {
        let width = owner.means.len();
        let known = owner.group_means.iter().skip(group * width).take(width).copied();
        let joint = other.means.iter().zip(&other.sds).enumerate().map(|(column, (mean, sd))| {
            let sum = sums.get(group * other.means.len() + column).copied().unwrap_or_default();
            let shift = sd.unwrap_or_default() * root * sum / size as f64;
            mean.and_then(|mean| defined(mean + shift))
        });
        let (known, joint): (Vec<_>, Vec<_>) = (known.collect(), joint.collect());
        match grouping.side {
            Owner::Left => [known, joint].concat(),
            Owner::Right => [joint, known].concat(),
        }
    };
    let numbered = grouping.categories.iter().zip(&owner.group_counts).enumerate();
    numbered.map(|(group, (label, size))| GroupSummary { label: label.clone(), count: *size, means: means_of(group, *size) }).collect()
}

fn defined(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
