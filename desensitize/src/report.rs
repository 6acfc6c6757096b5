//! Reports for people: findings, figures, tables and plots, in Chinese and English, as one HTML file or as JSON.
//!
//! | to see | open |
//! |---|---|
//! | a page without anything from outside | [`html`] |
//! | bars and steps as pictures | [`plot`] |
//!
//! A report holds sentences, figures and names of columns, never a value of a cell of a direct identifier; what else of the data it
//! may show (labels of classes, say) its author decides.

pub mod html;
pub mod plot;

use serde::Serialize;

pub use self::html::Show;
pub use self::plot::{Bar, Plot};
use crate::error::{Error, Result, Text};

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It holds, but somebody should look.
    Noted,
    /// It does not hold, or could not be decided.
    Refused,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> Text {
        match self {
            Self::Passed => Text::new("passed", "通过"),
            Self::Noted => Text::new("to be noted", "提示"),
            Self::Refused => Text::new("refused", "不通过"),
        }
    }

    /// The worse of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Noted, _) | (_, Self::Noted) => Self::Noted,
            _ => Self::Passed,
        }
    }
}

/// Something that was found, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable code, for example `anonymise.k`.
    pub code: String,
    /// Whether it is as it has to be.
    pub verdict: Verdict,
    /// In words.
    pub text: Text,
    /// What to do, where something is to be done.
    pub remedy: Option<Text>,
}

/// A table of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grid {
    /// What is in it.
    pub title: Text,
    /// Names of the columns.
    pub header: Vec<Text>,
    /// Rows, as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Its name.
    pub title: Text,
    /// What a reader has to know to read it.
    pub lead: Vec<Text>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Tables.
    pub grids: Vec<Grid>,
    /// Pictures.
    pub plots: Vec<Plot>,
}

impl Section {
    /// An empty part.
    #[must_use]
    pub fn new(title: Text) -> Self {
        Self { title, lead: Vec::new(), findings: Vec::new(), grids: Vec::new(), plots: Vec::new() }
    }

    /// The worst of its findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().fold(Verdict::Passed, |worst, finding| worst.and(finding.verdict))
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Its name.
    pub title: Text,
    /// What it is about: name and value.
    pub facts: Vec<(Text, String)>,
    /// Its parts.
    pub sections: Vec<Section>,
}

impl Report {
    /// The worst of all findings. A report without any is no permission: it is refused.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.sections.iter().all(|section| section.findings.is_empty()) {
            return Verdict::Refused;
        }
        self.sections.iter().fold(Verdict::Passed, |worst, section| worst.and(section.verdict()))
    }

    /// The report for programs, with its verdict.
    ///
    /// # Errors
    /// `report.json` if a figure is not finite.
    pub fn json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            verdict: Verdict,
            #[serde(flatten)]
            report: &'a Report,
        }
        serde_json::to_string_pretty(&Whole { verdict: self.verdict(), report: self }).map_err(|_| {
            Error::refused(
                "report.json",
                Text::new("a report cannot be written as JSON", "报告无法写成 JSON"),
                Text::new("", ""),
                Text::new("this is a mistake of the calling program, please report it", "这是调用程序的错误，请反馈"),
            )
        })
    }

    /// The report as one page.
    #[must_use]
    pub fn html(&self, show: Show) -> String {
        html::page(self, show)
    }
}
