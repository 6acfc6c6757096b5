//! Integers of more than 64 bits in vectors, from products of 32 bits: the carries of relations of two terms, and their sum.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

use super::carries::{BITS, COEFFICIENT};
use super::products::QUARTERS;
use crate::rep3::kernel::{Level, levels};

const LOW: u64 = u32::MAX as u64;

/// Half of a coefficient.
pub(super) const LIMB: u32 = COEFFICIENT / 2;

/// The product of two numbers of 32 bits.
#[inline(always)]
const fn narrow(a: u64, b: u64) -> u64 {
    (a & LOW).wrapping_mul(b & LOW)
}

levels! {
    /// For `S = u_0 w_0 + u_1 w_1 + l + r` and its upper part `h = floor(S / 2^64)`, with `q_1` the upper bits of a mask: `q_2 = -h - q_1 mod 2^48`
    /// to `seconds`, `(h + q_1 + q_2) / 2^48` to `kappas`.
    fn carries(
        seconds: &mut [u64],
        kappas: &mut [u64],
        u: [&[u64]; 2],
        w: [&[u64]; 2],
        rests: [&[u64]; 2],
        masks: &[u64],
    ) {
        let len = seconds.len();
        let kappas = &mut kappas[..len];
        let ([u0, u1], [w0, w1]) = (u, w);
        let (u0, u1, w0, w1) = (&u0[..len], &u1[..len], &w0[..len], &w1[..len]);
        let (left, right, masks) = (&rests[0][..len], &rests[1][..len], &masks[..len]);
        for at in 0..len {
            let (a0, a1, b0, b1) = (u0[at], u1[at], w0[at], w1[at]);
            let (low0, low1) = (narrow(a0, b0), narrow(a1, b1));
            let (one, two) = (narrow(a0, b0 >> 32), narrow(a0 >> 32, b0));
            let (three, four) = (narrow(a1, b1 >> 32), narrow(a1 >> 32, b1));
            let (high0, high1) = (narrow(a0 >> 32, b0 >> 32), narrow(a1 >> 32, b1 >> 32));
            // digits of 32 bits with their carries, each below 2^36
            let first = (low0 & LOW).wrapping_add(low1 & LOW).wrapping_add(left[at] & LOW).wrapping_add(right[at] & LOW);
            let second = (low0 >> 32)
                .wrapping_add(low1 >> 32)
                .wrapping_add(one & LOW)
                .wrapping_add(two & LOW)
                .wrapping_add(three & LOW)
                .wrapping_add(four & LOW)
                .wrapping_add(left[at] >> 32)
                .wrapping_add(right[at] >> 32)
                .wrapping_add(first >> 32);
            let third = (one >> 32)
                .wrapping_add(two >> 32)
                .wrapping_add(three >> 32)
                .wrapping_add(four >> 32)
                .wrapping_add(high0 & LOW)
                .wrapping_add(high1 & LOW)
                .wrapping_add(second >> 32);
            let fourth = (high0 >> 32).wrapping_add(high1 >> 32).wrapping_add(third >> 32);
            let low = ((fourth << 32) | (third & LOW)) & (u64::MAX >> (64 - BITS));
            let share = masks[at] >> (64 - BITS);
            let other = low.wrapping_add(share).wrapping_neg() & (u64::MAX >> (64 - BITS));
            seconds[at] = other;
            // the upper part without its lower 48 bits, and what these three make above them
            kappas[at] = (fourth >> (BITS - 32)).wrapping_add(low.wrapping_add(share).wrapping_add(other) >> BITS);
        }
    }
}

levels! {
    /// Adds `sum_i sigma_i sum_b tau_b kappa_ib`, `kappa` below 2^20, coefficients below 2^44: `sums[k]` counts `2^(22 k)`.
    fn weigh(sums: &mut [u64; 4], kappa: &[u64], sigma: &[u64], tau: &[u64; QUARTERS]) {
        const MASK: u64 = (1 << LIMB) - 1;
        let len = sigma.len();
        let (k0, k1, k2, k3) = (&kappa[..len], &kappa[len..2 * len], &kappa[2 * len..3 * len], &kappa[3 * len..4 * len]);
        let (mut first, mut second, mut third, mut fourth) = (0u64, 0u64, 0u64, 0u64);
        for at in 0..len {
            // below 2^44
            let low = narrow(k0[at], tau[0] & MASK)
                .wrapping_add(narrow(k1[at], tau[1] & MASK))
                .wrapping_add(narrow(k2[at], tau[2] & MASK))
                .wrapping_add(narrow(k3[at], tau[3] & MASK));
            let high = narrow(k0[at], tau[0] >> LIMB)
                .wrapping_add(narrow(k1[at], tau[1] >> LIMB))
                .wrapping_add(narrow(k2[at], tau[2] >> LIMB))
                .wrapping_add(narrow(k3[at], tau[3] >> LIMB));
            let digits = (low & MASK, (low >> LIMB).wrapping_add(high & MASK), high >> LIMB);
            let (s0, s1) = (sigma[at] & MASK, sigma[at] >> LIMB);
            first = first.wrapping_add(narrow(digits.0, s0));
            second = second.wrapping_add(narrow(digits.0, s1)).wrapping_add(narrow(digits.1, s0));
            third = third.wrapping_add(narrow(digits.1, s1)).wrapping_add(narrow(digits.2, s0));
            fourth = fourth.wrapping_add(narrow(digits.2, s1));
        }
        // each product below 2^46: 2^17 places fit
        sums[0] = sums[0].wrapping_add(first);
        sums[1] = sums[1].wrapping_add(second);
        sums[2] = sums[2].wrapping_add(third);
        sums[3] = sums[3].wrapping_add(fourth);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Extreme words are as likely as any.
    fn words(len: usize) -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(0), Just(LOW), Just(LOW << 32)], len)
    }

    proptest! {
        #[test]
        fn kernel_twins_of_carries_agree(columns in (0usize..40).prop_flat_map(|len| proptest::array::uniform7(words(len)))) {
            let [u0, u1, w0, w1, left, right, masks] = columns;
            let len = u0.len();
            for level in Level::all() {
                let (mut seconds, mut kappas) = (vec![0; len], vec![0; len]);
                carries::at(level, &mut seconds, &mut kappas, [&u0, &u1], [&w0, &w1], [&left, &right], &masks);
                for at in 0..len {
                    // S / 2^64 without overflow: both products by halves
                    let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
                    let (one, two) = (product(u0[at], w0[at]), product(u1[at], w1[at]));
                    let lows = (one & u128::from(u64::MAX)) + (two & u128::from(u64::MAX)) + u128::from(left[at]) + u128::from(right[at]);
                    let high = (one >> 64) + (two >> 64) + (lows >> 64);
                    let share = u128::from(masks[at] >> 16);
                    let second = (1u128 << 66).wrapping_sub(high + share) % (1 << 48);
                    prop_assert_eq!(u128::from(seconds[at]), second);
                    prop_assert_eq!((high + share + second) % (1 << 48), 0);
                    prop_assert_eq!(u128::from(kappas[at]), (high + share + second) >> 48);
                }
            }
        }

        #[test]
        fn kernel_twins_of_weights_agree(
            (kappa, sigma) in (0usize..40).prop_flat_map(|len| (words(4 * len), words(len))),
            tau: [u64; 4],
        ) {
            let kappa: Vec<u64> = kappa.iter().map(|kappa| kappa >> 44).collect();
            let [sigma, tau]: [Vec<u64>; 2] = [&sigma[..], &tau].map(|all| all.iter().map(|value| value >> 20).collect());
            let tau: [u64; 4] = std::array::from_fn(|at| tau[at]);
            let len = sigma.len();
            let right = (0..len).fold(0u128, |sum, at| {
                sum + u128::from(sigma[at]) * (0..4).map(|b| u128::from(kappa[b * len + at]) * u128::from(tau[b])).sum::<u128>()
            });
            for level in Level::all() {
                let mut sums = [0; 4];
                weigh::at(level, &mut sums, &kappa, &sigma, &tau);
                let sum = sums.iter().rev().fold(0u128, |sum, part| (sum << LIMB) + u128::from(*part));
                prop_assert_eq!(sum, right);
            }
        }
    }
}
