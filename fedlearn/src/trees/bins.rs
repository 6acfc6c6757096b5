//! Quantile bins (分位数分箱): at most 256 codes for a column, missing values in a bin of their own.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{Error, Result};

/// Where the bins of a column end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Cuts {
    /// Ascending; the bin of a value is the number of ends below it. The last bin has no end.
    ends: Vec<f64>,
    /// Whether the first bin is that of missing values.
    has_missing: bool,
}

/// As they are kept: checked when they are read.
#[derive(Serialize, Deserialize)]
struct Stored {
    ends: Vec<f64>,
    has_missing: bool,
}

impl TryFrom<Stored> for Cuts {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        Self::new(stored.ends, stored.has_missing)
    }
}

impl From<Cuts> for Stored {
    fn from(cuts: Cuts) -> Self {
        Self { ends: cuts.ends, has_missing: cuts.has_missing }
    }
}

impl Cuts {
    /// Bins that end here, and whether the first one is that of missing values.
    ///
    /// # Errors
    /// [`Error::Caller`] for ends that are not finite and ascending, or more than 256 bins.
    pub fn new(ends: Vec<f64>, has_missing: bool) -> Result<Self> {
        let is_ascending = ends.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        if !ends.iter().all(|end| end.is_finite()) || !is_ascending || ends.len() + 1 + usize::from(has_missing) > 256 {
            return Err(Error::caller("ends of bins are finite and ascending, for at most 256 bins"));
        }
        Ok(Self { ends, has_missing })
    }

    /// The ends, ascending: the greatest value of each bin but the last.
    #[must_use]
    pub fn ends(&self) -> &[f64] {
        &self.ends
    }

    /// Whether missing values have a bin.
    #[must_use]
    pub const fn has_missing(&self) -> bool {
        self.has_missing
    }

    /// At most `bins` bins; NaN is a missing value. A value of which there are many rows counts with the square root of their number, so a column
    /// whose values are all different gets bins of equal numbers of rows, and one with a heavy value still gets bins for the others. If there are no
    /// more different values than bins, each has its own.
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are 2 to 256 bins; [`Error::Data`] for an infinite value.
    pub fn quantiles(column: &[f64], bins: usize) -> Result<Self> {
        if !(2..=256).contains(&bins) {
            return Err(Error::caller(format!("`{bins}` bins, expected 2 to 256")));
        }
        if column.iter().any(|value| value.is_infinite()) {
            return Err(Error::Data {
                what: "a feature".into(),
                problem: "a value is infinite".into(),
                remedy: "cut the column off, or leave the value out".into(),
            });
        }
        let mut sorted: Vec<f64> = column.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let has_missing = sorted.len() < column.len();
        let mut runs: Vec<(f64, f64)> = sorted.chunk_by(|a, b| a == b).map(|run| (run[0], (run.len() as f64).sqrt())).collect();
        let (mut ends, mut room) = (Vec::new(), bins - usize::from(has_missing));
        let has_room = runs.len() <= room;
        let (mut in_bin, mut left) = (0.0, runs.iter().map(|(_, weight)| weight).sum::<f64>());
        for (value, weight) in runs.iter().take(runs.len().saturating_sub(1)) {
            in_bin += weight;
            // as much as a bin gets if what is left is shared out evenly, rounding aside
            if has_room || (in_bin * room as f64 >= left * (1.0 - 1e-9) && room > 1) {
                ends.push(*value);
                left -= in_bin;
                room -= 1;
                in_bin = 0.0;
            }
        }
        runs.iter_mut().for_each(|(value, weight)| [*value, *weight] = [0.0; 2]);
        sorted.zeroize();
        Ok(Self { ends, has_missing })
    }

    /// Number of bins.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.ends.len() + 1 + self.has_missing as usize
    }

    /// The bin of a value. A value that is missing where none was at the training is in the first bin.
    #[must_use]
    pub fn bin(&self, value: f64) -> u8 {
        if value.is_nan() {
            return 0;
        }
        // 256 bins at most
        (self.ends.partition_point(|end| *end < value) + usize::from(self.has_missing)) as u8
    }

    /// The greatest value of a bin, `None` for the last one and that of missing values.
    #[must_use]
    pub fn end(&self, bin: u8) -> Option<f64> {
        usize::from(bin).checked_sub(usize::from(self.has_missing)).and_then(|at| self.ends.get(at)).copied()
    }
}

/// Columns as bins, wiped on drop. It does not print.
#[derive(Clone)]
pub struct Binned {
    rows: usize,
    bins: Vec<usize>,
    codes: Vec<u8>,
}

impl Drop for Binned {
    fn drop(&mut self) {
        self.codes.zeroize();
    }
}

impl Binned {
    /// Columns of one length by their cuts.
    ///
    /// # Errors
    /// [`Error::Caller`] for no columns, no rows, or columns of different lengths or without cuts.
    pub fn new(columns: &[Vec<f64>], cuts: &[Cuts]) -> Result<Self> {
        let rows = columns.first().map_or(0, Vec::len);
        if rows == 0 || columns.len() != cuts.len() || columns.iter().any(|column| column.len() != rows) {
            return Err(Error::caller("bins need columns of one length, each with its cuts, and at least one row"));
        }
        let codes = columns.iter().zip(cuts).flat_map(|(column, cuts)| column.iter().map(|value| cuts.bin(*value))).collect();
        Ok(Self { rows, bins: cuts.iter().map(Cuts::bins).collect(), codes })
    }

    /// The same, with quantiles of these columns.
    ///
    /// # Errors
    /// [`Cuts::quantiles`]'s and [`Self::new`]'s.
    pub fn quantiles(columns: &[Vec<f64>], bins: usize) -> Result<(Self, Vec<Cuts>)> {
        let cuts = columns.iter().map(|column| Cuts::quantiles(column, bins)).collect::<Result<Vec<_>>>()?;
        Ok((Self::new(columns, &cuts)?, cuts))
    }

    /// The same with `bins` bins of each feature, of which some may be empty: how many are used is then nobody's business.
    ///
    /// # Errors
    /// [`Error::Caller`] for a feature that has more.
    pub fn widened(mut self, bins: usize) -> Result<Self> {
        if bins > 256 || self.bins.iter().any(|used| *used > bins) {
            return Err(Error::caller(format!("a feature has more than `{bins}` bins")));
        }
        self.bins.iter_mut().for_each(|used| *used = bins);
        Ok(self)
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of bins of each feature.
    #[must_use]
    pub fn bins(&self) -> &[usize] {
        &self.bins
    }

    /// The bin of each row, feature after feature.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// The bins of one feature.
    pub(crate) fn feature(&self, feature: usize) -> &[u8] {
        self.codes.get(feature * self.rows..(feature + 1) * self.rows).unwrap_or_default()
    }

    /// These features and then those, of the same rows.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of rows.
    pub fn beside(&self, other: &Self) -> Result<Self> {
        if self.rows != other.rows {
            return Err(Error::caller(format!("features of `{}` and of `{}` rows", self.rows, other.rows)));
        }
        Ok(Self { rows: self.rows, bins: [&self.bins[..], &other.bins].concat(), codes: [&self.codes[..], &other.codes].concat() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_even_and_values_stay_together() {
        let column: Vec<f64> = (0..100).map(f64::from).collect();
        let cuts = Cuts::quantiles(&column, 4).unwrap();
        let count = |bin: u8| column.iter().filter(|value| cuts.bin(**value) == bin).count();
        assert_eq!((cuts.bins(), [0, 1, 2, 3].map(count)), (4, [25; 4]));
        // most rows have one value; the others still get the other bins
        let heavy: Vec<f64> = (0..100).map(|at| if at < 80 { -1.0 } else { f64::from(at) }).collect();
        assert_eq!(Cuts::quantiles(&heavy, 5).unwrap().bins(), 5);
        // few values: one bin each
        let few = [3.0, 1.0, 2.0, 1.0];
        let cuts = Cuts::quantiles(&few, 32).unwrap();
        assert_eq!((cuts.bins(), few.map(|value| cuts.bin(value))), (3, [2, 0, 1, 0]));
        assert_eq!((cuts.bin(1.5), cuts.bin(9.0), cuts.end(0), cuts.end(2)), (1, 2, Some(1.0), None));
    }

    #[test]
    fn missing_values_have_a_bin_of_their_own() {
        let column = [1.0, f64::NAN, 2.0, f64::NAN];
        let cuts = Cuts::quantiles(&column, 8).unwrap();
        assert_eq!((cuts.bins(), column.map(|value| cuts.bin(value))), (3, [1, 0, 2, 0]));
        assert_eq!(Cuts::quantiles(&[f64::NAN; 3], 4).unwrap().bins(), 2);
        assert!(Cuts::quantiles(&[f64::INFINITY], 4).is_err() && Cuts::quantiles(&[1.0], 257).is_err());
    }
}
