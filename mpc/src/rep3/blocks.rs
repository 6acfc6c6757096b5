//! Products modulo 2^32 with matrices in the order in which they are read, from beginning to end: chunks of [`HEIGHT`] blocks of [`LANES`] rows
//! hold panels of [`PANEL`] columns; a panel holds block by block the rows of each column, which are one register. One source for registers of [`Level`](super::kernel::Level) AVX2 and for arrays; tests compare them. (Arrays alone
//! are not made registers of by the compiler: twelve times slower, measured on Zen 3.)
#![expect(
    unsafe_code,
    reason = "calls of functions compiled for instructions that were found at run time; arrays become registers; no pointers"
)]

use super::kernel::{Level, levels};
use crate::engine::known::LANES;

/// Rows of a column that are worked on together.
pub(super) type Lane = [u32; LANES];

/// Blocks of a chunk: a panel, its vectors and their sums stay in the first-level cache.
const HEIGHT: usize = 32;

/// Columns of a panel.
const PANEL: usize = 8;

/// Where an element of a matrix stands.
pub(super) const fn place(row: usize, column: usize, rows: usize, columns: usize) -> usize {
    let (block, first) = (row / LANES, column / PANEL * PANEL);
    let from = block / HEIGHT * HEIGHT;
    let height = if rows.div_ceil(LANES) - from < HEIGHT { rows.div_ceil(LANES) - from } else { HEIGHT };
    let width = if columns - first < PANEL { columns - first } else { PANEL };
    (from * columns + height * first + (block - from) * width + column - first) * LANES + row % LANES
}

/// Panels of a chunk, each with its first column.
fn panels(chunk: &[Lane], columns: usize) -> impl Iterator<Item = (usize, &[Lane])> {
    let height = chunk.len() / columns;
    chunk.chunks(height * PANEL).enumerate().map(|(number, panel)| (number * PANEL, panel))
}

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
    pub(super) fn picks(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u32], rows: usize) {
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
pub(super) fn picks(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u32], rows: usize) {
    picks_at(Level::detect(), blocks, columns, table, z, rows);
}

fn picks_at(level: Level, blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u32], rows: usize) {
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
    for (number, chunk) in blocks.chunks(HEIGHT * columns).enumerate() {
        let from = number * HEIGHT;
        for (first, panel) in panels(chunk, columns) {
            let width = PANEL.min(columns - first);
            let mut rest = (vectors, &mut *totals);
            while rest.0.len() >= 2 * height {
                let (pair, more) = rest.0.split_at(2 * height);
                let (sums, later) = std::mem::take(&mut rest.1).split_at_mut(2 * columns);
                let (one, other) = sums.split_at_mut(columns);
                add_tiles::<W, 2>(panel, width, [&pair[from..], &pair[height + from..]], [&mut one[first..], &mut other[first..]]);
                rest = (more, later);
            }
            if !rest.0.is_empty() {
                add_tiles::<W, 1>(panel, width, [&rest.0[from..]], [&mut rest.1[first..]]);
            }
        }
    }
}

#[inline(always)]
fn add_tiles<W: Register, const V: usize>(panel: &[Lane], width: usize, vectors: [&[Lane]; V], totals: [&mut [u32]; V]) {
    if width == PANEL {
        let sums = [tile::<W, 4, V>(panel, PANEL, 0, vectors), tile::<W, 4, V>(panel, PANEL, 4, vectors)];
        for (v, totals) in totals.into_iter().enumerate() {
            let sums = sums.iter().flat_map(|sums| sums[v]);
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total = total.wrapping_add(sum));
        }
    } else {
        let sums: [_; PANEL] = std::array::from_fn(|at| if at < width { tile::<W, 1, V>(panel, width, at, vectors) } else { [[0]; V] });
        for (v, totals) in totals.into_iter().enumerate() {
            totals.iter_mut().zip(&sums[..width]).for_each(|(total, sum)| *total = total.wrapping_add(sum[v][0]));
        }
    }
}

/// Sums of `C` columns of a panel times `V` vectors; `vectors[v]` begins at the first of the blocks.
#[inline(always)]
fn tile<W: Register, const C: usize, const V: usize>(panel: &[Lane], width: usize, first: usize, vectors: [&[Lane]; V]) -> [[u32; C]; V] {
    let height = panel.len() / width;
    let vectors = vectors.map(|vector| &vector[..height]);
    let mut sums = [[W::splat(0); C]; V];
    for (number, block) in panel.chunks_exact(width).enumerate() {
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
fn add_picks<W: Register>(blocks: &[Lane], columns: usize, table: &[u32], z: &mut [u32], rows: usize) {
    let count = table.len() / columns;
    // of each vector the rows of a chunk
    let mut sums = vec![[0; LANES]; count * HEIGHT];
    for (number, chunk) in blocks.chunks(HEIGHT * columns).enumerate() {
        let height = chunk.len() / columns;
        let sums = &mut sums[..count * height];
        sums.as_flattened_mut().fill(0);
        for (first, panel) in panels(chunk, columns) {
            let width = PANEL.min(columns - first);
            let table = &table[first * count..(first + width) * count];
            for (v, sums) in sums.chunks_exact_mut(height).enumerate() {
                if width == PANEL {
                    add_columns::<W, PANEL>(panel, PANEL, 0, table, count, v, sums);
                } else {
                    (0..width).for_each(|column| add_columns::<W, 1>(panel, width, column, table, count, v, sums));
                }
            }
        }
        let from = number * HEIGHT * LANES;
        let to = rows.min(from + height * LANES);
        for (z, sums) in z.chunks_exact_mut(rows).zip(sums.chunks_exact(height)) {
            z[from..to].iter_mut().zip(sums.as_flattened()).for_each(|(z, sum)| *z = z.wrapping_add(*sum));
        }
    }
    zeroize::Zeroize::zeroize(sums.as_flattened_mut());
}

/// Adds `C` columns of a panel times their entries in the table; `table[c * count + v]`.
#[inline(always)]
fn add_columns<W: Register, const C: usize>(
    panel: &[Lane],
    width: usize,
    first: usize,
    table: &[u32],
    count: usize,
    v: usize,
    sums: &mut [Lane],
) {
    let factors: [W; C] = std::array::from_fn(|c| W::splat(table[(first + c) * count + v]));
    for (block, slot) in panel.chunks_exact(width).zip(sums) {
        let block: &[Lane; C] = block[first..].first_chunk().expect("a tile within the columns");
        let mut sum = W::load(slot);
        for c in 0..C {
            sum = sum.add_product(W::load(&block[c]), factors[c]);
        }
        *slot = sum.store();
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
            for (rows, columns, count) in [(1, 1, 1), (7, 3, 2), (8, 8, 3), (17, 9, 5), (300, 13, 8), (530, 24, 3)] {
                let padded = usize::div_ceil(rows, LANES) * LANES;
                let matrix: Vec<u32> = noise(padded * columns, 1);
                let blocks: &[Lane] = matrix.as_chunks().0;
                let entry = |row: usize, column: usize| matrix[place(row, column, rows, columns)];
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
                    assert_eq!(*z, sum, "{level:?} picks {rows} {columns} {count}");
                }
            }
        }
    }
}
