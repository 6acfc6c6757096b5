//! Reference kernel in plain Rust, tile 4 x 4.

use super::Plan;

const ROWS: usize = 4;
const COLS: usize = 4;

pub(super) const PLAN: Plan = Plan { rows: ROWS, cols: COLS, depth: 256, block: 32 * ROWS, tile };

fn tile(a: &[u64], b: &[u64], out: &mut [u64]) {
    let mut sums = [[0u64; COLS]; ROWS];
    for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLS)) {
        for (row, x) in sums.iter_mut().zip(a) {
            for (sum, y) in row.iter_mut().zip(b) {
                *sum = sum.wrapping_add(x.wrapping_mul(*y));
            }
        }
    }
    for (out, row) in out.chunks_exact_mut(COLS).zip(&sums) {
        out.copy_from_slice(row);
    }
}
