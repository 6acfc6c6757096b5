//! Gradients and curvatures of rows over shares.

use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::ops::circuit;
use yu_mpc::ops::sigmoid::parabolas;

use super::{SCORE, only};
use crate::trees::{Boosting, Loss};
use crate::{Error, Result};

/// Fraction bits of `g` and `h`: sums over all rows stay below `2^30`, where `|g| < 1`, of the squared error `|g| < 2`.
pub(super) const fn fraction(loss: Loss, rows: usize) -> u32 {
    let bits = match loss {
        Loss::Logistic => 30 - rows.next_power_of_two().trailing_zeros(),
        Loss::Squared => 29 - rows.next_power_of_two().trailing_zeros(),
    };
    if bits < 16 { bits } else { 16 }
}

/// `g` and `h` of each row with `fraction` bits.
pub(super) fn of<E: Engine>(
    engine: &mut E,
    settings: &Boosting,
    scores: &E::Words,
    labels: &E::Words,
    fraction: u32,
) -> Result<[E::Words; 2]> {
    match settings.loss {
        Loss::Logistic => logistic(engine, settings, scores, labels, fraction),
        Loss::Squared => squared(engine, scores, labels, fraction),
    }
}

/// `g = score - y`, cut off at 2, which scores between the labels' extremes do not reach, and `h = 1`.
fn squared<E: Engine>(engine: &mut E, scores: &E::Words, labels: &E::Words, fraction: u32) -> Result<[E::Words; 2]> {
    let apart = scores.sub(labels);
    let limit = engine.constant(&vec![(2 << SCORE) - (1 << (SCORE - 8)); apart.len()]);
    let near = limited(engine, &apart, &limit)?;
    let cut = only(engine.truncate(&[&near], SCORE - fraction)?)?;
    Ok([cut, engine.constant(&vec![1 << fraction; apart.len()])])
}

/// Values cut off at a limit on either side: 13 rounds.
pub(super) fn limited<E: Engine>(engine: &mut E, values: &E::Words, limit: &E::Words) -> Result<E::Words> {
    let (above, below) = (limit.sub(values), limit.add(values).neg());
    let beyond = circuit::negative_words(engine, &[&above, &below.neg()])?;
    let [too_great, too_small] = &beyond[..] else {
        return Err(Error::caller("a primitive returned as many results as operands"));
    };
    let steps = engine.inject(&[(too_great, &above), (too_small, &below)])?;
    Ok(E::Words::combination(&[(1, values), (1, &steps[0]), (1, &steps[1])]))
}

/// `g = p - y` and `h = p (1 - p)` with `fraction` bits: 14 rounds on [`rep3`](yu_mpc::rep3). The sigmoid's error is 1e-3; `p` stays above 0 and below 1,
/// so no `h` is negative.
fn logistic<E: Engine>(engine: &mut E, settings: &Boosting, scores: &E::Words, labels: &E::Words, fraction: u32) -> Result<[E::Words; 2]> {
    let len = scores.len();
    // the labels' log-odds are below 14 for 2^20 rows
    let bound = settings.trees as f64 * settings.rate * settings.max_leaf + 14.0;
    let range = (bound + 7.0).log2().ceil() as u32;
    if range + SCORE > 40 {
        return Err(Error::caller("trees times learning rate times greatest leaf has to stay below 10^6"));
    }
    let centred = parabolas().evaluate(engine, scores, SCORE, range.max(4))?;
    let half = engine.constant(&vec![1 << (SCORE - 1); len]);
    let (p, rest) = (half.add(&centred), half.sub(&centred));
    let curvature = only(engine.multiply(&[Product::Each(&p, &rest)], 0)?)?;
    let gradient = p.sub(labels).scale(1 << SCORE);
    let mut cut = engine.truncate(&[&gradient, &curvature], 2 * SCORE - fraction)?.into_iter();
    match (cut.next(), cut.next()) {
        (Some(g), Some(h)) => Ok([g, h]),
        _ => Err(Error::caller("a primitive returned as many results as operands")),
    }
}
