//! A network of dense layers: its parameters, and [`Model`] for it.

use ndarray::{Array2, ArrayView2};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::head::Head;
use super::metrics::Metrics;
use super::pass::Pass;
use super::weights::{Layer, Weights, diverged};
use super::{Batch, Clipped, Model};
use crate::{Error, Result};

/// Rows that one thread takes at a time: small batches stay on one thread, large ones need bounded memory. Sums are added in the order
/// of the rows, so that the number of threads changes no bit.
const CHUNK: usize = 4096;

/// What stands between layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, z)
    #[default]
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

/// Dense layers: `a W + b` with `W` [inputs, outputs], an activation between them, a [`Head`] after the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Columns, hidden widths, outputs: each at least 1.
    widths: Vec<usize>,
    activation: Activation,
    head: Head,
    l2: f64,
}

impl Network {
    pub(super) const fn new(widths: Vec<usize>, activation: Activation, head: Head, l2: f64) -> Self {
        Self { widths, activation, head, l2 }
    }

    /// Columns of the data.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.widths.first().copied().unwrap_or(0)
    }

    /// Columns, hidden widths, outputs.
    #[must_use]
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// What the outputs mean.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Between the layers.
    #[must_use]
    pub const fn activation(&self) -> Activation {
        self.activation
    }

    /// Inputs and outputs of each layer.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (usize, usize)> {
        self.widths.iter().copied().zip(self.widths.iter().skip(1).copied())
    }

    fn check_weights(&self, weights: &Weights) -> Result<()> {
        if weights.flat().len() == self.parameters() {
            return Ok(());
        }
        Err(Error::caller(format!(
            "the weights have {} values, the model {}: they belong to another model",
            weights.flat().len(),
            self.parameters()
        )))
    }

    fn check_columns(&self, x: ArrayView2<'_, f64>) -> Result<()> {
        if x.ncols() == self.inputs() {
            return Ok(());
        }
        Err(Error::Data {
            what: "features".into(),
            problem: format!("{} columns where the model takes {}", x.ncols(), self.inputs()),
            remedy: "code the table with the coding that the model was trained with".into(),
        })
    }

    /// Half the penalty's factor times the sum of squared weights, biases left out.
    fn penalty(&self, flat: &[f64]) -> f64 {
        if self.l2 == 0.0 {
            return 0.0;
        }
        0.5 * self.l2 * self.matrices().map(|place| flat[place].iter().map(|value| value * value).sum::<f64>()).sum::<f64>()
    }

    /// Where the weight matrices lie.
    fn matrices(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut start = 0;
        self.shapes().map(move |(inputs, outputs)| {
            let place = start..start + inputs * outputs;
            start = place.end + outputs;
            place
        })
    }

    /// Runs `work` over the rows in chunks and gives its results in their order.
    fn chunks<T: Send>(batch: &Batch<'_>, work: impl Fn(ArrayView2<'_, f64>, &[f64]) -> T + Sync) -> Vec<T> {
        let rows = batch.rows();
        if rows <= CHUNK {
            return vec![work(batch.x, batch.y)];
        }
        let starts: Vec<usize> = (0..rows).step_by(CHUNK).collect();
        starts
            .into_par_iter()
            .map(|start| {
                let end = (start + CHUNK).min(rows);
                work(batch.x.slice(ndarray::s![start..end, ..]), &batch.y[start..end])
            })
            .collect()
    }
}

impl Model for Network {
    fn layers(&self) -> Vec<Layer> {
        let narrow = |width: usize| u32::try_from(width).unwrap_or(u32::MAX);
        self.shapes()
            .enumerate()
            .flat_map(|(place, (inputs, outputs))| {
                [
                    Layer { name: format!("dense{place}.weight"), rows: narrow(inputs), columns: narrow(outputs) },
                    Layer { name: format!("dense{place}.bias"), rows: 1, columns: narrow(outputs) },
                ]
            })
            .collect()
    }

    fn parameters(&self) -> usize {
        self.shapes().map(|(inputs, outputs)| (inputs + 1) * outputs).sum()
    }

    /// Zeros without hidden layers (the loss is convex); else uniform in +-sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010) with
    /// biases 0. The seed is public: it protects nothing.
    fn initial(&self, seed: u64) -> Weights {
        let mut weights = vec![0.0; self.parameters()];
        if self.widths.len() > 2 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            for (place, (inputs, outputs)) in self.matrices().zip(self.shapes()) {
                let bound = (6.0 / (inputs + outputs) as f64).sqrt();
                for value in &mut weights[place] {
                    *value = bound * (2.0 * unit(&mut rng) - 1.0);
                }
            }
        }
        let mut start = Weights::zeros(self.layers());
        start.add(1.0, &weights);
        start
    }

    fn check(&self, batch: &Batch<'_>) -> Result<()> {
        self.check_columns(batch.x)?;
        if batch.y.len() != batch.rows() {
            return Err(Error::caller(format!("{} targets for {} rows", batch.y.len(), batch.rows())));
        }
        self.head.check(batch.y)
    }

    fn gradient(&self, weights: &Weights, batch: &Batch<'_>) -> Result<(f64, Vec<f64>)> {
        self.check_weights(weights)?;
        self.check(batch)?;
        if batch.rows() == 0 {
            return Err(Error::caller("a gradient over no rows"));
        }
        let parts = Self::chunks(batch, |x, y| {
            let pass = Pass::run(self, weights.flat(), x, y);
            let mut sum = vec![0.0; self.parameters()];
            pass.gradient(self, x, &mut sum);
            (pass.loss, sum)
        });
        let mut parts = parts.into_iter();
        let (mut loss, mut gradient) = parts.next().unwrap_or_default();
        for (more, sum) in parts {
            loss += more;
            gradient.iter_mut().zip(sum).for_each(|(total, value)| *total += value);
        }
        let scale = 1.0 / batch.rows() as f64;
        gradient.iter_mut().for_each(|value| *value *= scale);
        self.add_penalty(weights, &mut gradient);
        let loss = loss * scale + self.penalty(weights.flat());
        if loss.is_finite() { Ok((loss, gradient)) } else { Err(diverged("the loss")) }
    }

    fn loss(&self, weights: &Weights, batch: &Batch<'_>) -> Result<f64> {
        Ok(self.evaluate(weights, batch)?.loss() + self.penalty(weights.flat()))
    }

    fn clipped(&self, weights: &Weights, batch: &Batch<'_>, bound: f64) -> Result<Clipped> {
        self.check_weights(weights)?;
        self.check(batch)?;
        if !(bound > 0.0 && bound.is_finite()) {
            return Err(Error::caller(format!("the clipping norm is `{bound}`: give a number above 0")));
        }
        let parts = Self::chunks(batch, |x, y| {
            let mut pass = Pass::run(self, weights.flat(), x, y);
            let below = pass.clip(x, bound);
            let mut sum = vec![0.0; self.parameters()];
            pass.gradient(self, x, &mut sum);
            Clipped { sum, below, loss: pass.loss }
        });
        let mut total = Clipped { sum: vec![0.0; self.parameters()], below: 0, loss: 0.0 };
        for part in parts {
            total.sum.iter_mut().zip(part.sum).for_each(|(total, value)| *total += value);
            total.below += part.below;
            total.loss += part.loss;
        }
        Ok(total)
    }

    fn add_penalty(&self, weights: &Weights, gradient: &mut [f64]) {
        if self.l2 == 0.0 {
            return;
        }
        for place in self.matrices() {
            for (value, weight) in gradient[place.clone()].iter_mut().zip(&weights.flat()[place]) {
                *value += self.l2 * weight;
            }
        }
    }

    fn predict(&self, weights: &Weights, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.check_weights(weights)?;
        self.check_columns(x)?;
        let mut scores = Pass::outputs(self, weights.flat(), x);
        self.head.scores(&mut scores);
        Ok(scores)
    }

    fn evaluate(&self, weights: &Weights, batch: &Batch<'_>) -> Result<Metrics> {
        self.check_weights(weights)?;
        self.check(batch)?;
        let parts = Self::chunks(batch, |x, y| {
            let mut scores = Pass::outputs(self, weights.flat(), x);
            let loss_sum = self.head.residuals(&mut scores.clone(), y);
            self.head.scores(&mut scores);
            let mut metrics = Metrics { examples: y.len() as u64, loss_sum, ..Metrics::default() };
            for (row, &target) in scores.rows().into_iter().zip(y) {
                let row = row.to_slice().unwrap_or_default();
                if self.head.is_classes() {
                    metrics.correct += u64::from(self.head.is_correct(row, target));
                } else {
                    metrics.squared_sum += row.first().map_or(0.0, |score| (score - target) * (score - target));
                }
            }
            metrics
        });
        Ok(parts.into_iter().fold(Metrics::default(), Metrics::and))
    }
}

/// Uniform in [0, 1) on the multiples of 2^-53.
pub(crate) fn unit<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    (rng.next_u64() >> 11) as f64 * 2f64.powi(-53)
}
