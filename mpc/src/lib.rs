//! x
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]
pub mod cost;
pub mod error;
pub mod fixed;
pub mod gemm;
pub mod prg;
pub mod psi;
pub mod rep3;
pub mod ring;
pub mod stats;

mod text;
pub use error::{Error, Result};
/// Names one run.
pub type SessionId = [u8; 32];
