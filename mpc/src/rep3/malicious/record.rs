//! What a check has to know of the operations since the last one: relations that each message of a party has to satisfy.
//!
//! Every relation of prover `P_i` reads `sum_t u_t w_t + l + r = 0`, where `P_{i-1}` knows `u, l` (functions of components number `i` and of
//! `k_i`), `P_{i+1}` knows `w, r` (components number `i + 1` and `k_{i+1}`) and the prover knows both.
//!
//! A product `z = x y` makes one for every party, over words and over bits alike:
//! `x_i y_{i+1} + y_i x_{i+1} + [x_i y_i + F(k_i) - z_i] + [-F(k_{i+1})] = 0`.
//! Other primitives write their relations out ([`Written`]), and those of a shuffle are in `shuffle.rs`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::shuffle::Moved;
use crate::engine::{Bits, Product, Vector, Words, wipe};
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
    fn half(&self, side: Side, rows: Range<usize>, out: &mut Half) {
        let half = if side == Side::Left { &self.left } else { &self.right };
        if let Some(half) = half {
            out.factors.extend_from_slice(&half.factors[rows.start * self.width..rows.end * self.width]);
            out.rest.extend_from_slice(&half.rest[rows]);
        }
    }
}

/// How the operands of a product meet.
#[derive(Clone, Copy)]
pub(super) enum Meet {
    /// Scalar products of this many terms (1: element by element).
    Rows(usize),
    /// Matrices `m`, `k`, `n`.
    Matrix([usize; 3]),
}

impl Meet {
    pub(super) const fn of<W>(product: &Product<'_, W>) -> Self {
        match *product {
            Product::Each(..) => Self::Rows(1),
            Product::Dots { terms, .. } => Self::Rows(terms),
            Product::Matrix { shape, .. } => Self::Matrix(shape),
        }
    }

    const fn terms(self) -> usize {
        match self {
            Self::Rows(terms) => terms,
            Self::Matrix([_, k, _]) => k,
        }
    }
}

/// Relations over words.
pub(super) enum WordsRecord {
    /// A product of all parties; its shares of zero begin at this element of the operation's stream.
    Product { x: Arc<Words<2>>, y: Arc<Words<2>>, z: Arc<Words<2>>, meet: Meet, op: u64, from: usize },
    /// One prover's.
    Written(Written),
    /// One prover's, of a shuffle.
    Moved(Moved),
}

impl WordsRecord {
    /// What the factors of a side are multiplied with in a combination with coefficients `rho` of some relations; `None`: with 1. Either
    /// side may carry them, but only one.
    pub(super) fn weights<'a>(&self, side: Side, rho: &'a [u64]) -> Option<Cow<'a, [u64]>> {
        match self {
            Self::Moved(moved) => moved.weights(side, rho),
            _ => (side == Side::Right).then_some(Cow::Borrowed(rho)),
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

/// Relations of any ring.
pub(super) trait Record {
    /// Relations (or words of 64) of a prover.
    fn rows(&self, prover: usize) -> usize;

    /// Terms of each.
    fn width(&self) -> usize;

    /// Relations that stay together: halves are made of multiples of so many.
    fn unit(&self) -> usize {
        1
    }

    /// Appends a half of some relations; `component` says which of our two it is made of, with its key.
    fn half(&self, side: Side, component: usize, key: &Key, what: What, rows: Range<usize>, out: &mut Half);
}

impl Record for WordsRecord {
    fn rows(&self, prover: usize) -> usize {
        match self {
            Self::Product { z, .. } => z.len(),
            Self::Written(written) => {
                if written.prover == prover {
                    written.rows
                } else {
                    0
                }
            }
            Self::Moved(moved) => {
                if moved.prover == prover {
                    moved.rows
                } else {
                    0
                }
            }
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Product { meet, .. } => 2 * meet.terms(),
            Self::Written(written) => written.width,
            Self::Moved(_) => 1,
        }
    }

    fn unit(&self) -> usize {
        if let Self::Moved(moved) = self { moved.column } else { 1 }
    }

    fn half(&self, side: Side, component: usize, key: &Key, what: What, rows: Range<usize>, out: &mut Half) {
        let (x, y, z, meet, op, from) = match self {
            Self::Written(written) => return written.half(side, rows, out),
            Self::Moved(moved) => return moved.half(side, component, key, what, rows, out),
            Self::Product { x, y, z, meet, op, from } => (x.part(component), y.part(component), z.part(component), *meet, *op, *from),
        };
        let op = Op::new(op);
        let begin = out.rest.len();
        out.rest.resize(begin + rows.len(), 0);
        let rest = &mut out.rest[begin..];
        if what == What::All {
            let mut mask = key.stream(Purpose::ZeroShare, &op);
            mask.skip(from + rows.start);
            if side == Side::Left {
                mask.fill(rest);
            } else {
                mask.subtract(rest);
            }
        }
        let z = &z[rows.clone()];
        if let Meet::Rows(1) = meet {
            let operands = x[rows.clone()].iter().zip(&y[rows]);
            if side == Side::Left {
                for ((rest, z), (x, y)) in rest.iter_mut().zip(z).zip(operands) {
                    *rest = rest.wrapping_add(x.wrapping_mul(*y)).wrapping_sub(*z);
                    out.factors.extend([*x, *y]);
                }
            } else {
                operands.for_each(|(x, y)| out.factors.extend([*y, *x]));
            }
            return;
        }
        for (row, (rest, z)) in rows.zip(rest.iter_mut().zip(z)) {
            let begin = out.factors.len();
            let mut push = |of_x: bool| match (meet, of_x) {
                (Meet::Rows(terms), _) => out.factors.extend_from_slice(&if of_x { x } else { y }[row * terms..(row + 1) * terms]),
                (Meet::Matrix([_, k, n]), true) => out.factors.extend_from_slice(&x[row / n * k..(row / n + 1) * k]),
                (Meet::Matrix([_, _, n]), false) => out.factors.extend(y.iter().skip(row % n).step_by(n)),
            };
            push(side == Side::Left);
            push(side == Side::Right);
            if side == Side::Left {
                let (x, y) = out.factors[begin..].split_at(meet.terms());
                let sum = x.iter().zip(y).fold(*rest, |sum, (x, y)| sum.wrapping_add(x.wrapping_mul(*y)));
                *rest = sum.wrapping_sub(*z);
            }
        }
    }
}

impl Record for BitsRecord {
    fn rows(&self, prover: usize) -> usize {
        match self {
            Self::And { z, .. } => z.len().div_ceil(64),
            Self::Written(written) => {
                if written.prover == prover {
                    written.rows
                } else {
                    0
                }
            }
        }
    }

    fn width(&self) -> usize {
        2
    }

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

/// Relations (or words of 64) and terms of each prover.
pub(super) fn sizes<R: Record>(records: &[R]) -> [(usize, usize); PARTIES] {
    std::array::from_fn(|prover| {
        records.iter().fold((0, 0), |(rows, terms), record| {
            let more = record.rows(prover);
            (rows + more, terms + more * record.width())
        })
    })
}

/// Terms that are worked on while they are in the first-level cache.
const CACHED: usize = 2048;

/// A range of one record's relations.
pub(super) struct Piece<'a, R> {
    pub(super) record: &'a R,
    pub(super) rows: Range<usize>,
}

impl<R: Record> Piece<'_, R> {
    /// Our prover's two halves.
    pub(super) fn both(&self, context: &Context, what: What) -> (Half, Half) {
        (self.half(context, Side::Left, 0, what), self.half(context, Side::Right, 1, what))
    }

    /// A half made of our component of that number.
    pub(super) fn half(&self, context: &Context, side: Side, component: usize, what: What) -> Half {
        let mut out = Half::default();
        let key = if component == 0 { &context.own_key } else { &context.next_key };
        out.factors.reserve(self.rows.len() * self.record.width());
        self.record.half(side, component, key, what, self.rows.clone(), &mut out);
        out
    }
}

/// A prover's relations number `rows` in pieces of the size of the cache.
pub(super) fn pieces<R: Record>(records: &[R], prover: usize, rows: Range<usize>) -> impl Iterator<Item = Piece<'_, R>> {
    let mut begin = 0;
    records.iter().flat_map(move |record| {
        let len = record.rows(prover);
        let (from, to) = (rows.start.clamp(begin, begin + len) - begin, rows.end.clamp(begin, begin + len) - begin);
        begin += len;
        let step = (CACHED / record.width().max(1)).max(1).next_multiple_of(record.unit().max(1));
        (from..to).step_by(step).map(move |start| Piece { record, rows: start..to.min(start + step) })
    })
}
