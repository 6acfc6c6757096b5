//! Arrays whose elements do not lie one after the other: transposed, every other row backwards, columns, broadcast.

use ndarray::{Ix1, Ix2};
use rand::Rng;

use super::arithmetic::signed;
use super::{Output, Program};
use crate::Result;
use crate::engine::{Engine, Vector};
use crate::ring::Int;
use crate::secret::Secret;

/// Columns: an odd number, so that rows do not end where words do.
const COLUMNS: usize = 3;

/// Sums, prefix sums, products, a matrix product, comparisons, extremes and a selection on views of two tables of `n` rows.
pub struct Views;

impl Program for Views {
    const NAME: &'static str = "views";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(COLUMNS * n, 62, rng), signed(COLUMNS * n, 62, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let table = |words: &E::Words| Secret::<E, Int, Ix2>::from_words(words.clone(), Ix2(words.len() / COLUMNS, COLUMNS));
        let (x, y) = (table(&inputs[0])?, table(&inputs[1])?.t());
        let backwards: Vec<usize> = (0..n).rev().step_by(2).collect();
        let (a, b) = (x.select(0, &backwards)?, y.t().select(0, &backwards)?);
        let less = a.lt(engine, &b)?;
        let chosen = less.select(engine, &a, &b)?;
        let column = y.t().column(COLUMNS - 1)?.reshape(Ix2(n, 1))?;
        let arrays = [
            a.mul(engine, &b)?,
            // rows of ten at most
            a.matmul(engine, &y.t().rows(0..n.min(10))?.t())?,
            x.t().mul(engine, &y)?,
            x.mul(engine, &column)?,
            x.sub(&column)?,
            y.prefix_sum(),
            x.t().max(engine, &y)?,
            chosen,
        ];
        let lanes: [Secret<E, Int, Ix1>; 4] =
            [x.sum_axis(1)?, y.sum_axis(0)?, y.max_axis(engine, 0)?, x.select(1, &[2, 0, 2])?.min_axis(engine, 1)?];
        let words = arrays.into_iter().map(Secret::into_words).chain(lanes.into_iter().map(Secret::into_words));
        Ok(words.map(Output::Words).chain([Output::Bits(less.into_bits())]).collect())
    }
}
