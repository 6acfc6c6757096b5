//! The coefficients of the relations of one prover, in order: two sets that are independent, one for each prime.

use super::products::{Form, Piece, QUARTERS};
use crate::prg::{Key, Op, Purpose, Stream};

/// Bits of a coefficient of one level: below both primes, so that a word is a pair of residues ([`super::lanes`]).
pub(super) const COEFFICIENT: u32 = 29;

/// The bits of both halves that are used.
const BOTH: u64 = u64::MAX >> (64 - COEFFICIENT) << 32 | u64::MAX >> (64 - COEFFICIENT);

/// A word holds the coefficient of the first set in its lower half, that of the second in its upper half, 29 bits each; a relation's is a product
/// of two, or one alone ([`Form`]).
pub(super) struct Coefficients<'k> {
    stream: Stream<'k>,
    /// Of the quarters of all grids.
    pub(super) tau: [u64; QUARTERS],
    /// Of the rows of the matrix at hand.
    pub(super) alpha: Vec<u64>,
    /// Of its columns.
    pub(super) beta: Vec<u64>,
    buffer: Vec<u64>,
}

fn draw(stream: &mut Stream<'_>, out: &mut Vec<u64>, count: usize) {
    out.resize(count, 0);
    stream.fill(out);
    out.iter_mut().for_each(|value| *value &= BOTH);
}

impl<'k> Coefficients<'k> {
    pub(super) fn new(seed: &'k Key) -> Self {
        let mut tau = Vec::new();
        draw(&mut seed.stream(Purpose::CheckCoefficients, &Op::new(1)), &mut tau, QUARTERS);
        let tau = std::array::from_fn(|at| tau[at]);
        let stream = seed.stream(Purpose::CheckCoefficients, &Op::new(0));
        Self { stream, tau, alpha: Vec::new(), beta: Vec::new(), buffer: Vec::new() }
    }

    /// The next ones: of the places of a grid's quarters, of the rows of long products or of a shuffle.
    pub(super) fn sigma(&mut self, count: usize) -> &[u64] {
        draw(&mut self.stream, &mut self.buffer, count);
        &self.buffer
    }

    /// Leaves out the next ones.
    pub(super) fn pass(&mut self, count: usize) {
        self.stream.skip(count);
    }

    /// Leaves out those of a piece that is in no grid.
    pub(super) fn skip(&mut self, piece: &Piece<'_>) {
        match piece.form {
            Form::Grid { .. } => self.pass(piece.quarter()),
            Form::Long { .. } | Form::Moved => self.pass(piece.rows.len()),
            Form::Matrix(_) => self.matrix(piece),
        }
    }

    /// Those of a matrix, from its first piece on.
    pub(super) fn matrix(&mut self, piece: &Piece<'_>) {
        if let Form::Matrix([m, _, n]) = piece.form
            && piece.rows.start == 0
        {
            draw(&mut self.stream, &mut self.alpha, m);
            draw(&mut self.stream, &mut self.beta, n);
        }
    }
}
