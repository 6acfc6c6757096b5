//! Two small classifiers: one that generalises and one that memorises. Attackers' yardsticks and subjects of tests.

use rand_chacha::rand_core::Rng;

use super::model::{AttackableModel, Example, Examples, Trainer};
use crate::error::Result;

/// Logistic regression with an L2 penalty, by Newton's method without second derivatives between features (diagonal
/// curvature bound): few parameters, hardly any memory of single examples. Labels are 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticRegression {
    /// Penalty on the squared weights, per example.
    pub penalty: f64,
    /// Steps over all examples.
    pub steps: u32,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self { penalty: 1e-3, steps: 100 }
    }
}

/// Weights of a logistic regression on features that are scaled to mean 0 and variance 1.
struct Logistic {
    weights: Vec<f64>,
    bias: f64,
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Logistic {
    fn margin(&self, features: &[f64]) -> f64 {
        let terms = features.iter().zip(&self.mean).zip(&self.scale).zip(&self.weights);
        self.bias + terms.map(|(((x, mean), scale), weight)| (x - mean) * scale * weight).sum::<f64>()
    }
}

impl AttackableModel for Logistic {
    fn loss(&self, example: Example<'_>) -> Result<f64> {
        let margin = if example.label > 0.5 { self.margin(example.features) } else { -self.margin(example.features) };
        // log(1 + exp(-margin)) without overflow
        Ok((-margin).max(0.0) + (-margin.abs()).exp().ln_1p())
    }
}

impl Trainer for LogisticRegression {
    fn train(&self, examples: &Examples, _rng: &mut dyn Rng) -> Result<Box<dyn AttackableModel>> {
        let (width, n) = (examples.width(), examples.len().max(1) as f64);
        let (mut mean, mut square) = (vec![0.0; width], vec![0.0; width]);
        for example in examples.iter() {
            for ((mean, square), x) in mean.iter_mut().zip(&mut square).zip(example.features) {
                *mean += x / n;
                *square += x * x / n;
            }
        }
        let scale = mean.iter().zip(&square).map(|(mean, square)| 1.0 / (square - mean * mean).max(1e-12).sqrt()).collect();
        let mut model = Logistic { weights: vec![0.0; width], bias: 0.0, mean, scale };
        // the curvature of the mean loss is at most (1 + sum of x^2) / 4 <= (1 + width) / 4 after scaling
        let rate = 4.0 / (1.0 + width as f64);
        let mut momentum = vec![0.0; width + 1];
        for _ in 0..self.steps {
            let mut gradient = vec![0.0; width + 1];
            for example in examples.iter() {
                let error = 1.0 / (1.0 + (-model.margin(example.features)).exp()) - f64::from(u8::from(example.label > 0.5));
                let scaled = example.features.iter().zip(&model.mean).zip(&model.scale).map(|((x, mean), scale)| (x - mean) * scale);
                gradient.iter_mut().zip(scaled.chain([1.0])).for_each(|(sum, x)| *sum += error * x / n);
            }
            for ((momentum, gradient), weight) in momentum.iter_mut().zip(&gradient).zip(model.weights.iter().chain([&0.0])) {
                *momentum = 0.8 * *momentum + gradient + 2.0 * self.penalty * weight;
            }
            model.weights.iter_mut().chain([&mut model.bias]).zip(&momentum).for_each(|(weight, step)| *weight -= 0.2 * rate * step);
        }
        Ok(Box::new(model))
    }
}

/// The nearest example's label (1-NN): it holds its training set and gives every member away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NearestNeighbour;

/// A training set as a model.
struct Nearest(Examples);

impl AttackableModel for Nearest {
    /// As sure of the nearest label as it is near.
    fn loss(&self, example: Example<'_>) -> Result<f64> {
        let (mut distance, mut label) = (f64::INFINITY, f64::NAN);
        for other in self.0.iter() {
            let this = other.features.iter().zip(example.features).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            if this < distance {
                (distance, label) = (this, other.label);
            }
        }
        let sure = 0.5 + 0.5 * (-distance.sqrt()).exp() * (1.0 - 1e-9);
        let is_right = (label - example.label).abs() < 0.5;
        Ok(-(if is_right { sure } else { 1.0 - sure }).ln())
    }
}

impl Trainer for NearestNeighbour {
    fn train(&self, examples: &Examples, _rng: &mut dyn Rng) -> Result<Box<dyn AttackableModel>> {
        Ok(Box::new(Nearest(examples.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn both_learn_a_line() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let points: Vec<f64> = (0..200).map(|i| f64::from(i) / 10.0).collect();
        let labels = points.iter().map(|x| f64::from(u8::from(*x > 10.0))).collect();
        let examples = Examples::new(1, points, labels).unwrap();
        let trainers: [&dyn Trainer; 2] = [&LogisticRegression::default(), &NearestNeighbour];
        for trainer in trainers {
            let model = trainer.train(&examples, &mut rng).unwrap();
            for (x, label) in [(2.03, 0.0), (18.02, 1.0)] {
                assert!(model.loss(Example { features: &[x], label }).unwrap() < 0.3);
                assert!(model.loss(Example { features: &[x], label: 1.0 - label }).unwrap() > 1.0);
            }
        }
    }
}
