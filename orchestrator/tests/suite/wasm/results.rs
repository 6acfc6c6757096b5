//! What comes back: columns or a stream, and nothing beside its cells.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{Field, Float64Type, Int32Type, Schema};
use proptest::prelude::*;
use yu_orchestrator::wasm::{Limits, Runner, WasmError};

use super::{ECHO, body, f64s, i64s, load, run, small, stream, table, texts};

fn why(text: &str) -> &'static str {
    match run(&body(text), &[small()], &[]).unwrap_err() {
        WasmError::Result { what } => what,
        other => panic!("{text}: {other:?}"),
    }
}

const ONE: &str = "(call $output_f64 (i32.const 0) (i32.const 1) (i32.const 1024) (i32.const 1))";

#[test]
fn columns_make_one_table() {
    let output = run(&body(ONE), &[], &[]).unwrap();
    assert!(output.table == table(vec![("x", f64s([1.5]))]));
    assert_eq!((output.usage.bytes_out, output.usage.bytes_in), (9, 0));
    assert_eq!(why(""), "nothing was written");
    assert!(why(&ONE.repeat(2)).contains("two columns have one name"));
    let other = ONE.replace("(i32.const 0) (i32.const 1)", "(i32.const 0) (i32.const 2)");
    // the second byte of the name is 0
    assert!(why(&other).contains("control characters"));
    assert!(why(&ONE.replace("(i32.const 1)", "(i32.const 0)")).contains("empty"));
    assert!(why(&ONE.replace("(i32.const 0)", "(i32.const 1030)")).contains("not UTF-8"));
    let two = "(call $output_i64 (i32.const 1031) (i32.const 1) (i32.const 1024) (i32.const 2))";
    assert!(why(&format!("{ONE}{two}")).contains("number of rows"));
    assert!(why(&format!("{ONE}(call $output_write (i32.const 0) (i32.const 1))")).contains("one of them"));
    assert!(why(&format!("(call $output_write (i32.const 0) (i32.const 1)){ONE}")).contains("one of them"));
    let bad_text = "(i32.store (i32.const 8) (i32.const 1)) (i32.store8 (i32.const 12) (i32.const 255))
        (call $output_utf8 (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 1))";
    assert!(why(bad_text).contains("a text is not UTF-8"));
}

#[test]
fn texts_come_with_their_lengths() {
    let module = load(
        r#"(module (import "yu" "output_utf8" (func $output_utf8 (param i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "town")
        (data (i32.const 16) "\06\00\00\00\00\00\00\00\02\00\00\00杭州ab")
        (func (export "yu_run") (param i32) (result i32)
          (call $output_utf8 (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 3))
          (i32.const 0)))"#,
    );
    assert!(run(&module, &[], &[]).unwrap().table == table(vec![("town", texts(&["杭州", "", "ab"]))]));
}

fn echo(bytes: &[u8]) -> Result<RecordBatch, WasmError> {
    run(&load(ECHO), &[], bytes).map(|output| output.table)
}

fn all_types() -> RecordBatch {
    table(vec![
        ("f", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-0.0)])) as ArrayRef),
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)]))),
        ("j", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("收入", Arc::new(StringArray::from(vec![Some("杭州"), None, Some("")]))),
    ])
}

#[test]
fn streams_come_back_as_they_are() {
    let batch = all_types();
    assert!(echo(&stream(std::slice::from_ref(&batch))).unwrap() == batch);
    // several batches, one of them a slice, one empty
    let parts = [batch.slice(0, 1), batch.slice(1, 0), batch.slice(1, 2)];
    assert!(echo(&stream(&parts)).unwrap() == batch);
    let empty = echo(&stream(&[batch.slice(0, 0)])).unwrap();
    assert_eq!((empty.num_rows(), empty.num_columns()), (0, 5));
}

/// From the module's input to its output: what the node writes, the node reads.
#[test]
fn a_module_may_pass_its_input_on() {
    let module = load(
        r#"(module
        (import "yu" "input_len" (func $len (param i32) (result i64)))
        (import "yu" "input_read" (func $read (param i32 i64 i32 i32) (result i32)))
        (import "yu" "output_write" (func $write (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "yu_run") (param i32) (result i32) (local $at i64)
          ;; in pieces of 100 bytes
          (loop $l
            (call $write (i32.const 0) (call $read (i32.const 0) (local.get $at) (i32.const 0) (i32.const 100)))
            (br_if $l (i64.lt_u (local.tee $at (i64.add (local.get $at) (i64.const 100))) (call $len (i32.const 0)))))
          (i32.const 0)))"#,
    );
    let rows = 1000;
    let wide = table(vec![
        ("id", i64s(0..rows)),
        ("town", Arc::new(StringArray::from_iter((0..rows).map(|x| (x % 7 != 0).then(|| format!("town {x}"))))) as ArrayRef),
        ("x", f64s((0..rows).map(|x| x as f64 / 3.0))),
    ]);
    let output = run(&module, std::slice::from_ref(&wide), &[]).unwrap();
    assert!(output.table == wide);
    assert_eq!(output.usage.bytes_in, output.usage.bytes_out);
}

#[test]
fn nothing_travels_beside_the_cells() {
    let hidden = f64::from_bits(f64::NAN.to_bits() | 0x0000_dead_beef_cafe);
    // a payload in a NaN, a value under a null, metadata of schema and field
    let nulls = NullBuffer::from(vec![true, false]);
    let under = Float64Array::new(ScalarBuffer::from(vec![hidden, 31415.926]), Some(nulls.clone()));
    let texts =
        StringArray::new(arrow::buffer::OffsetBuffer::from_lengths([1, 6]), arrow::buffer::Buffer::from(b"asecret".to_vec()), Some(nulls));
    let told = std::collections::HashMap::from([("told".to_owned(), "secret".to_owned())]);
    let fields = vec![
        Field::new("x", under.data_type().clone(), true).with_metadata(told.clone()),
        Field::new("t", texts.data_type().clone(), true),
    ];
    let schema = Schema::new_with_metadata(fields, told);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(under), Arc::new(texts)]).unwrap();
    let sent = stream(&[batch]);
    assert!(sent.windows(6).any(|part| part == b"secret"));
    let output = echo(&sent).unwrap();
    let column = output.column(0).as_primitive::<Float64Type>();
    assert_eq!(column.values()[0].to_bits(), f64::NAN.to_bits());
    assert_eq!((column.is_null(1), column.values()[1]), (true, 0.0));
    assert_eq!(output.column(1).as_string::<i32>().value_data(), b"a");
    let kept = stream(&[output]);
    assert!(!kept.windows(6).any(|part| part == b"secret") && !kept.windows(8).any(|part| part == 31415.926_f64.to_le_bytes()));
    // and by columns
    let module = body(
        "(i64.store (i32.const 8) (i64.const 0x7ff8deadbeefcafe))
        (call $output_f64 (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 1))",
    );
    let output = run(&module, &[], &[]).unwrap().table;
    assert_eq!(output.column(0).as_primitive::<Float64Type>().value(0).to_bits(), f64::NAN.to_bits());
}

#[test]
fn types_that_are_not_wanted() {
    let dictionary: DictionaryArray<Int32Type> = ["a", "b"].into_iter().collect();
    for array in [
        Arc::new(Float32Array::from(vec![1.0, 2.0])) as ArrayRef,
        Arc::new(UInt64Array::from(vec![1, 2])),
        Arc::new(dictionary),
        Arc::new(arrow::array::NullArray::new(2)),
        Arc::new(arrow::array::StringViewArray::from(vec!["a", "b"])),
        Arc::new(arrow::array::StructArray::from(table(vec![("x", f64s([1.0, 2.0]))]))),
    ] {
        let kind = array.data_type().clone();
        let error = echo(&stream(&[table(vec![("x", array)])])).unwrap_err();
        assert!(matches!(error, WasmError::Result { what } if what.contains("a type other than")), "{kind}: {error}");
    }
    let none = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        vec![],
        &arrow::array::RecordBatchOptions::new().with_row_count(Some(9)),
    );
    assert_eq!(echo(&stream(&[none.unwrap()])).unwrap_err().code().as_str(), "wasm.result");
    let many: Vec<String> = (0..1025).map(|c| c.to_string()).collect();
    let many = table(many.iter().map(|name| (name.as_str(), f64s([1.0]))).collect());
    assert_eq!(echo(&stream(&[many])).unwrap_err().code().as_str(), "wasm.result");
}

#[test]
fn streams_that_do_not_hold_together() {
    let good = stream(&[all_types()]);
    for len in 0..good.len() {
        match echo_quiet(&good[..len]) {
            Ok(table) => assert!(table.num_rows() == 0 || len + 8 >= good.len(), "{len}"),
            Err(error) => assert_eq!(error.code().as_str(), "wasm.result", "{len}"),
        }
    }
    assert!(echo(&[&good[..], &good].concat()).is_err());
    assert!(echo(&[&good[..], &[0]].concat()).is_err());
    // the file format is not the stream format
    assert!(echo(&[b"ARROW1\0\0", &good[..]].concat()).is_err());
    assert!(echo(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(echo(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
}

fn echo_quiet(bytes: &[u8]) -> Result<RecordBatch, WasmError> {
    thread_local!(static MODULE: yu_orchestrator::wasm::Module = load(ECHO));
    MODULE.with(|module| run(module, &[], bytes).map(|output| output.table))
}

#[test]
fn any_byte_of_a_stream_may_be_wrong() {
    let good = stream(&[all_types()]);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() });
    let flips = prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0xff_u8), Just(0x80), 1_u8..]), 1..4);
    runner
        .run(&flips, |flips| {
            let mut other = good.clone();
            flips.iter().for_each(|(at, bits)| other[at.index(good.len())] ^= bits);
            // a thread that stops is `wasm.host`: it must not
            if let Err(error) = echo_quiet(&other) {
                prop_assert!(matches!(error, WasmError::Result { .. } | WasmError::Output { .. }), "{error}");
            }
            Ok(())
        })
        .unwrap();
}

/// Columns may share their bytes: what is made of them counts, not what was sent.
#[test]
fn a_stream_that_grows_when_it_is_read() {
    // one bit a row becomes a cell each
    let bits: ArrayRef = Arc::new(BooleanArray::from(vec![true; 80_000]));
    let sent = stream(&[table(vec![("b", bits)])]);
    assert!(sent.len() < 12_000);
    let limits = Limits { output_bytes: 40_000, ..Limits::default() };
    assert_eq!(Runner::run(&load(ECHO), &[], &sent, &limits).unwrap_err(), WasmError::Output { limit: 40_000 });
    assert!(echo(&sent).is_ok());
}
