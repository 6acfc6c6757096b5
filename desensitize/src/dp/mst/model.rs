//! A tree-shaped distribution fitted to noisy counts: everything here works on noisy numbers only.
//!
//! The marginals of the model minimise the sum of squared deviations over the variances. Entropic mirror descent
//! (McKenna, Sheldon & Miklau 2019, "Graphical-model based estimation", Algorithm 1 with line search): potentials of the edges move
//! against the gradient, and exact marginals follow by passing messages up and down the tree.

use rand_chacha::rand_core::CryptoRng;

use super::super::noise::Bits;
use super::counts::Compressed;

const STEPS: usize = 400;

/// A measured pair, counts row by row of column `a`.
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) noisy: Vec<f64>,
}

/// An edge seen from the root.
struct Edge {
    parent: usize,
    child: usize,
    /// Noisy counts, row by row of the parent.
    noisy: Vec<f64>,
    weight: f64,
}

/// The fitted tree.
pub(super) struct Model {
    sizes: Vec<usize>,
    /// Parents before children.
    edges: Vec<Edge>,
    single: Vec<Vec<f64>>,
    joint: Vec<Vec<f64>>,
}

/// Potentials in logarithms.
#[derive(Clone)]
struct Potentials {
    single: Vec<Vec<f64>>,
    joint: Vec<Vec<f64>>,
}

impl Model {
    pub(super) fn fit(measured: &[Compressed], pairs: &[Pair], total: f64, deviation_single: f64, deviation_pair: f64) -> Self {
        let sizes: Vec<usize> = measured.iter().map(Compressed::len).collect();
        let edges = orient(&sizes, pairs, total, (deviation_single / deviation_pair).powi(2));
        let target: Vec<Vec<f64>> = measured.iter().map(|column| column.noisy.iter().map(|count| count / total).collect()).collect();
        let mut model = Self { sizes, edges, single: Vec::new(), joint: Vec::new() };
        let mut potentials = Potentials {
            single: target.iter().map(|column| column.iter().map(|share| share.max(1e-9).ln()).collect()).collect(),
            joint: model.edges.iter().map(|edge| vec![0.0; edge.noisy.len()]).collect(),
        };
        model.infer(&potentials);
        let (mut loss, mut rate) = (model.loss(&target), 1.0);
        for _ in 0..STEPS {
            let next = model.moved(&potentials, &target, rate);
            let before = (std::mem::take(&mut model.single), std::mem::take(&mut model.joint));
            model.infer(&next);
            let found = model.loss(&target);
            if found <= loss {
                (potentials, rate) = (next, rate * 1.5);
                if loss - found <= 1e-12 * loss {
                    break;
                }
                loss = found;
            } else {
                (model.single, model.joint) = before;
                rate /= 3.0;
            }
        }
        model
    }

    fn loss(&self, target: &[Vec<f64>]) -> f64 {
        let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let singles: f64 = self.single.iter().zip(target).map(|(found, target)| square(found, target)).sum();
        singles + self.joint.iter().zip(&self.edges).map(|(found, edge)| edge.weight * square(found, &edge.noisy)).sum::<f64>()
    }

    fn moved(&self, from: &Potentials, target: &[Vec<f64>], rate: f64) -> Potentials {
        let mut next = from.clone();
        let shift = |potential: &mut [f64], found: &[f64], target: &[f64], weight: f64| {
            for ((potential, found), target) in potential.iter_mut().zip(found).zip(target) {
                *potential -= rate * weight * (found - target);
            }
        };
        for ((potential, found), target) in next.single.iter_mut().zip(&self.single).zip(target) {
            shift(potential, found, target, 1.0);
        }
        for ((potential, found), edge) in next.joint.iter_mut().zip(&self.joint).zip(&self.edges) {
            shift(potential, found, &edge.noisy, edge.weight);
        }
        next
    }

    /// Exact marginals: messages from the leaves to the root, then tables from the root down.
    fn infer(&mut self, potentials: &Potentials) {
        let mut belief = potentials.single.clone();
        let mut messages = Vec::with_capacity(self.edges.len());
        for (edge, joint) in self.edges.iter().zip(&potentials.joint).rev() {
            let size = self.sizes[edge.child];
            let message: Vec<f64> =
                joint.chunks(size).map(|row| log_sum(row.iter().zip(&belief[edge.child]).map(|(a, b)| a + b))).collect();
            for (belief, message) in belief[edge.parent].iter_mut().zip(&message) {
                *belief += message;
            }
            messages.push(message);
        }
        messages.reverse();
        let is_child: Vec<bool> = (0..self.sizes.len()).map(|column| self.edges.iter().any(|edge| edge.child == column)).collect();
        self.single = belief.iter().zip(&is_child).map(|(belief, child)| if *child { Vec::new() } else { softmax(belief) }).collect();
        self.joint = Vec::with_capacity(self.edges.len());
        for ((edge, joint), message) in self.edges.iter().zip(&potentials.joint).zip(&messages) {
            let size = self.sizes[edge.child];
            let mut table = Vec::with_capacity(joint.len());
            let mut marginal = vec![0.0; size];
            for ((row, message), parent) in joint.chunks(size).zip(message).zip(&self.single[edge.parent]) {
                for ((potential, belief), marginal) in row.iter().zip(&belief[edge.child]).zip(&mut marginal) {
                    let mass = parent * (potential + belief - message).exp();
                    *marginal += mass;
                    table.push(mass);
                }
            }
            self.single[edge.child] = marginal;
            self.joint.push(table);
        }
    }

    /// Rows drawn from the model: column by column, shares of each group rounded at random so that the counts fit.
    pub(super) fn draw<R: CryptoRng + ?Sized>(&self, rows: usize, bits: &mut Bits<'_, R>) -> Vec<Vec<u32>> {
        let mut drawn: Vec<Vec<u32>> = vec![Vec::new(); self.sizes.len()];
        for (column, values) in drawn.iter_mut().enumerate() {
            if !self.edges.iter().any(|edge| edge.child == column) {
                *values = apportion(&self.single[column], rows, bits);
            }
        }
        for (edge, table) in self.edges.iter().zip(&self.joint) {
            let size = self.sizes[edge.child];
            let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.sizes[edge.parent]];
            for (row, value) in drawn[edge.parent].iter().enumerate() {
                groups[*value as usize].push(row);
            }
            let mut values = vec![0u32; rows];
            for (group, weights) in groups.iter().zip(table.chunks(size)) {
                for (row, value) in group.iter().zip(apportion(weights, group.len(), bits)) {
                    values[*row] = value;
                }
            }
            drawn[edge.child] = values;
        }
        drawn
    }
}

/// The tree (or forest) from its first column outwards.
fn orient(sizes: &[usize], pairs: &[Pair], total: f64, weight: f64) -> Vec<Edge> {
    let mut seen = vec![false; sizes.len()];
    let mut edges = Vec::with_capacity(pairs.len());
    for root in 0..sizes.len() {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut queue = vec![root];
        while let Some(parent) = queue.pop() {
            for pair in pairs {
                let child = if pair.a == parent {
                    pair.b
                } else if pair.b == parent {
                    pair.a
                } else {
                    continue;
                };
                if std::mem::replace(&mut seen[child], true) {
                    continue;
                }
                let width = sizes[pair.b];
                let at = |p: usize, c: usize| if pair.a == parent { p * width + c } else { c * width + p };
                let noisy = (0..sizes[parent]).flat_map(|p| (0..sizes[child]).map(move |c| (p, c)));
                let noisy = noisy.map(|(p, c)| pair.noisy[at(p, c)] / total).collect();
                edges.push(Edge { parent, child, noisy, weight });
                queue.push(child);
            }
        }
    }
    edges
}

/// `count` values in random order whose frequencies are the weights', rounded at random.
fn apportion<R: CryptoRng + ?Sized>(weights: &[f64], count: usize, bits: &mut Bits<'_, R>) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    if count == 0 || weights.is_empty() {
        return Vec::new();
    }
    let mut values = Vec::with_capacity(count);
    // systematic sampling: one random offset, equal steps
    let offset = (bits.word() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut reached, mut value) = (0.0, 0u32);
    for (index, weight) in (0u32..).zip(weights) {
        reached += if sum > 0.0 { weight / sum } else { 1.0 / weights.len() as f64 } * count as f64;
        value = index;
        while values.len() < count && (values.len() as f64 + offset) < reached {
            values.push(index);
        }
    }
    values.resize(count, value);
    for at in (1..values.len()).rev() {
        values.swap(at, bits.below(at as u64 + 1) as usize);
    }
    values
}

fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY { top } else { top + values.map(|value| (value - top).exp()).sum::<f64>().ln() }
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let total = log_sum(values.iter().copied());
    values.iter().map(|value| (value - total).exp()).collect()
}
