//! Secure aggregation (安全聚合): a server learns the sum of the parties' integer vectors and nothing else about them.
//!
//! | to see | open |
//! |---|---|
//! | what is agreed beforehand, thresholds | [`config`] |
//! | the party | [`client`] |
//! | the server | [`server`] |
//! | what is sent, with sizes | [`msg`] |
//! | who is joined to whom | [`graph`] |
//! | long-term keys | [`identity`] |
//! | all parties in one process | [`simulate`] |
//!
//! **Protocol.** Bonawitz et al. 2017/281, figure 4: party `u` sends `x_u + PRG(b_u) + sum_{v > u} PRG(s_uv) - sum_{v < u} PRG(s_uv)`;
//! both `b_u` and the secret behind all `s_uv` are shared among its neighbours, and for each party the server gets one of the
//! two: `b_u` if the vector came, the other if it did not. For many parties there is the graph of Bell et al. 2020/704
//! ([`Topology::sparse`]): it holds for a number of colluding parties that is named, not for fewer than half.
//!
//! | stage | party sends | server sends | kept by |
//! |---|---|---|---|
//! | once for `R` rounds | [`msg::Advert`] | [`msg::Roster`] | [`client::Offered`], [`server::Enrolling`] |
//! | once for `R` rounds | [`msg::Shares`] | [`msg::Delivery`] | [`client::Dealt`], [`server::Sharing`] |
//! | every round | [`msg::Masked`] | [`msg::Survivors`] | [`client::Session`], [`server::Collecting`] |
//! | every round, malicious server | [`msg::Consent`] | [`msg::Consents`] | [`client::Sent`], [`server::Closing`] |
//! | every round | [`msg::Unmask`] | | [`client::Sent`], [`server::Unmasking`] |
//!
//! So 2 exchanges once and 2 (semi-honest server) or 3 (malicious server) in every round. A vector is `ceil(len W / 64)` words
//! with `W = ceil(log2(n (2^b - 1) + 1))`: 20 bits a weight for 10 parties and 16-bit weights.
//!
//! ```
//! # use std::sync::Arc;
//! # use ed25519_dalek::{Signer as _, SigningKey};
//! # use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
//! use yu_fedlearn::secagg::{Adversary, Config, Params, Topology, simulate};
//!
//! # struct Key(SigningKey);
//! # impl Signer for Key {
//! #     fn sign(&self, message: &[u8]) -> Signature {
//! #         Signature(self.0.sign(message).to_bytes())
//! #     }
//! # }
//! # struct Keys;
//! # impl Verifier for Keys {
//! #     fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
//! #         let key = SigningKey::from_bytes(&[party as u8; 32]).verifying_key();
//! #         key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
//! #     }
//! # }
//! # let signers: Vec<Key> = (0..4).map(|party| Key(SigningKey::from_bytes(&[party; 32]))).collect();
//! let config = Config::new(Params {
//!     job: [1; 32],
//!     first_round: 0,
//!     rounds: 1,
//!     server: "platform".into(),
//!     parties: ["bank", "tax", "health", "grid"].map(String::from).to_vec(),
//!     len: 3,
//!     bits: 16,
//!     long: 0,
//!     adversary: Adversary::SemiHonest,
//!     topology: Topology::recommended(4, Adversary::SemiHonest),
//! })?;
//! // the tax office drops out after it dealt its shares
//! let gone = [(1, simulate::Stage::Masked)];
//! let inputs = [vec![1, 2, 3], vec![9, 9, 9], vec![10, 20, 30], vec![0, 0, 65535]];
//! let round = simulate::run(Arc::new(config), &signers, &Keys, &inputs, &gone, &[7; 32])?;
//! assert_eq!(round.sum.weights, [11, 22, 65568]);
//! # Ok::<(), yu_fedlearn::Error>(())
//! ```
//!
//! **Adversary.** [`config::Adversary`]: the server, semi-honest or malicious, together with parties below the threshold. Parties
//! that drop out at any stage cost nothing but their own input as long as [`config::Config::quorum`] are left; fewer than 3
//! survivors are refused. Assumed: decisional Diffie-Hellman in X25519 and Ristretto255, HKDF-SHA256 as a random oracle
//! (`b_u` is hidden behind `b_u G`), AES-256, the parties' signatures.
//!
//! **How it deviates from the papers.**
//! - Secrets are scalars that are shared verifiably (Feldman), and the mask key of a party is the first commitment: a party
//!   cannot share something else than its key, and a forged share names who forged it.
//! - The mask key agreement is in Ristretto255, not X25519: same curve, same strength, no clamping. Channels are X25519.
//! - A whole session of `R` rounds is set up at once with fresh keys for each round, so no key is used in two rounds and a party
//!   that dropped out of one round is back in the next. Cost: `64 t R` bytes of commitments and `64 R` bytes of shares a pair.
//! - Keys are bound to each other by a transcript hash over all adverts, which salts every derivation: parties with different
//!   views of the keys cannot even open each other's shares.
//! - The graph is drawn from the transcript, not by the server. Its bounds are exact sums ([`graph`]).
//! - Vectors are added as long integers, block by block: no unpacking under the mask, exactly `W` bits a weight.
//!
//! **Who is named.** By the server: who sent it something that does not fit. By a party: keys or shares that their owner did not
//! sign are the server's fault, which carried them; signed keys that are no points of the group or of low order their owner's. Signed shares that do not open or do not fit the commitments: the dealer. Forged shares
//! in the last stage: the holder that sent them; the sum is then made of the others. Survivor sets that differ, leave the party
//! out, or come twice: the server. A sum out of range: all survivors, since what hides their inputs hides whose it was.
//!
//! **Not protected.** A party may send any vector below `2^b` and, if it is malicious, any group element: the range is enforced by
//! honest parties before masking and checked on the sum only. A bound that holds against malicious parties needs a proof: Prio3
//! (libprio-rs) gives it with two aggregators that do not collude, at 16 bytes an input bit; there is no cheap sound check with one
//! server. Two sums of the same vectors over different survivors differ by somebody's vector: a caller that repeats a failed
//! round masks anew what it trained anew, or leaves the round out. The sum itself may reveal inputs (all others known, or equal): add noise. The server may announce a wrong sum or
//! stop. Who took part, vector lengths and timing are public.

pub mod client;
pub mod config;
pub mod graph;
pub mod identity;
pub mod msg;
pub mod server;
pub mod set;
pub mod simulate;

mod keys;
mod layout;
mod mask;
mod shamir;
#[cfg(test)]
mod view;

pub use config::{Adversary, Config, Params};
pub use graph::{Regular, Topology};
pub use layout::BLOCK;
pub use layout::Layout;
pub use set::PartySet;
