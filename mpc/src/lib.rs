//! Secret sharing, private set intersection and joint statistics: the protocols, without any policy.
//!
//! | to see | open |
//! |---|---|
//! | which rows two parties have in common | [`psi`] |
//! | arithmetic on values that nobody sees | [`rep3`] |
//! | the same if a party may cheat | [`rep3::malicious`] |
//! | means, correlations and groups over two parties' columns | [`stats`] |
//! | those, quantiles, histograms and models, over rows that nobody knows to match | [`analysis`] |
//! | sorting, grouping and joining rows that nobody sees | [`table`] |
//! | bytes and rounds before the run | [`cost`] |
//! | what a ring element means | [`ring`], [`fixed`] |
//! | what a protocol has to offer, and the suite that it has to pass | [`engine`], [`mod@conformance`], `docs/add-a-protocol.md` |
//! | functions of secret arrays, models trained on them | [`ops`], [`learn`] |
//! | randomness that two parties share | [`prg`] |
//! | the fast part | [`gemm`] |
//! | memory that is used again | [`memory`] |
//! | who is at fault | [`error`] |
//!
//! | protocol | parties | adversary | paper | rounds | bytes (payload) |
//! |---|---|---|---|---:|---|
//! | [`psi`] | 2 | semi-honest, 1 corruption | Huberman, Franklin, Hogg 1999 | 3 | 64 to 74 per row and side |
//! | [`rep3`] multiply | 3 | semi-honest, 1 corruption | Araki et al. 2016/768 | 1 | 24 per element |
//! | [`rep3`] multiply and truncate by F bits | 3 | same | product: 2016/768; truncation: [`rep3`] | 2 | 24 + 3F/8 per element |
//! | [`rep3`] matrix product | 3 | same | 2016/768 | 1 | 24 per element of the result |
//! | [`rep3`] shuffle | 3 | same | Laur, Willemson, Zhang 2011 | 3 | 48 per row and column |
//! | [`rep3::malicious`] multiply | 3 | malicious with abort, 1 corruption | Boyle et al. 2019/1390 | 1, and about 30 per check | 42 per element, and below 18 kB per check |
//! | [`rep3::malicious`] shuffle | 3 | same | 2019/1390; `shuffle.rs` there | 3, and the check | 84 per row and column |
//! | [`stats`] | 2 + helper | same | built on the above | 5 or 6 | [`stats::formula`] |
//!
//! Letters used throughout: `n` parties or rows, `t` corrupted parties, `k = 64` bit length of the ring, `lambda = 40` bits of
//! statistical and `kappa = 128` bits of computational security. Parties are numbered from 0.
//!
//! Everything blocks: a party is ordinary code on its own thread, talking through [`yu_wire::channel::Channel`]s. Few-message
//! protocols ([`psi`]) are pure states that a small driver moves; evaluation over shares is straight-line code against a
//! [`rep3::Context`]. Randomness is always a parameter. Numbers of the protocols in frame headers: 1 [`psi`], 2 [`rep3`], 3
//! [`stats`], 4 the checks of [`rep3::malicious`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

pub mod analysis;
pub mod clear;
pub mod conformance;
pub mod cost;
pub mod dry;
pub mod engine;
pub mod error;
pub mod fixed;
pub mod gemm;
pub mod joint;
pub mod learn;
pub mod memory;
pub mod moments;
pub mod ops;
pub mod planes;
pub mod prg;
pub mod programs;
pub mod psi;
pub mod rep3;
pub mod ring;
pub mod secret;
pub mod stats;
pub mod table;

mod text;

pub use error::{Error, Result};

/// Names one run of one job, for instance the hash of its contract. Keys, points and tags of two runs with different ids
/// are unrelated.
pub type SessionId = [u8; 32];
