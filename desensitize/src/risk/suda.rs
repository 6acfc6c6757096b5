//! Minimal sample uniques: the smallest combinations of columns that single a row out (SUDA2).
//!
//! A combination is minimal if no part of it singles the row out. A row with many small ones is easy to find. The score is
//! that of Elliot et al.: each minimal unique of `m` of `q` columns counts the product of `q - i` for `i` from `m` to
//! `M - 1`. The result is that of SUDA2; the search goes by size and keeps the uniques of the size before.

use std::collections::HashMap;

use serde::Serialize;

use super::Cells;
use crate::error::Result;
use crate::table::Table;

/// More columns would make the combinations too many: the first ones are searched.
const MOST_COLUMNS: usize = 24;

/// Minimal sample uniques of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SudaReport {
    /// Largest combination that was looked for.
    pub most_columns: usize,
    /// Minimal uniques by number of columns, from 1.
    pub by_size: Vec<u64>,
    /// Rows that have at least one.
    pub rows: u64,
    /// Greatest score of a row, and that row, counted from 1.
    pub worst: Option<(f64, u64)>,
    /// In how many minimal uniques each column takes part.
    pub by_column: Vec<u64>,
}

/// Finds the minimal sample uniques of up to `most` columns.
///
/// # Errors
/// `MissingColumn`, `ColumnType`.
pub fn suda(table: &Table, qis: &[String], most: usize) -> Result<SudaReport> {
    Ok(suda_cells(&Cells::read(table, qis)?, most))
}

pub(super) fn suda_cells(cells: &Cells, most: usize) -> SudaReport {
    let columns = cells.columns.len().min(MOST_COLUMNS);
    let most = most.min(columns);
    let mut report = SudaReport { most_columns: most, by_size: Vec::new(), rows: 0, worst: None, by_column: vec![0; cells.columns.len()] };
    let mut scores = vec![0.0; cells.rows];
    let mut smaller: HashMap<u32, Vec<bool>> = HashMap::new();
    for size in 1..=most {
        let weight: f64 = (size..most).map(|i| (columns - i) as f64).product();
        let mut uniques = HashMap::new();
        let mut found = 0;
        for mask in (1u32..1 << columns).filter(|mask| mask.count_ones() as usize == size) {
            let unique = unique_rows(cells, mask);
            let parts: Vec<&Vec<bool>> = members(mask).filter_map(|column| smaller.get(&(mask & !(1 << column)))).collect();
            for row in (0..cells.rows).filter(|row| unique[*row] && !parts.iter().any(|part| part[*row])) {
                found += 1;
                scores[row] += weight;
                members(mask).for_each(|column| report.by_column[column] += 1);
            }
            uniques.insert(mask, unique);
        }
        report.by_size.push(found);
        smaller = uniques;
    }
    report.rows = scores.iter().filter(|score| **score > 0.0).count() as u64;
    let worst = scores.iter().zip(1u64..).max_by(|a, b| a.0.total_cmp(b.0).then(b.1.cmp(&a.1)));
    report.worst = worst.filter(|(score, _)| **score > 0.0).map(|(score, row)| (*score, row));
    report
}

fn members(mask: u32) -> impl Iterator<Item = usize> {
    (0..u32::BITS as usize).filter(move |column| mask >> column & 1 == 1)
}

/// Rows that are alone in the columns of a mask. Suppressed rows single nobody out.
fn unique_rows(cells: &Cells, mask: u32) -> Vec<bool> {
    let mut groups = vec![0u32; cells.rows];
    let mut counts = Vec::new();
    for column in members(mask) {
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        counts.clear();
        for (group, value) in groups.iter_mut().zip(&cells.columns[column]) {
            let next = known.len() as u32;
            *group = *known.entry((*group, *value)).or_insert(next);
            if *group == next && counts.len() == next as usize {
                counts.push(0u32);
            }
            counts[*group as usize] += 1;
        }
    }
    groups.iter().zip(&cells.class).map(|(group, class)| class.is_some() && counts[*group as usize] == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray};
    use std::sync::Arc;

    #[test]
    fn minimal_uniques_by_hand() {
        let column = |cells: [&str; 4]| Arc::new(StringArray::from(cells.to_vec())) as ArrayRef;
        let table = Table::from_columns(
            "t",
            vec![("a", column(["x", "x", "y", "y"])), ("b", column(["p", "q", "p", "p"])), ("c", column(["1", "1", "1", "2"]))],
        )
        .unwrap();
        let report = suda(&table, &["a".into(), "b".into(), "c".into()], 3).unwrap();
        // row 2 by b; row 4 by c; row 1 by (a, b); row 3 by (a, c)
        assert_eq!(report.by_size, [2, 2, 0]);
        assert_eq!((report.rows, report.by_column), (4, vec![2, 2, 2]));
        assert_eq!(report.worst, Some((2.0, 2)));
    }
}
