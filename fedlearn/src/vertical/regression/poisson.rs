//! Poisson regression (泊松回归): counts of one owner from features of all, the mean a product of effects.
//!
//! The owner of the counts checks them, divides them by their mean, and shares them with the logarithm of that mean ([`share_counts`]); Newton's method
//! runs on numbers near 1 ([`yu_mpc::learn::poisson`], with domain and errors); the intercept moves by the shared logarithm at the end. How long, or
//! over how many, each count was taken (exposure, 暴露量) is an offset that the same owner shares.
//!
//! **Who learns what.** As in [`super`]: not even the mean of the counts is told.
//!
//! **Rounds and bytes** on [`rep3`](yu_mpc::rep3): about 180 rounds an iteration and `n (1100 + 32 d) + 1430 (d + 1)^2` bytes.

use ndarray::{ArrayView1, Ix1, Ix2};
use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::learn::information::Variance;
use yu_mpc::learn::poisson::{self, Fine, MOST_OFFSET, MOST_TARGET, Mean};
use yu_mpc::learn::{Feature, Poisson, Weight};
use yu_mpc::secret::Secret;
use zeroize::Zeroizing;

use crate::evaluate::shares::only;
use crate::{Error, Result};

/// Greatest count: a mean that is predicted is at most `e^6.93 < 1024`.
pub const MOST_COUNT: f64 = 1023.0;

/// For how long, or over how many, counts were taken.
#[derive(Clone, Copy)]
pub enum Exposure<'a> {
    /// All for as long.
    Equal,
    /// Positive numbers, at the owner of the counts; the others know that there are some.
    Own(Option<&'a [f64]>),
}

/// Counts of one owner.
#[derive(Clone, Copy)]
pub struct Counts<'a> {
    /// Party that owns them.
    pub owner: usize,
    /// At the owner, one for each row: whole numbers up to [`MOST_COUNT`].
    pub values: Option<&'a [f64]>,
    /// For how long they were taken.
    pub exposure: Exposure<'a>,
}

/// Shared counts over their mean. They do not print.
pub struct Targets<E: Engine> {
    values: Secret<E, Mean, Ix1>,
    offsets: Option<Secret<E, Mean, Ix1>>,
    /// Logarithm of the sum of the counts over that of the exposures.
    base: Secret<E, Fixed<FRACTION>, Ix1>,
    /// One over the mean count.
    inverse: Secret<E, Mean, Ix1>,
}

/// A fitted model. It does not print.
pub struct Fitted<E: Engine> {
    /// Weights of the columns, then the intercept.
    pub weights: Secret<E, Weight, Ix1>,
    /// The same for counts over their mean.
    fine: Secret<E, Fine, Ix1>,
}

/// Fraction bits of weights.
const FRACTION: u32 = 16;

/// Shares counts. One round.
///
/// # Errors
/// [`Error::Data`] at the owner for another number of them, for what is no count up to [`MOST_COUNT`], for no event at all, for a count of more
/// than 2048 times the mean, and for exposures that are not positive or more than a factor `e^6` from their mean; the engine's.
pub fn share_counts<E: Engine>(engine: &mut E, rows: usize, counts: &Counts<'_>) -> Result<Targets<E>> {
    let own = counts.values.map(|values| Own::of(rows, values, &counts.exposure)).transpose()?;
    let mut column = |values: Option<&[f64]>, len: usize| -> Result<Secret<E, Mean, Ix1>> {
        Ok(Secret::input(engine, counts.owner, values.map(ArrayView1::from), Ix1(len))?)
    };
    let all = column(own.as_ref().map(|own| &own.0[..]), rows * (1 + usize::from(counts.exposure.is_own())) + 2)?.into_words();
    let part = |range: std::ops::Range<usize>| {
        let len = range.len();
        Secret::from_words(all.slice(range), Ix1(len))
    };
    Ok(Targets {
        base: Secret::from_words(all.slice(0..1), Ix1(1))?,
        inverse: part(1..2)?,
        values: part(2..2 + rows)?,
        offsets: counts.exposure.is_own().then(|| part(2 + rows..2 + 2 * rows)).transpose()?,
    })
}

/// Fits weights of the columns and an intercept, with a ridge on the scale of the mean.
///
/// # Errors
/// [`Poisson::check`]'s; the engine's.
pub fn poisson<E: Engine>(
    engine: &mut E,
    settings: &Poisson,
    features: &Secret<E, Feature, Ix2>,
    targets: &Targets<E>,
) -> Result<Fitted<E>> {
    let fine = settings.fit(engine, features, &targets.values, targets.offsets.as_ref())?;
    let weights: Secret<E, Weight, Ix1> = fine.rescale(engine)?;
    let moved = E::Words::concat(&[&E::Words::zeros(weights.len() - 1), targets.base.words()]);
    Ok(Fitted { weights: Secret::from_words(weights.words().add(&moved), weights.dim())?, fine })
}

/// What [`Inference::new`](super::Inference::new) makes standard errors of. The mean count is known to 2^-16 of its inverse.
///
/// # Errors
/// [`Poisson::check`]'s; the engine's.
pub fn variances<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    targets: &Targets<E>,
    fitted: &Fitted<E>,
    ridge: f64,
) -> Result<Secret<E, Variance, Ix1>> {
    let scaled = poisson::variances(engine, features, &fitted.fine, targets.offsets.as_ref(), ridge)?;
    let inverse = targets.inverse.words().gather(&vec![0; scaled.len()]);
    Ok(Secret::from_words(only(engine.multiply(&[Product::Each(scaled.words(), &inverse)], FRACTION)?)?, scaled.dim())?)
}

/// Shares logarithms of exposures, for predictions. One round.
///
/// # Errors
/// [`Error::Data`] at the owner for exposures that are not positive or beyond a factor `e^6` from 1; the engine's.
pub fn share_exposures<E: Engine>(engine: &mut E, owner: usize, rows: usize, values: Option<&[f64]>) -> Result<Secret<E, Mean, Ix1>> {
    let logs = values.map(|values| logarithms(rows, values, 1.0)).transpose()?;
    Ok(Secret::input(engine, owner, logs.as_ref().map(|logs| ArrayView1::from(&logs[..])), Ix1(rows))?)
}

/// Mean counts for weights that stay shares, then their logarithms; see [`poisson::means`].
///
/// # Errors
/// The engine's; for another number of weights [`yu_mpc::Error::Shape`].
pub fn means<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    weights: &Secret<E, Weight, Ix1>,
    exposures: Option<&Secret<E, Mean, Ix1>>,
) -> Result<[Secret<E, Mean, Ix1>; 2]> {
    Ok(poisson::means(engine, features, weights, exposures)?)
}

/// Refuses what is no count up to [`MOST_COUNT`], by the row.
///
/// # Errors
/// [`Error::Data`].
pub fn check_counts(values: &[f64]) -> Result<()> {
    let is_count = |value: &f64| (0.0..=MOST_COUNT).contains(value) && value.fract() == 0.0;
    match values.iter().position(|value| !is_count(value)) {
        Some(row) => Err(data(format!("row {row} is no whole number from 0 to {MOST_COUNT}"), "count in fewer or larger units")),
        None => Ok(()),
    }
}

impl Exposure<'_> {
    const fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }
}

/// What the owner of the counts shares: the logarithm of their mean, one over it, the counts over it, the offsets. Wiped on drop.
struct Own(Zeroizing<Vec<f64>>);

impl Own {
    fn of(rows: usize, values: &[f64], exposure: &Exposure<'_>) -> Result<Self> {
        if values.len() != rows || rows == 0 {
            return Err(data(format!("{} counts for {rows} rows", values.len()), "pass one for each row"));
        }
        check_counts(values)?;
        let mean = values.iter().sum::<f64>() / rows as f64;
        if mean <= 0.0 {
            return Err(data("all are 0".into(), "a model of nothing has no weights: take more rows"));
        }
        if let Some(row) = values.iter().position(|value| *value > MOST_TARGET * mean) {
            let problem = format!("row {row} is more than {MOST_TARGET} times the mean");
            return Err(data(problem, "count in fewer or larger units, or leave the row out"));
        }
        let (mut base, mut offsets) = (mean.ln(), None);
        if let Exposure::Own(exposures) = exposure {
            let exposures = exposures.ok_or_else(|| Error::caller("counts without the exposures that were announced"))?;
            let average = exposures.iter().sum::<f64>() / rows as f64;
            offsets = Some(logarithms(rows, exposures, average)?);
            base -= average.ln();
        }
        let scaled = values.iter().map(|value| value / mean);
        Ok(Self(Zeroizing::new(
            [base, 1.0 / mean].into_iter().chain(scaled).chain(offsets.iter().flat_map(|all| all.iter().copied())).collect(),
        )))
    }
}

/// Logarithms of exposures over their mean.
fn logarithms(rows: usize, values: &[f64], mean: f64) -> Result<Zeroizing<Vec<f64>>> {
    let logs = Zeroizing::new(values.iter().map(|value| (value / mean).ln()).collect::<Vec<_>>());
    let fits = |log: &f64| log.abs() <= MOST_OFFSET;
    if values.len() != rows || !logs.iter().all(fits) {
        let problem =
            format!("{} exposures for {rows} rows, or one is not positive or more than a factor e^{MOST_OFFSET} off", values.len());
        return Err(data(problem, "pass one positive number for each row, near 1"));
    }
    Ok(logs)
}

fn data(problem: String, remedy: &str) -> Error {
    Error::Data { what: "counts of a Poisson regression".into(), problem, remedy: remedy.into() }
}
