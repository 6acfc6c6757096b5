//! Whether columns of different names are one, and columns of one name can be compared.
//!
//! The ledger compares codes by the values that they cover. A column that was renamed, or whose values were replaced by ready-made
//! bins, would escape that.

use std::collections::HashMap;

use super::Entry;
use super::union::Union;
use crate::release::Dimension;

/// Fewer values may be alike in columns that have nothing to do with each other: 1 and 2 for the sexes, and for yes and no.
const LEAST_VALUES: usize = 8;

/// The new entry with its columns named as in earlier releases. A column of a new name, the values of which are an earlier column's,
/// is taken for that one unless the printed counts say otherwise.
///
/// # Errors
/// The column whose values have little in common with what an earlier release had under its name: nothing can be compared.
pub(super) fn as_before(earlier: &[&Entry], mut new: Entry) -> Result<Entry, String> {
    for at in 0..new.dimensions.len() {
        let Some(own) = new.dimensions.get(at) else { continue };
        let named: Vec<&Dimension> = all(earlier).filter(|d| d.name() == own.name()).collect();
        if !named.is_empty() {
            if named.iter().any(|d| 2 * common(own, d) < own.values().len().min(d.values().len())) {
                return Err(own.name().to_owned());
            }
            continue;
        }
        let is_free = |name: &str| new.dimensions.iter().all(|d| d.name() != name);
        let alike = all(earlier).filter(|d| is_free(d.name()) && is_alike(own, d));
        let renamed = alike.map(|d| renamed(&new, at, d.name())).find(|renamed| !is_contradicted(earlier, renamed));
        if let Some(renamed) = renamed {
            new = renamed;
        }
    }
    Ok(new)
}

fn all<'a>(entries: &'a [&Entry]) -> impl Iterator<Item = &'a Dimension> {
    entries.iter().flat_map(|entry| &entry.dimensions)
}

fn common(a: &Dimension, b: &Dimension) -> usize {
    a.values().keys().filter(|value| b.values().contains_key(*value)).count()
}

fn is_alike(a: &Dimension, b: &Dimension) -> bool {
    let fewer = a.values().len().min(b.values().len());
    fewer >= LEAST_VALUES && 10 * common(a, b) >= 9 * fewer
}

fn renamed(entry: &Entry, at: usize, name: &str) -> Entry {
    let mut entry = entry.clone();
    if let Some(dimension) = entry.dimensions.get_mut(at) {
        *dimension = dimension.renamed(name);
    }
    entry
}

/// Whether the same groups have other counts: at all, or, where the people need not be the same, in most cases.
fn is_contradicted(earlier: &[&Entry], new: &Entry) -> bool {
    earlier.iter().any(|entry| {
        if !entry.dimensions.iter().any(|d| new.dimensions.iter().any(|own| own.name() == d.name())) {
            return false;
        }
        let Some(union) = Union::new(&[entry, new]) else { return false };
        let known: HashMap<usize, f64> = union.counts(entry, 0).collect();
        let pairs = union.counts(new, 1).filter(|(unknown, _)| !union.is_total(*unknown));
        let is_equal: Vec<bool> = pairs.filter_map(|(unknown, value)| Some(*known.get(&unknown)? == value)).collect();
        let equal = is_equal.iter().filter(|is_equal| **is_equal).count();
        if entry.origin == new.origin { equal < is_equal.len() } else { 2 * equal < is_equal.len() }
    })
}
