//! What is wrong with evidence, collateral or a policy: what, where, and the remedy.

use std::fmt;

use crate::text::{Lang, Text};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Fault>;

/// Why something cannot be trusted or read. There is no third answer beside "verified" and this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable code for programs: subject and fault, for example `dcap.quote-signature`.
    pub code: &'static str,
    /// The rest, for people.
    pub detail: Box<Detail>,
}

/// A fault in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Which part of the evidence or the collateral, in the words of its format, for example `pck leaf certificate`.
    pub place: String,
    /// What is wrong.
    pub what: Text,
    /// What to do about it.
    pub remedy: Text,
}

impl Fault {
    /// A fault whose remedy is the usual one: ask for the evidence or the collateral again.
    pub fn new(code: &'static str, place: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Self {
        let remedy = Text::new(
            "ask for new evidence and a new collateral bundle; if it stays, do not trust this peer",
            "请重新获取证据和背书材料；若仍如此，不要信任该对端",
        );
        Self { code, detail: Box::new(Detail { place: place.into(), what: Text::new(en, zh), remedy }) }
    }

    /// The same fault with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.detail.remedy = Text::new(en, zh);
        self
    }

    /// The same fault seen inside a larger part.
    #[must_use]
    pub fn inside(mut self, place: &str) -> Self {
        let inner = std::mem::take(&mut self.detail.place);
        self.detail.place = if inner.is_empty() { place.to_owned() } else { format!("{place}: {inner}") };
        self
    }

    /// The whole as one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let (what, remedy, place) = (self.detail.what.get(lang), self.detail.remedy.get(lang), &self.detail.place);
        match lang {
            Lang::En => format!("{what} ({place}); remedy: {remedy}"),
            Lang::Zh => format!("{what}（{place}）；处理办法：{remedy}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

impl std::error::Error for Fault {}

/// Bytes that do not follow their format.
pub(crate) fn malformed(place: impl Into<String>, en: impl Into<String>) -> Fault {
    let en = en.into();
    Fault::new("format.malformed", place, format!("malformed: {en}"), format!("格式错误：{en}"))
}
