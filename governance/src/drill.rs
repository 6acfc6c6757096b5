//! Contingency plans that are practised (A3), and the node's own plan, without which it is not active (D14).
//!
//! | to see | open |
//! |---|---|
//! | a fake incident, and the record of how it was handled | [`record`] |
//! | when the next drill is due, the alarm, the block | [`schedule`] |
//! | activation of a node | [`node`] |
//! | the plan of an authorisation, beside it | [`plan`] |

pub mod node;
pub mod plan;
pub mod record;
pub mod schedule;

pub use node::{ActiveNode, NodePlan};
pub use plan::AuthorisationPlan;
pub use record::{Done, DrillRecord, Drills, Injection, Target};
pub use schedule::{DrillRules, Status, status};
