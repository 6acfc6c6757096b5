//! Drift (漂移): whether the columns and scores that a model sees are still distributed as at training.
//!
//! A [`Reference`] is the histogram of a column at training time, kept with the model. Its counts leave with the artefact, so bins of
//! fewer rows than the least number are joined with their neighbours before. Each party compares its own columns; nothing but the indices
//! has to be told. Where histograms of two parties have to be compared, [`crate::evaluate::shares::stability`] does it on shares.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::evaluate::data;
use crate::evaluate::stability::{Movement, stability_index};
use crate::feature::Binning;
use crate::feature::bins::join_small;

/// Histogram of a column or of scores at training time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Name of the column; `score` for the model's own.
    pub name: String,
    /// The bins.
    pub binning: Binning,
    /// Rows of each bin.
    pub counts: Vec<u64>,
}

impl Reference {
    /// Counts a column; bins of fewer than `least` rows are joined with neighbours.
    ///
    /// # Errors
    /// As [`Binning::codes`]; [`crate::Error::Data`] for fewer rows than that in all.
    pub fn of(name: &str, binning: Binning, values: &[f64], least: u64) -> Result<Self> {
        let mut reference = Self { name: name.to_owned(), counts: count(&binning, values)?, binning };
        loop {
            let small: Vec<bool> = reference.counts.iter().map(|count| *count < least).collect();
            if !small.contains(&true) {
                return Ok(reference);
            }
            if small.len() == 1 {
                return Err(data(name, format!("fewer than {least} rows"), "leave it out of the references"));
            }
            let parts = join_small(&small);
            reference.binning = reference.binning.joined(&parts)?;
            let sum = |part: &std::ops::Range<usize>| reference.counts[part.clone()].iter().sum();
            reference.counts = parts.iter().map(sum).collect();
        }
    }

    /// Refuses another number of counts than bins, and counts that JSON would round.
    ///
    /// # Errors
    /// [`crate::Error::Data`].
    pub fn check(&self) -> Result<()> {
        if self.counts.len() == self.binning.bins() && self.counts.iter().all(|count| *count < 1 << 40) {
            Ok(())
        } else {
            Err(data(&self.name, "its histogram does not fit its bins", "count it again"))
        }
    }

    /// How far a column of today is from it.
    ///
    /// # Errors
    /// As [`Binning::codes`].
    pub fn compare(&self, values: &[f64]) -> Result<Drift> {
        self.check()?;
        let now = count(&self.binning, values)?;
        let index = stability_index(&self.counts, &now)?;
        let [english, chinese] = Movement::of(index).words();
        Ok(Drift { name: self.name.clone(), rows: values.len() as u64, index, movement: Movement::of(index), english, chinese })
    }
}

/// How far one column has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Name of the column.
    pub name: String,
    /// Rows of today.
    pub rows: u64,
    /// Population stability index.
    pub index: f64,
    /// What it means.
    pub movement: Movement,
    /// The same in words.
    pub english: &'static str,
    /// 中文说明。
    pub chinese: &'static str,
}

/// How far columns have moved, the furthest first. Columns without a reference and references without a column are an error: a report
/// that leaves something out would say that all is well.
///
/// # Errors
/// [`crate::Error::Data`] for a reference without a column or a column without one; as [`Reference::compare`].
pub fn report(references: &[Reference], columns: &[(&str, &[f64])]) -> Result<Vec<Drift>> {
    if let Some((name, _)) = columns.iter().find(|(name, _)| !references.iter().any(|reference| reference.name == *name)) {
        return Err(data(name, "no histogram of training time", "keep one with the model"));
    }
    let one = |reference: &Reference| {
        let column = columns.iter().find(|(name, _)| *name == reference.name);
        let (_, values) =
            column.ok_or_else(|| data(&reference.name, "not among the columns of today", "pass every column of the model"))?;
        reference.compare(values)
    };
    let mut drifts = references.iter().map(one).collect::<Result<Vec<Drift>>>()?;
    drifts.sort_by(|a, b| b.index.total_cmp(&a.index));
    Ok(drifts)
}

/// A report as text, in English and Chinese.
#[must_use]
pub fn text(drifts: &[Drift]) -> String {
    let mut text = String::from("population stability 人群稳定性: below 0.1 stable 稳定, above 0.25 changed 显著变化\n");
    for Drift { name, index, english, chinese, .. } in drifts {
        // writing to a string does not fail
        let _ = writeln!(text, "{index:8.4}  {name}: {english} {chinese}");
    }
    text
}

fn count(binning: &Binning, values: &[f64]) -> Result<Vec<u64>> {
    let mut counts = vec![0; binning.bins()];
    binning.codes(values)?.into_iter().for_each(|code| counts[code] += 1);
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_comes_first() {
        let values: Vec<f64> = (0..1000).map(|row| f64::from(row) / 1000.0).collect();
        let binning = || Binning::quantile(&values, 10).unwrap().with_missing();
        // the bin of missing values is empty and was joined with the last one
        let a = Reference::of("a", binning(), &values, 5).unwrap();
        assert_eq!((a.counts.len(), a.binning.missing()), (10, Some(9)));
        let b = Reference { name: "b".into(), ..a.clone() };
        let moved: Vec<f64> = values.iter().map(|value| value * value).collect();
        let drifts = report(&[a.clone(), b.clone()], &[("a", &values), ("b", &moved)]).unwrap();
        assert_eq!((drifts[0].name.as_str(), drifts[1].index, drifts[1].movement), ("b", 0.0, Movement::Stable));
        assert_eq!(drifts[0].movement, Movement::Changed);
        assert!(text(&drifts).contains("显著变化"));
        assert!(report(&[a.clone(), b], &[("a", &values)]).is_err() && report(&[a], &[("c", &values)]).is_err());
        assert!(Reference::of("few", binning(), &values[..3], 5).is_err());
    }
}
