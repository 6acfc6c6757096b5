//! Counts of one and two columns, and the joining of rare values.

use rand_chacha::rand_core::CryptoRng;

use super::super::noise::{Bits, DiscreteGaussian};

/// A column whose rare values are joined: the last cell, if there are any.
#[derive(Clone, Debug)]
pub(super) struct Compressed {
    /// Cell of each value.
    cell: Vec<u32>,
    /// Values of each cell.
    values: Vec<Vec<u32>>,
    /// Noisy count of each cell.
    pub(super) noisy: Vec<f64>,
}

impl Compressed {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn compress(&self, column: &[u32]) -> Vec<u32> {
        column.iter().map(|value| self.cell.get(*value as usize).copied().unwrap_or(0)).collect()
    }

    /// Cells back to values; joined ones evenly.
    pub(super) fn expand<R: CryptoRng + ?Sized>(&self, column: &[u32], bits: &mut Bits<'_, R>) -> Vec<u32> {
        column
            .iter()
            .map(|cell| match self.values.get(*cell as usize).map(Vec::as_slice) {
                Some([one]) => *one,
                Some(many) if !many.is_empty() => many[bits.below(many.len() as u64) as usize],
                _ => 0,
            })
            .collect()
    }
}

/// Counts with noise, and the joining of those below three standard deviations.
pub(super) fn measure_column<R: CryptoRng + ?Sized>(
    column: &[u32],
    size: usize,
    noise: &DiscreteGaussian,
    bits: &mut Bits<'_, R>,
) -> Compressed {
    let mut counts = vec![0i64; size];
    for value in column {
        if let Some(count) = counts.get_mut(*value as usize) {
            *count += 1;
        }
    }
    let noisy: Vec<f64> = counts.iter().map(|count| count.saturating_add(noise.sample(bits)) as f64).collect();
    let least = 3.0 * noise.standard_deviation();
    let mut compressed = Compressed { cell: vec![0; size], values: Vec::new(), noisy: Vec::new() };
    let (mut rare, mut rare_count) = (Vec::new(), 0.0);
    for (value, count) in (0u32..).zip(&noisy) {
        if *count >= least {
            compressed.cell[value as usize] = compressed.values.len() as u32;
            compressed.values.push(vec![value]);
            compressed.noisy.push(*count);
        } else {
            rare.push(value);
            rare_count += count;
        }
    }
    if !rare.is_empty() {
        for value in &rare {
            compressed.cell[*value as usize] = compressed.values.len() as u32;
        }
        compressed.values.push(rare);
        compressed.noisy.push(rare_count);
    }
    compressed
}

/// The number of rows, estimated: the mean over the columns, each weighted by one over its number of cells.
pub(super) fn total(measured: &[Compressed]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for column in measured {
        // the variance of a sum of counts is proportional to the number of values
        let weight = 1.0 / column.cell.len().max(1) as f64;
        sum += weight * column.noisy.iter().sum::<f64>();
        weights += weight;
    }
    (sum / weights).max(1.0)
}

/// Counts of two columns, row by row of the first.
pub(super) fn pair(a: &[u32], b: &[u32], size_a: usize, size_b: usize) -> Vec<i64> {
    let mut counts = vec![0i64; size_a * size_b];
    for (a, b) in a.iter().zip(b) {
        if let Some(count) = counts.get_mut(*a as usize * size_b + *b as usize) {
            *count += 1;
        }
    }
    counts
}
