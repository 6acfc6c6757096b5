//! Integration tests of the rules: one binary, one module per subject.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/admission.rs"]
mod admission;
#[path = "suite/assets.rs"]
mod assets;
#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/authorisations.rs"]
mod authorisations;
#[path = "suite/calendar.rs"]
mod calendar;
#[path = "suite/catalogue.rs"]
mod catalogue;
#[path = "suite/chains.rs"]
mod chains;
#[path = "suite/conduct.rs"]
mod conduct;
#[path = "suite/consents.rs"]
mod consents;
#[path = "suite/correction.rs"]
mod correction;
#[path = "suite/dcat.rs"]
mod dcat;
#[path = "suite/deadline.rs"]
mod deadline;
#[path = "suite/derivative.rs"]
mod derivative;
#[path = "suite/drill.rs"]
mod drill;
#[path = "suite/evaluation.rs"]
mod evaluation;
#[path = "suite/grants.rs"]
mod grants;
#[path = "suite/hard.rs"]
mod hard;
#[path = "suite/heads.rs"]
mod heads;
#[path = "suite/level3.rs"]
mod level3;
#[path = "suite/lineage.rs"]
mod lineage;
#[path = "suite/logs.rs"]
mod logs;
#[path = "suite/machines.rs"]
mod machines;
#[path = "suite/market.rs"]
mod market;
#[path = "suite/metering.rs"]
mod metering;
#[path = "suite/patrol.rs"]
mod patrol;
#[path = "suite/people.rs"]
mod people;
#[path = "suite/policy.rs"]
mod policy;
#[path = "suite/products.rs"]
mod products;
#[path = "suite/profile.rs"]
mod profile;
#[path = "suite/python.rs"]
mod python;
#[path = "suite/quality.rs"]
mod quality;
#[path = "suite/quotas.rs"]
mod quotas;
#[path = "suite/raw.rs"]
mod raw;
#[path = "suite/register.rs"]
mod register;
#[path = "suite/reports.rs"]
mod reports;
#[path = "suite/requirements.rs"]
mod requirements;
#[path = "suite/review.rs"]
mod review;
#[path = "suite/sheet.rs"]
mod sheet;
#[path = "suite/split_model.rs"]
mod split_model;
#[path = "suite/standing.rs"]
mod standing;
#[path = "suite/supply.rs"]
mod supply;
#[path = "suite/training.rs"]
mod training;
#[path = "suite/world.rs"]
mod world;
