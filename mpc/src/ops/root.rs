//! Square roots and their reciprocals.
//!
//! | operation | input | maximum error | rounds on [`rep3`](crate::rep3) | bytes per element |
//! |---|---|---|---:|---:|
//! | [`Secret::sqrt`] | `0 <= x < 2^(40-F)` | `2^-20 sqrt(x) + 2^-F` | 31 | 900 |
//! | [`Secret::rsqrt`] | `0 < x < 2^(40-F)` | `2^-20 / sqrt(x) + 2^-F` | 31 | 900 |
//!
//! `F` even, from 8 to 28. Both are zero for zero; for negative numbers they mean nothing.
//!
//! **How.** `x = y 4^(p+1) / 2^F` with `1/4 <= y < 1`: one bit of twenty says which pair of bits leads, and the powers `2^-p`, `4^-p`, `2^p`
//! are linear in those bits once they are lifted. A polynomial of degree 4 gives `r = (1 + d) / sqrt(y)` with `d < 0.002`; one step of
//! third order, `r (1 + e + 3/2 e^2)` with `e = (1 - y r^2) / 2`, leaves `5/2 d^3`.

use ndarray::Dimension;

use super::normal::{WIDTH, leading};
use super::{in_pieces, polynomial};
use crate::engine::{BitVector, Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Fraction bits of the parts.
const WORK: u32 = 24;
/// More bits of the first guess.
const GUESS: u32 = 8;
/// Pairs of bits.
const PAIRS: u32 = WIDTH / 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Plain,
    Reciprocal,
}

fn root<E: Engine>(engine: &mut E, x: &E::Words, fraction: u32, which: Root) -> Result<E::Words> {
    let len = x.len();
    let leading = leading(engine, x)?;
    let pairs: Vec<E::Bits> = leading.one.chunks(2).map(|pair| pair[0].xor(&pair[pair.len() - 1])).collect();
    let lifted = engine.lift(&pairs.iter().collect::<Vec<_>>())?;
    let power = |exponent: &dyn Fn(u32) -> u32| {
        let terms: Vec<_> = (0..PAIRS).zip(&lifted).map(|(pair, bit)| (1 << exponent(pair), bit)).collect();
        E::Words::combination(&terms)
    };
    // y at WORK bits
    let fourth = power(&|pair| 2 * (PAIRS - 1 - pair));
    let y = only(engine.multiply(&[Product::Each(x, &fourth)], WIDTH - WORK)?)?;
    // the polynomial wants t = (y - 5/8) 8/3; its coefficients absorb the factor
    let t = y.sub(&engine.constant(&vec![5 << (WORK - 3); len]));
    let mut coefficients = polynomial::fit(|y| y.powf(-0.5), 0.25, 1.0, 4);
    for (power, c) in (0i32..).zip(&mut coefficients) {
        *c *= (8.0f64 / 3.0).powi(power);
    }
    let powers = polynomial::powers(engine, &t, WORK, 4)?;
    let guess = polynomial::sum(engine, &coefficients, &powers, WORK, GUESS);
    let product = only(engine.multiply(&[Product::Each(&y, &guess)], WORK + GUESS)?)?;
    // 2 e = 1 - y r^2
    let square = only(engine.multiply(&[Product::Each(&product, &guess)], WORK + GUESS)?)?;
    let twice = engine.constant(&vec![1 << WORK; len]).sub(&square);
    // e + 3/2 e^2 = 2e (4 + 3 x 2e) / 8
    let four = engine.constant(&vec![4 << WORK; len]);
    let series = only(engine.multiply(&[Product::Each(&twice, &E::Words::combination(&[(1, &four), (3, &twice)]))], WORK + 3)?)?;
    let correction = series.add(&engine.constant(&vec![1 << WORK; len]));
    let half = fraction / 2;
    match which {
        Root::Plain => {
            let part = only(engine.multiply(&[Product::Each(&product, &correction)], WORK)?)?;
            only(engine.multiply(&[Product::Each(&part, &power(&|pair| pair + 1))], WORK - half)?)
        }
        Root::Reciprocal => {
            let part = only(engine.multiply(&[Product::Each(&guess, &correction)], WORK + GUESS)?)?;
            let cut = WORK + PAIRS - fraction - half;
            only(engine.multiply(&[Product::Each(&part, &power(&|pair| PAIRS - 1 - pair))], cut)?)
        }
    }
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// Square root for `0 <= x < 2^(40-F)`; see [`crate::ops::root`].
    ///
    /// # Errors
    /// [`Error::Caller`] unless the number of fraction bits is even and 8 to 28; the engine's.
    pub fn sqrt(&self, engine: &mut E) -> Result<Self> {
        self.root(engine, Root::Plain)
    }

    /// Reciprocal of the square root for `0 < x < 2^(40-F)`; see [`crate::ops::root`].
    ///
    /// # Errors
    /// As [`Self::sqrt`].
    pub fn rsqrt(&self, engine: &mut E) -> Result<Self> {
        self.root(engine, Root::Reciprocal)
    }

    fn root(&self, engine: &mut E, which: Root) -> Result<Self> {
        if !(8..=28).contains(&F) || !F.is_multiple_of(2) {
            return Err(Error::caller(format!("square root with {F} fraction bits, expected an even number from 8 to 28")));
        }
        Self::from_words(in_pieces(engine, self.words(), |engine, x| root(engine, x, F, which))?, self.dim())
    }
}
