//! Integration tests of the rules: one binary, one module per subject.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/admission.rs"]
mod admission;
#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/calendar.rs"]
mod calendar;
#[path = "suite/correction.rs"]
mod correction;
#[path = "suite/deadline.rs"]
mod deadline;
#[path = "suite/derivative.rs"]
mod derivative;
#[path = "suite/hard.rs"]
mod hard;
#[path = "suite/logs.rs"]
mod logs;
#[path = "suite/policy.rs"]
mod policy;
#[path = "suite/profile.rs"]
mod profile;
#[path = "suite/python.rs"]
mod python;
#[path = "suite/raw.rs"]
mod raw;
#[path = "suite/review.rs"]
mod review;
#[path = "suite/split_model.rs"]
mod split_model;
#[path = "suite/training.rs"]
mod training;
#[path = "suite/world.rs"]
mod world;
