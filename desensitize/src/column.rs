//! Columns as numbers, text or categories. Text is read exactly: nothing is guessed, nothing is dropped.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};

use crate::error::{CellProblem, Error, Place, Result};
use crate::table::{Part, Table};

/// A column as numbers. Integers beyond 2^53 and long decimals become the nearest double.
///
/// Text must be a decimal number in half-width characters (`-12.5`, `1e-3`); blanks around it are ignored.
///
/// # Errors
/// `MissingColumn`, `ColumnType`, or `Cell` with the place of the first cell that is empty, no number or not finite.
///
/// ```
/// # use std::sync::Arc;
/// # use yu_desensitize::{Table, column};
/// # use arrow::array::{ArrayRef, StringArray};
/// let cells: ArrayRef = Arc::new(StringArray::from(vec!["1.5", " -2"]));
/// let table = Table::from_columns("example", vec![("x", cells)])?;
/// assert_eq!(column::numeric(&table, "x")?, [1.5, -2.0]);
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
pub fn numeric(table: &Table, column: &str) -> Result<Vec<f64>> {
    let position = table.position(column)?;
    let mut values = Vec::with_capacity(usize::try_from(table.num_rows()).unwrap_or(0));
    for part in table.parts() {
        let array = part.batch.column(position);
        let fault = |index: usize, problem| Error::Cell {
            file: table.source().to_owned(),
            column: column.to_owned(),
            place: part.place(index),
            problem,
        };
        match array.data_type() {
            DataType::Float64 => primitive::<Float64Type>(array, |value| value, &mut values, &fault)?,
            DataType::Float32 => primitive::<Float32Type>(array, f64::from, &mut values, &fault)?,
            DataType::Int8 => primitive::<Int8Type>(array, f64::from, &mut values, &fault)?,
            DataType::Int16 => primitive::<Int16Type>(array, f64::from, &mut values, &fault)?,
            DataType::Int32 => primitive::<Int32Type>(array, f64::from, &mut values, &fault)?,
            DataType::Int64 => primitive::<Int64Type>(array, |value| value as f64, &mut values, &fault)?,
            DataType::UInt8 => primitive::<UInt8Type>(array, f64::from, &mut values, &fault)?,
            DataType::UInt16 => primitive::<UInt16Type>(array, f64::from, &mut values, &fault)?,
            DataType::UInt32 => primitive::<UInt32Type>(array, f64::from, &mut values, &fault)?,
            DataType::UInt64 => primitive::<UInt64Type>(array, |value| value as f64, &mut values, &fault)?,
            // a decimal goes through its text: parsing rounds once, dividing by a power of ten would round twice
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Dictionary(..)
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => {
                let texts = as_text(table, column, array)?;
                for (index, cell) in texts.iter().enumerate() {
                    values.push(parse_number(cell.unwrap_or("")).map_err(|problem| fault(index, problem))?);
                }
            }
            other => return Err(column_type(table, column, other)),
        }
    }
    Ok(values)
}

/// A column as text, as it stands; a missing cell becomes the empty string. The caller wipes it if it is secret.
///
/// # Errors
/// `MissingColumn`, `ColumnType`.
pub fn text(table: &Table, column: &str) -> Result<Vec<String>> {
    let mut values = Vec::with_capacity(usize::try_from(table.num_rows()).unwrap_or(0));
    each_text(table, column, |cell, _| {
        values.push(cell.to_owned());
        Ok(())
    })?;
    Ok(values)
}

/// A column as positions in `declared`. Blanks around a cell are ignored, nothing else is.
///
/// # Errors
/// `MissingColumn`, `ColumnType`, or `UnknownCategory` with the place of the first cell that is not declared.
pub fn categories<S: AsRef<str>>(table: &Table, column: &str, declared: &[S]) -> Result<Vec<u32>> {
    let mut numbers: HashMap<&str, u32> = HashMap::with_capacity(declared.len());
    for (number, name) in (0u32..).zip(declared) {
        if numbers.insert(name.as_ref(), number).is_some() {
            return Err(Error::Shape {
                what: "number of different categories",
                expected: declared.len() as u64,
                found: numbers.len() as u64,
            });
        }
    }
    let mut values = Vec::with_capacity(usize::try_from(table.num_rows()).unwrap_or(0));
    each_text(table, column, |cell, place| {
        let number = numbers.get(cell.trim()).ok_or_else(|| Error::UnknownCategory {
            file: table.source().to_owned(),
            column: column.to_owned(),
            place: place(),
            declared: declared.len() as u64,
        })?;
        values.push(*number);
        Ok(())
    })?;
    Ok(values)
}

/// The distinct values of a column, sorted, without blanks around them. At most `limit`, so that nobody declares an
/// identifier as a category by mistake.
///
/// # Errors
/// `MissingColumn`, `ColumnType`, `TooManyCategories`.
pub fn distinct(table: &Table, column: &str, limit: usize) -> Result<Vec<String>> {
    let mut values = BTreeSet::new();
    each_text(table, column, |cell, _| {
        let cell = cell.trim();
        if !values.contains(cell) {
            if values.len() == limit {
                return Err(Error::TooManyCategories { file: table.source().to_owned(), column: column.to_owned(), limit: limit as u64 });
            }
            values.insert(cell.to_owned());
        }
        Ok(())
    })?;
    Ok(values.into_iter().collect())
}

/// Calls `f` with every cell as text and a function that gives its place.
pub(crate) fn each_text(table: &Table, column: &str, mut f: impl FnMut(&str, &dyn Fn() -> Place) -> Result<()>) -> Result<()> {
    let position = table.position(column)?;
    for part in table.parts() {
        let texts = as_text(table, column, part.batch.column(position))?;
        for (index, cell) in texts.iter().enumerate() {
            f(cell.unwrap_or(""), &|| Part::place(part, index))?;
        }
    }
    Ok(())
}

fn as_text(table: &Table, column: &str, array: &ArrayRef) -> Result<StringArray> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    to_text(array).ok_or_else(|| column_type(table, column, array.data_type()))
}

/// Any scalar column as text, or nothing for nested and binary ones.
pub(crate) fn to_text(array: &ArrayRef) -> Option<StringArray> {
    let scalar = match array.data_type() {
        DataType::Dictionary(_, value) => !value.is_nested() && !is_binary(value),
        other => !other.is_nested() && !is_binary(other),
    };
    let texts = cast(array, &DataType::Utf8).ok().filter(|_| scalar)?;
    texts.as_string_opt::<i32>().cloned()
}

fn is_binary(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn column_type(table: &Table, column: &str, found: &DataType) -> Error {
    Error::ColumnType { file: table.source().to_owned(), column: column.to_owned(), found: found.to_string() }
}

fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(T::Native) -> f64,
    values: &mut Vec<f64>,
    fault: &impl Fn(usize, CellProblem) -> Error,
) -> Result<()> {
    for (index, cell) in array.as_primitive::<T>().iter().enumerate() {
        let value = convert(cell.ok_or_else(|| fault(index, CellProblem::Empty))?);
        if !value.is_finite() {
            return Err(fault(index, CellProblem::NotFinite));
        }
        values.push(value);
    }
    Ok(())
}

/// A decimal number: sign, digits with an optional point, optional exponent.
pub(crate) fn parse_number(cell: &str) -> std::result::Result<f64, CellProblem> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(CellProblem::Empty);
    }
    // Rust's parser also takes `inf`, `infinity` and `nan`: only these have letters other than e, so check the characters
    if !cell.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return Err(problem_of(cell));
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(CellProblem::NotFinite),
        Err(_) => Err(CellProblem::NotANumber),
    }
}

/// Why a text with a foreign character is no number.
fn problem_of(cell: &str) -> CellProblem {
    let bare = cell.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(bare.as_str(), "nan" | "inf" | "infinity") {
        return CellProblem::NotFinite;
    }
    if cell.chars().any(|c| matches!(c, '０'..='９' | '．' | '－' | '＋')) {
        return CellProblem::FullWidth;
    }
    let grouped = cell.contains([',', '，', '\'', '_', ' ', '\u{a0}', '\u{202f}']);
    let without: String = cell.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')).collect();
    if grouped && !without.is_empty() && cell.chars().all(|c| !c.is_alphabetic()) {
        return CellProblem::ThousandsSeparator;
    }
    CellProblem::NotANumber
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, UInt64Array};
    use arrow::datatypes::Int8Type as Key;
    use std::sync::Arc;

    fn one(array: ArrayRef) -> Table {
        Table::from_columns("t", vec![("x", array)]).unwrap()
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (cell, value) in [("1", 1.0), ("-0.5", -0.5), (" 7 ", 7.0), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0)] {
            assert_eq!(parse_number(cell), Ok(value), "{cell}");
        }
        for (cell, problem) in [
            ("", CellProblem::Empty),
            (" \u{3000}", CellProblem::Empty),
            ("abc", CellProblem::NotANumber),
            ("1-2", CellProblem::NotANumber),
            ("e5", CellProblem::NotANumber),
            ("0x10", CellProblem::NotANumber),
            ("１２", CellProblem::FullWidth),
            ("1,234", CellProblem::ThousandsSeparator),
            ("1 234.5", CellProblem::ThousandsSeparator),
            ("NaN", CellProblem::NotFinite),
            ("-inf", CellProblem::NotFinite),
            ("1e999", CellProblem::NotFinite),
        ] {
            assert_eq!(parse_number(cell), Err(problem), "{cell}");
        }
    }

    #[test]
    fn arrow_types_are_numbers() {
        assert_eq!(numeric(&one(Arc::new(Int32Array::from(vec![-1, 2]))), "x").unwrap(), [-1.0, 2.0]);
        assert_eq!(numeric(&one(Arc::new(UInt64Array::from(vec![u64::MAX]))), "x").unwrap(), [18_446_744_073_709_551_615.0]);
        let money = Decimal128Array::from(vec![12_345, -1]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(numeric(&one(Arc::new(money)), "x").unwrap(), [123.45, -0.01]);
        let words: DictionaryArray<Key> = vec!["3", "4", "3"].into_iter().collect();
        assert_eq!(numeric(&one(Arc::new(words)), "x").unwrap(), [3.0, 4.0, 3.0]);
        let nan = one(Arc::new(Float64Array::from(vec![1.0, f64::NAN])));
        assert!(matches!(
            numeric(&nan, "x"),
            Err(Error::Cell { place: Place { row: 2, line: None }, problem: CellProblem::NotFinite, .. })
        ));
        let hole = one(Arc::new(Int32Array::from(vec![Some(1), None])));
        assert!(matches!(numeric(&hole, "x"), Err(Error::Cell { problem: CellProblem::Empty, .. })));
        let flags = one(Arc::new(BooleanArray::from(vec![true])));
        assert!(matches!(numeric(&flags, "x"), Err(Error::ColumnType { .. })));
    }

    #[test]
    fn categories_are_declared() {
        let table = one(Arc::new(StringArray::from(vec!["no", " yes", "no", "maybe"])));
        assert_eq!(distinct(&table, "x", 3).unwrap(), ["maybe", "no", "yes"]);
        assert!(matches!(distinct(&table, "x", 2), Err(Error::TooManyCategories { limit: 2, .. })));
        assert_eq!(categories(&table, "x", &["yes", "no", "maybe"]).unwrap(), [1, 0, 1, 2]);
        let error = categories(&table, "x", &["yes", "no"]).unwrap_err();
        assert!(matches!(error, Error::UnknownCategory { place: Place { row: 4, .. }, declared: 2, .. }));
        assert!(!error.to_string().contains("maybe"), "no value in a message");
        let numbers = one(Arc::new(Int32Array::from(vec![0, 1])));
        assert_eq!(categories(&numbers, "x", &["0", "1"]).unwrap(), [0, 1]);
    }
}
