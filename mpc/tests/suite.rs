//! All integration tests of the crate in one binary.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/agreement.rs"]
mod agreement;
#[path = "suite/analysis.rs"]
mod analysis;
#[path = "suite/arrays.rs"]
mod arrays;
#[path = "suite/cheating.rs"]
mod cheating;
#[path = "suite/cost.rs"]
mod cost;
#[path = "suite/default_credit.rs"]
mod default_credit;
#[path = "suite/engines.rs"]
mod engines;
#[path = "suite/joint.rs"]
mod joint;
#[path = "suite/learn.rs"]
mod learn;
#[path = "suite/malicious.rs"]
mod malicious;
#[path = "suite/malicious_tables.rs"]
mod malicious_tables;
#[path = "suite/numeric.rs"]
mod numeric;
#[path = "suite/probabilistic.rs"]
mod probabilistic;
#[path = "suite/tables.rs"]
mod tables;
#[path = "suite/transcript.rs"]
mod transcript;
#[path = "suite/world.rs"]
mod world;
