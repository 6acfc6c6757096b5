//! Columns of mean 0 and deviation 1 over the rows of all parties (联邦标准化): each party gives sums, the sums of all give one scale.
//!
//! Two rounds: sums of the values give the means; sums of squared distances from those means give the deviations, which one round of
//! squares would lose to cancellation. A vector of sums is a contribution like any other: secure aggregation hides each party's.
//! **What is learnt:** the means and deviations over all parties, by every party; with two parties each learns the other's.

use serde::{Deserialize, Serialize};

use super::Dataset;
use crate::{Error, Result};

/// One party's, or all parties', sums: number of rows, and of each column the sum and the sum of squares about a public point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    rows: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Sums of a party's rows about `point`: zeros in the first round, the means in the second.
    ///
    /// # Errors
    /// `Caller` for a point of another length.
    pub fn of(data: &Dataset, point: &[f64]) -> Result<Self> {
        let columns = data.columns();
        if point.len() != columns {
            return Err(Error::caller(format!("a point of {} columns for data of {columns}", point.len())));
        }
        let (mut sums, mut squares) = (vec![0.0; columns], vec![0.0; columns]);
        for row in data.features().rows() {
            for (((sum, square), value), centre) in sums.iter_mut().zip(&mut squares).zip(row).zip(point) {
                let distance = value - centre;
                *sum += distance;
                *square += distance * distance;
            }
        }
        Ok(Self { rows: data.rows() as f64, sums, squares })
    }

    /// As a vector of 1 + 2 columns values, for aggregation.
    #[must_use]
    pub fn flat(&self) -> Vec<f64> {
        std::iter::once(self.rows).chain(self.sums.iter().copied()).chain(self.squares.iter().copied()).collect()
    }

    /// From the sum of such vectors.
    ///
    /// # Errors
    /// `Caller` for a length that is not 1 + 2 columns, or no rows.
    pub fn from_flat(flat: &[f64], columns: usize) -> Result<Self> {
        match flat.split_first() {
            Some((rows, rest)) if rest.len() == 2 * columns && *rows >= 1.0 && flat.iter().all(|value| value.is_finite()) => {
                let (sums, squares) = rest.split_at(columns);
                Ok(Self { rows: *rows, sums: sums.to_vec(), squares: squares.to_vec() })
            }
            _ => Err(Error::caller(format!("sums for {columns} columns have {} finite values and at least one row", 1 + 2 * columns))),
        }
    }

    /// Sums of both.
    ///
    /// # Errors
    /// `Caller` for another number of columns.
    pub fn and(mut self, other: &Self) -> Result<Self> {
        if self.sums.len() != other.sums.len() {
            return Err(Error::caller(format!("sums of {} and of {} columns", self.sums.len(), other.sums.len())));
        }
        self.rows += other.rows;
        self.sums.iter_mut().zip(&other.sums).for_each(|(a, b)| *a += b);
        self.squares.iter_mut().zip(&other.squares).for_each(|(a, b)| *a += b);
        Ok(self)
    }

    /// Means of the columns, about `point` as given to [`Moments::of`].
    #[must_use]
    pub fn means(&self, point: &[f64]) -> Vec<f64> {
        self.sums.iter().zip(point).map(|(sum, centre)| centre + sum / self.rows).collect()
    }

    /// The scale, from sums about `point`. A column that never changes is only shifted.
    #[must_use]
    pub fn scale(&self, point: &[f64]) -> Scale {
        let deviations = self.sums.iter().zip(&self.squares).map(|(sum, square)| {
            let mean = sum / self.rows;
            let variance = square / self.rows - mean * mean;
            // what rounding leaves of a constant column
            if variance > 1e-12 * (square / self.rows).max(1e-300) { variance.sqrt() } else { 1.0 }
        });
        Scale { means: self.means(point), deviations: deviations.collect() }
    }
}

/// Means and population deviations: public to the parties, part of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Means.
    pub means: Vec<f64>,
    /// Deviations, above 0.
    pub deviations: Vec<f64>,
}

impl Scale {
    /// Both rounds over parties in one process.
    ///
    /// # Errors
    /// `Caller` for no party or other columns.
    pub fn of_all(parties: &[Dataset]) -> Result<Self> {
        let columns = parties.first().ok_or_else(|| Error::caller("a scale over no party"))?.columns();
        let sums = |point: &[f64]| {
            parties.iter().try_fold(Moments { rows: 0.0, sums: vec![0.0; columns], squares: vec![0.0; columns] }, |sum, party| {
                sum.and(&Moments::of(party, point)?)
            })
        };
        let zero = vec![0.0; columns];
        let means = sums(&zero)?.means(&zero);
        Ok(sums(&means)?.scale(&means))
    }

    /// Standardised rows.
    ///
    /// # Errors
    /// `Data` for another number of columns, or numbers that are no longer finite.
    pub fn apply(&self, data: &Dataset) -> Result<Dataset> {
        if self.means.len() != data.columns() || self.deviations.len() != data.columns() {
            return Err(Error::Data {
                what: "scale".into(),
                problem: format!("it has {} columns, the data {}", self.means.len(), data.columns()),
                remedy: "use the scale that was made for this coding".into(),
            });
        }
        let mut data = data.clone();
        data.map_columns(|column, value| *value = (*value - self.means[column]) / self.deviations[column]);
        Dataset::new(data.x, data.y)
    }
}
