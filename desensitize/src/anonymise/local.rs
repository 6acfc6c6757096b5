//! Local recoding (局部重编码): each class gets its own levels.
//!
//! First from the top down, in the family of Mondrian (LeFevre et al., ICDE 2006): a group is split by the column that
//! saves most; parts that are too small, or that break a model, are pooled and go on without that column. Every group is
//! then described by the least common ancestors of its rows, not by the node it was split at. Then improvement: rows move
//! to a group that costs less, costly groups are dissolved, large ones are split, until nothing is gained or the rounds
//! are over.
//!
//! Cost of a cell: the share of the leaves that its value covers, 0 for a leaf (normalised certainty penalty, NCP).

mod group;
mod improve;
mod split;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{CryptoRng, Rng, SeedableRng};
use zeroize::Zeroizing;

use super::coded::Problem;
use super::release;
use super::search::no_solution;
use super::spec::{Release, Spec};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// Groups of rows, and what they cost.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// Rows (from 0) of each group.
    pub groups: Vec<Vec<u32>>,
    /// Mean cost of a cell, 0 to 1.
    pub ncp: f64,
}

/// A release in which each class has its own levels. Ties are broken by a fresh seed, which the release records.
///
/// # Errors
/// As [`Problem::new`]; `anonymise.no_solution` if the whole table violates a model.
pub fn local(table: &Table, spec: &Spec, rng: &mut impl CryptoRng) -> Result<Release> {
    let problem = Problem::new(table, spec)?;
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(seed.as_mut_slice());
    let grouping = recode(&problem, &seed)?;
    release_of(&problem, &grouping, seed)
}

/// The groups alone.
///
/// # Errors
/// `anonymise.no_solution` if the whole table violates a model, `anonymise.spec` for k-map.
pub fn recode(problem: &Problem<'_>, seed: &[u8; 32]) -> Result<Grouping> {
    if problem.people > 0 {
        return Err(Error::refused(
            "anonymise.spec",
            Text::new("local recoding does not serve k-map", "局部重编码不支持 k-map 模型"),
            Text::new("", ""),
            Text::new("use k-anonymity, or full-domain recoding", "请改用 k-匿名或全域重编码"),
        ));
    }
    if problem.rows == 0 {
        return Ok(Grouping { groups: Vec::new(), ncp: 0.0 });
    }
    let world = group::World::new(problem);
    let all: Vec<u32> = (0u32..).take(problem.rows).collect();
    if !world.is_fit(&all) {
        return Err(no_solution());
    }
    let mut random = ChaCha20Rng::from_seed(*seed);
    let mut groups = split::top_down(&world, all, random.next_u64());
    improve::improve(&world, &mut groups, random.next_u64());
    let cost: f64 = groups.iter().map(|group| world.cost(group)).sum();
    Ok(Grouping { groups, ncp: cost / (problem.rows * problem.qis.len().max(1)) as f64 })
}

fn release_of(problem: &Problem<'_>, grouping: &Grouping, seed: Zeroizing<[u8; 32]>) -> Result<Release> {
    let world = group::World::new(problem);
    let mut labels: Vec<Vec<&str>> = vec![vec![""; problem.rows]; problem.qis.len()];
    for rows in &grouping.groups {
        for (at, (column, qi)) in labels.iter_mut().zip(&problem.qis).enumerate() {
            let (low, high) = world.range(at, rows);
            let level = qi.hierarchy.levels().get(qi.hierarchy.meet(low, high));
            let label = level.and_then(|level| level.labels.get(*level.of_leaf.get(low as usize)? as usize)).map_or("", String::as_str);
            rows.iter().for_each(|row| column[*row as usize] = label);
        }
    }
    let table = release::write(problem, |qi, row| Some(labels[qi][row]))?;
    let mut tuples: Vec<Vec<&str>> = grouping
        .groups
        .iter()
        .filter_map(|rows| rows.first())
        .map(|row| labels.iter().map(|column| column[*row as usize]).collect())
        .collect();
    tuples.sort_unstable();
    tuples.dedup();
    Ok(Release { table, transformation: None, score: grouping.ncp, suppressed: 0, classes: tuples.len() as u64, seed: Some(seed) })
}
