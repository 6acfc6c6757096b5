//! Numbers into bins (分箱).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::evaluate::counts::check_parts;
use crate::evaluate::{ClassCounts, Grid, data};
use crate::{Error, Result};

/// Bins by inner edges; missing values may have a bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Binning {
    grid: Grid,
    /// Bin of missing values, at most one beyond the grid's.
    missing: Option<usize>,
}

/// As it is kept: checked when it is read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    edges: Vec<f64>,
    missing: Option<u32>,
}

impl TryFrom<Stored> for Binning {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let grid = Grid::new(stored.edges)?;
        let missing = stored.missing.map(|bin| bin as usize);
        if missing.is_some_and(|bin| bin > grid.buckets()) {
            return Err(data("binning", "the bin of missing values is not there", "fit the bins again"));
        }
        Ok(Self { grid, missing })
    }
}

impl From<Binning> for Stored {
    fn from(binning: Binning) -> Self {
        Self { edges: binning.grid.edges().to_vec(), missing: binning.missing.map(|bin| bin as u32) }
    }
}

impl Binning {
    /// Bins of a grid. Missing values are refused unless [`Self::with_missing`] gives them a bin.
    #[must_use]
    pub const fn new(grid: Grid) -> Self {
        Self { grid, missing: None }
    }

    /// A further bin for missing values, the last one.
    #[must_use]
    pub const fn with_missing(mut self) -> Self {
        self.missing = Some(self.grid.buckets());
        self
    }

    /// At most `bins` bins of about as many values each: the edges are quantiles of what is there, values that are equal stay together.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `2 <= bins <= 65535`; [`Error::Data`] for a column without numbers.
    pub fn quantile(values: &[f64], bins: usize) -> Result<Self> {
        let mut sorted = numbers(values, bins)?;
        sorted.sort_unstable_by(f64::total_cmp);
        let place = |at: usize| sorted[(at * sorted.len() / bins).min(sorted.len() - 1)];
        let mut edges: Vec<f64> = (1..bins).map(place).collect();
        edges.dedup();
        // an edge at the least value leaves nothing below it
        edges.retain(|edge| sorted.first().is_some_and(|least| edge > least));
        Ok(Self::new(Grid::new(edges)?))
    }

    /// `bins` bins of equal width between the least and the greatest value; one bin if they are equal.
    ///
    /// # Errors
    /// As [`Self::quantile`].
    pub fn width(values: &[f64], bins: usize) -> Result<Self> {
        let numbers = numbers(values, bins)?;
        let (least, most) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
        let mut edges: Vec<f64> = (1..bins).map(|at| (most - least).mul_add(at as f64 / bins as f64, least)).collect();
        edges.dedup();
        edges.retain(|edge| *edge > least);
        Ok(Self::new(Grid::new(edges)?))
    }

    /// Number of bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.grid.buckets().max(self.missing.map_or(0, |bin| bin + 1))
    }

    /// The grid of the numbers.
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Bin of missing values.
    #[must_use]
    pub const fn missing(&self) -> Option<usize> {
        self.missing
    }

    /// Bin of a value; none for a missing one without a bin.
    #[must_use]
    pub fn bin(&self, value: f64) -> Option<usize> {
        if value.is_nan() { self.missing } else { Some(self.grid.bucket(value)) }
    }

    /// Bins of a column.
    ///
    /// # Errors
    /// [`Error::Data`] for a missing value without a bin.
    pub fn codes(&self, values: &[f64]) -> Result<Vec<usize>> {
        let code = |(row, value): (usize, &f64)| {
            let problem = || data("column", format!("row {row} is missing"), "give missing values a bin, or fill them first");
            self.bin(*value).ok_or_else(problem)
        };
        values.iter().enumerate().map(code).collect()
    }

    /// Positives and negatives of each bin.
    ///
    /// # Errors
    /// As [`Self::codes`]; [`Error::Data`] for labels but 0 and 1 or another number of them.
    pub fn count(&self, values: &[f64], labels: &[u8]) -> Result<ClassCounts> {
        let codes: Vec<f64> = self.codes(values)?.into_iter().map(|code| code as f64).collect();
        let edges = (1..self.bins()).map(|at| at as f64 - 0.5).collect();
        ClassCounts::bucketed(&Grid::new(edges)?, &codes, labels)
    }

    /// The same bins with neighbours joined; `parts` are the new bins as ranges of old ones, in order. The bin of missing values may have
    /// been joined to the highest numbers: then it is theirs.
    ///
    /// # Errors
    /// [`Error::Caller`] for ranges that do not follow each other from the first bin to the last.
    pub fn joined(&self, parts: &[Range<usize>]) -> Result<Self> {
        check_parts(parts, self.bins())?;
        let edges = parts.iter().skip(1).filter_map(|part| self.grid.edges().get(part.start - 1)).copied().collect();
        let missing = self.missing.and_then(|bin| parts.iter().position(|part| part.contains(&bin)));
        Ok(Self { grid: Grid::new(edges)?, missing })
    }

    /// What bin `at` holds, for people.
    #[must_use]
    pub fn label(&self, at: usize) -> String {
        let edges = self.grid.edges();
        let (low, high) = (at.checked_sub(1).and_then(|at| edges.get(at)), edges.get(at));
        let numbers = match (low, high) {
            _ if at > edges.len() => return "missing".into(),
            (None, None) => "all".into(),
            (None, Some(high)) => format!("< {high}"),
            (Some(low), None) => format!(">= {low}"),
            (Some(low), Some(high)) => format!("{low} .. {high}"),
        };
        if self.missing == Some(at) { format!("{numbers} or missing") } else { numbers }
    }
}

fn numbers(values: &[f64], bins: usize) -> Result<Vec<f64>> {
    if !(2..Grid::MOST).contains(&bins) {
        return Err(Error::caller(format!("`{bins}` bins, expected 2 to {}", Grid::MOST - 1)));
    }
    let numbers: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if numbers.is_empty() { Err(data("column", "no numbers", "leave it out")) } else { Ok(numbers) }
}

/// Which neighbours to join when some bins are too small: each too small bin with the next one, the last with the one before. What comes
/// out may be too small again: ask again.
#[must_use]
pub fn join_small(small: &[bool]) -> Vec<Range<usize>> {
    let (mut parts, mut at) = (Vec::<Range<usize>>::new(), 0);
    while at < small.len() {
        let end = (at + 1 + usize::from(small[at])).min(small.len());
        match parts.last_mut() {
            // the last one, alone
            Some(before) if small[at] && end - at == 1 => before.end = end,
            _ => parts.push(at..end),
        }
        at = end;
    }
    parts
}

/// Joins neighbouring bins whose classes are distributed alike (Kerber, ChiMerge, AAAI 1992): the pair of the least chi-square first,
/// until at most `most` bins are left and every pair has `threshold` at least (2.71, 3.84, 6.63: 90, 95, 99 % for one degree of freedom).
///
/// # Errors
/// [`Error::Caller`] for no bins.
pub fn chi_merge(counts: &ClassCounts, most: usize, threshold: f64) -> Result<Vec<Range<usize>>> {
    if most == 0 {
        return Err(Error::caller("chi-merge to `0` bins, expected 1 at least"));
    }
    let mut parts: Vec<(Range<usize>, [f64; 2])> =
        counts.positives().iter().zip(counts.negatives()).enumerate().map(|(at, (p, n))| (at..at + 1, [*p as f64, *n as f64])).collect();
    loop {
        let pairs = parts.windows(2).enumerate().map(|(at, pair)| (at, chi_square(pair[0].1, pair[1].1)));
        let Some((at, least)) = pairs.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        if parts.len() <= most && least >= threshold {
            break;
        }
        let (range, [p, n]) = parts.remove(at + 1);
        if let Some((before, sums)) = parts.get_mut(at) {
            before.end = range.end;
            *sums = [sums[0] + p, sums[1] + n];
        }
    }
    Ok(parts.into_iter().map(|(range, _)| range).collect())
}

/// Of a table of two bins and two classes; 0 if a class or a bin is empty.
fn chi_square(a: [f64; 2], b: [f64; 2]) -> f64 {
    let ([p, n], [a_all, b_all]) = ([a[0] + b[0], a[1] + b[1]], [a[0] + a[1], b[0] + b[1]]);
    let product = p * n * a_all * b_all;
    if product == 0.0 { 0.0 } else { (p + n) * (a[0] * b[1] - a[1] * b[0]).powi(2) / product }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_of_equal_frequency_and_width() {
        let values: Vec<f64> = (0..100).map(f64::from).chain([f64::NAN]).collect();
        let binning = Binning::quantile(&values, 4).unwrap().with_missing();
        assert_eq!((binning.grid().edges(), binning.bins()), (&[25.0, 50.0, 75.0][..], 5));
        assert_eq!((binning.bin(24.9), binning.bin(25.0), binning.bin(f64::NAN)), (Some(0), Some(1), Some(4)));
        assert_eq!(Binning::width(&[0.0, 1.0, 10.0], 5).unwrap().grid().edges(), [2.0, 4.0, 6.0, 8.0]);
        // equal values stay together
        assert_eq!(Binning::quantile(&[1.0, 1.0, 1.0, 1.0, 2.0], 4).unwrap().grid().edges().len(), 0);
        assert_eq!(Binning::width(&[3.0, 3.0], 4).unwrap().bins(), 1);
        assert!(Binning::quantile(&[f64::NAN], 4).is_err() && Binning::quantile(&[1.0], 1).is_err());
        assert!(Binning::quantile(&values, 4).unwrap().codes(&values).is_err());
        let labels: Vec<String> = (0..5).map(|at| binning.label(at)).collect();
        assert_eq!(labels, ["< 25", "25 .. 50", "50 .. 75", ">= 75", "missing"]);
        let text = serde_json::to_string(&binning).unwrap();
        assert_eq!(serde_json::from_str::<Binning>(&text).unwrap(), binning);
        assert!(serde_json::from_str::<Binning>(r#"{"edges":[1.0],"missing":7}"#).is_err());
    }

    #[test]
    fn small_bins_are_joined() {
        assert_eq!(join_small(&[true, true, false, true]), [0..2, 2..4]);
        assert_eq!(join_small(&[false, true, true, true]), [0..1, 1..4]);
        assert_eq!(join_small(&[true]).len(), 1);
        let binning = Binning::new(Grid::new(vec![1.0, 2.0, 3.0]).unwrap()).with_missing();
        let joined = binning.joined(&[0..2, 2..3, 3..5]).unwrap();
        assert_eq!((joined.grid().edges(), joined.missing(), joined.bins()), (&[2.0, 3.0][..], Some(2), 3));
        assert_eq!(joined.label(2), ">= 3 or missing");
    }

    #[test]
    fn chi_merge_keeps_what_differs() {
        let counts = ClassCounts::new(vec![50, 52, 10, 9, 90], vec![50, 48, 90, 91, 10]).unwrap();
        assert_eq!(chi_merge(&counts, 10, 3.84).unwrap(), [0..2, 2..4, 4..5]);
        assert_eq!(chi_merge(&counts, 2, 0.0).unwrap().len(), 2);
        assert!((chi_square([50.0, 50.0], [10.0, 90.0]) - 200.0 * 4000f64.powi(2) / (60.0 * 140.0 * 1e4)).abs() < 1e-9);
    }
}
