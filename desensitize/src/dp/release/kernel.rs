//! Loops over Arrow columns: exact integer sums of clamped cells. A missing cell and a NaN count 0 and are not counted.
//!
//! A double is multiplied by a power of two (exact but for underflow to 0), and rounded to the nearest integer by adding 1.5 * 2^52:
//! the integer then stands in the low bits. What a cell contributes depends on that cell alone, so that the sum is exact and its
//! sensitivity is that of one cell (floating-point sums do not have it: Casacuberta, Shoemate, Vadhan & Wagaman 2022).

use arrow::array::{Array, Float64Array, Int64Array};
use arrow::buffer::NullBuffer;

/// Cells between additions into the wide sum: 2^12 cells below 2^50 stay below 2^62.
const CHUNK: usize = 4096;

/// 1.5 * 2^52: adding it to a number below 2^51 rounds to an integer in the low bits, ties to even.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// Sum and number of cells that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) sum: i128,
    pub(super) count: u64,
}

/// Integers clamped to `low..=high`, less `centre`.
pub(super) fn integers(array: &Int64Array, low: i64, high: i64, centre: i64) -> Total {
    each(array.values(), array.nulls(), |cell: i64| (cell.clamp(low, high).wrapping_sub(centre), 1))
}

/// Doubles clamped to `low..=high`, in units of `1 / scale` (a power of two), less `centre` units.
pub(super) fn doubles(array: &Float64Array, low: f64, high: f64, scale: f64, centre: i64) -> Total {
    let offset = (MAGIC.to_bits() as i64).wrapping_add(centre);
    each(array.values(), array.nulls(), |cell: f64| {
        // comparisons written so that each is one instruction; a NaN becomes `low` and is masked out
        let clamped = if cell > low { cell } else { low };
        let clamped = if clamped < high { clamped } else { high };
        let units = ((clamped * scale + MAGIC).to_bits() as i64).wrapping_sub(offset);
        let present = i64::from(!cell.is_nan());
        (units & present.wrapping_neg(), present)
    })
}

#[inline(always)]
fn each<T: Copy>(cells: &[T], nulls: Option<&NullBuffer>, value: impl Fn(T) -> (i64, i64)) -> Total {
    let mut total = Total::default();
    let mut add = |sum: i64, count: i64| {
        total.sum += i128::from(sum);
        total.count += count.unsigned_abs();
    };
    for (index, chunk) in cells.chunks(CHUNK).enumerate() {
        let (mut sum, mut count) = (0i64, 0i64);
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => {
                for cell in chunk {
                    let (units, present) = value(*cell);
                    sum = sum.wrapping_add(units);
                    count = count.wrapping_add(present);
                }
            }
            Some(nulls) => {
                let bits = nulls.inner().slice(index * CHUNK, chunk.len());
                let words = bits.bit_chunks();
                for (cells, word) in chunk.chunks(64).zip(words.iter_padded()) {
                    for (at, cell) in cells.iter().enumerate() {
                        let valid = ((word >> at) & 1) as i64;
                        let (units, present) = value(*cell);
                        sum = sum.wrapping_add(units & valid.wrapping_neg());
                        count = count.wrapping_add(present & valid);
                    }
                }
            }
        }
        add(sum, count);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_cells(cells in prop::collection::vec(prop::option::of(any::<i64>()), 0..9000), centre in -50i64..50) {
            let array = Int64Array::from(cells.clone());
            let found = integers(&array, -100, 1000, centre);
            let there: Vec<i64> = cells.iter().flatten().copied().collect();
            let sum: i128 = there.iter().map(|x| i128::from(*x.clamp(&-100, &1000)) - i128::from(centre)).sum();
            prop_assert_eq!(found, Total { sum, count: there.len() as u64 });
            // a slice starts in the middle of a word of the bitmap
            if cells.len() > 7 {
                let part = integers(&array.slice(7, cells.len() - 7), -100, 1000, 0);
                prop_assert_eq!(part.count, cells[7..].iter().flatten().count() as u64);
            }
        }

        #[test]
        fn doubles_round_to_the_grid(cells in prop::collection::vec(prop::option::of(any::<f64>()), 0..300)) {
            let array = Float64Array::from(cells.clone());
            let found = doubles(&array, -3.5, 1e6, 256.0, 11);
            let there: Vec<f64> = cells.iter().flatten().copied().filter(|x| !x.is_nan()).collect();
            let sum: i128 = there.iter().map(|x| (x.clamp(-3.5, 1e6) * 256.0).round_ties_even() as i128 - 11).sum();
            prop_assert_eq!(found, Total { sum, count: there.len() as u64 });
        }
    }
}
