//! Models that are trained by gradients: linear, logistic, softmax and Poisson regression, and the multilayer perceptron (多层感知机).
//!
//! | to see | open |
//! |---|---|
//! | what a job file says of a model | [`Spec`] |
//! | weights as one flat vector with named layers | [`Weights`] |
//! | layers, gradients, clipping per example | [`Network`] |
//! | what a last layer's outputs mean, their loss | [`Head`] |
//! | loss, accuracy, root mean square error | [`Metrics`] |
//!
//! All of them are one network of dense layers: a regression has no hidden layer. Gradients are written by hand and compared with finite
//! differences in the tests. Numbers are `f64`; the same weights, rows and machine give the same bits, whatever the number of threads.

mod head;
mod metrics;
mod network;
mod pass;
mod spec;
mod weights;

pub use head::Head;
pub use metrics::Metrics;
pub(crate) use network::unit;
pub use network::{Activation, Network};
pub use spec::{Spec, Task};
pub(crate) use weights::diverged;
pub use weights::{Layer, Weights};

use ndarray::{Array2, ArrayView2};

use crate::Result;

/// Rows that a step looks at: `x` is [rows, columns], `y` one target a row (a class is its number from 0).
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// Features.
    pub x: ArrayView2<'a, f64>,
    /// Targets.
    pub y: &'a [f64],
}

impl Batch<'_> {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }
}

/// The sum of clipped gradients of single examples: what DP-SGD adds noise to.
#[derive(Clone)]
pub struct Clipped {
    /// Sum over the examples of their gradients, each with L2 norm at most the bound; without the penalty, which holds no data.
    pub sum: Vec<f64>,
    /// How many examples were within the bound.
    pub below: usize,
    /// Sum of the examples' losses: not private, for its owner alone.
    pub loss: f64,
}

/// A model with parameters in one flat vector. Object-safe.
pub trait Model: Send + Sync {
    /// Names and shapes of the layers, in the order of the flat vector.
    fn layers(&self) -> Vec<Layer>;

    /// Length of the flat vector.
    fn parameters(&self) -> usize;

    /// Weights to start from; the same seed gives the same bits.
    fn initial(&self, seed: u64) -> Weights;

    /// Checks that targets and shape are what the model takes.
    ///
    /// # Errors
    /// `Data` naming the first row that is not.
    fn check(&self, batch: &Batch<'_>) -> Result<()>;

    /// Mean loss with its penalty, and its gradient.
    ///
    /// # Errors
    /// `Caller` for weights of another model, `Data` for targets or columns that do not fit or a loss that is not finite.
    fn gradient(&self, weights: &Weights, batch: &Batch<'_>) -> Result<(f64, Vec<f64>)>;

    /// Mean loss with its penalty.
    ///
    /// # Errors
    /// As for [`Model::gradient`].
    fn loss(&self, weights: &Weights, batch: &Batch<'_>) -> Result<f64>;

    /// Sum of the examples' gradients, each scaled down to the L2 norm `bound` where it is longer. An empty batch gives zeros.
    ///
    /// # Errors
    /// As for [`Model::gradient`]; `Caller` for a bound that is not positive.
    fn clipped(&self, weights: &Weights, batch: &Batch<'_>, bound: f64) -> Result<Clipped>;

    /// Adds the gradient of the penalty at the weights.
    fn add_penalty(&self, weights: &Weights, gradient: &mut [f64]);

    /// Scores, [rows, outputs]: expected values (linear, Poisson) or probabilities (logistic: of class 1; softmax: of every class).
    ///
    /// # Errors
    /// `Caller` for weights of another model, `Data` for another number of columns.
    fn predict(&self, weights: &Weights, x: ArrayView2<'_, f64>) -> Result<Array2<f64>>;

    /// Loss without penalty, and accuracy or root mean square error.
    ///
    /// # Errors
    /// As for [`Model::gradient`].
    fn evaluate(&self, weights: &Weights, batch: &Batch<'_>) -> Result<Metrics>;
}
