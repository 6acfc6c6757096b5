//! Relations over GF(2), 64 to a word; why the steps are as they are is in [`super`].

use std::ops::Range;

use super::field::{Binary, word};
use super::gf;
use super::proof::{Left, Prover, Right, Roles, mask_all, receive, run};
use super::record::{BitsRecord, Half, Piece, Side, What, pieces, sizes};
use super::seed::Seeds;
use super::steps::Check;
use crate::Result;
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::{Context, PARTIES, predecessor, successor};

/// Bits of a byte, bytes of a word.
const BITS: usize = 8;

/// Words of relations that are folded together.
const GROUP: usize = 2;

/// Their bytes.
pub(super) const BYTES: usize = 8 * GROUP;

/// Words of relations that are worked on while they are in the cache.
const CACHED: usize = 1024;

/// Products of a byte of `u` and a byte of `w`.
pub(super) const PAIRS: usize = BYTES * BYTES;

/// Words of relations that one proof takes at most: 32 MiB of folded vectors.
pub(super) const SEGMENT: usize = 1 << 17;

/// Elements of the folded vectors for that many words of relations.
pub(super) const fn folded_len(rows: usize) -> usize {
    2 * BITS * rows.div_ceil(GROUP)
}

/// Runs all three proofs, segment after segment; returns whether our predecessor's hold.
pub(super) fn check(context: &mut Context, records: &[BitsRecord]) -> Result<bool> {
    let rows = sizes(records);
    let most = rows.into_iter().max().unwrap_or(0);
    let mut holds = true;
    for from in (0..most).step_by(SEGMENT) {
        let to = from + SEGMENT;
        holds &= check_segment(context, records, rows.map(|rows| rows.min(from)..rows.min(to)))?;
    }
    Ok(holds)
}

fn check_segment(context: &mut Context, records: &[BitsRecord], rows: [Range<usize>; PARTIES]) -> Result<bool> {
    let op = context.next_op()?;
    let index = context.index;
    let [ours, lefts, rights] = [index, successor(index), predecessor(index)].map(|prover| rows[prover].clone());
    let has = [&ours, &lefts, &rights].map(|rows| !rows.is_empty());
    let seeds = Seeds::exchange(context, &op, has)?;
    let (ours_c, lefts_c, rights_c) = (
        seeds.ours.as_ref().map(Coefficients::new),
        seeds.lefts.as_ref().map(Coefficients::new),
        seeds.rights.as_ref().map(Coefficients::new),
    );

    // level of the bytes
    let mut mask = context.own_key.stream(Purpose::CheckMask, &op);
    if let Some(coefficients) = &ours_c {
        let mut gram = gram(context, records, coefficients, ours.clone());
        mask_all(&Binary, &mut mask, &mut gram);
        context.next.send_slice_u64(Check::Gram, &gram)?;
    }
    let mut left = None;
    if let Some(coefficients) = &lefts_c {
        let claim = claim(context, records, coefficients, Side::Left, lefts.clone());
        let mut mask = context.next_key.stream(Purpose::CheckMask, &op);
        let gram: Vec<u64> = (0..PAIRS - 1).map(|_| word(&mut mask)).collect();
        let mut coins = context.own_key.stream(Purpose::CheckPoint, &op);
        let factors = Factors::draw(&mut coins);
        let u = fold(context, records, Side::Left, 1, successor(index), lefts.clone(), &factors, None);
        let claim = factors.claim(&gram, coefficients.last_of(&gram, claim));
        left = Some(Left { field: Binary, u, claim, mask, coins, heard: factors.heard(seeds.words[1]) });
    }
    let mut right = None;
    if let Some(coefficients) = &rights_c {
        let claim = claim(context, records, coefficients, Side::Right, rights.clone());
        let gram = receive(&mut context.prev, Check::Gram, PAIRS - 1, &Binary)?;
        let mut coins = context.next_key.stream(Purpose::CheckPoint, &op);
        let factors = Factors::draw(&mut coins);
        context.prev.send_slice_u64(Check::Factors, &factors.0)?;
        let w = fold(context, records, Side::Right, 0, predecessor(index), rights.clone(), &factors, Some(coefficients));
        let claim = factors.claim(&gram, coefficients.last_of(&gram, claim));
        let blind = context.own_key.stream(Purpose::CheckBlind, &op);
        right = Some(Right { field: Binary, w, claim, blind, coins, heard: factors.heard(seeds.words[2]) });
    }
    let mut prover = None;
    if let Some(coefficients) = &ours_c {
        let mut factors = Factors([0; 2 * BYTES]);
        context.next.recv_slice_u64(Check::Factors, &mut factors.0)?;
        let u = fold(context, records, Side::Left, 0, index, ours.clone(), &factors, None);
        let w = fold(context, records, Side::Right, 1, index, ours, &factors, Some(coefficients));
        let blind = context.next_key.stream(Purpose::CheckBlind, &op);
        prover = Some(Prover { field: Binary, u, w, mask, blind, heard: factors.heard(seeds.words[0]) });
    }
    run(Roles { prover, left, right }, &mut context.prev, &mut context.next)
}

/// `sigma_j` of group `j` of words, `eta_b` of bit `b` of each byte, `tau_a` of byte `a`: the coefficient of a relation is their product.
struct Coefficients<'k> {
    seed: &'k Key,
    eta: [u64; BITS],
    /// The last is 1.
    tau: [u64; BYTES],
}

impl<'k> Coefficients<'k> {
    fn new(seed: &'k Key) -> Self {
        let op = Op::new(1);
        let mut stream = seed.stream(Purpose::CheckCoefficients, &op);
        let (mut eta, mut tau) = ([0; BITS], [1; BYTES]);
        stream.fill(&mut eta);
        stream.fill(&mut tau[..BYTES - 1]);
        Self { seed, eta, tau }
    }

    fn sigma(&self) -> Stream<'k> {
        self.seed.stream(Purpose::CheckCoefficients, &Op::new(0))
    }

    /// The product of the last bytes: what is missing to `sum_a tau_a G_aa = claim`.
    fn last_of(&self, gram: &[u64], claim: u64) -> u64 {
        (0..BYTES - 1).fold(claim, |sum, a| sum ^ gf::mul(self.tau[a], gram[a * BYTES + a]))
    }
}

/// `alpha_a` of byte `a` of `u`, then `beta_b` of byte `b` of `w`.
struct Factors([u64; 2 * BYTES]);

impl Factors {
    fn draw(coins: &mut Stream<'_>) -> Self {
        let mut factors = [0; 2 * BYTES];
        coins.fill(&mut factors);
        Self(factors)
    }

    /// All coins so far.
    fn heard(&self, seed: [u64; 4]) -> Vec<u64> {
        seed.into_iter().chain(self.0).collect()
    }

    fn of(&self, side: Side) -> &[u64] {
        let (alpha, beta) = self.0.split_at(BYTES);
        if side == Side::Left { alpha } else { beta }
    }

    /// `sum_ab alpha_a beta_b G_ab`.
    fn claim(&self, gram: &[u64], last: u64) -> u64 {
        let mut sum = 0;
        for (at, product) in gram.iter().chain([&last]).enumerate() {
            sum ^= gf::mul(gf::mul(self.0[at / BYTES], self.0[BYTES + at % BYTES]), *product);
        }
        sum
    }
}

/// Sums of the elements that a byte's bits select.
fn table(basis: &[u64]) -> [u64; 256] {
    let mut table = [0; 256];
    for (bit, element) in basis.iter().enumerate() {
        let (done, rest) = table.split_at_mut(1 << bit);
        rest.iter_mut().zip(done).for_each(|(slot, sum)| *slot = *sum ^ element);
    }
    table
}

fn scaled(factor: u64, mut values: [u64; 256]) -> [u64; 256] {
    gf::scale(factor, &mut values);
    values
}

/// Bit `b` of byte `a` becomes bit `a` of byte `b` (Hacker's Delight, section 7-3).
const fn transposed(mut x: u64) -> u64 {
    let mut swap = (x ^ x >> 7) & 0x00aa_00aa_00aa_00aa;
    x ^= swap ^ swap << 7;
    swap = (x ^ x >> 14) & 0x0000_cccc_0000_cccc;
    x ^= swap ^ swap << 14;
    swap = (x ^ x >> 28) & 0x0000_0000_f0f0_f0f0;
    x ^ swap ^ swap << 28
}

/// A prover's relations in blocks of [`CACHED`] words, whatever record they come from; the last one is filled up to whole groups.
fn blocks<T>(
    records: &[BitsRecord],
    prover: usize,
    rows: Range<usize>,
    mut half: impl FnMut(Piece<'_>) -> T,
    mut join: impl FnMut(Vec<T>),
) {
    for from in rows.clone().step_by(CACHED) {
        join(pieces(records, prover, from..rows.end.min(from + CACHED)).map(&mut half).collect());
    }
}

/// Halves one after the other, filled up with zeros to whole groups.
fn joined(halves: Vec<Half>) -> Half {
    let mut whole = Half::default();
    for half in &halves {
        whole.factors.extend_from_slice(&half.factors);
        whole.rest.extend_from_slice(&half.rest);
    }
    let rows = whole.rest.len().next_multiple_of(GROUP);
    whole.rest.resize(rows, 0);
    whole.factors.resize(2 * rows, 0);
    whole
}

/// `G_ab = sum_j sigma_j sum_b' eta_b' (byte a of u_j and byte b of w_j)_b'`, both terms of a relation together, without the last.
fn gram(context: &Context, records: &[BitsRecord], coefficients: &Coefficients<'_>, rows: Range<usize>) -> Vec<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let eta = table(&coefficients.eta);
    let mut sigma = coefficients.sigma();
    let (mut sums, mut values, mut sigmas) = ([0u128; PAIRS], [[[0u64; BITS]; GROUP]; BYTES], Vec::new());
    let join = |halves: Vec<(Half, Half)>| {
        let (left, right) = halves.into_iter().unzip();
        let (left, right): (Half, Half) = (joined(left), joined(right));
        sigmas.resize(left.rest.len() / GROUP, 0);
        sigma.fill(&mut sigmas);
        let groups = left.factors.as_chunks::<{ 2 * GROUP }>().0.iter().zip(right.factors.as_chunks::<{ 2 * GROUP }>().0);
        for ((u, w), sigma) in groups.zip(&sigmas) {
            for (word, slots) in values.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                let bytes = u[2 * word].to_le_bytes().into_iter().zip(u[2 * word + 1].to_le_bytes());
                for ((first, second), slots) in bytes.zip(slots) {
                    let (first, second) = (u64::from(first).wrapping_mul(ONES), u64::from(second).wrapping_mul(ONES));
                    for (slots, w) in slots.iter_mut().zip(w.as_chunks::<2>().0) {
                        let both = (first & w[0]) ^ (second & w[1]);
                        for (slot, byte) in slots.iter_mut().zip(both.to_le_bytes()) {
                            *slot = eta[usize::from(byte)];
                        }
                    }
                }
            }
            gf::accumulate(*sigma, values.as_flattened(), &mut sums);
        }
    };
    blocks(records, context.index, rows, |piece| piece.both(context, What::Factors), join);
    (0..PAIRS - 1).map(|at| gf::reduce(sums[at / BITS * BITS + gf::place(at % BITS)])).collect()
}

/// A verifier's share of the sum of all relations: of what is added in them.
fn claim(context: &Context, records: &[BitsRecord], coefficients: &Coefficients<'_>, side: Side, rows: Range<usize>) -> u64 {
    let eta = table(&coefficients.eta);
    let tables = coefficients.tau.map(|tau| scaled(tau, eta));
    let mut sigma = coefficients.sigma();
    let (mut sum, mut sigmas, mut values) = ([0], Vec::new(), Vec::new());
    let (prover, component) = if side == Side::Left { (successor(context.index), 1) } else { (predecessor(context.index), 0) };
    let join = |halves: Vec<Half>| {
        let half = joined(halves);
        sigmas.resize(half.rest.len() / GROUP, 0);
        sigma.fill(&mut sigmas);
        values.clear();
        let look = |words: &[u64; GROUP]| {
            let bytes = words.iter().flat_map(|word| word.to_le_bytes());
            tables.iter().zip(bytes).fold(0, |sum, (table, byte)| sum ^ table[usize::from(byte)])
        };
        values.extend(half.rest.as_chunks().0.iter().map(look));
        gf::convolve(1, &sigmas, &values, &mut sum);
    };
    blocks(records, prover, rows, |piece| piece.half(context, side, component, What::All), join);
    sum[0]
}

/// The factors of the relations, all bytes of a group folded to one; the right ones with their coefficients.
#[expect(clippy::too_many_arguments, reason = "whose half of whose relations, folded how")]
fn fold(
    context: &Context,
    records: &[BitsRecord],
    side: Side,
    component: usize,
    prover: usize,
    rows: Range<usize>,
    factors: &Factors,
    coefficients: Option<&Coefficients<'_>>,
) -> Vec<u64> {
    let (low, high) = factors.of(side).split_at(BYTES / GROUP);
    let bases = [table(low), table(high)];
    let tables = bases.map(|base| coefficients.map_or([base; BITS], |coefficients| coefficients.eta.map(|eta| scaled(eta, base))));
    let mut sigma = coefficients.map(Coefficients::sigma);
    let mut folded = Vec::with_capacity(folded_len(rows.len()));
    let mut sigmas = Vec::new();
    let join = |halves: Vec<Half>| {
        let half = joined(halves);
        sigmas.resize(half.rest.len() / GROUP, 0);
        if let Some(sigma) = &mut sigma {
            sigma.fill(&mut sigmas);
        }
        for (words, factor) in half.factors.as_chunks::<{ 2 * GROUP }>().0.iter().zip(&sigmas) {
            let mut row = [0; 2 * BITS];
            for (slots, term) in row.as_chunks_mut::<BITS>().0.iter_mut().zip([[words[0], words[2]], [words[1], words[3]]]) {
                let [first, second] = term.map(|word| transposed(word).to_le_bytes());
                for (at, slot) in slots.iter_mut().enumerate() {
                    *slot = tables[0][at][usize::from(first[at])] ^ tables[1][at][usize::from(second[at])];
                }
            }
            if sigma.is_some() {
                gf::scale(*factor, &mut row);
            }
            folded.extend_from_slice(&row);
        }
    };
    blocks(records, prover, rows, |piece| piece.half(context, side, component, What::Factors), join);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_transposed() {
        for (a, b) in (0..8).flat_map(|a| (0..8).map(move |b| (a, b))) {
            assert_eq!(transposed(1 << (8 * a + b)), 1 << (8 * b + a));
        }
    }

    #[test]
    fn tables_are_linear() {
        let basis = [3, 5, 9, 1 << 63, 77, 0, 12, 99];
        let table = table(&basis);
        for (at, entry) in table.iter().enumerate() {
            let sum = basis.iter().enumerate().fold(0, |sum, (bit, element)| if at >> bit & 1 == 1 { sum ^ element } else { sum });
            assert_eq!(*entry, sum);
        }
    }
}
