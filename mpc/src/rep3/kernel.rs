//! The loops over elements, each compiled several times: for the instructions that every CPU of the architecture has, for
//! AVX2 and for AVX-512 (F and DQ: eight 64-bit products at once). One source, so the twins cannot drift; tests compare them.
#![expect(unsafe_code, reason = "calls of functions compiled for instructions that were found at run time; no pointers")]

/// Which compilation does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    #[inline]
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// All that this CPU can run.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                all.push(Self::Avx512);
            }
        }
        all
    }
}

/// A function from one body, compiled for each level; with `or` another one, which has the feature AVX2, takes the place of that compilation. Where it is
/// used, [`Level`] is in scope.
macro_rules! levels {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block) => {
        levels! { $(#[$doc])* fn $name($($argument: $kind),*) or avx2 $body }
    };
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) or $($own:ident)::+ $body:block) => {
        $(#[$doc])*
        #[inline]
        pub(super) fn $name($($argument: $kind),*) {
            $name::at(Level::detect(), $($argument),*);
        }

        mod $name {
            #[allow(clippy::wildcard_imports, reason = "whatever the body names")]
            use super::*;

            #[inline(always)]
            fn portable($($argument: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            #[allow(dead_code, reason = "another one may take its place")]
            fn avx2($($argument: $kind),*) {
                portable($($argument),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq")]
            fn avx512($($argument: $kind),*) {
                portable($($argument),*);
            }

            pub(super) fn at(level: Level, $($argument: $kind),*) {
                match level {
                    Level::Portable => portable($($argument),*),
                    // SAFETY: `Level::detect` gives this level only where it found AVX2; tests ask before they name it.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { $($own)::+($($argument),*) },
                    // SAFETY: as above, for AVX-512 F and DQ.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { avx512($($argument),*) },
                }
            }
        }
    };
}

pub(super) use levels;

levels! {
    /// Adds local products: `z += x_0 (y_0 + y_1) + x_1 y_0`. All slices have the length of `z`.
    fn add_products(z: &mut [u64], x0: &[u64], x1: &[u64], y0: &[u64], y1: &[u64]) {
        let len = z.len();
        let (x0, x1, y0, y1) = (&x0[..len], &x1[..len], &y0[..len], &y1[..len]);
        for at in 0..len {
            let sum = x0[at].wrapping_mul(y0[at].wrapping_add(y1[at])).wrapping_add(x1[at].wrapping_mul(y0[at]));
            z[at] = z[at].wrapping_add(sum);
        }
    }
}

levels! {
    /// Adds local products modulo 2^32: `z += x_0 (y_0 + y_1) + x_1 y_0`. All slices have the length of `z`.
    fn add_low_products(z: &mut [u32], x0: &[u64], x1: &[u64], y0: &[u64], y1: &[u64]) {
        let len = z.len();
        let (x0, x1, y0, y1) = (&x0[..len], &x1[..len], &y0[..len], &y1[..len]);
        for at in 0..len {
            let (x0, x1, y0, y1) = (x0[at] as u32, x1[at] as u32, y0[at] as u32, y1[at] as u32);
            z[at] = z[at].wrapping_add(x0.wrapping_mul(y0.wrapping_add(y1)).wrapping_add(x1.wrapping_mul(y0)));
        }
    }
}

levels! {
    /// `out = a x + b y`. All slices have the length of `out`.
    fn weigh(out: &mut [u64], x: &[u64], y: &[u64], a: u64, b: u64) {
        let len = out.len();
        let (x, y) = (&x[..len], &y[..len]);
        for at in 0..len {
            out[at] = x[at].wrapping_mul(a).wrapping_add(y[at].wrapping_mul(b));
        }
    }
}

levels! {
    /// Adds local conjunctions: `z ^= x_0 (y_0 ^ y_1) ^ x_1 y_0`. All slices have the length of `z`.
    fn add_conjunctions(z: &mut [u64], x0: &[u64], x1: &[u64], y0: &[u64], y1: &[u64]) {
        let len = z.len();
        let (x0, x1, y0, y1) = (&x0[..len], &x1[..len], &y0[..len], &y1[..len]);
        for at in 0..len {
            z[at] ^= (x0[at] & (y0[at] ^ y1[at])) ^ (x1[at] & y0[at]);
        }
    }
}

levels! {
    /// `out[i]` is bit `i` of the words.
    fn spread_bits(out: &mut [u64], words: &[u64]) {
        for (out, word) in out.chunks_mut(64).zip(words) {
            for (at, slot) in out.iter_mut().enumerate() {
                *slot = (*word >> at) & 1;
            }
        }
    }
}

levels! {
    /// First correction of a truncation: `v = (1 - msb(c)) t + rho mod 2^F`, with `t` in `v`. TIMING: a mask instead of a branch.
    fn correct(v: &mut [u64], c: &[u64], rho: &[u64], bits: u32) {
        let len = v.len();
        let (c, rho) = (&c[..len], &rho[..len]);
        let mask = u64::MAX >> (64 - bits);
        for at in 0..len {
            let keep = (c[at] >> 63).wrapping_sub(1);
            v[at] = (v[at] & keep).wrapping_add(rho[at]) & mask;
        }
    }
}

levels! {
    /// `c := (c >> F) - 2^(62-F) - (rho + rho') 2^(64-F)`.
    fn public_part(c: &mut [u64], rho: &[u64], rho_high: &[u64], bits: u32) {
        let len = c.len();
        let (rho, rho_high) = (&rho[..len], &rho_high[..len]);
        for at in 0..len {
            let masks = rho[at].wrapping_add(rho_high[at]) << (64 - bits);
            c[at] = (c[at] >> bits).wrapping_sub((1 << 62) >> bits).wrapping_sub(masks);
        }
    }
}

levels! {
    /// `s += v 2^(64-F)`.
    fn add_wrap(s: &mut [u64], v: &[u64], bits: u32) {
        let len = s.len();
        let v = &v[..len];
        for at in 0..len {
            s[at] = s[at].wrapping_add(v[at] << (64 - bits));
        }
    }
}

levels! {
    /// P2's split: from `z`, `s_0` and `t_0` to `s_2` (in `z`) and `t_2` (in `t`).
    fn split(z: &mut [u64], t: &mut [u64], s0: &[u64], bits: u32) {
        let len = z.len();
        let (t, s0) = (&mut t[..len], &s0[..len]);
        let mask = u64::MAX >> (64 - bits);
        for at in 0..len {
            let r = z[at].wrapping_neg();
            t[at] = (r >> 63).wrapping_sub(t[at]) & mask;
            z[at] = (r >> bits).wrapping_neg().wrapping_sub(s0[at]);
        }
    }
}

levels! {
    /// Pairs of neighbours put together: `out[i] = values[2i] + values[2i+1] 2^F`, both below `2^F`, `2F <= 64`.
    fn merge(out: &mut [u64], values: &[u64], bits: u32) {
        for (slot, pair) in out.iter_mut().zip(values.as_chunks::<2>().0) {
            *slot = pair[0] | (pair[1] << bits);
        }
    }
}

levels! {
    /// The reverse of [`merge`].
    fn part(out: &mut [u64], merged: &[u64], bits: u32) {
        let mask = u64::MAX >> (64 - bits);
        for (pair, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(merged) {
            *pair = [*value & mask, *value >> bits];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels() -> Vec<Level> {
        let all = Level::all();
        eprintln!("compared: {all:?}");
        all
    }

    fn five() -> impl Strategy<Value = [Vec<u64>; 5]> {
        (0usize..200).prop_flat_map(|len| std::array::from_fn(|_| proptest::collection::vec(any::<u64>(), len)))
    }

    proptest! {
        #[test]
        fn kernel_twins_agree(values in five(), bits in 1u32..=62) {
            let [z, x0, x1, y0, y1] = &values;
            let mask = u64::MAX >> (64 - bits);
            for level in levels() {
                let of = |work: &dyn Fn(&mut [u64])| { let mut z = z.clone(); work(&mut z); z };
                let each = |value: &dyn Fn(usize) -> u64| (0..z.len()).map(value).collect::<Vec<u64>>();
                prop_assert_eq!(
                    of(&|z| add_products::at(level, z, x0, x1, y0, y1)),
                    each(&|i| z[i].wrapping_add(x0[i].wrapping_mul(y0[i])).wrapping_add(x0[i].wrapping_mul(y1[i])).wrapping_add(x1[i].wrapping_mul(y0[i])))
                );
                let low = |values: &[u64]| values.iter().map(|value| *value as u32).collect::<Vec<u32>>();
                let mut halves = low(z);
                add_low_products::at(level, &mut halves, x0, x1, y0, y1);
                prop_assert_eq!(halves, low(&of(&|z| add_products::at(level, z, x0, x1, y0, y1))));
                prop_assert_eq!(
                    of(&|z| add_conjunctions::at(level, z, x0, x1, y0, y1)),
                    each(&|i| z[i] ^ (x0[i] & y0[i]) ^ (x0[i] & y1[i]) ^ (x1[i] & y0[i]))
                );
                prop_assert_eq!(of(&|z| weigh::at(level, z, x0, x1, y0.first().copied().unwrap_or(2), 1)), {
                    let a = y0.first().copied().unwrap_or(2);
                    each(&|i| a.wrapping_mul(x0[i]).wrapping_add(x1[i]))
                });
                prop_assert_eq!(of(&|z| spread_bits::at(level, z, x0)), each(&|i| if i / 64 < x0.len() { x0[i / 64] >> (i % 64) & 1 } else { z[i] }));
                prop_assert_eq!(
                    of(&|z| correct::at(level, z, x0, x1, bits)),
                    each(&|i| (1 - (x0[i] >> 63)).wrapping_mul(z[i]).wrapping_add(x1[i]) & mask)
                );
                prop_assert_eq!(
                    of(&|z| public_part::at(level, z, x0, x1, bits)),
                    each(&|i| (z[i] >> bits).wrapping_sub((1 << 62) >> bits).wrapping_sub(x0[i].wrapping_add(x1[i]) << (64 - bits)))
                );
                prop_assert_eq!(of(&|z| add_wrap::at(level, z, x0, bits)), each(&|i| z[i].wrapping_add(x0[i] << (64 - bits))));
                let mut t = x0.clone();
                prop_assert_eq!(
                    of(&|z| split::at(level, z, &mut x0.clone(), x1, bits)),
                    each(&|i| (z[i].wrapping_neg() >> bits).wrapping_neg().wrapping_sub(x1[i]))
                );
                split::at(level, &mut z.clone(), &mut t, x1, bits);
                prop_assert_eq!(t, each(&|i| (z[i].wrapping_neg() >> 63).wrapping_sub(x0[i]) & mask));
                let narrow = bits.div_ceil(2);
                let low: Vec<u64> = z.iter().take(z.len() & !1).map(|value| value & (u64::MAX >> (64 - narrow))).collect();
                let mut merged = vec![0; low.len() / 2];
                merge::at(level, &mut merged, &low, narrow);
                let mut parted = vec![0; low.len()];
                part::at(level, &mut parted, &merged, narrow);
                prop_assert!(merged.iter().zip(low.chunks(2)).all(|(merged, pair)| *merged == pair[0] + (pair[1] << narrow)));
                prop_assert_eq!(parted, low);
            }
        }
    }
}
