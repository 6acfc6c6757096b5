//! The decision: may this contract run, as far as this party is concerned? Deny by default.
//!
//! | to see | open |
//! |---|---|
//! | what a decision looks at | [`input`] |
//! | rules that nobody can edit | [`hard`] |
//! | the party's own, editable policy | [`cedar`] |
//! | documents that are verified once for all rules and moments | [`Case`] |
//! | both together; permits | [`decide`](mod@decide) |
//!
//! A contract runs only if no hard rule objects *and* the party's own policy permits each use explicitly. A rule or
//! policy that cannot be evaluated denies.

mod case;
pub mod cedar;
pub mod decide;
pub mod hard;
pub mod input;

pub use case::Case;
pub use cedar::{DEFAULT_POLICY, PolicySet, Ruling};
pub use decide::{Decision, Permit, check, decide};
pub use input::{Dossier, Floors, PolicyInput};
