//! What a ring element means: the type parameter of a share.
//!
//! All shares live in Z_2^64; arithmetic wraps. The marker says how the 64 bits are read and which products exist,
//! so that a scale cannot be forgotten:
//!
//! | marker | meaning | arithmetic on shares |
//! |---|---|---|
//! | [`Ring64`] | integer modulo 2^64 | everything that needs no sign |
//! | [`Int`] | signed integer | everything |
//! | [`crate::fixed::Fixed`]`<F>` | signed fixed point, `F` fraction bits | linear; products change the scale or truncate |
//! | [`Float64`] | the bits of an IEEE 754 double | none: carried from an owner to an output unchanged |

use crate::Result;

mod sealed {
    #[expect(unnameable_types, reason = "a sealed trait: implementations stay in this crate")]
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// How the 64 bits of a ring element are read.
pub trait Element: Sealed + Copy + Send + Sync + 'static {
    /// What the owner has and the recipient gets.
    type Clear: Copy + Send + Sync;

    /// The ring element for a clear value. `what` names the column or operation in the error.
    ///
    /// # Errors
    /// [`crate::Error::Range`] if the value has no ring element; it does not show the value.
    fn encode(what: &str, value: Self::Clear) -> Result<u64>;

    /// The clear value of a ring element.
    fn decode(raw: u64) -> Self::Clear;
}

/// Elements for which sums mean sums.
pub trait Linear: Element {}

/// Products without truncation: the type of `Self * Rhs`.
///
/// Two fixed-point numbers are missing here on purpose, their product must be truncated:
/// ```compile_fail
/// use yu_mpc::{fixed::Fixed, ring::Times};
/// fn product<A: Times<B>, B: yu_mpc::ring::Linear>() {}
/// product::<Fixed<16>, Fixed<16>>();
/// ```
/// ```
/// use yu_mpc::{fixed::Fixed, ring::{Ring64, Times}};
/// fn product<A: Times<B>, B: yu_mpc::ring::Linear>() {}
/// product::<Ring64, Fixed<16>>();
/// ```
pub trait Times<Rhs: Linear>: Linear {
    /// Meaning of the product.
    type Product: Linear;
}

/// Integers modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring64;

/// Signed integers, two's complement, smaller than 2^62 in absolute value, so that differences can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int;

/// The bits of an IEEE 754 double, on which no arithmetic over shares is defined.
///
/// An owner's finished numbers (means, standard deviations) travel to the result exactly and without a range limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float64;

impl Sealed for Ring64 {}
impl Sealed for Float64 {}

impl Element for Ring64 {
    type Clear = u64;

    fn encode(_: &str, value: u64) -> Result<u64> {
        Ok(value)
    }

    fn decode(raw: u64) -> u64 {
        raw
    }
}

impl Element for Float64 {
    type Clear = f64;

    fn encode(_: &str, value: f64) -> Result<u64> {
        Ok(value.to_bits())
    }

    fn decode(raw: u64) -> f64 {
        f64::from_bits(raw)
    }
}

impl Sealed for Int {}

impl Element for Int {
    type Clear = i64;

    fn encode(what: &str, value: i64) -> Result<u64> {
        if value.unsigned_abs() < crate::fixed::RAW_LIMIT {
            Ok(value.cast_unsigned())
        } else {
            Err(crate::Error::Range { what: what.into(), limit: crate::fixed::RAW_LIMIT as f64 })
        }
    }

    fn decode(raw: u64) -> i64 {
        raw.cast_signed()
    }
}

/// Signed elements: the sign bit of a difference says which is smaller. Holds where the difference is below 2^63, so for all
/// values within the range of the type.
pub trait Ordered: Linear {}

impl Linear for Int {}
impl Ordered for Int {}
impl<const F: u32> Ordered for crate::fixed::Fixed<F> {}

impl Linear for Ring64 {}
impl Times<Self> for Ring64 {
    type Product = Self;
}

/// Adds to each element, modulo 2^64.
pub fn add_assign(target: &mut [u64], other: &[u64]) {
    for (value, more) in target.iter_mut().zip(other) {
        *value = value.wrapping_add(*more);
    }
}

/// Subtracts from each element, modulo 2^64.
pub fn sub_assign(target: &mut [u64], other: &[u64]) {
    for (value, less) in target.iter_mut().zip(other) {
        *value = value.wrapping_sub(*less);
    }
}
