//! The privacy loss of one release, on a grid.

use libm::erfc;

use super::super::super::refuse::parameter;
use super::{LONGEST, Losses, PrivacyLoss, TAIL, too_fine};
use crate::error::Result;

/// Gauss-Legendre nodes and weights on [-1, 1], two points.
const TWO: [(f64, f64); 2] = [(-0.577_350_269_189_625_8, 1.0), (0.577_350_269_189_625_8, 1.0)];

/// Gauss-Legendre nodes and weights on [-1, 1], five points.
const FIVE: [(f64, f64); 5] = [
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
];

/// P[a < N(0,1) < b], good in both tails.
fn normal(a: f64, b: f64) -> f64 {
    let root = std::f64::consts::FRAC_1_SQRT_2;
    if a > 0.0 { (erfc(a * root) - erfc(b * root)) / 2.0 } else { (erfc(-b * root) - erfc(-a * root)) / 2.0 }
}

/// Collects cells: mass at the two ends of each, such that both its masses are kept.
struct Dots {
    first: i64,
    mass: Vec<f64>,
    infinite: f64,
    grid: f64,
}

impl Dots {
    fn new(low: f64, high: f64, grid: f64) -> Result<Self> {
        let (first, last) = ((low / grid).floor() as i64, (high / grid).ceil() as i64);
        let length = usize::try_from(last - first + 1).ok().filter(|length| *length <= LONGEST).ok_or_else(too_fine)?;
        Ok(Self { first, mass: vec![0.0; length], infinite: 0.0, grid })
    }

    fn loss(&self, index: usize) -> f64 {
        (self.first + index as i64) as f64 * self.grid
    }

    fn cells(&self) -> usize {
        self.mass.len() - 1
    }

    /// `mass` between the ends `index` and `index + 1`; `excess` is the integral of 1 - e^(loss(index) - L) over it.
    fn add(&mut self, index: usize, mass: f64, excess: f64) {
        let upper = (excess / -(-self.grid).exp_m1()).clamp(0.0, mass);
        self.mass[index] += mass - upper;
        self.mass[index + 1] += upper;
    }

    fn done(self) -> Losses {
        Losses { first: self.first, mass: self.mass, infinite: self.infinite }
    }
}

/// The loss at `x` is L(x) = ln(1 - q + q e^((2x-1)/(2 s^2))), rising in x; a removed record has x ~ (1-q) N(0) + q N(1)
/// and loss L, an added one x ~ N(0) and loss -L.
pub(super) fn gaussian(q: f64, sigma: f64, grid: f64) -> Result<PrivacyLoss> {
    let reach = 8.3 * sigma; // beyond 8.3 standard deviations: 5.2e-17
    let bottom = (-q).ln_1p();
    let loss = |x: f64| {
        let power = (2.0 * x - 1.0) / (2.0 * sigma * sigma);
        // ln(1 + q (e^p - 1)), and p + ln(q + (1-q) e^-p) where e^p is large
        if power < 1.0 { (q * power.exp_m1()).ln_1p() } else { power + (q + (1.0 - q) * (-power).exp()).ln() }
    };
    let place = |loss: f64| {
        if loss <= bottom {
            return f64::NEG_INFINITY;
        }
        let log = if loss > 1.0 { loss + ((1.0 / q) * (1.0 - (1.0 - q) * (-loss).exp())).ln() } else { (loss.exp_m1() / q).ln_1p() };
        sigma * sigma * log + 0.5
    };
    let density =
        |x: f64, centre: f64| (-(x - centre).powi(2) / (2.0 * sigma * sigma)).exp() / (sigma * (2.0 * std::f64::consts::PI).sqrt());
    let removed = |x: f64| (1.0 - q) * density(x, 0.0) + q * density(x, 1.0);
    let removed_mass = |a: f64, b: f64| (1.0 - q) * normal(a / sigma, b / sigma) + q * normal((a - 1.0) / sigma, (b - 1.0) / sigma);
    let added_mass = |a: f64, b: f64| normal(a / sigma, b / sigma);

    // a record removed: x from -reach to 1 + reach
    let mut dots = Dots::new(loss(-reach), loss(1.0 + reach), grid)?;
    for index in 0..dots.cells() {
        let (at, next) = (dots.loss(index), dots.loss(index + 1));
        let (a, b) = (place(at).max(-reach), place(next).min(1.0 + reach));
        if a < b {
            let exact = || (removed_mass(a, b), removed_mass(a, b) - at.exp() * added_mass(a, b));
            let (mass, excess) = cell(a, b, sigma, &removed, |x| -(at - loss(x)).exp_m1(), exact);
            dots.add(index, mass, excess);
        }
    }
    dots.mass[0] += removed_mass(f64::NEG_INFINITY, -reach);
    dots.infinite = removed_mass(1.0 + reach, f64::INFINITY) + TAIL;
    let remove = dots.done();

    // a record added: the loss is -L(x), largest at small x
    let mut dots = Dots::new(-loss(reach), -loss(-reach), grid)?;
    for index in 0..dots.cells() {
        let (at, next) = (dots.loss(index), dots.loss(index + 1));
        let (a, b) = (place(-next).max(-reach), place(-at).min(reach));
        if a < b {
            let exact = || (added_mass(a, b), added_mass(a, b) - at.exp() * removed_mass(a, b));
            let (mass, excess) = cell(a, b, sigma, &|x| density(x, 0.0), |x| -(at + loss(x)).exp_m1(), exact);
            dots.add(index, mass, excess);
        }
    }
    dots.mass[0] += added_mass(reach, f64::INFINITY);
    dots.infinite = added_mass(f64::NEG_INFINITY, -reach) + TAIL;
    Ok(PrivacyLoss { grid, directions: vec![remove, dots.done()] })
}

/// Mass and excess of a cell: by quadrature where it is narrow (differences of distribution functions lose digits there),
/// by distribution functions where it is wide.
fn cell(
    a: f64,
    b: f64,
    sigma: f64,
    density: &impl Fn(f64) -> f64,
    excess: impl Fn(f64) -> f64,
    exact: impl Fn() -> (f64, f64),
) -> (f64, f64) {
    if b - a > 0.2 * sigma {
        return exact();
    }
    let (half, middle) = ((b - a) / 2.0, f64::midpoint(a, b));
    // two points err by w^5/4320 times the fourth derivative: below 1e-11 of the mass within 5 deviations at this width
    let nodes: &[(f64, f64)] = if b - a < 0.003 * sigma { &TWO } else { &FIVE };
    nodes.iter().fold((0.0, 0.0), |(mass, over), (node, weight)| {
        let x = middle + half * node;
        let here = half * weight * density(x);
        (mass + here, over + here * excess(x))
    })
}

/// The loss is 1/b with probability 1/2, -1/b with probability e^(-1/b)/2, and (1 - 2x)/b between, for noise x in (0, 1).
pub(super) fn laplace(scale: f64, grid: f64) -> Result<PrivacyLoss> {
    if !(0.001..=1e6).contains(&scale) {
        return Err(parameter(
            "the Laplace scale is out of bounds",
            "拉普拉斯尺度超出范围",
            "give a scale between 0.001 and 1e6",
            "请给出 0.001 至 1e6 的尺度",
        ));
    }
    let most = 1.0 / scale;
    let mut dots = Dots::new(-most, most, grid)?;
    let point = |dots: &mut Dots, loss: f64, mass: f64| {
        let index = usize::try_from((loss / grid).floor() as i64 - dots.first).unwrap_or(0).min(dots.cells() - 1);
        let at = dots.loss(index);
        dots.add(index, mass, -mass * (at - loss).exp_m1());
    };
    point(&mut dots, most, 0.5);
    point(&mut dots, -most, 0.5 * (-most).exp());
    // density of the loss l in (-most, most): e^((l - most)/2) / 4
    for index in 0..dots.cells() {
        let at = dots.loss(index);
        let (a, b) = (at.max(-most), dots.loss(index + 1).min(most));
        if a < b {
            let mass = ((a - most) / 2.0).exp() * ((b - a) / 2.0).exp_m1() / 2.0;
            // minus e^at times the integral of e^(-l/2 - most/2) / 4
            let under = (at - a / 2.0 - most / 2.0).exp() * -((a - b) / 2.0).exp_m1() / 2.0;
            dots.add(index, mass, mass - under);
        }
    }
    // symmetric: one direction stands for both
    Ok(PrivacyLoss { grid, directions: vec![dots.done()] })
}

/// The loss at integer x is (2x - 1)/(2 s^2) for x of the shifted noise: points, each laid onto its two neighbours.
pub(super) fn discrete_gaussian(sigma: f64, grid: f64) -> Result<PrivacyLoss> {
    let reach = (9.0 * sigma).ceil() + 2.0;
    let weight = |x: f64| (-x * x / (2.0 * sigma * sigma)).exp();
    let mut total = 0.0;
    let mut x = -2.0 * reach;
    while x <= 2.0 * reach {
        total += weight(x);
        x += 1.0;
    }
    // x ~ noise + 1 against noise
    let loss = |x: f64| (2.0 * x - 1.0) / (2.0 * sigma * sigma);
    let mut dots = Dots::new(loss(-reach), loss(reach + 1.0) + grid, grid)?;
    let mut x = -reach;
    while x <= reach {
        let (mass, loss) = (weight(x - 1.0) / total, loss(x));
        let index = usize::try_from((loss / grid).floor() as i64 - dots.first).unwrap_or(0).min(dots.cells() - 1);
        let at = dots.loss(index);
        dots.add(index, mass, -mass * (at - loss).exp_m1());
        x += 1.0;
    }
    dots.infinite = TAIL;
    Ok(PrivacyLoss { grid, directions: vec![dots.done()] })
}
