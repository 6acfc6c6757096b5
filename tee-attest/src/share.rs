//! A data key in shares, any `k` of `n` of which give it back: Shamir's scheme over GF(2^8), byte by byte.
//!
//! Each provider holds one share and releases it only after its own verdict, so that one deceived provider opens nothing.
//! Fewer than `k` shares say nothing about the key (information-theoretic). Shares carry no authentication of their own:
//! each travels sealed and bound to its session, and the combined key is checked against its commitment.

use hpke::rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::crypto::sha256;
use crate::fault::{Fault, Result};
use crate::release::DataKey;

/// Bytes of a key that is split.
pub const KEY_BYTES: usize = 32;

/// One share: its point, and a byte for each byte of the key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Share {
    point: u8,
    bytes: [u8; KEY_BYTES],
}

impl Share {
    /// The form that is released: point, then bytes.
    ///
    /// # Errors
    /// Never for a share of this crate.
    pub fn to_key(&self) -> Result<DataKey> {
        let mut bytes = Zeroizing::new(vec![self.point]);
        bytes.extend_from_slice(&self.bytes);
        DataKey::new(&bytes)
    }

    /// From its released form.
    ///
    /// # Errors
    /// `share.form`.
    pub fn from_key(key: &DataKey) -> Result<Self> {
        match key.expose() {
            [point @ 1..=255, bytes @ ..] if bytes.len() == KEY_BYTES => {
                let mut share = Self { point: *point, bytes: [0; KEY_BYTES] };
                share.bytes.copy_from_slice(bytes);
                Ok(share)
            }
            _ => Err(Fault::new("share.form", "share of a key", "not a point and 32 bytes", "不是一个点加 32 字节")),
        }
    }
}

/// What the combined key must hash to: published beside the shares. Keys are uniform, so the hash tells nothing of use.
#[must_use]
pub fn commitment(key: &[u8; KEY_BYTES]) -> [u8; 32] {
    sha256(&[b"yu key commitment 1", key])
}

/// Splits a key so that any `threshold` of `count` shares give it back.
///
/// # Errors
/// `share.threshold` unless 1 <= threshold <= count <= 255.
pub fn split(key: &[u8; KEY_BYTES], threshold: u8, count: u8, rng: &mut impl CryptoRng) -> Result<Vec<Share>> {
    if threshold == 0 || threshold > count {
        return Err(Fault::new(
            "share.threshold",
            "split of a key",
            "a threshold of zero or above the number of shares",
            "门限为零或大于份额数",
        ));
    }
    let mut shares: Vec<Share> = (1..=count).map(|point| Share { point, bytes: [0; KEY_BYTES] }).collect();
    let mut coefficients = Zeroizing::new(vec![0; usize::from(threshold)]);
    for (index, secret) in key.iter().enumerate() {
        rng.fill_bytes(&mut coefficients);
        if let Some(constant) = coefficients.first_mut() {
            *constant = *secret;
        }
        for share in &mut shares {
            // Horner, highest coefficient first
            let value = coefficients.iter().rev().fold(0, |value, coefficient| multiply(value, share.point) ^ coefficient);
            if let Some(byte) = share.bytes.get_mut(index) {
                *byte = value;
            }
        }
    }
    Ok(shares)
}

/// Gives the key back from exactly `threshold` or more shares, and checks it.
///
/// # Errors
/// `share.points` for a point that comes twice; `share.commitment` if the key is not the committed one: too few shares, or a
/// wrong one.
pub fn combine(shares: &[Share], expected: &[u8; 32]) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    for (index, share) in shares.iter().enumerate() {
        if shares.iter().take(index).any(|other| other.point == share.point) {
            return Err(Fault::new("share.points", "shares of a key", "one share comes twice", "同一份额重复出现"));
        }
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for share in shares {
        let mut weight = 1;
        for other in shares.iter().filter(|other| other.point != share.point) {
            weight = multiply(weight, multiply(other.point, invert(other.point ^ share.point)));
        }
        key.iter_mut().zip(&share.bytes).for_each(|(byte, part)| *byte ^= multiply(*part, weight));
    }
    if commitment(&key) == *expected {
        return Ok(key);
    }
    Err(Fault::new(
        "share.commitment",
        "shares of a key",
        "they do not give the committed key: too few, or a wrong one",
        "份额无法还原所承诺的密钥：数量不足或有误",
    )
    .remedy("ask further providers for their shares", "请向其他提供方索取份额"))
}

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. TIMING: the same steps for all operands.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= a & (b & 1).wrapping_neg();
        a = (a << 1) ^ (0x1b & (a >> 7).wrapping_neg());
        b >>= 1;
    }
    product
}

/// a^254: the inverse of all but zero. Points are public.
fn invert(a: u8) -> u8 {
    (0..6).fold(multiply(a, a), |power, _| {
        let next = multiply(power, a);
        multiply(next, next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn every_inverse_is_one() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
        // FIPS 197, 4.2
        assert_eq!(multiply(0x57, 0x83), 0xc1);
    }

    #[test]
    fn any_k_of_n_give_the_key_and_fewer_do_not() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let key = [0x5a; KEY_BYTES];
        for (threshold, count) in [(1, 1), (2, 3), (3, 5)] {
            for mask in 0u32..1 << count {
                let shares = split(&key, threshold, count, &mut rng).unwrap();
                let chosen: Vec<Share> = shares.into_iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, s)| s).collect();
                let enough = chosen.len() >= usize::from(threshold);
                assert_eq!(combine(&chosen, &commitment(&key)).is_ok_and(|back| *back == key), enough, "{threshold} of {count}, {mask:b}");
            }
        }
        assert!(split(&key, 0, 3, &mut rng).is_err());
        assert!(split(&key, 4, 3, &mut rng).is_err());
    }

    #[test]
    fn a_changed_or_repeated_share_is_found() {
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        let key = [1; KEY_BYTES];
        let mut shares = split(&key, 2, 3, &mut rng).unwrap();
        shares[0].bytes[5] ^= 1;
        assert_eq!(combine(&shares[..2], &commitment(&key)).err().unwrap().code, "share.commitment");
        let again = Share::from_key(&shares[0].to_key().unwrap()).unwrap();
        assert_eq!(combine(&[again, shares.remove(0)], &commitment(&key)).err().unwrap().code, "share.points");
    }
}
