//! Rényi differential privacy (Mironov 2017): one curve per mechanism, curves add up, conversion to (epsilon, delta).
//!
//! | mechanism | curve at order a | source |
//! |---|---|---|
//! | Gaussian | a / (2 z^2) | Mironov 2017, Corollary 3 |
//! | Laplace, scale b | ln((a e^((a-1)/b) + (a-1) e^(-a/b)) / (2a-1)) / (a-1) | Mironov 2017, Proposition 6 |
//! | Poisson-sampled Gaussian | ln A / (a-1), A = E_{x~N(0,z^2)} (1 - q + q e^((2x-1)/(2z^2)))^a | Mironov, Talwar & Zhang 2019, section 3.3 |
//!
//! At integer orders A is the binomial sum of that paper, in logarithms. At fractional orders the expectation itself is
//! integrated by the trapezoid rule, which converges geometrically for such analytic, fast falling functions
//! (Trefethen & Weideman 2014, section 5); the series of the paper does not converge for every q.

use super::super::refuse::parameter;
use super::super::units::{Delta, Epsilon, NoiseMultiplier, Rho, SamplingRate};
use crate::error::Result;

/// The orders that are looked at by default: 1.1 to 10.9 by tenths, 11 to 63, 128, 256, 512, 1024.
#[must_use]
pub fn default_orders() -> Vec<f64> {
    let tenths = (11..110).map(|tenth| f64::from(tenth) / 10.0);
    tenths.chain((11..64).map(f64::from)).chain([128.0, 256.0, 512.0, 1024.0]).collect()
}

/// What was composed so far: the curve at each order.
#[derive(Clone, Debug, PartialEq)]
pub struct RdpAccountant {
    orders: Vec<f64>,
    curve: Vec<f64>,
}

impl RdpAccountant {
    /// An empty account at the default orders.
    #[must_use]
    pub fn new() -> Self {
        let orders = default_orders();
        Self { curve: vec![0.0; orders.len()], orders }
    }

    /// An empty account at these orders, each above 1.
    ///
    /// # Errors
    /// `dp.parameter` for no order, or one that is not above 1.
    pub fn with_orders(orders: Vec<f64>) -> Result<Self> {
        if orders.is_empty() || !orders.iter().all(|order| *order > 1.0 && order.is_finite()) {
            return Err(parameter(
                "Rényi orders must be above 1",
                "Rényi 阶数必须大于 1",
                "give at least one order above 1",
                "请至少给出一个大于 1 的阶数",
            ));
        }
        Ok(Self { curve: vec![0.0; orders.len()], orders })
    }

    /// `steps` Gaussian releases, each on a sample drawn at this rate.
    pub fn add_gaussian(&mut self, rate: SamplingRate, noise: NoiseMultiplier, steps: u32) {
        self.add(steps, |order| sampled_gaussian(rate, noise, order));
    }

    /// `steps` Laplace releases of this scale over the L1 sensitivity (1/epsilon of one).
    ///
    /// # Errors
    /// `dp.parameter` for a scale that is not above 0.
    pub fn add_laplace(&mut self, scale: f64, steps: u32) -> Result<()> {
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(parameter(
                "the Laplace scale must be above 0",
                "拉普拉斯尺度必须大于 0",
                "give a scale above 0",
                "请给出大于 0 的尺度",
            ));
        }
        self.add(steps, |order| laplace(scale, order));
        Ok(())
    }

    /// A zero-concentrated release: rho times the order.
    pub fn add_rho(&mut self, rho: Rho) {
        self.add(1, |order| rho.get() * order);
    }

    fn add(&mut self, steps: u32, curve: impl Fn(f64) -> f64) {
        for (order, value) in self.orders.iter().zip(&mut self.curve) {
            *value += f64::from(steps) * curve(*order);
        }
    }

    /// The curve at the orders: (order, value).
    pub fn curve(&self) -> impl Iterator<Item = (f64, f64)> {
        self.orders.iter().copied().zip(self.curve.iter().copied())
    }

    /// The least epsilon over the orders, and the order (Canonne, Kamath & Steinke 2020, Proposition 12).
    ///
    /// # Errors
    /// `dp.unit` if no order gives a finite one.
    pub fn epsilon(&self, delta: Delta) -> Result<(Epsilon, f64)> {
        let at = |(order, value): (f64, f64)| {
            let epsilon = value + (-1.0 / order).ln_1p() - (delta.get() * order).ln() / (order - 1.0);
            (if epsilon.is_nan() { f64::INFINITY } else { epsilon.max(f64::MIN_POSITIVE) }, order)
        };
        let (epsilon, order) = self.curve().map(at).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 1.0));
        Ok((Epsilon::new(epsilon)?, order))
    }

    /// The least delta over the orders, by the same bound; at most 1.
    #[must_use]
    pub fn delta(&self, epsilon: Epsilon) -> f64 {
        let at = |(order, value): (f64, f64)| {
            let beta = order - 1.0;
            (beta * (value - epsilon.get()) - beta.ln() + order * (-1.0 / order).ln_1p()).exp()
        };
        self.curve().map(at).filter(|delta| !delta.is_nan()).fold(1.0, f64::min)
    }
}

impl Default for RdpAccountant {
    fn default() -> Self {
        Self::new()
    }
}

/// The curve of one Laplace release at an order above 1.
#[must_use]
pub fn laplace(scale: f64, order: f64) -> f64 {
    let (a, inverse) = (order, 1.0 / scale);
    let up = (a - 1.0) * inverse;
    // ln(a e^up + (a-1) e^(-a/b)) with the larger term taken out
    let inner = (a + (a - 1.0) * (-a * inverse - up).exp()).ln() + up;
    ((inner - (2.0 * a - 1.0).ln()) / (a - 1.0)).max(0.0)
}

/// The curve of one Gaussian release on a Poisson sample, at an order above 1.
#[must_use]
pub fn sampled_gaussian(rate: SamplingRate, noise: NoiseMultiplier, order: f64) -> f64 {
    let (q, sigma) = (rate.get(), noise.get());
    if q >= 1.0 {
        return order / (2.0 * sigma * sigma);
    }
    let log_a = if order.fract() == 0.0 && order <= 4096.0 { binomial(q, sigma, order) } else { integral(q, sigma, order) };
    (log_a / (order - 1.0)).max(0.0)
}

/// ln of the sum over k of C(a, k) (1-q)^(a-k) q^k e^((k^2-k)/(2 sigma^2)).
fn binomial(q: f64, sigma: f64, order: f64) -> f64 {
    let (mut log_choose, mut total) = (0.0f64, f64::NEG_INFINITY);
    let mut k = 0.0;
    while k <= order {
        let term = log_choose + (order - k) * (-q).ln_1p() + k * q.ln() + (k * k - k) / (2.0 * sigma * sigma);
        total = log_add(total, term);
        log_choose += ((order - k) / (k + 1.0)).ln();
        k += 1.0;
    }
    total
}

/// ln of the expectation by the trapezoid rule over x, in logarithms.
fn integral(q: f64, sigma: f64, order: f64) -> f64 {
    // the integrand is a mixture of bumps of width sigma between 0 and the order
    let (from, to) = (-14.0 * sigma, order + 14.0 * sigma);
    // a step far below sigma; the nearest singularity of the power lies at the imaginary distance pi sigma^2
    let step = (sigma / 16.0).min(sigma * sigma / 6.0);
    let count = ((to - from) / step).ceil();
    let mut total = f64::NEG_INFINITY;
    let mut index = 0.0;
    while index <= count {
        let x = from + index * step;
        let log_ratio = log_add((-q).ln_1p(), q.ln() + (2.0 * x - 1.0) / (2.0 * sigma * sigma));
        total = log_add(total, -x * x / (2.0 * sigma * sigma) + order * log_ratio);
        index += 1.0;
    }
    total + (step / (sigma * (2.0 * std::f64::consts::PI).sqrt())).ln()
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integral_and_sum_agree() {
        for (q, sigma) in [(0.01, 1.0), (0.5, 2.0), (0.001, 0.7), (0.1, 1.5)] {
            for order in [2.0, 3.0, 8.0, 32.0] {
                let (a, b) = (binomial(q, sigma, order), integral(q, sigma, order));
                assert!((a - b).abs() <= 1e-9 * a.abs() + 1e-12, "{q} {sigma} {order}: {a} {b}");
            }
        }
    }

    /// Quadrature with 25 digits gives 1.2725374332745e-4 (the reference of the shared golden values 1.3236850294e-4).
    #[test]
    fn fractional_orders_are_right() {
        let found = sampled_gaussian(SamplingRate::new(0.01).unwrap(), NoiseMultiplier::new(1.0).unwrap(), 1.5);
        assert!((found / 1.272_537_433_274_5e-4 - 1.0).abs() < 1e-9, "{found}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(RdpAccountant::with_orders(vec![1.0]).is_err());
        assert!(RdpAccountant::new().add_laplace(0.0, 1).is_err());
    }
}
