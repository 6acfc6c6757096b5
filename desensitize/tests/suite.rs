//! Tests through the public interface.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/anonymise.rs"]
mod anonymise;
#[path = "suite/attacks.rs"]
mod attacks;
#[path = "suite/detect.rs"]
mod detect;
#[path = "suite/dp.rs"]
mod dp;
#[path = "suite/evasions.rs"]
mod evasions;
#[path = "suite/hierarchies.rs"]
mod hierarchies;
#[path = "suite/hostile.rs"]
mod hostile;
#[path = "suite/keys.rs"]
mod keys;
#[path = "suite/messages.rs"]
mod messages;
#[path = "suite/policy.rs"]
mod policy;
#[path = "suite/reading.rs"]
mod reading;
#[path = "suite/release.rs"]
mod release;
#[path = "suite/residents.rs"]
mod residents;
#[path = "suite/restore.rs"]
mod restore;
#[path = "suite/shared.rs"]
mod shared;
#[path = "suite/transform.rs"]
mod transform;
#[path = "suite/workbook.rs"]
mod workbook;
