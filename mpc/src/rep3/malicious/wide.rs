//! Integers of more than 64 bits in vectors, from products of 32 bits: the carries of relations of two terms, and their sum.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

use super::carries::BITS;
use crate::rep3::kernel::{Level, levels};

const LOW: u64 = u32::MAX as u64;

/// Half of a quotient.
pub(super) const LIMB: u32 = 21;

/// The product of two numbers of 32 bits.
#[inline(always)]
const fn narrow(a: u64, b: u64) -> u64 {
    (a & LOW).wrapping_mul(b & LOW)
}

levels! {
    /// `out += x y - z`.
    fn rest(out: &mut [u64], factors: [&[u64]; 2], z: &[u64]) {
        let len = out.len();
        let (x, y, z) = (&factors[0][..len], &factors[1][..len], &z[..len]);
        for at in 0..len {
            out[at] = out[at].wrapping_sub(z[at]).wrapping_add(x[at].wrapping_mul(y[at]));
        }
    }
}

levels! {
    /// For `S = u_0 w_0 + u_1 w_1 + l + r` and its upper part `h = floor(S / 2^64)`, with `q_1` from `firsts`: `q_2 = -h - q_1 mod 2^26`
    /// to `seconds`, `(h + q_1 + q_2) / 2^26` to `kappas`.
    fn carries(
        seconds: &mut [u64],
        kappas: &mut [u64],
        u: [&[u64]; 2],
        w: [&[u64]; 2],
        rests: [&[u64]; 2],
        firsts: &[u64],
    ) {
        let len = seconds.len();
        let kappas = &mut kappas[..len];
        let ([u0, u1], [w0, w1]) = (u, w);
        let (u0, u1, w0, w1) = (&u0[..len], &u1[..len], &w0[..len], &w1[..len]);
        let (left, right, firsts) = (&rests[0][..len], &rests[1][..len], &firsts[..len]);
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
            let low = third & (u64::MAX >> (64 - BITS));
            let share = firsts[at];
            let other = low.wrapping_add(share).wrapping_neg() & (u64::MAX >> (64 - BITS));
            seconds[at] = other;
            // the upper part without its lower 26 bits, and what these three make above them
            let upper = (fourth << (32 - BITS)) | ((third & LOW) >> BITS);
            kappas[at] = upper.wrapping_add(low.wrapping_add(share).wrapping_add(other) >> BITS);
        }
    }
}

levels! {
    /// Adds `sum_i sigma_i kappa_i` for both halves `sigma` of a word, `kappa` below 2^42, coefficients below 2^29: `sums[half][k]` counts `2^(21 k)`.
    fn weigh(sums: &mut [[u64; 2]; 2], kappa: &[u64], sigma: &[u64]) {
        let kappa = &kappa[..sigma.len()];
        let (mut first, mut second, mut third, mut fourth) = (0u64, 0u64, 0u64, 0u64);
        for at in 0..sigma.len() {
            // each product below 2^50: 2^14 places fit
            let (low, high) = (kappa[at] & (u64::MAX >> (64 - LIMB)), kappa[at] >> LIMB);
            let (one, two) = (sigma[at], sigma[at] >> 32);
            first = first.wrapping_add(narrow(low, one));
            second = second.wrapping_add(narrow(high, one));
            third = third.wrapping_add(narrow(low, two));
            fourth = fourth.wrapping_add(narrow(high, two));
        }
        let [one, two] = sums;
        one[0] = one[0].wrapping_add(first);
        one[1] = one[1].wrapping_add(second);
        two[0] = two[0].wrapping_add(third);
        two[1] = two[1].wrapping_add(fourth);
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
            let firsts: Vec<u64> = masks.iter().map(|mask| mask >> (64 - BITS)).collect();
            for level in Level::all() {
                let (mut seconds, mut kappas) = (vec![0; len], vec![0; len]);
                carries::at(level, &mut seconds, &mut kappas, [&u0, &u1], [&w0, &w1], [&left, &right], &firsts);
                for at in 0..len {
                    // S / 2^64 without overflow: both products by halves
                    let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
                    let (one, two) = (product(u0[at], w0[at]), product(u1[at], w1[at]));
                    let lows = (one & u128::from(u64::MAX)) + (two & u128::from(u64::MAX)) + u128::from(left[at]) + u128::from(right[at]);
                    let high = (one >> 64) + (two >> 64) + (lows >> 64);
                    let share = u128::from(firsts[at]);
                    let second = (1u128 << 66).wrapping_sub(high + share) % (1 << 26);
                    prop_assert_eq!(u128::from(seconds[at]), second);
                    prop_assert_eq!((high + share + second) % (1 << 26), 0);
                    prop_assert_eq!(u128::from(kappas[at]), (high + share + second) >> 26);
                }
            }
        }

        #[test]
        fn kernel_twins_of_rests_agree([out, x, y, z] in (0usize..40).prop_flat_map(|len| proptest::array::uniform4(words(len)))) {
            for level in Level::all() {
                let mut found = out.clone();
                rest::at(level, &mut found, [&x, &y], &z);
                for at in 0..out.len() {
                    prop_assert_eq!(found[at], out[at].wrapping_add(x[at].wrapping_mul(y[at])).wrapping_sub(z[at]));
                }
            }
        }

        #[test]
        fn kernel_twins_of_weights_agree((kappa, sigma) in (0usize..80).prop_flat_map(|len| (words(len), words(len)))) {
            let kappa: Vec<u64> = kappa.iter().map(|kappa| kappa >> 22).collect();
            let sigma: Vec<u64> = sigma.iter().map(|sigma| sigma >> 3 & 0x1fff_ffff_1fff_ffff).collect();
            for level in Level::all() {
                let mut sums = [[1, 2]; 2];
                weigh::at(level, &mut sums, &kappa, &sigma);
                for (half, sums) in sums.into_iter().enumerate() {
                    let right: u128 = kappa.iter().zip(&sigma).map(|(kappa, sigma)| u128::from(*kappa) * u128::from(sigma >> (32 * half) & LOW)).sum();
                    prop_assert_eq!(u128::from(sums[0]) + (u128::from(sums[1]) << LIMB), right + 1 + (2 << LIMB));
                }
            }
        }
    }
}
