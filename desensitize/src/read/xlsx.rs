//! Office Open XML workbooks. The header is the first row that is not empty.

use std::io::BufReader;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};

use super::check::{EXACT_DOUBLE, cell_fault, check_header, integral_key, is_scientific, key_fault};
use super::csv::source_name;
use super::{Input, Pick, ReadOptions};
use crate::error::{CellProblem, Error, KeyProblem, Place, Result};
use crate::table::{BATCH_ROWS, Origin, Part, Table};

/// Reads one sheet. A sheet has at most 1,048,576 rows, so it is read at once.
pub(super) fn read(name: &str, input: Input, options: &ReadOptions) -> Result<Vec<Table>> {
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(input)).map_err(|error| damaged(name, &error))?;
    let sheet = choose_sheet(name, book.sheet_names(), options.sheet.as_deref())?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|error| damaged(name, &error))?;
    let mut rows: Option<SheetRows> = None;
    let mut row: Row<'_> = Row { line: 0, cells: Vec::new() };
    loop {
        let cell = cells.next_cell().map_err(|error| damaged(name, &error))?;
        let (line, column) = cell.as_ref().map_or((u64::MAX, 0), |cell| {
            let (line, column) = cell.get_position();
            (u64::from(line) + 1, column)
        });
        if line != row.line {
            if row.cells.iter().any(|(_, value)| !is_blank(value)) {
                match &mut rows {
                    None => rows = Some(SheetRows::new(name, &row, options)?),
                    Some(rows) => rows.push(&row)?,
                }
            }
            if line < row.line {
                return Err(Error::Malformed { file: name.to_owned(), format: "xlsx", detail: "rows out of order".to_owned() });
            }
            row = Row { line, cells: Vec::new() };
        }
        match cell {
            Some(cell) => row.cells.push((column, cell.get_value().clone())),
            None => break,
        }
    }
    let mut rows = rows.ok_or_else(|| Error::EmptyFile { file: name.to_owned() })?;
    rows.finish_batch()?;
    Ok(rows.tables)
}

struct Row<'a> {
    line: u64,
    cells: Vec<(u32, DataRef<'a>)>,
}

struct SheetRows {
    name: String,
    first_column: u32,
    width: usize,
    pick: Pick,
    schema: SchemaRef,
    builders: Vec<StringBuilder>,
    places: Vec<Place>,
    next_row: u64,
    tables: Vec<Table>,
}

impl SheetRows {
    fn new(name: &str, header: &Row<'_>, options: &ReadOptions) -> Result<Self> {
        let filled = || header.cells.iter().filter(|(_, value)| !is_blank(value)).map(|(column, _)| *column);
        let first_column = filled().min().unwrap_or(0);
        let width = filled().max().map_or(0, |last| (last - first_column) as usize + 1);
        let mut names = vec![String::new(); width];
        for (column, value) in &header.cells {
            let place = Place { row: 0, line: Some(header.line) };
            if let Some(slot) = column.checked_sub(first_column).and_then(|position| names.get_mut(position as usize)) {
                let text = cell_text(value).map_err(|problem| cell_fault(name, "", place, problem))?;
                *slot = text.trim().to_owned();
            }
        }
        check_header(name, &names)?;
        let pick = Pick::new(name, &names, options)?;
        let fields: Vec<Field> = pick.columns.iter().map(|column| Field::new(names[*column].as_str(), DataType::Utf8, false)).collect();
        let schema = Table::from_batches(&source_name(name), Arc::new(Schema::new(fields)), Vec::new())?.schema().clone();
        let builders = pick.columns.iter().map(|_| StringBuilder::new()).collect();
        let name = name.to_owned();
        Ok(Self { name, first_column, width, pick, schema, builders, places: Vec::new(), next_row: 1, tables: Vec::new() })
    }

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        let place = Place { row: self.next_row, line: Some(row.line) };
        let mut slots: Vec<&DataRef<'_>> = vec![&DataRef::Empty; self.width];
        for (column, value) in row.cells.iter().filter(|(_, value)| !is_blank(value)) {
            let position = column.checked_sub(self.first_column).map(|position| position as usize);
            match position.and_then(|position| slots.get_mut(position)) {
                Some(slot) => *slot = value,
                None => {
                    // a value beside the header belongs to no column
                    let found = position.map_or(self.width + 1, |position| position + 1);
                    return Err(Error::Ragged {
                        file: self.name.clone(),
                        line: row.line,
                        expected: self.width as u64,
                        found: found as u64,
                    });
                }
            }
        }
        for (index, (column, is_key)) in self.pick.columns.iter().zip(&self.pick.is_key).enumerate() {
            let label = self.schema.field(index).name();
            let text = if *is_key {
                key_text(slots[*column]).map_err(|problem| match problem {
                    Ok(problem) => key_fault(&self.name, label, place, problem),
                    Err(problem) => cell_fault(&self.name, label, place, problem),
                })?
            } else {
                cell_text(slots[*column]).map_err(|problem| cell_fault(&self.name, label, place, problem))?
            };
            self.builders[index].append_value(text);
        }
        self.places.push(place);
        self.next_row += 1;
        if self.places.len() == BATCH_ROWS {
            self.finish_batch()?;
        }
        Ok(())
    }

    fn finish_batch(&mut self) -> Result<()> {
        if self.places.is_empty() {
            return Ok(());
        }
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        let batch =
            RecordBatch::try_new(self.schema.clone(), arrays).map_err(|source| Error::Arrow { what: "building a batch", source })?;
        let origin = Origin::Each(std::mem::take(&mut self.places).into());
        self.tables.push(Table::from_parts(self.schema.clone(), vec![Part { batch, origin }])?);
        Ok(())
    }
}

fn choose_sheet(name: &str, sheets: Vec<String>, wanted: Option<&str>) -> Result<String> {
    let chosen = match (wanted, sheets.as_slice()) {
        (Some(wanted), _) => sheets.iter().find(|sheet| *sheet == wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    match chosen {
        Some(sheet) => Ok(sheet.clone()),
        None => Err(Error::Sheet { file: name.to_owned(), wanted: wanted.map(str::to_owned), sheets }),
    }
}

fn is_blank(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.trim().is_empty(),
        DataRef::SharedString(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn cell_text(value: &DataRef<'_>) -> std::result::Result<String, CellProblem> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Rust writes the shortest decimal that reads back as the same double, without exponent
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(moment) => date_text(moment),
        DataRef::Error(_) => return Err(CellProblem::SpreadsheetError),
    })
}

type KeyFault = std::result::Result<KeyProblem, CellProblem>;

fn key_text(value: &DataRef<'_>) -> std::result::Result<String, KeyFault> {
    let text = match value {
        DataRef::Float(number) => integral_key(*number, EXACT_DOUBLE).ok_or(Ok(KeyProblem::InexactNumber))?,
        other => cell_text(other).map_err(Err)?,
    };
    if is_scientific(&text) {
        return Err(Ok(KeyProblem::Scientific));
    }
    Ok(text)
}

/// `2026-11-21`, or `2026-11-21T08:30:00` if there is a time; a duration as its number of days.
fn date_text(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        return moment.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => date,
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// Cells with formulas, over all sheets; read one by one, since a hostile sheet may claim any size.
pub(super) fn formulas(name: &str, input: Input) -> Result<u64> {
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(input)).map_err(|error| damaged(name, &error))?;
    let mut count = 0;
    for sheet in book.sheet_names() {
        let mut cells = match book.worksheet_cells_reader(&sheet) {
            Ok(cells) => cells,
            // a chart
            Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(damaged(name, &error)),
        };
        while let Some(cell) = cells.next_formula().map_err(|error| damaged(name, &error))? {
            count += u64::from(!cell.get_value().is_empty());
        }
    }
    Ok(count)
}

/// Names the structure only: the reader's own messages can quote a cell.
fn damaged(name: &str, error: &calamine::XlsxError) -> Error {
    use calamine::XlsxError as X;
    let detail = match error {
        X::Io(error) => format!("cannot be read: {error}"),
        X::Zip(_) => "not a zip archive, or cut short".to_owned(),
        X::FileNotFound(_) | X::RelationshipNotFound | X::WorksheetNotFound(_) => "a part of the workbook is missing".to_owned(),
        X::Xml(_) | X::XmlAttr(_) | X::XmlEof(_) => "a part of the workbook is not well-formed XML".to_owned(),
        X::Password => "the workbook is protected by a password".to_owned(),
        _ => "unexpected content".to_owned(),
    };
    Error::Malformed { file: name.to_owned(), format: "xlsx", detail }
}
