//! Arrow IPC files: columns keep their types, key columns become text; labels in the file are not believed.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::FileReader;

use super::check::check_header;
use super::csv::source_name;
use super::parquet::{guarded, key_text};
use super::{Input, Pick, ReadOptions};
use crate::error::{Error, Place, Result};
use crate::table::{BATCH_ROWS, Origin, Part, Table};

/// Blocks of an IPC file are read whole; a damaged length must not be believed further than the file goes.
struct Source {
    input: BufReader<Input>,
    left: u64,
    len: u64,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.len() as u64 > self.left {
            return Err(std::io::Error::other("a range beyond the end of the file"));
        }
        let read = self.input.read(buffer)?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = self.input.seek(to)?;
        self.left = self.len.saturating_sub(at);
        Ok(at)
    }
}

pub(super) struct IpcRows {
    name: String,
    reader: FileReader<Source>,
    /// Columns of the file in the order that is wanted.
    columns: Vec<usize>,
    is_key: Vec<bool>,
    schema: SchemaRef,
    /// What is left of the batch that was read last.
    rest: Option<RecordBatch>,
    next_row: u64,
}

impl IpcRows {
    pub(super) fn open(name: &str, mut input: Input, options: &ReadOptions) -> Result<Self> {
        let io = |source| Error::io(name, source);
        let len = input.seek(SeekFrom::End(0)).map_err(io)?;
        input.rewind().map_err(io)?;
        check_lengths(&mut input, len).map_err(|detail| damaged(name, &detail))?;
        let source = Source { input: BufReader::new(input), left: len, len };
        let reader = guarded(name, FORMAT, || FileReader::try_new(source, None).map_err(|error| damaged(name, &error.to_string())))?;
        let header: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        check_header(name, &header)?;
        let pick = Pick::new(name, &header, options)?;
        let fields: Vec<Field> = pick
            .columns
            .iter()
            .zip(&pick.is_key)
            .map(|(column, is_key)| {
                let field = reader.schema().field(*column).clone().with_metadata([].into());
                if *is_key { field.with_data_type(DataType::Utf8).with_nullable(false) } else { field }
            })
            .collect();
        let schema = Table::from_batches(&source_name(name), Arc::new(Schema::new(fields)), Vec::new())?.schema().clone();
        Ok(Self { name: name.to_owned(), reader, columns: pick.columns, is_key: pick.is_key, schema, rest: None, next_row: 1 })
    }

    pub(super) fn next_table(&mut self) -> Result<Option<Table>> {
        let batch = loop {
            let whole = match self.rest.take() {
                Some(rest) => rest,
                None => match guarded(&self.name, FORMAT, || Ok(self.reader.next()))? {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(damaged(&self.name, &error.to_string())),
                    Some(Ok(batch)) => batch,
                },
            };
            if whole.num_rows() > BATCH_ROWS {
                self.rest = Some(whole.slice(BATCH_ROWS, whole.num_rows() - BATCH_ROWS));
                break whole.slice(0, BATCH_ROWS);
            }
            if whole.num_rows() > 0 {
                break whole;
            }
        };
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (position, (column, is_key)) in self.columns.iter().zip(&self.is_key).enumerate() {
            let array = batch.column(*column);
            let name = self.schema.field(position).name();
            arrays.push(if *is_key { key_text(&self.name, name, self.next_row, array)? } else { array.clone() });
        }
        let origin = Origin::Run(Place { row: self.next_row, line: None });
        self.next_row += batch.num_rows() as u64;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| damaged(&self.name, &error.to_string()))?;
        Table::from_parts(self.schema.clone(), vec![Part { batch, origin }]).map(Some)
    }
}

const FORMAT: &str = "Arrow IPC";

/// Magic bytes and the length before them, at the end of a file.
const TRAILER: u64 = 10;

/// The library allocates what the footer says of each block before it reads it: every block must lie inside the file.
fn check_lengths(input: &mut Input, len: u64) -> std::result::Result<(), String> {
    let beyond = || "a block beyond the end of the file".to_owned();
    let io = |error: std::io::Error| error.to_string();
    let end = len.checked_sub(TRAILER).ok_or("too short")?;
    let mut trailer = [0; TRAILER as usize];
    input.seek(SeekFrom::Start(end)).map_err(io)?;
    input.read_exact(&mut trailer).map_err(io)?;
    let [a, b, c, d, ..] = trailer;
    let footer = u64::try_from(i32::from_le_bytes([a, b, c, d])).ok().filter(|footer| *footer <= end).ok_or_else(beyond)?;
    input.seek(SeekFrom::Start(end - footer)).map_err(io)?;
    let mut bytes = Vec::new();
    input.by_ref().take(footer).read_to_end(&mut bytes).map_err(io)?;
    input.rewind().map_err(io)?;
    let footer = arrow::ipc::root_as_footer(&bytes).map_err(|error| error.to_string())?;
    let blocks = footer.recordBatches().into_iter().chain(footer.dictionaries()).flatten();
    for block in blocks {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()].map(u64::try_from);
        let [Ok(offset), Ok(metadata), Ok(body)] = parts else { return Err(beyond()) };
        offset.checked_add(metadata).and_then(|at| at.checked_add(body)).filter(|at| *at <= len).ok_or_else(beyond)?;
    }
    Ok(())
}

fn damaged(name: &str, detail: &str) -> Error {
    Error::Malformed { file: name.to_owned(), format: FORMAT, detail: detail.to_owned() }
}
