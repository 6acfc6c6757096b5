//! Verified truncation by `F` bits with an error below one unit in the last place; see [`super`] for the derivation.

use super::Malicious;
use super::packed::{Unpacker, pack, packed_words};
use super::products::WordsRecord;
use super::record::{BitsRecord, Half, Written};
use super::steps::Check;
use crate::Result;
use crate::engine::{Packed, Vector, Words};
use crate::planes::split;
use crate::prg::{Op, Purpose};
use crate::rep3::context::Context;

/// Makes every admitted value non-negative.
const OFFSET: u64 = 1 << 62;

/// Planes of a sum with its carry.
pub(super) const PLANES: usize = 65;

/// Where this party has component `component`: 0 its own, 1 its next.
pub(super) const fn place(index: usize, component: usize) -> Option<usize> {
    match (component + 3 - index) % 3 {
        0 => Some(0),
        1 => Some(1),
        _ => None,
    }
}

/// Elements of a stream of the key that belongs to our component number `at`.
pub(super) fn random(context: &Context, at: usize, purpose: Purpose, op: &Op, len: usize) -> Vec<u64> {
    let key = if at == 0 { &context.own_key } else { &context.next_key };
    let mut out = vec![0; len];
    key.stream(purpose, op).fill(&mut out);
    out
}

/// A half of the relations that say: the planes `u = u_0 ^ u_1` are the sum of `a` and `b`. `sums` are the planes of `u_0` (or `u_1`),
/// `addend` those of `a` (or `b`), `width` words each; missing planes of the addend are zero.
///
/// `m = u_0 ^ a` and `n = u_1 ^ b` add up to the carries: none into the lowest bit; into the next bit the majority of `a, b, m ^ n`, so
/// `u_0 u_1 ^ m n ^ (u_0 m ^ m) ^ (u_1 n ^ n) = m' ^ n'`.
pub(super) fn carries(sums: &[u64], addend: &[u64], width: usize) -> Half {
    let mut half = Half { factors: Vec::with_capacity(2 * sums.len()), rest: Vec::with_capacity(sums.len()) };
    let share = |at: usize| sums[at] ^ addend.get(at).copied().unwrap_or(0);
    for at in 0..sums.len() {
        let (below, carried) = if at < width { (0, 0) } else { (sums[at - width], share(at - width)) };
        half.factors.extend([below, carried]);
        half.rest.push((below & carried) ^ carried ^ share(at));
    }
    half
}

pub(super) fn flat(planes: &[Packed]) -> Vec<u64> {
    planes.iter().flat_map(|plane| plane.words().iter().copied()).collect()
}

/// Clears what is behind the last bit of each plane.
fn clean(planes: &mut [u64], len: usize) {
    if !len.is_multiple_of(64) {
        for plane in planes.chunks_exact_mut(len.div_ceil(64)) {
            if let Some(last) = plane.last_mut() {
                *last &= u64::MAX >> (64 - len % 64);
            }
        }
    }
}

/// What a party knows of component 0 or 1 of a truncation.
struct Addend {
    /// `x_0 + 2^62` or `x_1`.
    value: Vec<u64>,
    /// `u_0` or `u_1`.
    sums: Vec<u64>,
    /// `e_0` or `e_1`.
    carry: Vec<u64>,
    /// `d_0` or `d_1`.
    top: Vec<u64>,
    /// `p_0` or `p_1`.
    wrap: Vec<u64>,
}

/// What a party knows of component 2.
struct Third {
    /// `r = -x_2`.
    r: Vec<u64>,
    /// `F(k_2)`.
    mask: Vec<u64>,
    /// `p_2`.
    wrap: Vec<u64>,
}

struct Bits<'a> {
    words: &'a [u64],
    width: usize,
}

impl Bits<'_> {
    fn get(&self, plane: usize, at: usize) -> u64 {
        self.words[plane * self.width + at / 64] >> (at % 64) & 1
    }
}

impl Addend {
    /// `(value >> F) + e - p 2^(64-F)`, and for `x_1` the offset.
    fn result(&self, bits: u32, offset: u64) -> Vec<u64> {
        let parts = self.value.iter().zip(&self.carry).zip(&self.wrap);
        parts
            .map(|((value, carry), wrap)| (value >> bits).wrapping_add(*carry).wrapping_sub(wrap << (64 - bits)).wrapping_sub(offset))
            .collect()
    }

    fn planes(&self) -> Vec<u64> {
        flat(&split(&self.value, 64))
    }

    /// Half of `e_0 + e_1 = q - 2^(64-F) k` for the carry `q` into bit `F` and the carry `k` out, and of
    /// `2^(64-F) (d_0 + d_1) = 2^(64-F) t` for the top bit `t`; a bit shared by `m ^ n` is `m + n - 2 m n`.
    fn inputs(&self, bits: u32, is_left: bool) -> [Half; 2] {
        let (len, width, up) = (self.value.len(), self.value.len().div_ceil(64), 64 - bits);
        let sums = Bits { words: &self.sums, width };
        let (mut carries, mut tops) = (Half::default(), Half::default());
        for at in 0..len {
            let low = sums.get(bits as usize, at) ^ (self.value[at] >> bits & 1);
            let (out, top) = (sums.get(64, at), sums.get(63, at));
            carries.rest.push(low.wrapping_sub(out << up).wrapping_sub(self.carry[at]));
            tops.rest.push(top.wrapping_sub(self.top[at]) << up);
            if is_left {
                carries.factors.extend([(low << 1).wrapping_neg(), out << up << 1]);
                tops.factors.push((top << up << 1).wrapping_neg());
            } else {
                carries.factors.extend([low, out]);
                tops.factors.push(top);
            }
        }
        [carries, tops]
    }
}

impl Malicious {
    /// Cuts vectors by `bits` bits and notes what to check.
    pub(super) fn truncated(&mut self, own: Vec<u64>, next: Vec<u64>, bits: u32) -> Result<Words<2>> {
        let len = own.len();
        if len == 0 {
            return Ok(Words::from_parts([Vec::new(), Vec::new()]));
        }
        let parts = Words::from_parts([own, next]);
        let known = self.base.operate(|context| exchange(context, &parts, bits))?;
        Ok(self.note(known, len, bits))
    }

    fn note(&mut self, (zero, one, two): Known, len: usize, bits: u32) -> Words<2> {
        let (up, width, offset) = (64 - bits, len.div_ceil(64), OFFSET >> bits);
        let first = zero.as_ref().map(|zero| zero.result(bits, 0));
        let second = one.as_ref().map(|one| one.result(bits, offset));
        let third: Option<Vec<u64>> = two.as_ref().map(|two| {
            let parts = two.r.iter().zip(&two.wrap);
            parts.map(|(r, wrap)| ((r >> 63).wrapping_sub(*wrap) << up).wrapping_sub(r >> bits)).collect()
        });

        let half = |side: &Option<Addend>| side.as_ref().map(|side| carries(&side.sums, &side.planes(), width));
        let (left, right) = (half(&zero), half(&one));
        self.bits.push(BitsRecord::Written(Written { prover: 0, rows: PLANES * width, width: 2, left, right }));
        let split = |inputs: Option<[Half; 2]>| inputs.map_or((None, None), |[a, b]| (Some(a), Some(b)));
        let (left_carries, left_tops) = split(zero.as_ref().map(|zero| zero.inputs(bits, true)));
        let (right_carries, right_tops) = split(one.as_ref().map(|one| one.inputs(bits, false)));
        let mut written =
            |prover, width, left, right| self.words.push(WordsRecord::Written(Written { prover, rows: len, width, left, right }));
        written(0, 2, left_carries, right_carries);
        written(0, 1, left_tops, right_tops);
        // P2 made p_0 = d_0 g - F(k_2): y_0 - (a >> F) - e_0 + 2^(64-F) (g d_0 - F(k_2)) = 0
        let left = two.as_ref().map(|two| Half {
            factors: two.r.iter().map(|r| r >> 63 << up).collect(),
            rest: two.mask.iter().map(|mask| (mask << up).wrapping_neg()).collect(),
        });
        let right = zero.as_ref().zip(first.as_ref()).map(|(zero, y)| Half {
            factors: zero.top.clone(),
            rest: y.iter().zip(&zero.value).zip(&zero.carry).map(|((y, a), e)| y.wrapping_sub(a >> bits).wrapping_sub(*e)).collect(),
        });
        written(2, 1, left, right);
        // P1 made p_2 = d_1 g - p_1 + F(k_2): y_2 + (r >> F) - 2^(64-F) g + 2^(64-F) (g d_1 - p_1 + F(k_2)) = 0
        let left = one.as_ref().map(|one| Half {
            factors: one.top.iter().map(|top| top << up).collect(),
            rest: one.wrap.iter().map(|wrap| (wrap << up).wrapping_neg()).collect(),
        });
        let right = two.as_ref().zip(third.as_ref()).map(|(two, y)| {
            let parts = y.iter().zip(&two.r).zip(&two.mask);
            let rest = parts.map(|((y, r), mask)| y.wrapping_add(r >> bits).wrapping_add(mask.wrapping_sub(r >> 63) << up)).collect();
            Half { factors: two.r.iter().map(|r| r >> 63).collect(), rest }
        });
        written(1, 1, left, right);

        let mut components = [first, second, third];
        let index = self.base.index();
        let mut take = |at: usize| components[at % 3].take().unwrap_or_default();
        Words::from_parts([take(index), take(index + 1)])
    }
}

type Known = (Option<Addend>, Option<Addend>, Option<Third>);

/// The messages of a truncation; what we know afterwards of components 0, 1 and 2.
fn exchange(context: &mut Context, x: &Words<2>, bits: u32) -> Result<Known> {
    let op = context.next_op()?;
    let (index, len) = (context.index, x.len());
    let (width, mask, packed) = (len.div_ceil(64), u64::MAX >> (64 - bits), packed_words(len, bits));
    let low = |mut values: Vec<u64>| {
        values.iter_mut().for_each(|value| *value &= mask);
        values
    };
    let unpack = |words: &[u64]| {
        let mut unpacker = Unpacker::new(words, len, bits);
        (0..len).map(|_| unpacker.next()).collect::<Vec<u64>>()
    };
    let mut zero = place(index, 0).map(|at| {
        let mut sums = random(context, at, Purpose::TruncPlanes, &op, PLANES * width);
        clean(&mut sums, len);
        Addend {
            value: x.part(at).iter().map(|x| x.wrapping_add(OFFSET)).collect(),
            sums,
            carry: random(context, at, Purpose::TruncCarry, &op, len),
            top: low(random(context, at, Purpose::TruncTop, &op, len)),
            wrap: Vec::new(),
        }
    });
    let mut one = place(index, 1).map(|at| Addend {
        value: x.part(at).to_vec(),
        sums: vec![0; PLANES * width],
        carry: vec![0; len],
        top: Vec::new(),
        wrap: low(random(context, at, Purpose::TruncMaskLow, &op, len)),
    });
    let mut two = place(index, 2).map(|at| Third {
        r: x.part(at).iter().map(|x| x.wrapping_neg()).collect(),
        mask: low(random(context, at, Purpose::TruncMaskHigh, &op, len)),
        wrap: Vec::new(),
    });
    match (&mut zero, &mut one, &mut two) {
        (Some(zero), Some(one), None) => {
            share_sum(zero, one, bits);
            context.next.send_slice_u64(Check::TruncPlanes, &one.sums)?;
            context.next.send_slice_u64(Check::TruncCarry, &one.carry)?;
            context.next.send_slice_u64(Check::TruncTop, &pack(&one.top, bits))?;
            let mut wrap = vec![0; packed];
            context.prev.recv_slice_u64(Check::TruncWrap, &mut wrap)?;
            zero.wrap = unpack(&wrap);
        }
        (None, Some(one), Some(two)) => {
            context.prev.recv_slice_u64(Check::TruncPlanes, &mut one.sums)?;
            clean(&mut one.sums, len);
            context.prev.recv_slice_u64(Check::TruncCarry, &mut one.carry)?;
            let mut top = vec![0; packed];
            context.prev.recv_slice_u64(Check::TruncTop, &mut top)?;
            one.top = unpack(&top);
            let parts = one.top.iter().zip(&two.r).zip(&one.wrap);
            let wrap: Vec<u64> = parts.map(|((d, r), p)| d.wrapping_mul(r >> 63).wrapping_sub(*p) & mask).collect();
            context.next.send_slice_u64(Check::TruncWrap, &pack(&wrap, bits))?;
            two.wrap = wrap.iter().zip(&two.mask).map(|(p, mask)| p.wrapping_add(*mask)).collect();
        }
        (Some(zero), None, Some(two)) => {
            let parts = zero.top.iter().zip(&two.r).zip(&two.mask);
            zero.wrap = parts.map(|((d, r), p)| d.wrapping_mul(r >> 63).wrapping_sub(*p) & mask).collect();
            context.next.send_slice_u64(Check::TruncWrap, &pack(&zero.wrap, bits))?;
            let mut wrap = vec![0; packed];
            context.prev.recv_slice_u64(Check::TruncWrap, &mut wrap)?;
            two.wrap = unpack(&wrap).iter().zip(&two.mask).map(|(p, mask)| p.wrapping_add(*mask)).collect();
        }
        _ => return Err(crate::Error::caller("a party holds two components")),
    }
    Ok((zero, one, two))
}

/// P0: `c = a + b` with its carries, shared with P1.
fn share_sum(zero: &Addend, one: &mut Addend, bits: u32) {
    let len = zero.value.len();
    let sums: Vec<(u64, bool)> = zero.value.iter().zip(&one.value).map(|(a, b)| a.overflowing_add(*b)).collect();
    let plain: Vec<u64> = sums.iter().map(|(sum, _)| *sum).collect();
    let mut planes = split(&plain, 64);
    planes.push(sums.iter().map(|(_, over)| *over).collect());
    one.sums = flat(&planes).iter().zip(&zero.sums).map(|(sum, mask)| sum ^ mask).collect();
    one.top = (0..len).map(|at| (plain[at] >> 63).wrapping_sub(zero.top[at]) & (u64::MAX >> (64 - bits))).collect();
    for at in 0..len {
        let (a, b) = (zero.value[at], one.value[at]);
        let low = (plain[at] ^ a ^ b) >> bits & 1;
        let out = u64::from(sums[at].1) << (64 - bits);
        one.carry[at] = low.wrapping_sub(out).wrapping_sub(zero.carry[at]);
    }
}
