//! A sentence in both languages: what the software says to people is never in one language only.

use serde::{Deserialize, Serialize};

/// One sentence in English and in Chinese, with the same content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese (中文).
    pub zh: String,
}

impl Text {
    /// Both sentences.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// Whether one of the two is missing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.en.trim().is_empty() || self.zh.trim().is_empty()
    }
}

/// Text as it may stand in HTML, SVG and their attributes: nothing in it is markup, nothing is invisible, and nothing turns the
/// direction of what follows.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if is_unseen(c) => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// Control characters, marks of direction, and characters of no width: a name with them looks like another.
#[must_use]
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A name for people: 1 to 200 bytes, not blank, nothing unseen in it.
#[must_use]
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(is_unseen)
}
