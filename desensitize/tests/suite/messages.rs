//! Every error says what, where and what to do, in both languages, and shows no value.

use yu_desensitize::error::{CellProblem, KeyProblem, KeySpecProblem};
use yu_desensitize::{Error, Lang, Place};

fn all() -> Vec<Error> {
    let file = || "bank.csv".to_owned();
    let column = || "income".to_owned();
    let place = Place { row: 17, line: Some(18) };
    let io = std::io::Error::other("disk full");
    vec![
        Error::Io { file: file(), source: io },
        Error::EmptyFile { file: file() },
        Error::NoRows { file: file() },
        Error::Unsupported { file: file(), found: "a PDF file" },
        Error::Malformed { file: file(), format: "xlsx", detail: "cut short".into() },
        Error::Sheet { file: file(), wanted: None, sheets: vec!["a".into(), "b".into()] },
        Error::Undecodable { file: file(), tried: vec![("UTF-8", 12), ("GB18030", 40)] },
        Error::DelimiterUnclear { file: file() },
        Error::HeaderEmpty { file: file(), position: 3 },
        Error::HeaderIsData { file: file(), position: 3 },
        Error::HeaderTwice { file: file(), column: column(), positions: (1, 3) },
        Error::Ragged { file: file(), line: 18, expected: 3, found: 4 },
        Error::UnclosedQuote { file: file(), line: 18 },
        Error::FieldTooLong { file: file(), line: 18, limit: 1 << 20 },
        Error::MissingColumn { file: file(), column: column(), near: vec!["incomes".into()] },
        Error::Cell { file: file(), column: column(), place, problem: CellProblem::Empty },
        Error::Key { file: file(), column: column(), place, problem: KeyProblem::Scientific },
        Error::UnknownCategory { file: file(), column: column(), place, declared: 6 },
        Error::TooManyCategories { file: file(), column: column(), limit: 50 },
        Error::ColumnType { file: file(), column: column(), found: "Boolean".into() },
        Error::DuplicateKeys { file: file(), columns: vec!["id".into()], count: 2, rows: vec![place] },
        Error::KeySpec { problem: KeySpecProblem::NoColumn },
        Error::Changed { file: file(), expected: "aa".into(), found: "bb".into() },
        Error::Shape { what: "length of a filter", expected: 1, found: 2 },
        Error::Population { reason: "each table needs at least one row" },
    ]
}

#[test]
fn every_error_is_complete_in_both_languages() {
    let mut codes = std::collections::HashSet::new();
    for error in all() {
        assert!(codes.insert(error.code()), "{} twice", error.code());
        let advice = error.advice();
        for (text, may_be_empty) in [(&advice.what, false), (&advice.place, true), (&advice.remedy, false)] {
            assert_eq!(text.en.is_empty(), text.zh.is_empty());
            assert!(may_be_empty || !text.en.is_empty(), "{}", error.code());
            assert!(!text.en.ends_with('.') && !text.zh.ends_with('。'));
        }
        assert_ne!(advice.what.en, error.code(), "no sentence for {}", error.code());
        assert!(advice.what.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", error.code());
        assert_eq!(error.to_string(), error.message(Lang::En));
        if !advice.place.en.is_empty() {
            assert!(error.to_string().contains("bank.csv") && error.message(Lang::Zh).contains("bank.csv"));
        }
    }
}

#[test]
fn a_cell_is_named_exactly() {
    let place = Place { row: 17, line: Some(18) };
    let error = Error::Cell { file: "bank.csv".into(), column: "income".into(), place, problem: CellProblem::NotANumber };
    assert_eq!(
        error.to_string(),
        "a cell is not a number (file `bank.csv`, column `income`, data row 17, line 18); \
         remedy: write a decimal number such as -12.5, or declare the column categorical"
    );
    assert_eq!(
        error.message(Lang::Zh),
        "单元格不是数字（文件 `bank.csv`，列 `income`，第 17 条数据，文件第 18 行）；\
         处理办法：请写成十进制数字（如 -12.5），或将该列声明为类别列"
    );
}
