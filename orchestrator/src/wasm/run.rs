//! One run: a thread of its own, a memory of its own, and somebody who looks at the clock.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, Trap, UpdateDeadline};

use super::engine::STACK_BYTES;
use super::host::State;
use super::limits::wide;
use super::table::Table;
use super::{Limits, Module, Usage, WasmError};

/// Stack of the thread: the module's, and room for the host's functions under it.
const THREAD_BYTES: usize = STACK_BYTES + (2 << 20);
/// How often a module whose time is over is told so.
const NUDGE: Duration = Duration::from_millis(5);
/// Tables of one run: a job has a handful of inputs.
const MAX_TABLES: usize = 64;

/// Fuel beyond the limit. The machine looks at the meter at loops and calls only, so that a run may end a little beyond it, by
/// one function's length: with this reserve the meter stays exact, and `run` compares it with the limit itself.
const RESERVE: u64 = 1 << 20;

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Output {
    /// The result: columns of Float64, Int64, Int32, Boolean and Utf8, without metadata.
    pub table: RecordBatch,
    /// What it took.
    pub usage: Usage,
}

/// Runs modules.
#[derive(Debug, Clone, Copy)]
pub struct Runner;

impl Runner {
    /// Runs a module on tables; `params` are handed to it as they are. Nothing is left of the run but what is returned.
    ///
    /// Blocks the caller for at most `limits.wall` and what a copy of the input takes; inside async code, call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// Everything in [`WasmError`] that is not about loading. No error holds a value of the input.
    pub fn run(module: &Module, inputs: &[RecordBatch], params: &[u8], limits: &Limits) -> Result<Output, WasmError> {
        let host = |what| WasmError::Host { what };
        if inputs.len() > MAX_TABLES {
            return Err(WasmError::Size { what: "tables", found: wide(inputs.len()), limit: wide(MAX_TABLES) });
        }
        let (ended, watched) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let started = Instant::now();
            let named = |name: &str| thread::Builder::new().name(name.to_owned());
            named("yu-wasm-clock").spawn_scoped(scope, || watch(module, limits.wall, watched)).map_err(|_| host("a thread"))?;
            let run = named("yu-wasm").stack_size(THREAD_BYTES).spawn_scoped(scope, move || {
                let result = run(module, inputs, params, limits, started);
                // the clock's thread ends with this
                drop(ended);
                result
            });
            run.map_err(|_| host("a thread"))?.join().unwrap_or(Err(host("the module's thread stopped")))
        })
    }
}

/// Waits for the end of the run, or of its time.
fn watch(module: &Module, wall: Duration, ended: mpsc::Receiver<()>) {
    let mut wait = wall;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        module.engine.increment_epoch();
        wait = NUDGE;
    }
}

fn run(module: &Module, inputs: &[RecordBatch], params: &[u8], limits: &Limits, started: Instant) -> Result<Output, WasmError> {
    let began = cpu();
    let wall = limits.wall;
    let tables = inputs.iter().cloned().map(Table::new).collect();
    let mut store = Store::new(&module.engine, State::new(tables, params, module.memory, limits));
    store.limiter(|state| &mut state.meter);
    let filled = limits.fuel.saturating_add(RESERVE);
    store.set_fuel(filled).map_err(|_| WasmError::Host { what: "the meter of fuel" })?;
    // another run of the same module may move the epoch as well: only the clock decides
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(
        move |_| {
            if started.elapsed() < wall { Ok(UpdateDeadline::Continue(1)) } else { Err(too_late(wall).into()) }
        },
    );
    let called = call(module, &mut store, wide(inputs.len()));
    let left = store.get_fuel().map_err(|_| WasmError::Host { what: "the meter of fuel" })?;
    let burned = filled.saturating_sub(left);
    if burned > limits.fuel {
        return Err(WasmError::Fuel { limit: limits.fuel });
    }
    let code = called.map_err(|error| told(&error, limits))?;
    match u8::try_from(code) {
        Ok(0) => {}
        Ok(code) => return Err(WasmError::Refused { code }),
        Err(_) => return Err(WasmError::Call { function: "yu_run", what: "it returned neither 0 nor a code up to 255" }),
    }
    let state = store.into_data();
    let mut usage = state.usage();
    let table = state.collected.finish()?;
    usage.fuel = burned;
    usage.cpu = cpu().saturating_sub(began);
    usage.wall = started.elapsed();
    Ok(Output { table, usage })
}

fn call(module: &Module, store: &mut Store<State>, tables: u64) -> wasmtime::Result<u32> {
    let instance = module.tied.instantiate(&mut *store)?;
    let run = instance.get_typed_func::<u32, u32>(&mut *store, "yu_run")?;
    // at most MAX_TABLES
    run.call(store, u32::try_from(tables).unwrap_or(u32::MAX))
}

fn too_late(wall: Duration) -> WasmError {
    WasmError::Time { limit_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
}

/// Our own error from within, or the kind of trap.
fn told(error: &wasmtime::Error, limits: &Limits) -> WasmError {
    if let Some(own) = error.downcast_ref::<WasmError>() {
        return own.clone();
    }
    let kind = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return WasmError::Fuel { limit: limits.fuel },
        Some(Trap::Interrupt) => return too_late(limits.wall),
        Some(Trap::StackOverflow) => return WasmError::Stack,
        Some(Trap::MemoryOutOfBounds) => "memory out of bounds",
        Some(Trap::TableOutOfBounds) => "table out of bounds",
        Some(Trap::IndirectCallToNull) => "call of an empty table entry",
        Some(Trap::BadSignature) => "indirect call of another type",
        Some(Trap::IntegerOverflow) => "integer overflow",
        Some(Trap::IntegerDivisionByZero) => "division by zero",
        Some(Trap::BadConversionToInteger) => "float without integer",
        Some(Trap::UnreachableCodeReached) => "unreachable",
        Some(_) => "other",
        // mapping memory or tables
        None => return WasmError::Host { what: "memory for the module" },
    };
    WasmError::Trap { kind }
}

/// Time of the processor that this thread has used.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}
