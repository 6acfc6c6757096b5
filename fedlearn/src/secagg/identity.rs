//! Long-term keys of the parties, as far as secure aggregation needs them: who signs, who checks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signature of 64 bytes, as Ed25519 and SM2 give it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// One party's long-term key. What is signed begins with a domain tag of this module.
pub trait Signer {
    /// Signs a message.
    fn sign(&self, message: &[u8]) -> Signature;
}

/// The long-term public keys of all parties of a job, for instance those that its contract names.
pub trait Verifier: Sync {
    /// Whether `party` signed `message`. `false` for a party without a key.
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool;
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signature")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (low, high) = self.0.split_at(32);
        let half = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).expect("half of 64 bytes");
        (half(low), half(high)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (low, high) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&low);
        bytes[32..].copy_from_slice(&high);
        Ok(Self(bytes))
    }
}
