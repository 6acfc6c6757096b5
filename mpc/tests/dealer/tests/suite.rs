//! All integration tests of the crate in one binary.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/agreement.rs"]
mod agreement;
#[path = "suite/cheating.rs"]
mod cheating;
#[path = "suite/conformance.rs"]
mod conformance;
#[path = "suite/masks.rs"]
mod masks;
