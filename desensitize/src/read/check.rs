//! Checks that all formats share: the header, and keys that a spreadsheet has spoilt.

use std::collections::HashMap;

use crate::error::{CellProblem, Error, KeyProblem, Place, Result, Text};

/// The most columns of a table. Each costs memory in every batch, so that a header of millions would be refused by the system.
const MOST_COLUMNS: usize = 1 << 16;

/// Checks the names of a header row.
pub(crate) fn check_header(name: &str, header: &[String]) -> Result<()> {
    let file = || name.to_owned();
    if header.len() > MOST_COLUMNS {
        return Err(too_many_columns(name, header.len()));
    }
    let mut seen: HashMap<&str, u64> = HashMap::with_capacity(header.len());
    for (position, column) in (1u64..).zip(header) {
        if column.is_empty() {
            return Err(Error::HeaderEmpty { file: file(), position });
        }
        if looks_like_data(column) {
            return Err(Error::HeaderIsData { file: file(), position });
        }
        if let Some(first) = seen.insert(column, position) {
            return Err(Error::HeaderTwice { file: file(), column: column.clone(), positions: (first, position) });
        }
    }
    Ok(())
}

fn too_many_columns(name: &str, found: usize) -> Error {
    Error::refused(
        "data.too_many_columns",
        Text::new(
            format!("the header has {found} columns, more than {MOST_COLUMNS}"),
            format!("表头有 {found} 列，超过 {MOST_COLUMNS} 列"),
        ),
        Text::new(format!("file `{name}`"), format!("文件 `{name}`")),
        Text::new(
            "check that the rows of the file are not one line; keep the columns that are needed",
            "请检查文件各行是否被合并成一行；只保留需要的列",
        ),
    )
}

/// An identifier or a long number: printing it as a column name could show a person's data.
fn looks_like_data(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let others = name.bytes().filter(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E' | b'x' | b'X' | b' '));
    digits >= 6 && others.count() == 0
}

/// Matches `^\d(\.\d+)?[eE]\+?\d+$`: what a spreadsheet makes of a long number.
pub(crate) fn is_scientific(key: &str) -> bool {
    let Some((mantissa, exponent)) = key.trim().split_once(['e', 'E']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let whole = match mantissa.split_once('.') {
        Some((whole, fraction)) if digits(fraction) => whole,
        Some(_) => return false,
        None => mantissa,
    };
    whole.len() == 1 && digits(whole) && digits(exponent)
}

/// A numeric key as text, if a double (or a float: `limit` 2^24) holds it exactly.
pub(crate) fn integral_key(value: f64, limit: f64) -> Option<String> {
    (value.fract() == 0.0 && value.abs() <= limit).then(|| (value as i64).to_string())
}

/// Integers up to here are exact in a double.
pub(crate) const EXACT_DOUBLE: f64 = 9_007_199_254_740_992.0;
/// Integers up to here are exact in a float.
pub(crate) const EXACT_FLOAT: f64 = 16_777_216.0;

pub(crate) fn key_fault(file: &str, column: &str, place: Place, problem: KeyProblem) -> Error {
    Error::Key { file: file.to_owned(), column: column.to_owned(), place, problem }
}

pub(crate) fn cell_fault(file: &str, column: &str, place: Place, problem: CellProblem) -> Error {
    Error::Cell { file: file.to_owned(), column: column.to_owned(), place, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scientific_notation() {
        for key in ["3.302E+17", "1e5", "1E05", " 4.4E+10 ", "9e+1"] {
            assert!(is_scientific(key), "{key}");
        }
        for key in ["33e5", "1.e5", "1e-5", "e5", "1e", "1e+", "12345", "1.5", "1e5x", "1.2.3e4", ""] {
            assert!(!is_scientific(key), "{key}");
        }
    }

    #[test]
    fn numeric_keys() {
        assert_eq!(integral_key(EXACT_DOUBLE, EXACT_DOUBLE).unwrap(), "9007199254740992");
        assert_eq!(integral_key(-0.0, EXACT_DOUBLE).unwrap(), "0");
        assert_eq!(integral_key(1e5, EXACT_DOUBLE).unwrap(), "100000");
        assert!(integral_key(1.5, EXACT_DOUBLE).is_none());
        assert!(integral_key(9_007_199_254_740_994.0, EXACT_DOUBLE).is_none());
        assert!(integral_key(f64::NAN, EXACT_DOUBLE).is_none());
        assert!(integral_key(f64::INFINITY, EXACT_DOUBLE).is_none());
    }

    #[test]
    fn headers_that_are_data() {
        assert!(looks_like_data("33020319900101123X"));
        assert!(looks_like_data("13800001111"));
        assert!(!looks_like_data("2024"));
        assert!(!looks_like_data("x0"));
        assert!(!looks_like_data("balance_20240101"));
    }
}
