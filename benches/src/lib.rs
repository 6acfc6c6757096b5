//! Measuring Yu: a runner for two and three parties, and what it shares with the criterion benches.
//!
//! | to see | open |
//! |---|---|
//! | the command line | [`cli`] |
//! | what is run: protocols, inputs, checks, formulas | [`work`] |
//! | parties as threads over a simulated link | [`memory`] |
//! | parties as processes over QUIC or TCP, here or on many machines | [`node`], [`local`] |
//! | who is where; certificates for trying it out | [`hosts`] |
//! | the programs of `yu-mpc` on every engine, estimates | [`mpc`] |
//! | de-identification | [`desensitize`] |
//! | attestation | [`attest`] |
//! | federated learning | [`fedlearn`] |
//! | audit log, policy decisions, a node's log and store | [`governance`] |
//! | hostile bytes for the readers of evidence | [`fuzz`] |
//! | our channel against a bare QUIC stream | [`compare`] |
//! | clocks, memory, commit, CPU | [`machine`], [`phase`] |
//! | tables and JSON | [`report`] |
//! | sizes and parties of the criterion benches | [`support`] |
//!
//! `cargo run --release -p yu-benches -- --help` explains the runner, `cargo bench -p yu-benches` runs the criterion benches.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod attest;
pub mod cli;
pub mod compare;
pub mod desensitize;
pub mod fedlearn;
pub mod fuzz;
pub mod governance;
pub mod hosts;
pub mod local;
pub mod machine;
pub mod memory;
pub mod mpc;
pub mod node;
pub mod phase;
pub mod report;
pub mod support;
pub mod work;

/// Whatever went wrong, for the person at the terminal.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
