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
//! | the end of an authorisation | [`ending`] |
//! | evidence that is not destroyed, reports that are due | [`incidents`] |
//! | keys of pseudonyms | [`derive_keys`] |
//! | backup and restore | [`backup`] |
//! | consents of subjects | [`consent`] |
//! | attested peers | [`attest`] |
//! | what was tried and refused | [`attempts`] |
//! | control store, audit log on disk | [`store`], [`journal`] |
//! | how nodes meet | [`ticket`] |
//! | faults: what, where, which party, remedy | [`fault`] |
//! | jurisdiction profiles | [`profiles`] |
//! | the regulator's replicas and alarms | [`supervise`] |
//! | imports before they are approved | [`quarantine`] |
//! | where data come from and what became of them | [`trace`] |
//! | reports and packages for those outside | [`reporting`] |
//! | what people ask about safety and supervision | [`watch`] |
//! | quotas of authorisations | [`quotas`] |
//! | the catalogue for people: exchange, reports, metrics, simulated data | [`catalogue`] |
//! | the docket: filed documents in the authority's order | [`docket`] |
//! | files of dossiers under review | [`dossier`] |
//! | rules over the replicas, patrols | [`patrols`] |
//! | alarms as files for connectors | [`notices`] |
//! | drills on running jobs | [`drills`] |
//! | procedures: what moves by signed steps only | [`procedure`] |
//! | reports for those outside the domain | [`reports`] |
//! | products and money | [`market`] |
//! | people: sessions, posts, login services | [`people`] |
//! | the demonstration | [`demo`] |
//! | algorithms as WebAssembly modules, with the feature `wasm` | `wasm` |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod admin;
pub mod attempts;
pub mod attest;
pub mod backup;
pub mod catalogue;
pub mod cli;
pub mod consent;
pub mod control;
pub mod dataset;
pub mod demo;
pub mod derive_keys;
pub mod destroy;
pub mod docket;
pub mod dossier;
pub mod drills;
pub mod egress;
pub mod ending;
pub mod fault;
mod harden;
pub mod home;
pub mod incidents;
pub mod job;
pub mod journal;
pub mod keys;
pub mod live;
pub mod market;
pub mod models;
pub mod node;
pub mod notices;
pub mod patrols;
pub mod people;
pub mod procedure;
pub mod profiles;
pub mod quarantine;
pub mod quotas;
pub mod raw_table;
pub mod reporting;
pub mod reports;
pub mod sessions;
pub mod store;
pub mod suite;
pub mod supervise;
pub mod ticket;
pub mod trace;
pub mod vault;
pub mod verbs;
#[cfg(feature = "wasm")]
pub mod wasm;
pub mod watch;
