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
