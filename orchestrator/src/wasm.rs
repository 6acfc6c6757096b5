//! Algorithms as WebAssembly modules: generic, sealed off, bounded, and the same everywhere.
//!
//! A contract names a module by the SHA-256 of its bytes; reviewers read the code, nodes compare the hash. The module gets
//! tables and parameters through sixteen functions of this node and nothing else: no files, no clock, no network, no randomness,
//! no text to a log. It gives back one table. `docs/wasm.md` is the page for authors.
//!
//! | to see | open |
//! |---|---|
//! | what a module may look like, before a compiler sees it | `wasm/shape.rs` |
//! | settings of the compiler, and why | `wasm/engine.rs` |
//! | the functions a module may call | `wasm/host.rs`, `wasm/host/` |
//! | tables as a module reads them | `wasm/table.rs` |
//! | what it gives back, checked | `wasm/output.rs`, `wasm/ipc.rs` |
//! | modules that come with Yu | [`modules`] |
//! | limits and meters | `wasm/limits.rs` |
//! | the run itself | `wasm/run.rs` |
//!
//! **What holds.** A module that ends, for whatever reason, ends with a [`WasmError`] that holds no value of the data. The same
//! module on the same tables gives the same bytes and burns the same fuel, on every machine with the same build of Yu.
//!
//! **What is not protected.** Fuel, peak memory and time depend on the data: they are for the operator of the node and its bill,
//! not for other parties. The same is true, by at most eight bits, of the code with which a module refuses its input. What the
//! table itself reveals is judged where every result is judged, at the exit gate. Timing and caches of the machine are open
//! to other programs on it, as for native code.

mod engine;
mod error;
mod host;
mod ipc;
mod limits;
mod module;
pub mod modules;
mod output;
mod run;
mod shape;
mod table;

pub use error::WasmError;
pub use limits::{Limits, Usage};
pub use module::{MAX_MODULE_BYTES, Module};
pub use run::{Output, Runner};
