//! Training in one place: the reference that training over shares is held against.

use super::bins::Binned;
use super::model::{Forest, Split, Tree};
use super::settings::{Boosting, Loss};
use crate::{Error, Result};

/// Score before the first tree: log-odds or mean of the labels.
///
/// # Errors
/// [`Error::Data`] for labels that the loss does not have, or, of the logistic loss, all of one kind.
pub fn base_score(loss: Loss, labels: &[f64]) -> Result<f64> {
    let mean = labels.iter().sum::<f64>() / labels.len().max(1) as f64;
    match loss {
        _ if !labels.iter().all(|label| label.is_finite()) => Err(wrong("a label is not a number", "leave the row out")),
        Loss::Logistic if !labels.iter().all(|label| matches!(label, 0.0 | 1.0)) => {
            Err(wrong("the logistic loss has labels 0 and 1", "code them so, or train for the squared error"))
        }
        Loss::Squared | Loss::Logistic => base_of_mean(loss, mean),
    }
}

/// Score before the first tree, from the mean of checked labels.
///
/// # Errors
/// [`Error::Data`] for labels, of the logistic loss, all of one kind.
pub(super) fn base_of_mean(loss: Loss, mean: f64) -> Result<f64> {
    match loss {
        Loss::Squared => Ok(mean),
        Loss::Logistic if mean > 0.0 && mean < 1.0 => Ok((mean / (1.0 - mean)).ln()),
        Loss::Logistic => Err(wrong("all labels are alike", "there is nothing to train for")),
    }
}

fn wrong(problem: &str, remedy: &str) -> Error {
    Error::Data { what: "labels".into(), problem: problem.into(), remedy: remedy.into() }
}

/// Trains on rows in bins.
///
/// # Errors
/// [`Boosting::check`]'s and [`base_score`]'s; [`Error::Caller`] unless there is a label for each row.
pub fn fit(settings: &Boosting, data: &Binned, labels: &[f64]) -> Result<Forest> {
    settings.check()?;
    if labels.len() != data.rows() {
        return Err(Error::caller(format!("`{}` labels for `{}` rows", labels.len(), data.rows())));
    }
    let base = base_score(settings.loss, labels)?;
    let mut scores = vec![base; labels.len()];
    let mut trees = Vec::with_capacity(settings.trees);
    for _ in 0..settings.trees {
        let gradient = |(score, label): (&f64, &f64)| match settings.loss {
            Loss::Logistic => {
                let p = 1.0 / (1.0 + (-score).exp());
                [p - label, p * (1.0 - p)]
            }
            Loss::Squared => [score - label, 1.0],
        };
        let gradients: Vec<[f64; 2]> = scores.iter().zip(labels).map(gradient).collect();
        let (tree, nodes) = grow(settings, data, &gradients);
        scores.iter_mut().zip(nodes).for_each(|(score, leaf)| *score += tree.leaves[leaf]);
        trees.push(tree);
    }
    Ok(Forest { loss: settings.loss, base, trees })
}

/// One tree and the leaf of each row.
fn grow(settings: &Boosting, data: &Binned, gradients: &[[f64; 2]]) -> (Tree, Vec<usize>) {
    let mut tree = Tree { splits: Vec::new(), leaves: Vec::new() };
    let mut nodes = vec![0; data.rows()];
    for level in 0..settings.depth {
        let width = 1 << level;
        let mut best = vec![Best::default(); width];
        for (feature, bins) in data.bins().iter().enumerate() {
            let mut sums = vec![[0.0; 2]; width * bins];
            for ((node, bin), [g, h]) in nodes.iter().zip(data.feature(feature)).zip(gradients) {
                let slot = &mut sums[node * bins + usize::from(*bin)];
                *slot = [slot[0] + g, slot[1] + h];
            }
            for (best, sums) in best.iter_mut().zip(sums.chunks_exact(*bins)) {
                best.consider(settings, feature, sums);
            }
        }
        tree.splits.extend(best.iter().map(|best| best.split));
        for (row, node) in nodes.iter_mut().enumerate() {
            let right = best[*node].split.is_some_and(|split| data.feature(split.feature)[row] > split.bin);
            *node = 2 * *node + usize::from(right);
        }
        if level + 1 == settings.depth {
            tree.leaves = best.iter().flat_map(|best| [settings.leaf(best.left), settings.leaf(best.right)]).collect();
        }
    }
    (tree, nodes)
}

/// The best split of a node so far.
#[derive(Clone, Default)]
pub(super) struct Best {
    value: Option<f64>,
    /// The split; none if nothing is gained by one, and then all is on the left.
    pub(super) split: Option<Split>,
    /// Sums of `g` and `h` on the left.
    pub(super) left: [f64; 2],
    /// The same on the right.
    pub(super) right: [f64; 2],
}

impl Best {
    /// Looks at the splits of a feature; `sums` are those of its bins.
    pub(super) fn consider(&mut self, settings: &Boosting, feature: usize, sums: &[[f64; 2]]) {
        let value = |[g, h]: [f64; 2]| g * g / (h + settings.lambda);
        let total = sums.iter().fold([0.0; 2], |[a, b], [g, h]| [a + g, b + h]);
        if self.value.is_none() {
            *self = Self { value: Some(value(total) + settings.gamma), split: None, left: total, right: [0.0; 2] };
        }
        let (mut left, least) = ([0.0; 2], settings.least_weight());
        for (bin, [g, h]) in sums.iter().enumerate().take(sums.len().saturating_sub(1)) {
            left = [left[0] + g, left[1] + h];
            let right = [total[0] - left[0], total[1] - left[1]];
            let found = value(left) + value(right);
            if left[1] >= least && right[1] >= least && self.value.is_some_and(|best| found > best) {
                *self = Self { value: Some(found), split: Some(Split { feature, bin: bin as u8 }), left, right };
            }
        }
    }
}
