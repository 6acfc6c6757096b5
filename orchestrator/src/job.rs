//! Jobs: from `job.toml` to the contract, its admission, its run, and its end.
//!
//! | to see | open |
//! |---|---|
//! | what a person writes | [`mod@file`] |
//! | its steps | `steps` |
//! | de-identification of one party's rows | `derive`, `run/derivative.rs` |
//! | jobs in an attested environment | [`enclave`], `run/enclave.rs` |
//! | the contract | [`compile`] |
//! | signatures of all parties, all or nothing | [`admit`] |
//! | the run on one node | [`run`] |
//! | states as persisted intents | [`state`] |
//! | events as sentences | [`story`] |

pub mod admit;
pub mod again;
pub mod bundle;
pub mod compile;
pub mod curve;
pub mod derive;
pub mod enclave;
pub mod end;
pub mod explain;
pub mod file;
pub mod held;
pub mod inputs;
pub mod known;
pub mod offer;
pub mod plan;
pub mod recurring;
pub mod report;
pub mod run;
pub mod sheet;
pub mod split;
mod standing;
pub mod state;
mod steps;
pub mod story;
pub mod training;
pub mod watchdog;

pub use state::State;
