//! The randomised Walsh-Hadamard rotation: signs from a public seed, then H / sqrt(d), d a power of two.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Whether vectors are rotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Not.
    None,
    /// By the randomised Walsh-Hadamard transform; lengths grow to the next power of two.
    #[default]
    Hadamard,
}

impl Rotation {
    /// Signs, then the transform, in place.
    pub(super) fn forward(self, values: &mut [f64], seed: &[u8; 32]) {
        if self == Self::Hadamard {
            signs(values, seed);
            transform(values);
        }
    }

    /// The inverse: the transform is its own.
    pub(super) fn back(self, values: &mut [f64], seed: &[u8; 32]) {
        if self == Self::Hadamard {
            transform(values);
            signs(values, seed);
        }
    }
}

fn signs(values: &mut [f64], seed: &[u8; 32]) {
    let mut rng = ChaCha20Rng::from_seed(*seed);
    for chunk in values.chunks_mut(64) {
        let word = rng.next_u64();
        for (bit, value) in chunk.iter_mut().enumerate() {
            if word >> bit & 1 == 1 {
                *value = -*value;
            }
        }
    }
}

fn transform(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (values.len() as f64).sqrt();
    values.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_keeps_norms_and_goes_back() {
        let start: Vec<f64> = (0..256).map(|place| if place == 3 { 16.0 } else { 0.0 }).collect();
        let mut values = start.clone();
        Rotation::Hadamard.forward(&mut values, &[9; 32]);
        assert!(values.iter().all(|value| (value.abs() - 1.0).abs() < 1e-12));
        Rotation::Hadamard.back(&mut values, &[9; 32]);
        assert!(values.iter().zip(&start).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
