//! Sealing with the national algorithms: Diffie-Hellman over the curve of SM2 (GB/T 32918.5-2017) with a fresh key, the key
//! derivation of GB/T 32918.4-2016 section 5.4.3 (SM3), and SM4-GCM.
//!
//! It is built like HPKE's base mode and unlike the public-key encryption of GB/T 32918.4, which knows no associated data and
//! whose check value is no authenticated encryption. Public keys are x coordinates: the two points of an x differ in sign only, and
//! the x of a product is the same for both, so that a key has 32 bytes as those of the standard suite.

use ::sm2::elliptic_curve::point::AffineCoordinates as _;
use ::sm2::{PublicKey, SecretKey};
use rand::CryptoRng;
use sm3::{Digest as _, Sm3};
use zeroize::{Zeroize as _, Zeroizing};

use crate::sm4gcm::{KEY, NONCE, Sm4Gcm, TAG};
use crate::{Error, Result};

/// Name of the algorithms.
pub(super) const ALG: &str = "ecdh-sm2-sm3-sm4-gcm";
/// Domain of the derived keys.
const DOMAIN: &[u8] = b"yu-seal-sm2-v1\0";

/// A fresh secret key.
pub(crate) fn generate(rng: &mut impl CryptoRng) -> SecretKey {
    loop {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut bytes[..]);
        // one number in 2^32 is out of range
        if let Ok(secret) = SecretKey::from_slice(&bytes[..]) {
            return secret;
        }
    }
}

/// The secret bytes.
pub(super) fn secret_bytes(secret: &SecretKey) -> Zeroizing<[u8; 32]> {
    let mut bytes = secret.to_bytes();
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(&bytes);
    bytes[..].zeroize();
    out
}

/// The x coordinate of the public key.
pub(super) fn public_x(secret: &SecretKey) -> [u8; 32] {
    secret.public_key().as_affine().x().into()
}

/// x coordinate of secret times point.
pub(crate) fn product(secret: &SecretKey, point: &PublicKey) -> Zeroizing<[u8; 32]> {
    let scalar = Zeroizing::new(secret.to_nonzero_scalar());
    Zeroizing::new((point.to_projective() * **scalar).to_affine().x().into())
}

/// The key derivation function of GB/T 32918.4-2016 section 5.4.3: SM3(z || 1) || SM3(z || 2) || ...
pub(crate) fn kdf<const N: usize>(z: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    for (counter, block) in (1_u32..).zip(out.chunks_mut(32)) {
        let hasher = z.iter().fold(Sm3::new(), |hasher, part| hasher.chain_update(part)).chain_update(counter.to_be_bytes());
        let mut hash: [u8; 32] = hasher.finalize().into();
        block.copy_from_slice(hash.get(..block.len()).unwrap_or_default());
        hash.zeroize();
    }
    out
}

/// A point with this x coordinate.
fn lift(x: &[u8]) -> Option<PublicKey> {
    (x.len() == 32).then(|| PublicKey::from_sec1_bytes(&[&[2], x].concat()).ok()).flatten()
}

/// Key and nonce of one message.
fn keys(shared: &[u8; 32], enc: &[u8], to: &[u8; 32], info: &[u8]) -> (Sm4Gcm, [u8; NONCE]) {
    let okm = kdf::<{ KEY + NONCE }>(&[shared, DOMAIN, enc, to, &(info.len() as u64).to_le_bytes(), info]);
    let (mut key, mut nonce) = (Zeroizing::new([0; KEY]), [0; NONCE]);
    let (left, right) = okm.split_at(KEY);
    key.copy_from_slice(left);
    nonce.copy_from_slice(right);
    (Sm4Gcm::new(&key), nonce)
}

/// Encapsulated key and ciphertext.
pub(super) fn seal(to: &[u8; 32], info: &[u8], aad: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Result<(Vec<u8>, Vec<u8>)> {
    let point = lift(to).ok_or_else(|| Error::Crypto("recipient's sealing key is not usable".into()))?;
    let fresh = generate(rng);
    let enc = public_x(&fresh);
    let (cipher, nonce) = keys(&product(&fresh, &point), &enc, to, info);
    let mut sealed = plaintext.to_vec();
    let tag = cipher.seal(&nonce, aad, &mut sealed)?;
    sealed.extend_from_slice(&tag);
    Ok((enc.to_vec(), sealed))
}

/// The plaintext, if key, `info`, `aad` and every bit are as they were.
pub(super) fn open(secret: &SecretKey, info: &[u8], aad: &[u8], enc: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let point = lift(enc)?;
    let (body, tag) = sealed.split_last_chunk::<TAG>()?;
    let (cipher, nonce) = keys(&product(secret, &point), enc, &public_x(secret), info);
    let mut plain = Zeroizing::new(body.to_vec());
    cipher.open(&nonce, aad, &mut plain, tag).ok()?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_the_key_derivation_continues_over_blocks() {
        let sm3 = |parts: &[&[u8]]| -> [u8; 32] { parts.iter().fold(Sm3::new(), |h, part| h.chain_update(part)).finalize().into() };
        let out = kdf::<80>(&[b"a", b"b"]);
        assert_eq!(out[..32], sm3(&[b"ab", &1_u32.to_be_bytes()]));
        assert_eq!(out[32..64], sm3(&[b"ab", &2_u32.to_be_bytes()]));
        assert_eq!(out[64..], sm3(&[b"ab", &3_u32.to_be_bytes()])[..16]);
    }

    #[test]
    fn d12_both_points_of_an_x_give_one_product() {
        let secret = |n: u8| SecretKey::from_slice(&[n; 32]).unwrap();
        let (a, b) = (secret(3), secret(5));
        assert_eq!(product(&a, &b.public_key()), product(&b, &a.public_key()));
        assert_eq!(product(&a, &lift(&public_x(&b)).unwrap()), product(&a, &b.public_key()));
        // about half of all x have no point, and none beyond the field
        assert!((0..64_u8).any(|n| lift(&[n; 32]).is_none()) && lift(&[0xff; 32]).is_none() && lift(&[0; 31]).is_none());
    }
}
