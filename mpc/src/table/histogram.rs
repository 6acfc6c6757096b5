//! Counts by ranges with public edges, counts and sums by public categories.
//!
//! **What leaks: sizes.** Counts are shares.

use super::count::count_ones;
use super::key::{Key, planes, rows_of};
use crate::engine::{BitVector, Engine, Module, Packed, Product, Vector};
use crate::ops::circuit;
use crate::secret::only;
use crate::{Error, Result};

/// Bits at a time: their words take 16 bytes each and more.
const AT_ONCE: usize = 1 << 20;

/// Counts of the values below the first edge, from each edge to below the next, and from the last edge on: one more than edges, as
/// one vector. Edges ascend and are read as the key reads its words. Only rows whose flag is 1 count.
///
/// In `rep3` for 64 bits: 158 bytes a row in total for the bits of the values, 51 for each edge; 20 rounds.
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
        let left: Vec<E::Bits> = bits.iter().map(|bits| E::Bits::concat(&vec![bits; edges.len()])).collect();
        let plane = |at: usize| edges.iter().flat_map(|edge| std::iter::repeat_n(edge >> at & 1 == 1, rows)).collect();
        let right: Vec<Packed> = (0..bits.len()).map(plane).collect();
        let is_below = circuit::less_than_public(engine, &left, &right)?;
        let is_below = only_valid(engine, is_below, rows, valid)?;
        below.push(count_ones(engine, &is_below, rows)?);
    }
    let below = E::Words::concat(&below.iter().collect::<Vec<_>>());
    // from cumulative counts to counts
    Ok(E::Words::concat(&[&below, &all]).sub(&E::Words::concat(&[&E::Words::zeros(1), &below])))
}

/// Counts of the codes `0..categories`; other codes count nowhere. Codes are below 2^32. Only rows whose flag is 1 count.
///
/// In `rep3` for `k` categories about `70 + 7 k` bytes a row in total and 21 rounds.
///
/// # Errors
/// As [`by_category`].
pub fn categories<E: Engine>(engine: &mut E, codes: &E::Words, categories: usize, valid: Option<&E::Words>) -> Result<E::Words> {
    Ok(by_category(engine, codes, categories, &[], valid)?.counts)
}

/// What is known about each category; an element for each.
pub struct ByCategory<E: Engine> {
    /// Rows.
    pub counts: E::Words,
    /// Sums of the columns that were given, modulo 2^64.
    pub sums: Vec<E::Words>,
}

/// Counts of the codes `0..categories` and sums of columns over their rows; rows with other codes are left out. Codes are below 2^32. Only
/// rows whose flag is 1 count.
///
/// For few categories it is much less than [`group_by`](super::group_by()) costs: in `rep3` about `75 + 24.4 k` bytes a row in total for `k` categories,
/// however many columns (24 bytes for each sum, not for each row), and 17 rounds.
///
/// # Errors
/// [`Error::Caller`] for no categories or more than 2^16; as [`sort()`](super::sort()); the engine's.
pub fn by_category<E: Engine>(
    engine: &mut E,
    codes: &E::Words,
    categories: usize,
    columns: &[&E::Words],
    valid: Option<&E::Words>,
) -> Result<ByCategory<E>> {
    if !(1..=1 << 16).contains(&categories) {
        return Err(Error::caller(format!("`{categories}` categories, expected 1 to 65536")));
    }
    let others: Vec<&E::Words> = columns.iter().copied().chain(valid).collect();
    let rows = rows_of("categories", &[Key::<E>::unsigned(codes, 32)], &others)?;
    if rows == 0 {
        let zeros = || E::Words::zeros(categories);
        return Ok(ByCategory { counts: zeros(), sums: columns.iter().map(|_| zeros()).collect() });
    }
    let is_code = indicators(engine, codes, categories)?;
    // rows by columns
    let matrix = E::Words::concat(columns).transpose(columns.len());
    let (mut counts, mut sums) = (Vec::new(), Vec::new());
    for is_code in is_code.chunks((AT_ONCE / rows).max(1)) {
        let is_code = only_valid(engine, E::Bits::concat(&is_code.iter().collect::<Vec<_>>()), rows, valid)?;
        if columns.is_empty() {
            counts.push(count_ones(engine, &is_code, rows)?);
        } else {
            let lifted = only(engine.lift(&[&is_code])?)?;
            counts.push(lifted.sums(rows));
            let shape = [is_code.len() / rows, rows, columns.len()];
            sums.extend(engine.multiply(&[Product::Matrix { left: &lifted, right: &matrix, shape }], 0)?);
        }
    }
    let sums = E::Words::concat(&sums.iter().collect::<Vec<_>>());
    let column = |at: usize| sums.gather(&(0..categories).map(|category| category * columns.len() + at).collect::<Vec<_>>());
    Ok(ByCategory { counts: E::Words::concat(&counts.iter().collect::<Vec<_>>()), sums: (0..columns.len()).map(column).collect() })
}

/// For each category a bit of each row: whether it has that code.
fn indicators<E: Engine>(engine: &mut E, codes: &E::Words, categories: usize) -> Result<Vec<E::Bits>> {
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
    Ok(is_code)
}

/// Groups of `rows` bits, zero for rows whose flag is not 1.
fn only_valid<E: Engine>(engine: &mut E, bits: E::Bits, rows: usize, valid: Option<&E::Words>) -> Result<E::Bits> {
    let Some(valid) = valid else { return Ok(bits) };
    let flags = only(only(planes(engine, &[Key::flag(valid)])?)?)?;
    let flags = E::Bits::concat(&vec![&flags; bits.len() / rows]);
    only(engine.and(&[(&bits, &flags)])?)
}

/// Sum of all flags.
fn total<W: Module>(flags: &W) -> W {
    if flags.is_empty() { W::zeros(1) } else { flags.sums(flags.len()) }
}
