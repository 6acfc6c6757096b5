//! Models as ONNX files, written by hand: no other crate, no schema compiler.
//!
//! IR version 8, operators 17 of the standard set and 3 of `ai.onnx.ml`, which every runtime since 2022 reads. Input `input`, output
//! `output`, both `[rows, columns]` of 32-bit floats, any number of rows.
//!
//! | model | nodes |
//! |---|---|
//! | [`Network`] | `Sub`, `Div`, `Max`, `Min` for the scaling; `Gemm` for each layer; `Relu`, `Sigmoid`, `Tanh`, `Softmax` or `Exp` |
//! | [`Trees`] | `TreeEnsembleRegressor` (sums), then as above |
//!
//! **Rounding.** Weights and leaves become 32-bit floats: relative error `2^-24` each. A threshold becomes the least 32-bit float that is
//! not below it, so that 32-bit rows take exactly the branches that [`Model::predict`] takes.
//!
//! The metadata name the artefact's hash, job, authorisation and privacy statement, so that a file that travels alone still says what it
//! is.
//!
//! Layout: `onnx.proto3` of ONNX 1.12 (field numbers in `onnx/proto.rs`).

mod proto;

use proto::{Attribute, Message, Node, Tensor};

use super::document::Artefact;
use super::model::{Activation, Model, Network, Tree, Trees};
use crate::evaluate::data;
use crate::{Error, Result};

/// Operators of the standard set.
const OPERATORS: i64 = 17;
/// Operators of `ai.onnx.ml`.
const ML_OPERATORS: i64 = 3;
/// Their domain.
const ML: &str = "ai.onnx.ml";

/// The artefact's model as an ONNX file.
///
/// # Errors
/// As [`Artefact::check`]; [`Error::Data`] for a score card, or numbers that a 32-bit float does not hold.
pub fn write(artefact: &Artefact) -> Result<Vec<u8>> {
    let hash = artefact.hash()?;
    let [english, chinese] = artefact.privacy.words();
    let metadata = [
        ("yu.artefact", hash.as_str()),
        ("yu.created", &artefact.created),
        ("yu.job", &artefact.lineage.job),
        ("yu.authorisation", &artefact.lineage.authorisation),
        ("yu.privacy", &english),
        ("yu.privacy.zh", &chinese),
        ("yu.inputs", &artefact.inputs.join("\n")),
        ("yu.outputs", &artefact.outputs.join("\n")),
    ];
    graph(&artefact.model)?.file(&artefact.name, artefact.model.shape(), &metadata)
}

/// Nodes in order, each taking what the one before gives, and the constants that they name.
struct Graph {
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
    /// Name of what the last node gives.
    last: String,
    uses_trees: bool,
}

fn graph(model: &Model) -> Result<Graph> {
    let mut graph = Graph { nodes: Vec::new(), constants: Vec::new(), last: "input".into(), uses_trees: false };
    match model {
        Model::Network(network) => graph.network(network)?,
        Model::Trees(trees) => graph.trees(trees)?,
        Model::Scorecard(_) => {
            return Err(data("model", "a score card has no ONNX form", "export it as JSON, or its regression as a network"));
        }
    }
    // nothing but the identity of what was there
    if graph.nodes.is_empty() {
        return Err(Error::caller("a model without nodes"));
    }
    Ok(graph)
}

impl Graph {
    fn node(&mut self, operator: &'static str, constants: Vec<Tensor>, attributes: Vec<Attribute>) {
        let output = format!("value{}", self.nodes.len());
        let mut inputs = vec![std::mem::replace(&mut self.last, output.clone())];
        inputs.extend(constants.iter().map(|constant| constant.name.clone()));
        self.constants.extend(constants);
        let domain = if operator.starts_with("TreeEnsemble") { ML } else { "" };
        self.nodes.push(Node { operator, domain, inputs, output, attributes });
    }

    fn network(&mut self, network: &Network) -> Result<()> {
        if !network.scaling.is_empty() {
            let columns = network.scaling.len();
            let row = |name: &str, of: &dyn Fn(usize) -> f64| Tensor::floats(name, vec![columns], (0..columns).map(of));
            let scaling = &network.scaling;
            self.node("Sub", vec![row("mean", &|at| scaling[at].mean)?], Vec::new());
            self.node("Div", vec![row("deviation", &|at| scaling[at].deviation)?], Vec::new());
            self.node("Max", vec![row("least", &|at| -scaling[at].limit)?], Vec::new());
            self.node("Min", vec![row("most", &|at| scaling[at].limit)?], Vec::new());
        }
        for (at, layer) in network.layers.iter().enumerate() {
            let shape = vec![layer.bias.len(), layer.inputs()];
            let weights = Tensor::floats(&format!("weights{at}"), shape, layer.weights.iter().copied())?;
            let bias = Tensor::floats(&format!("bias{at}"), vec![layer.bias.len()], layer.bias.iter().copied())?;
            // rows times the transposed weights
            self.node("Gemm", vec![weights, bias], vec![Attribute::Int("transB", 1)]);
            self.activation(layer.activation);
        }
        Ok(())
    }

    fn activation(&mut self, activation: Activation) {
        match activation {
            Activation::Identity => {}
            Activation::Relu => self.node("Relu", Vec::new(), Vec::new()),
            Activation::Sigmoid => self.node("Sigmoid", Vec::new(), Vec::new()),
            Activation::Tanh => self.node("Tanh", Vec::new(), Vec::new()),
            Activation::Exp => self.node("Exp", Vec::new(), Vec::new()),
            Activation::Softmax => self.node("Softmax", Vec::new(), vec![Attribute::Int("axis", -1)]),
        }
    }

    fn trees(&mut self, trees: &Trees) -> Result<()> {
        self.uses_trees = true;
        let mut lists = Lists::default();
        for (number, tree) in (0i64..).zip(&trees.trees) {
            lists.add(number, tree)?;
        }
        let base = trees.base.iter().map(|base| single("base", *base)).collect::<Result<_>>()?;
        let attributes = vec![
            Attribute::Ints("nodes_treeids", lists.tree),
            Attribute::Ints("nodes_nodeids", lists.node),
            Attribute::Ints("nodes_featureids", lists.column),
            Attribute::Strings("nodes_modes", lists.mode),
            Attribute::Floats("nodes_values", lists.threshold),
            Attribute::Ints("nodes_truenodeids", lists.left),
            Attribute::Ints("nodes_falsenodeids", lists.right),
            Attribute::Ints("nodes_missing_value_tracks_true", lists.missing_left),
            Attribute::Ints("target_treeids", lists.leaf_tree),
            Attribute::Ints("target_nodeids", lists.leaf),
            Attribute::Ints("target_ids", lists.output),
            Attribute::Floats("target_weights", lists.value),
            Attribute::Int("n_targets", i64::try_from(trees.base.len()).map_err(|_| Error::caller("too many outputs"))?),
            Attribute::Floats("base_values", base),
            Attribute::String("aggregate_function", "SUM"),
            Attribute::String("post_transform", "NONE"),
        ];
        if trees.trees.is_empty() {
            return Err(data("model", "an ensemble without trees", "train it for a round at least"));
        }
        self.node("TreeEnsembleRegressor", Vec::new(), attributes);
        self.activation(trees.activation);
        Ok(())
    }

    /// `ModelProto`.
    fn file(self, name: &str, [columns, outputs]: [usize; 2], metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
        let mut graph = Message::default();
        for (at, node) in self.nodes.iter().enumerate() {
            let is_last = at + 1 == self.nodes.len();
            graph.message(1, &node.message(if is_last { "output" } else { &node.output }));
        }
        graph.text(2, name);
        self.constants.iter().for_each(|tensor| graph.message(5, &tensor.message()));
        graph.message(11, &proto::value("input", columns)?);
        graph.message(12, &proto::value("output", outputs)?);
        let mut model = Message::default();
        model.int(1, 8);
        model.text(2, "yu-fedlearn");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &graph);
        model.message(8, &proto::operators("", OPERATORS));
        if self.uses_trees {
            model.message(8, &proto::operators(ML, ML_OPERATORS));
        }
        metadata.iter().for_each(|(key, value)| model.message(14, &proto::pair(key, value)));
        Ok(model.into_bytes())
    }
}

/// Attributes of a `TreeEnsembleRegressor`, an entry for each node or leaf.
#[derive(Default)]
struct Lists {
    tree: Vec<i64>,
    node: Vec<i64>,
    column: Vec<i64>,
    mode: Vec<&'static str>,
    threshold: Vec<f32>,
    left: Vec<i64>,
    right: Vec<i64>,
    missing_left: Vec<i64>,
    leaf_tree: Vec<i64>,
    leaf: Vec<i64>,
    output: Vec<i64>,
    value: Vec<f32>,
}

impl Lists {
    fn add(&mut self, number: i64, tree: &Tree) -> Result<()> {
        for (at, column) in tree.column.iter().enumerate() {
            let node = i64::try_from(at).map_err(|_| Error::caller("too many nodes"))?;
            let is_leaf = *column < 0;
            self.tree.push(number);
            self.node.push(node);
            self.column.push(i64::from((*column).max(0)));
            self.mode.push(if is_leaf { "LEAF" } else { "BRANCH_LT" });
            self.threshold.push(if is_leaf { 0.0 } else { not_below(tree.threshold[at])? });
            self.left.push(i64::from(tree.left[at]));
            self.right.push(i64::from(tree.right[at]));
            self.missing_left.push(i64::from(!is_leaf && tree.missing_left[at]));
            if is_leaf {
                self.leaf_tree.push(number);
                self.leaf.push(node);
                self.output.push(i64::from(tree.output));
                self.value.push(single("leaf", tree.value[at])?);
            }
        }
        Ok(())
    }
}

/// The nearest 32-bit float.
fn single(what: &str, value: f64) -> Result<f32> {
    let single = value as f32;
    if single.is_finite() { Ok(single) } else { Err(data(what, "a number that a 32-bit float does not hold", "export it as JSON")) }
}

/// The least 32-bit float that is not below: `x < t` holds for the same 32-bit floats `x`.
fn not_below(value: f64) -> Result<f32> {
    let nearest = single("threshold", value)?;
    let up = if f64::from(nearest) < value { nearest.next_up() } else { nearest };
    single("threshold", f64::from(up))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn thresholds_decide_as_before(threshold in -1e6f64..1e6, steps in -3i32..4) {
            let single = not_below(threshold).unwrap();
            let x = f32::from_bits((single.to_bits() as i32 + steps) as u32);
            prop_assert_eq!(x < single, f64::from(x) < threshold);
        }
    }
}
