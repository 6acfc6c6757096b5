//! Integration tests of the wire: one binary.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "suite/agreement.rs"]
mod agreement;
#[path = "suite/cheating.rs"]
mod cheating;
#[path = "suite/transcript.rs"]
mod transcript;

#[path = "suite/carriers.rs"]
mod carriers;
#[path = "suite/cuts.rs"]
mod cuts;
#[path = "suite/inner.rs"]
mod inner;
#[path = "suite/nodes.rs"]
mod nodes;
#[path = "suite/sessions.rs"]
mod sessions;
