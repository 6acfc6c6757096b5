//! What the criterion benches share.

pub mod parties;
pub mod sizes;
