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

    /// Fills the target with values from `row` on, 8 bytes each, a null as NaN. `None`: not a column of numbers.
    pub(super) fn f64s(&self, column: u32, row: u64, target: &mut [u8]) -> Option<()> {
        let places = target.as_chunks_mut().0;
        let part = self.part(column, row, places.len())?;
        match kind(part.data_type()) {
            Kind::Other => return None,
            Kind::F64 => {
                let doubles = cast(&part, &DataType::Float64).ok()?;
                fill(places, doubles.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN).to_le_bytes()));
            }
            Kind::I64 => {
                let whole = cast(&part, &DataType::Int64).ok()?;
                fill(places, whole.as_primitive::<Int64Type>().iter().map(|value| value.map_or(f64::NAN, |v| v as f64).to_le_bytes()));
            }
        }
        Some(())
    }

    /// Fills the target with values from `row` on, 8 bytes each, a null as 0. `None`: not a column of integers.
    pub(super) fn i64s(&self, column: u32, row: u64, target: &mut [u8]) -> Option<()> {
        let places = target.as_chunks_mut().0;
        let part = self.part(column, row, places.len()).filter(|part| kind(part.data_type()) == Kind::I64)?;
        // exact: each of these types fits
        let whole = cast(&part, &DataType::Int64).ok()?;
        fill(places, whole.as_primitive::<Int64Type>().iter().map(|value| value.unwrap_or_default().to_le_bytes()));
        Some(())
    }

    /// Fills the target with a byte for each row from `row` on: 1 for a value, 0 for a null.
    pub(super) fn valid(&self, column: u32, row: u64, target: &mut [u8]) -> Option<()> {
        let part = self.part(column, row, target.len())?;
        fill(target.as_chunks_mut().0, (0..part.len()).map(|at| [u8::from(part.is_valid(at))]));
        Some(())
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
    fn part(&self, column: u32, row: u64, count: usize) -> Option<ArrayRef> {
        let array = self.column(column)?;
        let start = usize::try_from(row.min(self.rows())).ok()?;
        Some(array.slice(start, count.min(array.len().saturating_sub(start))))
    }
}

/// Values go where they are wanted: no copy of raw rows is left behind.
fn fill<const N: usize>(places: &mut [[u8; N]], values: impl Iterator<Item = [u8; N]>) {
    places.iter_mut().zip(values).for_each(|(place, value)| *place = value);
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
