//! SM2 signatures (GB/T 32918.2-2016) over the recommended curve (GB/T 32918.5-2017), with the user id that GM/T 0009-2012
//! section 10 gives when nothing else is agreed: what is hashed is `ZA || message`.
//!
//! The random number of a signature is derived from secret and message (RFC 6979 with SM3): a bad source of randomness cannot
//! give the key away. What is constant in time, and what is wiped: scalars and points are computed by `sm2` in constant time;
//! the stored secret is wiped when it is dropped, the copy on the stack during a signature is not (the crate's signing key has
//! no destructor).

use ::sm2::dsa::signature::{Signer as _, Verifier as _};
use ::sm2::dsa::{Signature, SigningKey, VerifyingKey};
use ::sm2::{PublicKey, SecretKey};
use zeroize::Zeroizing;

/// The user id behind `ZA`.
const ID: &str = "1234567812345678";

/// Bytes of a public key: `04`, x, y.
pub(super) const POINT: usize = 65;

/// The secret key with these bytes (big-endian): in [1, n-2], as GB/T 32918.1 section 6.1 demands.
pub(super) fn secret(bytes: &[u8; 32]) -> Option<SecretKey> {
    let secret = SecretKey::from_slice(bytes).ok()?;
    // n-1 would have no inverse of 1 + d
    SigningKey::new(ID, &secret).ok()?;
    (!is_order_less_one(bytes)).then_some(secret)
}

/// Whether these are the bytes of n-1.
fn is_order_less_one(bytes: &[u8; 32]) -> bool {
    const LAST: [u8; 32] = [
        0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x72, 0x03, 0xdf, 0x6b, 0x21, 0xc6,
        0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x22,
    ];
    // TIMING: no early exit
    bytes.iter().zip(LAST).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

pub(super) fn secret_bytes(secret: &SecretKey) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    let mut bytes = secret.to_bytes();
    out.copy_from_slice(&bytes);
    zeroize::Zeroize::zeroize(&mut bytes[..]);
    out
}

/// Signature r, s of the message.
pub(super) fn sign(secret: &SecretKey, message: &[u8]) -> [u8; 64] {
    let made = SigningKey::new(ID, secret).and_then(|key| key.try_sign(message));
    // INVARIANT: the secret is in range, and r = 0, s = 0 or r + k = n happen with a chance of 2^-254
    made.expect("a secret in range signs").to_bytes().into()
}

/// Whether r, s is the key's signature of the message; r and s in [1, n-1].
pub(super) fn is_signature(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    VerifyingKey::new(ID, *key).is_ok_and(|key| key.verify(message, &signature).is_ok())
}

/// The point with these bytes, if it is on the curve and written in full: a second encoding of a key is refused.
pub(super) fn public(bytes: &[u8; POINT]) -> Option<PublicKey> {
    let key = PublicKey::from_sec1_bytes(bytes).ok()?;
    (point(&key) == *bytes).then_some(key)
}

/// `04`, x, y.
pub(super) fn point(key: &PublicKey) -> [u8; POINT] {
    use ::sm2::elliptic_curve::sec1::ToSec1Point as _;
    let mut out = [0; POINT];
    let point = key.to_sec1_point(false);
    // INVARIANT: a public key is never the point at infinity, so its full form has 65 bytes
    out.copy_from_slice(point.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::parse_hex;

    /// GB/T 32918.5-2017, annex A.2 (the same as GM/T 0003.5-2012): key and signature of "message digest".
    const SECRET: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const PUBLIC: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
        ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const SIGNATURE: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
        b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    const MESSAGE: &[u8] = b"message digest";

    #[test]
    fn d12_the_standards_example_verifies_and_nothing_else() {
        let secret = secret(&parse_hex(SECRET).unwrap()).unwrap();
        assert_eq!(hex::encode(point(&secret.public_key())), PUBLIC);
        let (key, known): (_, [u8; 64]) = (public(&parse_hex(PUBLIC).unwrap()).unwrap(), parse_hex(SIGNATURE).unwrap());
        assert!(is_signature(&key, MESSAGE, &known));
        assert!(!is_signature(&key, b"message digesu", &known));
        for bit in 0..512 {
            let mut other = known;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_signature(&key, MESSAGE, &other), "bit {bit}");
        }
        assert!(!is_signature(&key, MESSAGE, &known[..63]) && !is_signature(&key, MESSAGE, &[0; 64]));
        let own = sign(&secret, MESSAGE);
        assert!(is_signature(&key, MESSAGE, &own));
        assert_eq!(own, sign(&secret, MESSAGE), "the random number is derived");
    }

    #[test]
    fn d12_bad_points_and_secrets_out_of_range_are_refused() {
        let good: [u8; POINT] = parse_hex(PUBLIC).unwrap();
        let mut off = good;
        off[64] ^= 1;
        assert!(public(&off).is_none(), "not on the curve");
        for first in [0, 2, 3, 5, 6, 7] {
            let mut other = good;
            other[0] = first;
            assert!(public(&other).is_none(), "another encoding, {first}");
        }
        assert!(public(&[0xff; POINT]).is_none() && public(&[0; POINT]).is_none());
        let order: [u8; 32] = parse_hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123").unwrap();
        let mut less = order;
        assert!(secret(&[0; 32]).is_none() && secret(&order).is_none() && secret(&[0xff; 32]).is_none());
        less[31] -= 1;
        assert!(secret(&less).is_none(), "n-1 has no inverse of 1 + d");
        less[31] -= 1;
        assert!(secret(&less).is_some());
    }
}
