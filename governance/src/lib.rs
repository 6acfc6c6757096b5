//! Rules of the authorised operation domain (授权运营域): who may do what with which data, for which purpose, until when.
//!
//! Pure: no I/O, no async, no clock; time is an argument.
//!
//! | to see | open |
//! |---|---|
//! | canonical JSON and hashes | [`canonical`] |
//! | time as an argument | [`clock`] |
//! | working days, holidays, calendar months | [`calendar`] |
//! | signed objects | [`sign`] |
//! | identifiers | [`id`] |
//! | catalogue entries | [`catalogue`] |
//! | authorisations | [`authorisation`] |
//! | data requests, column by column | [`request`] |
//! | consent of subjects | [`consent`] |
//! | the job contract | [`contract`] |
//! | the decision | [`policy`] |
//! | raw data stops here | [`raw`] |
//! | held results, checks, review, release | [`held`], [`check`], [`release`] |
//! | destruction certificate | [`destroy`] |
//! | clocks of review, deemed consent, correction orders | [`deadline`] |
//! | jurisdiction profiles: terms, clocks, actors, gates as signed data | [`profile`] |
//! | what a check found | [`finding`] |
//! | sentences in both languages | [`text`] |
//! | the Merkle audit log | [`audit`] |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod audit;
pub mod authorisation;
pub mod calendar;
pub mod canonical;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod consent;
pub mod contract;
pub mod deadline;
pub mod destroy;
pub mod error;
pub mod finding;
pub mod held;
pub mod id;
pub mod policy;
pub mod profile;
pub mod raw;
pub mod release;
pub mod request;
pub mod sign;
pub mod text;

pub use error::{Error, Result};
