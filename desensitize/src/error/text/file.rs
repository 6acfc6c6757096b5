//! Sentences about a file as a whole.

use super::place::{at_file, quoted};
use super::{Parts, Text};
use crate::error::Error;

/// The file as a whole.
pub(super) fn advice(error: &Error) -> Option<Parts> {
    Some(match error {
        Error::Io { file, source } => (
            Text::new(format!("cannot read or write the file: {source}"), format!("文件无法读写：{source}")),
            at_file(file),
            Text::new("check the path, the permissions and the free space", "请检查路径、权限和剩余空间"),
        ),
        Error::EmptyFile { file } => (
            Text::new("the file is empty", "文件为空"),
            at_file(file),
            Text::new("export the data again with a header row", "请重新导出数据，并保留表头"),
        ),
        Error::NoRows { file } => (
            Text::new("the file has a header but no data row", "文件只有表头，没有数据"),
            at_file(file),
            Text::new("export the data again and check the filter of the export", "请重新导出数据，并检查导出条件"),
        ),
        Error::Unsupported { file, found } => (
            Text::new(format!("{found} is not read here"), format!("不支持该格式：{found}")),
            at_file(file),
            Text::new("save it as CSV (UTF-8), xlsx or Parquet", "请另存为 CSV（UTF-8）、xlsx 或 Parquet"),
        ),
        Error::Malformed { file, format, detail } => (
            Text::new(format!("the {format} file is damaged: {detail}"), format!("{format} 文件已损坏：{detail}")),
            at_file(file),
            Text::new("export or copy the file again", "请重新导出或重新拷贝该文件"),
        ),
        Error::Sheet { file, wanted, sheets } => {
            let list = quoted(sheets);
            let what = match wanted {
                Some(name) => Text::new(format!("no sheet `{name}`"), format!("没有名为 `{name}` 的工作表")),
                None if sheets.is_empty() => Text::new("the workbook has no sheet", "工作簿中没有工作表"),
                None => Text::new("the workbook has several sheets and none was chosen", "工作簿有多个工作表，未指定使用哪一个"),
            };
            (what, at_file(file), Text::new(format!("choose one with `--sheet`: {list}"), format!("请用 `--sheet` 指定：{list}")))
        }
        Error::Undecodable { file, tried } => {
            let en: Vec<String> = tried.iter().map(|(name, at)| format!("not {name} at byte offset {at}")).collect();
            let zh: Vec<String> = tried.iter().map(|(name, at)| format!("按 {name} 在字节偏移 {at} 处无法解码")).collect();
            (
                Text::new(format!("undecodable bytes: {}", en.join(", ")), format!("存在无法解码的字节：{}", zh.join("，"))),
                at_file(file),
                Text::new(
                    "name the encoding with `--encoding utf-8` or `--encoding gb18030`, or repair the file at that offset",
                    "请用 `--encoding utf-8` 或 `--encoding gb18030` 指定编码，或在该偏移处修复文件",
                ),
            )
        }
        Error::Changed { file, expected, found } => (
            Text::new(
                format!("the file is not the version that was named: expected sha-256 {expected}, found {found}"),
                format!("文件与登记的版本不一致：应为 sha-256 {expected}，实为 {found}"),
            ),
            at_file(file),
            Text::new("restore the file, or register the new version and sign a new contract", "请恢复原文件，或登记新版本并重新签署合约"),
        ),
        _ => return None,
    })
}
