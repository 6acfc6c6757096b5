//! Calls of the host with arguments that cannot be served, and with ones that just can.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array};
use arrow::datatypes::Int64Type;
use yu_orchestrator::wasm::{Module, WasmError};

use super::{body, load, run, small, table};

fn error(module: &Module) -> WasmError {
    run(module, &[small()], &[7; 40]).unwrap_err()
}

fn refused(text: &str, function: &str) {
    match error(&body(text)) {
        WasmError::Call { function: found, .. } if found == function => {}
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn pointers_outside_of_memory() {
    // one page of memory: the last byte is 65535
    for (function, inside) in [
        ("column_name", "(drop (call $column_name (i32.const 0) (i32.const 0) (PTR) (i32.const 6)))"),
        ("column_f64", "(drop (call $column_f64 (i32.const 0) (i32.const 0) (i64.const 0) (PTR) (i32.const 4)))"),
        ("column_i64", "(drop (call $column_i64 (i32.const 0) (i32.const 2) (i64.const 0) (PTR) (i32.const 4)))"),
        ("column_valid", "(drop (call $column_valid (i32.const 0) (i32.const 0) (i64.const 0) (PTR) (i32.const 4)))"),
        ("input_read", "(drop (call $input_read (i32.const 0) (i64.const 0) (PTR) (i32.const 100)))"),
        ("params_read", "(drop (call $params_read (i32.const 0) (PTR) (i32.const 40)))"),
        ("output_f64", "(call $output_f64 (i32.const 0) (i32.const 1) (PTR) (i32.const 1))"),
        ("output_f64", "(call $output_f64 (PTR) (i32.const 4) (i32.const 0) (i32.const 1))"),
        ("output_i64", "(call $output_i64 (i32.const 0) (i32.const 1) (PTR) (i32.const 1))"),
        ("output_utf8", "(call $output_utf8 (i32.const 0) (i32.const 1) (PTR) (i32.const 1))"),
        ("output_write", "(call $output_write (PTR) (i32.const 4))"),
    ] {
        for pointer in
            ["i32.const 65533", "i32.const 65536", "i32.const 0x7fffffff", "i32.const 0x80000000", "i32.const -4", "i32.const -1"]
        {
            refused(&inside.replace("PTR", pointer), function);
        }
    }
    // a text that ends beyond memory: its length stands at the end
    refused(
        "(i32.store (i32.const 65532) (i32.const 1)) (call $output_utf8 (i32.const 0) (i32.const 1) (i32.const 65532) (i32.const 1))",
        "output_utf8",
    );
}

#[test]
fn tables_and_columns_that_are_not_there() {
    for index in ["1", "-1", "0x7fffffff"] {
        for (function, arguments) in [
            ("table_rows", ""),
            ("table_columns", ""),
            ("input_len", ""),
            ("input_read", "(i64.const 0) (i32.const 0) (i32.const 1)"),
            ("column_kind", "(i32.const 0)"),
            ("column_name", "(i32.const 0) (i32.const 0) (i32.const 1)"),
            ("column_f64", "(i32.const 0) (i64.const 0) (i32.const 0) (i32.const 1)"),
        ] {
            refused(&format!("(drop (call ${function} (i32.const {index}) {arguments}))"), function);
        }
    }
    for (function, arguments) in [
        ("column_kind", ""),
        ("column_name", "(i32.const 0) (i32.const 1)"),
        ("column_f64", "(i64.const 0) (i32.const 0) (i32.const 1)"),
        ("column_i64", "(i64.const 0) (i32.const 0) (i32.const 1)"),
        ("column_valid", "(i64.const 0) (i32.const 0) (i32.const 1)"),
    ] {
        for column in ["3", "-1"] {
            refused(&format!("(drop (call ${function} (i32.const 0) (i32.const {column}) {arguments}))"), function);
        }
    }
}

#[test]
fn columns_of_another_kind() {
    for (function, column) in [("column_f64", 1), ("column_i64", 1), ("column_i64", 0)] {
        refused(
            &format!("(drop (call ${function} (i32.const 0) (i32.const {column}) (i64.const 0) (i32.const 0) (i32.const 1)))"),
            function,
        );
    }
}

#[test]
fn codes_have_eight_bits() {
    assert_eq!(error(&body("(call $fail (i32.const 255))")), WasmError::Refused { code: 255 });
    assert_eq!(error(&body("(return (i32.const 255))")), WasmError::Refused { code: 255 });
    refused("(call $fail (i32.const 256))", "fail");
    refused("(return (i32.const 256))", "yu_run");
    refused("(return (i32.const -1))", "yu_run");
}

/// Everything that a module can learn of its input, as one column of integers.
#[test]
fn what_a_module_sees() {
    let module = load(&format!(
        r#"(module {}
        (memory (export "memory") 1)
        (global $at (mut i32) (i32.const 4096))
        (data (i32.const 0) "seen")
        (func $see (param i64)
          (i64.store (global.get $at) (local.get 0))
          (global.set $at (i32.add (global.get $at) (i32.const 8))))
        (func $see32 (param i32) (call $see (i64.extend_i32_u (local.get 0))))
        (func (export "yu_run") (param $tables i32) (result i32)
          (call $see32 (local.get $tables))
          (call $see (call $table_rows (i32.const 1)))
          (call $see32 (call $table_columns (i32.const 1)))
          (call $see32 (call $column_kind (i32.const 1) (i32.const 0)))
          (call $see32 (call $column_kind (i32.const 1) (i32.const 1)))
          (call $see32 (call $column_kind (i32.const 0) (i32.const 1)))
          ;; a name of 6 bytes with room for 3
          (call $see32 (call $column_name (i32.const 1) (i32.const 0) (i32.const 100) (i32.const 3)))
          (call $see (i64.load (i32.const 100)))
          ;; more rows asked for than there are, from row 1 on
          (call $see32 (call $column_i64 (i32.const 1) (i32.const 1) (i64.const 1) (i32.const 200) (i32.const 4000)))
          (call $see (i64.load (i32.const 200)))
          (call $see (i64.load (i32.const 208)))
          (call $see32 (call $column_valid (i32.const 1) (i32.const 1) (i64.const 0) (i32.const 300) (i32.const 8)))
          (call $see (i64.load (i32.const 300)))
          ;; at and beyond the end
          (call $see32 (call $column_f64 (i32.const 1) (i32.const 0) (i64.const 3) (i32.const 0) (i32.const 8)))
          (call $see32 (call $column_f64 (i32.const 1) (i32.const 0) (i64.const -1) (i32.const 0) (i32.const -1)))
          ;; a missing value is the one NaN
          (call $see32 (call $column_f64 (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 400) (i32.const 1)))
          (call $see (i64.load (i32.const 400)))
          (call $see32 (call $params_len))
          (call $see32 (call $params_read (i32.const 1) (i32.const 500) (i32.const 99)))
          (call $see (i64.load (i32.const 500)))
          (call $see32 (call $params_read (i32.const 3) (i32.const 65536) (i32.const 99)))
          (call $see32 (call $input_read (i32.const 0) (i64.const 0x100000000) (i32.const 65536) (i32.const 99)))
          (call $output_i64 (i32.const 0) (i32.const 4) (i32.const 4096) (i32.shr_u (i32.sub (global.get $at) (i32.const 4096)) (i32.const 3)))
          (i32.const 0)))"#,
        super::INTERFACE
    ));
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(1.0), Some(2.0)]));
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None, Some(-9)]));
    let second = table(vec![("收入", doubles), ("n", integers)]);
    let output = run(&module, &[small(), second], &[1, 2, 3]).unwrap().table;
    let seen: Vec<i64> = output.column(0).as_primitive::<Int64Type>().values().to_vec();
    let name = i64::from_le_bytes([0xe6, 0x94, 0xb6, 0, 0, 0, 0, 0]);
    let nan = f64::NAN.to_bits() as i64;
    let wanted = vec![2, 3, 2, 1, 2, 0, 6, name, 2, 0, -9, 3, 0x01_00_01, 0, 0, 1, nan, 3, 2, 0x03_02, 0, 0];
    assert_eq!(seen, wanted);
}
