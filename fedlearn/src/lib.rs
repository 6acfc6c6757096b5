//! Federated learning (联邦学习): models that several parties train together while every row stays with its owner.
//!
//! | to see | open |
//! |---|---|
//! | a horizontal training from job to model | [`train`] |
//! | rows: coding, scales, splits | [`data`] |
//! | models trained by gradients | [`model`] |
//! | a round: parties' steps, the server's step | [`strategy`] |
//! | a step by a program outside | [`external`] |
//! | many parties in one process | [`simulate`] |
//! | aggregation that bad updates cannot steer | [`robust`] |
//! | smaller updates | [`update`] |
//! | noise, budgets, distributed privacy | [`privacy`] |
//! | a sum that tells nothing but the sum | [`secagg`] |
//! | how a coordinator asks and parties answer | [`star`] |
//! | how good a model is, in the clear and on shares | [`evaluate`] |
//! | columns before training: bins, weights of evidence, correlations, score cards | [`feature`] |
//! | what is kept of a model: lineage, versions, export, drift | [`artefact`] |
//! | may a trained model leave: attacks, leaf sizes, privacy statement | [`gate`] |
//! | telling one party what is shared | [`reveal`] |
//! | gradient-boosted trees: bins, settings, models, training in one place | [`trees`] |
//! | training over shares, features of the same rows at several owners | [`vertical`] |
//! | who is at fault | [`error`] |
//!
//! Everything blocks: protocols with few messages are pure states (state and message to state and messages), what runs over shares is
//! straight-line code against an engine of [`yu_mpc`]. Randomness and time are parameters.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod artefact;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod external;
pub mod feature;
pub mod gate;
pub mod model;
pub mod privacy;
pub mod reveal;
pub mod robust;
pub mod secagg;
pub mod simulate;
pub mod star;
pub mod strategy;
pub mod train;
pub mod trees;
pub mod update;
pub mod vertical;

pub use error::{Error, Result};
