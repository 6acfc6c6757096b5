//! Privacy loss distributions (隐私损失分布; Koskela, Jälkö & Honkela 2020; Meiser & Mohammadi 2018), tighter than Rényi curves.
//!
//! The privacy loss of one step is discretised on the multiples of a grid by "connecting the dots" (Doroshenko, Ghazi,
//! Kamath, Kumar & Manurangsi 2022): the mass of every cell goes to its two ends such that its mass under both neighbouring
//! tables is kept. The delta of the discrete distribution is then the exact one at each grid point and above it in between:
//! an upper bound for one step and, by domination, for any composition. Composition is a power of the distribution by a
//! fast Fourier transform over a window outside of which Chernoff's bound leaves at most 1e-15; what may lie above
//! the window is counted as certain failure. Both directions (a record more, a record less) are composed; the worse counts.

mod single;

use super::super::refuse::parameter;
use super::super::units::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use super::fft::cyclic_power;
use crate::error::Result;

/// What is lost outside a window, at most.
const TAIL: f64 = 1e-15;

/// A finer window than this is refused: 2^24 cells, 256 MiB.
const LONGEST: usize = 1 << 24;

/// A step of the grid of privacy losses that suits most mechanisms.
pub const DEFAULT_GRID: f64 = 1e-4;

/// The step with which the epsilon of `steps` releases is at most about 1e-4 above the exact one.
///
/// Laying mass onto the ends of a cell adds a variance of h^2/6 a step on average, so h^2 k/6 in all, and half of that to the mean.
/// At z deviations above the mean of a sum of deviation sqrt(k) s that moves epsilon by h^2 (k + z sqrt(k)/s) / 12; z = 6 stands for
/// delta down to 1e-9. s is the root of the chi-square divergence, at most 1/sigma. Measured against a grid of 1e-5 on the golden
/// rows: at most 1.2e-4.
#[must_use]
pub fn grid_for(rate: SamplingRate, noise: NoiseMultiplier, steps: u32) -> f64 {
    let (q, z, k) = (rate.get(), noise.get(), f64::from(steps.max(1)));
    let spread = (q * (z.powi(-2).min(600.0)).exp_m1().sqrt()).min(1.0 / z);
    (1.2e-3 / (k + 6.0 * k.sqrt() / spread)).sqrt().clamp(2e-6, 1e-2)
}

/// A discrete distribution of the privacy loss of one direction.
#[derive(Clone, Debug)]
struct Losses {
    /// Loss of the first cell, in grid steps.
    first: i64,
    mass: Vec<f64>,
    /// Probability of certain failure.
    infinite: f64,
}

/// The distribution of the privacy loss of a mechanism against one record more or less.
#[derive(Clone, Debug)]
pub struct PrivacyLoss {
    grid: f64,
    directions: Vec<Losses>,
}

impl PrivacyLoss {
    /// One Gaussian release on a Poisson sample.
    ///
    /// # Errors
    /// `dp.parameter` for a grid that is not between 1e-7 and 0.1, or too fine for the noise.
    pub fn gaussian(rate: SamplingRate, noise: NoiseMultiplier, grid: f64) -> Result<Self> {
        check_grid(grid)?;
        single::gaussian(rate.get(), noise.get(), grid)
    }

    /// One Laplace release of this scale over the L1 sensitivity.
    ///
    /// # Errors
    /// `dp.parameter` for a scale or a grid out of bounds.
    pub fn laplace(scale: f64, grid: f64) -> Result<Self> {
        check_grid(grid)?;
        single::laplace(scale, grid)
    }

    /// One discrete Gaussian release (CKS 2020) with sensitivity 1 and this standard deviation parameter.
    ///
    /// # Errors
    /// `dp.parameter` for a grid out of bounds or too fine.
    pub fn discrete_gaussian(noise: NoiseMultiplier, grid: f64) -> Result<Self> {
        check_grid(grid)?;
        single::discrete_gaussian(noise.get(), grid)
    }

    /// `steps` independent releases of the same kind; parameters fixed beforehand.
    ///
    /// # Errors
    /// `dp.parameter` for no step, or if the grid is too fine for so wide a distribution.
    pub fn compose(&self, steps: u32) -> Result<Self> {
        if steps == 0 {
            return Err(parameter("composition of no steps", "没有可组合的步骤", "give at least one step", "请至少给出一个步骤"));
        }
        if steps == 1 {
            return Ok(self.clone());
        }
        let directions = self.directions.iter().map(|losses| losses.compose(steps, self.grid)).collect::<Result<_>>()?;
        Ok(Self { grid: self.grid, directions })
    }

    /// The least delta at this epsilon, at most 1.
    #[must_use]
    pub fn delta(&self, epsilon: Epsilon) -> f64 {
        self.directions.iter().map(|losses| losses.delta(epsilon.get(), self.grid)).fold(0.0, f64::max).min(1.0)
    }

    /// The least epsilon for this delta.
    ///
    /// # Errors
    /// `dp.parameter` for a delta below 1e-10, where rounding would show; `dp.unit` if no epsilon reaches delta.
    pub fn epsilon(&self, delta: Delta) -> Result<Epsilon> {
        if delta.get() < 1e-10 {
            return Err(parameter(
                "delta is too small for this accountant",
                "delta 过小，该核算方法无法保证精度",
                "use the Rényi accountant, or a delta of at least 1e-10",
                "请使用 Rényi 核算，或取不小于 1e-10 的 delta",
            ));
        }
        let epsilon = self.directions.iter().map(|losses| losses.epsilon(delta.get(), self.grid)).fold(0.0, f64::max);
        Epsilon::new(epsilon.max(f64::MIN_POSITIVE))
    }
}

fn check_grid(grid: f64) -> Result<()> {
    if (1e-7..=0.1).contains(&grid) { Ok(()) } else { Err(too_fine()) }
}

fn too_fine() -> crate::error::Error {
    parameter(
        "the grid of privacy losses does not suit the mechanism",
        "隐私损失网格与机制不匹配",
        "use a grid between 1e-7 and 0.1, coarser for wide distributions",
        "请使用 1e-7 至 0.1 的网格，分布较宽时取更粗的网格",
    )
}

impl Losses {
    fn compose(&self, steps: u32, grid: f64) -> Result<Self> {
        let count = f64::from(steps);
        let (low, high) = self.window(steps, grid);
        let length = usize::try_from(high - low + 1).ok().and_then(usize::checked_next_power_of_two).filter(|n| *n <= LONGEST);
        let length = length.ok_or_else(too_fine)?;
        // cells are folded into the window: the power of a cyclic convolution is the folded power
        let mut folded = vec![0.0; length];
        for (index, mass) in self.mass.iter().enumerate() {
            folded[index % length] += mass;
        }
        let power = cyclic_power(&folded, steps);
        // position p of the power is the loss steps * first + p, up to multiples of the length
        let shift = low - i64::from(steps) * self.first;
        let start = usize::try_from(shift.rem_euclid(length as i64)).unwrap_or(0);
        let mass = (0..length).map(|index| power[(start + index) % length].max(0.0)).collect();
        let infinite = -(count * (-self.infinite).ln_1p()).exp_m1();
        Ok(Self { first: low, mass, infinite: infinite + TAIL })
    }

    /// The cells outside of which the `steps`-fold sum has at most `TAIL` on either side (Chernoff).
    fn window(&self, steps: u32, grid: f64) -> (i64, i64) {
        let count = i64::from(steps);
        let last = self.first + self.mass.len() as i64 - 1;
        let (low, high) = (count * self.first, count * last);
        let chunks = self.chunks(grid);
        let log_tail = (1.0 / TAIL).ln();
        // every lambda gives a bound; the least over powers of 2^(1/4) has one valley, the moment's logarithm being convex
        let reach = |sign: f64| {
            let bound = |power: i32| {
                let lambda = 2f64.powf(f64::from(power) / 4.0);
                let bound = (f64::from(steps) * log_moment(&chunks, sign * lambda) + log_tail) / lambda / grid;
                if bound.is_nan() { f64::INFINITY } else { bound }
            };
            let (mut left, mut right) = (-24, 44);
            while right - left > 2 {
                let (a, b) = (left + (right - left) / 3, right - (right - left) / 3);
                if bound(a) <= bound(b) { right = b } else { left = a }
            }
            (left..=right).map(bound).fold(f64::INFINITY, f64::min)
        };
        let (up, down) = (reach(1.0), reach(-1.0));
        let high = if up.is_finite() { high.min(up.ceil() as i64) } else { high };
        let low = if down.is_finite() { low.max((-down).floor() as i64) } else { low };
        (low, high.max(low))
    }

    /// Runs of cells, at most some 8192: losses of the two ends, mass.
    fn chunks(&self, grid: f64) -> Vec<(f64, f64, f64)> {
        let width = self.mass.len().div_ceil(8192).max(1);
        let place = |index: usize| (self.first + index as i64) as f64 * grid;
        self.mass
            .chunks(width)
            .enumerate()
            .map(|(index, chunk)| (place(index * width), place(index * width + chunk.len() - 1), chunk.iter().sum()))
            .filter(|(_, _, mass)| *mass > 0.0)
            .collect()
    }

    fn delta(&self, epsilon: f64, grid: f64) -> f64 {
        let mut delta = 0.0;
        for (index, mass) in self.mass.iter().enumerate().rev() {
            let loss = (self.first + index as i64) as f64 * grid;
            if loss <= epsilon {
                break;
            }
            delta -= mass * (epsilon - loss).exp_m1();
        }
        delta + self.infinite
    }

    /// From the largest loss down, until delta is reached within a cell.
    fn epsilon(&self, delta: f64, grid: f64) -> f64 {
        if self.infinite > delta {
            return f64::INFINITY;
        }
        // delta(e) = infinite + upper - e^(e - at) lower, with lower the sum of mass e^(at - loss)
        let (mut upper, mut lower) = (0.0, 0.0);
        let shrink = (-grid).exp();
        for (index, mass) in self.mass.iter().enumerate().rev() {
            let at = (self.first + index as i64) as f64 * grid;
            lower *= shrink;
            // delta at `at` exceeds the target: the crossing lies between `at` and the cell above
            if self.infinite + upper - lower > delta {
                let ratio = (self.infinite + upper - delta) / lower;
                return (at + ratio.ln()).max(0.0);
            }
            if at < 0.0 {
                return 0.0;
            }
            upper += mass;
            lower += mass;
        }
        // below the first cell
        let ratio = (self.infinite + upper - delta) / lower;
        if ratio > 0.0 && ratio.is_finite() { (self.first as f64 * grid + ratio.ln()).max(0.0) } else { 0.0 }
    }
}

/// ln E e^(lambda loss) of the finite part, from above: a run's mass counts at its end.
fn log_moment(chunks: &[(f64, f64, f64)], lambda: f64) -> f64 {
    let exponent = |(left, right, _): &(f64, f64, f64)| lambda * if lambda > 0.0 { *right } else { *left };
    let top = chunks.iter().map(exponent).fold(f64::NEG_INFINITY, f64::max);
    top + chunks.iter().map(|chunk| chunk.2 * (exponent(chunk) - top).exp()).sum::<f64>().ln()
}
