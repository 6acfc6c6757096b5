//! Tests of the whole crate through its public interface.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "suite/csv.rs"]
mod csv;
#[path = "suite/nitro.rs"]
mod nitro;
#[path = "suite/shared.rs"]
mod shared;
#[path = "suite/snp.rs"]
mod snp;
#[path = "suite/snp_oracle.rs"]
mod snp_oracle;
#[path = "suite/tampering.rs"]
mod tampering;
