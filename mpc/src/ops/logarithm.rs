//! The natural logarithm.
//!
//! | operation | input | maximum error | rounds on [`rep3`](crate::rep3) | bytes per element |
//! |---|---|---|---:|---:|
//! | [`Secret::ln`] | `0 < x < 2^(40-F)` | `2^-19 + 2^-F` | 35 | 752 |
//!
//! `F` from 8 to 30. For zero and negative numbers it means nothing. `x = y 2^(j+1) / 2^F` with `1/2 <= y < 1`: `j` is linear in the lifted
//! bits of its binary form, which are exclusive ors of the bits that say which one leads; `ln y` is a polynomial of degree 8.

use ndarray::Dimension;

use super::normal::{centred, factor, leading};
use super::{in_pieces, polynomial};
use crate::engine::{BitVector, Engine, Module, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of the powers, and more of the coefficients.
const WORK: u32 = 24;
const COEFFICIENT: u32 = 22;
/// Bits of the number of a bit.
const INDEX: usize = 6;

fn logarithm<E: Engine>(engine: &mut E, x: &E::Words, fraction: u32) -> Result<E::Words> {
    let leading = leading(engine, x)?;
    let factor = factor(engine, &leading)?;
    let index: Vec<E::Bits> = (0..INDEX)
        .map(|bit| {
            let with = leading.one.iter().enumerate().filter(|(at, _)| at >> bit & 1 == 1);
            with.fold(E::Bits::zeros(x.len()), |sum, (_, one)| sum.xor(one))
        })
        .collect();
    let lifted = engine.lift(&index.iter().collect::<Vec<_>>())?;
    let t = centred(engine, x, &factor, WORK)?;
    let mut coefficients = polynomial::fit(f64::ln, 0.5, 1.0, 8);
    let two = std::f64::consts::LN_2;
    if let Some(constant) = coefficients.first_mut() {
        *constant += two * (1.0 - f64::from(fraction));
    }
    let powers = polynomial::powers(engine, &t, WORK, 8)?;
    let part = polynomial::sum(engine, &coefficients, &powers, WORK, COEFFICIENT);
    let unit = two * f64::from(WORK + COEFFICIENT).exp2();
    let mut terms = vec![(1, &part)];
    terms.extend(lifted.iter().enumerate().map(|(bit, lifted)| ((unit * f64::from(1u32 << bit)).round() as u64, lifted)));
    only(engine.truncate(&[&E::Words::combination(&terms)], WORK + COEFFICIENT - fraction)?)
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// Natural logarithm for `0 < x < 2^(40-F)`; see [`crate::ops::logarithm`].
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are 8 to 30 fraction bits; the engine's.
    pub fn ln(&self, engine: &mut E) -> Result<Self> {
        if !(8..=30).contains(&F) {
            return Err(Error::caller(format!("logarithm with {F} fraction bits, expected 8 to 30")));
        }
        Self::from_words(in_pieces(engine, self.words(), |engine, x| logarithm(engine, x, F))?, self.dim())
    }
}
