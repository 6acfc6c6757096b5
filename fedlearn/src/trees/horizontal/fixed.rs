//! Sums as whole numbers: fixed point, in limbs that secure aggregation adds up.
//!
//! A figure is a signed number of 48 bits; gradients have 24 of them behind the point. Each row's gradient is rounded by itself, so that the sums, and
//! with them the trees, do not depend on how rows are dealt to parties. A figure travels as two limbs of 24 bits with an offset that makes it positive.

use crate::{Error, Result};

/// Bits of a limb.
pub(super) const BITS: u32 = 24;
/// Limbs of a figure.
pub(super) const LIMBS: usize = 2;
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

/// Limbs of checked figures, lower first.
pub(super) fn split(sums: &[i64]) -> Vec<u32> {
    let mask = (1i64 << BITS) - 1;
    sums.iter()
        .flat_map(|sum| {
            let raised = sum.wrapping_add(LIMIT);
            [(raised & mask) as u32, (raised >> BITS & mask) as u32]
        })
        .collect()
}

/// Figures summed over `parties` from the sums of their limbs; none for another count of limbs.
pub(super) fn join(limbs: &[u64], parties: u32) -> Option<Vec<i64>> {
    let (pairs, rest) = limbs.as_chunks::<LIMBS>();
    // honest sums of up to 2^15 parties fit; others wrap and are judged by whoever reads the figure
    let join =
        |[low, high]: &[u64; 2]| (*low as i64).wrapping_add((*high as i64) << BITS).wrapping_sub(LIMIT.wrapping_mul(i64::from(parties)));
    rest.is_empty().then(|| pairs.iter().map(join).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn figures_add_up_exactly(figures in proptest::collection::vec(1 - LIMIT..LIMIT, 1..20)) {
            let mut sums = vec![0u64; LIMBS];
            for figure in &figures {
                let limbs = split(&[*figure]);
                prop_assert!(limbs.iter().all(|limb| limb >> BITS == 0));
                sums.iter_mut().zip(limbs).for_each(|(sum, limb)| *sum += u64::from(limb));
            }
            prop_assert_eq!(join(&sums, figures.len() as u32), Some(vec![figures.iter().sum::<i64>()]));
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        assert!(check(&[LIMIT - 1, 1 - LIMIT]).is_ok() && check(&[LIMIT]).is_err() && check(&[-LIMIT]).is_err());
        assert_eq!((fixed(0.25), number(fixed(-0.5)), fixed(f64::INFINITY), fixed(f64::NAN)), (1 << 22, -0.5, LIMIT, 0));
        assert_eq!(join(&[1, 2, 3], 1), None);
    }
}
