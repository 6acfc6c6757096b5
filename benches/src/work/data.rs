//! Inputs that every party can make for itself, and every check can repeat.

use ndarray::{Array2, Axis};
use yu_mpc::stats::{Grouping, LocalData, Owner, Side, StatsPlan};

use crate::Result;
use crate::phase::NAMES;
use crate::support::sizes::{COLUMNS, FRACTION, GROUPS};

/// Element `index` of party `owner`'s numbers: splitmix64 of the position.
pub(super) const fn integer(owner: usize, index: usize) -> u64 {
    let mut z = ((owner as u64) << 56).wrapping_add(index as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A fixed-point number in [-1, 1), as ring element.
pub(super) const fn small(owner: usize, index: usize) -> u64 {
    (integer(owner, index).cast_signed() >> (63 - FRACTION)).cast_unsigned()
}

/// The operand of party 0 or 1; the helper has none.
pub(super) fn operand(owner: usize, len: usize, element: impl Fn(usize, usize) -> u64) -> Vec<u64> {
    let len = if owner < 2 { len } else { 0 };
    (0..len).map(|index| element(owner, index)).collect()
}

/// Keys of 18 characters; the second half of party 0's are the first half of party 1's.
pub(super) fn keys(owner: usize, rows: usize) -> Vec<String> {
    let start = if owner == 0 { 0 } else { rows / 2 };
    (start..start + rows).map(|number| format!("K{number:017}")).collect()
}

/// How many keys both have.
pub(super) const fn matched(rows: usize) -> usize {
    rows - rows / 2
}

/// The joint statistics of all bench runs.
pub(super) fn plan() -> StatsPlan {
    let side =
        |at: usize| Side { party: NAMES[at].into(), columns: (0..COLUMNS).map(|column| format!("{}-{column}", NAMES[at])).collect() };
    let grouping =
        Grouping { side: Owner::Left, column: "group".into(), categories: (0..GROUPS).map(|group| format!("g{group}")).collect() };
    StatsPlan { left: side(0), right: side(1), helper: NAMES[2].into(), grouping: Some(grouping), min_cell: 1 }
}

/// A side's rows.
pub(super) fn table(owner: Owner, rows: usize) -> LocalData {
    let index = match owner {
        Owner::Left => 0,
        Owner::Right => 1,
    };
    let cell = |(row, column): (usize, usize)| small(index, row * COLUMNS + column).cast_signed() as f64;
    let groups = (owner == Owner::Left).then(|| (0..rows).map(|row| (row % GROUPS) as u32).collect());
    LocalData { numeric: Array2::from_shape_fn((rows, COLUMNS), cell), groups }
}

/// The matched rows in their common order.
pub(super) fn select(table: &LocalData, rows: &[u64]) -> Result<LocalData> {
    let rows = rows.iter().map(|row| usize::try_from(*row)).collect::<std::result::Result<Vec<_>, _>>()?;
    let group = |groups: &Vec<u32>| rows.iter().filter_map(|row| groups.get(*row).copied()).collect();
    Ok(LocalData { numeric: table.numeric.select(Axis(0), &rows), groups: table.groups.as_ref().map(group) })
}
