//! The node: jobs, sessions, store, exit gate, command line. The only crate that sees all the others.
//!
//! | to see | open |
//! |---|---|
//! | the binary's verbs | [`cli`] |
//! | what the node does for them | [`verbs`] |
//! | what nodes ask each other | [`control`] |
//! | the life of a job | [`job`] |
//! | what leaves the domain | [`egress`] |
//! | the running node | [`node`] |
//! | payloads at rest, destruction | [`vault`], [`destroy`] |
//! | keys of pseudonyms | [`derive_keys`] |
//! | attested peers | [`attest`] |
//! | control store, audit log on disk | [`store`], [`journal`] |
//! | how nodes meet | [`ticket`] |
//! | faults: what, where, which party, remedy | [`fault`] |
//! | jurisdiction profiles | [`profiles`] |
//! | the regulator's replicas and alarms | [`supervise`] |
//! | where data come from and what became of them | [`trace`] |
//! | quotas of authorisations | [`quotas`] |
//! | the docket: filed documents in the authority's order | [`docket`] |
//! | procedures: what moves by signed steps only | [`procedure`] |
//! | the demonstration | [`demo`] |
//! | algorithms as WebAssembly modules, with the feature `wasm` | `wasm` |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod admin;
pub mod attest;
pub mod cli;
pub mod consent;
pub mod control;
pub mod dataset;
pub mod demo;
pub mod derive_keys;
pub mod destroy;
pub mod docket;
pub mod egress;
pub mod fault;
pub mod home;
pub mod job;
pub mod journal;
pub mod keys;
pub mod live;
pub mod models;
pub mod node;
pub mod procedure;
pub mod profiles;
pub mod quotas;
pub mod raw_table;
pub mod sessions;
pub mod store;
pub mod supervise;
pub mod ticket;
pub mod trace;
pub mod vault;
pub mod verbs;
#[cfg(feature = "wasm")]
pub mod wasm;
