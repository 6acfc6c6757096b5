//! Functions of fixed-point numbers, conversions, extremes.

use ndarray::{Ix1, Ix2};
use rand::Rng;

use super::arithmetic::{FRACTION, Number, array, signed, words};
use super::{Output, Program};
use crate::Result;
use crate::engine::{Engine, Vector};
use crate::ops::convert;
use crate::ring::Int;
use crate::secret::Secret;

/// Positive raw values from 2^17 to 2^30, by equal ratios.
fn positive(n: usize, rng: &mut dyn Rng) -> Vec<u64> {
    (0..n).map(|_| (1 << 29 | rng.next_u64() >> 35) >> (rng.next_u64() % 13)).collect()
}

fn matrix<E: Engine, T: crate::ring::Element>(words: &E::Words, columns: usize) -> Result<Secret<E, T, Ix2>> {
    Secret::from_words(words.clone(), Ix2(words.len() / columns, columns))
}

/// `1 / (1 + e^-x)`.
pub struct Sigmoid;

impl Program for Sigmoid {
    const NAME: &'static str = "sigmoid";
    /// Twice the stated error: engines may take different pieces where they overlap.
    const TOLERANCE: u64 = (1 << FRACTION) / 500;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, FRACTION + 3, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.sigmoid(engine)?.into_words())])
    }
}

/// `1 / x`.
pub struct Reciprocal;

impl Program for Reciprocal {
    const NAME: &'static str = "reciprocal";
    /// Twice the stated error for results up to 8.
    const TOLERANCE: u64 = 20;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![positive(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.reciprocal(engine)?.into_words())])
    }
}

/// `sqrt(x)`.
pub struct SquareRoot;

impl Program for SquareRoot {
    const NAME: &'static str = "sqrt";
    /// Twice the stated error for results up to 32.
    const TOLERANCE: u64 = 70;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![positive(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.sqrt(engine)?.into_words())])
    }
}

/// `1 / sqrt(x)`.
pub struct InverseRoot;

impl Program for InverseRoot {
    const NAME: &'static str = "rsqrt";
    /// Twice the stated error for results up to 3.
    const TOLERANCE: u64 = 8;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![positive(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.rsqrt(engine)?.into_words())])
    }
}

/// `e^x`.
pub struct Exponential;

impl Program for Exponential {
    const NAME: &'static str = "exp";
    /// Twice the stated error for results up to 55.
    const TOLERANCE: u64 = 250;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, FRACTION + 2, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.exp(engine)?.into_words())])
    }
}

/// `ln x`.
pub struct Logarithm;

impl Program for Logarithm {
    const NAME: &'static str = "ln";
    /// Twice the stated error.
    const TOLERANCE: u64 = 6;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![positive(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.ln(engine)?.into_words())])
    }
}

/// `x / y`.
pub struct Divide;

impl Program for Divide {
    const NAME: &'static str = "div";
    /// Twice the stated error for quotients up to 128 of divisors from 1/8.
    const TOLERANCE: u64 = 300;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, FRACTION + 4, rng), positive(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Number>(&inputs[0])?, array::<E, Number>(&inputs[1])?);
        Ok(vec![Output::Words(x.div(engine, &y)?.into_words())])
    }
}

/// Softmax of `n` rows of three.
pub struct Softmax;

impl Program for Softmax {
    const NAME: &'static str = "softmax";
    /// Twice the stated error.
    const TOLERANCE: u64 = 32;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(3 * n, FRACTION + 3, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(matrix::<E, Number>(&inputs[0], 3)?.softmax(engine)?.into_words())])
    }
}

/// -1, 0 or 1.
pub struct Sign;

impl Program for Sign {
    const NAME: &'static str = "sign";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 62, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Int>(&inputs[0])?.sign(engine)?.into_words())])
    }
}

/// The greatest of each of `n` rows of five, some equal, and its index; where it is, as bits; the smallest and where it is.
pub struct ArgMaximum;

impl Program for ArgMaximum {
    const NAME: &'static str = "argmax";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let mut values = signed(5 * n, 62, rng);
        for row in values.chunks_exact_mut(5).step_by(2) {
            row[rng.next_u64() as usize % 5] = row[rng.next_u64() as usize % 5];
        }
        vec![values]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let x = matrix::<E, Int>(&inputs[0], 5)?;
        let (value, index) = x.argmax_axis(engine, 1)?;
        let hot = x.argmax_one_hot(engine, 1)?;
        let (least, at) = x.t().argmin_axis(engine, 0)?;
        let cold = x.t().argmin_one_hot(engine, 0)?;
        let words = [value, index, least, at].map(|array| Output::Words(array.into_words()));
        Ok(words.into_iter().chain([hot, cold].map(|bits| Output::Bits(bits.into_bits()))).collect())
    }
}

/// The 40 lowest bits.
pub struct ToBits;

impl Program for ToBits {
    const NAME: &'static str = "a2b";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let bits = Secret::<E, Int, Ix1>::to_bits(&array(&inputs[0])?, engine, 40)?;
        Ok(bits.into_iter().map(|bits| Output::Bits(bits.into_bits())).collect())
    }
}

/// To 40 bits and back, by both ways, and to 64 and back.
pub struct FromBits;

impl Program for FromBits {
    const NAME: &'static str = "b2a";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let all = convert::split(engine, &inputs[0], 64)?;
        let all: Vec<&E::Bits> = all.iter().collect();
        let ways =
            [convert::join_lifted(engine, &all[..40])?, convert::join_masked(engine, &all[..40])?, convert::join_masked(engine, &all)?];
        Ok(ways.into_iter().map(Output::Words).collect())
    }
}

/// Bits times words: the lowest planes of one vector, each with another. Communication of one bit of each word comes first.
pub struct Inject;

impl Program for Inject {
    const NAME: &'static str = "bit-injection";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let bits = convert::split(engine, &inputs[0], 1)?;
        let pairs: Vec<_> = bits.iter().map(|bits| (bits, &inputs[1])).collect();
        Ok(engine.inject(&pairs)?.into_iter().map(Output::Words).collect())
    }
}
