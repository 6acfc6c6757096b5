//! Columns as numbers of distinct values, shared by the tables that are compared.

use std::collections::HashMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

use crate::Table;
use crate::column::{parse_number, to_text};
use crate::error::{Error, Result};

/// The code of a missing cell.
pub(super) const NULL: u32 = u32::MAX;

/// Distinct values and their numbers.
#[derive(Default)]
pub(super) struct Values {
    numbers: HashMap<String, u32>,
    pub(super) texts: Vec<String>,
}

impl Values {
    /// The text of a code; empty for a missing cell.
    pub(super) fn text(&self, code: u32) -> &str {
        self.texts.get(code as usize).map_or("", String::as_str)
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(NULL);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    /// The codes of a column; equal values have equal codes in all tables that were coded with the same `Values`.
    ///
    /// Blanks around a cell go, empty cells are missing, and numbers are equal if their values are: `39`, `39.0`.
    pub(super) fn code(&mut self, table: &Table, column: &str) -> Result<Vec<u32>> {
        let mut raw = Self::default();
        let codes = raw.code_as_is(table, column)?;
        let map: Vec<u32> = raw.texts.iter().map(|text| self.number(&canonical(text))).collect();
        Ok(codes.into_iter().map(|code| map.get(code as usize).copied().unwrap_or(NULL)).collect())
    }

    /// The codes of a column whose texts stay as they are but for blanks; binary cells become hexadecimal.
    pub(super) fn code_as_is(&mut self, table: &Table, column: &str) -> Result<Vec<u32>> {
        let position = table.position(column)?;
        let mut codes = Vec::with_capacity(usize::try_from(table.num_rows()).unwrap_or(0));
        for batch in table.batches() {
            let array = batch.column(position);
            let mut push = |cell: Option<&str>| match cell.map(str::trim) {
                Some(cell) if !cell.is_empty() => codes.push(self.number(cell)),
                _ => codes.push(NULL),
            };
            if let Some(bytes) = array.as_binary_opt::<i32>() {
                bytes.iter().for_each(|cell| push(cell.map(hex::encode).as_deref()));
            } else if let Some(bytes) = array.as_binary_opt::<i64>() {
                bytes.iter().for_each(|cell| push(cell.map(hex::encode).as_deref()));
            } else if let Some(bytes) = array.as_fixed_size_binary_opt() {
                bytes.iter().for_each(|cell| push(cell.map(hex::encode).as_deref()));
            } else if *array.data_type() == DataType::Null {
                (0..array.len()).for_each(|_| push(None));
            } else {
                let texts = to_text(array).ok_or_else(|| Error::ColumnType {
                    file: table.source().to_owned(),
                    column: column.to_owned(),
                    found: array.data_type().to_string(),
                })?;
                texts.iter().for_each(push);
            }
        }
        Ok(codes)
    }
}

/// Numbers in one form; other texts as they are. Long digit strings are identifiers and no numbers.
fn canonical(text: &str) -> String {
    let is_number = text.len() <= 15 && text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    match parse_number(text) {
        Ok(value) if is_number => format!("{value}"),
        _ => text.to_owned(),
    }
}

/// How many rows have each code.
pub(super) fn count(codes: &[u32], values: usize) -> Vec<u64> {
    let mut counts = vec![0; values];
    for code in codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    counts
}

/// Rows grouped by their codes in several columns: the number of each row's group, and the first row of each group.
pub(super) struct Groups {
    pub(super) of_row: Vec<u32>,
    pub(super) first: Vec<u32>,
    pub(super) sizes: Vec<u64>,
}

impl Groups {
    pub(super) fn of(columns: &[&[u32]], rows: usize) -> Self {
        let mut this = Self { of_row: vec![0; rows], first: Vec::new(), sizes: Vec::new() };
        // column by column: pairs of (group so far, code) become the new groups
        for column in columns {
            let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
            for (group, code) in this.of_row.iter_mut().zip(*column) {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                *group = *numbers.entry((*group, *code)).or_insert(next);
            }
        }
        for (row, group) in (0u32..).zip(&this.of_row) {
            let group = *group as usize;
            if group >= this.sizes.len() {
                this.sizes.resize(group + 1, 0);
                this.first.resize(group + 1, row);
            }
            if let Some(size) = this.sizes.get_mut(group) {
                *size += 1;
            }
        }
        this
    }

    pub(super) fn size_of_row(&self, row: usize) -> u64 {
        self.of_row.get(row).and_then(|group| self.sizes.get(*group as usize)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, BinaryArray, Float64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn values_are_equal_across_types_and_files() {
        let a: ArrayRef = Arc::new(StringArray::from(vec![Some("39"), Some(" 40 "), None, Some(""), Some("0138")]));
        let b: ArrayRef = Arc::new(Float64Array::from(vec![40.0, 39.0]));
        let (a, b) = (Table::from_columns("a", vec![("x", a)]).unwrap(), Table::from_columns("b", vec![("x", b)]).unwrap());
        let mut values = Values::default();
        assert_eq!(values.code(&a, "x").unwrap(), [0, 1, NULL, NULL, 2]);
        assert_eq!(values.code(&b, "x").unwrap(), [1, 0]);
        assert_eq!(values.text(2), "0138");
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\x01\xff"[..]]));
        let table = Table::from_columns("c", vec![("x", bytes)]).unwrap();
        let mut values = Values::default();
        values.code_as_is(&table, "x").unwrap();
        assert_eq!(values.texts, ["01ff"]);
    }

    #[test]
    fn groups_follow_all_columns() {
        let groups = Groups::of(&[&[0, 0, 1, 0], &[5, 5, 5, NULL]], 4);
        assert_eq!(groups.of_row, [0, 0, 1, 2]);
        assert_eq!((groups.first, groups.sizes), (vec![0, 2, 3], vec![2, 1, 1]));
        assert_eq!(Groups::of(&[], 3).sizes, [3]);
    }
}
