//! Keys between two parties: how they agree, what they derive, how a share travels under them.
//!
//! Two key pairs a party. The one of the channel is X25519 (RFC 7748) with a full-entropy 32-byte secret; a shared secret of
//! zero, which a point of low order gives, is refused. The one of the masks is Diffie-Hellman in Ristretto255, the prime-order
//! group over the same curve: it has no clamping and no low-order points but the identity, so the same scalar can be shared
//! verifiably ([`super::shamir`]) and the public key is the constant term of the commitments.
//!
//! All derivations are HKDF-SHA256 (RFC 5869) with the transcript as salt: it binds job, first round, parties, parameters and
//! every advertised key. The info binds a tag, who with whom, and the round.

use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::mask;

pub(super) type Hash = [u8; 32];
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// The secret of a channel; wiped on drop.
pub(super) struct ChannelKey(Secret);

impl ChannelKey {
    pub(super) fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut bytes[..]);
        Self(bytes)
    }

    pub(super) fn public(&self) -> [u8; 32] {
        MontgomeryPoint::mul_base_clamped(*self.0).to_bytes()
    }

    /// Keys for messages in both directions; `None` if the peer's key is of low order.
    pub(super) fn agree(&self, peer: &[u8; 32], transcript: &Hash, me: u32, other: u32) -> Option<(Outgoing, Incoming)> {
        let shared = Zeroizing::new(MontgomeryPoint(*peer).mul_clamped(*self.0));
        if bool::from(shared.as_bytes().ct_eq(&[0; 32])) {
            return None;
        }
        let keys = |from, to| derive(transcript, shared.as_bytes(), b"channel", from, to, 0);
        Some((Outgoing(keys(me, other)), Incoming(keys(other, me))))
    }
}

/// Whether a channel key gives a shared secret with everybody: clamped secrets are multiples of 8, so all or none.
pub(super) fn is_usable(public: &[u8; 32]) -> bool {
    MontgomeryPoint(*public).mul_clamped([0; 32]).as_bytes() != &[0; 32]
}

/// For one message, encrypted (AES-256 in counter mode) and then authenticated (HMAC-SHA256). The keys belong to sender,
/// receiver and transcript, so the message does; wiped on drop.
pub(super) struct Outgoing(Zeroizing<[u8; 64]>);

/// The other end of [`Outgoing`].
pub(super) struct Incoming(Zeroizing<[u8; 64]>);

impl Outgoing {
    /// The ciphertext, as long as the plaintext, and its tag.
    pub(super) fn seal(self, mut plain: Zeroizing<Vec<u8>>) -> (Vec<u8>, Hash) {
        let (encrypt, authenticate) = split(&self.0);
        mask::xor(&encrypt, &mut plain);
        let tag = tag(&authenticate, &plain).finalize().into_bytes().into();
        (std::mem::take(&mut *plain), tag)
    }
}

impl Incoming {
    /// The plaintext; `None` if tag, sender, receiver or transcript differ.
    pub(super) fn open(self, cipher: &[u8], claimed: &Hash) -> Option<Zeroizing<Vec<u8>>> {
        let (encrypt, authenticate) = split(&self.0);
        tag(&authenticate, cipher).verify_slice(claimed).ok()?;
        let mut plain = Zeroizing::new(cipher.to_vec());
        mask::xor(&encrypt, &mut plain);
        Some(plain)
    }
}

fn split(keys: &[u8; 64]) -> (Secret, Secret) {
    let (mut first, mut second) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    first.copy_from_slice(&keys[..32]);
    second.copy_from_slice(&keys[32..]);
    (first, second)
}

fn tag(key: &[u8; 32], message: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(message)
}

/// Seed of the mask of two parties in a round; both get the same.
pub(super) fn pair_seed(transcript: &Hash, secret: &Scalar, public: &RistrettoPoint, me: u32, other: u32, round: u32) -> Secret {
    let shared = Zeroizing::new((public * secret).compress());
    derive(transcript, shared.as_bytes(), b"pair", me.min(other), me.max(other), round)
}

/// Seed of a party's own mask in a round.
pub(super) fn own_seed(transcript: &Hash, secret: &Scalar, party: u32, round: u32) -> Secret {
    derive(transcript, secret.as_bytes(), b"own", party, party, round)
}

fn derive<const LEN: usize>(transcript: &Hash, input: &[u8], what: &[u8], from: u32, to: u32, round: u32) -> Zeroizing<[u8; LEN]> {
    let mut out = Zeroizing::new([0; LEN]);
    let info: [&[u8]; 5] = [b"yu-fedlearn/secagg/v1/", what, &from.to_le_bytes(), &to.to_le_bytes(), &round.to_le_bytes()];
    Hkdf::<Sha256>::new(Some(transcript), input).expand_multi_info(&info, &mut out[..]).expect("far below 255 blocks");
    out
}
