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

use crate::engine::{Bits, Vector, wipe};
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

    fn half(&self, side: Side, rows: Range<usize>, out: &mut Half) {
        if let Some(half) = self.side(side) {
            out.factors.extend_from_slice(&half.factors[rows.start * self.width..rows.end * self.width]);
            out.rest.extend_from_slice(&half.rest[rows]);
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

    /// Appends a half of some relations; `component` says which of our two it is made of, with its key.
    fn half(&self, side: Side, component: usize, key: &Key, what: What, rows: Range<usize>, out: &mut Half) {
        let (x, y, z, op, from) = match self {
            Self::Written(written) => return written.half(side, rows, out),
            Self::And { x, y, z, op, from } => (x.part(component), y.part(component), z.part(component), *op, *from),
        };
        let op = Op::new(op);
        let begin = out.rest.len();
        out.rest.resize(begin + rows.len(), 0);
        if what == What::All {
            let mut mask = key.stream(Purpose::ZeroBits, &op);
            mask.skip(from + rows.start);
            mask.fill(&mut out.rest[begin..]);
        }
        // the mask does not end where the bits end
        if rows.end == z.words().len()
            && !z.len().is_multiple_of(64)
            && let Some(last) = out.rest.last_mut()
        {
            *last &= u64::MAX >> (64 - z.len() % 64);
        }
        let (x, y, z) = (&x.words()[rows.clone()], &y.words()[rows.clone()], &z.words()[rows]);
        for ((rest, z), (x, y)) in out.rest[begin..].iter_mut().zip(z).zip(x.iter().zip(y)) {
            if side == Side::Left {
                *rest ^= (x & y) ^ z;
                out.factors.extend([*x, *y]);
            } else {
                out.factors.extend([*y, *x]);
            }
        }
    }
}

/// Words of relations of each prover.
pub(super) fn sizes(records: &[BitsRecord]) -> [usize; PARTIES] {
    std::array::from_fn(|prover| records.iter().map(|record| record.rows(prover)).sum())
}

/// Terms of a relation.
const WIDTH: usize = 2;

/// Terms that are worked on while they are in the first-level cache.
const CACHED: usize = 2048;

/// A range of one record's relations.
pub(super) struct Piece<'a> {
    record: &'a BitsRecord,
    rows: Range<usize>,
}

impl Piece<'_> {
    /// Our prover's two halves.
    pub(super) fn both(&self, context: &Context, what: What) -> (Half, Half) {
        (self.half(context, Side::Left, 0, what), self.half(context, Side::Right, 1, what))
    }

    /// A half made of our component of that number.
    pub(super) fn half(&self, context: &Context, side: Side, component: usize, what: What) -> Half {
        let mut out = Half::default();
        let key = if component == 0 { &context.own_key } else { &context.next_key };
        out.factors.reserve(self.rows.len() * WIDTH);
        self.record.half(side, component, key, what, self.rows.clone(), &mut out);
        out
    }
}

/// A prover's relations number `rows` in pieces of the size of the cache.
pub(super) fn pieces(records: &[BitsRecord], prover: usize, rows: Range<usize>) -> impl Iterator<Item = Piece<'_>> {
    let mut begin = 0;
    records.iter().flat_map(move |record| {
        let len = record.rows(prover);
        let (from, to) = (rows.start.clamp(begin, begin + len) - begin, rows.end.clamp(begin, begin + len) - begin);
        begin += len;
        let step = CACHED / WIDTH;
        (from..to).step_by(step).map(move |start| Piece { record, rows: start..to.min(start + step) })
    })
}
