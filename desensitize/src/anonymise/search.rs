//! Optimal full-domain search (全域重编码).
//!
//! Nodes are visited by their loss without suppression, which bounds the score from below and grows upward. From each
//! undecided node a path is built upward and searched by bisection, as in Flash (Kohlmayer et al., PASSAT 2012): with
//! models under which fewer rows violate after generalisation, a node that must suppress too many rows decides all nodes
//! below it. Class tables are rolled up from the smallest table that is at hand. The search ends when the bound reaches
//! the best score: the result is the optimum, not an approximation of it.

use std::collections::HashSet;

use super::classes::{Classes, Scratch, Sparse, Step};
use super::coded::Problem;
use super::key::Key;
use super::lattice::Lattice;
use super::model::{Class, Model, distinct, measure};
use crate::error::{Error, Result, Text};

/// Class tables are kept for roll-up as long as all of them together hold fewer classes.
const MOST_KEPT: usize = 1 << 23;

/// A roll-up from a table of more classes goes over a table between.
const SMALL: usize = 1024;

/// Products that differ by less are equal but for rounding.
const TIE: f64 = 1e-12;

const INFEASIBLE: u8 = 1;
const FEASIBLE: u8 = 2;
const CHECKED: u8 = 4;

/// The best transformation.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Level of each quasi-identifier, in the order of the specification.
    pub levels: Vec<usize>,
    /// Geometric mean of the losses, 0 to 1.
    pub score: f64,
    /// Rows that are suppressed.
    pub suppressed: u64,
    /// Classes that are released.
    pub classes: u64,
    /// Nodes of the lattice, and how many of them were looked at.
    pub nodes: (u64, u64),
}

/// Finds the transformation with the least loss.
///
/// # Errors
/// `anonymise.no_solution` if none satisfies the models within the suppression limit, `anonymise.keys`, `anonymise.lattice`.
pub fn optimum(problem: &Problem<'_>) -> Result<Optimum> {
    let bits: u32 = problem.qis.iter().map(|qi| width(qi.hierarchy.leaves())).sum();
    if bits <= <u32 as Key>::BITS {
        Search::<u32>::new(problem)?.run()
    } else if bits <= <u64 as Key>::BITS {
        Search::<u64>::new(problem)?.run()
    } else if bits <= <u128 as Key>::BITS {
        Search::<u128>::new(problem)?.run()
    } else {
        Err(Error::refused(
            "anonymise.keys",
            Text::new(format!("the quasi-identifiers need {bits} bits together"), format!("准标识符合计需要 {bits} 位")),
            Text::new("", ""),
            Text::new("keep it to 128 bits: fewer columns or fewer leaves", "请减少列数或叶子取值，使合计不超过 128 位"),
        ))
    }
}

/// Bits of a field.
pub(super) fn width(leaves: usize) -> u32 {
    (usize::BITS - leaves.saturating_sub(1).leading_zeros()).max(1)
}

/// What a check of one node says.
struct Check {
    /// Rows in classes that violate a model for which generalising never makes more rows violate.
    certain: u64,
    /// Rows in classes that violate any.
    all: u64,
    product: f64,
    classes: u64,
}

/// Which node between two is worth a table of its own.
#[derive(Clone, Copy)]
enum Way {
    /// Columns that the node drops are dropped, the others stay.
    Drop,
    /// All columns but one level below the node.
    Near,
}

struct Kept<K> {
    levels: Vec<u8>,
    classes: Classes<K>,
}

struct Search<'p, 'a, K> {
    problem: &'p Problem<'a>,
    lattice: Lattice<'a>,
    bounds: Vec<f64>,
    fields: Vec<(u32, u32)>,
    values: Vec<usize>,
    /// Least size of a class, if that is all that is asked.
    least: Option<u32>,
    /// Suppressed rows that are allowed.
    limit: u64,
    /// Tables for roll-up, smallest first.
    kept: Vec<Kept<K>>,
    kept_classes: usize,
    status: Vec<u8>,
    scratch: Scratch<K>,
    best: Option<(usize, Check)>,
    checks: u64,
}

impl<'p, 'a, K: Key> Search<'p, 'a, K> {
    fn new(problem: &'p Problem<'a>) -> Result<Self> {
        let lattice = Lattice::new(problem)?;
        let mut fields = Vec::with_capacity(problem.qis.len());
        let mut shift = 0;
        for qi in &problem.qis {
            let bits = width(qi.hierarchy.leaves());
            fields.push((shift, u32::MAX >> (32 - bits)));
            shift += bits;
        }
        let bounds = lattice.bounds();
        let limit = (problem.spec.suppression * problem.rows as f64 + 1e-9).floor() as u64;
        let values = problem.sensitive.iter().map(|sensitive| sensitive.reference.shares.len()).collect();
        let status = vec![0; lattice.nodes];
        let sizes = problem.models.iter().map(|(model, _)| if let Model::K { k } = model { Some(*k) } else { None });
        let least = sizes.collect::<Option<Vec<u32>>>().and_then(|sizes| sizes.into_iter().max());
        let mut search = Self {
            problem,
            lattice,
            bounds,
            fields,
            values,
            least,
            limit,
            kept: Vec::new(),
            kept_classes: 0,
            status,
            scratch: Scratch::default(),
            best: None,
            checks: 0,
        };
        let base = search.base();
        search.keep(vec![0; problem.qis.len()], base);
        Ok(search)
    }

    /// The classes of the table as it is.
    fn base(&mut self) -> Classes<K> {
        let (rows, people) = (self.problem.rows, self.problem.people);
        let mut keys = vec![K::default(); rows + people];
        for (qi, (shift, _)) in self.problem.qis.iter().zip(&self.fields) {
            qi.codes.each(|row, code| keys[row] = keys[row].join(K::of(code, *shift)));
            qi.people.each(|row, code| keys[rows + row] = keys[rows + row].join(K::of(code, *shift)));
        }
        let mut each = Classes { keys, rows: vec![1; rows], people: Vec::new(), sensitive: Vec::new() };
        each.rows.resize(rows + people, 0);
        if people > 0 {
            each.people = vec![0; rows];
            each.people.resize(rows + people, 1);
        }
        for sensitive in &self.problem.sensitive {
            let mut start: Vec<u32> = (0u32..).take(rows + 1).collect();
            start.resize(rows + people + 1, rows as u32);
            each.sensitive.push(Sparse { start, entries: sensitive.codes.iter().map(|code| (*code, 1)).collect() });
        }
        each.roll_up(&[], &self.values, &mut self.scratch)
    }

    fn run(mut self) -> Result<Optimum> {
        let mut order: Vec<(u64, u32)> = self.bounds.iter().zip(0u32..).map(|(bound, node)| (bound.to_bits(), node)).collect();
        order.sort_unstable(); // bounds are positive: their bits order as they do
        for (_, node) in order {
            let node = node as usize;
            if self.bounds[node] > self.reach() {
                break;
            }
            match self.status[node] {
                0 => self.bisect(node),
                status if status & (INFEASIBLE | CHECKED) == 0 => self.check(node),
                _ => {}
            }
            // a path may have decided everything above without looking at the node itself
            if self.status[node] & (INFEASIBLE | CHECKED) == 0 && self.bounds[node] <= self.reach() {
                self.check(node);
            }
        }
        let nodes = (self.lattice.nodes as u64, self.checks);
        let Some((node, check)) = self.best else { return Err(no_solution()) };
        Ok(Optimum {
            levels: self.lattice.levels(node),
            score: if self.problem.rows == 0 { 0.0 } else { self.lattice.score(check.product) },
            suppressed: check.all,
            classes: check.classes,
            nodes,
        })
    }

    /// The bound above which a node cannot be as good as the best.
    fn reach(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |(_, check)| check.product * (1.0 + TIE))
    }

    /// Less loss; at equal loss fewer levels altogether, so that the result does not depend on the order of the search.
    fn is_better(&self, node: usize, check: &Check) -> bool {
        let Some((other, best)) = &self.best else { return true };
        let height = |node: usize| (self.lattice.levels(node).iter().sum::<usize>(), node);
        check.product < best.product * (1.0 - TIE) || (check.product <= best.product * (1.0 + TIE) && height(node) < height(*other))
    }

    /// Decides a path from `node` upward through undecided nodes that can still be better than the best.
    fn bisect(&mut self, node: usize) {
        let mut path = vec![node];
        let mut last = node;
        while let Some(next) = self.next(last) {
            path.push(next);
            last = next;
        }
        // once there is a good solution, nearly all that could still be better is infeasible: the end of the path, where
        // tables are smallest, then decides all of it
        let (mut low, mut high) = (0, path.len());
        if self.best.is_some() {
            self.check(last);
            if self.status[last] & INFEASIBLE != 0 {
                return;
            }
            high -= 1;
        }
        while low < high {
            let middle = low.midpoint(high);
            let node = path[middle];
            if self.status[node] & (INFEASIBLE | FEASIBLE) == 0 {
                self.check(node);
            }
            if self.status[node] & INFEASIBLE == 0 {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
    }

    /// The undecided successor with the least bound.
    fn next(&self, node: usize) -> Option<usize> {
        let reach = self.reach();
        let mut next: Option<usize> = None;
        for axis in &self.lattice.axes {
            if node / axis.stride % axis.height + 1 < axis.height {
                let above = node + axis.stride;
                let is_better = next.is_none_or(|next| self.bounds[above] < self.bounds[next]);
                if self.status[above] == 0 && self.bounds[above] <= reach && is_better {
                    next = Some(above);
                }
            }
        }
        next
    }

    fn check(&mut self, node: usize) {
        self.checks += 1;
        let levels: Vec<u8> = self.lattice.levels(node).into_iter().map(|level| level as u8).collect();
        let classes = self.classes(&levels);
        let check = self.judge(&levels, &classes);
        self.status[node] |= CHECKED;
        if check.certain > self.limit {
            self.spread(node, INFEASIBLE);
        } else {
            self.spread(node, FEASIBLE);
            if check.all <= self.limit && self.is_better(node, &check) {
                self.best = Some((node, check));
            }
        }
        self.keep(levels, classes);
    }

    /// Keeps a table if there is room; where it then stands.
    fn keep(&mut self, levels: Vec<u8>, classes: Classes<K>) -> Option<usize> {
        let size = classes.keys.len();
        if self.kept_classes + size > MOST_KEPT && !self.kept.is_empty() {
            return None;
        }
        self.kept_classes += size;
        let place = self.kept.partition_point(|kept| kept.classes.keys.len() < size);
        self.kept.insert(place, Kept { levels, classes });
        Some(place)
    }

    /// The classes of a node, from the smallest table below it. From a large one the way goes over a table between the
    /// two that other nodes will use as well: the columns that the node drops are dropped first.
    fn classes(&mut self, levels: &[u8]) -> Classes<K> {
        let (mut from, _) = self.smallest_below(levels);
        for way in [Way::Drop, Way::Near] {
            if self.kept[from].classes.keys.len() > SMALL
                && let Some(between) = self.between(&self.kept[from].levels, levels, way)
            {
                let classes = self.climb(from, &between);
                from = self.keep(between, classes).unwrap_or(from);
            }
        }
        self.climb(from, levels)
    }

    fn smallest_below(&self, levels: &[u8]) -> (usize, usize) {
        let is_below = |kept: &Kept<K>| kept.levels.iter().zip(levels).all(|(below, level)| below <= level);
        // the table as it is is always kept, and below every node
        let from = self.kept.iter().position(is_below).unwrap_or(self.kept.len() - 1);
        (from, self.kept[from].classes.keys.len())
    }

    /// A node between two, or nothing if it is one of them.
    fn between(&self, low: &[u8], high: &[u8], way: Way) -> Option<Vec<u8>> {
        let step = |((axis, high), low): ((&super::lattice::Axis<'_>, &u8), &u8)| match way {
            Way::Drop if usize::from(*high) + 1 < axis.height => *low,
            Way::Near if usize::from(*high) + 1 < axis.height => (*low).max(high.saturating_sub(1)),
            _ => *high,
        };
        let between: Vec<u8> = self.lattice.axes.iter().zip(high).zip(low).map(step).collect();
        (between != low && between != high).then_some(between)
    }

    fn climb(&mut self, from: usize, levels: &[u8]) -> Classes<K> {
        let from = &self.kept[from];
        let mut steps = Vec::new();
        for (((axis, (shift, mask)), low), high) in self.lattice.axes.iter().zip(&self.fields).zip(&from.levels).zip(levels) {
            let (low, high) = (usize::from(*low), usize::from(*high));
            if low < high {
                let map = (high + 1 < axis.height).then(|| axis.up[low][high - low - 1].as_slice());
                steps.push(Step { shift: *shift, mask: *mask, map });
            }
        }
        from.classes.roll_up(&steps, &self.values, &mut self.scratch)
    }

    fn judge(&self, levels: &[u8], classes: &Classes<K>) -> Check {
        let mut check = Check { certain: 0, all: 0, product: f64::INFINITY, classes: 0 };
        let mut violators: Vec<usize> = Vec::new();
        if let Some(least) = self.least {
            let small = classes.rows.iter().filter(|rows| **rows < least);
            check.certain = small.map(|rows| u64::from(*rows)).sum();
            check.all = check.certain;
            if check.all > self.limit {
                return check;
            }
        }
        for (class, rows) in classes.rows.iter().enumerate() {
            let rows = u64::from(*rows);
            if rows == 0 {
                continue; // people of the population only
            }
            let (is_certain, is_any) = match self.least {
                Some(least) => (false, rows < u64::from(least)),
                None => self.violates(classes, class),
            };
            if !is_any {
                check.classes += 1;
                continue;
            }
            violators.push(class);
            if self.least.is_none() {
                check.certain += if is_certain { rows } else { 0 };
                check.all += rows;
            }
        }
        if check.all > self.limit {
            return check;
        }
        check.product = 1.0;
        for ((axis, level), (shift, mask)) in self.lattice.axes.iter().zip(levels).zip(&self.fields) {
            let level = usize::from(*level);
            let loss = |class: &usize| f64::from(classes.rows[*class]) * axis.loss[level][classes.keys[*class].get(*shift, *mask) as usize];
            let lost: f64 = violators.iter().map(loss).sum();
            check.product *= 1.0 + (axis.sum[level] - lost + check.all as f64) / self.lattice.rows;
        }
        check
    }

    /// Whether a class violates a model that decides the nodes below too, and whether it violates any.
    fn violates(&self, classes: &Classes<K>, class: usize) -> (bool, bool) {
        let (mut is_certain, mut is_any) = (false, false);
        let rows = u64::from(classes.rows[class]);
        let people = classes.people.get(class).map_or(0, |people| u64::from(*people));
        for (model, column) in &self.problem.models {
            let counts = column.and_then(|column| classes.sensitive.get(column)).map_or(&[][..], |sparse| sparse.of(class));
            let reference = column.and_then(|column| self.problem.sensitive.get(column)).map(|sensitive| &sensitive.reference);
            let (_, holds) = measure(model, Class { rows, people, counts }, reference);
            is_any |= !holds;
            // what merging two classes cannot spoil if one of them satisfies it; entropy and recursive diversity imply
            // as many distinct values. Without suppression every model is spoilt by no merge of classes that satisfy it.
            is_certain |= !holds
                && match model {
                    Model::K { .. } | Model::KMap { .. } | Model::DistinctL { .. } => true,
                    _ if self.limit == 0 => true,
                    Model::EntropyL { l, .. } => (distinct(counts) as f64) < l - 1e-9,
                    Model::RecursiveCl { l, .. } => distinct(counts) < u64::from(*l),
                    Model::T { .. } => false,
                };
        }
        (is_certain, is_any)
    }

    /// Marks a node and all below it (infeasible) or above it (feasible).
    fn spread(&mut self, node: usize, mark: u8) {
        let mut open = vec![node];
        self.status[node] |= mark;
        while let Some(node) = open.pop() {
            for axis in &self.lattice.axes {
                let level = node / axis.stride % axis.height;
                let next = match mark {
                    INFEASIBLE if level > 0 => node - axis.stride,
                    FEASIBLE if level + 1 < axis.height => node + axis.stride,
                    _ => continue,
                };
                if self.status[next] & mark == 0 {
                    self.status[next] |= mark;
                    open.push(next);
                }
            }
        }
    }
}

pub(super) fn no_solution() -> Error {
    Error::refused(
        "anonymise.no_solution",
        Text::new("no release of this table satisfies the models", "该表没有任何发布方式能满足所要求的隐私模型"),
        Text::new("", ""),
        Text::new(
            "take more rows, ask for a smaller k or l or a greater t, or allow more suppression",
            "请增加数据行，降低 k 或 l、提高 t，或允许更高的抑制比例",
        ),
    )
}

impl Problem<'_> {
    /// Whether each row is in a class that violates a model at the given levels.
    pub(super) fn violators(&self, levels: &[usize]) -> Result<Vec<bool>> {
        let bits: u32 = self.qis.iter().map(|qi| width(qi.hierarchy.leaves())).sum();
        if bits <= <u64 as Key>::BITS { Search::<u64>::new(self)?.violators(levels) } else { Search::<u128>::new(self)?.violators(levels) }
    }
}

impl<K: Key> Search<'_, '_, K> {
    fn violators(mut self, levels: &[usize]) -> Result<Vec<bool>> {
        let levels: Vec<u8> = levels.iter().map(|level| *level as u8).collect();
        let classes = self.classes(&levels);
        let bad: HashSet<K> =
            (0..classes.keys.len()).filter(|class| self.violates(&classes, *class).1).map(|class| classes.keys[class]).collect();
        let mut keys = vec![K::default(); self.problem.rows];
        for (((qi, axis), (shift, _)), level) in self.problem.qis.iter().zip(&self.lattice.axes).zip(&self.fields).zip(&levels) {
            let of_leaf = &axis.levels[usize::from(*level)].of_leaf;
            qi.codes.each(|row, leaf| keys[row] = keys[row].join(K::of(of_leaf[leaf as usize], *shift)));
        }
        Ok(keys.iter().map(|key| bad.contains(key)).collect())
    }
}
