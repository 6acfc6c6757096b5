//! Modules that are not loaded.

use proptest::prelude::*;
use yu_governance::canonical::Hash;
use yu_orchestrator::fault::{Code, Fault, Lang};
use yu_orchestrator::wasm::{Module, WasmError, modules};

use super::{bytes, run, small, try_load};

const RUN: &str = r#"(func (export "yu_run") (param i32) (result i32) (i32.const 0))"#;
const MEMORY: &str = r#"(memory (export "memory") 1)"#;

fn refused(wat: &str) -> WasmError {
    try_load(&bytes(wat)).unwrap_err()
}

#[test]
fn only_the_bytes_that_the_contract_names() {
    let good = modules::STATISTICS;
    let named = Hash::of_file(modules::STATISTICS);
    assert_eq!(*Module::load(good, &named).unwrap().hash(), named);
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut other = good.to_vec();
        other[at] ^= 1;
        let error = Module::load(&other, &named).unwrap_err();
        assert_eq!(error, WasmError::Hash { expected: named, found: Hash::of_file(&other) });
    }
    // a custom section changes nothing that runs, and is another module all the same
    let longer = [good, &[0, 2, 1, b'x']].concat();
    assert_eq!(Module::load(&longer, &named).unwrap_err().code(), Code::WasmHash);
    assert!(try_load(&longer).is_ok());
}

#[test]
fn nothing_around_it_can_be_imported() {
    for (import, shown) in [
        (r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#, "wasi_snapshot_preview1.fd_write"),
        (r#"(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))"#, "wasi_snapshot_preview1.random_get"),
        (r#"(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))"#, "clock_time_get"),
        (r#"(import "env" "memory" (memory 1))"#, "env.memory"),
        (r#"(import "yu" "params_len" (global i32))"#, "yu.params_len"),
        (r#"(import "yu" "params_len" (memory 1))"#, "yu.params_len"),
        (r#"(import "yu" "open" (func (param i32) (result i32)))"#, "yu.open"),
        (r#"(import "" "" (func))"#, "`.`"),
        (r#"(import "yu" "params_len\0a\1b[31m" (func))"#, "yu.params_len  [31m"),
    ] {
        // a second memory is not to be had
        let memory = if import.contains("(memory") { "" } else { MEMORY };
        let error = refused(&format!("(module {import} {memory} {RUN})"));
        assert!(error.code() == Code::WasmImport && error.to_string().contains(shown), "{error}");
    }
    let long = refused(&format!(r#"(module (import "{0}" "{0}" (func)) {MEMORY} {RUN})"#, "x".repeat(5000)));
    assert!(long.code() == Code::WasmImport && long.to_string().len() < 300, "{long}");
}

#[test]
fn imports_have_the_types_of_the_interface() {
    for import in [
        r#"(import "yu" "params_len" (func))"#,
        r#"(import "yu" "params_len" (func (result i64)))"#,
        r#"(import "yu" "table_rows" (func (param i64) (result i64)))"#,
        r#"(import "yu" "fail" (func (param i32) (result i32)))"#,
    ] {
        let error = refused(&format!("(module {import} {MEMORY} {RUN})"));
        assert!(error.code() == Code::WasmImport && error.to_string().contains("another type"), "{error}");
    }
}

#[test]
fn the_exports_are_there() {
    for text in [
        format!("(module {RUN})"),
        format!("(module (memory 1) {RUN})"),
        format!(r#"(module (memory (export "Memory") 1) {RUN})"#),
        format!(r#"(module (memory 1) (global (export "memory") i32 (i32.const 0)) {RUN})"#),
        format!("(module {MEMORY})"),
        format!(r#"(module {MEMORY} (func (export "yu_run")))"#),
        format!(r#"(module {MEMORY} (func (export "yu_run") (param i32)))"#),
        format!(r#"(module {MEMORY} (func (export "yu_run") (param i64) (result i32) (i32.const 0)))"#),
        format!(r#"(module {MEMORY} (global (export "yu_run") i32 (i32.const 0)))"#),
        "(module)".to_owned(),
    ] {
        assert_eq!(refused(&text).code(), Code::WasmExport, "{text}");
    }
}

#[test]
fn features_whose_answers_could_differ_are_off() {
    for inside in [
        r#"(memory (export "memory") 1 1 shared)"#,
        r#"(memory (export "memory") 1) (func (drop (i32.atomic.load (i32.const 0))))"#,
        r#"(memory (export "memory") 1) (func (drop (v128.const i64x2 0 0)))"#,
        r#"(memory (export "memory") 1) (func (param v128) (drop (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))"#,
        r#"(memory (export "memory") i64 1)"#,
        r#"(memory (export "memory") 1) (memory 1)"#,
        r#"(memory (export "memory") 1) (tag) (func (throw 0))"#,
        r#"(memory (export "memory") 1) (func $f (return_call $f))"#,
        r#"(memory (export "memory") 1) (type (struct))"#,
        r#"(memory (export "memory") 1) (func (param externref))"#,
        r#"(memory (export "memory") 1 (pagesize 1))"#,
    ] {
        let error = refused(&format!("(module {inside} {RUN})"));
        assert_eq!(error.code(), Code::WasmInvalid, "{inside}: {error}");
    }
}

#[test]
fn what_is_no_module_is_refused() {
    for bad in [&b""[..], b"\0asm", b"\0asm\x02\0\0\0", b"#!/bin/sh", b"(module)"] {
        assert!(try_load(bad).is_err());
    }
    // a component, which has another version
    assert_eq!(try_load(b"\0asm\x0d\0\x01\0").unwrap_err().code(), Code::WasmInvalid);
    let good = modules::STATISTICS;
    let cut: Vec<usize> = (0..good.len()).filter(|len| try_load(&good[..*len]).is_ok()).collect();
    // the names at the end are of no use to the machine: only cuts that leave whole sections load
    let code_ends = good.len() - cut.iter().filter(|len| **len > good.len() / 2).count();
    assert!(cut.len() <= 2 && code_ends > good.len() - 3, "{cut:?} of {}", good.len());
}

#[test]
fn any_byte_may_be_wrong() {
    // most such modules are refused; none is a panic, whatever it does when it runs
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() });
    let (mut loaded, mut answered) = (0, 0);
    let flips = prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4);
    let tried = std::cell::RefCell::new((&mut loaded, &mut answered));
    runner
        .run(&flips, |flips| {
            let mut other = modules::STATISTICS.to_vec();
            flips.iter().for_each(|(at, bits)| other[at.index(modules::STATISTICS.len())] ^= bits);
            if let Ok(module) = try_load(&other) {
                *tried.borrow_mut().0 += 1;
                let limits = yu_orchestrator::wasm::Limits { fuel: 10_000_000, ..Default::default() };
                if yu_orchestrator::wasm::Runner::run(&module, &[small()], &[], &limits).is_ok() {
                    *tried.borrow_mut().1 += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    println!("250 altered modules: {loaded} loaded, {answered} of them answered");
}

#[test]
fn every_fault_of_a_module_is_told_in_both_languages_and_in_the_manual() {
    let manual = include_str!("../../../../docs/wasm.md");
    let mut count = 0;
    for code in Code::ALL.iter().filter(|code| code.as_str().starts_with("wasm.")) {
        assert!(manual.contains(&format!("`{}`", code.as_str())), "{}", code.as_str());
        assert!(code.title_zh() != code.title_en() && code.remedy_zh() != code.remedy_en());
        count += 1;
    }
    assert_eq!(count, 16);
    let fault = Fault::from(run(&super::body("(call $fail (i32.const 7))"), &[], &[]).unwrap_err());
    let told = fault.render(Lang::Both);
    assert!(told.contains("wasm.refused") && told.contains("code 7") && told.contains("模块拒绝其输入"), "{told}");
}
