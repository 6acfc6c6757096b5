//! Relations over words, and how their factors are laid out for a proof.
//!
//! Every relation of prover `P_i` reads `sum_t u_t w_t + l + r = 0`, see [`super::record`]. How the coefficients of a record's relations are made
//! up decides what a proof costs:
//! - a *grid* of few terms: rows in four quarters, `rho = tau_b sigma_i` for place `i` of quarter `b`, so that the first level of the proof
//!   folds the quarters while it reads them;
//! - *long* scalar products: a coefficient each, all terms go into the proof;
//! - a *matrix* product `[m, k] [k, n]`: `rho = alpha_i beta_j`, so that `sum_ij rho_ij sum_k x_ik y_kj` is a scalar product of `k` terms,
//!   `sum_k (sum_i alpha_i x_ik) (sum_j beta_j y_kj)`;
//! - *moved* rows of a shuffle: a coefficient each, moved in the proof instead of the factors (`shuffle.rs`).

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::check::MOST_FOLDED;
use super::record::{Half, Side, What, Written};
use super::shuffle::Moved;
use crate::engine::{Product, Words};
use crate::prg::{Key, Op, Purpose};
use crate::rep3::context::PARTIES;
use crate::{Error, Result};

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

    pub(super) const fn form(self) -> Form {
        match self {
            Self::Rows(terms) => Form::of(2 * terms),
            Self::Matrix(shape) => Form::Matrix(shape),
        }
    }

    /// What of an operand makes these elements of the result; a matrix is not cut.
    fn of_part<'a>(self, operand: &'a [u64], part: &Range<usize>) -> &'a [u64] {
        match self {
            Self::Rows(terms) => &operand[part.start * terms..part.end * terms],
            Self::Matrix(_) => operand,
        }
    }
}

/// How the coefficients of a record's relations are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Few terms each.
    Grid {
        /// Terms of a relation.
        width: usize,
    },
    /// Many terms each.
    Long {
        /// Terms of a relation.
        width: usize,
    },
    /// A matrix product `m`, `k`, `n`, both ways: `2k` terms.
    Matrix([usize; 3]),
    /// Rows of a shuffle.
    Moved,
}

/// Parts into which the rows of a grid are cut.
pub(super) const QUARTERS: usize = 4;

/// What the first level of a proof folds to one: two terms of the rows in four quarters.
pub(super) const PLACES: usize = 2 * QUARTERS;

/// Relations with more terms than this are long.
const NARROW: usize = 8;

impl Form {
    pub(super) const fn of(width: usize) -> Self {
        if width > NARROW { Self::Long { width } } else { Self::Grid { width } }
    }

    /// Of a product, whose operands meet both ways.
    pub(crate) const fn of_product(shape: &crate::engine::ProductShape) -> Self {
        match *shape {
            crate::engine::ProductShape::Sums { terms, .. } => Self::of(2 * terms),
            crate::engine::ProductShape::Matrix(shape) => Self::Matrix(shape),
        }
    }

    /// Relations after which a check may run before the others of the same operation are noted.
    pub(crate) fn parts(self, rows: usize) -> impl Iterator<Item = Range<usize>> {
        let most = match self {
            Self::Grid { width } => QUARTERS * MOST_FOLDED.div_ceil(width.max(1).div_ceil(2)),
            Self::Long { width } => MOST_FOLDED.div_ceil(width),
            Self::Moved | Self::Matrix(_) => rows.max(1),
        };
        (0..rows).step_by(most).map(move |start| start..rows.min(start + most))
    }

    /// Elements of each vector that the proof is left with after its first level.
    pub(crate) const fn folded_len(self, rows: usize) -> usize {
        match self {
            Self::Grid { width } => width.div_ceil(2) * rows.div_ceil(QUARTERS),
            Self::Long { width } => width * rows,
            Self::Moved => rows,
            Self::Matrix([_, k, _]) => {
                if rows == 0 {
                    0
                } else {
                    2 * k
                }
            }
        }
    }
}

/// Relations over words.
pub(super) enum WordsRecord {
    /// Elements of a product of all parties; the shares of zero of its first one stand at number `from` of the operation's stream.
    Product {
        /// The left operand, whole.
        x: Arc<Words<2>>,
        /// The right operand, whole.
        y: Arc<Words<2>>,
        /// The result, whole.
        z: Arc<Words<2>>,
        /// How operands make elements.
        meet: Meet,
        /// Elements that these relations are about; of a matrix all.
        part: Range<usize>,
        /// Number of the operation.
        op: u64,
        /// Place in its stream.
        from: usize,
    },
    /// One prover's.
    Written(Written),
    /// One prover's, of a shuffle.
    Moved(Moved),
}

/// Factors of a grid's rows, term after term.
pub(super) enum Terms<'a> {
    /// The two terms of a product.
    Two([&'a [u64]; 2]),
    /// All terms one after the other.
    Many(&'a [u64]),
}

impl Terms<'_> {
    /// Term number `at`.
    pub(super) fn get(&self, at: usize, stride: usize) -> &[u64] {
        match self {
            Self::Two(terms) => terms[at],
            Self::Many(terms) => &terms[at * stride..(at + 1) * stride],
        }
    }
}

impl WordsRecord {
    /// Relations of a prover.
    pub(super) fn rows(&self, prover: usize) -> usize {
        match self {
            Self::Product { part, .. } => part.len(),
            Self::Written(written) if written.prover == prover => written.rows,
            Self::Moved(moved) if moved.prover == prover => moved.rows,
            Self::Written(_) | Self::Moved(_) => 0,
        }
    }

    pub(super) const fn form(&self) -> Form {
        match self {
            Self::Product { meet, .. } => meet.form(),
            Self::Written(written) => Form::of(written.width),
            Self::Moved(_) => Form::Moved,
        }
    }

    /// Relations that stay together.
    fn column(&self) -> usize {
        if let Self::Moved(moved) = self { moved.column.max(1) } else { 1 }
    }

    /// Operands of a product in the order of a side's factors: `x, y` left, `y, x` right.
    pub(super) fn operands(&self, side: Side, component: usize) -> Option<[&[u64]; 2]> {
        match (self, side) {
            (Self::Written(_) | Self::Moved(_), _) => None,
            (Self::Product { x, y, meet, part, .. }, Side::Left) => Some([x, y].map(|words| meet.of_part(words.part(component), part))),
            (Self::Product { x, y, meet, part, .. }, Side::Right) => Some([y, x].map(|words| meet.of_part(words.part(component), part))),
        }
    }

    /// Factors of some rows of a grid, term after term, each filled up with zeros to `stride`: where they stand, or copied to `room`.
    pub(super) fn grid<'a>(&'a self, side: Side, component: usize, rows: Range<usize>, stride: usize, room: &'a mut [u64]) -> Terms<'a> {
        let len = rows.len();
        if let Some(operands) = self.operands(side, component) {
            let terms = room.len() / stride / 2;
            if terms == 1 && len == stride {
                return Terms::Two(operands.map(|operand| &operand[rows.clone()]));
            }
            for (operand, out) in operands.into_iter().zip(room.chunks_mut(terms * stride)) {
                let operand = &operand[rows.start * terms..rows.end * terms];
                for (term, out) in out.chunks_mut(stride).enumerate() {
                    out[..len].iter_mut().zip(operand.chunks_exact(terms)).for_each(|(slot, row)| *slot = row[term]);
                    out[len..].fill(0);
                }
            }
        } else if let Self::Written(written) = self {
            let factors = written.side(side).map_or(&[][..], |half| &half.factors[rows.start * written.width..rows.end * written.width]);
            if written.width == 1 && len == stride && factors.len() == len {
                return Terms::Many(factors);
            }
            for (term, out) in room.chunks_mut(stride).enumerate() {
                out[..len].iter_mut().zip(factors.chunks_exact(written.width)).for_each(|(slot, row)| *slot = row[term]);
                out[len..].fill(0);
            }
        }
        Terms::Many(room)
    }

    /// What is added in some rows; of a matrix whole rows of it.
    ///
    /// # Errors
    /// [`Error::Shape`] for a matrix that does not fit: never, it was multiplied before.
    pub(super) fn rest(&self, side: Side, component: usize, key: &Key, rows: Range<usize>, out: &mut [u64]) -> Result<()> {
        let (x, y, z, meet, op, from, part) = match self {
            Self::Written(written) => {
                if let Some(half) = written.side(side) {
                    out.copy_from_slice(&half.rest[rows]);
                }
                return Ok(());
            }
            Self::Moved(moved) => {
                let mut half = Half::default();
                moved.half(side, component, key, What::All, rows, &mut half);
                out.copy_from_slice(&half.rest);
                return Ok(());
            }
            Self::Product { x, y, z, meet, part, op, from } => {
                (x.part(component), y.part(component), z.part(component), *meet, *op, *from, part)
            }
        };
        let (x, y, z) = (meet.of_part(x, part), meet.of_part(y, part), &z[part.clone()]);
        let op = Op::new(op);
        let mut mask = key.stream(Purpose::ZeroShare, &op);
        mask.skip(from + part.start + rows.start);
        if side == Side::Right {
            out.fill(0);
            mask.subtract(out);
            return Ok(());
        }
        mask.fill(out);
        if let Meet::Rows(1) = meet {
            super::wide::rest(out, [&x[rows.clone()], &y[rows.clone()]], &z[rows]);
            return Ok(());
        }
        crate::ring::sub_assign(out, &z[rows.clone()]);
        match meet {
            Meet::Rows(terms) => {
                let operands = x[rows.start * terms..rows.end * terms].chunks_exact(terms).zip(y[rows.start * terms..].chunks_exact(terms));
                for (slot, (x, y)) in out.iter_mut().zip(operands) {
                    *slot = x.iter().zip(y).fold(*slot, |sum, (x, y)| sum.wrapping_add(x.wrapping_mul(*y)));
                }
            }
            Meet::Matrix([m, k, n]) => {
                let wrong = |_| Error::shape("matrix product", &[m, k], &[k, n]);
                let from = rows.start / n;
                let some = rows.len() / n;
                let left = ArrayView2::from_shape((some, k), &x[from * k..(from + some) * k]).map_err(wrong)?;
                let right = ArrayView2::from_shape((k, n), y).map_err(wrong)?;
                let mut out = ArrayViewMut2::from_shape((some, n), out).map_err(wrong)?;
                crate::gemm::multiply_add(&mut out, left, right)?;
            }
        }
        Ok(())
    }
}

/// Relations of each prover, and elements of the vectors after the first level.
pub(super) fn sizes(records: &[WordsRecord]) -> [(usize, usize); PARTIES] {
    std::array::from_fn(|prover| {
        records.iter().fold((0, 0), |(rows, folded), record| {
            let more = record.rows(prover);
            (rows + more, folded + record.form().folded_len(more))
        })
    })
}

/// Terms that are worked on while they are in the first-level cache.
const CACHED: usize = 1024;

/// Rows of a matrix that are worked on at once.
const MATRIX_ROWS: usize = 64;

/// Some relations of one record.
pub(super) struct Piece<'a> {
    pub(super) record: &'a WordsRecord,
    pub(super) form: Form,
    pub(super) rows: Range<usize>,
}

impl Piece<'_> {
    /// Length of a quarter of a grid.
    pub(super) const fn quarter(&self) -> usize {
        (self.rows.end - self.rows.start).div_ceil(QUARTERS)
    }

    /// Numbers that are worked on at once.
    pub(super) fn size(&self) -> usize {
        match self.form {
            Form::Grid { width } => width.max(1) * self.quarter() * QUARTERS,
            Form::Long { .. } | Form::Moved => self.rows.len().max(CACHED),
            Form::Matrix([.., n]) => self.rows.len().max(n),
        }
    }
}

/// A prover's relations piece by piece: all but the last of a grid in whole quarters, matrices in whole rows, shuffles in whole
/// columns.
pub(super) fn pieces(records: &[WordsRecord], prover: usize) -> impl Iterator<Item = Piece<'_>> {
    records.iter().flat_map(move |record| record.pieces(record.rows(prover)))
}

impl WordsRecord {
    /// The first `len` relations piece by piece.
    pub(super) fn pieces(&self, len: usize) -> impl Iterator<Item = Piece<'_>> {
        let form = self.form();
        let step = match form {
            Form::Grid { width } => (CACHED / width.max(1)).next_multiple_of(QUARTERS),
            Form::Long { width } => (CACHED / width).max(1),
            Form::Matrix([.., n]) => (n * MATRIX_ROWS).max(1),
            Form::Moved => CACHED.next_multiple_of(self.column()),
        };
        (0..len).step_by(step).map(move |start| Piece { record: self, form, rows: start..len.min(start + step) })
    }
}
