//! Functions of fixed-point numbers.

use rand::Rng;

use super::arithmetic::{FRACTION, Number, array, signed};
use super::{Output, Program};
use crate::Result;
use crate::engine::Engine;

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
