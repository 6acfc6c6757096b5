//! Time as an argument: UTC seconds, written as RFC 3339. This crate never reads a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

use crate::error::{Error, Result};

/// Seconds in a day; leap seconds do not exist in Unix time.
const DAY: i64 = 86_400;
/// `0000-01-01T00:00:00Z`.
const FIRST: i64 = -62_167_219_200;
/// `9999-12-31T23:59:59Z`, the last second that four digits of year can write.
const LAST: i64 = 253_402_300_799;

/// A moment: Unix seconds, UTC. Serialised as `"2026-11-21T08:00:00Z"` and in no other way,
/// so that the canonical bytes of a signed object are unique.
///
/// ```
/// use yu_governance::clock::Time;
/// let t: Time = "2026-11-21T08:00:00Z".parse()?;
/// assert_eq!(t.plus_days(1).to_string(), "2026-11-22T08:00:00Z");
/// # Ok::<(), yu_governance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// From Unix seconds; years outside 0 to 9999 are moved to the nearest writable second.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        if seconds < FIRST {
            Self(FIRST)
        } else if seconds > LAST {
            Self(LAST)
        } else {
            Self(seconds)
        }
    }

    /// Unix seconds.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Reads `YYYY-MM-DDTHH:MM:SSZ`; other spellings of RFC 3339 are refused.
    ///
    /// # Errors
    /// `Malformed` for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || Error::Malformed {
            object: "time".into(),
            reason: format!("`{}` is not of the form 2026-11-21T08:00:00Z", text.escape_debug()),
        };
        let parsed = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).map_err(|_| malformed())?;
        let time = Self::from_unix(parsed.unix_timestamp());
        // the round trip refuses fractions, offsets, lower case and leap seconds
        if time.to_string() == text { Ok(time) } else { Err(malformed()) }
    }

    /// `seconds` later (earlier if negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// `days` of 24 hours later (earlier if negative).
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(DAY))
    }

    /// The same date and hour `years` later; 29 February becomes 28 February in a common year.
    #[must_use]
    pub fn plus_years(self, years: i32) -> Self {
        let Ok(here) = OffsetDateTime::from_unix_timestamp(self.0) else { return self };
        let year = here.year().saturating_add(years);
        let moved = here.replace_year(year).or_else(|_| here.replace_day(28).and_then(|d| d.replace_year(year)));
        moved.map_or(Self(if years < 0 { FIRST } else { LAST }), |d| Self::from_unix(d.unix_timestamp()))
    }

    /// The same day and hour `months` later; the last day of a shorter month.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let Ok(here) = OffsetDateTime::from_unix_timestamp(self.0) else { return self };
        let count = i64::from(here.year()) * 12 + i64::from(u8::from(here.month())) - 1 + i64::from(months);
        let month = u8::try_from(count.rem_euclid(12) + 1).ok().and_then(|month| time::Month::try_from(month).ok());
        let (Ok(year), Some(month)) = (i32::try_from(count.div_euclid(12)), month) else { return Self(LAST) };
        let date = (1..=here.day()).rev().find_map(|day| time::Date::from_calendar_date(year, month, day).ok());
        date.map_or(Self(LAST), |date| Self::from_unix(here.replace_date(date).unix_timestamp()))
    }

    /// Days since 1970-01-01: the unit in which runs per day are counted.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year(), u8::from(t.month()), t.day(), t.hour(), t.minute(), t.second())
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_only() {
        assert_eq!(Time::parse("1970-01-01T00:00:00Z").unwrap(), Time::from_unix(0));
        for other in ["1970-01-01T00:00:00+00:00", "1970-01-01t00:00:00Z", "1970-01-01T00:00:00.0Z", "1970-01-01", "", "now"] {
            assert!(Time::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn years_follow_the_calendar() {
        let leap: Time = "2024-02-29T10:00:00Z".parse().unwrap();
        assert_eq!(leap.plus_years(3).to_string(), "2027-02-28T10:00:00Z");
        assert_eq!(leap.plus_years(4).to_string(), "2028-02-29T10:00:00Z");
        assert_eq!(leap.plus_years(99_999), Time::from_unix(i64::MAX));
    }

    #[test]
    fn months_follow_the_calendar() {
        for (from, months, to) in [
            ("2026-01-31T10:00:00Z", 1, "2026-02-28T10:00:00Z"),
            ("2026-01-31T10:00:00Z", 2, "2026-03-31T10:00:00Z"),
            ("2026-08-31T10:00:00Z", 6, "2027-02-28T10:00:00Z"),
            ("2027-08-31T00:00:00Z", 6, "2028-02-29T00:00:00Z"),
            ("2026-12-05T23:59:59Z", 18, "2028-06-05T23:59:59Z"),
            ("2024-02-29T00:00:00Z", 36, "2027-02-28T00:00:00Z"),
            ("2026-05-01T00:00:00Z", 0, "2026-05-01T00:00:00Z"),
        ] {
            assert_eq!(from.parse::<Time>().unwrap().plus_months(months).to_string(), to);
        }
        assert_eq!(Time::from_unix(0).plus_months(u32::MAX), Time::from_unix(i64::MAX), "beyond the calendar: the last second");
    }

    proptest! {
        #[test]
        fn every_second_round_trips(s in FIRST..=LAST) {
            let t = Time::from_unix(s);
            prop_assert_eq!(Time::parse(&t.to_string()).unwrap(), t);
            let json = serde_json::to_string(&t).unwrap();
            prop_assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), t);
        }

        #[test]
        fn arbitrary_text_never_panics(s in "\\PC{0,40}") {
            let _ = Time::parse(&s);
        }
    }
}
