//! Group-by: sums, counts and extremes of rows with equal keys.
//!
//! Rows are sorted by the keys; a row is the last of its group if its successor differs. These rows are brought to the front. Running
//! sums have come along, so a group's sum is the difference of two neighbours (Asharov et al. 2022/1595, section 5, use running sums likewise). The
//! first row of a group is the successor of its predecessor's last, and rows of a group are in the order of the value whose
//! extremes are wanted: both come along too.
//!
//! **What leaks: sizes.** All results have as many rows as the table; which of them are groups is a secret flag.

use super::count::count_ones;
use super::key::{Key, equals_next, rows_of};
use super::mean::means;
use super::permute::partition;
use super::sort::{Sorted, sort};
use crate::Result;
use crate::engine::{Engine, Module, Packed, Product, Vector};
use crate::ops::circuit;
use crate::secret::only;

/// What to group by and what to compute.
pub struct Grouping<'a, E: Engine> {
    keys: &'a [Key<'a, E>],
    valid: Option<&'a E::Words>,
    sums: &'a [&'a E::Words],
    extremes: Option<Key<'a, E>>,
}

impl<'a, E: Engine> Grouping<'a, E> {
    /// Rows whose keys are all equal are a group. Without anything else they are counted.
    #[must_use]
    pub const fn by(keys: &'a [Key<'a, E>]) -> Self {
        Self { keys, valid: None, sums: &[], extremes: None }
    }

    /// Only rows whose flag is 1.
    #[must_use]
    pub const fn only(mut self, valid: &'a E::Words) -> Self {
        self.valid = Some(valid);
        self
    }

    /// Sums of these columns, modulo 2^64.
    #[must_use]
    pub const fn sums(mut self, columns: &'a [&'a E::Words]) -> Self {
        self.sums = columns;
        self
    }

    /// Smallest and greatest value of this column (first and last in the order of the key).
    #[must_use]
    pub const fn extremes(mut self, column: Key<'a, E>) -> Self {
        self.extremes = Some(column);
        self
    }
}

/// As many rows as the table had: groups in the order of their keys, then rows of zeros.
pub struct Groups<E: Engine> {
    /// 1 for a group, 0 behind the last one.
    pub is_group: E::Words,
    /// Keys of each group.
    pub keys: Vec<E::Words>,
    /// Rows of each group.
    pub counts: E::Words,
    /// Sums of the columns that were given.
    pub sums: Vec<E::Words>,
    /// The smallest value.
    pub min: Option<E::Words>,
    /// The greatest value.
    pub max: Option<E::Words>,
}

impl<E: Engine> Groups<E> {
    /// Means of the summed columns, at most 2 units in the last place off for `|sum| < 2^62`; 0 for a row that is no group. Costs: [`means`].
    ///
    /// # Errors
    /// As [`means`].
    pub fn means(&self, engine: &mut E) -> Result<Vec<E::Words>> {
        means(engine, &self.sums.iter().collect::<Vec<_>>(), &self.counts, self.counts.len().max(1))
    }
}

/// Groups rows.
///
/// Bytes and rounds: those of [`sort()`] and of [`partition`] with `keys + sums + 2` columns (3 more with extremes), 24 bytes for each
/// column of the result, 24 for the flags, `3(w-1)/8` for the comparison of neighbours with keys of `w` bits.
///
/// # Errors
/// As [`sort()`].
pub fn group_by<E: Engine>(engine: &mut E, grouping: &Grouping<'_, E>) -> Result<Groups<E>> {
    let Grouping { keys, valid, sums, extremes } = grouping;
    let rows = rows_of("group-by", keys, sums)?;
    let sorted = sort_valid(engine, *valid, keys, extremes.as_slice(), sums)?;
    if rows == 0 {
        let none = || E::Words::zeros(0);
        let extreme = extremes.map(|_| none());
        let columns = |len| vec![none(); len];
        return Ok(Groups {
            is_group: none(),
            keys: columns(keys.len()),
            counts: none(),
            sums: columns(sums.len()),
            min: extreme.clone(),
            max: extreme,
        });
    }
    let from_keys = usize::from(valid.is_some());
    let is_last = last_of_group(engine, &sorted, from_keys, keys.len())?;
    let is_last = only(engine.lift(&[&is_last])?)?;
    let numbers = engine.constant(&(1..=rows as u64).collect::<Vec<_>>());
    let running: Vec<E::Words> = sorted.columns.iter().map(|column| column.prefix_sums(rows)).collect();
    let value = extremes.and(sorted.keys.last());
    let (first, successors) = match value {
        Some(value) => (Some(value.slice(0..1)), Some(value.gather(&(0..rows).map(|row| (row + 1).min(rows - 1)).collect::<Vec<_>>()))),
        None => (None, None),
    };
    let mut moved: Vec<&E::Words> = vec![&is_last, &numbers];
    moved.extend(sorted.keys.iter().skip(from_keys).take(keys.len()));
    moved.extend(&running);
    moved.extend(value);
    moved.extend(&successors);
    let mut moved = partition(engine, &is_last, &moved)?.into_iter();
    let is_group = only(moved.by_ref().take(1).collect())?;
    let mut results: Vec<E::Words> = Vec::with_capacity(moved.len());
    results.extend(moved.by_ref().take(1).map(|numbers| differences(&numbers)));
    results.extend(moved.by_ref().take(keys.len()));
    results.extend(moved.by_ref().take(sums.len()).map(|running| differences(&running)));
    results.extend(moved.by_ref().take(usize::from(value.is_some())));
    // the first row of a group follows the last one of the group before
    results.extend(moved.zip(first).map(|(next, first)| Vector::concat(&[&first, &next.slice(0..rows - 1)])));
    let products: Vec<_> = results.iter().map(|column| Product::Each(&is_group, column)).collect();
    let mut masked = engine.multiply(&products, 0)?.into_iter();
    Ok(Groups {
        counts: only(masked.by_ref().take(1).collect())?,
        keys: masked.by_ref().take(keys.len()).collect(),
        sums: masked.by_ref().take(sums.len()).collect(),
        max: masked.next(),
        min: masked.next(),
        is_group,
    })
}

/// Number of different keys among the rows whose flag is 1 (all rows without flags): one element, secret.
///
/// Bytes and rounds: those of [`sort()`], 7 bytes a row for the count, `3(w-1)/8` for the comparison of neighbours.
///
/// # Errors
/// As [`sort()`].
pub fn distinct<E: Engine>(engine: &mut E, keys: &[Key<'_, E>], valid: Option<&E::Words>) -> Result<E::Words> {
    let rows = rows_of("distinct", keys, &[])?;
    let sorted = sort_valid(engine, valid, keys, &[], &[])?;
    if rows == 0 {
        return Ok(E::Words::zeros(1));
    }
    let is_last = last_of_group(engine, &sorted, usize::from(valid.is_some()), keys.len())?;
    count_ones(engine, &is_last, rows)
}

/// Each element less the one before.
fn differences<W: Module>(running: &W) -> W {
    let before = W::concat(&[&W::zeros(1), &running.slice(0..running.len() - 1)]);
    running.sub(&before)
}

/// Sorts by flag (ones first), keys and more.
fn sort_valid<E: Engine>(
    engine: &mut E,
    valid: Option<&E::Words>,
    keys: &[Key<'_, E>],
    more: &[Key<'_, E>],
    columns: &[&E::Words],
) -> Result<Sorted<E>> {
    let flag = valid.map(|valid| Key::flag(valid).descending());
    let all: Vec<Key<'_, E>> = flag.into_iter().chain(keys.iter().copied()).chain(more.iter().copied()).collect();
    sort(engine, &all, columns)
}

/// Whether rows are the last of their group. The rows are sorted and one at least; the first `flags` keys are the flag and the next `keys` make the group.
fn last_of_group<E: Engine>(engine: &mut E, sorted: &Sorted<E>, flags: usize, keys: usize) -> Result<E::Bits> {
    let rows = sorted.rows.len();
    let planes: Vec<&E::Bits> = sorted.planes.iter().take(flags + keys).flatten().collect();
    let is_equal = equals_next(engine, &planes, rows)?;
    let end = engine.constant_bits(&Packed::ones(1));
    let mut is_last = E::Bits::concat(&[&circuit::not(engine, &is_equal), &end]);
    if let Some(invalid) = sorted.planes.first().filter(|_| flags > 0).and_then(|planes| planes.first()) {
        // flags are sorted in descending order: their plane is negated
        let valid = circuit::not(engine, invalid);
        is_last = only(engine.and(&[(&is_last, &valid)])?)?;
    }
    Ok(is_last)
}
