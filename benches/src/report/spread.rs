//! A number over several runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Median, least and greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
}

impl Spread {
    /// Of some numbers; zeros of none.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Self { median, min: *min, max: *max }
    }
}

/// As seconds: `median (min, max)`.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", seconds(self.median), seconds(self.min), seconds(self.max))
    }
}

/// Four digits that mean something.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        0.0.. if value < 10.0 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

/// `1.23 MB`, powers of ten.
pub(crate) fn bytes(value: u64) -> String {
    let steps = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match steps.into_iter().find(|(size, _)| value as f64 >= *size) {
        Some((size, name)) => format!("{:.2} {name}", value as f64 / size),
        None => format!("{value} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of([]), Spread::default());
        assert_eq!(Spread::of([0.5]).to_string(), "0.5000 (0.5000, 0.5000)");
        assert_eq!([bytes(999), bytes(1_234_000), bytes(5_000_000_000)], ["999 B", "1.23 MB", "5.00 GB"]);
    }
}
