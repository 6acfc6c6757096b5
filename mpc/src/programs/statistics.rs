//! Statistics over selected rows.

use ndarray::{Ix1, Ix2};
use rand::Rng;

use super::arithmetic::signed;
use super::{Output, Program};
use crate::Result;
use crate::engine::{Engine, Module, Vector};
use crate::moments::{VALUE_BITS, moments};
use crate::ring::Int;
use crate::secret::Secret;

/// Columns of the program.
const COLUMNS: usize = 5;

/// Count, sums and sums of squares of five columns over the selected rows.
pub struct Moments;

impl Program for Moments {
    const NAME: &'static str = "moments";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let selected: Vec<u64> = (0..n).map(|_| u64::from(rng.next_u32() & 1)).collect();
        let mut values = signed(n * COLUMNS, VALUE_BITS, rng);
        for (row, bit) in values.chunks_mut(COLUMNS).zip(&selected) {
            row.iter_mut().for_each(|value| *value = value.wrapping_mul(*bit));
        }
        vec![selected, values]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let selected = Secret::<E, Int, Ix1>::from_words(inputs[0].clone(), Ix1(n))?;
        let values = Secret::<E, Int, Ix2>::from_words(inputs[1].clone(), Ix2(n, COLUMNS))?;
        let result = moments(engine, &selected, &values, None)?.into_words();
        // limbs may be cut either way; put together modulo 2^64 they are exact
        let high: Vec<usize> = (1..=COLUMNS).collect();
        let low: Vec<usize> = high.iter().map(|at| at + COLUMNS).collect();
        let sums = result.gather(&high).scale(1 << 20).add(&result.gather(&low));
        let mut from = 1 + 2 * COLUMNS;
        let mut squares = [const { Vec::new() }; 3];
        for column in 0..COLUMNS {
            let pairs = COLUMNS - column;
            let places = [from, from + pairs + column, from + pairs + COLUMNS];
            squares.iter_mut().zip(places).for_each(|(list, at)| list.push(at));
            from += 2 * pairs + COLUMNS;
        }
        let [high, mixed, low] = squares.map(|list| result.gather(&list));
        let squares = high.scale(1 << 40).add(&mixed.scale(1 << 21)).add(&low);
        Ok(vec![Output::Words(result.slice(0..1)), Output::Words(sums), Output::Words(squares)])
    }
}
