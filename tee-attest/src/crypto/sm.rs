//! SM2 signatures (GB/T 32918.2) and SM3 digests (GB/T 32905), pure Rust in every build.

use sm2::dsa::signature::Verifier as _;
use sm2::dsa::{Signature, VerifyingKey};
use sm3::{Digest as _, Sm3};

/// SM3 over the parts, one after the other.
pub(crate) fn sm3(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sm3::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Whether `signature` (r then s, 32 bytes each, big-endian) over `message` verifies under the point `04 || x || y`
/// for a signer called `id` (GB/T 32918.2, 5.5: the id goes into the hash through Z).
pub(crate) fn sm2_verify(id: &str, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_sec1_bytes(id, key) else { return false };
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
