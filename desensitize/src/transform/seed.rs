//! Seeds of random operators: drawn from the caller's generator, and committed to, so that a choice can be checked later.

use std::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{CryptoRng, Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::digest::{Hash, hash};

/// SHA-256 of `yu.transform/1 seed` and the 32 bytes of a seed: binds to the seed and, as this is uniform, hides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeedCommitment(String);

impl SeedCommitment {
    /// Whether this is the commitment of a seed.
    #[must_use]
    pub fn opens(&self, seed: &[u8; 32]) -> bool {
        Self::of(seed) == *self
    }

    /// The commitment to a seed.
    #[must_use]
    pub fn of(seed: &[u8; 32]) -> Self {
        let message = Zeroizing::new([b"yu.transform/1 seed".as_slice(), seed].concat());
        Self(hex::encode(hash(Hash::Sha256, &message)))
    }
}

impl fmt::Display for SeedCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ChaCha20 seed.
pub(super) struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    pub(super) fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self(seed)
    }

    pub(super) fn commitment(&self) -> SeedCommitment {
        SeedCommitment::of(&self.0)
    }

    pub(super) fn rng(&self) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(*self.0)
    }

    pub(super) fn into_bytes(self) -> Zeroizing<[u8; 32]> {
        self.0
    }
}

/// A uniform number below `bound`, by rejection. INVARIANT: `bound > 0`.
pub(super) fn below(rng: &mut ChaCha20Rng, bound: u64) -> u64 {
    let zone = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let value = rng.next_u64();
        if value <= zone {
            return value % bound;
        }
    }
}
