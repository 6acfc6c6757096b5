//! Bytes that nobody meant: an error or a table, never a panic.

#[path = "hostile/run.rs"]
mod run;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use proptest::prelude::*;
use yu_desensitize::Table;
use yu_desensitize::column;
use yu_desensitize::read::{Format, ReadOptions, read_table_from};
use yu_desensitize::write::write_table;

use crate::reading::parquet;
use crate::workbook::{row, text, workbook};

/// A block that claims more than the file holds is refused before anything of that size is asked of the system.
#[test]
fn blocks_beyond_an_ipc_file() {
    let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.arrow");
    write_table(&Table::from_columns("t", vec![("x", values)]).unwrap(), &file).unwrap();
    let content = std::fs::read(&file).unwrap();
    assert!(read_table_from("t", content.clone().into(), &ReadOptions::default()).is_ok());
    let (footer, trailer) = content.split_at(content.len() - 10);
    let begin = footer.len() - i32::from_le_bytes(trailer[..4].try_into().unwrap()) as usize;
    let block = *arrow::ipc::root_as_footer(&footer[begin..]).unwrap().recordBatches().unwrap().get(0);
    let place = footer[begin..].windows(block.0.len()).position(|bytes| bytes == block.0).unwrap() + begin + 16;
    for body in [1 << 46, i64::MAX, -1] {
        let mut content = content.clone();
        content[place..place + 8].copy_from_slice(&i64::to_le_bytes(body));
        let error = read_table_from("t", content.into(), &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("beyond the end of the file"), "{error}");
    }
}

fn read_all(content: Vec<u8>, options: &ReadOptions) {
    let Ok(table) = read_table_from("hostile", content.into(), options) else {
        return;
    };
    for name in table.column_names() {
        let _ = column::numeric(&table, name);
        let _ = column::distinct(&table, name, 10);
    }
}

/// Changes bytes of `content` at the given relative places.
fn spoil(mut content: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (place, byte) in changes {
        let place = place.index(content.len());
        content[place] = *byte;
    }
    content
}

proptest! {
    // no file of past failures: the source tree stays as it is
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(content in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(content, &ReadOptions::default());
    }

    #[test]
    fn any_table(content in "([a-c0-9\",;\\r\n é海]{0,8}[,\n]){0,30}") {
        read_all(content.clone().into_bytes(), &ReadOptions::default());
        let (bytes, ..) = encoding_rs::GB18030.encode(&content);
        read_all(bytes.into_owned(), &ReadOptions::default());
    }

    #[test]
    fn damaged_parquet(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|i| format!("id{i}"))));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)));
        let content = spoil(parquet(vec![("id", ids), ("x", values)]), &changes);
        let options = ReadOptions { format: Format::Parquet, keys: vec!["id".into()], ..ReadOptions::default() };
        read_all(content, &options);
    }

    #[test]
    fn damaged_ipc(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), end: prop::sample::Index) {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|i| format!("id{i}"))));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.arrow");
        write_table(&Table::from_columns("t", vec![("id", ids), ("x", values)]).unwrap(), &file).unwrap();
        let content = spoil(std::fs::read(&file).unwrap(), &changes);
        let options = ReadOptions { format: Format::ArrowIpc, keys: vec!["id".into()], ..ReadOptions::default() };
        read_all(content[..end.index(content.len())].to_vec(), &options);
        read_all(content, &options);
    }

    #[test]
    fn damaged_workbook(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let rows = row(1, &[text("A1", "id")]) + &row(2, &[text("A2", "a")]);
        let content = spoil(workbook(&[("s", &rows)]), &changes);
        read_all(content, &ReadOptions { format: Format::Xlsx, ..ReadOptions::default() });
    }
}
