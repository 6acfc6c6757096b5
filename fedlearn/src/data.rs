//! Rows of one party: features, targets, coding of tables, scales that all parties share, splits for experiments (数据集).
//!
//! | to see | open |
//! |---|---|
//! | features and targets | [`Dataset`] |
//! | tables into features by a public coding | [`coding`] |
//! | columns of mean 0 and deviation 1 over all parties | [`standardise`] |
//! | rows dealt to simulated parties: alike, by Dirichlet, by label | [`split`] |

pub mod coding;
pub mod split;
pub mod standardise;

use ndarray::{Array2, Axis};
use sha2::{Digest, Sha256};

use crate::model::Batch;
use crate::{Error, Result};

/// Features [rows, columns] and one target a row; every number is finite. No `Debug`: rows stay where they are.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    x: Array2<f64>,
    y: Vec<f64>,
}

impl Dataset {
    /// Rows and their targets (a class is its number from 0).
    ///
    /// # Errors
    /// `Data` if lengths differ, there is no column, or a number is not finite (named by row and column).
    pub fn new(x: Array2<f64>, y: Vec<f64>) -> Result<Self> {
        let refuse = |what: String, problem: String, remedy: &str| Err(Error::Data { what, problem, remedy: remedy.into() });
        if x.nrows() != y.len() {
            return refuse("targets".into(), format!("{} for {} rows", y.len(), x.nrows()), "give one target a row");
        }
        if x.ncols() == 0 {
            return refuse("features".into(), "there is no column".into(), "name at least one feature");
        }
        if let Some(((row, column), _)) = x.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return refuse(
                format!("feature column {column}, row {row}"),
                "the number is not finite".into(),
                "fill or drop missing values first",
            );
        }
        if let Some(row) = y.iter().position(|value| !value.is_finite()) {
            return refuse(format!("target of row {row}"), "the number is not finite".into(), "drop rows without a target");
        }
        Ok(Self { x: x.as_standard_layout().into_owned(), y })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.y.len()
    }

    /// Number of feature columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.x.ncols()
    }

    /// The features, [rows, columns].
    #[must_use]
    pub const fn features(&self) -> &Array2<f64> {
        &self.x
    }

    /// The targets.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        &self.y
    }

    /// All rows.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        Batch { x: self.x.view(), y: &self.y }
    }

    /// The rows at these places, in this order.
    ///
    /// # Errors
    /// `Caller` for a place beyond the last row.
    pub fn take(&self, places: &[usize]) -> Result<Self> {
        if let Some(place) = places.iter().find(|place| **place >= self.rows()) {
            return Err(Error::caller(format!("row {place} of a set of {} rows", self.rows())));
        }
        Ok(self.chosen(places))
    }

    /// [`Dataset::take`] for places that are known to exist.
    pub(crate) fn chosen(&self, places: &[usize]) -> Self {
        Self { x: self.x.select(Axis(0), places), y: places.iter().map(|place| self.y[*place]).collect() }
    }

    /// Names rows with their order. A secret: rows can be guessed from it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new().chain_update(b"yu-fedlearn/rows/v1").chain_update((self.rows() as u64).to_le_bytes());
        self.x.iter().chain(&self.y).for_each(|value| hash.update(value.to_le_bytes()));
        hash.finalize().into()
    }

    pub(crate) fn map_columns(&mut self, change: impl Fn(usize, &mut f64)) {
        for mut row in self.x.rows_mut() {
            row.iter_mut().enumerate().for_each(|(column, value)| change(column, value));
        }
    }
}
