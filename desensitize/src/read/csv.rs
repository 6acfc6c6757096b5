//! Delimited text: header, delimiter, ragged rows, unclosed quotation marks.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use csv::{Reader, ReaderBuilder, StringRecord};

use super::check::{check_header, is_scientific, key_fault};
use super::encoding::{self, Decoding};
use super::{Input, Pick, ReadOptions};
use crate::error::{Error, KeyProblem, Place, Result, Text};
use crate::table::{BATCH_ROWS, Origin, Part, Table};

/// No honest field of a table is longer; an unclosed quotation mark soon is.
const FIELD_LIMIT: usize = 1 << 20;
/// A batch ends early above this, so that an Arrow string column stays far below 2 GiB.
const BATCH_BYTES: usize = 1 << 28;
/// No honest row is longer; what follows an unclosed quotation mark soon is, and would be gathered into memory to the end of the file.
const ROW_LIMIT: u64 = 1 << 24;
/// How much of the file the delimiter is looked for in.
const HEADER_LIMIT: u64 = 1 << 20;

pub(super) struct CsvRows {
    name: String,
    reader: Reader<Watched>,
    watch: Arc<Mutex<Watch>>,
    record: StringRecord,
    width: usize,
    pick: Pick,
    schema: SchemaRef,
    next_row: u64,
}

impl CsvRows {
    pub(super) fn open(name: &str, mut input: Input, options: &ReadOptions) -> Result<Self> {
        let io = |source| Error::io(name, source);
        let decoding = encoding::find(name, &mut input, options.encoding)?;
        let delimiter = match options.delimiter {
            Some(delimiter) => u8::try_from(delimiter).map_err(|_| Error::DelimiterUnclear { file: name.to_owned() })?,
            None => find_delimiter(name, decoding, input.again().map_err(io)?)?,
        };
        input.rewind().map_err(io)?;
        let watch = Arc::new(Mutex::new(Watch::default()));
        let watched = Watched { source: decoding.open(input).map_err(io)?, watch: watch.clone() };
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(1 << 18).from_reader(watched);
        let mut record = StringRecord::new();
        if !reader.read_record(&mut record).map_err(|error| fault(name, &watch, error))? {
            return Err(Error::EmptyFile { file: name.to_owned() });
        }
        check_closed(name, &record, &reader, &watch)?;
        let header: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
        check_header(name, &header)?;
        let pick = Pick::new(name, &header, options)?;
        let fields: Vec<Field> = pick.columns.iter().map(|column| Field::new(header[*column].as_str(), DataType::Utf8, false)).collect();
        let schema = Table::from_batches(&source_name(name), Arc::new(Schema::new(fields)), Vec::new())?.schema().clone();
        Ok(Self { name: name.to_owned(), reader, watch, record, width: header.len(), pick, schema, next_row: 1 })
    }

    pub(super) fn next_table(&mut self) -> Result<Option<Table>> {
        // room at the start, less of it for each of many columns
        let room = (1 << 20) / self.pick.columns.len().max(1);
        let builder = || StringBuilder::with_capacity(room.min(4096), (16 * room).min(65_536));
        let mut builders: Vec<StringBuilder> = self.pick.columns.iter().map(|_| builder()).collect();
        let first_row = self.next_row;
        let mut lines: Vec<u64> = Vec::new();
        let mut bytes = 0;
        while lines.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            if !self.reader.read_record(&mut self.record).map_err(|error| fault(&self.name, &self.watch, error))? {
                break;
            }
            let line = check_closed(&self.name, &self.record, &self.reader, &self.watch)?;
            self.check_record(line)?;
            for ((column, is_key), builder) in self.pick.columns.iter().zip(&self.pick.is_key).zip(&mut builders) {
                // INVARIANT: `check_record` made the record as wide as the header
                let field = &self.record[*column];
                if *is_key && is_scientific(field) {
                    let place = Place { row: self.next_row, line: Some(line) };
                    return Err(key_fault(&self.name, self.schema_name(*column), place, KeyProblem::Scientific));
                }
                builder.append_value(field);
                // an empty cell takes its offset
                bytes += field.len() + size_of::<i32>();
            }
            lines.push(line);
            self.next_row += 1;
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let origin = origin(first_row, &lines);
        let arrays: Vec<ArrayRef> = builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        let batch =
            RecordBatch::try_new(self.schema.clone(), arrays).map_err(|source| Error::Arrow { what: "building a batch", source })?;
        Table::from_parts(self.schema.clone(), vec![Part { batch, origin }]).map(Some)
    }

    fn schema_name(&self, column: usize) -> &str {
        let position = self.pick.columns.iter().position(|other| *other == column).unwrap_or(0);
        self.schema.field(position).name()
    }

    fn check_record(&self, line: u64) -> Result<()> {
        let file = || self.name.clone();
        if self.record.iter().any(|field| field.len() > FIELD_LIMIT) {
            return Err(Error::FieldTooLong { file: file(), line, limit: FIELD_LIMIT as u64 });
        }
        if self.record.len() != self.width {
            return Err(Error::Ragged { file: file(), line, expected: self.width as u64, found: self.record.len() as u64 });
        }
        Ok(())
    }
}

/// The line on which a record starts; refuses a record that ran into the end of the file inside a quotation.
fn check_closed(name: &str, record: &StringRecord, reader: &Reader<Watched>, watch: &Mutex<Watch>) -> Result<u64> {
    let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
    let breaks = record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
    let end = reader.position().byte();
    // the parser asks beyond the last byte only if the last record has no end; if it spans lines
    // and the quotation marks do not pair, it swallowed the rest of the file
    let is_open = breaks > 0 && watch.has_ended && watch.bytes == end && !watch.quotes.is_multiple_of(2);
    let line = watch.line_of(end, breaks, is_open);
    if is_open {
        return Err(Error::UnclosedQuote { file: name.to_owned(), line });
    }
    Ok(line)
}

/// The file's own name without its folders: what a table remembers.
pub(super) fn source_name(name: &str) -> String {
    std::path::Path::new(name).file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned())
}

fn origin(first_row: u64, lines: &[u64]) -> Origin {
    let first = Place { row: first_row, line: lines.first().copied() };
    if lines.windows(2).all(|pair| pair[1] == pair[0] + 1) {
        return Origin::Run(first);
    }
    Origin::Each((first_row..).zip(lines).map(|(row, line)| Place { row, line: Some(*line) }).collect())
}

/// The delimiter that occurs most often in the header outside quotation marks; a comma if there is none.
fn find_delimiter(name: &str, decoding: Decoding, mut input: Input) -> Result<u8> {
    let io = |source| Error::io(name, source);
    input.rewind().map_err(io)?;
    let mut head = Vec::new();
    decoding.open(input).map_err(io)?.take(HEADER_LIMIT).read_to_end(&mut head).map_err(io)?;
    let mut counts = [(b',', 0u32), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    let mut has_text = false;
    for byte in head {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted && has_text => break,
            _ if !is_quoted => {
                if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
        has_text |= !matches!(byte, b'\n' | b'\r');
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match counts {
        [(_, 0), ..] => Ok(b','),
        [(_, first), (_, second), _] if first == second => Err(Error::DelimiterUnclear { file: name.to_owned() }),
        [(delimiter, _), ..] => Ok(delimiter),
    }
}

fn fault(name: &str, watch: &Mutex<Watch>, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(source) if source.get_ref().is_some_and(|inner| inner.is::<TooLong>()) => {
            let watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            too_long(name, watch.passed + 1)
        }
        csv::ErrorKind::Io(source) => match encoding::undecodable(&source) {
            Some(offset) => Error::Undecodable { file: name.to_owned(), tried: vec![("the encoding found before", offset)] },
            None => Error::io(name, source),
        },
        csv::ErrorKind::Utf8 { pos, .. } => {
            let offset = pos.map_or(0, |pos| pos.byte());
            Error::Undecodable { file: name.to_owned(), tried: vec![("UTF-8", offset)] }
        }
        _ => Error::Malformed { file: name.to_owned(), format: "CSV", detail: "unreadable row".to_owned() },
    }
}

fn too_long(name: &str, line: u64) -> Error {
    let (file_en, file_zh) = (format!("file `{name}`, line {line}"), format!("文件 `{name}`，第 {line} 行"));
    Error::refused(
        "data.row_too_long",
        Text::new("a row is longer than 16 MiB", "有一行超过 16 MiB"),
        Text::new(file_en, file_zh),
        Text::new("look for an unclosed quotation mark in this row or before it", "请检查该行及之前是否有未闭合的引号"),
    )
}

/// Tells that a row goes on beyond the limit; travels inside an [`io::Error`].
#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row beyond the limit")
    }
}

impl std::error::Error for TooLong {}

/// What went by on its way to the parser, which runs at most one buffer behind.
///
/// The parser's own line counts a pending line feed of CR LF, and blank lines, to the record after them; this finds the
/// line from the end of the record backwards.
#[derive(Default)]
struct Watch {
    quotes: u64,
    bytes: u64,
    has_ended: bool,
    /// Offsets of the line feeds that the parser has not reached.
    ahead: VecDeque<u64>,
    /// Where the last record ended.
    end: u64,
    /// Line feeds that it has passed, and the offset of the last.
    passed: u64,
    last: Option<u64>,
}

impl Watch {
    /// Line on which the record starts that ends in front of offset `end` and has `breaks` line
    /// feeds in its fields. A record that is open has no line feed of its own.
    fn line_of(&mut self, end: u64, breaks: u64, is_open: bool) -> u64 {
        self.end = end;
        while let Some(offset) = self.ahead.pop_front_if(|offset| *offset < end) {
            self.passed += 1;
            self.last = Some(offset);
        }
        let own_end = u64::from(!is_open && self.last.is_some_and(|last| last + 1 == end));
        (1 + self.passed).saturating_sub(breaks + own_end)
    }
}

struct Watched {
    source: Box<dyn Read + Send>,
    watch: Arc<Mutex<Watch>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.has_ended = count == 0;
        for (offset, byte) in (watch.bytes..).zip(&buffer[..count]) {
            match byte {
                b'\n' => watch.ahead.push_back(offset),
                b'"' => watch.quotes += 1,
                _ => {}
            }
        }
        watch.bytes += count as u64;
        if watch.bytes.saturating_sub(watch.end) > ROW_LIMIT {
            return Err(io::Error::other(TooLong));
        }
        Ok(count)
    }
}
