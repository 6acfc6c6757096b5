//! Improvement: rows move to groups that cost less; a group whose rows all find a cheaper place is dissolved.
//!
//! Groups are put in an order in which similar ones are near each other, and each looks at its neighbours only. One pass
//! keeps the order in which the split left them, the others sort by the columns, each time beginning with another one.

use super::group::{Tally, World};
use super::split::step;

/// How far a group looks in each direction.
const REACH: usize = 16;
/// Passes, each with its own order.
const PASSES: usize = 1;
/// A gain below this is rounding.
const LEAST_GAIN: f32 = 1e-4;

pub(super) fn improve(world: &World<'_, '_>, groups: &mut Vec<Vec<u32>>, seed: u64) {
    let mut state = State::new(world, std::mem::take(groups));
    let mut order: Vec<usize> = (0..state.rows.len()).collect();
    let mut first = seed;
    for _ in 0..PASSES {
        state.pass(&order);
        first = step(first);
        let columns = world.columns.len();
        let from = (first >> 33) as usize % columns;
        let key = |group: &usize| {
            let ranges = &state.ranges[group * columns..][..columns];
            let turned: Vec<(u32, u32)> = ranges[from..].iter().chain(&ranges[..from]).copied().collect();
            turned
        };
        order.retain(|group| !state.rows[*group].is_empty());
        order.sort_by_cached_key(key);
    }
    *groups = state.rows;
    groups.retain(|rows| !rows.is_empty());
}

struct State<'w, 'p, 'a> {
    world: &'w World<'p, 'a>,
    rows: Vec<Vec<u32>>,
    /// Least and greatest leaf of each column of each group.
    ranges: Vec<(u32, u32)>,
    /// Cost of one row of each group.
    width: Vec<f32>,
    tallies: Vec<Tally>,
}

impl<'w, 'p, 'a> State<'w, 'p, 'a> {
    fn new(world: &'w World<'p, 'a>, rows: Vec<Vec<u32>>) -> Self {
        let columns = world.columns.len();
        let tallies = if world.is_size_all() { Vec::new() } else { rows.iter().map(|rows| world.tally(rows)).collect() };
        let (ranges, width) = (vec![(0, 0); rows.len() * columns], vec![0.0; rows.len()]);
        let mut state = Self { world, rows, ranges, width, tallies };
        for group in 0..state.rows.len() {
            state.measure(group);
        }
        state
    }

    fn measure(&mut self, group: usize) {
        let columns = self.world.columns.len();
        let mut sum = 0.0;
        for (at, column) in self.world.columns.iter().enumerate() {
            let (low, high) = self.world.range(at, &self.rows[group]);
            self.ranges[group * columns + at] = (low, high);
            sum += column.width(low.min(high), high);
        }
        self.width[group] = sum;
    }

    fn pass(&mut self, order: &[usize]) {
        let mut places: Vec<(f32, usize, usize)> = Vec::new();
        for (at, group) in order.iter().copied().enumerate() {
            if self.width[group] == 0.0 || self.rows[group].is_empty() || self.rows[group].len() > 8 * self.world.least {
                continue;
            }
            let near = &order[at.saturating_sub(REACH)..(at + REACH + 1).min(order.len())];
            places.clear();
            for (place, row) in self.rows[group].iter().enumerate() {
                if let Some((cost, target)) = self.cheapest(*row, group, near) {
                    places.push((cost, place, target));
                }
            }
            let size = self.rows[group].len();
            let cost = self.width[group] * size as f32;
            let all: f32 = places.iter().map(|place| place.0).sum();
            if places.len() == size && all < cost - LEAST_GAIN && self.dissolve(group, &places, cost) {
                continue;
            }
            self.move_single(group, &mut places);
        }
    }

    /// The neighbour that takes a row at the least extra cost.
    fn cheapest(&self, row: u32, home: usize, near: &[usize]) -> Option<(f32, usize)> {
        let columns = self.world.columns.len();
        let cells = self.world.row(row);
        let mut best: Option<(f32, usize)> = None;
        for group in near.iter().copied().filter(|group| *group != home && !self.rows[*group].is_empty()) {
            let size = self.rows[group].len() as f32;
            let limit = best.map_or(f32::INFINITY, |best| best.0);
            // the row alone costs what the others cost already
            if self.width[group] >= limit {
                continue;
            }
            let most = (limit + size * self.width[group]) / (size + 1.0);
            let mut sum = 0.0;
            for ((column, leaf), (low, high)) in self.world.columns.iter().zip(cells).zip(&self.ranges[group * columns..]) {
                sum += column.width(*low.min(leaf), *high.max(leaf));
                if sum >= most {
                    break;
                }
            }
            let extra = (size + 1.0) * sum - size * self.width[group];
            if sum < most && extra < limit {
                best = Some((extra, group));
            }
        }
        best
    }

    fn dissolve(&mut self, group: usize, places: &[(f32, usize, usize)], cost: f32) -> bool {
        let rows = self.rows[group].clone();
        let mut targets: Vec<usize> = places.iter().map(|place| place.2).collect();
        targets.sort_unstable();
        targets.dedup();
        let before: Vec<(Vec<u32>, Option<Tally>)> =
            targets.iter().map(|target| (self.rows[*target].clone(), self.tallies.get(*target).cloned())).collect();
        let old: f32 = targets.iter().map(|target| self.cost(*target)).sum();
        for (_, place, target) in places {
            self.put(rows[*place], *target);
        }
        targets.iter().for_each(|target| self.measure(*target));
        let new: f32 = targets.iter().map(|target| self.cost(*target)).sum();
        // several rows in one target may widen it more than each alone, or spoil its models
        if new - old < cost - LEAST_GAIN && targets.iter().all(|target| self.fits(*target)) {
            self.rows[group].clear();
            return true;
        }
        for (target, (rows, tally)) in targets.iter().zip(before) {
            self.rows[*target] = rows;
            if let (Some(slot), Some(tally)) = (self.tallies.get_mut(*target), tally) {
                *slot = tally;
            }
            self.measure(*target);
        }
        false
    }

    /// Moves single rows as long as the group can spare them and the two groups together get cheaper.
    fn move_single(&mut self, group: usize, places: &mut [(f32, usize, usize)]) {
        places.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rows: Vec<u32> = self.rows[group].clone();
        for (_, place, target) in places.iter() {
            if self.rows[group].len() <= self.world.least {
                return;
            }
            let row = rows[*place];
            let old = self.cost(group) + self.cost(*target);
            self.take(row, group);
            self.put(row, *target);
            self.measure(group);
            self.measure(*target);
            let new = self.cost(group) + self.cost(*target);
            if new > old - LEAST_GAIN || !self.fits(group) || !self.fits(*target) {
                self.take(row, *target);
                self.put(row, group);
                self.measure(group);
                self.measure(*target);
            }
        }
    }

    fn cost(&self, group: usize) -> f32 {
        self.width[group] * self.rows[group].len() as f32
    }

    fn fits(&self, group: usize) -> bool {
        self.rows[group].len() >= self.world.least && self.tallies.get(group).is_none_or(|tally| self.world.fits(tally))
    }

    fn put(&mut self, row: u32, group: usize) {
        self.rows[group].push(row);
        if let Some(tally) = self.tallies.get_mut(group) {
            self.world.add(tally, row);
        }
    }

    fn take(&mut self, row: u32, group: usize) {
        if let Some(place) = self.rows[group].iter().rposition(|other| *other == row) {
            self.rows[group].swap_remove(place);
            if let Some(tally) = self.tallies.get_mut(group) {
                self.world.remove(tally, row);
            }
        }
    }
}
