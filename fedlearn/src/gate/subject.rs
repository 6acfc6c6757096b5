//! What is examined.

use yu_desensitize::restore::{AttackableModel, Trainer};

use crate::artefact::Privacy;
use crate::data::Dataset;
use crate::data::standardise::Scale;
use crate::{Error, Result};

/// Counts a model's leaves over a party's rows.
pub(super) type Counter<'a> = Box<dyn Fn(&Dataset) -> Result<Vec<u64>> + 'a>;

/// Whose rows the leaves of trees are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Rows of all parties in each leaf of each tree, as the training counted them.
    OfAll(Vec<u64>),
    /// The own rows of the training are counted: what protects a party even from all others together.
    Own,
}

/// A model with what the attacks need.
pub struct Subject<'a> {
    name: String,
    hash: String,
    columns: usize,
    pub(super) model: Box<dyn AttackableModel + 'a>,
    pub(super) trainer: Option<(Box<dyn Trainer + 'a>, f64)>,
    scale: Option<Scale>,
    pub(super) leaves: Option<(Leaves, Counter<'a>)>,
    privacy: Privacy,
}

impl<'a> Subject<'a> {
    /// A model that gives a loss for a row: small where it is sure and right, for classes the negative logarithm of the label's probability.
    /// `document` are the bytes that leave and that the report is about.
    #[must_use]
    pub fn new(name: &str, document: &[u8], columns: usize, model: Box<dyn AttackableModel + 'a>, privacy: Privacy) -> Self {
        let hash = crate::artefact::document::hash_of(document);
        Self { name: name.to_owned(), hash, columns, model, trainer: None, scale: None, leaves: None, privacy }
    }

    /// With how models like it are trained, and what that costs: multiplications and additions for each row.
    #[must_use]
    pub fn with_trainer(mut self, trainer: Box<dyn Trainer + 'a>, work: f64) -> Self {
        self.trainer = Some((trainer, work));
        self
    }

    /// Rows are scaled first, for the model and for those like it.
    pub(super) fn with_scale(mut self, scale: Option<Scale>) -> Self {
        self.scale = scale;
        self
    }

    pub(super) fn with_leaves(mut self, leaves: Leaves, counter: Counter<'a>) -> Self {
        self.leaves = Some((leaves, counter));
        self
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its document, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Columns of a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// What its training spent of privacy.
    #[must_use]
    pub const fn privacy(&self) -> &Privacy {
        &self.privacy
    }

    pub(super) fn scaled(&self, rows: &Dataset) -> Result<Dataset> {
        self.scale.as_ref().map_or_else(|| Ok(rows.clone()), |scale| scale.apply(rows))
    }
}

/// Examples as the attacks take them.
pub(super) fn examples(rows: &Dataset) -> Result<yu_desensitize::restore::Examples> {
    let features: Vec<f64> = rows.features().iter().copied().collect();
    yu_desensitize::restore::Examples::new(rows.columns(), features, rows.targets().to_vec()).map_err(|error| failed(&error))
}

/// Rows from what the attacks hand back.
pub(super) fn dataset(examples: &yu_desensitize::restore::Examples) -> Result<Dataset> {
    let features: Vec<f64> = examples.iter().flat_map(|example| example.features.iter().copied()).collect();
    let labels = examples.iter().map(|example| example.label).collect();
    let x = ndarray::Array2::from_shape_vec((examples.len(), examples.width()), features)
        .map_err(|_| Error::caller("examples of different widths"))?;
    Dataset::new(x, labels)
}

pub(super) fn failed(error: &yu_desensitize::Error) -> Error {
    Error::caller(format!("release gate: {error}"))
}

/// A model that could not be trained: its losses are no numbers, and the attack that asked for it ends.
pub(super) struct Failed;

impl AttackableModel for Failed {
    fn loss(&self, _example: yu_desensitize::restore::Example<'_>) -> yu_desensitize::Result<f64> {
        Ok(f64::NAN)
    }
}
