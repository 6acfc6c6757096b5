//! Frames, channels, carriers and session resume: where a message goes onto the wire.
//!
//! | to see | open |
//! |---|---|
//! | the 32-byte frame header | [`frame`] |
//! | names of communication steps | [`step`] |
//! | the one file that names the serialiser | [`codec`] |
//! | the synchronous channel that protocols use | [`channel`] |
//! | bytes, frames and rounds | [`meter`] |
//! | channels inside one process | [`memory`] |
//! | latency, bandwidth and loss | [`shape`] |
//! | one party alone, against a recorded peer | [`record`] |
//! | a party that cheats, for tests | [`tamper`] |
//! | messages protected to one recipient (HPKE, SM2) | [`seal`] |
//! | SM4-GCM | [`sm4gcm`] |
//! | the layer inside TLS of a domain of the national suite | [`inner`] |
//! | names, organisation roots, trust | [`identity`], [`trust`] |
//! | QUIC, TCP + TLS 1.3, proxies | [`carrier`] |
//! | request and response between nodes | [`rpc`] |
//! | sessions that survive a cut | [`session`] |
//! | **danger**, tests only: what crosses the wire, in the clear | `tap` (feature `danger-tap`) |
//! | a relay that cuts and loses, for tests | [`relay`] |
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod carrier;
pub mod channel;
pub mod codec;
pub mod error;
pub mod frame;
pub mod identity;
pub mod inner;
pub mod memory;
pub mod meter;
pub mod record;
pub mod relay;
pub mod rpc;
pub mod seal;
pub mod session;
pub mod shape;
pub mod sm4gcm;
pub mod step;
pub mod tamper;
#[cfg(feature = "danger-tap")]
pub mod tap;
pub mod trust;

pub use error::{Error, Result};
