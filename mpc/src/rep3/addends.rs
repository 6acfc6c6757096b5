//! Some bits of a value plus several offsets, as two addends: `u = x_0 + x_1 + offset`, which P0 shares, and `v = x_2`, which P1 and
//! P2 hold, each without its lower bits.

use std::ops::Range;

use super::context::Context;
use super::engine::zip_bits;
use super::steps::Rep3Step;
use crate::Result;
use crate::engine::{Bits, Packed, Vector, Words};
use crate::memory::zeros;
use crate::planes::split_each;
use crate::prg::Purpose;

impl Context {
    /// One round: `bits / 8` bytes for each element and offset, P0 to P1. The mask is `F(k_0)`, which P1 lacks.
    pub(super) fn high_addends(&mut self, value: &Words<2>, offsets: &[u64], wanted: Range<u32>) -> Result<Vec<[Vec<Bits<2>>; 2]>> {
        let (index, len, width) = (self.index, value.len(), value.len().div_ceil(64));
        let bits = wanted.end - wanted.start;
        let words = offsets.len() * width * bits as usize;
        // components of `u`; `None` is zero
        let [own, next] = self.operate(|context| {
            let op = context.next_op()?;
            let key = if index == 0 { &context.own_key } else { &context.next_key };
            let mask = || {
                let mut mask = zeros(words);
                key.stream(Purpose::Addend, &op).fill(&mut mask);
                mask
            };
            match index {
                _ if words == 0 => Ok([None, None]),
                0 => {
                    let (mask, mut u) = (mask(), zeros(words));
                    let (left, right) = (value.part(0), value.part(1));
                    for (offset, planes) in offsets.iter().zip(u.chunks_exact_mut(width * bits as usize)) {
                        split_each(len, bits, planes, |range, block| {
                            for ((slot, a), b) in block.iter_mut().zip(&left[range.clone()]).zip(&right[range]) {
                                *slot = a.wrapping_add(*b).wrapping_add(*offset) >> wanted.start;
                            }
                        });
                    }
                    u.iter_mut().zip(&mask).for_each(|(u, mask)| *u ^= mask);
                    context.next.send_slice_u64(Rep3Step::Addend, &u)?;
                    Ok([Some(mask), Some(u)])
                }
                1 => {
                    let mut u = zeros(words);
                    context.prev.recv_slice_u64(Rep3Step::Addend, &mut u)?;
                    Ok([Some(u), None])
                }
                _ => Ok([None, Some(mask())]),
            }
        })?;
        let count = offsets.len() * bits as usize;
        let nothing = Packed::zeros(len);
        let cut = |part: Option<Vec<u64>>| part.map_or_else(|| vec![nothing.clone(); count], |part| Packed::cut(part, &vec![len; count]));
        let u = zip_bits(cut(own), cut(next));
        let none = vec![nothing.clone(); bits as usize];
        let third = |part: &[u64]| {
            let mut planes = zeros(width * bits as usize);
            split_each(len, bits, &mut planes, |range, block| {
                block.iter_mut().zip(&part[range]).for_each(|(slot, value)| *slot = value >> wanted.start);
            });
            Packed::cut(planes, &vec![len; bits as usize])
        };
        let v = match index {
            0 => zip_bits(none.clone(), none),
            1 => zip_bits(none, third(value.part(1))),
            _ => zip_bits(third(value.part(0)), none),
        };
        Ok(u.chunks_exact(bits as usize).map(|u| [u.to_vec(), v.clone()]).collect())
    }
}
