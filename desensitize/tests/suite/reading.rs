//! Each way a file can be wrong, and each encoding.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, LargeStringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use yu_desensitize::error::{CellProblem, KeyProblem};
use yu_desensitize::read::{Encoding, ReadOptions, read_batches, read_table, read_table_from};
use yu_desensitize::{Error, Place, Result, Table, column};

pub(crate) fn read(content: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Table> {
    read_table_from("folder/t.csv", content.as_ref().to_vec().into(), options)
}

fn plain(content: impl AsRef<[u8]>) -> Result<Table> {
    read(content, &ReadOptions::default())
}

pub(crate) fn with_key(key: &str) -> ReadOptions {
    ReadOptions { keys: vec![key.into()], ..ReadOptions::default() }
}

fn gb18030(text: &str) -> Vec<u8> {
    let (bytes, _, had_errors) = encoding_rs::GB18030.encode(text);
    assert!(!had_errors);
    bytes.into_owned()
}

#[test]
fn columns_are_text_until_asked() {
    let table = plain("id,x,name\n007,1.50,\"a, b\"\n8, -2,\n").unwrap();
    assert_eq!(table.column_names(), ["id", "x", "name"]);
    assert_eq!(table.source(), "t.csv");
    assert_eq!(column::text(&table, "id").unwrap(), ["007", "8"]);
    assert_eq!(column::text(&table, "name").unwrap(), ["a, b", ""]);
    assert_eq!(column::numeric(&table, "x").unwrap(), [1.5, -2.0]);
}

#[test]
fn encodings() {
    let text = "编号,地区\r\n1,海曙区\r\n2,鄞州区𠮷\r\n";
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for content in [text.as_bytes().to_vec(), marked.clone(), gb18030(text), utf16] {
        let table = plain(content).unwrap();
        assert_eq!(table.column_names(), ["编号", "地区"]);
        assert_eq!(column::text(&table, "地区").unwrap(), ["海曙区", "鄞州区𠮷"]);
        assert_eq!(table.place(1), Some(Place { row: 2, line: Some(3) }));
    }
    let asked = |encoding| ReadOptions { encoding, ..ReadOptions::default() };
    assert_eq!(read(marked, &asked(Encoding::Utf8)).unwrap().column_names(), ["编号", "地区"]);
    assert!(read(gb18030(text), &asked(Encoding::Gb18030)).is_ok());
    let Err(Error::Undecodable { tried, .. }) = read(gb18030(text), &asked(Encoding::Utf8)) else { panic!("decoded") };
    assert_eq!(tried, [("UTF-8", 0)]);
    assert_eq!(Encoding::from_name("GBK"), Some(Encoding::Gb18030));
    assert_eq!(Encoding::from_name("latin-1"), None);
}

#[test]
fn undecodable_bytes_have_an_offset() {
    // 0xff is neither UTF-8 nor GB18030
    let Err(Error::Undecodable { tried, file }) = plain(b"a,b\n1,\xff\n") else { panic!("decoded") };
    assert_eq!((tried, file.as_str()), (vec![("UTF-8", 6), ("GB18030", 6)], "folder/t.csv"));
    // a byte order mark leaves no choice
    let Err(Error::Undecodable { tried, .. }) = plain(b"\xef\xbb\xbfa,b\n1,\xba\xa3\n") else { panic!("decoded") };
    assert_eq!(tried, [("UTF-8", 9)]);
}

#[test]
fn empty_files() {
    assert!(matches!(plain(""), Err(Error::EmptyFile { .. })));
    assert!(matches!(plain("\n\n"), Err(Error::EmptyFile { .. })));
    assert!(matches!(plain("\u{feff}"), Err(Error::EmptyFile { .. })));
    assert!(matches!(plain("id,x\n"), Err(Error::NoRows { .. })));
    assert!(matches!(read_table("/nonexistent.csv", &ReadOptions::default()), Err(Error::Io { .. })));
}

#[test]
fn headers() {
    assert!(matches!(plain("a,b,a\n1,2,3\n"), Err(Error::HeaderTwice { positions: (1, 3), .. })));
    assert!(matches!(plain("a,,c\n1,2,3\n"), Err(Error::HeaderEmpty { position: 2, .. })));
    assert!(matches!(plain("11010519491231002X,5\n1,2\n"), Err(Error::HeaderIsData { position: 1, .. })));
    let Err(Error::MissingColumn { near, column, .. }) = read("resident_id,x\n1,2\n", &with_key("residentid")) else { panic!("found") };
    assert_eq!((near, column.as_str()), (vec!["resident_id".to_owned()], "residentid"));
}

#[test]
fn delimiters() {
    for content in ["a;b\n1;2,5\n", "a\tb\n1\t2,5\n", "\"a\";\"b,c\"\n1;\"2,5\"\n"] {
        let table = plain(content).unwrap();
        assert_eq!(table.num_columns(), 2);
    }
    assert_eq!(plain("a\n1\n").unwrap().num_columns(), 1);
    assert!(matches!(plain("a,b;c\n1,2;3\n"), Err(Error::DelimiterUnclear { .. })));
    let bar = ReadOptions { delimiter: Some('|'), ..ReadOptions::default() };
    assert_eq!(read("a|b,c\n1|2\n", &bar).unwrap().column_names(), ["a", "b,c"]);
}

#[test]
fn ragged_rows_name_their_line() {
    for end in ["\n", "\r\n"] {
        // line 4 is blank, lines 5 and 6 are one row
        let content = ["a,b", "1,2", "3,4", "", "\"5", "5\",6", "7,8,9", ""].join(end);
        assert!(matches!(plain(&content), Err(Error::Ragged { line: 7, expected: 2, found: 3, .. })), "{:?}", plain(&content));
        let table = plain(content.replace(",9", "")).unwrap();
        let lines: Vec<_> = (0..4).map(|row| table.place(row).unwrap().line.unwrap()).collect();
        assert_eq!(lines, [2, 3, 5, 7]);
    }
    assert!(matches!(plain("a,b\n1\n"), Err(Error::Ragged { line: 2, expected: 2, found: 1, .. })));
}

#[test]
fn a_quotation_mark_does_not_swallow_the_file() {
    assert!(matches!(plain("a,b\n1,\"2\n3,4\n5,6\n"), Err(Error::UnclosedQuote { line: 2, .. })));
    assert!(matches!(plain("a,b\n1,2\n\"3,4\n5,6\n"), Err(Error::UnclosedQuote { line: 3, .. })));
    assert!(matches!(plain("a,\"b\n1,2\n"), Err(Error::UnclosedQuote { line: 1, .. })));
    // an inch mark in the middle of a field is text
    assert_eq!(column::text(&plain("a,b\n1,5\"\n2,6\n").unwrap(), "b").unwrap(), ["5\"", "6"]);
    let long = format!("a\n\"{}\n\"\n1\n", "x".repeat(2 << 20));
    assert!(matches!(plain(long), Err(Error::FieldTooLong { line: 2, .. })));
}

#[test]
fn cells_that_are_no_numbers() {
    let table = plain("x,y\n1,\n\n2,n/a\n３,\"1,000\"\n").unwrap();
    let at = |column: &str| match column::numeric(&table, column) {
        Err(Error::Cell { place: Place { row, line }, problem, column, .. }) => (column, row, line.unwrap(), problem),
        other => panic!("{other:?}"),
    };
    assert_eq!(at("x"), ("x".into(), 3, 5, CellProblem::FullWidth));
    assert_eq!(at("y"), ("y".into(), 1, 2, CellProblem::Empty));
    let rest = table.filter(&[false, true, true]).unwrap();
    assert!(matches!(
        column::numeric(&rest, "y"),
        Err(Error::Cell { place: Place { row: 2, line: Some(4) }, problem: CellProblem::NotANumber, .. })
    ));
    let last = rest.take(&[1u64]).unwrap();
    assert!(matches!(
        column::numeric(&last, "y"),
        Err(Error::Cell { place: Place { row: 3, line: Some(5) }, problem: CellProblem::ThousandsSeparator, .. })
    ));
}

#[test]
fn keys_in_scientific_notation_are_refused() {
    let content = "id,x\nabc,1\n3.302E+17,1e5\n";
    let error = read(content, &with_key("id")).unwrap_err();
    let place = Place { row: 2, line: Some(3) };
    assert!(matches!(&error, Error::Key { place: p, problem: KeyProblem::Scientific, column, .. } if *p == place && column == "id"));
    assert!(!error.to_string().contains("3.302"), "{error}");
    assert!(error.to_string().contains("format the column as text"), "{error}");
    // no key column, no refusal
    assert_eq!(plain(content).unwrap().num_rows(), 2);
}

#[test]
fn only_the_wanted_columns() {
    let options = ReadOptions { columns: Some(vec!["c".into(), "a".into()]), ..with_key("b") };
    let table = read("a,b,c\n1,2,3\n", &options).unwrap();
    assert_eq!(table.column_names(), ["c", "a", "b"]);
    assert_eq!(column::text(&table, "c").unwrap(), ["3"]);
}

#[test]
fn a_file_that_changed() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"id,x\n1,2\n").unwrap();
    let (version, bytes) = yu_desensitize::version::version_of(file.path()).unwrap();
    assert_eq!(bytes, 9);
    let options = ReadOptions { version: Some(version.clone()), ..ReadOptions::default() };
    assert_eq!(read_table(file.path(), &options).unwrap().num_rows(), 1);
    file.write_all(b"3,4\n").unwrap();
    assert!(matches!(read_table(file.path(), &options), Err(Error::Changed { expected, .. }) if expected == version));
}

#[test]
fn batches_have_a_limit() {
    let mut content = String::from("id\n");
    for row in 0..150_000 {
        content.push_str(&format!("r{row}\n"));
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    let sizes: Vec<u64> = read_batches(file.path(), &ReadOptions::default()).unwrap().map(|table| table.unwrap().num_rows()).collect();
    assert_eq!(sizes, [65_536, 65_536, 18_928]);
    let table = read_table(file.path(), &with_key("id")).unwrap();
    assert_eq!(table.place(149_999), Some(Place { row: 150_000, line: Some(150_001) }));
    let picked = table.take(&[149_999u64, 0, 70_000]).unwrap();
    assert_eq!(column::text(&picked, "id").unwrap(), ["r149999", "r0", "r70000"]);
}

pub(crate) fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_keeps_numbers_and_makes_keys_text() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(330_203_199_001_011_234), None, Some(7)]));
    let names: ArrayRef = Arc::new(LargeStringArray::from(vec!["海曙区", "江北区", "海曙区"]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 2.0, f64::INFINITY]));
    let content = parquet(vec![("name", names), ("x", values), ("id", ids)]);
    let table = read(&content, &with_key("id")).unwrap();
    assert_eq!(table.column_names(), ["name", "x", "id"]);
    assert_eq!(table.schema().field(2).data_type(), &DataType::Utf8);
    assert_eq!(column::text(&table, "id").unwrap(), ["330203199001011234", "", "7"]);
    assert_eq!(column::categories(&table, "name", &["江北区", "海曙区"]).unwrap(), [1, 0, 1]);
    assert!(matches!(
        column::numeric(&table, "x"),
        Err(Error::Cell { place: Place { row: 3, line: None }, problem: CellProblem::NotFinite, .. })
    ));
    let options = ReadOptions { columns: Some(vec!["x".into()]), ..with_key("id") };
    assert_eq!(read(&content, &options).unwrap().column_names(), ["x", "id"]);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&content).unwrap();
    assert_eq!(read_table(file.path(), &options).unwrap().num_rows(), 3);

    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![12.0, 3.3e17]));
    let error = read(parquet(vec![("id", doubles)]), &with_key("id")).unwrap_err();
    assert!(matches!(error, Error::Key { place: Place { row: 2, .. }, problem: KeyProblem::InexactNumber, .. }));
}

#[test]
fn damaged_parquet_is_an_error() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let content = parquet(vec![("id", ids)]);
    for length in [8, content.len() / 2, content.len() - 1] {
        assert!(matches!(plain(&content[..length]), Err(Error::Malformed { format: "Parquet", .. })));
    }
    let none: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
    assert!(matches!(plain(parquet(vec![("id", none)])), Err(Error::NoRows { .. })));
}

#[test]
fn other_formats_are_named() {
    assert!(matches!(plain(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Err(Error::Unsupported { .. })));
    assert!(matches!(plain(b"PK\x03\x04 cut short"), Err(Error::Malformed { format: "xlsx", .. })));
}
