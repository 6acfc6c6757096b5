//! Sums as whole numbers: fixed point, as long numbers that secure aggregation adds up.
//!
//! A figure is a signed number of 48 bits; gradients have 24 of them behind the point. Each row's gradient is rounded by itself, so that the sums, and
//! with them the trees, do not depend on how rows are dealt to parties. A figure travels as a long number of two digits ([`crate::secagg::Params::long`]) with an offset that makes it
//! positive: the sum carries from the lower one to the higher under the masks, so nobody sees a sum of digits.

use crate::{Error, Result};

/// Half of the bits of a figure.
pub(super) const BITS: u32 = 24;
/// Digits of a figure: blocks of secure aggregation hold an even number.
pub(super) const LIMBS: usize = 2;

/// Bits of a digit: those of a sum of `parties` halves.
pub(super) const fn width(parties: usize) -> u32 {
    u64::BITS - (parties as u64 * ((1 << BITS) - 1)).leading_zeros()
}
/// Figures are smaller in absolute value.
pub(super) const LIMIT: i64 = 1 << (2 * BITS - 1);
/// One, 24 bits behind the point.
const ONE: f64 = (1u64 << 24) as f64;

/// A number of a row, rounded to a multiple of 2^-24. What is too large saturates, and [`check`] refuses the sum.
pub(super) fn fixed(value: f64) -> i64 {
    ((value * ONE).round() as i64).clamp(-LIMIT, LIMIT)
}

/// A sum as a number: exact below 2^29.
pub(super) fn number(sum: i64) -> f64 {
    sum as f64 / ONE
}

/// Refuses own sums that have no place.
///
/// # Errors
/// [`Error::Data`].
pub(super) fn check(sums: &[i64]) -> Result<()> {
    if sums.iter().all(|sum| (1 - LIMIT..LIMIT).contains(sum)) {
        return Ok(());
    }
    Err(Error::Data {
        what: "a sum over own rows".into(),
        problem: "it is above 2^23 in absolute value".into(),
        remedy: "bring the target to a smaller unit, or take fewer rows".into(),
    })
}

/// Digits of checked figures, lower first.
pub(super) fn split(sums: &[i64], width: u32) -> Vec<u32> {
    let mask = (1i64 << width) - 1;
    sums.iter()
        .flat_map(|sum| {
            let raised = sum.wrapping_add(LIMIT);
            [(raised & mask) as u32, (raised >> width & mask) as u32]
        })
        .collect()
}

/// Figures summed over `parties` from the digits of the sums; none for an odd count of digits.
pub(super) fn join(digits: &[u64], parties: u32, width: u32) -> Option<Vec<i64>> {
    let (pairs, rest) = digits.as_chunks::<LIMBS>();
    // honest sums of up to 2^15 parties fit; others wrap and are judged by whoever reads the figure
    let join =
        |[low, high]: &[u64; 2]| (*low as i64).wrapping_add((*high as i64) << width).wrapping_sub(LIMIT.wrapping_mul(i64::from(parties)));
    rest.is_empty().then(|| pairs.iter().map(join).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn figures_add_up_exactly(figures in proptest::collection::vec(1 - LIMIT..LIMIT, 1..20)) {
            let width = width(figures.len());
            let mut sum = 0u64;
            for figure in &figures {
                let digits = split(&[*figure], width);
                prop_assert!(digits.iter().all(|digit| digit >> width == 0));
                sum += u64::from(digits[0]) + (u64::from(digits[1]) << width);
            }
            let digits = [sum & ((1 << width) - 1), sum >> width];
            prop_assert!(digits[1] >> width == 0);
            prop_assert_eq!(join(&digits, figures.len() as u32, width), Some(vec![figures.iter().sum::<i64>()]));
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        assert!(check(&[LIMIT - 1, 1 - LIMIT]).is_ok() && check(&[LIMIT]).is_err() && check(&[-LIMIT]).is_err());
        assert_eq!((fixed(0.25), number(fixed(-0.5)), fixed(f64::INFINITY), fixed(f64::NAN)), (1 << 22, -0.5, LIMIT, 0));
        assert_eq!(join(&[1, 2, 3], 1, 25), None);
    }
}
