//! Tables as a module reads them: whole as an Arrow IPC stream, or column by column as plain numbers.

use std::cell::OnceCell;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::ipc::writer::StreamWriter;
use zeroize::Zeroizing;

use super::limits::wide;

/// How a column can be read as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In the IPC stream only.
    Other = 0,
    /// `column_f64`.
    F64 = 1,
    /// `column_i64` exactly; `column_f64` to the nearest double.
    I64 = 2,
}

/// One table of the input.
pub(super) struct Table {
    batch: RecordBatch,
    /// Made when a module asks for it: raw rows, so it is wiped.
    stream: OnceCell<Zeroizing<Vec<u8>>>,
}

impl Table {
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self { batch, stream: OnceCell::new() }
    }

    pub(super) fn rows(&self) -> u64 {
        wide(self.batch.num_rows())
    }

    pub(super) fn columns(&self) -> u64 {
        wide(self.batch.num_columns())
    }

    pub(super) fn name(&self, column: u32) -> Option<&str> {
        self.batch.schema_ref().fields().get(column as usize).map(|field| field.name().as_str())
    }

    pub(super) fn kind(&self, column: u32) -> Option<Kind> {
        self.column(column).map(|array| kind(array.data_type()))
    }

    /// At most `count` values from `row` on, a null as NaN. `None`: not a column of numbers.
    pub(super) fn f64s(&self, column: u32, row: u64, count: u64) -> Option<Vec<f64>> {
        let part = self.part(column, row, count)?;
        match kind(part.data_type()) {
            Kind::Other => None,
            Kind::F64 => {
                let cast = cast(&part, &DataType::Float64).ok()?;
                Some(cast.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)).collect())
            }
            Kind::I64 => {
                Some(as_i64(&part)?.as_primitive::<Int64Type>().iter().map(|value| value.map_or(f64::NAN, |v| v as f64)).collect())
            }
        }
    }

    /// At most `count` values from `row` on, a null as 0. `None`: not a column of integers.
    pub(super) fn i64s(&self, column: u32, row: u64, count: u64) -> Option<Vec<i64>> {
        let part = self.part(column, row, count)?;
        let whole = if kind(part.data_type()) == Kind::I64 { as_i64(&part)? } else { return None };
        Some(whole.as_primitive::<Int64Type>().iter().map(Option::unwrap_or_default).collect())
    }

    /// At most `count` bytes from `row` on: 1 for a value, 0 for a null.
    pub(super) fn valid(&self, column: u32, row: u64, count: u64) -> Option<Vec<u8>> {
        let part = self.part(column, row, count)?;
        Some((0..part.len()).map(|at| u8::from(part.is_valid(at))).collect())
    }

    /// The Arrow IPC stream of the table: schema, one batch, end. `None` for types that IPC cannot write.
    pub(super) fn stream(&self) -> Option<&[u8]> {
        if self.stream.get().is_none() {
            // room at once: a buffer that grows leaves copies of rows behind
            let room = self.batch.get_array_memory_size().saturating_add(4096).saturating_add(self.batch.num_columns().saturating_mul(512));
            let mut bytes = Zeroizing::new(Vec::with_capacity(room));
            let mut writer = StreamWriter::try_new(&mut *bytes, self.batch.schema_ref()).ok()?;
            writer.write(&self.batch).ok()?;
            writer.finish().ok()?;
            drop(writer);
            let _ = self.stream.set(bytes);
        }
        self.stream.get().map(|bytes| bytes.as_slice())
    }

    fn column(&self, column: u32) -> Option<&ArrayRef> {
        self.batch.columns().get(column as usize)
    }

    /// Rows `row .. row + count`, as far as the table goes.
    fn part(&self, column: u32, row: u64, count: u64) -> Option<ArrayRef> {
        let array = self.column(column)?;
        let start = usize::try_from(row.min(self.rows())).ok()?;
        let left = array.len().saturating_sub(start);
        Some(array.slice(start, usize::try_from(count).unwrap_or(usize::MAX).min(left)))
    }
}

fn kind(of: &DataType) -> Kind {
    use DataType as T;
    match of {
        T::Float32 | T::Float64 => Kind::F64,
        T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::Boolean
        | T::Date32
        | T::Date64
        | T::Timestamp(..) => Kind::I64,
        _ => Kind::Other,
    }
}

/// Exact: of the kinds above, each fits.
fn as_i64(array: &ArrayRef) -> Option<ArrayRef> {
    cast(array, &DataType::Int64).ok()
}
