//! Element-wise products: one multiplication of the paper's Protocol 1 per element, computed, sent and received chunk by
//! chunk.

use bytes::Bytes;
use ndarray::Dimension;
use yu_wire::channel::{Channel, Expect};
use yu_wire::frame::CHUNK;

use super::context::{CACHED, Context};
use super::kernel;
use super::share::{Share, same_party};
use super::steps::Rep3Step;
use crate::fixed::Fixed;
use crate::memory::zeros;
use crate::prg::{Op, Purpose};
use crate::ring::{Linear, Times};
use crate::{Error, Result};

/// Elements per frame.
const LANE: usize = CHUNK / 8;

/// Frames sent ahead of the frames received: 4 MiB, far below every carrier's buffer, so that the ring cannot block.
const LEAD: usize = 16;

impl Context {
    /// Element-wise product. One round; each party sends `8n` bytes.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ; the peers' and the transport's.
    pub fn mul<A: Times<B>, B: Linear, D: Dimension>(&mut self, x: &Share<A, D>, y: &Share<B, D>) -> Result<Share<A::Product, D>> {
        self.check_operands("product", x, y)?;
        let (own, next) = self.operate(|context| {
            let op = context.next_op()?;
            context.mul_streamed(&op, [x.own(), x.next()], [y.own(), y.next()], x.len())
        })?;
        Share::from_parts(self.index, x.dim(), own, next)
    }

    /// Element-wise product of fixed-point numbers with `A` and `B` fraction bits, cut to `C` fraction bits: an error below one
    /// unit in the last place if `|x y| < 2^(62 - A - B)`. Two rounds; see the table of [`crate::rep3`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ; the peers' and the transport's.
    pub fn mul_trunc<const A: u32, const B: u32, const C: u32, D: Dimension>(
        &mut self,
        x: &Share<Fixed<A>, D>,
        y: &Share<Fixed<B>, D>,
    ) -> Result<Share<Fixed<C>, D>> {
        let shift = const { super::trunc::shift(A + B, C) };
        self.check_operands("product", x, y)?;
        self.operate(|context| {
            let op = context.next_op()?;
            let mut z = zeros(x.len());
            context.zero_share(&op, &mut z);
            add_local(&mut z, [x.own(), x.next()], [y.own(), y.next()]);
            context.truncate(&op, z, x.dim(), shift)
        })
    }

    pub(super) fn check_operands<A: Linear, B: Linear, D: Dimension>(
        &self,
        name: &'static str,
        x: &Share<A, D>,
        y: &Share<B, D>,
    ) -> Result<()> {
        if x.shape() != y.shape() {
            return Err(Error::shape(name, x.shape(), y.shape()));
        }
        same_party(self.index, x.party())?;
        same_party(self.index, y.party())
    }

    /// `z_i = x_i y_i + x_i y_{i+1} + x_{i+1} y_i + alpha_i`, which `P_{i-1}` holds too. Operands have `len` elements.
    pub(super) fn mul_streamed(&mut self, op: &Op, x: [&[u64]; 2], y: [&[u64]; 2], len: usize) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut plus = self.own_key.stream(Purpose::ZeroShare, op);
        let mut minus = self.next_key.stream(Purpose::ZeroShare, op);
        reshare_streamed(&mut self.prev, &mut self.next, Rep3Step::Multiply, len, |from, piece| {
            plus.fill(piece);
            minus.subtract(piece);
            let [x, y] = [x, y].map(|operand| operand.map(|part| &part[from..]));
            add_local(piece, x, y);
        })
    }
}

/// Makes our component piece by piece, each while it is in the first-level cache, sends it to the predecessor and receives
/// the successor's: `(own, next)`.
pub(super) fn reshare_streamed(
    prev: &mut Channel,
    next: &mut Channel,
    step: Rep3Step,
    len: usize,
    mut make: impl FnMut(usize, &mut [u64]),
) -> Result<(Vec<u64>, Vec<u64>)> {
    if len == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let (mut ours, mut theirs) = (zeros(len), zeros(len));
    let bytes = len.checked_mul(8).ok_or_else(|| Error::caller("array is too large"))?;
    prev.begin_send(step, bytes as u64)?;
    next.begin_recv(step, Expect::Exactly(bytes))?;
    let mut slots = theirs.chunks_mut(LANE);
    for (number, lane) in ours.chunks_mut(LANE).enumerate() {
        let mut frame = Vec::with_capacity(lane.len() * 8);
        for (place, piece) in lane.chunks_mut(CACHED).enumerate() {
            make(number * LANE + place * CACHED, piece);
            let used = frame.len();
            frame.resize(used + piece.len() * 8, 0);
            for (slot, value) in frame[used..].as_chunks_mut().0.iter_mut().zip(piece.iter()) {
                *slot = value.to_le_bytes();
            }
        }
        prev.push(Bytes::from(frame))?;
        if number >= LEAD {
            slots.next().map_or(Ok(()), |slot| next.pull_u64(slot))?;
        }
    }
    slots.try_for_each(|slot| next.pull_u64(slot))?;
    Ok((ours, theirs))
}

/// Adds our local products: `x_i (y_i + y_{i+1}) + x_{i+1} y_i`; operands may be longer.
pub(super) fn add_local(z: &mut [u64], [x0, x1]: [&[u64]; 2], [y0, y1]: [&[u64]; 2]) {
    kernel::add_products(z, x0, x1, y0, y1);
}
