//! De-identification (去标识化): what data are before anybody computes on them, and what may leave of them.
//!
//! | to see | open |
//! |---|---|
//! | Arrow batches with labels and row places | [`table`] |
//! | CSV, xlsx, Parquet, Arrow IPC into tables | [`read`] |
//! | tables into CSV, Parquet, Arrow IPC; files that are whole or not there | [`mod@write`] |
//! | a whole release from one file: policy, run, assessment | [`policy`] |
//! | reports: HTML with plots, JSON | [`report`] |
//! | risk and utility of a release | [`risk`] |
//! | k-anonymity, l-diversity, t-closeness | [`anonymise`] |
//! | columns as numbers, text, categories | [`mod@column`] |
//! | keys: declared normalisation, duplicates | [`key`] |
//! | identifiers in columns and in text, classes of columns | [`detect`] |
//! | resident identity numbers (GB 11643) | [`key::resident_id`] |
//! | simulated residents, their tables and consents | [`resident`] |
//! | the version of a data set | [`version`] |
//! | masks, pseudonyms, tokens, encryption, coarser or noisy values | [`transform`] |
//! | differential privacy: exact noise, mechanisms, accountants, ledger, synthetic data | [`dp`] |
//! | statistical tables: suppression with its proof, ledger against differencing | [`release`] |
//! | could raw data be restored? attacks and verdict | [`restore`] |
//! | what is wrong, where, and the remedy | [`error`] |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod anonymise;
pub mod column;
pub mod detect;
pub mod dp;
pub mod error;
pub mod key;
pub mod policy;
pub mod read;
pub mod release;
pub mod report;
pub mod resident;
pub mod restore;
pub mod risk;
pub mod table;
pub mod transform;
pub mod version;
pub mod write;

pub use error::{Error, Lang, Place, Result, Text};
pub use table::{Label, Table};
