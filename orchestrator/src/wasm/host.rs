//! The functions that a module may call. All of them copy between the module's memory and the host; none waits, asks the
//! machine for anything, or hands out an address.
//!
//! Integers are unsigned although WebAssembly's types do not say so. A pointer or an index that cannot be served ends the run.

mod input;
mod output;

use wasmparser::ValType::{self, I32, I64};
use wasmtime::{Caller, Linker, ModuleExport};
use zeroize::Zeroizing;

use super::limits::{Limits, Meter};
use super::output::Collected;
use super::table::Table;
use super::{Usage, WasmError};

/// Fuel of a call of the host, without what it moves.
const CALL_FUEL: u64 = 64;
/// Bytes moved for one unit of fuel: a copy is about as fast as eight simple instructions are.
const BYTES_PER_FUEL: u64 = 8;

/// One function of the interface.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) takes: &'static [ValType],
    pub(super) gives: &'static [ValType],
}

const fn known(name: &'static str, takes: &'static [ValType], gives: &'static [ValType]) -> Known {
    Known { name, takes, gives }
}

/// The whole interface, as docs/wasm.md describes it.
pub(super) const INTERFACE: &[Known] = &[
    known("table_rows", &[I32], &[I64]),
    known("table_columns", &[I32], &[I32]),
    known("column_kind", &[I32, I32], &[I32]),
    known("column_name", &[I32, I32, I32, I32], &[I32]),
    known("column_f64", &[I32, I32, I64, I32, I32], &[I32]),
    known("column_i64", &[I32, I32, I64, I32, I32], &[I32]),
    known("column_valid", &[I32, I32, I64, I32, I32], &[I32]),
    known("input_len", &[I32], &[I64]),
    known("input_read", &[I32, I64, I32, I32], &[I32]),
    known("params_len", &[], &[I32]),
    known("params_read", &[I32, I32, I32], &[I32]),
    known("output_f64", &[I32, I32, I32, I32], &[]),
    known("output_i64", &[I32, I32, I32, I32], &[]),
    known("output_utf8", &[I32, I32, I32, I32], &[]),
    known("output_write", &[I32, I32], &[]),
    known("fail", &[I32], &[]),
];

/// What one run holds on the host's side.
pub(super) struct State {
    tables: Vec<Table>,
    params: Zeroizing<Vec<u8>>,
    pub(super) collected: Collected,
    pub(super) meter: Meter,
    memory: ModuleExport,
    fuel_limit: u64,
    pub(super) bytes_in: u64,
}

impl State {
    pub(super) fn new(tables: Vec<Table>, params: &[u8], memory: ModuleExport, limits: &Limits) -> Self {
        Self {
            tables,
            params: Zeroizing::new(params.to_vec()),
            collected: Collected::new(limits.output_bytes),
            meter: Meter::new(limits),
            memory,
            fuel_limit: limits.fuel,
            bytes_in: 0,
        }
    }

    /// What the state counted; fuel and times are the run's.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            memory_bytes: self.meter.memory,
            table_elements: self.meter.elements,
            bytes_in: self.bytes_in,
            bytes_out: self.collected.bytes(),
            ..Usage::default()
        }
    }

    fn table(&self, function: &'static str, table: u32) -> Result<&Table, WasmError> {
        self.tables.get(table as usize).ok_or(WasmError::Call { function, what: "no such table" })
    }
}

/// Ties the interface.
pub(super) fn link(linker: &mut Linker<State>) -> Result<(), WasmError> {
    input::link(linker).and_then(|()| output::link(linker)).map_err(|_| WasmError::Host { what: "the interface for the module" })
}

/// One call of a module, under way.
struct Call<'a, 'b> {
    caller: &'a mut Caller<'b, State>,
    function: &'static str,
}

impl<'a, 'b> Call<'a, 'b> {
    /// Takes the fuel of the call itself.
    fn begin(caller: &'a mut Caller<'b, State>, function: &'static str) -> Result<Self, WasmError> {
        let mut call = Self { caller, function };
        call.burn(CALL_FUEL)?;
        Ok(call)
    }

    fn error(&self, what: &'static str) -> WasmError {
        WasmError::Call { function: self.function, what }
    }

    /// Takes the fuel of moving `bytes`, before they are moved.
    fn moves(&mut self, bytes: u64) -> Result<(), WasmError> {
        self.burn(bytes / BYTES_PER_FUEL)
    }

    fn burn(&mut self, units: u64) -> Result<(), WasmError> {
        let internal = |_| WasmError::Host { what: "the meter of fuel" };
        let left = self.caller.get_fuel().map_err(internal)?;
        let rest = left.checked_sub(units);
        self.caller.set_fuel(rest.unwrap_or(0)).map_err(internal)?;
        rest.map(|_| ()).ok_or(WasmError::Fuel { limit: self.caller.data().fuel_limit })
    }

    /// The module's memory from `at` on, `len` bytes, and the state.
    fn memory(&mut self, at: u32, len: u64) -> Result<(&mut [u8], &mut State), WasmError> {
        let outside = self.error("a range outside of memory");
        let export = self.caller.data().memory;
        let memory = self.caller.get_module_export(&export).and_then(wasmtime::Extern::into_memory).ok_or(outside.clone())?;
        let (bytes, state) = memory.data_and_store_mut(&mut *self.caller);
        let range = usize::try_from(at).ok().zip(usize::try_from(len).ok()).and_then(|(at, len)| Some(at..at.checked_add(len)?));
        Ok((range.and_then(|range| bytes.get_mut(range)).ok_or(outside)?, state))
    }

    /// Copies into the module.
    fn give(&mut self, at: u32, bytes: &[u8]) -> Result<(), WasmError> {
        let len = super::limits::wide(bytes.len());
        let (target, state) = self.memory(at, len)?;
        target.copy_from_slice(bytes);
        state.bytes_in = state.bytes_in.saturating_add(len);
        Ok(())
    }
}
