//! Which columns to keep.
//!
//! By information value, correlation and variance inflation, each with its reason. All three figures may come from shares: only they are
//! needed here.

use ndarray::{Array2, ArrayView2};
use serde::Serialize;

use super::correlation::variance_inflation;
use crate::{Error, Result};

/// Limits; one that is absent is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Columns of less information value go.
    pub least_iv: Option<f64>,
    /// Of two columns that correlate more, in absolute value, the one of less information value goes.
    pub most_correlation: Option<f64>,
    /// While a column has a greater factor, the one of the greatest goes.
    pub most_inflation: Option<f64>,
}

/// Why a column goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its information value is too small.
    Information(f64),
    /// It correlates with a column that stays for more information value: that one, and the correlation.
    Correlation(usize, f64),
    /// Others add up to it: its factor among those that were left.
    Inflation(f64),
}

/// What stays and what goes, by column number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Selection {
    /// Columns that stay, ascending.
    pub kept: Vec<usize>,
    /// Columns that go, in the order in which they went.
    pub dropped: Vec<(usize, Reason)>,
}

/// Chooses columns.
///
/// # Errors
/// [`Error::Caller`] for a matrix that does not have a row and a column for each information value.
pub fn select(information: &[f64], correlation: ArrayView2<'_, f64>, limits: &Limits) -> Result<Selection> {
    let width = information.len();
    if correlation.dim() != (width, width) {
        return Err(Error::caller(format!("correlations of {:?} for `{width}` columns", correlation.dim())));
    }
    let mut dropped = Vec::new();
    let mut kept: Vec<usize> = (0..width).collect();
    if let Some(least) = limits.least_iv {
        // what is no number goes too
        let goes = |at: &usize| information[*at].is_nan() || information[*at] < least;
        dropped.extend(kept.iter().filter(|at| goes(at)).map(|at| (*at, Reason::Information(information[*at]))));
        kept.retain(|at| !goes(at));
    }
    if let Some(most) = limits.most_correlation {
        let mut by_information = kept.clone();
        by_information.sort_by(|a, b| information[*b].total_cmp(&information[*a]));
        let mut stays: Vec<usize> = Vec::new();
        for at in by_information {
            match stays.iter().find(|other| correlation[[at, **other]].abs() > most) {
                Some(other) => dropped.push((at, Reason::Correlation(*other, correlation[[at, *other]]))),
                None => stays.push(at),
            }
        }
        stays.sort_unstable();
        kept = stays;
    }
    while let Some(most) = limits.most_inflation
        && kept.len() > 1
    {
        let part = Array2::from_shape_fn((kept.len(), kept.len()), |(i, j)| correlation[[kept[i], kept[j]]]);
        let factors = variance_inflation(part.view(), 0.0)?;
        // of equal factors the one of less information
        let worse = |a: &usize, b: &usize| {
            factors[*a].total_cmp(&factors[*b]).then_with(|| information[kept[*b]].total_cmp(&information[kept[*a]]))
        };
        let Some(worst) = (0..kept.len()).max_by(worse).filter(|at| factors[*at] > most) else { break };
        dropped.push((kept.remove(worst), Reason::Inflation(factors[worst])));
    }
    Ok(Selection { kept, dropped })
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    #[test]
    fn each_limit_has_its_turn() {
        let r = arr2(&[[1.0, 0.9, 0.1, 0.0], [0.9, 1.0, 0.0, 0.0], [0.1, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);
        let limits = Limits { least_iv: Some(0.02), most_correlation: Some(0.8), most_inflation: None };
        let chosen = select(&[0.2, 0.3, 0.1, 0.01], r.view(), &limits).unwrap();
        assert_eq!(chosen.kept, [1, 2]);
        assert_eq!(chosen.dropped, [(3, Reason::Information(0.01)), (0, Reason::Correlation(1, 0.9))]);
        // 1/(1 - 0.81) is 5.3
        let limits = Limits { most_inflation: Some(5.0), ..Limits::default() };
        let chosen = select(&[0.2, 0.3, 0.1, 0.01], r.view(), &limits).unwrap();
        assert_eq!((chosen.kept, chosen.dropped[0].0), (vec![1, 2, 3], 0));
        // two that are the same
        let same = arr2(&[[1.0, 1.0], [1.0, 1.0]]);
        assert_eq!(select(&[0.1, 0.2], same.view(), &limits).unwrap().kept, [1]);
        assert!(select(&[0.1], same.view(), &limits).is_err());
    }
}
