//! Which columns say the same (相关性, 方差膨胀因子).
//!
//! Pearson's correlation of each pair, and the variance inflation factor `1 / (1 - R_j^2)` of each column, which is the diagonal of the
//! inverse of the correlation matrix. A constant column has correlation 0 with all others, and factor 1.

pub mod shares;

use ndarray::{Array1, Array2, ArrayView2};

use crate::evaluate::{check_numbers, data};
use crate::{Error, Result};

/// Correlations of all pairs of columns, `[columns, columns]`.
///
/// # Errors
/// [`Error::Data`] for no rows or what is no number.
pub fn pearson(columns: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let (rows, width) = columns.dim();
    check_numbers("columns", &columns.iter().copied().collect::<Vec<_>>())?;
    let means = columns.mean_axis(ndarray::Axis(0)).ok_or_else(|| data("columns", "no rows", "pass at least one row"))?;
    let centred = &columns - &means;
    let products = centred.t().dot(&centred);
    // what rounding leaves of a constant column is no deviation
    let floor = |j: usize| rows as f64 * means[j].powi(2) * 1e-28;
    let deviation = |j: usize| if products[[j, j]] > floor(j) { products[[j, j]].sqrt() } else { 0.0 };
    let deviations: Array1<f64> = (0..width).map(deviation).collect();
    Ok(Array2::from_shape_fn((width, width), |(i, j)| {
        let scale = deviations[i] * deviations[j];
        if i == j {
            1.0
        } else if scale == 0.0 {
            0.0
        } else {
            (products[[i, j]] / scale).clamp(-1.0, 1.0)
        }
    }))
}

/// Variance inflation factors from a correlation matrix to whose diagonal `ridge` is added; without one, a column that others add up to
/// is infinite, and so are those.
///
/// # Errors
/// [`Error::Caller`] for a matrix that is not square or a negative ridge.
pub fn variance_inflation(correlation: ArrayView2<'_, f64>, ridge: f64) -> Result<Vec<f64>> {
    let (rows, width) = correlation.dim();
    if rows != width || !(ridge >= 0.0 && ridge.is_finite()) {
        return Err(Error::caller(format!("correlation matrix of {rows} x {width} with ridge `{ridge}`")));
    }
    let matrix = &correlation + &(Array2::<f64>::eye(width) * ridge);
    Ok(inverse(matrix).map_or_else(|| vec![f64::INFINITY; width], |inverse| inverse.diag().to_vec()))
}

/// Gauss and Jordan with the greatest pivot; none for a matrix that is singular within rounding.
fn inverse(mut left: Array2<f64>) -> Option<Array2<f64>> {
    let n = left.nrows();
    let mut right = Array2::eye(n);
    for at in 0..n {
        let pivot = (at..n).max_by(|a, b| left[[*a, at]].abs().total_cmp(&left[[*b, at]].abs()))?;
        if left[[pivot, at]].abs() < 1e-12 {
            return None;
        }
        for column in 0..n {
            left.swap([pivot, column], [at, column]);
            right.swap([pivot, column], [at, column]);
        }
        let scale = left[[at, at]];
        left.row_mut(at).mapv_inplace(|value| value / scale);
        right.row_mut(at).mapv_inplace(|value| value / scale);
        let (own_left, own_right) = (left.row(at).to_owned(), right.row(at).to_owned());
        for row in (0..n).filter(|row| *row != at) {
            let factor = left[[row, at]];
            left.row_mut(row).scaled_add(-factor, &own_left);
            right.row_mut(row).scaled_add(-factor, &own_right);
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    #[test]
    fn known_values() {
        let columns = arr2(&[[1.0, 2.0, 5.0, 7.0], [2.0, 1.0, 4.0, 7.0], [3.0, 4.0, 2.0, 7.0], [4.0, 3.0, 2.0, 7.0]]);
        let r = pearson(columns.view()).unwrap();
        assert!((r[[0, 1]] - 0.6).abs() < 1e-12 && r[[0, 3]] == 0.0 && r[[3, 3]] == 1.0);
        let pair = arr2(&[[1.0, 0.6], [0.6, 1.0]]);
        let vif = variance_inflation(pair.view(), 0.0).unwrap();
        assert!(vif.iter().all(|vif| (vif - 1.0 / (1.0 - 0.36)).abs() < 1e-12));
        let same = arr2(&[[1.0, 1.0], [1.0, 1.0]]);
        assert_eq!(variance_inflation(same.view(), 0.0).unwrap(), [f64::INFINITY; 2]);
        assert!(variance_inflation(same.view(), 0.5).unwrap()[0].is_finite());
        assert!(variance_inflation(arr2(&[[1.0, 0.0]]).view(), 0.0).is_err());
    }
}
