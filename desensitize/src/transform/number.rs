//! Numbers made coarser (泛化) or noisy: rounding, bins, top and bottom coding, noise on a grid.
//!
//! **The noise here is not differential privacy**: it has no budget, no sensitivity and no proof, and repeated releases average
//! it out. It blurs values for test and training data; releases with a guarantee go through the differential privacy of this crate. It is
//! float-safe in this sense: the value is first put on the grid and the noise is a whole number of grid steps out of
//! random bits, so that the low bits of a result carry nothing of the value (Mironov 2012, "On Significance of the Least
//! Significant Bits").

use arrow::array::{Array, ArrayRef, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use super::cells::{At, Cells, Number, numbers, numbers_like};
use super::refuse;
use crate::error::{Error, Result};

/// Multiples of a positive step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    step: f64,
    /// The step, if it is whole.
    whole: Option<i64>,
    /// Steps to a unit, if that is whole: 0.1 is not exact in binary, 10 is.
    inverse: Option<f64>,
}

impl Grid {
    pub(super) fn new(step: f64) -> Result<Self> {
        if !(step.is_finite() && step > 0.0) {
            return Err(refuse::parameter(
                "transform.step",
                ("a step is not a positive number", "步长不是正数"),
                ("write a step above zero", "填写大于零的步长"),
            ));
        }
        // 2^53: all whole numbers up to here are exact
        let whole = (step.fract() == 0.0 && step < 9.0e15).then_some(step as i64);
        let inverse = (1.0 / step).round();
        let inverse = (step < 1.0 && inverse < 9.0e15 && 1.0 / inverse == step).then_some(inverse);
        Ok(Self { step, whole, inverse })
    }

    /// The nearest multiple, halves away from zero, plus some steps.
    fn at(&self, number: Number, steps: i64) -> Option<Number> {
        if let (Number::Whole(value), Some(step)) = (number, self.whole) {
            let rest = value.rem_euclid(step);
            let is_up = rest > step - rest || (rest == step - rest && value > 0);
            let down = value.checked_sub(rest)?;
            let nearest = if is_up { down.checked_add(step)? } else { down };
            return Some(Number::Whole(nearest.checked_add(steps.checked_mul(step)?)?));
        }
        let value = number.real();
        let steps = steps as f64;
        let result = match self.inverse {
            Some(inverse) => ((value * inverse).round() + steps) / inverse,
            None => ((value / self.step).round() + steps) * self.step,
        };
        // a minus sign before zero would tell the sign of the value
        Some(Number::Real(if result == 0.0 { 0.0 } else { result })).filter(|_| result.is_finite())
    }
}

/// Rounds to a grid.
pub(super) struct Round(pub(super) Grid);

impl Cells for Round {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_numbers(array, at, |number| self.0.at(number, 0))
    }
}

/// Values above the top become the top, values below the bottom the bottom.
pub(super) struct Limit {
    pub(super) bottom: Option<f64>,
    pub(super) top: Option<f64>,
}

impl Cells for Limit {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let whole =
            |bound: f64| if bound.fract() == 0.0 && bound.abs() < 9.0e15 { Number::Whole(bound as i64) } else { Number::Real(bound) };
        map_numbers(array, at, |number| match (self.bottom, self.top) {
            (Some(bottom), _) if number.real() < bottom => Some(whole(bottom)),
            (_, Some(top)) if number.real() > top => Some(whole(top)),
            _ => Some(number),
        })
    }
}

/// Puts values on a grid and moves them by up to `steps` steps: the difference of two counts of `steps` fair coins.
pub(super) struct Noise {
    pub(super) grid: Grid,
    pub(super) steps: u32,
    pub(super) rng: ChaCha20Rng,
}

impl Cells for Noise {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let (grid, steps, rng) = (self.grid, self.steps, &mut self.rng);
        map_numbers(array, at, |number| {
            let noise = i64::from(coins(rng, steps)) - i64::from(coins(rng, steps));
            grid.at(number, noise)
        })
    }
}

/// Heads among fair coins.
fn coins(rng: &mut ChaCha20Rng, count: u32) -> u32 {
    let whole: u32 = (0..count / 64).map(|_| rng.next_u64().count_ones()).sum();
    let rest = count % 64;
    if rest == 0 { whole } else { whole + (rng.next_u64() >> (64 - rest)).count_ones() }
}

/// Replaces numbers by the interval they fall into, as text.
pub(super) struct Bins {
    /// Strictly rising.
    edges: Vec<f64>,
    labels: Vec<String>,
}

impl Bins {
    pub(super) fn new(edges: &[f64]) -> Result<Self> {
        let is_rising = edges.windows(2).all(|pair| pair[0] < pair[1]) && edges.iter().all(|edge| edge.is_finite());
        if edges.is_empty() || !is_rising {
            return Err(refuse::parameter(
                "transform.edges",
                ("the edges of the bins are missing, not finite or not strictly rising", "分箱边界缺失、非有限值或未严格递增"),
                ("write at least one edge, each above the one before", "至少填写一个边界，且逐个递增"),
            ));
        }
        let mut labels = vec![format!("(-∞, {})", edges[0])];
        labels.extend(edges.windows(2).map(|pair| format!("[{}, {})", pair[0], pair[1])));
        labels.extend(edges.last().map(|last| format!("[{last}, ∞)")));
        Ok(Self { edges: edges.to_vec(), labels })
    }
}

impl Cells for Bins {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let label = |number: Number| {
            let bin = self.edges.partition_point(|edge| *edge <= number.real());
            self.labels.get(bin).map(String::as_str)
        };
        let labels: StringArray = numbers(array, at)?.into_iter().map(|number| number.and_then(label)).collect();
        Ok(std::sync::Arc::new(labels))
    }
}

fn map_numbers(array: &ArrayRef, at: &At<'_>, mut f: impl FnMut(Number) -> Option<Number>) -> Result<ArrayRef> {
    let mut numbers = numbers(array, at)?;
    for (row, slot) in numbers.iter_mut().enumerate() {
        if let Some(number) = *slot {
            *slot = Some(f(number).ok_or_else(|| too_large(row, at))?);
        }
    }
    debug_assert_eq!(numbers.len(), array.len(), "one number for a cell");
    numbers_like(numbers, array, at)
}

fn too_large(row: usize, at: &At<'_>) -> Error {
    at.refuse(
        "transform.number_range",
        row,
        ("a result leaves the range of numbers", "结果超出数值范围"),
        ("use a smaller step, or limit the column first (top and bottom coding)", "减小步长，或先对该列做上下限编码"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn grids_round_to_the_nearest() {
        let at = |step, number| Grid::new(step).unwrap().at(number, 0).unwrap();
        for (value, rounded) in [(14, 10), (15, 20), (-15, -20), (-14, -10), (16, 20), (0, 0), (-16, -20)] {
            assert_eq!(at(10.0, Number::Whole(value)), Number::Whole(rounded), "{value}");
        }
        assert_eq!(at(0.1, Number::Real(0.26)), Number::Real(0.3), "no 0.30000000000000004");
        assert_eq!(at(0.1, Number::Real(-0.01)).to_string(), "0");
        assert_eq!(at(0.3, Number::Real(1.0)), Number::Real(0.3 * 3.0));
        assert_eq!(Grid::new(10.0).unwrap().at(Number::Whole(i64::MAX), 0), None);
        assert!(Grid::new(0.0).is_err() && Grid::new(f64::NAN).is_err() && Grid::new(-1.0).is_err());
    }

    #[test]
    fn noise_is_centred_and_bounded() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        for steps in [1u32, 7, 64, 100] {
            let draws: Vec<i64> = (0..20_000).map(|_| i64::from(coins(&mut rng, steps)) - i64::from(coins(&mut rng, steps))).collect();
            assert!(draws.iter().all(|draw| draw.unsigned_abs() <= u64::from(steps)));
            // standard deviation of the mean: sqrt(steps / 2 / 20000); six of them
            let mean = draws.iter().sum::<i64>() as f64 / 20_000.0;
            assert!(mean.abs() < 6.0 * (f64::from(steps) / 40_000.0).sqrt());
        }
    }
}
