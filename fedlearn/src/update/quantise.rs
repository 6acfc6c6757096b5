//! Doubles to a few bits by stochastic rounding, such that the integer sum of n parties decodes to the sum (量化).
//!
//! Values are cut off to `+-range` and become `h + x / step` with `h = 2^(b-1) - 1` and `step = range / h`, rounded up or down at random
//! with probabilities that keep the mean (Alistarh et al., NeurIPS 2017). Zero is exact. The sum of n encoded values, less `n h`, times
//! `step` is the sum of the n values with an error below `n step` always, and of deviation at most `step sqrt(n) / 2`.

use rand_chacha::rand_core::CryptoRng;

use crate::model::unit;
use crate::strategy::Layout;
use crate::{Error, Result};

/// Values that share a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// How many.
    pub length: usize,
    /// Largest magnitude; what is beyond is cut off.
    pub range: f64,
}

/// A code for vectors of one layout; public, the same for all parties.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiser {
    bits: u32,
    segments: Vec<Segment>,
}

impl Quantiser {
    /// A code of `bits` a value.
    ///
    /// # Errors
    /// `Caller` for bits outside 2 to 24, or a range that is not above 0.
    pub fn new(bits: u32, segments: Vec<Segment>) -> Result<Self> {
        if !(2..=24).contains(&bits) {
            return Err(Error::caller(format!("`{bits}` bits a value: give 2 to 24, usually 8 or 16")));
        }
        if let Some(bad) = segments.iter().find(|segment| !(segment.range > 0.0 && segment.range.is_finite())) {
            return Err(Error::caller(format!("the range of quantised values is `{}`: give a number above 0", bad.range)));
        }
        Ok(Self { bits, segments })
    }

    /// A code for contributions: updates (and SCAFFOLD's control updates) within their ranges, weights within 1.
    ///
    /// # Errors
    /// As for [`Quantiser::new`].
    pub fn of_layout(bits: u32, layout: &Layout, delta: f64, control: f64) -> Result<Self> {
        let parts = [(layout.delta().len(), delta), (layout.control().len(), control), (layout.weight().len(), 1.0)];
        Self::new(bits, parts.into_iter().filter(|(length, _)| *length > 0).map(|(length, range)| Segment { length, range }).collect())
    }

    /// Bits of one party's value.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// Bits of the sum over so many parties: `ceil(log2(n (2^b - 1) + 1))`.
    #[must_use]
    pub const fn sum_bits(&self, parties: u32) -> u32 {
        let largest = parties as u64 * ((1 << self.bits) - 1);
        u64::BITS - largest.leading_zeros()
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one party's values, packed.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.len() * self.bits as usize).div_ceil(8)
    }

    const fn half(&self) -> u32 {
        (1 << (self.bits - 1)) - 1
    }

    /// Steps of the values, in their order.
    fn steps(&self) -> impl Iterator<Item = f64> {
        let half = f64::from(self.half());
        self.segments.iter().flat_map(move |segment| std::iter::repeat_n(segment.range / half, segment.length))
    }

    /// Encoded values, each below 2^bits, and how many were cut off.
    ///
    /// # Errors
    /// `Caller` for another length; `Data` for a value that is not finite.
    pub fn encode<R: CryptoRng + ?Sized>(&self, values: &[f64], rng: &mut R) -> Result<(Vec<u32>, usize)> {
        if values.len() != self.len() {
            return Err(Error::caller(format!("{} values for a code of {}", values.len(), self.len())));
        }
        let half = f64::from(self.half());
        let mut cut = 0;
        let mut encoded = Vec::with_capacity(values.len());
        for (value, step) in values.iter().zip(self.steps()) {
            if !value.is_finite() {
                return Err(crate::model::diverged("an update"));
            }
            let exact = value / step;
            let inside = exact.clamp(-half, half);
            cut += usize::from(exact != inside);
            let below = inside.floor();
            let up = f64::from(u8::from(unit(rng) < inside - below));
            encoded.push((half + below + up) as u32);
        }
        Ok((encoded, cut))
    }

    /// The sum of the parties' values from the sum of their encoded ones.
    ///
    /// # Errors
    /// `Caller` for another length, or a value that so many parties cannot have.
    pub fn decode_sum(&self, sum: &[u64], parties: u32) -> Result<Vec<f64>> {
        let largest = u64::from(parties) * u64::from(2 * self.half());
        if sum.len() != self.len() || sum.iter().any(|value| *value > largest) {
            return Err(Error::caller(format!("a sum over {parties} parties has {} values of at most {largest}", self.len())));
        }
        let centre = (largest / 2) as f64;
        Ok(sum.iter().zip(self.steps()).map(|(value, step)| (*value as f64 - centre) * step).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    proptest! {
        #[test]
        fn sums_are_within_their_bound(seed: u64, parties in 1u32..12, bits in 2u32..=24, range in 1e-3f64..1e3) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let code = Quantiser::new(bits, vec![Segment { length: 20, range }, Segment { length: 1, range: 1.0 }]).unwrap();
            let (mut clear, mut sum) = (vec![0.0; 21], vec![0u64; 21]);
            for _ in 0..parties {
                let values: Vec<f64> = (0..21).map(|place| (2.0 * unit(&mut rng) - 1.0) * if place < 20 { range } else { 1.0 }).collect();
                let (encoded, cut) = code.encode(&values, &mut rng).unwrap();
                prop_assert!(cut == 0 && encoded.iter().all(|value| u64::from(*value) < 1 << bits));
                clear.iter_mut().zip(values).for_each(|(total, value)| *total += value);
                sum.iter_mut().zip(encoded).for_each(|(total, value)| *total += u64::from(value));
            }
            prop_assert!(sum.iter().all(|value| *value < 1 << code.sum_bits(parties)));
            let step = range / f64::from(code.half());
            for (a, b) in code.decode_sum(&sum, parties).unwrap().iter().zip(&clear).take(20) {
                prop_assert!((a - b).abs() < f64::from(parties) * step * (1.0 + 1e-9));
            }
        }
    }

    /// Rounding keeps means: 40,000 draws, limit at 5 standard errors; zero is exact, what is beyond is cut off.
    #[test]
    fn rounding_is_unbiased() {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let code = Quantiser::new(8, vec![Segment { length: 40_000, range: 1.0 }]).unwrap();
        let step = 1.0 / 127.0;
        for value in [0.3 * step, -40.9 * step, 0.5 * step] {
            let (encoded, _) = code.encode(&vec![value; 40_000], &mut rng).unwrap();
            let mean = encoded.iter().map(|code| (f64::from(*code) - 127.0) * step).sum::<f64>() / 4e4;
            assert!((mean - value).abs() < 5.0 * 0.5 * step / 200.0, "{value} {mean}");
        }
        let mut values = vec![0.0; 40_000];
        (values[0], values[1]) = (9.0, -9.0);
        let (encoded, cut) = code.encode(&values, &mut rng).unwrap();
        assert!(cut == 2 && encoded[0] == 254 && encoded[1] == 0 && encoded[2..].iter().all(|code| *code == 127));
        assert_eq!((code.bytes(), code.sum_bits(10), code.sum_bits(1)), (40_000, 12, 8));
        assert!(code.encode(&[0.0], &mut rng).is_err() && code.decode_sum(&vec![600; 40_000], 2).is_err());
        values[0] = f64::NAN;
        assert!(code.encode(&values, &mut rng).is_err() && Quantiser::new(1, vec![]).is_err());
    }
}
