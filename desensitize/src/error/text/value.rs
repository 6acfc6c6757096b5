//! Sentences about cells, keys and calls.

use super::place::{at_cell, at_column, quoted};
use super::{Parts, Text};
use crate::error::{CellProblem, Error, KeyProblem, KeySpecProblem};

fn cell_problem(problem: CellProblem) -> (Text, Text) {
    match problem {
        CellProblem::Empty => (
            Text::new("an empty cell where a number is needed", "需要数字的单元格为空"),
            Text::new("fill it in, or leave the row out of the file", "请补全，或从文件中去掉该行"),
        ),
        CellProblem::NotANumber => (
            Text::new("a cell is not a number", "单元格不是数字"),
            Text::new(
                "write a decimal number such as -12.5, or declare the column categorical",
                "请写成十进制数字（如 -12.5），或将该列声明为类别列",
            ),
        ),
        CellProblem::FullWidth => (
            Text::new("a number is written in full-width characters", "数字使用了全角字符"),
            Text::new("write half-width digits", "请改为半角数字"),
        ),
        CellProblem::ThousandsSeparator => (
            Text::new("a number has a thousands separator", "数字带有千位分隔符"),
            Text::new("export numbers without grouping", "请导出不带千位分隔符的数字"),
        ),
        CellProblem::NotFinite => (
            Text::new("a number is not finite", "数字不是有限值"),
            Text::new("replace NaN, infinities and values beyond 1.7e308", "请替换 NaN、无穷大以及超过 1.7e308 的值"),
        ),
        CellProblem::SpreadsheetError => (
            Text::new("a cell holds a spreadsheet error", "单元格为表格公式错误"),
            Text::new("repair the formula, or leave the column out", "请修正公式，或不使用该列"),
        ),
    }
}

/// Values, keys and calls.
pub(super) fn advice(error: &Error) -> Parts {
    let nowhere = Text::new("", "");
    match error {
        Error::Cell { file, column, place, problem } => {
            let (what, remedy) = cell_problem(*problem);
            (what, at_cell(file, column, *place), remedy)
        }
        Error::Key { file, column, place, problem } => (
            match problem {
                KeyProblem::Scientific => Text::new("a key is in scientific notation, digits are lost", "键值为科学计数法，数字已丢失"),
                KeyProblem::InexactNumber => Text::new(
                    "a key is a number with a fraction or beyond 2^53, digits may be lost",
                    "键值为带小数或超过 2^53 的数字，数字可能已丢失",
                ),
            },
            at_cell(file, column, *place),
            Text::new("format the column as text and export from the source again", "请将该列设为文本格式，并从数据源重新导出"),
        ),
        Error::UnknownCategory { file, column, place, declared } => (
            Text::new(format!("a cell is none of the {declared} declared categories"), format!("单元格不属于已声明的 {declared} 个类别")),
            at_cell(file, column, *place),
            Text::new("correct the cell, or declare the category", "请更正该单元格，或声明该类别"),
        ),
        Error::TooManyCategories { file, column, limit } => (
            Text::new(format!("more than {limit} distinct values"), format!("不同取值超过 {limit} 个")),
            at_column(file, column),
            Text::new("group by a column with fewer categories", "请选择类别较少的列"),
        ),
        Error::ColumnType { file, column, found } => (
            Text::new(format!("a column of type {found} cannot be used here"), format!("此处不能使用类型为 {found} 的列")),
            at_column(file, column),
            Text::new("convert the column to numbers or text", "请将该列转换为数字或文本"),
        ),
        Error::DuplicateKeys { file, columns, count, rows } => {
            let list = rows.iter().map(|place| place.row.to_string()).collect::<Vec<_>>().join(", ");
            let columns = quoted(columns);
            (
                Text::new(format!("{count} rows repeat a key"), format!("有 {count} 条数据的键值重复")),
                Text::new(
                    format!("file `{file}`, key {columns}, first at data rows {list}"),
                    format!("文件 `{file}`，键 {columns}，最先出现在第 {list} 条数据"),
                ),
                Text::new("keep one row per key, or add a column to the key", "请每个键只保留一条数据，或为键增加一列"),
            )
        }
        Error::KeySpec { problem } => (
            match problem {
                KeySpecProblem::NoColumn => Text::new("the key names no column", "键没有指定列"),
                KeySpecProblem::ColumnTwice(name) => {
                    Text::new(format!("the key names column `{name}` twice"), format!("键重复指定了列 `{name}`"))
                }
                KeySpecProblem::StepTwice => Text::new("the key names a normalisation step twice", "键重复指定了规范化步骤"),
            },
            nowhere,
            Text::new("correct the key in `job.toml`", "请在 `job.toml` 中更正键的定义"),
        ),
        Error::Shape { what, expected, found } => (
            Text::new(format!("{what}: expected {expected}, found {found}"), format!("{what}：应为 {expected}，实为 {found}")),
            nowhere,
            Text::new("this is a mistake of the calling program, please report it", "这是调用程序的错误，请反馈"),
        ),
        Error::Population { reason } => (
            Text::new(format!("no such simulated population: {reason}"), format!("无法生成该模拟人群：{reason}")),
            nowhere,
            Text::new("change `--rows` or the overlap", "请调整 `--rows` 或重合比例"),
        ),
        Error::Arrow { what, source } => (
            Text::new(format!("{what}: {source}"), format!("{what}：{source}")),
            nowhere,
            Text::new("this is a mistake of the program, please report it", "这是程序错误，请反馈"),
        ),
        // the other variants are handled by `file` and `header`; a test walks through all of them
        _ => (Text::new(error.code(), error.code()), nowhere.clone(), nowhere),
    }
}
