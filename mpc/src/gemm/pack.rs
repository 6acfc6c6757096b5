//! Copies of matrix blocks in the order in which the kernels read them.

use ndarray::ArrayView2;

use crate::memory::{give, zeros};

/// A block cut into strips of `width` rows (or columns); within a strip the elements that one step of the kernel needs lie
/// side by side. The last strip is filled up with zeros, which add nothing.
pub(super) struct Strips {
    packed: Vec<u64>,
    strip: usize,
}

impl Strips {
    /// Strips of `width` columns of `b`, which is `[depth, n]`.
    pub(super) fn of_columns(b: ArrayView2<'_, u64>, width: usize) -> Self {
        let strip = b.nrows() * width;
        let mut packed = zeros(strip * b.ncols().div_ceil(width));
        for (step, row) in b.rows().into_iter().enumerate() {
            let mut cells = row.iter();
            for target in packed[step * width..].chunks_mut(strip) {
                for (slot, value) in target[..width].iter_mut().zip(cells.by_ref().take(width)) {
                    *slot = *value;
                }
            }
        }
        Self { packed, strip }
    }

    /// Strips of `width` rows of `a`, which is `[m, depth]`.
    pub(super) fn of_rows(a: ArrayView2<'_, u64>, width: usize) -> Self {
        Self::of_columns(a.reversed_axes(), width)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u64]> {
        self.packed.chunks_exact(self.strip)
    }
}

/// Packed blocks hold shares.
impl Drop for Strips {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.packed));
    }
}
