//! Alphabets of format-preserving encryption.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::refuse;
use crate::error::Result;

/// The characters that encryption replaces by each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// `0-9`.
    Digits,
    /// `a-z`.
    Lower,
    /// `A-Z`.
    Upper,
    /// `0-9a-f`.
    Hex,
    /// `0-9a-z`.
    LowerAlnum,
    /// `0-9A-Z`.
    UpperAlnum,
    /// `0-9A-Za-z`.
    Alnum,
    /// These characters, in this order; each once.
    Custom(String),
}

impl Alphabet {
    /// The characters in the order of their numerals.
    pub(super) fn chars(&self) -> Result<Vec<char>> {
        let (digits, upper, lower) = ('0'..='9', 'A'..='Z', 'a'..='z');
        let chars: Vec<char> = match self {
            Self::Digits => digits.collect(),
            Self::Lower => lower.collect(),
            Self::Upper => upper.collect(),
            Self::Hex => digits.chain('a'..='f').collect(),
            Self::LowerAlnum => digits.chain(lower).collect(),
            Self::UpperAlnum => digits.chain(upper).collect(),
            Self::Alnum => digits.chain(upper).chain(lower).collect(),
            Self::Custom(chars) => chars.chars().collect(),
        };
        let distinct: HashSet<&char> = chars.iter().collect();
        if distinct.len() != chars.len() || !(2..=65536).contains(&chars.len()) {
            return Err(refuse::parameter(
                "transform.alphabet",
                (
                    "the alphabet repeats a character, or has fewer than 2 or more than 65536",
                    "字母表中有重复字符，或字符数不在2至65536之间",
                ),
                ("write every character once", "每个字符只写一次"),
            ));
        }
        Ok(chars)
    }
}
