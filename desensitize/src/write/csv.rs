//! Tables into CSV files.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Float64Type};

use crate::column::to_text;
use crate::error::{Error, Result};
use crate::table::Table;

/// Writes a table as CSV to anything; `name` is used in errors.
///
/// # Errors
/// `Io`, for example when the disk is full; `ColumnType` for nested and binary columns.
pub fn write_csv_to(table: &Table, writer: impl Write, name: &str) -> Result<()> {
    let mut sink = CsvSink::new(writer, name, table)?;
    sink.write(table)?;
    sink.into_inner().map(drop)
}

/// Rows of tables with the columns of the first.
pub(super) struct CsvSink<W: Write> {
    name: String,
    columns: Vec<String>,
    writer: csv::Writer<W>,
}

impl<W: Write> CsvSink<W> {
    /// Writes the header.
    pub(super) fn new(writer: W, name: &str, table: &Table) -> Result<Self> {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(writer);
        writer.write_record(table.column_names()).map_err(|error| fault(name, error))?;
        let columns = table.column_names().into_iter().map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), columns, writer })
    }

    pub(super) fn write(&mut self, table: &Table) -> Result<()> {
        if table.column_names() != self.columns {
            return Err(Error::Shape {
                what: "columns of a table that is appended",
                expected: self.columns.len() as u64,
                found: table.num_columns() as u64,
            });
        }
        for batch in table.batches() {
            let columns = batch
                .columns()
                .iter()
                .zip(table.schema().fields())
                .map(|(array, field)| {
                    plain_text(array).ok_or_else(|| Error::ColumnType {
                        file: table.source().to_owned(),
                        column: field.name().clone(),
                        found: array.data_type().to_string(),
                    })
                })
                .collect::<Result<Vec<StringArray>>>()?;
            for row in 0..batch.num_rows() {
                let cells = columns.iter().map(|column| if column.is_null(row) { "" } else { column.value(row) });
                self.writer.write_record(cells).map_err(|error| fault(&self.name, error))?;
            }
        }
        Ok(())
    }

    /// The file, with everything written.
    pub(super) fn into_inner(self) -> Result<W> {
        let name = self.name;
        self.writer.into_inner().map_err(|error| Error::io(&name, error.into_error()))
    }
}

fn fault(name: &str, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::io(name, source),
        _ => Error::io(name, std::io::Error::other("unequal rows")),
    }
}

/// Text without exponents: what a spreadsheet and [`crate::column::numeric`] read back exactly.
fn plain_text(array: &ArrayRef) -> Option<StringArray> {
    if array.data_type() == &DataType::Float64 {
        let cells = array.as_primitive::<Float64Type>().iter();
        return Some(cells.map(|cell| cell.map(|value| value.to_string())).collect());
    }
    to_text(array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float64Array;
    use std::sync::Arc;

    #[test]
    fn cells_are_quoted_and_plain() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a,b"), None, Some("say \"x\"")]));
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1e20, 0.1, -2.0]));
        let table = Table::from_columns("t", vec![("t", texts), ("n", numbers)]).unwrap();
        let mut bytes = Vec::new();
        write_csv_to(&table, &mut bytes, "t").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "t,n\n\"a,b\",100000000000000000000\n,0.1\n\"say \"\"x\"\"\",-2\n");
    }
}
