//! Linkage by distance (distance-based record linkage; Domingo-Ferrer and Torra 2001): noise, swapping and microaggregation
//! leave a released row near its origin. A row is found if no other original is as near as the one that it came from.

use rand_chacha::rand_core::CryptoRng;

use super::budget::Meter;
use super::chance::shuffle;
use super::rows::{Compared, Space};
use super::subject::{Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::error::{Result, Text};

/// The attack, if noisy columns are among the quasi-identifiers.
pub(super) fn attack<R: CryptoRng>(release: &Release<'_>, table: &Table, limits: &Thresholds, rng: &mut R) -> Result<Option<Attempt>> {
    let is_named = |name: &str| release.quasi_identifiers.is_empty() || release.quasi_identifiers.iter().any(|qi| qi == name);
    let is_noisy = |name: &str| release.provenance_of(name) == Provenance::Noise;
    let names = table.column_names();
    if !names.iter().any(|name| is_named(name) && is_noisy(name)) {
        return Ok(None);
    }
    let mut meter = Meter::new(release.clock(), limits.budget);
    let (Some(original), Some(row_of)) = (release.original, release.row_of) else {
        let reason = Text::new(
            "noisy quasi-identifiers can only be judged with the original and the row that each released row came from",
            "加噪的准标识符须结合原始数据及各行来源才能评估",
        );
        return Ok(Some(refused(Attack::DistanceLinkage, None, meter.cost(), reason, words::need_original())));
    };
    let known = original.column_names();
    let is_used =
        |name: &&str| is_named(name) && known.contains(name) && (is_noisy(name) || release.provenance_of(name) == Provenance::Raw);
    let used: Vec<&str> = names.into_iter().filter(is_used).collect();
    let rows = Compared::new(release, table, original, &used)?;
    let space = Space::new(&rows);
    let mut order: Vec<(usize, u64)> = row_of.iter().copied().enumerate().collect();
    shuffle(&mut order, rng);
    let (mut found, mut tried) = (0u64, 0u64);
    for (row, origin) in order {
        if !meter.spend(rows.originals as u64) {
            break;
        }
        tried += 1;
        let origin = usize::try_from(origin).unwrap_or(usize::MAX);
        found += u64::from(space.is_only_nearest(rows.originals + row, origin, rows.originals));
    }
    let share = Share::counted(found, tried, limits.confidence);
    let found = words::of(found, tried);
    let ran = Ran { attack: Attack::DistanceLinkage, column: None, cost: meter.cost(), share, limit: limits.linked_by_distance };
    let reason = |_| {
        Text::new(
            format!("{found} released rows are nearest to the original row that they came from, over {} columns", used.len()),
            format!("按{}列的距离，发布的{found}行离其来源的原始记录最近", used.len()),
        )
    };
    let remedy = Text::new("add more noise, or swap within larger groups", "增大噪声，或在更大的组内交换");
    Ok(Some(ran.judge(Compare::Census, reason, remedy)))
}
