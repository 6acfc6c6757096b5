//! Differential privacy (差分隐私) in training: noise that hides one row or one party, and the account of what it costs.
//!
//! | to see | open |
//! |---|---|
//! | each row hidden by its own party's noise | [`DpSgd`] |
//! | exact Gaussian noise for vectors of doubles | [`VectorNoise`] |
//! | whole parties hidden: clipping, noise of the server or of each party | [`Central`], [`clip`] |
//! | noise in parts under secure aggregation | [`distributed`] |
//! | a clipping norm that follows the updates | [`AdaptiveClip`] |
//! | the budget that stops before it is exceeded | [`Budget`] |
//! | noise that is not drawn twice after a crash | [`Releases`] |
//!
//! Accountants and samplers are those of [`yu_desensitize::dp`]; adjacency is a row ([`DpSgd`]) or a party (all others) against nothing in its place,
//! numbers of rows and of parties being public.
//! **Not protected:** the time that drawing noise takes; losses and metrics that a party keeps for itself ([`crate::strategy::LocalMetrics`]);
//! numbers of rows, which are public; settings that were chosen by looking at the data.

mod adaptive;
mod budget;
mod central;
pub mod distributed;
mod releases;
mod sgd;
mod vector;

pub use adaptive::AdaptiveClip;
pub use budget::{Budget, Charge, calibrate};
pub use central::{Central, clip};
pub use releases::Releases;
pub use sgd::{DpSgd, PrivateSteps};
pub use vector::VectorNoise;

use crate::Error;

/// A refusal of the accountants or samplers: our caller's settings.
pub(crate) fn refused(error: &yu_desensitize::Error) -> Error {
    Error::caller(format!("differential privacy: {error}"))
}
