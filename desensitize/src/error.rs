//! What can be wrong with a table, a key or a file: what, where, and the remedy, in English and Chinese.
//!
//! No message holds a value of a cell. A place is named by file, column, data row and line.

mod text;

use std::fmt;

pub use text::{Advice, Lang, Text};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Where a cell stands in the file it came from. Survives selecting, filtering and reordering of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Data row, counted from 1; the header is not a data row.
    pub row: u64,
    /// Line of the text file or row of the sheet, counted from 1. `None` where the format has no lines (Parquet).
    pub line: Option<u64>,
}

/// Why a cell cannot be used as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CellProblem {
    /// Nothing in it.
    Empty,
    /// Not a decimal number.
    NotANumber,
    /// Full-width digits or signs (全角数字).
    FullWidth,
    /// A thousands separator.
    ThousandsSeparator,
    /// Not a number in the sense of IEEE 754, infinite, or beyond the range of a double.
    NotFinite,
    /// The spreadsheet itself shows an error such as `#N/A`.
    SpreadsheetError,
}

/// Why a cell cannot be used as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyProblem {
    /// Written in scientific notation: digits are lost.
    Scientific,
    /// A numeric cell with a fraction, or beyond the integers that a double holds exactly.
    InexactNumber,
}

/// Why a key specification is unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySpecProblem {
    /// It names no column.
    NoColumn,
    /// It names a column twice.
    ColumnTwice(String),
    /// It names a step twice.
    StepTwice,
}

/// What a subject of this crate refuses, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A stable code for programs, for example `anonymise.hierarchy`.
    pub code: &'static str,
    /// What, where, and what to do. No value of a cell.
    pub advice: Advice,
}

/// Errors of this crate. Display is English; [`Error::message`] gives either language.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened, read or written.
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file has no byte in it.
    EmptyFile {
        /// The file.
        file: String,
    },
    /// There is a header but no data row.
    NoRows {
        /// The file.
        file: String,
    },
    /// A format that is not read.
    Unsupported {
        /// The file.
        file: String,
        /// What it seems to be.
        found: &'static str,
    },
    /// The container (xlsx, Parquet) is damaged.
    Malformed {
        /// The file.
        file: String,
        /// The format it was read as.
        format: &'static str,
        /// What the reader said about the structure.
        detail: String,
    },
    /// The workbook lacks the sheet, or has several and none was chosen.
    Sheet {
        /// The file.
        file: String,
        /// The sheet that was asked for.
        wanted: Option<String>,
        /// The sheets that are there.
        sheets: Vec<String>,
    },
    /// Bytes that are no text in the expected encoding.
    Undecodable {
        /// The file.
        file: String,
        /// Encodings that were tried, each with the offset of the first byte that does not fit, from 0.
        tried: Vec<(&'static str, u64)>,
    },
    /// Two delimiters occur equally often in the header.
    DelimiterUnclear {
        /// The file.
        file: String,
    },
    /// A column without a name.
    HeaderEmpty {
        /// The file.
        file: String,
        /// Position of the column, from 1.
        position: u64,
    },
    /// A header cell that looks like an identifier: the header row is probably missing.
    HeaderIsData {
        /// The file.
        file: String,
        /// Position of the column, from 1.
        position: u64,
    },
    /// Two columns with one name.
    HeaderTwice {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// Positions of the first two, from 1.
        positions: (u64, u64),
    },
    /// A row with another number of fields than the header.
    Ragged {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Fields in the header.
        expected: u64,
        /// Fields in this row.
        found: u64,
    },
    /// A quotation mark that is never closed: the rest of the file would vanish into one field.
    UnclosedQuote {
        /// The file.
        file: String,
        /// Line on which the field starts, from 1.
        line: u64,
    },
    /// A field beyond the limit, nearly always because of an unclosed quotation mark.
    FieldTooLong {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A column that is not there.
    MissingColumn {
        /// The file.
        file: String,
        /// The name that was asked for.
        column: String,
        /// Names that are there and look alike, best first.
        near: Vec<String>,
    },
    /// A cell that is no number.
    Cell {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Where it stands.
        place: Place,
        /// Why.
        problem: CellProblem,
    },
    /// A cell that cannot be a key.
    Key {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Where it stands.
        place: Place,
        /// Why.
        problem: KeyProblem,
    },
    /// A category that was not declared.
    UnknownCategory {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Where it stands.
        place: Place,
        /// How many categories are declared.
        declared: u64,
    },
    /// More distinct values than the caller allows.
    TooManyCategories {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The limit.
        limit: u64,
    },
    /// A column type that cannot be used this way.
    ColumnType {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// The same key on several rows.
    DuplicateKeys {
        /// The file.
        file: String,
        /// The key columns.
        columns: Vec<String>,
        /// Rows whose key occurred before.
        count: u64,
        /// The first of them.
        rows: Vec<Place>,
    },
    /// A key specification that makes no sense.
    KeySpec {
        /// Why.
        problem: KeySpecProblem,
    },
    /// The file is not the version that was named, or changed while it was read.
    Changed {
        /// The file.
        file: String,
        /// SHA-256 that was expected, hex.
        expected: String,
        /// SHA-256 of what is there, hex.
        found: String,
    },
    /// Lengths that do not agree; a mistake of the calling code.
    Shape {
        /// What was given.
        what: &'static str,
        /// What it should have been.
        expected: u64,
        /// What it was.
        found: u64,
    },
    /// Parameters of a simulated population that cannot be met.
    Population {
        /// Which parameter, and its bounds.
        reason: &'static str,
    },
    /// Something that one subject of this crate refuses; the sentences stand with the subject.
    Refused(Box<Refusal>),
    /// Arrow refused an operation; a mistake in this crate or of the calling code.
    Arrow {
        /// What was being done.
        what: &'static str,
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
}

impl Error {
    /// What happened, where, and what to do, in both languages.
    #[must_use]
    pub fn advice(&self) -> Advice {
        text::advice(self)
    }

    /// The whole message in one language.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        self.advice().message(lang)
    }

    /// A stable code for programs, for example `data.ragged_row`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "data.io",
            Self::EmptyFile { .. } => "data.empty_file",
            Self::NoRows { .. } => "data.no_rows",
            Self::Unsupported { .. } => "data.unsupported_format",
            Self::Malformed { .. } => "data.malformed",
            Self::Sheet { .. } => "data.sheet",
            Self::Undecodable { .. } => "data.undecodable",
            Self::DelimiterUnclear { .. } => "data.delimiter",
            Self::HeaderEmpty { .. } => "data.header_empty",
            Self::HeaderIsData { .. } => "data.header_missing",
            Self::HeaderTwice { .. } => "data.header_duplicate",
            Self::Ragged { .. } => "data.ragged_row",
            Self::UnclosedQuote { .. } => "data.unclosed_quote",
            Self::FieldTooLong { .. } => "data.field_too_long",
            Self::MissingColumn { .. } => "data.missing_column",
            Self::Cell { .. } => "data.cell",
            Self::Key { .. } => "data.key",
            Self::UnknownCategory { .. } => "data.unknown_category",
            Self::TooManyCategories { .. } => "data.too_many_categories",
            Self::ColumnType { .. } => "data.column_type",
            Self::DuplicateKeys { .. } => "data.duplicate_keys",
            Self::KeySpec { .. } => "data.key_spec",
            Self::Changed { .. } => "data.changed",
            Self::Shape { .. } => "data.shape",
            Self::Population { .. } => "data.population",
            Self::Refused(refusal) => refusal.code,
            Self::Arrow { .. } => "data.arrow",
        }
    }

    /// A refusal of a subject; `place` may be empty.
    pub(crate) fn refused(code: &'static str, what: Text, place: Text, remedy: Text) -> Self {
        Self::Refused(Box::new(Refusal { code, advice: Advice { what, place, remedy } }))
    }

    pub(crate) fn io(file: &str, source: std::io::Error) -> Self {
        Self::Io { file: file.to_owned(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}
