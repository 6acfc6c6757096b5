//! Settings of the compiler: one answer on every machine, and little for a module to get hold of.

use wasmparser::WasmFeatures;
use wasmtime::{Config, Engine, OptLevel};

use super::WasmError;

/// Stack of a module's calls, bytes. A C program keeps large arrays in linear memory, so this is plenty; the thread of a run
/// has as much again for the host's own functions, and more.
pub(super) const STACK_BYTES: usize = 512 << 10;

/// Features of WebAssembly that a module may use: those that every compiler emits by default. Left out, with reasons:
/// threads and shared memory (races are answers that differ), relaxed SIMD (answers differ by processor), SIMD (not needed by code
/// that people review, and the part of compilers in which most miscompilations were found), 64-bit and several memories, garbage
/// collection, exceptions, tail calls (not needed, and untried).
pub(super) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES);

/// An engine of its own for each module: interrupting one run touches no other module's.
pub(super) fn engine() -> Result<Engine, WasmError> {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(FEATURES, true)
        // the bits of a NaN differ between processors, unless they are made the same
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        // counts work, the same on every machine: the limit that decides
        .consume_fuel(true)
        // stops a run when its time is over: the guard
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // nobody reads it: errors tell the kind of a trap, not its place
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        // no anonymous files behind memories
        .memory_init_cow(false);
    Engine::new(&config).map_err(|_| WasmError::Host { what: "a compiler for this processor" })
}
