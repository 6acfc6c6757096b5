//! What a check has to know of the operations since the last one: relations that each message of a party has to satisfy.
//!
//! Every relation of prover `P_i` reads `sum_t u_t w_t + l + r = 0`, where `P_{i-1}` knows `u, l` (functions of components number `i` and of
//! `k_i`), `P_{i+1}` knows `w, r` (components number `i + 1` and `k_{i+1}`) and the prover knows both.
//!
//! A product `z = x y` makes one for every party, over words and over bits alike:
//! `x_i y_{i+1} + y_i x_{i+1} + [x_i y_i + F(k_i) - z_i] + [-F(k_{i+1})] = 0`.
//! Other primitives write their relations out ([`Written`]), and those of a shuffle are in `shuffle.rs`.

use std::ops::Range;
use std::sync::Arc;

use super::lookup::LANES;
use crate::engine::{Bits, Vector, wipe};
use crate::memory::give;
use crate::prg::{Key, Op, Purpose};
use crate::rep3::context::{Context, PARTIES};

/// Who of the two verifiers knows a half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `u` and `l`.
    Left,
    /// `w` and `r`.
    Right,
}

/// What is wanted of a half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Factors and what is added.
    All,
    /// The factors; what is added may be anything.
    Factors,
}

/// One half of some relations: `width` factors each, one after the other, and what is added.
#[derive(Default)]
pub(super) struct Half {
    pub(super) factors: Vec<u64>,
    pub(super) rest: Vec<u64>,
}

impl Drop for Half {
    fn drop(&mut self) {
        wipe(&mut self.factors);
        wipe(&mut self.rest);
    }
}

/// Relations of one prover, written out by whoever knows a half. Words hold ring elements or 64 bits of 64 relations.
pub(super) struct Written {
    pub(super) prover: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) left: Option<Half>,
    pub(super) right: Option<Half>,
}

impl Written {
    pub(super) const fn side(&self, side: Side) -> Option<&Half> {
        match side {
            Side::Left => self.left.as_ref(),
            Side::Right => self.right.as_ref(),
        }
    }

    /// Two terms to a relation.
    fn read(&self, side: Side, rows: Range<usize>, [first, second, rest]: [&mut [u64]; 3]) {
        if let Some(half) = self.side(side) {
            let terms = half.factors[2 * rows.start..2 * rows.end].as_chunks::<2>().0;
            for ((first, second), terms) in first.iter_mut().zip(second).zip(terms) {
                [*first, *second] = *terms;
            }
            rest.copy_from_slice(&half.rest[rows]);
        }
    }
}

/// Relations over bits, 64 to a word.
pub(super) enum BitsRecord {
    /// A conjunction of all parties.
    And { x: Arc<Bits<2>>, y: Arc<Bits<2>>, z: Arc<Bits<2>>, op: u64, from: usize },
    /// One prover's, two terms to a relation.
    Written(Written),
}

impl BitsRecord {
    /// Words of relations of a prover.
    fn rows(&self, prover: usize) -> usize {
        match self {
            Self::And { z, .. } => z.len().div_ceil(64),
            Self::Written(written) if written.prover == prover => written.rows,
            Self::Written(_) => 0,
        }
    }

    /// Writes a half of some relations; `component` says which of our two it is made of, with its key.
    fn read(&self, side: Side, component: usize, key: &Key, what: What, rows: Range<usize>, [first, second, rest]: [&mut [u64]; 3]) {
        let (x, y, z, op, from) = match self {
            Self::Written(written) => return written.read(side, rows, [first, second, rest]),
            Self::And { x, y, z, op, from } => (x.part(component), y.part(component), z.part(component), *op, *from),
        };
        let (one, two) = if side == Side::Left { (x, y) } else { (y, x) };
        first.copy_from_slice(&one.words()[rows.clone()]);
        second.copy_from_slice(&two.words()[rows.clone()]);
        if what == What::Factors {
            return;
        }
        let op = Op::new(op);
        let mut mask = key.stream(Purpose::ZeroBits, &op);
        mask.skip(from + rows.start);
        mask.fill(rest);
        // the mask does not end where the bits end
        if rows.end == z.words().len()
            && !z.len().is_multiple_of(64)
            && let Some(last) = rest.last_mut()
        {
            *last &= u64::MAX >> (64 - z.len() % 64);
        }
        if side == Side::Left {
            for ((rest, z), (x, y)) in rest.iter_mut().zip(&z.words()[rows]).zip(first.iter().zip(second.iter())) {
                *rest ^= (x & y) ^ z;
            }
        }
    }
}

/// Words of relations of each prover.
pub(super) fn sizes(records: &[BitsRecord]) -> [usize; PARTIES] {
    std::array::from_fn(|prover| records.iter().map(|record| record.rows(prover)).sum())
}

/// A half of some relations, two to a group: the first words of all groups, then, from `stride` on, the second ones. Zeros fill it up to whole
/// lanes.
#[derive(Default)]
pub(super) struct Block {
    pub(super) groups: usize,
    pub(super) stride: usize,
    /// The two factors.
    pub(super) terms: [Vec<u64>; 2],
    pub(super) rest: Vec<u64>,
}

impl Block {
    /// Words of all groups.
    pub(super) fn halves(words: &[u64], stride: usize) -> [&[u64]; 2] {
        let (first, second) = words.split_at(stride);
        [first, second]
    }

    /// Reads a prover's relations number `rows`, made of our component of that number.
    pub(super) fn read(&mut self, context: &Context, records: &[BitsRecord], whose: Whose, what: What, rows: Range<usize>) {
        let key = if whose.component == 0 { &context.own_key } else { &context.next_key };
        self.groups = rows.len().div_ceil(2);
        self.stride = self.groups.next_multiple_of(LANES);
        for words in self.terms.iter_mut().chain([&mut self.rest]) {
            let len = 2 * self.stride;
            if let Some(more) = words.get_mut(len..) {
                wipe(more);
            }
            words.resize(len, 0);
            words[self.groups..self.stride].fill(0);
            words[self.stride + rows.len() - self.groups..].fill(0);
        }
        let [first, second] = &mut self.terms;
        let mut begin = 0;
        for record in records {
            let len = record.rows(whose.prover);
            // where the second words begin, too
            let cuts = [rows.start, rows.start + self.groups, rows.end].map(|at| at.clamp(begin, begin + len));
            for (half, cut) in cuts.windows(2).enumerate().filter(|(_, cut)| cut[0] < cut[1]) {
                let place = half * self.stride + cut[0] - rows.start - half * self.groups;
                let place = place..place + cut[1] - cut[0];
                let out = [&mut first[place.clone()], &mut second[place.clone()], &mut self.rest[place]];
                record.read(whose.side, whose.component, key, what, cut[0] - begin..cut[1] - begin, out);
            }
            begin += len;
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.terms.iter_mut().chain([&mut self.rest]).for_each(|words| give(std::mem::take(words)));
    }
}

/// Whose relations, and which half of them from which of our components.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) prover: usize,
    pub(super) side: Side,
    pub(super) component: usize,
}
