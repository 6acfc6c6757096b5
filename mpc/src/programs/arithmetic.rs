//! Sums, products, truncations.

use ndarray::{Array1, Ix1, Ix2};
use rand::Rng;

use super::{Output, Program};
use crate::Result;
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::ring::Ring64;
use crate::secret::Secret;

/// Fraction bits of the fixed-point programs.
pub(super) const FRACTION: u32 = 20;
pub(super) type Number = Fixed<FRACTION>;

/// Ring elements, some of them at the ends.
pub(super) fn words(n: usize, rng: &mut dyn Rng) -> Vec<u64> {
    let ends = [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62];
    (0..n).map(|at| if at % 7 == 3 { ends[at / 7 % ends.len()] } else { rng.next_u64() }).collect()
}

/// Signed raw values below `2^bits` in absolute value, some of them at the ends.
pub(super) fn signed(n: usize, bits: u32, rng: &mut dyn Rng) -> Vec<u64> {
    let end = (1i64 << bits) - 1;
    let ends = [0, 1, -1, end, -end, end / 2, -(end / 2)];
    let draw = |rng: &mut dyn Rng| rng.next_u64().cast_signed() >> (63 - bits);
    let value = |at: usize, rng: &mut dyn Rng| if at % 7 == 3 { ends[at / 7 % ends.len()] } else { draw(rng).max(-end) };
    (0..n).map(|at| value(at, rng).cast_unsigned()).collect()
}

/// A vector as an array.
pub(super) fn array<E: Engine, T: crate::ring::Element>(words: &E::Words) -> Result<Secret<E, T, Ix1>> {
    Secret::from_words(words.clone(), Ix1(words.len()))
}

/// `x + y`: no communication.
pub struct Add;

impl Program for Add {
    const NAME: &'static str = "add";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, _: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(inputs[0].add(&inputs[1]))])
    }
}

/// What needs no communication: difference, negation, public addends and factors, sums, prefix sums.
pub struct Linear;

impl Program for Linear {
    const NAME: &'static str = "linear";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Ring64>(&inputs[0])?, array::<E, Ring64>(&inputs[1])?);
        let public: Array1<u64> = (0..n as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let all = [
            x.sub(&y)?,
            x.neg(),
            x.add_public(engine, public.view())?,
            x.add_scalar(engine, u64::MAX)?,
            x.scale(u64::MAX),
            x.scale_each(public.view())?,
            x.prefix_sum(),
        ];
        let sums = [x.sum().into_words(), y.sub(&x)?.sum().into_words()];
        Ok(all.into_iter().map(Secret::into_words).chain(sums).map(Output::Words).collect())
    }
}

/// `x - y`: no communication.
pub struct Subtract;

impl Program for Subtract {
    const NAME: &'static str = "sub";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, _: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(inputs[0].sub(&inputs[1]))])
    }
}

/// `-x`: no communication.
pub struct Negate;

impl Program for Negate {
    const NAME: &'static str = "neg";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, _: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(inputs[0].neg())])
    }
}

/// Sum of all elements: no communication.
pub struct Sum;

impl Program for Sum {
    const NAME: &'static str = "sum";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, _: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, crate::ring::Ring64>(&inputs[0])?.sum().into_words())])
    }
}

/// Mean of at least one element.
pub struct Mean;

impl Program for Mean {
    const NAME: &'static str = "mean";
    /// Two truncations on each engine; how the public factor is rounded is the same on all.
    const TOLERANCE: u64 = 4;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n.max(1), 61 - n.max(1).ilog2() - FRACTION, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Number>(&inputs[0])?.mean(engine)?.into_words())])
    }
}

/// Sums of the first 1, 2, ... elements: no communication.
pub struct PrefixSum;

impl Program for PrefixSum {
    const NAME: &'static str = "prefix-sum";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, _: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, crate::ring::Ring64>(&inputs[0])?.prefix_sum().into_words())])
    }
}

/// `x y` modulo 2^64.
pub struct Multiply;

impl Program for Multiply {
    const NAME: &'static str = "mul";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let products = engine.multiply(&[Product::Each(&inputs[0], &inputs[1])], 0)?;
        Ok(products.into_iter().map(Output::Words).collect())
    }
}

/// `x y` of fixed-point numbers, cut exactly.
pub struct MultiplyFixed;

impl Program for MultiplyFixed {
    const NAME: &'static str = "mul-fixed";
    const TOLERANCE: u64 = 1;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 31, rng), signed(n, 30, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Number>(&inputs[0])?, array::<E, Number>(&inputs[1])?);
        Ok(vec![Output::Words(x.mul(engine, &y)?.into_words())])
    }
}

/// One scalar product.
pub struct Dot;

impl Program for Dot {
    const NAME: &'static str = "dot";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Ring64>(&inputs[0])?, array::<E, Ring64>(&inputs[1])?);
        Ok(vec![Output::Words(x.dot(engine, &y)?.into_words())])
    }
}

/// Product of two `[n, n]` matrices of fixed-point numbers, cut exactly.
pub struct MatrixProduct;

impl Program for MatrixProduct {
    const NAME: &'static str = "matmul";
    const TOLERANCE: u64 = 1;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let bits = 60u32.saturating_sub(n.next_power_of_two().trailing_zeros()) / 2;
        vec![signed(n * n, bits, rng), signed(n * n, bits, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let matrix = |words: &E::Words| Secret::<E, Number, Ix2>::from_words(words.clone(), Ix2(n, n));
        let (x, y) = (matrix(&inputs[0])?, matrix(&inputs[1])?);
        Ok(vec![Output::Words(x.matmul(engine, &y)?.into_words())])
    }
}

/// Exact truncation alone.
pub struct Truncate;

impl Program for Truncate {
    const NAME: &'static str = "trunc";
    const TOLERANCE: u64 = 1;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 62, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(engine.truncate(&[&inputs[0]], FRACTION)?.into_iter().map(Output::Words).collect())
    }
}

/// Truncation that may wrap, of numbers so small that it practically does not.
pub struct TruncateProbabilistic;

impl Program for TruncateProbabilistic {
    const NAME: &'static str = "trunc-probabilistic";
    const TOLERANCE: u64 = 1;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, FRACTION + 4, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(engine.truncate_probabilistic(&[&inputs[0]], FRACTION, FRACTION + 4)?.into_iter().map(Output::Words).collect())
    }
}
