//! Rows that were copied, or nearly: the release against its original, and against rows held out.
//!
//! A released row that equals an original one reveals somebody only if few originals are like it: fewer than `k` with the
//! same quasi-identifiers. Likewise a synthetic row gives somebody away if it lies within a small distance (Gower 1971: mean
//! over the columns of the difference through the range, or 0 and 1 for words) of some, but fewer than `k`, originals.
//!
//! With rows held out, what also happens to people who were never looked at is taken off, and a second test asks whether
//! synthetic rows lie closer to originals than to rows held out more often than by chance (the "distance to closest
//! record" share; equally many of both are used). Only the second finds copies of which a column or two were changed, so that synthetic
//! rows without rows held out are refused ([`Thresholds::needs_held_out`]). Chance is taken off only if at least half as many rows
//! were held out as there are originals: a few of them say little about rare rows. Rows that were called held out and were not would
//! make every copy look like chance: if they repeat originals more often than originals repeat each other, the release is refused.

use std::collections::HashMap;

use rand_chacha::rand_core::CryptoRng;

use super::budget::Meter;
use super::cells::{Groups, NULL, Values};
use super::chance::shuffle;
use super::interval::clopper_pearson;
use super::subject::{Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::column::parse_number;
use crate::error::{Result, Text};

/// All attacks that compare released rows with original ones.
pub(super) fn attack<R: CryptoRng>(release: &Release<'_>, table: &Table, limits: &Thresholds, rng: &mut R) -> Result<Vec<Attempt>> {
    let is_synthetic = |name: &str| release.provenance_of(name) == Provenance::Synthetic;
    let near = |name: &str| matches!(release.provenance_of(name), Provenance::Synthetic | Provenance::Noise);
    let names = table.column_names();
    let Some(original) = release.original else {
        let missing = names.iter().find(|name| near(name)).map(|first| {
            let reason =
                Text::new("synthetic and noisy cells can only be judged beside the original", "合成或加噪数据须与原始数据对照才能评估");
            let meter = Meter::new(release.clock(), limits.budget);
            let is_any = names.iter().any(|name| is_synthetic(name));
            let attack = if is_any { Attack::CopiedRows } else { Attack::NearestRecord };
            refused(attack, Some(*first).filter(|_| !is_any), meter.cost(), reason, words::need_original())
        });
        return Ok(missing.into_iter().collect());
    };
    let mut attempts = Vec::new();
    let whole = original.column_names();
    for name in names.iter().filter(|name| near(name) && !whole.contains(name)) {
        let reason = Text::new(
            "the original has no column of this name, so that copies of its cells cannot be seen",
            "原始数据没有同名的列，无法检验该列是否照抄",
        );
        let meter = Meter::new(release.clock(), limits.budget);
        let remedy = Text::new("keep the names of the original's columns", "请保留原始数据的列名");
        attempts.push(refused(Attack::CopiedRows, Some(name), meter.cost(), reason, remedy));
    }
    let is_raw = |name: &&str| names.contains(name) && release.provenance_of(name) == Provenance::Raw;
    if !whole.is_empty() && whole.iter().all(is_raw) {
        let all = Compared::new(release, table, original, &whole)?;
        attempts.push(all.raw_package(release, limits));
    }
    let compared: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| {
            let provenance = release.provenance_of(name);
            let is_data =
                !provenance.is_keyed() && !matches!(provenance, Provenance::Public | Provenance::Random | Provenance::Unkeyed { .. });
            is_data && whole.contains(name)
        })
        .collect();
    if compared.is_empty() {
        return Ok(attempts);
    }
    let rows = Compared::new(release, table, original, &compared)?;
    attempts.extend(rows.held_out(release, limits, compared.iter().any(|name| is_synthetic(name))));
    attempts.push(rows.copied(release, limits));
    if compared.iter().any(|name| near(name)) {
        rows.nearest(release, limits, rng, &mut attempts);
    }
    Ok(attempts)
}

/// The compared columns of the original, the release and the rows held out, one after the other, with common codes.
pub(super) struct Compared {
    columns: Vec<Vec<u32>>,
    values: Vec<Values>,
    /// Positions in `columns` that are quasi-identifiers.
    qis: Vec<usize>,
    pub(super) originals: usize,
    released: usize,
    held_out: usize,
}

impl Compared {
    pub(super) fn new(release: &Release<'_>, table: &Table, original: &Table, names: &[&str]) -> Result<Self> {
        let mut this = Self { columns: Vec::new(), values: Vec::new(), qis: Vec::new(), originals: 0, released: 0, held_out: 0 };
        for (position, name) in names.iter().enumerate() {
            let mut values = Values::default();
            let mut codes = values.code(original, name)?;
            this.originals = codes.len();
            codes.extend(values.code(table, name)?);
            this.released = codes.len() - this.originals;
            if let Some(held_out) = release.held_out {
                codes.extend(values.code(held_out, name)?);
            }
            this.held_out = codes.len() - this.originals - this.released;
            if release.quasi_identifiers.is_empty() || release.quasi_identifiers.iter().any(|qi| qi == name) {
                this.qis.push(position);
            }
            this.columns.push(codes);
            this.values.push(values);
        }
        if this.qis.is_empty() {
            this.qis = (0..names.len()).collect();
        }
        Ok(this)
    }

    fn rows(&self) -> usize {
        self.originals + self.released + self.held_out
    }

    fn groups(&self, positions: &[usize], rows: std::ops::Range<usize>) -> Groups {
        let columns: Vec<&[u32]> = positions.iter().filter_map(|position| self.columns.get(*position)?.get(rows.clone())).collect();
        Groups::of(&columns, rows.len())
    }

    fn raw_package(&self, release: &Release<'_>, limits: &Thresholds) -> Attempt {
        let mut meter = Meter::new(release.clock(), limits.budget);
        meter.spend((self.originals + self.released) as u64);
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let groups = self.groups(&all, 0..self.originals + self.released);
        let mut is_original = vec![false; groups.sizes.len()];
        let (before, after) = groups.of_row.split_at(self.originals.min(groups.of_row.len()));
        mark(&mut is_original, before);
        let equal = after.iter().filter(|group| is_original.get(**group as usize) == Some(&true)).count() as u64;
        let share = Share::counted(equal, self.released as u64, limits.confidence);
        let found = words::of(equal, self.released as u64);
        let ran = Ran { attack: Attack::RawPackage, column: None, cost: meter.cost(), share, limit: limits.raw_rows };
        let reason = |_| {
            Text::new(
                format!("{found} released rows are whole original rows, in every column"),
                format!("发布的{found}行在全部列上与原始记录相同"),
            )
        };
        let remedy =
            Text::new("raw data packages do not leave: release a product made from them", "原始数据包不得出域：请发布由其加工形成的产品");
        ran.judge(Compare::Census, reason, remedy)
    }

    fn copied(&self, release: &Release<'_>, limits: &Thresholds) -> Attempt {
        let mut meter = Meter::new(release.clock(), limits.budget);
        meter.spend(self.rows() as u64);
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let groups = self.groups(&all, 0..self.rows());
        let classes = self.groups(&self.qis, 0..self.rows());
        // originals of each class: what is common among them is rare nowhere
        let mut like = vec![0u64; classes.sizes.len()];
        for class in classes.of_row.iter().take(self.originals) {
            if let Some(like) = like.get_mut(*class as usize) {
                *like += 1;
            }
        }
        // released rows that repeat a rare row, and how many different ones
        let copies = |from: std::ops::Range<usize>| {
            let sizes = self.groups(&self.qis, from.clone());
            let mut is_rare = vec![false; groups.sizes.len()];
            for (at, row) in from.enumerate() {
                let originals = classes.of_row.get(row).and_then(|class| like.get(*class as usize)).copied().unwrap_or(0);
                if let Some(slot) = groups.of_row.get(row).and_then(|group| is_rare.get_mut(*group as usize)) {
                    *slot |= sizes.size_of_row(at) < limits.k && originals < limits.k;
                }
            }
            let released = groups.of_row.iter().skip(self.originals).take(self.released);
            let mut hit: Vec<u32> = released.copied().filter(|group| is_rare.get(*group as usize) == Some(&true)).collect();
            let rows = hit.len() as u64;
            hit.sort_unstable();
            hit.dedup();
            (rows, hit.len() as u64)
        };
        let (equal, different) = copies(0..self.originals);
        let (others, of_others) = copies(self.originals + self.released..self.rows());
        let mut chance = self.chance(others);
        // a rare row that is met by chance was as likely held out as not: the excess must be more than that explains
        let half = self.originals as f64 / (self.originals + self.held_out).max(1) as f64;
        if chance > 0.0 && clopper_pearson(different, different + of_others, limits.confidence).0 <= half {
            chance = chance.max(equal as f64 / self.released.max(1) as f64);
        }
        let share = less(Share::counted(equal, self.released as u64, limits.confidence), chance);
        let (found, k) = (words::of(equal, self.released as u64), limits.k);
        let ran = Ran { attack: Attack::CopiedRows, column: None, cost: meter.cost(), share, limit: limits.copied };
        let reason = |_| {
            Text::new(
                format!("{found} released rows repeat an original row whose like fewer than {k} people have (by chance: {:.4})", chance),
                format!("发布的{found}行照抄了同类不足{k}人的原始记录（偶然水平：{chance:.4}）"),
            )
        };
        ran.judge(Compare::Census, reason, words::coarser())
    }

    /// Whether rows held out are there where they must be, and were held out.
    fn held_out(&self, release: &Release<'_>, limits: &Thresholds, is_synthetic: bool) -> Option<Attempt> {
        let mut meter = Meter::new(release.clock(), limits.budget);
        if self.held_out == 0 {
            let reason = Text::new(
                "no rows were held out, so that changed copies of original rows cannot be told from rows drawn anew",
                "没有留出记录，无法区分改动后的照抄记录与新生成的记录",
            );
            let remedy = Text::new("hold rows out when training the generator, and hand them in", "训练生成模型时请留出部分记录并提交");
            let missing = refused(Attack::HeldOut, None, meter.cost(), reason, remedy);
            return (is_synthetic && limits.needs_held_out).then_some(missing);
        }
        meter.spend(self.rows() as u64);
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let groups = self.groups(&all, 0..self.rows());
        let (before, after) = groups.of_row.split_at(self.originals.min(groups.of_row.len()));
        let seen = tally(before, after.get(self.released..).unwrap_or(&[]));
        let repeated: u64 = seen.values().map(|(mine, _)| *mine).filter(|mine| *mine > 1).sum();
        let met: u64 = seen.values().filter(|(mine, _)| *mine > 0).map(|(_, held_out)| *held_out).sum();
        // an original meets another one as often as a row of the same population that was held out
        let usual = clopper_pearson(repeated, self.originals as u64, SURE).1;
        if clopper_pearson(met, self.held_out as u64, SURE).0 <= usual {
            return None;
        }
        let found = words::of(met, self.held_out as u64);
        let reason = Text::new(
            format!("{found} rows that are called held out are rows of the original, far more than chance gives"),
            format!("所称的留出记录中有{found}行出现在原始数据中，远超偶然水平"),
        );
        let remedy = Text::new("hand in rows that nothing was made from", "请提交未用于生成的记录");
        Some(refused(Attack::HeldOut, None, meter.cost(), reason, remedy))
    }

    /// What share of released rows would repeat as many rows of people who were not looked at.
    fn chance(&self, hits: u64) -> f64 {
        if 2 * self.held_out < self.originals || self.released == 0 {
            return 0.0;
        }
        hits as f64 / self.released as f64 * self.originals as f64 / self.held_out as f64
    }

    fn nearest<R: CryptoRng>(&self, release: &Release<'_>, limits: &Thresholds, rng: &mut R, attempts: &mut Vec<Attempt>) {
        let mut meter = Meter::new(release.clock(), limits.budget);
        let space = Space::new(self);
        let mut order: Vec<usize> = (self.originals..self.originals + self.released).collect();
        shuffle(&mut order, rng);
        let mut originals: Vec<usize> = (0..self.originals).collect();
        shuffle(&mut originals, rng);
        // as many originals as rows held out compete for being closer; all of them count as copies
        let rivals = if self.held_out == 0 { 0 } else { self.held_out.min(self.originals) };
        let held_out: Vec<usize> = (self.originals + self.released..self.rows()).take(rivals).collect();
        let (mut near, mut near_held, mut closer, mut ties, mut tried) = (0u64, 0u64, 0u64, 0u64, 0u64);
        for row in order {
            if !meter.spend((self.originals + self.held_out) as u64) {
                break;
            }
            tried += 1;
            let (first, rest) = originals.split_at(rivals.min(originals.len()));
            let mut a = space.search(row, first, limits);
            let rest = space.search(row, rest, limits);
            let b = space.search(row, &held_out, limits);
            a.within += rest.within;
            near += u64::from(a.within > 0 && a.within < limits.k);
            near_held += u64::from(b.within > 0 && b.within < limits.k && a.within < limits.k);
            closer += u64::from(a.least < b.least);
            ties += u64::from((a.least - b.least).abs() < f64::EPSILON);
        }
        let is_telling = tried > 0 && 2 * rivals >= self.originals;
        let chance = if is_telling { near_held as f64 / tried as f64 * self.originals as f64 / rivals as f64 } else { 0.0 };
        let share = less(Share::counted(near, tried, limits.confidence), chance);
        let found = words::of(near, tried);
        let (k, radius) = (limits.k, limits.near);
        let ran = Ran { attack: Attack::NearestRecord, column: None, cost: meter.cost(), share, limit: limits.near_copies };
        let reason = |_| {
            Text::new(
                format!("{found} released rows lie within {radius} of some, but fewer than {k}, original rows (by chance: {chance:.4})"),
                format!("发布的{found}行在{radius}距离内存在原始记录但不足{k}条（偶然水平：{chance:.4}）"),
            )
        };
        let remedy = Text::new(
            "train the generator with differential privacy, or drop rows that are nearly originals and test again",
            "以差分隐私方式训练生成模型，或删除与原始记录近似的行后重新检验",
        );
        attempts.push(ran.judge(Compare::Census, reason, remedy.clone()));
        if rivals > 0 {
            let share = Share::counted((closer + ties / 2).min(tried), tried, limits.confidence).above(0.5);
            let ran = Ran { attack: Attack::HeldOut, column: None, cost: meter.cost(), share, limit: limits.closer_to_original };
            let reason = |_| {
                Text::new(
                    format!("{closer} of {tried} released rows are closer to an original than to a row held out, {ties} equally close"),
                    format!("{tried}行中{closer}行更接近原始记录而非留出记录，{ties}行距离相等"),
                )
            };
            attempts.push(ran.judge(Compare::Sample, reason, remedy));
        }
    }
}

/// Confidence at which rows were not held out: a false alarm in 10,000 runs at most.
const SURE: f64 = 0.9999;

fn mark(flags: &mut [bool], groups: &[u32]) {
    for group in groups {
        if let Some(flag) = flags.get_mut(*group as usize) {
            *flag = true;
        }
    }
}

/// A share without what happens by chance.
fn less(share: Share, chance: f64) -> Share {
    let off = |value: f64| (value - chance).max(0.0);
    Share { value: off(share.value), low: off(share.low), high: off(share.high), trials: share.trials }
}

/// Rows as points: numbers scaled to the range of the original, words as codes.
pub(super) struct Space {
    /// Per row, all numbers; NaN where missing.
    numbers: Vec<f32>,
    numeric: usize,
    codes: Vec<u32>,
    coded: usize,
}

/// What lies around a row.
struct Around {
    least: f64,
    within: u64,
}

impl Space {
    pub(super) fn new(rows: &Compared) -> Self {
        let mut scaled: Vec<Vec<f32>> = Vec::new();
        let mut coded: Vec<&[u32]> = Vec::new();
        for (codes, values) in rows.columns.iter().zip(&rows.values) {
            let numbers: Option<Vec<f64>> = values.texts.iter().map(|text| parse_number(text).ok()).collect();
            let Some(numbers) = numbers.filter(|numbers| numbers.len() > 2) else {
                coded.push(codes);
                continue;
            };
            let known = codes.iter().take(rows.originals).filter_map(|code| numbers.get(*code as usize));
            let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
            let range = if high > low { high - low } else { 1.0 };
            let scale = |code: &u32| numbers.get(*code as usize).map_or(f32::NAN, |value| ((value - low) / range) as f32);
            scaled.push(codes.iter().map(scale).collect());
        }
        let (numeric, words) = (scaled.len(), coded.len());
        let mut this = Self { numbers: Vec::new(), numeric, codes: Vec::new(), coded: words };
        for row in 0..rows.rows() {
            this.numbers.extend(scaled.iter().filter_map(|column| column.get(row)));
            this.codes.extend(coded.iter().filter_map(|column| column.get(row)));
        }
        this
    }

    fn search(&self, row: usize, others: &[usize], limits: &Thresholds) -> Around {
        let columns = (self.numeric + self.coded).max(1) as f64;
        let mut around = Around { least: f64::INFINITY, within: 0 };
        for other in others {
            let bound = around.least.max(limits.near) * columns;
            let distance = self.distance(row, *other, bound) / columns;
            around.least = around.least.min(distance);
            around.within += u64::from(distance <= limits.near);
        }
        around
    }

    /// Whether `origin` is nearer to `row` than every other of the first `originals` rows.
    pub(super) fn is_only_nearest(&self, row: usize, origin: usize, originals: usize) -> bool {
        if origin >= originals {
            return false;
        }
        let own = self.distance(row, origin, f64::INFINITY);
        (0..originals).all(|other| other == origin || self.distance(row, other, own) > own)
    }

    /// The sum of differences; once above `bound`, anything above it.
    fn distance(&self, a: usize, b: usize, bound: f64) -> f64 {
        let codes = |row: usize| self.codes.get(row * self.coded..(row + 1) * self.coded).unwrap_or(&[]);
        let mut sum = codes(a).iter().zip(codes(b)).filter(|(a, b)| a != b).count() as f64;
        if sum > bound {
            return sum;
        }
        let numbers = |row: usize| self.numbers.get(row * self.numeric..(row + 1) * self.numeric).unwrap_or(&[]);
        for (a, b) in numbers(a).iter().zip(numbers(b)) {
            // both missing are equal, one missing is a whole difference
            let gap = if a.is_nan() == b.is_nan() { if a.is_nan() { 0.0 } else { f64::from((a - b).abs()).min(1.0) } } else { 1.0 };
            sum += gap;
        }
        sum
    }
}

/// How many rows of each of two sets share a group.
pub(super) fn tally(a: &[u32], b: &[u32]) -> HashMap<u32, (u64, u64)> {
    let mut counts: HashMap<u32, (u64, u64)> = HashMap::new();
    a.iter().filter(|group| **group != NULL).for_each(|group| counts.entry(*group).or_default().0 += 1);
    b.iter().filter(|group| **group != NULL).for_each(|group| counts.entry(*group).or_default().1 += 1);
    counts
}
