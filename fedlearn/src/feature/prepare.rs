//! Columns into what models take: filled, standardised, one-hot.
//!
//! Each is fitted once, kept with the model, and applied to every row it ever sees.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::data;
use crate::{Error, Result};

/// Count, sum and sum of squares of the numbers of a column. Several parties' add up, in the clear or inside secure aggregation: what
/// horizontal parties standardise by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Numbers that are there.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Sums {
    /// Of a column; missing values do not count.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let there = values.iter().filter(|value| value.is_finite());
        there.fold(Self::default(), |sums, value| sums.and(&Self { count: 1.0, sum: *value, squares: value * value }))
    }

    /// Of both columns.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }
}

/// `(x - mean) / deviation`, cut off on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    /// Mean.
    pub mean: f64,
    /// Standard deviation over all rows (`ddof = 0`); 1 for a constant column, which becomes 0.
    pub deviation: f64,
    /// What lies further from 0 after scaling is cut off there (winsorised).
    pub limit: f64,
}

impl Scaler {
    /// By the sums of all parties' columns.
    ///
    /// # Errors
    /// [`Error::Data`] without numbers; [`Error::Caller`] for a limit that is not above 0.
    pub fn of(sums: &Sums, limit: f64) -> Result<Self> {
        if !(sums.count >= 1.0 && sums.sum.is_finite() && sums.squares.is_finite()) {
            return Err(data("column", "no numbers", "leave it out"));
        }
        if !(limit > 0.0 && limit.is_finite()) {
            return Err(Error::caller(format!("cut off at `{limit}` deviations, expected more than 0")));
        }
        let mean = sums.sum / sums.count;
        let square = sums.squares / sums.count;
        let variance = (-mean).mul_add(mean, square);
        // what rounding leaves of a constant column is no deviation
        let deviation = if variance > square * 1e-14 { variance.sqrt() } else { 1.0 };
        Ok(Self { mean, deviation, limit })
    }

    /// The scaled value; missing stays missing.
    #[must_use]
    pub fn scale(&self, value: f64) -> f64 {
        ((value - self.mean) / self.deviation).clamp(-self.limit, self.limit)
    }
}

/// What stands for a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Mean of what is there.
    Mean,
    /// Median of what is there (the lower one of two).
    Median,
    /// This number.
    Constant(f64),
}

/// Fills missing values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imputer {
    /// The number that stands for missing values.
    pub value: f64,
    /// Whether a further column says where values were missing.
    pub indicator: bool,
}

impl Imputer {
    /// Fitted to a column.
    ///
    /// # Errors
    /// [`Error::Data`] for a column without numbers, unless it is filled with a constant; for a constant that is no number.
    pub fn fit(values: &[f64], fill: Fill, indicator: bool) -> Result<Self> {
        let mut there: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let value = match fill {
            Fill::Constant(value) => Some(value).filter(|value| value.is_finite()),
            Fill::Mean => (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64),
            Fill::Median => {
                there.sort_unstable_by(f64::total_cmp);
                there.get(there.len().saturating_sub(1) / 2).copied()
            }
        };
        let value = value.ok_or_else(|| data("column", "no numbers to fill with", "fill it with a constant, or leave it out"))?;
        Ok(Self { value, indicator })
    }

    /// The filled column, and the indicator (1 where a value was missing) if there is one.
    #[must_use]
    pub fn transform(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let filled = values.iter().map(|value| if value.is_finite() { *value } else { self.value }).collect();
        let missing = || values.iter().map(|value| f64::from(u8::from(!value.is_finite()))).collect();
        if self.indicator { vec![filled, missing()] } else { vec![filled] }
    }
}

/// What happens to a category that was not declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It is an error.
    Refuse,
    /// All columns are 0.
    Zero,
    /// A further column.
    Other,
}

/// A column for each declared category: the list is public and part of the contract, since what occurs in the data would tell about rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    categories: Vec<String>,
    unknown: Unknown,
}

impl OneHot {
    /// Columns in the order of the list.
    ///
    /// # Errors
    /// [`Error::Data`] for no categories or one that is there twice.
    pub fn new(categories: Vec<String>, unknown: Unknown) -> Result<Self> {
        let different: std::collections::BTreeSet<&String> = categories.iter().collect();
        if categories.is_empty() || different.len() < categories.len() {
            return Err(data("categories", "none, or one of them twice", "declare each category once"));
        }
        Ok(Self { categories, unknown })
    }

    /// Number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.categories.len() + usize::from(self.unknown == Unknown::Other)
    }

    /// Names of the columns: `column=category`.
    #[must_use]
    pub fn names(&self, column: &str) -> Vec<String> {
        let other = (self.unknown == Unknown::Other).then(|| format!("{column}=*"));
        self.categories.iter().map(|category| format!("{column}={category}")).chain(other).collect()
    }

    /// The columns, each as long as `values`.
    ///
    /// # Errors
    /// [`Error::Data`] for a category that was not declared, if those are refused; it is not named.
    pub fn transform<S: AsRef<str>>(&self, values: &[S]) -> Result<Vec<Vec<f64>>> {
        let at: BTreeMap<&str, usize> = self.categories.iter().enumerate().map(|(at, category)| (category.as_str(), at)).collect();
        let mut columns = vec![vec![0.0; values.len()]; self.width()];
        for (row, value) in values.iter().enumerate() {
            let column = match (at.get(value.as_ref()), self.unknown) {
                (Some(at), _) => *at,
                (None, Unknown::Zero) => continue,
                (None, Unknown::Other) => self.categories.len(),
                (None, Unknown::Refuse) => {
                    let problem = format!("row {row} has a category that was not declared");
                    return Err(data("categories", problem, "declare it, or let unknown ones be zero or other"));
                }
            };
            columns[column][row] = 1.0;
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parties_standardise_as_one() {
        let (a, b) = ([1.0, 2.0, f64::NAN], [3.0, 6.0]);
        let scaler = Scaler::of(&Sums::of(&a).and(&Sums::of(&b)), 1.5).unwrap();
        assert_eq!((scaler.mean, scaler.deviation), (3.0, 3.5f64.sqrt()));
        assert_eq!((scaler.scale(3.0), scaler.scale(100.0), scaler.scale(-100.0)), (0.0, 1.5, -1.5));
        assert!(scaler.scale(f64::NAN).is_nan());
        assert_eq!(Scaler::of(&Sums::of(&[0.1; 7]), 8.0).unwrap().deviation, 1.0);
        assert!(Scaler::of(&Sums::of(&[f64::NAN]), 8.0).is_err());
    }

    #[test]
    fn missing_values_are_filled() {
        let values = [1.0, f64::NAN, 2.0, 9.0];
        let filled = |fill| Imputer::fit(&values, fill, false).unwrap().value;
        assert_eq!((filled(Fill::Mean), filled(Fill::Median), filled(Fill::Constant(-1.0))), (4.0, 2.0, -1.0));
        let columns = Imputer::fit(&values, Fill::Mean, true).unwrap().transform(&values);
        assert_eq!(columns, [[1.0, 4.0, 2.0, 9.0], [0.0, 1.0, 0.0, 0.0]]);
        assert!(Imputer::fit(&[f64::NAN], Fill::Median, false).is_err());
    }

    #[test]
    fn one_hot_by_a_declared_list() {
        let list = || vec!["a".to_owned(), "b".into()];
        assert_eq!(OneHot::new(list(), Unknown::Zero).unwrap().transform(&["b", "c"]).unwrap(), [[0.0, 0.0], [1.0, 0.0]]);
        let other = OneHot::new(list(), Unknown::Other).unwrap();
        assert_eq!(other.transform(&["b", "c"]).unwrap(), [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(other.names("city"), ["city=a", "city=b", "city=*"]);
        let error = OneHot::new(list(), Unknown::Refuse).unwrap().transform(&["secret"]).unwrap_err();
        assert!(!error.to_string().contains("secret"));
        assert!(OneHot::new(vec!["a".into(), "a".into()], Unknown::Zero).is_err());
    }
}
