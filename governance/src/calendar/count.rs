//! Counting days over the years that are loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Date, Limit, YearCalendar};
use crate::canonical::from_readable;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::PartyName;
use crate::sign::{KeyRing, Signed};

/// The years that ship with the program.
const SHIPPED: [&str; 2] = [include_str!("../../calendars/2025.json"), include_str!("../../calendars/2026.json")];
/// Longest limit in days or months that is counted: beyond it a number is a slip of the pen, not a deadline.
const LONGEST: u32 = 3_660;

/// The years whose working days are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar(BTreeMap<i32, Year>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Year {
    version: u32,
    holidays: BTreeSet<Date>,
    workdays: BTreeSet<Date>,
}

impl Calendar {
    /// No year at all: nothing can be counted in working days.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// 2025 and 2026.
    ///
    /// # Errors
    /// Never for the files as shipped; a test reads them.
    pub fn shipped() -> Result<Self> {
        let mut calendar = Self::empty();
        for text in SHIPPED {
            calendar.load(&from_readable("calendar", text)?)?;
        }
        Ok(calendar)
    }

    /// Takes over a year from a signed file (D9). A later version of a loaded year takes its place.
    ///
    /// # Errors
    /// `Signature` without a valid signature of the authority; `Refused` for a file that is incomplete, or that would put an
    /// older or another arrangement in the place of the loaded version.
    pub fn import(&mut self, signed: &Signed<YearCalendar>, ring: &KeyRing, authority: &PartyName) -> Result<()> {
        self.load(signed.verify(ring, &[authority.as_str()])?)
    }

    /// The years that are loaded.
    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.0.keys().copied()
    }

    /// Whether offices work on this date.
    ///
    /// # Errors
    /// `Refused` (`calendar.year-missing`) if its year is not loaded.
    pub fn is_working_day(&self, date: Date) -> Result<bool> {
        let year = self.0.get(&date.year()).ok_or_else(|| Error::Refused {
            code: "calendar.year-missing",
            what: format!(
                "the working days of {} are not loaded; import the calendar file of that year, signed by the authority",
                date.year()
            ),
        })?;
        Ok(year.workdays.contains(&date) || !(date.is_weekend() || year.holidays.contains(&date)))
    }

    /// The end of `days` working days after `start`: the day of `start` does not count, and the limit ends with the last
    /// second of its last day. With `days` = 0 that is the last second of the day of `start`.
    ///
    /// # Errors
    /// `Refused` if a year is not loaded, or for more than 3,660 days.
    pub fn add_working_days(&self, start: Time, days: u32) -> Result<Time> {
        self.deadline(start, Limit::WorkingDays(days), |_| false)?.ok_or_else(|| too_long(days))
    }

    /// Working days after the day of `from`, up to and including the day of `to`: what [`Self::add_working_days`] added.
    ///
    /// # Errors
    /// `Refused` if a year is not loaded, or for spans of more than 3,660 days.
    pub fn working_days_between(&self, from: Time, to: Time) -> Result<u32> {
        let (from, to) = (Date::of(from), Date::of(to));
        let span = to.days_since(from);
        if span > i64::from(LONGEST) {
            return Err(too_long(LONGEST));
        }
        let mut count = 0_u32;
        for day in 1..=span {
            count += u32::from(self.is_working_day(from.plus_days(day))?);
        }
        Ok(count)
    }

    /// When a limit from `start` ends; nothing for [`Limit::Unset`]. Days that `stopped` names do not count: a day of an
    /// outage is added at the end (C4).
    ///
    /// # Errors
    /// `Refused` if a year is not loaded, or for more than 3,660 days or months.
    pub fn deadline(&self, start: Time, limit: Limit, stopped: impl Fn(Date) -> bool) -> Result<Option<Time>> {
        let first = Date::of(start);
        let mut last = first;
        let counted =
            |date: Date| Ok::<_, Error>(!stopped(date) && (!matches!(limit, Limit::WorkingDays(_)) || self.is_working_day(date)?));
        let mut left = match limit {
            Limit::Unset => return Ok(None),
            Limit::WorkingDays(n) | Limit::Days(n) | Limit::Months(n) if n > LONGEST => return Err(too_long(n)),
            Limit::WorkingDays(n) | Limit::Days(n) => i64::from(n),
            // as many days as the months have, so that stopped days are added here as well
            Limit::Months(n) => first.plus_months(n).days_since(first),
        };
        while left > 0 {
            let next = last.plus_days(1);
            if next == last {
                return Err(too_long(LONGEST));
            }
            last = next;
            left -= i64::from(counted(last)?);
        }
        Ok(Some(last.last_second()))
    }

    /// The last second of the date `months` calendar months after `start` (log retention, lab, renewal; not working days).
    #[must_use]
    pub fn months_after(start: Time, months: u32) -> Time {
        Date::of(start).plus_months(months).last_second()
    }

    /// The last second of the date `years` calendar years after `start`.
    #[must_use]
    pub fn years_after(start: Time, years: u32) -> Time {
        Date::of(start).plus_years(years).last_second()
    }

    fn load(&mut self, year: &YearCalendar) -> Result<()> {
        if let Some(finding) = year.check().first() {
            return Err(Error::Refused { code: "calendar.refused", what: finding.to_string() });
        }
        let days = |list: &[super::NamedDay]| list.iter().map(|day| day.date).collect();
        let new = Year { version: year.version, holidays: days(&year.holidays), workdays: days(&year.workdays) };
        match self.0.get(&year.year) {
            Some(old) if *old == new => {}
            Some(old) if old.version >= new.version => {
                return Err(Error::Refused {
                    code: "calendar.version-old",
                    what: format!(
                        "the calendar of {} is loaded in version {}; another arrangement needs a higher one",
                        year.year, old.version
                    ),
                });
            }
            _ => drop(self.0.insert(year.year, new)),
        }
        Ok(())
    }
}

fn too_long(n: u32) -> Error {
    Error::Refused {
        code: "calendar.limit-too-long",
        what: format!("a limit of {n} is beyond the {LONGEST} days or months that are counted"),
    }
}
