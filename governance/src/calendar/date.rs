//! A civil date in the domain's zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Month, OffsetDateTime, Weekday};

use crate::clock::Time;
use crate::error::{Error, Result};

/// Working days are days of China Standard Time: UTC+8 for the whole country, without summer time since 1991. An office's
/// day ends at midnight there, not in UTC, and a fixed offset needs no table of zones.
const ZONE_SECONDS: i64 = 8 * 3_600;
/// Seconds in a day.
const DAY: i64 = 86_400;
/// 0001-01-01 and 9999-12-31 as days since 1970-01-01: what four digits of year can write.
const RANGE: (i64, i64) = (-719_162, 2_932_896);

/// A date as offices in China count it (UTC+8), written `2026-10-01`.
///
/// ```
/// use yu_governance::{calendar::Date, clock::Time};
/// let evening: Time = "2026-09-30T16:00:00Z".parse()?;
/// assert_eq!(Date::of(evening).to_string(), "2026-10-01");
/// # Ok::<(), yu_governance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(i64);

impl Date {
    /// The date of a moment in the domain's zone.
    #[must_use]
    pub const fn of(moment: Time) -> Self {
        Self::clamped(moment.unix().saturating_add(ZONE_SECONDS).div_euclid(DAY))
    }

    /// A date from its parts.
    ///
    /// # Errors
    /// `Malformed` if there is no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Result<Self> {
        let civil = Month::try_from(month).ok().and_then(|month| time::Date::from_calendar_date(year, month, day).ok());
        civil
            .filter(|date| (1..=9999).contains(&date.year()))
            .map(Self::from_civil)
            .ok_or_else(|| Error::Malformed { object: "date".into(), reason: format!("there is no {year:04}-{month:02}-{day:02}") })
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.civil().year()
    }

    /// Whether it is a Saturday or a Sunday; says nothing about holidays.
    #[must_use]
    pub fn is_weekend(self) -> bool {
        matches!(self.civil().weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// `days` later (earlier if negative), at most to the last date that can be written.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self::clamped(self.0.saturating_add(days))
    }

    /// The same day of the month `months` later; the month's last day where it has no such day (31 January + 1 month).
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let date = self.civil();
        let index = i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1 + i64::from(months);
        let Ok(year) = i32::try_from(index / 12) else { return Self(RANGE.1) };
        let month = u8::try_from(index % 12 + 1).unwrap_or(12);
        (28..=date.day()).rev().chain([date.day()]).find_map(|day| Self::new(year, month, day).ok()).unwrap_or(Self(RANGE.1))
    }

    /// The same day `years` later; 29 February becomes 28 February in a common year.
    #[must_use]
    pub fn plus_years(self, years: u32) -> Self {
        self.plus_months(years.saturating_mul(12))
    }

    /// Days from `earlier` to this date; negative if it comes before.
    #[must_use]
    pub const fn days_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Its first second, midnight in the zone.
    #[must_use]
    pub const fn first_second(self) -> Time {
        Time::from_unix(self.0 * DAY - ZONE_SECONDS)
    }

    /// Its last second, 23:59:59 in the zone: what a deadline on this date means.
    #[must_use]
    pub const fn last_second(self) -> Time {
        self.first_second().plus_seconds(DAY - 1)
    }

    const fn clamped(days: i64) -> Self {
        if days < RANGE.0 {
            Self(RANGE.0)
        } else if days > RANGE.1 {
            Self(RANGE.1)
        } else {
            Self(days)
        }
    }

    fn from_civil(date: time::Date) -> Self {
        Self(date.midnight().assume_utc().unix_timestamp().div_euclid(DAY))
    }

    fn civil(self) -> time::Date {
        // INVARIANT: the days are within RANGE, where every day has a date
        OffsetDateTime::from_unix_timestamp(self.0 * DAY).map_or(time::Date::MAX, OffsetDateTime::date)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.civil();
        write!(f, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().unwrap_or_default();
        let parsed = match (next().parse(), next().parse(), next().parse()) {
            (Ok(year), Ok(month), Ok(day)) => Self::new(year, month, day).ok(),
            _ => None,
        };
        // the round trip refuses signs, missing zeros and blanks
        parsed.filter(|date| date.to_string() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            Error::Malformed { object: "date".into(), reason: format!("`{}` is not a date of the form 2026-10-01", shown.escape_debug()) }
        })
    }
}

impl TryFrom<String> for Date {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_day_turns_at_midnight_in_china() {
        assert_eq!(Date::of("2026-10-01T15:59:59Z".parse().unwrap()), date("2026-10-01"));
        assert_eq!(Date::of("2026-10-01T16:00:00Z".parse().unwrap()), date("2026-10-02"));
        assert_eq!(date("2026-10-01").first_second().to_string(), "2026-09-30T16:00:00Z");
        assert_eq!(date("2026-10-01").last_second().to_string(), "2026-10-01T15:59:59Z");
    }

    #[test]
    fn months_end_where_they_end() {
        assert_eq!(date("2026-01-31").plus_months(1), date("2026-02-28"));
        assert_eq!(date("2024-01-30").plus_months(1), date("2024-02-29"));
        assert_eq!(date("2026-08-31").plus_months(6), date("2027-02-28"));
        assert_eq!(date("2026-12-15").plus_months(1), date("2027-01-15"));
        assert_eq!(date("2024-02-29").plus_years(3), date("2027-02-28"));
        assert_eq!(date("9999-12-31").plus_months(u32::MAX), date("9999-12-31"));
        assert!(date("2026-10-03").is_weekend() && !date("2026-10-05").is_weekend());
    }

    #[test]
    fn one_spelling_only() {
        for bad in
            ["", "2026", "2026-1-01", "2026-13-01", "2026-02-29", "+2026-01-01", "2026-01-01 ", "0000-01-01", "10000-01-01", "2026-01-01-1"]
        {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
        assert_eq!((Date(RANGE.0).to_string(), Date(RANGE.1).to_string()), ("0001-01-01".into(), "9999-12-31".into()));
    }

    proptest! {
        #[test]
        fn every_date_round_trips(days in RANGE.0..=RANGE.1) {
            let day = Date(days);
            prop_assert_eq!(day.to_string().parse::<Date>().unwrap(), day);
            prop_assert_eq!(Date::of(day.first_second()), day);
            prop_assert_eq!(Date::of(day.last_second()), day);
        }

        #[test]
        fn months_are_monotone(days in -1_000_i64..40_000, a in 0_u32..60, b in 0_u32..60) {
            let day = Date(days);
            prop_assert!(a > b || day.plus_months(a) <= day.plus_months(b));
            prop_assert!(day.plus_months(a) <= day.plus_days(1).plus_months(a));
        }

        #[test]
        fn arbitrary_text_never_panics(s in "\\PC{0,20}") {
            let _ = s.parse::<Date>();
        }
    }
}
