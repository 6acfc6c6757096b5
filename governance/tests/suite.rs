//! Integration tests of the rules: one binary, one module per subject.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/admission.rs"]
mod admission;
#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/catalogue.rs"]
mod catalogue;
#[path = "suite/consents.rs"]
mod consents;
#[path = "suite/dcat.rs"]
mod dcat;
#[path = "suite/derivative.rs"]
mod derivative;
#[path = "suite/hard.rs"]
mod hard;
#[path = "suite/logs.rs"]
mod logs;
#[path = "suite/people.rs"]
mod people;
#[path = "suite/policy.rs"]
mod policy;
#[path = "suite/products.rs"]
mod products;
#[path = "suite/python.rs"]
mod python;
#[path = "suite/quality.rs"]
mod quality;
#[path = "suite/raw.rs"]
mod raw;
#[path = "suite/review.rs"]
mod review;
#[path = "suite/split_model.rs"]
mod split_model;
#[path = "suite/supply.rs"]
mod supply;
#[path = "suite/training.rs"]
mod training;
#[path = "suite/world.rs"]
mod world;
