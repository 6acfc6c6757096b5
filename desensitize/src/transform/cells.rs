//! What operators on cells share: where a cell stands, columns as text or numbers, and the way back to their type.

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::refuse;
use crate::column::{parse_number, to_text};
use crate::error::{CellProblem, Error, Result, Text};
use crate::table::Part;

/// An operator that changes the cells of one column, batch by batch.
pub(super) trait Cells: Send {
    /// The column of one batch after the operator. The number of cells stays.
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef>;
}

/// An operator that removes rows, batch by batch.
pub(super) trait Rows: Send {
    /// Which rows of a batch stay.
    fn keep(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<Vec<bool>>;
}

/// A column of a batch and its place.
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) column: &'a str,
    /// The batch now, for the places of its rows.
    pub(super) part: &'a Part,
    /// The column of the subject, as it was before any operator; empty where the operator names none.
    pub(super) subject: Option<(&'a str, &'a ArrayRef)>,
}

impl At<'_> {
    pub(super) fn place(&self, row: usize) -> Text {
        refuse::at(self.file, self.column, Some(self.part.place(row)))
    }

    pub(super) fn refuse(&self, code: &'static str, row: usize, what: (&str, &str), remedy: (&str, &str)) -> Error {
        refuse::cell(code, self.place(row), what, remedy)
    }

    pub(super) fn number_fault(&self, row: usize, problem: CellProblem) -> Error {
        Error::Cell { file: self.file.to_owned(), column: self.column.to_owned(), place: self.part.place(row), problem }
    }

    /// The subjects of all rows; a missing one is refused, because its rows could not be kept together.
    pub(super) fn subjects(&self) -> Result<StringArray> {
        let (name, array) = self.subject.ok_or(Error::Shape { what: "columns of the subject", expected: 1, found: 0 })?;
        let kind = || Error::ColumnType { file: self.file.to_owned(), column: name.to_owned(), found: array.data_type().to_string() };
        let texts = to_text(array).ok_or_else(kind)?;
        if let Some(row) = (0..texts.len()).find(|row| texts.is_null(*row) || texts.value(*row).is_empty()) {
            return Err(refuse::cell(
                "transform.no_subject",
                refuse::at(self.file, name, Some(self.part.place(row))),
                (
                    "a row has no subject, so it cannot be treated like the other rows of its subject",
                    "该行没有主体标识，无法与同一主体的其他行一致处理",
                ),
                ("fill in the subject or drop such rows first", "先补全主体标识，或先删除此类行"),
            ));
        }
        Ok(texts)
    }
}

/// The column as text. Numbers are not taken for text: leading zeros of identifiers would be lost already.
pub(super) fn texts(array: &ArrayRef, at: &At<'_>) -> Result<StringArray> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    let is_text = match array.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, value) => is_utf8(value),
        _ => false,
    };
    to_text(array).filter(|_| is_text).ok_or_else(|| {
        refuse::cell(
            "transform.not_text",
            refuse::at(at.file, at.column, None),
            ("the operator works on text, and the column holds another type", "该操作只适用于文本，而此列为其他类型"),
            ("read the column as text, or use an operator for its type", "将该列按文本读取，或改用适合其类型的操作"),
        )
    })
}

fn is_utf8(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Text in the type that the column had.
pub(super) fn like(texts: StringArray, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
    let texts: ArrayRef = std::sync::Arc::new(texts);
    if matches!(array.data_type(), DataType::Utf8 | DataType::Null) {
        return Ok(texts);
    }
    cast(&texts, array.data_type()).map_err(|_| {
        refuse::cell(
            "transform.type_kept",
            refuse::at(at.file, at.column, None),
            ("the results do not fit into the column's type", "结果无法放入该列原有类型"),
            ("read the column as plain text", "将该列按普通文本读取"),
        )
    })
}

/// Changes every text cell; nothing stays nothing.
pub(super) fn map_texts(array: &ArrayRef, at: &At<'_>, mut f: impl FnMut(usize, &str, &mut String) -> Result<()>) -> Result<ArrayRef> {
    let texts = texts(array, at)?;
    let mut builder = StringBuilder::with_capacity(texts.len(), texts.values().len());
    let mut out = String::new();
    for (row, cell) in texts.iter().enumerate() {
        match cell {
            None => builder.append_null(),
            Some(cell) => {
                out.clear();
                f(row, cell, &mut out)?;
                builder.append_value(&out);
            }
        }
    }
    like(builder.finish(), array, at)
}

/// A text column whose bytes can be changed in place. What lies under a null is blanked, so that it does not leave.
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    pub(super) offsets: OffsetBuffer<i32>,
    pub(super) nulls: Option<NullBuffer>,
}

impl Bytes {
    pub(super) fn of(texts: &StringArray) -> Self {
        let (bytes, offsets) = window(texts);
        let mut owned = Self { bytes: bytes.to_vec(), offsets, nulls: texts.nulls().cloned() };
        if let Some(nulls) = texts.nulls() {
            for row in (0..texts.len()).filter(|row| nulls.is_null(*row)) {
                let range = owned.range(row);
                owned.bytes[range].fill(b' ');
            }
        }
        owned
    }

    /// INVARIANT: `row` is a row.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    pub(super) fn finish(self) -> Result<StringArray> {
        StringArray::try_new(self.offsets, self.bytes.into(), self.nulls).map_err(|source| Error::Arrow { what: "building text", source })
    }
}

/// The bytes that an array really uses, with offsets from 0.
pub(super) fn window(texts: &StringArray) -> (&[u8], OffsetBuffer<i32>) {
    let offsets = texts.offsets();
    let first = offsets.first().copied().unwrap_or(0);
    let last = offsets.last().copied().unwrap_or(0);
    let bytes = texts.values().get(first as usize..last as usize).unwrap_or(&[]);
    if first == 0 {
        return (bytes, offsets.clone());
    }
    let moved: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
    (bytes, OffsetBuffer::new(ScalarBuffer::from(moved)))
}

/// A number that stays what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    pub(super) const fn real(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    fn parse(cell: &str) -> std::result::Result<Self, CellProblem> {
        let real = parse_number(cell)?;
        Ok(cell.trim().parse().map_or(Self::Real(real), Self::Whole))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}

/// The numbers of a column of numbers or of text that holds numbers.
pub(super) fn numbers(array: &ArrayRef, at: &At<'_>) -> Result<Vec<Option<Number>>> {
    let kind = array.data_type();
    let is_number = kind.is_numeric() || is_utf8(kind) || matches!(kind, DataType::Null);
    let is_number = is_number || matches!(kind, DataType::Dictionary(_, value) if is_utf8(value) || value.is_numeric());
    let texts = to_text(array).filter(|_| is_number).ok_or_else(|| {
        refuse::cell(
            "transform.not_number",
            refuse::at(at.file, at.column, None),
            ("the operator works on numbers, and the column holds another type", "该操作只适用于数值，而此列为其他类型"),
            ("use an operator for its type", "改用适合其类型的操作"),
        )
    })?;
    let parse = |(row, cell): (usize, Option<&str>)| {
        let parsed = cell.map(Number::parse).transpose();
        parsed.map_err(|problem| at.number_fault(row, problem))
    };
    texts.iter().enumerate().map(parse).collect()
}

/// Numbers in the type that the column had.
pub(super) fn numbers_like(numbers: Vec<Option<Number>>, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
    let texts: StringArray = numbers.into_iter().map(|number| number.map(|number| number.to_string())).collect();
    let is_null = |array: &ArrayRef| array.null_count();
    let before = texts.null_count();
    let out = like(texts, array, at)?;
    // casts of this library turn what does not fit into nulls
    if is_null(&out) == before {
        return Ok(out);
    }
    Err(refuse::cell(
        "transform.type_kept",
        refuse::at(at.file, at.column, None),
        ("a result does not fit into the column's type", "有结果无法放入该列原有类型"),
        ("choose whole-number parameters for whole-number columns, or read the column as text", "整数列请使用整数参数，或将该列按文本读取"),
    ))
}
