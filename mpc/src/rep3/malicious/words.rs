//! Relations over Z_2^64; why the steps are as they are is in [`super`].

use super::carries::{self, BITS, Total, sub192};
use super::coefficients::Coefficients;
use super::field::Field;
use super::fold::{self, Fold, Shares, Work};
use super::lanes;
use super::packed::Unpacker;
use super::primes::{Primes, halves};
use super::products::{Form, PLACES, QUARTERS, WordsRecord, pieces, sizes};
use super::proof::{Left, Prover, Right, Roles, evaluate, mask_all, powers, receive, run};
use super::record::{Side, Whose};
use super::seed::Seeds;
use super::steps::Check;
use crate::memory::give;
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::{Context, predecessor, successor};
use crate::{Error, Result};

/// Coefficients that the first level sends: fifteen without the middle one.
pub(super) const SENT: usize = 2 * PLACES - 2;

/// Runs all three proofs; returns whether our predecessor's holds.
pub(super) fn check(context: &mut Context, records: &[WordsRecord]) -> Result<bool> {
    let op = context.next_op()?;
    let sizes = sizes(records);
    let index = context.index;
    let provers = [index, successor(index), predecessor(index)];
    let has = provers.map(|prover| sizes[prover].0 > 0);
    let mut work = Work::default();
    let rows = [index, provers[2]].map(|prover| sizes[prover].0);
    let (quotients, carries) = carries::exchange(context, records, &op, rows, &mut work)?;
    let seeds = Seeds::exchange(context, &op, has)?;

    let mut total = carries::total(records, index, &quotients, seeds.ours.as_ref().map(Coefficients::new));
    drop(quotients);
    let share = first_share(&mut context.own_key.stream(Purpose::CheckTotal, &op));
    total = sub192(total, share);
    let mut theirs = Total::default();
    if has[0] {
        context.next.send_slice_u64(Check::Total, total.as_flattened())?;
    }
    if has[2] {
        context.prev.recv_slice_u64(Check::Total, theirs.as_flattened_mut())?;
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
    // all points come before anything is folded, so that all folds read each relation while it is in the cache
    let left = primes[1].zip(seeds.lefts.as_ref()).map(|(field, seed)| {
        let mut mask = context.next_key.stream(Purpose::CheckMask, &op);
        let mut coins = context.own_key.stream(Purpose::CheckPoint, &op);
        let coefficients: Vec<u64> = (0..SENT).map(|_| field.draw(&mut mask)).collect();
        let point = field.draw_unit(&mut coins);
        (field, seed, mask, coins, coefficients, point)
    });
    let mut right = None;
    if let Some((field, seed)) = primes[2].zip(seeds.rights.as_ref()) {
        let coefficients = receive(&mut context.prev, Check::Coefficients, SENT, &field)?;
        let mut coins = context.next_key.stream(Purpose::CheckPoint, &op);
        let point = field.draw_unit(&mut coins);
        context.prev.send_slice_u64(Check::Point, &[point])?;
        right = Some((field, seed, coins, coefficients, point));
    }
    let mut ours = None;
    if let Some((field, seed)) = prover {
        let point = receive(&mut context.next, Check::Point, 1, &field)?.first().copied().unwrap_or(0);
        ours = Some((field, seed, point));
    }

    let folded = {
        let context = &*context;
        let half = |side, component, at: usize| Whose { prover: provers[at], side, component };
        let new = |whose: Whose, field: &Primes, seed, point| Fold::new(context, field, whose, seed, point, sizes[whose.prover].1);
        let mut folds = [
            left.as_ref().map(|(field, seed, .., point)| {
                let shares = Shares::Drawn(context.next_key.stream(Purpose::CheckCarry, &op));
                new(half(Side::Left, 1, 1), field, seed, *point).with_claim(shares)
            }),
            right.as_ref().map(|(field, seed, .., point)| {
                new(half(Side::Right, 0, 2), field, seed, *point).with_claim(Shares::Sent(Box::new(Unpacker::new(&carries, rows[1], BITS))))
            }),
            ours.as_ref().map(|(field, seed, point)| new(half(Side::Left, 0, 0), field, seed, *point)),
            ours.as_ref().map(|(field, seed, point)| new(half(Side::Right, 1, 0), field, seed, *point)),
        ];
        fold::run(records, &mut folds, &mut work)?;
        folds.map(|fold| fold.map(Fold::finish).unwrap_or_default())
    };
    give(carries);
    let [u_of_left, w_of_right, u, w] = folded;

    let heard = |at: usize, field: &Primes, point: u64| seeds.words[at].into_iter().chain([field.moduli(), point]).collect::<Vec<u64>>();
    let claim = |field: &Primes, coefficients: &[u64], point: u64, sum: u64, share: Total| {
        evaluate(field, coefficients, fold::claim(field, sum, share), &powers(field, point, SENT + 1))
    };
    let left = left.map(|(field, _, mask, coins, coefficients, point)| {
        let share = first_share(&mut context.next_key.stream(Purpose::CheckTotal, &op));
        let (u, sum) = u_of_left;
        let claim = claim(&field, &coefficients, point, sum, share);
        Left { field, u, claim, mask, coins, heard: heard(1, &field, point) }
    });
    let right = right.map(|(field, _, coins, coefficients, point)| {
        let (w, sum) = w_of_right;
        let claim = claim(&field, &coefficients, point, sum, theirs);
        let blind = context.own_key.stream(Purpose::CheckBlind, &op);
        Right { field, w, claim, blind, coins, heard: heard(2, &field, point) }
    });
    let ours = ours.map(|(field, _, point)| {
        let blind = context.next_key.stream(Purpose::CheckBlind, &op);
        Prover { field, u: u.0, w: w.0, mask, blind, heard: heard(0, &field, point) }
    });
    run(Roles { prover: ours, left, right }, &mut context.prev, &mut context.next)
}

/// The left verifier's shares of both `Q`: 190 bits each.
fn first_share(stream: &mut Stream<'_>) -> Total {
    let mut share = Total::default();
    stream.fill(share.as_flattened_mut());
    share.iter_mut().for_each(|share| share[2] >>= 2);
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

/// The prover's message of the first level: for all grids the coefficients of
/// `sum (sum_tb X^(4t+b) tau_b u_tb) (sum_tb X^(7-4t-b) sigma w_tb)` without the middle one, two terms `t` at a time. What is in no grid stands with
/// `X^7` among the `u` and with 1 among the `w`: in the middle.
fn convolve(records: &[WordsRecord], field: &Primes, prover: usize, seed: &Key, work: &mut Work) -> Vec<u64> {
    let mut coefficients = Coefficients::new(seed);
    // `sigma` comes without Montgomery's R, so that it need not be multiplied by it: that goes with `tau`
    let tau = coefficients.tau.map(|tau| halves(field.montgomery(tau)));
    let (factors, moduli) = (tau.map(|tau| [0, 1].map(|at| field.0[at].factor(tau[at]))), field.both());
    // of quarters of one term with those of the next, of the same, of the one before
    let mut sums = [[[0; 2 * QUARTERS - 1]; 2]; 3];
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
        let high = &mut work.high[..quarter];
        field.factors(high, sigma);
        let part = |term: usize, b: usize| term * stride + b * quarter..term * stride + (b + 1) * quarter;
        for first in (0..width).step_by(2) {
            let terms = 2.min(width - first);
            for (term, b) in (0..terms).flat_map(|term| (0..QUARTERS).map(move |b| (term, b))) {
                let place = b * quarter..(b + 1) * quarter;
                let (u, w) = (&u.get(first + term, stride)[place.clone()], &w.get(first + term, stride)[place]);
                lanes::signed_pairs(&mut work.left[part(term, b)], u, factors[b], moduli);
                lanes::signed_each(&mut work.right[part(term, b)], w, sigma, high, moduli);
            }
            for (t, s) in (0..terms).flat_map(|t| (0..terms).map(move |s| (t, s))) {
                let (left, right) = (std::array::from_fn(|b| &work.left[part(t, b)]), std::array::from_fn(|b| &work.right[part(s, b)]));
                lanes::convolve_signed(&mut sums[1 + t - s], left, right);
            }
        }
    }
    let sum = |k: usize, at: usize| {
        let parts = sums.iter().enumerate().filter_map(|(shift, sums)| sums[at].get(k.checked_sub(QUARTERS * shift)?));
        parts.fold(0, |sum: i128, part| sum.wrapping_add(*part))
    };
    let mut all: Vec<u64> = (0..=SENT).map(|k| field.each(|at, prime| prime.modulo_signed(sum(k, at)))).collect();
    all.remove(PLACES - 1);
    all
}
