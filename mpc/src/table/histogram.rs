//! Counts by ranges with public edges and by public categories.
//!
//! **What leaks: sizes.** Counts are shares.

use super::key::{Key, planes, rows_of};
use crate::engine::{BitVector, Engine, Module, Packed, Vector};
use crate::ops::circuit;
use crate::secret::only;
use crate::{Error, Result};

/// Bits at a time: their words take 16 bytes each and more.
const AT_ONCE: usize = 1 << 20;

/// Counts of the values below the first edge, from each edge to below the next, and from the last edge on: one more than edges, as
/// one vector. Edges ascend and are read as the key reads its words. Only rows whose flag is 1 count.
///
/// In `rep3` for 64 bits: 158 bytes a row in total for the bits of the values, 92 for each edge; 18 rounds.
///
/// # Errors
/// [`Error::Caller`] for edges that do not ascend, as [`sort()`](super::sort()); the engine's.
pub fn histogram<E: Engine>(engine: &mut E, values: Key<'_, E>, edges: &[u64], valid: Option<&E::Words>) -> Result<E::Words> {
    let rows = rows_of("histogram", &[values], valid.as_slice())?;
    let edges = values.order_of(edges);
    if edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::caller("histogram: edges must ascend"));
    }
    let all = valid.map_or_else(|| engine.constant(&[rows as u64]), total);
    if rows == 0 || edges.is_empty() {
        return Ok(E::Words::concat(&[&all, &E::Words::zeros(edges.len())]));
    }
    let bits = only(planes(engine, &[values])?)?;
    let mut below = Vec::new();
    for edges in edges.chunks((AT_ONCE / rows).max(1)) {
        // one comparison of all rows with these edges
        let repeat: Vec<usize> = (0..edges.len()).flat_map(|_| 0..rows).collect();
        let left = E::Bits::gather_each(&bits, &repeat);
        let plane = |at: usize| edges.iter().flat_map(|edge| std::iter::repeat_n(edge >> at & 1 == 1, rows)).collect::<Packed>();
        let right: Vec<E::Bits> = (0..bits.len()).map(|at| engine.constant_bits(&plane(at))).collect();
        let is_below = circuit::less_than(engine, &left, &right)?;
        below.push(counted(engine, &is_below, rows, valid)?);
    }
    let below = E::Words::concat(&below.iter().collect::<Vec<_>>());
    // from cumulative counts to counts
    Ok(E::Words::concat(&[&below, &all]).sub(&E::Words::concat(&[&E::Words::zeros(1), &below])))
}

/// Counts of the codes `0..categories`; other codes count nowhere. Codes are below 2^32. Only rows whose flag is 1 count.
///
/// In `rep3` for `k` categories about `75 + 24.4 k` bytes a row in total and 16 rounds.
///
/// # Errors
/// [`Error::Caller`] for no categories or more than 2^16; as [`sort()`](super::sort()); the engine's.
pub fn categories<E: Engine>(engine: &mut E, codes: &E::Words, categories: usize, valid: Option<&E::Words>) -> Result<E::Words> {
    if !(1..=1 << 16).contains(&categories) {
        return Err(Error::caller(format!("`{categories}` categories, expected 1 to 65536")));
    }
    let rows = rows_of::<E>("categories", &[Key::unsigned(codes, 32)], valid.as_slice())?;
    if rows == 0 {
        return Ok(E::Words::zeros(categories));
    }
    let bits = only(planes(engine, &[Key::unsigned(codes, 32)])?)?;
    let width = categories.saturating_sub(1).max(1).ilog2() as usize + 1;
    let (low, high) = bits.split_at(width);
    // one vector per category, doubled with each bit
    let mut is_code = vec![circuit::is_zero(engine, high)?];
    for (level, bit) in low.iter().enumerate().rev() {
        let pairs: Vec<_> = is_code.iter().map(|is_code| (is_code, bit)).collect();
        let ones = engine.and(&pairs)?;
        let halves = is_code.iter().zip(&ones).flat_map(|(both, one)| [both.xor(one), one.clone()]);
        is_code = halves.take(categories.div_ceil(1 << level)).collect();
    }
    let mut counts = Vec::new();
    for is_code in is_code.chunks((AT_ONCE / rows).max(1)) {
        counts.push(counted(engine, &E::Bits::concat(&is_code.iter().collect::<Vec<_>>()), rows, valid)?);
    }
    Ok(E::Words::concat(&counts.iter().collect::<Vec<_>>()))
}

/// Numbers of ones in groups of `rows` bits, of rows whose flag is 1.
fn counted<E: Engine>(engine: &mut E, bits: &E::Bits, rows: usize, valid: Option<&E::Words>) -> Result<E::Words> {
    let counted = match valid {
        None => None,
        Some(valid) => {
            let flags = only(only(planes(engine, &[Key::flag(valid)])?)?)?;
            let flags = flags.gather(&(0..bits.len()).map(|at| at % rows).collect::<Vec<_>>());
            Some(only(engine.and(&[(bits, &flags)])?)?)
        }
    };
    Ok(only(engine.lift(&[counted.as_ref().unwrap_or(bits)])?)?.sums(rows))
}

/// Sum of all flags.
fn total<W: Module>(flags: &W) -> W {
    if flags.is_empty() { W::zeros(1) } else { flags.sums(flags.len()) }
}
