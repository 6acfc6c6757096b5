//! Mean errors of predictions on shares.

use ndarray::Ix1;
use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table;

use super::{FIGURE, Figure, SCORE, Score, check_rows, only};
use crate::{Error, Result};

/// More bits of a mean than of a score.
const MORE: u32 = FIGURE - SCORE;

/// Mean square of prediction minus target over the rows that count; its root is the RMSE. Both below `2^10` in absolute value, error below
/// `2^-16 + 2^-18`.
///
/// Opens nothing. 24 bytes a row, 48 with a selection, and one quotient.
///
/// # Errors
/// [`Error::Caller`] for lengths that differ or too many rows; the engine's.
pub fn square_error<E: Engine>(
    engine: &mut E,
    predictions: &Secret<E, Score, Ix1>,
    targets: &Secret<E, Score, Ix1>,
    selected: Option<&Secret<E, Int, Ix1>>,
) -> Result<Secret<E, Figure, Ix1>> {
    check_rows(predictions.len())?;
    let apart = predictions.sub(targets)?;
    let chosen = chosen(engine, apart.words(), selected)?;
    let squares = only(engine.multiply(&[Product::Each(&chosen, &chosen)], SCORE)?)?;
    mean(engine, &squares, selected)
}

/// Brier score: [`square_error`] of probabilities and labels 0 and 1.
///
/// # Errors
/// As [`square_error`].
pub fn brier<E: Engine>(
    engine: &mut E,
    predictions: &Secret<E, Score, Ix1>,
    labels: &Secret<E, Int, Ix1>,
    selected: Option<&Secret<E, Int, Ix1>>,
) -> Result<Secret<E, Figure, Ix1>> {
    let labels = Secret::from_words(labels.words().scale(1 << SCORE), labels.dim())?;
    square_error(engine, predictions, &labels, selected)
}

/// Mean Poisson deviance `2/n sum (y ln y - y) - y ln mu + mu`: the owner of the targets gives `y` and
/// [`poisson_term`](crate::evaluate::regression::poisson_term), the model gives `mu` and `ln mu`, which is its linear predictor. All
/// below `2^10` in absolute value, error below `2^-14`.
///
/// Opens nothing. 30 bytes a row, 78 with a selection, and one quotient.
///
/// # Errors
/// As [`square_error`].
pub fn poisson_deviance<E: Engine>(
    engine: &mut E,
    [targets, terms]: [&Secret<E, Score, Ix1>; 2],
    [means, logs]: [&Secret<E, Score, Ix1>; 2],
    selected: Option<&Secret<E, Int, Ix1>>,
) -> Result<Secret<E, Figure, Ix1>> {
    check_rows(targets.len())?;
    let apart = terms.add(means)?;
    if logs.len() != apart.len() || targets.len() != apart.len() {
        return Err(Error::caller(format!("`{}` targets and `{}` predictions", targets.len(), logs.len())));
    }
    let product = only(engine.multiply(&[Product::Each(targets.words(), logs.words())], SCORE)?)?;
    let sum = chosen(engine, &apart.words().sub(&product), selected)?;
    mean(engine, &sum.scale(2), selected)
}

/// Zero where a row does not count.
fn chosen<E: Engine>(engine: &mut E, values: &E::Words, selected: Option<&Secret<E, Int, Ix1>>) -> Result<E::Words> {
    match selected {
        Some(selected) => only(engine.multiply(&[Product::Each(values, selected.words())], 0)?),
        None => Ok(values.clone()),
    }
}

/// Mean over the rows that count of values that are zero elsewhere.
fn mean<E: Engine>(engine: &mut E, values: &E::Words, selected: Option<&Secret<E, Int, Ix1>>) -> Result<Secret<E, Figure, Ix1>> {
    let rows = values.len();
    let count = selected.map_or_else(|| engine.constant(&[rows as u64]), |selected| selected.words().sums(rows));
    let sum = values.sums(rows).scale(1 << MORE);
    Ok(Secret::from_words(only(table::means(engine, &[&sum], &count, rows)?)?, Ix1(1))?)
}
