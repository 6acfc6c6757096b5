//! Apache Parquet: columns keep their types, key columns become text.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::check::{EXACT_DOUBLE, EXACT_FLOAT, check_header, integral_key, is_scientific, key_fault};
use super::csv::source_name;
use super::{Input, Pick, ReadOptions};
use crate::column::to_text;
use crate::error::{Error, KeyProblem, Place, Result};
use crate::table::{BATCH_ROWS, Origin, Part, Table};

const FORMAT: &str = "Parquet";

pub(super) struct ParquetRows {
    name: String,
    reader: ParquetRecordBatchReader,
    /// Position of each wanted column in what the reader returns, which is in file order.
    order: Vec<usize>,
    is_key: Vec<bool>,
    /// Schema of the file with the source's name in it, for the labels of the columns.
    schema: SchemaRef,
    next_row: u64,
}

impl ParquetRows {
    pub(super) fn open(name: &str, input: Input, options: &ReadOptions) -> Result<Self> {
        let malformed = |error: ParquetError| damaged(name, &error.to_string());
        // without the Arrow schema that writers embed: its decoder panics on damaged bytes, and labels
        // come from the catalogue, not from the file
        let arrow = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let source = Source::from(input);
        let builder = guarded(name, FORMAT, || ParquetRecordBatchReaderBuilder::try_new_with_options(source, arrow).map_err(malformed))?;
        let header: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        check_header(name, &header)?;
        let pick = Pick::new(name, &header, options)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), pick.columns.iter().copied());
        let mut sorted = pick.columns.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order: Vec<usize> = pick.columns.iter().map(|column| sorted.partition_point(|other| other < column)).collect();
        let fields: Vec<Field> = pick
            .columns
            .iter()
            .zip(&pick.is_key)
            .map(|(column, is_key)| {
                let field = builder.schema().field(*column).clone();
                if *is_key { field.with_data_type(DataType::Utf8).with_nullable(false) } else { field }
            })
            .collect();
        let schema = Table::from_batches(&source_name(name), Arc::new(Schema::new(fields)), Vec::new())?.schema().clone();
        let reader = guarded(name, FORMAT, || {
            let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
            builder.build().map_err(malformed)
        })?;
        Ok(Self { name: name.to_owned(), reader, order, is_key: pick.is_key, schema, next_row: 1 })
    }

    pub(super) fn next_table(&mut self) -> Result<Option<Table>> {
        let batch = loop {
            match guarded(&self.name, FORMAT, || Ok(self.reader.next()))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(damaged(&self.name, &error.to_string())),
                Some(Ok(batch)) if batch.num_rows() > 0 => break batch,
                Some(Ok(_)) => {}
            }
        };
        let mut arrays = Vec::with_capacity(self.order.len());
        for (position, (index, is_key)) in self.order.iter().zip(&self.is_key).enumerate() {
            let array = batch.column(*index);
            arrays.push(if *is_key {
                key_text(&self.name, self.schema.field(position).name(), self.next_row, array)?
            } else {
                array.clone()
            });
        }
        let origin = Origin::Run(Place { row: self.next_row, line: None });
        self.next_row += batch.num_rows() as u64;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| damaged(&self.name, &error.to_string()))?;
        Table::from_parts(self.schema.clone(), vec![Part { batch, origin }]).map(Some)
    }
}

/// A column as keys; the first row has this number.
pub(super) fn key_text(file: &str, column: &str, first: u64, array: &ArrayRef) -> Result<ArrayRef> {
    let fault = |index: usize, problem| key_fault(file, column, Place { row: first + index as u64, line: None }, problem);
    let number = |index: usize, value: f64, limit| integral_key(value, limit).ok_or_else(|| fault(index, KeyProblem::InexactNumber));
    let texts: StringArray = match array.data_type() {
        DataType::Float64 => {
            let cells = array.as_primitive::<Float64Type>().iter().enumerate();
            cells.map(|(i, cell)| cell.map(|value| number(i, value, EXACT_DOUBLE)).transpose()).collect::<Result<_>>()?
        }
        DataType::Float32 => {
            let cells = array.as_primitive::<Float32Type>().iter().enumerate();
            cells.map(|(i, cell)| cell.map(|value| number(i, value.into(), EXACT_FLOAT)).transpose()).collect::<Result<_>>()?
        }
        other => to_text(array).ok_or_else(|| Error::ColumnType {
            file: file.to_owned(),
            column: column.to_owned(),
            found: other.to_string(),
        })?,
    };
    if let Some(index) = texts.iter().position(|cell| cell.is_some_and(is_scientific)) {
        return Err(fault(index, KeyProblem::Scientific));
    }
    // a missing key is an empty one: normalisation counts it
    let texts: StringArray = texts.iter().map(|cell| Some(cell.unwrap_or(""))).collect();
    Ok(Arc::new(texts))
}

/// The Parquet and IPC libraries assert in places where a damaged file needs an error (seen: `offset + len out
/// of bounds` for a damaged page). Their panics end here; the reader is not used again after one.
pub(super) fn guarded<T>(name: &str, format: &'static str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f))
        .unwrap_or_else(|_| Err(Error::Malformed { file: name.to_owned(), format, detail: "contradictory lengths or types".to_owned() }))
}

fn damaged(name: &str, detail: &str) -> Error {
    Error::Malformed { file: name.to_owned(), format: FORMAT, detail: detail.to_owned() }
}

/// What the Parquet reader reads from.
enum Source {
    File(File),
    Memory(Bytes),
}

impl From<Input> for Source {
    fn from(input: Input) -> Self {
        match input {
            Input::File(file) => Self::File(file),
            Input::Memory(content) => Self::Memory(content.into_inner()),
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => Length::len(file),
            Self::Memory(content) => content.len() as u64,
        }
    }
}

impl ChunkReader for Source {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(match self {
            Self::File(file) => Box::new(BufReader::new(file.get_read(start)?)),
            Self::Memory(content) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX).min(content.len());
                Box::new(Cursor::new(content.slice(start..)))
            }
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // a damaged footer may claim any range; `File` would allocate it before it reads
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len());
        match (self, end) {
            (_, None) => Err(ParquetError::General("a range beyond the end of the file".to_owned())),
            (Self::File(file), _) => file.get_bytes(start, length),
            (Self::Memory(content), _) => content.get_bytes(start, length),
        }
    }
}
