//! The audit: every sensitive cell, attacked with everything that is printed.
//!
//! A cell is *open* if two tables are exhibited that fit everything printed and differ from the true one by the protection
//! level, one upwards, one downwards. Such a table proves something about every cell in it. Tables that somebody claims to fit
//! are verified before they count. Where none is known, a linear program looks for one: among hidden cells near the target
//! first (the others held still, which can only make the interval narrower), then among all that hang together with it; only
//! this last answer counts as an exact end of the interval.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::attack::{End, Program, extreme};
use super::deadline;
use super::rules::Need;

/// Hidden cells of one program: near the target, wider, all.
const REACH: [usize; 4] = [80, 400, 2_000, usize::MAX];

/// One published quantity over the cells of a table: the counts, or a sum. Holds true values: no `Debug`.
#[derive(Clone)]
pub struct Quantity {
    /// Its name.
    pub name: String,
    /// Counts: fractions are impossible, and the attacker knows it.
    pub is_whole: bool,
    /// True values of all cells.
    pub values: Vec<f64>,
    /// What the attacker knows every hidden value to be at least.
    pub floor: f64,
    /// Protection levels of the sensitive cells.
    pub needs: BTreeMap<usize, Need>,
}

/// Another table that fits, as displacements from the true one.
pub(crate) type Witness = Vec<(usize, f64)>;

/// How deep the audit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Until every cell is seen to be open or not.
    Proof,
    /// To the exact ends of every interval, at most a thousand protection levels away; for small tables.
    Exact,
}

/// The attacker's interval of a sensitive cell. Not for publication. No `Debug`: it holds what is hidden.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The cell.
    pub cell: usize,
    /// The quantity.
    pub quantity: String,
    /// The number may be as small as this.
    pub low: f64,
    /// And as great as this.
    pub high: f64,
    /// What was asked.
    pub need: Need,
    /// Whether that is reached. `false` also if no program came to an end in time.
    pub is_open: bool,
}

/// What the audit found.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Every sensitive cell in every quantity.
    pub intervals: Vec<Interval>,
    /// Linear programs solved.
    pub programs: u64,
    /// Programs over everything that gave up; their cells count as not protected.
    pub unsolved: u64,
}

impl Audit {
    /// Whether every sensitive cell is proven open.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.intervals.iter().all(|interval| interval.is_open)
    }

    /// The cells that are not.
    pub fn refuted(&self) -> impl Iterator<Item = &Interval> {
        self.intervals.iter().filter(|interval| !interval.is_open)
    }
}

/// Equations among hidden cells.
pub(crate) struct Graph {
    rows: Vec<Vec<(usize, f64)>>,
    of_cell: HashMap<usize, Vec<usize>>,
}

impl Graph {
    pub(crate) fn new(equations: &[Vec<usize>], takes_part: impl Fn(usize) -> bool) -> Self {
        let mut rows = Vec::new();
        let mut of_cell: HashMap<usize, Vec<usize>> = HashMap::new();
        for equation in equations {
            let signed = equation.iter().enumerate().map(|(at, cell)| (*cell, if at == 0 { -1.0 } else { 1.0 }));
            let row: Vec<(usize, f64)> = signed.filter(|(cell, _)| takes_part(*cell)).collect();
            if row.is_empty() {
                continue;
            }
            for (cell, _) in &row {
                of_cell.entry(*cell).or_default().push(rows.len());
            }
            rows.push(row);
        }
        Self { rows, of_cell }
    }

    /// Cells that hang together with one, the nearest first, and whether these are all.
    pub(crate) fn around(&self, cell: usize, most: usize) -> (Vec<usize>, bool) {
        let (mut found, mut seen, mut queue) = (vec![cell], HashSet::from([cell]), VecDeque::from([cell]));
        while let Some(at) = queue.pop_front() {
            for (next, _) in self.of_cell.get(&at).into_iter().flatten().filter_map(|row| self.rows.get(*row)).flatten() {
                if seen.insert(*next) {
                    if found.len() >= most {
                        return (found, false);
                    }
                    found.push(*next);
                    queue.push_back(*next);
                }
            }
        }
        (found, true)
    }

    /// The equations among some cells, all others held still.
    pub(crate) fn rows_among(&self, cells: &[usize]) -> Vec<(Vec<(usize, f64)>, f64)> {
        let place: HashMap<usize, usize> = cells.iter().enumerate().map(|(at, cell)| (*cell, at)).collect();
        let mut numbers: Vec<usize> = cells.iter().filter_map(|cell| self.of_cell.get(cell)).flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let rows = numbers.into_iter().filter_map(|number| self.rows.get(number));
        rows.map(|row| (row.iter().filter_map(|(cell, sign)| Some((*place.get(cell)?, *sign))).collect(), 0.0)).collect()
    }

    /// The cells of a claimed table, if it fits what is printed: those that move by far more than any equation is violated.
    fn fitting<'w>(&self, witness: &'w Witness, quantity: &Quantity) -> impl Iterator<Item = (usize, f64)> + 'w {
        let violation = self.violation(witness, quantity).unwrap_or(f64::INFINITY);
        witness.iter().copied().filter(move |(_, step)| violation <= PRECISE * step.abs())
    }

    /// How far the steps of a claimed table are from adding up; nothing if it cannot be a table at all.
    fn violation(&self, witness: &Witness, quantity: &Quantity) -> Option<f64> {
        let mut sums: HashMap<usize, f64> = HashMap::new();
        let mut seen = HashSet::new();
        for (cell, step) in witness {
            let (rows, value) = self.of_cell.get(cell).zip(quantity.values.get(*cell))?;
            let is_whole = !quantity.is_whole || step.fract() == 0.0;
            let slack = if quantity.is_whole { 0.0 } else { PRECISE * step.abs() };
            if !(value + step >= quantity.floor - slack && is_whole && seen.insert(*cell)) {
                return None;
            }
            for number in rows {
                let row = self.rows.get(*number).map_or(&[][..], Vec::as_slice);
                let sign: f64 = row.iter().filter(|(other, _)| other == cell).map(|(_, sign)| sign).sum();
                *sums.entry(*number).or_default() += sign * step;
            }
        }
        let most = sums.values().fold(0.0_f64, |most, sum| if sum.is_nan() { f64::INFINITY } else { most.max(sum.abs()) });
        (!quantity.is_whole || most == 0.0).then_some(most)
    }
}

/// Attacks every sensitive cell of every quantity. `witnesses` are claimed tables, for each quantity.
pub(crate) fn audit(
    equations: &[Vec<usize>],
    hidden: &[bool],
    quantities: &[Quantity],
    witnesses: &[Vec<Witness>],
    depth: Depth,
    budget: Duration,
) -> Audit {
    let until = deadline(budget);
    let is_hidden = |cell: usize| hidden.get(cell).copied().unwrap_or(false);
    let graph = Graph::new(equations, is_hidden);
    let mut found = Audit::default();
    for (number, quantity) in quantities.iter().enumerate() {
        let mut seen: HashMap<usize, (f64, f64)> = HashMap::new();
        for witness in witnesses.get(number).into_iter().flatten() {
            note(&mut seen, graph.fitting(witness, quantity));
        }
        for (cell, need) in &quantity.needs {
            let value = quantity.values.get(*cell).copied().unwrap_or(f64::NAN);
            if is_hidden(*cell) && value.is_finite() {
                let mut one = Target { graph: &graph, quantity, cell: *cell, value, need: *need, until };
                one.attack(depth, &mut seen, &mut found);
            }
            let (low, high) = seen.get(cell).copied().filter(|_| is_hidden(*cell)).unwrap_or((0.0, 0.0));
            let is_open = is_hidden(*cell) && value.is_finite() && is_enough(high, need.up) && is_enough(-low, need.down);
            let (name, low, high) = (quantity.name.clone(), value + low, value + high);
            found.intervals.push(Interval { cell: *cell, quantity: name, low, high, need: *need, is_open });
        }
    }
    found
}

fn is_enough(reached: f64, needed: f64) -> bool {
    reached >= needed * (1.0 - 1e-6)
}

/// Equations of sums may be off by so much of a step that is still believed. Relative to the step, not to the largest number of the
/// table: beside a giant a small cell would otherwise seem to move within the giant's rounding.
const PRECISE: f64 = 1e-6;

/// Other cells move at most by so many times the distance asked: this can only make intervals narrower, and keeps giants out of the
/// solver's tolerances.
const WINDOW: f64 = 1e4;

/// Displacements that are possible, widened by one more table.
fn note(seen: &mut HashMap<usize, (f64, f64)>, steps: impl Iterator<Item = (usize, f64)>) {
    for (cell, step) in steps {
        let (low, high) = seen.entry(cell).or_default();
        (*low, *high) = (low.min(step), high.max(step));
    }
}

struct Target<'a> {
    graph: &'a Graph,
    quantity: &'a Quantity,
    cell: usize,
    value: f64,
    need: Need,
    until: Instant,
}

impl Target<'_> {
    fn attack(&mut self, depth: Depth, seen: &mut HashMap<usize, (f64, f64)>, found: &mut Audit) {
        let far = 1e3 * (self.need.up + self.need.down + 1.0);
        for (end, needed) in [(End::High, self.need.up), (End::Low, self.need.down)] {
            let reached = |seen: &HashMap<usize, (f64, f64)>| {
                seen.get(&self.cell).map_or(0.0, |(low, high)| if end == End::High { *high } else { -*low })
            };
            let stop = if depth == Depth::Exact { far } else { needed };
            for most in REACH.into_iter().skip(if depth == Depth::Exact { REACH.len() - 1 } else { 0 }) {
                if is_enough(reached(seen), stop) {
                    break;
                }
                let (cells, is_all) = self.graph.around(self.cell, most);
                found.programs += 1;
                match self.solve(&cells, end, stop) {
                    Some(point) => note(seen, cells.into_iter().zip(point)),
                    None => found.unsolved += u64::from(is_all),
                }
                if is_all {
                    break;
                }
            }
        }
    }

    fn solve(&self, cells: &[usize], end: End, stop: f64) -> Option<Vec<f64>> {
        let window = if self.quantity.is_whole { f64::INFINITY } else { WINDOW * stop.abs() };
        let tolerance = PRECISE * stop.abs();
        let floor = |cell: &usize| (self.quantity.floor - self.quantity.values.get(*cell).copied().unwrap_or(0.0)).min(0.0);
        let bounds = cells.iter().map(|cell| (floor(cell).max(-window), window)).collect();
        let program = Program { bounds, rows: self.graph.rows_among(cells) };
        let stop = if end == End::High { stop } else { (-stop).max(self.quantity.floor - self.value) };
        let mut point = extreme(&program, 0, (end, stop), tolerance, self.quantity.is_whole, self.until).ok()?;
        if !self.quantity.is_whole {
            // of the others only what is far above the tolerance says something
            point.iter_mut().skip(1).filter(|step| step.abs() < 1e3 * tolerance).for_each(|step| *step = 0.0);
        }
        Some(point)
    }
}
