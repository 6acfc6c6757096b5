//! Figures of any size as secure aggregation adds them, exactly; values of a known range are quantised ([`crate::update`]).
//!
//! A figure is a fixed-point number of 112 bits, 40 of them behind the point, with an offset that makes it positive. It travels as the digits of a
//! long number ([`crate::secagg::Params::long`]): carries go from digit to digit under the masks, so whoever learns the sum learns the sum and no digit's.
//! Sums of up to 2^14 parties are exact: no party has to know how large the others' are.

use crate::secagg::BLOCK;
use crate::{Error, Result};

/// Bits of a figure, and of a sum of them.
const WIDTH: u32 = 112;
const SUM: u32 = 126;
/// Bits behind the point.
const FRACTION: i32 = 40;
/// Added to every figure.
const OFFSET: i128 = 1 << (WIDTH - 1);
/// Figures are smaller in absolute value, 2^70.
const LIMIT: f64 = 1.180_591_620_717_411_3e21;

/// Bits of a sum of `parties` values of so many bits: that of a digit.
pub(super) const fn width(parties: usize, bits: u32) -> u32 {
    u64::BITS - (parties as u64 * ((1 << bits) - 1)).leading_zeros()
}

/// Digits of a figure.
const fn digits(width: u32) -> usize {
    SUM.div_ceil(width) as usize
}

/// Where figures lie behind so many values: none crosses a multiple of [`BLOCK`], over which nothing carries. The last number is where the vector ends.
pub(super) fn places(values: usize, figures: usize, width: u32) -> (Vec<usize>, usize) {
    let digits = digits(width);
    let mut end = values;
    let place = |_| {
        if end % BLOCK + digits > BLOCK {
            end = end.next_multiple_of(BLOCK);
        }
        end += digits;
        end - digits
    };
    let places = (0..figures).map(place).collect();
    (places, end)
}

/// Puts a figure's digits behind what is there, at `place`.
///
/// # Errors
/// [`Error::Data`] for one that is not a number or too large.
pub(super) fn split(figure: f64, place: usize, width: u32, out: &mut Vec<u32>) -> Result<()> {
    if !figure.is_finite() || figure.abs() >= LIMIT {
        return Err(Error::Data {
            what: "a sum over own rows".into(),
            problem: "it is not finite or above 2^70".into(),
            remedy: "bring the columns to a smaller unit".into(),
        });
    }
    let fixed = (figure * f64::from(FRACTION).exp2()).round() as i128 + OFFSET;
    let mask = (1i128 << width) - 1;
    out.resize(place, 0);
    out.extend((0..digits(width) as u32).map(|at| (fixed >> (at * width) & mask) as u32));
    Ok(())
}

/// The sum of `parties` figures from the digits of the sum.
pub(super) fn join(sum: &[u64], place: usize, parties: u32, width: u32) -> f64 {
    let digits = sum.get(place..place + digits(width)).unwrap_or_default();
    // honest sums of up to 2^14 parties fit; what others may send wraps and is judged by whoever reads the figure
    let sum = (0..).zip(digits).fold(0i128, |sum, (at, digit)| sum.wrapping_add(i128::from(*digit).wrapping_shl(at * width)));
    sum.wrapping_sub(i128::from(parties).wrapping_mul(OFFSET)) as f64 * f64::from(-FRACTION).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Digits added as a long number.
    fn add(sum: &mut [u64], digits: &[u32], width: u32) {
        let mut carry = 0;
        for (sum, digit) in sum.iter_mut().zip(digits) {
            let all = *sum + u64::from(*digit) + carry;
            (*sum, carry) = (all & ((1 << width) - 1), all >> width);
        }
        assert_eq!(carry, 0);
    }

    proptest! {
        #[test]
        fn figures_add_up_exactly(figures in proptest::collection::vec(-1e18f64..1e18, 1..20), bits in 8u32..=24) {
            let width = width(20, bits);
            let mut sum = vec![0u64; digits(width)];
            let mut exact = 0i128;
            for figure in &figures {
                let mut parts = Vec::new();
                split(*figure, 0, width, &mut parts).unwrap();
                prop_assert!(parts.iter().all(|part| u64::from(*part) >> width == 0));
                add(&mut sum, &parts, width);
                exact += (figure * f64::from(FRACTION).exp2()).round() as i128;
            }
            let expected = exact as f64 * f64::from(-FRACTION).exp2();
            prop_assert_eq!(join(&sum, 0, figures.len() as u32, width), expected);
        }

        #[test]
        fn no_figure_crosses_a_block(values in 0usize..2000, figures in 1usize..600, width in 9u32..=32) {
            let (places, end) = places(values, figures, width);
            prop_assert_eq!(places.len(), figures);
            let mut last = values;
            for place in places {
                prop_assert!(place >= last && place / BLOCK == (place + digits(width) - 1) / BLOCK);
                last = place + digits(width);
            }
            prop_assert_eq!(last, end);
        }
    }

    /// Whose figure is negative shows in no digit of the sum: both sums are 2, and so are all their digits.
    #[test]
    fn equal_sums_have_equal_digits() {
        let width = width(3, 16);
        let sums = [[-5.0, 3.0, 4.0], [1.0, 0.5, 0.5]].map(|figures| {
            let mut sum = vec![0u64; digits(width)];
            for figure in figures {
                let mut parts = Vec::new();
                split(figure, 0, width, &mut parts).unwrap();
                add(&mut sum, &parts, width);
            }
            sum
        });
        assert_eq!(sums[0], sums[1]);
    }

    #[test]
    fn what_has_no_place_is_refused() {
        assert!(split(f64::NAN, 0, 20, &mut Vec::new()).is_err() && split(1e30, 0, 20, &mut Vec::new()).is_err());
    }
}
