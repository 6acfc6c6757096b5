//! RustCrypto: no C, no assembly. Three to six times slower.

use p256::ecdsa::signature::Verifier as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;

use super::{Form, Provider, Scheme};

/// Signature checks by the RustCrypto crates.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Provider for RustCrypto {
    fn name(&self) -> &'static str {
        "rustcrypto"
    }

    fn verify(&self, scheme: Scheme, form: Form, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        match scheme {
            Scheme::P256Sha256 => p256_verify(form, key, message, signature),
            Scheme::P384Sha384 => p384_verify(form, key, message, signature),
            Scheme::RsaPkcs1Sha256 => rsa_key(key).is_some_and(|key| {
                let Ok(signature) = rsa::pkcs1v15::Signature::try_from(signature) else { return false };
                rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(key).verify(message, &signature).is_ok()
            }),
            Scheme::RsaPssSha256 => rsa_key(key).is_some_and(|key| {
                let Ok(signature) = rsa::pss::Signature::try_from(signature) else { return false };
                rsa::pss::VerifyingKey::<sha2::Sha256>::new(key).verify(message, &signature).is_ok()
            }),
            Scheme::RsaPssSha384 => rsa_key(key).is_some_and(|key| {
                let Ok(signature) = rsa::pss::Signature::try_from(signature) else { return false };
                rsa::pss::VerifyingKey::<sha2::Sha384>::new(key).verify(message, &signature).is_ok()
            }),
        }
    }
}

fn p256_verify(form: Form, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use p256::ecdsa::{Signature, VerifyingKey};
    let Ok(key) = VerifyingKey::from_sec1_bytes(key) else { return false };
    let signature = match form {
        Form::Fixed => Signature::from_slice(signature),
        Form::Der => Signature::from_der(signature),
    };
    signature.is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn p384_verify(form: Form, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use p384::ecdsa::{Signature, VerifyingKey};
    let Ok(key) = VerifyingKey::from_sec1_bytes(key) else { return false };
    let signature = match form {
        Form::Fixed => Signature::from_slice(signature),
        Form::Der => Signature::from_der(signature),
    };
    signature.is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

/// The same bounds on the modulus as the other provider: 2048 to 8192 bits.
fn rsa_key(der: &[u8]) -> Option<rsa::PublicKey> {
    let key = rsa::PublicKey::from_pkcs1_der(der).ok()?;
    (256..=1024).contains(&key.size()).then_some(key)
}
