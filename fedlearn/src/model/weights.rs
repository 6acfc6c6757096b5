//! Weights: one flat vector, so that masks, noise, quantisation and export see one slice, with a table of what lies where.

use std::fmt;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One matrix in the flat vector, row-major; a bias has one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Unique in the model, such as `dense0.weight`.
    pub name: String,
    /// Inputs, or 1 for a bias.
    pub rows: u32,
    /// Outputs.
    pub columns: u32,
}

impl Layer {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.rows as usize).saturating_mul(self.columns as usize)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Parameters of a model. Every value is finite. `Debug` shows the shape only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Weights {
    layers: Vec<Layer>,
    flat: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    layers: Vec<Layer>,
    flat: Vec<f64>,
}

impl TryFrom<Stored> for Weights {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        Self::new(stored.layers, stored.flat)
    }
}

impl Weights {
    /// Weights of these layers.
    ///
    /// # Errors
    /// `Data` if the length does not fit the layers or a value is not finite.
    pub fn new(layers: Vec<Layer>, flat: Vec<f64>) -> Result<Self> {
        let length = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.len()));
        let refuse = |problem: String| Error::Data {
            what: "model weights".into(),
            problem,
            remedy: "load the file that the training wrote, or start again from the last checkpoint".into(),
        };
        if flat.len() != length {
            return Err(refuse(format!("{} values where the layers have {length}", flat.len())));
        }
        if let Some(place) = flat.iter().position(|value| !value.is_finite()) {
            return Err(refuse(format!("value {place} is not finite")));
        }
        Ok(Self { layers, flat })
    }

    /// All zeros.
    #[must_use]
    pub fn zeros(layers: Vec<Layer>) -> Self {
        let flat = vec![0.0; layers.iter().map(Layer::len).sum()];
        Self { layers, flat }
    }

    /// The values, in the order of the layers.
    #[must_use]
    pub fn flat(&self) -> &[f64] {
        &self.flat
    }

    /// Names and shapes.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The matrix of this name.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<ArrayView2<'_, f64>> {
        let mut start = 0;
        for layer in &self.layers {
            let end = start + layer.len();
            if layer.name == name {
                let values = self.flat.get(start..end)?;
                return ArrayView2::from_shape((layer.rows as usize, layer.columns as usize), values).ok();
            }
            start = end;
        }
        None
    }

    /// The same layers with other values.
    ///
    /// # Errors
    /// As for [`Weights::new`].
    pub fn with(&self, flat: Vec<f64>) -> Result<Self> {
        Self::new(self.layers.clone(), flat)
    }

    /// Adds `factor` times a vector of the same length; a shorter or longer one is a bug of ours.
    pub(crate) fn add(&mut self, factor: f64, other: &[f64]) {
        debug_assert_eq!(self.flat.len(), other.len());
        for (value, step) in self.flat.iter_mut().zip(other) {
            *value += factor * step;
        }
    }

    /// `Data` if training has diverged.
    pub(crate) fn check_finite(&self) -> Result<()> {
        if self.flat.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(diverged("the weights")) }
    }
}

/// What is said when numbers are no longer finite.
pub(crate) fn diverged(what: &str) -> Error {
    Error::Data {
        what: what.into(),
        problem: "training diverged: a number is not finite".into(),
        remedy: "lower the learning rate, standardise the columns or add a penalty".into(),
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weights").field("layers", &self.layers).finish_non_exhaustive()
    }
}
