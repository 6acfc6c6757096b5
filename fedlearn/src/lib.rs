//! Federated learning (联邦学习): models that several parties train together while every row stays with its owner.
//!
//! | to see | open |
//! |---|---|
//! | who is at fault | [`error`] |
//!
//! Everything blocks: protocols with few messages are pure states (state and message to state and messages), what runs over shares is
//! straight-line code against an engine of [`yu_mpc`]. Randomness and time are parameters.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod error;

pub use error::{Error, Result};
