//! Hierarchies that are built instead of read: intervals, dates, region codes, masking, order.

use std::collections::BTreeSet;

use time::Date;
use time::macros::format_description;

use super::{Hierarchy, STAR};
use crate::column::parse_number;
use crate::error::{Error, Result, Text};

/// Intervals of a number: level 1 has `width`, each further level is `factor` times as wide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Where an interval of level 1 begins.
    pub origin: f64,
    /// Width on level 1.
    pub width: f64,
    /// How many intervals of a level make one of the next.
    pub factor: u32,
    /// Levels between the value and the top.
    pub levels: u32,
}

impl Hierarchy {
    /// Numbers in half-open intervals `[a, b)`.
    ///
    /// # Errors
    /// `anonymise.hierarchy_value` with the position of a value that is no number; `anonymise.builder` for a width or a
    /// factor that makes no intervals.
    pub fn intervals<S: AsRef<str>>(name: &str, values: &[S], interval: Interval) -> Result<Self> {
        let Interval { origin, width, factor, levels } = interval;
        if !(width.is_finite() && width > 0.0 && origin.is_finite() && factor >= 2 && levels <= 32) {
            let en = "intervals need a finite origin, a positive width, a factor of 2 or more and at most 32 levels";
            return Err(parameters(name, Text::new(en, "区间需要有限的起点、正的宽度、不小于 2 的倍数以及不超过 32 级")));
        }
        Self::mapped(name, values, |value| {
            let position = ((parse_number(value).ok()? - origin) / width).floor();
            // whole numbers of intervals below 2^53, so that levels nest exactly
            let mut index = (position.abs() < 9e15).then_some(position as i64)?;
            let mut row = vec![value.to_owned()];
            let mut size = width;
            for _ in 0..levels {
                let low = origin + index as f64 * size;
                row.push(format!("[{low}, {})", low + size));
                index = index.div_euclid(i64::from(factor));
                size *= f64::from(factor);
            }
            row.push(STAR.to_owned());
            Some(row)
        })
    }

    /// Dates `2026-11-28` as day, month, quarter, year, decade, top.
    ///
    /// # Errors
    /// `anonymise.hierarchy_value` with the position of a value that is no real date.
    pub fn dates<S: AsRef<str>>(name: &str, values: &[S]) -> Result<Self> {
        let format = format_description!("[year]-[month]-[day]");
        Self::mapped(name, values, |value| {
            let date = Date::parse(value, &format).ok()?;
            let (year, month) = (date.year(), u8::from(date.month()));
            let quarter = (month - 1) / 3 + 1;
            let decade = year.div_euclid(10) * 10;
            let levels = [format!("{year:04}-{month:02}"), format!("{year:04}-Q{quarter}"), format!("{year:04}"), format!("{decade:04}s")];
            Some(std::iter::once(value.to_owned()).chain(levels).chain([STAR.to_owned()]).collect())
        })
    }

    /// Region codes of GB/T 2260 (行政区划代码): the whole code, then its first digits as `kept` says, longest first:
    /// `[4, 2]` gives county, city, province, top. Cut digits become `*`.
    ///
    /// # Errors
    /// `anonymise.hierarchy_value` with the position of a value that is not all digits or shorter than a prefix;
    /// `anonymise.builder` unless `kept` falls.
    pub fn region_codes<S: AsRef<str>>(name: &str, values: &[S], kept: &[usize]) -> Result<Self> {
        if kept.windows(2).any(|pair| pair[0] <= pair[1]) || kept.contains(&0) {
            return Err(parameters(name, Text::new("kept digits must fall and be positive", "保留位数必须递减且为正")));
        }
        Self::mapped(name, values, |value| {
            let is_code = value.bytes().all(|byte| byte.is_ascii_digit()) && kept.first().is_none_or(|first| *first < value.len());
            is_code.then(|| {
                let cut = |digits: &usize| format!("{}{}", &value[..*digits], STAR.repeat(value.len() - digits));
                std::iter::once(value.to_owned()).chain(kept.iter().map(cut)).chain([STAR.to_owned()]).collect()
            })
        })
    }

    /// Characters from the end become `*`, `step` per level, until nothing is left.
    ///
    /// # Errors
    /// `anonymise.builder` for a step of 0, `anonymise.hierarchy_value` for values that meet without being equal (lengths
    /// differ: pad them first).
    pub fn masking<S: AsRef<str>>(name: &str, values: &[S], step: usize) -> Result<Self> {
        if step == 0 {
            return Err(parameters(name, Text::new("a masking step must be 1 or more", "每级遮盖的字符数必须不小于 1")));
        }
        let length = values.iter().map(|value| value.as_ref().trim().chars().count()).max().unwrap_or(0);
        Self::mapped(name, values, |value| {
            if value.chars().count() != length || value.contains(STAR) {
                return None;
            }
            let mut row = vec![value.to_owned()];
            let mut kept = length;
            while kept > step {
                kept -= step;
                row.push(value.chars().take(kept).chain(STAR.chars().cycle().take(length - kept)).collect());
            }
            row.push(STAR.to_owned());
            Some(row)
        })
    }

    /// Values in the given order, `fanout` neighbours of a level under one of the next, until one is left.
    ///
    /// # Errors
    /// `anonymise.builder` for a fan-out below 2; as [`Hierarchy::from_rows`].
    pub fn ordered<S: AsRef<str>>(name: &str, values: &[S], fanout: usize) -> Result<Self> {
        if fanout < 2 {
            return Err(parameters(name, Text::new("a fan-out must be 2 or more", "每级合并的取值个数必须不小于 2")));
        }
        let label = |from: usize, to: usize| match (values.get(from), values.get(to - 1)) {
            (Some(first), Some(last)) if to - from > 1 => format!("{} .. {}", first.as_ref().trim(), last.as_ref().trim()),
            (Some(only), _) => only.as_ref().trim().to_owned(),
            _ => STAR.to_owned(),
        };
        let rows: Vec<Vec<String>> = (0..values.len())
            .map(|index| {
                let mut row = vec![label(index, index + 1)];
                let mut size = fanout;
                while size < values.len() {
                    let from = index - index % size;
                    row.push(label(from, (from + size).min(values.len())));
                    size = size.saturating_mul(fanout);
                }
                row.push(STAR.to_owned());
                row
            })
            .collect();
        Self::from_rows(name, &rows)
    }

    /// Only the value and the top.
    ///
    /// # Errors
    /// As [`Hierarchy::from_rows`].
    pub fn flat<S: AsRef<str>>(name: &str, values: &[S]) -> Result<Self> {
        Self::mapped(name, values, |value| Some(vec![value.to_owned(), STAR.to_owned()]))
    }

    fn mapped<S: AsRef<str>>(name: &str, values: &[S], row: impl Fn(&str) -> Option<Vec<String>>) -> Result<Self> {
        let mut seen = BTreeSet::new();
        let mut rows = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let value = value.as_ref().trim();
            if seen.insert(value) {
                rows.push(row(value).ok_or_else(|| unfit(name, index + 1))?);
            }
        }
        Self::from_rows(name, &rows)
    }
}

fn unfit(name: &str, position: usize) -> Error {
    Error::refused(
        "anonymise.hierarchy_value",
        Text::new("a value does not fit the builder of the hierarchy", "有取值不符合泛化层级的构造方式"),
        Text::new(format!("hierarchy `{name}`, value {position}"), format!("泛化层级“{name}”，第 {position} 个取值")),
        Text::new("correct the value, or use another builder or a hierarchy file", "请更正该取值，或改用其他构造方式、泛化层级文件"),
    )
}

fn parameters(name: &str, what: Text) -> Error {
    Error::refused(
        "anonymise.builder",
        what,
        Text::new(format!("hierarchy `{name}`"), format!("泛化层级“{name}”")),
        Text::new("correct the parameters of the builder", "请更正构造参数"),
    )
}
