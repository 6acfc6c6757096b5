//! Cells of one column change places (置换): shuffled among all rows, or swapped with cells of near rank.
//!
//! Both keep the column's values exactly, so all statistics of that one column stay. A shuffle breaks every relation with other
//! columns; a rank swap (Moore 1996; Hundepool et al., "Statistical Disclosure Control", 3.5) keeps them roughly. Neither
//! hides that a value occurs: the richest person's income is still in the table.

use rand_chacha::ChaCha20Rng;

use super::seed::below;
use super::whole::{Whole, column, permuted, rows};
use crate::column::{parse_number, to_text};
use crate::error::{Error, Result};
use crate::table::Table;

/// Fisher-Yates from a recorded seed.
pub(super) struct Shuffle(pub(super) ChaCha20Rng);

impl Whole for Shuffle {
    fn whole(&mut self, table: &Table, name: &str) -> Result<Table> {
        let mut from: Vec<u32> = (0..rows(table)?).collect();
        for last in (1..from.len()).rev() {
            let other = below(&mut self.0, last as u64 + 1) as usize;
            from.swap(last, other);
        }
        permuted(table, name, from)
    }
}

/// Swaps each cell with one whose rank differs by at most a share of the rows. Missing cells stay in place.
pub(super) struct RankSwap {
    /// 0 to 1.
    pub(super) share: f64,
    pub(super) rng: ChaCha20Rng,
}

/// Draws before the partners are listed one by one.
const TRIES: usize = 16;

impl RankSwap {
    /// An unswapped position after `rank`, within the window, uniformly.
    fn partner(&mut self, is_swapped: &[bool], rank: usize, window: usize) -> Option<usize> {
        let end = (rank + window).min(is_swapped.len().saturating_sub(1));
        let span = end.checked_sub(rank).filter(|span| *span > 0)? as u64;
        for _ in 0..TRIES {
            let candidate = rank + 1 + below(&mut self.rng, span) as usize;
            if !is_swapped[candidate] {
                return Some(candidate);
            }
        }
        let free: Vec<usize> = (rank + 1..=end).filter(|candidate| !is_swapped[*candidate]).collect();
        let count = u64::try_from(free.len()).ok().filter(|count| *count > 0)?;
        free.get(below(&mut self.rng, count) as usize).copied()
    }
}

impl Whole for RankSwap {
    fn whole(&mut self, table: &Table, name: &str) -> Result<Table> {
        let mut from: Vec<u32> = (0..rows(table)?).collect();
        let order = ranks(table, name)?;
        let window = ((order.len() as f64 * self.share) as usize).max(1);
        let mut is_swapped = vec![false; order.len()];
        for rank in 0..order.len() {
            if is_swapped[rank] {
                continue;
            }
            if let Some(partner) = self.partner(&is_swapped, rank, window) {
                from.swap(order[rank] as usize, order[partner] as usize);
                is_swapped[partner] = true;
            }
            is_swapped[rank] = true;
        }
        permuted(table, name, from)
    }
}

/// Rows with a value, by rising value: as numbers where all are numbers, as text otherwise.
fn ranks(table: &Table, name: &str) -> Result<Vec<u32>> {
    let array = column(table, name)?;
    let kind = || Error::ColumnType { file: table.source().to_owned(), column: name.to_owned(), found: array.data_type().to_string() };
    let texts = to_text(&array).ok_or_else(kind)?;
    let mut present: Vec<(u32, &str)> = (0..).zip(texts.iter()).filter_map(|(row, cell)| Some((row, cell?))).collect();
    let values: Option<Vec<f64>> = present.iter().map(|(_, cell)| parse_number(cell).ok()).collect();
    if let Some(values) = values {
        let mut numbered: Vec<(f64, u32)> = values.into_iter().zip(present.iter().map(|(row, _)| *row)).collect();
        numbered.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        return Ok(numbered.into_iter().map(|(_, row)| row).collect());
    }
    present.sort_by(|x, y| x.1.cmp(y.1).then(x.0.cmp(&y.0)));
    Ok(present.into_iter().map(|(row, _)| row).collect())
}
