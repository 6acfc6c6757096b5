//! Tests of whole nodes: the program itself, as operating-system processes, spoken to through its command line.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests may stop at the first surprise")]

#[path = "suite/attest_cli.rs"]
mod attest_cli;
#[cfg(feature = "danger-simulated-tee")]
#[path = "suite/attested.rs"]
mod attested;
#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/backup.rs"]
mod backup;
#[path = "suite/by_hand.rs"]
mod by_hand;
#[path = "suite/canary.rs"]
mod canary;
#[path = "suite/crash.rs"]
mod crash;
#[path = "suite/cut.rs"]
mod cut;
#[path = "suite/demo.rs"]
mod demo;
#[path = "suite/derive.rs"]
mod derive;
#[path = "suite/destroy.rs"]
mod destroy;
#[path = "suite/docket.rs"]
mod docket;
#[path = "suite/door.rs"]
mod door;
#[cfg(all(feature = "danger-simulated-tee", feature = "wasm"))]
#[path = "suite/enclave.rs"]
mod enclave;
#[path = "suite/endings.rs"]
mod endings;
#[path = "suite/ends.rs"]
mod ends;
#[path = "suite/faults.rs"]
mod faults;
#[path = "suite/foreign.rs"]
mod foreign;
#[path = "suite/grants.rs"]
mod grants;
#[path = "suite/isolation.rs"]
mod isolation;
#[path = "suite/kill.rs"]
mod kill;
#[path = "suite/known.rs"]
mod known;
#[path = "suite/market.rs"]
mod market;
#[path = "suite/national.rs"]
mod national;
#[path = "suite/needles.rs"]
mod needles;
#[path = "suite/offers.rs"]
mod offers;
#[path = "suite/peers.rs"]
mod peers;
#[path = "suite/people.rs"]
mod people;
#[path = "suite/planted.rs"]
mod planted;
#[path = "suite/procedures.rs"]
mod procedures;
#[path = "suite/prod.rs"]
mod prod;
#[path = "suite/recurring.rs"]
mod recurring;
#[path = "suite/redteam.rs"]
mod redteam;
#[path = "suite/reviews.rs"]
mod reviews;
#[path = "suite/rig.rs"]
mod rig;
#[path = "suite/rules.rs"]
mod rules;
#[path = "suite/split.rs"]
mod split;
#[path = "suite/steps.rs"]
mod steps;
#[path = "suite/supervision.rs"]
mod supervision;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/taps.rs"]
mod taps;
#[path = "suite/training.rs"]
mod training;
#[cfg(feature = "wasm")]
#[path = "suite/wasm.rs"]
mod wasm;
#[path = "suite/watching.rs"]
mod watching;
