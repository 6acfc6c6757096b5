//! A reader and runner of the ONNX files that this crate writes, from the public schema and sharing no code with the writer.

use std::collections::BTreeMap;

/// What a field holds: a number, or bytes.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn bytes(&self) -> &'a [u8] {
        if let Value::Bytes(bytes) = self { bytes } else { panic!("a number where bytes are expected") }
    }

    fn number(&self) -> i64 {
        if let Value::Number(number) = self { number.cast_signed() } else { panic!("bytes where a number is expected") }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }
}

fn variable(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = variable(&mut bytes);
        let value = match key & 7 {
            0 => Value::Number(variable(&mut bytes)),
            2 => {
                let (part, rest) = {
                    let len = variable(&mut bytes) as usize;
                    bytes.split_at(len)
                };
                bytes = rest;
                Value::Bytes(part)
            }
            kind => panic!("kind {kind}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn all<'a>(bytes: &'a [u8], number: u64) -> Vec<Value<'a>> {
    fields(bytes).into_iter().filter(|(field, _)| *field == number).map(|(_, value)| value).collect()
}

fn text(bytes: &[u8], number: u64) -> String {
    all(bytes, number).first().map_or_else(String::new, Value::text)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn ints(mut bytes: &[u8]) -> Vec<i64> {
    let mut ints = Vec::new();
    while !bytes.is_empty() {
        ints.push(variable(&mut bytes).cast_signed());
    }
    ints
}

#[derive(Default)]
struct Node {
    operator: String,
    inputs: Vec<String>,
    output: String,
    int: BTreeMap<String, i64>,
    ints: BTreeMap<String, Vec<i64>>,
    floats: BTreeMap<String, Vec<f32>>,
    strings: BTreeMap<String, Vec<String>>,
}

pub(super) struct Model {
    pub(super) ir: i64,
    pub(super) operators: BTreeMap<String, i64>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) input: usize,
    pub(super) output: usize,
    nodes: Vec<Node>,
    constants: BTreeMap<String, (Vec<i64>, Vec<f32>)>,
}

fn node(bytes: &[u8]) -> Node {
    let mut node = Node {
        operator: text(bytes, 4),
        inputs: all(bytes, 1).iter().map(Value::text).collect(),
        output: text(bytes, 2),
        ..Node::default()
    };
    for attribute in all(bytes, 5) {
        let attribute = attribute.bytes();
        let name = text(attribute, 1);
        match all(attribute, 20)[0].number() {
            2 => node.int.extend([(name, all(attribute, 3)[0].number())]),
            3 => node.strings.extend([(name, vec![text(attribute, 4)])]),
            6 => node.floats.extend([(name, floats(all(attribute, 7)[0].bytes()))]),
            7 => node.ints.extend([(name, ints(all(attribute, 8)[0].bytes()))]),
            8 => node.strings.extend([(name, all(attribute, 9).iter().map(Value::text).collect())]),
            kind => panic!("attribute of kind {kind}"),
        }
    }
    node
}

/// Second axis of a value's shape.
fn columns(value: &[u8]) -> usize {
    let tensor = all(all(value, 2)[0].bytes(), 1)[0].bytes();
    assert_eq!(all(tensor, 1)[0].number(), 1, "32-bit floats");
    let shape = all(tensor, 2)[0].bytes();
    all(all(shape, 1)[1].bytes(), 1)[0].number() as usize
}

impl Model {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let graph = all(bytes, 7)[0].bytes();
        let constant = |tensor: &Value<'_>| {
            let tensor = tensor.bytes();
            assert_eq!(all(tensor, 2)[0].number(), 1);
            (text(tensor, 8), (ints(all(tensor, 1)[0].bytes()), floats(all(tensor, 9)[0].bytes())))
        };
        let pair = |pair: &Value<'_>| (text(pair.bytes(), 1), text(pair.bytes(), 2));
        let set = |set: &Value<'_>| (text(set.bytes(), 1), all(set.bytes(), 2)[0].number());
        Self {
            ir: all(bytes, 1)[0].number(),
            operators: all(bytes, 8).iter().map(set).collect(),
            metadata: all(bytes, 14).iter().map(pair).collect(),
            input: columns(all(graph, 11)[0].bytes()),
            output: columns(all(graph, 12)[0].bytes()),
            nodes: all(graph, 1).iter().map(|bytes| node(bytes.bytes())).collect(),
            constants: all(graph, 5).iter().map(constant).collect(),
        }
    }

    /// One row.
    pub(super) fn run(&self, row: &[f32]) -> Vec<f32> {
        let mut values = BTreeMap::from([("input".to_owned(), row.to_vec())]);
        for node in &self.nodes {
            let x = values[&node.inputs[0]].clone();
            let constant = |at: usize| &self.constants[&node.inputs[at]];
            let each = |of: &dyn Fn(f32, f32) -> f32| x.iter().zip(&constant(1).1).map(|(x, c)| of(*x, *c)).collect::<Vec<f32>>();
            let map = |of: &dyn Fn(f32) -> f32| x.iter().map(|x| of(*x)).collect::<Vec<f32>>();
            let result = match node.operator.as_str() {
                "Sub" => each(&|x, c| x - c),
                "Div" => each(&|x, c| x / c),
                "Max" => each(&f32::max),
                "Min" => each(&f32::min),
                "Relu" => map(&|x| x.max(0.0)),
                "Tanh" => map(&f32::tanh),
                "Exp" => map(&f32::exp),
                "Sigmoid" => map(&|x| 1.0 / (1.0 + (-x).exp())),
                "Softmax" => {
                    let sum: f32 = x.iter().map(|x| x.exp()).sum();
                    map(&|x| x.exp() / sum)
                }
                "Gemm" => {
                    assert_eq!(node.int["transB"], 1);
                    let ((shape, weights), bias) = (constant(1), &constant(2).1);
                    assert_eq!(shape[..], [bias.len() as i64, x.len() as i64]);
                    let dot = |weights: &[f32]| weights.iter().zip(&x).map(|(w, x)| w * x).sum::<f32>();
                    weights.chunks(x.len()).zip(bias).map(|(weights, bias)| dot(weights) + bias).collect()
                }
                "TreeEnsembleRegressor" => node.trees(&x),
                other => panic!("operator {other}"),
            };
            values.insert(node.output.clone(), result);
        }
        values.remove("output").unwrap()
    }
}

impl Node {
    fn trees(&self, x: &[f32]) -> Vec<f32> {
        let ints = |name: &str| &self.ints[name];
        let mut sums = self.floats["base_values"].clone();
        assert_eq!(self.int["n_targets"] as usize, sums.len());
        let place = |tree: i64, node: i64| {
            let nodes = ints("nodes_treeids").iter().zip(ints("nodes_nodeids"));
            nodes.enumerate().find(|(_, (t, n))| (**t, **n) == (tree, node)).unwrap().0
        };
        for tree in 0..=*ints("nodes_treeids").last().unwrap() {
            let mut at = 0;
            loop {
                let here = place(tree, at);
                match self.strings["nodes_modes"][here].as_str() {
                    "LEAF" => break,
                    mode => assert_eq!(mode, "BRANCH_LT"),
                }
                let value = x[ints("nodes_featureids")[here] as usize];
                let is_true = if value.is_nan() {
                    ints("nodes_missing_value_tracks_true")[here] == 1
                } else {
                    value < self.floats["nodes_values"][here]
                };
                at = if is_true { ints("nodes_truenodeids")[here] } else { ints("nodes_falsenodeids")[here] };
            }
            let leaves = ints("target_treeids").iter().zip(ints("target_nodeids"));
            let leaf = leaves.enumerate().find(|(_, (t, n))| (**t, **n) == (tree, at)).unwrap().0;
            sums[ints("target_ids")[leaf] as usize] += self.floats["target_weights"][leaf];
        }
        sums
    }
}
