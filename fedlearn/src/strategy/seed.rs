//! Generators by name: a run that is resumed, or done again, draws the same.

use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::Sha256;

/// The generator of a purpose, round and party, from a secret seed (HKDF-SHA256; the label is
/// `yu-fedlearn/1/`, the purpose, 0, round and party as little-endian u64 and u32).
///
/// For sampling, shuffling and stochastic rounding. **Not for noise of differential privacy that has been released:** a generator that
/// is asked twice for the same round gives the same noise only for the same data; see [`crate::privacy::Releases`].
#[must_use]
pub fn generator(seed: &[u8; 32], purpose: &str, round: u64, party: u32) -> ChaCha20Rng {
    let mut label = b"yu-fedlearn/1/".to_vec();
    label.extend_from_slice(purpose.as_bytes());
    label.push(0);
    label.extend_from_slice(&round.to_le_bytes());
    label.extend_from_slice(&party.to_le_bytes());
    let mut key = zeroize::Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, seed).expand(&label, &mut *key).expect("32 bytes are within HKDF's limit");
    ChaCha20Rng::from_seed(*key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn names_are_apart() {
        let draw = |purpose: &str, round, party| generator(&[1; 32], purpose, round, party).next_u64();
        let first = draw("batch", 1, 2);
        assert_eq!(first, draw("batch", 1, 2));
        assert!([draw("noise", 1, 2), draw("batch", 2, 2), draw("batch", 1, 3)].iter().all(|other| *other != first));
    }
}
