//! Arithmetic over row counts that can be printed, parsed back and evaluated without surprises.

use std::fmt;
use std::ops::{Add, Mul};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use yu_wire::frame::frame_count;

use super::parse;
use crate::{Error, Result};

/// The row counts of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Rows of the left input.
    #[serde(with = "crate::text")]
    pub n_left: u64,
    /// Rows of the right input.
    #[serde(with = "crate::text")]
    pub n_right: u64,
    /// Rows that matched.
    #[serde(with = "crate::text")]
    pub matched: u64,
}

/// A row count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Var {
    /// Rows of the left input.
    Left,
    /// Rows of the right input.
    Right,
    /// Rows that matched.
    Matched,
}

impl Var {
    pub(super) const ALL: [Self; 3] = [Self::Left, Self::Right, Self::Matched];

    /// Its name in formulas.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "n_left",
            Self::Right => "n_right",
            Self::Matched => "matched",
        }
    }
}

/// An expression; its text form is a signed part of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expr {
    /// A number.
    Const(u64),
    /// A row count.
    Var(Var),
    /// A sum of two terms or more.
    Sum(Vec<Self>),
    /// A product.
    Product(Box<Self>, Box<Self>),
    /// `ceil_div(a, b)`: quotient rounded up.
    CeilDiv(Box<Self>, Box<Self>),
    /// `max(a, b)`.
    Max(Box<Self>, Box<Self>),
    /// `min(a, b)`.
    Min(Box<Self>, Box<Self>),
    /// `frames(a)`: frames of a message of `a` bytes, `max(1, ceil_div(a, 262144))`.
    Frames(Box<Self>),
    /// `tag_bytes(a, b)`: length of a PSI tag, [`crate::psi::tag_len`].
    TagBytes(Box<Self>, Box<Self>),
}

impl Expr {
    /// Sum of all terms; flat, so that the text has no needless parentheses.
    #[must_use]
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for term in terms {
            match term {
                Self::Sum(inner) => flat.extend(inner),
                Self::Const(0) => {}
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Self::Sum(flat) } else { flat.pop().unwrap_or(Self::Const(0)) }
    }

    /// `ceil_div(self, divisor)`.
    #[must_use]
    pub fn ceil_div(self, divisor: impl Into<Self>) -> Self {
        Self::CeilDiv(Box::new(self), Box::new(divisor.into()))
    }

    /// `max(self, other)`.
    #[must_use]
    pub fn max(self, other: impl Into<Self>) -> Self {
        Self::Max(Box::new(self), Box::new(other.into()))
    }

    /// `min(self, other)`.
    #[must_use]
    pub fn min(self, other: impl Into<Self>) -> Self {
        Self::Min(Box::new(self), Box::new(other.into()))
    }

    /// Metered bytes of a message of this many payload bytes: `self + 32*frames(self)`.
    #[must_use]
    pub fn framed(self) -> Self {
        let frames = Self::Frames(Box::new(self.clone()));
        self + Self::from(yu_wire::frame::HEADER_LEN as u64) * frames
    }

    /// Its value, computed in 64 bits with every overflow noticed.
    ///
    /// # Errors
    /// [`Error::Caller`] on overflow or division by zero.
    pub fn evaluate(&self, counts: &Counts) -> Result<u64> {
        let both = |a: &Self, b: &Self| Ok::<_, Error>((a.evaluate(counts)?, b.evaluate(counts)?));
        match self {
            Self::Const(value) => Ok(*value),
            Self::Var(Var::Left) => Ok(counts.n_left),
            Self::Var(Var::Right) => Ok(counts.n_right),
            Self::Var(Var::Matched) => Ok(counts.matched),
            Self::Sum(terms) => terms.iter().try_fold(0u64, |sum, term| sum.checked_add(term.evaluate(counts)?).ok_or_else(overflow)),
            Self::Product(a, b) => both(a, b).and_then(|(a, b)| a.checked_mul(b).ok_or_else(overflow)),
            Self::CeilDiv(a, b) => match both(a, b)? {
                (_, 0) => Err(Error::caller("formula divides by zero")),
                (a, b) => Ok(a.div_ceil(b)),
            },
            Self::Max(a, b) => both(a, b).map(|(a, b)| a.max(b)),
            Self::Min(a, b) => both(a, b).map(|(a, b)| a.min(b)),
            Self::Frames(a) => a.evaluate(counts).map(frame_count),
            Self::TagBytes(a, b) => both(a, b).map(|(a, b)| crate::psi::tag_len(a, b)),
        }
    }
}

pub(super) fn overflow() -> Error {
    Error::caller("cost exceeds 64 bits at these row counts")
}

impl From<u64> for Expr {
    fn from(value: u64) -> Self {
        Self::Const(value)
    }
}

impl From<Var> for Expr {
    fn from(var: Var) -> Self {
        Self::Var(var)
    }
}

impl Add for Expr {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::sum([self, other])
    }
}

/// Products with the constants 0 and 1 are simplified.
impl Mul for Expr {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        match (self, other) {
            (Self::Const(0), _) | (_, Self::Const(0)) => Self::Const(0),
            (Self::Const(1), other) | (other, Self::Const(1)) => other,
            (a, b) => Self::Product(Box::new(a), Box::new(b)),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(value) => value.fmt(f),
            Self::Var(var) => f.write_str(var.name()),
            Self::Sum(terms) => {
                for (number, term) in terms.iter().enumerate() {
                    if number > 0 {
                        f.write_str(" + ")?;
                    }
                    term.fmt(f)?;
                }
                Ok(())
            }
            Self::Product(a, b) => {
                factor(a, f)?;
                f.write_str("*")?;
                // products group to the left when read back
                if matches!(**b, Self::Product(..)) { write!(f, "({b})") } else { factor(b, f) }
            }
            Self::CeilDiv(a, b) => write!(f, "ceil_div({a}, {b})"),
            Self::Max(a, b) => write!(f, "max({a}, {b})"),
            Self::Min(a, b) => write!(f, "min({a}, {b})"),
            Self::Frames(a) => write!(f, "frames({a})"),
            Self::TagBytes(a, b) => write!(f, "tag_bytes({a}, {b})"),
        }
    }
}

fn factor(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if matches!(expr, Expr::Sum(_)) { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

impl FromStr for Expr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(parse::parse(text)?)
    }
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expr: Self = text.parse().map_err(de::Error::custom)?;
        // one spelling per formula, so that a signed object has one form
        if expr.to_string() == text { Ok(expr) } else { Err(de::Error::custom("formula is not in its printed form")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COUNTS: Counts = Counts { n_left: 1000, n_right: 8193, matched: 7 };

    #[test]
    fn text_form_is_pinned() {
        let bytes = Expr::from(32) * Var::Left.into();
        assert_eq!(bytes.clone().framed().to_string(), "32*n_left + 32*frames(32*n_left)");
        assert_eq!((Expr::from(8) * (bytes + Expr::from(1))).to_string(), "8*(32*n_left + 1)");
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("n_left*32 + 32*frames(n_left*32)", 32_032),
            ("frames(0) + frames(262144) + frames(262145)", 4),
            ("ceil_div(n_right, 8192) + max(1, matched) + min(1, matched)", 10),
            ("2*(3 + 4)*5", 70),
            ("tag_bytes(1048576, 1048576)", 10),
        ] {
            assert_eq!(text.parse::<Expr>().unwrap().evaluate(&COUNTS).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn overflow_and_division_by_zero_are_errors() {
        for text in ["18446744073709551615 + 1", "n_left*18446744073709551615", "ceil_div(1, 0)"] {
            assert!(text.parse::<Expr>().unwrap().evaluate(&COUNTS).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_printed_form_is_accepted_in_json() {
        assert!(serde_json::from_str::<Expr>(r#""1 + 2""#).is_ok());
        assert!(serde_json::from_str::<Expr>(r#""1+2""#).is_err());
        assert!(serde_json::from_str::<Expr>(r#""01""#).is_err());
    }

    fn any_expr() -> impl Strategy<Value = Expr> {
        let leaf = prop_oneof![
            (0u64..1000).prop_map(Expr::from),
            prop_oneof![Just(Var::Left), Just(Var::Right), Just(Var::Matched)].prop_map(Expr::from)
        ];
        leaf.prop_recursive(4, 40, 3, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                two.clone().prop_map(|(a, b)| a + b),
                two.clone().prop_map(|(a, b)| a * b),
                two.clone().prop_map(|(a, b)| a.ceil_div(b)),
                two.clone().prop_map(|(a, b)| a.max(b)),
                two.prop_map(|(a, b)| Expr::TagBytes(Box::new(a), Box::new(b))),
                inner.prop_map(Expr::framed),
            ]
        })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(expr in any_expr()) {
            let parsed: Expr = expr.to_string().parse().unwrap();
            prop_assert_eq!(&parsed, &expr);
            prop_assert_eq!(parsed.evaluate(&COUNTS).ok(), expr.evaluate(&COUNTS).ok());
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9a-z_+*(), ]{0,40}") {
            let _: Result<Expr> = text.parse();
        }
    }
}
