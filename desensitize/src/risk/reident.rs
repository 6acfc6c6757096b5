//! Prosecutor, journalist and marketer risk, and an attack that links rows.

use std::collections::HashMap;

use serde::Serialize;

use super::{Cells, RiskSpec};
use crate::anonymise::STAR;

/// How likely an attacker is right who looks for one person (prosecutor: known to be in the table; journalist: known to be
/// in the population) or for all of them (marketer).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reidentification {
    /// Number of classes.
    pub classes: u64,
    /// Rows of the smallest class.
    pub smallest: u64,
    /// Rows that are alone in their class.
    pub uniques: u64,
    /// Greatest prosecutor risk of a row: 1 over the smallest class.
    pub prosecutor: f64,
    /// Share of the rows whose prosecutor risk is above the threshold.
    pub above: f64,
    /// Greatest journalist risk: 1 over the fewest people of the population that a class may be; `None` without one.
    pub journalist: Option<f64>,
    /// Expected share of rows that are linked to the right person: classes over rows.
    pub marketer: f64,
}

/// A row of the original is looked up in the release: all rows that could be it are candidates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Linkage {
    /// Rows that were tried.
    pub tried: u64,
    /// Rows with exactly one candidate, which is right.
    pub certain: u64,
    /// Expected share of right guesses when the attacker takes a candidate of the least loss at random.
    pub success: f64,
    /// Mean number of candidates.
    pub candidates: f64,
}

pub(super) fn measure(cells: &Cells, people: Option<&Cells>, spec: &RiskSpec) -> Reidentification {
    let kept: u64 = cells.sizes.iter().map(|size| u64::from(*size)).sum();
    let smallest = cells.sizes.iter().copied().min().map_or(0, u64::from);
    let above: u64 = cells.sizes.iter().map(|size| u64::from(*size)).filter(|size| 1.0 / *size as f64 > spec.threshold + 1e-12).sum();
    let share = |count: u64| if kept == 0 { 0.0 } else { count as f64 / kept as f64 };
    let fewest = people.map(|people| Covers::new(cells, people, spec).fewest());
    Reidentification {
        classes: cells.sizes.len() as u64,
        smallest,
        uniques: cells.sizes.iter().filter(|size| **size == 1).count() as u64,
        prosecutor: if smallest == 0 { 0.0 } else { 1.0 / smallest as f64 },
        above: share(above),
        // a class that no person of the population fits is no protection: the worst is assumed
        journalist: fewest.map(|fewest| if smallest == 0 { 0.0 } else { 1.0 / fewest.max(1) as f64 }),
        marketer: share(cells.sizes.len() as u64),
    }
}

pub(super) fn link(was: &Cells, is: &Cells, spec: &RiskSpec) -> Linkage {
    let covers = Covers::new(is, was, spec);
    let (mut certain, mut success, mut candidates) = (0, 0.0, 0.0);
    for row in 0..was.rows {
        let (all, best, tight) = covers.candidates(row);
        candidates += all as f64;
        let Some(class) = is.class.get(row).copied().flatten() else { continue };
        if best.contains(&class) && tight > 0 {
            success += 1.0 / tight as f64;
            certain += u64::from(all == 1);
        }
    }
    let rows = was.rows.max(1) as f64;
    Linkage { tried: was.rows as u64, certain, success: success / rows, candidates: candidates / rows }
}

type Key = Vec<u32>;

/// Which classes of a release a plain row may be in: for each combination of levels that occurs, the classes by key.
struct Covers<'a> {
    release: &'a Cells,
    plain: &'a Cells,
    /// Levels, the classes at them, and the mean width of their cells.
    shapes: Vec<(Vec<usize>, HashMap<Key, u32>, f64)>,
    /// Per column, level and plain value the number of the released value, if it occurs.
    up: Vec<Vec<Vec<Option<u32>>>>,
}

impl<'a> Covers<'a> {
    fn new(release: &'a Cells, plain: &'a Cells, spec: &RiskSpec) -> Self {
        let mut up = Vec::new();
        let mut level_of: Vec<Vec<usize>> = Vec::new();
        let mut heights = Vec::new();
        for (at, qi) in spec.qis.iter().enumerate() {
            let numbers: HashMap<&str, u32> = release.names[at].iter().map(String::as_str).zip(0..).collect();
            let hierarchy = spec.hierarchies.get(qi);
            let height = hierarchy.map_or(2, |hierarchy| hierarchy.height());
            let climb = |name: &str, level: usize| match hierarchy {
                Some(hierarchy) => hierarchy.generalise(name, level).map(str::to_owned),
                None => Some(if level == 0 { name.to_owned() } else { STAR.to_owned() }),
            };
            let mut levels = vec![0; release.names[at].len()];
            let mut maps = Vec::new();
            for level in 0..height {
                let map: Vec<Option<u32>> =
                    plain.names[at].iter().map(|name| climb(name, level).and_then(|name| numbers.get(name.as_str()).copied())).collect();
                // a name that stands on several levels counts as the widest
                map.iter().flatten().for_each(|number| levels[*number as usize] = level);
                maps.push(map);
            }
            up.push(maps);
            level_of.push(levels);
            heights.push(height);
        }
        let mut shapes: HashMap<Vec<usize>, HashMap<Key, u32>> = HashMap::new();
        let mut seen = vec![false; release.sizes.len()];
        for (row, class) in release.class.iter().enumerate() {
            let Some(class) = *class else { continue };
            if !std::mem::replace(&mut seen[class as usize], true) {
                let key: Key = release.columns.iter().map(|column| column[row]).collect();
                let shape = key.iter().zip(&level_of).map(|(number, levels)| levels[*number as usize]).collect();
                shapes.entry(shape).or_default().insert(key, class);
            }
        }
        let width = |shape: &Vec<usize>| {
            shape.iter().zip(&heights).map(|(level, height): (&usize, &usize)| *level as f64 / (height - 1).max(1) as f64).sum::<f64>()
        };
        let shapes = shapes.into_iter().map(|(shape, keys)| (width(&shape), shape, keys)).map(|(w, s, k)| (s, k, w)).collect();
        Self { release, plain, shapes, up }
    }

    fn class(&self, row: usize, shape: &[usize], keys: &HashMap<Key, u32>) -> Option<u32> {
        let number = |(at, level): (usize, &usize)| self.up[at][*level][self.plain.columns[at][row] as usize];
        let key = shape.iter().enumerate().map(number).collect::<Option<Key>>()?;
        keys.get(&key).copied()
    }

    /// Rows that may be this one, the classes of the narrowest of them, and the rows in those.
    fn candidates(&self, row: usize) -> (u64, Vec<u32>, u64) {
        let (mut all, mut best, mut tight, mut least) = (0, Vec::new(), 0, f64::INFINITY);
        for (shape, keys, width) in &self.shapes {
            let Some(class) = self.class(row, shape, keys) else { continue };
            let size = u64::from(self.release.sizes[class as usize]);
            all += size;
            if *width < least {
                (least, tight) = (*width, 0);
                best.clear();
            }
            if *width <= least {
                best.push(class);
                tight += size;
            }
        }
        (all, best, tight)
    }

    /// The fewest people that a class may be.
    fn fewest(&self) -> u64 {
        let mut people = vec![0u64; self.release.sizes.len()];
        for (shape, keys, _) in &self.shapes {
            for row in 0..self.plain.rows {
                if let Some(class) = self.class(row, shape, keys) {
                    people[class as usize] += 1;
                }
            }
        }
        people.into_iter().min().unwrap_or(0)
    }
}
