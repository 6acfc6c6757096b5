//! The integers of the relations over words: what a relation leaves above 2^64, and the sum of it.

use super::coefficients::Coefficients;
use super::packed::Packer;
use super::products::{Form, QUARTERS, WordsRecord, pieces};
use super::record::{Half, Side, What};
use super::words::Work;
use crate::Result;
use crate::engine::wipe;
use crate::memory::{give, zeros};
use crate::prg::{Op, Purpose};
use crate::rep3::context::Context;

/// Bits of a carry.
pub(super) const BITS: u32 = 48;

/// Bits of a coefficient of one level: a relation's is a product of two.
pub(super) const COEFFICIENT: u32 = 44;

/// Words of the sum of all that the relations leave, and of its shares.
pub(super) type Total = [u64; 3];

/// `a b`, whole: never overflows, so nothing has to be checked.
#[inline]
pub(super) const fn wide(a: u64, b: u64) -> u128 {
    (a as u128).wrapping_mul(b as u128)
}

/// `kappa` of each relation: below 2^20 for a grid, so half a word is enough; others have few relations.
pub(super) struct Quotients {
    /// Two to a word.
    short: Vec<u64>,
    shorts: usize,
    long: Vec<u64>,
}

impl Quotients {
    fn short(&self, at: usize) -> u64 {
        self.short[at / 2] >> (32 * (at % 2)) & u64::from(u32::MAX)
    }
}

impl Drop for Quotients {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.short));
        wipe(&mut self.long);
    }
}

/// `sum_t u_t w_t + l + r` shifted right by 64 bits, modulo 2^128.
struct Sum {
    low: u128,
    over: u64,
}

impl Sum {
    #[inline]
    const fn new(left: u64, right: u64) -> Self {
        Self { low: (left as u128).wrapping_add(right as u128), over: 0 }
    }

    #[inline]
    fn add(&mut self, u: u64, w: u64) {
        let carried;
        (self.low, carried) = self.low.overflowing_add(wide(u, w));
        self.over = self.over.wrapping_add(u64::from(carried));
    }

    #[inline]
    const fn high(&self) -> u128 {
        (self.over as u128) << 64 | self.low >> 64
    }
}

/// What is known of each relation: the right verifier's share of the carry, and `kappa`.
struct Carries {
    sent: Packer,
    quotients: Quotients,
}

impl Carries {
    /// `high = S / 2^64`: the share is `q_2 = -high - q_1 mod 2^48`, and `kappa = (high + q_1 + q_2) / 2^48`.
    #[inline(always)]
    fn push(&mut self, high: u128, mask: u64, is_short: bool) {
        let first = mask >> (64 - BITS);
        let second = (high as u64).wrapping_neg().wrapping_sub(first) & (u64::MAX >> (64 - BITS));
        self.sent.push(second);
        let kappa = (high.wrapping_add(first as u128).wrapping_add(second as u128) >> BITS) as u64;
        if is_short {
            let at = self.quotients.shorts;
            self.quotients.short[at / 2] |= kappa << (32 * (at % 2));
            self.quotients.shorts = at + 1;
        } else {
            self.quotients.long.push(kappa);
        }
    }
}

/// For each relation `S = sum_t u_t w_t + l + r`, an integer that is 0 modulo 2^64: the right verifier's share `q_2` of
/// `q = -S / 2^64 mod 2^48`, packed, and `kappa = (S / 2^64 + q_1 + q_2) / 2^48`.
pub(super) fn prove(context: &Context, records: &[WordsRecord], op: &Op, rows: usize, work: &mut Work) -> Result<(Vec<u64>, Quotients)> {
    let mut own = context.own_key.stream(Purpose::CheckCarry, op);
    let mut carries =
        Carries { sent: Packer::new(rows, BITS), quotients: Quotients { short: zeros(rows.div_ceil(2)), shorts: 0, long: Vec::new() } };
    for piece in pieces(records, context.index) {
        let len = piece.rows.len();
        work.fit(&piece);
        let (left, right, masks) = (&mut work.left[..len], &mut work.right[..len], &mut work.third[..len]);
        piece.record.rest(Side::Left, 0, &context.own_key, piece.rows.clone(), left)?;
        piece.record.rest(Side::Right, 1, &context.next_key, piece.rows.clone(), right)?;
        own.fill(masks);
        let rests = left.iter().zip(right.iter()).zip(masks.iter()).map(|((l, r), mask)| (Sum::new(*l, *r), *mask));
        match (piece.form, piece.record.operands(Side::Left, 0), piece.record.operands(Side::Right, 1)) {
            (Form::Grid { width }, ..) => {
                let stride = piece.quarter() * QUARTERS;
                let u = piece.record.grid(Side::Left, 0, piece.rows.clone(), stride, &mut work.u[..width * stride]);
                let w = piece.record.grid(Side::Right, 1, piece.rows.clone(), stride, &mut work.w[..width * stride]);
                if width == 2 {
                    let [u0, u1] = [0, 1].map(|term| &u.get(term, stride)[..len]);
                    let [w0, w1] = [0, 1].map(|term| &w.get(term, stride)[..len]);
                    for ((mut sum, mask), ((u0, w0), (u1, w1))) in rests.zip(u0.iter().zip(w0).zip(u1.iter().zip(w1))) {
                        sum.add(*u0, *w0);
                        sum.add(*u1, *w1);
                        carries.push(sum.high(), mask, true);
                    }
                } else {
                    for (row, (mut sum, mask)) in rests.enumerate() {
                        (0..width).for_each(|term| sum.add(u.get(term, stride)[row], w.get(term, stride)[row]));
                        carries.push(sum.high(), mask, true);
                    }
                }
            }
            (Form::Long { width }, Some(u), Some(w)) => {
                let terms = width / 2;
                for (row, (mut sum, mask)) in piece.rows.clone().zip(rests) {
                    for (u, w) in u.iter().zip(&w) {
                        let place = row * terms..(row + 1) * terms;
                        u[place.clone()].iter().zip(&w[place]).for_each(|(u, w)| sum.add(*u, *w));
                    }
                    carries.push(sum.high(), mask, false);
                }
            }
            (Form::Matrix([_, k, n]), Some([x, y]), Some([across_y, across_x])) => {
                // columns one after the other
                let (mut across, mut along) = (transposed(across_y, n), transposed(y, n));
                for (at, (mut sum, mask)) in piece.rows.clone().zip(rests) {
                    let (i, j) = (at / n, at % n);
                    let (row, column) = (i * k..(i + 1) * k, j * k..(j + 1) * k);
                    x[row.clone()].iter().zip(&across[column.clone()]).for_each(|(u, w)| sum.add(*u, *w));
                    along[column].iter().zip(&across_x[row]).for_each(|(u, w)| sum.add(*u, *w));
                    carries.push(sum.high(), mask, false);
                }
                wipe(&mut across);
                wipe(&mut along);
            }
            (Form::Moved, ..) => {
                if let WordsRecord::Moved(moved) = piece.record {
                    let (mut u, mut w) = (Half::default(), Half::default());
                    moved.half(Side::Left, 0, &context.own_key, What::All, piece.rows.clone(), &mut u);
                    moved.half(Side::Right, 1, &context.next_key, What::All, piece.rows.clone(), &mut w);
                    for ((mut sum, mask), (u, w)) in rests.zip(u.factors.iter().zip(&w.factors)) {
                        sum.add(*u, *w);
                        carries.push(sum.high(), mask, false);
                    }
                }
            }
            _ => {}
        }
    }
    Ok((carries.sent.finish(), carries.quotients))
}

/// The columns of a matrix one after the other.
fn transposed(matrix: &[u64], columns: usize) -> Vec<u64> {
    let mut turned = Vec::with_capacity(matrix.len());
    (0..columns).for_each(|column| turned.extend(matrix.iter().skip(column).step_by(columns)));
    turned
}

/// Adds `factor value` to a number of 192 bits.
fn add_scaled(total: &mut Total, value: u128, factor: u64) {
    let low = wide(value as u64, factor);
    let high = wide((value >> 64) as u64, factor).wrapping_add(low >> 64);
    let (first, carry) = total[0].overflowing_add(low as u64);
    let middle = (u128::from(total[2]) << 64 | u128::from(total[1])).wrapping_add(high).wrapping_add(u128::from(carry));
    *total = [first, middle as u64, (middle >> 64) as u64];
}

/// `Q = sum_g rho_g kappa_g`.
pub(super) fn total(records: &[WordsRecord], prover: usize, quotients: &Quotients, coefficients: Option<Coefficients<'_>>) -> Total {
    let mut total = [0; 3];
    let Some(mut coefficients) = coefficients else { return total };
    let (mut shorts, mut long) = (0, &quotients.long[..]);
    for piece in pieces(records, prover) {
        let len = piece.rows.len();
        match piece.form {
            Form::Grid { .. } => {
                let (quarter, tau) = (piece.quarter(), coefficients.tau);
                for (i, sigma) in coefficients.sigma(quarter).iter().enumerate() {
                    let column = (i..len).step_by(quarter).zip(tau);
                    let sum = column.fold(0u128, |sum, (at, tau)| sum.wrapping_add(wide(quotients.short(shorts + at), tau)));
                    add_scaled(&mut total, sum, *sigma);
                }
                shorts += len;
            }
            Form::Long { .. } | Form::Moved => {
                let (these, rest) = long.split_at(len);
                long = rest;
                let sigma = coefficients.sigma(len);
                these.iter().zip(sigma).for_each(|(kappa, sigma)| add_scaled(&mut total, u128::from(*kappa), *sigma));
            }
            Form::Matrix([.., n]) => {
                let (these, rest) = long.split_at(len);
                long = rest;
                coefficients.matrix(&piece);
                let (alpha, beta) = (&coefficients.alpha[piece.rows.start / n..], &coefficients.beta);
                for (row, alpha) in these.chunks_exact(n).zip(alpha) {
                    let sum = row.iter().zip(beta).fold(0u128, |sum, (kappa, beta)| sum.wrapping_add(wide(*kappa, *beta)));
                    add_scaled(&mut total, sum, *alpha);
                }
            }
        }
    }
    total
}

/// `a - b` modulo 2^192.
pub(super) fn sub192(a: Total, b: Total) -> Total {
    let mut borrow = false;
    std::array::from_fn(|at| {
        let (less, first) = a[at].overflowing_sub(b[at]);
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        less
    })
}
