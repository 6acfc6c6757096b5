//! The first level of a proof over words: reads the relations and leaves what its point makes of their factors.

use std::borrow::Cow;

use super::carries::{BITS, Total, first_shares};
use super::coefficients::Coefficients;
use super::field::Field;
use super::lanes::{self, Four};
use super::packed::Unpacker;
use super::primes::{Primes, halves, joined};
use super::products::{Form, PLACES, Piece, QUARTERS, WordsRecord};
use super::proof::powers;
use super::record::{Half, Side, What, Whose};
use crate::Result;
use crate::engine::wipe;
use crate::memory::{give, room, zeros};
use crate::prg::{Key, Stream};
use crate::rep3::context::{Context, PARTIES};

/// Vectors of the size of a piece, used again for every piece.
#[derive(Default)]
pub(super) struct Work {
    pub(super) u: Vec<u64>,
    pub(super) w: Vec<u64>,
    pub(super) left: Vec<u64>,
    pub(super) right: Vec<u64>,
    pub(super) third: Vec<u64>,
    pub(super) low: Vec<u64>,
    pub(super) high: Vec<u64>,
}

impl Work {
    /// Makes room for a piece.
    pub(super) fn fit(&mut self, piece: &Piece<'_>) {
        let size = piece.size();
        if self.u.len() < size {
            for vector in [&mut self.u, &mut self.w, &mut self.left, &mut self.right, &mut self.third, &mut self.low, &mut self.high] {
                give(std::mem::take(vector));
                *vector = zeros(size);
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        for vector in [&mut self.u, &mut self.w, &mut self.left, &mut self.right, &mut self.third, &mut self.low, &mut self.high] {
            give(std::mem::take(vector));
        }
    }
}

/// One side's factors of all relations, folded at the point of the first level, and its share of the claim.
pub(super) struct Fold<'a> {
    context: &'a Context,
    field: Primes,
    whose: Whose,
    coefficients: Coefficients<'a>,
    /// A verifier's.
    shares: Option<Shares<'a>>,
    /// What counts as the last of the places: what is in no grid.
    last: u64,
    /// What the quarters' factors (of the first and of the second term of two) are multiplied by. Quarter `b` of term `t` counts `X^(4t+b) tau_b`
    /// left, `X^(7-4t-b)` right: there `sigma_i` comes without Montgomery's `R`, which is here.
    of_terms: [Quarters; 2],
    out: Vec<u64>,
    /// `sum_i sigma_i rest_ib` of each quarter `b` of all grids, for each prime, over the integers.
    rests: [[u128; 2]; QUARTERS],
    /// `sum_i sigma_i carry_ib`.
    carries: [[u128; 2]; QUARTERS],
    /// `sum rho (rest + 2^64 carry)` of what is in no grid.
    sum: u64,
}

/// Elements that the next level folds, four at a time: filled up with zeros, so that it need not.
pub(super) const fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// Factors of the quarters modulo each prime.
type Quarters = [Four; 2];

/// Where a verifier's shares of the carries come from.
pub(super) enum Shares<'a> {
    /// From the key that it has in common with the prover.
    Drawn(Stream<'a>),
    /// From the prover.
    Sent(Box<Unpacker<'a>>),
}

impl Shares<'_> {
    /// The next ones.
    fn fill(&mut self, out: &mut [u64]) {
        match self {
            Self::Sent(unpacker) => unpacker.fill(out),
            Self::Drawn(stream) => first_shares(stream, out),
        }
    }
}

/// Reads all relations once, for all folds.
pub(super) fn run(records: &[WordsRecord], folds: &mut [Option<Fold<'_>>], work: &mut Work) -> Result<()> {
    for record in records {
        for piece in record.pieces((0..PARTIES).map(|prover| record.rows(prover)).max().unwrap_or(0)) {
            for fold in folds.iter_mut().flatten().filter(|fold| record.rows(fold.whose.prover) > 0) {
                fold.read(&piece, work)?;
            }
        }
    }
    Ok(())
}

/// `2^90 Q - sum rho (rest + 2^64 carry)` for our share of `Q`.
pub(super) fn claim(field: &Primes, sum: u64, total: Total) -> u64 {
    let shifted = field.mul(field.modulo(1 << (64 + BITS)), field.modulo_wide(total));
    field.sub(shifted, sum)
}

impl<'a> Fold<'a> {
    /// `point` is that of the first level, `len` the elements that it leaves.
    pub(super) fn new(context: &'a Context, field: &Primes, whose: Whose, seed: &'a Key, point: u64, len: usize) -> Self {
        let all = powers(field, point, PLACES);
        let is_left = whose.side == Side::Left;
        let power = |place: usize| all[if is_left { place } else { PLACES - 1 - place }];
        let coefficients = Coefficients::new(seed);
        let tau = coefficients.tau;
        let of = |f: [u64; QUARTERS]| -> Quarters {
            [0, 1].map(|at| Four::new(f.map(|f| field.0[at].factor(halves(f)[at])), field.0[at].modulus))
        };
        Self {
            context,
            field: *field,
            whose,
            coefficients,
            shares: None,
            last: power(PLACES - 1),
            of_terms: [0, QUARTERS].map(|first| {
                of(std::array::from_fn(|b| if is_left { field.mul(power(first + b), tau[b]) } else { field.montgomery(power(first + b)) }))
            }),
            out: room(padded(len)),
            rests: Default::default(),
            carries: Default::default(),
            sum: 0,
        }
    }

    /// A verifier's, who adds up what is added in the relations.
    pub(super) fn with_claim(mut self, shares: Shares<'a>) -> Self {
        self.shares = Some(shares);
        self
    }

    /// Zeros at the next `count` places, the first of which this is.
    fn take(&mut self, count: usize) -> usize {
        let begin = self.out.len();
        self.out.resize(begin + count, 0);
        begin
    }

    /// The factors, and `sum rho (rest + 2^64 carry)`.
    pub(super) fn finish(mut self) -> (Vec<u64>, u64) {
        self.out.resize(padded(self.out.len()), 0);
        let (field, shift) = (self.field, self.field.modulo(1 << 64));
        let of = |sums: [u128; 2]| field.each(|at, prime| prime.modulo(sums[at]));
        for ((tau, rests), carries) in self.coefficients.tau.into_iter().zip(self.rests).zip(self.carries) {
            let sum = field.add(of(rests), field.mul(shift, of(carries)));
            self.sum = field.add(self.sum, field.mul(tau, sum));
        }
        (std::mem::take(&mut self.out), self.sum)
    }

    fn key(&self) -> &'a Key {
        if self.whose.component == 0 { &self.context.own_key } else { &self.context.next_key }
    }

    fn read(&mut self, piece: &Piece<'_>, work: &mut Work) -> Result<()> {
        work.fit(piece);
        let (len, key) = (piece.rows.len(), self.key());
        if let Some(shares) = &mut self.shares {
            let Whose { side, component, .. } = self.whose;
            piece.record.rest(side, component, key, piece.rows.clone(), &mut work.left[..len])?;
            shares.fill(&mut work.right[..len]);
        }
        match piece.form {
            Form::Grid { width } => self.grid(piece, width, work),
            Form::Long { width } => self.long(piece, width, work),
            Form::Moved => self.moved(piece, work),
            Form::Matrix(shape) => {
                self.coefficients.matrix(piece);
                self.matrix(piece, shape, work);
            }
        }
        Ok(())
    }

    fn grid(&mut self, piece: &Piece<'_>, width: usize, work: &mut Work) {
        let (quarter, len) = (piece.quarter(), piece.rows.len());
        let stride = quarter * QUARTERS;
        let u = piece.record.grid(self.whose.side, self.whose.component, piece.rows.clone(), stride, &mut work.u[..width * stride]);
        work.left[len..stride].fill(0);
        work.right[len..stride].fill(0);
        let moduli = self.field.both();
        let needs_sigma = self.shares.is_some() || self.whose.side == Side::Right;
        let sigma = if needs_sigma { self.coefficients.sigma(quarter) } else { &[] };
        if self.shares.is_some() {
            let (rests, carries) = (work.left[..stride].chunks_exact(quarter), work.right[..stride].chunks_exact(quarter));
            for (b, (rests, carries)) in rests.zip(carries).enumerate() {
                let mut sums = [[0; 5]; 2];
                lanes::claim(&mut sums, rests, carries, sigma);
                for (at, [low, low_over, high, high_over, carry]) in sums.into_iter().enumerate() {
                    let [low, low_over, high, high_over] = [low, low_over, high, high_over].map(u128::from);
                    let rest = low.wrapping_add(low_over.wrapping_add(high) << 32).wrapping_add(high_over << 64);
                    self.rests[b][at] = self.rests[b][at].wrapping_add(rest);
                    self.carries[b][at] = self.carries[b][at].wrapping_add(carry.into());
                }
            }
        }
        let place = &mut work.third[..quarter];
        let sigma = if self.whose.side == Side::Right { sigma } else { &[] };
        for term in (0..width).step_by(2) {
            let second = if term + 1 < width { u.get(term + 1, stride) } else { &[] };
            lanes::fold_terms(place, [u.get(term, stride), second], &self.of_terms, sigma, moduli);
            self.out.extend_from_slice(place);
        }
        if !needs_sigma {
            self.coefficients.pass(quarter);
        }
    }

    /// Adds `coefficient (rest + 2^64 carry)` to the claim.
    fn claim_one(&mut self, coefficient: u64, rest: u64, carry: u64) {
        let field = self.field;
        let value = field.modulo(u128::from(carry) << 64 | u128::from(rest));
        self.sum = field.add(self.sum, field.mul(coefficient, value));
    }

    fn long(&mut self, piece: &Piece<'_>, width: usize, work: &Work) {
        let Some(operands) = piece.record.operands(self.whose.side, self.whose.component) else { return };
        let terms = width / 2;
        let sigma = self.coefficients.sigma(piece.rows.len()).to_vec();
        for (row, sigma) in piece.rows.clone().zip(&sigma) {
            let factor = if self.whose.side == Side::Left { self.last } else { *sigma };
            for operand in operands {
                self.scaled(&operand[row * terms..(row + 1) * terms], factor);
            }
        }
        if self.shares.is_some() {
            for (at, sigma) in sigma.iter().enumerate() {
                self.claim_one(*sigma, work.left[at], work.right[at]);
            }
        }
    }

    fn moved(&mut self, piece: &Piece<'_>, work: &Work) {
        let WordsRecord::Moved(moved) = piece.record else { return };
        let rho = self.coefficients.sigma(piece.rows.len()).to_vec();
        let weights = moved.weights(self.whose.side, &rho);
        let mut half = Half::default();
        let key = self.key();
        if weights.is_none() {
            moved.half(self.whose.side, self.whose.component, key, What::Factors, piece.rows.clone(), &mut half);
        }
        match weights {
            Some(weights) => {
                let begin = self.take(weights.len());
                lanes::add_scaled(&mut self.out[begin..], &weights, self.field.montgomery(self.last), self.field.both());
                // moved coefficients tell the permutation
                if let Cow::Owned(mut moved) = weights {
                    wipe(&mut moved);
                }
            }
            None => self.scaled(&half.factors, self.last),
        }
        if self.shares.is_some() {
            for (at, rho) in rho.iter().enumerate() {
                self.claim_one(*rho, work.left[at], work.right[at]);
            }
        }
    }

    /// Appends ring elements times a factor.
    fn scaled(&mut self, elements: &[u64], factor: u64) {
        let begin = self.take(elements.len());
        let factors = [0, 1].map(|at| self.field.0[at].factor(halves(factor)[at]));
        lanes::factor_pairs(&mut self.out[begin..], elements, factors, self.field.both());
    }

    fn matrix(&mut self, piece: &Piece<'_>, shape: [usize; 3], work: &mut Work) {
        let [m, k, n] = shape;
        let Some(operands) = piece.record.operands(self.whose.side, self.whose.component) else { return };
        if piece.rows.start == 0 {
            // the operand of `m` rows comes first on the left: `x, y` there, `y, x` here
            for (operand, is_first) in operands.into_iter().zip([self.whose.side == Side::Left, self.whose.side == Side::Right]) {
                let begin = self.take(k);
                for (at, prime) in self.field.0.iter().enumerate() {
                    let scale = if self.whose.side == Side::Left { halves(self.last)[at] } else { 1 };
                    let sums = if is_first {
                        weighted_rows(prime, operand, &residues(&self.coefficients.alpha[..m], at), k)
                    } else {
                        weighted_columns(prime, operand, &residues(&self.coefficients.beta[..n], at))
                    };
                    for (slot, sum) in self.out[begin..].iter_mut().zip(sums) {
                        *slot |= prime.mul(sum, scale) << (32 * at);
                    }
                }
            }
        }
        if self.shares.is_none() {
            return;
        }
        let betas = [0, 1].map(|at| residues(&self.coefficients.beta, at));
        for (row, alpha) in self.coefficients.alpha[piece.rows.start / n..piece.rows.end / n].iter().enumerate() {
            let claims = [0, 1].map(|at| {
                let prime = &self.field.0[at];
                let mut sums = [0; 2];
                prime.factors(&mut work.low[..n], &mut work.high[..n], &betas[at]);
                let place = &mut work.w[..n];
                lanes::reduce(place, &work.left[row * n..][..n], prime.one, prime.modulus);
                lanes::dot(&mut sums, place, &work.low[..n]);
                lanes::reduce(place, &work.right[row * n..][..n], prime.factor(prime.one.high), prime.modulus);
                lanes::dot(&mut sums, place, &work.low[..n]);
                prime.mul(prime.without_r(prime.sum(sums)), halves(*alpha)[at])
            });
            self.sum = self.field.add(self.sum, joined(claims));
        }
    }
}

impl Drop for Fold<'_> {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.out));
    }
}

/// The coefficients of one set.
fn residues(pairs: &[u64], at: usize) -> Vec<u64> {
    pairs.iter().map(|pair| halves(*pair)[at]).collect()
}

/// `sum_i f_i x[i k + t]` for each `t`.
fn weighted_rows(prime: &super::primes::Prime, x: &[u64], factors: &[u64], k: usize) -> Vec<u64> {
    let (mut low, mut high) = (vec![0; k], vec![0; k]);
    for (row, factor) in x.chunks_exact(k.max(1)).zip(factors) {
        lanes::accumulate(&mut low, &mut high, row, prime.factor(*factor));
    }
    let sums = low.iter().zip(&high).map(|(low, high)| prime.without_r(prime.sum([*low, *high]))).collect();
    wipe(&mut low);
    wipe(&mut high);
    sums
}

/// `sum_j f_j y[t n + j]` for each `t`.
fn weighted_columns(prime: &super::primes::Prime, y: &[u64], factors: &[u64]) -> Vec<u64> {
    let n = factors.len();
    let (mut low, mut high, mut place) = (vec![0; n], vec![0; n], vec![0; n]);
    prime.factors(&mut low, &mut high, factors);
    let one = |row: &[u64]| {
        let mut sums = [0; 2];
        lanes::reduce(&mut place, row, prime.one, prime.modulus);
        lanes::dot(&mut sums, &place, &low);
        prime.without_r(prime.sum(sums))
    };
    let sums = y.chunks_exact(n.max(1)).map(one).collect();
    wipe(&mut place);
    sums
}
