//! The logistic function `1 / (1 + e^-x)` by five parabolas on each side.
//!
//! | | |
//! |---|---|
//! | input | `|x| <= 120` ([`Secret::sigmoid`]), or any other range by [`Secret::sigmoid_within`]; beyond it the result is wrong |
//! | maximum error | `1e-3` for at least 12 fraction bits |
//! | rounds on [`rep3`](crate::rep3) | 10 (12 for more than 23 fraction bits) |
//! | bytes per element on [`rep3`](crate::rep3) | 299 with 20 fraction bits |
//!
//! Compare SecureML (Mohassel, Zhang, S&P 2017, section 5.3: three pieces, error 0.1) and ABY3 (Mohassel, Rindal, CCS 2018, section
//! 5.4, whose pieces are multiplied by each indicator separately).

use ndarray::Dimension;

use super::in_pieces;
use super::spline::{Degree, OddSpline};
use crate::engine::{Engine, Module, Vector};
use crate::fixed::Fixed;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Default range: `|x| < 2^7` minus the last knot.
const RANGE: u32 = 7;

/// Where the parabolas meet: the smallest error of four knots when comparisons are sharp to 1/8 (found by bisection).
const KNOTS: [f64; 4] = [0.625, 2.343_75, 3.843_75, 6.375];
const SHARPNESS: u32 = 3;

/// Knots of straight pieces: the smallest error (5.3e-4) of sixteen when comparisons are sharp to 1/32.
const STRAIGHT: [f64; 16] = [
    0.281_25, 0.593_75, 0.843_75, 1.078_125, 1.312_5, 1.531_25, 1.765_625, 2.015_625, 2.281_25, 2.578_125, 2.906_25, 3.296_875, 3.781_25,
    4.406_25, 5.312_5, 6.921_875,
];

/// Scale to which numbers of more than 23 fraction bits are cut.
const COARSE: u32 = 20;

fn centred(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp()) - 0.5
}

/// `sigmoid - 1/2` by parabolas.
#[must_use]
pub fn parabolas() -> OddSpline {
    OddSpline::fit(centred, 0.5, &KNOTS, Degree::Two, SHARPNESS, 16)
}

/// `factor (sigmoid - 1/2)` by straight pieces with slopes of `bits` fraction bits: fewer rounds, three times the bytes. For training.
/// Error `factor (6e-4 + 2^(-bits-2))`.
#[must_use]
pub fn lines(factor: f64, bits: u32) -> OddSpline {
    OddSpline::fit(|x| factor * centred(x), factor / 2.0, &STRAIGHT, Degree::One, 5, bits)
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// `1 / (1 + e^-x)` for `|x| <= 120`; see [`crate::ops::sigmoid`].
    ///
    /// # Errors
    /// [`Error::Caller`] for fewer than 8 fraction bits; the engine's.
    pub fn sigmoid(&self, engine: &mut E) -> Result<Self> {
        self.sigmoid_within(engine, RANGE)
    }

    /// The same for `|x| < 2^range - 7`: ten bytes more for each bit of the range.
    ///
    /// # Errors
    /// [`Error::Caller`] for fewer than 8 fraction bits or a range beyond the type's; the engine's.
    pub fn sigmoid_within(&self, engine: &mut E, range: u32) -> Result<Self> {
        if F < 8 || range < 4 || range + F > 61 {
            return Err(Error::caller(format!(
                "sigmoid of {F} fraction bits and |x| < 2^{range}, expected 8 or more and 2^4 to 2^{}",
                61 - F
            )));
        }
        let spline = parabolas();
        let one = |engine: &mut E, x: &E::Words| {
            let (coarse, fraction) = if F > 23 { (only(engine.truncate(&[x], F - COARSE)?)?, COARSE) } else { (x.clone(), F) };
            let value = spline.evaluate(engine, &coarse, fraction, range)?;
            let half = engine.constant(&vec![1 << (F - 1); x.len()]);
            Ok(E::Words::combination(&[(1 << (F - fraction), &value), (1, &half)]))
        };
        Self::from_words(in_pieces(engine, self.words(), one)?, self.dim())
    }
}
