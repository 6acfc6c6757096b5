//! The audit log: who did what, when, in which job, with which hashes; never a value.
//!
//! One log per node, three files, only ever appended to. Entries are chained and are the leaves of a Merkle tree with RFC 9162
//! hashing; checkpoints sign the tree; peers countersign checkpoints, so that a log cannot be rewritten or cut back by its owner
//! without a peer noticing. Bytes in, bytes out: the caller writes and syncs. Layout, byte by byte: `docs/audit-log.md`.
//!
//! | to see | open |
//! |---|---|
//! | what can be logged, and the line format | [`entry`] |
//! | events that wait in a store | [`draft`] |
//! | Merkle roots and proofs | [`merkle`] |
//! | signed checkpoints | [`checkpoint`] |
//! | the peers' side | [`countersign`] |
//! | the log of this node while it runs | [`log`] |
//! | how far a log was acknowledged, for the next start | [`head`] |
//! | checking logs of any nodes offline | [`mod@verify`] |
//! | entries as sentences | [`story`] |

pub mod checkpoint;
pub mod countersign;
pub mod draft;
pub mod entry;
pub mod head;
pub mod log;
pub mod merkle;
pub mod story;
pub mod verify;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use countersign::{Countersignature, Witness};
pub use draft::Draft;
pub use entry::{Entry, Event, Field, Verb};
pub use head::Head;
pub use log::{AuditLog, Recovery};
pub use verify::{LogFiles, Report, verify};
