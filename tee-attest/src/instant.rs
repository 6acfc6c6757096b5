//! Instants and spans of validity. Nothing here reads a clock.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fault::{Fault, Result, malformed};

/// Seconds since 1970-01-01T00:00:00Z. Always passed in: a verdict can be had again for any instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// From `2026-03-20T00:00:00Z`.
    ///
    /// # Errors
    /// `format.malformed`.
    pub fn parse(text: &str) -> Result<Self> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|at| Self(at.unix_timestamp()))
            .map_err(|_| malformed(format!("time `{}`", text.chars().take(40).collect::<String>()), "not an RFC 3339 time"))
    }

    /// The calendar form, for people.
    #[must_use]
    pub fn text(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.0).ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| self.0.to_string())
    }

    /// Whole days from here to `other`, rounded down; negative when it is past.
    #[must_use]
    pub const fn days_until(self, other: Self) -> i64 {
        other.0.saturating_sub(self.0).div_euclid(86_400)
    }
}

/// From when to when a set of signed things holds, and which of them sets each end.
///
/// Signatures do not depend on time, so they are checked once; the span is checked at every use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First second at which everything holds.
    pub from: Instant,
    /// What begins last.
    pub from_what: String,
    /// Last second at which everything holds.
    pub until: Instant,
    /// What ends first.
    pub until_what: String,
}

impl Span {
    /// The span of one thing.
    pub fn new(what: impl Into<String>, from: Instant, until: Instant) -> Self {
        let what = what.into();
        Self { from, from_what: what.clone(), until, until_what: what }
    }

    /// A thing without dates.
    #[must_use]
    pub const fn always() -> Self {
        Self { from: Instant(i64::MIN), from_what: String::new(), until: Instant(i64::MAX), until_what: String::new() }
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (from, from_what) = if other.from > self.from { (other.from, other.from_what) } else { (self.from, self.from_what) };
        let (until, until_what) = if other.until < self.until { (other.until, other.until_what) } else { (self.until, self.until_what) };
        Self { from, from_what, until, until_what }
    }

    /// Whether it holds at `at`.
    ///
    /// # Errors
    /// `time.not-yet-valid` (something comes from the future) or `time.expired`, naming what it is.
    pub fn check(&self, at: Instant) -> Result<()> {
        if at < self.from {
            return Err(Fault::new(
                "time.not-yet-valid",
                self.from_what.clone(),
                format!("not valid before {}, checked at {}", self.from.text(), at.text()),
                format!("{} 之前无效，核验时刻为 {}", self.from.text(), at.text()),
            )
            .remedy("check the clock of this node; a bundle from the future is refused", "请检查本节点时钟；来自未来的背书材料一律拒绝"));
        }
        if at > self.until {
            return Err(Fault::new(
                "time.expired",
                self.until_what.clone(),
                format!("expired at {}, checked at {}", self.until.text(), at.text()),
                format!("已于 {} 过期，核验时刻为 {}", self.until.text(), at.text()),
            )
            .remedy("carry a new collateral bundle into the domain", "请将新的背书材料带入域内"));
        }
        Ok(())
    }
}
