//! The integers of the relations over words: what a relation leaves above 2^64, and the sum of it.

use yu_wire::channel::Expect;
use yu_wire::frame::CHUNK;

use super::coefficients::Coefficients;
use super::fold::Work;
use super::packed::{Packer, Unpacker, packed_words};
use super::primes::halves;
use super::products::{Form, QUARTERS, WordsRecord, pieces};
use super::record::{Half, Side, What};
use super::steps::Check;
use super::wide;
use crate::engine::wipe;
use crate::memory::{give, room};
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::Context;
use crate::{Error, Result};

/// Bits of a carry.
pub(super) const BITS: u32 = 26;

/// Bits of a short quotient.
const SHORT: u32 = 42;

/// The sum of all that the relations leave, or a share of it, with the coefficients of each prime.
pub(super) type Total = [[u64; 3]; 2];

/// Bits by which the upper shares of carries in a word stand above the lower ones.
const HALF: u32 = 32;

/// The left verifier's shares of the carries of a piece, two from each word.
pub(super) fn first_shares(stream: &mut Stream<'_>, out: &mut [u64]) {
    let (low, high) = out.split_at_mut(out.len().div_ceil(2));
    stream.fill(low);
    for (high, low) in high.iter_mut().zip(low.iter()) {
        *high = low >> (64 - BITS);
    }
    low.iter_mut().for_each(|low| *low = *low >> (HALF - BITS) & (u64::MAX >> (64 - BITS)));
}

/// `a b`, whole: never overflows, so nothing has to be checked.
#[inline]
pub(super) const fn product(a: u64, b: u64) -> u128 {
    (a as u128).wrapping_mul(b as u128)
}

/// `kappa` of each relation: of at most eight terms, so at most `2^41 + 2`, or of any number of terms, but then relations are few.
pub(super) struct Quotients {
    /// Packed.
    short: Vec<u64>,
    /// How many.
    shorts: usize,
    /// Two words each.
    long: Vec<u64>,
}

impl Drop for Quotients {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.short));
        give(std::mem::take(&mut self.long));
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
        (self.low, carried) = self.low.overflowing_add(product(u, w));
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
    short: Packer,
    long: Vec<u64>,
}

impl Carries {
    /// `high = S / 2^64`: the share is `q_2 = -high - q_1 mod 2^26`, and `kappa = (high + q_1 + q_2) / 2^26`.
    fn push(&mut self, high: u128, first: u64, is_short: bool) {
        let second = (high as u64).wrapping_neg().wrapping_sub(first) & (u64::MAX >> (64 - BITS));
        self.sent.push(second);
        let kappa = high.wrapping_add(first as u128).wrapping_add(second as u128) >> BITS;
        if is_short {
            self.short.push(kappa as u64);
        } else {
            self.long.extend([kappa as u64, (kappa >> 64) as u64]);
        }
    }
}

/// For each relation `S = sum_t u_t w_t + l + r`, an integer that is 0 modulo 2^64: the right verifier's share `q_2` of
/// `q = -S / 2^64 mod 2^26`, packed, goes to `send` in blocks of [`BLOCK`] words; `kappa = (S / 2^64 + q_1 + q_2) / 2^26` stays.
fn prove(
    [own_key, next_key]: [&Key; 2],
    records: &[WordsRecord],
    prover: usize,
    op: &Op,
    work: &mut Work,
    send: &mut dyn FnMut(&[u64]) -> Result<()>,
) -> Result<Quotients> {
    let mut own = own_key.stream(Purpose::CheckCarry, op);
    let rows = |is_short: bool| -> usize {
        let some = records.iter().filter(|record| matches!(record.form(), Form::Grid { .. } | Form::Moved) == is_short);
        some.map(|record| record.rows(prover)).sum()
    };
    let (shorts, longs) = (rows(true), rows(false));
    // a block, and what a piece adds to it: what is written is never moved while it grows
    let most = 2 * BLOCK + pieces(records, prover).map(|piece| piece.rows.len()).max().unwrap_or(0);
    let mut carries =
        Carries { sent: Packer::new((shorts + longs).min(most), BITS), short: Packer::new(shorts, SHORT), long: room(2 * longs) };
    for piece in pieces(records, prover) {
        let len = piece.rows.len();
        work.fit(&piece);
        let (left, right, masks) = (&mut work.left[..len], &mut work.right[..len], &mut work.third[..len]);
        piece.record.rest(Side::Left, 0, own_key, piece.rows.clone(), left)?;
        piece.record.rest(Side::Right, 1, next_key, piece.rows.clone(), right)?;
        first_shares(&mut own, masks);
        let rests = left.iter().zip(right.iter()).zip(masks.iter()).map(|((l, r), mask)| (Sum::new(*l, *r), *mask));
        match (piece.form, piece.record.operands(Side::Left, 0), piece.record.operands(Side::Right, 1)) {
            (Form::Grid { width }, ..) => {
                let stride = piece.quarter() * QUARTERS;
                let u = piece.record.grid(Side::Left, 0, piece.rows.clone(), stride, &mut work.u[..width * stride]);
                let w = piece.record.grid(Side::Right, 1, piece.rows.clone(), stride, &mut work.w[..width * stride]);
                if width == 2 {
                    let [u, w] = [&u, &w].map(|terms| [0, 1].map(|term| &terms.get(term, stride)[..len]));
                    let (seconds, kappas) = (&mut work.low[..len], &mut work.high[..len]);
                    wide::carries(seconds, kappas, u, w, [left, right], masks);
                    carries.sent.extend(seconds);
                    carries.short.extend(kappas);
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
                    moved.half(Side::Left, 0, own_key, What::All, piece.rows.clone(), &mut u);
                    moved.half(Side::Right, 1, next_key, What::All, piece.rows.clone(), &mut w);
                    for ((mut sum, mask), (u, w)) in rests.zip(u.factors.iter().zip(&w.factors)) {
                        sum.add(*u, *w);
                        carries.push(sum.high(), mask, true);
                    }
                }
            }
            _ => {}
        }
        carries.sent.flush(BLOCK, send)?;
    }
    let last = carries.sent.finish();
    let sent = if last.is_empty() { Ok(()) } else { send(&last) };
    give(last);
    sent.map(|()| Quotients { short: carries.short.finish(), shorts, long: carries.long })
}

/// Words of a frame.
const BLOCK: usize = CHUNK / 8;

/// Frames sent ahead of the frames received: as in `mul.rs`.
const LEAD: usize = 16;

/// Makes our carries, sends the right verifier's shares to the successor as they come, and receives those of our predecessor meanwhile.
pub(super) fn exchange(
    context: &mut Context,
    records: &[WordsRecord],
    op: &Op,
    [ours, theirs]: [usize; 2],
    work: &mut Work,
) -> Result<(Quotients, Vec<u64>)> {
    let words = packed_words(theirs, BITS);
    let mut received = room(words);
    let (prev, next) = (&mut context.prev, &mut context.next);
    if ours > 0 {
        next.begin_send(Check::Carries, 8 * packed_words(ours, BITS) as u64)?;
    }
    if theirs > 0 {
        prev.begin_recv(Check::Carries, Expect::Exactly(8 * words))?;
    }
    let mut pull = || {
        let Some(piece) = (if received.len() < words { prev.pull()? } else { None }) else { return Ok(false) };
        received.extend(piece.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        Ok::<bool, Error>(true)
    };
    let mut sent = 0;
    let keys = [&context.own_key, &context.next_key];
    let quotients = prove(keys, records, context.index, op, work, &mut |words| {
        next.push_u64(words)?;
        sent += 1;
        if sent > LEAD {
            pull()?;
        }
        Ok(())
    })?;
    while pull()? {}
    Ok((quotients, received))
}

/// The columns of a matrix one after the other.
fn transposed(matrix: &[u64], columns: usize) -> Vec<u64> {
    let mut turned = Vec::with_capacity(matrix.len());
    (0..columns).for_each(|column| turned.extend(matrix.iter().skip(column).step_by(columns)));
    turned
}

/// Adds `factor value` to a number of 192 bits.
fn add_scaled(total: &mut [u64; 3], value: u128, factor: u64) {
    let low = product(value as u64, factor);
    let high = product((value >> 64) as u64, factor).wrapping_add(low >> 64);
    let (first, carry) = total[0].overflowing_add(low as u64);
    let middle = (u128::from(total[2]) << 64 | u128::from(total[1])).wrapping_add(high).wrapping_add(u128::from(carry));
    *total = [first, middle as u64, (middle >> 64) as u64];
}

/// `Q = sum_g rho_g kappa_g` for both sets of coefficients.
pub(super) fn total(records: &[WordsRecord], prover: usize, quotients: &Quotients, coefficients: Option<Coefficients<'_>>) -> Total {
    let mut total = Total::default();
    let Some(mut coefficients) = coefficients else { return total };
    let mut shorts = Unpacker::new(&quotients.short, quotients.shorts, SHORT);
    let mut long = quotients.long.as_chunks::<2>().0.iter().map(|[low, high]| u128::from(*high) << 64 | u128::from(*low));
    let mut kappas = room(pieces(records, prover).map(|piece| piece.rows.len().max(QUARTERS * piece.quarter())).max().unwrap_or(0));
    // of the quarters of all grids, whose `tau` are the same
    let mut sums = [[0u128; 2]; QUARTERS];
    for piece in pieces(records, prover) {
        let len = piece.rows.len();
        match piece.form {
            Form::Grid { .. } => {
                let quarter = piece.quarter();
                kappas.resize(QUARTERS * quarter, 0);
                shorts.fill(&mut kappas[..len]);
                kappas[len..].fill(0);
                let sigma = coefficients.sigma(quarter);
                for (kappas, sums) in kappas.chunks_exact(quarter).zip(&mut sums) {
                    let mut limbs = [[0; 2]; 2];
                    wide::weigh(&mut limbs, kappas, sigma);
                    for (sum, [low, high]) in sums.iter_mut().zip(limbs) {
                        *sum = sum.wrapping_add(u128::from(low)).wrapping_add(u128::from(high) << wide::LIMB);
                    }
                }
            }
            Form::Moved => {
                kappas.resize(len, 0);
                shorts.fill(&mut kappas);
                for (kappa, sigma) in kappas.iter().zip(coefficients.sigma(len)) {
                    total.iter_mut().zip(halves(*sigma)).for_each(|(total, sigma)| add_scaled(total, u128::from(*kappa), sigma));
                }
            }
            Form::Long { .. } => {
                for (sigma, kappa) in coefficients.sigma(len).iter().zip(long.by_ref()) {
                    total.iter_mut().zip(halves(*sigma)).for_each(|(total, sigma)| add_scaled(total, kappa, sigma));
                }
            }
            Form::Matrix([.., n]) => {
                coefficients.matrix(&piece);
                let (alpha, beta) = (&coefficients.alpha[piece.rows.start / n..], &coefficients.beta);
                for alpha in &alpha[..len / n.max(1)] {
                    let mut sums = [0u128; 2];
                    for (beta, kappa) in beta.iter().map(|beta| halves(*beta)).zip(long.by_ref()) {
                        // `kappa` is below 2^39 times the number of terms, a row's sum below 2^128 for 2^29 columns and 2^31 terms
                        sums = std::array::from_fn(|at| sums[at].wrapping_add(kappa.wrapping_mul(beta[at].into())));
                    }
                    for ((total, sum), alpha) in total.iter_mut().zip(sums).zip(halves(*alpha)) {
                        add_scaled(total, sum, alpha);
                    }
                }
            }
        }
    }
    give(kappas);
    for (sums, tau) in sums.into_iter().zip(coefficients.tau) {
        for ((total, sum), tau) in total.iter_mut().zip(sums).zip(halves(tau)) {
            add_scaled(total, sum, tau);
        }
    }
    total
}

/// `a - b` modulo 2^192, of both.
pub(super) fn sub192(a: Total, b: Total) -> Total {
    std::array::from_fn(|prime| {
        let mut borrow = false;
        std::array::from_fn(|at| {
            let (less, first) = a[prime][at].overflowing_sub(b[prime][at]);
            let (less, second) = less.overflowing_sub(u64::from(borrow));
            borrow = first || second;
            less
        })
    })
}
