//! A party's part of products that go round by themselves: scalar products, matrices, everything that is cut at once.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::context::Context;
use super::engine::parts;
use super::kernel;
use crate::engine::{Product, ProductShape, Words, add_products};
use crate::memory::{collect, give, zeros};
use crate::prg::Op;
use crate::{Error, Result, gemm};

/// Bits that have to be cut of shares of this, see [`Context::local_products`].
pub(super) fn bits_to_cut(shapes: impl IntoIterator<Item = ProductShape>, shift: u32) -> u32 {
    let mut shapes = shapes.into_iter().peekable();
    let has_any = shapes.peek().is_some();
    if has_any && (1..=61).contains(&shift) && shapes.all(|shape| shape.is_wide()) { shift + 1 } else { shift }
}

impl Context {
    /// Additive shares of all products, one after the other, masked by a share of zero, and the bits to cut of them:
    /// `z_i = x_i (y_i + y_{i+1}) + x_{i+1} y_i + alpha_i`, or twice the products of wide matrices that are cut anyway, at one local
    /// product instead of two ([`crate::rep3#matrices-that-are-cut`]).
    pub(super) fn local_products(
        &self,
        op: &Op,
        products: &[Product<'_, Words<2>>],
        lens: &[usize],
        shift: u32,
    ) -> Result<(Vec<u64>, u32)> {
        let shapes = products.iter().map(Product::shape).collect::<Result<Vec<_>>>()?;
        let bits = bits_to_cut(shapes, shift);
        let mut z = zeros(lens.iter().sum());
        self.zero_share(op, &mut z);
        let mut rest = &mut z[..];
        for (product, len) in products.iter().zip(lens) {
            let (piece, more) = rest.split_at_mut(*len);
            let (x, y) = product.operands();
            match *product {
                Product::Each(..) => super::mul::add_local(piece, parts(x), parts(y)),
                Product::Matrix { shape, .. } if bits > shift => self.add_doubled(piece, parts(x), parts(y), shape)?,
                _ => {
                    let sum = collect(y.part(0).len(), y.part(0).iter().zip(y.part(1)).map(|(a, b)| a.wrapping_add(*b)));
                    add_products(product, piece, x.part(0), &sum)?;
                    add_products(product, piece, x.part(1), y.part(0))?;
                    give(sum);
                }
            }
            rest = more;
        }
        Ok((z, bits))
    }

    /// Adds our part of `2 x y`.
    fn add_doubled(&self, z: &mut [u64], x: [&[u64]; 2], y: [&[u64]; 2], [m, k, n]: [usize; 3]) -> Result<()> {
        // (a own + b next) of the left operand and of the right
        let ([x_own, x_next], [y_own, y_next]): ([i64; 2], [i64; 2]) = match self.index {
            0 => ([2, 1], [2, 1]),
            1 => ([1, 2], [1, 2]),
            _ => ([2, -2], [-1, 1]),
        };
        let of = |[own, next]: [&[u64]; 2], a: i64, b: i64| {
            let mut sum = zeros(own.len());
            kernel::weigh(&mut sum, own, next, a.cast_unsigned(), b.cast_unsigned());
            sum
        };
        let (left, right) = (of(x, x_own, x_next), of(y, y_own, y_next));
        let wrong = |_| Error::shape("matrix product", &[m, k], &[k, n]);
        let a = ArrayView2::from_shape((m, k), &left).map_err(wrong)?;
        let b = ArrayView2::from_shape((k, n), &right).map_err(wrong)?;
        gemm::multiply_add(&mut ArrayViewMut2::from_shape((m, n), z).map_err(wrong)?, a, b)?;
        give(left);
        give(right);
        Ok(())
    }
}
