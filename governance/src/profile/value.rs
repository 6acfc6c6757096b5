//! Kinds of values: each can be said in both languages, and each has an order "tighter than or equal".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::calendar::Limit;
use crate::text::Text;

/// What a value of a profile can do.
pub trait Value: PartialEq {
    /// In words, without the name of the field.
    fn words(&self) -> Text;

    /// Whether `self` is tighter than or equal to `other`: a city that states `self` under a province that states `other`
    /// loosens nothing.
    fn is_within(&self, other: &Self) -> bool;

    /// Whether it cannot be meant: an empty list of what is required, a limit of zero.
    fn is_void(&self) -> bool {
        false
    }
}

/// Something with a name in both languages.
pub trait Named: Copy + Ord {
    /// The name.
    fn name(self) -> Text;
}

/// All of these are needed: more is tighter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Needs<E: Ord>(pub BTreeSet<E>);

/// Only these are possible: fewer is tighter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allows<E: Ord>(pub BTreeSet<E>);

/// These do it: says who, and nobody is stricter than another, so a city may name others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Appoints<E: Ord>(pub BTreeSet<E>);

/// These in this order. A step more is tighter, a step less never; where every step stays, the order is a city's own (A9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence<E>(pub Vec<E>);

fn joined<E: Named>(names: impl Iterator<Item = E>, en: &str, zh: &str) -> Text {
    let names: Vec<Text> = names.map(Named::name).collect();
    let pick = |f: fn(&Text) -> &str, glue: &str| names.iter().map(f).collect::<Vec<_>>().join(glue);
    Text::new(pick(|t| &t.en, en), pick(|t| &t.zh, zh))
}

impl<E: Named> Value for Needs<E> {
    fn words(&self) -> Text {
        joined(self.0.iter().copied(), ", ", "、")
    }
    fn is_within(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }
    fn is_void(&self) -> bool {
        self.0.is_empty()
    }
}

impl<E: Named> Value for Allows<E> {
    fn words(&self) -> Text {
        joined(self.0.iter().copied(), ", ", "、")
    }
    fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
    fn is_void(&self) -> bool {
        self.0.is_empty()
    }
}

impl<E: Named> Value for Appoints<E> {
    fn words(&self) -> Text {
        joined(self.0.iter().copied(), ", ", "、")
    }
    fn is_within(&self, _: &Self) -> bool {
        true
    }
    fn is_void(&self) -> bool {
        self.0.is_empty()
    }
}

impl<E: Named> Value for Sequence<E> {
    fn words(&self) -> Text {
        joined(self.0.iter().copied(), " → ", "→")
    }
    fn is_within(&self, other: &Self) -> bool {
        other.0.iter().all(|step| self.0.contains(step))
    }
    fn is_void(&self) -> bool {
        self.0.is_empty() || self.0.iter().collect::<BTreeSet<_>>().len() != self.0.len()
    }
}

impl Value for Limit {
    fn words(&self) -> Text {
        Self::words(*self)
    }
    fn is_within(&self, other: &Self) -> bool {
        Self::is_within(*self, *other)
    }
    fn is_void(&self) -> bool {
        matches!(self, Self::WorkingDays(0) | Self::Days(0) | Self::Months(0))
    }
}

/// Choices with their names; each is documented by what it is called. `ranked` is listed from loosest to tightest, `equal`
/// has no tighter one.
macro_rules! choices {
    ($($(#[$doc:meta])* $kind:ident $name:ident { $($variant:ident $en:literal $zh:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $(#[doc = concat!($en, " (", $zh, ").")] $variant,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }

        impl $crate::profile::Named for $name {
            fn name(self) -> $crate::text::Text {
                match self {
                    $(Self::$variant => $crate::text::Text::new($en, $zh),)+
                }
            }
        }

        impl $crate::profile::Value for $name {
            fn words(&self) -> $crate::text::Text {
                $crate::profile::Named::name(*self)
            }
            fn is_within(&self, other: &Self) -> bool {
                choices!(@order $kind self other)
            }
        }
    )+};
    (@order ranked $a:ident $b:ident) => { $a >= $b };
    (@order equal $a:ident $b:ident) => {{ let _ = $b; true }};
}

/// Numbers with their unit. `most`: fewer is tighter; `least`: more is tighter.
macro_rules! quantities {
    ($($(#[$doc:meta])* $kind:ident $name:ident $en:literal $zh:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl Value for $name {
            fn words(&self) -> Text {
                Text::new(format!($en, self.0), format!($zh, self.0))
            }
            fn is_within(&self, other: &Self) -> bool {
                quantities!(@order $kind self other)
            }
            fn is_void(&self) -> bool {
                quantities!(@void $kind self)
            }
        }
    )+};
    (@order most $a:ident $b:ident) => { $a.0 <= $b.0 };
    (@order free $a:ident $b:ident) => { $a.0 <= $b.0 };
    (@order least $a:ident $b:ident) => { $a.0 >= $b.0 };
    (@void free $a:ident) => { false };
    (@void $kind:ident $a:ident) => { $a.0 == 0 };
}

quantities! {
    /// Greatest number of years.
    most MaxYears "at most {} years" "不超过{}年";
    /// Greatest number of calendar months.
    most MaxMonths "at most {} months" "不超过{}个月";
    /// Greatest number of calendar days.
    most MaxDays "at most {} days" "不超过{}日";
    /// Greatest number of hours.
    most MaxHours "at most {} hours" "不超过{}小时";
    /// Greatest number of times; zero is possible.
    free MaxTimes "at most {} times" "不超过{}次";
    /// Highest price in fen (1/100 yuan); zero is free.
    free MaxFen "at most {} fen" "不超过{}分";
    /// Least number of calendar months.
    least MinMonths "at least {} months" "不少于{}个月";
    /// Least number of years.
    least MinYears "at least {} years" "不少于{}年";
    /// Least number of signatures or people.
    least MinCount "at least {}" "不少于{}";
    /// Least level of the multi-level protection scheme (等保).
    least MinLevel "at least level {}" "不低于{}级";
}

/// When a new application for the next term may begin (A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// At any time of the running term.
    AnyTime,
    /// Within this many calendar months around the end of the term, at the earliest so many before it.
    WithinMonths(u32),
}

impl Value for Renewal {
    fn words(&self) -> Text {
        match self {
            Self::AnyTime => Text::new("by a new application, which may begin early", "按程序重新申请，可提前进行"),
            Self::WithinMonths(n) => {
                Text::new(format!("by a new application within {n} months of the end"), format!("期限届满{n}个月内按程序重新申请"))
            }
        }
    }
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::AnyTime) => true,
            (Self::WithinMonths(a), Self::WithinMonths(b)) => a <= b,
            (Self::AnyTime, Self::WithinMonths(_)) => false,
        }
    }
    fn is_void(&self) -> bool {
        *self == Self::WithinMonths(0)
    }
}

/// How many failed evaluations in a row lead to the proposal to terminate (S7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fails {
    /// The text names no number.
    Unset,
    /// After so many in a row.
    After(u32),
}

impl Value for Fails {
    fn words(&self) -> Text {
        match self {
            Self::Unset => Text::new("no number set", "未规定次数"),
            Self::After(n) => Text::new(format!("after {n} in a row"), format!("连续{n}次")),
        }
    }
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Unset) => true,
            (Self::After(a), Self::After(b)) => a <= b,
            (Self::Unset, Self::After(_)) => false,
        }
    }
    fn is_void(&self) -> bool {
        *self == Self::After(0)
    }
}

pub(crate) use choices;
