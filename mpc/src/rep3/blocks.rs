//! Products modulo 2^32 with matrices in blocks of [`LANES`] rows, column by column: a vector of a column is one register, and both
//! products run over the rows. Each compiled for the instructions of [`Level`](super::kernel::Level), from one source.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

use super::kernel::{Level, levels};
use crate::engine::known::LANES;

/// Rows of a column that are worked on together.
pub(super) type Lane = [u32; LANES];

/// Blocks whose sums stay in registers: what is read of them stays in the second-level cache.
const CHUNK: usize = 32;

#[inline(always)]
fn add_product(sum: &mut Lane, left: &Lane, right: &Lane) {
    for at in 0..LANES {
        sum[at] = sum[at].wrapping_add(left[at].wrapping_mul(right[at]));
    }
}

/// Sums of `C` columns times `V` vectors over some blocks; `vectors[v]` begins at the first of the blocks.
#[inline(always)]
fn tile<const C: usize, const V: usize>(blocks: &[Lane], columns: usize, first: usize, vectors: [&[Lane]; V]) -> [[u32; C]; V] {
    let mut sums = [[[0; LANES]; C]; V];
    for (number, block) in blocks.chunks_exact(columns).enumerate() {
        let block: &[Lane; C] = block[first..].first_chunk().expect("a tile within the columns");
        for v in 0..V {
            let vector = &vectors[v][number];
            for c in 0..C {
                add_product(&mut sums[v][c], &block[c], vector);
            }
        }
    }
    sums.map(|sums| sums.map(|lane| lane.iter().fold(0, |sum: u32, value| sum.wrapping_add(*value))))
}

#[inline(always)]
fn add_tiles<const V: usize>(blocks: &[Lane], columns: usize, vectors: [&[Lane]; V], totals: &mut [u32]) {
    let mut add = |first: usize, sums: &[&[u32]]| {
        for (v, sums) in sums.iter().enumerate() {
            for (total, sum) in totals[v * columns + first..].iter_mut().zip(*sums) {
                *total = total.wrapping_add(*sum);
            }
        }
    };
    let mut first = 0;
    while first + 4 <= columns {
        let sums = tile::<4, V>(blocks, columns, first, vectors);
        add(first, &sums.each_ref().map(|sums| &sums[..]));
        first += 4;
    }
    while first < columns {
        let sums = tile::<1, V>(blocks, columns, first, vectors);
        add(first, &sums.each_ref().map(|sums| &sums[..]));
        first += 1;
    }
}

levels! {
    /// `totals[v][c] += sum over the rows of vectors[v] times column c`; `vectors` and `totals` lie one after the other.
    fn totals(blocks: &[Lane], columns: usize, vectors: &[Lane], totals: &mut [u32]) {
        let height = blocks.len() / columns;
        for from in (0..height).step_by(CHUNK) {
            let part = &blocks[from * columns..(from + CHUNK).min(height) * columns];
            let mut rest = (vectors, &mut *totals);
            while rest.0.len() >= 2 * height {
                let (pair, more) = rest.0.split_at(2 * height);
                let (sums, later) = std::mem::take(&mut rest.1).split_at_mut(2 * columns);
                add_tiles(part, columns, [&pair[from..], &pair[height + from..]], sums);
                rest = (more, later);
            }
            if !rest.0.is_empty() {
                add_tiles(part, columns, [&rest.0[from..]], rest.1);
            }
        }
    }
}

/// Sums over the columns of `R` blocks for `V` vectors; `table[c * count + v]`.
#[inline(always)]
fn row_tile<const R: usize, const V: usize>(blocks: [&[Lane]; R], table: &[u32], count: usize, first: usize) -> [[Lane; V]; R] {
    let mut sums = [[[0; LANES]; V]; R];
    for (column, factors) in table.chunks_exact(count).enumerate() {
        let factors: &[u32; V] = factors[first..].first_chunk().expect("a tile within the vectors");
        for r in 0..R {
            for v in 0..V {
                add_product(&mut sums[r][v], &blocks[r][column], &[factors[v]; LANES]);
            }
        }
    }
    sums
}

#[inline(always)]
fn add_rows<const R: usize>(blocks: [&[Lane]; R], table: &[u32], count: usize, row: usize, z: &mut [u64], rows: usize) {
    let mut add = |number: usize, r: usize, sums: &Lane| {
        let (from, to) = ((row + r * LANES).min(rows), (row + (r + 1) * LANES).min(rows));
        z[number * rows + from..number * rows + to].iter_mut().zip(sums).for_each(|(z, sum)| *z = z.wrapping_add(u64::from(*sum)));
    };
    let mut first = 0;
    while first + 4 <= count {
        let sums = row_tile::<R, 4>(blocks, table, count, first);
        for (r, sums) in sums.iter().enumerate() {
            sums.iter().enumerate().for_each(|(v, sums)| add(first + v, r, sums));
        }
        first += 4;
    }
    while first < count {
        let sums = row_tile::<R, 1>(blocks, table, count, first);
        sums.iter().enumerate().for_each(|(r, [sums])| add(first, r, sums));
        first += 1;
    }
}

levels! {
    /// `z[v][row] += sum over the columns of table[c][v] times the matrix`; `table` column by column, `z` vector by vector of `rows`.
    fn picks(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u64], rows: usize) {
        let count = table.len() / columns;
        for (number, pair) in blocks.chunks(2 * columns).enumerate() {
            let row = number * 2 * LANES;
            let (one, other) = pair.split_at(columns);
            if other.is_empty() {
                add_rows([one], table, count, row, z, rows);
            } else {
                add_rows([one, other], table, count, row, z, rows);
            }
        }
    }
}

levels! {
    /// Adds to the entry of each row's code the `count` values of the row.
    fn scatter(totals: &mut [u32], codes: &[u8], values: &[u32], count: usize) {
        for (code, values) in codes.iter().zip(values.chunks_exact(count)) {
            let slots = &mut totals[usize::from(*code) * count..][..count];
            slots.iter_mut().zip(values).for_each(|(slot, value)| *slot = slot.wrapping_add(*value));
        }
    }
}

levels! {
    /// Adds to the `count` values of each row those of its code in the table.
    fn look_up(values: &mut [u32], codes: &[u8], table: &[u32], count: usize) {
        for (code, slots) in codes.iter().zip(values.chunks_exact_mut(count)) {
            let entry = &table[usize::from(*code) * count..][..count];
            slots.iter_mut().zip(entry).for_each(|(slot, value)| *slot = slot.wrapping_add(*value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic noise.
    fn noise(len: usize, seed: u64) -> Vec<u32> {
        (0..len as u64).map(|at| ((at + seed * 7919).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29) as u32).collect()
    }

    #[test]
    fn blocks_multiply_as_matrices_do() {
        for level in Level::all() {
            for (rows, columns, count) in [(1, 1, 1), (7, 3, 2), (8, 4, 3), (17, 9, 5), (300, 13, 8)] {
                let padded = usize::div_ceil(rows, LANES) * LANES;
                let matrix: Vec<u32> = noise(padded * columns, 1);
                let blocks: &[Lane] = matrix.as_chunks().0;
                let entry = |row: usize, column: usize| blocks[row / LANES * columns + column][row % LANES];
                let mut vectors = noise(padded * count, 2);
                vectors.chunks_exact_mut(padded).for_each(|vector| vector[rows..].fill(0));
                let mut sums = noise(columns * count, 3);
                let expected: Vec<u32> = (0..count * columns)
                    .map(|at| {
                        let (v, c) = (at / columns, at % columns);
                        (0..rows).fold(sums[at], |sum, row| sum.wrapping_add(vectors[v * padded + row].wrapping_mul(entry(row, c))))
                    })
                    .collect();
                totals::at(level, blocks, columns, vectors.as_chunks().0, &mut sums);
                assert_eq!(sums, expected, "{level:?} totals {rows} {columns} {count}");

                let table = noise(columns * count, 4);
                let mut z = vec![5; rows * count];
                picks::at(level, blocks, columns, &table, &mut z, rows);
                for (at, z) in z.iter().enumerate() {
                    let (v, row) = (at / rows, at % rows);
                    let sum = (0..columns).fold(5, |sum: u32, c| sum.wrapping_add(table[c * count + v].wrapping_mul(entry(row, c))));
                    assert_eq!(*z as u32, sum, "{level:?} picks {rows} {columns} {count}");
                }
            }
        }
    }
}
