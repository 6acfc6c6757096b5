//! Supply of data (数据供给): what a provider must give under the agreement, and what happens when organisations disagree.
//!
//! | to see | open |
//! |---|---|
//! | requests inside and outside of the agreed list (A20) | [`must`] |
//! | what the authority says of a refusal inside the list (A20) | [`ruling`] |
//! | supply to the first-level operator itself (A28) | [`operator`] |
//! | disputes: mediation, opinions, decision of the government (A27) | [`dispute`] |

pub mod dispute;
pub mod must;
pub mod operator;
pub mod ruling;
