//! Trees on bins as trees on values, as artefacts keep and export them.

use super::bins::Cuts;
use super::model::{Forest, Split, Tree};
use super::settings::Loss;
use crate::artefact::model::{self, Activation, Trees};
use crate::{Error, Result};

impl Forest {
    /// The same trees with thresholds on values: of probabilities for the logistic loss, else of values. Missing values go where their bin goes.
    ///
    /// # Errors
    /// [`Error::Caller`] for trees that do not fit the bins.
    pub fn portable(&self, cuts: &[Cuts]) -> Result<Trees> {
        let columns = u32::try_from(cuts.len()).map_err(|_| Error::caller("trees of too many features"))?;
        let activation = match self.loss {
            Loss::Logistic => Activation::Sigmoid,
            Loss::Squared => Activation::Identity,
        };
        let trees = self.trees.iter().map(|tree| portable(tree, cuts)).collect::<Result<Vec<_>>>()?;
        let trees = Trees { columns, base: vec![self.base], trees, activation };
        model::Model::Trees(trees.clone()).check()?;
        Ok(trees)
    }
}

fn portable(tree: &Tree, cuts: &[Cuts]) -> Result<model::Tree> {
    if tree.leaves.len() != tree.splits.len() + 1 || !tree.leaves.len().is_power_of_two() {
        return Err(Error::caller("a tree has one leaf more than splits"));
    }
    let mut made = model::Tree {
        output: 0,
        column: Vec::new(),
        threshold: Vec::new(),
        left: Vec::new(),
        right: Vec::new(),
        missing_left: Vec::new(),
        value: Vec::new(),
    };
    node(tree, 0, cuts, &mut made)?;
    Ok(made)
}

/// Adds the node at a place of the heap and all below it; gives its number. A place without a split is its left child.
fn node(tree: &Tree, place: usize, cuts: &[Cuts], made: &mut model::Tree) -> Result<u32> {
    let wrong = || Error::caller("a split by a feature or bin that is not there");
    let at = made.column.len();
    let number = u32::try_from(at).map_err(|_| wrong())?;
    let mut add = |column: i32, threshold: f64, value: f64| {
        made.column.push(column);
        made.threshold.push(threshold);
        made.left.push(0);
        made.right.push(0);
        made.missing_left.push(column >= 0);
        made.value.push(value);
    };
    match tree.splits.get(place) {
        None => {
            let leaf = place.checked_sub(tree.splits.len()).and_then(|leaf| tree.leaves.get(leaf)).ok_or_else(wrong)?;
            add(-1, 0.0, *leaf);
        }
        Some(None) => return node(tree, 2 * place + 1, cuts, made),
        Some(Some(Split { feature, bin })) => {
            let own = cuts.get(*feature).filter(|own| usize::from(*bin) + 1 < own.bins()).ok_or_else(wrong)?;
            // up to the end of the bin is left, so below the number after it; of missing values alone, no number is
            let threshold = own.end(*bin).map_or(f64::MIN, f64::next_up);
            add(i32::try_from(*feature).map_err(|_| wrong())?, threshold, 0.0);
            let (left, right) = (node(tree, 2 * place + 1, cuts, made)?, node(tree, 2 * place + 2, cuts, made)?);
            if let (Some(a), Some(b)) = (made.left.get_mut(at), made.right.get_mut(at)) {
                (*a, *b) = (left, right);
            }
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::{Binned, Boosting, fit};
    use rand::{Rng, SeedableRng};

    #[test]
    fn trees_on_values_predict_what_trees_on_bins_do() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let mut unit = || f64::from(rng.next_u32() % 40) / 20.0 - 1.0;
        let mut columns: Vec<Vec<f64>> = (0..3).map(|_| (0..300).map(|_| unit()).collect()).collect();
        columns[1].iter_mut().step_by(7).for_each(|value| *value = f64::NAN);
        let labels: Vec<f64> = columns[0].iter().zip(&columns[1]).map(|(a, b)| f64::from(u8::from(b.is_nan() || a * b > 0.1))).collect();
        let (data, cuts) = Binned::quantiles(&columns, 8).unwrap();
        for loss in [Loss::Logistic, Loss::Squared] {
            let forest = fit(&Boosting { trees: 5, depth: 4, min_rows: 2, loss, ..Boosting::default() }, &data, &labels).unwrap();
            let model = model::Model::Trees(forest.portable(&cuts).unwrap());
            for (row, expected) in forest.predict(&data).unwrap().into_iter().enumerate() {
                let values: Vec<f64> = columns.iter().map(|column| column[row]).collect();
                assert!((model.predict(&values).unwrap()[0] - expected).abs() < 1e-12, "{row}");
            }
            assert!(forest.portable(&cuts[..1]).is_err());
        }
    }
}
