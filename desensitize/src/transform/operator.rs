//! Operators as data: what a policy writes down.

use serde::{Deserialize, Serialize};

use super::alphabet::Alphabet;
use super::date::DateLevel;
use super::digest::Hash;
use super::encoding::Encoding;
use super::ff1::Others;
use super::hierarchy::{Hierarchy, Unknown};
use super::identity::{BirthPart, RegionPart, SexPart};
use super::rows::When;
use super::token::TokenCipher;

/// One operator on one column.
///
/// Keyed operators take a `purpose` (required, part of the key), a `key` (its name; may be left out if there is one only) and a
/// `domain` (part of the key; the column's name if left out).
///
/// ```
/// use yu_desensitize::transform::Operator;
/// #[derive(serde::Deserialize)]
/// struct Rule { how: Operator }
/// let rule: Rule = toml::from_str(r#"how = { op = "keep", first = 3, last = 4 }"#).unwrap();
/// assert_eq!(rule.how.explain().zh, "掩码：保留前3位和后4位字符，其余以“*”代替");
/// assert!(toml::from_str::<Rule>(r#"how = { op = "keep", frist = 3 }"#).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Operator {
    /// Mask: the first and last characters stay. Text.
    Keep {
        /// Characters that stay at the start.
        #[serde(default)]
        first: u32,
        /// Characters that stay at the end.
        #[serde(default)]
        last: u32,
        /// What stands for a hidden character.
        #[serde(default = "star")]
        mask: char,
        /// How many of it; as many as there were, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<u32>,
    },
    /// One constant for every cell that is there. Any type that can hold it.
    Replace {
        /// The constant.
        with: String,
    },
    /// Every cell becomes null (suppression of cells). Any type.
    Null {},
    /// Rows go (suppression of rows). Any type.
    DropRows {
        /// Which.
        when: When,
    },
    /// A keyed digest. Text.
    Hmac {
        /// Hash function.
        hash: Hash,
        /// What the pseudonyms are for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What they stand for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
        /// How they are written.
        #[serde(default)]
        encoding: Encoding,
        /// Bits that are kept: 128 to 256, whole bytes.
        #[serde(default = "digest_bits")]
        bits: u32,
    },
    /// A token that the key turns back. Text.
    Token {
        /// Block cipher.
        cipher: TokenCipher,
        /// What the tokens are for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What they stand for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
        /// How they are written.
        #[serde(default)]
        encoding: Encoding,
    },
    /// Format-preserving encryption FF1 with AES-256. Text.
    Ff1 {
        /// The characters that are encrypted.
        alphabet: Alphabet,
        /// What happens to other characters.
        #[serde(default)]
        others: Others,
        /// What it is for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What the values stand for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
    /// Resident IDs become other valid ones. Text.
    ResidentId {
        /// How much of the region stays.
        #[serde(default)]
        region: RegionPart,
        /// How much of the birth date stays.
        #[serde(default)]
        birth: BirthPart,
        /// Whether the sex stays.
        #[serde(default)]
        sex: SexPart,
        /// Valid region codes; every code of every province if left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        regions: Vec<u32>,
        /// First and last year of birth.
        #[serde(default = "birth_years")]
        years: (i32, i32),
        /// What it is for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What the values stand for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
    /// Mobile numbers become other ones of the same segment. Text.
    Mobile {
        /// What it is for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What the values stand for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
    /// All dates of a subject move by the same secret number of days. Dates, timestamps, text.
    DateShift {
        /// The column that names the subject, read as it was before any operator.
        subject: String,
        /// Largest number of days.
        days: u32,
        /// What it is for.
        purpose: String,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Dates of one domain move together; `date` if left out, so that all dates of a subject do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
    /// Dates become the first day of a period. Dates, timestamps, text.
    GeneraliseDate {
        /// The period.
        to: DateLevel,
    },
    /// Values become their names at a level of a hierarchy. Text.
    Generalise {
        /// The names of each value.
        hierarchy: Hierarchy,
        /// Level, from 1.
        level: u32,
        /// What happens to other values.
        #[serde(default)]
        unknown: Unknown,
    },
    /// Numbers become intervals. Numbers or text in, text out.
    Bin {
        /// Rising edges; an interval holds its lower edge.
        edges: Vec<f64>,
    },
    /// Numbers become multiples of a step. Numbers, text.
    Round {
        /// The step.
        to: f64,
    },
    /// Top and bottom coding. Numbers, text.
    Limit {
        /// Smaller numbers become this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bottom: Option<f64>,
        /// Larger numbers become this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<f64>,
    },
    /// Bounded noise on a grid; **not** differential privacy. Numbers, text.
    Noise {
        /// Distance of grid points.
        grid: f64,
        /// Largest change, in grid points.
        steps: u32,
    },
    /// Cells change places with cells of near rank. Any type.
    RankSwap {
        /// Largest difference of ranks, in per cent of the rows.
        percent: f64,
    },
    /// Cells change places at random. Any type.
    Shuffle {},
    /// Means of groups of at least `k` similar rows. Numbers, text.
    Microaggregate {
        /// Size of the groups.
        k: u32,
        /// Further columns that form the groups and are averaged.
        #[serde(default)]
        with: Vec<String>,
    },
    /// Categories change at random by known probabilities. Text.
    Pram {
        /// All categories.
        categories: Vec<String>,
        /// Probabilities, a row for each category; this or `keep`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        matrix: Option<Vec<Vec<f64>>>,
        /// Probability that a category stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<f64>,
        /// Whether expected frequencies stay.
        #[serde(default)]
        invariant: bool,
    },
    /// A part of the rows, drawn at random or, with a purpose, by subject (the step's column) under a key.
    Sample {
        /// Expected share of rows or subjects.
        rate: f64,
        /// What the sample is for; draws subjects under a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purpose: Option<String>,
        /// Name of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What the subjects are; `subject` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
}

const fn star() -> char {
    '*'
}

const fn digest_bits() -> u32 {
    128
}

const fn birth_years() -> (i32, i32) {
    (1900, 2039)
}

/// The use of a key.
#[derive(Clone, Copy)]
pub(super) struct KeyUse<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) purpose: &'a str,
    /// What the keyed values stand for.
    pub(super) domain: &'a str,
}

impl Operator {
    /// The name of the operator, as a policy writes it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Keep { .. } => "keep",
            Self::Replace { .. } => "replace",
            Self::Null {} => "null",
            Self::DropRows { .. } => "drop_rows",
            Self::Hmac { .. } => "hmac",
            Self::Token { .. } => "token",
            Self::Ff1 { .. } => "ff1",
            Self::ResidentId { .. } => "resident_id",
            Self::Mobile { .. } => "mobile",
            Self::DateShift { .. } => "date_shift",
            Self::GeneraliseDate { .. } => "generalise_date",
            Self::Generalise { .. } => "generalise",
            Self::Bin { .. } => "bin",
            Self::Round { .. } => "round",
            Self::Limit { .. } => "limit",
            Self::Noise { .. } => "noise",
            Self::RankSwap { .. } => "rank_swap",
            Self::Shuffle {} => "shuffle",
            Self::Microaggregate { .. } => "microaggregate",
            Self::Pram { .. } => "pram",
            Self::Sample { .. } => "sample",
        }
    }

    /// Whether the key gives the original back.
    #[must_use]
    pub const fn is_reversible(&self) -> bool {
        matches!(self, Self::Token { .. } | Self::Ff1 { .. } | Self::ResidentId { .. } | Self::Mobile { .. } | Self::DateShift { .. })
    }

    /// Whether the way back finds out that the key or the cell is a wrong one.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        matches!(self, Self::Token { .. })
    }

    /// Whether a key is needed.
    #[must_use]
    pub const fn needs_key(&self) -> bool {
        matches!(self, Self::Hmac { .. } | Self::Sample { purpose: Some(_), .. }) || self.is_reversible()
    }

    /// Whether successive batches can be treated one by one.
    #[must_use]
    pub const fn is_streaming(&self) -> bool {
        !matches!(
            self,
            Self::RankSwap { .. }
                | Self::Shuffle {}
                | Self::Microaggregate { .. }
                | Self::Pram { invariant: true, .. }
                | Self::DropRows { when: When::RarerThan(_) }
        )
    }

    /// Whether a random choice is made, whose seed is committed to.
    #[must_use]
    pub const fn is_random(&self) -> bool {
        matches!(
            self,
            Self::Noise { .. } | Self::RankSwap { .. } | Self::Shuffle {} | Self::Pram { .. } | Self::Sample { purpose: None, .. }
        )
    }

    /// Whether equal cells become equal ones, so that frequencies stay visible and a frequency attack can be tried.
    #[must_use]
    pub const fn shows_equality(&self) -> bool {
        self.needs_key() && !matches!(self, Self::DateShift { .. } | Self::Sample { .. })
    }

    /// The name of the key, if the operator gives one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key_use("").and_then(|usage| usage.key)
    }

    /// The column of the subject, as far as the operator reads one.
    pub(super) fn subject<'a>(&'a self, column: &'a str) -> Option<&'a str> {
        match self {
            Self::DateShift { subject, .. } => Some(subject),
            Self::Sample { purpose: Some(_), .. } => Some(column),
            _ => None,
        }
    }

    /// The further columns that it changes.
    pub(super) fn further(&self) -> &[String] {
        match self {
            Self::Microaggregate { with, .. } => with,
            _ => &[],
        }
    }

    pub(super) fn key_use<'a>(&'a self, column: &'a str) -> Option<KeyUse<'a>> {
        let (key, purpose, domain, default) = match self {
            Self::Hmac { key, purpose, domain, .. }
            | Self::Token { key, purpose, domain, .. }
            | Self::Ff1 { key, purpose, domain, .. }
            | Self::ResidentId { key, purpose, domain, .. }
            | Self::Mobile { key, purpose, domain } => (key, purpose, domain, column),
            Self::DateShift { key, purpose, domain, .. } => (key, purpose, domain, "date"),
            Self::Sample { key, purpose: Some(purpose), domain, .. } => (key, purpose, domain, "subject"),
            _ => return None,
        };
        Some(KeyUse { key: key.as_deref(), purpose, domain: domain.as_deref().unwrap_or(default) })
    }
}
