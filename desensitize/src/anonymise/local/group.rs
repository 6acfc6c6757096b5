//! What a group of rows is and costs.

use crate::anonymise::coded::{Problem, Sensitive};
use crate::anonymise::model::{Class, measure};

/// Widths of pairs of leaves are tabled up to this many leaves.
const TABLED: usize = 512;

/// One quasi-identifier for local recoding.
pub(super) struct Column {
    pub(super) leaves: usize,
    /// Code on each level of each leaf, from the top down.
    pub(super) levels: Vec<Vec<u32>>,
    /// Share of the leaves that the least common ancestor of two leaves covers.
    table: Vec<f32>,
    widths: Vec<Vec<f32>>,
}

impl Column {
    /// Cost of a cell that covers the leaves from `low` to `high`.
    #[inline]
    pub(super) fn width(&self, low: u32, high: u32) -> f32 {
        if low == high {
            return 0.0;
        }
        let (low, high) = (low as usize, high as usize);
        if let Some(width) = self.table.get(low * self.leaves + high) {
            return *width;
        }
        // from the bottom up
        for (level, widths) in self.levels.iter().zip(&self.widths).rev() {
            if level[low] == level[high] {
                return widths[level[low] as usize];
            }
        }
        1.0
    }
}

/// Rows of a group, and how often it has each value of each sensitive column.
#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) size: usize,
    counts: Vec<Vec<u32>>,
}

/// The table as local recoding sees it.
pub(super) struct World<'p, 'a> {
    problem: &'p Problem<'a>,
    pub(super) columns: Vec<Column>,
    /// Leaf of each cell, row after row.
    pub(super) cells: Vec<u32>,
    /// Fewest rows that a group can have.
    pub(super) least: usize,
}

impl<'p, 'a> World<'p, 'a> {
    pub(super) fn new(problem: &'p Problem<'a>) -> Self {
        use crate::anonymise::Model;
        let q = problem.qis.len();
        let mut cells = vec![0; problem.rows * q];
        let mut columns = Vec::with_capacity(q);
        for (at, qi) in problem.qis.iter().enumerate() {
            qi.codes.each(|row, code| cells[row * q + at] = code);
            let leaves = qi.hierarchy.leaves();
            let levels: Vec<Vec<u32>> = qi.hierarchy.levels().iter().rev().map(|level| level.of_leaf.clone()).collect();
            let share = |covers: &u32| if *covers == 1 { 0.0 } else { *covers as f32 / leaves as f32 };
            let widths = qi.hierarchy.levels().iter().rev().map(|level| level.covers.iter().map(share).collect()).collect();
            let mut column = Column { leaves, levels, table: Vec::new(), widths };
            if leaves <= TABLED {
                let pair = |at: usize| column.width((at / leaves) as u32, (at % leaves) as u32);
                column.table = (0..leaves * leaves).map(pair).collect();
            }
            columns.push(column);
        }
        let least = problem.models.iter().map(|(model, _)| match model {
            Model::K { k } => *k as usize,
            Model::DistinctL { l, .. } | Model::RecursiveCl { l, .. } => *l as usize,
            Model::EntropyL { l, .. } => l.ceil() as usize,
            _ => 1,
        });
        let least = least.max().unwrap_or(1).max(1);
        Self { problem, columns, cells, least }
    }

    #[inline]
    pub(super) fn row(&self, row: u32) -> &[u32] {
        let q = self.columns.len();
        &self.cells[row as usize * q..][..q]
    }

    /// Whether a group satisfies every model.
    pub(super) fn is_fit(&self, rows: &[u32]) -> bool {
        rows.len() >= self.least && (self.is_size_all() || self.fits(&self.tally(rows)))
    }

    /// What the models see of a group.
    pub(super) fn tally(&self, rows: &[u32]) -> Tally {
        let count = |sensitive: &Sensitive| {
            let mut counts = vec![0; sensitive.reference.shares.len()];
            rows.iter().for_each(|row| counts[sensitive.codes[*row as usize] as usize] += 1);
            counts
        };
        Tally { size: rows.len(), counts: self.problem.sensitive.iter().map(count).collect() }
    }

    /// One row more.
    pub(super) fn add(&self, tally: &mut Tally, row: u32) {
        tally.size += 1;
        for (counts, sensitive) in tally.counts.iter_mut().zip(&self.problem.sensitive) {
            counts[sensitive.codes[row as usize] as usize] += 1;
        }
    }

    /// One row less; it must have been counted.
    pub(super) fn remove(&self, tally: &mut Tally, row: u32) {
        tally.size -= 1;
        for (counts, sensitive) in tally.counts.iter_mut().zip(&self.problem.sensitive) {
            counts[sensitive.codes[row as usize] as usize] -= 1;
        }
    }

    /// Whether what was counted satisfies every model.
    pub(super) fn fits(&self, tally: &Tally) -> bool {
        if tally.size < self.least {
            return false;
        }
        self.problem.models.iter().all(|(model, column)| {
            let Some((at, sensitive)) = column.and_then(|column| Some((column, self.problem.sensitive.get(column)?))) else {
                return measure(model, Class { rows: tally.size as u64, people: 0, counts: &[] }, None).1;
            };
            let counts: Vec<(u32, u32)> = (0u32..).zip(&tally.counts[at]).filter(|(_, count)| **count > 0).map(|(v, c)| (v, *c)).collect();
            measure(model, Class { rows: tally.size as u64, people: 0, counts: &counts }, Some(&sensitive.reference)).1
        })
    }

    /// Whether the size of a group is all that matters.
    pub(super) fn is_size_all(&self) -> bool {
        self.problem.sensitive.is_empty()
    }

    /// Least and greatest leaf of a column in a group.
    pub(super) fn range(&self, column: usize, rows: &[u32]) -> (u32, u32) {
        rows.iter().map(|row| self.row(*row)[column]).fold((u32::MAX, 0), |(low, high), leaf| (low.min(leaf), high.max(leaf)))
    }

    /// Cost of a group.
    pub(super) fn cost(&self, rows: &[u32]) -> f64 {
        let width = |(at, column): (usize, &Column)| {
            let (low, high) = self.range(at, rows);
            f64::from(column.width(low.min(high), high))
        };
        self.columns.iter().enumerate().map(width).sum::<f64>() * rows.len() as f64
    }
}
