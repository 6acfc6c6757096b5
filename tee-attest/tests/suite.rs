//! Tests of the whole crate through its public interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "suite/dcap.rs"]
mod dcap;
#[path = "suite/dcap_tamper.rs"]
mod dcap_tamper;
#[path = "suite/shared.rs"]
mod shared;
