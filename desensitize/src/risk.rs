//! Risk and utility of a release (重标识风险与可用性评估): how likely is somebody found in it, and what is it still good for.
//!
//! | to see | open |
//! |---|---|
//! | prosecutor, journalist, marketer risk | [`Reidentification`] |
//! | how many sample uniques are unique in the population | [`Uniqueness`] |
//! | combinations of few columns that single a row out (SUDA2) | [`suda`] |
//! | an attacker who links the original to the release | [`Linkage`] |
//! | what the release lost | [`Utility`] |
//! | a classifier trained on the release | [`Downstream`] |
//! | the grade after GB/T 42460 with its evidence | [`Grade`] |
//!
//! Sources: prosecutor, journalist and marketer risk, El Emam 2013 (Guide to the De-Identification of Personal Health
//! Information), chapter 16; Pitman model, Hoshino 2001; Zayatz 1991; SNB, Chen and Keller-McNulty 1998; SUDA2, Manning,
//! Haglin and Keane 2008; NCP, Xu et al. 2006; discernibility, Bayardo and Agrawal 2005.
//!
//! **What the figures mean.** They say how likely an attacker with *these* quasi-identifiers is right. **Not covered**: other
//! columns, other releases, knowledge about sensitive values. Population figures without a population table are model
//! estimates and can be wrong by a factor; they are labelled so.

mod grade;
mod reident;
mod suda;
mod text;
mod uniqueness;
mod utility;

use std::collections::HashMap;

use serde::Serialize;

use crate::anonymise::{Hierarchies, STAR};
use crate::column::each_text;
use crate::error::Result;
use crate::table::Table;

pub use grade::{Grade, Identifiability};
pub use reident::{Linkage, Reidentification};
pub use suda::{SudaReport, suda};
pub use text::Note;
pub use uniqueness::Uniqueness;
pub use utility::{ColumnUtility, Downstream, Utility};

/// What to measure, and the thresholds of the grade.
#[derive(Clone, Debug)]
pub struct RiskSpec {
    /// Quasi-identifiers.
    pub qis: Vec<String>,
    /// Column that a classifier shall predict; `None` leaves the downstream check out.
    pub target: Option<String>,
    /// Hierarchies the release was made with; columns without one count as lost where they changed.
    pub hierarchies: Hierarchies,
    /// Share of the population that the table holds, for the estimators; `None` leaves them out.
    pub sampling: Option<f64>,
    /// Most columns of a minimal sample unique.
    pub most_columns: usize,
    /// Greatest prosecutor risk of any row that counts as acceptable.
    pub threshold: f64,
    /// Columns that are direct identifiers, as the detection found them.
    pub direct_identifiers: Vec<String>,
}

impl RiskSpec {
    /// Defaults: minimal sample uniques of up to 3 columns, threshold 0.2 (classes of 5), no direct identifiers known.
    #[must_use]
    pub fn new(qis: &[String], hierarchies: Hierarchies) -> Self {
        Self {
            qis: qis.to_vec(),
            target: None,
            hierarchies,
            sampling: None,
            most_columns: 3,
            threshold: 0.2,
            direct_identifiers: Vec::new(),
        }
    }
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct RiskReport {
    /// Rows of the release, suppressed ones included.
    pub rows: u64,
    /// Rows whose quasi-identifiers are all `*`.
    pub suppressed: u64,
    /// Risk before.
    pub before: Reidentification,
    /// Risk after.
    pub after: Reidentification,
    /// Population uniques of the original table.
    pub uniqueness: Option<Uniqueness>,
    /// Minimal sample uniques before and after.
    pub suda: (SudaReport, SudaReport),
    /// The linkage attack; `None` if the tables have different numbers of rows.
    pub linkage: Option<Linkage>,
    /// What was lost.
    pub utility: Utility,
    /// A classifier trained on the release.
    pub downstream: Option<Downstream>,
    /// The grade.
    pub grade: Grade,
    /// Explanations for a reader who is not a statistician, in both languages.
    pub notes: Vec<Note>,
}

/// Measures everything. Rows of the two tables correspond if there are equally many.
///
/// # Errors
/// `MissingColumn`, `ColumnType`.
pub fn assess(original: &Table, release: &Table, population: Option<&Table>, spec: &RiskSpec) -> Result<RiskReport> {
    let (was, is) = (Cells::read(original, &spec.qis)?, Cells::read(release, &spec.qis)?);
    let people = population.map(|population| Cells::read(population, &spec.qis)).transpose()?;
    let before = reident::measure(&was, people.as_ref(), spec);
    let after = reident::measure(&is, people.as_ref(), spec);
    let uniqueness = spec.sampling.map(|share| uniqueness::estimate(&was.class_sizes(), share));
    let suda = (suda::suda_cells(&was, spec.most_columns), suda::suda_cells(&is, spec.most_columns));
    let is_paired = was.rows == is.rows;
    let linkage = is_paired.then(|| reident::link(&was, &is, spec));
    let utility = utility::measure(&was, &is, spec);
    let downstream = match &spec.target {
        Some(target) if is_paired => utility::downstream(original, release, &was, &is, target)?,
        _ => None,
    };
    let grade = grade::decide(&after, spec);
    let mut report = RiskReport {
        rows: is.rows as u64,
        suppressed: is.suppressed() as u64,
        before,
        after,
        uniqueness,
        suda,
        linkage,
        utility,
        downstream,
        grade,
        notes: Vec::new(),
    };
    report.notes = text::notes(&report);
    Ok(report)
}

/// Quasi-identifiers as numbers; a missing cell is a value of its own.
pub(crate) struct Cells {
    pub(crate) rows: usize,
    /// Column after column: number of the value of each row.
    pub(crate) columns: Vec<Vec<u32>>,
    /// Names of the values.
    pub(crate) names: Vec<Vec<String>>,
    /// Class of each row; `None` for a suppressed one.
    pub(crate) class: Vec<Option<u32>>,
    /// Rows of each class.
    pub(crate) sizes: Vec<u32>,
}

impl Cells {
    fn read(table: &Table, qis: &[String]) -> Result<Self> {
        let rows = usize::try_from(table.num_rows()).unwrap_or(usize::MAX);
        let (mut columns, mut names) = (Vec::new(), Vec::new());
        for qi in qis {
            let (numbers, values) = read_column(table, qi)?;
            columns.push(numbers);
            names.push(values);
        }
        let mut cells = Self { rows, columns, names, class: Vec::with_capacity(rows), sizes: Vec::new() };
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        for row in 0..rows {
            if cells.is_suppressed(row) {
                cells.class.push(None);
                continue;
            }
            let key: Vec<u32> = cells.columns.iter().map(|column| column[row]).collect();
            let class = *known.entry(key).or_insert_with(|| {
                cells.sizes.push(0);
                cells.sizes.len() as u32 - 1
            });
            cells.sizes[class as usize] += 1;
            cells.class.push(Some(class));
        }
        Ok(cells)
    }

    fn is_suppressed(&self, row: usize) -> bool {
        !self.columns.is_empty() && (0..self.columns.len()).all(|column| self.name(column, row) == STAR)
    }

    pub(crate) fn name(&self, column: usize, row: usize) -> &str {
        self.columns
            .get(column)
            .and_then(|numbers| numbers.get(row))
            .and_then(|number| self.names.get(column)?.get(*number as usize))
            .map_or("", String::as_str)
    }

    pub(crate) fn suppressed(&self) -> usize {
        self.class.iter().filter(|class| class.is_none()).count()
    }

    pub(crate) fn class_sizes(&self) -> Vec<u64> {
        self.sizes.iter().map(|size| u64::from(*size)).collect()
    }
}

/// A column as numbers by first appearance, and the values.
pub(crate) fn read_column(table: &Table, column: &str) -> Result<(Vec<u32>, Vec<String>)> {
    let (mut numbers, mut names) = (Vec::new(), Vec::new());
    let mut known: HashMap<String, u32> = HashMap::new();
    each_text(table, column, |cell, _| {
        let cell = cell.trim();
        let number = match known.get(cell) {
            Some(number) => *number,
            None => {
                let number = names.len() as u32;
                known.insert(cell.to_owned(), number);
                names.push(cell.to_owned());
                number
            }
        };
        numbers.push(number);
        Ok(())
    })?;
    Ok((numbers, names))
}
