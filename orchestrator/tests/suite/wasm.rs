//! Algorithms as WebAssembly modules: right answers, every limit met, nothing around them to get hold of.

#[path = "wasm/answers.rs"]
mod answers;
#[path = "wasm/calls.rs"]
mod calls;
#[path = "wasm/limits.rs"]
mod limits;
#[path = "wasm/refused.rs"]
mod refused;
#[path = "wasm/results.rs"]
mod results;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use yu_governance::canonical::Hash;
use yu_orchestrator::wasm::{Limits, Module, Output, Runner, WasmError};

/// Every function of the interface under its own name.
pub(crate) const INTERFACE: &str = r#"
  (import "yu" "table_rows" (func $table_rows (param i32) (result i64)))
  (import "yu" "table_columns" (func $table_columns (param i32) (result i32)))
  (import "yu" "column_kind" (func $column_kind (param i32 i32) (result i32)))
  (import "yu" "column_name" (func $column_name (param i32 i32 i32 i32) (result i32)))
  (import "yu" "column_f64" (func $column_f64 (param i32 i32 i64 i32 i32) (result i32)))
  (import "yu" "column_i64" (func $column_i64 (param i32 i32 i64 i32 i32) (result i32)))
  (import "yu" "column_valid" (func $column_valid (param i32 i32 i64 i32 i32) (result i32)))
  (import "yu" "input_len" (func $input_len (param i32) (result i64)))
  (import "yu" "input_read" (func $input_read (param i32 i64 i32 i32) (result i32)))
  (import "yu" "params_len" (func $params_len (result i32)))
  (import "yu" "params_read" (func $params_read (param i32 i32 i32) (result i32)))
  (import "yu" "output_f64" (func $output_f64 (param i32 i32 i32 i32)))
  (import "yu" "output_i64" (func $output_i64 (param i32 i32 i32 i32)))
  (import "yu" "output_utf8" (func $output_utf8 (param i32 i32 i32 i32)))
  (import "yu" "output_write" (func $output_write (param i32 i32)))
  (import "yu" "fail" (func $fail (param i32)))
"#;

/// Gives its parameters back as the result's stream.
pub(crate) const ECHO: &str = r#"(module
  (import "yu" "params_len" (func $len (result i32)))
  (import "yu" "params_read" (func $read (param i32 i32 i32) (result i32)))
  (import "yu" "output_write" (func $write (param i32 i32)))
  (memory (export "memory") 64)
  (func (export "yu_run") (param i32) (result i32)
    (call $write (i32.const 0) (call $read (i32.const 0) (i32.const 0) (call $len)))
    (i32.const 0)))"#;

pub(crate) fn bytes(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

pub(crate) fn try_load(bytes: &[u8]) -> Result<Module, WasmError> {
    Module::load(bytes, &Hash::of_file(bytes))
}

pub(crate) fn load(wat: &str) -> Module {
    try_load(&bytes(wat)).unwrap()
}

/// A module with the whole interface, one page of memory with one `1.5` at 1024 and the name `x` at 0, and this body.
pub(crate) fn body(body: &str) -> Module {
    load(&format!(
        r#"(module {INTERFACE}
        (memory (export "memory") 1)
        (data (i32.const 0) "x")
        (data (i32.const 1024) "\00\00\00\00\00\00\f8\3f")
        (func (export "yu_run") (param $tables i32) (result i32) {body} (i32.const 0)))"#
    ))
}

pub(crate) fn run(module: &Module, tables: &[RecordBatch], params: &[u8]) -> Result<Output, WasmError> {
    Runner::run(module, tables, params, &Limits::default())
}

pub(crate) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn f64s(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

pub(crate) fn i64s(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub(crate) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Two columns of numbers and one of text, four rows.
pub(crate) fn small() -> RecordBatch {
    table(vec![("income", f64s([1.0, 2.0, 4.0, 8.0])), ("town", texts(&["杭州", "宁波", "温州", "杭州"])), ("visits", i64s([3, 1, 4, 1]))])
}

/// The Arrow IPC stream of a table.
pub(crate) fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}
