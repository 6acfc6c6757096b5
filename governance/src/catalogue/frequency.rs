//! How often a data set is renewed (更新频率), K1, and from when on it is stale, K3.

use serde::{Deserialize, Serialize};

/// Update frequency; the words stand in catalogue entries, the codes in DCAT (frequency table of the Publications Office of the EU).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    /// All the time (实时).
    Continuous,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    HalfYearly,
    /// Every year.
    Yearly,
    /// Without a rhythm: never stale by itself.
    Irregular,
}

impl Frequency {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Continuous, Self::Daily, Self::Weekly, Self::Monthly, Self::Quarterly, Self::HalfYearly, Self::Yearly, Self::Irregular];

    /// What stands before the code in DCAT.
    pub const URI: &'static str = "http://publications.europa.eu/resource/authority/frequency/";

    /// Word, Chinese word, DCAT code, longest days between two updates (a month has at most 31).
    const fn row(self) -> (&'static str, &'static str, &'static str, Option<i64>) {
        match self {
            Self::Continuous => ("continuous", "实时", "CONT", Some(1)),
            Self::Daily => ("daily", "每日", "DAILY", Some(1)),
            Self::Weekly => ("weekly", "每周", "WEEKLY", Some(7)),
            Self::Monthly => ("monthly", "每月", "MONTHLY", Some(31)),
            Self::Quarterly => ("quarterly", "每季度", "QUARTERLY", Some(92)),
            Self::HalfYearly => ("half-yearly", "每半年", "ANNUAL_2", Some(184)),
            Self::Yearly => ("yearly", "每年", "ANNUAL", Some(366)),
            Self::Irregular => ("irregular", "不定期", "IRREG", None),
        }
    }

    /// The word in catalogue entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The Chinese word.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        self.row().1
    }

    /// The code in DCAT.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().2
    }

    /// Longest days between two updates; `None` without a rhythm.
    #[must_use]
    pub const fn days(self) -> Option<i64> {
        self.row().3
    }

    /// Reads the word in either language.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == word.trim() || f.zh() == word.trim())
    }

    /// Reads the DCAT address.
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        let code = uri.strip_prefix(Self::URI)?;
        Self::ALL.into_iter().find(|f| f.code() == code)
    }
}
