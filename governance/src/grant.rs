//! The tree of grants: authority, first tier, second tier; each within the one above (A1, A4, A7, A13, A14).
//!
//! | to see | open |
//! |---|---|
//! | what a grant covers, and whether it lies within another | [`scope`] |
//! | the tree: adding, revoking, when a leaf stops | [`tree`] |
//! | the data lab before the formal application | [`lab`] |
//! | agreements, their clauses and versions | [`agreement`] |
//!
//! Only a leaf lets a job run, and a leaf has one scenario and one plan. The scope of a grant above a leaf says what may be
//! given on, not what may be done.

pub mod agreement;
pub mod lab;
pub mod scope;
pub mod tree;

pub use agreement::{Agreement, AgreementRules, Clause};
pub use lab::{LabGrant, LabReport, LabRules};
pub use scope::{Measures, Quota, Scope};
pub use tree::{Grant, Kind, Revocation, Stop, Tree, TreeRules, plan_hash};
