//! The best split of every node of a level, and the leaves, over shares.

use ndarray::Ix1;
use yu_mpc::engine::{BitVector, Engine, Module, Packed, Product, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::ops::circuit;
use yu_mpc::secret::Secret;

use super::greatest;
use super::layout::Layout;
use super::{RATE, SCORE, only};
use crate::Result;
use crate::trees::Boosting;

/// Fraction bits of the values of candidates.
const VALUE: u32 = 12;

/// What a level decides.
pub(super) struct Best<W> {
    /// 1 for the chosen candidate of each node, `[nodes, candidates]`.
    pub(super) one_hot: W,
    /// `G / (H + lambda)` left and right of each candidate.
    weights: [W; 2],
}

/// The best candidate of each of `nodes` nodes, of the sums of `g` and then `h` left of each candidate.
///
/// `rows` and `fraction` give the ranges: `|G| 2^fraction < 2^30`, `|G / (H + lambda)| <= rows / lambda`. The quotient has 20 bits behind the point, and of
/// these as many meet `G` as keep the product below `2^61`.
pub(super) fn best<E: Engine>(
    engine: &mut E,
    settings: &Boosting,
    layout: &Layout,
    sums: &E::Words,
    nodes: usize,
    [rows, fraction]: [u32; 2],
) -> Result<Best<E::Words>> {
    let (width, len) = (layout.candidates, nodes * layout.candidates);
    let (g, h) = (sums.slice(0..len), sums.slice(len..2 * len));
    let all: Vec<usize> = (0..len).map(|at| at / width * width).collect();
    let sides = |left: &E::Words| E::Words::concat(&[left, &left.gather(&all).sub(left)]);
    let (g, h) = (sides(&g), sides(&h));
    let unit = f64::from(fraction).exp2();
    let public = |engine: &E, value: f64, len: usize| engine.constant(&vec![(value * unit).round() as u64; len]);

    let up = 1 << (SCORE - fraction);
    let penalised = h.add(&public(engine, settings.lambda, 2 * len));
    let quotient = Secret::<E, Fixed<SCORE>, _>::from_words(g.scale(up), Ix1(2 * len))?
        .div(engine, &Secret::from_words(penalised.scale(up), Ix1(2 * len))?)?
        .into_words();
    let bits = (31 - (f64::from(rows) / settings.lambda).log2().ceil().max(0.0) as u32).min(SCORE);
    let coarse = if bits < SCORE { only(engine.truncate(&[&quotient], SCORE - bits)?)? } else { quotient.clone() };
    let (left, right) = (g.transpose(2), coarse.transpose(2));
    let product = Product::Dots { left: &left, right: &right, terms: 2 };
    let mut value = only(engine.multiply(&[product], fraction + bits - VALUE)?)?;
    // nothing is gained by a split that gains no more than this
    let is_none = |at: usize| at.is_multiple_of(width);
    let gamma = (settings.gamma * f64::from(VALUE).exp2()).round() as u64;
    value = value.add(&engine.constant(&(0..len).map(|at| if is_none(at) { gamma } else { 0 }).collect::<Vec<_>>()));

    // enough weight on both sides; each row may be rounded up by one unit
    let least = settings.least_weight() + settings.min_rows as f64 / unit;
    let light = only(circuit::negative_words(engine, &[&h.sub(&public(engine, least, 2 * len))])?)?;
    let heavy = circuit::not(engine, &light);
    let both = only(engine.and(&[(&heavy.slice(0..len), &heavy.slice(len..2 * len))])?)?;
    let none: Packed = (0..len).map(is_none).collect();
    let others: Packed = (0..len).map(|at| !is_none(at)).collect();
    let allowed = both.mask(&others).xor(&engine.constant_bits(&none));
    let value = only(engine.inject(&[(&allowed, &value)])?)?;

    // G^2 / (H + lambda) of both sides together is at most rows^2 / lambda
    let range = (2.0 * f64::from(rows).log2() - settings.lambda.log2()).max(settings.gamma.max(1.0).log2()).ceil() as u32;
    let one_hot = greatest::one_hot(engine, &value, nodes, width, (range + VALUE + 3).min(64))?;
    Ok(Best { one_hot, weights: [quotient.slice(0..len), quotient.slice(len..2 * len)] })
}

/// Left and right leaf of each node of the last level, the learning rate included, 20 bits behind the point.
pub(super) fn leaves<E: Engine>(engine: &mut E, settings: &Boosting, best: &Best<E::Words>, nodes: usize) -> Result<[E::Words; 2]> {
    let terms = best.one_hot.len() / nodes;
    let dots: Vec<_> = best.weights.iter().map(|weights| Product::Dots { left: &best.one_hot, right: weights, terms }).collect();
    let chosen = engine.multiply(&dots, 0)?;
    let weight = E::Words::concat(&chosen.iter().collect::<Vec<_>>());
    let raw = (settings.max_leaf * f64::from(SCORE).exp2()) as u64;
    let limit = engine.constant(&vec![raw; 2 * nodes]);
    let limited = super::gradients::limited(engine, &weight, &limit)?;
    let rate = (settings.rate * f64::from(RATE).exp2()).round() as u64;
    let leaves = only(engine.truncate(&[&limited.scale(rate.wrapping_neg())], RATE)?)?;
    Ok([leaves.slice(0..nodes), leaves.slice(nodes..2 * nodes)])
}
