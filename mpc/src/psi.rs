//! Private set intersection (隐私求交) between two parties by Diffie-Hellman on Ristretto.
//!
//! **What it computes.** Which of a party's rows have a key that the other party has too. Both sides get the indices of
//! their own matched rows in one common order, so that row `k` of one side and row `k` of the other belong together.
//!
//! **Parties and what each learns.** Two, symmetric. Each learns the other's number of rows, the number of matches, and
//! which of its own rows matched (`reveal_match = both`); nothing about the other's unmatched keys.
//!
//! **Adversary.** Semi-honest, one corruption. Decisional Diffie-Hellman in ristretto255 (about 126 bits) with the hash to
//! the group as random oracle.
//!
//! **Paper.** Meadows 1986; Huberman, Franklin, Hogg: Enhancing privacy and trust in electronic communities, EC 1999. Group:
//! RFC 9496 (ristretto255), element derivation of section 4.3.4 from 64 uniform bytes.
//!
//! **How we deviate.**
//! - `H(key) = derive(SHA-512("yu-mpc/psi/h2c/v1" || session id || len(key) as u64 || key))`. The session id makes points and tags of two
//!   runs unrelated even under equal exponents; exponents are fresh in every run anyway.
//! - Both sides send their points in a secret random order and get the tags back in that order, so positions carry
//!   nothing. The result is ordered by tag.
//! - Doubly masked points are not sent but their tags: the first [`tag_len`] bytes of `SHA-512/256("yu-mpc/psi/tag/v1" || session id ||
//!   encoding)`, `40 + ceil(log2 n_left) + ceil(log2 n_right)` bits rounded up to bytes. A false match occurs with probability `2^-40` at most
//!   over the whole run. Two tags of one side coincide with probability `2^-41 n / n'` (sizes `n`, `n'`), which ends the run with
//!   an error: another reason for a limit on the ratio.
//! - Sizes are exchanged and checked ([`Limits`]) before anything else is sent: who joins with one row learns whether it
//!   is a member.
//! - Checked on receipt: exact number and length of points and tags, canonical encoding, identity refused, repeated
//!   points refused, our own points sent back to us refused, equal tags refused.
//!
//! **Rounds and bytes** (payload; frames add 32 per 256 KiB): 3 rounds.
//!
//! | message | left to right | right to left |
//! |---|---|---|
//! | hello | 12 | 12 |
//! | points | 32 n_left | 32 n_right |
//! | tags | n_right tag_len | n_left tag_len |
//!
//! **What is not protected.** Sizes of the inputs and of the intersection. A malicious party may put in any keys it likes
//! (the input is not bound to anything) or lie in its tags, so that the other gets a wrong intersection. Repeated runs over
//! changed inputs show differences: limits on runs per pair and day belong to the policy above. Local memory access while
//! permuting depends on the secret order.
//!
//! | to see | open |
//! |---|---|
//! | limits, sizes, session id | [`config`] |
//! | the messages | [`msg`] |
//! | key to point, point to tag | [`hash`] |
//! | the pure states | [`party`] |
//! | the loop that moves messages | [`drive`] |

pub mod config;
pub mod drive;
pub mod hash;
pub mod msg;
pub mod party;

pub use config::{Config, Limits, MAX_ROWS, tag_len};
pub use drive::{formula, run};
pub use msg::{Hello, PsiStep};
pub use party::Matched;
