//! Timeliness of reviews by source department (C6, ZW 31).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::review::{ReviewClock, Status};
use crate::calendar::Calendar;
use crate::canonical::{to_canonical, u64_string};
use crate::clock::Time;
use crate::error::Result;
use crate::text::Text;

/// One department's row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentRow {
    /// The department.
    pub department: String,
    /// Decided within the limit.
    #[serde(with = "u64_string")]
    pub in_time: u64,
    /// Decided after the limit.
    #[serde(with = "u64_string")]
    pub late: u64,
    /// Passed into consent in silence.
    #[serde(with = "u64_string")]
    pub deemed: u64,
    /// Not decided, and the limit has passed.
    #[serde(with = "u64_string")]
    pub overdue: u64,
    /// Not decided, and the limit runs, stands, or has not begun.
    #[serde(with = "u64_string")]
    pub open: u64,
    /// Median of the working days from the clock's start to the decision, in halves (`3.5`); absent without a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_working_days: Option<String>,
}

/// The table at one moment, departments in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeliness {
    /// Format version, 1.
    pub v: u32,
    /// When it was drawn up.
    pub at: Time,
    /// One row for each department.
    pub rows: Vec<DepartmentRow>,
}

impl Timeliness {
    /// Draws the table up from all clocks, each with its department's name.
    ///
    /// # Errors
    /// `Refused` if a year between start and decision is not loaded.
    pub fn of<'a>(clocks: impl IntoIterator<Item = (&'a str, &'a ReviewClock)>, now: Time, calendar: &Calendar) -> Result<Self> {
        let mut rows: BTreeMap<&str, (DepartmentRow, Vec<u32>)> = BTreeMap::new();
        for (department, clock) in clocks {
            let (row, days) = rows.entry(department).or_default();
            let count = match clock.status(now) {
                Status::Decided(decision) => {
                    if let Some(start) = clock.started() {
                        days.push(calendar.working_days_between(start, decision.at)?);
                    }
                    if decision.is_late { &mut row.late } else { &mut row.in_time }
                }
                Status::Deemed { .. } => &mut row.deemed,
                Status::Lapsed { .. } => &mut row.overdue,
                Status::Waiting | Status::Running { .. } | Status::Paused { .. } => &mut row.open,
            };
            *count = count.saturating_add(1);
        }
        let rows = rows.into_iter().map(|(department, (row, days))| DepartmentRow {
            department: department.to_owned(),
            median_working_days: median(days),
            ..row
        });
        Ok(Self { v: 1, at: now, rows: rows.collect() })
    }

    /// Canonical JSON.
    ///
    /// # Errors
    /// Never for a table of [`Timeliness::of`].
    pub fn json(&self) -> Result<Vec<u8>> {
        to_canonical(self)
    }

    /// CSV (RFC 4180), once with an English and once with a Chinese header.
    #[must_use]
    pub fn csv(&self) -> Text {
        let rows: String = self
            .rows
            .iter()
            .map(|row| {
                let DepartmentRow { department, in_time, late, deemed, overdue, open, median_working_days } = row;
                let median = median_working_days.as_deref().unwrap_or_default();
                format!("{},{in_time},{late},{deemed},{overdue},{open},{median}\r\n", quoted(department))
            })
            .collect();
        Text::new(
            format!("source department,in time,late,deemed consent,overdue,open,median working days\r\n{rows}"),
            format!("数源部门,按时审核,逾期审核,逾期视为同意,逾期未审核,审核中,工作日中位数\r\n{rows}"),
        )
    }
}

/// A field of CSV. A leading `=`, `+`, `-` or `@` would be a formula in a spreadsheet: it gets an apostrophe.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !field.contains(['"', ',', '\n', '\r']) {
        field.to_owned()
    } else {
        format!("\"{guard}{}\"", field.replace('"', "\"\""))
    }
}

fn median(mut days: Vec<u32>) -> Option<String> {
    days.sort_unstable();
    let middle = days.len() / 2;
    let high = *days.get(middle)?;
    let low = if days.len().is_multiple_of(2) { *days.get(middle.checked_sub(1)?)? } else { high };
    let twice = u64::from(low) + u64::from(high);
    Some(if twice.is_multiple_of(2) { (twice / 2).to_string() } else { format!("{}.5", twice / 2) })
}
