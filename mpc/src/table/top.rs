//! The first rows of an order.

use super::key::Key;
use super::sort::sort;
use crate::Result;
use crate::engine::{Engine, Vector};

/// The first `k` rows in the order of the keys (with descending keys the greatest), in that order: the keys, then the columns. Of
/// equal rows the earlier one wins. With fewer than `k` rows it is all of them.
///
/// Leaks, bytes and rounds: those of [`sort()`].
///
/// # Errors
/// As [`sort()`].
pub fn top<E: Engine>(engine: &mut E, keys: &[Key<'_, E>], columns: &[&E::Words], k: usize) -> Result<Vec<E::Words>> {
    let sorted = sort(engine, keys, columns)?;
    let first = |column: &E::Words| column.slice(0..k.min(column.len()));
    Ok(sorted.keys.iter().chain(&sorted.columns).map(first).collect())
}
