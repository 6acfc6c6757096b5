//! Products modulo 2^32 with matrices in blocks of [`LANES`] rows, column by column: a vector of a column is one register, and both
//! products run over the rows. One source for registers of [`Level`](super::kernel::Level) AVX2 and for arrays; tests compare them. (Arrays alone
//! are not made registers of by the compiler: twelve times slower, measured on Zen 3.)
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; arrays become registers; no pointers")]

use super::kernel::{Level, levels};
use crate::engine::known::LANES;

/// Rows of a column that are worked on together.
pub(super) type Lane = [u32; LANES];

/// Blocks whose sums stay in registers: what is read of them stays in the second-level cache.
const CHUNK: usize = 32;

/// [`LANES`] numbers modulo 2^32.
trait Register: Copy {
    fn load(lane: &Lane) -> Self;
    fn splat(value: u32) -> Self;
    fn store(self) -> Lane;
    /// `self + left right`.
    fn add_product(self, left: Self, right: Self) -> Self;
}

impl Register for Lane {
    fn load(lane: &Lane) -> Self {
        *lane
    }

    fn splat(value: u32) -> Self {
        [value; LANES]
    }

    fn store(self) -> Lane {
        self
    }

    fn add_product(self, left: Self, right: Self) -> Self {
        std::array::from_fn(|at| self[at].wrapping_add(left[at].wrapping_mul(right[at])))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{__m256i, _mm256_add_epi32, _mm256_mullo_epi32, _mm256_set1_epi32};

    use super::{LANES, Lane, Register};

    // SAFETY, of all calls here: only functions with AVX2 use this type; 32 bytes are as good as eight words of 4.
    impl Register for __m256i {
        #[inline(always)]
        fn load(lane: &Lane) -> Self {
            const { assert!(LANES == 8) };
            unsafe { std::mem::transmute::<Lane, Self>(*lane) }
        }

        #[inline(always)]
        fn splat(value: u32) -> Self {
            unsafe { _mm256_set1_epi32(value.cast_signed()) }
        }

        #[inline(always)]
        fn store(self) -> Lane {
            unsafe { std::mem::transmute::<Self, Lane>(self) }
        }

        #[inline(always)]
        fn add_product(self, left: Self, right: Self) -> Self {
            unsafe { _mm256_add_epi32(self, _mm256_mullo_epi32(left, right)) }
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn totals(blocks: &[Lane], columns: usize, vectors: &[Lane], totals: &mut [u32]) {
        super::add_totals::<__m256i>(blocks, columns, vectors, totals);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn picks(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u64], rows: usize) {
        super::add_picks::<__m256i>(blocks, columns, table, z, rows);
    }
}

/// `totals[v][c] += sum over the rows of vectors[v] times column c`; `vectors` and `totals` lie one after the other.
pub(super) fn totals(blocks: &[Lane], columns: usize, vectors: &[Lane], totals: &mut [u32]) {
    totals_at(Level::detect(), blocks, columns, vectors, totals);
}

fn totals_at(level: Level, blocks: &[Lane], columns: usize, vectors: &[Lane], totals: &mut [u32]) {
    match level {
        Level::Portable => add_totals::<Lane>(blocks, columns, vectors, totals),
        // SAFETY: `Level::detect` gives these levels only where it found AVX2, or AVX-512, which has it; tests ask before they name them.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::totals(blocks, columns, vectors, totals) },
    }
}

/// `z[v][row] += sum over the columns of table[c][v] times the matrix`; `table` column by column, `z` vector by vector of `rows`.
pub(super) fn picks(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u64], rows: usize) {
    picks_at(Level::detect(), blocks, columns, table, z, rows);
}

fn picks_at(level: Level, blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u64], rows: usize) {
    match level {
        Level::Portable => add_picks::<Lane>(blocks, columns, table, z, rows),
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::picks(blocks, columns, table, z, rows) },
    }
}

#[inline(always)]
fn add_totals<W: Register>(blocks: &[Lane], columns: usize, vectors: &[Lane], totals: &mut [u32]) {
    let height = blocks.len() / columns;
    for from in (0..height).step_by(CHUNK) {
        let part = &blocks[from * columns..(from + CHUNK).min(height) * columns];
        let mut rest = (vectors, &mut *totals);
        while rest.0.len() >= 2 * height {
            let (pair, more) = rest.0.split_at(2 * height);
            let (sums, later) = std::mem::take(&mut rest.1).split_at_mut(2 * columns);
            add_tiles::<W, 2>(part, columns, [&pair[from..], &pair[height + from..]], sums);
            rest = (more, later);
        }
        if !rest.0.is_empty() {
            add_tiles::<W, 1>(part, columns, [&rest.0[from..]], rest.1);
        }
    }
}

#[inline(always)]
fn add_tiles<W: Register, const V: usize>(blocks: &[Lane], columns: usize, vectors: [&[Lane]; V], totals: &mut [u32]) {
    let mut add = |first: usize, sums: &[&[u32]]| {
        for (v, sums) in sums.iter().enumerate() {
            for (total, sum) in totals[v * columns + first..].iter_mut().zip(*sums) {
                *total = total.wrapping_add(*sum);
            }
        }
    };
    let mut first = 0;
    while first + 4 <= columns {
        let sums = tile::<W, 4, V>(blocks, columns, first, vectors);
        add(first, &sums.each_ref().map(|sums| &sums[..]));
        first += 4;
    }
    while first < columns {
        let sums = tile::<W, 1, V>(blocks, columns, first, vectors);
        add(first, &sums.each_ref().map(|sums| &sums[..]));
        first += 1;
    }
}

/// Sums of `C` columns times `V` vectors over some blocks; `vectors[v]` begins at the first of the blocks.
#[inline(always)]
fn tile<W: Register, const C: usize, const V: usize>(
    blocks: &[Lane],
    columns: usize,
    first: usize,
    vectors: [&[Lane]; V],
) -> [[u32; C]; V] {
    let mut sums = [[W::splat(0); C]; V];
    for (number, block) in blocks.chunks_exact(columns).enumerate() {
        let block: &[Lane; C] = block[first..].first_chunk().expect("a tile within the columns");
        let factors: [W; V] = vectors.map(|vector| W::load(&vector[number]));
        for c in 0..C {
            let column = W::load(&block[c]);
            for v in 0..V {
                sums[v][c] = sums[v][c].add_product(column, factors[v]);
            }
        }
    }
    sums.map(|sums| sums.map(|lane| lane.store().iter().fold(0, |sum: u32, value| sum.wrapping_add(*value))))
}

#[inline(always)]
fn add_picks<W: Register>(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u64], rows: usize) {
    let count = table.len() / columns;
    for (number, pair) in blocks.chunks(2 * columns).enumerate() {
        let row = number * 2 * LANES;
        let (one, other) = pair.split_at(columns);
        if other.is_empty() {
            add_rows::<W, 1>([one], table, count, row, z, rows);
        } else {
            add_rows::<W, 2>([one, other], table, count, row, z, rows);
        }
    }
}

#[inline(always)]
fn add_rows<W: Register, const R: usize>(blocks: [&[Lane]; R], table: &[u32], count: usize, row: usize, z: &mut [u64], rows: usize) {
    let mut add = |number: usize, r: usize, sums: &Lane| {
        let (from, to) = ((row + r * LANES).min(rows), (row + (r + 1) * LANES).min(rows));
        z[number * rows + from..number * rows + to].iter_mut().zip(sums).for_each(|(z, sum)| *z = z.wrapping_add(u64::from(*sum)));
    };
    let mut first = 0;
    while first + 4 <= count {
        let sums = row_tile::<W, R, 4>(blocks, table, count, first);
        for (r, sums) in sums.iter().enumerate() {
            sums.iter().enumerate().for_each(|(v, sums)| add(first + v, r, sums));
        }
        first += 4;
    }
    while first < count {
        let sums = row_tile::<W, R, 1>(blocks, table, count, first);
        sums.iter().enumerate().for_each(|(r, [sums])| add(first, r, sums));
        first += 1;
    }
}

/// Sums over the columns of `R` blocks for `V` vectors; `table[c * count + v]`.
#[inline(always)]
fn row_tile<W: Register, const R: usize, const V: usize>(
    blocks: [&[Lane]; R],
    table: &[u32],
    count: usize,
    first: usize,
) -> [[Lane; V]; R] {
    let mut sums = [[W::splat(0); V]; R];
    let blocks = blocks.map(|block| &block[..table.len() / count]);
    for (column, factors) in table.chunks_exact(count).enumerate() {
        let factors: &[u32; V] = factors[first..].first_chunk().expect("a tile within the vectors");
        let rows: [W; R] = blocks.map(|block| W::load(&block[column]));
        for v in 0..V {
            let factor = W::splat(factors[v]);
            for r in 0..R {
                sums[r][v] = sums[r][v].add_product(rows[r], factor);
            }
        }
    }
    sums.map(|sums| sums.map(W::store))
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
                totals_at(level, blocks, columns, vectors.as_chunks().0, &mut sums);
                assert_eq!(sums, expected, "{level:?} totals {rows} {columns} {count}");

                let table = noise(columns * count, 4);
                let mut z = vec![5; rows * count];
                picks_at(level, blocks, columns, &table, &mut z, rows);
                for (at, z) in z.iter().enumerate() {
                    let (v, row) = (at / rows, at % rows);
                    let sum = (0..columns).fold(5, |sum: u32, c| sum.wrapping_add(table[c * count + v].wrapping_mul(entry(row, c))));
                    assert_eq!(*z as u32, sum, "{level:?} picks {rows} {columns} {count}");
                }
            }
        }
    }
}
