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
use super::engine::parts;
use super::kernel;
use super::steps::Rep3Step;
use crate::engine::known::{Form, Known, KnownInput, LANES, Wiped};
use crate::engine::{Product, Vector, Words, add_products};
use crate::memory::{collect, give, zeros};
use crate::prg::{Op, Purpose};
use crate::{Error, Result};

const LOW: u64 = 0xffff_ffff;

/// One product of a party: the matrix, the vectors, and how many of them.
type Factor<'a> = (&'a Known<Words<2>>, &'a Words<2>);

impl Context {
    /// Products of any kind.
    pub(super) fn low_products(&mut self, products: &[Product<'_, Words<2>>]) -> Result<Vec<Words<2>>> {
        let lens = products.iter().map(Product::result_len).collect::<Result<Vec<_>>>()?;
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            let mut z = vec![0; lens.iter().sum()];
            let mut rest = &mut z[..];
            for (product, len) in products.iter().zip(&lens) {
                let (piece, more) = rest.split_at_mut(*len);
                match product {
                    Product::Each(x, y) => add_low(piece, parts(x), parts(y)),
                    _ => add_low_sums(piece, product)?,
                }
                rest = more;
            }
            context.reshare_low(&op, z)
        })?;
        Ok(super::engine::cut_up(parts, &lens))
    }

    /// Sums over `terms` products, vector after vector.
    pub(super) fn low_sums(&mut self, left: &Words<2>, right: &Words<2>, terms: usize) -> Result<Words<2>> {
        let len = crate::engine::known::terms_len(left.len(), right.len(), terms)?;
        let (own, next) = self.operate(|context| {
            let op = context.next_op()?;
            let mut z = vec![0; len];
            for term in 0..terms {
                let of = |operand| parts(operand).map(|part| &part[term * len..(term + 1) * len]);
                add_low(&mut z, of(left), of(right));
            }
            context.reshare_low(&op, z)
        })?;
        Ok(Words::from_parts([own, next]))
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
            let mut z = vec![0; lens.iter().sum()];
            let mut rest = &mut z[..];
            for ((known, vectors), len) in products.iter().zip(&lens) {
                let (piece, more) = rest.split_at_mut(*len);
                context.add_totals(known, vectors, piece);
                rest = more;
            }
            context.reshare_low(&op, z)
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
            let mut z = vec![0; len];
            for (known, vectors) in products {
                context.add_picks(known, vectors, &mut z);
            }
            context.reshare_low(&op, z)
        })?;
        Ok(Words::from_parts([own, next]))
    }

    /// Adds our part of the sums over rows.
    fn add_totals(&self, known: &Known<Words<2>>, vectors: &Words<2>, z: &mut [u32]) {
        let (columns, rows) = (known.columns(), known.rows);
        if z.is_empty() {
            return;
        }
        match &known.form {
            Form::Codes(codes) => {
                let count = vectors.len() / rows;
                let mut turned = vec![0; PIECE.min(rows) * count];
                let mut totals = vec![0; columns * count];
                for from in (0..rows).step_by(PIECE) {
                    let piece = from..rows.min(from + PIECE);
                    let turned = &mut turned[..piece.len() * count];
                    let part = |at: usize, number: usize| &vectors.part(at)[number * rows..][piece.clone()];
                    for number in 0..count {
                        let sums = part(0, number).iter().zip(part(1, number)).map(|(a, b)| a.wrapping_add(*b) as u32);
                        turned[number..].iter_mut().step_by(count).zip(sums).for_each(|(slot, sum)| *slot = sum);
                    }
                    let mut first = 0;
                    for (codes, bins) in codes.0.chunks_exact(rows).zip(known.bins()) {
                        blocks::scatter(&mut totals[first * count..(first + bins) * count], &codes[piece.clone()], turned, count);
                        first += bins;
                    }
                }
                for (number, z) in z.chunks_exact_mut(columns).enumerate() {
                    z.iter_mut().zip(totals[number..].iter().step_by(count)).for_each(|(z, sum)| *z = z.wrapping_add(*sum));
                }
                turned.zeroize();
                totals.zeroize();
            }
            Form::Blocks(blocks) => {
                let part = vectors.part(self.lacked_part(known.owner));
                let mut lanes: Vec<Lane> = part.chunks_exact(rows).flat_map(lanes_of).collect();
                blocks::totals(blocks.0.as_chunks().0, columns, &lanes, z);
                lanes.as_flattened_mut().zeroize();
            }
            Form::Shares(_) => {}
        }
    }

    /// Adds our part of the sums over columns.
    fn add_picks(&self, known: &Known<Words<2>>, vectors: &Words<2>, z: &mut [u32]) {
        let (columns, rows) = (known.columns(), known.rows);
        let count = vectors.len() / columns;
        if count == 0 {
            return;
        }
        // column by column
        let turned = |value: &dyn Fn(usize) -> u64| -> Vec<u32> {
            (0..vectors.len()).map(|at| value(at % count * columns + at / count) as u32).collect()
        };
        match &known.form {
            Form::Codes(codes) => {
                let mut table = turned(&|at| vectors.part(0)[at].wrapping_add(vectors.part(1)[at]));
                let mut picked = vec![0; PIECE.min(rows) * count];
                for from in (0..rows).step_by(PIECE) {
                    let piece = from..rows.min(from + PIECE);
                    let picked = &mut picked[..piece.len() * count];
                    picked.fill(0);
                    let mut first = 0;
                    for (codes, bins) in codes.0.chunks_exact(rows).zip(known.bins()) {
                        blocks::look_up(picked, &codes[piece.clone()], &table[first * count..(first + bins) * count], count);
                        first += bins;
                    }
                    for (number, z) in z.chunks_exact_mut(rows).enumerate() {
                        let values = picked[number..].iter().step_by(count);
                        z[piece.clone()].iter_mut().zip(values).for_each(|(z, value)| *z = z.wrapping_add(*value));
                    }
                }
                table.zeroize();
                picked.zeroize();
            }
            Form::Blocks(blocks) => {
                let part = vectors.part(self.lacked_part(known.owner));
                let mut table = turned(&|at| part[at]);
                blocks::picks(blocks.0.as_chunks().0, columns, &table, z, rows);
                table.zeroize();
            }
            Form::Shares(_) => {}
        }
    }

    /// Which of our components is the one that the owner lacks: `x_{o+2}`.
    const fn lacked_part(&self, owner: usize) -> usize {
        if self.index == predecessor(owner) { 0 } else { 1 }
    }

    /// Additive shares modulo 2^32 are masked by a share of zero and become replicated ones; two go in a word.
    fn reshare_low(&mut self, op: &Op, mut z: Vec<u32>) -> Result<(Vec<u64>, Vec<u64>)> {
        let len = z.len();
        let mut packed = zeros(len.div_ceil(2));
        let mut minus = zeros(packed.len());
        self.own_key.stream(Purpose::ZeroShare, op).fill(&mut packed);
        self.next_key.stream(Purpose::ZeroShare, op).fill(&mut minus);
        let masked = |plus: u64, minus: u64, [low, high]: [u32; 2]| {
            let half = |plus: u64, minus: u64, value: u32| u64::from((plus as u32).wrapping_sub(minus as u32).wrapping_add(value));
            half(plus, minus, low) | half(plus >> 32, minus >> 32, high) << 32
        };
        let (pairs, last) = z.as_chunks();
        for ((word, minus), pair) in packed.iter_mut().zip(&minus).zip(pairs) {
            *word = masked(*word, *minus, *pair);
        }
        if let ([value], Some(word), Some(minus)) = (last, packed.last_mut(), minus.last()) {
            *word = masked(*word, *minus, [*value, 0]) & LOW;
        }
        give(minus);
        z.zeroize();
        let mut received = zeros(packed.len());
        if !packed.is_empty() {
            exchange_ring_u64(Rep3Step::Halves, &mut self.prev, &packed, &mut self.next, &mut received)?;
        }
        let parts = (spread(&packed, len), spread(&received, len));
        give(packed);
        give(received);
        Ok(parts)
    }
}

/// Rows worked on at a time by the owner: their values stay in the first-level cache.
const PIECE: usize = 256;

/// Adds local products modulo 2^32: `x_i (y_i + y_{i+1}) + x_{i+1} y_i`.
fn add_low(z: &mut [u32], [x0, x1]: [&[u64]; 2], [y0, y1]: [&[u64]; 2]) {
    kernel::add_low_products(z, x0, x1, y0, y1);
}

/// The same for sums of products, computed modulo 2^64.
fn add_low_sums(z: &mut [u32], product: &Product<'_, Words<2>>) -> Result<()> {
    let (x, y) = product.operands();
    let sum = collect(y.len(), y.part(0).iter().zip(y.part(1)).map(|(a, b)| a.wrapping_add(*b)));
    let mut wide = zeros(z.len());
    add_products(product, &mut wide, x.part(0), &sum)?;
    add_products(product, &mut wide, x.part(1), y.part(0))?;
    z.iter_mut().zip(&wide).for_each(|(z, value)| *z = z.wrapping_add(*value as u32));
    give(sum);
    give(wide);
    Ok(())
}

/// `len` halves as words.
fn spread(packed: &[u64], len: usize) -> Vec<u64> {
    let mut words = zeros(len);
    let (pairs, last) = words.as_chunks_mut();
    for (pair, word) in pairs.iter_mut().zip(packed) {
        *pair = [word & LOW, word >> 32];
    }
    if let ([value], Some(word)) = (last, packed.last()) {
        *value = word & LOW;
    }
    words
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
                let at = blocks::place(row, from + usize::from(*code), input.rows, columns);
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
