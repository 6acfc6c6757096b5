//! Tests of whole nodes: the program itself, as operating-system processes, spoken to through its command line.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests may stop at the first surprise")]

mod by_hand;
mod support;
