//! The proof that `<u, w> = t_1 + t_2`, where one verifier knows `u` and `t_1` and the other `w` and `t_2`.
//!
//! The prover `P_i` knows all four; `P_{i-1}` is the *left* verifier (`u, t_1`), `P_{i+1}` the *right* one (`w, t_2`). A level with arity `c`
//! reads `u` and `w` as polynomials of degree `c - 1` with vectors as coefficients, `U(X) = sum_a X^a u_a` and
//! `W(X) = sum_a X^(c-1-a) w_a` (which elements are in `u_a` is the field's choice), so that `<u, w>` is coefficient `c - 1` of
//! `G(X) = <U(X), W(X)>`. The prover sends the other `2c - 2` coefficients in two shares: the left verifier's come from a key, the
//! right one's are sent. At a random point `s` the new claim is `<U(s), W(s)> = G(s)`, of a `c`-th of the length. If the old
//! claim is false, coefficient `c - 1` of the difference is not zero, whatever was sent, so at most `2c - 2` of the points hide it.
//!
//! The last level takes all elements left at once and two more: `u` gets a random element of the prover and the left
//! verifier against a zero of `w`, `w` one of the prover and the right verifier against a zero of `u`. Then `U(s)` and `W(s)` are uniform.
//! The left verifier sends `U(s)` with its share of `G(s)` to the right one, who multiplies and compares.
//!
//! **Points** (and all other coins: seeds, primes, factors) come from the key that the two verifiers share and the prover lacks; the right
//! one sends each to the prover after it has received the prover's message of the level (the left one receives none). If
//! the prover is corrupted, both verifiers are honest and the point is uniform and unknown until then.
//!
//! **A corrupted verifier** could tell the prover other coins, and learn from what then does not fit. So the prover tells
//! both the digest of the coins it heard before anything is compared: an honest left verifier keeps `U(s)` and its share to itself,
//! an honest right one rejects, unless it is the digest of its own. With the right coins all that a corrupted right verifier sees is
//! uniform but for `t_1`'s successor, which acceptance fixes. A corrupted left verifier may send another pair `(U', t')`: the right one
//! accepts only if `(U' - U(s)) W(s) = t' - t_1`, and as `W(s)` is uniform and unknown to it, that tells it nothing: any other pair is rejected but for
//! one chance in the size of the field. Modulo two primes the chance is one in the prime for a pair that is wrong modulo that one alone:
//! soundness does not rest on it (both verifiers are honest then), and what decides is still `W(s)` alone.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use yu_wire::channel::{Channel, Expect};

use super::field::Field;
use super::steps::Check;
use crate::memory::{append, give};
use crate::prg::Stream;
use crate::{Error, Result};

const TAG: &[u8] = b"yu-mpc/malicious/coins/v1";

/// Vectors of at most this length are opened by the last level.
const LAST: usize = 16;

/// Lengths of a proof's messages: arity of each level for vectors of `len` elements, the last one with the mask.
pub(super) fn arities(mut len: usize) -> Vec<usize> {
    let mut arities = Vec::new();
    while len > LAST {
        let arity = if len > 1 << 13 { 4 } else { 16 };
        arities.push(arity);
        len = len.div_ceil(arity);
    }
    arities.push(len + 2);
    arities
}

/// What the prover holds.
pub(super) struct Prover<'k, F> {
    pub(super) field: F,
    pub(super) u: Vec<u64>,
    pub(super) w: Vec<u64>,
    /// Shared with the left verifier.
    pub(super) mask: Stream<'k>,
    /// Shared with the right verifier.
    pub(super) blind: Stream<'k>,
    /// Coins so far, as we heard them.
    pub(super) heard: Vec<u64>,
}

/// What the left verifier holds.
pub(super) struct Left<'k, F> {
    pub(super) field: F,
    pub(super) u: Vec<u64>,
    pub(super) claim: u64,
    /// Shared with the prover.
    pub(super) mask: Stream<'k>,
    /// Shared with the right verifier.
    pub(super) coins: Stream<'k>,
    /// Coins so far.
    pub(super) heard: Vec<u64>,
}

/// What the right verifier holds.
pub(super) struct Right<'k, F> {
    pub(super) field: F,
    pub(super) w: Vec<u64>,
    pub(super) claim: u64,
    /// Shared with the prover.
    pub(super) blind: Stream<'k>,
    /// Shared with the left verifier.
    pub(super) coins: Stream<'k>,
    /// Coins so far.
    pub(super) heard: Vec<u64>,
}

/// Our part in the three proofs that run at once; `None` for a party that has nothing to prove.
pub(super) struct Roles<'k, F> {
    /// Our own proof.
    pub(super) prover: Option<Prover<'k, F>>,
    /// Our successor's.
    pub(super) left: Option<Left<'k, F>>,
    /// Our predecessor's.
    pub(super) right: Option<Right<'k, F>>,
}

pub(super) fn powers<F: Field>(field: &F, point: u64, count: usize) -> Vec<u64> {
    std::iter::successors(Some(1), |power| Some(field.mul(*power, point))).take(count).collect()
}

/// The folded vector; the old one is wiped.
fn folded<F: Field>(field: &F, factors: &[u64], values: &mut Vec<u64>) -> Vec<u64> {
    fill_up(values, factors.len());
    let out = field.fold(factors, values);
    give(std::mem::take(values));
    out
}

/// Zeros up to a multiple of the arity.
fn fill_up(values: &mut Vec<u64>, arity: usize) {
    append(values, std::iter::repeat_n(0, values.len().next_multiple_of(arity) - values.len()));
}

fn reversed(mut factors: Vec<u64>) -> Vec<u64> {
    factors.reverse();
    factors
}

/// `sum_k s^k g_k` with the claim in the middle.
pub(super) fn evaluate<F: Field>(field: &F, coefficients: &[u64], claim: u64, powers: &[u64]) -> u64 {
    let middle = powers.len() / 2;
    let (low, high) = coefficients.split_at(middle);
    let all = low.iter().chain([&claim]).chain(high);
    all.zip(powers).fold(0, |sum, (g, power)| field.add(sum, field.mul(*g, *power)))
}

/// Values minus the elements of a stream.
pub(super) fn mask_all<F: Field>(field: &F, stream: &mut Stream<'_>, values: &mut [u64]) {
    for value in values {
        *value = field.sub(*value, field.draw(stream));
    }
}

impl<F: Field> Prover<'_, F> {
    /// The right verifier's shares of the coefficients.
    fn speak(&mut self, arity: usize, is_last: bool) -> Vec<u64> {
        if is_last {
            append(&mut self.u, [self.field.draw(&mut self.mask), 0].into_iter());
            append(&mut self.w, [0, self.field.draw(&mut self.blind)].into_iter());
        }
        fill_up(&mut self.u, arity);
        fill_up(&mut self.w, arity);
        let mut coefficients = vec![0; 2 * arity - 1];
        self.field.convolve(arity, &self.u, &self.w, &mut coefficients);
        coefficients.remove(arity - 1);
        mask_all(&self.field, &mut self.mask, &mut coefficients);
        coefficients
    }

    fn fold(&mut self, arity: usize, point: u64) {
        let powers = powers(&self.field, point, arity);
        self.u = folded(&self.field, &powers, &mut self.u);
        self.w = folded(&self.field, &reversed(powers), &mut self.w);
    }
}

impl<F: Field> Left<'_, F> {
    fn fold(&mut self, arity: usize, is_last: bool) {
        if is_last {
            append(&mut self.u, [self.field.draw(&mut self.mask), 0].into_iter());
        }
        let coefficients: Vec<u64> = (0..2 * arity - 2).map(|_| self.field.draw(&mut self.mask)).collect();
        let point = self.field.draw_unit(&mut self.coins);
        self.heard.push(point);
        let powers = powers(&self.field, point, 2 * arity - 1);
        self.claim = evaluate(&self.field, &coefficients, self.claim, &powers);
        self.u = folded(&self.field, &powers[..arity], &mut self.u);
    }
}

impl<F: Field> Right<'_, F> {
    /// Returns the point.
    fn fold(&mut self, arity: usize, is_last: bool, coefficients: &[u64]) -> u64 {
        if is_last {
            append(&mut self.w, [0, self.field.draw(&mut self.blind)].into_iter());
        }
        let point = self.field.draw_unit(&mut self.coins);
        self.heard.push(point);
        let powers = powers(&self.field, point, 2 * arity - 1);
        self.claim = evaluate(&self.field, coefficients, self.claim, &powers);
        self.w = folded(&self.field, &reversed(powers[..arity].to_vec()), &mut self.w);
        point
    }
}

/// Runs the three proofs. Returns whether our predecessor's holds (`true` if it has none).
pub(super) fn run<F: Field>(mut roles: Roles<'_, F>, prev: &mut Channel, next: &mut Channel) -> Result<bool> {
    let plan = |len: Option<usize>| len.map(arities).unwrap_or_default();
    let ours = plan(roles.prover.as_ref().map(|role| role.u.len()));
    let lefts = plan(roles.left.as_ref().map(|role| role.u.len()));
    let rights = plan(roles.right.as_ref().map(|role| role.w.len()));
    for level in 0..ours.len().max(lefts.len()).max(rights.len()) {
        if let (Some(prover), Some(arity)) = (&mut roles.prover, ours.get(level)) {
            next.send_slice_u64(Check::Coefficients, &prover.speak(*arity, level + 1 == ours.len()))?;
        }
        if let (Some(left), Some(arity)) = (&mut roles.left, lefts.get(level)) {
            left.fold(*arity, level + 1 == lefts.len());
        }
        if let (Some(right), Some(arity)) = (&mut roles.right, rights.get(level)) {
            let coefficients = receive(prev, Check::Coefficients, 2 * arity - 2, &right.field)?;
            let point = right.fold(*arity, level + 1 == rights.len(), &coefficients);
            if level + 1 < rights.len() {
                prev.send_slice_u64(Check::Point, &[point])?;
            }
        }
        // the last point is the verifiers' own business
        if let (Some(prover), Some(arity)) = (&mut roles.prover, ours.get(level))
            && level + 1 < ours.len()
        {
            let point = receive(next, Check::Point, 1, &prover.field)?;
            prover.heard.extend(&point);
            prover.fold(*arity, point.first().copied().unwrap_or(0));
        }
    }
    compare_coins(&mut roles, prev, next)?;
    if let Some(left) = &roles.left {
        prev.send_slice_u64(Check::Fold, &[left.u.first().copied().unwrap_or(0), left.claim])?;
    }
    let Some(right) = &roles.right else { return Ok(true) };
    let theirs = receive(next, Check::Fold, 2, &right.field)?;
    let [u, claim] = theirs[..] else { return Ok(false) };
    let product = right.field.mul(u, right.w.first().copied().unwrap_or(0));
    Ok(product == right.field.add(claim, right.claim))
}

/// The prover tells both verifiers the digest of the coins that it heard; they compare it with theirs, without the last point.
fn compare_coins<F>(roles: &mut Roles<'_, F>, prev: &mut Channel, next: &mut Channel) -> Result<()> {
    if let Some(prover) = &roles.prover {
        let digest = digest(&prover.heard);
        prev.send(Check::Coins, Bytes::copy_from_slice(&digest))?;
        next.send(Check::Coins, Bytes::copy_from_slice(&digest))?;
    }
    let agree = |heard: &mut Vec<u64>, from: &mut Channel, other: &Channel| {
        heard.pop();
        if from.recv(Check::Coins, Expect::Exactly(32))?[..] == digest(heard) {
            return Ok(());
        }
        let what = format!("it heard other coins than `{}` should have told it; one of the two deviated", other.peer());
        Err(Error::peer(from.peer(), Check::Coins.label(), what))
    };
    if let Some(left) = &mut roles.left {
        agree(&mut left.heard, next, prev)?;
    }
    if let Some(right) = &mut roles.right {
        agree(&mut right.heard, prev, next)?;
    }
    Ok(())
}

fn digest(words: &[u64]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(TAG);
    words.iter().for_each(|word| hash.update(word.to_le_bytes()));
    hash.finalize().into()
}

/// Elements of the field from a peer.
pub(super) fn receive<F: Field>(from: &mut Channel, step: Check, len: usize, field: &F) -> Result<Vec<u64>> {
    let mut values = vec![0; len];
    from.recv_slice_u64(step, &mut values)?;
    if values.iter().all(|value| field.is_element(*value)) {
        Ok(values)
    } else {
        Err(Error::peer(from.peer(), step.label(), "a number that is not an element of the field"))
    }
}
