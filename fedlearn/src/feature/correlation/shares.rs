//! Correlations and variance inflation of columns of several parties, over rows that nobody may know to count.
//!
//! **Parties and what each learns.** Columns are shares, standardised by their owners over whatever rows they have and below [`BOUND`];
//! so may the selection be. Nobody learns anything but the sizes: matrix and factors are shares. The matrix tells about the columns of
//! both sides, so it is opened to whom the contract names ([`crate::reveal`], or sealed to the reviewer); the factors alone tell less.
//!
//! **Adversary.** The engine's.
//!
//! **How.** One product `X^T X`; [`table::means`] divides by the number of rows that count, with 28 bits behind the point; covariances; a
//! reciprocal root for each variance. Variances are over the rows that count, so how the owners standardised does not matter but for
//! rounding. The inverse is Newton's and Schulz's iteration as in [`yu_mpc::learn::linear`], on `A = R / 2^k` with `2^k` at least the
//! number of columns, so that all eigenvalues are at most 1; to `A` is added `2^-15` (to `R` therefore [`ridge`]), so that columns that
//! add up to another have a great factor instead of none.
//!
//! **Error.** Correlations: `2^-15` for variances above `1/16` and columns rounded to `2^-14`. Factors: the same, times the square of the
//! factor.
//!
//! **Rounds and bytes** by dry run. With a selection 24 bytes on [`rep3`](yu_mpc::rep3) for each value; nothing else grows with the rows.

use ndarray::{Array2, Ix1, Ix2};
use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table;

use crate::evaluate::shares::{Figure, only};
use crate::{Error, Result};

/// Fraction bits of columns.
const STANDARD: u32 = 14;

/// Columns on shares.
pub type Standard = Fixed<STANDARD>;

/// Columns are smaller than this in absolute value.
pub const BOUND: f64 = 32.0;

/// More rows are refused: sums of products stay below 2^62.
const ROWS: usize = 1 << 20;
/// More columns are refused.
const COLUMNS: usize = 62;
/// Fraction bits of mean products and of means on the way to them.
const MOMENT: u32 = 28;
const MEAN: u32 = 24;
/// Fraction bits of correlations.
const FIGURE: u32 = 20;
/// Fraction bits of the scaled matrix, of its inverse and of the residual.
const SCALED: u32 = 28;
const INVERSE: u32 = 20;
const RESIDUAL: u32 = 24;
/// `(1 - 2^-15)^(2^19)` is 1e-7.
const ITERATIONS: usize = 19;
/// Bits of the least eigenvalue.
const LEAST: u32 = 15;

/// Shares columns of one owner, `[rows, columns]`.
///
/// # Errors
/// [`Error::Data`] for values that are not numbers or reach [`BOUND`], at their owner; the engine's.
pub fn input<E: Engine>(
    engine: &mut E,
    owner: usize,
    values: Option<ndarray::ArrayView2<'_, f64>>,
    shape: [usize; 2],
) -> Result<Secret<E, Standard, Ix2>> {
    let fits = |value: &f64| value.abs() < BOUND - Standard::ULP;
    if values.is_some_and(|values| !values.iter().all(fits)) {
        return Err(crate::evaluate::data("columns", "a value is missing or reaches 32", "standardise, fill and cut off first"));
    }
    Ok(Secret::input(engine, owner, values, Ix2(shape[0], shape[1]))?)
}

/// Correlations of all pairs of columns, `[columns, columns]`; 0 with a constant column, also of that one with itself.
///
/// # Errors
/// [`Error::Caller`] for no rows or columns or too many, or a selection of other rows; the engine's.
pub fn pearson<E: Engine>(
    engine: &mut E,
    columns: &Secret<E, Standard, Ix2>,
    selected: Option<&Secret<E, Int, Ix1>>,
) -> Result<Secret<E, Figure, Ix2>> {
    let [n, d] = [columns.shape()[0], columns.shape()[1]];
    check(n, d, selected.map(Secret::len))?;
    let x = match selected {
        Some(selected) => {
            let spread = selected.words().gather(&(0..n * d).map(|at| at / d).collect::<Vec<_>>());
            only(engine.multiply(&[Product::Each(columns.words(), &spread)], 0)?)?
        }
        None => columns.words().clone(),
    };
    let turned = x.transpose(n);
    let products = only(engine.multiply(&[Product::Matrix { left: &turned, right: &x, shape: [d, n, d] }], 0)?)?;
    let sums = E::Words::concat(&[&products, &turned.sums(n).scale(1 << STANDARD)]);
    let count = selected.map_or_else(|| engine.constant(&[n as u64]), |selected| selected.words().sums(n));
    let means = only(table::means(engine, &[&sums], &count.gather(&vec![0; d * d + d]), n)?)?;
    let (squares, means) = (means.slice(0..d * d), means.slice(d * d..d * d + d));
    let means = only(engine.truncate(&[&means], MOMENT - MEAN)?)?;
    let outer = Product::Matrix { left: &means, right: &means, shape: [d, 1, d] };
    let covariances = squares.sub(&only(engine.multiply(&[outer], 2 * MEAN - MOMENT)?)?);
    let diagonal = covariances.gather(&(0..d).map(|at| at * (d + 1)).collect::<Vec<_>>());
    let variances = only(engine.truncate(&[&diagonal], MOMENT - FIGURE)?)?;
    let roots = Secret::<E, Figure, Ix1>::from_words(variances, Ix1(d))?.rsqrt(engine)?.into_words();
    // below the root of the other variance: no overflow on the way
    let spread = |of: &dyn Fn(usize) -> usize| roots.gather(&(0..d * d).map(of).collect::<Vec<_>>());
    let half = only(engine.multiply(&[Product::Each(&covariances, &spread(&|at| at / d))], MOMENT + FIGURE - MEAN)?)?;
    let whole = only(engine.multiply(&[Product::Each(&half, &spread(&|at| at % d))], MEAN)?)?;
    Ok(Secret::from_words(whole, Ix2(d, d))?)
}

/// What [`variance_inflation`] adds to the diagonal of the correlation matrix of so many columns.
#[must_use]
pub fn ridge(columns: usize) -> f64 {
    (columns.max(1).next_power_of_two() as f64) / f64::from(1u32 << LEAST)
}

/// Variance inflation factors, as [`super::variance_inflation`] with [`ridge`]: a factor says "above 10" and "above 100" rightly for up
/// to 32 columns, and is at most `1 / ridge`.
///
/// # Errors
/// [`Error::Caller`] for a matrix that is not square or too large; the engine's.
pub fn variance_inflation<E: Engine>(engine: &mut E, correlation: &Secret<E, Figure, Ix2>) -> Result<Secret<E, Figure, Ix1>> {
    let [rows, d] = [correlation.shape()[0], correlation.shape()[1]];
    check(rows, d, None)?;
    if rows != d {
        return Err(Error::caller(format!("correlation matrix of {rows} x {d}")));
    }
    let k = d.next_power_of_two().trailing_zeros();
    let identity = |engine: &E, value: u64| {
        let diagonal = Array2::from_shape_fn((d, d), |(i, j)| if i == j { value } else { 0 });
        engine.constant(&diagonal.into_iter().collect::<Vec<_>>())
    };
    let a = correlation.words().scale(1 << (SCALED - FIGURE - k)).add(&identity(engine, 1 << (SCALED - LEAST)));
    let twice = identity(engine, 1 << (RESIDUAL + 1));
    let mut inverse = identity(engine, 1 << INVERSE);
    let shape = [d; 3];
    for _ in 0..ITERATIONS {
        let near = Product::Matrix { left: &a, right: &inverse, shape };
        let residual = twice.sub(&only(engine.multiply(&[near], SCALED + INVERSE - RESIDUAL)?)?);
        inverse = only(engine.multiply(&[Product::Matrix { left: &inverse, right: &residual, shape }], RESIDUAL)?)?;
    }
    let diagonal = inverse.gather(&(0..d).map(|at| at * (d + 1)).collect::<Vec<_>>());
    let factors = if k == 0 { diagonal } else { only(engine.truncate(&[&diagonal], k)?)? };
    Ok(Secret::from_words(factors, Ix1(d))?)
}

fn check(rows: usize, columns: usize, selected: Option<usize>) -> Result<()> {
    if !(1..=ROWS).contains(&rows) || !(1..=COLUMNS).contains(&columns) || selected.is_some_and(|selected| selected != rows) {
        return Err(Error::caller(format!(
            "correlation of {rows} rows and {columns} columns, expected 1 to {ROWS} and 1 to {COLUMNS}, and a selection of as many rows"
        )));
    }
    Ok(())
}
