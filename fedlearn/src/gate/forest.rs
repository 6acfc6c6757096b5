//! Boosted trees under the gate.

use rand_chacha::rand_core::Rng;
use yu_desensitize::restore::{AttackableModel, Example, Examples, Trainer};

use super::subject::{Failed, Leaves, Subject, dataset};
use crate::artefact::Privacy;
use crate::data::Dataset;
use crate::trees::{Binned, Boosting, Cuts, Forest, Loss, fit, horizontal};
use crate::{Error, Result};

/// Trees with the bins of their features.
struct Asked {
    forest: Forest,
    cuts: Vec<Cuts>,
}

impl AttackableModel for Asked {
    fn loss(&self, example: Example<'_>) -> yu_desensitize::Result<f64> {
        let columns: Vec<Vec<f64>> = example.features.iter().map(|value| vec![*value]).collect();
        let scores = Binned::new(&columns, &self.cuts).and_then(|row| self.forest.scores(&row));
        let score = scores.ok().and_then(|scores| scores.first().copied()).unwrap_or(f64::NAN);
        Ok(match self.forest.loss {
            // ln(1 + e^z) - y z
            Loss::Logistic => score.max(0.0) + (-score.abs()).exp().ln_1p() - example.label * score,
            Loss::Squared => 0.5 * (score - example.label) * (score - example.label),
        })
    }
}

/// Trains on the same bins.
struct Alone {
    boosting: Boosting,
    cuts: Vec<Cuts>,
}

impl Alone {
    fn run(&self, examples: &Examples) -> Result<Asked> {
        let rows = dataset(examples)?;
        let forest = fit(&self.boosting, &binned(&rows, &self.cuts)?, rows.targets())?;
        Ok(Asked { forest, cuts: self.cuts.clone() })
    }
}

impl Trainer for Alone {
    fn train(&self, examples: &Examples, _rng: &mut dyn Rng) -> yu_desensitize::Result<Box<dyn AttackableModel>> {
        Ok(self.run(examples).map_or_else(|_| Box::new(Failed) as Box<dyn AttackableModel>, |asked| Box::new(asked)))
    }
}

fn binned(rows: &Dataset, cuts: &[Cuts]) -> Result<Binned> {
    let columns: Vec<Vec<f64>> = rows.features().columns().into_iter().map(|column| column.to_vec()).collect();
    Binned::new(&columns, cuts)
}

/// Rows in each leaf of each tree.
fn count(forest: &Forest, data: &Binned) -> Vec<u64> {
    let mut counts = Vec::new();
    for tree in &forest.trees {
        let mut leaves = vec![0u64; tree.leaves.len()];
        for row in 0..data.rows() {
            if let Some(count) = leaves.get_mut(tree.leaf(data, row)) {
                *count += 1;
            }
        }
        counts.extend(leaves);
    }
    counts
}

impl Subject<'_> {
    /// Trees of a horizontal training. Leaves are judged by the rows of all parties in them, by own ones where they were not counted.
    ///
    /// # Errors
    /// As [`Self::forest`].
    pub fn boosted(trained: &horizontal::Trained) -> Result<Subject<'static>> {
        let leaves = if trained.leaf_rows.is_empty() { Leaves::Own } else { Leaves::OfAll(trained.leaf_rows.clone()) };
        Self::forest(&trained.to_bytes()?, &trained.forest, &trained.cuts, &trained.settings.boosting, leaves, Privacy::None)
    }

    /// Gradient-boosted trees with the bins of their features and the settings that they were trained by. `document` are the bytes that leave.
    ///
    /// # Errors
    /// [`Error::Caller`] for settings out of range, trees that do not fit the features, or counts of another number of leaves.
    pub fn forest(
        document: &[u8],
        forest: &Forest,
        cuts: &[Cuts],
        boosting: &Boosting,
        leaves: Leaves,
        privacy: Privacy,
    ) -> Result<Subject<'static>> {
        boosting.check()?;
        let all: usize = forest.trees.iter().map(|tree| tree.leaves.len()).sum();
        if matches!(&leaves, Leaves::OfAll(counts) if counts.len() != all) {
            return Err(Error::caller(format!("counts of other leaves than the trees' `{all}`")));
        }
        // one row tells whether trees and features fit
        let one: Vec<Vec<f64>> = vec![vec![0.0]; cuts.len()];
        forest.scores(&Binned::new(&one, cuts)?)?;
        let work = 2.0 * (boosting.trees * boosting.depth * cuts.len()) as f64;
        let (asked, alone) = (Asked { forest: forest.clone(), cuts: cuts.to_vec() }, Alone { boosting: *boosting, cuts: cuts.to_vec() });
        let (forest, own) = (forest.clone(), cuts.to_vec());
        let counter = Box::new(move |rows: &Dataset| Ok(count(&forest, &binned(rows, &own)?)));
        let subject = Subject::new("boosted trees", document, cuts.len(), Box::new(asked), privacy);
        Ok(subject.with_trainer(Box::new(alone), work).with_leaves(leaves, counter))
    }
}
