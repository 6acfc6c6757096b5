//! Rows that leave the table: suppressed (行抑制) by what a cell holds, or not drawn into a sample (抽样).

use arrow::array::{Array, ArrayRef};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

use super::cells::{At, Number, Rows, numbers};
use super::digest::Hmac;
use super::refuse;
use super::whole::{Whole, column};
use crate::column::to_text;
use crate::error::{Error, Result};
use crate::table::Table;

/// Rows that are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing in the cell: null, or text of blanks.
    Missing,
    /// One of these texts, without blanks around it.
    OneOf(Vec<String>),
    /// A number below this.
    Below(f64),
    /// A number above this.
    Above(f64),
    /// A value that fewer rows than this have; needs the whole table.
    RarerThan(u64),
}

/// Drops rows by one cell of each.
pub(super) struct Drop {
    pub(super) when: When,
    values: HashSet<String>,
}

impl Drop {
    pub(super) fn new(when: &When) -> Result<Self> {
        let is_wrong = match when {
            When::Below(bound) | When::Above(bound) => !bound.is_finite(),
            When::OneOf(values) => values.is_empty(),
            When::RarerThan(count) => *count < 2,
            When::Missing => false,
        };
        if is_wrong {
            return Err(refuse::parameter(
                "transform.when",
                ("the condition for dropping rows never holds or has no meaning", "删除行的条件永不成立或没有意义"),
                ("name values, a finite bound, or a count of at least 2", "填写具体取值、有限的界限或不小于2的次数"),
            ));
        }
        let values =
            if let When::OneOf(values) = when { values.iter().map(|value| value.trim().to_owned()).collect() } else { HashSet::new() };
        Ok(Self { when: when.clone(), values })
    }
}

impl Rows for Drop {
    fn keep(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<Vec<bool>> {
        if let When::Below(bound) | When::Above(bound) = self.when {
            let is_below = matches!(self.when, When::Below(_));
            let is_dropped = |number: Number| if is_below { number.real() < bound } else { number.real() > bound };
            return Ok(numbers(array, at)?.into_iter().map(|number| !number.is_some_and(is_dropped)).collect());
        }
        let kind = || Error::ColumnType { file: at.file.to_owned(), column: at.column.to_owned(), found: array.data_type().to_string() };
        let texts = to_text(array).ok_or_else(kind)?;
        let is_kept = |cell: Option<&str>| match self.when {
            When::Missing => cell.is_some_and(|cell| !cell.trim().is_empty()),
            _ => !cell.is_some_and(|cell| self.values.contains(cell.trim())),
        };
        Ok(texts.iter().map(is_kept).collect())
    }
}

/// Drops rows whose value is rare. Missing cells count as one value.
pub(super) struct DropRare(pub(super) u64);

impl Whole for DropRare {
    fn whole(&mut self, table: &Table, name: &str) -> Result<Table> {
        let array = column(table, name)?;
        let kind = || Error::ColumnType { file: table.source().to_owned(), column: name.to_owned(), found: array.data_type().to_string() };
        let texts = to_text(&array).ok_or_else(kind)?;
        let mut counts: HashMap<Option<&str>, u64> = HashMap::new();
        for cell in texts.iter() {
            *counts.entry(cell).or_default() += 1;
        }
        let keep: Vec<bool> = texts.iter().map(|cell| counts.get(&cell).is_some_and(|count| *count >= self.0)).collect();
        debug_assert_eq!(keep.len(), array.len(), "one decision for a row");
        table.filter(&keep)
    }
}

/// Draws each row, or each subject, with one probability.
pub(super) struct Sample {
    /// The rate times 2^64; `None` is all of them.
    threshold: Option<u64>,
    pub(super) by: Draw,
}

/// What decides about a row.
pub(super) enum Draw {
    /// A generator with a recorded seed.
    Random(Box<ChaCha20Rng>),
    /// The subject under a key: all rows of a subject together, and the same subjects wherever the key is the same.
    Subject(Hmac),
}

impl Sample {
    pub(super) fn new(rate: f64, by: Draw) -> Result<Self> {
        check_rate(rate)?;
        // rates below one times 2^64 are below 2^64
        let threshold = (rate < 1.0).then_some((rate * 18_446_744_073_709_551_616.0) as u64);
        Ok(Self { threshold, by })
    }
}

pub(super) fn check_rate(rate: f64) -> Result<()> {
    if rate > 0.0 && rate <= 1.0 {
        return Ok(());
    }
    Err(refuse::parameter(
        "transform.rate",
        ("the rate of a sample lies outside 0 to 1", "抽样率不在0至1之间"),
        ("write a rate above 0 and at most 1", "填写大于0且不超过1的抽样率"),
    ))
}

impl Rows for Sample {
    fn keep(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<Vec<bool>> {
        let threshold = self.threshold;
        let is_drawn = |random: u64| threshold.is_none_or(|threshold| random < threshold);
        match &mut self.by {
            Draw::Random(rng) => Ok((0..array.len()).map(|_| is_drawn(rng.next_u64())).collect()),
            Draw::Subject(hmac) => {
                let subjects = at.subjects()?;
                let mut keep = vec![false; subjects.len()];
                hmac.each(subjects.iter().flatten().map(str::as_bytes), |row, code| {
                    if let (Some(slot), Some(random)) = (keep.get_mut(row), code.first_chunk()) {
                        *slot = is_drawn(u64::from_be_bytes(*random));
                    }
                });
                Ok(keep)
            }
        }
    }
}
