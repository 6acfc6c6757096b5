//! The catalogue of `yu-mpc` on every engine: each program of [`yu_mpc::programs`] between threads over a simulated link or
//! between processes over a carrier, priced by the dry run and held to it.
//!
//! | to see | open |
//! |---|---|
//! | which engines there are, and how to add one | [`engines`] |
//! | sizes, and what an element is | [`sizes`] |
//! | one operation | [`run`] |
//! | what it says | [`report`] |
//! | the whole table | [`suite`] |
//! | seconds before the run | [`calibrate`], [`estimate`] |

pub mod args;
pub mod calibrate;
pub mod engines;
pub mod estimate;
pub mod report;
pub mod run;
pub mod sizes;
pub mod suite;
