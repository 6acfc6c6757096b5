//! Matrix products: two local products per party, communication in the size of the result only.

use ndarray::{Array2, Ix2};
use yu_wire::channel::exchange_ring_u64;
use zeroize::Zeroize;

use super::context::Context;
use super::share::{Share, same_party};
use super::steps::Rep3Step;
use crate::fixed::Fixed;
use crate::gemm;
use crate::prg::Op;
use crate::ring::{Linear, Times, add_assign};
use crate::{Error, Result};

impl Context {
    /// `x y` for `x: [m, k]`, `y: [k, n]`. One round; each party sends `8mn` bytes.
    ///
    /// # Errors
    /// [`Error::Shape`] if the inner sizes differ; the peers' and the transport's.
    pub fn matmul<A: Times<B>, B: Linear>(&mut self, x: &Share<A, Ix2>, y: &Share<B, Ix2>) -> Result<Share<A::Product, Ix2>> {
        let shape = self.check_matrices(x, y)?;
        self.operate(|context| {
            let op = context.next_op()?;
            let own = context.local_product(&op, x, y, shape)?;
            let mut next = vec![0; own.len()];
            if !own.is_empty() {
                exchange_ring_u64(Rep3Step::MatrixMultiply, &mut context.prev, &own, &mut context.next, &mut next)?;
            }
            Share::from_parts(context.index, shape, own, next)
        })
    }

    /// `x y` of fixed-point matrices with `A` and `B` fraction bits, cut to `C`: an error below one unit in the last place per
    /// element of the result if it is smaller than `2^(62 - A - B)` in absolute value, however many terms it sums. Two rounds.
    ///
    /// # Errors
    /// [`Error::Shape`] if the inner sizes differ; the peers' and the transport's.
    pub fn matmul_trunc<const A: u32, const B: u32, const C: u32>(
        &mut self,
        x: &Share<Fixed<A>, Ix2>,
        y: &Share<Fixed<B>, Ix2>,
    ) -> Result<Share<Fixed<C>, Ix2>> {
        let shift = const { super::trunc::shift(A + B, C) };
        let shape = self.check_matrices(x, y)?;
        self.operate(|context| {
            let op = context.next_op()?;
            let z = context.local_product(&op, x, y, shape)?;
            context.truncate(&op, z, shape, shift)
        })
    }

    fn check_matrices<A: Linear, B: Linear>(&self, x: &Share<A, Ix2>, y: &Share<B, Ix2>) -> Result<Ix2> {
        same_party(self.index, x.party())?;
        same_party(self.index, y.party())?;
        match (x.shape(), y.shape()) {
            (&[m, k], &[l, n]) if k == l => Ok(Ix2(m, n)),
            (left, right) => Err(Error::shape("matrix product", left, right)),
        }
    }

    /// `z_i = x_i (y_i + y_{i+1}) + x_{i+1} y_i + alpha_i`.
    fn local_product<A: Linear, B: Linear>(&self, op: &Op, x: &Share<A, Ix2>, y: &Share<B, Ix2>, shape: Ix2) -> Result<Vec<u64>> {
        let mut z = Array2::zeros(shape);
        self.zero_share(op, z.as_slice_mut().unwrap_or(&mut []));
        let mut sum = y.own_matrix().to_owned();
        add_assign(sum.as_slice_mut().unwrap_or(&mut []), y.next());
        gemm::multiply_add(&mut z.view_mut(), x.own_matrix(), sum.view())?;
        gemm::multiply_add(&mut z.view_mut(), x.next_matrix(), y.own_matrix())?;
        sum.as_slice_mut().unwrap_or(&mut []).zeroize();
        Ok(z.into_raw_vec_and_offset().0)
    }
}
