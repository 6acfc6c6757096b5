//! Discrete Laplace (CKS 2020, Algorithm 2): P[X = x] proportional to exp(-|x| b / a) for the scale a/b.

use num_bigint::BigUint;
use rand_chacha::rand_core::CryptoRng;

use super::exp::{Uniform, WHOLE, approximate, compare};
use super::{Bits, Ratio};
use crate::dp::refuse::parameter;
use crate::error::Result;

/// Beyond this many scales the sampler stops: the probability is exp(-65536), below 2^-94000.
const MOST_SCALES: u64 = 1 << 16;

/// Division by a fixed number below 2^63, as a fraction in units of 2^-64, by one multiplication (Möller & Granlund 2011).
#[derive(Clone, Copy, Debug)]
struct Reciprocal {
    shift: u32,
    /// floor((2^128 - 1) / (divisor 2^shift)) - 2^64
    value: u64,
}

impl Reciprocal {
    fn new(divisor: u64) -> Self {
        let shift = divisor.leading_zeros();
        let value = u128::MAX / u128::from(divisor << shift) - (1 << 64);
        Self { shift, value: value as u64 }
    }

    /// `x / divisor` for x below the divisor: at most 2 units below, never above.
    #[inline]
    fn fraction(self, x: u64) -> u64 {
        let x = x << self.shift;
        (((u128::from(x) * u128::from(self.value)) >> 64) as u64).wrapping_add(x)
    }
}

/// Geometric noise of scale `t` in the natural order: |X| = u + t v with u below t, as CKS draws it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponential {
    pub(super) t: u64,
    reciprocal: Reciprocal,
}

impl Exponential {
    pub(super) fn new(t: u64) -> Self {
        Self { t, reciprocal: Reciprocal::new(t) }
    }

    /// (u, u/t in units of 2^-64, v): u with weight exp(-u/t) among 0..t, v geometric with ratio exp(-1).
    #[inline]
    pub(super) fn draw<R: CryptoRng + ?Sized>(&self, bits: &mut Bits<'_, R>) -> (u64, u64, u64) {
        let (u, fraction) = if self.t == 1 { (0, 0) } else { self.within(bits) };
        (u, fraction, geometric(bits))
    }

    #[inline]
    fn within<R: CryptoRng + ?Sized>(&self, bits: &mut Bits<'_, R>) -> (u64, u64) {
        loop {
            let u = bits.below(self.t);
            let fraction = self.reciprocal.fraction(u);
            let word = bits.word();
            let accept = compare(word, approximate(0, fraction))
                .unwrap_or_else(|| Uniform::starting(word).is_below(&BigUint::from(u), &BigUint::from(self.t), bits));
            if accept {
                return (u, fraction);
            }
        }
    }
}

/// P[V >= k] = exp(-k): the number of k >= 1 with U < exp(-k).
#[inline]
fn geometric<R: CryptoRng + ?Sized>(bits: &mut Bits<'_, R>) -> u64 {
    let word = bits.word();
    for (k, value) in (1u64..24).zip(&WHOLE[1..]) {
        // exp(-24) is above the slack: at most one of these comparisons is open
        match compare(word, *value) {
            Some(true) => {}
            Some(false) => return k - 1,
            None => return far(word, k, bits),
        }
    }
    far(word, 24, bits)
}

/// Goes on at `k` with exact rationals.
#[cold]
#[inline(never)]
fn far<R: CryptoRng + ?Sized>(word: u64, mut k: u64, bits: &mut Bits<'_, R>) -> u64 {
    let mut uniform = Uniform::starting(word);
    let one = BigUint::from(1u32);
    while k <= MOST_SCALES && uniform.is_below(&BigUint::from(k), &one, bits) {
        k += 1;
    }
    k - 1
}

/// Discrete Laplace noise of a rational scale. Its variance is about 2 scale^2; adding it to an integer query of sensitivity
/// D gives pure epsilon = D / scale (CKS 2020, section 5, after Ghosh, Roughgarden & Sundararajan 2009).
///
/// ```
/// use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// use yu_desensitize::dp::noise::{DiscreteLaplace, Ratio};
/// let mut rng = ChaCha20Rng::from_seed([7; 32]); // a real release takes a generator seeded by the system
/// let laplace = DiscreteLaplace::new(Ratio::new(5, 2)?)?;
/// let mut noise = [0i64; 1000];
/// laplace.fill(&mut noise, &mut rng);
/// assert!(noise.iter().any(|x| *x < 0) && noise.iter().any(|x| *x > 0));
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DiscreteLaplace {
    exponential: Exponential,
    divisor: u64,
}

impl DiscreteLaplace {
    /// Noise of this scale.
    ///
    /// # Errors
    /// `dp.parameter` if a part of the scale is 2^46 or more.
    pub fn new(scale: Ratio) -> Result<Self> {
        let part = |value: u128| u64::try_from(value).ok().filter(|value| value >> 46 == 0);
        match (part(scale.numerator), part(scale.denominator)) {
            (Some(t), Some(divisor)) => Ok(Self { exponential: Exponential::new(t), divisor }),
            _ => Err(parameter(
                "the scale of the Laplace noise is out of range",
                "拉普拉斯噪声尺度超出范围",
                "use narrower bounds, a coarser grid or a larger epsilon",
                "请收窄截断范围、使用更粗的网格或增大 epsilon",
            )),
        }
    }

    /// The scale as a double, for reports.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.exponential.t as f64 / self.divisor as f64
    }

    /// The standard deviation: sqrt(2 r) / (1 - r) with r = exp(-1/scale).
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let inverse = 1.0 / self.scale();
        (2.0 * (-inverse).exp()).sqrt() / -(-inverse).exp_m1()
    }

    /// P[X >= k] for k >= 1: exp(-k/scale) / (1 + exp(-1/scale)).
    #[must_use]
    pub fn tail(&self, k: u64) -> f64 {
        (-(k as f64) / self.scale()).exp() / (1.0 + (-1.0 / self.scale()).exp())
    }

    /// One draw.
    #[inline]
    pub fn sample<R: CryptoRng + ?Sized>(&self, bits: &mut Bits<'_, R>) -> i64 {
        loop {
            let (u, _, v) = self.exponential.draw(bits);
            // below 2^46 (2^16 + 1)
            let x = u + self.exponential.t * v;
            let y = if self.divisor == 1 { x } else { x / self.divisor } as i64;
            // 0 has one sign
            match (bits.bit(), y) {
                (true, 0) => {}
                (true, y) => return -y,
                (false, y) => return y,
            }
        }
    }

    /// Fills a slice with independent draws.
    pub fn fill<R: CryptoRng + ?Sized>(&self, out: &mut [i64], rng: &mut R) {
        let mut bits = Bits::new(rng);
        for x in out {
            *x = self.sample(&mut bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_divide() {
        for t in [2u64, 3, 7, 10, 1 << 20, (1 << 46) - 1] {
            let reciprocal = Reciprocal::new(t);
            for x in [0, 1, t / 3, t / 2, t - 1] {
                let truth = ((u128::from(x) << 64) / u128::from(t)) as u64;
                assert!(truth - reciprocal.fraction(x) <= 2, "{x}/{t}");
            }
        }
    }
}
