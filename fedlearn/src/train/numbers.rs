//! Figures of any size as secure aggregation adds them, exactly; values of a known range are quantised ([`crate::update`]).
//!
//! A figure is a fixed-point number of 112 bits, 40 of them behind the point, with an offset that makes it positive; it travels as limbs
//! of at most 16 bits. Sums of up to 2^14 parties are exact: no party has to know how
//! large the others' are.

use crate::{Error, Result};

/// Bits of a figure.
const WIDTH: u32 = 112;
/// Bits behind the point.
const FRACTION: i32 = 40;
/// Added to every figure.
const OFFSET: i128 = 1 << (WIDTH - 1);
/// Figures are smaller in absolute value, 2^70.
const LIMIT: f64 = 1.180_591_620_717_411_3e21;

/// Bits of a limb where values have so many bits.
const fn limb(bits: u32) -> u32 {
    if bits < 16 { 8 } else { 16 }
}

/// Limbs of a figure.
pub(super) const fn limbs(bits: u32) -> usize {
    (WIDTH / limb(bits)) as usize
}

/// A figure as limbs, lowest first.
///
/// # Errors
/// [`Error::Data`] for one that is not a number or too large.
pub(super) fn split(figure: f64, bits: u32, out: &mut Vec<u32>) -> Result<()> {
    if !figure.is_finite() || figure.abs() >= LIMIT {
        return Err(Error::Data {
            what: "a sum over own rows".into(),
            problem: "it is not finite or above 2^70".into(),
            remedy: "bring the columns to a smaller unit".into(),
        });
    }
    let fixed = (figure * f64::from(FRACTION).exp2()).round() as i128 + OFFSET;
    let mask = (1i128 << limb(bits)) - 1;
    out.extend((0..limbs(bits) as u32).map(|at| (fixed >> (at * limb(bits)) & mask) as u32));
    Ok(())
}

/// The sum of `parties` figures from the sums of their limbs.
pub(super) fn join(limbs: &[u64], parties: u32, bits: u32) -> f64 {
    // honest sums of up to 2^14 parties fit; what others may send wraps and is judged by whoever reads the figure
    let sum = (0..).zip(limbs).fold(0i128, |sum, (at, limb_sum)| sum.wrapping_add(i128::from(*limb_sum) << (at * limb(bits))));
    sum.wrapping_sub(i128::from(parties).wrapping_mul(OFFSET)) as f64 * f64::from(-FRACTION).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn figures_add_up_exactly(figures in proptest::collection::vec(-1e18f64..1e18, 1..20), bits in 8u32..=24) {
            let mut sums = vec![0u64; limbs(bits)];
            let mut exact = 0i128;
            for figure in &figures {
                let mut parts = Vec::new();
                split(*figure, bits, &mut parts).unwrap();
                prop_assert!(parts.iter().all(|part| u64::from(*part) >> bits.min(16) == 0));
                sums.iter_mut().zip(&parts).for_each(|(sum, part)| *sum += u64::from(*part));
                exact += (figure * f64::from(FRACTION).exp2()).round() as i128;
            }
            let expected = exact as f64 * f64::from(-FRACTION).exp2();
            prop_assert_eq!(join(&sums, figures.len() as u32, bits), expected);
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        assert!(split(f64::NAN, 16, &mut Vec::new()).is_err() && split(1e30, 16, &mut Vec::new()).is_err());
    }
}
