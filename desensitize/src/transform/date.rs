//! Dates: shifted by a secret number of days for each subject (日期偏移), or made coarser.
//!
//! All dates of a subject move by the same number of days, uniform in the window `-days..=days` and computed from the key and the
//! subject, so that intervals within a subject stay true. What this does not hide: the intervals themselves (a rare sequence of
//! visits can be recognised), the season for a small window, and dates near the end of the collection.
//!
//! Text dates are `2024-05-31`, `2024/05/31`, `2024.05.31` or `20240531`, alone or followed by a time that stays.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use time::{Date, Month};

use super::cells::{At, Cells, map_texts};
use super::digest::Hmac;
use super::ff1::Direction;
use crate::error::{Error, Result};

/// How coarse a date becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateLevel {
    /// The first day of the month.
    Month,
    /// The first day of the quarter.
    Quarter,
    /// The first day of the year.
    Year,
    /// The first day of the years 2020, 2030 and so on.
    Decade,
}

/// Shifts all dates of a subject alike.
pub(super) struct DateShift {
    pub(super) hmac: Hmac,
    /// Largest shift in days.
    pub(super) days: u32,
    pub(super) direction: Direction,
}

impl DateShift {
    /// Days of a subject; the bias of the remainder is below 2^-30.
    fn shift(&self, subject: &str) -> i32 {
        let code = self.hmac.code(subject.as_bytes());
        let random = u64::from_be_bytes(*code.first_chunk().unwrap_or(&[0; 8]));
        let shift = (random % (2 * u64::from(self.days) + 1)) as i64 - i64::from(self.days);
        let shift = if self.direction == Direction::Encrypt { shift } else { -shift };
        shift as i32
    }
}

impl Cells for DateShift {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let subjects = at.subjects()?;
        map_dates(array, at, |row, day| day.checked_add(self.shift(subjects.value(row))))
    }
}

/// Replaces each date by the first one of its period.
pub(super) struct Coarser(pub(super) DateLevel);

impl Cells for Coarser {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_dates(array, at, |_, day| {
            let date = Date::from_julian_day(day).ok()?;
            let (year, month) = (date.year(), u8::from(date.month()));
            let (year, month) = match self.0 {
                DateLevel::Month => (year, month),
                DateLevel::Quarter => (year, (month - 1) / 3 * 3 + 1),
                DateLevel::Year => (year, 1),
                DateLevel::Decade => (year.div_euclid(10) * 10, 1),
            };
            Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok().map(Date::to_julian_day)
        })
    }
}

/// Julian day of 1 January 1970.
const EPOCH: i32 = 2_440_588;

/// Changes the Julian day of every date; the time of day stays.
fn map_dates(array: &ArrayRef, at: &At<'_>, f: impl Fn(usize, i32) -> Option<i32>) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Date32 => instants::<Date32Type>(array, at, 1, &f),
        DataType::Date64 => instants::<Date64Type>(array, at, 86_400_000, &f),
        DataType::Timestamp(TimeUnit::Second, _) => instants::<TimestampSecondType>(array, at, 86_400, &f),
        DataType::Timestamp(TimeUnit::Millisecond, _) => instants::<TimestampMillisecondType>(array, at, 86_400_000, &f),
        DataType::Timestamp(TimeUnit::Microsecond, _) => instants::<TimestampMicrosecondType>(array, at, 86_400_000_000, &f),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => instants::<TimestampNanosecondType>(array, at, 86_400_000_000_000, &f),
        _ => map_texts(array, at, |row, cell, out| text_date(cell, |day| f(row, day), out).map_err(|fault| refusal(fault, row, at))),
    }
}

fn instants<T: ArrowPrimitiveType>(array: &ArrayRef, at: &At<'_>, units: i64, f: &impl Fn(usize, i32) -> Option<i32>) -> Result<ArrayRef>
where
    T::Native: TryFrom<i64> + Into<i64>,
{
    let moved = |row: usize, value: T::Native| {
        let value: i64 = value.into();
        let day = i32::try_from(value.div_euclid(units)).ok()?.checked_add(EPOCH)?;
        let next = i64::from(f(row, day)?.checked_sub(EPOCH)?).checked_mul(units)?.checked_add(value.rem_euclid(units))?;
        T::Native::try_from(next).ok()
    };
    let values = array.as_primitive::<T>();
    let moved = values
        .iter()
        .enumerate()
        .map(|(row, value)| value.map(|value| moved(row, value).ok_or_else(|| refusal(Fault::Range, row, at))).transpose())
        .collect::<Result<Vec<Option<T::Native>>>>()?;
    let moved: PrimitiveArray<T> = moved.into_iter().collect();
    Ok(Arc::new(moved.with_data_type(array.data_type().clone())))
}

#[derive(Clone, Copy)]
enum Fault {
    Form,
    Range,
}

/// Changes the date at the start of a text, in the form it has.
fn text_date(cell: &str, f: impl Fn(i32) -> Option<i32>, out: &mut String) -> std::result::Result<(), Fault> {
    let separator = cell.as_bytes().get(4).copied().filter(|byte| matches!(byte, b'-' | b'/' | b'.'));
    let length = if separator.is_some() { 10 } else { 8 };
    let (date, rest) = cell.split_at_checked(length).ok_or(Fault::Form)?;
    let is_time = rest.is_empty() || (rest.starts_with([' ', 'T']) && rest.len() > 1);
    let has_form = date.bytes().enumerate().all(|(place, byte)| match (separator, place) {
        (Some(separator), 4 | 7) => byte == separator,
        _ => byte.is_ascii_digit(),
    });
    if !is_time || !has_form {
        return Err(Fault::Form);
    }
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().map_err(|_| Fault::Form)?;
    let month = u8::try_from(number / 100 % 100).ok().and_then(|month| Month::try_from(month).ok()).ok_or(Fault::Form)?;
    let day = u8::try_from(number % 100).map_err(|_| Fault::Form)?;
    let year = i32::try_from(number / 10_000).map_err(|_| Fault::Form)?;
    let day = Date::from_calendar_date(year, month, day).map_err(|_| Fault::Form)?.to_julian_day();
    let next =
        f(day).and_then(|day| Date::from_julian_day(day).ok()).filter(|date| (0..=9999).contains(&date.year())).ok_or(Fault::Range)?;
    let (year, month, day) = (next.year(), u8::from(next.month()), next.day());
    let separator = separator.map_or(String::new(), |byte| char::from(byte).to_string());
    out.push_str(&format!("{year:04}{separator}{month:02}{separator}{day:02}"));
    out.push_str(rest);
    Ok(())
}

fn refusal(fault: Fault, row: usize, at: &At<'_>) -> Error {
    match fault {
        Fault::Form => at.refuse(
            "transform.date",
            row,
            ("a cell is no date in a known form", "单元格不是可识别的日期"),
            ("write dates as 2024-05-31, 2024/05/31, 2024.05.31 or 20240531", "日期请写作 2024-05-31、2024/05/31、2024.05.31 或 20240531"),
        ),
        Fault::Range => at.refuse(
            "transform.date_range",
            row,
            ("a date leaves the years that can be written", "日期超出可表示的年份"),
            ("null out placeholder dates such as 9999-12-31 first", "先清空9999-12-31一类的占位日期"),
        ),
    }
}
