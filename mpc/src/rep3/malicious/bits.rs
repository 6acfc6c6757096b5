//! Relations over GF(2), 64 to a word; why the steps are as they are is in [`super`].

use std::ops::Range;

use zeroize::Zeroizing;

use super::field::{Binary, word};
use super::gf;
use super::lookup::{self, BYTES, Gram, Map};
use super::proof::{Left, Prover, Right, Roles, mask_all, receive, run};
use super::record::{BitsRecord, Block, Side, What, Whose, sizes};
use super::seed::Seeds;
use super::steps::Check;
use crate::Result;
use crate::memory::zeros;
use crate::prg::{Key, Op, Purpose, Stream};
use crate::rep3::context::{Context, PARTIES, predecessor, successor};

/// Bits of a byte, bytes of a word.
const BITS: usize = 8;

/// Words of relations that are folded together.
const GROUP: usize = BYTES / 8;

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
        let mut mask = context.next_key.stream(Purpose::CheckMask, &op);
        let gram: Vec<u64> = (0..PAIRS - 1).map(|_| word(&mut mask)).collect();
        let mut coins = context.own_key.stream(Purpose::CheckPoint, &op);
        let factors = Factors::draw(&mut coins);
        let whose = Whose { prover: successor(index), side: Side::Left, component: 1 };
        let (u, claim) = Half { whose, coefficients, has_claim: true }.fold(context, records, lefts, &factors);
        let claim = factors.claim(&gram, coefficients.last_of(&gram, claim));
        left = Some(Left { field: Binary, u, claim, mask, coins, heard: factors.heard(seeds.words[1]) });
    }
    let mut right = None;
    if let Some(coefficients) = &rights_c {
        let gram = receive(&mut context.prev, Check::Gram, PAIRS - 1, &Binary)?;
        let mut coins = context.next_key.stream(Purpose::CheckPoint, &op);
        let factors = Factors::draw(&mut coins);
        context.prev.send_slice_u64(Check::Factors, &factors.0)?;
        let whose = Whose { prover: predecessor(index), side: Side::Right, component: 0 };
        let (w, claim) = Half { whose, coefficients, has_claim: true }.fold(context, records, rights, &factors);
        let claim = factors.claim(&gram, coefficients.last_of(&gram, claim));
        let blind = context.own_key.stream(Purpose::CheckBlind, &op);
        right = Some(Right { field: Binary, w, claim, blind, coins, heard: factors.heard(seeds.words[2]) });
    }
    let mut prover = None;
    if let Some(coefficients) = &ours_c {
        let mut factors = Factors([0; 2 * BYTES]);
        context.next.recv_slice_u64(Check::Factors, &mut factors.0)?;
        let [u, w] = [(Side::Left, 0), (Side::Right, 1)].map(|(side, component)| {
            let half = Half { whose: Whose { prover: index, side, component }, coefficients, has_claim: false };
            half.fold(context, records, ours.clone(), &factors).0
        });
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

/// `G_ab = sum_j sigma_j sum_c eta_c (byte a of u_j and byte b of w_j)_c`, both terms of a relation together, without the last.
fn gram(context: &Context, records: &[BitsRecord], coefficients: &Coefficients<'_>, rows: Range<usize>) -> Vec<u64> {
    let mut sigma = coefficients.sigma();
    let (mut gram, mut block, mut sigmas) = (Gram::new(), Block::default(), Vec::new());
    let mut turned = [(); 4].map(|()| Zeroizing::new(Vec::new()));
    for rows in blocks(rows) {
        for (side, turned) in turned.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let side = if side == 0 { Side::Left } else { Side::Right };
            let whose = Whose { prover: context.index, side, component: usize::from(side == Side::Right) };
            block.read(context, records, whose, What::Factors, rows.clone());
            for (turned, term) in turned.iter_mut().zip(&block.terms) {
                turned.resize(term.len(), 0);
                lookup::octets(turned, term);
            }
        }
        draw(&mut sigma, &mut sigmas, &block);
        let [u0, u1, w0, w1] = turned.each_ref().map(|words| Block::halves(words, block.stride));
        gram.add([u0, u1], [w0, w1], &sigmas);
    }
    let of = |at: usize| {
        let (a, b) = (at / BYTES, at % BYTES);
        coefficients.eta.iter().enumerate().fold(0, |sum, (c, eta)| sum ^ gf::mul(*eta, gram.get(a, b, c)))
    };
    (0..PAIRS - 1).map(of).collect()
}

/// The next coefficients, one for each group; zeros for what fills the block up.
fn draw(sigma: &mut Stream<'_>, sigmas: &mut Vec<u64>, block: &Block) {
    sigmas.resize(block.stride, 0);
    sigma.fill(&mut sigmas[..block.groups]);
    sigmas[block.groups..].fill(0);
}

/// Rows in blocks of [`CACHED`] words.
fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(CACHED).map(move |from| from..rows.end.min(from + CACHED))
}

/// Whose half is folded, for what.
struct Half<'c, 'k> {
    whose: Whose,
    coefficients: &'c Coefficients<'k>,
    /// A verifier's: with its share of the sum of all relations, of what is added in them.
    has_claim: bool,
}

impl Half<'_, '_> {
    /// The factors of the relations, all bytes of a group folded to one, the right ones with their coefficients; and the share.
    fn fold(&self, context: &Context, records: &[BitsRecord], rows: Range<usize>, factors: &Factors) -> (Vec<u64>, u64) {
        let (is_right, coefficients) = (self.whose.side == Side::Right, self.coefficients);
        let (low, high) = factors.of(self.whose.side).split_at(BYTES / GROUP);
        let map = |basis: &[u64], factor: u64| {
            let mut basis: [u64; BITS] = std::array::from_fn(|a| basis[a]);
            gf::scale(factor, &mut basis);
            Map::new(basis)
        };
        let maps: [[Map; GROUP]; BITS] =
            std::array::from_fn(|bit| [low, high].map(|basis| map(basis, if is_right { coefficients.eta[bit] } else { 1 })));
        let claims = coefficients.tau.map(|tau| map(&coefficients.eta, tau));
        let mut sigma = coefficients.sigma();
        let mut folded = zeros(folded_len(rows.len()));
        let mut rest = &mut folded[..];
        let (mut block, mut sigmas, mut claim) = (Block::default(), Vec::new(), [0]);
        let (mut planes, mut values) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
        let what = if self.has_claim { What::All } else { What::Factors };
        for rows in blocks(rows) {
            block.read(context, records, self.whose, what, rows);
            let (groups, stride) = (block.groups, block.stride);
            if is_right || self.has_claim {
                draw(&mut sigma, &mut sigmas, &block);
            }
            planes.resize(8 * GROUP * stride, 0);
            values.resize(stride, 0);
            if self.has_claim {
                for (planes, words) in planes.chunks_exact_mut(8 * stride).zip(Block::halves(&block.rest, stride)) {
                    lookup::byte_planes(planes, words);
                }
                let inputs: Vec<(&Map, &[u8])> = claims.iter().zip(planes.chunks_exact(stride)).collect();
                lookup::sum_of_maps(&mut values, &inputs);
                gf::convolve(1, &sigmas, &values, &mut claim);
            }
            for term in &block.terms {
                for (planes, words) in planes.chunks_exact_mut(8 * stride).zip(Block::halves(term, stride)) {
                    lookup::bit_planes(planes, words);
                }
                let (first, second) = planes.split_at(8 * stride);
                for ((maps, first), second) in maps.iter().zip(first.chunks_exact(stride)).zip(second.chunks_exact(stride)) {
                    lookup::sum_of_maps(&mut values, &[(&maps[0], first), (&maps[1], second)]);
                    if is_right {
                        gf::scale_each(&sigmas, &mut values);
                    }
                    let (out, more) = rest.split_at_mut(groups);
                    out.copy_from_slice(&values[..groups]);
                    rest = more;
                }
            }
        }
        (folded, claim[0])
    }
}
