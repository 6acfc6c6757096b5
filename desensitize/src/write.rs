//! Tables into files: CSV (UTF-8, comma, header, line feed), Parquet, Arrow IPC. A file is whole or not there.
//!
//! | to see | open |
//! |---|---|
//! | CSV cells | [`csv`] |

pub mod csv;

use std::fs::{self, File};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use self::csv::CsvSink;
pub use self::csv::write_csv_to;
use crate::error::{Error, Result, Text};
use crate::read::Format;
use crate::table::Table;

/// Writes tables of one schema one after the other, batch by batch, into a file beside the wanted one, which takes the wanted name
/// in [`Writer::finish`]: whoever looks at the name sees a whole file or none. Dropped before that, it leaves nothing.
///
/// Parquet and Arrow IPC files hold the labels of the columns in the metadata of the schema.
pub struct Writer {
    name: String,
    to: PathBuf,
    part: PathBuf,
    format: Format,
    sink: Option<Sink>,
}

/// A file that knows its columns.
enum Sink {
    Csv(Box<CsvSink<File>>),
    Parquet(Box<ArrowWriter<File>>),
    Ipc(Box<FileWriter<BufWriter<File>>>),
}

/// The format that a name asks for by its ending: `.csv`, `.parquet`, `.arrow` or `.feather`.
#[must_use]
pub fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "parquet" => Some(Format::Parquet),
        "arrow" | "feather" | "ipc" => Some(Format::ArrowIpc),
        _ => None,
    }
}

impl Writer {
    /// A writer for `path`, in the format of its ending. Nothing is created before the first table comes.
    ///
    /// # Errors
    /// `write.format` for an ending that is not known.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::in_format(path.as_ref(), known_format(path.as_ref())?))
    }

    fn in_format(path: &Path, format: Format) -> Self {
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".part-{}", std::process::id()));
        Self { name: path.display().to_string(), to: path.to_owned(), part: part.into(), format, sink: None }
    }

    /// Appends the rows of a table; all tables have the columns of the first.
    ///
    /// # Errors
    /// `Io`; `ColumnType` for nested and binary columns in CSV; `Arrow` if the columns differ.
    pub fn write(&mut self, table: &Table) -> Result<()> {
        if self.sink.is_none() {
            self.sink = Some(self.open(table)?);
        }
        let name = &self.name;
        match &mut self.sink {
            Some(Sink::Csv(sink)) => sink.write(table),
            Some(Sink::Parquet(writer)) => {
                table.batches().try_for_each(|batch| writer.write(batch)).map_err(|error| Error::io(name, std::io::Error::other(error)))
            }
            Some(Sink::Ipc(writer)) => table.batches().try_for_each(|batch| writer.write(batch)).map_err(|error| fault(name, error)),
            None => Ok(()),
        }
    }

    fn open(&self, table: &Table) -> Result<Sink> {
        let io = |source| Error::io(&self.name, source);
        // for its owner's eyes: who else may read it is that one's decision
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&self.part).map_err(io)?;
        let schema: SchemaRef = table.schema().clone();
        Ok(match self.format {
            Format::Parquet => {
                let level = ZstdLevel::try_new(3).map_err(|error| io(std::io::Error::other(error)))?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                let writer = ArrowWriter::try_new(file, schema, Some(properties));
                Sink::Parquet(Box::new(writer.map_err(|error| io(std::io::Error::other(error)))?))
            }
            Format::ArrowIpc => Sink::Ipc(Box::new(FileWriter::try_new_buffered(file, &schema).map_err(|error| fault(&self.name, error))?)),
            _ => Sink::Csv(Box::new(CsvSink::new(file, &self.name, table)?)),
        })
    }

    /// Makes sure that everything is on disk, then gives the file its name; an existing one is replaced.
    ///
    /// # Errors
    /// `NoRows` if no table was written; `Io`.
    pub fn finish(mut self) -> Result<()> {
        let io = |source| Error::io(&self.name, source);
        let file = match self.sink.take() {
            None => return Err(Error::NoRows { file: self.name.clone() }),
            Some(Sink::Csv(sink)) => sink.into_inner()?,
            Some(Sink::Parquet(writer)) => writer.into_inner().map_err(|error| io(std::io::Error::other(error)))?,
            Some(Sink::Ipc(mut writer)) => {
                writer.finish().map_err(|error| fault(&self.name, error))?;
                let buffered = writer.into_inner().map_err(|error| fault(&self.name, error))?;
                buffered.into_inner().map_err(|error| io(error.into_error()))?
            }
        };
        file.sync_all().map_err(io)?;
        drop(file);
        fs::rename(&self.part, &self.to).map_err(io)?;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // after `finish` there is none
        let _ = fs::remove_file(&self.part);
    }
}

/// The format of a name's ending.
///
/// # Errors
/// `write.format` for an ending that is not known.
pub(crate) fn known_format(path: &Path) -> Result<Format> {
    let name = path.display();
    format_of(path).ok_or_else(|| {
        Error::refused(
            "write.format",
            Text::new("the ending of the file names no format that can be written", "文件扩展名不是可写出的格式"),
            Text::new(format!("file `{name}`"), format!("文件 `{name}`")),
            Text::new("use .csv, .parquet or .arrow", "请使用 .csv、.parquet 或 .arrow"),
        )
    })
}

/// Writes a table as a CSV file, whatever its name is. An existing file is replaced.
///
/// # Errors
/// As [`Writer`].
pub fn write_csv(table: &Table, path: impl AsRef<Path>) -> Result<()> {
    let mut writer = Writer::in_format(path.as_ref(), Format::Csv);
    writer.write(table)?;
    writer.finish()
}

/// Writes a whole table, see [`Writer`].
///
/// # Errors
/// As [`Writer`].
pub fn write_table(table: &Table, path: impl AsRef<Path>) -> Result<()> {
    let mut writer = Writer::new(path)?;
    writer.write(table)?;
    writer.finish()
}

fn fault(name: &str, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => Error::io(name, source),
        source => Error::Arrow { what: "writing a batch", source },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::read::{ReadOptions, read_table};
    use crate::table::Label;

    fn table(first: i64) -> Table {
        let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let values: ArrayRef = Arc::new(Int64Array::from(vec![first, -7]));
        let label = Label { class: Some("name".into()), ..Label::default() };
        Table::from_columns("t", vec![("id", ids), ("x", values)]).unwrap().with_label("id", &label).unwrap()
    }

    #[test]
    fn every_format_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        for ending in ["csv", "parquet", "arrow"] {
            let path = dir.path().join(format!("t.{ending}"));
            let mut writer = Writer::new(&path).unwrap();
            writer.write(&table(1)).unwrap();
            writer.write(&table(2)).unwrap();
            assert!(!path.exists());
            writer.finish().unwrap();
            let back = read_table(&path, &ReadOptions::default()).unwrap();
            assert_eq!(crate::column::numeric(&back, "x").unwrap(), [1.0, -7.0, 2.0, -7.0], "{ending}");
            assert_eq!(crate::column::text(&back, "id").unwrap(), ["a", "", "a", ""]);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        write_table(&table(1), &path).unwrap();
        let before = std::fs::read(&path).unwrap();
        let mut writer = Writer::new(&path).unwrap();
        writer.write(&table(5)).unwrap();
        drop(writer);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(matches!(Writer::new(dir.path().join("t.doc")), Err(Error::Refused(refusal)) if refusal.code == "write.format"));
        assert!(matches!(Writer::new(dir.path().join("t.csv")).unwrap().finish(), Err(Error::NoRows { .. })));
        let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let mut writer = Writer::new(dir.path().join("u.csv")).unwrap();
        writer.write(&table(5)).unwrap();
        assert!(writer.write(&Table::from_columns("t", vec![("y", other)]).unwrap()).is_err());
    }
}
