//! Tests of the crate from outside, in one binary.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod artefact;
mod ceilings;
mod compressed;
mod evaluate_central;
mod evaluate_shares;
mod external;
mod feature_shares;
mod feature_world;
mod gate;
mod gradients;
mod horizontal;
mod private;
mod rounds;
mod secagg;
mod shared;
mod sums;
mod train;
mod vertical;
mod world;
