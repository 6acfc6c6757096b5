//! Counts by ranges with public edges, counts and sums by public categories.
//!
//! **What leaks: sizes.** Counts are shares.

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
        below.push(lifted(engine, &is_below, rows, valid)?.sums(rows));
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
        let lifted = lifted(engine, &E::Bits::concat(&is_code.iter().collect::<Vec<_>>()), rows, valid)?;
        counts.push(lifted.sums(rows));
        if !columns.is_empty() {
            let product = Product::Matrix { left: &lifted, right: &matrix, shape: [is_code.len(), rows, columns.len()] };
            sums.extend(engine.multiply(&[product], 0)?);
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

/// Bits as words, in groups of `rows` bits, of rows whose flag is 1; zeros for the others.
fn lifted<E: Engine>(engine: &mut E, bits: &E::Bits, rows: usize, valid: Option<&E::Words>) -> Result<E::Words> {
    let counted = match valid {
        None => None,
        Some(valid) => {
            let flags = only(only(planes(engine, &[Key::flag(valid)])?)?)?;
            let flags = flags.gather(&(0..bits.len()).map(|at| at % rows).collect::<Vec<_>>());
            Some(only(engine.and(&[(bits, &flags)])?)?)
        }
    };
    only(engine.lift(&[counted.as_ref().unwrap_or(bits)])?)
}

/// Sum of all flags.
fn total<W: Module>(flags: &W) -> W {
    if flags.is_empty() { W::zeros(1) } else { flags.sums(flags.len()) }
}
