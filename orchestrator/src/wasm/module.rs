//! A module that may run: the bytes that the contract names, valid, within bounds, compiled and tied to the interface.

use std::fmt;

use wasmtime::{Engine, InstancePre, Linker, ModuleExport};
use yu_governance::canonical::Hash;

use super::host::{self, State};
use super::{WasmError, engine, shape};

/// Largest module, bytes. What people review is a hundredth of it; compilers may add tables. Compiling cannot be interrupted, and
/// takes seconds for as many.
pub const MAX_MODULE_BYTES: usize = 1 << 20;

/// A module that was checked and compiled. It holds no data and may run any number of times, also at once.
pub struct Module {
    pub(super) engine: Engine,
    pub(super) tied: InstancePre<State>,
    pub(super) memory: ModuleExport,
    hash: Hash,
}

impl Module {
    /// Checks and compiles. `expected` is the SHA-256 that the contract names; the hash of the bytes is compared before
    /// anything reads them.
    ///
    /// # Errors
    /// `Hash`, `Size`, `Invalid`, `Import`, `Export`: the module is not used. `Host`: this machine cannot.
    pub fn load(bytes: &[u8], expected: &Hash) -> Result<Self, WasmError> {
        let found = Hash::of_file_with(expected.algorithm(), bytes);
        if found != *expected {
            return Err(WasmError::Hash { expected: *expected, found });
        }
        shape::check(bytes)?;
        let engine = engine::engine()?;
        let compiled = wasmtime::Module::from_binary(&engine, bytes).map_err(|e| WasmError::invalid(&e.root_cause()))?;
        let mut linker = Linker::new(&engine);
        host::link(&mut linker)?;
        // cannot fail for the module's sake: names and types of its imports were compared
        let tied = linker.instantiate_pre(&compiled).map_err(|_| WasmError::Host { what: "the interface for the module" })?;
        let memory = compiled.get_export_index("memory").ok_or(WasmError::Export { wanted: "memory: memory" })?;
        Ok(Self { engine, tied, memory, hash: found })
    }

    /// SHA-256 of its bytes.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("hash", &self.hash).finish_non_exhaustive()
    }
}
