//! Relations over Z_2^64; why the steps are as they are is in [`super`].

use std::borrow::Cow;

use yu_wire::channel::exchange_ring_u64;

use super::field::{Field, Prime, wide};
use super::packed::{Packer, Unpacker, packed_words};
use super::proof::{Left, Prover, Right, Roles, run};
use super::record::{Record, Side, What, WordsRecord, pieces, sizes};
use super::seed::Seeds;
use super::steps::Check;
use crate::engine::wipe;
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::{Context, predecessor, successor};
use crate::{Error, Result};

/// Bits of a carry and of a coefficient.
pub(super) const BITS: u32 = 48;

/// Runs all three proofs; returns whether our predecessor's holds.
pub(super) fn check(context: &mut Context, records: &[WordsRecord]) -> Result<bool> {
    let op = context.next_op()?;
    let sizes = sizes(records);
    let index = context.index;
    let (ours, lefts, rights) = (sizes[index].0, sizes[successor(index)].0, sizes[predecessor(index)].0);
    let (sent, mut quotients) = prove_carries(context, records, &op, ours);
    let mut carries = vec![0; packed_words(rights, BITS)];
    match (sent.is_empty(), carries.is_empty()) {
        (true, true) => {}
        (false, true) => context.next.send_slice_u64(Check::Carries, &sent)?,
        (true, false) => context.prev.recv_slice_u64(Check::Carries, &mut carries)?,
        (false, false) => exchange_ring_u64(Check::Carries, &mut context.next, &sent, &mut context.prev, &mut carries)?,
    }
    let seeds = Seeds::exchange(context, &op, [ours, lefts, rights].map(|rows| rows > 0))?;

    let mut total = total(&quotients, seeds.ours.as_ref());
    wipe(&mut quotients);
    let share = first_share(&mut context.own_key.stream(Purpose::CheckTotal, &op));
    total = sub192(total, share);
    let mut theirs = [0; 3];
    if ours > 0 {
        context.next.send_slice_u64(Check::Total, &total)?;
    }
    if rights > 0 {
        context.prev.recv_slice_u64(Check::Total, &mut theirs)?;
    }
    let prime = exchange_prime(context, &op, [ours, lefts, rights].map(|rows| rows > 0))?;

    let prover = prime[0].map(|field| prove(context, records, &seeds, field, sizes[index].1));
    let left = prime[1].map(|field| verify_left(context, records, &seeds, &op, field, sizes[successor(index)].1));
    let right = prime[2].map(|field| verify_right(context, records, &seeds, &carries, theirs, field, sizes[predecessor(index)].1));
    let Context { own_key, next_key, prev, next, .. } = context;
    let heard = |at: usize, field: &Prime| seeds.words[at].into_iter().chain([field.modulus()]).collect::<Vec<u64>>();
    let roles = Roles {
        prover: prover.map(|(field, u, w)| Prover {
            heard: heard(0, &field),
            field,
            u,
            w,
            mask: own_key.stream(Purpose::CheckMask, &op),
            blind: next_key.stream(Purpose::CheckBlind, &op),
        }),
        left: left.map(|(field, u, claim)| Left {
            heard: heard(1, &field),
            field,
            u,
            claim,
            mask: next_key.stream(Purpose::CheckMask, &op),
            coins: own_key.stream(Purpose::CheckPoint, &op),
        }),
        right: right.map(|(field, w, claim)| Right {
            heard: heard(2, &field),
            field,
            w,
            claim,
            blind: own_key.stream(Purpose::CheckBlind, &op),
            coins: next_key.stream(Purpose::CheckPoint, &op),
        }),
    };
    run(roles, prev, next)
}

/// For each relation `S = sum_t u_t w_t + l + r`, an integer that is 0 modulo 2^64: the right verifier's share `q_2` of
/// `q = -S / 2^64 mod 2^48` and `kappa = (S / 2^64 + q_1 + q_2) / 2^48`.
fn prove_carries(context: &Context, records: &[WordsRecord], op: &Op, rows: usize) -> (Vec<u64>, Vec<u64>) {
    let mut own = context.own_key.stream(Purpose::CheckCarry, op);
    let (mut sent, mut quotients) = (Packer::new(rows, BITS), Vec::with_capacity(rows));
    let mut masks = Vec::new();
    for piece in pieces(records, context.index, 0..rows) {
        let (left, right) = piece.both(context, What::All);
        let width = piece.record.width();
        masks.resize(left.rest.len(), 0);
        own.fill(&mut masks);
        for (row, (mask, (l, r))) in masks.iter().zip(left.rest.iter().zip(&right.rest)).enumerate() {
            let [u, w] = [&left, &right].map(|half| &half.factors[row * width..(row + 1) * width]);
            let (mut sum, mut over) = (u128::from(*l).wrapping_add(u128::from(*r)), 0u64);
            for (u, w) in u.iter().zip(w) {
                let carried;
                (sum, carried) = sum.overflowing_add(wide(*u, *w));
                over = over.wrapping_add(u64::from(carried));
            }
            let high = u128::from(over) << 64 | sum >> 64;
            let first = mask >> (64 - BITS);
            let second = (high as u64).wrapping_neg().wrapping_sub(first) & (u64::MAX >> (64 - BITS));
            sent.push(second);
            quotients.push((high.wrapping_add(u128::from(first)).wrapping_add(u128::from(second)) >> BITS) as u64);
        }
    }
    (sent.finish(), quotients)
}

/// `Q = sum_g rho_g kappa_g`, below 2^128.
fn total(quotients: &[u64], seed: Option<&Key>) -> [u64; 3] {
    let Some(seed) = seed else { return [0; 3] };
    let mut coefficients = Coefficients::new(seed);
    let mut sum = 0u128;
    for part in quotients.chunks(512) {
        for (rho, kappa) in coefficients.next(part.len()).iter().zip(part) {
            sum = sum.wrapping_add(wide(*rho, *kappa));
        }
    }
    [sum as u64, (sum >> 64) as u64, 0]
}

/// The left verifier's share of `Q`: 190 bits.
fn first_share(stream: &mut Stream<'_>) -> [u64; 3] {
    let mut share = [0; 3];
    stream.fill(&mut share);
    share[2] >>= 2;
    share
}

fn sub192(a: [u64; 3], b: [u64; 3]) -> [u64; 3] {
    let mut borrow = false;
    std::array::from_fn(|at| {
        let (less, first) = a[at].overflowing_sub(b[at]);
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        less
    })
}

/// A signed integer of 192 bits modulo `p`.
fn modulo(field: &Prime, value: [u64; 3]) -> u64 {
    let low = field.reduce_any(u128::from(value[1]) << 64 | u128::from(value[0]));
    // 2^128 = (2^64)^2; the top word is signed
    let word = field.reduce(1 << 64);
    let square = field.mul(word, word);
    let top = field.sub(field.reduce(u128::from(value[2] ^ 1 << 63)), field.reduce(1 << 63));
    field.add(low, field.mul(square, top))
}

/// The primes of our proof (told by its right verifier), our successor's and our predecessor's.
fn exchange_prime(context: &mut Context, op: &Op, has: [bool; 3]) -> Result<[Option<Prime>; 3]> {
    let left = has[1].then(|| Prime::random(&mut context.own_key.stream(Purpose::CheckPrime, op)));
    let right = has[2].then(|| Prime::random(&mut context.next_key.stream(Purpose::CheckPrime, op)));
    if let Some(field) = right {
        context.prev.send_slice_u64(Check::Prime, &[field.modulus()])?;
    }
    let mut ours = None;
    if has[0] {
        let mut p = [0];
        context.next.recv_slice_u64(Check::Prime, &mut p)?;
        let refuse = || Error::peer(context.next.peer(), Check::Prime.label(), "a number outside the range of primes");
        ours = Some(Prime::new(p[0]).ok_or_else(refuse)?);
    }
    Ok([ours, left, right])
}

type Vectors = (Prime, Vec<u64>, Vec<u64>);

fn prove(context: &Context, records: &[WordsRecord], seeds: &Seeds, field: Prime, terms: usize) -> Vectors {
    let (mut u, mut w) = (Vec::with_capacity(terms + 4), Vec::with_capacity(terms + 4));
    if let Some(seed) = &seeds.ours {
        let mut coefficients = Coefficients::new(seed);
        for piece in pieces(records, context.index, 0..usize::MAX) {
            let (left, right) = piece.both(context, What::Factors);
            let rho = coefficients.next(piece.rows.len());
            push(&field, &left.factors, piece.record.weights(Side::Left, rho), &mut u);
            push(&field, &right.factors, piece.record.weights(Side::Right, rho), &mut w);
        }
    }
    (field, u, w)
}

/// Factors modulo `p`, of each relation times its weight.
fn push(field: &Prime, factors: &[u64], weights: Option<Cow<'_, [u64]>>, out: &mut Vec<u64>) {
    let Some(weights) = weights else {
        out.extend(factors.iter().map(|factor| field.reduce(u128::from(*factor))));
        return;
    };
    let width = factors.len() / weights.len().max(1);
    for (factors, weight) in factors.chunks_exact(width.max(1)).zip(&*weights) {
        out.extend(factors.iter().map(|factor| field.reduce(wide(*factor, *weight))));
    }
}

/// `u` and `t_1 = 2^112 Q_1 - sum_g rho_g (l_g + 2^64 q_1g)`.
fn verify_left(context: &Context, records: &[WordsRecord], seeds: &Seeds, op: &Op, field: Prime, terms: usize) -> (Prime, Vec<u64>, u64) {
    let (mut u, mut sum) = (Vec::with_capacity(terms + 4), Sum::default());
    let mut shares = context.next_key.stream(Purpose::CheckCarry, op);
    if let Some(seed) = &seeds.lefts {
        let mut coefficients = Coefficients::new(seed);
        let mut carries = Vec::new();
        for piece in pieces(records, successor(context.index), 0..usize::MAX) {
            let left = piece.half(context, Side::Left, 1, What::All);
            let rho = coefficients.next(left.rest.len());
            push(&field, &left.factors, piece.record.weights(Side::Left, rho), &mut u);
            carries.resize(left.rest.len(), 0);
            shares.fill(&mut carries);
            carries.iter_mut().for_each(|carry| *carry >>= 64 - BITS);
            sum.add(&field, rho, &left.rest, &carries);
        }
    }
    let total = first_share(&mut context.next_key.stream(Purpose::CheckTotal, op));
    (field, u, sum.claim(&field, total))
}

/// `rho w` and `t_2 = 2^112 Q_2 - sum_g rho_g (r_g + 2^64 q_2g)`.
fn verify_right(
    context: &Context,
    records: &[WordsRecord],
    seeds: &Seeds,
    carries: &[u64],
    total: [u64; 3],
    field: Prime,
    terms: usize,
) -> (Prime, Vec<u64>, u64) {
    let (mut w, mut sum) = (Vec::with_capacity(terms + 4), Sum::default());
    if let Some(seed) = &seeds.rights {
        let mut coefficients = Coefficients::new(seed);
        let mut carries = Unpacker::new(carries, BITS);
        for piece in pieces(records, predecessor(context.index), 0..usize::MAX) {
            let right = piece.half(context, Side::Right, 0, What::All);
            let rho = coefficients.next(right.rest.len());
            push(&field, &right.factors, piece.record.weights(Side::Right, rho), &mut w);
            let carries: Vec<u64> = right.rest.iter().map(|_| carries.next()).collect();
            sum.add(&field, rho, &right.rest, &carries);
        }
    }
    (field, w, sum.claim(&field, total))
}

/// `sum_g rho_g (rest_g + 2^64 q_g)`.
#[derive(Default)]
struct Sum {
    rests: u64,
    carries: u64,
}

impl Sum {
    fn add(&mut self, field: &Prime, coefficients: &[u64], rests: &[u64], carries: &[u64]) {
        // 48 and 64 bits: 1024 products stay below 2^122
        for ((rho, rests), carries) in coefficients.chunks(1024).zip(rests.chunks(1024)).zip(carries.chunks(1024)) {
            let dot = |values: &[u64]| rho.iter().zip(values).fold(0u128, |sum, (rho, value)| sum.wrapping_add(wide(*rho, *value)));
            self.rests = field.add(self.rests, field.reduce(dot(rests)));
            self.carries = field.add(self.carries, field.reduce(dot(carries)));
        }
    }

    fn claim(&self, field: &Prime, total: [u64; 3]) -> u64 {
        let word = field.reduce(1 << 64);
        let shifted = field.mul(field.reduce(1 << (64 + BITS)), modulo(field, total));
        field.sub(field.sub(shifted, self.rests), field.mul(word, self.carries))
    }
}

/// The coefficients of the relations in order.
struct Coefficients<'k> {
    stream: Stream<'k>,
    buffer: Vec<u64>,
}

impl<'k> Coefficients<'k> {
    fn new(seed: &'k Key) -> Self {
        Self { stream: seed.stream(Purpose::CheckCoefficients, &Op::new(0)), buffer: Vec::new() }
    }

    fn next(&mut self, count: usize) -> &[u64] {
        self.buffer.resize(count, 0);
        self.stream.fill(&mut self.buffer);
        self.buffer.iter_mut().for_each(|rho| *rho >>= 64 - BITS);
        &self.buffer
    }
}
