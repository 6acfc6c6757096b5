//! Refusals of this subject: the same few shapes, so that each says what, where and what to do in both languages.

use crate::error::{Error, Place, Text};

/// Where a cell stands, as words.
pub(super) fn at(file: &str, column: &str, place: Option<Place>) -> Text {
    let (mut en, mut zh) = (format!("column `{column}`"), format!("列“{column}”"));
    if !file.is_empty() {
        en = format!("file {file}, {en}");
        zh = format!("文件{file}，{zh}");
    }
    if let Some(Place { row, line }) = place {
        en += &format!(", row {row}");
        zh += &format!("，第{row}行");
        if let Some(line) = line {
            en += &format!(", line {line}");
            zh += &format!("（文件第{line}行）");
        }
    }
    Text::new(en, zh)
}

/// Bytes of a text that a policy may put into each cell: the policy may come from somebody else, and there are many cells.
pub(super) const MOST_TEXT: usize = 1024;

/// A parameter of an operator that cannot be used.
pub(super) fn parameter(code: &'static str, what: (&str, &str), remedy: (&str, &str)) -> Error {
    Error::refused(code, Text::new(what.0, what.1), Text::new("", ""), Text::new(remedy.0, remedy.1))
}

/// A cell that an operator cannot take. `place` comes from [`at`].
pub(super) fn cell(code: &'static str, place: Text, what: (&str, &str), remedy: (&str, &str)) -> Error {
    Error::refused(code, Text::new(what.0, what.1), place, Text::new(remedy.0, remedy.1))
}
