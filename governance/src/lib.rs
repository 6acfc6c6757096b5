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
//! | the suite of algorithms, standard or national (D12) | [`suite`] |
//! | identifiers | [`id`] |
//! | catalogue entries | [`catalogue`] |
//! | catalogue of data (K1-K4, K7, A6, A17), of products (K8), of demands (K9) | [`catalogue`] |
//! | quality of data: metrics (K6), tickets (K5), report per department (C6, S9) | [`quality`] |
//! | supply of data: the agreed list (A20), disputes (A27) | [`supply`] |
//! | authorisations | [`authorisation`] |
//! | data requests, column by column | [`request`] |
//! | consent of subjects (A15, A16, L7) | [`consent`] |
//! | people: evidence, posts, credentials, logins, sessions (H1-H5, D10, D12) | [`person`] |
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
//! | grants as a tree, lab grants, agreements | [`grant`] |
//! | where something comes from and where it went (P9) | [`lineage`] |
//! | metering, tariffs, invoices, shares (D13, O9, S8) | [`metering`] |
//! | the docket: all documents of the domain in one order (S1) | [`docket`] |
//! | drills, the node's own plan (A3, D14) | [`drill`] |
//! | yearly evaluation (S7) | [`evaluation`] |
//! | watching, patrols, complaints (S2) | [`patrol`] |
//! | reports, disclosure, packages that verify offline (S4-S6, D15) | [`report`] |
//! | disposal of assets at the end (L6) | [`asset`] |
//! | the end of an authorisation at a node, sealing (L1, L5) | [`ending`] |
//! | switches of single data sets and products (L3) | [`switch`] |
//! | reviewers and selections (A26, A29) | [`conduct`] |
//! | quotas, columns read and granted | [`quota`] |
//! | one approval for many runs of a job | [`standing`] |
//! | the items of a review and their answers (O6) | [`sheet`] |
//! | counties in the city's domain (D8) | [`county`] |
//! | imports through quarantine (P4, D11) | [`import`] |
//! | signed algorithms (P5) | [`algorithm`] |
//! | on which data is trained (P3) | [`training_data`] |
//! | public register, filings, credit records | [`register`] |
//! | procedures as machines: authorisation, request, product, incident, suspension, person | [`workflow`] |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod algorithm;
pub mod asset;
pub mod audit;
pub mod authorisation;
pub mod calendar;
pub mod canonical;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod conduct;
pub mod consent;
pub mod contract;
pub mod county;
pub mod deadline;
pub mod destroy;
pub mod docket;
pub mod drill;
pub mod ending;
pub mod error;
pub mod evaluation;
pub mod finding;
pub mod grant;
pub mod held;
pub mod id;
pub mod import;
pub mod lineage;
pub mod metering;
pub mod patrol;
pub mod person;
pub mod policy;
pub mod profile;
pub mod quality;
pub mod quota;
pub mod raw;
pub mod register;
pub mod release;
pub mod report;
pub mod request;
pub mod sheet;
pub mod sign;
pub mod standing;
pub mod suite;
pub mod supply;
pub mod switch;
pub mod text;
pub mod training_data;
pub mod workflow;

pub use error::{Error, Result};
