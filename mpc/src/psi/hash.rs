//! Key to group element and group element to tag, both separated by the session id.

use curve25519_dalek::ristretto::RistrettoPoint;
use sha2::{Digest, Sha512, Sha512_256};
use zeroize::{Zeroize, Zeroizing};

use crate::SessionId;

const TO_GROUP: &[u8] = b"yu-mpc/psi/h2c/v1";
const TO_TAG: &[u8] = b"yu-mpc/psi/tag/v1";

/// `derive(SHA-512(domain || session || len as u64 || key))`: a group element whose discrete logarithm nobody knows.
#[must_use]
pub fn to_group(session: &SessionId, key: &[u8]) -> RistrettoPoint {
    let mut digest = Sha512::new()
        .chain_update(TO_GROUP)
        .chain_update(session)
        .chain_update((key.len() as u64).to_le_bytes())
        .chain_update(key)
        .finalize();
    let mut uniform = Zeroizing::new([0; 64]);
    uniform.copy_from_slice(&digest);
    digest.as_mut_slice().zeroize();
    RistrettoPoint::from_uniform_bytes(&uniform)
}

/// The first `len <= 16` bytes of `SHA-512/256(domain || session || encoding)` as a little-endian number.
#[must_use]
pub fn to_tag(session: &SessionId, encoding: &[u8; 32], len: usize) -> u128 {
    let digest = Sha512_256::new().chain_update(TO_TAG).chain_update(session).chain_update(encoding).finalize();
    let mut bytes = [0; 16];
    let len = len.min(bytes.len());
    bytes[..len].copy_from_slice(&digest[..len]);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9496, appendix A.3: element derivation from 64 uniform bytes.
    #[test]
    fn element_derivation_matches_rfc_9496() {
        for (input, expected) in [
            (
                "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c14d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
                "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
            ),
            (
                "f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b270102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
                "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
            ),
            (
                "8422e1bbdaab52938b81fd602effb6f89110e1e57208ad12d9ad767e2e25510c27140775f9337088b982d83d7fcf0b2fa1edffe51952cbe7365e95c86eaf325c",
                "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
            ),
        ] {
            let uniform: [u8; 64] = hex::decode(input).unwrap().try_into().unwrap();
            assert_eq!(hex::encode(RistrettoPoint::from_uniform_bytes(&uniform).compress().as_bytes()), expected);
        }
    }

    #[test]
    fn sessions_and_keys_are_apart() {
        let base = to_group(&[1; 32], b"ab");
        assert_ne!(base, to_group(&[2; 32], b"ab"));
        assert_ne!(base, to_group(&[1; 32], b"ab\0"));
        let encoding = base.compress().to_bytes();
        let tag = to_tag(&[1; 32], &encoding, 10);
        assert_ne!(tag, to_tag(&[2; 32], &encoding, 10));
        assert!(tag < 1 << 80);
        assert_eq!(tag & 0xff_ffff, to_tag(&[1; 32], &encoding, 3));
    }

    /// Pins both hashes: parties of different versions must agree on them.
    #[test]
    fn hashes_are_pinned() {
        let mut input = b"yu-mpc/psi/h2c/v1".to_vec();
        input.extend([7; 32]);
        input.extend(3u64.to_le_bytes());
        input.extend(b"key");
        let uniform: [u8; 64] = Sha512::digest(&input).as_slice().try_into().unwrap();
        assert_eq!(to_group(&[7; 32], b"key"), RistrettoPoint::from_uniform_bytes(&uniform));
        let mut input = b"yu-mpc/psi/tag/v1".to_vec();
        input.extend([7; 32]);
        input.extend([9; 32]);
        let digest = Sha512_256::digest(&input);
        assert_eq!(to_tag(&[7; 32], &[9; 32], 5).to_le_bytes()[..5], digest[..5]);
    }
}
