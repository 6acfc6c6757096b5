//! What a module gives back: columns, or an Arrow IPC stream, as one table with nothing else in it.
//!
//! What cannot be seen in the table does not pass either: the payload of a NaN, values under a null, padding, metadata. A result
//! is judged by people and rules who look at its cells, so that nothing may travel beside them.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use zeroize::Zeroizing;

use super::limits::wide;
use super::{WasmError, ipc};

/// Columns of a result.
pub(super) const MAX_COLUMNS: usize = 1024;
/// Name of a column, bytes.
const MAX_NAME: usize = 128;

/// What a module has given so far.
pub(super) struct Collected {
    limit: u64,
    bytes: u64,
    columns: Vec<(String, ArrayRef)>,
    stream: Zeroizing<Vec<u8>>,
}

impl Collected {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, bytes: 0, columns: Vec::new(), stream: Zeroizing::new(Vec::new()) }
    }

    /// Bytes that were taken.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts bytes before they are taken.
    pub(super) fn count(&mut self, bytes: u64) -> Result<(), WasmError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.limit { Ok(()) } else { Err(WasmError::Output { limit: self.limit }) }
    }

    /// A part of the stream, which was counted.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WasmError> {
        if !self.columns.is_empty() {
            return Err(bad(MIXED));
        }
        self.stream.extend_from_slice(bytes);
        Ok(())
    }

    /// A column, which was counted.
    pub(super) fn column(&mut self, name: &[u8], values: ArrayRef) -> Result<(), WasmError> {
        if !self.stream.is_empty() {
            return Err(bad(MIXED));
        }
        if self.columns.len() >= MAX_COLUMNS {
            return Err(bad(TOO_MANY));
        }
        let name = std::str::from_utf8(name).map_err(|_| bad("the name of a column is not UTF-8"))?;
        self.columns.push((name.to_owned(), values));
        Ok(())
    }

    /// The table.
    pub(super) fn finish(self) -> Result<RecordBatch, WasmError> {
        if self.stream.is_empty() {
            return table(self.columns);
        }
        table(ipc::decode(&self.stream, self.limit)?)
    }
}

const MIXED: &str = "columns and a stream; one of them is wanted";
pub(super) const TOO_MANY: &str = "more than 1024 columns";

/// A column of little-endian doubles; every NaN becomes the same.
pub(super) fn f64s(bytes: &[u8]) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(bytes.as_chunks().0.iter().map(|eight| one_nan(f64::from_le_bytes(*eight)))))
}

/// A column of little-endian integers of 8 bytes.
pub(super) fn i64s(bytes: &[u8]) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(bytes.as_chunks().0.iter().map(|eight| i64::from_le_bytes(*eight))))
}

/// A column of texts that stand one after another.
pub(super) fn texts(lengths: &Lengths, mut bytes: &[u8]) -> Result<ArrayRef, WasmError> {
    if lengths.total() > MAX_TEXT {
        return Err(bad(LONG_TEXT));
    }
    let mut texts = Vec::with_capacity(lengths.0.len());
    for len in &lengths.0 {
        let (text, rest) = bytes.split_at_checked(*len as usize).ok_or(bad("texts end early"))?;
        texts.push(std::str::from_utf8(text).map_err(|_| bad(NOT_UTF8))?);
        bytes = rest;
    }
    Ok(Arc::new(StringArray::from_iter_values(texts)))
}

/// Texts of one column together, bytes: Arrow's offsets have 31 bits.
pub(super) const MAX_TEXT: u64 = i32::MAX as u64;
pub(super) const LONG_TEXT: &str = "texts of one column above 2 GiB";
pub(super) const NOT_UTF8: &str = "a text is not UTF-8";

/// Lengths of texts, bytes.
pub(super) struct Lengths(Vec<u32>);

impl Lengths {
    /// Little-endian, 4 bytes each.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(bytes.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect())
    }

    /// Bytes of all texts.
    pub(super) fn total(&self) -> u64 {
        // at most 2^32 lengths of 32 bits
        self.0.iter().map(|len| u64::from(*len)).sum()
    }
}

/// The one NaN that passes: 52 bits of payload would be a second table.
pub(super) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// A table of named columns of one length; at least one column.
fn table(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch, WasmError> {
    if columns.is_empty() {
        return Err(bad("nothing was written"));
    }
    let mut seen = std::collections::HashSet::new();
    let rows = columns.first().map(|(_, array)| array.len());
    for (name, array) in &columns {
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(bad("the name of a column is empty, longer than 128 bytes, or has control characters"));
        }
        if !seen.insert(name.as_str()) {
            return Err(bad("two columns have one name"));
        }
        if Some(array.len()) != rows {
            return Err(bad("columns differ in their number of rows"));
        }
    }
    let field = |(name, array): &(String, ArrayRef)| Field::new(name, DataType::clone(array.data_type()), array.null_count() > 0);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect())
        .map_err(|_| bad("columns do not fit together"))
}

pub(super) fn bad(what: &'static str) -> WasmError {
    WasmError::Result { what }
}

/// For the size of what a decoder makes.
pub(super) fn room(limit: u64, used: &mut u64, bytes: usize) -> Result<(), WasmError> {
    *used = used.saturating_add(wide(bytes));
    if *used <= limit { Ok(()) } else { Err(WasmError::Output { limit }) }
}
