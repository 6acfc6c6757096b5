//! Complementary suppression (次级隐藏): which further cells to hide so that sensitive ones cannot be computed back.
//!
//! For each sensitive cell a table is made that fits everything printed and moves the cell by its protection level. Its building
//! stone is the hypercube of Repsilber (1994), carried over to hierarchies: in each dimension a *line* adds to one finest code and
//! takes from another, with all codes between them and their common ancestor; the product of the lines, with alternating
//! signs, leaves every equation as it is. Or a line adds to all codes up to the total. The cheapest product is hidden, what is
//! hidden already being free; several are added up if one does not move far enough. What no product can do (cells that must stay
//! printed are in the way) a linear program does, at the least cost. Last, cells are printed again that later choices have made
//! superfluous.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};

use super::attack::values;
use super::audit::{Graph, Quantity, Witness};
use super::cells::CellTable;

/// Lines looked at in each dimension of a table with one, two, three of them.
const LINES: [usize; 3] = [2_000, 24, 8];

/// Products added up for one end of one interval.
const STEPS: usize = 24;

/// Cells of one repairing program.
const REPAIR: usize = 2_000;

/// Codes of one dimension that go up, and that go down.
struct Line {
    up: Vec<usize>,
    down: Vec<usize>,
}

/// Cells with their signs, and how far they can move.
struct Cube {
    score: f64,
    cells: Vec<(usize, f64)>,
    capacity: f64,
}

/// Whose table: quantity, cell, upwards.
type Whose = (usize, usize, bool);

/// The pattern of hidden cells, as it grows.
pub(crate) struct Pattern<'a> {
    table: &'a CellTable,
    quantities: &'a [Quantity],
    equations: &'a [Vec<usize>],
    /// Must stay printed.
    fixed: Vec<bool>,
    pub(crate) hidden: Vec<bool>,
    tables: BTreeMap<Whose, Witness>,
    /// Built for the first repair.
    graph: Option<Graph>,
    until: Instant,
}

impl<'a> Pattern<'a> {
    pub(crate) fn new(
        (table, equations, quantities): (&'a CellTable, &'a [Vec<usize>], &'a [Quantity]),
        fixed: Vec<bool>,
        hidden: Vec<bool>,
        until: Instant,
    ) -> Self {
        Self { table, quantities, equations, fixed, hidden, tables: BTreeMap::new(), graph: None, until }
    }

    /// The tables that were made, for each quantity.
    pub(crate) fn witnesses(&self) -> Vec<Vec<Witness>> {
        (0..self.quantities.len()).map(|q| self.tables.iter().filter(|((of, ..), _)| *of == q).map(|(_, w)| w.clone()).collect()).collect()
    }

    /// Hides what the sensitive cells need.
    pub(crate) fn protect(&mut self) {
        let quantities = self.quantities;
        for (number, quantity) in quantities.iter().enumerate() {
            let mut cells: Vec<usize> = quantity.needs.keys().copied().collect();
            // marginals first: what they hide serves the cells below
            cells.sort_by_key(|cell| std::cmp::Reverse(self.table.counts().get(*cell).copied()));
            for cell in cells {
                let need = quantity.needs.get(&cell).copied().unwrap_or_default();
                for (is_up, far) in [(true, need.up), (false, need.down)] {
                    let far = if quantity.is_whole { far.ceil() } else { far };
                    if far > 0.0 && Instant::now() < self.until {
                        self.reach((number, cell, is_up), far);
                    }
                }
            }
        }
    }

    fn reach(&mut self, whose: Whose, far: f64) {
        let (reached, mut steps) = self.walk(whose, far);
        if reached < far * (1.0 - 1e-9)
            && let Some(repaired) = self.repair(whose, far)
        {
            steps = repaired;
        }
        for (cell, _) in &steps {
            self.hidden[*cell] = true;
        }
        self.tables.insert(whose, steps);
    }

    /// Adds up cubes. How far they come, and the steps.
    fn walk(&mut self, whose: Whose, far: f64) -> (f64, Witness) {
        let (mut steps, mut reached) = (BTreeMap::<usize, f64>::new(), 0.0);
        let mut opened = Vec::new();
        for _ in 0..STEPS {
            if reached >= far * (1.0 - 1e-9) {
                break;
            }
            let Some(cube) = self.cheapest(whose, far - reached, &steps) else { break };
            let size = cube.capacity.min(far - reached);
            for (cell, sign) in cube.cells {
                *steps.entry(cell).or_default() += sign * size;
                if !std::mem::replace(&mut self.hidden[cell], true) {
                    opened.push(cell);
                }
            }
            reached += size;
        }
        // the caller decides
        for cell in opened {
            self.hidden[cell] = false;
        }
        (reached, steps.into_iter().filter(|(_, step)| *step != 0.0).collect())
    }

    fn cheapest(&self, whose: Whose, far: f64, steps: &BTreeMap<usize, f64>) -> Option<Cube> {
        let lines = self.lines(whose.1);
        let mut choice = vec![0; lines.len()];
        let mut best: Option<Cube> = None;
        loop {
            let picked: Vec<&Line> = lines.iter().zip(&choice).filter_map(|(lines, at)| lines.get(*at)).collect();
            let limit = best.as_ref().map_or(f64::INFINITY, |best| best.score);
            if picked.len() == lines.len()
                && let Some(cube) = self.cube(whose, &picked, far, steps, limit)
            {
                best = Some(cube);
            }
            if best.as_ref().is_some_and(|best| best.score < 1e-6) || !advance(&mut choice, &lines) {
                return best;
            }
        }
    }

    /// The product of lines, unless it costs `limit` for the distance or cannot move at all.
    fn cube(&self, (number, _, is_up): Whose, lines: &[&Line], far: f64, steps: &BTreeMap<usize, f64>, limit: f64) -> Option<Cube> {
        let quantity = self.quantities.get(number)?;
        let mut cells = vec![(0_usize, if is_up { 1.0_f64 } else { -1.0 })];
        for (line, stride) in lines.iter().zip(self.table.strides()) {
            let nodes: Vec<(usize, f64)> = line.up.iter().map(|n| (*n, 1.0)).chain(line.down.iter().map(|n| (*n, -1.0))).collect();
            cells = cells.iter().flat_map(|(at, sign)| nodes.iter().map(move |(node, s)| (at + node * stride, sign * s))).collect();
        }
        let (mut cost, mut capacity) = (1e-9 * cells.len() as f64, f64::INFINITY);
        for (cell, sign) in &cells {
            cost += self.cost(*cell)?;
            if *sign < 0.0 {
                let moved = steps.get(cell).copied().unwrap_or(0.0);
                capacity = capacity.min(quantity.values.get(*cell)? + moved - quantity.floor);
            }
            if cost >= limit {
                return None;
            }
        }
        let capacity = if quantity.is_whole { capacity.floor() } else { capacity };
        let score = cost * (far / capacity).max(1.0);
        (capacity > 0.0 && capacity >= far * 1e-3 && score < limit).then_some(Cube { score, cells, capacity })
    }

    /// What is lost by hiding a cell; `None` if it must stay printed.
    fn cost(&self, cell: usize) -> Option<f64> {
        if *self.hidden.get(cell)? {
            return Some(0.0);
        }
        let count = *self.table.counts().get(cell)?;
        (!*self.fixed.get(cell)?).then(|| 1.0 + 0.25 * (1.0 + count as f64).log2())
    }

    /// Lines through a cell in each dimension, the cheapest first, last those up to the total.
    fn lines(&self, cell: usize) -> Vec<Vec<Line>> {
        let width = LINES.get(self.table.dimensions().len().saturating_sub(1)).copied().unwrap_or(4);
        let each = self.table.dimensions().iter().zip(self.table.strides()).zip(self.table.nodes(cell));
        each.map(|((dimension, stride), node)| {
            let rest = cell - node * stride;
            let price = |nodes: &[usize]| nodes.iter().map(|n| self.cost(rest + n * stride).unwrap_or(1e6)).sum::<f64>();
            let mut own: Vec<Vec<usize>> = dimension.leaves_below(node).into_iter().map(|leaf| dimension.path(leaf)).collect();
            own.sort_by(|a, b| price(a).total_cmp(&price(b)));
            own.truncate(if own.len() > 1 { width.div_ceil(4).min(4) } else { 1 });
            let mut lines: Vec<(f64, Line)> = Vec::new();
            for other in others(dimension, node, width) {
                let down = dimension.path(other);
                for up in &own {
                    let common = up.iter().rev().zip(down.iter().rev()).take_while(|(a, b)| a == b).count();
                    let line = Line { up: up[..up.len() - common].to_vec(), down: down[..down.len() - common].to_vec() };
                    lines.push((price(&line.up) + price(&line.down), line));
                }
            }
            lines.sort_by(|a, b| a.0.total_cmp(&b.0));
            lines.truncate(width);
            let whole = own.into_iter().take(2).map(|up| Line { up, down: Vec::new() });
            lines.into_iter().map(|(_, line)| line).chain(whole).collect()
        })
        .collect()
    }

    /// The cheapest table of all among the cells around: least cost of hiding, weighted by the distance moved.
    fn repair(&mut self, (number, cell, is_up): Whose, far: f64) -> Option<Witness> {
        let quantity = self.quantities.get(number)?;
        let fixed = &self.fixed;
        let graph = self.graph.get_or_insert_with(|| Graph::new(self.equations, |cell| !fixed.get(cell).copied().unwrap_or(true)));
        let (cells, _) = graph.around(cell, REPAIR);
        let rows = graph.rows_among(&cells);
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        problem.set_time_limit(self.until.saturating_duration_since(Instant::now()));
        let mut variables: Vec<Variable> = Vec::with_capacity(2 * cells.len());
        for at in &cells {
            let cost = self.cost(*at)? + 1e-3;
            let below = ((quantity.values.get(*at)? - quantity.floor) / far).max(0.0);
            let one = |most: f64| if *at == cell { (1.0, 1.0) } else { (0.0, most) };
            // in units of the distance
            let (up, down) = match (*at == cell, is_up) {
                (true, false) => ((0.0, 0.0), one(below)),
                (true, true) => (one(1.0), (0.0, 0.0)),
                _ => ((0.0, f64::INFINITY), (0.0, below)),
            };
            variables.push(problem.add_var(cost, up));
            variables.push(problem.add_var(cost, down));
        }
        for (terms, _) in rows {
            let mut sum = LinearExpr::empty();
            for (at, sign) in terms {
                sum.add(*variables.get(2 * at)?, sign);
                sum.add(*variables.get(2 * at + 1)?, -sign);
            }
            problem.add_constraint(sum, ComparisonOp::Eq, 0.0);
        }
        let point = values(&problem, &variables, far).ok()?;
        let steps = cells.iter().zip(point.chunks_exact(2)).filter_map(|(cell, pair)| match pair {
            [up, down] if (up - down).abs() > 1e-7 * far => Some((*cell, up - down)),
            _ => None,
        });
        let near = |step: f64| (step - step.round()).abs() < 1e-4;
        // fractions of counts are left to the audit, which looks for whole numbers among what is hidden
        Some(steps.map(|(cell, step)| (cell, if quantity.is_whole && near(step) { step.round() } else { step })).collect())
    }

    /// Makes every table anew without the cells that it alone needs, and keeps the cheaper one.
    pub(crate) fn thin(&mut self, keep: &[bool]) {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        self.tables.values().flatten().for_each(|(cell, _)| *uses.entry(*cell).or_default() += 1);
        let all: Vec<Whose> = self.tables.keys().copied().collect();
        for whose in all {
            if Instant::now() >= self.until {
                return;
            }
            let Some(old) = self.tables.get(&whose).cloned() else { continue };
            let is_alone = |cell: &usize| uses.get(cell) == Some(&1) && !keep.get(*cell).copied().unwrap_or(true);
            let alone: Vec<usize> = old.iter().map(|(cell, _)| *cell).filter(is_alone).collect();
            let far = old.iter().find(|(cell, _)| *cell == whose.1).map_or(0.0, |(_, step)| step.abs());
            if alone.is_empty() || far == 0.0 {
                continue;
            }
            alone.iter().for_each(|cell| self.hidden[*cell] = false);
            let price = |cells: &mut dyn Iterator<Item = usize>| cells.filter_map(|cell| self.cost(cell)).sum::<f64>();
            let before = price(&mut alone.iter().copied());
            let (reached, new) = self.walk(whose, far);
            let after: f64 = new.iter().filter_map(|(cell, _)| self.cost(*cell)).sum();
            if reached >= far * (1.0 - 1e-9) && after < before {
                old.iter().for_each(|(cell, _)| *uses.entry(*cell).or_default() -= 1);
                for (cell, _) in &new {
                    *uses.entry(*cell).or_default() += 1;
                    self.hidden[*cell] = true;
                }
                self.tables.insert(whose, new);
            } else {
                alone.iter().for_each(|cell| self.hidden[*cell] = true);
            }
        }
    }
}

/// Leaves beside a node, those of the nearest ancestor first.
fn others(dimension: &super::Dimension, node: usize, most: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for pair in dimension.path(node).windows(2) {
        let [below, above] = pair else { continue };
        for child in dimension.children(*above).iter().filter(|child| *child != below) {
            found.extend(dimension.leaves_below(*child));
        }
        if found.len() >= most * 4 {
            break;
        }
    }
    found
}

fn advance(choice: &mut [usize], lines: &[Vec<Line>]) -> bool {
    for (at, lines) in choice.iter_mut().zip(lines).rev() {
        *at += 1;
        if *at < lines.len() {
            return true;
        }
        *at = 0;
    }
    false
}
