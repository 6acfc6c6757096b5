//! Curves over all thresholds, from counts along the score.

use serde::Serialize;

use super::ClassCounts;
use crate::{Error, Result};

/// A point of the ROC and of the precision-recall curve: everything from a bucket upwards counts as positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Lowest bucket that counts as positive.
    pub bucket: usize,
    /// Share of the positives that are found (recall).
    pub true_positive_rate: f64,
    /// Share of the negatives that are taken for positives.
    pub false_positive_rate: f64,
    /// Share of what is taken for positive that is; 1 while nothing is.
    pub precision: f64,
}

/// A line of the lift table: rows of the highest scores first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lift {
    /// Rows of this part.
    pub rows: u64,
    /// Positives among them.
    pub positives: u64,
    /// Share of positives among them, divided by the share among all rows.
    pub lift: f64,
    /// Share of all positives in this part and those before it.
    pub gain: f64,
    /// `gain` divided by the share of rows so far.
    pub cumulative_lift: f64,
}

impl ClassCounts {
    /// Points of the curves, highest threshold first.
    ///
    /// # Errors
    /// [`Error::Data`] if a class is missing.
    pub fn curve(&self) -> Result<Vec<Point>> {
        let [p, n] = self.both()?;
        let (mut found, mut wrong) = (0u64, 0u64);
        let buckets = self.positives().iter().zip(self.negatives()).enumerate().rev();
        Ok(buckets
            .map(|(bucket, (positives, negatives))| {
                found += positives;
                wrong += negatives;
                let precision = if found + wrong == 0 { 1.0 } else { found as f64 / (found + wrong) as f64 };
                Point { bucket, true_positive_rate: found as f64 / p, false_positive_rate: wrong as f64 / n, precision }
            })
            .collect())
    }

    /// Area under the precision-recall curve as average precision: `sum (recall_i - recall_{i-1}) precision_i`, without interpolation.
    ///
    /// # Errors
    /// As [`Self::curve`].
    pub fn average_precision(&self) -> Result<f64> {
        let mut before = 0.0;
        Ok(self.curve()?.iter().fold(0.0, |sum, point| {
            let step = point.true_positive_rate - before;
            before = point.true_positive_rate;
            step.mul_add(point.precision, sum)
        }))
    }

    /// The lift and gain table in `parts` parts of about as many rows; a bucket is not divided, so parts can be of different sizes and
    /// fewer.
    ///
    /// # Errors
    /// [`Error::Caller`] for no parts; [`Error::Data`] if a class is missing.
    pub fn lift(&self, parts: u32) -> Result<Vec<Lift>> {
        let [p, n] = self.both()?;
        if parts == 0 {
            return Err(Error::caller("lift table of `0` parts, expected 1 at least"));
        }
        let all = p + n;
        let (mut table, mut rows, mut positives, mut seen, mut found) = (Vec::<Lift>::new(), 0u64, 0u64, 0u64, 0u64);
        for (more, others) in self.positives().iter().zip(self.negatives()).rev() {
            (rows, positives) = (rows + more + others, positives + more);
            (seen, found) = (seen + more + others, found + more);
            let wanted = all * (table.len() + 1) as f64 / f64::from(parts);
            if rows > 0 && (seen as f64 >= wanted - 1e-9 || seen as f64 >= all) {
                let gain = found as f64 / p;
                let lift = positives as f64 / rows as f64 * all / p;
                table.push(Lift { rows, positives, lift, gain, cumulative_lift: gain * all / seen as f64 });
                (rows, positives) = (0, 0);
            }
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9.1: `average_precision_score([0,0,1,1,0,1], [.1,.4,.35,.8,.8,.6])` and `roc_auc_score` of the same.
    #[test]
    fn known_values() {
        let counts = ClassCounts::exact(&[0.1, 0.4, 0.35, 0.8, 0.8, 0.6], &[0, 0, 1, 1, 0, 1]).unwrap();
        assert!((counts.average_precision().unwrap() - (0.5 / 3.0 + 2.0 / 9.0 + 0.2)).abs() < 1e-12);
        assert!((counts.ranking().unwrap().auc - 5.5 / 9.0).abs() < 1e-12);
        let curve = counts.curve().unwrap();
        assert_eq!(curve.len(), 5);
        assert_eq!((curve[4].true_positive_rate, curve[4].false_positive_rate, curve[4].precision), (1.0, 1.0, 0.5));
    }

    #[test]
    fn lift_table_adds_up() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let labels: Vec<u8> = (0..100).map(|row| u8::from(row >= 80)).collect();
        let table = ClassCounts::exact(&scores, &labels).unwrap().lift(10).unwrap();
        assert_eq!(table.len(), 10);
        assert!(table.iter().all(|line| line.rows == 10));
        assert_eq!((table[0].lift, table[1].gain, table[4].cumulative_lift, table[9].gain), (5.0, 1.0, 2.0, 1.0));
        // one score for all: one part
        assert_eq!(ClassCounts::exact(&[1.0; 4], &[0, 1, 0, 1]).unwrap().lift(10).unwrap().len(), 1);
    }
}
