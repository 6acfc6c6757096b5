//! Dimensions: the codes of one column as a tree, with everything at its root.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::refuse;
use crate::error::{Result, Text};

/// Most codes of one dimension: a classification, not an identifier.
pub const MAX_CODES: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    code: String,
    parent: Option<usize>,
    children: Vec<usize>,
}

/// A classification (分类层级) over the values of a column. Leaves are the finest codes that are tabulated; each covers one or
/// more values, and by these the ledger compares the codes of different releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Dimension {
    name: String,
    nodes: Vec<Node>,
    leaf_of: BTreeMap<String, usize>,
    /// Values in the order given: a stored dimension numbers its nodes as the first one did.
    order: Vec<String>,
}

/// As it is stored: each value with its codes, the finest first.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    name: String,
    rows: Vec<Vec<String>>,
}

impl TryFrom<Plain> for Dimension {
    type Error = crate::Error;

    fn try_from(plain: Plain) -> Result<Self> {
        Self::from_rows(&plain.name, &plain.rows)
    }
}

impl From<Dimension> for Plain {
    fn from(d: Dimension) -> Self {
        let rows = d.order.iter().filter_map(|value| d.leaf_of.get_key_value(value)).map(|(value, leaf)| {
            let codes = d.path(*leaf).into_iter().filter(|node| *node != 0).filter_map(|node| d.code(node).map(str::to_owned));
            std::iter::once(value.clone()).chain(codes).collect()
        });
        Self { rows: rows.collect(), name: d.name.clone() }
    }
}

impl Dimension {
    /// One level below the root: every value is a code.
    ///
    /// # Errors
    /// `release.dimension` for no value, a value twice, or more than [`MAX_CODES`].
    pub fn flat<S: AsRef<str>>(name: &str, values: &[S]) -> Result<Self> {
        let rows: Vec<Vec<String>> = values.iter().map(|v| vec![v.as_ref().to_owned(); 2]).collect();
        Self::from_rows(name, &rows)
    }

    /// Whole numbers `first..=last`, cut before each of `edges`.
    ///
    /// # Errors
    /// `release.dimension` if the edges do not rise within the range, or it holds more than [`MAX_CODES`] numbers.
    pub fn bins(name: &str, first: i64, last: i64, edges: &[i64]) -> Result<Self> {
        let is_rising = edges.iter().try_fold(first, |before, edge| (before < *edge && *edge <= last).then_some(*edge)).is_some();
        if !is_rising || last.checked_sub(first).is_none_or(|span| span < 0 || span >= MAX_CODES as i64) {
            return Err(fault(
                name,
                "the edges do not rise within the range, or the range is too long",
                "分界值未在范围内递增，或范围过长",
            ));
        }
        let rows: Vec<Vec<String>> = (first..=last)
            .map(|value| {
                let at = edges.partition_point(|edge| *edge <= value);
                let low = at.checked_sub(1).and_then(|i| edges.get(i)).copied().unwrap_or(first);
                let high = edges.get(at).map_or(last, |edge| edge.saturating_sub(1));
                vec![value.to_string(), format!("{low}..{high}")]
            })
            .collect();
        Self::from_rows(name, &rows)
    }

    /// From rows `[value, finest code, coarser code, ..]`, all of one length; the root is added.
    ///
    /// # Errors
    /// `release.dimension` for no rows, a value twice, rows of different length, a code with two parents, too many codes.
    pub fn from_rows(name: &str, rows: &[Vec<String>]) -> Result<Self> {
        let width = rows.first().map_or(0, Vec::len);
        if name.is_empty() || width < 2 || rows.len() > MAX_CODES {
            return Err(fault(name, "it has no name, no codes, or too many values", "缺少名称或代码，或取值过多"));
        }
        let root = Node { code: "*".into(), parent: None, children: Vec::new() };
        let mut d = Self { name: name.to_owned(), nodes: vec![root], leaf_of: BTreeMap::new(), order: Vec::new() };
        let mut known: HashMap<(usize, &str), usize> = HashMap::new();
        for row in rows {
            let Some((value, codes)) = row.split_first().filter(|_| row.len() == width) else {
                return Err(fault(name, "its rows differ in length", "层级各行长度不一"));
            };
            let mut above = 0;
            for (level, code) in codes.iter().enumerate().rev() {
                if code.is_empty() || code == "*" {
                    return Err(fault(name, "a code is empty or the name of the total", "代码为空或与合计同名"));
                }
                let next = d.nodes.len();
                let node = *known.entry((level, code)).or_insert(next);
                if node == next {
                    d.nodes.push(Node { code: code.clone(), parent: Some(above), children: Vec::new() });
                    d.nodes[above].children.push(node);
                } else if d.nodes[node].parent != Some(above) {
                    return Err(fault(name, "a code has two parents", "某代码有两个上级"));
                }
                above = node;
            }
            d.order.push(value.clone());
            if d.leaf_of.insert(value.clone(), above).is_some() {
                return Err(fault(name, "a value occurs twice", "某取值重复出现"));
            }
        }
        if d.nodes.len() > MAX_CODES {
            return Err(fault(name, "it has too many codes", "代码过多"));
        }
        Ok(d)
    }

    /// The column.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same codes under another name.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// Number of codes, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The code of a node. Node 0 is the root, `*`.
    #[must_use]
    pub fn code(&self, node: usize) -> Option<&str> {
        self.nodes.get(node).map(|node| node.code.as_str())
    }

    /// The first node with that code.
    #[must_use]
    pub fn node_of(&self, code: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.code == code)
    }

    /// The values of the column, each with its leaf.
    pub(crate) fn values(&self) -> &BTreeMap<String, usize> {
        &self.leaf_of
    }

    pub(crate) fn children(&self, node: usize) -> &[usize] {
        self.nodes.get(node).map_or(&[], |node| &node.children)
    }

    /// From a node up to the root, both included.
    pub(crate) fn path(&self, node: usize) -> Vec<usize> {
        std::iter::successors(Some(node), |node| self.nodes.get(*node)?.parent).collect()
    }

    /// The leaves below a node; itself if it is one.
    pub(crate) fn leaves_below(&self, node: usize) -> Vec<usize> {
        let (mut stack, mut found) = (vec![node], Vec::new());
        while let Some(at) = stack.pop() {
            match self.children(at) {
                [] => found.push(at),
                children => stack.extend(children.iter().rev()),
            }
        }
        found
    }
}

fn fault(name: &str, en: &str, zh: &str) -> crate::Error {
    refuse(
        "release.dimension",
        Text::new(format!("the classification cannot be used: {en}"), format!("分类层级不可用：{zh}")),
        Text::new(format!("dimension {name}"), format!("维度 {name}")),
        Text::new(
            "name each value once, each code below one parent, at most 20,000 codes",
            "每个取值仅列一次，每个代码仅一个上级，代码不超过 20,000 个",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|s| (*s).to_owned()).collect()).collect()
    }

    #[test]
    fn trees_are_built_and_stored() {
        let tree = Dimension::from_rows("region", &rows(&[&["a", "a", "x"], &["b", "b", "x"], &["c", "c", "y"]])).unwrap();
        assert_eq!((tree.len(), tree.leaves_below(0).len(), tree.path(tree.values()["a"]).len()), (6, 3, 3));
        let again: Dimension = serde_json::from_str(&serde_json::to_string(&tree).unwrap()).unwrap();
        assert_eq!(again, tree);
        // stored cells stand in the order of the nodes, which must survive
        let backwards = Dimension::flat("d", &["z", "m", "a"]).unwrap();
        assert_eq!(serde_json::from_str::<Dimension>(&serde_json::to_string(&backwards).unwrap()).unwrap(), backwards);
        let ages = Dimension::bins("age", 0, 99, &[15, 65]).unwrap();
        let code = |age: &str| ages.code(ages.values()[age]).unwrap();
        assert_eq!((ages.len(), code("14"), code("15"), code("99")), (4, "0..14", "15..64", "65..99"));
    }

    #[test]
    fn contradictory_classifications_are_refused() {
        for bad in [&[&["a", "a", "x"][..], &["b", "a", "y"]][..], &[&["a", "a"], &["a", "a"]], &[&["a", "a"], &["b"]], &[&["a", "*"]], &[]]
        {
            assert_eq!(Dimension::from_rows("d", &rows(bad)).unwrap_err().code(), "release.dimension");
        }
        assert!(Dimension::bins("age", 0, 99, &[65, 15]).is_err() && Dimension::bins("age", i64::MIN, i64::MAX, &[]).is_err());
        assert!(Dimension::bins("age", 9, 0, &[]).is_err());
    }
}
