//! The four metrics of an own data set (K6), counted by the provider's node: what is told are counts that are none or at least the floor of the
//! profile, never a cell.

use super::{dataset, file, next, present};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use yu_desensitize::{column, table::Table};
use yu_governance::catalogue::frequency::Frequency;
use yu_governance::catalogue::record::{CatalogueRecord, Hook};
use yu_governance::catalogue::{CatalogueEntry, Kind};
use yu_governance::clock::Time;
use yu_governance::quality::evidence::{Evidence, QualityRule, told};
use yu_governance::quality::metrics::{Counts, Metrics};
use zeroize::Zeroizing;

/// Counts over one column.
struct Counted {
    name: String,
    filled: u64,
    /// The rule that its filled cells were held against, and how many break it.
    rule: Option<(QualityRule, u64)>,
}

/// Counts the metrics; with `is_filed` as a new version of the record.
///
/// # Errors
/// `not-found` without a record; `state.wrong` at another node than the provider's; `dataset.changed`.
pub fn profile(node: &Arc<Node>, name: &str, expected_rows: Option<u64>, is_filed: bool) -> Result<Value> {
    let law = law::required(node)?;
    let id = dataset(node, name)?;
    let record = present(node, &id)?;
    if record.entry.provider.as_str() != node.name() {
        return Err(Fault::new(Code::State, format!("`{id}` is counted by its provider {}", record.entry.provider)).party(node.name()));
    }
    let table = crate::dataset::load(node, &id, &record.entry.version)?;
    let columns = count(&table, &record.entry)?;
    let floor = law.rules().leakage.value.min_cell;
    let rows = table.num_rows();
    let at = now();
    let (demanded, versions) = node.docket().with(node, |book| {
        let shelf = &book.catalogue.0;
        let versions = (1..=record.number).filter_map(|number| shelf.version(&id, number)).cloned().collect::<Vec<_>>();
        Ok((book.demands.items(&id, at.plus_seconds(1)), versions))
    })?;
    let offered = demanded.iter().filter(|item| record.entry.column(item).is_some()).count() as u64;
    let items = record.entry.items.len() as u64;
    let cells = rows.max(expected_rows.unwrap_or(rows)).saturating_mul(items);
    let filled: u64 = columns.iter().map(|column| column.filled).sum();
    let held: u64 = columns.iter().filter(|column| column.rule.is_some()).map(|column| column.filled).sum();
    let wrong: u64 = columns.iter().filter_map(|column| column.rule.map(|(_, wrong)| wrong)).sum();
    let (due, on_time) = updates(&versions, at);
    let counts = Counts {
        checked: held,
        correct: held.saturating_sub(told(wrong, floor)),
        items_demanded: if demanded.is_empty() { items } else { demanded.len() as u64 },
        items_offered: if demanded.is_empty() { items } else { offered },
        cells_expected: cells,
        cells_filled: cells.saturating_sub(told(cells.saturating_sub(filled), floor)),
        updates_due: due,
        updates_on_time: on_time,
    };
    let metrics = Metrics::of(&counts, at)?;
    let evidence = evidence(&record.entry, &columns, rows, floor);
    let mut say: Vec<(String, String)> =
        metrics.named().into_iter().map(|(en, zh, share)| (format!("{en}: {share}"), format!("{zh}：{share}"))).collect();
    if demanded.is_empty() {
        say.push(("nobody has filed a demand: relevance is of the items themselves".into(), "尚无需求备案：相关性按自身信息项计".into()));
    }
    let filed = if is_filed {
        let changed = CatalogueRecord { quality: Some(metrics), ..record.clone() };
        Some(file(node, next(&record, changed)?)?)
    } else {
        None
    };
    Ok(json!({ "metrics": metrics, "evidence": evidence, "filed": filed, "say": lines(say) }))
}

/// Cell by cell; the texts are wiped.
fn count(table: &Table, entry: &CatalogueEntry) -> Result<Vec<Counted>> {
    let is_only_key = entry.items.iter().filter(|item| item.kind == Kind::Key).count() == 1;
    let one = |item: &yu_governance::catalogue::Column| {
        let cells = Zeroizing::new(column::text(table, &item.name)?);
        let filled = || cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
        let breaking = |holds: &dyn Fn(&str) -> bool| filled().filter(|cell| !holds(cell)).count() as u64;
        let rule = match &item.kind {
            Kind::Key if is_only_key => {
                let mut seen = HashSet::new();
                Some((QualityRule::Unique, filled().filter(|cell| !seen.insert(*cell)).count() as u64))
            }
            Kind::Key | Kind::Text => None,
            Kind::Numeric => Some((QualityRule::Format, breaking(&|cell| cell.parse::<f64>().is_ok_and(f64::is_finite)))),
            Kind::Categorical { categories } => {
                Some((QualityRule::InCategories, breaking(&|cell| categories.iter().any(|category| category == cell))))
            }
        };
        Ok(Counted { name: item.name.clone(), filled: filled().count() as u64, rule })
    };
    entry.items.iter().map(one).collect()
}

/// What a ticket may cite: each column's failures, rounded up to the floor.
fn evidence(entry: &CatalogueEntry, columns: &[Counted], rows: u64, floor: u64) -> Vec<Evidence> {
    let of = |rule, column: &Counted, checked: u64, failed: u64| {
        // a column that is smaller than the floor cannot be told of at all
        Evidence::new(entry, rule, Some(&column.name), checked, failed, floor).ok().filter(|_| failed > 0)
    };
    let all = columns.iter().flat_map(|column| {
        let empty = of(QualityRule::NotEmpty, column, rows, rows.saturating_sub(column.filled));
        let broken = column.rule.and_then(|(rule, wrong)| of(rule, column, column.filled, wrong));
        [empty, broken]
    });
    all.flatten().collect()
}

/// Updates that were due by the promised rhythm since the data were first linked, and those that came in time. Without a rhythm, or before the first
/// period has passed, the link itself is the one that was due.
fn updates(versions: &[CatalogueRecord], now: Time) -> (u64, u64) {
    let moments: Vec<i64> = versions
        .iter()
        .filter_map(|record| match record.hook {
            Hook::Hooked { updated_at, .. } => Some(updated_at.unix()),
            Hook::NotHooked => None,
        })
        .collect();
    let days = versions.last().and_then(|record| Frequency::of(&record.entry.update_frequency)).and_then(Frequency::days);
    let (Some(first), Some(days)) = (moments.iter().min(), days) else { return (1, u64::from(!moments.is_empty())) };
    let period = days.saturating_mul(86_400).max(1);
    let due = now.unix().saturating_sub(*first).div_euclid(period);
    // the k-th update is in time when some version was renewed within the k-th period
    let place = |moment: &i64| moment.saturating_sub(*first).div_euclid(period);
    let met: HashSet<i64> = moments.iter().filter(|moment| *moment > first).map(place).filter(|place| *place < due).collect();
    match u64::try_from(due) {
        Ok(due) if due > 0 => (due, (met.len() as u64).min(due)),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use yu_desensitize::read::{ReadOptions, read_table_from};
    use yu_governance::catalogue::Class;

    fn record() -> CatalogueRecord {
        let mut record: CatalogueRecord = toml::from_str(<CatalogueRecord as crate::docket::kind::Document>::EXAMPLE).unwrap();
        record.entry.items.push(yu_governance::catalogue::Column {
            name: "ward".into(),
            kind: Kind::Categorical { categories: vec!["a".into(), "b".into()] },
            class: Class::General,
            grade: 2,
            unit: None,
        });
        record
    }

    fn table(csv: &str) -> Table {
        let options = ReadOptions { keys: vec!["resident_id".into()], ..ReadOptions::default() };
        read_table_from("visits.csv", Bytes::from(csv.to_owned()), &options).unwrap()
    }

    #[test]
    fn k6_cells_are_counted_by_the_entrys_kinds_and_small_counts_are_rounded() {
        let mut csv = "resident_id,visits,ward\n".to_owned();
        for row in 0..100 {
            let visits = if row == 7 {
                "13800000000x".into()
            } else if row == 8 {
                String::new()
            } else {
                row.to_string()
            };
            let ward = if row == 9 { "c" } else { "a" };
            csv.push_str(&format!("{},{visits},{ward}\n", if row == 50 { 49 } else { row }));
        }
        let mut record = record();
        record.entry.rows = 100;
        let columns = count(&table(&csv), &record.entry).unwrap();
        let seen: Vec<_> = columns.iter().map(|c| (c.filled, c.rule.map(|(_, wrong)| wrong))).collect();
        assert_eq!(seen, [(100, Some(1)), (99, Some(1)), (100, Some(1))]);
        let told = evidence(&record.entry, &columns, 100, 10);
        assert_eq!(told.len(), 4);
        assert!(told.iter().all(|evidence| evidence.failed() == 10), "one row is never told of");
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("13800000000"), "{text}");
    }

    #[test]
    fn k6_k5_updates_are_counted_by_the_promised_rhythm() {
        let mut record = record();
        record.entry.update_frequency = "monthly".into();
        let linked = |at: &str| CatalogueRecord {
            hook: Hook::Hooked { version: record.entry.version, updated_at: Time::parse(at).unwrap() },
            ..record.clone()
        };
        let now = Time::parse("2026-06-01T00:00:00Z").unwrap();
        assert_eq!(updates(&[linked("2026-05-20T00:00:00Z")], now), (1, 1));
        let kept = [linked("2026-01-01T00:00:00Z"), linked("2026-01-20T00:00:00Z"), linked("2026-02-15T00:00:00Z")];
        assert_eq!(updates(&kept, now), (4, 2));
        assert_eq!(updates(&[CatalogueRecord { hook: Hook::NotHooked, ..record }], now), (1, 0));
    }
}
