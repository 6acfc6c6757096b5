//! Relations over Z_2^64; why the steps are as they are is in [`super`].

use std::borrow::Cow;

use yu_wire::channel::exchange_ring_u64;

use super::carries::{self, BITS, Total, sub192};
use super::coefficients::Coefficients;
use super::field::Field;
use super::lanes;
use super::packed::{Unpacker, packed_words};
use super::primes::{Primes, halves, joined};
use super::products::{Form, Piece, QUARTERS, WordsRecord, pieces, sizes};
use super::proof::{Left, Prover, Right, Roles, evaluate, mask_all, powers, receive, run};
use super::record::{Half, Side, What};
use super::seed::Seeds;
use super::steps::Check;
use crate::engine::wipe;
use crate::memory::{give, zeros};
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::{Context, predecessor, successor};
use crate::{Error, Result};

/// Coefficients that the first level sends: seven without the middle one.
pub(super) const SENT: usize = 2 * QUARTERS - 2;

/// Vectors of the size of a piece, used again for every piece.
#[derive(Default)]
pub(super) struct Work {
    pub(super) u: Vec<u64>,
    pub(super) w: Vec<u64>,
    pub(super) left: Vec<u64>,
    pub(super) right: Vec<u64>,
    pub(super) third: Vec<u64>,
    low: Vec<u64>,
    high: Vec<u64>,
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

/// Runs all three proofs; returns whether our predecessor's holds.
pub(super) fn check(context: &mut Context, records: &[WordsRecord]) -> Result<bool> {
    let op = context.next_op()?;
    let sizes = sizes(records);
    let index = context.index;
    let provers = [index, successor(index), predecessor(index)];
    let has = provers.map(|prover| sizes[prover].0 > 0);
    let mut work = Work::default();
    let (sent, quotients) = carries::prove(context, records, &op, sizes[index].0, &mut work)?;
    let mut carries = zeros(packed_words(sizes[provers[2]].0, BITS));
    match (sent.is_empty(), carries.is_empty()) {
        (true, true) => {}
        (false, true) => context.next.send_slice_u64(Check::Carries, &sent)?,
        (true, false) => context.prev.recv_slice_u64(Check::Carries, &mut carries)?,
        (false, false) => exchange_ring_u64(Check::Carries, &mut context.next, &sent, &mut context.prev, &mut carries)?,
    }
    let seeds = Seeds::exchange(context, &op, has)?;

    let mut total = carries::total(records, index, &quotients, seeds.ours.as_ref().map(Coefficients::new));
    drop(quotients);
    give(sent);
    let share = first_share(&mut context.own_key.stream(Purpose::CheckTotal, &op));
    total = sub192(total, share);
    let mut theirs = [0; 3];
    if has[0] {
        context.next.send_slice_u64(Check::Total, &total)?;
    }
    if has[2] {
        context.prev.recv_slice_u64(Check::Total, &mut theirs)?;
    }
    let primes = exchange_primes(context, &op, has)?;

    // The prover's message of the first level leaves before anything else is computed.
    let mut mask = context.own_key.stream(Purpose::CheckMask, &op);
    let prover = primes[0].zip(seeds.ours.as_ref());
    if let Some((field, seed)) = prover {
        let mut coefficients = convolve(records, &field, index, seed, &mut work);
        mask_all(&field, &mut mask, &mut coefficients);
        context.next.send_slice_u64(Check::Coefficients, &coefficients)?;
    }
    let heard = |at: usize, field: &Primes| seeds.words[at].into_iter().chain([field.moduli()]).collect::<Vec<u64>>();
    let mut left = None;
    if let Some((field, seed)) = primes[1].zip(seeds.lefts.as_ref()) {
        let mut mask = context.next_key.stream(Purpose::CheckMask, &op);
        let mut coins = context.own_key.stream(Purpose::CheckPoint, &op);
        let coefficients: Vec<u64> = (0..SENT).map(|_| field.draw(&mut mask)).collect();
        let point = field.draw_unit(&mut coins);
        let mut fold = Fold::new(context, &field, Side::Left, 1, provers[1], point, sizes[provers[1]].1);
        let mut shares = context.next_key.stream(Purpose::CheckCarry, &op);
        fold.run(
            records,
            seed,
            &mut work,
            Some(&mut |out| {
                shares.fill(out);
                out.iter_mut().for_each(|carry| *carry >>= 64 - BITS);
            }),
        )?;
        let claim = fold.claim(first_share(&mut context.next_key.stream(Purpose::CheckTotal, &op)));
        let claim = evaluate(&field, &coefficients, claim, &powers(&field, point, SENT + 1));
        let mut heard = heard(1, &field);
        heard.push(point);
        left = Some(Left { field, u: fold.finish(), claim, mask, coins, heard });
    }
    let mut right = None;
    if let Some((field, seed)) = primes[2].zip(seeds.rights.as_ref()) {
        let coefficients = receive(&mut context.prev, Check::Coefficients, SENT, &field)?;
        let mut coins = context.next_key.stream(Purpose::CheckPoint, &op);
        let point = field.draw_unit(&mut coins);
        context.prev.send_slice_u64(Check::Point, &[point])?;
        let mut fold = Fold::new(context, &field, Side::Right, 0, provers[2], point, sizes[provers[2]].1);
        let mut unpacker = Unpacker::new(&carries, BITS);
        fold.run(records, seed, &mut work, Some(&mut |out| unpacker.fill(out)))?;
        let claim = fold.claim(theirs);
        let claim = evaluate(&field, &coefficients, claim, &powers(&field, point, SENT + 1));
        let mut heard = heard(2, &field);
        heard.push(point);
        let blind = context.own_key.stream(Purpose::CheckBlind, &op);
        right = Some(Right { field, w: fold.finish(), claim, blind, coins, heard });
    }
    give(carries);
    let mut ours = None;
    if let Some((field, seed)) = prover {
        let point = receive(&mut context.next, Check::Point, 1, &field)?.first().copied().unwrap_or(0);
        let [u, w] = [(Side::Left, 0), (Side::Right, 1)].map(|(side, component)| {
            let mut fold = Fold::new(context, &field, side, component, index, point, sizes[index].1);
            fold.run(records, seed, &mut work, None).map(|()| fold.finish())
        });
        let mut heard = heard(0, &field);
        heard.push(point);
        ours = Some(Prover { field, u: u?, w: w?, mask, blind: context.next_key.stream(Purpose::CheckBlind, &op), heard });
    }
    run(Roles { prover: ours, left, right }, &mut context.prev, &mut context.next)
}

/// The left verifier's share of `Q`: 190 bits.
fn first_share(stream: &mut Stream<'_>) -> Total {
    let mut share = [0; 3];
    stream.fill(&mut share);
    share[2] >>= 2;
    share
}

/// The primes of our proof (told by its right verifier), our successor's and our predecessor's.
fn exchange_primes(context: &mut Context, op: &Op, has: [bool; 3]) -> Result<[Option<Primes>; 3]> {
    let left = has[1].then(|| Primes::random(&mut context.own_key.stream(Purpose::CheckPrime, op)));
    let right = has[2].then(|| Primes::random(&mut context.next_key.stream(Purpose::CheckPrime, op)));
    if let Some(field) = right {
        context.prev.send_slice_u64(Check::Prime, &[field.moduli()])?;
    }
    let mut ours = None;
    if has[0] {
        let mut moduli = [0];
        context.next.recv_slice_u64(Check::Prime, &mut moduli)?;
        let refuse = || Error::peer(context.next.peer(), Check::Prime.label(), "a number outside the range of primes");
        ours = Some(Primes::new(moduli[0]).ok_or_else(refuse)?);
    }
    Ok([ours, left, right])
}

/// The prover's message of the first level: for all grids the coefficients of `sum (sum_b X^b tau_b u_b) (sum_b X^(3-b) sigma w_b)` without the middle one. What
/// is in no grid stands with `X^3` among the `u` and with 1 among the `w`: in the middle.
fn convolve(records: &[WordsRecord], field: &Primes, prover: usize, seed: &Key, work: &mut Work) -> Vec<u64> {
    let mut coefficients = Coefficients::new(seed);
    let tau = coefficients.tau;
    let factors = field.0.map(|prime| tau.map(|tau| prime.factor(prime.modulo(tau.into()))));
    let mut sums = [[[0; 2]; SENT + 1]; 2];
    for piece in pieces(records, prover) {
        let Form::Grid { width } = piece.form else {
            coefficients.skip(&piece);
            continue;
        };
        work.fit(&piece);
        let quarter = piece.quarter();
        let stride = quarter * QUARTERS;
        let u = piece.record.grid(Side::Left, 0, piece.rows.clone(), stride, &mut work.u[..width * stride]);
        let w = piece.record.grid(Side::Right, 1, piece.rows.clone(), stride, &mut work.w[..width * stride]);
        let sigma = coefficients.sigma(quarter);
        let (low, high) = (&mut work.low[..quarter], &mut work.high[..quarter]);
        for ((prime, factors), sums) in field.0.iter().zip(&factors).zip(&mut sums) {
            prime.factors(low, high, sigma);
            let (left, right) = (&mut work.left[..stride], &mut work.right[..stride]);
            for (u, w) in (0..width).map(|term| (u.get(term, stride), w.get(term, stride))) {
                for (b, factor) in factors.iter().enumerate() {
                    let part = b * quarter..(b + 1) * quarter;
                    lanes::reduce(&mut left[part.clone()], &u[part.clone()], *factor, prime.modulus);
                    lanes::reduce_each(&mut right[part.clone()], &w[part], low, high, prime.modulus);
                }
                lanes::convolve(sums, left, right);
            }
        }
    }
    let mut all: Vec<u64> = (0..=SENT).map(|k| field.each(|at, prime| prime.sum(sums[at][k]))).collect();
    all.remove(QUARTERS - 1);
    all
}

/// One side's factors of all relations, folded at the point of the first level, and its share of the claim.
struct Fold<'a> {
    context: &'a Context,
    field: &'a Primes,
    side: Side,
    component: usize,
    prover: usize,
    /// What the places of the quarters count: `X^b` left, `X^(3-b)` right; what is in no grid counts as the last quarter.
    powers: [u64; QUARTERS],
    out: Vec<u64>,
    /// Elements that are there.
    used: usize,
    /// `sum rho (rest + 2^64 carry)`.
    sum: u64,
}

/// Elements that the next level folds: filled up with zeros, so that it need not.
pub(super) const fn padded(len: usize) -> usize {
    len.next_multiple_of(QUARTERS)
}

/// Writes a verifier's shares of the next carries.
type Shares<'a> = &'a mut dyn FnMut(&mut [u64]);

impl<'a> Fold<'a> {
    fn new(context: &'a Context, field: &'a Primes, side: Side, component: usize, prover: usize, point: u64, len: usize) -> Self {
        let all = powers(field, point, QUARTERS);
        let powers = std::array::from_fn(|b| all[if side == Side::Left { b } else { QUARTERS - 1 - b }]);
        Self { context, field, side, component, prover, powers, out: zeros(padded(len)), used: 0, sum: 0 }
    }

    /// The next `count` places.
    const fn take(&mut self, count: usize) -> usize {
        let begin = self.used;
        self.used += count;
        begin
    }

    fn finish(mut self) -> Vec<u64> {
        std::mem::take(&mut self.out)
    }

    /// Reads all relations; a verifier's claim with its shares of the carries.
    fn run(&mut self, records: &[WordsRecord], seed: &Key, work: &mut Work, mut shares: Option<Shares<'_>>) -> Result<()> {
        let mut coefficients = Coefficients::new(seed);
        for piece in pieces(records, self.prover) {
            work.fit(&piece);
            let len = piece.rows.len();
            if let Some(shares) = &mut shares {
                let key = if self.component == 0 { &self.context.own_key } else { &self.context.next_key };
                piece.record.rest(self.side, self.component, key, piece.rows.clone(), &mut work.left[..len])?;
                shares(&mut work.right[..len]);
            }
            let has_claim = shares.is_some();
            match piece.form {
                Form::Grid { width } => self.grid(&piece, width, &mut coefficients, work, has_claim),
                Form::Long { width } => self.long(&piece, width, &mut coefficients, work, has_claim),
                Form::Moved => self.moved(&piece, &mut coefficients, work, has_claim),
                Form::Matrix(shape) => {
                    coefficients.matrix(&piece);
                    self.matrix(&piece, shape, &coefficients, work, has_claim);
                }
            }
        }
        Ok(())
    }

    fn grid(&mut self, piece: &Piece<'_>, width: usize, coefficients: &mut Coefficients<'_>, work: &mut Work, has_claim: bool) {
        let (quarter, len) = (piece.quarter(), piece.rows.len());
        let (stride, tau) = (quarter * QUARTERS, coefficients.tau);
        let u = piece.record.grid(self.side, self.component, piece.rows.clone(), stride, &mut work.u[..width * stride]);
        work.left[len..stride].fill(0);
        work.right[len..stride].fill(0);
        let sigma = coefficients.sigma(quarter);
        let begin = self.take(width * quarter);
        let out = &mut self.out[begin..self.used];
        let place = &mut work.w[..quarter];
        let mut claims = [0; 2];
        for (at, prime) in self.field.0.iter().enumerate() {
            let needs_sigma = has_claim || self.side == Side::Right;
            if needs_sigma {
                prime.factors(&mut work.low[..quarter], &mut work.high[..quarter], sigma);
            }
            let low = &work.low[..quarter];
            let reduced = tau.map(|tau| prime.modulo(tau.into()));
            let of = |f: &dyn Fn(usize) -> u64| std::array::from_fn(|b| prime.factor(f(b)));
            let factors = of(&|b| {
                let power = halves(self.powers[b])[at];
                if self.side == Side::Left { prime.mul(power, reduced[b]) } else { power }
            });
            for (term, out) in out.chunks_exact_mut(quarter).enumerate() {
                lanes::fold_words(place, u.get(term, stride), &factors, prime.modulus);
                if self.side == Side::Right {
                    lanes::scale_each(place, low, prime.modulus);
                }
                out.iter_mut().zip(place.iter()).for_each(|(slot, value)| *slot |= value << (32 * at));
            }
            if has_claim {
                let mut sums = [0; 2];
                lanes::fold_words(place, &work.left[..stride], &of(&|b| reduced[b]), prime.modulus);
                lanes::dot(&mut sums, place, low);
                // 2^64 = R^2
                lanes::fold_words(place, &work.right[..stride], &of(&|b| prime.mul(reduced[b], prime.one.high)), prime.modulus);
                lanes::dot(&mut sums, place, low);
                claims[at] = prime.without_r(prime.sum(sums));
            }
        }
        self.sum = self.field.add(self.sum, joined(claims));
    }

    /// Adds `coefficient (rest + 2^64 carry)` to the claim.
    fn claim_one(&mut self, coefficient: u64, rest: u64, carry: u64) {
        let field = self.field;
        let value = field.modulo(u128::from(carry) << 64 | u128::from(rest));
        self.sum = field.add(self.sum, field.mul(field.modulo(coefficient.into()), value));
    }

    fn long(&mut self, piece: &Piece<'_>, width: usize, coefficients: &mut Coefficients<'_>, work: &mut Work, has_claim: bool) {
        let Some(operands) = piece.record.operands(self.side, self.component) else { return };
        let terms = width / 2;
        let sigma = coefficients.sigma(piece.rows.len()).to_vec();
        for (row, sigma) in piece.rows.clone().zip(&sigma) {
            let factor = if self.side == Side::Left { self.powers[QUARTERS - 1] } else { self.field.modulo((*sigma).into()) };
            for operand in operands {
                let operand = &operand[row * terms..(row + 1) * terms];
                let begin = self.take(terms);
                self.scaled(begin, operand, factor, work);
            }
        }
        if has_claim {
            for (at, sigma) in sigma.iter().enumerate() {
                self.claim_one(*sigma, work.left[at], work.right[at]);
            }
        }
    }

    fn moved(&mut self, piece: &Piece<'_>, coefficients: &mut Coefficients<'_>, work: &mut Work, has_claim: bool) {
        let WordsRecord::Moved(moved) = piece.record else { return };
        let rho = coefficients.sigma(piece.rows.len());
        let weights = moved.weights(self.side, rho);
        let mut half = Half::default();
        let key = if self.component == 0 { &self.context.own_key } else { &self.context.next_key };
        if weights.is_none() {
            moved.half(self.side, self.component, key, What::Factors, piece.rows.clone(), &mut half);
        }
        let factors = weights.as_deref().unwrap_or(&half.factors);
        let begin = self.take(piece.rows.len());
        self.scaled(begin, factors, self.powers[QUARTERS - 1], work);
        // moved coefficients tell the permutation
        if let Some(Cow::Owned(mut moved)) = weights {
            wipe(&mut moved);
        }
        if has_claim {
            for (at, rho) in rho.iter().enumerate() {
                self.claim_one(*rho, work.left[at], work.right[at]);
            }
        }
    }

    /// Writes ring elements times a factor to `out` from `begin` on, where zeros are.
    fn scaled(&mut self, begin: usize, elements: &[u64], factor: u64, work: &mut Work) {
        let piece = work.w.len();
        for (out, elements) in self.out[begin..self.used].chunks_mut(piece).zip(elements.chunks(piece)) {
            for (at, prime) in self.field.0.iter().enumerate() {
                let place = &mut work.w[..elements.len()];
                lanes::reduce(place, elements, prime.factor(halves(factor)[at]), prime.modulus);
                out.iter_mut().zip(place.iter()).for_each(|(slot, value)| *slot |= prime.canonical(*value) << (32 * at));
            }
        }
    }

    fn matrix(&mut self, piece: &Piece<'_>, shape: [usize; 3], coefficients: &Coefficients<'_>, work: &mut Work, has_claim: bool) {
        let [m, k, n] = shape;
        let Some(operands) = piece.record.operands(self.side, self.component) else { return };
        if piece.rows.start == 0 {
            // the operand of `m` rows comes first on the left: `x, y` there, `y, x` here
            for (operand, is_first) in operands.into_iter().zip([self.side == Side::Left, self.side == Side::Right]) {
                let begin = self.take(k);
                for (at, prime) in self.field.0.iter().enumerate() {
                    let scale = if self.side == Side::Left { halves(self.powers[QUARTERS - 1])[at] } else { 1 };
                    let sums = if is_first {
                        weighted_rows(prime, operand, &coefficients.alpha[..m], k)
                    } else {
                        weighted_columns(prime, operand, &coefficients.beta[..n])
                    };
                    for (slot, sum) in self.out[begin..self.used].iter_mut().zip(sums) {
                        *slot |= prime.mul(sum, scale) << (32 * at);
                    }
                }
            }
        }
        if !has_claim {
            return;
        }
        for (row, alpha) in coefficients.alpha[piece.rows.start / n..piece.rows.end / n].iter().enumerate() {
            let claims = [0, 1].map(|at| {
                let prime = &self.field.0[at];
                let mut sums = [0; 2];
                prime.factors(&mut work.low[..n], &mut work.high[..n], &coefficients.beta);
                let place = &mut work.w[..n];
                lanes::reduce(place, &work.left[row * n..][..n], prime.one, prime.modulus);
                lanes::dot(&mut sums, place, &work.low[..n]);
                lanes::reduce(place, &work.right[row * n..][..n], prime.factor(prime.one.high), prime.modulus);
                lanes::dot(&mut sums, place, &work.low[..n]);
                prime.mul(prime.without_r(prime.sum(sums)), prime.modulo((*alpha).into()))
            });
            self.sum = self.field.add(self.sum, joined(claims));
        }
    }

    /// `2^112 Q - sum rho (rest + 2^64 carry)` for our share of `Q`.
    fn claim(&self, total: Total) -> u64 {
        let field = self.field;
        let shifted = field.mul(field.modulo(1 << (64 + BITS)), field.modulo_wide(total));
        field.sub(shifted, self.sum)
    }
}

impl Drop for Fold<'_> {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.out));
    }
}

/// `sum_i f_i x[i k + t]` for each `t`.
fn weighted_rows(prime: &super::primes::Prime, x: &[u64], factors: &[u64], k: usize) -> Vec<u64> {
    let (mut low, mut high) = (vec![0; k], vec![0; k]);
    for (row, factor) in x.chunks_exact(k.max(1)).zip(factors) {
        lanes::accumulate(&mut low, &mut high, row, prime.factor(prime.modulo((*factor).into())));
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
