//! The inner layer (内层加密): SM2, SM3 and SM4 inside TLS, on every stream of every connection of a domain of the national suite.
//!
//! TLS 1.3 stays outside, as in the standard suite: it authenticates certificates, hides lengths and ends of the handshake, and
//! is what networks know. An assessment of the national algorithms looks at this layer: it protects by itself, whatever the
//! outer one is worth.
//!
//! **What it computes.** One handshake per connection, on its first stream; then every stream carries records.
//!
//! **Parties.** The dialling side D and the accepting side A, each with an SM2 signing key (GB/T 32918.2) that the other knows from
//! its node card. Who redeems a ticket, or is shown one, is not known yet: its key is taken as presented, given to the caller by
//! `Connection::inner_key`, and must be the key of the card.
//!
//! **Adversary.** Reads, changes, drops, replays, reorders and reflects everything, also if it broke the outer layer; it may
//! own other nodes. It cannot forge SM2 signatures, solve the Diffie-Hellman problem on SM2's curve, or break SM4-GCM or SM3.
//! Keys of a finished connection stay secret when signing keys are stolen later: the shared secret is of fresh keys.
//!
//! **Construction.** Signed ephemeral Diffie-Hellman (SIGMA, Krawczyk 2003) over the curve of GB/T 32918.5, with the key
//! derivation of GB/T 32918.4 section 5.4.3. GB/T 32918.3 describes another agreement (two scalars mixed, no signatures); we deviate
//! from it, because the signatures of the nodes' keys then cover the whole transcript, and these keys need not serve two purposes.
//!
//! ```text
//! M1  D -> A   1, eD
//! M2  A -> D   2, eA, kA, sign(kA: "accept", T2), mac(confirm A, T2)      T2 = SM3(tag, exporter, D, A, eD, eA, kA)
//! M3  D -> A   3, kD, sign(kD: "dial", T3), mac(confirm D, T3)            T3 = SM3(T2, kD)
//! M4  A -> D   4, mac(admit, T3)
//! ```
//! `e` are fresh points and `k` the signing keys, each `04 || x || y`; D and A are the names in the certificates, with their lengths;
//! `exporter` is keying material of this TLS connection, so that a handshake is good for one connection. `mac` is HMAC-SM3. Keys
//! are derived from x(eD * eA) and T2 (confirmations) or T3 (master). A signature under either label never fits the other
//! direction, so that a message cannot be sent back to its sender.
//!
//! **Rounds and bytes.** Two round trips; 66 + 227 + 162 + 33 bytes. A record costs 20 bytes for up to 64 KiB.
//!
//! **Records.** Each direction of each stream has a key of its own, derived from the master, the writing side and the stream's
//! number, and counts its records in the nonce: `length and end mark (4) || ciphertext || tag (16)`, with the first four bytes
//! as associated data. After 2^20 records (2^36 bytes) the key is replaced by one derived from it. The last record of a direction says so:
//! a stream that ends without it was cut. Streams are numbered by the carrier, a number is used once.
//!
//! **Not protected.** That two nodes talk, when, and how much; a cut is seen, not prevented. The time of SM4: see
//! [`crate::sm4gcm`].

mod handshake;
mod record;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::seal::sm2::kdf;
use crate::trust::Peer;

pub(crate) use handshake::{accept, dial};
pub(crate) use record::{Opener, Sealer};

/// Bytes of a public key: `04`, x, y.
pub const POINT: usize = 65;

/// A node's SM2 signing key, and what it knows of its peers' keys.
pub trait InnerIdentity: Send + Sync {
    /// Our key, `04 || x || y`.
    fn public(&self) -> [u8; POINT];

    /// Our signature (r, s) over a message.
    fn sign(&self, message: &[u8]) -> [u8; 64];

    /// Whether the signature over the message is by this key.
    fn verify(&self, key: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool;

    /// Whether the peer may use this key: a known node its own one only.
    ///
    /// # Errors
    /// Why not.
    fn judge(&self, peer: &Peer, key: &[u8; POINT]) -> Result<(), String>;
}

/// The identity of an endpoint's inner layer.
#[derive(Clone)]
pub struct Inner(pub Arc<dyn InnerIdentity>);

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

/// Which side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Dial,
    Accept,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Dial => Self::Accept,
            Self::Accept => Self::Dial,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Dial => 1,
            Self::Accept => 2,
        }
    }
}

/// What a finished handshake leaves: keys for every stream of the connection, and the peer's key.
pub(crate) struct Keys {
    side: Side,
    master: Zeroizing<[u8; 32]>,
    peer: [u8; POINT],
}

impl Keys {
    /// Both directions of the stream with this number.
    pub(crate) fn stream(&self, number: u64) -> (Sealer, Opener) {
        let seed = |writer: Side| kdf::<32>(&[&self.master[..], b"yu-inner-stream-v1\0", &[writer.byte()], &number.to_be_bytes()]);
        (Sealer::new(seed(self.side)), Opener::new(seed(self.side.other())))
    }

    /// The peer's signing key.
    pub(crate) const fn peer(&self) -> &[u8; POINT] {
        &self.peer
    }
}
