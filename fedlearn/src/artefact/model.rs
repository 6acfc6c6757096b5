//! A model as plain numbers: what training hands over, and what every export is held against.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::evaluate::data;

/// More of anything is refused: columns, outputs, nodes of a tree.
const MOST: usize = 1 << 24;

/// A function of a layer's or an ensemble's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Probabilities over the outputs.
    Softmax,
    /// `exp(x)`: the mean of a Poisson model.
    Exp,
}

impl Activation {
    fn apply(self, sums: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Relu => sums.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::Sigmoid => sums.iter_mut().for_each(|x| *x = 1.0 / (1.0 + (-*x).exp())),
            Self::Tanh => sums.iter_mut().for_each(|x| *x = x.tanh()),
            Self::Exp => sums.iter_mut().for_each(|x| *x = x.exp()),
            Self::Softmax => {
                let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                sums.iter_mut().for_each(|x| *x = (*x - most).exp());
                let all: f64 = sums.iter().sum();
                sums.iter_mut().for_each(|x| *x /= all);
            }
        }
    }
}

/// Layers one after the other. One layer is a linear, logistic, softmax or Poisson regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// `(x - mean) / deviation`, cut off at the limits, for each column; empty for none.
    pub scaling: Vec<crate::feature::prepare::Scaler>,
    /// At least one.
    pub layers: Vec<Layer>,
}

/// `activation(W x + b)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[outputs, inputs]`, row by row.
    pub weights: Vec<f64>,
    /// `[outputs]`.
    pub bias: Vec<f64>,
    /// What follows.
    pub activation: Activation,
}

impl Layer {
    /// Columns that it takes.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        match self.weights.len().checked_div(self.bias.len()) {
            Some(inputs) => inputs,
            None => 0,
        }
    }
}

/// A decision tree: node 0 is the root; children come after their parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Output to which the value of the leaf is added.
    pub output: u32,
    /// Column of each node; -1 for a leaf.
    pub column: Vec<i32>,
    /// A value below it goes left; 0 for a leaf.
    pub threshold: Vec<f64>,
    /// Left child; 0 for a leaf.
    pub left: Vec<u32>,
    /// Right child; 0 for a leaf.
    pub right: Vec<u32>,
    /// Whether a missing value goes left.
    pub missing_left: Vec<bool>,
    /// Value of a leaf, learning rate included; 0 elsewhere.
    pub value: Vec<f64>,
}

/// Trees that are added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trees {
    /// Columns of a row.
    pub columns: u32,
    /// What the sums begin with, one for each output.
    pub base: Vec<f64>,
    /// The trees.
    pub trees: Vec<Tree>,
    /// What follows the sums.
    pub activation: Activation,
}

/// A model that one party may have whole. Models of vertical training stay split and are not exported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Dense layers.
    Network(Network),
    /// Gradient-boosted trees.
    Trees(Trees),
    /// A score card; its one output is the score.
    Scorecard(crate::feature::Scorecard),
}

impl Model {
    /// Columns of a row, and numbers that are predicted for it.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Network(network) => {
                [network.layers.first().map_or(0, Layer::inputs), network.layers.last().map_or(0, |layer| layer.bias.len())]
            }
            Self::Trees(trees) => [trees.columns as usize, trees.base.len()],
            Self::Scorecard(card) => [card.features.len(), 1],
        }
    }

    /// Refuses what does not fit together, and numbers that are none: for models from a file or from training.
    ///
    /// # Errors
    /// [`crate::Error::Data`] saying what.
    pub fn check(&self) -> Result<()> {
        let problem = match self {
            Self::Network(network) => network.problem(),
            Self::Trees(trees) => trees.problem(),
            Self::Scorecard(card) => {
                let fits = |feature: &crate::feature::scorecard::Feature| {
                    feature.points.len() == feature.table.woe.len() && feature.points.len() == feature.table.binning.bins()
                };
                (card.features.is_empty() || !card.features.iter().all(fits)).then_some("points, weights and bins differ in number")
            }
        };
        problem.map_or(Ok(()), |problem| Err(data("model", problem, "export it again from its training")))
    }

    /// What the model says about a row, in 64-bit arithmetic: the reference of every export.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for another number of columns or a model that does not pass [`Self::check`].
    pub fn predict(&self, row: &[f64]) -> Result<Vec<f64>> {
        if row.len() != self.shape()[0] {
            return Err(data("row", format!("{} values for {} columns", row.len(), self.shape()[0]), "pass all columns in order"));
        }
        self.check()?;
        Ok(match self {
            Self::Network(network) => network.predict(row),
            Self::Trees(trees) => trees.predict(row),
            Self::Scorecard(card) => vec![card.score(row)? as f64],
        })
    }
}

impl Network {
    fn problem(&self) -> Option<&'static str> {
        let mut width = self.layers.first().map_or(0, Layer::inputs);
        if !(1..=MOST).contains(&width) {
            return Some("no layers, or one without weights");
        }
        if !self.scaling.is_empty() && self.scaling.len() != width {
            return Some("another number of scalings than of columns");
        }
        let scales = |scaler: &crate::feature::prepare::Scaler| {
            scaler.mean.is_finite() && scaler.deviation > 0.0 && scaler.deviation.is_finite() && scaler.limit > 0.0
        };
        if !self.scaling.iter().all(scales) {
            return Some("a scaling without a deviation");
        }
        for layer in &self.layers {
            if layer.bias.is_empty() || layer.bias.len() > MOST || width.checked_mul(layer.bias.len()) != Some(layer.weights.len()) {
                return Some("a layer's weights do not fit the layer before it");
            }
            if !layer.weights.iter().chain(&layer.bias).all(|weight| weight.is_finite()) {
                return Some("a weight is not a finite number");
            }
            width = layer.bias.len();
        }
        None
    }

    fn predict(&self, row: &[f64]) -> Vec<f64> {
        let mut values: Vec<f64> = row.to_vec();
        for (value, scaler) in values.iter_mut().zip(&self.scaling) {
            *value = scaler.scale(*value);
        }
        for layer in &self.layers {
            let dot = |weights: &[f64]| weights.iter().zip(&values).map(|(weight, value)| weight * value).sum::<f64>();
            let mut sums: Vec<f64> =
                layer.weights.chunks(values.len()).zip(&layer.bias).map(|(weights, bias)| dot(weights) + bias).collect();
            layer.activation.apply(&mut sums);
            values = sums;
        }
        values
    }
}

impl Trees {
    fn problem(&self) -> Option<&'static str> {
        let columns = self.columns as usize;
        if !(1..=MOST).contains(&columns) || self.base.is_empty() || !self.base.iter().all(|base| base.is_finite()) {
            return Some("no columns, or no finite base for each output");
        }
        self.trees.iter().find_map(|tree| tree.problem(columns, self.base.len()))
    }

    fn predict(&self, row: &[f64]) -> Vec<f64> {
        let mut sums = self.base.clone();
        for tree in &self.trees {
            sums[tree.output as usize] += tree.value[tree.leaf(row)];
        }
        self.activation.apply(&mut sums);
        sums
    }
}

impl Tree {
    fn problem(&self, columns: usize, outputs: usize) -> Option<&'static str> {
        let n = self.column.len();
        let lens = [self.threshold.len(), self.left.len(), self.right.len(), self.missing_left.len(), self.value.len()];
        if n == 0 || n > MOST || lens.iter().any(|len| *len != n) {
            return Some("a tree without nodes, or with lists of different lengths");
        }
        if self.output as usize >= outputs {
            return Some("a tree for an output that is not there");
        }
        if !self.threshold.iter().chain(&self.value).all(|value| value.is_finite()) {
            return Some("a threshold or a leaf is not a finite number");
        }
        // children after their parents: every walk ends
        let is_node = |at: usize| {
            let child = |child: u32| child as usize > at && (child as usize) < n;
            match usize::try_from(self.column[at]) {
                Ok(column) => column < columns && child(self.left[at]) && child(self.right[at]),
                Err(_) => self.column[at] == -1,
            }
        };
        if (0..n).all(is_node) { None } else { Some("a node names a column or a child that is not there") }
    }

    /// Leaf of a row. INVARIANT: the tree is checked and the row long enough.
    fn leaf(&self, row: &[f64]) -> usize {
        let mut at = 0;
        while let Ok(column) = usize::try_from(self.column[at]) {
            let value = row[column];
            let goes_left = if value.is_nan() { self.missing_left[at] } else { value < self.threshold[at] };
            at = if goes_left { self.left[at] } else { self.right[at] } as usize;
        }
        at
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn stump() -> Tree {
        Tree {
            output: 0,
            column: vec![1, -1, -1],
            threshold: vec![0.5, 0.0, 0.0],
            left: vec![1, 0, 0],
            right: vec![2, 0, 0],
            missing_left: vec![true, false, false],
            value: vec![0.0, -1.0, 2.0],
        }
    }

    #[test]
    fn trees_are_walked() {
        let trees = Trees { columns: 2, base: vec![0.25], trees: vec![stump(), stump()], activation: Activation::Identity };
        let model = Model::Trees(trees.clone());
        assert_eq!(model.predict(&[0.0, 0.4]).unwrap(), [-1.75]);
        assert_eq!(model.predict(&[0.0, 0.5]).unwrap(), [4.25]);
        assert_eq!(model.predict(&[0.0, f64::NAN]).unwrap(), [-1.75]);
        assert!(model.predict(&[0.0]).is_err());
        // a walk that would not end, and lists that do not fit
        for spoil in [|tree: &mut Tree| tree.left[0] = 0, |tree: &mut Tree| tree.column[0] = 7, |tree: &mut Tree| tree.value.truncate(1)] {
            let mut spoilt = trees.clone();
            spoil(&mut spoilt.trees[0]);
            assert!(Model::Trees(spoilt).check().is_err());
        }
    }

    #[test]
    fn layers_have_to_fit() {
        let layer = |weights: &[f64], bias: &[f64], activation| Layer { weights: weights.to_vec(), bias: bias.to_vec(), activation };
        let hidden = layer(&[1.0, -1.0, 0.5, 0.5], &[0.0, -1.0], Activation::Relu);
        let output = layer(&[2.0, 3.0], &[0.5], Activation::Identity);
        let model = Model::Network(Network { scaling: Vec::new(), layers: vec![hidden.clone(), output.clone()] });
        assert_eq!((model.shape(), model.predict(&[3.0, 1.0]).unwrap()), ([2, 1], vec![4.0 + 3.0 + 0.5]));
        assert!(Model::Network(Network { scaling: Vec::new(), layers: vec![output, hidden] }).check().is_err());
        let not_a_number = layer(&[f64::NAN], &[0.0], Activation::Identity);
        assert!(Model::Network(Network { scaling: Vec::new(), layers: vec![not_a_number] }).check().is_err());
        assert!(Model::Network(Network { scaling: Vec::new(), layers: Vec::new() }).check().is_err());
    }

    #[test]
    fn probabilities_add_up() {
        let mut sums = [1000.0, 1001.0, 999.0];
        Activation::Softmax.apply(&mut sums);
        assert!((sums.iter().sum::<f64>() - 1.0).abs() < 1e-12 && sums[1] > sums[0]);
    }
}
