//! What a run may take, and what it took.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::WasmError;

/// Bounds of one run. Every one ends it with an error of its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Units of work: one for an instruction, one for a byte of a bulk copy, and for each call of the host 64 and one for
    /// every 8 bytes that it moves. The same on every machine. A second of one core is about 3 * 10^9 units.
    pub fuel: u64,
    /// Linear memory, bytes, rounded down to pages of 64 KiB.
    pub memory_bytes: u64,
    /// Time from start to end. A guard against a slow machine: what decides on every node alike is `fuel`.
    pub wall: Duration,
    /// Output, bytes, counted as the module writes it.
    pub output_bytes: u64,
    /// Elements of all tables of functions together.
    pub table_elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 50_000_000_000,
            memory_bytes: 512 << 20,
            wall: Duration::from_secs(120),
            output_bytes: 16 << 20,
            // function pointers of a C program; a thousand is a large one
            table_elements: 10_000,
        }
    }
}

/// What a run took. It depends on the data: for the operator of this node, not for other parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Units of work.
    pub fuel: u64,
    /// Largest linear memory, bytes.
    pub memory_bytes: u64,
    /// Elements of all tables of functions.
    pub table_elements: u64,
    /// Time of the processor.
    pub cpu: Duration,
    /// Time from start to end.
    pub wall: Duration,
    /// Bytes that the host copied into the module.
    pub bytes_in: u64,
    /// Bytes that the host took from it.
    pub bytes_out: u64,
}

/// Counts and bounds memory and tables.
pub(super) struct Meter {
    memory_limit: u64,
    table_limit: u64,
    /// Memories only grow: what was granted last is the peak.
    pub(super) memory: u64,
    pub(super) elements: u64,
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { memory_limit: limits.memory_bytes, table_limit: limits.table_elements, memory: 0, elements: 0 }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // beyond what the module itself declares: `memory.grow` answers -1, the same on every machine
            return Ok(false);
        }
        let total = self.memory.saturating_add(wide(desired.saturating_sub(current)));
        if total > self.memory_limit {
            return Err(WasmError::Memory { limit: self.memory_limit }.into());
        }
        self.memory = total;
        Ok(true)
    }

    /// A machine without memory must not look to the module like an answer: results would depend on the machine.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        let is_machine = error.chain().any(|cause| cause.is::<rustix::io::Errno>() || cause.is::<std::io::Error>());
        if is_machine { Err(WasmError::Host { what: "memory for the module" }.into()) } else { Ok(()) }
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let total = self.elements.saturating_add(wide(desired.saturating_sub(current)));
        if total > self.table_limit {
            return Err(WasmError::Table { limit: self.table_limit }.into());
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

/// Lossless where Yu runs: addresses have at most 64 bits.
pub(super) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
