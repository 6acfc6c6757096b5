//! ElGamal in the exponent on Ristretto255: ciphertexts of small numbers that add up.
//!
//! `Enc(m) = (r G, m G + r P)` under `P = s G`. Whoever has `s` gets `m G`, and `m` by a search in a table (Shanks 1971): so plaintexts and
//! their sums are small. Secure against chosen plaintexts under decisional Diffie-Hellman. **A sum of ciphertexts has the sum of their randomness**, by which
//! the owner of the key could tell which of its own ciphertexts were added: [`PublicKey::fresh`] before a sum goes back to it.

use std::collections::HashMap;

use curve25519_dalek::constants::{RISTRETTO_BASEPOINT_POINT, RISTRETTO_BASEPOINT_TABLE};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use rand::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a ciphertext.
pub const CIPHER: usize = 64;

/// Giant steps that are looked at together.
const CHUNK: usize = 64;

/// An encrypted number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cipher {
    a: RistrettoPoint,
    b: RistrettoPoint,
}

impl Cipher {
    /// An encryption of zero that hides nothing.
    #[must_use]
    pub fn zero() -> Self {
        Self { a: RistrettoPoint::identity(), b: RistrettoPoint::identity() }
    }

    /// Of the sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        Self { a: self.a + other.a, b: self.b + other.b }
    }

    /// As it travels.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.a.compress().as_bytes());
        out.extend_from_slice(self.b.compress().as_bytes());
    }

    /// Reads what [`Self::write`] wrote; none for bytes that are no two points.
    #[must_use]
    pub fn read(bytes: &[u8; CIPHER]) -> Option<Self> {
        let (a, b) = bytes.split_at(32);
        let point = |half: &[u8]| CompressedRistretto::from_slice(half).ok()?.decompress();
        Some(Self { a: point(a)?, b: point(b)? })
    }
}

/// Encrypts.
pub struct PublicKey {
    point: CompressedRistretto,
    table: Box<RistrettoBasepointTable>,
}

impl PublicKey {
    /// As it travels.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.point.to_bytes()
    }

    /// None for what is no point, and for the identity, under which nothing is hidden.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let compressed = CompressedRistretto(bytes);
        let point = compressed.decompress().filter(|point| *point != RistrettoPoint::identity())?;
        Some(Self { point: compressed, table: Box::new(RistrettoBasepointTable::create(&point)) })
    }

    /// Encrypts a number, which may be negative.
    pub fn encrypt(&self, number: i64, rng: &mut impl CryptoRng) -> Cipher {
        let magnitude = Scalar::from(number.unsigned_abs());
        let mut number = if number < 0 { -magnitude } else { magnitude };
        let mut cipher = self.nothing(rng);
        cipher.b += RISTRETTO_BASEPOINT_TABLE * &number;
        number.zeroize();
        cipher
    }

    /// Another encryption of the same: nobody sees of what it was made.
    pub fn fresh(&self, cipher: &Cipher, rng: &mut impl CryptoRng) -> Cipher {
        cipher.add(&self.nothing(rng))
    }

    /// Encrypts zero.
    fn nothing(&self, rng: &mut impl CryptoRng) -> Cipher {
        let r = Zeroizing::new(Scalar::random(rng));
        Cipher { a: RISTRETTO_BASEPOINT_TABLE * &*r, b: &*self.table * &*r }
    }
}

/// Decrypts. It does not print.
pub struct SecretKey(Zeroizing<Scalar>);

impl SecretKey {
    /// A new key.
    #[must_use]
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self(Zeroizing::new(Scalar::random(rng)))
    }

    /// The key to encrypt with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let point = RISTRETTO_BASEPOINT_TABLE * &*self.0;
        PublicKey { point: point.compress(), table: Box::new(RistrettoBasepointTable::create(&point)) }
    }

    /// The number, if it is within the table's bound. Always the whole table is looked through: how long it takes tells nothing.
    #[must_use]
    pub fn decrypt(&self, cipher: &Cipher, table: &Logarithms) -> Option<i64> {
        table.of(&(cipher.b - *self.0 * cipher.a))
    }
}

/// Small multiples of the base point, to find a number by.
pub struct Logarithms {
    /// Number of each of the first multiples, by its doubled encoding.
    small: HashMap<[u8; 32], u32>,
    /// As many multiples in one step.
    step: RistrettoPoint,
    steps: usize,
    bound: i64,
}

impl Logarithms {
    /// For numbers of at most `bound` in absolute value.
    #[must_use]
    pub fn new(bound: u32) -> Self {
        let span = 2 * u64::from(bound) + 1;
        // memory for eight times the root, so that there are few steps
        let size = (((span as f64).sqrt() * 8.0) as u32).clamp(16, 1 << 17);
        let mut small = HashMap::with_capacity(size as usize);
        let (mut at, mut points) = (RistrettoPoint::identity(), Vec::with_capacity(CHUNK));
        for from in (0..size).step_by(CHUNK) {
            points.clear();
            for _ in from..(from + CHUNK as u32).min(size) {
                points.push(at);
                at += RISTRETTO_BASEPOINT_POINT;
            }
            let encoded = RistrettoPoint::double_and_compress_batch(&points);
            small.extend(encoded.into_iter().map(|point| point.to_bytes()).zip(from..));
        }
        Self { small, step: at, steps: span.div_ceil(u64::from(size)) as usize, bound: i64::from(bound) }
    }

    fn of(&self, point: &RistrettoPoint) -> Option<i64> {
        let mut at = point + RISTRETTO_BASEPOINT_TABLE * &Scalar::from(self.bound.unsigned_abs());
        let (mut found, mut points) = (None, Vec::with_capacity(CHUNK));
        for from in (0..self.steps).step_by(CHUNK) {
            points.clear();
            for _ in from..(from + CHUNK).min(self.steps) {
                points.push(at);
                at -= self.step;
            }
            for (place, encoded) in (from..).zip(RistrettoPoint::double_and_compress_batch(&points)) {
                if let Some(number) = self.small.get(encoded.as_bytes()) {
                    found = Some(place as i64 * self.small.len() as i64 + i64::from(*number) - self.bound);
                }
            }
        }
        found.filter(|number| number.abs() <= self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn sums_decrypt_to_sums(numbers in proptest::collection::vec(-255i64..=255, 1..40), seed: u64) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let key = SecretKey::random(&mut rng);
            let public = PublicKey::from_bytes(key.public().to_bytes()).unwrap();
            let table = Logarithms::new(40 * 255);
            let mut sum = Cipher::zero();
            for number in &numbers {
                let mut bytes = Vec::new();
                public.encrypt(*number, &mut rng).write(&mut bytes);
                sum = sum.add(&Cipher::read(bytes.as_slice().try_into().unwrap()).unwrap());
            }
            let fresh = public.fresh(&sum, &mut rng);
            prop_assert!(fresh != sum);
            prop_assert_eq!(key.decrypt(&fresh, &table), Some(numbers.iter().sum::<i64>()));
            // another key finds nothing
            prop_assert_eq!(SecretKey::random(&mut rng).decrypt(&fresh, &table), None);
        }
    }

    #[test]
    fn numbers_beyond_the_bound_are_not_found_and_the_ends_are() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let key = SecretKey::random(&mut rng);
        let (public, table) = (key.public(), Logarithms::new(1000));
        for number in [-1000, -999, -1, 0, 1, 16, 17, 999, 1000] {
            assert_eq!(key.decrypt(&public.encrypt(number, &mut rng), &table), Some(number));
        }
        assert_eq!(key.decrypt(&public.encrypt(1001, &mut rng), &table), None);
        assert_eq!(key.decrypt(&public.encrypt(-100_000, &mut rng), &table), None);
        assert!(PublicKey::from_bytes([0; 32]).is_none() && PublicKey::from_bytes([0xff; 32]).is_none());
        assert!(Cipher::read(&[0xff; CIPHER]).is_none());
    }
}
