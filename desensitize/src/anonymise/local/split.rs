//! From the top down: split by the column that saves most, pool what is too small.

use super::group::World;

/// A group on its way down.
struct Open {
    rows: Vec<u32>,
    /// Level of each column, from the top.
    levels: Vec<u8>,
    /// Columns that no longer split it, as bits.
    dead: u64,
}

/// Where a column would split a group.
struct Cut {
    gain: f64,
    column: usize,
    good: Vec<Vec<u32>>,
    pool: Vec<u32>,
}

pub(super) fn top_down(world: &World<'_, '_>, all: Vec<u32>, seed: u64) -> Vec<Vec<u32>> {
    let columns = world.columns.len();
    let mut done = Vec::new();
    let mut random = seed;
    let mut open = vec![Open { rows: all, levels: vec![0; columns], dead: 0 }];
    let mut buckets = Buckets::default();
    while let Some(mut group) = open.pop() {
        sink(world, &mut group);
        let best = (0..columns)
            .filter(|column| group.dead >> (column % 64) & 1 == 0)
            .filter_map(|column| Some((promise(world, &group, column, &mut buckets)?, column)))
            .collect::<Vec<_>>();
        match choose(world, &group, best, &mut buckets, &mut random) {
            None => done.push(group.rows),
            Some(cut) => {
                let mut levels = group.levels.clone();
                levels[cut.column] += 1;
                if !cut.pool.is_empty() {
                    open.push(Open { rows: cut.pool, levels: group.levels, dead: group.dead | 1 << (cut.column % 64) });
                }
                open.extend(cut.good.into_iter().map(|rows| Open { rows, levels: levels.clone(), dead: group.dead }));
            }
        }
    }
    done
}

/// Levels go down as long as all rows go the same way.
fn sink(world: &World<'_, '_>, group: &mut Open) {
    for (at, column) in world.columns.iter().enumerate() {
        let (low, high) = world.range(at, &group.rows);
        while let Some(level) = column.levels.get(usize::from(group.levels[at]) + 1) {
            if level[low as usize] != level[high as usize] {
                break;
            }
            group.levels[at] += 1;
        }
    }
}

#[derive(Default)]
struct Buckets {
    count: Vec<u32>,
    touched: Vec<u32>,
}

/// What a split by a column would save if all parts that are large enough were fit; `None` if there is nothing to split.
fn promise(world: &World<'_, '_>, group: &Open, at: usize, buckets: &mut Buckets) -> Option<f64> {
    let column = &world.columns[at];
    let level = column.levels.get(usize::from(group.levels[at]) + 1)?;
    buckets.count.resize(buckets.count.len().max(column.leaves), 0);
    let (mut low, mut high) = (u32::MAX, 0);
    for row in &group.rows {
        let leaf = world.row(*row)[at];
        (low, high) = (low.min(leaf), high.max(leaf));
        let count = &mut buckets.count[level[leaf as usize] as usize];
        if *count == 0 {
            buckets.touched.push(leaf);
        }
        *count += 1;
    }
    let now = column.width(low, high);
    let mut gain = 0.0;
    let mut is_split = false;
    for leaf in buckets.touched.drain(..) {
        let code = level[leaf as usize] as usize;
        let count = std::mem::take(&mut buckets.count[code]);
        if count as usize >= world.least {
            is_split = true;
            // the width below is that of the value, not of the rows in it: cheap, and near enough to choose by
            let first = level.partition_point(|other| (*other as usize) < code) as u32;
            let last = level.partition_point(|other| (*other as usize) <= code) as u32 - 1;
            gain += f64::from(count) * f64::from(now - column.width(first, last));
        }
    }
    is_split.then_some(gain)
}

/// The best cut that works out, by promise.
fn choose(world: &World<'_, '_>, group: &Open, mut by: Vec<(f64, usize)>, buckets: &mut Buckets, random: &mut u64) -> Option<Cut> {
    by.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best: Option<Cut> = None;
    for (promise, column) in by {
        if best.as_ref().is_some_and(|best| best.gain >= promise) {
            break; // a cut never saves more than it promised
        }
        if let Some(cut) = cut(world, group, column, buckets, random)
            && best.as_ref().is_none_or(|best| cut.gain > best.gain)
        {
            best = Some(cut);
        }
    }
    best
}

fn cut(world: &World<'_, '_>, group: &Open, at: usize, buckets: &mut Buckets, random: &mut u64) -> Option<Cut> {
    let column = &world.columns[at];
    let level = column.levels.get(usize::from(group.levels[at]) + 1)?;
    let (low, high) = world.range(at, &group.rows);
    let now = column.width(low, high);
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for row in &group.rows {
        let leaf = world.row(*row)[at];
        let count = &mut buckets.count[level[leaf as usize] as usize];
        if *count == 0 {
            parts.push(Vec::new());
            *count = parts.len() as u32;
            buckets.touched.push(level[leaf as usize]);
        }
        parts[*count as usize - 1].push(*row);
    }
    for code in buckets.touched.drain(..) {
        buckets.count[code as usize] = 0;
    }
    let (mut good, small): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| world.is_fit(part));
    let mut pool = small.concat();
    if good.is_empty() || !top_up(world, &mut good, &mut pool, random) {
        return None;
    }
    let saved = |part: &Vec<u32>| {
        let (low, high) = world.range(at, part);
        part.len() as f64 * f64::from(now - column.width(low, high))
    };
    let gain = good.iter().map(saved).sum();
    Some(Cut { gain, column: at, good, pool })
}

/// Fills the pool from the largest parts until it is fit. Which rows go is random.
fn top_up(world: &World<'_, '_>, good: &mut [Vec<u32>], pool: &mut Vec<u32>, random: &mut u64) -> bool {
    if pool.is_empty() || world.is_fit(pool) {
        return true;
    }
    good.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let mut filled = world.tally(pool);
    for part in good {
        let mut left = world.tally(part);
        let mut refused = 0;
        while part.len() > world.least && refused < 8 {
            *random = step(*random);
            let at = (*random >> 33) as usize % part.len();
            let row = part.swap_remove(at);
            world.remove(&mut left, row);
            if !world.is_size_all() && !world.fits(&left) {
                world.add(&mut left, row);
                part.push(row);
                refused += 1;
                continue;
            }
            world.add(&mut filled, row);
            pool.push(row);
            if world.fits(&filled) {
                return true;
            }
        }
    }
    false
}

/// A linear congruential step (Knuth's MMIX); only breaks ties, the seed comes from a cryptographic generator.
pub(super) fn step(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
