//! Where something is wrong.

use super::Text;
use crate::error::Place;

pub(super) fn at_file(file: &str) -> Text {
    Text::new(format!("file `{file}`"), format!("文件 `{file}`"))
}

pub(super) fn at_line(file: &str, line: u64) -> Text {
    Text::new(format!("file `{file}`, line {line}"), format!("文件 `{file}`，第 {line} 行"))
}

pub(super) fn at_column(file: &str, column: &str) -> Text {
    Text::new(format!("file `{file}`, column `{column}`"), format!("文件 `{file}`，列 `{column}`"))
}

pub(super) fn at_position(file: &str, position: u64) -> Text {
    Text::new(format!("file `{file}`, header, column {position}"), format!("文件 `{file}`，表头第 {position} 列"))
}

pub(super) fn at_cell(file: &str, column: &str, place: Place) -> Text {
    let Place { row, line } = place;
    let mut text = at_column(file, column);
    text.en.push_str(&format!(", data row {row}"));
    text.zh.push_str(&format!("，第 {row} 条数据"));
    if let Some(line) = line {
        text.en.push_str(&format!(", line {line}"));
        text.zh.push_str(&format!("，文件第 {line} 行"));
    }
    text
}

pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
