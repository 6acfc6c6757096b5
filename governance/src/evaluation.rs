//! Yearly evaluation (S7): scorecards by a signed scheme, surveys, and what failing several times in a row leads to.
//!
//! | to see | open |
//! |---|---|
//! | the scheme, survey forms, the scorecard | [`scorecard`] |
//! | years in their order, consequence, proposal to terminate | [`history`] |
//!
//! NB 27, ZJ 六(七), TZ 五(四), ZW 33, ZZ 31. How often, and how many fails end an authorisation, is profile data.

pub mod history;
pub mod scorecard;

pub use history::{Consequence, History, TerminationProposal};
pub use scorecard::{Group, Item, Marked, Scheme, Scorecard, Survey};
