//! Hostile modules: each limit is met, by its name.

use std::time::{Duration, Instant};

use yu_orchestrator::fault::{Code, Fault, Lang};
use yu_orchestrator::wasm::{Limits, Module, Runner, WasmError};

use super::{INTERFACE, body, bytes, load, small, try_load};

fn stopped(module: &Module, limits: &Limits) -> WasmError {
    Runner::run(module, &[small()], &[0; 100], limits).unwrap_err()
}

fn code(module: &Module, limits: &Limits) -> &'static str {
    stopped(module, limits).code().as_str()
}

fn little() -> Limits {
    Limits { fuel: 5_000_000, memory_bytes: 1 << 20, wall: Duration::from_secs(60), output_bytes: 10_000, table_elements: 100 }
}

/// All the fuel there is, and little time.
fn hurried() -> Limits {
    Limits { fuel: u64::MAX, wall: Duration::from_millis(60), memory_bytes: 1 << 30, ..little() }
}

const ENDLESS: [&str; 5] = [
    "(loop $l (br $l))",
    // the fuel of large copies, and of calls of the host, counts what they move
    "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))",
    "(loop $l (memory.copy (i32.const 0) (i32.const 8) (i32.const 60000)) (br $l))",
    "(loop $l (drop (call $params_len)) (br $l))",
    "(loop $l (drop (call $column_f64 (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 9))) (br $l))",
];

#[test]
fn endless_loops_burn_their_fuel_or_their_time() {
    for text in ENDLESS {
        let module = body(text);
        assert_eq!(stopped(&module, &little()), WasmError::Fuel { limit: 5_000_000 }, "{text}");
        let started = Instant::now();
        assert_eq!(stopped(&module, &hurried()), WasmError::Time { limit_ms: 60 }, "{text}");
        assert!(started.elapsed() < Duration::from_secs(30), "{text}");
    }
}

#[test]
fn a_start_function_is_under_the_same_limits() {
    let with = |start: &str| {
        load(&format!(
            r#"(module {INTERFACE} (memory (export "memory") 1 32768) (table 1 funcref) (start $start)
            (func $start {start})
            (func (export "yu_run") (param i32) (result i32) (i32.const 0)))"#
        ))
    };
    assert_eq!(code(&with("(loop $l (br $l))"), &little()), "wasm.fuel");
    assert_eq!(code(&with("(loop $l (br $l))"), &hurried()), "wasm.time");
    assert_eq!(code(&with("(drop (memory.grow (i32.const 1000)))"), &little()), "wasm.memory");
    assert_eq!(code(&with("(call $output_write (i32.const 0) (i32.const 20000))"), &little()), "wasm.output");
    assert_eq!(code(&with("(call $fail (i32.const 9))"), &little()), "wasm.refused");
    assert_eq!(code(&with("(unreachable)"), &little()), "wasm.trap");
}

#[test]
fn no_time_at_all_is_no_run() {
    let limits = Limits { wall: Duration::ZERO, ..little() };
    // a module without loops may be done before anybody looks at the clock, one with loops may not
    assert_eq!(code(&body("(loop $l (br $l))"), &limits), "wasm.time");
    assert_eq!(code(&body("(loop $l (br $l))"), &Limits { fuel: 0, ..little() }), "wasm.fuel");
}

#[test]
fn memory_is_bounded_from_the_start() {
    let memory = |pages: &str| {
        load(&format!(r#"(module (memory (export "memory") {pages}) (func (export "yu_run") (param i32) (result i32) (i32.const 0)))"#))
    };
    for pages in ["17", "65536", "17 65536"] {
        assert_eq!(stopped(&memory(pages), &little()), WasmError::Memory { limit: 1 << 20 }, "{pages}");
    }
    let bomb = body("(loop $l (drop (memory.grow (i32.const 1))) (br $l))");
    assert_eq!(stopped(&bomb, &little()), WasmError::Memory { limit: 1 << 20 });
    assert_eq!(code(&body("(drop (memory.grow (i32.const 65535)))"), &little()), "wasm.memory");
}

/// What a module declares or what 32 bits address is its own affair: it is answered, the same everywhere.
#[test]
fn growth_beyond_the_declared_maximum_is_answered() {
    let module = load(
        r#"(module (import "yu" "output_i64" (func $output_i64 (param i32 i32 i32 i32)))
        (memory (export "memory") 1 2)
        (data (i32.const 0) "x")
        (func (export "yu_run") (param i32) (result i32)
          (i64.store (i32.const 8) (i64.extend_i32_s (memory.grow (i32.const 2))))
          (call $output_i64 (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 1))
          (i32.const 0)))"#,
    );
    let output = Runner::run(&module, &[], &[], &little()).unwrap();
    assert_eq!(super::stream(&[output.table]), super::stream(&[super::table(vec![("x", super::i64s([-1]))])]));
    assert_eq!(output.usage.memory_bytes, 65536);
    // beyond 4 GiB: never granted
    let limits = Limits { memory_bytes: u64::MAX, ..little() };
    let far = body("(if (i32.ne (memory.grow (i32.const 65536)) (i32.const -1)) (then (unreachable)))");
    assert_eq!(code(&far, &limits), "wasm.result");
}

#[test]
fn recursion_is_bounded() {
    let deep = |locals: &str| {
        load(&format!(
            r#"(module (memory (export "memory") 1)
            (func $deep (param $n i64) (result i64) {locals}
              (i64.add (i64.const 1) (call $deep (i64.add (local.get $n) (i64.const 1)))))
            (func (export "yu_run") (param i32) (result i32) (drop (call $deep (i64.const 0))) (i32.const 0)))"#
        ))
    };
    assert_eq!(stopped(&deep(""), &Limits { fuel: u64::MAX, ..little() }), WasmError::Stack);
    assert_eq!(stopped(&deep(&"(local i64)".repeat(1000)), &Limits { fuel: u64::MAX, ..little() }), WasmError::Stack);
}

#[test]
fn output_is_bounded() {
    for text in [
        "(loop $l (call $output_write (i32.const 0) (i32.const 1)) (br $l))",
        "(loop $l (call $output_f64 (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 100)) (br $l))",
        "(loop $l (call $output_i64 (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 100)) (br $l))",
        "(call $output_f64 (i32.const 0) (i32.const 60000) (i32.const 0) (i32.const 1))",
        "(call $output_f64 (i32.const 0) (i32.const 1) (i32.const 0) (i32.const -1))",
        "(call $output_utf8 (i32.const 0) (i32.const 1) (i32.const 0) (i32.const -1))",
        // one text of the length that stands at 1028
        "(call $output_utf8 (i32.const 0) (i32.const 1) (i32.const 1028) (i32.const 1))",
    ] {
        assert_eq!(stopped(&body(text), &little()), WasmError::Output { limit: 10_000 }, "{text}");
    }
    // many columns without rows cost no output; their number is bounded
    let columns = body("(loop $l (call $output_f64 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br $l))");
    assert_eq!(code(&columns, &little()), "wasm.result");
}

#[test]
fn tables_of_functions_are_bounded_together() {
    let with = |tables: &str, grow: &str| {
        load(&format!(
            r#"(module (memory (export "memory") 1) {tables}
            (func (export "yu_run") (param i32) (result i32) {grow} (i32.const 0)))"#
        ))
    };
    let limit = WasmError::Table { limit: 100 };
    assert_eq!(stopped(&with("(table 101 funcref)", ""), &little()), limit);
    assert_eq!(stopped(&with("(table 10000000 funcref)", ""), &little()), limit);
    assert_eq!(stopped(&with(&"(table 2 funcref)".repeat(51), ""), &little()), limit);
    let grow = "(loop $l (drop (table.grow 0 (ref.null func) (i32.const 3))) (br $l))";
    assert_eq!(stopped(&with("(table 0 funcref)", grow), &little()), limit);
    // all tables within the limit: it ends for want of a result
    assert_eq!(code(&with(&"(table 2 funcref)".repeat(50), ""), &little()), "wasm.result");
}

#[test]
fn segments_stay_inside() {
    let with = |segment: &str| {
        load(&format!(
            r#"(module (memory (export "memory") 1) (table 4 funcref) {segment}
            (func $f (export "yu_run") (param i32) (result i32) (i32.const 0)))"#
        ))
    };
    assert_eq!(stopped(&with(r#"(data (i32.const 65535) "xy")"#), &little()), WasmError::Trap { kind: "memory out of bounds" });
    assert_eq!(stopped(&with(r#"(data (i32.const -1) "x")"#), &little()), WasmError::Trap { kind: "memory out of bounds" });
    assert_eq!(stopped(&with("(elem (i32.const 4) $f)"), &little()), WasmError::Trap { kind: "table out of bounds" });
}

#[test]
fn bombs_in_the_bytes_are_refused_before_they_are_compiled() {
    let refused = |inside: &str| {
        let found = try_load(&bytes(&format!(
            r#"(module (memory (export "memory") 1) {inside} (func (export "yu_run") (param i32) (result i32) (i32.const 0)))"#
        )));
        let error = found.unwrap_err();
        assert_eq!(error.code(), Code::WasmSize, "{error}");
        error.to_string()
    };
    assert!(refused(&r#"(data "x")"#.repeat(10_001)).contains("data segments"));
    assert!(refused(&format!("(data \"{}\")", "x".repeat(2 << 20))).contains("module bytes"));
    assert!(refused(&"(func)".repeat(10_001)).contains("functions"));
    assert!(refused(&"(global i32 (i32.const 0))".repeat(10_001)).contains("globals"));
    assert!(refused(&format!("(func {})", "(drop (i32.const 1))".repeat(60_000))).contains("function bytes"));
    // few bytes that keep a compiler busy
    assert!(refused(&format!("(func {})", "(local i64)".repeat(1001))).contains("locals of a function"));
    assert!(refused(&format!("(func (param {}))", "i64 ".repeat(33))).contains("parameters and results"));
    let ifs = "(if (i32.const 1) (then (local.set 5 (local.get 6))))".repeat(5000);
    assert!(refused(&format!("(func {} {ifs})", "(local i64)".repeat(400))).contains("branches times locals"));
    let switch = format!("(block (br_table {} (i32.const 0)))", "0 ".repeat(32_000));
    assert!(refused(&format!("(func {switch})")).contains("branches times locals"));
    assert!(refused(&format!("(table 1 funcref) {}", "(elem funcref)".repeat(10_001))).contains("element segments"));
}

#[test]
fn traps_are_named_and_hold_no_value() {
    for (text, kind) in [
        ("(unreachable)", "unreachable"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "division by zero"),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", "integer overflow"),
        ("(drop (i32.trunc_f64_s (f64.const nan)))", "float without integer"),
        ("(drop (i32.load (i32.const 65533)))", "memory out of bounds"),
        ("(i64.store (i32.const -1) (i64.const 0))", "memory out of bounds"),
    ] {
        assert_eq!(stopped(&body(text), &little()), WasmError::Trap { kind }, "{text}");
    }
    let indirect = |index: u32| {
        load(&format!(
            r#"(module (memory (export "memory") 1) (table 4 funcref) (elem (i32.const 0) $f $g)
            (type $t (func)) (func $f) (func $g (param i32))
            (func (export "yu_run") (param i32) (result i32) (call_indirect (type $t) (i32.const {index})) (i32.const 0)))"#
        ))
    };
    for (index, kind) in [(1, "indirect call of another type"), (2, "call of an empty table entry"), (4, "table out of bounds")] {
        assert_eq!(stopped(&indirect(index), &little()), WasmError::Trap { kind });
    }
}

/// A module that puts a value into everything that it may choose: none of it is told.
#[test]
fn errors_hold_no_data() {
    let secret = "(i32.const 31415926)";
    for text in [
        format!("(drop (i32.load {secret}))"),
        format!("(drop (call $table_rows {secret}))"),
        format!("(drop (call $column_name (i32.const 0) {secret} (i32.const 0) (i32.const 0)))"),
        format!("(call $output_write {secret} (i32.const 9))"),
        format!("(call $fail {secret})"),
        format!("(return {secret})"),
        format!("(call $output_f64 {secret} (i32.const 1) (i32.const 0) (i32.const 1))"),
    ] {
        let error = stopped(&body(&text), &little());
        let told = format!("{error} {error:?} {}", Fault::from(error.clone()).render(Lang::Both));
        assert!(!told.contains("31415926") && !told.contains("1df5e76"), "{told}");
    }
}
