//! A fast Fourier transform for powers of a convolution: forward by decimation in frequency, back by decimation in time,
//! so that no reordering is needed in between. Depth first, so that small halves stay in the cache.

#[derive(Clone, Copy, Debug)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// `self` to an integer power, by squaring.
    fn power(self, mut exponent: u32) -> Self {
        let (mut base, mut result) = (self, Self { re: 1.0, im: 0.0 });
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.times(base);
            }
            base = base.times(base);
            exponent >>= 1;
        }
        result
    }
}

/// The `exponent`-fold cyclic convolution of `values` with itself. The length is a power of two.
pub(super) fn cyclic_power(values: &[f64], exponent: u32) -> Vec<f64> {
    let n = values.len();
    if n < 2 {
        return values.iter().map(|value| value.powf(f64::from(exponent))).collect();
    }
    let roots: Vec<Complex> = (0..n / 2)
        .map(|k| {
            let (im, re) = (-2.0 * std::f64::consts::PI * k as f64 / n as f64).sin_cos();
            Complex { re, im }
        })
        .collect();
    let mut data: Vec<Complex> = values.iter().map(|value| Complex { re: *value, im: 0.0 }).collect();
    forward(&mut data, &roots, 1);
    power_of_real(&mut data, exponent);
    back(&mut data, &roots, 1);
    let scale = 1.0 / n as f64;
    data.into_iter().map(|value| value.re * scale).collect()
}

/// Powers of the spectrum of real values, in the order that [`forward`] leaves (bits reversed): frequencies k and n - k, which are
/// conjugate, mirror each other in each block of places 2^j to 2^(j+1) - 1; only one of each pair is raised.
fn power_of_real(data: &mut [Complex], exponent: u32) {
    for value in data.iter_mut().take(2) {
        *value = value.power(exponent);
    }
    let mut start = 2;
    while start < data.len() {
        let (low, high) = data[start..2 * start].split_at_mut(start / 2);
        for (a, b) in low.iter_mut().zip(high.iter_mut().rev()) {
            *a = a.power(exponent);
            *b = Complex { re: a.re, im: -a.im };
        }
        start *= 2;
    }
}

fn forward(data: &mut [Complex], roots: &[Complex], stride: usize) {
    if data.len() < 2 {
        return;
    }
    let (low, high) = data.split_at_mut(data.len() / 2);
    for ((a, b), root) in low.iter_mut().zip(high.iter_mut()).zip(roots.iter().step_by(stride)) {
        let difference = Complex { re: a.re - b.re, im: a.im - b.im };
        *a = Complex { re: a.re + b.re, im: a.im + b.im };
        *b = difference.times(*root);
    }
    forward(low, roots, 2 * stride);
    forward(high, roots, 2 * stride);
}

fn back(data: &mut [Complex], roots: &[Complex], stride: usize) {
    if data.len() < 2 {
        return;
    }
    let (low, high) = data.split_at_mut(data.len() / 2);
    back(low, roots, 2 * stride);
    back(high, roots, 2 * stride);
    for ((a, b), root) in low.iter_mut().zip(high.iter_mut()).zip(roots.iter().step_by(stride)) {
        let turned = b.times(Complex { re: root.re, im: -root.im });
        *b = Complex { re: a.re - turned.re, im: a.im - turned.im };
        *a = Complex { re: a.re + turned.re, im: a.im + turned.im };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_convolutions() {
        let mut values = vec![0.0; 64];
        (values[0], values[1]) = (0.25, 0.75);
        let found = cyclic_power(&values, 30);
        // binomial weights
        let mut weight = 0.25f64.powi(30);
        for (k, value) in found.iter().enumerate().take(31) {
            assert!((value - weight).abs() < 1e-14, "{k}");
            weight *= (30 - k) as f64 / (k + 1) as f64 * 3.0;
        }
        assert!(found[40].abs() < 1e-15);
    }
}
