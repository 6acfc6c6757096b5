//! Some bits of a value plus several offsets, as two addends: `u = x_0 + x_1 + offset`, which P0 shares, and `v = x_2`, which P1 and
//! P2 hold, each without its lower bits.

use std::ops::Range;

use super::context::Context;
use super::steps::Rep3Step;
use crate::Result;
use crate::engine::{BitVector, Bits, Packed, Vector, Words};
use crate::planes::split;
use crate::prg::Purpose;

impl Context {
    /// One round: `bits / 8` bytes for each element and offset, P0 to P1. The mask is `F(k_0)`, which P1 lacks.
    pub(super) fn high_addends(&mut self, value: &Words<2>, offsets: &[u64], planes: Range<u32>) -> Result<Vec<[Vec<Bits<2>>; 2]>> {
        let (index, len, width) = (self.index, value.len(), value.len().div_ceil(64));
        let bits = planes.end - planes.start;
        let words = offsets.len() * width * bits as usize;
        let (own, next) = self.operate(|context| {
            let op = context.next_op()?;
            let mut mask = vec![0; if index == 1 { 0 } else { words }];
            let key = if index == 0 { &context.own_key } else { &context.next_key };
            key.stream(Purpose::Addend, &op).fill(&mut mask);
            match index {
                _ if words == 0 => Ok((Vec::new(), Vec::new())),
                0 => {
                    let mut u = Vec::with_capacity(words);
                    for offset in offsets {
                        let sum = |(a, b): (&u64, &u64)| a.wrapping_add(*b).wrapping_add(*offset) >> planes.start;
                        let mut sums: Vec<u64> = value.part(0).iter().zip(value.part(1)).map(sum).collect();
                        split(&sums, bits).iter().for_each(|plane| u.extend_from_slice(plane.words()));
                        crate::engine::wipe(&mut sums);
                    }
                    u.iter_mut().zip(&mask).for_each(|(u, mask)| *u ^= mask);
                    context.next.send_slice_u64(Rep3Step::Addend, &u)?;
                    Ok((mask, u))
                }
                1 => {
                    let mut u = vec![0; words];
                    context.prev.recv_slice_u64(Rep3Step::Addend, &mut u)?;
                    Ok((u, Vec::new()))
                }
                _ => Ok((Vec::new(), mask)),
            }
        })?;
        let plane = |from: &[u64], at: usize| match from.get(at * width..(at + 1) * width) {
            Some(words) if !from.is_empty() => Packed::from_words(words.to_vec(), len),
            _ => Packed::zeros(len),
        };
        let v: Vec<Bits<2>> = match index {
            0 => vec![Bits::zeros(len); bits as usize],
            1 => third(value.part(1), &planes).map(|plane| Bits::from_parts([Packed::zeros(len), plane])).collect(),
            _ => third(value.part(0), &planes).map(|plane| Bits::from_parts([plane, Packed::zeros(len)])).collect(),
        };
        let bits = bits as usize;
        let u = |number: usize| {
            (0..bits).map(|at| Bits::from_parts([plane(&own, number * bits + at), plane(&next, number * bits + at)])).collect()
        };
        Ok((0..offsets.len()).map(|number| [u(number), v.clone()]).collect())
    }
}

/// These planes of `x_2`.
fn third(part: &[u64], planes: &Range<u32>) -> impl Iterator<Item = Packed> {
    let high: Vec<u64> = part.iter().map(|value| value >> planes.start).collect();
    split(&high, planes.end - planes.start).into_iter()
}
