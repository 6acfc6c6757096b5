//! Two parties compute, a third deals: an [`Engine`](yu_mpc::engine::Engine) written outside `yu-mpc`, the example of
//! `docs/add-a-protocol.md`.
//!
//! **What it computes.** Everything that programs over [`yu_mpc::secret`] arrays compute. A value `x` of Z_2^64 is
//! `x_0 + x_1 mod 2^64`, a bit is `x_0 ^ x_1`; `P_i` holds `x_i`, the dealer holds nothing (zeros of the same length).
//!
//! **Parties and what each learns.** P0 and P1 compute. P2, the dealer, sends randomness that does not depend on data (Beaver
//! triples and the like). Nobody learns anything beyond the shapes; an opening tells all three.
//!
//! **Adversary.** Semi-honest, one corruption (t = 1 of n = 3), static: in particular no party colludes with the dealer.
//! Computational only through the PRG ([`yu_mpc::prg`]).
//!
//! **Paper.** Beaver: Efficient Multiparty Protocols Using Circuit Randomization, CRYPTO 1991. Permute and share: the
//! correlation of Chase, Ghosh, Poburinnaya: Secret-Shared Shuffle, eprint 2019/1340, section 3.
//!
//! **How we deviate.** The dealer and `P_i` share a key; what the dealer gives to P0 comes from it, and so does what may be random
//! at P1: only the last component of a correlation is sent, to P1. Bilinear triples serve scalar products and matrices. One
//! triple of a random bit, a mask and their product makes the selection by a bit one round. Permutations get a third part
//! that only P0 and P1 know, so that the dealer does not know the whole. Truncation is that of [`yu_mpc::rep3`], with `r` dealt.
//!
//! **Rounds and bytes** for `n` elements (`w` words of 64 bits, `m` elements of all operands), payload; `W = ceil(n / 64)`:
//!
//! | operation | rounds | P0 and P1, each | dealer |
//! |---|---:|---:|---:|
//! | set-up | 1 | 32 | 32 |
//! | input of P0 or P1 | 0 | 0 | 0 |
//! | input of the dealer | 1 | 0 | 8n |
//! | product, element-wise (m = 2n), scalar or matrix | 1 | 8m | 8n |
//! | truncation by `F` bits | 1 | 8n | 8n + 8FW |
//! | conjunction | 1 | 16w | 8w |
//! | addends | 0 | 0 | 0 |
//! | lift | 1 | 8W | 8n |
//! | selection by a bit | 1 | 8n + 8W | 16n |
//! | shuffle | 2 | 8n | 16n |
//! | open | 1 | 16n | 0 |
//! | open bits | 1 | 16w | 0 |
//!
//! **Why each message is safe.** What P0 and P1 open to each other is masked by a share that the receiver lacks (`a_i`, `r_i`, ...,
//! from the key of the sender and the dealer). What P1 gets from the dealer is masked by the key of P0 and the dealer, what P0
//! gets in a shuffle by the key of P1 and the dealer. The dealer receives shares of opened values only, masked by a share of
//! zero from the key of P0 and P1: it knows parts of the shares, and would otherwise learn operands from the shares of a result.
//!
//! **What is not protected.** Shapes, number and order of operations, timing. A party that deviates can change results unnoticed
//! (wrong lengths, steps and orders are noticed). Rounding of truncated values as in [`yu_mpc::rep3`]: whoever learns the value
//! and computes or deals learns one comparison about the bits below the last place.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop at the first surprise"))]

mod bits;
mod context;
mod correlation;
mod engine;
mod open;
mod price;
mod product;
mod shuffle;
mod steps;
mod trunc;

pub use context::{Context, PARTIES};
pub use shuffle::Shuffle;
pub use steps::DealerStep;
