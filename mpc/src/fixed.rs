//! Signed fixed-point numbers with the scale in the type.
//!
//! `Fixed<F>` reads a ring element as a two's-complement integer divided by `2^F`. The range is `|x| < 2^(62-F)`: the
//! two top bits stay free because truncation ([`crate::rep3`]) is proven for `|raw| < 2^62` only.
//!
//! Scales do not mix; equal ones add:
//! ```
//! use yu_mpc::{fixed::Fixed, rep3::Share};
//! use ndarray::Ix1;
//! fn sum(a: &Share<Fixed<16>, Ix1>, b: &Share<Fixed<16>, Ix1>) {
//!     let _ = a.add(b);
//! }
//! ```
//! ```compile_fail
//! use yu_mpc::{fixed::Fixed, rep3::Share};
//! use ndarray::Ix1;
//! fn sum(a: &Share<Fixed<16>, Ix1>, b: &Share<Fixed<20>, Ix1>) {
//!     let _ = a.add(b);
//! }
//! ```

use crate::ring::{Element, Linear, Ring64, Sealed, Times};
use crate::{Error, Result};

/// Raw values are smaller than 2^62 in absolute value.
pub const RAW_LIMIT: u64 = 1 << 62;

/// Fixed point with `F` fraction bits, `1 <= F <= 61`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed<const F: u32>;

impl<const F: u32> Sealed for Fixed<F> {}
impl<const F: u32> Element for Fixed<F> {
    type Clear = f64;

    fn encode(what: &str, value: f64) -> Result<u64> {
        // a power of two scales exactly, so rounding (to nearest, ties to even) happens once
        let scaled = (value * Self::SCALE).round_ties_even();
        if scaled.abs() < RAW_LIMIT as f64 {
            Ok((scaled as i64).cast_unsigned())
        } else {
            Err(Error::Range { what: what.into(), limit: Self::LIMIT })
        }
    }

    fn decode(raw: u64) -> f64 {
        raw.cast_signed() as f64 / Self::SCALE
    }
}
impl<const F: u32> Linear for Fixed<F> {}
impl<const F: u32> Times<Ring64> for Fixed<F> {
    type Product = Self;
}
impl<const F: u32> Times<Fixed<F>> for Ring64 {
    type Product = Fixed<F>;
}

impl<const F: u32> Fixed<F> {
    /// Distance between neighbouring numbers.
    pub const ULP: f64 = 1.0 / Self::SCALE;
    /// Numbers are smaller than this in absolute value.
    pub const LIMIT: f64 = RAW_LIMIT as f64 / Self::SCALE;
    const SCALE: f64 = {
        assert!(F >= 1 && F <= 61, "1 to 61 fraction bits");
        (1u64 << F) as f64
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_within_half_an_ulp() {
        for value in [0.0, 1.0, -1.0, 0.1, -0.1, 12345.678, -8_000_000_000.25] {
            let raw = Fixed::<20>::encode("test", value).unwrap();
            assert!((Fixed::<20>::decode(raw) - value).abs() <= Fixed::<20>::ULP / 2.0);
        }
    }

    #[test]
    fn range_ends_are_exact() {
        let below = Fixed::<20>::LIMIT - 1.0;
        assert!(Fixed::<20>::encode("test", below).is_ok());
        assert!(Fixed::<20>::encode("test", -below).is_ok());
        for outside in [Fixed::<20>::LIMIT, -Fixed::<20>::LIMIT, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            let error = Fixed::<20>::encode("income", outside).unwrap_err();
            assert!(error.to_string().contains("income"), "{error}");
            assert!(matches!(error, Error::Range { .. }));
        }
    }

    #[test]
    fn ties_go_to_even() {
        assert_eq!(Fixed::<1>::encode("t", 0.25).unwrap(), 0);
        assert_eq!(Fixed::<1>::encode("t", 0.75).unwrap(), 2);
        assert_eq!(Fixed::<1>::encode("t", -0.25).unwrap(), 0);
    }
}
