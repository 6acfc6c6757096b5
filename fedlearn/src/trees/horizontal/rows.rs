//! A party's side of the sums: pure functions of its rows and of what it was told.

use zeroize::Zeroize;

use super::cells::{self, Asked, key};
use super::fixed::fixed;
use super::task::Model;
use crate::data::Dataset;
use crate::trees::{Binned, Boosting, Cuts, Loss, Split, Tree};
use crate::{Error, Result};

/// Rows with what was worked out of them. Wiped on drop; it does not print.
pub(super) struct Rows {
    columns: Vec<Vec<f64>>,
    /// Their keys, sorted.
    sorted: Vec<Vec<u64>>,
    labels: Vec<f64>,
    binned: Option<Binned>,
    scores: Vec<f64>,
    /// `g` and `h` of each row at these scores.
    gradients: Vec<[i64; 2]>,
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.columns.iter_mut().for_each(Zeroize::zeroize);
        self.sorted.iter_mut().for_each(Zeroize::zeroize);
        self.labels.zeroize();
        self.scores.zeroize();
        self.gradients.zeroize();
    }
}

impl Rows {
    /// # Errors
    /// [`Error::Data`] for labels that the loss does not have, or no rows.
    pub(super) fn new(loss: Loss, rows: &Dataset) -> Result<Self> {
        let refuse = |what: String, problem: &str, remedy: &str| Err(Error::Data { what, problem: problem.into(), remedy: remedy.into() });
        if rows.rows() == 0 {
            return refuse("rows".into(), "there is none", "leave the party out");
        }
        if let (Loss::Logistic, Some(row)) = (loss, rows.targets().iter().position(|label| *label != 0.0 && *label != 1.0)) {
            return refuse(format!("target of row {row}"), "it is not 0 or 1", "code them so, or train for the squared error");
        }
        let columns: Vec<Vec<f64>> = rows.features().columns().into_iter().map(|column| column.to_vec()).collect();
        let sort = |column: &Vec<f64>| {
            let mut keys: Vec<u64> = column.iter().map(|value| key(*value)).collect();
            keys.sort_unstable();
            keys
        };
        let sorted = columns.iter().map(sort).collect();
        let labels = rows.targets().to_vec();
        Ok(Self { columns, sorted, labels, binned: None, scores: Vec::new(), gradients: Vec::new() })
    }

    /// Rows, and the sum of labels.
    pub(super) fn start(&self) -> Vec<i64> {
        let labels = self.labels.iter().fold(0i64, |sum, label| sum.saturating_add(fixed(*label)));
        vec![self.labels.len() as i64, labels]
    }

    /// Values in the parts of cells, feature by feature.
    pub(super) fn cells(&self, asked: &[Vec<Asked>]) -> Vec<i64> {
        self.sorted.iter().zip(asked).flat_map(|(keys, asked)| cells::count(keys, asked)).collect()
    }

    /// Bins and the score before the first tree.
    ///
    /// # Errors
    /// [`Error::Caller`] for cuts of other features.
    pub(super) fn begin(&mut self, base: f64, cuts: &[Cuts]) -> Result<()> {
        self.binned = Some(Binned::new(&self.columns, cuts)?);
        self.scores = vec![base; self.labels.len()];
        self.gradients.clear();
        Ok(())
    }

    /// Adds a tree that was checked to the scores.
    pub(super) fn add(&mut self, tree: &Tree) {
        let Some(data) = &self.binned else { return };
        for (row, score) in self.scores.iter_mut().enumerate() {
            *score += tree.leaves.get(tree.leaf(data, row)).copied().unwrap_or_default();
        }
        self.gradients.clear();
    }

    fn differentiate(&mut self, loss: Loss) {
        if !self.gradients.is_empty() {
            return;
        }
        let gradient = |(score, label): (&f64, &f64)| match loss {
            Loss::Logistic => {
                let p = 1.0 / (1.0 + libm::exp(-score));
                [fixed(p - label), fixed(p * (1.0 - p))]
            }
            Loss::Squared => [fixed(score - label), fixed(1.0)],
        };
        self.gradients = self.scores.iter().zip(&self.labels).map(gradient).collect();
    }

    /// Histograms of the left children of the last level, or of the root.
    ///
    /// # Errors
    /// [`Error::Caller`] before [`Self::begin`].
    pub(super) fn grow(&mut self, boosting: &Boosting, splits: &[Option<Split>]) -> Result<Vec<i64>> {
        self.differentiate(boosting.loss);
        let data = self.binned.as_ref().ok_or_else(|| Error::caller("a tree before its bins"))?;
        // the leaf of a tree that ends here is the node
        let so_far = Tree { splits: splits.to_vec(), leaves: vec![0.0; splits.len() + 1] };
        let is_root = splits.is_empty();
        let asked = if is_root { 1 } else { so_far.leaves.len() / 2 };
        let mut nodes: Vec<Option<usize>> = (0..self.labels.len())
            .map(|row| {
                let node = so_far.leaf(data, row);
                if is_root { Some(0) } else { node.is_multiple_of(2).then_some(node / 2) }
            })
            .collect();
        let mut sums = Vec::new();
        for (feature, bins) in data.bins().iter().enumerate() {
            let mut own = vec![[0i64; 2]; asked * bins];
            for ((node, bin), [g, h]) in nodes.iter().zip(data.feature(feature)).zip(&self.gradients) {
                let Some(slot) = node.and_then(|node| own.get_mut(node * bins + usize::from(*bin))) else { continue };
                *slot = [slot[0].saturating_add(*g), slot[1].saturating_add(*h)];
            }
            sums.extend(own.as_flattened());
            own.zeroize();
        }
        nodes.iter_mut().for_each(|node| *node = None);
        Ok(sums)
    }

    /// Rows in each leaf of each tree.
    ///
    /// # Errors
    /// [`Error::Caller`] before [`Self::begin`].
    pub(super) fn leaves(&self, model: &Model) -> Result<Vec<i64>> {
        let data = self.binned.as_ref().ok_or_else(|| Error::caller("leaves before their bins"))?;
        let mut counts = Vec::new();
        for tree in &model.trees {
            let mut leaves = vec![0i64; tree.leaves.len()];
            (0..data.rows()).for_each(|row| {
                if let Some(count) = leaves.get_mut(tree.leaf(data, row)) {
                    *count += 1;
                }
            });
            counts.extend(leaves);
        }
        Ok(counts)
    }
}
