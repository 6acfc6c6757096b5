//! Models that are attacked: what an attacker can ask them, and how they are retrained.

use rand_chacha::rand_core::Rng;

use super::words;
use crate::error::{Result, Text};

/// One example: features and label.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The features.
    pub features: &'a [f64],
    /// The label: the number of a class, or a target.
    pub label: f64,
}

/// Examples of equally many features, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    width: usize,
    features: Vec<f64>,
    labels: Vec<f64>,
}

impl Examples {
    /// Examples of `width` features each.
    ///
    /// # Errors
    /// `restore.input` if the numbers of features and labels do not agree, or a number is not finite.
    pub fn new(width: usize, features: Vec<f64>, labels: Vec<f64>) -> Result<Self> {
        let is_shape = Some(features.len()) == width.checked_mul(labels.len());
        if !is_shape || !features.iter().chain(&labels).all(|value| value.is_finite()) {
            return Err(words::bad_input(Text::new(
                "the examples differ in their number of features, or hold something that is no number",
                "样本的特征数不一致或含有非有限数",
            )));
        }
        Ok(Self { width, features, labels })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Features of each.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Example<'_>> {
        let start = index.checked_mul(self.width)?;
        Some(Example { features: self.features.get(start..start.checked_add(self.width)?)?, label: *self.labels.get(index)? })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Example<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds one; its number of features must be that of the others.
    ///
    /// # Errors
    /// `restore.input` if it is not.
    pub fn push(&mut self, example: Example<'_>) -> Result<()> {
        if self.is_empty() {
            self.width = example.features.len();
        }
        if example.features.len() != self.width {
            return Err(words::bad_input(Text::new("the examples differ in their number of features", "样本的特征数不一致")));
        }
        self.features.extend_from_slice(example.features);
        self.labels.push(example.label);
        Ok(())
    }
}

/// A model that an attacker can query.
pub trait AttackableModel {
    /// How badly the model does on an example: small where it is sure and right. For a classifier the negative logarithm of
    /// the probability of the label, so that the shadow test reads it as intended.
    ///
    /// # Errors
    /// Whatever keeps the model from answering; the gate then refuses.
    fn loss(&self, example: Example<'_>) -> Result<f64>;
}

/// Trains models of the kind that is to leave, in the same way.
pub trait Trainer {
    /// A model of these examples.
    ///
    /// # Errors
    /// Whatever keeps it from training; the gate then refuses.
    fn train(&self, examples: &Examples, rng: &mut dyn Rng) -> Result<Box<dyn AttackableModel>>;
}

/// Planted records, and records of the same kind that were not planted.
#[derive(Clone, Copy)]
pub struct Canaries<'a> {
    /// What the model was trained with.
    pub planted: &'a Examples,
    /// What it might as well have been trained with; at least two to the power of the exposure limit.
    pub references: &'a Examples,
}

/// A model that is to leave, with what the attacks need.
#[derive(Clone, Copy)]
pub struct ModelUnderTest<'a> {
    /// What the verdict calls it.
    pub name: &'a str,
    /// The model.
    pub model: &'a dyn AttackableModel,
    /// Examples that it was trained with.
    pub members: &'a Examples,
    /// Examples of the same population that it was not trained with.
    pub non_members: &'a Examples,
    /// How to train one like it.
    pub trainer: Option<&'a dyn Trainer>,
    /// Canaries that were planted when it was trained. With a trainer the gate can plant some itself.
    pub canaries: Option<Canaries<'a>>,
}
