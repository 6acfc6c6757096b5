//! Join with another table: two releases that are each safe may not be safe together.
//!
//! Rows of both tables that carry the same token belong to one person. Everything that both say about the person's
//! quasi-identifiers is put together; a joint class of fewer than `k` people is a violation, whatever each table
//! promised alone.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Meter;
use super::cells::{Groups, NULL, Values};
use super::subject::{Other, Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::error::{Result, Text};

/// The join with one other table; nothing if no column joins them.
pub(super) fn attack(release: &Release<'_>, table: &Table, other: &Other<'_>, limits: &Thresholds) -> Result<Option<Attempt>> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    let pairs = keys(release, table, other)?;
    if pairs.is_empty() {
        return Ok(None);
    }
    let (keys, their_keys): (Vec<&str>, Vec<&str>) = pairs.iter().copied().unzip();
    // one code per person, the same in both tables
    let mut codes = Vec::with_capacity(keys.len());
    let rows = usize::try_from(table.num_rows()).unwrap_or(0);
    for (mine, theirs) in &pairs {
        let mut values = Values::default();
        let mut column = values.code(table, mine)?;
        column.extend(values.code(other.table, theirs)?);
        codes.push(column);
    }
    let total = rows + usize::try_from(other.table.num_rows()).unwrap_or(0);
    if !meter.spend(total as u64) {
        let reason = Text::new("the budget does not suffice for the join", "预算不足以完成关联");
        return Ok(Some(refused(Attack::Join, Some(&other.name), meter.cost(), reason, words::more_budget())));
    }
    let has_key = |row: usize| codes.iter().all(|column| column.get(row).is_some_and(|code| *code != NULL));
    let people = Groups::of(&codes.iter().map(Vec::as_slice).collect::<Vec<_>>(), total);
    let mine = facts(table, &own(release, table, &keys), 0, &people, &has_key)?;
    let theirs = facts(other.table, &theirs(other, &their_keys), rows, &people, &has_key)?;
    let mut classes: BTreeMap<(&[u32], &[u32]), u64> = BTreeMap::new();
    for (person, facts) in &mine {
        if let Some(more) = theirs.get(person) {
            *classes.entry((facts, more)).or_default() += 1;
        }
    }
    let joined: u64 = classes.values().sum();
    let small: u64 = classes.values().filter(|size| **size < limits.k).sum();
    let least = classes.values().min().copied().unwrap_or(0);
    let share = Share::counted(small, joined, limits.confidence);
    let ran = Ran { attack: Attack::Join, column: Some(other.name.clone()), cost: meter.cost(), share, limit: limits.joint };
    let (found, k) = (words::of(small, joined), limits.k);
    let reason = |_| {
        Text::new(
            format!("after the join {found} people are in joint classes below {k}; the smallest joint class has {least}"),
            format!("关联后{found}人处于不足{k}人的联合等价类；最小联合等价类为{least}人"),
        )
    };
    let remedy = Text::new(
        "use tokens of another purpose key, so that the tables do not join, or generalise both alike",
        "改用其他用途密钥生成令牌使两表无法关联，或对两表作一致的泛化",
    );
    Ok(Some(ran.judge(Compare::Census, reason, remedy)))
}

/// What joins the tables, as the names of both: what the caller says, else the keyed columns of the release that the other table
/// has, under the same name or with the same tokens under another.
fn keys<'a>(release: &'a Release<'_>, table: &'a Table, other: &'a Other<'_>) -> Result<Vec<(&'a str, &'a str)>> {
    if !other.join_on.is_empty() {
        return Ok(other.join_on.iter().map(|name| (name.as_str(), name.as_str())).collect());
    }
    let theirs = other.table.column_names();
    let mut found = Vec::new();
    for name in table.column_names().into_iter().filter(|name| release.provenance_of(name).is_keyed()) {
        if theirs.contains(&name) {
            found.push((name, name));
            continue;
        }
        let mut values = Values::default();
        values.code(table, name)?;
        let known = values.texts.len();
        for their in &theirs {
            let codes: BTreeSet<u32> = values.code(other.table, their)?.into_iter().filter(|code| *code != NULL).collect();
            let common = codes.iter().filter(|code| (**code as usize) < known).count();
            if 2 * common > known.min(codes.len()) {
                found.push((name, *their));
                break;
            }
        }
    }
    Ok(found)
}

fn own<'a>(release: &'a Release<'_>, table: &'a Table, keys: &[&str]) -> Vec<&'a str> {
    let is_fact = |name: &&str| {
        let is_known = matches!(release.provenance_of(name), Provenance::Raw | Provenance::Generalised | Provenance::Public);
        let is_named = release.quasi_identifiers.is_empty() || release.quasi_identifiers.iter().any(|qi| qi == name);
        is_known && is_named && !keys.contains(name)
    };
    table.column_names().into_iter().filter(is_fact).collect()
}

fn theirs<'a>(other: &'a Other<'_>, keys: &[&str]) -> Vec<&'a str> {
    if other.quasi_identifiers.is_empty() {
        return other.table.column_names().into_iter().filter(|name| !keys.contains(name)).collect();
    }
    other.quasi_identifiers.iter().map(String::as_str).collect()
}

/// What a table says about each person: the sorted set of the classes of the person's rows.
fn facts(
    table: &Table,
    columns: &[&str],
    offset: usize,
    people: &Groups,
    has_key: &dyn Fn(usize) -> bool,
) -> Result<BTreeMap<u32, Vec<u32>>> {
    let codes = columns.iter().map(|name| Values::default().code(table, name)).collect::<Result<Vec<_>>>()?;
    let rows = usize::try_from(table.num_rows()).unwrap_or(0);
    let classes = Groups::of(&codes.iter().map(Vec::as_slice).collect::<Vec<_>>(), rows);
    let mut facts: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (row, class) in classes.of_row.iter().enumerate().filter(|(row, _)| has_key(offset + row)) {
        if let Some(person) = people.of_row.get(offset + row) {
            facts.entry(*person).or_default().insert(*class);
        }
    }
    Ok(facts.into_iter().map(|(person, classes)| (person, classes.into_iter().collect())).collect())
}
