//! Files into tables: CSV, xlsx, Parquet, Arrow IPC. Nothing is guessed silently and nothing is lost silently.
//!
//! * CSV: every column is text; numbers are parsed when they are asked for. See [`Encoding`] for what is decoded.
//!   Blank lines are skipped, as everywhere in CSV (a file of one column cannot hold an empty cell).
//! * xlsx: cells become text as well. A number is written without exponent, a date as `2026-11-21`.
//! * Parquet, Arrow IPC: columns keep their types; key columns become text; labels in the file are not believed.
//!
//! A key that a spreadsheet has turned into scientific notation is refused, and so is a numeric key that a double
//! cannot hold exactly: its digits are gone already. Leading zeros that a spreadsheet dropped cannot be seen from here.

mod active;
mod check;
mod csv;
mod encoding;
mod ipc;
mod parquet;
mod xlsx;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::table::{Table, find_column};
use crate::version::version_of_reader;

pub use active::{Active, active};
pub(crate) use check::{is_scientific, key_fault};

/// How text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// By byte order mark (UTF-8 or UTF-16); else UTF-8 if the whole file is valid; else GB18030 if the whole file is
    /// valid; else an error with the offsets.
    #[default]
    Auto,
    /// UTF-8, with or without byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, which includes GBK and GB 2312; as the WHATWG decoder reads it, without replacement characters.
    Gb18030,
}

impl Encoding {
    /// The encoding of a usual name: `auto`, `utf-8`, `gb18030`, `gbk`, `gb2312`; case does not matter.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Some(Self::Auto),
            "utf-8" | "utf8" => Some(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" => Some(Self::Gb18030),
            _ => None,
        }
    }
}

/// Which kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// By the first bytes of the file, whatever its name is.
    #[default]
    Auto,
    /// Delimited text.
    Csv,
    /// Office Open XML workbook.
    Xlsx,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC file.
    #[serde(rename = "arrow")]
    ArrowIpc,
}

/// How to read a file. The default finds out everything by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// Which kind of file.
    pub format: Format,
    /// How text is encoded (CSV).
    pub encoding: Encoding,
    /// The delimiter (CSV); `None` finds `,`, `;` or tab in the header.
    pub delimiter: Option<char>,
    /// The sheet (xlsx); `None` takes the only one.
    pub sheet: Option<String>,
    /// Columns that are keys: they become text and are checked.
    pub keys: Vec<String>,
    /// Only these columns, in this order, keys not named here after them; `None` reads all.
    pub columns: Option<Vec<String>>,
    /// SHA-256 (hex) the content must have, before and after reading.
    pub version: Option<String>,
}

/// Reads a whole file.
///
/// # Errors
/// See [`Error`]: each is about the file and says where and what to do.
///
/// ```no_run
/// use yu_desensitize::read::{ReadOptions, read_table};
/// let options = ReadOptions { keys: vec!["id".into()], ..ReadOptions::default() };
/// let table = read_table("bank.csv", &options)?;
/// println!("{} rows", table.num_rows());
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
pub fn read_table(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    collect(read_batches(path, options)?)
}

/// Reads a whole file that is in memory, for example because it is stored encrypted. `name` is used in errors.
///
/// # Errors
/// As [`read_table`].
pub fn read_table_from(name: &str, content: Bytes, options: &ReadOptions) -> Result<Table> {
    collect(read_batches_from(name, content, options)?)
}

/// Reads a file as a sequence of tables of at most [`crate::table::BATCH_ROWS`] rows.
///
/// # Errors
/// As [`read_table`]; faults in later rows come from the iterator.
pub fn read_batches(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Batches> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| Error::io(&name, source))?;
    Batches::new(name, Input::File(file), options)
}

/// The same for content in memory.
///
/// # Errors
/// As [`read_batches`].
pub fn read_batches_from(name: &str, content: Bytes, options: &ReadOptions) -> Result<Batches> {
    Batches::new(name.to_owned(), Input::Memory(Cursor::new(content)), options)
}

fn collect(mut batches: Batches) -> Result<Table> {
    let file = batches.name.clone();
    let mut table = batches.next().unwrap_or(Err(Error::NoRows { file }))?;
    for batch in batches {
        table.append(batch?)?;
    }
    Ok(table)
}

/// Tables in row order. After an error it ends.
pub struct Batches {
    name: String,
    rows: Rows,
    check: Option<(Input, String)>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Running,
    Ended,
}

enum Rows {
    Csv(Box<csv::CsvRows>),
    Parquet(Box<parquet::ParquetRows>),
    Ipc(Box<ipc::IpcRows>),
    Xlsx(std::vec::IntoIter<Table>),
}

impl Batches {
    fn new(name: String, mut input: Input, options: &ReadOptions) -> Result<Self> {
        let io = |source| Error::io(&name, source);
        let check = match &options.version {
            Some(version) => {
                check_version(&name, &mut input, version)?;
                Some((input.again().map_err(io)?, version.clone()))
            }
            None => None,
        };
        let rows = match find_format(&name, &mut input, options.format)? {
            Format::Parquet => Rows::Parquet(Box::new(parquet::ParquetRows::open(&name, input, options)?)),
            Format::ArrowIpc => Rows::Ipc(Box::new(ipc::IpcRows::open(&name, input, options)?)),
            Format::Xlsx => Rows::Xlsx(xlsx::read(&name, input, options)?.into_iter()),
            Format::Csv | Format::Auto => Rows::Csv(Box::new(csv::CsvRows::open(&name, input, options)?)),
        };
        Ok(Self { name, rows, check, state: State::Untouched })
    }

    fn advance(&mut self) -> Result<Option<Table>> {
        let table = match &mut self.rows {
            Rows::Csv(rows) => rows.next_table()?,
            Rows::Parquet(rows) => rows.next_table()?,
            Rows::Ipc(rows) => rows.next_table()?,
            Rows::Xlsx(tables) => tables.next(),
        };
        if table.is_none() {
            if self.state == State::Untouched {
                return Err(Error::NoRows { file: self.name.clone() });
            }
            if let Some((input, version)) = &mut self.check {
                check_version(&self.name, input, version)?;
            }
        }
        Ok(table)
    }
}

impl Iterator for Batches {
    type Item = Result<Table>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Ended {
            return None;
        }
        let next = self.advance().transpose();
        self.state = match &next {
            Some(Ok(_)) => State::Running,
            _ => State::Ended,
        };
        next
    }
}

/// A file or its content.
pub(crate) enum Input {
    File(File),
    Memory(Cursor<Bytes>),
}

impl Input {
    fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::File(file) => Self::File(file.try_clone()?),
            Self::Memory(content) => Self::Memory(Cursor::new(content.get_ref().clone())),
        })
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(content) => content.read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(content) => content.seek(to),
        }
    }
}

fn check_version(name: &str, input: &mut Input, expected: &str) -> Result<()> {
    let found = input.rewind().and_then(|()| version_of_reader(input)).map_err(|source| Error::io(name, source))?.0;
    if found == expected {
        return Ok(());
    }
    Err(Error::Changed { file: name.to_owned(), expected: expected.to_owned(), found })
}

/// Looks at the first bytes; leaves the input at its beginning.
fn find_format(name: &str, input: &mut Input, asked: Format) -> Result<Format> {
    let io = |source| Error::io(name, source);
    let mut first = Vec::with_capacity(8);
    input.rewind().map_err(io)?;
    input.by_ref().take(8).read_to_end(&mut first).map_err(io)?;
    input.rewind().map_err(io)?;
    if first.is_empty() {
        return Err(Error::EmptyFile { file: name.to_owned() });
    }
    if asked != Format::Auto {
        return Ok(asked);
    }
    let unsupported = |found| Err(Error::Unsupported { file: name.to_owned(), found });
    match first.as_slice() {
        [b'P', b'K', 3, 4, ..] => Ok(Format::Xlsx),
        [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => unsupported("an old or encrypted Office file (.xls, .et)"),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Ok(Format::ArrowIpc),
        [0x1f, 0x8b, ..] => unsupported("a gzip file"),
        [b'%', b'P', b'D', b'F', ..] => unsupported("a PDF file"),
        _ => Ok(Format::Csv),
    }
}

/// Which columns to read and which of them are keys.
pub(crate) struct Pick {
    /// Positions in the file.
    pub(crate) columns: Vec<usize>,
    /// For each of them, whether it is a key.
    pub(crate) is_key: Vec<bool>,
}

impl Pick {
    fn new(name: &str, header: &[String], options: &ReadOptions) -> Result<Self> {
        let keys = options.keys.iter().map(|key| find_column(header, key, name)).collect::<Result<Vec<_>>>()?;
        let mut columns = match &options.columns {
            Some(wanted) => wanted.iter().map(|column| find_column(header, column, name)).collect::<Result<Vec<_>>>()?,
            None => (0..header.len()).collect(),
        };
        for key in &keys {
            if !columns.contains(key) {
                columns.push(*key);
            }
        }
        let is_key = columns.iter().map(|column| keys.contains(column)).collect();
        Ok(Self { columns, is_key })
    }
}
