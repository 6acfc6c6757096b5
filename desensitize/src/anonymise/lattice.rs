//! The lattice of transformations: one level per quasi-identifier, and the loss of each node.

use super::coded::Problem;
use super::hierarchy::Level;
use crate::error::{Error, Result, Text};

/// More nodes than this are refused: their order alone would not fit in memory.
const MOST_NODES: usize = 1 << 26;

/// One column of the lattice.
pub(super) struct Axis<'a> {
    pub(super) height: usize,
    /// Distance in node numbers between two levels.
    pub(super) stride: usize,
    pub(super) levels: &'a [Level],
    /// Loss of each value on each level: (leaves covered - 1) / (all leaves - 1).
    pub(super) loss: Vec<Vec<f64>>,
    /// Sum of the loss of all rows on each level.
    pub(super) sum: Vec<f64>,
    /// Code on level `to` of each code on level `from`: `up[from][to - from - 1]`.
    pub(super) up: Vec<Vec<Vec<u32>>>,
}

pub(super) struct Lattice<'a> {
    pub(super) axes: Vec<Axis<'a>>,
    pub(super) nodes: usize,
    pub(super) rows: f64,
}

impl<'a> Lattice<'a> {
    pub(super) fn new(problem: &Problem<'a>) -> Result<Self> {
        let mut nodes: usize = 1;
        let mut axes = Vec::with_capacity(problem.qis.len());
        for qi in &problem.qis {
            let levels = qi.hierarchy.levels();
            let stride = nodes;
            nodes = nodes.checked_mul(levels.len()).filter(|nodes| *nodes <= MOST_NODES).ok_or_else(too_many)?;
            let mut counts = vec![0u64; qi.hierarchy.leaves()];
            qi.codes.each(|_, code| counts[code as usize] += 1);
            let others = (qi.hierarchy.leaves() - 1).max(1) as f64;
            let loss: Vec<Vec<f64>> =
                levels.iter().map(|level| level.covers.iter().map(|covers| f64::from(covers - 1) / others).collect()).collect();
            let sum = levels
                .iter()
                .zip(&loss)
                .map(|(level, loss)| level.of_leaf.iter().zip(&counts).map(|(code, count)| loss[*code as usize] * *count as f64).sum())
                .collect();
            axes.push(Axis { height: levels.len(), stride, levels, loss, sum, up: climbs(levels) });
        }
        Ok(Self { axes, nodes, rows: problem.rows.max(1) as f64 })
    }

    /// The level of each column at a node.
    pub(super) fn levels(&self, node: usize) -> Vec<usize> {
        self.axes.iter().map(|axis| node / axis.stride % axis.height).collect()
    }

    /// Product over the columns of 1 + loss, no row suppressed: a lower bound of the product with suppression. Grows upward.
    pub(super) fn bounds(&self) -> Vec<f64> {
        let mut bounds = Vec::with_capacity(self.nodes);
        bounds.push(1.0);
        for axis in &self.axes {
            let below = bounds.len();
            for level in 1..axis.height {
                let factor = 1.0 + axis.sum[level] / self.rows;
                bounds.extend_from_within(..below);
                let from = level * below;
                bounds[from..].iter_mut().for_each(|bound| *bound *= factor);
            }
            let factor = 1.0 + axis.sum[0] / self.rows;
            bounds[..below].iter_mut().for_each(|bound| *bound *= factor);
        }
        bounds
    }

    /// The score that users see of a product.
    pub(super) fn score(&self, product: f64) -> f64 {
        product.powf(1.0 / self.axes.len().max(1) as f64) - 1.0
    }
}

fn climbs(levels: &[Level]) -> Vec<Vec<Vec<u32>>> {
    (0..levels.len())
        .map(|from| {
            let climb = |to: &Level| {
                let mut map = vec![0; levels[from].labels.len()];
                for (code, above) in levels[from].of_leaf.iter().zip(&to.of_leaf) {
                    map[*code as usize] = *above;
                }
                map
            };
            levels.iter().skip(from + 1).map(climb).collect()
        })
        .collect()
}

fn too_many() -> Error {
    Error::refused(
        "anonymise.lattice",
        Text::new("more than 2^26 combinations of levels", "泛化级别的组合超过 2^26 种"),
        Text::new("", ""),
        Text::new(
            "use fewer quasi-identifiers or hierarchies of fewer levels, or local recoding",
            "请减少准标识符或层级数，或改用局部重编码",
        ),
    )
}
