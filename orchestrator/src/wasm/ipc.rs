//! The Arrow IPC stream that a module gives back, read by code that trusts nothing in it.
//!
//! Format: Arrow columnar format 1.5, "IPC Streaming Format" and "Encapsulated message format". arrow's own reader is made for
//! streams of friends: a buffer beyond the end of its body is a panic there. Here a stream holds few types, every length is
//! compared with what is there, and cells are copied one by one, so that nothing but cells arrives.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder};
use arrow::ipc::{self, Endianness, Precision};

use super::WasmError;
use super::output::{LONG_TEXT, MAX_COLUMNS, MAX_TEXT, NOT_UTF8, TOO_MANY, bad, one_nan, room};

/// Bytes before the length of each message, since format 0.15.
const CONTINUATION: u32 = u32::MAX;

/// Columns of the stream: names and values. `limit` bounds the bytes of what is made, which may be more than the stream's
/// (columns may share bytes).
pub(super) fn decode(stream: &[u8], limit: u64) -> Result<Vec<(String, ArrayRef)>, WasmError> {
    let mut stream = stream;
    let mut columns: Option<Vec<Column>> = None;
    let mut used = 0;
    while let Some((metadata, rest)) = message(stream)? {
        let read = ipc::root_as_message(metadata).map_err(|_| bad("a message that does not verify"))?;
        let len = usize::try_from(read.bodyLength()).ok();
        let (body, rest) = len.and_then(|len| rest.split_at_checked(len)).ok_or(bad("a body that ends early"))?;
        stream = rest;
        match (read.header_as_schema(), read.header_as_record_batch(), &mut columns) {
            (Some(schema), _, none @ None) => *none = Some(fields(schema)?),
            (_, Some(batch), Some(columns)) => append(columns, batch, body, limit, &mut used)?,
            _ => return Err(bad("a message that is neither the schema, once at the start, nor a batch")),
        }
    }
    Ok(columns.ok_or(bad("a stream without schema"))?.into_iter().map(Column::finish).collect())
}

/// The metadata of a message, and what follows.
type Framed<'a> = (&'a [u8], &'a [u8]);

/// The next message; `None` at the end.
fn message(stream: &[u8]) -> Result<Option<Framed<'_>>, WasmError> {
    if stream.is_empty() {
        return Ok(None);
    }
    let framing = bad("a message without its mark and length");
    let (mark, rest) = stream.split_first_chunk().ok_or(framing.clone())?;
    let (len, rest) = rest.split_first_chunk().ok_or(framing.clone())?;
    if u32::from_le_bytes(*mark) != CONTINUATION {
        return Err(framing);
    }
    match i32::from_le_bytes(*len) {
        0 if rest.is_empty() => Ok(None),
        0 => Err(bad("bytes after the end of the stream")),
        len => usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len)).map(Some).ok_or(bad("a message that ends early")),
    }
}

struct Column {
    name: String,
    cells: Cells,
}

enum Cells {
    F64(Float64Builder),
    I64(Int64Builder),
    I32(Int32Builder),
    Bool(BooleanBuilder),
    Utf8(StringBuilder, u64),
}

impl Column {
    fn finish(self) -> (String, ArrayRef) {
        let array: ArrayRef = match self.cells {
            Cells::F64(mut cells) => Arc::new(cells.finish()),
            Cells::I64(mut cells) => Arc::new(cells.finish()),
            Cells::I32(mut cells) => Arc::new(cells.finish()),
            Cells::Bool(mut cells) => Arc::new(cells.finish()),
            Cells::Utf8(mut cells, _) => Arc::new(cells.finish()),
        };
        (self.name, array)
    }
}

fn fields(schema: ipc::Schema<'_>) -> Result<Vec<Column>, WasmError> {
    if schema.endianness() != Endianness::Little {
        return Err(bad("a stream that is not little-endian"));
    }
    let fields = schema.fields().ok_or(bad("a schema without fields"))?;
    if fields.len() > MAX_COLUMNS {
        return Err(bad(TOO_MANY));
    }
    fields.iter().map(|field| Ok(Column { name: field.name().unwrap_or_default().to_owned(), cells: cells(field)? })).collect()
}

fn cells(field: ipc::Field<'_>) -> Result<Cells, WasmError> {
    let int = field.type_as_int().filter(|int| int.is_signed()).map(|int| int.bitWidth());
    let is_double = field.type_as_floating_point().is_some_and(|float| float.precision() == Precision::DOUBLE);
    let is_plain = field.dictionary().is_none() && field.children().is_none_or(|children| children.is_empty());
    match (int, is_double, field.type_type()) {
        _ if !is_plain => Err(bad(TYPES)),
        (Some(64), ..) => Ok(Cells::I64(Int64Builder::new())),
        (Some(32), ..) => Ok(Cells::I32(Int32Builder::new())),
        (_, true, _) => Ok(Cells::F64(Float64Builder::new())),
        (_, _, ipc::Type::Bool) => Ok(Cells::Bool(BooleanBuilder::new())),
        (_, _, ipc::Type::Utf8) => Ok(Cells::Utf8(StringBuilder::new(), 0)),
        _ => Err(bad(TYPES)),
    }
}

const TYPES: &str = "a type other than Float64, Int64, Int32, Boolean and Utf8";

/// Adds the rows of one batch.
fn append(columns: &mut [Column], batch: ipc::RecordBatch<'_>, body: &[u8], limit: u64, used: &mut u64) -> Result<(), WasmError> {
    let early = || bad("a batch with fewer nodes or buffers than its schema has");
    if batch.compression().is_some() {
        return Err(bad("a compressed batch"));
    }
    let rows = usize::try_from(batch.length()).map_err(|_| bad(LENGTH))?;
    let mut nodes = batch.nodes().ok_or_else(early)?.iter();
    let mut buffers = batch.buffers().ok_or_else(early)?.iter();
    let mut next = || {
        let buffer = buffers.next().ok_or_else(early)?;
        let range = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        range.and_then(|(at, len)| body.get(at..at.checked_add(len)?)).ok_or(bad("a buffer outside of its body"))
    };
    for column in columns {
        let node = nodes.next().ok_or_else(early)?;
        if usize::try_from(node.length()).ok() != Some(rows) {
            return Err(bad(LENGTH));
        }
        let valid = Valid::of(next()?, node.null_count(), rows)?;
        match &mut column.cells {
            Cells::F64(cells) => fixed(next()?, rows, limit, used, |at, eight| {
                cells.append_option(valid.at(at).then(|| one_nan(f64::from_le_bytes(eight))));
            })?,
            Cells::I64(cells) => {
                fixed(next()?, rows, limit, used, |at, eight| cells.append_option(valid.at(at).then(|| i64::from_le_bytes(eight))))?
            }
            Cells::I32(cells) => {
                fixed(next()?, rows, limit, used, |at, four| cells.append_option(valid.at(at).then(|| i32::from_le_bytes(four))))?
            }
            Cells::Bool(cells) => {
                let bits = next()?.get(..rows.div_ceil(8)).ok_or(bad(SHORT))?;
                room(limit, used, rows)?;
                (0..rows).for_each(|at| cells.append_option(valid.at(at).then(|| bit(bits, at))));
            }
            Cells::Utf8(cells, total) => texts(cells, total, (next()?, next()?), &valid, rows, (limit, &mut *used))?,
        }
    }
    if nodes.next().is_some() || buffers.next().is_some() {
        return Err(bad("a batch with more nodes or buffers than its schema has"));
    }
    Ok(())
}

const LENGTH: &str = "a number of rows that does not fit";
const SHORT: &str = "a buffer shorter than its rows";

fn fixed<const N: usize>(
    buffer: &[u8],
    rows: usize,
    limit: u64,
    used: &mut u64,
    mut each: impl FnMut(usize, [u8; N]),
) -> Result<(), WasmError> {
    let bytes = rows.checked_mul(N).and_then(|len| buffer.get(..len)).ok_or(bad(SHORT))?;
    room(limit, used, bytes.len())?;
    bytes.as_chunks().0.iter().enumerate().for_each(|(at, value)| each(at, *value));
    Ok(())
}

fn texts(
    cells: &mut StringBuilder,
    total: &mut u64,
    (offsets, bytes): (&[u8], &[u8]),
    valid: &Valid<'_>,
    rows: usize,
    (limit, used): (u64, &mut u64),
) -> Result<(), WasmError> {
    if rows == 0 {
        return Ok(());
    }
    let len = rows.checked_add(1).and_then(|count| count.checked_mul(4));
    let offsets = len.and_then(|len| offsets.get(..len)).ok_or(bad(SHORT))?;
    room(limit, used, offsets.len())?;
    let mut offsets = offsets.as_chunks().0.iter().map(|four| usize::try_from(i32::from_le_bytes(*four)).ok());
    let mut start = offsets.next().flatten();
    for (at, end) in offsets.enumerate() {
        let text = start.zip(end).and_then(|(start, end)| bytes.get(start..end)).ok_or(bad("a text outside of its buffer"))?;
        start = end;
        if !valid.at(at) {
            cells.append_null();
            continue;
        }
        room(limit, used, text.len())?;
        room(MAX_TEXT, total, text.len()).map_err(|_| bad(LONG_TEXT))?;
        cells.append_value(std::str::from_utf8(text).map_err(|_| bad(NOT_UTF8))?);
    }
    Ok(())
}

/// Which rows hold a value; `None`: all.
struct Valid<'a>(Option<&'a [u8]>);

impl<'a> Valid<'a> {
    fn of(buffer: &'a [u8], nulls: i64, rows: usize) -> Result<Self, WasmError> {
        match nulls {
            0 => Ok(Self(None)),
            _ => Ok(Self(Some(buffer.get(..rows.div_ceil(8)).ok_or(bad(SHORT))?))),
        }
    }

    fn at(&self, row: usize) -> bool {
        self.0.is_none_or(|bits| bit(bits, row))
    }
}

/// Bit `at`, least significant first.
fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}
