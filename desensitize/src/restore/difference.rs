//! Differencing (差分攻击): what one release has and the other has not.
//!
//! Whoever holds both releases takes the rows of one from the rows of the other. If within a class of the common
//! quasi-identifiers some, but fewer than `k`, rows remain, these are the rows of the few people who came or went, and
//! everything in them is theirs. (Where both releases were made anew, no row remains the same, the difference is the
//! whole class, and nothing is learnt.)

use std::collections::HashMap;

use super::budget::Meter;
use super::cells::{Groups, Values};
use super::rows::tally;
use super::subject::{Other, Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::error::{Result, Text};

/// Differences between the release and an earlier one, over the columns that both have.
pub(super) fn attack(release: &Release<'_>, table: &Table, other: &Other<'_>, limits: &Thresholds) -> Result<Option<Attempt>> {
    let theirs = other.table.column_names();
    let common: Vec<&str> = table.column_names().into_iter().filter(|name| theirs.contains(name)).collect();
    if !other.is_earlier_release || common.is_empty() {
        return Ok(None);
    }
    let mut meter = Meter::new(release.clock(), limits.budget);
    let (mine, all) = (table.num_rows() as usize, (table.num_rows() + other.table.num_rows()) as usize);
    if !meter.spend(all as u64) {
        let reason = Text::new("the budget does not suffice for the difference", "预算不足以完成差分");
        return Ok(Some(refused(Attack::Differencing, Some(&other.name), meter.cost(), reason, words::more_budget())));
    }
    let mut columns = Vec::with_capacity(common.len());
    let mut qis = Vec::new();
    for name in &common {
        let mut values = Values::default();
        let mut codes = values.code(table, name)?;
        codes.extend(values.code(other.table, name)?);
        // if nobody names them, the columns that linkage would use
        let is_exact = matches!(release.provenance_of(name), Provenance::Raw | Provenance::Generalised);
        if if release.quasi_identifiers.is_empty() { is_exact } else { release.quasi_identifiers.iter().any(|qi| qi == name) } {
            qis.push(columns.len());
        }
        columns.push(codes);
    }
    let slices: Vec<&[u32]> = columns.iter().map(Vec::as_slice).collect();
    let rows = Groups::of(&slices, all);
    let classes = Groups::of(&qis.iter().filter_map(|qi| slices.get(*qi).copied()).collect::<Vec<_>>(), all);
    let (few, least) = isolated(&rows, &classes, mine, limits.k);
    let share = Share::counted(few, all as u64, limits.confidence);
    let ran = Ran { attack: Attack::Differencing, column: Some(other.name.clone()), cost: meter.cost(), share, limit: 0.0 };
    let k = limits.k;
    let reason = |passed: bool| {
        if passed {
            return Text::new(
                format!("no class differs from the earlier release by fewer than {k} rows"),
                format!("与先前发布相比，没有等价类仅相差不足{k}行"),
            );
        }
        Text::new(
            format!("{few} rows remain alone in differences of fewer than {k} rows with the earlier release; the smallest has {least}"),
            format!("与先前发布相减，{few}行出现在不足{k}行的差集中；最小差集为{least}行"),
        )
    };
    let remedy = Text::new(
        "release at fixed dates for whole populations, or wait until at least k people came or went in every class",
        "按固定时点对完整人群发布，或待各等价类增减均不少于k人后再发布",
    );
    Ok(Some(ran.judge(Compare::Census, reason, remedy)))
}

/// Rows that remain in differences of 1 to `k` - 1 rows of a class, in either direction; and the smallest difference.
fn isolated(rows: &Groups, classes: &Groups, mine: usize, k: u64) -> (u64, u64) {
    let (a, b) = rows.of_row.split_at(mine.min(rows.of_row.len()));
    let mut left: HashMap<u32, (u64, u64)> = HashMap::new();
    for (group, (mine, theirs)) in tally(a, b) {
        let class = rows.first.get(group as usize).and_then(|row| classes.of_row.get(*row as usize)).copied().unwrap_or(0);
        let sums = left.entry(class).or_default();
        sums.0 += mine.saturating_sub(theirs);
        sums.1 += theirs.saturating_sub(mine);
    }
    let small = left.values().flat_map(|(mine, theirs)| [*mine, *theirs]).filter(|rows| (1..k).contains(rows));
    small.fold((0, 0), |(sum, least), rows| (sum + rows, if least == 0 { rows } else { rows.min(least) }))
}
