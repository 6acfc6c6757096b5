//! Sentences about the header and the shape of rows.

use super::place::{at_file, at_line, at_position, quoted};
use super::{Parts, Text};
use crate::error::Error;

/// The header and the shape of the rows.
pub(super) fn advice(error: &Error) -> Option<Parts> {
    Some(match error {
        Error::DelimiterUnclear { file } => (
            Text::new("several delimiters occur equally often in the header", "表头中有多种分隔符且次数相同，无法判断"),
            at_file(file),
            Text::new("name the delimiter with `--delimiter`", "请用 `--delimiter` 指定分隔符"),
        ),
        Error::HeaderEmpty { file, position } => (
            Text::new("a column has no name", "有一列没有名称"),
            at_position(file, *position),
            Text::new("name the column in the header row or delete it", "请在表头中补上列名，或删除该列"),
        ),
        Error::HeaderIsData { file, position } => (
            Text::new("the header row looks like data", "表头看起来是数据"),
            at_position(file, *position),
            Text::new("add a header row, or rename the column", "请补充表头行，或修改该列名称"),
        ),
        Error::HeaderTwice { file, column, positions: (first, second) } => (
            Text::new(
                format!("two columns have the name `{column}`: columns {first} and {second}"),
                format!("列名 `{column}` 重复：第 {first} 列和第 {second} 列"),
            ),
            at_file(file),
            Text::new("rename one of them", "请修改其中一列的名称"),
        ),
        Error::Ragged { file, line, expected, found } => (
            Text::new(
                format!("a row has {found} fields where the header has {expected}"),
                format!("该行有 {found} 个字段，表头有 {expected} 个"),
            ),
            at_line(file, *line),
            Text::new("complete the row, or quote the field that contains the delimiter", "请补全该行，或给含分隔符的字段加引号"),
        ),
        Error::UnclosedQuote { file, line } => (
            Text::new("a quotation mark is never closed", "引号没有闭合"),
            at_line(file, *line),
            Text::new("close it, or double a quotation mark that belongs to the text", "请闭合引号；若引号是文本内容，请写成两个引号"),
        ),
        Error::FieldTooLong { file, line, limit } => (
            Text::new(format!("a field is longer than {limit} bytes"), format!("字段超过 {limit} 字节")),
            at_line(file, *line),
            Text::new("look for an unclosed quotation mark", "请检查是否有未闭合的引号"),
        ),
        Error::MissingColumn { file, column, near } => (
            Text::new(format!("no column `{column}`"), format!("没有名为 `{column}` 的列")),
            at_file(file),
            if near.is_empty() {
                Text::new("check the name against the header row", "请对照表头检查列名")
            } else {
                Text::new(format!("did you mean {}?", quoted(near)), format!("是否应为 {}？", quoted(near)))
            },
        ),
        _ => return None,
    })
}
