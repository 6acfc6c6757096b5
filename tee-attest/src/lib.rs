//! Attestation: evidence of trusted execution environments to verdicts that cannot be misused.
//!
//! ```text
//! Evidence --verify(collateral, instant, binding)--> Verified<Claims> --appraise(policy)--> Affirmed<Claims> | Denial
//! ```
//! Pure: no network, no clock, no file. Collateral is carried in as a signed bundle; the instant is an argument.
//!
//! | open | for |
//! |---|---|
//! | [`evidence`] | evidence as it travels |
//! | [`verify`] | from evidence to verified claims |
//! | [`claims`] | the schema of claims |
//! | [`collateral`] | what makers publish, verified once |
//! | [`bundle`], [`signed`] | collateral and policies as signed files |
//! | [`policy`] | the decision: rules, profiles, [`policy::Affirmed`], [`policy::Denial`] |
//! | [`verdict`] | a verdict as it is logged, and had again years later |
//! | [`release`], [`share`] | a data key for an affirmed peer, whole or k of n |
//! | [`ear`] | a verdict as a token that other verifiers read |
//! | [`binding`] | evidence bound to one session |
//! | `attester` | evidence of the guest this runs in (feature `attester`) |
//! | [`crypto`] | the trait behind all signature checks |
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests may panic"))]

#[cfg(feature = "attester")]
pub mod attester;
pub mod binding;
pub mod bundle;
pub mod cca;
pub mod claims;
pub mod collateral;
pub mod crypto;
pub mod csv;
mod cursor;
pub mod dcap;
mod der;
pub mod ear;
pub mod eventlog;
pub mod evidence;
mod fault;
mod instant;
mod layout;
pub mod nitro;
pub mod nvidia;
pub mod policy;
pub mod release;
pub mod share;
pub mod signed;
#[cfg(feature = "danger-simulated-tee")]
pub mod simulated;
pub mod snp;
mod text;
pub mod tpm;
pub mod verdict;
pub mod verify;
mod x509;

pub use binding::Binding;
pub use bundle::Bundle;
pub use claims::Claims;
pub use collateral::{Entry, VerifiedCollateral};
pub use evidence::{Evidence, Kind, Part};
pub use fault::{Detail, Fault, Result};
pub use instant::{Instant, Span};
pub use policy::{Affirmed, Denial, Policy};
pub use text::{Lang, Text};
pub use verdict::{Judge, Verdict};
pub use verify::{Hardware, Verified};
