//! The exponential function and softmax.
//!
//! | operation | input | maximum error | rounds on [`rep3`](crate::rep3) | bytes per element |
//! |---|---|---|---:|---:|
//! | [`Secret::exp`] | `-600 < x < (36 - F) ln 2` | `2^-19 e^x + 2^-F` | 21 | 560 |
//! | [`Secret::softmax`] | `|x| < 300`, at most 2^(20) entries a row | `2^-16` | | |
//!
//! `F` from 8 to 28. `e^x = 2^i 2^f` with `i + f = x log2(e)`: the bits of `i` come out of an adder of a few planes and are lifted; `2^i` is an
//! exact product of factors `1` or `2^(2^j)`; `2^f` is a polynomial of degree 5. `f` may be a little above 1 instead of 0, since the carry
//! of the lower planes is left out.

use ndarray::{Dimension, Ix2};

use super::divide::{Divisor, reciprocal};
use super::{circuit, in_pieces, polynomial};
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of the constant `log2(e)`.
const FACTOR: u32 = 22;
/// Fraction bits of the polynomial.
const WORK: u32 = 22;
const COEFFICIENT: u32 = 22;
/// `|x log2(e)|` is below 2^10; planes below 2^-5 are left out.
const RANGE: u32 = 10;
const SHARPNESS: u32 = 5;
/// Bits of the exponent.
const EXPONENT: usize = 6;
/// Powers of two below this fraction of an ulp are zero.
const SPARE: u32 = 2;

fn exponential<E: Engine>(engine: &mut E, x: &E::Words, fraction: u32) -> Result<E::Words> {
    let len = x.len();
    let scale = fraction + FACTOR;
    let factor = (std::f64::consts::LOG2_E * f64::from(FACTOR).exp2()).round() as u64;
    // x log2(e), moved so that what is below a quarter of an ulp is negative
    let moved = x.scale(factor).add(&engine.constant(&vec![u64::from(fraction + SPARE) << scale; len]));
    let [a, b] = only(engine.addends_at(&moved, &[0], scale - SHARPNESS..scale + RANGE + 1)?)?;
    let bits = circuit::sum(engine, &a, &b)?;
    let mut wanted: Vec<E::Bits> = bits.iter().skip(SHARPNESS as usize).take(EXPONENT).cloned().collect();
    wanted.extend(bits.last().map(|negative| circuit::not(engine, negative)));
    let lifted = engine.lift(&wanted.iter().collect::<Vec<_>>())?;
    let (Some(keep), exponent) = (lifted.last(), lifted.iter().take(EXPONENT)) else {
        return Err(Error::caller("an engine splits values into planes"));
    };
    // f = moved - i
    let mut terms = vec![(1, &moved)];
    terms.extend(exponent.clone().enumerate().map(|(bit, one)| ((1u64 << (scale as usize + bit)).wrapping_neg(), one)));
    let rest = E::Words::combination(&terms);
    // 2^i, 1 + b (2^(2^j) - 1) for each bit, zero if negative
    let ones = engine.constant(&vec![1; len]);
    let mut factors: Vec<E::Words> =
        exponent.enumerate().map(|(bit, one)| E::Words::combination(&[(1, &ones), ((1 << (1 << bit)) - 1, one)])).collect();
    factors.push(keep.clone());
    while factors.len() > 1 {
        let spare = if factors.len() % 2 == 1 { factors.pop() } else { None };
        let products: Vec<_> = factors.chunks_exact(2).map(|pair| Product::Each(&pair[0], &pair[1])).collect();
        let mut next = engine.multiply(&products, 0)?;
        next.extend(spare);
        factors = next;
    }
    let power = factors.pop().unwrap_or(ones);
    // t = 2 f - 1
    let t = only(engine.truncate(&[&rest], scale - WORK - 1)?)?.sub(&engine.constant(&vec![1 << WORK; len]));
    let coefficients = polynomial::fit(f64::exp2, 0.0, 1.0, 5);
    let powers = polynomial::powers(engine, &t, WORK, 5)?;
    let part = polynomial::sum(engine, &coefficients, &powers, WORK, COEFFICIENT);
    let part = only(engine.truncate(&[&part], COEFFICIENT)?)?;
    only(engine.multiply(&[Product::Each(&part, &power)], WORK + SPARE)?)
}

fn check<const F: u32>() -> Result<()> {
    if (8..=28).contains(&F) { Ok(()) } else { Err(Error::caller(format!("exponential with {F} fraction bits, expected 8 to 28"))) }
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// `e^x` for `-600 < x < (36 - F) ln 2`; see [`crate::ops::exponential`].
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are 8 to 28 fraction bits; the engine's.
    pub fn exp(&self, engine: &mut E) -> Result<Self> {
        check::<F>()?;
        Self::from_words(in_pieces(engine, self.words(), |engine, x| exponential(engine, x, F))?, self.dim())
    }
}

impl<E: Engine, const F: u32> Secret<E, Fixed<F>, Ix2> {
    /// `e^x` divided by its sum, along each row; see [`crate::ops::exponential`]. The greatest entry is subtracted first.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows without entries; [`Error::Caller`] unless there are 8 to 28 fraction bits; the engine's.
    pub fn softmax(&self, engine: &mut E) -> Result<Self> {
        check::<F>()?;
        let rows = self.shape()[0];
        let greatest = self.max_axis(engine, 1)?.reshape(Ix2(rows, 1))?;
        let powers = self.sub(&greatest)?.exp(engine)?;
        let sums = powers.sum_axis(1)?;
        let inverse = reciprocal::<E, F>(engine, sums.words(), Divisor::Positive)?;
        powers.mul(engine, &Self::from_words(inverse, Ix2(rows, 1))?)
    }
}
