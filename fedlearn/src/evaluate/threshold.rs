//! Decisions at one threshold.

use serde::Serialize;

use super::check_pairs;
use crate::Result;

/// Right and wrong decisions of two classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Positives taken for positive.
    pub true_positives: u64,
    /// Negatives taken for positive.
    pub false_positives: u64,
    /// Negatives taken for negative.
    pub true_negatives: u64,
    /// Positives taken for negative.
    pub false_negatives: u64,
}

impl Confusion {
    /// Decisions `score >= threshold`.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for lengths that differ, labels but 0 and 1, scores that are no numbers.
    pub fn at(threshold: f64, scores: &[f64], labels: &[u8]) -> Result<Self> {
        check_pairs(scores, labels)?;
        let mut confusion = Self::default();
        for (score, label) in scores.iter().zip(labels) {
            let slot = match (*score >= threshold, *label == 1) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
                (false, true) => &mut confusion.false_negatives,
            };
            *slot += 1;
        }
        Ok(confusion)
    }

    /// Share of right decisions; 0 for no rows.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        ratio(right, right + self.false_positives + self.false_negatives)
    }

    /// Share of what is taken for positive that is; 0 if nothing is.
    #[must_use]
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the positives that are found; 0 if there are none.
    #[must_use]
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Harmonic mean of precision and recall.
    #[must_use]
    pub fn f1(&self) -> f64 {
        ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Counts of (label, decision) for several classes, `counts[label][decision]`.
///
/// # Errors
/// [`crate::Error::Data`] for lengths that differ or a class that is not below `classes`.
pub fn confusion_matrix(classes: usize, labels: &[usize], decisions: &[usize]) -> Result<Vec<Vec<u64>>> {
    if labels.len() != decisions.len() || labels.iter().chain(decisions).any(|class| *class >= classes) {
        let problem = format!("{} labels, {} decisions, or a class beyond `{classes}`", labels.len(), decisions.len());
        return Err(super::data("confusion matrix", problem, "number the classes from 0 and pass one decision for each label"));
    }
    let mut counts = vec![vec![0; classes]; classes];
    labels.iter().zip(decisions).for_each(|(label, decision)| counts[*label][*decision] += 1);
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_counted() {
        let confusion = Confusion::at(0.5, &[0.5, 0.9, 0.4, 0.1, 0.7], &[1, 0, 1, 0, 1]).unwrap();
        assert_eq!(confusion, Confusion { true_positives: 2, false_positives: 1, true_negatives: 1, false_negatives: 1 });
        assert_eq!((confusion.accuracy(), confusion.precision()), (0.6, 2.0 / 3.0));
        assert_eq!((confusion.recall(), confusion.f1()), (2.0 / 3.0, 2.0 / 3.0));
        assert_eq!(Confusion::at(2.0, &[0.5], &[0]).unwrap().precision(), 0.0);
        assert_eq!(confusion_matrix(3, &[0, 1, 2, 2], &[0, 2, 2, 2]).unwrap(), [[1, 0, 0], [0, 0, 1], [0, 0, 2]]);
        assert!(confusion_matrix(2, &[2], &[0]).is_err());
    }
}
