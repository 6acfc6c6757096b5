//! An owner's part before anything is shared: means, deviations, standardised columns, own correlations, groups.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use zeroize::{Zeroize, Zeroizing};

use super::Unit;
use super::layout::{head_len, triangle, width};
use super::plan::{Owner, StatsPlan};
use crate::ring::{Element, Float64};
use crate::{Error, Result};

/// An input party's aligned rows. Wiped on drop.
pub struct LocalData {
    /// `[n, columns]`, in the order of the plan's columns and of the common order of rows.
    pub numeric: Array2<f64>,
    /// Category of each row, if this party owns the grouping column.
    pub groups: Option<Vec<u32>>,
}

impl Drop for LocalData {
    fn drop(&mut self) {
        if let Some(values) = self.numeric.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.groups.zeroize();
    }
}

/// Rows per category.
///
/// # Errors
/// [`Error::Caller`] for a category that the plan does not have.
pub fn group_counts(groups: &[u32], categories: usize) -> Result<Vec<u64>> {
    let mut counts = vec![0u64; categories];
    for group in groups {
        *counts.get_mut(*group as usize).ok_or_else(|| Error::caller("a row has a category that the plan does not have"))? += 1;
    }
    Ok(counts)
}

/// Refuses groups with fewer than `min` rows; an empty group counts as too small, because its absence says something about
/// everybody. The message tells how many groups fail, not which and not how large they are.
///
/// # Errors
/// [`Error::Policy`] in the name of `party`, which owns the grouping column.
pub fn check_cells(party: &str, counts: &[u64], min: u64) -> Result<()> {
    let failing = counts.iter().filter(|count| **count < min).count();
    if failing == 0 {
        return Ok(());
    }
    Err(Error::policy(party, format!("`{failing}` of `{}` groups have fewer than the required `{min}` rows", counts.len())))
}

/// Standardised columns with their means and deviations.
struct Standard {
    means: Array1<f64>,
    sds: Array1<f64>,
    /// `[n, columns]`, norm 1 per column, 0 for constant columns.
    units: Array2<f64>,
    is_constant: Vec<bool>,
}

/// An owner's input vector, in the order of [`super::layout`].
pub(super) fn input(plan: &StatsPlan, owner: Owner, data: &LocalData, n: usize) -> Result<Zeroizing<Vec<u64>>> {
    let (side, groups) = (plan.side(owner), plan.groups_of(owner));
    if data.numeric.dim() != (n, side.columns.len()) {
        return Err(Error::shape("matched rows", data.numeric.shape(), &[n, side.columns.len()]));
    }
    let members = match (&data.groups, groups) {
        (None, 0) => &[][..],
        (Some(members), 1..) if members.len() == n => members,
        (Some(members), 1..) => return Err(Error::shape("grouping column", &[members.len()], &[n])),
        (None, _) => return Err(Error::caller(format!("`{}` owns the grouping column and has to pass it", side.party))),
        (Some(_), _) => return Err(Error::caller(format!("`{}` does not own the grouping column", side.party))),
    };
    let counts = group_counts(members, groups)?;
    check_cells(&side.party, &counts, plan.min_cell)?;

    let mut standard = standardise(&side.columns, &data.numeric)?;
    let total = n.checked_mul(width(plan, owner)).and_then(|len| len.checked_add(head_len(plan, owner)));
    let mut out = Zeroizing::new(Vec::with_capacity(total.ok_or_else(|| Error::caller("too many rows"))?));
    out.extend(standard.means.iter().chain(&standard.sds).map(|value| value.to_bits()));
    own_correlations(&standard, &mut out)?;
    if groups > 0 {
        out.extend(&counts);
        group_means(&data.numeric, members, &counts, &mut out)?;
    }
    for value in &standard.units {
        out.push(Unit::encode("standardised column", *value)?);
    }
    if groups > 0 {
        let rows = members.iter().flat_map(|member| (0..groups as u64).map(move |group| u64::from(u64::from(*member) == group)));
        out.extend(rows);
    }
    if let Some(values) = standard.units.as_slice_memory_order_mut() {
        values.zeroize();
    }
    Ok(out)
}

fn standardise(names: &[String], numeric: &Array2<f64>) -> Result<Standard> {
    let (n, columns) = numeric.dim();
    let mut standard = Standard {
        means: Array1::zeros(columns),
        sds: Array1::zeros(columns),
        units: Array2::zeros((n, columns)),
        is_constant: vec![false; columns],
    };
    for (at, (name, column)) in names.iter().zip(numeric.axis_iter(Axis(1))).enumerate() {
        let (mean, squares) = moments(name, column)?;
        let is_constant = column.first().is_none_or(|first| column.iter().all(|value| value == first));
        standard.is_constant[at] = is_constant;
        standard.means[at] = mean;
        // one row has no deviation: NaN stands for undefined in the shared result
        standard.sds[at] = match (n, is_constant) {
            (0 | 1, _) => f64::NAN,
            (_, true) => 0.0,
            _ => (squares / (n - 1) as f64).sqrt(),
        };
        if !is_constant {
            let scale = squares.sqrt();
            standard.units.column_mut(at).zip_mut_with(&column, |unit, value| *unit = (value - mean) / scale);
        }
    }
    Ok(standard)
}

/// Mean and sum of squared deviations, in two passes.
fn moments(name: &str, column: ArrayView1<'_, f64>) -> Result<(f64, f64)> {
    let range = || Error::Range { what: format!("column `{name}`"), limit: LARGEST };
    if column.iter().any(|value| value.is_nan() || value.abs() >= LARGEST) {
        return Err(range());
    }
    let Some(first) = column.first() else {
        return Ok((f64::NAN, 0.0));
    };
    // deviations from the first value keep the digits of columns far from zero
    let mean = first + column.iter().map(|value| value - first).sum::<f64>() / column.len() as f64;
    let squares = column.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    // below this, squares have lost their digits to underflow
    let is_lost = squares < f64::MIN_POSITIVE * 1e20 && column.iter().any(|value| value != first);
    if squares.is_finite() && !is_lost { Ok((mean, squares)) } else { Err(range()) }
}

/// Values whose squares can still be added up as doubles.
const LARGEST: f64 = 1e140;

/// Upper triangle with diagonal; a diagonal element is 1, or 0 for a constant column.
fn own_correlations(standard: &Standard, out: &mut Vec<u64>) -> Result<()> {
    let products = standard.units.t().dot(&standard.units);
    let columns = standard.is_constant.len();
    out.reserve(triangle(columns));
    for row in 0..columns {
        for column in row..columns {
            let value = match (row == column, standard.is_constant[row]) {
                (true, true) => 0.0,
                (true, false) => 1.0,
                (false, _) => products[[row, column]].clamp(-1.0, 1.0),
            };
            out.push(Unit::encode("correlation", value)?);
        }
    }
    Ok(())
}

/// Means of our own columns by group, `[groups, columns]`; NaN for an empty group.
fn group_means(numeric: &Array2<f64>, members: &[u32], counts: &[u64], out: &mut Vec<u64>) -> Result<()> {
    let mut sums = Array2::<f64>::zeros((counts.len(), numeric.ncols()));
    for (row, member) in numeric.rows().into_iter().zip(members) {
        let mut sum = sums.row_mut(*member as usize);
        sum += &row;
    }
    for (sum, count) in sums.rows().into_iter().zip(counts) {
        for value in sum {
            out.push(Float64::encode("group mean", value / *count as f64)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{arr2, array};

    use super::*;

    #[test]
    fn units_have_norm_one_and_constants_are_found() {
        let numeric = arr2(&[[1.0, 0.1, 1e9], [2.0, 0.1, 1e9 + 1.0], [4.0, 0.1, 1e9 + 3.0]]);
        let standard = standardise(&["a".into(), "b".into(), "c".into()], &numeric).unwrap();
        assert_eq!(standard.is_constant, [false, true, false]);
        assert_eq!(standard.sds[1], 0.0);
        assert_eq!(standard.means[1], 0.1);
        for at in [0, 2] {
            let norm: f64 = standard.units.column(at).iter().map(|unit| unit * unit).sum();
            assert!((norm - 1.0).abs() < 1e-12);
            assert!((standard.sds[at] - (7.0f64 / 3.0).sqrt()).abs() < 1e-9);
        }
        assert_eq!(standard.units.column(1), array![0.0, 0.0, 0.0]);
    }

    #[test]
    fn unusable_columns_are_named_without_values() {
        for value in [f64::NAN, f64::INFINITY, 1e300, 1e200] {
            let error = moments("income", array![1.0, value].view()).unwrap_err().to_string();
            assert!(error.contains("income") && !error.contains("e300"), "{error}");
        }
        assert!(moments("tiny", array![0.0, 1e-200].view()).is_err());
        assert!(moments("zero", array![0.0, 0.0].view()).is_ok());
    }

    #[test]
    fn small_cells_are_refused() {
        assert!(check_cells("health", &[10, 11], 10).is_ok());
        let error = check_cells("health", &[10, 3, 0], 10).unwrap_err().to_string();
        assert!(error.contains("`health`") && error.contains("`2` of `3`") && error.contains("`10`"), "{error}");
        assert!(group_counts(&[0, 2], 2).is_err());
        assert_eq!(group_counts(&[0, 1, 0], 3).unwrap(), [2, 1, 0]);
    }

    #[test]
    fn one_row_has_no_deviation() {
        let standard = standardise(&["a".into()], &arr2(&[[5.0]])).unwrap();
        assert!(standard.sds[0].is_nan());
        assert_eq!(standard.means[0], 5.0);
    }
}
