//! Public polynomials of secret numbers between -1 and 1.

use crate::Result;
use crate::engine::{Engine, Module, Product};

/// Coefficients, lowest first, of the polynomial in `t` that interpolates `f(middle + t half)` at Chebyshev's points of `-1 <= t <= 1`:
/// within a small factor of the best one.
pub(crate) fn fit(f: impl Fn(f64) -> f64, low: f64, high: f64, degree: usize) -> Vec<f64> {
    let count = degree + 1;
    let points: Vec<f64> = super::spline::chebyshev(-1.0, 1.0, count).collect();
    let values: Vec<f64> = points.iter().map(|t| f(f64::midpoint(low, high) + t * (high - low) / 2.0)).collect();
    // T_k in powers of t, by T_(k+1) = 2 t T_k - T_(k-1)
    let (mut previous, mut current) = (vec![0.0; count], vec![0.0; count]);
    previous[0] = 1.0;
    if degree > 0 {
        current[1] = 1.0;
    }
    let mut coefficients = vec![0.0; count];
    for k in 0..count {
        let at = |powers: &[f64], t: f64| powers.iter().rev().fold(0.0, |sum, c| sum * t + c);
        let sum: f64 = points.iter().zip(&values).map(|(t, value)| at(&previous, *t) * value).sum();
        let weight = if k == 0 { 1.0 } else { 2.0 } / count as f64;
        for (slot, power) in coefficients.iter_mut().zip(&previous) {
            *slot += weight * sum * power;
        }
        let mut next: Vec<f64> = previous.iter().map(|c| -c).collect();
        for (power, c) in current.iter().enumerate().take(degree) {
            next[power + 1] += 2.0 * c;
        }
        previous = std::mem::replace(&mut current, next);
    }
    coefficients
}

/// `t, t^2, .., t^degree` at `fraction` bits: `2 ceil(log2 degree)` rounds.
pub(crate) fn powers<E: Engine>(engine: &mut E, t: &E::Words, fraction: u32, degree: usize) -> Result<Vec<E::Words>> {
    let mut powers = vec![t.clone()];
    while powers.len() < degree {
        let (have, highest) = (powers.len(), &powers[powers.len() - 1]);
        let products: Vec<_> = powers.iter().take(degree - have).map(|power| Product::Each(highest, power)).collect();
        let more = engine.multiply(&products, fraction)?;
        powers.extend(more);
    }
    Ok(powers)
}

/// `sum of c_k t^k`, not cut: `bits` more fraction bits than the powers have.
pub(crate) fn sum<E: Engine>(engine: &E, coefficients: &[f64], powers: &[E::Words], fraction: u32, bits: u32) -> E::Words {
    let raw = |value: f64, bits: u32| ((value * f64::from(bits).exp2()).round_ties_even() as i64).cast_unsigned();
    let len = powers.first().map_or(0, crate::engine::Vector::len);
    let constant = engine.constant(&vec![raw(coefficients.first().copied().unwrap_or(0.0), fraction + bits); len]);
    let mut terms = vec![(1, &constant)];
    terms.extend(coefficients.iter().skip(1).zip(powers).map(|(c, power)| (raw(*c, bits), power)));
    E::Words::combination(&terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_are_nearly_the_best() {
        let exponential = fit(f64::exp2, 0.0, 1.0, 5);
        let error = |t: f64| (exponential.iter().rev().fold(0.0, |sum, c| sum * t + c) - f64::midpoint(1.0, t).exp2()).abs();
        let worst = (-100..=100).map(|at| error(f64::from(at) / 100.0)).fold(0.0, f64::max);
        assert!(worst < 2.4e-7, "{worst}");
        assert!(fit(|_| 3.0, 0.0, 1.0, 0) == [3.0]);
    }
}
