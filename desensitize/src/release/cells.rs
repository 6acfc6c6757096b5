//! From rows to cells: counts, contributors and sums over all combinations of codes, marginals (边际合计) included.

use std::collections::HashMap;

use super::dimension::Dimension;
use super::refuse;
use super::rules::Magnitude;
use crate::column::{each_text, numeric};
use crate::error::{CellProblem, Error, Result, Text};
use crate::table::Table;

/// Most cells of one table, marginals included.
pub const MAX_CELLS: usize = 4_000_000;

/// What is tabulated.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// One to three dimensions.
    pub dimensions: Vec<Dimension>,
    /// Columns whose sums are published beside the counts.
    pub sums: Vec<String>,
    /// The column that names the contributor of a row; without it every row is somebody else.
    pub contributor: Option<String>,
}

/// All cells of a table. No `Debug`: it holds what is to be hidden.
#[derive(Clone)]
pub struct CellTable {
    dimensions: Vec<Dimension>,
    strides: Vec<usize>,
    counts: Vec<u64>,
    contributors: Vec<u64>,
    names: Vec<String>,
    sums: Vec<Vec<Magnitude>>,
}

impl CellTable {
    /// Tabulates rows; keeps the `largest` contributions of each sum ([`super::Rules::largest`]).
    ///
    /// A missing value is the empty text: refused unless the dimension has it as a value. A missing number is refused.
    ///
    /// # Errors
    /// A missing column, a value outside the classification, a negative or missing number, too many cells.
    pub fn count(table: &Table, spec: &TableSpec, largest: usize) -> Result<Self> {
        let mut cells = Self::empty(&spec.dimensions, &spec.sums)?;
        let mut at = vec![0_usize; usize::try_from(table.num_rows()).unwrap_or(0)];
        for (dimension, stride) in spec.dimensions.iter().zip(&cells.strides) {
            let mut rows = at.iter_mut();
            each_text(table, dimension.name(), |cell, place| {
                let leaf = dimension.values().get(cell.trim()).ok_or_else(|| Error::UnknownCategory {
                    file: table.source().to_owned(),
                    column: dimension.name().to_owned(),
                    place: place(),
                    declared: dimension.values().len() as u64,
                })?;
                if let Some(at) = rows.next() {
                    *at += leaf * stride;
                }
                Ok(())
            })?;
        }
        let values = spec.sums.iter().map(|name| numeric(table, name)).collect::<Result<Vec<_>>>()?;
        if let Some((name, _)) = spec.sums.iter().zip(&values).find(|(_, values)| values.iter().any(|v| *v < 0.0)) {
            return Err(refuse(
                "release.negative",
                Text::new("a number that is summed is negative: dominance has no meaning there", "求和列含负值，支配规则无意义"),
                Text::new(format!("column {name}"), format!("列 {name}")),
                Text::new("publish gains and losses as two columns", "请将正负值拆成两列发布"),
            ));
        }
        match &spec.contributor {
            None => cells.fill_rows(&at, &values, largest),
            Some(column) => cells.fill_contributors(&at, &values, &contributors(table, column)?, largest),
        }
        Ok(cells)
    }

    /// A table of counts from its finest cells: the product of the dimensions' leaves, the last dimension fastest.
    ///
    /// # Errors
    /// `Shape` for a wrong number of cells; `release.shape` for too many cells or a total beyond 2^52.
    pub fn from_leaf_counts(dimensions: &[Dimension], counts: &[u64]) -> Result<Self> {
        let mut cells = Self::empty(dimensions, &[])?;
        let leaves: Vec<Vec<usize>> = dimensions.iter().map(|d| d.leaves_below(0)).collect();
        let expected: usize = leaves.iter().map(Vec::len).product();
        if expected != counts.len() {
            return Err(Error::Shape { what: "number of finest cells", expected: expected as u64, found: counts.len() as u64 });
        }
        if counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n)).is_none_or(|total| total >= 1 << 52) {
            return Err(shape());
        }
        for (index, count) in counts.iter().enumerate() {
            let (mut rest, mut at) = (index, 0);
            for (leaves, stride) in leaves.iter().zip(&cells.strides).rev() {
                at += leaves.get(rest % leaves.len()).copied().unwrap_or(0) * stride;
                rest /= leaves.len();
            }
            for cell in cells.above(at) {
                cells.counts[cell] += count;
                cells.contributors[cell] += count;
            }
        }
        Ok(cells)
    }

    fn empty(dimensions: &[Dimension], sums: &[String]) -> Result<Self> {
        let is_twice = dimensions.iter().enumerate().any(|(at, d)| dimensions.iter().take(at).any(|other| other.name() == d.name()));
        let cells = dimensions.iter().try_fold(1_usize, |n, d| n.checked_mul(d.len())).filter(|n| *n <= MAX_CELLS);
        let Some(cells) = cells.filter(|_| (1..=3).contains(&dimensions.len()) && !is_twice) else { return Err(shape()) };
        let mut strides = vec![1; dimensions.len()];
        for at in (1..dimensions.len()).rev() {
            strides[at - 1] = strides[at] * dimensions[at].len();
        }
        Ok(Self {
            dimensions: dimensions.to_vec(),
            strides,
            counts: vec![0; cells],
            contributors: vec![0; cells],
            names: sums.to_vec(),
            sums: vec![vec![Magnitude::default(); cells]; sums.len()],
        })
    }

    /// Every row is somebody else.
    fn fill_rows(&mut self, at: &[usize], values: &[Vec<f64>], largest: usize) {
        let mut above: HashMap<usize, Vec<usize>> = HashMap::new();
        for (row, leaf) in at.iter().enumerate() {
            if !above.contains_key(leaf) {
                above.insert(*leaf, self.above(*leaf));
            }
            for cell in above.get(leaf).into_iter().flatten() {
                self.counts[*cell] += 1;
                self.contributors[*cell] += 1;
                for (sums, values) in self.sums.iter_mut().zip(values) {
                    add(&mut sums[*cell], values[row], largest);
                }
            }
        }
    }

    /// Rows of one contributor count as one contribution, in every marginal anew.
    fn fill_contributors(&mut self, at: &[usize], values: &[Vec<f64>], who: &[u32], largest: usize) {
        let mut spread: Vec<(usize, u32, usize)> = Vec::new();
        for (row, (leaf, who)) in at.iter().zip(who).enumerate() {
            spread.extend(self.above(*leaf).into_iter().map(|cell| (cell, *who, row)));
        }
        spread.sort_unstable();
        for own in spread.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((cell, ..)) = own.first().copied() else { continue };
            self.counts[cell] += own.len() as u64;
            self.contributors[cell] += 1;
            for (sums, values) in self.sums.iter_mut().zip(values) {
                add(&mut sums[cell], own.iter().map(|(_, _, row)| values[*row]).sum(), largest);
            }
        }
    }

    /// The cell itself and all marginals that contain it.
    pub(crate) fn above(&self, cell: usize) -> Vec<usize> {
        let mut found = vec![0];
        for ((dimension, stride), node) in self.dimensions.iter().zip(&self.strides).zip(self.nodes(cell)) {
            let path = dimension.path(node);
            found = found.iter().flat_map(|at| path.iter().map(move |node| at + node * stride)).collect();
        }
        found
    }

    /// The nodes of a cell, one of each dimension.
    pub(crate) fn nodes(&self, cell: usize) -> Vec<usize> {
        self.dimensions.iter().zip(&self.strides).map(|(d, stride)| cell / stride % d.len()).collect()
    }

    /// The dimensions.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Number of cells, marginals included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Never: there is a total.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Rows in each cell.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub(crate) fn contributors(&self) -> &[u64] {
        &self.contributors
    }

    /// Names of the summed columns.
    #[must_use]
    pub fn sum_names(&self) -> &[String] {
        &self.names
    }

    /// For each summed column its cells.
    #[must_use]
    pub fn sums(&self) -> &[Vec<Magnitude>] {
        &self.sums
    }

    pub(crate) fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// The cell with these codes, one of each dimension, `*` for all.
    #[must_use]
    pub fn position(&self, codes: &[&str]) -> Option<usize> {
        let found = self
            .dimensions
            .iter()
            .zip(&self.strides)
            .zip(codes)
            .try_fold(0, |at, ((d, stride), code)| Some(at + d.node_of(code)? * stride));
        found.filter(|_| codes.len() == self.dimensions.len())
    }

    /// How a reader knows the cell: `dimension=code`, without those that are `*`.
    #[must_use]
    pub fn key(&self, cell: usize) -> Vec<String> {
        let named = self.dimensions.iter().zip(self.nodes(cell)).filter(|(_, node)| *node != 0);
        named.map(|(d, node)| format!("{}={}", d.name(), d.code(node).unwrap_or(""))).collect()
    }

    /// Every inner code is the sum of the codes below it: the total first, then its parts.
    #[must_use]
    pub fn equations(&self) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        for (dimension, stride) in self.dimensions.iter().zip(&self.strides) {
            for cell in 0..self.len() {
                let node = cell / stride % dimension.len();
                let children = dimension.children(node);
                if !children.is_empty() {
                    found.push(std::iter::once(cell).chain(children.iter().map(|child| cell - node * stride + child * stride)).collect());
                }
            }
        }
        found
    }
}

/// Adds one contribution.
fn add(sum: &mut Magnitude, value: f64, largest: usize) {
    sum.total += value;
    let at = sum.largest.partition_point(|other| *other >= value);
    if at < largest {
        sum.largest.insert(at, value);
        sum.largest.truncate(largest);
    }
}

fn contributors(table: &Table, column: &str) -> Result<Vec<u32>> {
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut who = Vec::new();
    each_text(table, column, |cell, place| {
        if cell.trim().is_empty() {
            let (file, column) = (table.source().to_owned(), column.to_owned());
            return Err(Error::Cell { file, column, place: place(), problem: CellProblem::Empty });
        }
        let next = known.len() as u32;
        who.push(*known.entry(cell.trim().to_owned()).or_insert(next));
        Ok(())
    })?;
    Ok(who)
}

fn shape() -> Error {
    refuse(
        "release.shape",
        Text::new(
            format!("a table has one to three different dimensions, at most {MAX_CELLS} cells and a total below 2^52"),
            format!("统计表须有一至三个不同维度，单元格不超过 {MAX_CELLS} 个，总数小于 2^52"),
        ),
        Text::new("", ""),
        Text::new("use coarser codes, or publish several tables through the ledger", "请使用更粗的代码，或经台账分表发布"),
    )
}
