//! What a person should know about a bundle before relying on it.

use crate::collateral::VerifiedCollateral;
use crate::instant::Instant;
use crate::text::Text;

/// How grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Soon a fault.
    Warning,
    /// Evidence that needs it is refused.
    Error,
}

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave.
    pub level: Level,
    /// About what.
    pub place: String,
    /// The remark.
    pub text: Text,
}

/// From how many days before the end a warning is given.
const WARN_DAYS: i64 = 10;

impl VerifiedCollateral {
    /// What is old, expired, about to expire, or from the future at `at`; gravest first.
    #[must_use]
    pub fn lint(&self, at: Instant) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        if let Some(issued) = self.issued() {
            let age = issued.days_until(at);
            let (level, en, zh) = if issued > at {
                (
                    Level::Error,
                    format!("put together at {}, in the future", issued.text()),
                    format!("签发于 {}，晚于当前时刻", issued.text()),
                )
            } else if age > 30 {
                (Level::Error, format!("{age} days old; the default profile admits 30"), format!("已签发 {age} 天；默认策略最多接受 30 天"))
            } else {
                (Level::Info, format!("{age} days old"), format!("已签发 {age} 天"))
            };
            notes.push(Note { level, place: "bundle".to_owned(), text: Text::new(en, zh) });
        }
        for span in self.spans() {
            if span.from > at {
                let text = Text::new(format!("not valid before {}", span.from.text()), format!("{} 之前无效", span.from.text()));
                notes.push(Note { level: Level::Error, place: span.from_what.clone(), text });
            }
            if span.until == Instant(i64::MAX) {
                continue;
            }
            let days = at.days_until(span.until);
            let (level, text) = if span.until < at {
                (Level::Error, Text::new(format!("expired at {}", span.until.text()), format!("已于 {} 过期", span.until.text())))
            } else {
                let level = if days < WARN_DAYS { Level::Warning } else { Level::Info };
                (level, Text::new(format!("expires in {days} days"), format!("{days} 天后过期")))
            };
            notes.push(Note { level, place: span.until_what.clone(), text });
        }
        notes.sort_by_key(|note| std::cmp::Reverse(note.level));
        notes
    }
}
