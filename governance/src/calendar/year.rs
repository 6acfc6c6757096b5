//! One year's holidays and make-up working days, as a file.

use serde::{Deserialize, Serialize};

use super::Date;
use crate::finding::Finding;
use crate::sign::SignedType;
use crate::text::Text;

/// A day that is not what its weekday says, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedDay {
    /// The day.
    pub date: Date,
    /// The holiday that it belongs to.
    pub name: Text,
}

/// The arrangement of one year. Signed by the authority where it is imported; the shipped years are part of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearCalendar {
    /// Format version, 1.
    pub v: u32,
    /// The year, from 1 January to 31 December.
    pub year: i32,
    /// Counts up when the arrangement of the same year is changed (as for May 2019); the higher one holds.
    pub version: u32,
    /// Where the days come from.
    pub source: Text,
    /// Licence of that source.
    pub licence: String,
    /// Days off (放假), weekends within a holiday included, in order.
    pub holidays: Vec<NamedDay>,
    /// Weekend days on which offices work (调休), in order.
    pub workdays: Vec<NamedDay>,
}

impl SignedType for YearCalendar {
    const TYPE: &'static str = "year-calendar-v1";
}

impl YearCalendar {
    /// What is wrong with the file; empty means that it can be counted with. Reports everything at once.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let year = self.year;
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String| {
            let remedy = (
                "take the year's days from the notice of the State Council and import the file again",
                "按国务院办公厅的通知核对后重新导入",
            );
            found.push(Finding::new(code, "calendar", (en, zh), remedy));
        };
        if self.v != 1 || self.version == 0 {
            add(
                "calendar.version-unknown",
                format!(
                    "the calendar of {year} has format {} and version {}, expected format 1 and a version from 1",
                    self.v, self.version
                ),
                format!("{year}年日历的格式为 {}、版本为 {}，应为格式 1、版本不小于 1", self.v, self.version),
            );
        }
        if self.source.is_blank() || self.licence.trim().is_empty() {
            add(
                "calendar.source-missing",
                format!("the calendar of {year} names no source or licence"),
                format!("{year}年日历未注明来源或许可"),
            );
        }
        for (list, en, zh) in [(&self.holidays, "holidays", "放假日"), (&self.workdays, "make-up days", "调休上班日")] {
            let sorted = list.iter().zip(list.iter().skip(1)).all(|(a, b)| a.date < b.date);
            let stray = list.iter().find(|day| day.date.year() != year || day.name.is_blank());
            if !sorted || stray.is_some() {
                let which = stray.map(|day| format!(" `{}`", day.date)).unwrap_or_default();
                add(
                    "calendar.days-malformed",
                    format!("the {en} of {year} are not in order, repeat a day, or hold one{which} of another year or without a name"),
                    format!("{year}年的{zh}顺序有误、重复，或含有其他年份或未注明名称的日期{which}"),
                );
            }
        }
        for day in &self.workdays {
            if !day.date.is_weekend() || self.holidays.iter().any(|h| h.date == day.date) {
                add(
                    "calendar.makeup-day",
                    format!("`{}` cannot be a make-up working day: it is no weekend day, or a holiday", day.date),
                    format!("`{}` 不能是调休上班日：该日不是周末或已列为放假日", day.date),
                );
            }
        }
        // an empty or half file would count holidays as working days and let consent lapse early
        for (month, name, zh) in [(1, "New Year", "元旦"), (5, "Labour Day", "劳动节"), (10, "National Day", "国庆节")] {
            if !self.holidays.iter().any(|day| Date::new(year, month, 1).is_ok_and(|first| first == day.date)) {
                add(
                    "calendar.incomplete",
                    format!("the calendar of {year} lacks {name}, {year}-{month:02}-01"),
                    format!("{year}年日历缺少{zh}（{year}-{month:02}-01）"),
                );
            }
        }
        found
    }
}
