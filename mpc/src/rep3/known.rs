//! Products modulo 2^32, and those with a matrix `B` that one party `P_o` knows.
//!
//! `P_o` holds `x_o` and `x_{o+1}`; of `B x` it computes `B (x_o + x_{o+1})` in the clear, an addition for each row and feature. What it lacks is
//! `x_{o+2}`, which both others hold: `B = B_1 + B_2 mod 2^32`, where `B_1 = F(k_o)` is known to `P_o` and `P_{o+2}`, and `B_2` was sent to
//! `P_{o+1}` once. So `P_{o+1}` computes `B_2 x_{o+2}` and `P_{o+2}` computes `B_1 x_{o+2}`: two dense products altogether, of numbers of 32
//! bits, instead of six of 64. The three parts, masked by a share of zero, become replicated shares as any product does.
//!
//! What each learns: `B_1` is uniform, and so is `B_2` to `P_{o+1}`, who lacks `k_o`; the messages of a product are masked by a share of
//! zero as in [`crate::rep3`]. A share modulo 2^64 is one modulo 2^32 too, so operands need no conversion.

use std::sync::Arc;

use yu_wire::channel::exchange_ring_u64;
use zeroize::Zeroize;

use super::blocks::{self, Lane};
use super::context::{Context, PARTIES, predecessor, successor};
use super::steps::Rep3Step;
use crate::engine::known::{Form, Known, KnownInput, LANES, Wiped};
use crate::engine::{Product, Vector, Words};
use crate::memory::{collect, give, zeros};
use crate::prg::Purpose;
use crate::{Error, Result};

const LOW: u64 = 0xffff_ffff;

/// One product of a party: the matrix, the vectors, and how many of them.
type Factor<'a> = (&'a Known<Words<2>>, &'a Words<2>);

impl Context {
    pub(super) fn low_products(&mut self, products: &[Product<'_, Words<2>>]) -> Result<Vec<Words<2>>> {
        let lens = products.iter().map(Product::result_len).collect::<Result<Vec<_>>>()?;
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            let (z, _) = context.local_products(&op, products, &lens, 0)?;
            context.reshare_low(z)
        })?;
        Ok(super::engine::cut_up(parts, &lens))
    }

    pub(super) fn known_matrices(&mut self, inputs: &[KnownInput<'_>]) -> Result<Vec<Known<Words<2>>>> {
        let index = self.index;
        let mut lens = [0; PARTIES];
        for input in inputs {
            input.check()?;
            *lens.get_mut(input.owner).ok_or_else(|| Error::caller(format!("owner `{}`, expected 0, 1 or 2", input.owner)))? +=
                input.padded();
            if (input.owner == index) != input.codes.is_some() {
                return Err(Error::caller("the owner of a known matrix passes the bins of its rows, and nobody else"));
            }
        }
        let (received, theirs) = self.operate(|context| {
            let mut ops = Vec::with_capacity(PARTIES);
            for _ in 0..PARTIES {
                ops.push(context.next_op()?);
            }
            let mut own = zeros(lens[index] / 2);
            context.own_key.stream(Purpose::Known, &ops[index]).fill(&mut own);
            remainders(inputs.iter().filter(|input| input.owner == index), &mut own);
            let mut received = zeros(lens[predecessor(index)] / 2);
            context.pass_on(Rep3Step::Known, &own, &mut received)?;
            give(own);
            let mut theirs = zeros(lens[successor(index)] / 2);
            context.next_key.stream(Purpose::Known, &ops[successor(index)]).fill(&mut theirs);
            Ok((received, theirs))
        })?;
        let mut rest = [&received[..], &theirs[..]];
        let one = |input: &KnownInput<'_>| {
            let form = if let Some(codes) = input.codes {
                Form::Codes(Arc::new(Wiped(codes.to_vec())))
            } else {
                let side = usize::from(input.owner == successor(index));
                let (piece, more) = rest[side].split_at(input.padded() / 2);
                rest[side] = more;
                Form::Blocks(Arc::new(Wiped(halves(piece).collect())))
            };
            Known { owner: input.owner, rows: input.rows, bins: input.bins.into(), form }
        };
        let known = inputs.iter().map(one).collect();
        give(received);
        give(theirs);
        Ok(known)
    }

    pub(super) fn totals_of(&mut self, products: &[Factor<'_>]) -> Result<Vec<Words<2>>> {
        let count = |(known, vectors): &Factor<'_>| Ok(known.count(vectors, known.rows)? * known.columns());
        let lens = products.iter().map(count).collect::<Result<Vec<usize>>>()?;
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            let mut z = zeros(lens.iter().sum());
            context.zero_share(&op, &mut z);
            let mut rest = &mut z[..];
            for ((known, vectors), len) in products.iter().zip(&lens) {
                let (piece, more) = rest.split_at_mut(*len);
                context.add_totals(known, vectors, piece);
                rest = more;
            }
            context.reshare_low(z)
        })?;
        Ok(super::engine::cut_up(parts, &lens))
    }

    pub(super) fn picks_of(&mut self, products: &[Factor<'_>]) -> Result<Words<2>> {
        let count = |(known, vectors): &Factor<'_>| Ok(known.count(vectors, known.columns())? * known.rows);
        let lens = products.iter().map(count).collect::<Result<Vec<usize>>>()?;
        let len = lens.first().copied().ok_or_else(|| Error::caller("sums of products with known matrices: at least one"))?;
        for other in &lens {
            crate::engine::equal_lengths("sums of products with known matrices", len, *other)?;
        }
        let (own, next) = self.operate(|context| {
            let op = context.next_op()?;
            let mut z = zeros(len);
            context.zero_share(&op, &mut z);
            for (known, vectors) in products {
                context.add_picks(known, vectors, &mut z);
            }
            context.reshare_low(z)
        })?;
        Ok(Words::from_parts([own, next]))
    }

    /// Adds our part of the sums over rows.
    fn add_totals(&self, known: &Known<Words<2>>, vectors: &Words<2>, z: &mut [u64]) {
        let (columns, rows) = (known.columns(), known.rows);
        if z.is_empty() {
            return;
        }
        match &known.form {
            Form::Codes(codes) => {
                let sum = |at: usize| vectors.part(0)[at].wrapping_add(vectors.part(1)[at]) as u32;
                let count = vectors.len() / rows;
                let mut turned: Vec<u32> = (0..vectors.len()).map(|at| sum(at % count * rows + at / count)).collect();
                let mut totals = vec![0u32; columns * count];
                let mut from = 0;
                for (codes, bins) in codes.0.chunks_exact(rows).zip(known.bins()) {
                    blocks::scatter(&mut totals[from * count..(from + bins) * count], codes, &turned, count);
                    from += bins;
                }
                for (number, z) in z.chunks_exact_mut(columns).enumerate() {
                    z.iter_mut().zip(totals[number..].iter().step_by(count)).for_each(|(z, sum)| *z = z.wrapping_add(u64::from(*sum)));
                }
                turned.zeroize();
                totals.zeroize();
            }
            Form::Blocks(blocks) => {
                let part = vectors.part(self.lacked_part(known.owner));
                let mut lanes: Vec<Lane> = part.chunks_exact(rows).flat_map(lanes_of).collect();
                let mut totals = vec![0u32; z.len()];
                blocks::totals(blocks.0.as_chunks().0, columns, &lanes, &mut totals);
                z.iter_mut().zip(&totals).for_each(|(z, sum)| *z = z.wrapping_add(u64::from(*sum)));
                lanes.as_flattened_mut().zeroize();
                totals.zeroize();
            }
            Form::Shares(_) => {}
        }
    }

    /// Adds our part of the sums over columns.
    fn add_picks(&self, known: &Known<Words<2>>, vectors: &Words<2>, z: &mut [u64]) {
        let (columns, rows) = (known.columns(), known.rows);
        let count = vectors.len() / columns;
        if count == 0 {
            return;
        }
        match &known.form {
            Form::Codes(codes) => {
                let sum = |at: usize| vectors.part(0)[at].wrapping_add(vectors.part(1)[at]) as u32;
                let mut turned: Vec<u32> = (0..vectors.len()).map(|at| sum(at % count * columns + at / count)).collect();
                let mut picked = vec![0u32; rows * count];
                let mut from = 0;
                for (codes, bins) in codes.0.chunks_exact(rows).zip(known.bins()) {
                    blocks::look_up(&mut picked, codes, &turned[from * count..(from + bins) * count], count);
                    from += bins;
                }
                for (number, z) in z.chunks_exact_mut(rows).enumerate() {
                    z.iter_mut().zip(picked[number..].iter().step_by(count)).for_each(|(z, sum)| *z = z.wrapping_add(u64::from(*sum)));
                }
                turned.zeroize();
                picked.zeroize();
            }
            Form::Blocks(blocks) => {
                let part = vectors.part(self.lacked_part(known.owner));
                let mut turned: Vec<u32> = (0..part.len()).map(|at| part[at % count * columns + at / count] as u32).collect();
                blocks::picks(blocks.0.as_chunks().0, columns, &turned, z, rows);
                turned.zeroize();
            }
            Form::Shares(_) => {}
        }
    }

    /// Which of our components is the one that the owner lacks: `x_{o+2}`.
    const fn lacked_part(&self, owner: usize) -> usize {
        if self.index == predecessor(owner) { 0 } else { 1 }
    }

    /// Additive shares modulo 2^32, masked by a share of zero, become replicated ones.
    fn reshare_low(&mut self, z: Vec<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        let len = z.len();
        let pairs = |pair: &[u64]| pair.iter().rev().fold(0, |word, half| word << 32 | half & LOW);
        let packed = collect(len.div_ceil(2), z.chunks(2).map(pairs));
        give(z);
        let mut received = zeros(packed.len());
        if !packed.is_empty() {
            exchange_ring_u64(Rep3Step::Halves, &mut self.prev, &packed, &mut self.next, &mut received)?;
        }
        let spread = |packed: &[u64]| collect(len, packed.iter().flat_map(|word| [word & LOW, word >> 32]));
        let parts = (spread(&packed), spread(&received));
        give(packed);
        give(received);
        Ok(parts)
    }
}

/// The halves of words, low ones first.
fn halves(words: &[u64]) -> impl Iterator<Item = u32> {
    words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32])
}

/// Low halves of a vector over the rows, in lanes, filled up with zeros.
fn lanes_of(vector: &[u64]) -> impl Iterator<Item = Lane> {
    vector.chunks(LANES).map(|rows| std::array::from_fn(|at| rows.get(at).map_or(0, |value| *value as u32)))
}

/// `B_1` becomes `B - B_1`, both in blocks, two elements to a word.
fn remainders<'a>(inputs: impl Iterator<Item = &'a KnownInput<'a>>, words: &mut [u64]) {
    let less = |word: u64| u64::from((word as u32).wrapping_neg()) | u64::from(((word >> 32) as u32).wrapping_neg()) << 32;
    words.iter_mut().for_each(|word| *word = less(*word));
    let mut rest = words;
    for input in inputs {
        let (piece, more) = rest.split_at_mut(input.padded() / 2);
        rest = more;
        let (columns, mut from) = (input.columns(), 0);
        for (codes, bins) in input.codes.unwrap_or_default().chunks_exact(input.rows).zip(input.bins) {
            for (row, code) in codes.iter().enumerate() {
                let at = (row / LANES * columns + from + usize::from(*code)) * LANES + row % LANES;
                let word = &mut piece[at / 2];
                *word = match at % 2 {
                    0 => *word & !LOW | u64::from((*word as u32).wrapping_add(1)),
                    _ => word.wrapping_add(1 << 32),
                };
            }
            from += bins;
        }
    }
}
