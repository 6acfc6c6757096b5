//! One pass through the layers and back. The derivatives of every row are kept apart until the last product, so that each row's whole
//! gradient norm is known, and rows can be scaled, without ever holding a gradient for each row.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

use super::head::Head;
use super::network::{Activation, Network};

/// What a pass leaves behind.
pub(super) struct Pass {
    /// Outputs of the hidden layers, [rows, width] each.
    hidden: Vec<Array2<f64>>,
    /// Derivatives of each row's loss by the layers' outputs before activation, [rows, width] each.
    deltas: Vec<Array2<f64>>,
    /// Sum of the rows' losses.
    pub(super) loss: f64,
}

impl Pass {
    /// Forward and back. Shapes have been checked.
    pub(super) fn run(network: &Network, flat: &[f64], x: ArrayView2<'_, f64>, y: &[f64]) -> Self {
        let layers = views(network, flat);
        let (hidden, mut delta) = forward(&layers, network.activation(), x);
        let head: Head = network.head();
        let loss = head.residuals(&mut delta, y);
        let mut deltas = vec![delta];
        for (place, output) in hidden.iter().enumerate().rev() {
            let (weight, _) = layers[place + 1];
            let mut below = deltas[deltas.len() - 1].dot(&weight.t());
            match network.activation() {
                Activation::Relu => below.zip_mut_with(output, |value, a| {
                    if *a <= 0.0 {
                        *value = 0.0;
                    }
                }),
                Activation::Tanh => below.zip_mut_with(output, |value, a| *value *= 1.0 - a * a),
            }
            deltas.push(below);
        }
        deltas.reverse();
        Self { hidden, deltas, loss }
    }

    /// Outputs of the last layer, before the head.
    pub(super) fn outputs(network: &Network, flat: &[f64], x: ArrayView2<'_, f64>) -> Array2<f64> {
        forward(&views(network, flat), network.activation(), x).1
    }

    /// Scales every row's derivatives so that the L2 norm of its whole gradient is at most `bound`; gives how many were below it.
    ///
    /// The gradient of a row by a dense layer is the outer product of the layer's input `a` and derivative `d`, so its squared norm is
    /// `(|a|^2 + 1) |d|^2`, the 1 for the bias (Goodfellow 2015, arXiv 1510.01799). A row whose norm is not finite counts as zero: its
    /// outputs are cleared as well, since an infinite one times a derivative of zero would wipe out the whole sum.
    pub(super) fn clip(&mut self, x: ArrayView2<'_, f64>, bound: f64) -> usize {
        let square = |row: ArrayView1<'_, f64>| row.iter().map(|value| value * value).sum::<f64>();
        let mut below = 0;
        for row in 0..x.nrows() {
            let inputs = std::iter::once(square(x.row(row))).chain(self.hidden.iter().map(|layer| square(layer.row(row))));
            let norm = inputs.zip(&self.deltas).map(|(input, delta)| (input + 1.0) * square(delta.row(row))).sum::<f64>().sqrt();
            if norm <= bound {
                below += 1;
                continue;
            }
            for delta in &mut self.deltas {
                let mut delta = delta.row_mut(row);
                if norm.is_finite() { delta.mapv_inplace(|value| value * (bound / norm)) } else { delta.fill(0.0) }
            }
            if !norm.is_finite() {
                self.hidden.iter_mut().for_each(|layer| layer.row_mut(row).fill(0.0));
            }
        }
        below
    }

    /// The sum over the rows of their gradients, written into `out`.
    pub(super) fn gradient(&self, network: &Network, x: ArrayView2<'_, f64>, out: &mut [f64]) {
        let mut rest = out;
        for (place, (inputs, outputs)) in network.shapes().enumerate() {
            let (weight, after) = rest.split_at_mut(inputs * outputs);
            let (bias, after) = after.split_at_mut(outputs);
            rest = after;
            let (input, delta) = (if place == 0 { x } else { self.hidden[place - 1].view() }, &self.deltas[place]);
            if let Ok(mut weight) = ArrayViewMut2::from_shape((inputs, outputs), weight) {
                general_mat_mul(1.0, &input.t(), delta, 0.0, &mut weight);
            }
            ArrayViewMut1::from(bias).assign(&delta.sum_axis(Axis(0)));
        }
    }
}

type Views<'a> = Vec<(ArrayView2<'a, f64>, ArrayView1<'a, f64>)>;

/// Weight and bias of each layer; the caller has checked the length.
fn views<'a>(network: &Network, flat: &'a [f64]) -> Views<'a> {
    let mut rest = flat;
    network
        .shapes()
        .map(|(inputs, outputs)| {
            let (weight, after) = rest.split_at(inputs * outputs);
            let (bias, after) = after.split_at(outputs);
            rest = after;
            (ArrayView2::from_shape((inputs, outputs), weight).expect("as long as its shape"), ArrayView1::from(bias))
        })
        .collect()
}

/// Outputs of the hidden layers, and of the last one before the head.
fn forward(layers: &Views<'_>, activation: Activation, x: ArrayView2<'_, f64>) -> (Vec<Array2<f64>>, Array2<f64>) {
    let mut hidden: Vec<Array2<f64>> = Vec::with_capacity(layers.len().saturating_sub(1));
    for (place, (weight, bias)) in layers.iter().enumerate() {
        let mut z = match hidden.last() {
            None => x.dot(weight),
            Some(input) => input.dot(weight),
        };
        z += bias;
        if place + 1 == layers.len() {
            return (hidden, z);
        }
        match activation {
            Activation::Relu => z.mapv_inplace(|value| value.max(0.0)),
            Activation::Tanh => z.mapv_inplace(f64::tanh),
        }
        hidden.push(z);
    }
    (hidden, Array2::zeros((x.nrows(), 0)))
}
