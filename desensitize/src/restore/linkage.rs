//! Linkage by quasi-identifiers (链接攻击): an attacker who knows the quasi-identifiers of everybody in the original looks
//! each person up in the release. Whoever fits some rows, but fewer than `k`, is found (Sweeney 2002; GB/T 37964, annex).
//!
//! Released cells are read as what they cover ([`super::cover`]), whatever was declared: a column counts as raw only if all its
//! cells are values of the original. A generalised cell that covers no value of the original cannot be read, and then the release is
//! refused until its hierarchy is handed in; likewise if a released row fits nobody, as then the reading is wrong and finding
//! nobody proves nothing. Without the original, or for quasi-identifiers that it does not have, the classes of the release itself are
//! counted.

use std::collections::HashMap;

use super::budget::Meter;
use super::cells::{Groups, NULL, Values};
use super::cover::Cover;
use super::subject::{Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::error::{Result, Text};

/// Bytes that one column's look-up table may have.
const LARGEST_CACHE: usize = 256 << 20;

/// Quasi-identifiers of the release that link exactly: raw and generalised ones.
fn quasi_identifiers<'t>(release: &Release<'_>, table: &'t Table) -> Vec<&'t str> {
    let is_exact = |name: &&str| matches!(release.provenance_of(name), Provenance::Raw | Provenance::Generalised);
    let is_named = |name: &&str| release.quasi_identifiers.is_empty() || release.quasi_identifiers.iter().any(|qi| qi == name);
    table.column_names().into_iter().filter(is_named).filter(is_exact).collect()
}

/// Linkage with the original where there is one, and within the release where not.
pub(super) fn attack(release: &Release<'_>, table: &Table, limits: &Thresholds) -> Result<Vec<Attempt>> {
    let qis = quasi_identifiers(release, table);
    if qis.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<&str> = release.original.map_or_else(Vec::new, Table::column_names);
    let (shared, alone): (Vec<&str>, Vec<&str>) = qis.iter().partition(|name| known.contains(name));
    let mut attempts = Vec::new();
    if let Some(original) = release.original.filter(|_| !shared.is_empty()) {
        attempts.push(link(release, table, original, &shared, limits)?);
    }
    if !alone.is_empty() {
        attempts.push(within(release, table, &qis, limits)?);
    }
    Ok(attempts)
}

/// Rows of the release in classes below `k`.
fn within(release: &Release<'_>, table: &Table, qis: &[&str], limits: &Thresholds) -> Result<Attempt> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    let codes = qis.iter().map(|name| Values::default().code(table, name)).collect::<Result<Vec<_>>>()?;
    let rows = usize::try_from(table.num_rows()).unwrap_or(0);
    meter.spend(rows as u64);
    let groups = Groups::of(&codes.iter().map(Vec::as_slice).collect::<Vec<_>>(), rows);
    let small: u64 = groups.sizes.iter().filter(|size| **size < limits.k).sum();
    let share = Share::counted(small, rows as u64, limits.confidence);
    let (found, k) = (words::of(small, rows as u64), limits.k);
    let ran = Ran { attack: Attack::Linkage, column: None, cost: meter.cost(), share, limit: limits.linked };
    let reason = |_| {
        Text::new(
            format!("{found} released rows share their quasi-identifiers with fewer than {k} rows"),
            format!("发布的{found}行所在准标识符等价类不足{k}行"),
        )
    };
    Ok(ran.judge(Compare::Census, reason, words::coarser()))
}

/// A generalised column: which released values cover which original ones.
struct Pattern {
    /// Of each class.
    released: Vec<u32>,
    covers: Vec<Cover>,
    /// How many of the codes are values of the original.
    known: usize,
    /// Texts of original values.
    values: Vec<String>,
    /// Per original value the classes that cover it, made when first asked for.
    cache: HashMap<u32, Vec<u64>>,
    may_cache: bool,
}

impl Pattern {
    fn bits(&mut self, value: u32, release: &Release<'_>, name: &str) -> Vec<u64> {
        if let Some(bits) = self.cache.get(&value) {
            return bits.clone();
        }
        let hierarchy = release.hierarchies.and_then(|all| all.get(name));
        let text = self.values.get(value as usize).map_or("", String::as_str);
        // a value covers itself, also one that is written like an interval
        let covers = |code: usize, cover: &Cover| code == value as usize || cover.has(text, code < self.known, hierarchy);
        let has: Vec<bool> = self.covers.iter().enumerate().map(|(code, cover)| covers(code, cover)).collect();
        let mut bits = vec![0u64; self.released.len().div_ceil(64)];
        for (class, code) in self.released.iter().enumerate() {
            // an empty released cell was suppressed: it may be anybody's
            if (*code == NULL || has.get(*code as usize) == Some(&true))
                && let Some(word) = bits.get_mut(class / 64)
            {
                *word |= 1 << (class % 64);
            }
        }
        if self.may_cache {
            self.cache.insert(value, bits.clone());
        }
        bits
    }
}

fn link(release: &Release<'_>, table: &Table, original: &Table, qis: &[&str], limits: &Thresholds) -> Result<Attempt> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    let mut before = Vec::with_capacity(qis.len());
    let mut after = Vec::with_capacity(qis.len());
    let mut values = Vec::with_capacity(qis.len());
    for name in qis {
        let mut texts = Values::default();
        before.push(texts.code(original, name)?);
        let known = texts.texts.len();
        after.push(texts.code(table, name)?);
        values.push((texts, known));
    }
    let slices =
        |columns: &[Vec<u32>], groups: &dyn Fn(&[&[u32]]) -> Groups| groups(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let people = slices(&before, &|columns| Groups::of(columns, original.num_rows() as usize));
    let classes = slices(&after, &|columns| Groups::of(columns, table.num_rows() as usize));
    let of_class =
        |column: &[u32]| -> Vec<u32> { classes.first.iter().map(|row| column.get(*row as usize).copied().unwrap_or(NULL)).collect() };
    let (mut raw, mut patterns) = (Vec::new(), Vec::new());
    for (position, name) in qis.iter().enumerate() {
        let (Some(column), Some((texts, known))) = (after.get(position), values.get(position)) else { continue };
        let released = of_class(column);
        // nobody has a generalised or emptied cell as it stands: matched exactly, such a row would be nobody's
        let is_original = released.iter().all(|code| (*code as usize) < *known);
        if release.provenance_of(name) == Provenance::Raw && is_original {
            raw.push((position, released));
            continue;
        }
        let pattern = Pattern {
            released,
            covers: texts.texts.iter().map(|text| Cover::read(text)).collect(),
            known: *known,
            values: texts.texts.iter().take(*known).cloned().collect(),
            cache: HashMap::new(),
            may_cache: known.saturating_mul(classes.sizes.len() / 8) < LARGEST_CACHE,
        };
        if let Some(attempt) = unreadable(release, name, &pattern, meter.cost().seconds) {
            return Ok(attempt);
        }
        patterns.push((position, *name, pattern));
    }
    let mut index: HashMap<Vec<u32>, Vec<u32>> = HashMap::new();
    for class in 0..classes.sizes.len() {
        let key = raw.iter().map(|(_, codes)| codes.get(class).copied().unwrap_or(NULL)).collect();
        index.entry(key).or_default().push(class as u32);
    }
    let (mut found, mut all) = (0u64, 0u64);
    let mut is_fitted = vec![false; classes.sizes.len()];
    let mut lost = classes.sizes.len();
    for (row, size) in people.first.iter().zip(&people.sizes) {
        if !meter.spend(*size) {
            break;
        }
        all += size;
        let of_person = |position: usize| before.get(position).and_then(|codes| codes.get(*row as usize)).copied().unwrap_or(NULL);
        let key: Vec<u32> = raw.iter().map(|(position, _)| of_person(*position)).collect();
        let Some(candidates) = index.get(&key) else { continue };
        let bits: Vec<Vec<u64>> =
            patterns.iter_mut().map(|(position, name, pattern)| pattern.bits(of_person(*position), release, name)).collect();
        // once every class is somebody's, k rows are enough
        let most = if lost == 0 { limits.k } else { u64::MAX };
        let rows = fitting(candidates, &bits, &classes.sizes, most, |class| {
            if let Some(is_fitted) = is_fitted.get_mut(class).filter(|is_fitted| !**is_fitted) {
                *is_fitted = true;
                lost -= 1;
            }
        });
        found += if rows > 0 && rows < limits.k { *size } else { 0 };
    }
    if lost > 0 && meter.cost().is_complete {
        return Ok(misread(&is_fitted, &classes.sizes, meter.cost()));
    }
    let share = Share::counted(found, all, limits.confidence);
    let (k, found) = (limits.k, words::of(found, all));
    let ran = Ran { attack: Attack::Linkage, column: None, cost: meter.cost(), share, limit: limits.linked };
    let reason = |_| {
        Text::new(
            format!("{found} people of the original fit some, but fewer than {k}, released rows by {} quasi-identifiers", qis.len()),
            format!("按{}个准标识符，原始数据中{found}人可对应到不足{k}行的发布记录", qis.len()),
        )
    };
    Ok(ran.judge(Compare::Census, reason, words::coarser()))
}

/// A refusal if released rows fit nobody: whoever was meant was not looked for.
fn misread(is_fitted: &[bool], sizes: &[u64], cost: super::budget::Cost) -> Attempt {
    let lost: u64 = is_fitted.iter().zip(sizes).filter(|(is_fitted, _)| !**is_fitted).map(|(_, size)| size).sum();
    let found = words::of(lost, sizes.iter().sum());
    let reason = Text::new(
        format!("{found} released rows fit nobody of the original: the linkage test cannot have read them rightly"),
        format!("发布的{found}行与任何原始记录都不相符，链接攻击未能正确解读"),
    );
    let remedy = Text::new(
        "hand in the original and the hierarchies that the release was made from, and declare noisy or synthetic columns as such",
        "请提供生成该发布所用的原始数据与泛化层级，并如实声明加噪或合成的列",
    );
    refused(Attack::Linkage, None, cost, reason, remedy)
}

/// Rows of the candidate classes that all patterns cover, each class being noted; stops once `most` are found.
fn fitting(candidates: &[u32], bits: &[Vec<u64>], sizes: &[u64], most: u64, mut note: impl FnMut(usize)) -> u64 {
    let mut rows = 0;
    let mut size = |class: usize| {
        note(class);
        sizes.get(class).copied().unwrap_or(0)
    };
    if candidates.len() == sizes.len()
        && let Some((first, others)) = bits.split_first()
    {
        // every class is a candidate: whole words at once
        for (place, word) in first.iter().enumerate() {
            let mut word = others.iter().fold(*word, |word, other| word & other.get(place).copied().unwrap_or(0));
            while word != 0 {
                rows += size(place * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
            if rows >= most {
                break;
            }
        }
        return rows;
    }
    for class in candidates {
        let class = *class as usize;
        if bits.iter().all(|bits| bits.get(class / 64).is_some_and(|word| word >> (class % 64) & 1 == 1)) {
            rows += size(class);
        }
        if rows >= most {
            break;
        }
    }
    rows
}

/// A refusal if a released value covers nothing of the original: it was not understood.
fn unreadable(release: &Release<'_>, name: &str, pattern: &Pattern, seconds: f64) -> Option<Attempt> {
    let hierarchy = release.hierarchies.and_then(|all| all.get(name));
    let used: std::collections::BTreeSet<u32> = pattern.released.iter().copied().filter(|code| *code != NULL).collect();
    let is_readable = |code: &u32| {
        let is_value = (*code as usize) < pattern.known;
        is_value
            || pattern.covers.get(*code as usize).is_some_and(|cover| pattern.values.iter().any(|value| cover.has(value, false, hierarchy)))
    };
    let lost = used.iter().filter(|code| !is_readable(code)).count();
    if lost == 0 {
        return None;
    }
    let reason = Text::new(
        format!("{lost} generalised values of the column cover no value of the original: the linkage test cannot read them"),
        format!("该列有{lost}个泛化值不覆盖任何原始值，链接攻击无法解读"),
    );
    let remedy = Text::new("hand in the hierarchy of the column", "请提供该列的泛化层级");
    let cost = super::budget::Cost { tries: used.len() as u64, seconds, is_complete: false };
    Some(refused(Attack::Linkage, Some(name), cost, reason, remedy))
}
