//! Gradient-boosted trees of two parties without a third (两方纵向提升树): the owner of the labels encrypts gradients, the other adds them up.
//!
//! After Cheng et al. 2019 (arXiv 1901.08755, SecureBoost), with ElGamal on Ristretto255 ([`elgamal`]) in place of Paillier: `g` and `h` of a row
//! have 8 bits, so that sums are small enough to be found again. It is the portable reference for two parties; three parties are faster and hide more
//! ([`super::boost`]).
//!
//! | to see | open |
//! |---|---|
//! | the owner of the labels | [`lead`] |
//! | the other owner of features | [`follow`] |
//! | ciphertexts that add up | [`elgamal`] |
//!
//! ```text
//! once            leader  -> follower   key, rows, settings             follower -> leader   rows, settings
//! a tree          leader  -> follower   Enc(g), Enc(h) of each row
//! a level         follower -> leader    of each node: Enc of the sums left of each of its candidates, in random order
//!                 leader  -> follower   of each node: no split, or its own: which rows go right; or the number of a candidate
//!                 follower -> leader    of each node split by it: which rows go right
//! ```
//!
//! **Who learns what.** The follower: rows, tree shapes, which rows go where, which of its own candidates were chosen; gradients, labels, leaves and the
//! leader's features stay hidden (decisional Diffie-Hellman). The leader: which rows go where, and of each node the sums of `g` and `h` left of each
//! of the follower's candidates, not which feature or threshold they belong to: sums of its own numbers over sets that it does not know. **That is more
//! than with three parties**: sums over small sets would tell which rows they are by subtraction. So of a node candidates are only offered where at least
//! `min_rows` rows lie on either side and between one and the next; fewer than [`LEAST_ROWS`] are refused. Sums are encrypted anew before they go back,
//! or the randomness would tell what was added up.
//!
//! **Adversary:** semi-honest. What a party sends is checked for shape only.
//!
//! **Bytes:** 128 a row and tree, 128 a candidate and node, one bit a row and level each way at most. **Rounds:** `3 depth + 1` a tree.

pub mod elgamal;

mod follow;
mod lead;
mod words;

pub use follow::{Follower, follow};
pub use lead::{Lead, LeadTree, Place, lead};

use super::super::trees::{Boosting, Loss};
use crate::{Error, Result};

/// Fewest rows between two candidates: with fewer a difference of sums is about so few rows that it tells which.
pub const LEAST_ROWS: usize = 10;
/// Most rows: sums of 8-bit numbers stay below 2^28.
pub const MAX_ROWS: usize = 1 << 20;

/// `g` of a row is a multiple of this, from -1 to 1.
const GRADIENT: f64 = 127.0;
/// `h` of a row, from 0 to 1/4.
const CURVATURE: f64 = 1020.0;

fn check(settings: &Boosting, rows: usize) -> Result<()> {
    settings.check()?;
    if settings.loss != Loss::Logistic {
        return Err(Error::caller("two parties train for labels 0 and 1: `loss` has to be logistic"));
    }
    if settings.min_rows < LEAST_ROWS {
        return Err(Error::Unsafe {
            setting: "min_rows".into(),
            reason: format!("sums over fewer than {LEAST_ROWS} rows tell the owner of the labels which rows they are, by subtraction"),
            remedy: format!("at least {LEAST_ROWS}, or three parties, where no sum is seen"),
        });
    }
    if rows < 2 * settings.min_rows || rows > MAX_ROWS {
        return Err(Error::caller(format!("`{rows}` rows, expected {} to {MAX_ROWS}", 2 * settings.min_rows)));
    }
    Ok(())
}
