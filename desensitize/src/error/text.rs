//! The sentences, English and Chinese side by side so that they stay the same.

mod file;
mod header;
mod place;
mod value;

use serde::{Deserialize, Serialize};

use super::Error;

/// A language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese (中文).
    Zh,
}

/// One sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Text {
    /// A sentence from its two halves.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// The sentence in one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// An error taken apart: what, where, remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What is wrong.
    pub what: Text,
    /// Where: file, column, row, line, as far as they apply.
    pub place: Text,
    /// What to do about it.
    pub remedy: Text,
}

impl Advice {
    /// The three parts as one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let (what, place, remedy) = (self.what.get(lang), self.place.get(lang), self.remedy.get(lang));
        match (lang, place.is_empty()) {
            (Lang::En, true) => format!("{what}; remedy: {remedy}"),
            (Lang::En, false) => format!("{what} ({place}); remedy: {remedy}"),
            (Lang::Zh, true) => format!("{what}；处理办法：{remedy}"),
            (Lang::Zh, false) => format!("{what}（{place}）；处理办法：{remedy}"),
        }
    }
}

pub(super) fn advice(error: &Error) -> Advice {
    if let Error::Refused(refusal) = error {
        return refusal.advice.clone();
    }
    let (what, place, remedy) = file::advice(error).or_else(|| header::advice(error)).unwrap_or_else(|| value::advice(error));
    Advice { what, place, remedy }
}

type Parts = (Text, Text, Text);
