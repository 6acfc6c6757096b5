//! PRAM, the post-randomisation method (后随机化) of Gouweleeuw, Kooiman, Willenborg and de Wolf (Journal of Official
//! Statistics 14, 1998): each category turns into another one with known probabilities.
//!
//! Any single cell may be false, which is the protection; how strong it is depends on the matrix (a diagonal near 1
//! protects nothing). The invariant form (their section 5) uses R = P Q, where Q is the chance of the original given the
//! result under the column's own frequencies: the expected frequencies of the result are those of the column. Relations with
//! other columns weaken either way.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use super::cells::{At, Cells, map_texts, texts};
use super::refuse;
use super::whole::{Whole, part_with};
use crate::error::{Error, Result};
use crate::table::Table;

pub(super) struct Pram {
    categories: Vec<String>,
    numbers: HashMap<String, usize>,
    matrix: Vec<Vec<f64>>,
    rng: ChaCha20Rng,
}

/// Rows of a matrix add up to one within this.
const TOLERANCE: f64 = 1e-9;

/// Most categories: the matrix has their square, and what keeps frequencies takes their cube. A policy may come from somebody else.
const MOST_CATEGORIES: usize = 512;

impl Pram {
    /// `matrix` row by row, or `keep` on the diagonal with the rest spread evenly.
    pub(super) fn new(categories: &[String], matrix: Option<&Vec<Vec<f64>>>, keep: Option<f64>, rng: ChaCha20Rng) -> Result<Self> {
        let count = categories.len();
        if count > MOST_CATEGORIES || categories.iter().any(|name| name.len() > refuse::MOST_TEXT) {
            return Err(refuse::parameter(
                "transform.pram_size",
                ("more than 512 categories, or a name of more than 1024 bytes", "类别超过512个，或名称超过1024字节"),
                ("generalise the column first", "请先对该列进行泛化"),
            ));
        }
        let numbers: HashMap<String, usize> = categories.iter().cloned().zip(0..).collect();
        let matrix = match (matrix, keep) {
            (Some(matrix), None) => matrix.clone(),
            (None, Some(keep)) if count > 1 => {
                let other = (1.0 - keep) / (count - 1) as f64;
                (0..count).map(|row| (0..count).map(|column| if row == column { keep } else { other }).collect()).collect()
            }
            _ => return Err(wrong_matrix()),
        };
        let is_row = |row: &Vec<f64>| {
            row.len() == count && row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() <= TOLERANCE
        };
        if count < 2 || numbers.len() != count || matrix.len() != count || !matrix.iter().all(is_row) {
            return Err(wrong_matrix());
        }
        Ok(Self { categories: categories.to_vec(), numbers, matrix, rng })
    }

    fn number(&self, cell: &str, row: usize, at: &At<'_>) -> Result<usize> {
        self.numbers.get(cell).copied().ok_or_else(|| {
            at.refuse(
                "transform.pram_category",
                row,
                ("a value is none of the declared categories", "该值不在声明的类别中"),
                ("declare all categories of the column", "声明该列的全部类别"),
            )
        })
    }

    /// A category by the probabilities of a row, to 2^-53.
    fn draw(&mut self, from: usize) -> usize {
        let mut random = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let row = &self.matrix[from];
        for (number, probability) in row.iter().enumerate() {
            if random < *probability {
                return number;
            }
            random -= probability;
        }
        // rounding: the last category that is possible at all
        row.iter().rposition(|probability| *probability > 0.0).unwrap_or(from)
    }
}

impl Cells for Pram {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_texts(array, at, |row, cell, out| {
            let from = self.number(cell, row, at)?;
            let to = self.draw(from);
            out.push_str(&self.categories[to]);
            Ok(())
        })
    }
}

/// PRAM that keeps expected frequencies.
pub(super) struct Invariant(pub(super) Pram);

impl Whole for Invariant {
    fn whole(&mut self, table: &Table, name: &str) -> Result<Table> {
        let position = table.position(name)?;
        let mut counts = vec![0.0; self.0.categories.len()];
        for part in table.parts() {
            let at = At { file: table.source(), column: name, part, subject: None };
            let texts = texts(part.batch.column(position), &at)?;
            for (row, cell) in texts.iter().enumerate().filter_map(|(row, cell)| Some((row, cell?))) {
                counts[self.0.number(cell, row, &at)?] += 1.0;
            }
            debug_assert_eq!(texts.len(), part.batch.num_rows(), "one cell for a row");
        }
        self.0.matrix = invariant(&self.0.matrix, &counts);
        let mut parts = Vec::with_capacity(table.parts().len());
        for part in table.parts() {
            let at = At { file: table.source(), column: name, part, subject: None };
            parts.push(part_with(part, &[(position, self.0.cells(part.batch.column(position), &at)?)])?);
        }
        let schema = parts.first().map_or_else(|| table.schema().clone(), |part| part.batch.schema());
        Table::from_parts(schema, parts)
    }
}

/// R = P Q with `Q[k][j] = t_j P[j][k] / (t P)_k`, hence t R = t.
fn invariant(p: &[Vec<f64>], t: &[f64]) -> Vec<Vec<f64>> {
    let count = t.len();
    let results: Vec<f64> = (0..count).map(|k| (0..count).map(|i| t[i] * p[i][k]).sum()).collect();
    let cell = |i: usize, j: usize| -> f64 {
        let paths = (0..count).filter(|k| results[*k] > 0.0);
        paths.map(|k| p[i][k] * t[j] * p[j][k] / results[k]).sum()
    };
    (0..count).map(|i| (0..count).map(|j| cell(i, j)).collect()).collect()
}

fn wrong_matrix() -> Error {
    refuse::parameter(
        "transform.pram_matrix",
        (
            "the transition matrix does not fit: it needs two or more different categories, one row for each, and rows of probabilities that add up to 1",
            "转移矩阵不合要求：需有两个以上互不相同的类别，每类一行，每行为概率且和为1",
        ),
        ("write `matrix` or `keep`, not both", "填写 matrix 或 keep 之一"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invariant_matrix_keeps_frequencies() {
        let p = vec![vec![0.7, 0.2, 0.1], vec![0.1, 0.8, 0.1], vec![0.0, 0.5, 0.5]];
        let t = [50.0, 30.0, 20.0];
        let r = invariant(&p, &t);
        for j in 0..3 {
            assert!((r[j].iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(((0..3).map(|i| t[i] * r[i][j]).sum::<f64>() - t[j]).abs() < 1e-9);
        }
    }
}
