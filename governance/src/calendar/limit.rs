//! A limit as a rule text states it.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// How long somebody has. Working days only where the text says 工作日 (ZW 18, 20, 21); everything else is calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The rule sets no limit.
    Unset,
    /// Working days (工作日).
    WorkingDays(u32),
    /// Calendar days.
    Days(u32),
    /// Calendar months.
    Months(u32),
}

impl Limit {
    /// Whether `self` leaves no more time than `other`. Limits of different units do not compare, except that any limit is
    /// shorter than none.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::Unset) => true,
            (Self::WorkingDays(a), Self::WorkingDays(b)) | (Self::Days(a), Self::Days(b)) | (Self::Months(a), Self::Months(b)) => a <= b,
            _ => false,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> Text {
        let (n, one, zh) = match self {
            Self::Unset => return Text::new("no limit set", "未规定期限"),
            Self::WorkingDays(n) => (n, "working day", "个工作日"),
            Self::Days(n) => (n, "day", "日"),
            Self::Months(n) => (n, "month", "个月"),
        };
        Text::new(format!("{n} {one}{}", if n == 1 { "" } else { "s" }), format!("{n}{zh}"))
    }
}
